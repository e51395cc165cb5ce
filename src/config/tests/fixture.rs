//! Kinds, variables and files that the tests of the configuration share.

use std::path::{Path, PathBuf};
use std::time::Duration;

use throughline_sdk::{
    Capabilities, ConditionalWrite, CreateClass, Error, ErrorKind, Feed, Linking, Setting, SettingKind,
    Settings,
};

use super::super::findings::Source;
use super::super::{Config, Environment, KindAnswers, KindSettings, Problems, load, read};

/// A file that uses every part of the declaration.
pub(in super::super) const FULL: &str = include_str!("full.toml");

/// Environments of tests.
#[derive(Debug)]
pub(in super::super) enum Variables {
    /// Every variable is set.
    All,
    /// All but those with `MISSING` in their names.
    NotMissing,
    /// Every variable is set to what the real connectors take.
    Fitting,
}

impl Environment for Variables {
    fn var(&self, name: &str) -> Option<String> {
        match self {
            Self::NotMissing if name.contains("MISSING") => None,
            _ if name == "MASTER_KEY" => Some("0a".repeat(32)),
            Self::Fitting if name == "RT_TOKEN" => Some("1-23-0123456789abcdef".to_owned()),
            Self::All | Self::NotMissing | Self::Fitting => Some(format!("s3cr3t of {name}")),
        }
    }
}

/// Kinds like those of the real connectors.
pub(in super::super) fn kinds() -> Vec<KindSettings> {
    vec![
        KindSettings {
            kind: "practice",
            settings: PRACTICE,
            statuses: &[("open", "open")],
            priorities: &[],
            answers: KindAnswers::NONE,
            check: anything,
            needs: &[],
        },
        KindSettings {
            kind: "redmine",
            settings: REDMINE,
            statuses: &[
                ("New", "new"),
                ("In Progress", "open"),
                ("Feedback", "pending"),
                ("Resolved", "resolved"),
                ("Closed", "closed"),
                ("Rejected", "cancelled"),
            ],
            priorities: &[("Low", "low"), ("Normal", "normal"), ("High", "high"), ("Urgent", "urgent")],
            answers: KindAnswers::NONE,
            check: not_everything,
            needs: &[],
        },
        KindSettings {
            kind: "request-tracker",
            settings: REQUEST_TRACKER,
            statuses: &[
                ("new", "new"),
                ("open", "open"),
                ("stalled", "pending"),
                ("resolved", "resolved"),
                ("rejected", "cancelled"),
            ],
            priorities: &[("Low", "low"), ("Medium", "normal"), ("High", "high")],
            answers: KindAnswers::NONE,
            check: not_everything,
            needs: &[],
        },
    ]
}

fn anything(_: &Settings) -> Result<Capabilities, Error> {
    Ok(ABLE)
}

fn only_tells(_: &Settings) -> Result<Capabilities, Error> {
    Ok(Capabilities { create: None, comment: None, ..ABLE })
}

/// A connector that refuses queues and projects named Nowhere, though they are texts.
fn not_everything(settings: &Settings) -> Result<Capabilities, Error> {
    for key in ["queue", "project"] {
        if settings.text(key) == Some("Nowhere") {
            let message = format!("the setting {key} names nothing that can be watched");
            return Err(Error::new(ErrorKind::Misconfigured, message));
        }
    }
    Ok(ABLE)
}

const ABLE: Capabilities = Capabilities {
    create: Some(CreateClass::C2),
    comment: Some(CreateClass::C2),
    attach: None,
    settle: Duration::ZERO,
    update: true,
    transition: true,
    internal_comments: true,
    edit: false,
    retract: false,
    link_back: Linking::None,
    conditional_write: ConditionalWrite::None,
    feed: Feed { granularity: Duration::ZERO, lag: Duration::ZERO },
    webhooks: None,
    max_file_bytes: 1,
};

/// Reads one text as the main file `etc/throughline.toml`.
pub(in super::super) fn read_text(text: &str) -> Result<Config, Problems> {
    read_texts(&[text])
}

/// Reads one text as the main file, where a kind `board` only tells.
pub(in super::super) fn read_with_board(text: &str) -> Result<Config, Problems> {
    let board = KindSettings {
        kind: "board",
        settings: &[],
        statuses: &[("up", "closed")],
        priorities: &[],
        answers: KindAnswers::NONE,
        check: only_tells,
        needs: &[],
    };
    let kinds: Vec<_> = kinds().into_iter().chain([board]).collect();
    read(&sources(&[text]), Vec::new(), &Variables::NotMissing, &kinds)
}

/// Reads the first text as the main file and the others as agreements beside it.
pub(in super::super) fn read_texts(texts: &[&str]) -> Result<Config, Problems> {
    read(&sources(texts), Vec::new(), &Variables::NotMissing, &kinds())
}

fn sources(texts: &[&str]) -> Vec<Source> {
    let sources = texts.iter().enumerate().map(|(number, text)| Source {
        path: match number {
            0 => PathBuf::from("etc/throughline.toml"),
            more => PathBuf::from(format!("etc/agreements/{more}.toml")),
        },
        text: (*text).to_owned(),
    });
    sources.collect()
}

/// The full file in two: everything but the agreement, and the agreement.
pub(in super::super) fn split() -> (String, String) {
    let (main, agreement) = FULL.split_once("[agreements.fabrikam]").unwrap();
    (main.to_owned(), format!("[agreements.fabrikam]{agreement}"))
}

/// Loads a generated text with every secret in place that it names; panics with what is wrong.
pub(in super::super) fn load_generated(text: &str, agreement: &str, kinds: &[KindSettings]) {
    let folder = tempfile::tempdir().unwrap();
    for named in
        text.lines().filter(|line| !line.starts_with('#')).flat_map(|line| line.split("file = \"").skip(1))
    {
        let name = named.split('"').next().unwrap();
        let path = folder.path().join(name);
        assert!(path.starts_with(folder.path()), "{name} is outside of the folder");
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, if name == "master.key" { "0b".repeat(32) } else { "a secret".to_owned() })
            .unwrap();
        set_mode(&path, 0o600);
    }
    for list in ["people.txt", "customers.txt"] {
        std::fs::write(folder.path().join(list), "# Names\nAda Lovelace; A. Lovelace\n").unwrap();
    }
    let file = folder.path().join("throughline.toml");
    std::fs::write(&file, text).unwrap();
    std::fs::create_dir(folder.path().join("agreements")).unwrap();
    std::fs::write(folder.path().join("agreements/fabrikam.example.toml"), agreement).unwrap();
    load(&file, &Variables::Fitting, kinds)
        .unwrap_or_else(|problems| panic!("{problems}\n{text}\n{agreement}"));
}

/// Sets a file's permissions.
pub(in super::super) fn set_mode(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

const fn setting(
    key: &'static str,
    kind: SettingKind,
    required: bool,
    doc: &'static str,
    example: &'static str,
) -> Setting {
    Setting { key, kind, required, doc, example }
}

const PRACTICE: &[Setting] =
    &[setting("seed", SettingKind::Count, false, "Where its randomness starts.", "7")];

const REDMINE: &[Setting] = &[
    setting("url", SettingKind::Address, true, "Where it is.", r#""https://redmine.example.com/""#),
    setting("key", SettingKind::Secret, true, "The account's API key.", r#"{ env = "REDMINE_KEY" }"#),
    setting("project", SettingKind::Text, true, "The project that is read and written.", r#""support""#),
    setting(
        "custom",
        SettingKind::TextMap,
        false,
        "Fields by their names elsewhere.",
        r#"{ Component = "Part" }"#,
    ),
];

const REQUEST_TRACKER: &[Setting] = &[
    setting("url", SettingKind::Address, true, "Where it is.", r#""https://rt.example.com/""#),
    setting("token", SettingKind::Secret, true, "The account's token.", r#"{ env = "RT_TOKEN" }"#),
    setting("queue", SettingKind::Text, true, "The queue that is read and written.", r#""General""#),
    setting("page", SettingKind::Count, false, "Tickets on a page of the search.", "100"),
    setting("overlap", SettingKind::Duration, false, "How far the feed reads back.", r#""2m""#),
    setting("links", SettingKind::Flag, false, "Whether links are kept.", "true"),
    setting("search", SettingKind::Word(&["indexed", "plain"]), false, "How texts are found.", r#""plain""#),
    setting("watch", SettingKind::TextList, false, "Other queues that are read.", r#"["Network"]"#),
];
