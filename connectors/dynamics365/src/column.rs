//! Columns of the case that an operator shares by name: text, numbers and dates as they stand, choices by label.

use std::collections::BTreeMap;

use serde_json::Value;
use throughline_sdk::{Error, ErrorKind, Result, ticket::canonical_text};

use crate::api::Api;
use crate::choice;
use crate::config::Config;
use crate::wire::{Column, Row};

/// The shared columns of a case that hold something.
pub(crate) fn read(case: &Row, config: &Config) -> BTreeMap<String, String> {
    let plain = config.columns.iter().map(|(name, column)| (name, plain(case.0.get(column))));
    let choices = config
        .choice_columns
        .iter()
        .map(|(name, column)| (name, case.label(column).unwrap_or_default().to_owned()));
    plain
        .chain(choices)
        .filter(|(_, text)| !text.is_empty())
        .map(|(name, text)| (name.clone(), text))
        .collect()
}

fn plain(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => canonical_text(text),
        Some(other) => other.to_string(),
    }
}

/// The column that a shared name stands for, and what it takes for a text.
pub(crate) async fn write(api: Api<'_>, name: &str, text: &str) -> Result<(String, Value)> {
    if let Some(column) = api.config.choice_columns.get(name) {
        return Ok((column.clone(), choice::value(api, column, text).await?));
    }
    let column = api.config.columns.get(name).ok_or_else(|| {
        Error::new(
            ErrorKind::Rejected,
            "no column of the case is shared under this name; see the setting columns",
        )
        .with_context("field", name)
    })?;
    let kind: Column = api.column(column, "", "$select=AttributeType").await?;
    let number = |value: Option<Value>| {
        value.ok_or_else(|| {
            Error::new(ErrorKind::Rejected, format!("the column takes a number ({})", kind.kind))
                .with_context("field", name)
        })
    };
    let value = match kind.kind.as_str() {
        _ if text.is_empty() => Value::Null,
        "String" | "Memo" | "DateTime" => Value::from(text),
        "Integer" | "BigInt" => number(text.trim().parse::<i64>().ok().map(Value::from))?,
        "Decimal" | "Double" | "Money" => {
            number(text.trim().parse::<f64>().ok().filter(|number| number.is_finite()).map(Value::from))?
        }
        other => {
            return Err(Error::new(
                ErrorKind::Rejected,
                format!(
                    "a column of type {other} is not written; choices belong into the setting choice_columns"
                ),
            )
            .with_context("field", name));
        }
    };
    Ok((column.clone(), value))
}

/// Whether two values of a field say the same: Dataverse writes numbers without trailing zeros, dates with a time.
pub(crate) fn same(asked: &str, seen: &str) -> bool {
    let number = |text: &str| text.trim().parse::<f64>().ok().filter(|number| number.is_finite());
    let date = |text: &str| {
        let text = text.trim();
        let day = text.get(..10).unwrap_or(text).parse::<chrono::NaiveDate>().ok()?;
        let rest = text.get(10..).unwrap_or_default();
        let midnight = rest.is_empty() || rest == "T00:00:00Z";
        midnight.then_some(day)
    };
    let moment = |text: &str| text.trim().parse::<throughline_sdk::Timestamp>().ok();
    canonical_text(asked) == canonical_text(seen)
        || number(asked).is_some_and(|asked| number(seen) == Some(asked))
        || date(asked).is_some_and(|asked| date(seen) == Some(asked))
        || moment(asked).is_some_and(|asked| moment(seen) == Some(asked))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_forms_of_one_value_are_the_same() {
        for (asked, seen) in [
            ("1.50", "1.5"),
            ("2026-01-01", "2026-01-01T00:00:00Z"),
            ("2026-01-01T10:00:00+01:00", "2026-01-01T09:00:00Z"),
            ("one\r\ntwo ", "one\ntwo"),
        ] {
            assert!(same(asked, seen), "{asked} {seen}");
        }
        for (asked, seen) in [("1", "2"), ("", "0"), ("2026-01-01", "2026-01-01T10:00:00Z")] {
            assert!(!same(asked, seen), "{asked} {seen}");
        }
    }
}
