//! The ticket form: what the numbers of statuses and priorities mean, and custom fields by the labels people see.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use throughline_sdk::{Choice, Error, ErrorKind, Result};

use crate::wire::Field;

/// Freshdesk's default words for a status, and what they mean to Throughline.
///
/// Of several words with one meaning the first is the one to write.
pub const STATUSES: &[(&str, &str)] = &[
    ("Open", "open"),
    ("Pending", "pending"),
    ("Waiting on Customer", "pending"),
    ("Waiting on Third Party", "on_hold"),
    ("Resolved", "resolved"),
    ("Closed", "closed"),
];

/// Freshdesk's words for a priority, and what they mean to Throughline.
pub const PRIORITIES: &[(&str, &str)] =
    &[("Low", "low"), ("Medium", "normal"), ("High", "high"), ("Urgent", "urgent")];

/// The status that Freshdesk itself takes for the end, whatever an account calls it.
const CLOSED: u64 = 5;

/// The account's ticket form.
#[derive(Clone, Debug)]
pub(crate) struct Form(Vec<Field>);

/// A custom field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Custom<'a> {
    /// Its name in the interface.
    pub(crate) name: &'a str,
    /// The type of its value.
    pub(crate) kind: &'a str,
}

impl Form {
    pub(crate) fn new(fields: Vec<Field>) -> Self {
        Self(fields)
    }

    /// Statuses by number, in Freshdesk's order: the number with what agents and what customers see.
    fn statuses(&self) -> Vec<(u64, String)> {
        let choices = self.choices("default_status").as_object();
        let mut statuses: Vec<(u64, String)> = choices
            .into_iter()
            .flatten()
            .filter_map(|(number, labels)| {
                let label = labels.get(0).unwrap_or(labels).as_str()?;
                Some((number.parse().ok()?, label.to_owned()))
            })
            .collect();
        statuses.sort_unstable();
        statuses
    }

    /// The names that stand for numbers in a list of this type.
    fn numbers(&self, kind: &str) -> Vec<(u64, String)> {
        let choices = self.choices(kind).as_object();
        let mut named: Vec<(u64, String)> = choices
            .into_iter()
            .flatten()
            .filter_map(|(name, number)| Some((number.as_u64()?, name.clone())))
            .collect();
        named.sort_unstable();
        named
    }

    fn choices(&self, kind: &str) -> &Value {
        self.0.iter().find(|field| field.kind == kind).map_or(&Value::Null, |field| &field.choices)
    }

    pub(crate) fn status(&self, number: u64) -> String {
        name(&self.statuses(), number).unwrap_or_else(|| format!("Status {number}"))
    }

    pub(crate) fn priority(&self, number: u64) -> String {
        name(&self.numbers("default_priority"), number).unwrap_or_else(|| format!("Priority {number}"))
    }

    pub(crate) fn group(&self, number: u64) -> String {
        name(&self.numbers("default_group"), number).unwrap_or_else(|| format!("Group {number}"))
    }

    pub(crate) fn agent(&self, number: u64) -> Option<String> {
        name(&self.numbers("default_agent"), number)
    }

    /// The number of a status.
    ///
    /// # Errors
    ///
    /// As all of these: [`ErrorKind::Rejected`] for a word that the form does not have, before anything is sent.
    pub(crate) fn status_number(&self, word: &str) -> Result<u64> {
        number(&self.statuses(), word, "status")
    }

    pub(crate) fn priority_number(&self, word: &str) -> Result<u64> {
        number(&self.numbers("default_priority"), word, "priority")
    }

    pub(crate) fn group_number(&self, word: &str) -> Result<u64> {
        number(&self.numbers("default_group"), word, "group")
    }

    pub(crate) fn agent_number(&self, word: &str) -> Result<u64> {
        number(&self.numbers("default_agent"), word, "agent")
    }

    /// All statuses.
    pub(crate) fn status_choices(&self) -> Vec<Choice> {
        self.statuses().into_iter().map(|(number, word)| Choice { word, closed: number == CLOSED }).collect()
    }

    /// All priorities, lowest first.
    pub(crate) fn priority_choices(&self) -> Vec<Choice> {
        self.numbers("default_priority").into_iter().map(|(_, word)| Choice { word, closed: false }).collect()
    }

    /// All types.
    pub(crate) fn kind_choices(&self) -> Vec<Choice> {
        let words = self.choices("default_ticket_type").as_array().into_iter().flatten();
        words.filter_map(|word| Some(Choice { word: word.as_str()?.to_owned(), closed: false })).collect()
    }

    /// Custom fields by label, with the name behind it where a label stands for several.
    pub(crate) fn custom(&self) -> BTreeMap<String, Custom<'_>> {
        let all: Vec<(&str, Custom<'_>)> = self
            .0
            .iter()
            .filter(|field| !field.kind.starts_with("default_"))
            .flat_map(|field| {
                let own = (field.label.trim(), Custom { name: &field.name, kind: &field.kind });
                let nested = field.nested_ticket_fields.iter();
                let nested =
                    nested.map(|one| (one.label.trim(), Custom { name: &one.name, kind: "nested_field" }));
                std::iter::once(own).chain(nested)
            })
            .collect();
        let mut labels = BTreeSet::new();
        let doubled: BTreeSet<&str> =
            all.iter().map(|(label, _)| *label).filter(|label| !labels.insert(*label)).collect();
        all.into_iter()
            .map(|(label, field)| match doubled.contains(label) {
                true => (format!("{label} ({})", field.name), field),
                false => (label.to_owned(), field),
            })
            .collect()
    }
}

impl Custom<'_> {
    /// A value as people see it.
    pub(crate) fn read(self, value: &Value) -> String {
        match value {
            Value::Null | Value::Bool(false) => String::new(),
            Value::Bool(true) => "yes".to_owned(),
            Value::Number(number) => number.to_string(),
            Value::String(text) => text.replace("\r\n", "\n").trim_end().to_owned(),
            Value::Array(_) | Value::Object(_) => value.to_string(),
        }
    }

    /// What to write for a text. Choices and dates are Freshdesk's to check.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Rejected`] for a text that is none of the field's kind, before anything is sent.
    pub(crate) fn write(self, text: &str) -> Result<Value> {
        let text = text.trim_end();
        let refuse = |why: &str| {
            let words = format!("the field {} takes {why}", self.name);
            Error::new(ErrorKind::Rejected, words)
        };
        match self.kind {
            "custom_checkbox" => match text.to_lowercase().as_str() {
                "" | "no" | "false" | "0" => Ok(Value::Bool(false)),
                "yes" | "true" | "1" => Ok(Value::Bool(true)),
                _ => Err(refuse("yes or no")),
            },
            _ if text.is_empty() => Ok(Value::Null),
            "custom_number" => {
                let number = text.trim().parse::<i64>().ok();
                number.map(Value::from).ok_or_else(|| refuse("a whole number"))
            }
            "custom_decimal" => {
                let number = text.trim().parse::<f64>().ok().filter(|number| number.is_finite());
                number.map(Value::from).ok_or_else(|| refuse("a number"))
            }
            _ => Ok(Value::from(text)),
        }
    }
}

fn name(list: &[(u64, String)], number: u64) -> Option<String> {
    list.iter().find(|(known, _)| *known == number).map(|(_, name)| name.clone())
}

fn number(list: &[(u64, String)], word: &str, what: &str) -> Result<u64> {
    list.iter().find(|(_, name)| name == word).map(|(number, _)| *number).ok_or_else(|| {
        Error::new(ErrorKind::Rejected, format!("Freshdesk has no {what} {word:?}; see what describe lists"))
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn form() -> Form {
        let fields = json!([
            { "name": "status", "label": "Status", "type": "default_status", "choices": {
                "10": ["Waiting for parts", "Being Processed"], "2": ["Open", "Being Processed"], "5": ["Closed", "x"],
            } },
            { "name": "priority", "label": "Priority", "type": "default_priority", "choices": { "Low": 1, "High": 3 } },
            { "name": "ticket_type", "label": "Type", "type": "default_ticket_type", "choices": ["Question"] },
            { "name": "cf_serial", "label": "Serial", "type": "custom_text" },
            { "name": "cf_site", "label": "Site", "type": "custom_dropdown", "choices": ["Bonn"] },
            { "name": "cf_country", "label": "Country", "type": "nested_field", "choices": [{ "x": [] }],
              "nested_ticket_fields": [{ "name": "cf_state", "label": "Site" }] },
        ]);
        Form::new(serde_json::from_value(fields).unwrap())
    }

    #[test]
    fn numbers_have_words_both_ways() {
        let form = form();
        assert_eq!(form.status(10), "Waiting for parts");
        assert_eq!(form.status_number("Waiting for parts").unwrap(), 10);
        assert_eq!(form.status(99), "Status 99");
        assert_eq!(form.status_number("open").unwrap_err().kind(), ErrorKind::Rejected);
        let statuses: Vec<_> =
            form.status_choices().into_iter().map(|choice| (choice.word, choice.closed)).collect();
        let word = |word: &str, closed| (word.to_owned(), closed);
        assert_eq!(statuses, [word("Open", false), word("Closed", true), word("Waiting for parts", false)]);
        assert_eq!(form.priority_number("High").unwrap(), 3);
        assert_eq!(form.kind_choices()[0].word, "Question");
    }

    #[test]
    fn a_label_that_stands_for_two_fields_is_told_apart() {
        let form = form();
        let labels: Vec<String> = form.custom().into_keys().collect();
        assert_eq!(labels, ["Country", "Serial", "Site (cf_site)", "Site (cf_state)"]);
    }

    #[test]
    fn what_is_written_reads_as_it_was_meant() {
        for (kind, meant, sent) in [
            ("custom_text", "A-1", json!("A-1")),
            ("custom_text", "", json!(null)),
            ("custom_checkbox", "yes", json!(true)),
            ("custom_checkbox", "", json!(false)),
            ("custom_number", "7", json!(7)),
            ("custom_decimal", "7.5", json!(7.5)),
        ] {
            let field = Custom { name: "cf_x", kind };
            assert_eq!(field.write(meant).unwrap(), sent);
            assert_eq!(field.read(&sent), meant);
        }
        for (kind, wrong) in
            [("custom_number", "x"), ("custom_decimal", "NaN"), ("custom_checkbox", "perhaps")]
        {
            assert_eq!(Custom { name: "cf_x", kind }.write(wrong).unwrap_err().kind(), ErrorKind::Rejected);
        }
    }
}
