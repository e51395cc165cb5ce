//! The kind `reference`: tickets in a portal that no program reaches, kept on a desk of the bridge's own.
//!
//! To the engine it is the desk of [`crate::face`] without a partner. Our own agents are the partner's hands: they
//! carry over by hand what the bridge writes here, and record what the portal says.

use std::time::Duration;

use throughline_sdk::{Built, Result, Setting, SettingKind, Settings};

pub use crate::{PRIORITIES, STATUSES};

/// The kind's name.
pub const KIND: &str = "reference";

/// What the kind's conformance was shown against.
pub const TESTED_AGAINST: &str = "itself, in process";

/// The type of the external identifier under which the portal's number stands.
pub const NUMBER_TYPE: &str = "portal-number";

/// What the engine bears on its way in process. It opens no door: desks of this kind are served to nobody.
pub const TOKEN: &str = "in process only";

/// The settings, for parser, schema and example.
pub const SETTINGS: &[Setting] = &[
    Setting {
        key: "silent_after",
        kind: SettingKind::Duration,
        required: false,
        doc: "How long an open ticket may hear nothing from its portal until `throughline reference list --silent`, \
              `trace`, the log and a metric remind of it. Without it: nobody is reminded.",
        example: "\"3d\"",
    },
    Setting {
        key: "author",
        kind: SettingKind::Text,
        required: false,
        doc: "Who our notes are said to be by. Without it: Throughline. The text itself names its author.",
        example: "\"Contoso helpdesk\"",
    },
    Setting {
        key: "ticket_type",
        kind: SettingKind::Text,
        required: false,
        doc: "What a ticket is where no agreement says so. Without it: Incident.",
        example: "\"Incident\"",
    },
    Setting {
        key: "ticket_types",
        kind: SettingKind::TextList,
        required: false,
        doc: "Further sorts of ticket that the portal knows, for checks.",
        example: "[\"Service request\"]",
    },
    Setting {
        key: "severity",
        kind: SettingKind::Text,
        required: false,
        doc: "The severity of a new ticket where no agreement says so. Without it: Minor.",
        example: "\"Minor\"",
    },
    Setting {
        key: "priorities",
        kind: SettingKind::TextList,
        required: false,
        doc: "The priorities that the portal knows, lowest first. Without it: Low, Medium, High, Critical.",
        example: "[\"Low\", \"Medium\", \"High\", \"Critical\"]",
    },
    Setting {
        key: "max_file_bytes",
        kind: SettingKind::Count,
        required: false,
        doc: "The largest file that is kept for a person to carry over, in bytes. Without it: 5242880.",
        example: "5242880",
    },
];

/// Builds the connector.
///
/// # Errors
///
/// When its own address cannot be parsed, which is a defect.
pub fn build(settings: &Settings) -> Result<Built> {
    crate::face::built(KIND, TOKEN.into(), settings)
}

/// How long an open ticket may hear nothing from its portal.
pub fn silent_after(settings: &Settings) -> Option<Duration> {
    settings.count("silent_after").map(Duration::from_secs)
}
