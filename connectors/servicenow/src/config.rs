//! What an operator writes to connect a ServiceNow.

use std::collections::BTreeMap;
use std::sync::Arc;

use secrecy::SecretString;
use throughline_sdk::http::{Authentication, join};
use throughline_sdk::{Built, Error, ErrorKind, Result, Setting, SettingKind, Settings};
use url::Url;

use crate::ServiceNow;

/// The settings of a ServiceNow, for parser, schema and example.
pub const SETTINGS: &[Setting] = &[
    Setting {
        key: "url",
        kind: SettingKind::Address,
        required: true,
        doc: "The instance's address.",
        example: "\"https://fabrikam.service-now.com\"",
    },
    Setting {
        key: "authentication",
        kind: SettingKind::Word(&["basic", "oauth"]),
        required: false,
        doc: "How we log in: `basic` with a user, or `oauth` with client credentials. Without it: basic.",
        example: "\"basic\"",
    },
    Setting {
        key: "account",
        kind: SettingKind::Text,
        required: true,
        doc: "The user name of Throughline's own account there, or the client id of its OAuth application.",
        example: "\"throughline\"",
    },
    Setting {
        key: "secret",
        kind: SettingKind::Secret,
        required: true,
        doc: "The password, or the client secret.",
        example: "{ env = \"SERVICENOW_SECRET\" }",
    },
    Setting {
        key: "table",
        kind: SettingKind::Text,
        required: false,
        doc: "The table whose records are tickets: incident, sc_request, sc_req_item, sn_customerservice_case or another \
              that extends task. Without it: incident.",
        example: "\"incident\"",
    },
    Setting {
        key: "state_field",
        kind: SettingKind::Text,
        required: false,
        doc: "The field that holds the status. Without it: state. Of sc_request: request_state.",
        example: "\"state\"",
    },
    Setting {
        key: "type_field",
        kind: SettingKind::Text,
        required: false,
        doc: "A choice field that holds the type. Without it: category of an incident, none of other tables.",
        example: "\"category\"",
    },
    Setting {
        key: "priority_from",
        kind: SettingKind::Word(&["impact-urgency", "priority"]),
        required: false,
        doc: "What is written to set a priority: `impact-urgency`, from which ServiceNow works it out as it comes, or \
              the `priority` itself. Without it: impact-urgency.",
        example: "\"impact-urgency\"",
    },
    Setting {
        key: "marker_field",
        kind: SettingKind::Text,
        required: false,
        doc: "The field that holds Throughline's marker. Without it: correlation_id.",
        example: "\"correlation_id\"",
    },
    Setting {
        key: "link_field",
        kind: SettingKind::Text,
        required: false,
        doc: "The field that shows the counterpart's number and address, and how it stands. Without it: correlation_display.",
        example: "\"correlation_display\"",
    },
    Setting {
        key: "link_chars",
        kind: SettingKind::Count,
        required: false,
        doc: "How many characters link_field takes. That is the field's max length. What does not fit of how the counterpart stands is cut. \
              Without it: 100.",
        example: "100",
    },
    Setting {
        key: "import_table",
        kind: SettingKind::Text,
        required: false,
        doc: "An import set table whose transform map coalesces on the marker field: new records go through it, under \
              the names of their fields with `u_` in front. Without it they are created in the table.",
        example: "\"u_throughline_incident\"",
    },
    Setting {
        key: "columns",
        kind: SettingKind::TextMap,
        required: false,
        doc: "Fields to share, each under the name that agreements use: text, numbers, dates, yes and no.",
        example: "{ \"Serial number\" = \"u_serial_number\" }",
    },
    Setting {
        key: "choice_columns",
        kind: SettingKind::TextMap,
        required: false,
        doc: "The same for choice fields: their labels are shared.",
        example: "{ \"Contact type\" = \"contact_type\" }",
    },
    Setting {
        key: "new_fields",
        kind: SettingKind::TextMap,
        required: false,
        doc: "Values that every new record gets, as they are stored: the caller, the assignment group.",
        example: "{ \"assignment_group\" = \"287ebd7da9fe198100f92cc8d1d2154e\" }",
    },
    Setting {
        key: "closed_states",
        kind: SettingKind::TextList,
        required: false,
        doc: "The labels of the statuses that count as closed. Without it: Resolved, Closed, Canceled, Closed Complete, \
              Closed Incomplete, Closed Skipped.",
        example: "[\"Resolved\", \"Closed\", \"Canceled\"]",
    },
    Setting {
        key: "close_code",
        kind: SettingKind::Text,
        required: false,
        doc: "The resolution code, as it is stored, of a record that we bring to a closed status and that has none. Most \
              instances ask for one. Without it none is written.",
        example: "\"Resolved by caller\"",
    },
    Setting {
        key: "close_notes",
        kind: SettingKind::Text,
        required: false,
        doc: "The resolution notes of a record that we bring to a closed status and that has none.",
        example: "\"Resolved by the partner.\"",
    },
    Setting {
        key: "hold_reason",
        kind: SettingKind::Text,
        required: false,
        doc: "The on hold reason, as it is stored, of a record that we bring to On Hold and that has none: 4 is Awaiting \
              Vendor. Without it none is written.",
        example: "\"4\"",
    },
    Setting {
        key: "language",
        kind: SettingKind::Text,
        required: false,
        doc: "The language of our account, in which ServiceNow shows labels. Without it: en.",
        example: "\"en\"",
    },
    Setting {
        key: "max_title",
        kind: SettingKind::Count,
        required: false,
        doc: "How many characters short_description takes. Without it: 160, as ServiceNow comes. A longer title is cut \
              in a new record and refused in a change.",
        example: "160",
    },
    Setting {
        key: "max_description",
        kind: SettingKind::Count,
        required: false,
        doc: "How many characters description takes, at least 500. Without it: 4000, as ServiceNow comes.",
        example: "4000",
    },
    Setting {
        key: "long_text",
        kind: SettingKind::Word(&["attach", "refuse"]),
        required: false,
        doc: "What becomes of a longer description: `attach` cuts it, says so, and attaches the whole; `refuse` does not \
              write it. Without it: attach.",
        example: "\"attach\"",
    },
    Setting {
        key: "max_comment",
        kind: SettingKind::Count,
        required: false,
        doc: "How many characters a journal entry takes; a longer comment is refused. Without it: 32000.",
        example: "32000",
    },
    Setting {
        key: "max_file_bytes",
        kind: SettingKind::Count,
        required: false,
        doc: "The largest attachment, at most com.glide.attachment.max_size of the instance. Without it: 52428800.",
        example: "52428800",
    },
    Setting {
        key: "webhook_secret",
        kind: SettingKind::Secret,
        required: false,
        doc: "The secret under which a business rule signs its calls. Without it webhooks are refused and changes are \
              found by polling.",
        example: "{ env = \"SERVICENOW_WEBHOOK_SECRET\" }",
    },
    Setting {
        key: "webhook_header",
        kind: SettingKind::Text,
        required: false,
        doc: "The header that carries the signature. Without it: X-Hub-Signature-256.",
        example: "\"X-Hub-Signature-256\"",
    },
];

const CLOSED: [&str; 6] =
    ["Resolved", "Closed", "Canceled", "Closed Complete", "Closed Incomplete", "Closed Skipped"];

/// What is written to set a priority.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PriorityFrom {
    ImpactAndUrgency,
    Priority,
}

/// What becomes of a description that is too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LongText {
    Attach,
    Refuse,
}

/// The checked settings.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    /// The instance, with a slash at its end.
    pub(crate) url: Url,
    pub(crate) table: String,
    pub(crate) state_field: String,
    pub(crate) type_field: Option<String>,
    pub(crate) priority_from: PriorityFrom,
    pub(crate) marker_field: String,
    pub(crate) link_field: String,
    /// How many characters that takes.
    pub(crate) link_chars: usize,
    pub(crate) import_table: Option<String>,
    /// Fields by the names that agreements use.
    pub(crate) columns: BTreeMap<String, String>,
    pub(crate) choice_columns: BTreeMap<String, String>,
    /// Values by field.
    pub(crate) new_fields: BTreeMap<String, String>,
    pub(crate) closed_states: Vec<String>,
    pub(crate) close_code: Option<String>,
    pub(crate) close_notes: Option<String>,
    pub(crate) hold_reason: Option<String>,
    pub(crate) language: String,
    pub(crate) max_title: usize,
    pub(crate) max_description: usize,
    pub(crate) long_text: LongText,
    pub(crate) max_comment: usize,
    pub(crate) max_file_bytes: u64,
    pub(crate) webhook_secret: Option<SecretString>,
    pub(crate) webhook_header: String,
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
    let address = config.url.clone();
    let authentication = match settings.text("authentication") {
        None | Some("basic") => Authentication::Basic { user: account, password: secret },
        Some("oauth") => Authentication::ClientCredentials {
            token_url: join(&address, &["oauth_token.do"]),
            client_id: account,
            client_secret: secret,
            scopes: Vec::new(),
        },
        Some(_) => return Err(misconfigured("the setting authentication has to be basic or oauth")),
    };
    Ok(Built { connector: Arc::new(ServiceNow::new(config)), authentication, address, further: Vec::new() })
}

impl Config {
    /// Checks the settings.
    pub(crate) fn read(settings: &Settings) -> Result<Self> {
        let mut url = settings.base("url")?;
        url.set_path("/");
        let limit =
            |key, default| settings.count(key).and_then(|n| usize::try_from(n).ok()).unwrap_or(default);
        let or = |key: &'static str, default: &str| {
            named(settings, key).map(|name| name.unwrap_or_else(|| default.to_owned()))
        };
        let table = or("table", "incident")?;
        let of_incident = (table == "incident").then(|| "category".to_owned());
        let config = Self {
            url,
            state_field: or("state_field", "state")?,
            type_field: named(settings, "type_field")?.or(of_incident),
            table,
            priority_from: match settings.text("priority_from") {
                None | Some("impact-urgency") => PriorityFrom::ImpactAndUrgency,
                Some("priority") => PriorityFrom::Priority,
                Some(_) => {
                    return Err(misconfigured(
                        "the setting priority_from has to be impact-urgency or priority",
                    ));
                }
            },
            marker_field: or("marker_field", "correlation_id")?,
            link_field: or("link_field", "correlation_display")?,
            link_chars: settings.width("link_chars", 100),
            import_table: named(settings, "import_table")?,
            columns: fields(settings, "columns")?,
            choice_columns: fields(settings, "choice_columns")?,
            new_fields: texts(settings, "new_fields")?
                .into_iter()
                .map(|(field, value)| Ok((field_name(field, "new_fields")?, value)))
                .collect::<Result<_>>()?,
            closed_states: match settings.values.get("closed_states").and_then(|list| list.as_array()) {
                Some(list) => list.iter().filter_map(|label| label.as_str()).map(str::to_owned).collect(),
                None => CLOSED.map(str::to_owned).into(),
            },
            close_code: settings.trimmed("close_code"),
            close_notes: settings.trimmed("close_notes"),
            hold_reason: settings.trimmed("hold_reason"),
            language: settings.trimmed("language").unwrap_or_else(|| "en".to_owned()),
            max_title: limit("max_title", 160),
            max_description: limit("max_description", 4000),
            long_text: match settings.text("long_text") {
                None | Some("attach") => LongText::Attach,
                Some("refuse") => LongText::Refuse,
                Some(_) => return Err(misconfigured("the setting long_text has to be attach or refuse")),
            },
            max_comment: limit("max_comment", 32_000),
            max_file_bytes: settings.count("max_file_bytes").unwrap_or(50 * 1024 * 1024),
            webhook_secret: settings.secret("webhook_secret"),
            webhook_header: settings
                .trimmed("webhook_header")
                .unwrap_or_else(|| "X-Hub-Signature-256".to_owned()),
        };
        config.checked()
    }

    fn checked(self) -> Result<Self> {
        // Room for the sentence about what was cut, and for some text.
        if self.max_description < 500 || self.max_title < 2 {
            return Err(misconfigured("max_description has to be at least 500, max_title at least 2"));
        }
        if self.marker_field == self.link_field {
            return Err(misconfigured("marker_field and link_field must not be the same field"));
        }
        if let Some(name) = self.columns.keys().find(|name| self.choice_columns.contains_key(*name)) {
            return Err(misconfigured(format!("{name:?} stands in both columns and choice_columns")));
        }
        Ok(self)
    }
}

fn named(settings: &Settings, key: &'static str) -> Result<Option<String>> {
    settings.trimmed(key).map(|name| field_name(name, key)).transpose()
}

fn texts(settings: &Settings, key: &'static str) -> Result<BTreeMap<String, String>> {
    let Some(map) = settings.values.get(key) else { return Ok(BTreeMap::new()) };
    let map = map.as_object().ok_or_else(|| misconfigured(format!("the setting {key} has to be a table")))?;
    Ok(map
        .iter()
        .map(|(name, value)| (name.clone(), value.as_str().unwrap_or_default().to_owned()))
        .collect())
}

fn fields(settings: &Settings, key: &'static str) -> Result<BTreeMap<String, String>> {
    texts(settings, key)?.into_iter().map(|(name, field)| Ok((name, field_name(field, key)?))).collect()
}

/// Names of tables and fields go into addresses and queries as they are, so they are checked here.
fn field_name(name: String, key: &str) -> Result<String> {
    let good = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    if name.is_empty() || !name.chars().all(good) {
        return Err(misconfigured(format!(
            "the setting {key} names {name:?}; tables and fields have lower-case letters, digits and _ only"
        )));
    }
    Ok(name)
}

fn misconfigured(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Misconfigured, message)
}

#[cfg(test)]
pub(crate) mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn read(changed: &[(&str, Value)]) -> Result<Config> {
        let mut values =
            BTreeMap::from([("url".to_owned(), json!("https://fabrikam.service-now.com/now/nav/ui?x=1"))]);
        values.extend(changed.iter().map(|(key, value)| ((*key).to_owned(), value.clone())));
        let secrets = BTreeMap::from([("webhook_secret".to_owned(), "s3cret".into())]);
        Config::read(&Settings { values, secrets })
    }

    /// Checked settings, for the tests of this crate.
    pub(crate) fn config(changed: &[(&str, Value)]) -> Config {
        read(changed).unwrap()
    }

    #[test]
    fn the_defaults_are_those_of_an_instance_as_it_comes() {
        let config = config(&[]);
        assert_eq!(config.url.as_str(), "https://fabrikam.service-now.com/");
        assert_eq!((config.table.as_str(), config.state_field.as_str()), ("incident", "state"));
        assert_eq!(config.type_field.as_deref(), Some("category"));
        assert_eq!(read(&[("table", json!("sc_request"))]).unwrap().type_field, None);
    }

    #[test]
    fn what_cannot_work_is_refused_by_name() {
        for (key, value) in [
            ("table", json!("incident^ORactive=true")),
            ("marker_field", json!("correlation_display")),
            ("columns", json!({ "Serial": "u_serial number" })),
            ("new_fields", json!({ "caller id": "x" })),
            ("max_description", json!(100)),
            ("url", json!("ftp://fabrikam")),
            ("priority_from", json!("urgency")),
        ] {
            let error = read(&[(key, value)]).unwrap_err();
            assert!(error.kind() == ErrorKind::Misconfigured && error.message().contains(key), "{error}");
        }
    }
}
