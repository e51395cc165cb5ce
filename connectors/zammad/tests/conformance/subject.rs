//! The simulated Zammad as the suite wants it: plane, outside hand, webhooks.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use futures::FutureExt;
use futures::future::{BoxFuture, ready};
use http::HeaderMap;
use ring::hmac;
use secrecy::SecretString;
use serde_json::{Value, json};
use throughline_sdk::{Changes, Clock, NewTicket, RawWebhook, RemoteId};
use throughline_testkit::conformance::{Hand, Subject, Truth};
use throughline_testkit::{ManualClock, RouterTransport};

use crate::desk::{ADA, BOB, Desk};
use crate::rest::{TOKEN, router};

const WEBHOOK_SECRET: &str = "zammad-webhook-secret-09ab";

pub(crate) struct Person(pub(crate) Desk);

/// The connector on a desk of its own.
pub(crate) fn zammad() -> (Subject, Desk) {
    let clock: Arc<dyn Clock> = Arc::new(ManualClock::auto_advance());
    let desk = Desk::new(Arc::clone(&clock));
    let secret = |text: &str| SecretString::from(text.to_owned());
    let settings = throughline_sdk::Settings {
        values: BTreeMap::from([
            ("url".to_owned(), "https://desk.zammad.test".into()),
            ("group".to_owned(), "Service Desk".into()),
            ("customer".to_owned(), "partner-desk@example.org".into()),
            ("marker_field".to_owned(), "throughline_marker".into()),
            ("link_field".to_owned(), "counterpart".into()),
        ]),
        secrets: BTreeMap::from([
            ("token".to_owned(), secret(TOKEN)),
            ("webhook_secret".to_owned(), secret(WEBHOOK_SECRET)),
        ]),
    };
    let built = throughline_zammad::build(&settings).unwrap();
    let base = Arc::new(RouterTransport(router(&desk)));
    let ours = desk.clone();
    let mut subject = Subject {
        new_ticket: NewTicket {
            title: String::new(),
            description: String::new(),
            status: Some("pending reminder".to_owned()),
            priority: Some("3 high".to_owned()),
            kind: Some("Incident".to_owned()),
            fields: BTreeMap::from([("serial_number".to_owned(), "A-1".to_owned())]),
        },
        changes: Changes {
            title: Some("Another title".to_owned()),
            description: None,
            priority: Some("1 low".to_owned()),
            kind: Some("Problem".to_owned()),
            fields: BTreeMap::from([
                ("serial_number".to_owned(), "B-2".to_owned()),
                ("visits".to_owned(), "3".to_owned()),
                ("on_site".to_owned(), "yes".to_owned()),
                ("site".to_owned(), "Bonn".to_owned()),
                ("parts".to_owned(), "fuse\nfan".to_owned()),
                ("owner".to_owned(), "bob@desk.example".to_owned()),
                ("group".to_owned(), "2nd Level".to_owned()),
            ]),
        },
        next_status: "waiting for parts".to_owned(),
        feed_page: Some(100),
        webhook: Box::new(move |ticket| Some(webhook(&ours, ticket))),
        feed_patience: Duration::from_secs(1),
        ..Subject::new(built, base, clock, Box::new(Person(desk.clone())))
    };
    subject.secrets.extend([TOKEN.to_owned(), WEBHOOK_SECRET.to_owned()]);
    (subject, desk)
}

fn webhook(desk: &Desk, ticket: &RemoteId) -> RawWebhook {
    let body =
        json!({ "ticket": { "id": number(ticket), "state": "open" }, "article": { "id": 1 } }).to_string();
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, WEBHOOK_SECRET.as_bytes());
    let tag = hmac::sign(&key, body.as_bytes());
    let hex: String = tag.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    let mut headers = HeaderMap::new();
    headers.insert("x-hub-signature", format!("sha1={hex}").parse().unwrap());
    headers.insert("x-zammad-trigger", "every change".parse().unwrap());
    headers.insert("x-zammad-delivery", "f4a1".parse().unwrap());
    RawWebhook { headers, query: String::new(), body: body.into(), received: desk.clock.now() }
}

impl Person {
    /// What a person changes in the interface.
    pub(crate) fn update(&self, ticket: &RemoteId, write: &Value) {
        let now = self.0.now();
        self.0.lock().update(BOB, number(ticket), write.as_object().unwrap(), now).unwrap();
    }

    /// What a person says.
    pub(crate) fn say(&self, ticket: &RemoteId, author: u64, article: &Value) {
        let now = self.0.now();
        self.0.lock().article(number(ticket), author, article.as_object().unwrap(), now).unwrap();
    }
}

impl Hand for Person {
    fn create<'a>(&'a self, title: &'a str) -> BoxFuture<'a, RemoteId> {
        let ticket = json!({ "title": title, "group": "Service Desk", "customer": "ada@customer.example" });
        let article = json!({ "body": "It is broken.", "content_type": "text/plain" });
        let now = self.0.now();
        let id = self
            .0
            .lock()
            .create(ADA, ticket.as_object().unwrap(), article.as_object().unwrap(), now)
            .unwrap();
        ready(RemoteId::new(id.to_string())).boxed()
    }

    fn comment<'a>(&'a self, ticket: &'a RemoteId, body: &'a str, internal: bool) -> BoxFuture<'a, ()> {
        let author = if internal { BOB } else { ADA };
        self.say(
            ticket,
            author,
            &json!({ "body": body, "content_type": "text/plain", "internal": internal }),
        );
        ready(()).boxed()
    }

    fn set_status<'a>(&'a self, ticket: &'a RemoteId, status: &'a str) -> BoxFuture<'a, ()> {
        self.update(ticket, &json!({ "state": status, "pending_time": "2030-01-01T00:00:00.000Z" }));
        ready(()).boxed()
    }

    fn attach<'a>(&'a self, ticket: &'a RemoteId, name: &'a str, bytes: Bytes) -> BoxFuture<'a, ()> {
        let data = BASE64_STANDARD.encode(bytes);
        let file = json!({ "filename": name, "data": data, "mime-type": "application/octet-stream" });
        self.say(ticket, ADA, &json!({ "body": "see the file", "attachments": [file] }));
        ready(()).boxed()
    }

    fn truth<'a>(&'a self, ticket: &'a RemoteId) -> BoxFuture<'a, Truth> {
        let state = self.0.lock();
        let ticket = &state.tickets[&number(ticket)];
        let files = state.articles_of(ticket.id).flat_map(|article| {
            article.files.iter().map(|file| (file.name.clone(), file.bytes.clone(), article.internal))
        });
        let said = state.articles_of(ticket.id).skip(1);
        ready(Truth {
            status: ticket.state.clone(),
            comments: said.map(|article| (article.body.clone(), article.internal)).collect(),
            files: files.collect(),
        })
        .boxed()
    }

    fn titled<'a>(&'a self, title: &'a str) -> BoxFuture<'a, Vec<RemoteId>> {
        let state = self.0.lock();
        let titled = state.tickets.values().filter(|ticket| ticket.title == title);
        ready(titled.map(|ticket| RemoteId::new(ticket.id.to_string())).collect()).boxed()
    }

    fn merge<'a>(&'a self, ticket: &'a RemoteId, into: &'a RemoteId) -> BoxFuture<'a, bool> {
        let now = self.0.now();
        self.0.lock().merge(number(ticket), number(into), now);
        ready(true).boxed()
    }

    fn delete<'a>(&'a self, ticket: &'a RemoteId) -> BoxFuture<'a, bool> {
        self.0.lock().tickets.remove(&number(ticket));
        ready(true).boxed()
    }

    fn refuse<'a>(&'a self, ticket: &'a RemoteId) -> BoxFuture<'a, Option<String>> {
        self.0.lock().strict.push(number(ticket));
        ready(Some("closed".to_owned())).boxed()
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
