//! A simulated Jira in process, as the suite wants it: connector, outside hand, webhooks.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures::FutureExt;
use futures::future::{BoxFuture, ready};
use http::{HeaderMap, HeaderName, HeaderValue};
use secrecy::SecretString;
use serde_json::{Value, json};
use throughline_sdk::http::Transport;
use throughline_sdk::signature::sign_hub;
use throughline_sdk::{
    Built, Changes, Clock, Ctx, DynConnector, Effect, Intent, IntentId, Marker, NewTicket, Operation,
    RawWebhook, RemoteId, Result, Settings, Ticket, Urgency, Visibility,
};
use throughline_testkit::conformance::{Hand, Subject, Truth};
use throughline_testkit::{Faulty, ManualClock, MemoryBlobs, RouterTransport};

use crate::desk::{Actor, Desk, EMAIL, PROJECT, Plays, TOKEN, flat};

pub(crate) const WEBHOOK_SECRET: &str = "hook-secret-2d7";
/// How far the search lags behind, and a little more than that, as an administrator would set it.
pub(crate) const LAG: Duration = Duration::from_secs(70);
const SEARCH_LAG: Duration = Duration::from_secs(90);

pub(crate) fn built(plays: Plays, more: &Value) -> Built {
    let mut settings = Settings::default();
    let (edition, portal) = (if plays.cloud() { "cloud" } else { "data-center" }, plays.portal());
    let mut values = json!({
        "url": "http://jira.test/", "edition": edition, "project": PROJECT, "issue_type": "Task",
        "search_lag": SEARCH_LAG.as_secs(), "resolution": "Done", "service_desk": portal,
    });
    if plays.cloud() {
        values["email"] = EMAIL.into();
    }
    if portal {
        values["request_type"] = if plays.cloud() { "25" } else { "sup/25" }.into();
    } else {
        values["internal_role"] = "Developers".into();
    }
    for from in [&values, more] {
        for (key, value) in from.as_object().unwrap() {
            settings.values.insert(key.clone(), value.clone());
        }
    }
    settings.secrets = BTreeMap::from([
        ("token".to_owned(), SecretString::from(TOKEN)),
        ("webhook_secret".to_owned(), SecretString::from(WEBHOOK_SECRET)),
    ]);
    throughline_jira::build(&settings).unwrap()
}

pub(crate) fn desk(plays: Plays) -> (Desk, Arc<dyn Clock>) {
    let clock: Arc<dyn Clock> = Arc::new(ManualClock::auto_advance());
    (Desk::new(plays, LAG, Arc::clone(&clock)), clock)
}

pub(crate) fn subject(plays: Plays) -> Subject {
    let (desk, clock) = desk(plays);
    let base = Arc::new(RouterTransport(desk.router()));
    let hand = Box::new(Person(desk.clone()));
    let mut subject = Subject {
        new_ticket: NewTicket {
            title: String::new(),
            description: String::new(),
            status: None,
            priority: Some("High".to_owned()),
            kind: Some("Incident".to_owned()),
            fields: BTreeMap::from([("Serial number".to_owned(), "A-1".to_owned())]),
        },
        changes: Changes {
            title: Some("Another title".to_owned()),
            description: Some("Another\n\ndescription".to_owned()),
            priority: Some("Highest".to_owned()),
            kind: Some("Incident".to_owned()),
            fields: [
                ("Serial number", "B-2"),
                ("Impact", "Nobody can print.\n\nNot even me."),
                ("Machines", "2.5"),
                ("Site", "Wien"),
                ("Due date", "2026-03-01"),
                ("Labels", "one\ntwo"),
            ]
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect(),
        },
        next_status: "Resolved".to_owned(),
        feed_patience: LAG,
        feed_page: Some(if plays.cloud() { 40 } else { 100 }),
        webhook: Box::new(move |ticket| Some(webhook(&desk, ticket))),
        ..Subject::new(built(plays, &json!({})), base, clock, hand)
    };
    subject.secrets.push(WEBHOOK_SECRET.to_owned());
    subject
}

fn webhook(desk: &Desk, ticket: &RemoteId) -> RawWebhook {
    let id = number(ticket);
    let key = desk.lock().issues[&id].key.clone();
    let body = json!({
        "timestamp": desk.now().timestamp_millis(), "webhookEvent": "jira:issue_updated",
        "issue_event_type_name": "issue_updated", "user": {"displayName": "Bob Agent"},
        "issue": {"id": id.to_string(), "key": key, "fields": {"summary": "as it was"}},
        "changelog": {"id": "1", "items": []},
    })
    .to_string();
    let signature = sign_hub(&SecretString::from(WEBHOOK_SECRET), body.as_bytes());
    let fields = [
        ("x-hub-signature", signature.as_str()),
        ("x-atlassian-webhook-identifier", "5f1c"),
        ("x-atlassian-webhook-flow", "Primary"),
    ];
    let headers: HeaderMap = fields
        .into_iter()
        .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap()))
        .collect();
    RawWebhook { headers, query: String::new(), body: Bytes::from(body), received: desk.now() }
}

/// Somebody who works at the desk directly.
pub(crate) struct Person(pub(crate) Desk);

impl Person {
    fn text(&self, words: &str) -> Value {
        if self.0.plays.cloud() {
            let content = json!([{"type": "paragraph", "content": [{"type": "text", "text": words}]}]);
            json!({"type": "doc", "version": 1, "content": content})
        } else {
            words.into()
        }
    }
}

impl Hand for Person {
    fn create<'a>(&'a self, title: &'a str) -> BoxFuture<'a, RemoteId> {
        let id = self.0.lock().raise(Actor::Ada, "Task", title, self.0.plays.portal());
        ready(RemoteId::new(id.to_string())).boxed()
    }

    fn comment<'a>(&'a self, ticket: &'a RemoteId, body: &'a str, internal: bool) -> BoxFuture<'a, ()> {
        let (text, portal) = (self.text(body), self.0.plays.portal());
        let mut state = self.0.lock();
        let comment = state.comment(number(ticket), Actor::Bob, text);
        if portal {
            comment.properties.insert("sd.public.comment".to_owned(), json!({ "internal": internal }));
        } else if internal {
            comment.visibility = Some(json!({"type": "role", "value": "Developers"}));
        }
        drop(state);
        ready(()).boxed()
    }

    fn set_status<'a>(&'a self, ticket: &'a RemoteId, status: &'a str) -> BoxFuture<'a, ()> {
        let mut state = self.0.lock();
        let id = crate::desk::status_id(status);
        state.issues.get_mut(&number(ticket)).unwrap().status = id;
        state.touch(number(ticket));
        drop(state);
        ready(()).boxed()
    }

    fn attach<'a>(&'a self, ticket: &'a RemoteId, name: &'a str, bytes: Bytes) -> BoxFuture<'a, ()> {
        let text = self.text(&if self.0.plays.cloud() {
            "see the file".to_owned()
        } else {
            format!("see [^{name}]")
        });
        let portal = self.0.plays.portal();
        let mut state = self.0.lock();
        let file = state.attach(number(ticket), Actor::Bob, name, "application/octet-stream", bytes);
        if portal {
            // What an agent attaches is shown to the customer with a public comment only.
            state.comment(number(ticket), Actor::Bob, text).files.push(file);
        }
        drop(state);
        ready(()).boxed()
    }

    fn truth<'a>(&'a self, ticket: &'a RemoteId) -> BoxFuture<'a, Truth> {
        let state = self.0.lock();
        let issue = &state.issues[&number(ticket)];
        let portal = self.0.plays.portal();
        let internal = |comment: &crate::desk::Comment| {
            if portal { !comment.public() } else { comment.visibility.is_some() }
        };
        let shown = |file: u64| issue.comments.iter().any(|one| one.public() && one.files.contains(&file));
        let truth = Truth {
            status: crate::desk::status_name(issue.status).to_owned(),
            comments: issue.comments.iter().map(|one| (flat(&one.body), internal(one))).collect(),
            files: issue
                .files
                .iter()
                .map(|file| (file.name.clone(), file.bytes.clone(), portal && !shown(file.id)))
                .collect(),
        };
        drop(state);
        ready(truth).boxed()
    }

    fn titled<'a>(&'a self, title: &'a str) -> BoxFuture<'a, Vec<RemoteId>> {
        let state = self.0.lock();
        let titled = state.issues.values().filter(|issue| issue.summary == title);
        let titled = titled.map(|issue| RemoteId::new(issue.id.to_string())).collect();
        drop(state);
        ready(titled).boxed()
    }

    fn merge<'a>(&'a self, _ticket: &'a RemoteId, _into: &'a RemoteId) -> BoxFuture<'a, bool> {
        // Jira has no such thing.
        ready(false).boxed()
    }

    fn delete<'a>(&'a self, ticket: &'a RemoteId) -> BoxFuture<'a, bool> {
        self.0.lock().delete(number(ticket));
        ready(true).boxed()
    }

    fn refuse<'a>(&'a self, ticket: &'a RemoteId) -> BoxFuture<'a, Option<String>> {
        // Each Jira refuses in another way.
        let closing = match self.0.plays.cloud() {
            true => crate::desk::Closing::Field,
            false => crate::desk::Closing::Validator,
        };
        self.0.lock().issues.get_mut(&number(ticket)).unwrap().closing = closing;
        ready(Some("Closed".to_owned())).boxed()
    }

    fn ignore_updates(&self, ignore: bool) -> BoxFuture<'_, bool> {
        self.0.lock().ignore_updates = ignore;
        ready(true).boxed()
    }

    fn hide_visibility(&self, hide: bool) -> BoxFuture<'_, bool> {
        // Without a portal, a comment of which nothing is said is public: there is nothing to hide.
        let can = self.0.plays.portal();
        self.0.lock().hide_visibility = hide && can;
        ready(can).boxed()
    }
}

pub(crate) fn number(ticket: &RemoteId) -> u64 {
    ticket.as_str().parse().unwrap()
}

/// A desk and the connector on it, without the suite.
pub(crate) struct Stand {
    pub(crate) desk: Desk,
    pub(crate) connector: Arc<dyn DynConnector>,
    pub(crate) transport: Faulty,
    pub(crate) clock: Arc<dyn Clock>,
    http: Arc<dyn Transport>,
    blobs: Arc<MemoryBlobs>,
    intents: AtomicU8,
}

impl Stand {
    pub(crate) fn new(plays: Plays) -> Self {
        Self::with(plays, &json!({}))
    }

    pub(crate) fn with(plays: Plays, more: &Value) -> Self {
        let (desk, clock) = desk(plays);
        let base = Arc::new(RouterTransport(desk.router()));
        Self::on(desk, clock, base, more)
    }

    /// The connector on this desk, which is reached over `base`.
    pub(crate) fn on(desk: Desk, clock: Arc<dyn Clock>, base: Arc<dyn Transport>, more: &Value) -> Self {
        let built = built(desk.plays, more);
        let Subject { connector, transport, http, .. } =
            Subject::new(built, base, Arc::clone(&clock), Box::new(Person(desk.clone())));
        Self { desk, connector, transport, clock, http, blobs: Arc::default(), intents: AtomicU8::new(0) }
    }

    pub(crate) fn ctx(&self) -> Ctx {
        Ctx {
            dial: Arc::new(throughline_sdk::NoDial),
            http: Arc::clone(&self.http),
            clock: Arc::clone(&self.clock),
            blobs: Arc::<MemoryBlobs>::clone(&self.blobs),
            deadline: self.clock.monotonic() + Duration::from_secs(20),
            urgency: Urgency::default(),
            trace: [7; 16],
        }
    }

    /// An intent with a marker of its own.
    pub(crate) fn intent(&self, ticket: Option<u64>, operation: Operation) -> Intent {
        let count = self.intents.fetch_add(1, Ordering::Relaxed);
        Intent {
            id: IntentId::new(format!("TL-1-{count}")),
            ticket: ticket.map(|id| RemoteId::new(id.to_string())),
            operation,
            marker: Marker::from_hash(&[count + 1; 32]),
            expected: None,
        }
    }

    pub(crate) async fn apply(&self, intent: &Intent) -> Result<Effect> {
        self.connector.apply(&self.ctx(), intent).await
    }

    pub(crate) async fn act(&self, ticket: u64, operation: Operation) -> Result<Effect> {
        self.apply(&self.intent(Some(ticket), operation)).await
    }

    pub(crate) async fn fetch(&self, ticket: u64) -> Ticket {
        self.connector.fetch(&self.ctx(), &RemoteId::new(ticket.to_string())).await.unwrap()
    }

    /// An issue raised by a customer.
    pub(crate) fn raised(&self) -> u64 {
        let request = self.desk.plays.portal();
        self.desk.lock().raise(Actor::Ada, "Task", "Printer", request)
    }

    pub(crate) fn attach(&self, name: &str, bytes: &'static [u8], visibility: Visibility) -> Operation {
        Operation::Attach {
            name: name.to_owned(),
            media_type: "text/plain".to_owned(),
            size: bytes.len().try_into().unwrap(),
            digest: self.blobs.put(Bytes::from_static(bytes)),
            visibility,
        }
    }

    /// The bodies of the writes since the last call.
    pub(crate) fn written(&self) -> Vec<String> {
        let requests = self.transport.take().into_iter().filter(|request| !request.is_safe());
        requests.map(|request| String::from_utf8_lossy(&request.body).into_owned()).collect()
    }
}

pub(crate) fn say(body: &str, visibility: Visibility) -> Operation {
    Operation::Comment { body: body.to_owned(), visibility }
}

pub(crate) fn to(status: &str) -> Operation {
    Operation::Transition { status: status.to_owned() }
}
