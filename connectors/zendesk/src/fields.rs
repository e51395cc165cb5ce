//! Custom ticket fields: by the names people see, with the choices people see.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use throughline_sdk::{Error, ErrorKind, Result};

use crate::wire::{Field, FieldValue};

/// Types of the fields that every ticket has and the canonical ticket has a place of its own for.
const SYSTEM: [&str; 10] = [
    "subject",
    "description",
    "status",
    "custom_status",
    "tickettype",
    "priority",
    "basic_priority",
    "group",
    "assignee",
    "tags",
];

/// The account's custom fields by name: the title, with the number behind it where a title stands for several.
pub(crate) fn by_name(known: &[Field]) -> BTreeMap<String, &Field> {
    let own = || known.iter().filter(|field| field.active && !SYSTEM.contains(&field.kind.as_str()));
    let mut titles = BTreeSet::new();
    let doubled: BTreeSet<&str> =
        own().map(|field| field.title.trim()).filter(|title| !titles.insert(*title)).collect();
    own()
        .map(|field| {
            let title = field.title.trim();
            let name =
                if doubled.contains(title) { format!("{title} ({})", field.id) } else { title.to_owned() };
            (name, field)
        })
        .collect()
}

/// The values that are set, by name.
pub(crate) fn values(known: &[Field], values: &[FieldValue]) -> BTreeMap<String, String> {
    by_name(known)
        .into_iter()
        .filter_map(|(name, field)| {
            let value = values.iter().find(|value| value.id == field.id)?;
            Some((name, read(field, &value.value))).filter(|(_, text)| !text.is_empty())
        })
        .collect()
}

/// A value as people see it, one line for each member of a list.
pub(crate) fn read(field: &Field, value: &Value) -> String {
    match value {
        Value::Null | Value::Bool(false) => String::new(),
        Value::Bool(true) => "yes".to_owned(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => shown(field, text.trim_end()),
        Value::Array(values) => {
            let lines = values.iter().map(|value| read(field, value)).filter(|line| !line.is_empty());
            lines.collect::<Vec<_>>().join("\n")
        }
        Value::Object(_) => value.to_string(),
    }
}

/// What to write for a text.
///
/// # Errors
///
/// [`ErrorKind::Rejected`] for a choice that the field does not offer, before anything is sent.
pub(crate) fn write(name: &str, field: &Field, text: &str) -> Result<Value> {
    let text = text.trim_end();
    let refuse = |why: &str| {
        Error::new(ErrorKind::Rejected, format!("the field {name:?} {why}")).with_context("type", &field.kind)
    };
    let tag = |choice: &str| {
        let named = field.custom_field_options.iter().find(|one| one.name == choice || one.value == choice);
        named.map(|one| Value::from(one.value.as_str())).ok_or_else(|| refuse("does not offer this choice"))
    };
    match field.kind.as_str() {
        "checkbox" => match text.to_lowercase().as_str() {
            "" | "no" | "false" | "0" => Ok(Value::Bool(false)),
            "yes" | "true" | "1" => Ok(Value::Bool(true)),
            _ => Err(refuse("takes yes or no")),
        },
        "multiselect" => text.split('\n').filter(|line| !line.is_empty()).map(tag).collect(),
        _ if text.is_empty() => Ok(Value::Null),
        "tagger" => tag(text),
        // Texts, numbers and dates, all of which Zendesk takes as text and checks itself.
        _ => Ok(Value::from(text)),
    }
}

/// Whether two values say the same: a list keeps no order, and numbers are written in several ways.
pub(crate) fn same(asked: &str, seen: &str) -> bool {
    let sorted = |text: &str| {
        let mut lines: Vec<String> = text.lines().map(|line| line.trim_end().to_owned()).collect();
        lines.retain(|line| !line.is_empty());
        lines.sort_unstable();
        lines
    };
    let number = |text: &str| text.trim().parse::<f64>().ok().filter(|number| number.is_finite());
    sorted(asked) == sorted(seen) || number(asked).is_some_and(|asked| number(seen) == Some(asked))
}

fn shown(field: &Field, text: &str) -> String {
    let choice = field.custom_field_options.iter().find(|choice| choice.value == text);
    choice.map_or(text, |choice| choice.name.as_str()).replace("\r\n", "\n")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::wire::Choice;

    fn field(id: u64, title: &str, kind: &str, choices: &[(&str, &str)]) -> Field {
        let choice =
            |(name, value): &(&str, &str)| Choice { name: (*name).to_owned(), value: (*value).to_owned() };
        Field {
            id,
            title: title.to_owned(),
            kind: kind.to_owned(),
            active: true,
            custom_field_options: choices.iter().map(choice).collect(),
        }
    }

    #[test]
    fn a_title_that_stands_for_two_fields_is_told_apart() {
        let known =
            [field(1, "Site", "text", &[]), field(2, "Site", "text", &[]), field(3, "Status", "status", &[])];
        assert_eq!(by_name(&known).into_keys().collect::<Vec<_>>(), ["Site (1)", "Site (2)"]);
    }

    #[test]
    fn what_is_written_reads_as_it_was_meant() {
        let site = field(1, "Site", "tagger", &[("Köln Süd", "site_cologne"), ("Bonn", "bonn")]);
        let several = field(2, "Parts", "multiselect", &[("Fan", "part_fan"), ("Lid", "part_lid")]);
        let flag = field(3, "Urgent", "checkbox", &[]);
        let text = field(4, "Serial", "text", &[]);
        for (field, meant, sent) in [
            (&site, "Köln Süd", json!("site_cologne")),
            (&site, "", json!(null)),
            (&several, "Fan\nLid", json!(["part_fan", "part_lid"])),
            (&several, "", json!([])),
            (&flag, "yes", json!(true)),
            (&flag, "", json!(false)),
            (&text, "A-1", json!("A-1")),
        ] {
            let value = write("x", field, meant).unwrap();
            assert_eq!(value, sent);
            assert_eq!(read(field, &value), meant);
        }
        assert_eq!(write("x", &site, "Ulm").unwrap_err().kind(), ErrorKind::Rejected);
        assert_eq!(write("x", &flag, "perhaps").unwrap_err().kind(), ErrorKind::Rejected);
    }

    #[test]
    fn the_same_value_is_told_whatever_its_spelling() {
        assert!(same("7", "7.0") && same("a\nb", "b\na\n") && !same("a", "b") && !same("", "0"));
    }
}
