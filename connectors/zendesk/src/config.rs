//! What an operator writes to connect a Zendesk.

use std::sync::Arc;

use secrecy::SecretString;
use throughline_sdk::http::{Authentication, join};
use throughline_sdk::{Built, Error, ErrorKind, Result, Setting, SettingKind, Settings};
use url::Url;

use crate::Zendesk;

/// The settings of a Zendesk, for parser, schema and example.
pub const SETTINGS: &[Setting] = &[
    Setting {
        key: "url",
        kind: SettingKind::Address,
        required: true,
        doc: "The account's own address at Zendesk, not a brand's and not a mapped one.",
        example: "\"https://example.zendesk.com\"",
    },
    Setting {
        key: "account",
        kind: SettingKind::Text,
        required: true,
        doc: "The e-mail address of Throughline's own administrator account; with OAuth the identifier of its client.",
        example: "\"throughline@example.org\"",
    },
    Setting {
        key: "secret",
        kind: SettingKind::Secret,
        required: true,
        doc: "The API token, or with OAuth the secret of the client.",
        example: "{ env = \"ZENDESK_TOKEN\" }",
    },
    Setting {
        key: "authentication",
        kind: SettingKind::Word(&[API_TOKEN, OAUTH]),
        required: false,
        doc: "How the account signs in: with an API token, or with OAuth client credentials. Without it: api_token.",
        example: "\"api_token\"",
    },
    Setting {
        key: "brand_id",
        kind: SettingKind::Count,
        required: false,
        doc: "The brand whose tickets are watched and where new ones are created. Without it: all, and the default.",
        example: "360000123456",
    },
    Setting {
        key: "group_id",
        kind: SettingKind::Count,
        required: false,
        doc: "The group that new tickets are for. Without it Zendesk's own rules decide.",
        example: "360000654321",
    },
    Setting {
        key: "form_id",
        kind: SettingKind::Count,
        required: false,
        doc: "The ticket form of new tickets. Without it: the account's default.",
        example: "360000111222",
    },
    Setting {
        key: "link_field",
        kind: SettingKind::Text,
        required: false,
        doc: "A custom ticket field of type Text for the counterpart's number and address, and how it stands. Without it they are not \
              shown.",
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
        key: "file_hosts",
        kind: SettingKind::TextList,
        required: false,
        doc: "Hosts that attachments are read from without credentials. Without it: those Zendesk keeps files on and \
              the addresses of its brands.",
        example: "[\"*.zdusercontent.com\", \"*.zendesk.com\"]",
    },
    Setting {
        key: "max_file_bytes",
        kind: SettingKind::Count,
        required: false,
        doc: "The largest attachment that Zendesk takes. Without it: 52428800, as Zendesk comes.",
        example: "52428800",
    },
    Setting {
        key: "webhook_secret",
        kind: SettingKind::Secret,
        required: false,
        doc: "The signing secret of the webhook that calls Throughline. Without it webhooks are refused and changes \
              are found by polling.",
        example: "{ env = \"ZENDESK_WEBHOOK_SECRET\" }",
    },
];

const API_TOKEN: &str = "api_token";
const OAUTH: &str = "oauth";

/// What Zendesk lets an agent attach.
const DEFAULT_MAX_FILE_BYTES: u64 = 50 * 1024 * 1024;

/// Where Zendesk keeps files, and where attachments of other brands of the account have their addresses.
const DEFAULT_FILE_HOSTS: [&str; 2] = ["*.zdusercontent.com", "*.zendesk.com"];

/// The checked settings.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    /// The account's address, with a slash at its end.
    pub(crate) url: Url,
    pub(crate) brand: Option<u64>,
    pub(crate) group: Option<u64>,
    pub(crate) form: Option<u64>,
    pub(crate) link_field: Option<String>,
    /// How many characters that takes.
    pub(crate) link_chars: usize,
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
    let account = settings.required_text("account")?;
    let secret = settings.required_secret("secret")?;
    let authentication = match settings.trimmed("authentication").as_deref().unwrap_or(API_TOKEN) {
        API_TOKEN => {
            if !account.contains('@') {
                return Err(misconfigured(
                    "the setting account has to be the e-mail address of the API token's user",
                ));
            }
            // https://developer.zendesk.com/api-reference/introduction/security-and-auth/#api-token
            Authentication::Basic { user: format!("{account}/token"), password: secret }
        }
        OAUTH => Authentication::ClientCredentials {
            token_url: join(&config.url, &["oauth", "tokens"]),
            client_id: account,
            client_secret: secret,
            scopes: vec!["read".to_owned(), "write".to_owned()],
        },
        other => {
            return Err(misconfigured(&format!(
                "the setting authentication is {other:?} and not {API_TOKEN} or {OAUTH}"
            )));
        }
    };
    let (address, further) = (config.url.clone(), settings.hosts("file_hosts", &DEFAULT_FILE_HOSTS)?);
    Ok(Built { connector: Arc::new(Zendesk::new(config)), authentication, address, further })
}

impl Config {
    /// Checks the settings.
    pub(crate) fn read(settings: &Settings) -> Result<Self> {
        let url = settings.base("url")?;
        Ok(Self {
            url,
            brand: settings.count("brand_id"),
            group: settings.count("group_id"),
            form: settings.count("form_id"),
            link_field: settings.trimmed("link_field"),
            link_chars: settings.width("link_chars", 255),
            max_file_bytes: settings.count("max_file_bytes").unwrap_or(DEFAULT_MAX_FILE_BYTES),
            webhook_secret: settings.secret("webhook_secret"),
        })
    }
}

fn misconfigured(message: &str) -> Error {
    Error::new(ErrorKind::Misconfigured, message)
}
