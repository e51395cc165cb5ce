//! The simulated Zendesk as the suite wants it: plane, outside hand, webhooks.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::FutureExt;
use futures::future::{BoxFuture, ready};
use http::HeaderMap;
use secrecy::SecretString;
use serde_json::json;
use throughline_sdk::signature::sign_stamped;
use throughline_sdk::{Changes, Clock, NewTicket, RawWebhook, RemoteId};
use throughline_testkit::conformance::{Hand, Subject, Truth};
use throughline_testkit::{ManualClock, RouterTransport};

use crate::desk::{ADA, BOB, Comment, Desk, File, plain};
use crate::rest::{ACCOUNT, TOKEN, router};

const WEBHOOK_SECRET: &str = "dGhpc19zZWNyZXRfaXNfZm9yX3Rlc3Rpbmdfb25seQ==";

pub(crate) struct Person(pub(crate) Desk);

/// The settings of the simulated desk.
pub(crate) fn settings() -> throughline_sdk::Settings {
    let secret = |text: &str| SecretString::from(text.to_owned());
    throughline_sdk::Settings {
        values: BTreeMap::from([
            ("url".to_owned(), "https://desk.zendesk.test".into()),
            ("account".to_owned(), ACCOUNT.into()),
            ("link_field".to_owned(), "Counterpart".into()),
            ("file_hosts".to_owned(), json!(["*.zdusercontent.test"])),
        ]),
        secrets: BTreeMap::from([
            ("secret".to_owned(), secret(TOKEN)),
            ("webhook_secret".to_owned(), secret(WEBHOOK_SECRET)),
        ]),
    }
}

/// The connector on a desk of its own.
pub(crate) fn zendesk() -> (Subject, Desk) {
    let clock: Arc<dyn Clock> = Arc::new(ManualClock::auto_advance());
    let desk = Desk::new(Arc::clone(&clock));
    let built = throughline_zendesk::build(&settings()).unwrap();
    let base = Arc::new(RouterTransport(router(&desk)));
    let ours = desk.clone();
    let mut subject = Subject {
        new_ticket: NewTicket {
            title: String::new(),
            description: String::new(),
            status: Some("open".to_owned()),
            priority: Some("high".to_owned()),
            kind: Some("incident".to_owned()),
            fields: BTreeMap::from([("Serial number".to_owned(), "A-1".to_owned())]),
        },
        changes: Changes {
            title: Some("Another {{title}}".to_owned()),
            description: None,
            priority: Some("urgent".to_owned()),
            kind: Some("task".to_owned()),
            fields: BTreeMap::from([
                ("Serial number".to_owned(), "B-2".to_owned()),
                ("Site".to_owned(), "Bonn".to_owned()),
                ("On site".to_owned(), "yes".to_owned()),
            ]),
        },
        next_status: "Waiting for parts".to_owned(),
        feed_patience: Duration::from_secs(120),
        feed_page: Some(500),
        webhook: Box::new(move |ticket| Some(webhook(&ours, ticket))),
        ..Subject::new(built, base, clock, Box::new(Person(desk.clone())))
    };
    subject.secrets.push(WEBHOOK_SECRET.to_owned());
    (subject, desk)
}

fn webhook(desk: &Desk, ticket: &RemoteId) -> RawWebhook {
    let stamp = desk.now().format("%Y-%m-%dT%H:%M:%SZ").to_string();
    let body = json!({ "ticket_id": ticket.as_str() }).to_string();
    let signature = sign_stamped(&SecretString::from(WEBHOOK_SECRET), &stamp, body.as_bytes());
    let mut headers = HeaderMap::new();
    headers.insert("x-zendesk-webhook-signature", signature.parse().unwrap());
    headers.insert("x-zendesk-webhook-signature-timestamp", stamp.parse().unwrap());
    RawWebhook { headers, query: String::new(), body: body.into(), received: desk.clock.now() }
}

impl Person {
    /// What a person does in the agent's or requester's interface.
    pub(crate) fn write(&self, ticket: u64, author: u64, write: &serde_json::Value) {
        let now = self.0.now();
        self.0.lock().write(ticket, author, write, now).unwrap();
    }
}

impl Hand for Person {
    fn create<'a>(&'a self, title: &'a str) -> BoxFuture<'a, RemoteId> {
        let body =
            json!({ "ticket": { "subject": title, "comment": { "html_body": "<p>It is broken.</p>" } } });
        let (made, _) = self.0.create(None, &Bytes::from(body.to_string())).unwrap();
        let id = made["ticket"]["id"].as_u64().unwrap();
        let mut state = self.0.lock();
        let ticket = state.tickets.get_mut(&id).unwrap();
        (ticket.requester, ticket.comments[0].author) = (ADA, ADA);
        ready(RemoteId::new(id.to_string())).boxed()
    }

    fn comment<'a>(&'a self, ticket: &'a RemoteId, body: &'a str, internal: bool) -> BoxFuture<'a, ()> {
        let html = format!("<p>{}</p>", body.replace('&', "&amp;").replace('<', "&lt;"));
        let comment = json!({ "comment": { "html_body": html, "public": !internal } });
        self.write(number(ticket), if internal { BOB } else { ADA }, &comment);
        ready(()).boxed()
    }

    fn set_status<'a>(&'a self, ticket: &'a RemoteId, status: &'a str) -> BoxFuture<'a, ()> {
        let own = crate::desk::statuses().into_iter().find(|known| known.2 == status).map(|known| known.0);
        let write = match own {
            Some(own) => json!({ "custom_status_id": own }),
            None => json!({ "status": status }),
        };
        self.write(number(ticket), BOB, &write);
        ready(()).boxed()
    }

    fn attach<'a>(&'a self, ticket: &'a RemoteId, name: &'a str, bytes: Bytes) -> BoxFuture<'a, ()> {
        let id = {
            let mut state = self.0.lock();
            let id = state.number();
            let media_type = "application/octet-stream".to_owned();
            state.files.insert(id, File { id, name: name.to_owned(), media_type, bytes, malware: false });
            state.uploads.insert(format!("person-{id}"), id);
            id
        };
        let uploads = json!([format!("person-{id}")]);
        let comment =
            json!({ "comment": { "html_body": "see the file", "public": true, "uploads": uploads } });
        self.write(number(ticket), ADA, &comment);
        ready(()).boxed()
    }

    fn truth<'a>(&'a self, ticket: &'a RemoteId) -> BoxFuture<'a, Truth> {
        let state = self.0.lock();
        let ticket = &state.tickets[&number(ticket)];
        let own = crate::desk::statuses().into_iter().find(|known| known.0 == ticket.custom_status);
        let own = own.filter(|known| !known.3).map(|known| known.2.to_owned());
        let shown = |comment: &Comment| (plain(&comment.html), !comment.public);
        let files = ticket.comments.iter().flat_map(|comment| {
            comment.files.iter().map(|id| (state.files[id].clone(), !comment.public)).collect::<Vec<_>>()
        });
        ready(Truth {
            status: own.unwrap_or_else(|| ticket.status.clone()),
            comments: ticket.comments.iter().skip(1).map(shown).collect(),
            files: files.map(|(file, internal)| (file.name, file.bytes, internal)).collect(),
        })
        .boxed()
    }

    fn titled<'a>(&'a self, title: &'a str) -> BoxFuture<'a, Vec<RemoteId>> {
        let state = self.0.lock();
        let titled = state.tickets.values().filter(|ticket| ticket.subject == title);
        ready(titled.map(|ticket| RemoteId::new(ticket.id.to_string())).collect()).boxed()
    }

    fn merge<'a>(&'a self, ticket: &'a RemoteId, into: &'a RemoteId) -> BoxFuture<'a, bool> {
        let said = |words: String| json!({ "comment": { "html_body": words, "public": false } });
        let (source, target) = (number(ticket), number(into));
        self.write(
            target,
            BOB,
            &said(format!("Request #{source} \"x\" was closed and merged into this request.")),
        );
        let mut closing = said(format!("This request was closed and merged into request #{target} \"y\"."));
        closing["status"] = "closed".into();
        closing["tags"] = json!(["closed_by_merge"]);
        self.write(source, BOB, &closing);
        ready(true).boxed()
    }

    fn delete<'a>(&'a self, ticket: &'a RemoteId) -> BoxFuture<'a, bool> {
        let now = self.0.now();
        let mut state = self.0.lock();
        let ticket = state.tickets.get_mut(&number(ticket)).unwrap();
        (ticket.deleted, ticket.updated) = (true, now);
        ready(true).boxed()
    }

    fn refuse<'a>(&'a self, ticket: &'a RemoteId) -> BoxFuture<'a, Option<String>> {
        self.0.lock().strict.push(number(ticket));
        ready(Some("solved".to_owned())).boxed()
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
