//! The kind `tmf621-server`: the bridge's own northbound face, spoken to in process like any other desk.
//!
//! The face keeps ids it is given, has entity tags and takes JSON Patch, so that nothing about it is left open.

use std::sync::Arc;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use throughline_sdk::http::Authentication;
use throughline_sdk::{Built, Error, ErrorKind, Result, Setting, SettingKind, Settings};
use url::Url;

pub use crate::{PRIORITIES, STATUSES};

use crate::Tmf621;
use crate::config::{
    Config, Edition, LinkBack, MAX_FILE_BYTES, MarkerPlace, NoteWrites, PAGE, usual_priorities,
};

/// The kind's name.
pub const KIND: &str = "tmf621-server";

/// What the kind's conformance was shown against.
pub const TESTED_AGAINST: &str = "itself, in process; Schemathesis on the published v4.0.0 and v5.0.1";

/// Whether `fields=X` is answered with `id` and `href` beside X.
const NARROWED: &[&str] = &["with-id", "only"];

/// The shortest token: whoever guesses it is the party.
const SHORTEST_TOKEN: usize = 16;

/// The settings, for parser, schema and example.
pub const SETTINGS: &[Setting] = &[
    Setting {
        key: "token",
        kind: SettingKind::Secret,
        required: true,
        doc: "The bearer token by which this party is known at /tmf-api/troubleTicket/v4 and v5; 16 characters or \
              more, another one for each system.",
        example: "{ env = \"PARTNER_TOKEN\" }",
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
        doc: "The ticketType of a ticket that we put there where no agreement names one. Without it: Incident.",
        example: "\"Incident\"",
    },
    Setting {
        key: "ticket_types",
        kind: SettingKind::TextList,
        required: false,
        doc: "Further ticketTypes that the partner uses, for checks.",
        example: "[\"Service request\"]",
    },
    Setting {
        key: "severity",
        kind: SettingKind::Text,
        required: false,
        doc: "The severity of a ticket that we put there. Without it: Minor.",
        example: "\"Minor\"",
    },
    Setting {
        key: "priorities",
        kind: SettingKind::TextList,
        required: false,
        doc: "The priorities that the partner uses, lowest first. Without it: Low, Medium, High, Critical.",
        example: "[\"Low\", \"Medium\", \"High\", \"Critical\"]",
    },
    Setting {
        key: "text",
        kind: SettingKind::Word(&["plain", "markdown"]),
        required: false,
        doc: "What the partner takes descriptions and notes for: plain, or markdown, for another Throughline. Without \
              it: plain.",
        example: "\"markdown\"",
    },
    Setting {
        key: "fields_v4",
        kind: SettingKind::Word(NARROWED),
        required: false,
        doc: "Whether fields=X under v4 answers X with id and href, or X only. Without it: with-id.",
        example: "\"with-id\"",
    },
    Setting {
        key: "fields_v5",
        kind: SettingKind::Word(NARROWED),
        required: false,
        doc: "The same under v5, whose own schema requires id and href. Without it: with-id.",
        example: "\"with-id\"",
    },
    Setting {
        key: "max_file_bytes",
        kind: SettingKind::Count,
        required: false,
        doc: "The largest file taken, in bytes; it travels as base 64 inside JSON. Without it: 5242880.",
        example: "5242880",
    },
];

/// Where the face stands for the engine: an address that leads nowhere.
pub const ADDRESS: &str = "http://face.invalid/tmf-api/troubleTicket/v5/";

/// Builds the connector, which enters by the same token as the partner.
///
/// # Errors
///
/// [`ErrorKind::Misconfigured`] naming the setting that is missing or wrong.
pub fn build(settings: &Settings) -> Result<Built> {
    let misconfigured = |why: String| Error::new(ErrorKind::Misconfigured, why);
    let token = settings.required_secret("token")?;
    if token.expose_secret().len() < SHORTEST_TOKEN {
        return Err(misconfigured(format!("the setting token has fewer than {SHORTEST_TOKEN} characters")));
    }
    built(KIND, token, settings)
}

/// The connector of a desk of our own that is entered by this token.
pub(crate) fn built(kind: &'static str, token: SecretString, settings: &Settings) -> Result<Built> {
    let misconfigured = |why: String| Error::new(ErrorKind::Misconfigured, why);
    let url =
        Url::parse(ADDRESS).map_err(|error| misconfigured(format!("the face has no address: {error}")))?;
    let priorities = settings.texts("priorities");
    let config = Config {
        kind,
        url: url.clone(),
        edition: Edition::V5,
        author: settings.trimmed("author").unwrap_or_else(|| "Throughline".to_owned()),
        ticket_type: settings.trimmed("ticket_type").unwrap_or_else(|| "Incident".to_owned()),
        ticket_types: settings.texts("ticket_types"),
        severity: settings.trimmed("severity").unwrap_or_else(|| "Minor".to_owned()),
        priorities: if priorities.is_empty() { usual_priorities() } else { priorities },
        party: None,
        note_writes: NoteWrites::JsonPatch,
        merge_patch: true,
        marker: MarkerPlace::Id,
        conditional: true,
        markdown: settings.text("text") == Some("markdown"),
        page: PAGE,
        narrow: true,
        filters: true,
        // Its clock is ours, and its list never lags.
        lag: Duration::from_secs(1),
        later: None,
        internal_note_type: None,
        link_back: LinkBack::ExternalIdentifier,
        files: true,
        max_file_bytes: max_file_bytes(settings),
        webhook_token: None,
        callback: None,
    };
    let authentication = Authentication::Bearer(token);
    Ok(Built { connector: Arc::new(Tmf621::new(config)), authentication, address: url, further: Vec::new() })
}

/// The largest file that the face takes.
pub fn max_file_bytes(settings: &Settings) -> u64 {
    settings.count("max_file_bytes").unwrap_or(MAX_FILE_BYTES)
}
