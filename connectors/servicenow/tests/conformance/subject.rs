//! The simulated ServiceNow as the suite wants it: plane, outside hand, webhooks.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use futures::FutureExt;
use futures::future::{BoxFuture, ready};
use http::{HeaderMap, HeaderValue};
use secrecy::SecretString;
use serde_json::{Value, json};
use throughline_sdk::http::Transport;
use throughline_sdk::signature::sign_hub;
use throughline_sdk::{
    Built, Changes, Clock, Ctx, Effect, Intent, IntentId, Marker, NewTicket, Operation, RawWebhook, RemoteId,
    Result, Settings, Ticket, Version,
};
use throughline_testkit::conformance::{Hand, Subject, Truth};
use throughline_testkit::{ManualClock, MemoryBlobs, RouterTransport};

use crate::desk::{Access, CLIENT_SECRET, Desk, PASSWORD, USER};

pub(crate) const WEBHOOK_SECRET: &str = "servicenow-webhook-secret-31";

/// A subject with the desk it stands on.
pub(crate) struct Stand {
    pub(crate) subject: Subject,
    pub(crate) desk: Desk,
    pub(crate) blobs: Arc<MemoryBlobs>,
}

/// What the settings build.
pub(crate) fn built(changed: &[(&str, Value)]) -> Built {
    let mut values: BTreeMap<String, Value> = [
        ("url", json!("http://fabrikam.test")),
        ("account", json!(USER)),
        ("columns", json!({ "Serial number": "u_serial_number", "Due": "due_date" })),
        ("choice_columns", json!({ "Contact type": "contact_type" })),
        ("new_fields", json!({ "assignment_group": "287ebd7da9fe198100f92cc8d1d2154e" })),
        ("close_code", json!("Resolved by caller")),
        ("close_notes", json!("Resolved by the partner.")),
        ("hold_reason", json!("4")),
    ]
    .map(|(key, value)| (key.to_owned(), value))
    .into();
    values.extend(changed.iter().map(|(key, value)| ((*key).to_owned(), value.clone())));
    values.retain(|_, value| !value.is_null());
    let oauth = values.get("authentication") == Some(&json!("oauth"));
    let secrets = BTreeMap::from([
        ("secret".to_owned(), if oauth { CLIENT_SECRET } else { PASSWORD }.into()),
        ("webhook_secret".to_owned(), WEBHOOK_SECRET.into()),
    ]);
    throughline_servicenow::build(&Settings { values, secrets }).unwrap()
}

/// A connector with these settings on a desk of its own.
pub(crate) fn stand(changed: &[(&str, Value)]) -> Stand {
    let clock: Arc<dyn Clock> = Arc::new(ManualClock::auto_advance());
    let desk = Desk::new(Arc::clone(&clock));
    let base: Arc<dyn Transport> = Arc::new(RouterTransport(desk.router()));
    let (sender, person) = (desk.clone(), Person { desk: desk.clone() });
    let mut subject = Subject {
        new_ticket: NewTicket {
            title: String::new(),
            description: String::new(),
            status: None,
            priority: Some("2 - High".to_owned()),
            kind: Some("Software".to_owned()),
            fields: BTreeMap::from([("Serial number".to_owned(), "A-1".to_owned())]),
        },
        changes: Changes {
            title: Some("Another title".to_owned()),
            description: Some("Another\n\ndescription".to_owned()),
            priority: Some("4 - Low".to_owned()),
            kind: Some("Hardware".to_owned()),
            fields: [
                ("Serial number", "B-2"),
                ("Due", "2026-02-03 04:05:06"),
                ("Contact type", "Self-service"),
            ]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into(),
        },
        next_status: "In Progress".to_owned(),
        feed_page: Some(100),
        webhook: Box::new(move |ticket| Some(webhook(&sender, ticket))),
        ..Subject::new(built(changed), base, clock, Box::new(person))
    };
    subject.secrets.push(WEBHOOK_SECRET.to_owned());
    Stand { subject, desk, blobs: Arc::default() }
}

impl Stand {
    pub(crate) fn ctx(&self) -> Ctx {
        Ctx { blobs: Arc::<MemoryBlobs>::clone(&self.blobs), ..self.subject.ctx() }
    }

    pub(crate) fn intent(
        ticket: Option<&RemoteId>,
        operation: Operation,
        expected: Option<Version>,
    ) -> Intent {
        let name = format!("{ticket:?} {operation:?}");
        let mut hash = [0u8; 32];
        for (at, byte) in name.bytes().enumerate() {
            hash[at % 32] = hash[at % 32].wrapping_mul(31).wrapping_add(byte);
        }
        let (id, marker) = (IntentId::new(name), Marker::from_hash(&hash));
        Intent { id, ticket: ticket.cloned(), operation, marker, expected }
    }

    /// Carries out an operation as the engine would; `expected` is the version that its plan was made on.
    pub(crate) async fn apply(
        &self,
        ticket: Option<&RemoteId>,
        operation: Operation,
        expected: Option<Version>,
    ) -> Result<Effect> {
        self.subject.connector.apply(&self.ctx(), &Self::intent(ticket, operation, expected)).await
    }

    pub(crate) async fn fetch(&self, ticket: &RemoteId) -> Ticket {
        self.subject.connector.fetch(&self.ctx(), ticket).await.unwrap()
    }

    /// How often something was written since the last time.
    pub(crate) fn writes(&self) -> usize {
        let log = std::mem::take(&mut self.desk.lock().log);
        log.iter().filter(|line| !line.starts_with("GET ")).count()
    }
}

/// A change of a record as a business rule tells it.
fn webhook(desk: &Desk, ticket: &RemoteId) -> RawWebhook {
    let body = Bytes::from(json!({ "table": "incident", "sys_id": ticket.as_str() }).to_string());
    let signature = sign_hub(&SecretString::from(WEBHOOK_SECRET), &body);
    let mut headers = HeaderMap::new();
    headers.insert("x-hub-signature-256", HeaderValue::from_str(&signature).unwrap());
    RawWebhook { headers, query: String::new(), body, received: desk.clock.now() }
}

struct Person {
    desk: Desk,
}

impl Hand for Person {
    fn create<'a>(&'a self, title: &'a str) -> BoxFuture<'a, RemoteId> {
        ready(RemoteId::new(self.desk.create(title))).boxed()
    }

    fn comment<'a>(&'a self, ticket: &'a RemoteId, body: &'a str, internal: bool) -> BoxFuture<'a, ()> {
        let journal = if internal { "work_notes" } else { "comments" };
        self.desk.change(ticket.as_str(), &[(journal, body)]);
        ready(()).boxed()
    }

    fn set_status<'a>(&'a self, ticket: &'a RemoteId, status: &'a str) -> BoxFuture<'a, ()> {
        let value = {
            let state = self.desk.lock();
            let fits = |row: &&crate::desk::Row| row["element"] == "state" && row["label"] == status;
            state.choices.iter().find(fits).unwrap()["value"].clone()
        };
        self.desk.change(ticket.as_str(), &[("state", &value)]);
        ready(()).boxed()
    }

    fn attach<'a>(&'a self, ticket: &'a RemoteId, name: &'a str, bytes: Bytes) -> BoxFuture<'a, ()> {
        self.desk.attach(ticket.as_str(), name, &bytes);
        ready(()).boxed()
    }

    fn truth<'a>(&'a self, ticket: &'a RemoteId) -> BoxFuture<'a, Truth> {
        let state = self.desk.lock();
        let record = state.record(ticket.as_str()).unwrap();
        let entries = state.journal.iter().filter(|entry| entry["element_id"] == ticket.as_str());
        let files = state.files.iter().filter(|(row, _)| row["table_sys_id"] == ticket.as_str());
        let truth = Truth {
            status: state.label("state", &record["state"]).unwrap(),
            comments: entries
                .map(|entry| (entry["value"].clone(), entry["element"] == "work_notes"))
                .collect(),
            files: files
                .map(|(row, bytes)| (row["file_name"].clone(), bytes.clone().into(), false))
                .collect(),
        };
        ready(truth).boxed()
    }

    fn titled<'a>(&'a self, title: &'a str) -> BoxFuture<'a, Vec<RemoteId>> {
        let state = self.desk.lock();
        let titled = state.records.iter().filter(|row| row["short_description"] == title);
        ready(titled.map(|row| RemoteId::new(row["sys_id"].as_str())).collect()).boxed()
    }

    fn merge<'a>(&'a self, _ticket: &'a RemoteId, _into: &'a RemoteId) -> BoxFuture<'a, bool> {
        // Incidents are not merged, only related.
        ready(false).boxed()
    }

    fn delete<'a>(&'a self, ticket: &'a RemoteId) -> BoxFuture<'a, bool> {
        self.desk.delete(ticket.as_str());
        ready(true).boxed()
    }

    fn refuse<'a>(&'a self, ticket: &'a RemoteId) -> BoxFuture<'a, Option<String>> {
        self.desk.lock().kept.push(ticket.as_str().to_owned());
        ready(Some("Resolved".to_owned())).boxed()
    }

    fn ignore_updates(&self, ignore: bool) -> BoxFuture<'_, bool> {
        self.desk.lock().ignores = ignore;
        ready(true).boxed()
    }

    fn hide_visibility(&self, hide: bool) -> BoxFuture<'_, bool> {
        self.desk.lock().journal_access = if hide { Access::NoElement } else { Access::All };
        ready(true).boxed()
    }
}
