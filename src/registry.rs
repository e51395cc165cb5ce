//! The kinds of system this build can connect. The only file that names connectors.

use std::time::Duration;

use secrecy::SecretString;
use serde::Serialize;
use throughline_sdk::connector::Built;
use throughline_sdk::{Capabilities, CreateClass, Result, Setting, SettingKind, Settings};

use crate::config::{KindAnswers, Needs};

/// One kind of system.
#[derive(Clone, Copy, Debug)]
pub struct Kind {
    /// Its name in configuration.
    pub name: &'static str,
    /// What it connects, for people.
    pub title: &'static str,
    /// The settings of its table.
    pub settings: &'static [Setting],
    /// Status words of a desk as installed, with Throughline's words for them.
    pub statuses: &'static [(&'static str, &'static str)],
    /// Priority words of a desk as installed, with Throughline's words for them.
    pub priorities: &'static [(&'static str, &'static str)],
    /// With what words a desk answers an offer.
    pub answers: KindAnswers,
    /// What its conformance was shown against.
    pub tested_against: &'static str,
    /// What a system of this kind can do, by its settings.
    pub build: fn(&Settings) -> Result<Built>,
    /// What a system could do that is built from these settings.
    pub check: fn(&Settings) -> Result<Capabilities>,
}

/// The entry of a kind: its name, what it connects, and its crate.
macro_rules! kind {
    ($name:expr, $title:literal, $($connector:ident)::+) => {
        kind!($name, $title, $($connector)::+, KindAnswers::NONE)
    };
    ($name:expr, $title:literal, $($connector:ident)::+, $answers:expr) => {
        Kind {
            name: $name,
            title: $title,
            settings: $($connector)::+::SETTINGS,
            statuses: $($connector)::+::STATUSES,
            priorities: $($connector)::+::PRIORITIES,
            answers: $answers,
            tested_against: $($connector)::+::TESTED_AGAINST,
            build: $($connector)::+::build,
            check: |settings| $($connector)::+::build(settings).map(|built| built.connector.capabilities()),
        }
    };
}

const TMF621_ANSWERS: KindAnswers = KindAnswers {
    words: throughline_tmf621::ANSWERS,
    field: None,
    reason_field: Some(throughline_tmf621::REASON_FIELD),
};

/// Every kind, by name.
pub const KINDS: &[Kind] = &[
    kind!("azure-support", "Azure Support", throughline_azure_support),
    kind!("dynamics365", "Dynamics 365 (Dataverse)", throughline_dynamics365),
    kind!("freshdesk", "Freshdesk", throughline_freshdesk),
    kind!("github", "GitHub issues", throughline_github),
    kind!("gitlab", "GitLab issues", throughline_gitlab),
    kind!("jira", "Jira and Jira Service Management", throughline_jira),
    kind!("mail", "A mailbox, by IMAP and SMTP", throughline_mail),
    kind!("microsoft-health", "Microsoft 365 service health", throughline_microsoft_health),
    kind!(
        "networked-helpdesk",
        "Networked Help Desk 1.0 (Zendesk ticket sharing), both ways",
        throughline_networked_helpdesk
    ),
    kind!("partner-center", "Microsoft Partner Center", throughline_partner_center),
    kind!("practice", "Practice desk", throughline_practice),
    kind!("redmine", "Redmine", throughline_redmine),
    kind!(
        "reference",
        "A portal without an interface: our agents carry over by hand",
        throughline_tmf621::reference,
        TMF621_ANSWERS
    ),
    kind!("request-tracker", "Request Tracker", throughline_request_tracker),
    kind!("rest", "Any desk with a JSON interface, by manifest", throughline_rest),
    kind!("servicenow", "ServiceNow", throughline_servicenow),
    kind!("tmf621", "TM Forum TMF621 v4 or v5", throughline_tmf621, TMF621_ANSWERS),
    kind!(
        "tmf621-server",
        "Our own TMF621 face, for a partner without a connector",
        throughline_tmf621::face,
        TMF621_ANSWERS
    ),
    kind!(
        "tsanet",
        "TSANet Connect",
        throughline_tsanet,
        KindAnswers { words: throughline_tsanet::ANSWERS, ..KindAnswers::NONE }
    ),
    kind!("zammad", "Zammad", throughline_zammad),
    kind!("zendesk", "Zendesk Support", throughline_zendesk),
];

/// Manifests for the kind `rest`: name and text. The first is commented, to begin a new one with.
pub const MANIFESTS: &[(&str, &str)] = throughline_rest::INCLUDED;

/// The kind with this name.
pub fn kind(name: &str) -> Option<&'static Kind> {
    KINDS.iter().find(|kind| kind.name == name)
}

/// What the desks of a kind need with every ticket, beyond what its connector can fill in by itself. An agreement can
/// replace each by its name.
pub fn needs(kind: &str) -> &'static [Needs] {
    if kind == "azure-support" { AZURE_SUPPORT } else { &[] }
}

/// Azure refuses a ticket without a description, and weighs it by its severity; the contact stands in the settings.
const AZURE_SUPPORT: &[Needs] = &[
    Needs {
        name: "description",
        condition: "size(ticket.description) > 0",
        message: "the description of the problem, which Microsoft asks for",
    },
    Needs {
        name: "impact",
        condition: "has(ticket.priority)",
        message: "the impact as a priority, which becomes Microsoft's severity",
    },
];

/// What a face of our own needs to know of its partner.
#[derive(Debug)]
pub struct FaceSettings {
    /// The token by which the partner is known.
    pub token: SecretString,
    /// Whether `fields=X` is answered with X only, under version 4 and 5.
    pub only: [bool; 2],
    /// The largest file taken, in bytes.
    pub max_file_bytes: u64,
}

/// The settings of a system whose desk is the bridge's own; `None` for every other kind.
pub fn face(kind: &str, settings: &Settings) -> Option<Result<FaceSettings>> {
    let only = |key: &str| settings.text(key) == Some("only");
    (kind == throughline_tmf621::face::KIND).then(|| {
        Ok(FaceSettings {
            token: settings.required_secret("token")?,
            only: [only("fields_v4"), only("fields_v5")],
            max_file_bytes: throughline_tmf621::face::max_file_bytes(settings),
        })
    })
}

/// The external identifier under which the number stands that a portal gave a ticket.
pub const PORTAL_NUMBER: &str = throughline_tmf621::reference::NUMBER_TYPE;

/// What a desk needs to know that our own agents keep for a portal.
#[derive(Debug)]
pub struct ReferenceSettings {
    /// What the engine bears on its way in process.
    pub token: SecretString,
    /// How long an open ticket may hear nothing.
    pub silent_after: Option<Duration>,
    /// The largest file taken, in bytes.
    pub max_file_bytes: u64,
}

/// The settings of a system whose desk our own agents keep; `None` for every other kind.
pub fn reference(kind: &str, settings: &Settings) -> Option<ReferenceSettings> {
    (kind == throughline_tmf621::reference::KIND).then(|| ReferenceSettings {
        token: throughline_tmf621::reference::TOKEN.into(),
        silent_after: throughline_tmf621::reference::silent_after(settings),
        max_file_bytes: throughline_tmf621::face::max_file_bytes(settings),
    })
}

pub use throughline_networked_helpdesk::Sharing;

/// The host under which the engine reaches the desk that a partner and we push to. It leads nowhere else.
pub const SHARED_DESK: &str = throughline_networked_helpdesk::own::HOST;

/// The settings of a system whose partner pushes to us, and we to it; `None` for every other kind.
pub fn sharing(kind: &str, settings: &Settings) -> Option<Result<Sharing>> {
    (kind == throughline_networked_helpdesk::KIND).then(|| throughline_networked_helpdesk::sharing(settings))
}

/// Whether a system of this kind is a desk of the standard that somebody else serves.
pub fn is_tmf621_client(kind: &str) -> bool {
    kind == "tmf621"
}

/// What a kind can do, in the words of the README's table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Abilities {
    /// How a create, a comment and a file are kept from being doubled; `none` for what it cannot take.
    pub create: &'static str,
    /// See `create`.
    pub comment: &'static str,
    /// See `create`.
    pub file: &'static str,
    /// Whether comments can be changed afterwards.
    pub edit: bool,
    /// Whether comments can be taken back.
    pub retract: bool,
    /// What keeps a write from overwriting what was not seen: none, racy or atomic.
    pub conditional_write: String,
    /// What its webhooks carry: no, hint or complete.
    pub webhooks: String,
    /// The largest file, in bytes.
    pub max_file_bytes: u64,
}

/// What a kind can do with the examples of its settings.
///
/// # Errors
///
/// When its own examples do not suffice, which is a defect of the kind.
pub fn abilities(kind: &Kind) -> Result<Abilities> {
    let class = |class: Option<CreateClass>| match class {
        None => "none",
        Some(CreateClass::C0) => "C0",
        Some(CreateClass::C1) => "C1",
        Some(CreateClass::C2) => "C2",
        Some(CreateClass::C3 { .. }) => "C3",
        Some(CreateClass::C4) => "C4",
    };
    let can = example(kind)?;
    Ok(Abilities {
        create: class(can.create),
        comment: class(can.comment),
        file: class(can.attach),
        edit: can.edit,
        retract: can.retract,
        conditional_write: format!("{:?}", can.conditional_write).to_lowercase(),
        webhooks: can.webhooks.map_or_else(|| "no".to_owned(), |what| format!("{what:?}").to_lowercase()),
        max_file_bytes: can.max_file_bytes,
    })
}

/// The columns of the table of connectors.
pub const COLUMNS: [&str; 7] = [
    "kind",
    "connects",
    "create, comment, file",
    "edit, retract",
    "conditional write",
    "webhooks",
    "tested against",
];

/// The table of connectors: one row for each kind.
pub fn rows() -> Vec<Vec<String>> {
    let yes = |flag: bool| if flag { "yes" } else { "no" };
    KINDS
        .iter()
        .map(|kind| match abilities(kind) {
            Ok(can) => vec![
                kind.name.to_owned(),
                kind.title.to_owned(),
                format!("{}, {}, {}", can.create, can.comment, can.file),
                format!("{}, {}", yes(can.edit), yes(can.retract)),
                can.conditional_write,
                can.webhooks,
                kind.tested_against.to_owned(),
            ],
            Err(error) => vec![kind.name.to_owned(), kind.title.to_owned(), error.to_string()],
        })
        .collect()
}

/// The README's table of connectors, as Markdown.
pub fn table() -> String {
    let mut text = format!("| {} |\n|{}\n", COLUMNS.join(" | "), "---|".repeat(COLUMNS.len()));
    for row in rows() {
        let cells: Vec<String> = row
            .iter()
            .enumerate()
            .map(|(at, cell)| if at == 0 { format!("`{cell}`") } else { cell.clone() })
            .collect();
        text.push_str(&format!("| {} |\n", cells.join(" | ")));
    }
    text
}

/// The capabilities of a kind with the examples of its required settings.
fn example(kind: &Kind) -> Result<Capabilities> {
    // Any text is a secret, but Request Tracker's tokens have a form that its connector asks for.
    const SECRET: &str = "1-23-0123456789abcdef0123456789abcdef";
    let mut settings = Settings::default();
    for setting in kind.settings {
        // Of the optional ones only the secrets: with one for webhooks, a kind shows what it makes of them.
        if setting.kind == SettingKind::Secret {
            settings.secrets.insert(setting.key.to_owned(), SECRET.into());
            continue;
        }
        if !setting.required {
            continue;
        }
        let table = toml::from_str::<toml::Table>(&format!("value = {}", setting.example)).ok();
        let value = table.as_ref().and_then(|table| serde_json::to_value(table.get("value")?).ok());
        if let Some(value) = value {
            settings.values.insert(setting.key.to_owned(), value);
        }
    }
    (kind.build)(&settings).map(|built| built.connector.capabilities())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::{Priority, Status};

    #[test]
    fn every_usual_word_has_one_of_our_meanings() {
        for kind in KINDS {
            assert!(!kind.statuses.is_empty(), "{} has no statuses", kind.name);
            for (word, meaning) in kind.statuses {
                assert!(
                    Status::from_word(meaning).is_some(),
                    "{}: status {word:?} is {meaning:?}",
                    kind.name
                );
            }
            for (word, meaning) in kind.priorities {
                assert!(
                    Priority::from_word(meaning).is_some(),
                    "{}: priority {word:?} is {meaning:?}",
                    kind.name
                );
            }
        }
    }

    #[test]
    fn every_kind_builds_from_the_examples_of_its_required_settings() {
        for kind in KINDS {
            let capabilities = example(kind).unwrap_or_else(|error| panic!("{}: {error}", kind.name));
            assert!(capabilities.attach.is_none() || capabilities.max_file_bytes > 0, "{}", kind.name);
        }
    }

    #[test]
    fn what_a_kind_needs_is_a_condition() {
        for needed in KINDS.iter().flat_map(|kind| needs(kind.name)) {
            let condition = crate::agreement::Expression::compile(needed.condition);
            assert!(condition.is_ok_and(|condition| !condition.asked().is_empty()), "{}", needed.name);
        }
    }

    #[test]
    fn kinds_are_found_by_their_names_alone() {
        for known in KINDS {
            assert_eq!(kind(known.name).map(|kind| kind.title), Some(known.title));
        }
        assert!(kind("Redmine").is_none() && kind("").is_none());
        assert!(KINDS.is_sorted_by_key(|kind| kind.name));
    }
}
