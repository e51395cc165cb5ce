//! Two writes at the same moment: RT's `If-Match` lets both pass now and then, and its history shows it afterwards.
//!
//! RT keeps what a write replaced only as the writing process knew it, but the order of its rows is one for all. So
//! what others set of the same field since our plan is what ours went over, where ours stands in the end.

use serde_json::{Map, Value, json};
use throughline_sdk::Version;

use crate::wire;

/// The account that RT's own scrips act as.
const SYSTEM: &str = "RT_System";

/// How a write met those of others.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Outcome {
    /// Nobody else set any of it.
    Alone,
    /// Somebody set it as well, and that stands.
    Overtaken,
    /// Ours stands, and somebody else's went under unseen: what has to be set again.
    Overwritten(Map<String, Value>),
}

/// Judges a write of `sent` that was planned on the version `expected`, by the history since.
///
/// `holds`: whether the ticket shows what was sent.
pub(crate) fn of_write(
    sent: &Map<String, Value>,
    expected: &Version,
    holds: bool,
    fields: &[wire::CustomField],
    history: &[wire::Transaction],
) -> Outcome {
    let Ok(expected) = expected.as_str().parse::<u64>() else { return Outcome::Alone };
    let mut theirs = Map::new();
    let custom = sent.get("CustomFields").and_then(Value::as_object);
    let by_id = custom.into_iter().flatten().filter_map(|(name, value)| {
        Some((fields.iter().find(|field| field.name == *name)?.id.as_str(), value))
    });
    for (id, value) in by_id {
        if let Some(last) = last_of_others("CustomField", id, value, expected, history) {
            let all = theirs.entry("CustomFields").or_insert_with(|| json!({}));
            if let Some(all) = all.as_object_mut() {
                all.insert(id.to_owned(), json!(last));
            }
        }
    }
    for (field, value) in sent.iter().filter(|(field, _)| *field != "CustomFields") {
        let kind = if field == "Status" { "Status" } else { "Set" };
        if let Some(last) = last_of_others(kind, field, value, expected, history) {
            theirs.insert(field.clone(), json!(last));
        }
    }
    match (theirs.is_empty(), holds) {
        (true, _) => Outcome::Alone,
        (false, true) => Outcome::Overwritten(theirs),
        (false, false) => Outcome::Overtaken,
    }
}

/// The status that somebody set, and that the one sent with our message `message` went over.
///
/// What RT's scrips set after our message they set because of it; before it they answered somebody else's.
pub(crate) fn of_message(message: u64, before: &Version, history: &[wire::Transaction]) -> Option<String> {
    let before: u64 = before.as_str().parse().ok()?;
    let ours = history.iter().find(|row| number(row) == Some(message))?;
    let statuses: Vec<_> = history
        .iter()
        .filter(|row| row.kind == "Status" && number(row).is_some_and(|id| id > before))
        .collect();
    let theirs = statuses.iter().rev().find(|row| {
        row.creator.id != ours.creator.id
            && (row.creator.id != SYSTEM || number(row).is_some_and(|id| id < message))
    })?;
    // Whatever stands behind theirs came with our message: what we sent with it, or a scrip that it set off.
    (statuses.last()?.new_value != theirs.new_value).then(|| theirs.new_value.clone())
}

/// The last value that others gave a field since `expected`. A value like ours may be our own, and loses nothing.
fn last_of_others(
    kind: &str,
    field: &str,
    ours: &Value,
    expected: u64,
    history: &[wire::Transaction],
) -> Option<String> {
    let ours = match ours {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        // Lists are told value by value, without an order to judge by.
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => return None,
    };
    let since = history.iter().filter(|row| number(row).is_some_and(|id| id > expected));
    let mut of_field = since.filter(|row| row.kind == kind && row.field == field);
    of_field.rfind(|row| row.new_value != ours).map(|row| row.new_value.clone())
}

fn number(row: &wire::Transaction) -> Option<u64> {
    row.id.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(id: u64, kind: &str, field: &str, new: &str, creator: &str) -> wire::Transaction {
        serde_json::from_value(json!({
            "id": id.to_string(), "Type": kind, "Field": field, "OldValue": "base", "NewValue": new,
            "Creator": {"id": creator},
        }))
        .unwrap()
    }

    fn judge(sent: &Value, holds: bool, history: &[wire::Transaction]) -> Outcome {
        let fields = [serde_json::from_value(json!({"id": "2", "name": "Site"})).unwrap()];
        of_write(sent.as_object().unwrap(), &Version::new("10"), holds, &fields, history)
    }

    fn lost(value: &Value) -> Outcome {
        Outcome::Overwritten(value.as_object().unwrap().clone())
    }

    #[test]
    fn what_went_under_is_told_from_what_stands() {
        let sent = json!({"Subject": "ours"});
        let (theirs, ours) =
            (row(11, "Set", "Subject", "theirs", "alice"), row(12, "Set", "Subject", "ours", "bridge"));
        let before = row(10, "Set", "Subject", "base", "alice");
        let other = row(11, "Set", "Priority", "50", "alice");
        assert_eq!(judge(&sent, true, &[before, other, ours.clone()]), Outcome::Alone);
        assert_eq!(judge(&sent, true, &[theirs.clone(), ours.clone()]), lost(&json!({"Subject": "theirs"})));
        let rows_in_other_order = [ours, row(13, "Set", "Subject", "theirs", "alice")];
        assert_eq!(judge(&sent, true, &rows_in_other_order), lost(&json!({"Subject": "theirs"})));
        assert_eq!(judge(&sent, false, &[theirs]), Outcome::Overtaken);
        assert_eq!(judge(&sent, false, &[]), Outcome::Alone, "RT refused it");
    }

    #[test]
    fn a_status_a_number_and_a_custom_field_are_found_under_their_own_kinds() {
        let status = [row(11, "Status", "Status", "stalled", "alice")];
        assert_eq!(judge(&json!({"Status": "open"}), true, &status), lost(&json!({"Status": "stalled"})));
        let priority =
            [row(11, "Set", "Priority", "50", "alice"), row(12, "Set", "Priority", "100", "bridge")];
        assert_eq!(judge(&json!({"Priority": 100}), true, &priority), lost(&json!({"Priority": "50"})));
        let site =
            [row(11, "CustomField", "2", "Bern", "alice"), row(12, "CustomField", "2", "Basel", "bridge")];
        let sent = json!({"CustomFields": {"Site": "Basel"}});
        assert_eq!(judge(&sent, true, &site), lost(&json!({"CustomFields": {"2": "Bern"}})));
        assert_eq!(judge(&json!({"CustomFields": {"Site": ["Basel"]}}), true, &site), Outcome::Alone);
    }

    #[test]
    fn a_status_set_while_our_reply_was_on_its_way_is_found_among_those_of_rt_s_scrips() {
        let ours = row(20, "Correspond", "", "", "bridge");
        let scrip = row(21, "Status", "Status", "open", SYSTEM);
        let back = row(22, "Status", "Status", "resolved", "bridge");
        let judge = |rows: &[&wire::Transaction]| {
            let rows: Vec<_> = rows.iter().map(|row| (*row).clone()).collect();
            of_message(20, &Version::new("10"), &rows)
        };
        assert_eq!(judge(&[&ours]), None);
        assert_eq!(judge(&[&ours, &scrip, &back]), None, "only our own reply reopened it");
        let theirs = row(15, "Status", "Status", "rejected", "alice");
        assert_eq!(judge(&[&theirs, &ours, &scrip, &back]).as_deref(), Some("rejected"));
        let reopened = row(15, "Status", "Status", "open", SYSTEM);
        assert_eq!(
            judge(&[&reopened, &ours, &back]).as_deref(),
            Some("open"),
            "somebody's reply reopened it"
        );
        let resolved = row(15, "Status", "Status", "resolved", "alice");
        assert_eq!(
            judge(&[&resolved, &ours, &scrip]).as_deref(),
            Some("resolved"),
            "our reply reopened theirs"
        );
        let later = row(23, "Status", "Status", "stalled", "alice");
        assert_eq!(judge(&[&ours, &scrip, &back, &later]), None, "what came after ours stands anyway");
        let old = row(9, "Status", "Status", "stalled", "alice");
        assert_eq!(judge(&[&old, &ours, &scrip, &back]), None);
    }
}
