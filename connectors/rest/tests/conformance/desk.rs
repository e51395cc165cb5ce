//! The desk that `manifests/example.toml` describes, in process and in raw JSON, with the ways of other desks on demand.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::response::Response;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use chrono::SecondsFormat;
use http::{HeaderMap, Method, StatusCode};
use serde_json::{Value, json};
use throughline_sdk::{Clock, Timestamp};

pub(crate) const TOKEN: &str = "example-token-51c8";
pub(crate) const PASSWORD: &str = "example-password-77d0";

/// How the pages of a list follow one another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pages {
    Number,
    Offset,
    Cursor,
    NextLink,
    LinkHeader,
    Limit,
}

/// What this desk does otherwise than the example.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ways {
    pub(crate) pages: Pages,
    /// Asks for a session, which ends after so many requests.
    pub(crate) session: Option<u32>,
    /// Says 200 and means no.
    pub(crate) says_yes: bool,
    /// Writes times in seconds since 1970.
    pub(crate) seconds: bool,
    /// Shows notes in their ticket.
    pub(crate) embedded: bool,
}

impl Default for Ways {
    fn default() -> Self {
        Self { pages: Pages::Number, session: None, says_yes: false, seconds: false, embedded: false }
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Desk {
    pub(crate) clock: Arc<dyn Clock>,
    ways: Ways,
    state: Arc<Mutex<Held>>,
}

#[derive(Debug, Default)]
pub(crate) struct Held {
    pub(crate) tickets: Vec<Ticket>,
    events: Vec<(u64, u64)>,
    last_id: u64,
    sessions: u64,
    session_requests: u32,
    keys: BTreeMap<String, u64>,
    pub(crate) refused: Option<(u64, &'static str)>,
    pub(crate) ignores_updates: bool,
    pub(crate) hides_visibility: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct Ticket {
    pub(crate) id: u64,
    pub(crate) fields: BTreeMap<String, Value>,
    pub(crate) notes: Vec<Note>,
    pub(crate) files: Vec<File>,
    created: Timestamp,
    updated: Timestamp,
    revision: u64,
}

#[derive(Clone, Debug)]
pub(crate) struct Note {
    id: u64,
    author: String,
    pub(crate) text: String,
    pub(crate) private: bool,
    at: Timestamp,
}

#[derive(Clone, Debug)]
pub(crate) struct File {
    id: u64,
    pub(crate) name: String,
    media_type: String,
    remark: String,
    pub(crate) bytes: Bytes,
    at: Timestamp,
}

const NOT_FOUND: u16 = 404;

type Answer = Result<(u16, Value), (u16, &'static str, String)>;

impl Desk {
    pub(crate) fn new(clock: Arc<dyn Clock>, ways: Ways) -> Self {
        Self { clock, ways, state: Arc::default() }
    }

    pub(crate) fn router(&self) -> Router {
        Router::new().fallback(handle).with_state(self.clone())
    }

    pub(crate) fn held(&self) -> MutexGuard<'_, Held> {
        self.state.lock().unwrap()
    }

    pub(crate) fn raise(&self, fields: BTreeMap<String, Value>) -> u64 {
        let now = self.clock.now();
        let mut held = self.held();
        let id = held.next_id();
        let mut all = BTreeMap::from([
            ("state".to_owned(), json!("new")),
            ("urgency".to_owned(), json!(2)),
            ("category".to_owned(), json!("incident")),
            ("body".to_owned(), json!("")),
        ]);
        all.extend(fields.into_iter().filter(|(_, value)| !value.is_null()));
        let (notes, files) = (Vec::new(), Vec::new());
        held.tickets.push(Ticket { id, fields: all, notes, files, created: now, updated: now, revision: 1 });
        held.event(id);
        id
    }

    pub(crate) fn note(&self, ticket: u64, author: &str, text: &str, private: bool) -> Option<u64> {
        let at = self.clock.now();
        let mut held = self.held();
        let id = held.next_id();
        let note = Note { id, author: author.to_owned(), text: text.to_owned(), private, at };
        held.change(ticket, at, |ticket| ticket.notes.push(note)).then_some(id)
    }

    pub(crate) fn attach(
        &self,
        ticket: u64,
        name: &str,
        media_type: &str,
        remark: &str,
        bytes: Bytes,
    ) -> Option<u64> {
        let at = self.clock.now();
        let mut held = self.held();
        let id = held.next_id();
        let (name, media_type, remark) = (name.to_owned(), media_type.to_owned(), remark.to_owned());
        let file = File { id, name, media_type, remark, bytes, at };
        held.change(ticket, at, |ticket| ticket.files.push(file)).then_some(id)
    }

    pub(crate) fn set(&self, ticket: u64, fields: BTreeMap<String, Value>) -> bool {
        let now = self.clock.now();
        self.held().change(ticket, now, |ticket| {
            for (name, value) in fields {
                match (ticket.fields.get_mut(&name), value) {
                    (Some(Value::Object(old)), Value::Object(new)) => old.extend(new),
                    (_, value) => _ = ticket.fields.insert(name, value),
                }
            }
        })
    }

    pub(crate) fn delete(&self, ticket: u64) {
        self.held().tickets.retain(|one| one.id != ticket);
    }

    fn answer(
        &self,
        method: &Method,
        path: &[&str],
        query: &BTreeMap<String, String>,
        call: &Call,
    ) -> Answer {
        let missing = || (NOT_FOUND, "no_such_ticket", "there is no such ticket".to_owned());
        let id = |text: &str| text.parse::<u64>().map_err(|_no_number| missing());
        let ticket = |text: &str| {
            let id = id(text)?;
            self.held().tickets.iter().find(|one| one.id == id).cloned().ok_or_else(missing)
        };
        match (method.as_str(), path) {
            ("GET", ["me"]) => Ok((200, json!({ "name": "Throughline" }))),
            ("GET", ["tickets"]) => self.list(query),
            ("GET", ["events"]) => self.events(query),
            ("POST", ["tickets"]) => {
                let key = call.key();
                if let Some(known) = key.as_ref().and_then(|key| self.held().keys.get(key).copied()) {
                    return Ok((200, json!({ "ticket": { "id": known } })));
                }
                let body = call.json()?;
                if body["subject"].as_str().is_none_or(str::is_empty) {
                    return Err((400, "invalid", "subject is missing".to_owned()));
                }
                let id = self.raise(serde_json::from_value(body).unwrap());
                key.into_iter().for_each(|key| _ = self.held().keys.insert(key, id));
                Ok((201, json!({ "ticket": { "id": id } })))
            }
            // A desk with an external id creates or updates under it.
            ("PUT", ["by-ref", reference]) => {
                let mut body = call.json()?;
                body["external_ref"] = json!(reference);
                let known = self
                    .held()
                    .tickets
                    .iter()
                    .find(|one| one.fields.get("external_ref") == Some(&json!(reference)))
                    .map(|one| one.id);
                let id = known.unwrap_or_else(|| self.raise(serde_json::from_value(body).unwrap()));
                Ok((200, json!({ "ticket": { "id": id } })))
            }
            ("GET", ["tickets", id]) => Ok((200, json!({ "ticket": self.shown(&ticket(id)?) }))),
            ("PATCH", ["tickets", id]) => self.patch(&ticket(id)?, call),
            ("GET", ["tickets", id, "notes"]) => {
                let notes = ticket(id)?.notes;
                let (from, most) = (number(query, "offset", 0), number(query, "limit", 50));
                let rows: Vec<Value> =
                    notes.iter().skip(from).take(most).map(|note| self.note_json(note)).collect();
                Ok((200, json!({ "notes": rows })))
            }
            ("POST", ["tickets", id, "notes"]) => {
                let (ticket, body, key) = (ticket(id)?.id, call.json()?, call.key());
                if let Some(known) = key.as_ref().and_then(|key| self.held().keys.get(key).copied()) {
                    return Ok((200, json!({ "note": { "id": known } })));
                }
                let private = body["private"].as_bool().unwrap_or(false);
                let id = self.note(ticket, "Throughline", body["text"].as_str().unwrap_or_default(), private);
                key.into_iter().zip(id).for_each(|(key, id)| _ = self.held().keys.insert(key, id));
                Ok((201, json!({ "note": { "id": id } })))
            }
            ("PATCH" | "DELETE", ["tickets", of, "notes", note]) => {
                let (of, note) = (ticket(of)?.id, id(note)?);
                let text = if *method == Method::PATCH { Some(call.json()?["text"].clone()) } else { None };
                let now = self.clock.now();
                self.held().change(of, now, |ticket| match &text {
                    Some(text) => ticket
                        .notes
                        .iter_mut()
                        .filter(|one| one.id == note)
                        .for_each(|one| one.text = text.as_str().unwrap_or_default().to_owned()),
                    None => ticket.notes.retain(|one| one.id != note),
                });
                Ok((204, Value::Null))
            }
            ("GET", ["tickets", id, "transitions"]) => {
                ticket(id)?;
                let to = ["new", "in_progress", "waiting", "done"]
                    .map(|state| json!({ "id": format!("go-{state}"), "to": state }));
                Ok((200, json!({ "transitions": to })))
            }
            ("POST", ["tickets", id, "transitions"]) => {
                let body = call.json()?;
                let state =
                    body["transition"].as_str().and_then(|name| name.strip_prefix("go-")).unwrap_or_default();
                self.set_state(&ticket(id)?, state)
            }
            ("GET", ["tickets", id, "files"]) => {
                let rows: Vec<Value> = ticket(id)?
                    .files
                    .iter()
                    .map(|file| {
                        json!({
                            "id": file.id, "name": file.name, "type": file.media_type, "bytes": file.bytes.len(),
                            "by": "Ada", "at": self.time(file.at), "remark": file.remark,
                        })
                    })
                    .collect();
                Ok((200, json!({ "files": rows })))
            }
            ("POST", ["tickets", id, "files"]) => self.upload(ticket(id)?.id, call),
            ("GET", ["files", id]) => {
                let id = parse(id);
                let held = self.held();
                let file = held.tickets.iter().flat_map(|one| &one.files).find(|file| file.id == id);
                let file = file.ok_or_else(missing)?;
                Ok((200, json!({ "content": BASE64_STANDARD.encode(&file.bytes) })))
            }
            _ => Err((405, "no_such_thing", "the desk has no such request".to_owned())),
        }
    }

    fn patch(&self, ticket: &Ticket, call: &Call) -> Answer {
        let told = call.headers.get("if-match").and_then(|value| value.to_str().ok());
        if told.is_some_and(|told| told != ticket.revision.to_string()) {
            return Err((400, "outdated", "somebody else changed it first".to_owned()));
        }
        let body = call.json()?;
        if let Some(state) = body["state"].as_str() {
            return self.set_state(ticket, state);
        }
        if !self.held().ignores_updates {
            let fields: BTreeMap<String, Value> = serde_json::from_value(body).unwrap();
            self.set(ticket.id, fields);
        }
        Ok((200, json!({ "ticket": {} })))
    }

    fn set_state(&self, ticket: &Ticket, state: &str) -> Answer {
        let refused = self.held().refused;
        if refused.is_some_and(|(id, to)| id == ticket.id && to == state) {
            return Err((422, "workflow", format!("{state} does not follow")));
        }
        if !self.held().ignores_updates {
            self.set(ticket.id, BTreeMap::from([("state".to_owned(), json!(state))]));
        }
        Ok((200, json!({ "ticket": {} })))
    }

    fn upload(&self, ticket: u64, call: &Call) -> Answer {
        let (name, media_type, remark, bytes) = match call.boundary() {
            Some(boundary) => {
                let parts = call.parts(&boundary);
                let part = |name: &str| {
                    parts.iter().find(|(head, _)| head.contains(&format!("name=\"{name}\""))).cloned()
                };
                let (head, bytes) = part("file").unwrap();
                let name = head.split("filename=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
                let media_type = head.split("Content-Type: ").nth(1).unwrap().trim().to_owned();
                let remark = part("remark").map(|(_, text)| String::from_utf8(text.to_vec()).unwrap());
                (name, media_type, remark.unwrap_or_default(), bytes)
            }
            None => {
                let body = call.json()?;
                let text = |key: &str| body[key].as_str().unwrap_or_default().to_owned();
                let bytes = BASE64_STANDARD.decode(text("content")).unwrap();
                (text("name"), text("type"), text("remark"), Bytes::from(bytes))
            }
        };
        let id = self.attach(ticket, &name, &media_type, &remark, bytes);
        Ok((201, json!({ "file": { "id": id } })))
    }

    /// Filters by what it knows, leaves out what it does not, and gives no more than a hundred.
    fn list(&self, query: &BTreeMap<String, String>) -> Answer {
        let mut tickets = self.held().tickets.clone();
        if let Some(from) = query.get("changed_from") {
            let from = self.read_time(from).ok_or((400, "invalid", "changed_from is no time".to_owned()))?;
            tickets.retain(|one| floor(one.updated) >= from);
        }
        if let Some(reference) = query.get("external_ref") {
            tickets.retain(|one| one.fields.get("external_ref") == Some(&json!(reference)));
        }
        tickets.sort_by_key(|one| (one.updated, one.id));
        let all: Vec<Value> = tickets.iter().map(|ticket| self.shown(ticket)).collect();
        Ok((200, self.paged("tickets", &all, query)))
    }

    fn events(&self, query: &BTreeMap<String, String>) -> Answer {
        let after = query.get("after").map_or(0, |after| parse(after));
        let held = self.held();
        let all: Vec<Value> = held
            .events
            .iter()
            .filter(|(number, _)| *number > after)
            .map(|(number, ticket)| json!({ "number": number, "ticket": ticket.to_string() }))
            .collect();
        drop(held);
        Ok((200, self.paged("events", &all, query)))
    }

    fn paged(&self, name: &str, all: &[Value], query: &BTreeMap<String, String>) -> Value {
        let size = number(query, "size", 100).min(if self.ways.pages == Pages::Limit { 1000 } else { 100 });
        let from = match self.ways.pages {
            Pages::Number => (number(query, "page", 1) - 1) * size,
            Pages::Offset => number(query, "offset", 0),
            Pages::Cursor => {
                query.get("cursor").map_or(0, |cursor| cursor.trim_start_matches("after ").parse().unwrap())
            }
            Pages::NextLink | Pages::LinkHeader => number(query, "start", 0),
            Pages::Limit => 0,
        };
        let rows: Vec<&Value> = all.iter().skip(from).take(size).collect();
        let end = from + rows.len();
        let mut page = json!({ name: rows });
        if end < all.len() {
            let mut again: Vec<String> = query
                .iter()
                .filter(|(key, _)| *key != "start")
                .map(|(key, value)| format!("{key}={}", value.replace('+', "%2B").replace(':', "%3A")))
                .collect();
            again.push(format!("start={end}"));
            match self.ways.pages {
                Pages::Cursor => page["next"] = json!(format!("after {end}")),
                Pages::NextLink => {
                    page["next"] = json!(format!("http://desk.test/api/{name}?{}", again.join("&")))
                }
                // A hidden member that becomes the header field.
                Pages::LinkHeader => {
                    page["link"] = json!(format!("</api/{name}?{}>; rel=\"next\"", again.join("&")))
                }
                Pages::Number | Pages::Offset | Pages::Limit => {}
            }
        }
        page
    }

    fn shown(&self, ticket: &Ticket) -> Value {
        let mut shown = json!(ticket.fields);
        // Now a number, now a text.
        shown["id"] =
            if ticket.revision.is_multiple_of(2) { json!(ticket.id) } else { json!(ticket.id.to_string()) };
        shown["number"] = json!(format!("T-{}", ticket.id));
        shown["raised_by"] = json!({ "name": "Carol" });
        shown["created_at"] = self.time(ticket.created);
        shown["updated_at"] = self.time(ticket.updated);
        shown["revision"] = json!(ticket.revision);
        if self.ways.embedded {
            shown["notes"] = ticket.notes.iter().map(|note| self.note_json(note)).collect();
        }
        shown
    }

    fn note_json(&self, note: &Note) -> Value {
        let mut shown = json!({
            "id": note.id, "author": { "name": note.author }, "text": note.text, "at": self.time(note.at),
        });
        if !self.held_hides() {
            shown["private"] = json!(note.private);
        }
        shown
    }

    fn held_hides(&self) -> bool {
        self.state.try_lock().is_ok_and(|held| held.hides_visibility)
    }

    fn time(&self, time: Timestamp) -> Value {
        if self.ways.seconds {
            json!(time.timestamp())
        } else {
            json!(time.to_rfc3339_opts(SecondsFormat::Secs, true))
        }
    }

    fn read_time(&self, text: &str) -> Option<Timestamp> {
        if self.ways.seconds {
            return Timestamp::from_timestamp(text.parse().ok()?, 0);
        }
        chrono::DateTime::parse_from_rfc3339(text).ok().map(|time| time.to_utc())
    }

    /// Whether who asks is known; a login gives a session.
    fn admitted(&self, path: &[&str], call: &Call) -> Result<Option<Value>, ()> {
        let shows = |name: &str| call.headers.get(name).and_then(|value| value.to_str().ok());
        let Some(life) = self.ways.session else {
            return if shows("authorization") == Some(&format!("Bearer {TOKEN}")) {
                Ok(None)
            } else {
                Err(())
            };
        };
        let mut held = self.held();
        if path == ["sessions"] {
            let body: Value = serde_json::from_slice(&call.body).unwrap_or_default();
            if body["login"] != "throughline" || body["password"] != PASSWORD {
                return Err(());
            }
            held.sessions += 1;
            held.session_requests = life;
            return Ok(Some(json!({ "token": format!("session-{}", held.sessions) })));
        }
        if shows("x-session") != Some(&format!("session-{}", held.sessions)) || held.session_requests == 0 {
            return Err(());
        }
        held.session_requests -= 1;
        Ok(None)
    }
}

impl Held {
    fn next_id(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }

    fn event(&mut self, ticket: u64) {
        let number = u64::try_from(self.events.len()).unwrap() + 1;
        self.events.push((number, ticket));
    }

    fn change(&mut self, ticket: u64, now: Timestamp, change: impl FnOnce(&mut Ticket)) -> bool {
        let Some(found) = self.tickets.iter_mut().find(|one| one.id == ticket) else { return false };
        change(found);
        (found.updated, found.revision) = (now, found.revision + 1);
        self.event(ticket);
        true
    }
}

struct Call {
    headers: HeaderMap,
    body: Bytes,
}

impl Call {
    fn json(&self) -> Result<Value, (u16, &'static str, String)> {
        serde_json::from_slice(&self.body).map_err(|_why| (400, "invalid", "this is no JSON".to_owned()))
    }

    fn key(&self) -> Option<String> {
        self.headers.get("idempotency-key").map(|value| value.to_str().unwrap().to_owned())
    }

    fn boundary(&self) -> Option<String> {
        let media_type = self.headers.get("content-type")?.to_str().ok()?;
        media_type.split("boundary=\"").nth(1).map(|rest| rest.trim_end_matches('"').to_owned())
    }

    fn parts(&self, boundary: &str) -> Vec<(String, Bytes)> {
        let mark = format!("--{boundary}");
        let find = |from: usize, what: &[u8]| {
            self.body[from..].windows(what.len()).position(|window| window == what).map(|at| from + at)
        };
        let (mut parts, mut at) = (Vec::new(), 0);
        while let Some(begin) = find(at, mark.as_bytes()) {
            let Some(head) = find(begin, b"\r\n\r\n") else { break };
            let end = find(head, format!("\r\n{mark}").as_bytes()).unwrap();
            let text = String::from_utf8(self.body[begin..head].to_vec()).unwrap();
            parts.push((text, self.body.slice(head + 4..end)));
            at = end;
        }
        parts
    }
}

async fn handle(State(desk): State<Desk>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let call = Call { headers: parts.headers, body: to_bytes(body, usize::MAX).await.unwrap() };
    let query: BTreeMap<String, String> =
        url::form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes()).into_owned().collect();
    let path: Vec<&str> = parts.uri.path().trim_matches('/').split('/').skip(1).collect();
    let refused = |status: u16, code: &str, text: &str| {
        let status = if desk.ways.says_yes { 200 } else { status };
        json_answer(status, &json!({ "error": { "code": code, "text": text } }))
    };
    match desk.admitted(&path, &call) {
        Err(()) => return refused(401, "who_are_you", "nobody is logged in"),
        Ok(Some(begun)) => return json_answer(200, &begun),
        Ok(None) => {}
    }
    if let ["files", id, "content"] = path[..] {
        let id = parse(id);
        let held = desk.held();
        let file = held.tickets.iter().flat_map(|one| &one.files).find(|file| file.id == id);
        return match file {
            Some(file) => Response::new(Body::from(file.bytes.clone())),
            None => refused(NOT_FOUND, "no_such_file", "there is no such file"),
        };
    }
    match desk.answer(&parts.method, &path, &query, &call) {
        Ok((status, body)) => json_answer(status, &body),
        Err((status, code, text)) => refused(status, code, &text),
    }
}

fn json_answer(status: u16, body: &Value) -> Response {
    let mut answer = Response::builder().status(StatusCode::from_u16(status).unwrap());
    if let Some(link) = body["link"].as_str() {
        answer = answer.header("link", link);
    }
    let bytes = if status == 204 { String::new() } else { body.to_string() };
    answer.header("content-type", "application/json").body(Body::from(bytes)).unwrap()
}

fn number(query: &BTreeMap<String, String>, key: &str, default: usize) -> usize {
    query.get(key).and_then(|text| text.parse().ok()).unwrap_or(default)
}

fn parse(text: &str) -> u64 {
    text.parse().unwrap_or_default()
}

fn floor(time: Timestamp) -> Timestamp {
    Timestamp::from_timestamp(time.timestamp(), 0).unwrap()
}
