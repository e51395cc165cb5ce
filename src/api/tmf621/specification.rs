//! What a write makes of a specification of trouble tickets (version 5), and what subscribers are told.

use serde_json::{Map, Value, json};

use super::refusal::Refusal;
use super::shape::{self, Purpose};
use crate::desk::{Before, Change, NewEvent, Record};

/// A specification that is made, or changed.
///
/// # Errors
///
/// 409 for a change that leaves no specification.
pub(super) fn written(before: Before<'_>, mut document: Map<String, Value>) -> Result<Change, Refusal> {
    for name in ["id", "href", "creationDate", "lastUpdate"] {
        document.remove(name);
    }
    // No subtype is known here.
    document.insert("@type".to_owned(), json!("TroubleTicketSpecification"));
    if let Some(Value::Array(parties)) = document.get_mut("relatedParty") {
        let inner = parties.iter_mut().filter_map(|party| party.get_mut("partyOrPartyRole")?.as_object_mut());
        inner.for_each(|party| _ = party.entry("id").or_insert_with(|| json!("")));
    }
    let whole = Value::Object(document);
    let fits = shape::check(&whole, shape::SPECIFICATION, Purpose::Whole);
    let no_more = |why: &str| Refusal::conflict(format!("the change leaves no specification: {why}"));
    fits.map_err(|misshapen| no_more(&misshapen.0))?;
    let Value::Object(document) = whole else { return Err(no_more("it is no object")) };
    if !document.contains_key("name") {
        return Err(no_more("name cannot be taken out of it"));
    }
    let events = match before.record {
        None => vec![event("Create", document.clone())],
        Some(record) => changes(&record.document, &document),
    };
    Ok(Change { document, events, ..Change::default() })
}

/// A specification that is deleted.
pub(super) fn deleted(record: Option<&Record>) -> Change {
    let sort = record.and_then(|record| record.document.get("@type")).cloned().unwrap_or_default();
    let told = Map::from_iter([("@type".to_owned(), sort)]);
    Change { deleted: true, events: vec![event("Delete", told)], ..Change::default() }
}

fn changes(was: &Map<String, Value>, is: &Map<String, Value>) -> Vec<NewEvent> {
    let differs = |name: &str| was.get(name) != is.get(name);
    let named = |name: &str| is.get(name).map(|value| (name.to_owned(), value.clone()));
    let mut events = Vec::new();
    if differs("lifecycleStatus") {
        let told = ["@type", "lifecycleStatus"].into_iter().filter_map(named).collect();
        events.push(event("StatusChange", told));
    }
    let others = |name: &&String| differs(name) && name.as_str() != "lifecycleStatus";
    let names: Vec<&str> = is.keys().filter(others).map(String::as_str).collect();
    if !names.is_empty() || was.keys().filter(others).any(|name| !is.contains_key(name)) {
        let told = names.into_iter().chain(["@type"]).filter_map(named).collect();
        events.push(event("AttributeValueChange", told));
    }
    events
}

fn event(what: &str, document: Map<String, Value>) -> NewEvent {
    NewEvent { name: format!("TroubleTicketSpecification{what}Event"), document }
}
