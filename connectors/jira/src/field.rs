//! Fields beside the ones of the canonical ticket, as text and back.

use serde_json::{Map, Number, Value, json};
use throughline_sdk::{Error, ErrorKind, Result};

use crate::config::Edition;
use crate::text;
use crate::wire::{FieldMeta, Schema};

/// Jira's own fields that are read and written like custom ones, by id.
pub(crate) const SYSTEM: &[&str] =
    &["labels", "components", "duedate", "environment", "fixVersions", "versions", "resolution", "assignee"];

/// The field that says of which type a request on the portal is.
pub(crate) const REQUEST_TYPE: &str = "com.atlassian.servicedesk:vp-origin";

/// Custom fields that hold a machine's notes, by the end of their kind's name.
const NOISE: &[&str] = &[":gh-lexo-rank", ":devsummarycf", ":devsummary", ":vp-origin", ":sd-sla-field"];

/// A field's value as text, one line for each member of a list; empty for what has no words.
pub(crate) fn read(schema: Option<&Schema>, value: &Value) -> String {
    if schema
        .and_then(|schema| schema.custom.as_deref())
        .is_some_and(|kind| NOISE.iter().any(|end| kind.ends_with(end)))
    {
        return String::new();
    }
    match value {
        Value::String(_) if schema.is_some_and(is_rich) => text::read(value),
        Value::String(plain) => plain.replace("\r\n", "\n").trim_end().to_owned(),
        Value::Number(_) | Value::Bool(_) => value.to_string(),
        Value::Array(members) => {
            let lines = members.iter().map(|member| read(None, member)).filter(|line| !line.is_empty());
            lines.collect::<Vec<_>>().join("\n")
        }
        Value::Object(object) if object.get("type").and_then(Value::as_str) == Some("doc") => {
            text::read(value)
        }
        Value::Object(object) => words(object),
        Value::Null => String::new(),
    }
}

/// The word of an option, a version, a person.
fn words(object: &Map<String, Value>) -> String {
    let word = |key: &str| object.get(key).and_then(Value::as_str).map(str::to_owned);
    let outer = word("value").or_else(|| word("displayName")).or_else(|| word("name")).unwrap_or_default();
    match object.get("child").and_then(|child| child.get("value")).and_then(Value::as_str) {
        Some(inner) => format!("{outer}{CHILD}{inner}"),
        None => outer,
    }
}

/// Between the two words of a cascading select.
const CHILD: &str = " - ";

/// Text as the value of a field; empty text clears it.
///
/// # Errors
///
/// [`ErrorKind::Rejected`] for a kind of field that is not written, people among them, and for a number that is none.
pub(crate) fn write(edition: Edition, field: &FieldMeta, text: &str) -> Result<Value> {
    let schema = &field.schema;
    let lines = || text.split('\n').map(str::trim).filter(|line| !line.is_empty());
    let under = |key: &str| lines().map(|line| json!({ key: line })).collect::<Vec<_>>();
    Ok(match (schema.kind.as_str(), schema.items.as_deref()) {
        ("array", Some("string")) => lines().map(Value::from).collect(),
        ("array", Some("option")) => under("value").into(),
        ("array", Some("version" | "component")) => under("name").into(),
        ("string", _) if is_rich(schema) && !text.is_empty() => text::write(edition, text),
        (
            "string" | "date" | "datetime" | "number" | "option" | "option-with-child" | "priority"
            | "resolution" | "version",
            _,
        ) if text.is_empty() => Value::Null,
        ("string" | "date" | "datetime", _) => text.into(),
        ("number", _) => text
            .trim()
            .parse::<Number>()
            .map(Value::from)
            .map_err(|_not_a_number| refused(field, "it takes a number"))?,
        ("option", _) => json!({ "value": text }),
        ("option-with-child", _) => match text.split_once(CHILD) {
            Some((outer, inner)) => json!({ "value": outer, "child": { "value": inner } }),
            None => json!({ "value": text }),
        },
        ("priority" | "resolution" | "version", _) => json!({ "name": text }),
        (kind, items) => {
            let kind = items.map_or_else(|| kind.to_owned(), |items| format!("{kind} of {items}"));
            return Err(refused(field, &format!("fields of the kind {kind} are not written")));
        }
    })
}

/// Whether two values say the same: Jira keeps the members of a list in an order of its own, and numbers without
/// trailing zeros.
pub(crate) fn same(asked: &str, seen: &str) -> bool {
    let sorted = |text: &str| {
        let mut lines: Vec<String> = text.split('\n').map(|line| line.trim().to_owned()).collect();
        lines.retain(|line| !line.is_empty());
        lines.sort_unstable();
        lines
    };
    let number = |text: &str| text.trim().parse::<f64>().ok().filter(|number| number.is_finite());
    sorted(asked) == sorted(seen) || number(asked).is_some_and(|asked| number(seen) == Some(asked))
}

/// Whether a field takes a document on Cloud and wiki markup on Data Center.
fn is_rich(schema: &Schema) -> bool {
    matches!(schema.system.as_deref(), Some("description" | "environment"))
        || schema.custom.as_deref().is_some_and(|kind| kind.ends_with(":textarea"))
}

fn refused(field: &FieldMeta, why: &str) -> Error {
    Error::new(ErrorKind::Rejected, format!("the field {:?} cannot be set: {why}", field.name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(kind: &str, items: Option<&str>, custom: Option<&str>) -> FieldMeta {
        let schema = json!({ "type": kind, "items": items, "custom": custom });
        serde_json::from_value(json!({ "name": "F", "schema": schema })).unwrap()
    }

    #[test]
    fn each_kind_of_field_reads_as_what_was_written() {
        for (kind, items, custom, text) in [
            ("string", None, Some("x:textfield"), "*not* bold"),
            ("string", None, Some("x:textarea"), "two\n\nlines"),
            ("number", None, None, "2.5"),
            ("date", None, None, "2026-01-02"),
            ("option", None, None, "Red"),
            ("option-with-child", None, None, "Europe - Berlin"),
            ("array", Some("option"), None, "Red\nGreen"),
            ("array", Some("component"), None, "API\nPortal"),
            ("array", Some("string"), None, "one\ntwo"),
            ("priority", None, None, "High"),
        ] {
            for edition in [Edition::Cloud, Edition::DataCenter] {
                let field = field(kind, items, custom);
                let value = write(edition, &field, text).unwrap();
                assert_eq!(read(Some(&field.schema), &value), text, "{kind} {value}");
                let cleared = write(edition, &field, "").unwrap();
                assert_eq!(read(Some(&field.schema), &cleared), "", "{kind} {cleared}");
            }
        }
    }

    #[test]
    fn people_are_never_written() {
        for (kind, items) in [("user", None), ("array", Some("user")), ("any", None)] {
            let error = write(Edition::Cloud, &field(kind, items, None), "Eve").unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Rejected, "{kind}");
            assert!(error.message().contains("\"F\""), "{error}");
        }
    }

    #[test]
    fn a_machines_notes_are_left_out() {
        let rank = field("any", None, Some("com.pyxis.greenhopper.jira:gh-lexo-rank"));
        assert_eq!(read(Some(&rank.schema), &json!("0|i0000f:")), "");
        assert_eq!(read(None, &json!({"ongoingCycle": {}})), "");
    }

    #[test]
    fn values_are_the_same_in_any_order() {
        assert!(same("a\nb", "b\na") && same("2.50", "2.5") && same("", ""));
        assert!(!same("a", "") && !same("a\na", "a"));
    }
}
