//! A Zendesk in process, written from the vendor's documentation: what it holds and what becomes of a write.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use bytes::Bytes;
use chrono::{DateTime, SubsecRound, Utc};
use serde_json::{Value, json};
use throughline_sdk::Clock;

pub(crate) const ADA: u64 = 1;
pub(crate) const BOB: u64 = 2;
pub(crate) const OURS: u64 = 900;

/// How long an idempotency key is remembered.
const KEY_LIFE: Duration = Duration::from_secs(2 * 3600);

#[derive(Clone)]
pub(crate) struct Desk {
    state: Arc<Mutex<State>>,
    pub(crate) clock: Arc<dyn Clock>,
}

#[derive(Default)]
pub(crate) struct State {
    pub(crate) tickets: BTreeMap<u64, Ticket>,
    pub(crate) files: BTreeMap<u64, File>,
    pub(crate) uploads: HashMap<String, u64>,
    pub(crate) keys: HashMap<String, Key>,
    next: u64,
    /// Tickets that need a field before they are solved.
    pub(crate) strict: Vec<u64>,
    pub(crate) ignores_updates: bool,
    pub(crate) hides_visibility: bool,
    /// Our account may write internal notes only, as a light agent.
    pub(crate) light: bool,
    /// Internal notes are published, as a broken account would.
    pub(crate) publishes: bool,
    /// Requests to the storage host that bore credentials.
    pub(crate) leaked: usize,
    /// What was asked of the storage host.
    pub(crate) stored: usize,
    /// Writes that set what only people may set.
    pub(crate) overstepped: usize,
}

pub(crate) struct Key {
    pub(crate) body: Bytes,
    pub(crate) answer: Value,
    pub(crate) at: Duration,
}

#[derive(Clone)]
pub(crate) struct Ticket {
    pub(crate) id: u64,
    pub(crate) subject: String,
    pub(crate) status: String,
    pub(crate) custom_status: u64,
    pub(crate) priority: Value,
    pub(crate) kind: Value,
    pub(crate) external_id: Value,
    pub(crate) requester: u64,
    pub(crate) due_at: Value,
    pub(crate) tags: Vec<String>,
    pub(crate) fields: BTreeMap<u64, Value>,
    pub(crate) created: DateTime<Utc>,
    pub(crate) updated: DateTime<Utc>,
    pub(crate) deleted: bool,
    pub(crate) comments: Vec<Comment>,
    pub(crate) audits: Vec<Value>,
}

#[derive(Clone)]
pub(crate) struct Comment {
    pub(crate) id: u64,
    pub(crate) audit: u64,
    pub(crate) author: u64,
    pub(crate) html: String,
    pub(crate) public: bool,
    pub(crate) created: DateTime<Utc>,
    pub(crate) files: Vec<u64>,
}

#[derive(Clone)]
pub(crate) struct File {
    pub(crate) id: u64,
    pub(crate) name: String,
    pub(crate) media_type: String,
    pub(crate) bytes: Bytes,
    pub(crate) malware: bool,
}

/// A refusal as Zendesk writes it.
#[derive(Debug)]
pub(crate) struct Refusal(pub(crate) u16, pub(crate) Value);

impl Refusal {
    pub(crate) fn missing() -> Self {
        Self(404, json!({ "error": "RecordNotFound", "description": "Not found" }))
    }

    pub(crate) fn invalid(field: &str, words: &str) -> Self {
        let details = json!({ field: [{ "description": words, "error": "InvalidValue" }] });
        Self(
            422,
            json!({ "error": "RecordInvalid", "description": "Record validation errors", "details": details }),
        )
    }
}

/// The five statuses of every account and one of this account's own.
pub(crate) fn statuses() -> Vec<(u64, &'static str, &'static str, bool)> {
    vec![
        (101, "new", "New", true),
        (102, "open", "In Arbeit", true),
        (103, "pending", "Pending", true),
        (104, "hold", "On-hold", true),
        (105, "solved", "Solved", true),
        (106, "pending", "Waiting for parts", false),
    ]
}

pub(crate) fn ticket_fields() -> Value {
    json!([
        { "id": 10, "type": "subject", "title": "Subject", "active": true, "custom_field_options": null },
        { "id": 11, "type": "status", "title": "Status", "active": true },
        { "id": 31, "type": "text", "title": "Counterpart", "active": true },
        { "id": 32, "type": "text", "title": "Serial number", "active": true },
        { "id": 33, "type": "tagger", "title": "Site", "active": true, "custom_field_options": [
            { "id": 1, "name": "Cologne", "raw_name": "Cologne", "value": "site_cologne", "default": false },
            { "id": 2, "name": "Bonn", "raw_name": "Bonn", "value": "site_bonn", "default": false },
        ] },
        { "id": 34, "type": "checkbox", "title": "On site", "active": true },
        { "id": 35, "type": "text", "title": "Retired", "active": false },
    ])
}

/// What is seen of HTML.
pub(crate) fn plain(html: &str) -> String {
    let mut text = String::new();
    let mut tag = None::<String>;
    for letter in html.replace('\n', " ").chars() {
        match (letter, tag.as_mut()) {
            ('<', None) => tag = Some(String::new()),
            ('>', Some(name)) => {
                if name.starts_with("br") || name == "/p" {
                    text.push('\n');
                }
                tag = None;
            }
            (other, Some(name)) => name.push(other),
            (other, None) => text.push(other),
        }
    }
    let text = text.replace("&nbsp;", " ").replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"");
    text.replace("&amp;", "&").trim().to_owned()
}

impl Desk {
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        Self { state: Arc::default(), clock }
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// Zendesk tells time in whole seconds.
    pub(crate) fn now(&self) -> DateTime<Utc> {
        self.clock.now().trunc_subsecs(0)
    }

    /// A create, under its key where it has one.
    pub(crate) fn create(&self, key: Option<&str>, body: &Bytes) -> Result<(Value, bool), Refusal> {
        let (now, monotonic) = (self.now(), self.clock.monotonic());
        let mut state = self.lock();
        if let Some(known) = key.and_then(|key| state.keys.get(key))
            && monotonic.saturating_sub(known.at) < KEY_LIFE
        {
            return if known.body == *body {
                Ok((known.answer.clone(), true))
            } else {
                let words = "Request parameters don't match the given idempotency key";
                Err(Refusal(400, json!({ "error": "IdempotentRequestError", "description": words })))
            };
        }
        let write: Value = serde_json::from_slice(body)
            .map_err(|_fault| Refusal(400, json!({ "error": "Unprocessable JSON" })))?;
        let write = &write["ticket"];
        if write["comment"]["html_body"].as_str().is_none_or(|html| plain(html).is_empty()) {
            return Err(Refusal::invalid("base", "Description: cannot be blank"));
        }
        let id = state.number();
        let ticket = Ticket {
            id,
            subject: String::new(),
            status: "new".to_owned(),
            custom_status: 101,
            priority: Value::Null,
            kind: Value::Null,
            external_id: Value::Null,
            requester: OURS,
            due_at: Value::Null,
            tags: Vec::new(),
            fields: BTreeMap::new(),
            created: now,
            updated: now,
            deleted: false,
            comments: Vec::new(),
            audits: Vec::new(),
        };
        state.tickets.insert(id, ticket);
        let audit = match state.write(id, OURS, write, now) {
            Ok(audit) => audit,
            Err(refusal) => {
                state.tickets.remove(&id);
                return Err(refusal);
            }
        };
        let answer = json!({ "ticket": state.ticket_json(id), "audit": audit });
        if let Some(key) = key {
            state
                .keys
                .insert(key.to_owned(), Key { body: body.clone(), answer: answer.clone(), at: monotonic });
        }
        Ok((answer, false))
    }
}

impl State {
    pub(crate) fn number(&mut self) -> u64 {
        self.next += 1;
        1000 + self.next
    }

    pub(crate) fn ticket(&self, id: u64) -> Result<&Ticket, Refusal> {
        self.tickets.get(&id).filter(|ticket| !ticket.deleted).ok_or_else(Refusal::missing)
    }

    /// An update by a user: all of it or a refusal. Gives the audit.
    pub(crate) fn write(
        &mut self,
        id: u64,
        author: u64,
        write: &Value,
        now: DateTime<Utc>,
    ) -> Result<Value, Refusal> {
        let mut ticket = self.ticket(id)?.clone();
        let written = write.as_object().cloned().unwrap_or_default();
        for forbidden in
            ["requester", "requester_id", "collaborators", "email_ccs", "followers", "description"]
        {
            if author == OURS && written.contains_key(forbidden) {
                self.overstepped += 1;
            }
        }
        if ticket.status == "closed" {
            return Err(Refusal::invalid("status", "Status: closed prevents ticket update"));
        }
        // "A value of false has the same effect as true."
        if written.contains_key("safe_update") {
            let stamp = written.get("updated_stamp").and_then(Value::as_str).unwrap_or_default();
            if stamp.parse::<DateTime<Utc>>().ok() != Some(ticket.updated) {
                let words = "Safe Update prevented the update due to outdated ticket data. Please fetch the latest \
                             ticket data and try again.";
                return Err(Refusal(409, json!({ "error": "UpdateConflict", "description": words })));
            }
        }
        if self.ignores_updates {
            return Ok(Value::Null);
        }
        let audit = self.number();
        let mut events = Vec::new();
        self.set_fields(&mut ticket, &written, &mut events)?;
        if let Some(comment) = written.get("comment") {
            events.push(self.comment(&mut ticket, comment, (author, audit), now)?);
        }
        if events.is_empty() {
            return Ok(Value::Null);
        }
        ticket.updated = now;
        let custom = written.get("metadata").cloned().unwrap_or_else(|| json!({}));
        let audit = json!({
            "id": audit,
            "ticket_id": id,
            "author_id": author,
            "created_at": now,
            "metadata": { "system": { "client": "x", "ip_address": "192.0.2.1" }, "custom": custom },
            "via": { "channel": "api", "source": { "from": {}, "to": {}, "rel": null } },
            "events": events,
        });
        ticket.audits.push(audit.clone());
        self.tickets.insert(id, ticket);
        Ok(audit)
    }

    fn set_fields(
        &mut self,
        ticket: &mut Ticket,
        written: &serde_json::Map<String, Value>,
        events: &mut Vec<Value>,
    ) -> Result<(), Refusal> {
        let before = ticket.clone();
        if let Some(subject) = written.get("subject").and_then(Value::as_str) {
            ticket.subject = subject.to_owned();
        }
        for (name, list) in [
            ("priority", &["low", "normal", "high", "urgent"][..]),
            ("type", &["question", "incident", "problem", "task"]),
        ] {
            let Some(value) = written.get(name) else { continue };
            if !value.as_str().is_some_and(|word| list.contains(&word)) {
                return Err(Refusal::invalid(name, "is not properly formatted"));
            }
            *(if name == "priority" { &mut ticket.priority } else { &mut ticket.kind }) = value.clone();
        }
        if let Some(id) = written.get("custom_status_id").and_then(Value::as_u64) {
            let known = statuses().into_iter().find(|status| status.0 == id);
            let known = known.ok_or_else(|| Refusal::invalid("custom_status_id", "is invalid"))?;
            (ticket.custom_status, ticket.status) = (id, known.1.to_owned());
        } else if let Some(status) = written.get("status").and_then(Value::as_str) {
            let category = if status == "closed" { "solved" } else { status };
            let default = statuses().into_iter().find(|known| known.1 == category && known.3);
            ticket.custom_status =
                default.ok_or_else(|| Refusal::invalid("status", "is not properly formatted"))?.0;
            ticket.status = status.to_owned();
        }
        if before.status != "solved" && ticket.status == "solved" && self.strict.contains(&ticket.id) {
            return Err(Refusal::invalid("ticket_field_33", "Site: is required when solving a ticket"));
        }
        if let Some(due) = written.get("due_at") {
            if !due.is_null() && ticket.kind != "task" {
                return Err(Refusal::invalid("due_at", "Due date: is for tasks only"));
            }
            ticket.due_at = due.clone();
        }
        if let Some(external) = written.get("external_id") {
            ticket.external_id = external.clone();
        }
        for field in written.get("custom_fields").and_then(Value::as_array).into_iter().flatten() {
            let id = field["id"].as_u64().unwrap_or_default();
            let known = ticket_fields().as_array().unwrap().iter().find(|known| known["id"] == id).cloned();
            let known = known.ok_or_else(|| Refusal::invalid("custom_fields", "no such field"))?;
            let offered = known["custom_field_options"].as_array().cloned().unwrap_or_default();
            if known["type"] == "tagger"
                && !field["value"].is_null()
                && !offered.iter().any(|one| one["value"] == field["value"])
            {
                return Err(Refusal::invalid("base", "Site: is not a valid choice"));
            }
            ticket.fields.insert(id, field["value"].clone());
        }
        if let Some(tags) = written.get("tags").and_then(Value::as_array) {
            ticket.tags = tags.iter().filter_map(|tag| tag.as_str().map(str::to_owned)).collect();
        }
        for (name, changed) in [
            ("subject", before.subject != ticket.subject),
            ("status", before.status != ticket.status || before.custom_status != ticket.custom_status),
            ("priority", before.priority != ticket.priority),
            ("type", before.kind != ticket.kind),
            ("due_at", before.due_at != ticket.due_at),
            ("external_id", before.external_id != ticket.external_id),
            ("tags", before.tags != ticket.tags),
            ("custom_fields", before.fields != ticket.fields),
        ] {
            if changed {
                events.push(json!({ "id": self.number(), "type": "Change", "field_name": name }));
            }
        }
        Ok(())
    }

    fn comment(
        &mut self,
        ticket: &mut Ticket,
        comment: &Value,
        (author, audit): (u64, u64),
        now: DateTime<Utc>,
    ) -> Result<Value, Refusal> {
        let html = match (comment["html_body"].as_str(), comment["body"].as_str()) {
            (Some(html), _) => html.to_owned(),
            // "HTML data is stripped out of the request if you use body."
            (None, Some(body)) => plain(body).replace('&', "&amp;").replace('<', "&lt;"),
            (None, None) => String::new(),
        };
        if plain(&html).is_empty() {
            return Err(Refusal::invalid("comment", "Comment: cannot be blank"));
        }
        if ticket.comments.len() >= 5000 {
            return Err(Refusal::invalid("comment", "too many comments"));
        }
        let mut files = Vec::new();
        for token in comment["uploads"].as_array().into_iter().flatten() {
            let token = token.as_str().unwrap_or_default();
            // A token is consumed by the comment that names it.
            files.push(self.uploads.remove(token).ok_or_else(|| Refusal::invalid("uploads", "is invalid"))?);
        }
        // "The initial value set on ticket creation persists", and where nothing was set a comment is public.
        let mut public = comment["public"].as_bool().unwrap_or(true);
        if author == OURS {
            public = (public && !self.light) || self.publishes;
        }
        // Agents' placeholders are filled in.
        let latest = ticket.comments.last().map(|last| last.html.clone()).unwrap_or_default();
        let html = if author == ADA { html } else { fill_in(&html, &latest) };
        let id = self.number();
        let said = Comment {
            id,
            audit,
            author,
            html: format!("<div class=\"zd-comment\" dir=\"auto\">{html}</div>"),
            public,
            created: now,
            files,
        };
        let event = json!({
            "id": id,
            "type": "Comment",
            "author_id": author,
            "body": plain(&said.html),
            "html_body": said.html,
            "public": said.public,
            "attachments": said.files.iter().map(|file| self.file_json(*file)).collect::<Vec<_>>(),
            "audit_id": audit,
        });
        ticket.comments.push(said);
        Ok(event)
    }

    pub(crate) fn ticket_json(&self, id: u64) -> Value {
        let ticket = &self.tickets[&id];
        let fields: Vec<Value> = ticket_fields()
            .as_array()
            .unwrap()
            .iter()
            .filter(|field| field["id"].as_u64() > Some(30))
            .map(|field| {
                let id = field["id"].as_u64().unwrap();
                json!({ "id": id, "value": ticket.fields.get(&id).cloned().unwrap_or(Value::Null) })
            })
            .collect();
        json!({
            "url": format!("https://desk.zendesk.test/api/v2/tickets/{id}.json"),
            "id": id,
            "external_id": ticket.external_id,
            "via": { "channel": "api" },
            "created_at": ticket.created,
            "updated_at": ticket.updated,
            "generated_timestamp": ticket.updated.timestamp(),
            "type": ticket.kind,
            // Dynamic content is shown, and kept in the raw subject.
            "subject": fill_in(&ticket.subject, "shown"),
            "raw_subject": ticket.subject,
            "description": ticket.comments.first().map(|first| plain(&first.html)),
            "priority": ticket.priority,
            "status": if ticket.deleted { "deleted" } else { ticket.status.as_str() },
            "custom_status_id": ticket.custom_status,
            "requester_id": ticket.requester,
            "submitter_id": ticket.requester,
            "assignee_id": null,
            "group_id": 77,
            "brand_id": 1,
            "due_at": ticket.due_at,
            "tags": ticket.tags,
            "custom_fields": fields,
        })
    }

    pub(crate) fn comment_json(&self, comment: &Comment) -> Value {
        let mut json = json!({
            "id": comment.id,
            "type": "Comment",
            "author_id": comment.author,
            "body": plain(&comment.html),
            "html_body": comment.html,
            "plain_body": plain(&comment.html),
            "public": comment.public,
            "attachments": comment.files.iter().map(|file| self.file_json(*file)).collect::<Vec<_>>(),
            "audit_id": comment.audit,
            "via": { "channel": "api", "source": { "from": {}, "to": {}, "rel": null } },
            "created_at": comment.created,
            "metadata": { "system": {}, "custom": {} },
        });
        if self.hides_visibility {
            json.as_object_mut().unwrap().remove("public");
        }
        json
    }

    pub(crate) fn file_json(&self, id: u64) -> Value {
        let file = &self.files[&id];
        json!({
            "url": format!("https://desk.zendesk.test/api/v2/attachments/{id}.json"),
            "id": id,
            "file_name": file.name,
            "content_url": format!("https://desk.zendesk.test/attachments/token/{id}x/?name=file"),
            "mapped_content_url": format!("https://help.example.org/attachments/token/{id}x/?name=file"),
            "content_type": file.media_type,
            "size": file.bytes.len(),
            "inline": false,
            "deleted": false,
            "malware_scan_result": if file.malware { "malware_found" } else { "malware_not_found" },
            "thumbnails": [],
        })
    }

    /// Blackens what stands between `<redact>` tags, if nothing else of the comment was changed.
    pub(crate) fn redact(&mut self, comment: u64, body: &Value, now: DateTime<Utc>) -> Result<(), Refusal> {
        let id = body["ticket_id"].as_u64().unwrap_or_default();
        let urls: Vec<Value> = body["external_attachment_urls"].as_array().cloned().unwrap_or_default();
        let emptied: Vec<u64> = self
            .files
            .keys()
            .copied()
            .filter(|file| urls.contains(&self.file_json(*file)["content_url"]))
            .collect();
        let ticket = self.tickets.get_mut(&id).ok_or_else(Refusal::missing)?;
        let found = ticket.comments.iter_mut().find(|one| one.id == comment).ok_or_else(Refusal::missing)?;
        let html = body["html_body"].as_str().unwrap_or_default();
        if html.replace("<redact>", "").replace("</redact>", "").replace(" redact>", ">") != found.html {
            return Err(Refusal::invalid("html_body", "does not match the comment"));
        }
        let mut black = String::new();
        for (at, part) in html.split("<redact>").enumerate() {
            let (inside, outside) = if at == 0 { ("", part) } else { part.split_once("</redact>").unwrap() };
            let blackened = |letter: char| if letter.is_whitespace() { letter } else { '\u{2587}' };
            black.extend(inside.chars().map(blackened));
            black.push_str(outside);
        }
        found.html = black;
        ticket.updated = now;
        for file in emptied {
            let file = self.files.get_mut(&file).unwrap();
            (file.name, file.bytes) = ("redacted.txt".to_owned(), Bytes::new());
        }
        Ok(())
    }
}

/// What Zendesk makes of placeholders.
fn fill_in(text: &str, with: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, from)) = rest.split_once("{{") {
        out.push_str(before);
        let Some((_, after)) = from.split_once("}}") else {
            out.push_str("{{");
            rest = from;
            continue;
        };
        out.push_str(with);
        rest = after;
    }
    out.push_str(rest);
    out
}
