//! What a write makes of a ticket: the lifecycle, what the desk fills in itself, and what subscribers are told.

use std::collections::BTreeMap;

use chrono::SecondsFormat;
use serde_json::{Map, Value, json};
use throughline_sdk::Timestamp;

use super::files::Decoded;
use super::refusal::Refusal;
use super::shape::{self, Purpose};
use crate::desk::{Before, Change, NewEvent, Record, Stored};

/// Attributes that the desk sets, whatever is sent.
const OURS: [&str; 6] =
    ["id", "href", "creationDate", "lastUpdate", "statusChangeDate", "statusChangeHistory"];

/// What has to stand in every ticket.
const REQUIRED: [&str; 3] = ["description", "severity", "ticketType"];

/// The step every ticket begins with.
const FIRST: &str = "acknowledged";

/// Whether the standard's lifecycle has this step.
fn is_step(from: &str, to: &str) -> bool {
    let next: &[&str] = match from {
        "acknowledged" => &["inProgress", "rejected", "cancelled"],
        "inProgress" => &["pending", "held", "resolved", "cancelled"],
        "pending" => &["inProgress", "cancelled"],
        "held" => &["inProgress"],
        "resolved" => &["closed", "inProgress"],
        _ => &[],
    };
    next.contains(&to)
}

/// What a write is made with.
#[derive(Debug)]
pub(super) struct Written<'a> {
    /// What it is made on.
    pub(super) before: Before<'a>,
    /// What the ticket becomes, as the caller wants it.
    pub(super) document: Map<String, Value>,
    /// The bytes of the files in it.
    pub(super) files: &'a Decoded,
    /// Who is said to have written what names nobody.
    pub(super) author: &'a str,
    /// Whether any step between statuses is taken: what a portal says is so, whatever the lifecycle.
    pub(super) free: bool,
}

/// A ticket that is made, or changed.
///
/// # Errors
///
/// 409 for a step that the lifecycle does not have, and for a change that leaves no ticket.
pub(super) fn written(written: Written<'_>) -> Result<Change, Refusal> {
    let Written { before: Before { record, now, .. }, mut document, files, author, free } = written;
    let was = record.map(|record| &record.document);
    for name in OURS {
        document.remove(name);
    }
    let mut parts = Parts { given: record.map_or(0, |record| record.parts), author, now };
    let mut stored = record.map(|record| record.files.clone()).unwrap_or_default();
    typed(&mut document);
    parts.notes(&mut document);
    parts.attachments(&mut document, files, &mut stored);
    status(&mut document, was, now, free)?;
    let whole = Value::Object(document);
    let fits = shape::check(&whole, shape::ticket(super::Edition::V5), Purpose::Whole);
    fits.map_err(|misshapen| Refusal::conflict(format!("the change leaves no ticket: {}", misshapen.0)))?;
    let Value::Object(document) = whole else { return Err(Refusal::conflict("the change leaves no ticket")) };
    if let Some(missing) = REQUIRED.iter().find(|name| !document.contains_key(**name)) {
        return Err(Refusal::conflict(format!("{missing} cannot be taken out of a ticket")));
    }
    let events = match was {
        None => vec![event("Create", document.clone())],
        Some(was) => changes(was, &document),
    };
    Ok(Change { document, files: stored, parts: parts.given, events, ..Change::default() })
}

/// A ticket that is deleted.
pub(super) fn deleted(record: Option<&Record>) -> Change {
    let told = record.map(|record| of(&record.document, &["@type"])).unwrap_or_default();
    Change { deleted: true, events: vec![event("Delete", told)], ..Change::default() }
}

/// Takes the wished-for status, if the lifecycle goes there, and writes the history.
fn status(
    document: &mut Map<String, Value>,
    was: Option<&Map<String, Value>>,
    now: Timestamp,
    free: bool,
) -> Result<(), Refusal> {
    let text =
        |map: &Map<String, Value>, name: &str| map.get(name).and_then(Value::as_str).map(str::to_owned);
    // A new ticket is acknowledged, whatever its sender thinks.
    let Some(was) = was else {
        document.insert("status".to_owned(), json!(FIRST));
        return note_status(document, Vec::new(), FIRST, now);
    };
    let before = text(was, "status").unwrap_or_else(|| FIRST.to_owned());
    let wanted = text(document, "status").unwrap_or_else(|| before.clone());
    let history = was.get("statusChangeHistory").and_then(Value::as_array).cloned().unwrap_or_default();
    if wanted == before {
        document.insert("status".to_owned(), json!(before));
        for name in ["statusChangeDate", "statusChangeHistory"] {
            document.extend(was.get(name).map(|value| (name.to_owned(), value.clone())));
        }
        return Ok(());
    }
    if !free && !is_step(&before, &wanted) {
        return Err(Refusal::conflict(format!("a ticket that is {before} cannot become {wanted}")));
    }
    if wanted == "resolved" && document.get("resolutionDate") == was.get("resolutionDate") {
        document.insert("resolutionDate".to_owned(), json!(written_time(now)));
    }
    note_status(document, history, &wanted, now)
}

fn note_status(
    document: &mut Map<String, Value>,
    mut history: Vec<Value>,
    status: &str,
    now: Timestamp,
) -> Result<(), Refusal> {
    let reason = document.get("statusChangeReason").and_then(Value::as_str).unwrap_or_default();
    history.push(json!({
        "@type": "StatusChange",
        "status": status,
        "statusChangeDate": written_time(now),
        "statusChangeReason": reason,
    }));
    document.insert("statusChangeDate".to_owned(), json!(written_time(now)));
    document.insert("statusChangeHistory".to_owned(), Value::Array(history));
    Ok(())
}

/// Gives notes and attachments what the desk gives them.
struct Parts<'a> {
    given: u64,
    author: &'a str,
    now: Timestamp,
}

impl Parts<'_> {
    fn notes(&mut self, document: &mut Map<String, Value>) {
        let Some(Value::Array(notes)) = document.get_mut("note") else { return };
        for at in 0..notes.len() {
            let id = self.id(notes, at);
            let Some(note) = notes.get_mut(at).and_then(Value::as_object_mut) else { continue };
            note.insert("id".to_owned(), json!(id));
            note.entry("author").or_insert_with(|| json!(self.author));
            note.entry("date").or_insert_with(|| json!(written_time(self.now)));
        }
    }

    fn attachments(
        &mut self,
        document: &mut Map<String, Value>,
        files: &Decoded,
        stored: &mut BTreeMap<String, Stored>,
    ) {
        let mut ids = Vec::new();
        if let Some(Value::Array(attachments)) = document.get_mut("attachment") {
            for at in 0..attachments.len() {
                let id = self.id(attachments, at);
                let Some(attachment) = attachments.get_mut(at).and_then(Value::as_object_mut) else {
                    continue;
                };
                attachment.insert("id".to_owned(), json!(id));
                let content = attachment.get("content").and_then(Value::as_str);
                if let Some(file) = content.and_then(|content| files.get(content)) {
                    attachment.remove("content");
                    attachment.insert("size".to_owned(), json!({ "amount": file.size, "units": "B" }));
                    stored.insert(id.clone(), file.clone());
                }
                ids.push(id);
            }
        }
        stored.retain(|id, _| ids.contains(id));
    }

    /// The id of an entry: its own, if no entry before it has that; else the next one.
    fn id(&mut self, entries: &[Value], at: usize) -> String {
        let id = |entry: &Value| entry.get("id").and_then(Value::as_str).map(str::to_owned);
        let before = entries.get(..at).unwrap_or_default();
        if let Some(own) = entries.get(at).and_then(id).filter(|own| !own.is_empty())
            && !before.iter().any(|entry| id(entry).is_some_and(|other| other == own))
        {
            return own;
        }
        loop {
            self.given += 1;
            let next = self.given.to_string();
            if !entries.iter().any(|entry| id(entry).is_some_and(|other| other == next)) {
                return next;
            }
        }
    }
}

/// Gives every object the type that version 5 asks for, and every reference an id.
pub(super) fn typed(document: &mut Map<String, Value>) {
    const EACH: [(&str, &str); 6] = [
        ("note", "Note"),
        ("attachment", "Attachment"),
        ("externalIdentifier", "ExternalIdentifier"),
        ("relatedEntity", "RelatedEntity"),
        ("relatedParty", "RelatedPartyRefOrPartyRoleRef"),
        ("troubleTicketCharacteristic", "Characteristic"),
    ];
    // No subtype is known here.
    document.insert("@type".to_owned(), json!("TroubleTicket"));
    for (name, sort) in EACH {
        let Some(Value::Array(entries)) = document.get_mut(name) else { continue };
        for entry in entries.iter_mut().filter_map(Value::as_object_mut) {
            entry.entry("@type").or_insert_with(|| json!(sort));
            match name {
                "relatedEntity" => reference(entry, "entity", "EntityRef"),
                "relatedParty" => reference(entry, "partyOrPartyRole", "PartyRef"),
                _ => {}
            }
        }
    }
    if let Some(Value::Array(relations)) = document.get_mut("troubleTicketRelationship") {
        for relation in relations.iter_mut().filter_map(Value::as_object_mut) {
            refer(relation, "TroubleTicketRelationship");
        }
    }
    reference(document, "channel", "ChannelRef");
    reference(document, "troubleTicketSpecification", "TroubleTicketSpecificationRef");
}

fn reference(outer: &mut Map<String, Value>, name: &str, sort: &str) {
    if let Some(Value::Object(members)) = outer.get_mut(name) {
        refer(members, sort);
    }
}

fn refer(members: &mut Map<String, Value>, sort: &str) {
    members.entry("@type").or_insert_with(|| json!(sort));
    members.entry("id").or_insert_with(|| json!(""));
}

/// What subscribers are told of a change.
fn changes(was: &Map<String, Value>, is: &Map<String, Value>) -> Vec<NewEvent> {
    const OF_STATUS: [&str; 6] = [
        "@type",
        "status",
        "statusChangeDate",
        "statusChangeReason",
        "statusChangeHistory",
        "resolutionDate",
    ];
    let mut events = Vec::new();
    if was.get("status") != is.get("status") {
        let told = of(is, &OF_STATUS);
        events.push(event("StatusChange", told.clone()));
        match is.get("status").and_then(Value::as_str) {
            Some("resolved") => events.push(event("Resolved", told)),
            Some("pending") => events.push(event("InformationRequired", told)),
            _ => {}
        }
    }
    let differs = |name: &&String| was.get(*name) != is.get(*name) && !OF_STATUS.contains(&name.as_str());
    let mut names: Vec<&str> = is.keys().filter(differs).map(String::as_str).collect();
    if !names.is_empty() || was.keys().filter(differs).any(|name| !is.contains_key(name)) {
        names.push("@type");
        events.push(event("AttributeValueChange", of(is, &names)));
    }
    events
}

fn event(what: &str, document: Map<String, Value>) -> NewEvent {
    NewEvent { name: format!("TroubleTicket{what}Event"), document }
}

fn of(document: &Map<String, Value>, names: &[&str]) -> Map<String, Value> {
    document
        .iter()
        .filter(|(name, _)| names.contains(&name.as_str()))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

/// A moment as the standard writes it.
pub(super) fn written_time(time: Timestamp) -> String {
    time.to_rfc3339_opts(SecondsFormat::Millis, true)
}
