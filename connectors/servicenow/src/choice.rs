//! Labels and the values that stand for them, as the instance has them now.

use throughline_sdk::{Error, ErrorKind, Result};

use crate::api::Api;

/// One choice of a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Choice {
    pub(crate) label: String,
    pub(crate) value: String,
}

/// The choices of a field of the table, in their order.
///
/// Those of the table itself stand for those of the task, which it extends, if it has any.
pub(crate) async fn of(api: Api<'_>, field: &str) -> Result<Vec<Choice>> {
    let rows = api.choices(field).await?;
    let language = api.config.language.as_str();
    // Parts of a query that the instance does not know are left out silently, so each row is looked at.
    let rows: Vec<_> = rows
        .iter()
        .filter(|row| row.value("element") == field && row.value("language") == language)
        .collect();
    for table in [api.config.table.as_str(), "task"] {
        let mut choices: Vec<Choice> = Vec::new();
        for row in rows.iter().filter(|row| row.value("name") == table && row.value("inactive") != "true") {
            let (label, value) = (row.value("label").to_owned(), row.value("value").to_owned());
            if !label.is_empty() && !choices.iter().any(|choice| choice.value == value) {
                choices.push(Choice { label, value });
            }
        }
        if !choices.is_empty() {
            return Ok(choices);
        }
    }
    Err(Error::new(
        ErrorKind::Misconfigured,
        "ServiceNow tells no choices of this field: give our account read access to sys_choice, and check the settings \
         table and language",
    )
    .with_context("field", field)
    .with_context("language", language))
}

/// The choice with this label.
pub(crate) fn find<'a>(choices: &'a [Choice], label: &str, field: &str) -> Result<&'a Choice> {
    let mut fitting = choices.iter().filter(|choice| choice.label == label);
    match (fitting.next(), fitting.next()) {
        (Some(choice), None) => Ok(choice),
        (Some(_), Some(_)) => Err(Error::new(
            ErrorKind::Rejected,
            format!("several choices of {field} are called {label:?}; rename one of them in the instance"),
        )),
        (None, _) => Err(Error::new(
            ErrorKind::Rejected,
            format!("the instance has no {field} {label:?}; see what describe lists"),
        )),
    }
}
