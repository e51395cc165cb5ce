//! The example's desk as the suite wants it: a manifest, a plane, an outside hand, webhooks.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use futures::FutureExt;
use futures::future::{BoxFuture, ready};
use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::json;
use throughline_rest::{EXAMPLE, build};
use throughline_sdk::http::Transport;
use throughline_sdk::signature::sign_hub;
use throughline_sdk::{Built, Changes, Clock, NewTicket, RawWebhook, RemoteId, Settings};
use throughline_testkit::conformance::{Hand, Subject, Truth};
use throughline_testkit::{ManualClock, Played, RouterTransport};

use crate::desk::{Desk, PASSWORD, TOKEN, Ways};

const WEBHOOK_SECRET: &str = "webhook-secret-90ab";

/// The example's manifest, with these pieces of it replaced by others.
pub(crate) fn manifest(replaced: &[(&str, &str)]) -> String {
    replaced.iter().fold(EXAMPLE.to_owned(), |text, (from, to)| {
        assert_eq!(text.matches(from).count(), 1, "the example has {from:?} once");
        text.replace(from, to)
    })
}

/// The connector that a manifest's text makes.
pub(crate) fn built(text: &str) -> Built {
    let path = std::env::temp_dir().join(format!("throughline-manifest-{:x}.toml", hash(text)));
    std::fs::write(&path, text).unwrap();
    let settings = Settings {
        values: BTreeMap::from([
            ("url".to_owned(), "http://desk.test/".into()),
            ("manifest".to_owned(), path.to_str().unwrap().into()),
            ("user".to_owned(), "throughline".into()),
            ("client_id".to_owned(), "client".into()),
        ]),
        secrets: BTreeMap::from([
            (
                "secret".to_owned(),
                if text.contains("[authentication.login]\nr") { PASSWORD } else { TOKEN }.into(),
            ),
            ("client_secret".to_owned(), "client-secret-5c".into()),
            ("webhook_secret".to_owned(), WEBHOOK_SECRET.into()),
        ]),
    };
    let built = build(&settings);
    std::fs::remove_file(path).unwrap();
    built.unwrap_or_else(|error| panic!("{error}"))
}

/// The desk of these ways, with the connector of this manifest.
pub(crate) fn subject(ways: Ways, replaced: &[(&str, &str)]) -> Subject {
    let clock: Arc<dyn Clock> = Arc::new(ManualClock::auto_advance());
    let desk = Desk::new(Arc::clone(&clock), ways);
    let base = Arc::new(RouterTransport(desk.router()));
    let person = Person(desk);
    let mut subject = Subject::new(built(&manifest(replaced)), base, clock, Box::new(person));
    subject.new_ticket.priority = Some("High".to_owned());
    subject.new_ticket.kind = Some("Request".to_owned());
    subject.new_ticket.fields = [("Site".to_owned(), "Zürich".to_owned())].into();
    subject.changes = Changes {
        title: Some("Another title".to_owned()),
        description: Some("Another\n\ndescription".to_owned()),
        priority: Some("Low".to_owned()),
        kind: Some("Request".to_owned()),
        fields: [("Site".to_owned(), "Genève".to_owned())].into(),
    };
    subject.next_status = "Open".to_owned();
    subject.feed_page = Some(100);
    subject.webhook = Box::new(|ticket| {
        let body = json!({ "event": "changed", "ticket": { "id": ticket.as_str() } }).to_string();
        let signature = HeaderValue::try_from(sign_hub(&WEBHOOK_SECRET.into(), body.as_bytes())).unwrap();
        Some(RawWebhook {
            headers: HeaderMap::from_iter([(HeaderName::from_static("x-hub-signature-256"), signature)]),
            query: String::new(),
            body: Bytes::from(body),
            received: chrono::DateTime::UNIX_EPOCH,
        })
    });
    subject.secrets.extend([TOKEN, PASSWORD, WEBHOOK_SECRET].map(str::to_owned));
    subject
}

/// The same with nobody there but the connector itself.
pub(crate) async fn played(ways: Ways) -> Subject {
    let clock: Arc<dyn Clock> = Arc::new(ManualClock::auto_advance());
    let desk = Desk::new(Arc::clone(&clock), ways);
    let base: Arc<dyn Transport> = Arc::new(RouterTransport(desk.router()));
    let built = built(&manifest(&[]));
    let like = NewTicket {
        title: String::new(),
        description: String::new(),
        status: None,
        priority: None,
        kind: None,
        fields: BTreeMap::new(),
    };
    let hand = Played::new(built.clone(), Arc::clone(&base), Arc::clone(&clock), like).await;
    let mut subject = Subject::new(built, base, clock, Box::new(hand));
    subject.changes.title = Some("Another title".to_owned());
    subject.next_status = "Open".to_owned();
    subject
}

struct Person(Desk);

const STATES: [(&str, &str); 4] =
    [("new", "New"), ("in_progress", "Open"), ("waiting", "Pending"), ("done", "Closed")];

impl Person {
    fn set(&self, ticket: &RemoteId, name: &str, value: serde_json::Value) {
        assert!(self.0.set(number(ticket), BTreeMap::from([(name.to_owned(), value)])));
    }
}

impl Hand for Person {
    fn create<'a>(&'a self, title: &'a str) -> BoxFuture<'a, RemoteId> {
        let id = self.0.raise(BTreeMap::from([("subject".to_owned(), json!(title))]));
        ready(RemoteId::new(id.to_string())).boxed()
    }

    fn comment<'a>(&'a self, ticket: &'a RemoteId, body: &'a str, internal: bool) -> BoxFuture<'a, ()> {
        self.0.note(number(ticket), "Ada", body, internal).unwrap();
        ready(()).boxed()
    }

    fn set_status<'a>(&'a self, ticket: &'a RemoteId, status: &'a str) -> BoxFuture<'a, ()> {
        let state = STATES.iter().find(|(_, word)| *word == status).unwrap().0;
        self.set(ticket, "state", json!(state));
        ready(()).boxed()
    }

    fn attach<'a>(&'a self, ticket: &'a RemoteId, name: &'a str, bytes: Bytes) -> BoxFuture<'a, ()> {
        self.0.attach(number(ticket), name, "application/octet-stream", "", bytes).unwrap();
        ready(()).boxed()
    }

    fn truth<'a>(&'a self, ticket: &'a RemoteId) -> BoxFuture<'a, Truth> {
        let held = self.0.held();
        let ticket = held.tickets.iter().find(|one| one.id == number(ticket)).unwrap();
        let status = STATES.iter().find(|(state, _)| ticket.fields["state"] == *state).unwrap().1.to_owned();
        let comments = ticket.notes.iter().map(|note| (note.text.clone(), note.private)).collect();
        let files = ticket.files.iter().map(|file| (file.name.clone(), file.bytes.clone(), false)).collect();
        ready(Truth { status, comments, files }).boxed()
    }

    fn titled<'a>(&'a self, title: &'a str) -> BoxFuture<'a, Vec<RemoteId>> {
        let held = self.0.held();
        let titled = held.tickets.iter().filter(|ticket| ticket.fields["subject"] == title);
        ready(titled.map(|ticket| RemoteId::new(ticket.id.to_string())).collect()).boxed()
    }

    fn merge<'a>(&'a self, ticket: &'a RemoteId, into: &'a RemoteId) -> BoxFuture<'a, bool> {
        self.set(ticket, "merged_into", json!(number(into)));
        ready(true).boxed()
    }

    fn delete<'a>(&'a self, ticket: &'a RemoteId) -> BoxFuture<'a, bool> {
        self.0.delete(number(ticket));
        ready(true).boxed()
    }

    fn refuse<'a>(&'a self, ticket: &'a RemoteId) -> BoxFuture<'a, Option<String>> {
        self.0.held().refused = Some((number(ticket), "done"));
        ready(Some("Closed".to_owned())).boxed()
    }

    fn ignore_updates(&self, ignore: bool) -> BoxFuture<'_, bool> {
        self.0.held().ignores_updates = ignore;
        ready(true).boxed()
    }

    fn hide_visibility(&self, hide: bool) -> BoxFuture<'_, bool> {
        self.0.held().hides_visibility = hide;
        ready(true).boxed()
    }
}

fn number(ticket: &RemoteId) -> u64 {
    ticket.as_str().parse().unwrap()
}

/// A name for a file of its own, also for tests that run at the same time.
fn hash(text: &str) -> u64 {
    use std::hash::{BuildHasher, Hasher, RandomState};
    let mut hasher = RandomState::new().build_hasher();
    hasher.write(text.as_bytes());
    hasher.finish()
}
