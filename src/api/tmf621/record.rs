//! What our own agents record on a desk that they keep for a portal.

use std::sync::Arc;

use axum::http::StatusCode;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use throughline_sdk::ticket::canonical_text;

use super::files::Decoded;
use super::refusal::Refusal;
use super::ticket::{self, Written};
use super::visitor::Visitor;
use super::{resources, shape};
use crate::daemon::Shared;
use crate::desk::reference::Carried;
use crate::desk::{Before, Change, Desk, Narrow, Record, Sort};
use crate::registry::PORTAL_NUMBER;

/// The longest number of a portal.
const NUMBER_CHARACTERS: usize = 200;

/// What an agent records. `at` is the change up to which the agent has carried everything over.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Entry {
    /// The number that the portal gave the ticket.
    Number { number: String, at: Option<u64> },
    /// What somebody wrote there.
    Update { by: Option<String>, text: String },
    /// The status that it has there.
    Status(String),
    /// Everything up to here stands in the portal.
    Passed { at: u64 },
}

/// Why nothing was recorded: a status of HTTP, and words.
pub(crate) type Refused = (StatusCode, String);

/// The ticket that people call so: by the portal's number, else by the desk's own.
pub(crate) async fn find(desk: &Desk, key: &str) -> Result<Option<u64>, Refused> {
    if let Some(number) = numbered(desk, key).await? {
        return Ok(Some(number));
    }
    let Some(number) = resources::number(key) else { return Ok(None) };
    let there = desk.read(Sort::Ticket, number).await.map_err(|error| Refusal::from(error).said())?;
    Ok(there.map(|_| number))
}

/// The ticket to which the portal gave this number.
async fn numbered(desk: &Desk, key: &str) -> Result<Option<u64>, Refused> {
    let narrow = Narrow { identifier: Some(key.to_owned()), ..Narrow::default() };
    let wanted = key.to_owned();
    let found = desk.scan(Sort::Ticket, narrow, None, move |found, number, record| {
        if record.portal_number() == Some(&wanted) {
            *found = Some(number);
        }
    });
    found.await.map_err(|error| Refusal::from(error).said())
}

/// Records it, durable on return, and wakes the lane of the ticket.
pub(crate) async fn record(
    shared: &Arc<Shared>,
    desk: &Desk,
    number: u64,
    entry: Entry,
) -> Result<Record, Refused> {
    let entry = checked(desk, number, entry).await?;
    let party = desk.settings().party.clone();
    let changed =
        desk.change(Sort::Ticket, Some(number), move |before| entered(before, &entry, &party)).await;
    let changed = changed
        .map_err(Refusal::from)
        .and_then(|changed| changed)
        .and_then(|changed| changed.ok_or_else(|| Refusal::missing("ticket")))
        .map_err(Refusal::said)?;
    Visitor::agent(desk.clone(), Arc::clone(shared)).tell(number).await;
    Ok(changed.record)
}

/// The entry as it is kept, if it can be.
async fn checked(desk: &Desk, own: u64, entry: Entry) -> Result<Entry, Refused> {
    let bad = |message: String| Refusal::bad(message).said();
    match entry {
        Entry::Number { number, at } => {
            let number = number.trim().to_owned();
            let long = number.chars().count() > NUMBER_CHARACTERS;
            if number.is_empty() || long || number.chars().any(char::is_control) {
                return Err(bad(format!(
                    "a portal's number has 1 to {NUMBER_CHARACTERS} characters on one line"
                )));
            }
            if let Some(other) = find(desk, &number).await?.filter(|other| *other != own) {
                let message = format!(
                    "ticket {other} of {} is called {number} already; nothing was recorded",
                    desk.name()
                );
                return Err(Refusal::conflict(message).said());
            }
            Ok(Entry::Number { number, at })
        }
        Entry::Update { by, text } => {
            let text = canonical_text(&text);
            if text.is_empty() {
                return Err(bad("the update is empty; nothing was recorded".to_owned()));
            }
            let by = by.map(|by| by.trim().to_owned()).filter(|by| !by.is_empty());
            Ok(Entry::Update { by, text })
        }
        Entry::Status(status) => match shape::STATUSES.contains(&status.as_str()) {
            true => Ok(Entry::Status(status)),
            false => {
                Err(bad(format!("{status:?} is no status; it is one of {}", shape::STATUSES.join(", "))))
            }
        },
        Entry::Passed { at } => Ok(Entry::Passed { at }),
    }
}

/// What the ticket becomes, and how far the portal is.
fn entered(before: Before<'_>, entry: &Entry, party: &str) -> Result<Change, Refusal> {
    let Some(record) = before.record else { return Err(Refusal::missing("ticket")) };
    let mut document = record.document.clone();
    let mut carried =
        record.carried.clone().unwrap_or_else(|| Carried { document: Map::new(), heard: record.created });
    match entry {
        Entry::Number { number, .. } => {
            let mut all = entries(&document, "externalIdentifier");
            all.retain(|one| one.get("externalIdentifierType").is_none_or(|is| is != PORTAL_NUMBER));
            all.push(json!({ "owner": party, "externalIdentifierType": PORTAL_NUMBER, "id": number }));
            document.insert("externalIdentifier".to_owned(), Value::Array(all));
        }
        Entry::Update { by, text } => {
            let mut all = entries(&document, "note");
            all.push(json!({ "author": by.as_deref().unwrap_or(party), "text": text }));
            document.insert("note".to_owned(), Value::Array(all));
        }
        Entry::Status(status) => {
            document.insert("status".to_owned(), json!(status));
            carried.document.insert("status".to_owned(), json!(status));
        }
        Entry::Passed { .. } => {}
    }
    let through = match entry {
        Entry::Number { at, .. } => *at,
        Entry::Passed { at } => Some(*at),
        Entry::Update { .. } | Entry::Status(_) => None,
    };
    if through.is_some_and(|at| at != record.change) {
        return Err(Refusal::conflict(
            "the ticket has changed since it was listed, and nothing was recorded; list it again and carry over what \
             is new",
        ));
    }
    if !matches!(entry, Entry::Passed { .. }) {
        carried.heard = before.now;
    }
    let files = Decoded::default();
    let mut change = ticket::written(Written { before, document, files: &files, author: party, free: true })?;
    if through.is_some() {
        carried.document.clone_from(&change.document);
    } else if matches!(entry, Entry::Update { .. }) {
        // It comes from the portal, so it stands there.
        let mut there = entries(&carried.document, "note");
        there.extend(entries(&change.document, "note").pop());
        carried.document.insert("note".to_owned(), Value::Array(there));
    }
    change.carried = Some(carried);
    Ok(change)
}

fn entries(document: &Map<String, Value>, name: &str) -> Vec<Value> {
    document.get(name).and_then(Value::as_array).cloned().unwrap_or_default()
}
