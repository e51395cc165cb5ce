//! A Freshdesk in process, written from the vendor's documentation: what it holds and what becomes of a write.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use bytes::Bytes;
use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use serde_json::{Map, Value, json};
use throughline_sdk::Clock;

pub(crate) const ADA: u64 = 1;
pub(crate) const BOB: u64 = 2;
pub(crate) const OURS: u64 = 90;
/// The contact that our tickets are raised for.
pub(crate) const OUR_CONTACT: (u64, &str) = (3, "partner-desk@example.org");

/// How long the search takes to find what was written.
const SEARCH_LAG: TimeDelta = TimeDelta::minutes(5);

#[derive(Clone)]
pub(crate) struct Desk {
    state: Arc<Mutex<State>>,
    pub(crate) clock: Arc<dyn Clock>,
}

#[derive(Default)]
pub(crate) struct State {
    pub(crate) tickets: BTreeMap<u64, Ticket>,
    next: u64,
    /// Tickets that need a field before they are closed.
    pub(crate) strict: Vec<u64>,
    pub(crate) ignores_updates: bool,
    pub(crate) hides_visibility: bool,
    /// Every note becomes public, or private, whatever was asked.
    pub(crate) overrides: Option<bool>,
    /// Requests to the storage host that bore credentials.
    pub(crate) leaked: usize,
    pub(crate) stored: usize,
    /// Writes that set what only people may set.
    pub(crate) overstepped: usize,
}

#[derive(Clone)]
pub(crate) struct Ticket {
    pub(crate) id: u64,
    pub(crate) subject: String,
    pub(crate) description: String,
    pub(crate) status: u64,
    pub(crate) priority: u64,
    pub(crate) kind: Value,
    pub(crate) requester: u64,
    pub(crate) responder: Value,
    pub(crate) group: Value,
    pub(crate) fields: Map<String, Value>,
    pub(crate) files: Vec<File>,
    pub(crate) notes: Vec<Note>,
    pub(crate) created: DateTime<Utc>,
    pub(crate) updated: DateTime<Utc>,
    pub(crate) deleted: bool,
    pub(crate) archived: bool,
}

#[derive(Clone)]
pub(crate) struct Note {
    pub(crate) id: u64,
    pub(crate) author: u64,
    pub(crate) body: String,
    pub(crate) private: bool,
    pub(crate) created: DateTime<Utc>,
    pub(crate) files: Vec<File>,
}

#[derive(Clone)]
pub(crate) struct File {
    pub(crate) id: u64,
    pub(crate) name: String,
    pub(crate) media_type: String,
    pub(crate) bytes: Bytes,
}

/// A refusal as Freshdesk writes it; some have no body.
#[derive(Debug)]
pub(crate) struct Refusal(pub(crate) u16, pub(crate) Option<Value>);

impl Refusal {
    pub(crate) fn invalid(field: &str, message: &str, code: &str) -> Self {
        let errors = json!([{ "field": field, "message": message, "code": code }]);
        Self(400, Some(json!({ "description": "Validation failed", "errors": errors })))
    }
}

/// The form that `GET /ticket_fields` shows.
pub(crate) fn form() -> Value {
    json!([
        { "id": 5, "label": "Status", "name": "status", "type": "default_status", "default": true, "choices": {
            "2": ["Open", "Being Processed"], "3": ["Pending", "Awaiting your Reply"],
            "4": ["Resolved", "This ticket has been Resolved"], "5": ["Closed", "This ticket has been Closed"],
            "9": ["Waiting for parts", "Being Processed"],
        } },
        { "id": 6, "label": "Priority", "name": "priority", "type": "default_priority", "default": true,
          "choices": { "Low": 1, "Medium": 2, "High": 3, "Urgent": 4 } },
        { "id": 3, "label": "Type", "name": "ticket_type", "type": "default_ticket_type", "default": true,
          "choices": ["Question", "Incident", "Problem"] },
        { "id": 7, "label": "Group", "name": "group", "type": "default_group", "choices": { "Second level": 44 } },
        { "id": 8, "label": "Agent", "name": "agent", "type": "default_agent",
          "choices": { "Bob": BOB, "Throughline": OURS } },
        { "id": 20, "label": "Throughline marker", "name": "cf_throughline_marker", "type": "custom_text" },
        { "id": 21, "label": "Counterpart", "name": "cf_counterpart", "type": "custom_text" },
        { "id": 22, "label": "Serial number", "name": "cf_serial_number297457", "type": "custom_text" },
        { "id": 23, "label": "Visits", "name": "cf_visits", "type": "custom_number" },
        { "id": 24, "label": "On site", "name": "cf_on_site", "type": "custom_checkbox" },
        { "id": 25, "label": "Site", "name": "cf_site", "type": "custom_dropdown", "choices": ["Cologne", "Bonn"] },
    ])
}

impl Desk {
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        Self { state: Arc::default(), clock }
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// Freshdesk tells time in whole seconds.
    pub(crate) fn now(&self) -> DateTime<Utc> {
        self.clock.now().trunc_subsecs(0)
    }
}

impl State {
    pub(crate) fn number(&mut self) -> u64 {
        self.next += 1;
        1000 + self.next
    }

    /// A ticket that is no archived one; those in the bin are shown, and say so.
    pub(crate) fn ticket(&mut self, id: u64) -> Result<&mut Ticket, Refusal> {
        self.tickets.get_mut(&id).filter(|ticket| !ticket.archived).ok_or(Refusal(404, None))
    }

    /// A ticket that may be written to.
    fn writable(&mut self, id: u64) -> Result<&mut Ticket, Refusal> {
        let ticket = self.ticket(id)?;
        if ticket.deleted {
            return Err(Refusal(405, Some(json!({ "message": "PUT method is not allowed" }))));
        }
        Ok(ticket)
    }

    pub(crate) fn create(&mut self, write: &Map<String, Value>, now: DateTime<Utc>) -> Result<u64, Refusal> {
        for required in ["email", "subject", "description", "status", "priority", "source"] {
            if write.get(required).is_none_or(|value| value.is_null() || value == "") {
                return Err(Refusal::invalid(required, "It should be a/an String", "missing_field"));
            }
        }
        let email = write["email"].as_str().unwrap_or_default();
        if email != OUR_CONTACT.1 && email != "ada@customer.example" {
            self.overstepped += 1;
        }
        let id = self.number();
        let ticket = Ticket {
            id,
            subject: String::new(),
            description: String::new(),
            status: 2,
            priority: 1,
            kind: Value::Null,
            requester: if email == OUR_CONTACT.1 { OUR_CONTACT.0 } else { ADA },
            responder: Value::Null,
            group: Value::Null,
            fields: Map::new(),
            files: Vec::new(),
            notes: Vec::new(),
            created: now,
            updated: now,
            deleted: false,
            archived: false,
        };
        let rest: Map<String, Value> = write
            .iter()
            .filter(|(name, _)| *name != "email" && *name != "source")
            .map(|(n, v)| (n.clone(), v.clone()))
            .collect();
        let filled = self.filled(ticket, &rest)?;
        self.tickets.insert(id, filled);
        Ok(id)
    }

    pub(crate) fn update(
        &mut self,
        id: u64,
        write: &Map<String, Value>,
        now: DateTime<Utc>,
    ) -> Result<(), Refusal> {
        for forbidden in ["requester_id", "email", "name", "cc_emails"] {
            self.overstepped += usize::from(write.contains_key(forbidden));
        }
        let before = self.writable(id)?.clone();
        let mut after = self.filled(before, write)?;
        if !self.ignores_updates {
            after.updated = now;
            self.tickets.insert(id, after);
        }
        Ok(())
    }

    fn filled(&self, mut ticket: Ticket, write: &Map<String, Value>) -> Result<Ticket, Refusal> {
        let fields = form();
        let field = |key: &str, value: &str| {
            fields
                .as_array()
                .unwrap()
                .iter()
                .find(|field| field[key] == value)
                .cloned()
                .unwrap_or(Value::Null)
        };
        for (name, value) in write {
            let wrong = |message: &str| Refusal::invalid(name, message, "invalid_value");
            match name.as_str() {
                "subject" => ticket.subject = value.as_str().unwrap_or_default().to_owned(),
                // Freshdesk wraps what it is given.
                "description" => {
                    ticket.description = format!("<div>{}</div>", value.as_str().unwrap_or_default())
                }
                "status" => {
                    let known = field("type", "default_status")["choices"].as_object().unwrap().clone();
                    let number = value.as_u64().filter(|number| known.contains_key(&number.to_string()));
                    ticket.status =
                        number.ok_or_else(|| wrong("It should be one of these values: '2,3,4,5,9'"))?;
                    if ticket.status == 5 && self.strict.contains(&ticket.id) {
                        return Err(Refusal::invalid(
                            "cf_site",
                            "It should not be blank as this is a mandatory field",
                            "missing_field",
                        ));
                    }
                }
                "priority" => {
                    let number = value.as_u64().filter(|number| (1..=4).contains(number));
                    ticket.priority =
                        number.ok_or_else(|| wrong("It should be one of these values: '1,2,3,4'"))?;
                }
                "type" => {
                    let known = field("type", "default_ticket_type")["choices"].as_array().unwrap().clone();
                    if !known.contains(value) {
                        return Err(wrong("It should be one of these values: 'Question,Incident,Problem'"));
                    }
                    ticket.kind = value.clone();
                }
                "responder_id" => ticket.responder = value.clone(),
                "group_id" => ticket.group = value.clone(),
                "custom_fields" => {
                    for (name, value) in value.as_object().unwrap() {
                        let known = field("name", name);
                        let fits = value.is_null()
                            || match known["type"].as_str() {
                                Some("custom_number") => value.is_i64(),
                                Some("custom_checkbox") => value.is_boolean(),
                                Some("custom_dropdown") => {
                                    known["choices"].as_array().unwrap().contains(value)
                                }
                                Some("custom_text") => value.is_string(),
                                _ => {
                                    return Err(Refusal::invalid(
                                        name,
                                        "Unexpected/invalid field in request",
                                        "invalid_field",
                                    ));
                                }
                            };
                        if !fits {
                            return Err(Refusal::invalid(
                                name,
                                "Value set is of the wrong type",
                                "datatype_mismatch",
                            ));
                        }
                        ticket.fields.insert(name.clone(), value.clone());
                    }
                }
                _ => {
                    return Err(Refusal::invalid(
                        name,
                        "Unexpected/invalid field in request",
                        "invalid_field",
                    ));
                }
            }
        }
        Ok(ticket)
    }

    pub(crate) fn note(
        &mut self,
        id: u64,
        (author, body, private): (u64, &str, Option<bool>),
        files: Vec<(String, String, Bytes)>,
        now: DateTime<Utc>,
    ) -> Result<Note, Refusal> {
        self.writable(id)?;
        if body.is_empty() {
            return Err(Refusal::invalid("body", "It should be a/an String", "missing_field"));
        }
        let mut kept = Vec::new();
        for (name, media_type, bytes) in files {
            if bytes.is_empty() {
                return Err(Refusal::invalid("attachments", "It should not be empty", "invalid_value"));
            }
            kept.push(File { id: self.number(), name, media_type, bytes });
        }
        let private = if author == OURS { self.overrides.or(private) } else { private };
        let note = Note {
            id: self.number(),
            author,
            body: format!("<div>{body}</div>"),
            // "By default, any note that you add will be private."
            private: private.unwrap_or(true),
            created: now,
            files: kept,
        };
        let ticket = self.ticket(id)?;
        ticket.notes.push(note.clone());
        ticket.updated = now;
        Ok(note)
    }

    /// A ticket as its own page shows it, or a list, which leaves much out.
    pub(crate) fn ticket_json(&self, ticket: &Ticket, whole: bool) -> Value {
        // A field that was never set is shown as null.
        let mut fields = Map::new();
        for field in form()
            .as_array()
            .unwrap()
            .iter()
            .filter(|field| field["name"].as_str().unwrap().starts_with("cf_"))
        {
            let name = field["name"].as_str().unwrap();
            fields.insert(name.to_owned(), ticket.fields.get(name).cloned().unwrap_or(Value::Null));
        }
        let mut json = json!({
            "cc_emails": [], "fwd_emails": [], "reply_cc_emails": [], "spam": false, "source": 2,
            "id": ticket.id, "subject": ticket.subject, "status": ticket.status, "priority": ticket.priority,
            "type": ticket.kind, "requester_id": ticket.requester, "responder_id": ticket.responder,
            "group_id": ticket.group, "product_id": null, "to_emails": null, "custom_fields": fields,
            "created_at": ticket.created, "updated_at": ticket.updated, "tags": [],
        });
        if ticket.deleted {
            json["deleted"] = true.into();
        }
        if whole {
            json["description"] = ticket.description.clone().into();
            json["attachments"] = ticket.files.iter().map(file_json).collect();
        }
        json
    }

    pub(crate) fn note_json(&self, ticket: u64, note: &Note) -> Value {
        let mut json = json!({
            "id": note.id, "body": note.body, "body_text": "x", "incoming": note.author == ADA,
            "private": note.private, "user_id": note.author, "support_email": null, "source": 2,
            "ticket_id": ticket, "created_at": note.created, "updated_at": note.created,
            "attachments": note.files.iter().map(file_json).collect::<Vec<_>>(),
        });
        if self.hides_visibility {
            json.as_object_mut().unwrap().remove("private");
        }
        json
    }

    /// What the search knows by now.
    pub(crate) fn found(&self, query: &str, now: DateTime<Utc>) -> Result<Vec<Value>, Refusal> {
        let wrong = || Refusal::invalid("query", "Unexpected/invalid field in request", "invalid_field");
        let query = query.strip_prefix('"').and_then(|query| query.strip_suffix('"')).ok_or_else(wrong)?;
        let (field, value) = query.split_once(':').ok_or_else(wrong)?;
        let value = value.trim_matches('\'');
        if field != "cf_throughline_marker" {
            return Err(wrong());
        }
        let indexed =
            |ticket: &&Ticket| ticket.updated + SEARCH_LAG <= now && !ticket.deleted && !ticket.archived;
        let bears = |ticket: &&Ticket| ticket.fields.get(field).is_some_and(|marker| marker == value);
        Ok(self
            .tickets
            .values()
            .filter(indexed)
            .filter(bears)
            .map(|ticket| self.ticket_json(ticket, false))
            .collect())
    }
}

fn file_json(file: &File) -> Value {
    json!({
        "id": file.id, "name": file.name, "content_type": file.media_type, "size": file.bytes.len(),
        "attachment_url": format!("https://s3.storage.test/attachments/{}?signature=good", file.id),
        "created_at": "2026-01-01T00:00:00Z", "updated_at": "2026-01-01T00:00:00Z",
    })
}
