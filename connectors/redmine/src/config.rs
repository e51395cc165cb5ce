//! What an operator writes to connect a Redmine.

use std::sync::Arc;

use http::HeaderName;
use secrecy::SecretString;
use throughline_sdk::http::Authentication;
use throughline_sdk::{Built, Error, ErrorKind, Result, Setting, SettingKind, Settings};
use url::Url;

use crate::Redmine;
use crate::text::Dialect;

/// The settings of a Redmine, for parser, schema and example.
pub const SETTINGS: &[Setting] = &[
    Setting {
        key: "url",
        kind: SettingKind::Address,
        required: true,
        doc: "Where Redmine's start page is, with any path in front of /issues.",
        example: "\"https://redmine.example.org\"",
    },
    Setting {
        key: "api_key",
        kind: SettingKind::Secret,
        required: true,
        doc: "The API key of Throughline's own account there, never a person's and never an administrator's.",
        example: "{ env = \"REDMINE_KEY\" }",
    },
    Setting {
        key: "project",
        kind: SettingKind::Text,
        required: true,
        doc: "The identifier of the project whose issues are watched and where new ones are created.",
        example: "\"support\"",
    },
    Setting {
        key: "tracker",
        kind: SettingKind::Text,
        required: false,
        doc: "The tracker of a new issue whose type no agreement names. Without it: the project's first.",
        example: "\"Support\"",
    },
    Setting {
        key: "marker_field",
        kind: SettingKind::Text,
        required: false,
        doc: "A custom field of format Text for Throughline's marker. Without it the marker is a last line in the \
              description. Notes and files bear theirs in any case.",
        example: "\"Throughline marker\"",
    },
    Setting {
        key: "link_field",
        kind: SettingKind::Text,
        required: false,
        doc: "A custom field of format Text for the counterpart's number and address, and how it stands. Without it they are not \
              shown.",
        example: "\"Counterpart\"",
    },
    Setting {
        key: "link_chars",
        kind: SettingKind::Count,
        required: false,
        doc: "How many characters link_field takes. That is the field's own limit where it has one. What does not fit of how the counterpart stands is cut. \
              Without it: 255.",
        example: "255",
    },
    Setting {
        key: "text",
        kind: SettingKind::Text,
        required: false,
        doc: "How Redmine formats text: textile, markdown or plain, as its administrator chose under Text formatting. \
              Without it: textile.",
        example: "\"textile\"",
    },
    Setting {
        key: "max_file_bytes",
        kind: SettingKind::Count,
        required: false,
        doc: "The largest attachment that Redmine's administrator allows. Without it: 5242880, as Redmine comes.",
        example: "5242880",
    },
    Setting {
        key: "webhook_token",
        kind: SettingKind::Secret,
        required: false,
        doc: "What the webhook plugin sends in the header X-Throughline-Token. Without it webhooks are refused \
              and changes are found by polling.",
        example: "{ env = \"REDMINE_WEBHOOK_TOKEN\" }",
    },
];

/// As Redmine comes: 5,120 KB.
const DEFAULT_MAX_FILE_BYTES: u64 = 5 * 1024 * 1024;

/// The checked settings.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    /// The start page, with a slash at its end.
    pub(crate) url: Url,
    pub(crate) project: String,
    pub(crate) tracker: Option<String>,
    pub(crate) marker_field: Option<String>,
    pub(crate) link_field: Option<String>,
    /// How many characters that takes.
    pub(crate) link_chars: usize,
    pub(crate) text: Dialect,
    pub(crate) max_file_bytes: u64,
    pub(crate) webhook_token: Option<SecretString>,
}

/// Builds the connector and says how its requests are authenticated.
///
/// # Errors
///
/// [`ErrorKind::Misconfigured`] naming the setting that is missing or wrong.
pub fn build(settings: &Settings) -> Result<Built> {
    let api_key = settings.required_secret("api_key")?;
    let config = Config::read(settings)?;
    let address = config.url.clone();
    Ok(Built {
        connector: Arc::new(Redmine::new(config)),
        authentication: Authentication::Header {
            name: HeaderName::from_static("x-redmine-api-key"),
            value: api_key,
        },
        address,
        further: Vec::new(),
    })
}

impl Config {
    /// Checks the settings.
    pub(crate) fn read(settings: &Settings) -> Result<Self> {
        let url = settings.base("url")?;
        let config = Self {
            url,
            project: settings.required_text("project")?,
            tracker: settings.trimmed("tracker"),
            marker_field: settings.trimmed("marker_field"),
            link_field: settings.trimmed("link_field"),
            link_chars: settings.width("link_chars", 255),
            text: match settings.trimmed("text") {
                None => Dialect::Textile,
                Some(name) => Dialect::named(&name).ok_or_else(|| {
                    misconfigured("the setting text has to be \"textile\", \"markdown\" or \"plain\"")
                })?,
            },
            max_file_bytes: settings.count("max_file_bytes").unwrap_or(DEFAULT_MAX_FILE_BYTES),
            webhook_token: settings.secret("webhook_token"),
        };
        if config.marker_field.is_some() && config.marker_field == config.link_field {
            return Err(misconfigured("marker_field and link_field must not be the same custom field"));
        }
        Ok(config)
    }
}

fn misconfigured(message: &str) -> Error {
    Error::new(ErrorKind::Misconfigured, message)
}
