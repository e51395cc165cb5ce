//! A partner of the protocol, written from Zendesk's gem `ticket_sharing` and Request Tracker's extension: it takes what
//! is pushed to it, and pushes what its own people do. It shares nothing with the connector.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};
use bytes::Bytes;
use futures::FutureExt;
use futures::future::{BoxFuture, ready};
use serde_json::{Map, Value, json};
use throughline_sdk::RemoteId;
use throughline_testkit::conformance::{Hand, Truth};
use tower::ServiceExt;

/// Where the partner is.
pub(crate) const PARTNER: &str = "http://partner.test/sharing";
/// Where the bridge is, as the partner reaches it.
pub(crate) const HERE: &str = "http://bridge.test/sharing/partner";

/// What differs between implementations.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Manners {
    /// Each push tells the whole ticket, with `null` for what it does not have, as the gem writes it.
    pub(crate) whole: bool,
    /// It can be brought to not say whether comments are public, as in the protocol's first version.
    pub(crate) unsaid: bool,
    /// The statuses it takes.
    pub(crate) statuses: &'static [&'static str],
    /// What becomes of an invitation, at once.
    pub(crate) answer: Option<&'static str>,
}

impl Manners {
    pub(crate) const ZENDESK: Self = Self {
        whole: true,
        unsaid: false,
        statuses: &["new", "open", "pending", "hold", "solved"],
        answer: Some("accepted"),
    };
    pub(crate) const REQUEST_TRACKER: Self = Self {
        whole: false,
        unsaid: true,
        statuses: &["open", "pending", "solved"],
        answer: Some("accepted"),
    };
}

#[derive(Debug, Default)]
pub(crate) struct Held {
    pub(crate) agreements: BTreeMap<String, Map<String, Value>>,
    pub(crate) tickets: BTreeMap<String, Ticket>,
    files: Vec<Bytes>,
    count: u64,
    hides: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct Ticket {
    agreement: String,
    subject: String,
    status: String,
    comments: Vec<Value>,
    pub(crate) fields: Value,
}

/// The partner. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Partner {
    pub(crate) manners: Manners,
    held: Arc<Mutex<Held>>,
    /// What the partner reaches of the bridge.
    bridge: Arc<Mutex<Router>>,
    /// What the engine reaches of the bridge's own desk, to tell which ticket there is which.
    own: Arc<Mutex<Router>>,
}

impl Partner {
    pub(crate) fn new(manners: Manners) -> Self {
        Self { manners, held: Arc::default(), bridge: Arc::default(), own: Arc::default() }
    }

    /// Tells the partner where the bridge is.
    pub(crate) fn knows(&self, bridge: Router, own: Router) {
        *self.bridge.lock().unwrap() = bridge;
        *self.own.lock().unwrap() = own;
    }

    pub(crate) fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What of the partner others reach.
    pub(crate) fn router(&self) -> Router {
        Router::new()
            .route("/sharing/agreements/{uuid}", any(agreement))
            .route("/sharing/tickets/{uuid}", any(ticket))
            .route("/files/{number}", get(file))
            .with_state(self.clone())
    }

    /// Sends something to the bridge.
    pub(crate) async fn send(
        &self,
        method: Method,
        path: &str,
        token: Option<&str>,
        body: &Value,
    ) -> (StatusCode, String) {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("/sharing/partner{path}"))
            .header(header::CONTENT_TYPE, "application/json");
        if let Some(token) = token {
            request = request.header("X-Ticket-Sharing-Token", token);
        }
        if !self.manners.whole {
            request = request.header("X-Ticket-Sharing-Version", "1");
        }
        let body = if body.is_null() { Body::empty() } else { Body::from(body.to_string()) };
        let answer = call(&self.bridge, request.body(body).unwrap()).await;
        (answer.0, String::from_utf8_lossy(&answer.1).into_owned())
    }

    /// Invites the bridge to take tickets, and answers the agreement's uuid.
    pub(crate) async fn invite(&self) -> String {
        let (uuid, key) = (self.uuid(), self.uuid());
        let body = json!({
            "uuid": uuid, "name": "The partner", "status": "pending", "access_key": key,
            "sender_url": PARTNER, "receiver_url": HERE, "sync_tags": true, "sync_custom_fields": true,
            "allows_public_comments": true,
        });
        self.held().agreements.insert(uuid.clone(), body.as_object().unwrap().clone());
        // The gem sends no token with an invitation.
        let answer = self.send(Method::POST, &format!("/agreements/{uuid}"), None, &body).await;
        assert_eq!(answer.0, StatusCode::CREATED, "{answer:?}");
        uuid
    }

    /// The token of an agreement.
    pub(crate) fn token(&self, uuid: &str) -> String {
        format!("{uuid}:{}", self.held().agreements[uuid]["access_key"].as_str().unwrap())
    }

    pub(crate) fn status(&self, uuid: &str) -> String {
        self.held().agreements[uuid]["status"].as_str().unwrap().to_owned()
    }

    fn uuid(&self) -> String {
        let mut held = self.held();
        held.count += 1;
        format!("{:040x}", held.count * 0x9e37_79b9)
    }

    /// An agreement under which this partner may share.
    fn by_which_it_shares(&self) -> String {
        let held = self.held();
        let mut ours = held.agreements.iter().filter(|(_, one)| one["sender_url"] == PARTNER);
        ours.find(|(_, one)| one["status"] == "accepted")
            .expect("the bridge accepted an invitation")
            .0
            .clone()
    }

    /// Pushes what is new of a ticket.
    async fn push(&self, method: Method, uuid: &str, new: Value) {
        let (token, body) = {
            let held = self.held();
            let ticket = &held.tickets[uuid];
            let mut body = new.as_object().unwrap().clone();
            body.insert("uuid".to_owned(), json!(uuid));
            if self.manners.whole {
                let comments: Vec<Value> =
                    ticket.comments.iter().map(|comment| shown(comment, held.hides)).collect();
                for (name, value) in [
                    ("subject", json!(ticket.subject)),
                    ("status", json!(ticket.status)),
                    ("requested_at", json!("2010-11-24 22:13:54 +0000")),
                    ("requester", json!({ "uuid": "r1", "name": "Rita Requester" })),
                    ("current_actor", Value::Null),
                    ("tags", Value::Null),
                    ("custom_fields", Value::Null),
                    ("original_id", Value::Null),
                    ("comments", json!(comments)),
                ] {
                    body.entry(name.to_owned()).or_insert(value);
                }
            }
            let agreement = held.agreements[&ticket.agreement]["access_key"].as_str().unwrap();
            (format!("{}:{agreement}", ticket.agreement), Value::Object(body))
        };
        let answer = self.send(method, &format!("/tickets/{uuid}"), Some(&token), &body).await;
        assert!(answer.0.is_success(), "{body}: {answer:?}");
    }

    async fn say(&self, ticket: &RemoteId, comment: Value) {
        let uuid = self.uuid_of(ticket).await;
        let new = {
            let mut held = self.held();
            let hides = held.hides;
            held.tickets.get_mut(&uuid).unwrap().comments.push(comment.clone());
            match self.manners.whole {
                true => json!({}),
                false => json!({ "comments": [shown(&comment, hides)] }),
            }
        };
        self.push(Method::PUT, &uuid, new).await;
    }

    async fn uuid_of(&self, ticket: &RemoteId) -> String {
        self.ask(&format!("/tickets/{ticket}")).await["uuid"].as_str().unwrap().to_owned()
    }

    async fn id_of(&self, uuid: &str) -> RemoteId {
        RemoteId::new(self.ask(&format!("/uuids/{uuid}")).await["id"].as_str().unwrap())
    }

    async fn ask(&self, path: &str) -> Value {
        let request = Request::get(path).header(header::AUTHORIZATION, "Bearer in process only");
        let answer = call(&self.own, request.body(Body::empty()).unwrap()).await;
        assert_eq!(answer.0, StatusCode::OK, "{path}");
        serde_json::from_slice(&answer.1).unwrap()
    }
}

async fn call(router: &Mutex<Router>, request: Request) -> (StatusCode, Bytes) {
    let router = router.lock().unwrap().clone();
    let answer = match router.oneshot(request).await {
        Ok(answer) => answer,
        Err(never) => match never {},
    };
    let (parts, body) = answer.into_parts();
    (parts.status, to_bytes(body, 1 << 26).await.unwrap())
}

/// A comment as it is pushed.
fn shown(comment: &Value, hides: bool) -> Value {
    let mut comment = comment.clone();
    if hides {
        comment.as_object_mut().unwrap().remove("public");
    }
    comment
}

fn refused(status: StatusCode, words: &str) -> Response {
    let media = [(header::CONTENT_TYPE, "text/plain; charset=\"UTF-8\"")];
    (status, media, words.to_owned()).into_response()
}

fn is_uuid(text: &str) -> bool {
    text.len() == 40 && text.chars().all(|digit| digit.is_ascii_hexdigit())
}

/// What both resources ask of a request: version, uuid, JSON.
async fn read(uuid: &str, request: Request) -> Result<(Method, HeaderMap, Value), Response> {
    let (parts, body) = request.into_parts();
    if parts.headers.get("x-ticket-sharing-version").is_none_or(|version| version != "1") {
        return Err(refused(StatusCode::PRECONDITION_FAILED, "Precondition Failed"));
    }
    let body = to_bytes(body, 1 << 20).await.unwrap();
    let body: Value = match body.is_empty() {
        true => json!({}),
        false => {
            serde_json::from_slice(&body).map_err(|_no_json| refused(StatusCode::BAD_REQUEST, "no JSON"))?
        }
    };
    if !is_uuid(uuid) || body["uuid"].as_str().is_some_and(|inside| inside != uuid) {
        return Err(refused(StatusCode::UNPROCESSABLE_ENTITY, "no UUID"));
    }
    Ok((parts.method, parts.headers, body))
}

async fn agreement(State(partner): State<Partner>, Path(uuid): Path<String>, request: Request) -> Response {
    let (method, headers, body) = match read(&uuid, request).await {
        Ok(read) => read,
        Err(refusal) => return refusal,
    };
    let accepted = {
        let mut held = partner.held();
        let known = held.agreements.get(&uuid).cloned();
        match (method, known) {
            (Method::POST, None) => {
                let text = |name: &str| body[name].as_str().unwrap_or_default();
                let key = text("access_key");
                let right = text("status") == "pending"
                    && text("receiver_url") == PARTNER
                    && text("sender_url") == HERE
                    && is_uuid(key)
                    && headers["x-ticket-sharing-token"] == format!("{uuid}:{key}").as_str();
                if !right {
                    return refused(StatusCode::UNPROCESSABLE_ENTITY, "Unprocessable Entity");
                }
                held.agreements.insert(uuid.clone(), body.as_object().unwrap().clone());
                partner.manners.answer
            }
            (Method::PUT, Some(mut agreement)) => {
                let key = agreement["access_key"].as_str().unwrap();
                if headers["x-ticket-sharing-token"] != format!("{uuid}:{key}").as_str() {
                    return refused(StatusCode::UNAUTHORIZED, "Unauthorized");
                }
                agreement.extend(body.as_object().unwrap().clone());
                held.agreements.insert(uuid.clone(), agreement);
                return StatusCode::OK.into_response();
            }
            (Method::PUT, None) => return refused(StatusCode::UNAUTHORIZED, "Unauthorized"),
            _ => return refused(StatusCode::BAD_REQUEST, "Bad Request"),
        }
    };
    if let Some(status) = accepted {
        let change = json!({ "status": status, "current_actor": { "uuid": "a1", "name": "Bo" } });
        let token = partner.token(&uuid);
        let told = partner.send(Method::PUT, &format!("/agreements/{uuid}"), Some(&token), &change).await;
        assert_eq!(told.0, StatusCode::OK, "{told:?}");
        partner.held().agreements.get_mut(&uuid).unwrap().insert("status".to_owned(), json!(status));
    }
    StatusCode::CREATED.into_response()
}

async fn ticket(State(partner): State<Partner>, Path(uuid): Path<String>, request: Request) -> Response {
    let (method, headers, body) = match read(&uuid, request).await {
        Ok(read) => read,
        Err(refusal) => return refusal,
    };
    let token =
        headers.get("x-ticket-sharing-token").and_then(|token| token.to_str().ok()).unwrap_or_default();
    let agreement = {
        let held = partner.held();
        let mut known = held.agreements.iter();
        let found =
            known.find(|(uuid, one)| token == format!("{uuid}:{}", one["access_key"].as_str().unwrap()));
        match found {
            None => return refused(StatusCode::UNAUTHORIZED, "Unauthorized"),
            Some((_, one)) if one["status"] != "accepted" => {
                return refused(StatusCode::UNPROCESSABLE_ENTITY, "Agreement is not accepted");
            }
            Some((uuid, _)) => uuid.clone(),
        }
    };
    let known = partner.held().tickets.get(&uuid).cloned();
    let (mut ticket, status) = match (method, known) {
        (Method::POST, None) => {
            let new = Ticket {
                agreement,
                subject: String::new(),
                status: String::new(),
                comments: Vec::new(),
                fields: json!({}),
            };
            (new, StatusCode::CREATED)
        }
        (Method::PUT, Some(ticket)) if ticket.agreement == agreement => (ticket, StatusCode::OK),
        (Method::PUT, _) => return refused(StatusCode::NOT_FOUND, "Not Found"),
        // Whoever is known is not made again.
        _ => return refused(StatusCode::BAD_REQUEST, "Bad Request"),
    };
    if let Some(subject) = body["subject"].as_str() {
        ticket.subject = subject.to_owned();
    }
    if let Some(wanted) = body["status"].as_str() {
        let backwards = wanted == "new" && !ticket.status.is_empty() && ticket.status != "new";
        if !partner.manners.statuses.contains(&wanted) || backwards {
            return refused(StatusCode::UNPROCESSABLE_ENTITY, "no mapping for this status");
        }
        wanted.clone_into(&mut ticket.status);
    }
    for name in ["tags", "custom_fields", "custom_status"] {
        if !body[name].is_null() {
            ticket.fields[name] = body[name].clone();
        }
    }
    for comment in body["comments"].as_array().into_iter().flatten() {
        let comment = match taken(&partner, comment).await {
            Ok(comment) => comment,
            Err(refusal) => return refusal,
        };
        // By its uuid a comment is known.
        if !ticket.comments.iter().any(|there| there["uuid"] == comment["uuid"]) {
            ticket.comments.push(comment);
        }
    }
    partner.held().tickets.insert(uuid, ticket);
    status.into_response()
}

/// A comment with its files fetched.
async fn taken(partner: &Partner, comment: &Value) -> Result<Value, Response> {
    let mut comment = comment.clone();
    let named = comment["author"]["name"].as_str().is_some_and(|name| !name.is_empty());
    let says = comment["body"].as_str().is_some_and(|body| !body.is_empty());
    if !named || !says || !is_uuid(comment["uuid"].as_str().unwrap_or_default()) {
        return Err(refused(StatusCode::UNPROCESSABLE_ENTITY, "a comment has an author, a body and a UUID"));
    }
    for attachment in comment.get_mut("attachments").and_then(Value::as_array_mut).into_iter().flatten() {
        let path = attachment["url"].as_str().and_then(|url| url.strip_prefix("http://bridge.test"));
        let path = path.ok_or_else(|| refused(StatusCode::UNPROCESSABLE_ENTITY, "no such address"))?;
        let request = Request::get(path).body(Body::empty()).unwrap();
        let (status, bytes) = call(&partner.bridge, request).await;
        if status != StatusCode::OK {
            return Err(refused(StatusCode::UNPROCESSABLE_ENTITY, "the attachment is not there"));
        }
        attachment["bytes"] = json!(bytes.to_vec());
    }
    Ok(comment)
}

async fn file(State(partner): State<Partner>, Path(number): Path<usize>) -> Response {
    match partner.held().files.get(number) {
        Some(bytes) => bytes.clone().into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

impl Hand for Partner {
    fn create<'a>(&'a self, title: &'a str) -> BoxFuture<'a, RemoteId> {
        async move {
            let (uuid, first) = (self.uuid(), self.uuid());
            let status = self.manners.statuses[0].to_owned();
            let description = json!({
                "uuid": first, "author": { "uuid": "a1", "name": "Bo" }, "body": "what happened", "public": true,
                "authored_at": "2010-11-24 22:13:54 +0000", "attachments": [],
            });
            let new = json!({
                "subject": title, "status": status, "requested_at": "2010-11-24 22:13:54 +0000",
                "comments": [description],
            });
            let ticket = Ticket {
                agreement: self.by_which_it_shares(),
                subject: title.to_owned(),
                status,
                comments: vec![description],
                fields: json!({}),
            };
            self.held().tickets.insert(uuid.clone(), ticket);
            self.push(Method::POST, &uuid, new).await;
            self.id_of(&uuid).await
        }
        .boxed()
    }

    fn comment<'a>(&'a self, ticket: &'a RemoteId, body: &'a str, internal: bool) -> BoxFuture<'a, ()> {
        let comment = json!({
            "uuid": self.uuid(), "author": { "uuid": "a2", "name": "Ada" }, "body": body, "public": !internal,
            "authored_at": "2010-11-25 22:13:54 +0000",
        });
        self.say(ticket, comment).boxed()
    }

    fn set_status<'a>(&'a self, ticket: &'a RemoteId, status: &'a str) -> BoxFuture<'a, ()> {
        async move {
            let uuid = self.uuid_of(ticket).await;
            status.clone_into(&mut self.held().tickets.get_mut(&uuid).unwrap().status);
            self.push(Method::PUT, &uuid, json!({ "status": status })).await;
        }
        .boxed()
    }

    fn attach<'a>(&'a self, ticket: &'a RemoteId, name: &'a str, bytes: Bytes) -> BoxFuture<'a, ()> {
        let number = {
            let mut held = self.held();
            held.files.push(bytes.clone());
            held.files.len() - 1
        };
        let comment = json!({
            "uuid": self.uuid(), "author": { "uuid": "a2", "name": "Ada" }, "body": "See the file.", "public": true,
            "attachments": [{
                "url": format!("http://partner.test/files/{number}"), "filename": name,
                "content_type": "application/octet-stream",
            }],
        });
        self.say(ticket, comment).boxed()
    }

    fn truth<'a>(&'a self, ticket: &'a RemoteId) -> BoxFuture<'a, Truth> {
        async move {
            let uuid = self.uuid_of(ticket).await;
            let held = self.held();
            let ticket = &held.tickets[&uuid];
            let mut truth = Truth { status: ticket.status.clone(), ..Truth::default() };
            for (at, comment) in ticket.comments.iter().enumerate() {
                let internal = comment["public"] == json!(false);
                let files = comment["attachments"].as_array().cloned().unwrap_or_default();
                // The first says what the ticket is about; one that bears a file of ours says no more than its name.
                if at > 0 && files.is_empty() {
                    truth.comments.push((comment["body"].as_str().unwrap().to_owned(), internal));
                }
                for file in files {
                    let bytes = file["bytes"].as_array().into_iter().flatten();
                    let bytes = bytes.map(|byte| u8::try_from(byte.as_u64().unwrap()).unwrap()).collect();
                    truth.files.push((file["filename"].as_str().unwrap().to_owned(), bytes, internal));
                }
            }
            truth
        }
        .boxed()
    }

    fn titled<'a>(&'a self, title: &'a str) -> BoxFuture<'a, Vec<RemoteId>> {
        async move {
            let uuids: Vec<String> = {
                let held = self.held();
                let titled = held.tickets.iter().filter(|(_, ticket)| ticket.subject == title);
                titled.map(|(uuid, _)| uuid.clone()).collect()
            };
            futures::future::join_all(uuids.iter().map(|uuid| self.id_of(uuid))).await
        }
        .boxed()
    }

    fn merge<'a>(&'a self, _ticket: &'a RemoteId, _into: &'a RemoteId) -> BoxFuture<'a, bool> {
        ready(false).boxed()
    }

    /// Takes the ticket out of what is shared.
    fn delete<'a>(&'a self, ticket: &'a RemoteId) -> BoxFuture<'a, bool> {
        async move {
            let uuid = self.uuid_of(ticket).await;
            let agreement = self.held().tickets[&uuid].agreement.clone();
            let token = self.token(&agreement);
            let answer =
                self.send(Method::DELETE, &format!("/tickets/{uuid}"), Some(&token), &Value::Null).await;
            answer.0.is_success()
        }
        .boxed()
    }

    /// Nothing becomes new again.
    fn refuse<'a>(&'a self, ticket: &'a RemoteId) -> BoxFuture<'a, Option<String>> {
        async move {
            self.set_status(ticket, "open").await;
            Some("new".to_owned())
        }
        .boxed()
    }

    fn ignore_updates(&self, _ignore: bool) -> BoxFuture<'_, bool> {
        ready(false).boxed()
    }

    fn hide_visibility(&self, hide: bool) -> BoxFuture<'_, bool> {
        self.held().hides = hide;
        // Where the settings take what is not said for public, it is said.
        ready(self.manners.unsaid).boxed()
    }
}
