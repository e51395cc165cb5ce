//! The desk in process, as the suite wants it: plane, outside hand, webhooks.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::FutureExt;
use futures::future::{BoxFuture, ready};
use http::HeaderMap;
use secrecy::SecretString;
use serde_json::{Value, json};
use throughline_sdk::http::Authentication;
use throughline_sdk::signature::sign_hub;
use throughline_sdk::{Built, Changes, Clock, NewTicket, RawWebhook, RemoteId, Settings, layer};
use throughline_testkit::conformance::{Hand, Subject, Truth};
use throughline_testkit::{ManualClock, RouterTransport, SeededEntropy};

use crate::desk::{Desk, SECRET, TOKEN};

/// A desk with its clock.
pub(crate) struct Stage {
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) desk: Desk,
}

impl Stage {
    pub(crate) fn new() -> Self {
        let clock: Arc<dyn Clock> = Arc::new(ManualClock::auto_advance());
        let desk = Desk::new(Arc::clone(&clock));
        Self { clock, desk }
    }

    /// The connector as an operator would set it up, but with a fixed token: with client credentials the plane would cure
    /// a wrong one before the suite sees it.
    pub(crate) fn built(more: &[(&str, Value)]) -> Built {
        let mut values: BTreeMap<String, Value> = [
            ("url", "http://desk.test"),
            ("tenant", "tenant"),
            ("audience", "audience"),
            ("client_id", "client"),
            ("engineer_name", "Support Contoso"),
            ("engineer_email", "support@contoso.example"),
            ("partner", "department/4711"),
        ]
        .map(|(key, value)| (key.to_owned(), value.into()))
        .into();
        values.insert("fields".to_owned(), json!({"Hypervisor": "KVM"}));
        values.extend(more.iter().map(|(key, value)| ((*key).to_owned(), value.clone())));
        let secrets = [("client_secret", ".s3cr3t"), ("webhook_secret", SECRET)];
        let secrets = secrets.map(|(key, text)| (key.to_owned(), SecretString::from(text))).into();
        let built = throughline_tsanet::build(&Settings { values, secrets }).unwrap();
        Built { authentication: Authentication::Bearer(TOKEN.into()), ..built }
    }

    /// The suite's view, with a person who raises requests in this direction.
    pub(crate) fn subject(&self, direction: &str, next_status: &str) -> Subject {
        let mut subject = self.with(&[], direction, next_status);
        let desk = self.desk.clone();
        subject.webhook = Box::new(move |ticket| {
            let body = json!({
                "eventType": "note.created", "requestToken": ticket.as_str(), "noteToken": "n-1",
                "timestamp": desk.now(),
            });
            Some(signed(&body, desk.now()))
        });
        subject.secrets.push(SECRET.to_owned());
        subject
    }

    pub(crate) fn with(&self, more: &[(&str, Value)], direction: &str, next_status: &str) -> Subject {
        let base = Arc::new(RouterTransport(self.desk.router()));
        let person = Box::new(Person { desk: self.desk.clone(), ours: direction == "OUTBOUND" });
        Subject {
            new_ticket: NewTicket {
                title: String::new(),
                description: String::new(),
                status: None,
                priority: Some("HIGH".to_owned()),
                kind: None,
                fields: BTreeMap::from([("Product".to_owned(), "Gateway".to_owned())]),
            },
            changes: Changes::default(),
            next_status: next_status.to_owned(),
            longest_description: 4900,
            feed_patience: Duration::from_secs(720),
            ..Subject::new(Self::built(more), base, Arc::clone(&self.clock), person)
        }
    }
}

/// A webhook with this body.
pub(crate) fn signed(body: &Value, received: throughline_sdk::Timestamp) -> RawWebhook {
    let body = body.to_string();
    let mut headers = HeaderMap::new();
    let signature = sign_hub(&SECRET.into(), body.as_bytes()).parse().unwrap();
    headers.insert("x-hub-signature-256", signature);
    RawWebhook { headers, query: String::new(), body: body.into(), received }
}

/// The same inside the operation plane of the daemon.
pub(crate) fn guarded(subject: Subject) -> Subject {
    let entropy = Arc::new(SeededEntropy::new(1));
    let connector = layer::guarded(Arc::clone(&subject.connector), 1, Arc::clone(&subject.clock), entropy);
    Subject { connector: connector.connector, ..subject }
}

/// Somebody at the web application, of either company.
struct Person {
    desk: Desk,
    ours: bool,
}

/// An engineer of the partner.
pub(crate) fn partner() -> Value {
    json!({"engineerName": "Bo", "engineerEmail": "bo@fabrikam.example", "caseNumber": "F-1"})
}

impl Hand for Person {
    fn create<'a>(&'a self, title: &'a str) -> BoxFuture<'a, RemoteId> {
        let token = self.desk.submit(self.ours, title, "Since this morning.\r\n\r\nPlease look.", "F-77");
        // Requests that were answered are the ones that most can be done with.
        let ours = json!({"engineerName": "Support Contoso", "engineerEmail": "support@contoso.example"});
        let engineer = if self.ours { partner() } else { ours };
        self.desk.respond(&token, "APPROVAL", "ACCEPTED", &engineer, "");
        ready(RemoteId::new(token)).boxed()
    }

    fn comment<'a>(&'a self, ticket: &'a RemoteId, body: &'a str, internal: bool) -> BoxFuture<'a, ()> {
        let audience = if internal { "USER_PARTNER" } else { "USER_PUBLIC" };
        self.desk.note(ticket.as_str(), "Fabrikam", "New note", Some(body), audience);
        ready(()).boxed()
    }

    fn set_status<'a>(&'a self, ticket: &'a RemoteId, status: &'a str) -> BoxFuture<'a, ()> {
        self.desk.change(ticket.as_str(), |case| status.clone_into(&mut case.status));
        ready(()).boxed()
    }

    fn attach<'a>(&'a self, _ticket: &'a RemoteId, _name: &'a str, _bytes: Bytes) -> BoxFuture<'a, ()> {
        // TSANet keeps no files.
        ready(()).boxed()
    }

    fn truth<'a>(&'a self, ticket: &'a RemoteId) -> BoxFuture<'a, Truth> {
        let case = self.desk.state().case(ticket.as_str()).unwrap().clone();
        let comment = |note: &crate::desk::Note| {
            (note.description.clone().unwrap_or_default(), note.audience == "USER_PARTNER")
        };
        let comments = case.notes.iter().map(comment).collect();
        ready(Truth { status: case.status, comments, files: Vec::new() }).boxed()
    }

    fn titled<'a>(&'a self, title: &'a str) -> BoxFuture<'a, Vec<RemoteId>> {
        let state = self.desk.state();
        let titled = state.cases.iter().filter(|case| case.summary == title);
        ready(titled.map(|case| RemoteId::new(case.token.clone())).collect()).boxed()
    }

    fn merge<'a>(&'a self, _ticket: &'a RemoteId, _into: &'a RemoteId) -> BoxFuture<'a, bool> {
        ready(false).boxed()
    }

    fn delete<'a>(&'a self, ticket: &'a RemoteId) -> BoxFuture<'a, bool> {
        let now = self.desk.now();
        self.desk.change(ticket.as_str(), |case| case.deleted = Some(now));
        ready(true).boxed()
    }

    fn refuse<'a>(&'a self, _ticket: &'a RemoteId) -> BoxFuture<'a, Option<String>> {
        // What is for the other side to decide.
        ready(Some(if self.ours { "REJECTED" } else { "CLOSED" }.to_owned())).boxed()
    }

    fn ignore_updates(&self, _ignore: bool) -> BoxFuture<'_, bool> {
        ready(false).boxed()
    }

    fn hide_visibility(&self, hide: bool) -> BoxFuture<'_, bool> {
        self.desk.mood(|mood| mood.silent = hide);
        ready(true).boxed()
    }
}
