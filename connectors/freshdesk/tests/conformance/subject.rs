//! The simulated Freshdesk as the suite wants it: plane, outside hand, webhooks.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::FutureExt;
use futures::future::{BoxFuture, ready};
use http::HeaderMap;
use secrecy::SecretString;
use serde_json::{Value, json};
use throughline_sdk::{Changes, Clock, NewTicket, RawWebhook, RemoteId};
use throughline_testkit::conformance::{Hand, Subject, Truth};
use throughline_testkit::{ManualClock, RouterTransport};

use crate::desk::{ADA, BOB, Desk, OUR_CONTACT, form};
use crate::rest::{KEY, router};

const WEBHOOK_TOKEN: &str = "fd-webhook-token-19c2";

pub(crate) struct Person(pub(crate) Desk);

/// The connector on a desk of its own.
pub(crate) fn freshdesk() -> (Subject, Desk) {
    let clock: Arc<dyn Clock> = Arc::new(ManualClock::auto_advance());
    let desk = Desk::new(Arc::clone(&clock));
    let secret = |text: &str| SecretString::from(text.to_owned());
    let settings = throughline_sdk::Settings {
        values: BTreeMap::from([
            ("url".to_owned(), "https://desk.freshdesk.test".into()),
            ("requester".to_owned(), OUR_CONTACT.1.into()),
            ("marker_field".to_owned(), "Throughline marker".into()),
            ("link_field".to_owned(), "Counterpart".into()),
            ("group_id".to_owned(), 44.into()),
            ("file_hosts".to_owned(), json!(["*.storage.test"])),
        ]),
        secrets: BTreeMap::from([
            ("api_key".to_owned(), secret(KEY)),
            ("webhook_token".to_owned(), secret(WEBHOOK_TOKEN)),
        ]),
    };
    let built = throughline_freshdesk::build(&settings).unwrap();
    let base = Arc::new(RouterTransport(router(&desk)));
    let ours = desk.clone();
    let mut subject = Subject {
        new_ticket: NewTicket {
            title: String::new(),
            description: String::new(),
            status: Some("Pending".to_owned()),
            priority: Some("High".to_owned()),
            kind: Some("Incident".to_owned()),
            fields: BTreeMap::from([("Serial number".to_owned(), "A-1".to_owned())]),
        },
        changes: Changes {
            title: Some("Another title".to_owned()),
            description: Some("Another\n\ndescription".to_owned()),
            priority: Some("Urgent".to_owned()),
            kind: Some("Problem".to_owned()),
            fields: BTreeMap::from([
                ("Serial number".to_owned(), "B-2".to_owned()),
                ("Visits".to_owned(), "3".to_owned()),
                ("On site".to_owned(), "yes".to_owned()),
                ("Site".to_owned(), "Bonn".to_owned()),
                ("Agent".to_owned(), "Bob".to_owned()),
                ("Group".to_owned(), "Second level".to_owned()),
            ]),
        },
        next_status: "Waiting for parts".to_owned(),
        feed_page: Some(100),
        webhook: Box::new(move |ticket| Some(webhook(&ours, ticket))),
        feed_patience: Duration::from_secs(1),
        ..Subject::new(built, base, clock, Box::new(Person(desk.clone())))
    };
    subject.secrets.extend([KEY.to_owned(), WEBHOOK_TOKEN.to_owned()]);
    (subject, desk)
}

fn webhook(desk: &Desk, ticket: &RemoteId) -> RawWebhook {
    let mut headers = HeaderMap::new();
    headers.insert("x-throughline-token", WEBHOOK_TOKEN.parse().unwrap());
    let body = json!({ "freshdesk_webhook": { "ticket_id": number(ticket) } }).to_string().into();
    RawWebhook { headers, query: String::new(), body, received: desk.clock.now() }
}

impl Person {
    /// What a person changes in the interface.
    pub(crate) fn update(&self, ticket: &RemoteId, write: &Value) {
        let now = self.0.now();
        self.0.lock().update(number(ticket), write.as_object().unwrap(), now).unwrap();
    }
}

impl Hand for Person {
    fn create<'a>(&'a self, title: &'a str) -> BoxFuture<'a, RemoteId> {
        let write = json!({
            "email": "ada@customer.example", "subject": title, "description": "It is broken.", "status": 2,
            "priority": 1, "source": 1,
        });
        let now = self.0.now();
        let id = self.0.lock().create(write.as_object().unwrap(), now).unwrap();
        ready(RemoteId::new(id.to_string())).boxed()
    }

    fn comment<'a>(&'a self, ticket: &'a RemoteId, body: &'a str, internal: bool) -> BoxFuture<'a, ()> {
        let (now, author) = (self.0.now(), if internal { BOB } else { ADA });
        let html = body.replace('&', "&amp;").replace('<', "&lt;");
        self.0.lock().note(number(ticket), (author, &html, Some(internal)), Vec::new(), now).unwrap();
        ready(()).boxed()
    }

    fn set_status<'a>(&'a self, ticket: &'a RemoteId, status: &'a str) -> BoxFuture<'a, ()> {
        let form = form();
        let choices = form[0]["choices"].as_object().unwrap();
        let status = choices.iter().find(|(_, labels)| labels[0] == status).unwrap().0;
        self.update(ticket, &json!({ "status": status.parse::<u64>().unwrap() }));
        ready(()).boxed()
    }

    fn attach<'a>(&'a self, ticket: &'a RemoteId, name: &'a str, bytes: Bytes) -> BoxFuture<'a, ()> {
        let file = (name.to_owned(), "application/octet-stream".to_owned(), bytes);
        let now = self.0.now();
        self.0.lock().note(number(ticket), (ADA, "see the file", Some(false)), vec![file], now).unwrap();
        ready(()).boxed()
    }

    fn truth<'a>(&'a self, ticket: &'a RemoteId) -> BoxFuture<'a, Truth> {
        let state = self.0.lock();
        let ticket = &state.tickets[&number(ticket)];
        let form = form();
        let status = form[0]["choices"][ticket.status.to_string()][0].as_str().unwrap().to_owned();
        let files = ticket.notes.iter().flat_map(|note| {
            note.files.iter().map(|file| (file.name.clone(), file.bytes.clone(), note.private))
        });
        ready(Truth {
            status,
            comments: ticket.notes.iter().map(|note| (note.body.clone(), note.private)).collect(),
            files: files.collect(),
        })
        .boxed()
    }

    fn titled<'a>(&'a self, title: &'a str) -> BoxFuture<'a, Vec<RemoteId>> {
        let state = self.0.lock();
        let titled = state.tickets.values().filter(|ticket| ticket.subject == title);
        ready(titled.map(|ticket| RemoteId::new(ticket.id.to_string())).collect()).boxed()
    }

    fn merge<'a>(&'a self, _ticket: &'a RemoteId, _into: &'a RemoteId) -> BoxFuture<'a, bool> {
        // A merged ticket is a closed one, and says nowhere into which it went.
        ready(false).boxed()
    }

    fn delete<'a>(&'a self, ticket: &'a RemoteId) -> BoxFuture<'a, bool> {
        self.0.lock().tickets.get_mut(&number(ticket)).unwrap().deleted = true;
        ready(true).boxed()
    }

    fn refuse<'a>(&'a self, ticket: &'a RemoteId) -> BoxFuture<'a, Option<String>> {
        self.0.lock().strict.push(number(ticket));
        ready(Some("Closed".to_owned())).boxed()
    }

    fn ignore_updates(&self, ignore: bool) -> BoxFuture<'_, bool> {
        self.0.lock().ignores_updates = ignore;
        ready(true).boxed()
    }

    fn hide_visibility(&self, hide: bool) -> BoxFuture<'_, bool> {
        self.0.lock().hides_visibility = hide;
        ready(true).boxed()
    }
}

pub(crate) fn number(ticket: &RemoteId) -> u64 {
    ticket.as_str().parse().unwrap()
}
