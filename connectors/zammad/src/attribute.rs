//! Ticket attributes that operators add: which of a ticket's keys they are, and their values as text.
//!
//! What type an attribute has only administrators may ask, so that its values speak for it.

use serde_json::Value;
use throughline_sdk::{Error, ErrorKind, Result};

use crate::wire::Ticket;

/// What every ticket has beside the keys that end in `_id` and `_ids`, which Zammad gives to no attribute of an operator's, and
/// the names behind those. <https://docs.zammad.org/en/latest/api/ticket/index.html>
const STANDARD: [&str; 26] = [
    "note",
    "first_response_at",
    "first_response_escalation_at",
    "first_response_in_min",
    "first_response_diff_in_min",
    "close_at",
    "close_escalation_at",
    "close_in_min",
    "close_diff_in_min",
    "update_escalation_at",
    "update_in_min",
    "update_diff_in_min",
    "last_close_at",
    "last_contact_at",
    "last_contact_agent_at",
    "last_contact_customer_at",
    "last_owner_update_at",
    "article_count",
    "escalation_at",
    "pending_time",
    "time_unit",
    "preferences",
    "ai_agent_running",
    "created_by",
    "updated_by",
    "customer",
];

/// The names of a ticket's attributes that an operator added.
pub(crate) fn names(ticket: &Ticket) -> impl Iterator<Item = &String> {
    let stands_for_ids = |name: &String| {
        ["_id", "_ids"]
            .iter()
            .any(|end| name.ends_with(end) || ticket.rest.contains_key(&format!("{name}{end}")))
    };
    // `articles` stands for `article_ids`.
    let plural = |name: &String| {
        name.strip_suffix('s').is_some_and(|one| ticket.rest.contains_key(&format!("{one}_ids")))
    };
    ticket
        .rest
        .keys()
        .filter(move |name| !STANDARD.contains(&name.as_str()) && !stands_for_ids(name) && !plural(name))
}

/// Whether a ticket has an attribute of this name.
pub(crate) fn is_there(ticket: &Ticket, name: &str) -> bool {
    names(ticket).any(|known| known == name)
}

/// A value as people see it.
pub(crate) fn read(value: &Value) -> String {
    match value {
        Value::Null | Value::Bool(false) => String::new(),
        Value::Bool(true) => "yes".to_owned(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => text.replace("\r\n", "\n").trim_end().to_owned(),
        Value::Array(several) => several.iter().map(read).collect::<Vec<_>>().join("\n"),
        // What comes from a data source beside Zammad has a label and the value behind it.
        Value::Object(choice) => choice.get("label").map(read).unwrap_or_default(),
    }
}

/// What to write for a text where `now` stands. Choices, dates and numbers are Zammad's to check.
///
/// # Errors
///
/// [`ErrorKind::Rejected`] for what cannot be written, before anything is sent.
pub(crate) fn write(name: &str, now: &Value, text: &str) -> Result<Value> {
    let text = text.trim_end();
    let refuse = |why: &str| Err(Error::new(ErrorKind::Rejected, format!("the attribute {name} {why}")));
    match now {
        Value::Bool(_) => match text.to_lowercase().as_str() {
            "" | "no" | "false" | "0" => Ok(Value::Bool(false)),
            "yes" | "true" | "1" => Ok(Value::Bool(true)),
            _ => refuse("takes yes or no"),
        },
        Value::Array(_) => Ok(text.lines().map(str::trim).filter(|line| !line.is_empty()).collect()),
        Value::Object(_) => refuse("comes from another data source and is only read"),
        Value::Null | Value::Number(_) | Value::String(_) if text.is_empty() => Ok(Value::Null),
        Value::Null | Value::Number(_) | Value::String(_) => Ok(Value::from(text)),
    }
}

/// Whether two values say the same: Zammad writes numbers, and breaks of lines, in its own way.
pub(crate) fn same(asked: &str, seen: &str) -> bool {
    let number = |text: &str| text.trim().parse::<f64>().ok().filter(|number| number.is_finite());
    asked.trim_end() == seen.trim_end() || number(asked).is_some_and(|asked| number(seen) == Some(asked))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn ticket(more: &Value) -> Ticket {
        let mut ticket = json!({
            "id": 7, "number": "71007", "state_id": 1, "state": "new", "organization_id": 2, "organization": "Customer Inc.",
            "article_ids": [1], "articles": ["x"], "checklist_id": null, "note": null, "preferences": {}, "customer": "ada",
            "pending_time": null, "created_at": "2026-01-01T00:00:00.000Z", "updated_at": "2026-01-01T00:00:00.000Z",
        });
        ticket.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        serde_json::from_value(ticket).unwrap()
    }

    #[test]
    fn only_what_an_operator_added_is_an_attribute() {
        let ticket = ticket(&json!({ "serial_number": null, "on_site": true }));
        assert_eq!(names(&ticket).collect::<Vec<_>>(), ["on_site", "serial_number"]);
        assert!(
            is_there(&ticket, "on_site") && !is_there(&ticket, "note") && !is_there(&ticket, "organization")
        );
    }

    #[test]
    fn what_is_written_reads_as_it_was_meant() {
        for (now, meant, sent) in [
            (json!(null), "A-1", json!("A-1")),
            (json!("A-1"), "", json!(null)),
            (json!(3), "4", json!("4")),
            (json!(false), "yes", json!(true)),
            (json!(true), "", json!(false)),
            (json!(["a"]), "b\nc", json!(["b", "c"])),
        ] {
            assert_eq!(write("x", &now, meant).unwrap(), sent);
            assert_eq!(read(&sent), meant);
        }
        for (now, wrong) in [(json!(true), "perhaps"), (json!({ "label": "x", "value": 1 }), "y")] {
            assert_eq!(write("x", &now, wrong).unwrap_err().kind(), ErrorKind::Rejected);
        }
        assert_eq!(read(&json!({ "label": "Bonn", "value": 7 })), "Bonn");
        assert!(same("7", "7.0") && !same("7", "8") && !same("x", ""));
    }
}
