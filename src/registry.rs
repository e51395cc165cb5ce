//! The kinds of system this build can connect. The only file that names connectors.

use throughline_sdk::connector::Built;
use throughline_sdk::{Capabilities, Result, Setting, Settings};

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
    /// What its conformance was shown against.
    pub tested_against: &'static str,
    /// What a system of this kind can do, by its settings.
    pub build: fn(&Settings) -> Result<Built>,
}

/// Every kind, by name.
pub const KINDS: &[Kind] = &[
    Kind {
        name: "practice",
        title: "Practice desk",
        settings: throughline_practice::SETTINGS,
        statuses: throughline_practice::STATUSES,
        priorities: throughline_practice::PRIORITIES,
        tested_against: throughline_practice::TESTED_AGAINST,
        build: throughline_practice::build,
    },
    Kind {
        name: "redmine",
        title: "Redmine",
        settings: throughline_redmine::SETTINGS,
        statuses: throughline_redmine::STATUSES,
        priorities: throughline_redmine::PRIORITIES,
        tested_against: throughline_redmine::TESTED_AGAINST,
        build: throughline_redmine::build,
    },
    Kind {
        name: "request-tracker",
        title: "Request Tracker",
        settings: throughline_request_tracker::SETTINGS,
        statuses: throughline_request_tracker::STATUSES,
        priorities: throughline_request_tracker::PRIORITIES,
        tested_against: throughline_request_tracker::TESTED_AGAINST,
        build: throughline_request_tracker::build,
    },
];

/// The kind with this name.
pub fn kind(name: &str) -> Option<&'static Kind> {
    KINDS.iter().find(|kind| kind.name == name)
}

/// The README's table of connectors, as Markdown.
pub fn table() -> String {
    let mut text = String::from(
        "| kind | connects | create, comment, file | edit, retract | conditional write | webhooks | tested against |\n\
         |---|---|---|---|---|---|---|\n",
    );
    for kind in KINDS {
        let capabilities = example(kind);
        let row = capabilities.map_or_else(
            |error| format!("| `{}` | {} | {error} |\n", kind.name, kind.title),
            |capabilities| row(kind, &capabilities),
        );
        text.push_str(&row);
    }
    text
}

fn row(kind: &Kind, capabilities: &Capabilities) -> String {
    let yes = |flag: bool| if flag { "yes" } else { "no" };
    let class = |class: throughline_sdk::CreateClass| {
        use throughline_sdk::CreateClass::{C0, C1, C2, C3, C4};
        match class {
            C0 => "C0",
            C1 => "C1",
            C2 => "C2",
            C3 { .. } => "C3",
            C4 => "C4",
        }
    };
    format!(
        "| `{}` | {} | {}, {}, {} | {}, {} | {} | {} | {} |\n",
        kind.name,
        kind.title,
        class(capabilities.create),
        class(capabilities.comment),
        capabilities.attach.map_or("no", class),
        yes(capabilities.edit),
        yes(capabilities.retract),
        format!("{:?}", capabilities.conditional_write).to_lowercase(),
        capabilities.webhooks.map_or_else(|| "no".to_owned(), |what| format!("{what:?}").to_lowercase()),
        kind.tested_against,
    )
}

/// The capabilities of a kind with its example settings.
fn example(kind: &Kind) -> Result<Capabilities> {
    let mut settings = Settings::default();
    for setting in kind.settings {
        match setting.kind {
            throughline_sdk::SettingKind::Secret => {
                settings.secrets.insert(
                    setting.key.to_owned(),
                    String::from("whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz").into(),
                );
            }
            throughline_sdk::SettingKind::Text
            | throughline_sdk::SettingKind::Address
            | throughline_sdk::SettingKind::Word(_) => {
                let text = setting.example.trim_matches('"');
                settings.values.insert(setting.key.to_owned(), text.into());
            }
            throughline_sdk::SettingKind::Count
            | throughline_sdk::SettingKind::Flag
            | throughline_sdk::SettingKind::Duration
            | throughline_sdk::SettingKind::TextList
            | throughline_sdk::SettingKind::TextMap => {}
        }
    }
    (kind.build)(&settings).map(|built| built.connector.capabilities())
}
