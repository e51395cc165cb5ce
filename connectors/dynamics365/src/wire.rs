//! What the Web API sends, and nothing else. Its types never leave this crate.

use serde::Deserialize;
use serde_json::{Map, Value};
use throughline_sdk::Timestamp;

/// Follows the name of a column whose value has a form for people: a choice's label, a looked-up row's name.
pub(crate) const FORMATTED: &str = "@OData.Community.Display.V1.FormattedValue";

/// One row of a table, by column. Which columns there are is the organization's affair.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(transparent)]
pub(crate) struct Row(pub(crate) Map<String, Value>);

impl Row {
    /// The text of a column, empty where there is none.
    pub(crate) fn text(&self, column: &str) -> &str {
        self.0.get(column).and_then(Value::as_str).unwrap_or_default()
    }

    /// The whole number of a column.
    pub(crate) fn number(&self, column: &str) -> Option<i64> {
        self.0.get(column).and_then(Value::as_i64)
    }

    /// What people see of a column, if it holds anything.
    pub(crate) fn label(&self, column: &str) -> Option<&str> {
        let label = self.0.get(&format!("{column}{FORMATTED}")).and_then(Value::as_str)?;
        Some(label).filter(|label| !label.is_empty())
    }

    /// The moment in a column.
    pub(crate) fn time(&self, column: &str) -> Option<Timestamp> {
        self.text(column).parse().ok()
    }

    /// The version of the row, as `If-Match` takes it.
    pub(crate) fn etag(&self) -> &str {
        self.text("@odata.etag")
    }
}

/// A page of rows.
#[derive(Debug, Deserialize)]
pub(crate) struct Page {
    pub(crate) value: Vec<Row>,
    #[serde(default, rename = "@odata.nextLink")]
    pub(crate) next_link: Option<String>,
    #[serde(default, rename = "@odata.deltaLink")]
    pub(crate) delta_link: Option<String>,
}

/// Why a request was refused.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Refusal {
    pub(crate) error: RefusalError,
}

/// See [`Refusal`].
#[derive(Debug, Default, Deserialize)]
pub(crate) struct RefusalError {
    #[serde(default)]
    pub(crate) code: String,
    #[serde(default)]
    pub(crate) message: String,
}

/// Who we are.
#[derive(Debug, Deserialize)]
pub(crate) struct WhoAmI {
    #[serde(rename = "UserId")]
    pub(crate) user_id: String,
}

/// Which version answers.
#[derive(Debug, Deserialize)]
pub(crate) struct OrganizationVersion {
    #[serde(rename = "Version")]
    pub(crate) version: String,
}

/// What a table is set up for.
#[derive(Debug, Deserialize)]
pub(crate) struct Table {
    #[serde(default, rename = "ChangeTrackingEnabled")]
    pub(crate) change_tracking: Option<bool>,
    #[serde(default, rename = "IsOptimisticConcurrencyEnabled")]
    pub(crate) optimistic_concurrency: Option<bool>,
}

/// What a column holds.
#[derive(Debug, Deserialize)]
pub(crate) struct Column {
    #[serde(default, rename = "AttributeType")]
    pub(crate) kind: String,
}

/// A column with choices.
#[derive(Debug, Deserialize)]
pub(crate) struct ChoiceColumn {
    #[serde(default, rename = "OptionSet")]
    pub(crate) options: Option<OptionSet>,
    /// Set instead where the choices are shared by several tables.
    #[serde(default, rename = "GlobalOptionSet")]
    pub(crate) global: Option<OptionSet>,
}

/// The choices of a column; of one that holds yes or no, the last two fields.
#[derive(Debug, Deserialize)]
pub(crate) struct OptionSet {
    #[serde(default, rename = "Options")]
    pub(crate) options: Vec<Choice>,
    #[serde(default, rename = "TrueOption")]
    pub(crate) yes: Option<Choice>,
    #[serde(default, rename = "FalseOption")]
    pub(crate) no: Option<Choice>,
}

/// One choice.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Choice {
    #[serde(rename = "Value")]
    pub(crate) value: i64,
    #[serde(default, rename = "Label")]
    label: Label,
    /// Of a status: the state it belongs to.
    #[serde(default, rename = "State")]
    pub(crate) state: Option<i64>,
}

impl Choice {
    /// The label in our account's language.
    pub(crate) fn word(&self) -> String {
        let label = self.label.user.as_ref().map(|label| label.text.as_str()).unwrap_or_default();
        if label.is_empty() { self.value.to_string() } else { label.to_owned() }
    }
}

#[derive(Clone, Debug, Default, Deserialize)]
struct Label {
    #[serde(default, rename = "UserLocalizedLabel")]
    user: Option<LocalizedLabel>,
}

#[derive(Clone, Debug, Deserialize)]
struct LocalizedLabel {
    #[serde(default, rename = "Label")]
    text: String,
}

/// A row changed, as a webhook tells it (`RemoteExecutionContext`).
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Execution {
    #[serde(default)]
    pub(crate) primary_entity_id: String,
    pub(crate) primary_entity_name: String,
    #[serde(default)]
    pub(crate) input_parameters: Value,
    #[serde(default)]
    pub(crate) pre_entity_images: Value,
    #[serde(default)]
    pub(crate) post_entity_images: Value,
}
