//! What the APIs send, and nothing else. Its types never leave this crate.

use serde::Deserialize;
use serde_json::{Map, Value};
use throughline_sdk::Timestamp;

/// One row of a table, by field. With `sysparm_display_value=all` each field has two forms.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(transparent)]
pub(crate) struct Row(pub(crate) Map<String, Value>);

impl Row {
    /// A field as it is stored, empty where there is none.
    pub(crate) fn value(&self, field: &str) -> &str {
        self.form(field, "value")
    }

    /// A field as people see it.
    pub(crate) fn display(&self, field: &str) -> &str {
        self.form(field, "display_value")
    }

    fn form(&self, field: &str, form: &str) -> &str {
        let field = self.0.get(field);
        let inner = field.and_then(|field| field.get(form)).or(field);
        inner.and_then(Value::as_str).unwrap_or_default()
    }

    /// The moment in a field, which is stored in UTC.
    pub(crate) fn time(&self, field: &str) -> Option<Timestamp> {
        moment(self.value(field))
    }
}

/// Reads a time as it is stored: UTC, without a word about it.
pub(crate) fn moment(text: &str) -> Option<Timestamp> {
    chrono::NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S").ok().map(|time| time.and_utc())
}

/// A time as queries take it.
pub(crate) fn stored(time: Timestamp) -> String {
    time.format("%Y-%m-%d %H:%M:%S").to_string()
}

/// Rows, or why there are not all of them: an answer that broke off has both.
#[derive(Debug, Deserialize)]
pub(crate) struct Rows {
    #[serde(default)]
    pub(crate) result: Vec<Row>,
}

/// One row.
#[derive(Debug, Deserialize)]
pub(crate) struct One {
    pub(crate) result: Row,
}

/// Why a request was refused.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Refusal {
    #[serde(default)]
    pub(crate) error: Option<RefusalError>,
}

/// See [`Refusal`].
#[derive(Debug, Default, Deserialize)]
pub(crate) struct RefusalError {
    #[serde(default)]
    pub(crate) message: Option<String>,
    #[serde(default)]
    pub(crate) detail: Option<String>,
}

/// What became of a row sent into an import set.
#[derive(Debug, Deserialize)]
pub(crate) struct Import {
    #[serde(default)]
    pub(crate) result: Vec<Imported>,
}

/// What one transform map made of it.
#[derive(Debug, Deserialize)]
pub(crate) struct Imported {
    #[serde(default)]
    pub(crate) table: String,
    #[serde(default)]
    pub(crate) status: String,
    #[serde(default)]
    pub(crate) sys_id: String,
    #[serde(default)]
    pub(crate) error_message: Option<String>,
    #[serde(default)]
    pub(crate) status_message: Option<String>,
}

/// A record changed, as a business rule tells it.
#[derive(Debug, Deserialize)]
pub(crate) struct Notice {
    pub(crate) sys_id: String,
    #[serde(default)]
    pub(crate) table: Option<String>,
}
