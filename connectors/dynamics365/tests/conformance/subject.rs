//! The simulated Dataverse as the suite wants it: plane, outside hand, webhooks.

use std::collections::BTreeMap;
use std::sync::Arc;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use futures::FutureExt;
use futures::future::{BoxFuture, ready};
use http::{HeaderMap, HeaderValue};
use serde_json::{Value, json};
use throughline_sdk::http::{Authentication, Transport};
use throughline_sdk::{
    Built, Changes, Clock, Ctx, Effect, Intent, IntentId, Marker, NewTicket, Operation, RawWebhook, RemoteId,
    Result, Settings, Ticket, Version,
};
use throughline_testkit::conformance::{Hand, Subject, Truth};
use throughline_testkit::{ManualClock, RouterTransport};

use crate::desk::{ACCOUNT, CLIENT_SECRET, Desk, TOKEN};

pub(crate) const WEBHOOK_KEY: &str = "dataverse-webhook-key-77";

/// A subject with the desk it stands on.
pub(crate) struct Stand {
    pub(crate) subject: Subject,
    pub(crate) desk: Desk,
}

impl Stand {
    pub(crate) fn ctx(&self) -> Ctx {
        self.subject.ctx()
    }

    /// Carries out an operation as the engine would; `expected` is the version that its plan was made on.
    pub(crate) async fn apply(
        &self,
        ticket: Option<&RemoteId>,
        operation: Operation,
        expected: Option<Version>,
    ) -> Result<Effect> {
        let name = format!("{ticket:?} {operation:?}");
        let mut hash = [0u8; 32];
        for (at, byte) in name.bytes().enumerate() {
            hash[at % 32] = hash[at % 32].wrapping_mul(31).wrapping_add(byte);
        }
        let (id, marker) = (IntentId::new(name), Marker::from_hash(&hash));
        let intent = Intent { id, ticket: ticket.cloned(), operation, marker, expected };
        self.subject.connector.apply(&self.ctx(), &intent).await
    }

    pub(crate) async fn fetch(&self, ticket: &RemoteId) -> Ticket {
        self.subject.connector.fetch(&self.ctx(), ticket).await.unwrap()
    }

    /// What was asked of the desk since the last time.
    pub(crate) fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.desk.lock().log)
    }

    pub(crate) fn writes(&self) -> usize {
        self.asked().iter().filter(|line| !line.starts_with("GET ")).count()
    }
}

/// What the settings build.
pub(crate) fn built(changed: &[(&str, Value)]) -> Built {
    let mut values: BTreeMap<String, Value> = [
        ("url", json!("http://contoso.crm.test")),
        ("tenant", json!("contoso.onmicrosoft.com")),
        ("client_id", json!("app-1")),
        ("authority", json!("http://login.test/")),
        ("customer", json!(format!("accounts({ACCOUNT})"))),
        ("link_column", json!("new_counterpart")),
        (
            "columns",
            json!({ "Serial number": "productserialnumber", "Units": "actualserviceunits",
                            "Score": "influencescore", "Follow up": "followupby" }),
        ),
        ("choice_columns", json!({ "Origin": "caseorigincode", "Escalated": "isescalated" })),
    ]
    .map(|(key, value)| (key.to_owned(), value))
    .into();
    values.extend(changed.iter().map(|(key, value)| ((*key).to_owned(), value.clone())));
    let secrets = BTreeMap::from([
        ("client_secret".to_owned(), CLIENT_SECRET.into()),
        ("webhook_key".to_owned(), WEBHOOK_KEY.into()),
    ]);
    throughline_dynamics365::build(&Settings { values, secrets }).unwrap()
}

/// A connector with these settings on a desk of its own.
///
/// It is given a fixed token: with client credentials the plane would cure a wrong one before the suite sees it.
pub(crate) fn stand(changed: &[(&str, Value)]) -> Stand {
    let clock: Arc<dyn Clock> = Arc::new(ManualClock::auto_advance());
    let desk = Desk::new(Arc::clone(&clock));
    let base: Arc<dyn Transport> = Arc::new(RouterTransport(desk.router()));
    let built = Built { authentication: Authentication::Bearer(TOKEN.into()), ..built(changed) };
    let header = changed.iter().any(|(key, _)| *key == "webhook_header");
    let (sender, person) = (desk.clone(), Person { desk: desk.clone() });
    let mut subject = Subject {
        new_ticket: NewTicket {
            title: String::new(),
            description: String::new(),
            status: None,
            priority: Some("High".to_owned()),
            kind: Some("Request".to_owned()),
            fields: BTreeMap::from([("Serial number".to_owned(), "A-1".to_owned())]),
        },
        changes: Changes {
            title: Some("Another title".to_owned()),
            description: Some("Another\n\ndescription".to_owned()),
            priority: Some("Low".to_owned()),
            kind: Some("Problem".to_owned()),
            fields: [
                ("Serial number", "B-2"),
                ("Units", "7"),
                ("Score", "1.5"),
                ("Follow up", "2026-02-03T04:05:06Z"),
                ("Origin", "Web"),
                ("Escalated", "Yes"),
            ]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into(),
        },
        next_status: "On Hold".to_owned(),
        feed_page: Some(5),
        webhook: Box::new(move |ticket| Some(webhook(&sender, ticket, header))),
        ..Subject::new(built, base, clock, Box::new(person))
    };
    subject.secrets.push(WEBHOOK_KEY.to_owned());
    Stand { subject, desk }
}

/// A change of a case as its service endpoint tells it.
fn webhook(desk: &Desk, ticket: &RemoteId, in_header: bool) -> RawWebhook {
    let body = json!({
        "MessageName": "Update", "PrimaryEntityName": "incident", "PrimaryEntityId": ticket.as_str(), "Depth": 1,
        "CorrelationId": "b374239d-4233-41a9-8b17-a86cb4f737b5", "Stage": 40, "Mode": 1,
        "InputParameters": [{ "key": "Target", "value": {
            "__type": "Entity:http://schemas.microsoft.com/xrm/2011/Contracts", "LogicalName": "incident",
            "Id": ticket.as_str(), "Attributes": [{ "key": "modifiedon", "value": "/Date(1506384247000)/" }] } }],
    });
    let mut headers = HeaderMap::new();
    if in_header {
        headers.insert("x-throughline-key", HeaderValue::from_static(WEBHOOK_KEY));
    }
    let query = if in_header { String::new() } else { format!("code={WEBHOOK_KEY}") };
    RawWebhook { headers, query, body: Bytes::from(body.to_string()), received: desk.clock.now() }
}

struct Person {
    desk: Desk,
}

impl Hand for Person {
    fn create<'a>(&'a self, title: &'a str) -> BoxFuture<'a, RemoteId> {
        ready(RemoteId::new(self.desk.create(title))).boxed()
    }

    fn comment<'a>(&'a self, ticket: &'a RemoteId, body: &'a str, internal: bool) -> BoxFuture<'a, ()> {
        // As the timeline's editor leaves it.
        let prefix = if internal { "" } else { "*WEB* " };
        let text = body.replace('&', "&amp;").replace('<', "&lt;");
        let html = format!(
            "<div class=\"ck-content\" data-wrapper=\"true\" dir=\"ltr\"><p>{prefix}{text}</p></div>"
        );
        self.desk.note(ticket.as_str(), &json!({ "notetext": html }));
        ready(()).boxed()
    }

    fn set_status<'a>(&'a self, ticket: &'a RemoteId, status: &'a str) -> BoxFuture<'a, ()> {
        self.desk.set_status(ticket.as_str(), status);
        ready(()).boxed()
    }

    fn attach<'a>(&'a self, ticket: &'a RemoteId, name: &'a str, bytes: Bytes) -> BoxFuture<'a, ()> {
        self.desk.note(
            ticket.as_str(),
            &json!({
                "subject": name, "notetext": "*WEB*", "isdocument": true, "filename": name,
                "mimetype": "application/octet-stream", "filesize": bytes.len(),
                "documentbody": BASE64_STANDARD.encode(&bytes),
            }),
        );
        ready(()).boxed()
    }

    fn truth<'a>(&'a self, ticket: &'a RemoteId) -> BoxFuture<'a, Truth> {
        let state = self.desk.lock();
        let case = &state.cases[ticket.as_str()];
        let status = case.columns["statuscode"].as_i64().unwrap();
        let label = state.statuses.iter().find(|(value, _, _)| *value == status).unwrap().2;
        let mut notes: Vec<_> =
            state.notes.values().filter(|note| note.columns["objectid"] == json!(ticket.as_str())).collect();
        notes.sort_by_key(|note| (note.created.clone(), note.version));
        let text = |note: &crate::desk::Row, column: &str| {
            note.columns.get(column).and_then(Value::as_str).unwrap_or_default().to_owned()
        };
        let mut truth = Truth { status: label.to_owned(), ..Truth::default() };
        for note in notes {
            let internal = !text(note, "notetext").contains("*WEB*");
            match text(note, "filename") {
                name if name.is_empty() => truth.comments.push((text(note, "notetext"), internal)),
                name => {
                    let bytes = BASE64_STANDARD.decode(text(note, "documentbody")).unwrap();
                    truth.files.push((name, bytes.into(), internal));
                }
            }
        }
        ready(truth).boxed()
    }

    fn titled<'a>(&'a self, title: &'a str) -> BoxFuture<'a, Vec<RemoteId>> {
        let state = self.desk.lock();
        let titled = state.cases.iter().filter(|(_, case)| case.columns["title"] == json!(title));
        ready(titled.map(|(id, _)| RemoteId::new(id.as_str())).collect()).boxed()
    }

    fn merge<'a>(&'a self, ticket: &'a RemoteId, into: &'a RemoteId) -> BoxFuture<'a, bool> {
        let merged = json!({ "statecode": 2, "statuscode": 2000, "masterid": into.as_str() });
        self.desk.change(ticket.as_str(), &merged);
        ready(true).boxed()
    }

    fn delete<'a>(&'a self, ticket: &'a RemoteId) -> BoxFuture<'a, bool> {
        self.desk.delete("incident", ticket.as_str());
        ready(true).boxed()
    }

    fn refuse<'a>(&'a self, ticket: &'a RemoteId) -> BoxFuture<'a, Option<String>> {
        self.desk.lock().busy.push(ticket.as_str().to_owned());
        ready(Some("Problem Solved".to_owned())).boxed()
    }

    fn ignore_updates(&self, ignore: bool) -> BoxFuture<'_, bool> {
        self.desk.lock().ignores = ignore;
        ready(true).boxed()
    }

    fn hide_visibility(&self, _hide: bool) -> BoxFuture<'_, bool> {
        // The prefix is part of the text: without it a note is internal, and never of unknown visibility.
        ready(false).boxed()
    }
}
