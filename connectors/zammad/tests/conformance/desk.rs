//! A Zammad in process, written from the vendor's documentation and source: what it holds and what becomes of a write.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use serde_json::{Map, Value, json};
use throughline_sdk::Clock;

pub(crate) const NOBODY: u64 = 1;
pub(crate) const ADA: u64 = 2;
pub(crate) const BOB: u64 = 3;
pub(crate) const OURS: u64 = 4;
pub(crate) const PARTNER: u64 = 5;

/// How long an agent may delete a note of its own.
const DELETE_TIMEFRAME: TimeDelta = TimeDelta::minutes(10);

#[derive(Clone)]
pub(crate) struct Desk {
    state: Arc<Mutex<State>>,
    pub(crate) clock: Arc<dyn Clock>,
}

#[derive(Default)]
pub(crate) struct State {
    pub(crate) tickets: BTreeMap<u64, Ticket>,
    pub(crate) articles: BTreeMap<u64, Article>,
    /// Child and parent.
    pub(crate) links: Vec<(u64, u64)>,
    next: u64,
    /// Tickets that need a field before they are closed.
    pub(crate) strict: Vec<u64>,
    /// Tickets that our account's groups may not see.
    pub(crate) hidden: Vec<u64>,
    pub(crate) ignores_updates: bool,
    pub(crate) hides_visibility: bool,
    /// Every article of ours becomes internal, or public, whatever was asked.
    pub(crate) overrides: Option<bool>,
    /// Preferences of articles are dropped.
    pub(crate) drops_preferences: bool,
    pub(crate) agent_only: bool,
    pub(crate) maintenance: bool,
    /// The attribute for markers was never made.
    pub(crate) without_marker: bool,
    /// Conditions are not understood and left out.
    pub(crate) drops_conditions: bool,
    /// Writes that set what only people may set.
    pub(crate) overstepped: usize,
}

#[derive(Clone)]
pub(crate) struct Ticket {
    pub(crate) id: u64,
    pub(crate) title: String,
    pub(crate) state: String,
    pub(crate) priority: String,
    pub(crate) kind: Value,
    pub(crate) group: String,
    pub(crate) owner: u64,
    pub(crate) customer: u64,
    pub(crate) pending_time: Value,
    pub(crate) own: Map<String, Value>,
    pub(crate) created: DateTime<Utc>,
    pub(crate) updated: DateTime<Utc>,
}

#[derive(Clone)]
pub(crate) struct Article {
    pub(crate) id: u64,
    pub(crate) ticket: u64,
    pub(crate) author: u64,
    pub(crate) body: String,
    pub(crate) content_type: String,
    pub(crate) internal: bool,
    pub(crate) preferences: Value,
    pub(crate) files: Vec<File>,
    pub(crate) created: DateTime<Utc>,
}

#[derive(Clone)]
pub(crate) struct File {
    pub(crate) id: u64,
    pub(crate) name: String,
    pub(crate) media_type: String,
    pub(crate) bytes: Bytes,
}

/// A refusal as Zammad writes it.
#[derive(Debug)]
pub(crate) struct Refusal(pub(crate) u16, pub(crate) String);

impl Refusal {
    pub(crate) fn new(status: u16, words: &str) -> Self {
        Self(status, words.to_owned())
    }

    fn missing(what: &str, id: u64) -> Self {
        Self(404, format!("Couldn't find {what} with 'id'={id}"))
    }
}

/// Every status: name, type, whether it is active.
pub(crate) const STATES: [(&str, &str, bool); 8] = [
    ("new", "new", true),
    ("open", "open", true),
    ("pending reminder", "pending reminder", true),
    ("closed", "closed", true),
    ("merged", "merged", true),
    ("removed", "removed", false),
    ("pending close", "pending action", true),
    ("waiting for parts", "pending reminder", true),
];

pub(crate) const PRIORITIES: [&str; 3] = ["1 low", "2 normal", "3 high"];

const GROUPS: [&str; 2] = ["Service Desk", "2nd Level"];

/// Every person: number, login, name, whether an agent.
pub(crate) const PEOPLE: [(u64, &str, (&str, &str), bool); 5] = [
    (NOBODY, "-", ("-", ""), false),
    (ADA, "ada@customer.example", ("Ada", "Lovelace"), false),
    (BOB, "bob@desk.example", ("Bob", "Builder"), true),
    (OURS, "throughline@desk.example", ("Throughline", ""), true),
    (PARTNER, "partner-desk@example.org", ("Partner", "Desk"), false),
];

fn person(id: u64) -> &'static (u64, &'static str, (&'static str, &'static str), bool) {
    PEOPLE.iter().find(|person| person.0 == id).unwrap()
}

pub(crate) fn name(id: u64) -> String {
    let (first, last) = person(id).2;
    format!("{first} {last}")
}

fn login(id: u64) -> &'static str {
    person(id).1
}

impl Desk {
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        let desk = Self { state: Arc::default(), clock };
        // Zammad comes with a ticket that says welcome.
        let now = desk.now();
        let ticket = json!({ "title": "Welcome to Zammad!", "group": "Service Desk", "customer": "-" });
        let article = json!({ "body": "Welcome!" });
        desk.lock().create(BOB, ticket.as_object().unwrap(), article.as_object().unwrap(), now).unwrap();
        desk
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// Zammad keeps milliseconds.
    pub(crate) fn now(&self) -> DateTime<Utc> {
        self.clock.now().trunc_subsecs(3)
    }
}

impl State {
    pub(crate) fn number(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    /// A ticket that our account may see.
    pub(crate) fn ticket(&self, id: u64) -> Result<&Ticket, Refusal> {
        let ticket = self.tickets.get(&id).ok_or_else(|| Refusal::missing("Ticket", id))?;
        if self.hidden.contains(&id) { Err(Refusal::new(403, "Not authorized")) } else { Ok(ticket) }
    }

    pub(crate) fn create(
        &mut self,
        author: u64,
        write: &Map<String, Value>,
        article: &Map<String, Value>,
        now: DateTime<Utc>,
    ) -> Result<u64, Refusal> {
        let id = self.number();
        let own = self.attributes().into_iter().map(|(name, default)| (name.to_owned(), default)).collect();
        let ticket = Ticket {
            id,
            title: String::new(),
            state: "new".to_owned(),
            priority: "2 normal".to_owned(),
            kind: Value::Null,
            group: String::new(),
            owner: NOBODY,
            customer: NOBODY,
            pending_time: Value::Null,
            own,
            created: now,
            updated: now,
        };
        if author == OURS && write.get("customer").and_then(Value::as_str) != Some(login(PARTNER)) {
            self.overstepped += 1;
        }
        let filled = self.filled(ticket, write)?;
        if filled.group.is_empty() {
            return Err(Refusal::new(422, "Validation failed: Group can't be blank"));
        }
        self.tickets.insert(id, filled);
        let made = self.article(id, author, article, now);
        if made.is_err() {
            self.tickets.remove(&id);
        }
        made.map(|_| id)
    }

    pub(crate) fn update(
        &mut self,
        author: u64,
        id: u64,
        write: &Map<String, Value>,
        now: DateTime<Utc>,
    ) -> Result<(), Refusal> {
        if author == OURS {
            let forbidden = ["customer", "customer_id", "preferences", "mentions", "article"];
            self.overstepped += forbidden.iter().filter(|name| write.contains_key(**name)).count();
        }
        let before = self.tickets.get(&id).ok_or_else(|| Refusal::missing("Ticket", id))?.clone();
        let mut after = self.filled(before, write)?;
        if !(self.ignores_updates && author == OURS) {
            after.updated = now;
            self.tickets.insert(id, after);
        }
        Ok(())
    }

    fn filled(&self, mut ticket: Ticket, write: &Map<String, Value>) -> Result<Ticket, Refusal> {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        for (key, value) in write {
            let known = |list: &[&str]| {
                let found =
                    list.iter().find(|one| Some(**one) == value.as_str()).map(|one| (*one).to_owned());
                found.ok_or_else(|| Refusal(422, format!("No lookup value found for '{key}': {value}")))
            };
            let user = || {
                let found = PEOPLE.iter().find(|one| Some(one.1) == value.as_str()).map(|one| one.0);
                found.ok_or_else(|| Refusal(422, format!("No lookup value found for '{key}': {value}")))
            };
            match key.as_str() {
                "title" => ticket.title = text(value),
                "state" => ticket.state = known(&STATES.map(|state| state.0))?,
                "priority" => ticket.priority = known(&PRIORITIES)?,
                "group" => ticket.group = known(&GROUPS)?,
                "owner" => ticket.owner = user()?,
                "customer" => ticket.customer = user()?,
                "type" => ticket.kind = value.clone(),
                "pending_time" => {
                    assert!(DateTime::parse_from_rfc3339(value.as_str().unwrap()).is_ok(), "{value}");
                    ticket.pending_time = value.clone();
                }
                // What no attribute has the name of is left out.
                own => {
                    if let Some(now) = ticket.own.get_mut(own) {
                        *now = cast(own, value)?;
                    }
                }
            }
        }
        let pends = STATES.iter().any(|state| state.0 == ticket.state && state.1.starts_with("pending"));
        if !pends {
            ticket.pending_time = Value::Null;
        } else if ticket.pending_time.is_null() {
            return Err(Refusal::new(422, "Missing required value for field 'pending_time'!"));
        }
        if ticket.state == "closed" && self.strict.contains(&ticket.id) {
            return Err(Refusal::new(422, "Missing required value for field 'site'!"));
        }
        Ok(ticket)
    }

    pub(crate) fn article(
        &mut self,
        ticket: u64,
        author: u64,
        write: &Map<String, Value>,
        now: DateTime<Utc>,
    ) -> Result<Article, Refusal> {
        let body = write.get("body").and_then(Value::as_str);
        let body = body.ok_or_else(|| Refusal::new(422, "Need at least an 'article body' field."))?;
        let mut files = Vec::new();
        for (index, file) in
            write.get("attachments").and_then(Value::as_array).into_iter().flatten().enumerate()
        {
            for key in ["mime-type", "filename", "data"] {
                if file.get(key).is_none_or(Value::is_null) {
                    let words = format!("Attachment needs '{key}' param for attachment with index '{index}'");
                    return Err(Refusal(422, words));
                }
            }
            let text = |key: &str| file[key].as_str().unwrap().to_owned();
            let Ok(bytes) = BASE64_STANDARD.decode(text("data")) else {
                return Err(Refusal(422, format!("Invalid base64 for attachment with index '{index}'")));
            };
            files.push(File {
                id: self.number(),
                name: text("filename"),
                media_type: text("mime-type"),
                bytes: bytes.into(),
            });
        }
        let content_type =
            write.get("content_type").and_then(Value::as_str).unwrap_or("text/plain").to_owned();
        if author == OURS {
            assert!(write["type"] == "note", "an article of ours that is sent to somebody");
            self.overstepped +=
                ["to", "cc", "origin_by_id", "sender"].iter().filter(|key| write.contains_key(**key)).count();
        }
        let asked = write.get("internal").and_then(Value::as_bool).unwrap_or(false);
        let kept = write.get("preferences").filter(|_| !self.drops_preferences).cloned();
        let article = Article {
            id: self.number(),
            ticket,
            author,
            body: if content_type.contains("html") { sanitized(body) } else { body.to_owned() },
            content_type,
            internal: self.overrides.filter(|_| author == OURS).unwrap_or(asked),
            preferences: kept.unwrap_or_else(|| json!({})),
            files,
            created: now,
        };
        self.articles.insert(article.id, article.clone());
        self.tickets.get_mut(&ticket).unwrap().updated = now;
        Ok(article)
    }

    pub(crate) fn delete_article(&mut self, id: u64, now: DateTime<Utc>) -> Result<(), Refusal> {
        let article = self.articles.get(&id).ok_or_else(|| Refusal::missing("Ticket::Article", id))?;
        if article.author != OURS {
            return Err(Refusal::new(403, "you can only delete your own notes"));
        }
        if article.created <= now - DELETE_TIMEFRAME {
            return Err(Refusal::new(403, "note is too old to be deleted"));
        }
        let ticket = article.ticket;
        self.articles.remove(&id);
        self.tickets.get_mut(&ticket).unwrap().updated = now;
        Ok(())
    }

    /// The articles go along, the links too, and a link to the parent stays.
    pub(crate) fn merge(&mut self, source: u64, target: u64, now: DateTime<Utc>) {
        for article in self.articles.values_mut().filter(|article| article.ticket == source) {
            article.ticket = target;
        }
        for link in &mut self.links {
            let moved = |id: u64| if id == source { target } else { id };
            *link = (moved(link.0), moved(link.1));
        }
        let merged = json!({ "body": "merged" });
        self.article(source, BOB, merged.as_object().unwrap(), now).unwrap();
        self.links.push((source, target));
        "merged".clone_into(&mut self.tickets.get_mut(&source).unwrap().state);
        self.tickets.get_mut(&target).unwrap().updated = now;
    }

    /// The operator's own attributes with their defaults.
    fn attributes(&self) -> Vec<(&'static str, Value)> {
        let all = [
            ("throughline_marker", Value::Null),
            ("counterpart", Value::Null),
            ("serial_number", Value::Null),
            ("visits", Value::Null),
            ("on_site", false.into()),
            ("site", Value::Null),
            ("parts", json!([])),
        ];
        all.into_iter().filter(|(name, _)| !(self.without_marker && *name == "throughline_marker")).collect()
    }

    pub(crate) fn articles_of(&self, ticket: u64) -> impl Iterator<Item = &Article> {
        self.articles.values().filter(move |article| article.ticket == ticket)
    }

    /// A ticket, with the names behind its numbers.
    pub(crate) fn ticket_json(&self, ticket: &Ticket) -> Value {
        let number = |word: &str, list: &[&str]| list.iter().position(|one| *one == word).unwrap() + 1;
        let articles: Vec<u64> = self.articles_of(ticket.id).map(|article| article.id).collect();
        let time = |time: DateTime<Utc>| time.format("%Y-%m-%dT%H:%M:%S%.3fZ").to_string();
        let mut json = json!({
            "id": ticket.id, "group_id": number(&ticket.group, &GROUPS), "organization_id": null,
            "priority_id": number(&ticket.priority, &PRIORITIES),
            "state_id": number(&ticket.state, &STATES.map(|state| state.0)), "number": format!("71{:03}", ticket.id),
            "title": ticket.title, "owner_id": ticket.owner, "customer_id": ticket.customer, "note": null,
            "first_response_at": null, "close_at": null, "close_in_min": null, "last_contact_at": time(ticket.updated),
            "create_article_type_id": 10, "create_article_sender_id": 1, "article_count": articles.len(),
            "escalation_at": null, "pending_time": ticket.pending_time, "type": ticket.kind, "time_unit": null,
            "preferences": {}, "updated_by_id": BOB, "created_by_id": BOB, "checklist_id": null,
            "created_at": time(ticket.created), "updated_at": time(ticket.updated),
            "article_ids": articles, "ticket_time_accounting_ids": [], "ticket_time_accounting": [],
            "group": ticket.group, "state": ticket.state, "priority": ticket.priority, "owner": login(ticket.owner),
            "customer": login(ticket.customer), "created_by": login(BOB), "updated_by": login(BOB),
            "create_article_type": "note", "create_article_sender": "Agent",
        });
        json.as_object_mut().unwrap().extend(ticket.own.clone());
        json
    }

    pub(crate) fn article_json(&self, article: &Article) -> Value {
        let (_, login, _, agent) = *person(article.author);
        let from = if agent { name(article.author) } else { format!("{} <{login}>", name(article.author)) };
        let files = article.files.iter().map(|file| {
            json!({
                "id": file.id, "store_file_id": 1, "filename": file.name, "size": file.bytes.len().to_string(),
                "preferences": { "Mime-Type": file.media_type },
            })
        });
        let mut json = json!({
            "id": article.id, "ticket_id": article.ticket, "type_id": 10, "sender_id": 1, "from": from, "to": null,
            "cc": null, "subject": null, "reply_to": null, "message_id": null, "in_reply_to": null,
            "content_type": article.content_type, "body": article.body, "internal": article.internal,
            "preferences": article.preferences, "updated_by_id": article.author, "created_by_id": article.author,
            "origin_by_id": null, "created_at": article.created, "updated_at": article.created,
            "attachments": files.collect::<Vec<_>>(), "type": "note",
            "sender": if agent { "Agent" } else { "Customer" }, "created_by": login, "updated_by": login,
        });
        if self.hides_visibility {
            json.as_object_mut().unwrap().remove("internal");
        }
        json
    }
}

/// A value as its column takes it, and as an operator's rules allow it.
fn cast(name: &str, value: &Value) -> Result<Value, Refusal> {
    const FALSE: [&str; 5] = ["0", "f", "false", "off", ""];
    Ok(match (name, value) {
        (_, Value::Null) => Value::Null,
        ("visits", Value::String(text)) => text.parse::<i64>().map_or(Value::Null, Value::from),
        ("on_site", Value::String(text)) => (!FALSE.contains(&text.to_lowercase().as_str())).into(),
        ("site", Value::String(text)) if !["Bonn", "Cologne"].contains(&text.as_str()) => {
            return Err(Refusal(422, format!("Invalid value '{text}' for field 'site'!")));
        }
        ("parts", Value::Array(_)) => value.clone(),
        ("parts", _) => json!([]),
        (_, value) => value.clone(),
    })
}

/// What Zammad's sanitizer makes of HTML: links get attributes, entities become letters, and blocks lines of their own.
fn sanitized(html: &str) -> String {
    html.replace("<a href=", "<a rel=\"nofollow noreferrer noopener\" target=\"_blank\" title=\"x\" href=")
        .replace("&nbsp;", "\u{a0}")
        .replace("</p><", "</p>\n<")
}
