//! What an operator writes to connect a Zammad.

use std::sync::Arc;

use http::header::AUTHORIZATION;
use secrecy::{ExposeSecret, SecretString};
use throughline_sdk::http::Authentication;
use throughline_sdk::{Built, Error, ErrorKind, Result, Setting, SettingKind, Settings};
use url::Url;

use crate::Zammad;

/// The settings of a Zammad, for parser, schema and example.
pub const SETTINGS: &[Setting] = &[
    Setting {
        key: "url",
        kind: SettingKind::Address,
        required: true,
        doc: "The address that people open in the browser.",
        example: "\"https://desk.example.org\"",
    },
    Setting {
        key: "token",
        kind: SettingKind::Secret,
        required: true,
        doc: "An access token of Throughline's own agent there, with the permission ticket.agent.",
        example: "{ env = \"ZAMMAD_TOKEN\" }",
    },
    Setting {
        key: "group",
        kind: SettingKind::Text,
        required: true,
        doc: "The group that new tickets are for, by its whole name.",
        example: "\"Service Desk\"",
    },
    Setting {
        key: "customer",
        kind: SettingKind::Text,
        required: true,
        doc: "The login or e-mail address of the user that new tickets are raised for: one of your own.",
        example: "\"partner-desk@example.org\"",
    },
    Setting {
        key: "marker_field",
        kind: SettingKind::Text,
        required: true,
        doc: "The name of a ticket attribute of type text for Throughline's marker.",
        example: "\"throughline_marker\"",
    },
    Setting {
        key: "link_field",
        kind: SettingKind::Text,
        required: false,
        doc: "The name of a ticket attribute of type text for the counterpart's number and address, and how it stands. Without it they are \
              not shown.",
        example: "\"counterpart\"",
    },
    Setting {
        key: "link_chars",
        kind: SettingKind::Count,
        required: false,
        doc: "How many characters link_field takes. That is the maximum length that the attribute was made with. What does not fit of how the counterpart stands is cut. \
              Without it: 120.",
        example: "120",
    },
    Setting {
        key: "pending_days",
        kind: SettingKind::Count,
        required: false,
        doc: "How many days ahead Zammad is to remind of a ticket, or close it, that is made pending. Without it: 7.",
        example: "7",
    },
    Setting {
        key: "max_file_bytes",
        kind: SettingKind::Count,
        required: false,
        doc: "The largest file to attach. What is in front of Zammad has to take a third more. Without it: 30000000.",
        example: "30000000",
    },
    Setting {
        key: "webhook_secret",
        kind: SettingKind::Secret,
        required: false,
        doc: "The HMAC SHA1 signature token of the webhook. Without it webhooks are refused and changes are found by \
              polling.",
        example: "{ env = \"ZAMMAD_WEBHOOK_SECRET\" }",
    },
];

const DEFAULT_PENDING_DAYS: u64 = 7;

const DEFAULT_MAX_FILE_BYTES: u64 = 30_000_000;

/// The checked settings.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    /// The desk's address, with a slash at its end.
    pub(crate) url: Url,
    pub(crate) group: String,
    pub(crate) customer: String,
    pub(crate) marker_field: String,
    pub(crate) link_field: Option<String>,
    /// How many characters that takes.
    pub(crate) link_chars: usize,
    pub(crate) pending_days: u64,
    pub(crate) max_file_bytes: u64,
    pub(crate) webhook_secret: Option<SecretString>,
}

/// Builds the connector and says how its requests are authenticated.
///
/// # Errors
///
/// [`ErrorKind::Misconfigured`] naming the setting that is missing or wrong.
pub fn build(settings: &Settings) -> Result<Built> {
    let config = Config::read(settings)?;
    // https://docs.zammad.org/en/latest/api/intro.html#authentication
    let token = format!("Token token={}", settings.required_secret("token")?.expose_secret());
    let authentication = Authentication::Header { name: AUTHORIZATION, value: SecretString::from(token) };
    let address = config.url.clone();
    Ok(Built { connector: Arc::new(Zammad::new(config)), authentication, address, further: Vec::new() })
}

impl Config {
    /// Checks the settings.
    pub(crate) fn read(settings: &Settings) -> Result<Self> {
        let url = settings.base("url")?;
        let config = Self {
            url,
            group: settings.required_text("group")?,
            customer: settings.required_text("customer")?,
            marker_field: settings.required_text("marker_field")?,
            link_field: settings.trimmed("link_field"),
            link_chars: settings.width("link_chars", 120),
            pending_days: settings.count("pending_days").unwrap_or(DEFAULT_PENDING_DAYS).max(1),
            max_file_bytes: settings.count("max_file_bytes").unwrap_or(DEFAULT_MAX_FILE_BYTES),
            webhook_secret: settings.secret("webhook_secret"),
        };
        let own = [("marker_field", Some(&config.marker_field)), ("link_field", config.link_field.as_ref())];
        for (setting, name) in own {
            // The name goes into a search's address.
            if name.is_some_and(|name| !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_'))
            {
                let words =
                    format!("{setting} is the attribute's name of letters, digits and _, not its label");
                return Err(misconfigured(&words));
            }
        }
        if config.link_field.as_ref() == Some(&config.marker_field) {
            return Err(misconfigured("marker_field and link_field must not be the same attribute"));
        }
        Ok(config)
    }
}

fn misconfigured(message: &str) -> Error {
    Error::new(ErrorKind::Misconfigured, message)
}
