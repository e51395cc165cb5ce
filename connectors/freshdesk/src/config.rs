//! What an operator writes to connect a Freshdesk.

use std::sync::Arc;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use http::header::AUTHORIZATION;
use secrecy::{ExposeSecret, SecretString};
use throughline_sdk::http::Authentication;
use throughline_sdk::{Built, Error, ErrorKind, Result, Setting, SettingKind, Settings};
use url::Url;

use crate::Freshdesk;

/// The settings of a Freshdesk, for parser, schema and example.
pub const SETTINGS: &[Setting] = &[
    Setting {
        key: "url",
        kind: SettingKind::Address,
        required: true,
        doc: "The account's own address at Freshdesk, not a mapped one.",
        example: "\"https://example.freshdesk.com\"",
    },
    Setting {
        key: "api_key",
        kind: SettingKind::Secret,
        required: true,
        doc: "The API key of Throughline's own agent there, never a person's.",
        example: "{ env = \"FRESHDESK_KEY\" }",
    },
    Setting {
        key: "requester",
        kind: SettingKind::Text,
        required: true,
        doc: "The e-mail address of the contact that new tickets are raised for: one of your own, who gets Freshdesk's \
              notifications.",
        example: "\"partner-desk@example.org\"",
    },
    Setting {
        key: "marker_field",
        kind: SettingKind::Text,
        required: true,
        doc: "The label of a custom ticket field of type single-line text for Throughline's marker.",
        example: "\"Throughline marker\"",
    },
    Setting {
        key: "link_field",
        kind: SettingKind::Text,
        required: false,
        doc: "The label of a custom ticket field of type single-line text for the counterpart's number and address, and how it stands. \
              Without it they are not shown.",
        example: "\"Counterpart\"",
    },
    Setting {
        key: "link_chars",
        kind: SettingKind::Count,
        required: false,
        doc: "How many characters link_field takes. What does not fit of how the counterpart stands is cut. \
              Without it: 255.",
        example: "255",
    },
    Setting {
        key: "group_id",
        kind: SettingKind::Count,
        required: false,
        doc: "The group that new tickets are for. Without it Freshdesk's own rules decide.",
        example: "43000123456",
    },
    Setting {
        key: "product_id",
        kind: SettingKind::Count,
        required: false,
        doc: "The product that new tickets are about. Without it: none.",
        example: "43000654321",
    },
    Setting {
        key: "file_hosts",
        kind: SettingKind::TextList,
        required: false,
        doc: "Hosts that attachments are read from without credentials. Without it: those Freshdesk keeps files on.",
        example: "[\"*.freshdesk.com\", \"*.amazonaws.com\"]",
    },
    Setting {
        key: "max_file_bytes",
        kind: SettingKind::Count,
        required: false,
        doc: "The largest file to attach. Freshdesk takes 20 MB for all files of a ticket together. Without it: 20000000.",
        example: "20000000",
    },
    Setting {
        key: "webhook_token",
        kind: SettingKind::Secret,
        required: false,
        doc: "What an automation rule sends in the header X-Throughline-Token. Without it webhooks are refused and \
              changes are found by polling.",
        example: "{ env = \"FRESHDESK_WEBHOOK_TOKEN\" }",
    },
];

const DEFAULT_MAX_FILE_BYTES: u64 = 20_000_000;

/// Freshdesk's own hosts and the storage behind them.
const DEFAULT_FILE_HOSTS: [&str; 2] = ["*.freshdesk.com", "*.amazonaws.com"];

/// The checked settings.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    /// The account's address, with a slash at its end.
    pub(crate) url: Url,
    pub(crate) requester: String,
    pub(crate) marker_field: String,
    pub(crate) link_field: Option<String>,
    /// How many characters that takes.
    pub(crate) link_chars: usize,
    pub(crate) group: Option<u64>,
    pub(crate) product: Option<u64>,
    pub(crate) max_file_bytes: u64,
    pub(crate) webhook_token: Option<SecretString>,
}

/// Builds the connector and says how its requests are authenticated.
///
/// # Errors
///
/// [`ErrorKind::Misconfigured`] naming the setting that is missing or wrong.
pub fn build(settings: &Settings) -> Result<Built> {
    let config = Config::read(settings)?;
    // The key stands where a user's name would, and any password goes with it.
    // https://developers.freshdesk.com/api/#authentication
    let key = settings.required_secret("api_key")?;
    let pair = BASE64_STANDARD.encode(format!("{}:X", key.expose_secret()));
    let authentication =
        Authentication::Header { name: AUTHORIZATION, value: SecretString::from(format!("Basic {pair}")) };
    let (address, further) = (config.url.clone(), settings.hosts("file_hosts", &DEFAULT_FILE_HOSTS)?);
    Ok(Built { connector: Arc::new(Freshdesk::new(config)), authentication, address, further })
}

impl Config {
    /// Checks the settings.
    pub(crate) fn read(settings: &Settings) -> Result<Self> {
        let url = settings.base("url")?;
        let config = Self {
            url,
            requester: settings.required_text("requester")?,
            marker_field: settings.required_text("marker_field")?,
            link_field: settings.trimmed("link_field"),
            link_chars: settings.width("link_chars", 255),
            group: settings.count("group_id"),
            product: settings.count("product_id"),
            max_file_bytes: settings.count("max_file_bytes").unwrap_or(DEFAULT_MAX_FILE_BYTES),
            webhook_token: settings.secret("webhook_token"),
        };
        if config.link_field.as_ref() == Some(&config.marker_field) {
            return Err(misconfigured("marker_field and link_field must not be the same custom field"));
        }
        Ok(config)
    }
}

fn misconfigured(message: &str) -> Error {
    Error::new(ErrorKind::Misconfigured, message)
}
