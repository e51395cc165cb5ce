//! What an operator writes to connect cases in Dynamics 365.

use std::collections::BTreeMap;
use std::sync::Arc;

use secrecy::SecretString;
use throughline_sdk::http::{Authentication, entra, join};
use throughline_sdk::{Built, Error, ErrorKind, Result, Setting, SettingKind, Settings};
use url::Url;

use crate::Dynamics365;
use crate::guid::Guid;

/// The settings of a Dynamics 365, for parser, schema and example.
pub const SETTINGS: &[Setting] = &[
    Setting {
        key: "url",
        kind: SettingKind::Address,
        required: true,
        doc: "The environment's address, as Settings, Developer resources shows it without the path.",
        example: "\"https://contoso.crm.dynamics.com\"",
    },
    Setting {
        key: "tenant",
        kind: SettingKind::Text,
        required: true,
        doc: "The Entra tenant of the environment: its id or one of its domains.",
        example: "\"contoso.onmicrosoft.com\"",
    },
    Setting {
        key: "client_id",
        kind: SettingKind::Text,
        required: true,
        doc: "The application id of Throughline's own app registration, which is an application user of the environment.",
        example: "\"6f1d2c4e-98a0-4a6b-9d0e-3f6a5b7c8d90\"",
    },
    Setting {
        key: "client_secret",
        kind: SettingKind::Secret,
        required: true,
        doc: "A client secret of the app registration.",
        example: "{ env = \"DYNAMICS_SECRET\" }",
    },
    Setting {
        key: "customer",
        kind: SettingKind::Text,
        required: true,
        doc: "The account or contact that new cases are for: `accounts(ID)` or `contacts(ID)`. Dataverse takes no case \
              without one, and it is never taken from remote text.",
        example: "\"accounts(2e451703-c686-e711-80e5-00155db19e6d)\"",
    },
    Setting {
        key: "authority",
        kind: SettingKind::Address,
        required: false,
        doc: "Where tokens come from. Without it: https://login.microsoftonline.com, which national clouds replace.",
        example: "\"https://login.microsoftonline.com\"",
    },
    Setting {
        key: "api_version",
        kind: SettingKind::Text,
        required: false,
        doc: "The version of the Web API. Without it: v9.2.",
        example: "\"v9.2\"",
    },
    Setting {
        key: "public_prefix",
        kind: SettingKind::Text,
        required: false,
        doc: "What the text of a note begins with if the customer may read it; notes have no other mark of it. Without \
              it: *WEB*, as Power Pages has it.",
        example: "\"*WEB*\"",
    },
    Setting {
        key: "note_format",
        kind: SettingKind::Word(&["rich", "plain"]),
        required: false,
        doc: "How the text of a note is written: `rich` (HTML) where the timeline has the rich text editor, else \
              `plain`. Both are read. Without it: rich.",
        example: "\"rich\"",
    },
    Setting {
        key: "marker_column",
        kind: SettingKind::Text,
        required: false,
        doc: "The logical name of a text column of the case for Throughline's marker. Without it the marker is a last \
              line of the description. Notes and files bear theirs in their title in any case.",
        example: "\"new_throughline\"",
    },
    Setting {
        key: "link_column",
        kind: SettingKind::Text,
        required: false,
        doc: "The logical name of a text column of the case for the counterpart's number and address, and how it stands. Without it they \
              are not shown.",
        example: "\"new_counterpart\"",
    },
    Setting {
        key: "link_chars",
        kind: SettingKind::Count,
        required: false,
        doc: "How many characters link_column takes. That is the length that the column was made with, from 1 to 4000; a new one has 100. What does not fit of how the counterpart stands is cut. \
              Without it: 100.",
        example: "100",
    },
    Setting {
        key: "columns",
        kind: SettingKind::TextMap,
        required: false,
        doc: "Columns of the case to share, each under the name that agreements use: text, numbers, dates.",
        example: "{ \"Serial number\" = \"productserialnumber\" }",
    },
    Setting {
        key: "choice_columns",
        kind: SettingKind::TextMap,
        required: false,
        doc: "The same for columns with choices, or with yes and no: their labels are shared.",
        example: "{ \"Origin\" = \"caseorigincode\" }",
    },
    Setting {
        key: "resolution_subject",
        kind: SettingKind::Text,
        required: false,
        doc: "What a resolution of ours is called. Without it: Resolved by the partner.",
        example: "\"Resolved by the partner\"",
    },
    Setting {
        key: "resolution_minutes",
        kind: SettingKind::Count,
        required: false,
        doc: "The billable time of a resolution of ours, in minutes. Without it none is stated.",
        example: "15",
    },
    Setting {
        key: "max_title",
        kind: SettingKind::Count,
        required: false,
        doc: "How many characters a case's title takes. Without it: 200, as Dynamics 365 comes. A longer title is cut \
              in a new case and refused in a change.",
        example: "200",
    },
    Setting {
        key: "max_description",
        kind: SettingKind::Count,
        required: false,
        doc: "How many characters a case's description takes, at least 500. Without it: 2000, as Dynamics 365 comes.",
        example: "2000",
    },
    Setting {
        key: "long_text",
        kind: SettingKind::Word(&["attach", "refuse"]),
        required: false,
        doc: "What becomes of a longer description: `attach` cuts it, says so, and attaches the whole; `refuse` does \
              not write it. Without it: attach.",
        example: "\"attach\"",
    },
    Setting {
        key: "max_file_bytes",
        kind: SettingKind::Count,
        required: false,
        doc: "The largest attachment that the environment allows. Without it: 5242880, as Dynamics 365 comes.",
        example: "5242880",
    },
    Setting {
        key: "webhook_key",
        kind: SettingKind::Secret,
        required: false,
        doc: "What the registered webhook sends to show who it is. Without it webhooks are refused and changes are \
              found by polling.",
        example: "{ env = \"DYNAMICS_WEBHOOK_KEY\" }",
    },
    Setting {
        key: "webhook_header",
        kind: SettingKind::Text,
        required: false,
        doc: "The header that carries it, for a webhook registered with HttpHeader. Without it the query parameter \
              `code` does, as WebhookKey has it.",
        example: "\"x-throughline-key\"",
    },
];

const DEFAULT_MAX_FILE_BYTES: u64 = 5 * 1024 * 1024;

/// How the text of notes is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoteFormat {
    Rich,
    Plain,
}

/// What becomes of a description that is too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LongText {
    Attach,
    Refuse,
}

/// The account or contact that new cases are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Customer {
    /// The property that a new case is bound to it with.
    pub(crate) binding: &'static str,
    pub(crate) table: &'static str,
    pub(crate) id: Guid,
}

/// The checked settings.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    /// The environment, with a slash at its end.
    pub(crate) url: Url,
    /// The Web API there.
    pub(crate) api: Url,
    pub(crate) customer: Customer,
    pub(crate) public_prefix: String,
    pub(crate) note_format: NoteFormat,
    pub(crate) marker_column: Option<String>,
    pub(crate) link_column: Option<String>,
    /// How many characters that takes.
    pub(crate) link_chars: usize,
    /// Logical names by the names that agreements use.
    pub(crate) columns: BTreeMap<String, String>,
    pub(crate) choice_columns: BTreeMap<String, String>,
    pub(crate) resolution_subject: String,
    pub(crate) resolution_minutes: Option<u64>,
    pub(crate) max_title: usize,
    pub(crate) max_description: usize,
    pub(crate) long_text: LongText,
    pub(crate) max_file_bytes: u64,
    pub(crate) webhook_key: Option<SecretString>,
    pub(crate) webhook_header: Option<String>,
}

/// Builds the connector and says how its requests are authenticated.
///
/// # Errors
///
/// [`ErrorKind::Misconfigured`] naming the setting that is missing or wrong.
pub fn build(settings: &Settings) -> Result<Built> {
    let config = Config::read(settings)?;
    let address = config.url.clone();
    let authentication = Authentication::ClientCredentials {
        token_url: entra::token_url(settings)?,
        client_id: settings.required_text("client_id")?,
        client_secret: settings.required_secret("client_secret")?,
        scopes: vec![format!("{}/.default", address.as_str().trim_end_matches('/'))],
    };
    Ok(Built { connector: Arc::new(Dynamics365::new(config)), authentication, address, further: Vec::new() })
}

impl Config {
    /// Checks the settings.
    pub(crate) fn read(settings: &Settings) -> Result<Self> {
        let mut url = settings.base("url")?;
        url.set_path("/");
        let version = settings.trimmed("api_version").unwrap_or_else(|| "v9.2".to_owned());
        let limit =
            |key, default| settings.count(key).and_then(|n| usize::try_from(n).ok()).unwrap_or(default);
        let config = Self {
            api: join(&url, &["api", "data", &version]),
            url,
            customer: customer(settings.text("customer").unwrap_or_default())?,
            public_prefix: settings.trimmed("public_prefix").unwrap_or_else(|| "*WEB*".to_owned()),
            note_format: match settings.text("note_format") {
                None | Some("rich") => NoteFormat::Rich,
                Some("plain") => NoteFormat::Plain,
                Some(_) => return Err(misconfigured("the setting note_format has to be rich or plain")),
            },
            marker_column: column(settings, "marker_column")?,
            link_column: column(settings, "link_column")?,
            link_chars: settings.width("link_chars", 100),
            columns: columns(settings, "columns")?,
            choice_columns: columns(settings, "choice_columns")?,
            resolution_subject: settings
                .trimmed("resolution_subject")
                .unwrap_or_else(|| "Resolved by the partner".to_owned()),
            resolution_minutes: settings.count("resolution_minutes"),
            max_title: limit("max_title", 200),
            max_description: limit("max_description", 2000),
            long_text: match settings.text("long_text") {
                None | Some("attach") => LongText::Attach,
                Some("refuse") => LongText::Refuse,
                Some(_) => return Err(misconfigured("the setting long_text has to be attach or refuse")),
            },
            max_file_bytes: settings.count("max_file_bytes").unwrap_or(DEFAULT_MAX_FILE_BYTES),
            webhook_key: settings.secret("webhook_key"),
            webhook_header: settings.trimmed("webhook_header"),
        };
        config.checked()
    }

    fn checked(self) -> Result<Self> {
        // Room for the sentence about what was cut, the marker, and some text.
        if self.max_description < 500 || self.max_title < 2 {
            return Err(misconfigured("max_description has to be at least 500, max_title at least 2"));
        }
        if self.marker_column.is_some() && self.marker_column == self.link_column {
            return Err(misconfigured("marker_column and link_column must not be the same column"));
        }
        if let Some(name) = self.columns.keys().find(|name| self.choice_columns.contains_key(*name)) {
            return Err(misconfigured(format!("{name:?} stands in both columns and choice_columns")));
        }
        Ok(self)
    }
}

fn customer(text: &str) -> Result<Customer> {
    let inside = |table: &str| text.trim().strip_prefix(table)?.strip_prefix('(')?.strip_suffix(')');
    let bindings =
        [("accounts", "customerid_account@odata.bind"), ("contacts", "customerid_contact@odata.bind")];
    bindings
        .into_iter()
        .find_map(|(table, binding)| Some(Customer { binding, table, id: Guid::parse(inside(table)?)? }))
        .ok_or_else(|| {
            misconfigured("the setting customer has to be accounts(ID) or contacts(ID), with a GUID as ID")
        })
}

fn column(settings: &Settings, key: &'static str) -> Result<Option<String>> {
    settings.trimmed(key).map(|name| logical(name, key)).transpose()
}

fn columns(settings: &Settings, key: &'static str) -> Result<BTreeMap<String, String>> {
    let Some(map) = settings.values.get(key) else { return Ok(BTreeMap::new()) };
    let map = map.as_object().ok_or_else(|| misconfigured(format!("the setting {key} has to be a table")))?;
    map.iter()
        .map(|(name, column)| {
            let column = column.as_str().unwrap_or_default().to_owned();
            Ok((name.clone(), logical(column, key)?))
        })
        .collect()
}

/// A logical name goes into addresses as it is, so it is checked here.
fn logical(name: String, key: &str) -> Result<String> {
    let good = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    if name.is_empty() || !name.chars().all(good) {
        return Err(misconfigured(format!(
            "the setting {key} names {name:?}; a logical name has lower-case letters, digits and _ only"
        )));
    }
    Ok(name)
}

fn misconfigured(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Misconfigured, message)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn read(changed: &[(&str, Value)]) -> Result<Config> {
        let mut values: BTreeMap<String, Value> = BTreeMap::from([
            ("url".to_owned(), json!("https://contoso.crm.dynamics.com/main.aspx?x=1")),
            ("customer".to_owned(), json!("contacts(2E451703-C686-E711-80E5-00155DB19E6D)")),
        ]);
        values.extend(changed.iter().map(|(key, value)| ((*key).to_owned(), value.clone())));
        Config::read(&Settings { values, ..Settings::default() })
    }

    #[test]
    fn the_defaults_are_those_of_dynamics_as_it_comes() {
        let config = read(&[]).unwrap();
        assert_eq!(config.api.as_str(), "https://contoso.crm.dynamics.com/api/data/v9.2");
        assert_eq!((config.max_title, config.max_description), (200, 2000));
        assert_eq!(config.public_prefix, "*WEB*");
        assert_eq!(config.customer.binding, "customerid_contact@odata.bind");
    }

    #[test]
    fn what_cannot_work_is_refused_by_name() {
        for (key, value) in [
            ("customer", json!("accounts(7)")),
            ("customer", json!("leads(2e451703-c686-e711-80e5-00155db19e6d)")),
            ("columns", json!({ "Serial": "new_serial eq 1" })),
            ("marker_column", json!("New Marker")),
            ("max_description", json!(499)),
            ("url", json!("ftp://contoso")),
            ("note_format", json!("html")),
        ] {
            let error = read(&[(key, value)]).unwrap_err();
            assert!(error.kind() == ErrorKind::Misconfigured && error.message().contains(key), "{error}");
        }
    }
}
