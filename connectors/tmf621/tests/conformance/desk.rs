//! A desk of TMF621 as the documents describe it, with its tickets as plain JSON.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Map, Value, json};
use throughline_sdk::{Clock, Timestamp};

/// What the standard leaves open, and this desk decides.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Manners {
    pub(crate) version: u8,
    /// A list in a merge patch is added to, instead of being replaced.
    pub(crate) appends: bool,
    /// The id that a client gives a note or attachment stays.
    pub(crate) keeps_ids: bool,
    /// Lists know attribute filters.
    pub(crate) filters: bool,
    /// Lists know `sort`; else they stand in an order of the desk's own.
    pub(crate) sorts: bool,
    /// `fields` is an error.
    pub(crate) refuses_fields: bool,
    /// The most rows in one answer.
    pub(crate) page: usize,
    /// Times are cut to whole seconds.
    pub(crate) whole_seconds: bool,
    /// Answers bear entity tags, and `If-Match` is heeded.
    pub(crate) tags: bool,
    /// The bytes of a file stand in the ticket.
    pub(crate) inline_files: bool,
    /// Writes are answered with 202 and done a moment later.
    pub(crate) later: bool,
    /// Such an answer says where the ticket will be.
    pub(crate) names_place: bool,
}

impl Manners {
    pub(crate) const V4: Self = Self {
        version: 4,
        appends: false,
        keeps_ids: false,
        filters: false,
        sorts: false,
        refuses_fields: false,
        page: 1000,
        whole_seconds: false,
        tags: false,
        inline_files: false,
        later: false,
        names_place: false,
    };
    pub(crate) const V5: Self = Self { version: 5, ..Self::V4 };
}

/// How long an accepted write takes.
const DELAY: Duration = Duration::from_secs(3);

/// A desk. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Desk {
    pub(crate) manners: Manners,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
pub(crate) struct State {
    pub(crate) tickets: BTreeMap<u64, Value>,
    pub(crate) versions: BTreeMap<u64, u64>,
    pub(crate) files: BTreeMap<String, Vec<u8>>,
    pub(crate) ignores: bool,
    pub(crate) hub: Vec<Value>,
    given: u64,
    waiting: Vec<(Duration, Write)>,
}

/// A write as it was accepted.
#[derive(Clone, Debug)]
pub(crate) enum Write {
    Create(u64, Value),
    Change(u64, Value),
}

impl Desk {
    pub(crate) fn new(manners: Manners, clock: Arc<dyn Clock>) -> Self {
        Self { manners, clock, state: Arc::default() }
    }

    /// The desk, with everything done that is due.
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        let mut state = self.state.lock().unwrap();
        let now = self.clock.monotonic();
        let (due, waiting) = std::mem::take(&mut state.waiting).into_iter().partition(|(at, _)| *at <= now);
        state.waiting = waiting;
        for (_, write) in due {
            self.carry_out(&mut state, write);
        }
        state
    }

    /// Takes a write; the ticket's number, and whether it is done already.
    pub(crate) fn take(&self, write: Write) -> bool {
        let mut state = self.state();
        if self.manners.later {
            let due = self.clock.monotonic() + DELAY;
            state.waiting.push((due, write));
            return false;
        }
        self.carry_out(&mut state, write);
        true
    }

    pub(crate) fn next(&self) -> u64 {
        let mut state = self.state();
        state.given += 1;
        state.given
    }

    pub(crate) fn time(&self) -> String {
        let now: Timestamp = self.clock.now();
        match self.manners.whole_seconds {
            // Without the colon that RFC 3339 asks for.
            true => now.format("%Y-%m-%dT%H:%M:%S+0000").to_string(),
            false => now.format("%Y-%m-%dT%H:%M:%S%.3fZ").to_string(),
        }
    }

    fn carry_out(&self, state: &mut State, write: Write) {
        match write {
            Write::Create(id, body) => {
                let mut ticket = body;
                let members = ticket.as_object_mut().unwrap();
                // A number where the standard has a text: the connector has to bear it.
                let shown = if self.manners.version == 4 { json!(id) } else { json!(id.to_string()) };
                members.insert("id".to_owned(), shown);
                members.insert("href".to_owned(), json!(format!("https://desk.example/{id}")));
                members.insert("creationDate".to_owned(), json!(self.time()));
                members.insert("status".to_owned(), json!("acknowledged"));
                self.settle(state, id, ticket);
            }
            Write::Change(id, ticket) => self.settle(state, id, ticket),
        }
    }

    /// Gives entries their ids, takes files out, and keeps the ticket.
    fn settle(&self, state: &mut State, id: u64, mut ticket: Value) {
        let known: Vec<String> = ["note", "attachment"]
            .iter()
            .flat_map(|name| {
                state.tickets.get(&id).and_then(|was| was[*name].as_array().cloned()).unwrap_or_default()
            })
            .filter_map(|entry| entry["id"].as_str().map(str::to_owned))
            .collect();
        for name in ["note", "attachment"] {
            for entry in ticket.get_mut(name).and_then(Value::as_array_mut).into_iter().flatten() {
                let entry = entry.as_object_mut().unwrap();
                let own = entry.get("id").and_then(Value::as_str).map(str::to_owned);
                let stays = own.as_ref().is_some_and(|own| self.manners.keeps_ids || known.contains(own));
                if !stays {
                    state.given += 1;
                    entry.insert("id".to_owned(), json!(format!("{name}-{}", state.given)));
                }
                if let (false, Some(Value::String(content))) =
                    (self.manners.inline_files, entry.get("content"))
                {
                    let key = entry["id"].as_str().unwrap().to_owned();
                    state.files.insert(key.clone(), BASE64_STANDARD.decode(content).unwrap());
                    entry.remove("content");
                    let url = format!(
                        "http://desk.test/tmf-api/troubleTicket/v{}/file/{key}",
                        self.manners.version
                    );
                    entry.insert("url".to_owned(), json!(url));
                }
            }
        }
        ticket["lastUpdate"] = json!(self.time());
        state.tickets.insert(id, ticket);
        *state.versions.entry(id).or_default() += 1;
    }

    /// What a merge patch makes of a ticket, by this desk's reading of lists.
    pub(crate) fn merged(&self, ticket: &Value, patch: &Map<String, Value>) -> Value {
        let mut merged = ticket.clone();
        for (name, value) in patch {
            let there = merged.get_mut(name);
            match (there, value) {
                (Some(Value::Array(there)), Value::Array(new)) if self.manners.appends => {
                    there.extend(new.iter().cloned());
                }
                (_, value) => merged[name] = value.clone(),
            }
        }
        merged
    }
}

/// The standard's lifecycle, as drawn.
pub(crate) fn may_become(from: &str, to: &str) -> bool {
    matches!(
        (from, to),
        ("acknowledged", "inProgress" | "rejected" | "cancelled")
            | ("inProgress", "pending" | "held" | "resolved" | "cancelled")
            | ("pending", "inProgress" | "cancelled")
            | ("held", "inProgress")
            | ("resolved", "closed" | "inProgress")
    ) || from == to
}
