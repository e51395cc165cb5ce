//! The simulated Partner Center in process, and a person who works in its dashboard.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use futures::FutureExt;
use futures::future::{BoxFuture, ready};
use secrecy::SecretString;
use serde_json::{Value, json};
use throughline_sdk::{Clock, Marker, RemoteId, Settings};
use throughline_testkit::conformance::{Hand, Subject, Truth};
use throughline_testkit::{ManualClock, RouterTransport};

use crate::desk::{CLIENT_ID, CLIENT_SECRET, Desk, REFRESH_TOKEN};

struct Person {
    desk: Desk,
}

/// A desk of its own, and the connector on it, with these settings beside the usual ones.
pub(crate) fn partner_center(more: &[(&str, Value)]) -> (Desk, Subject) {
    let clock: Arc<dyn Clock> = Arc::new(ManualClock::auto_advance());
    let desk = Desk::new(Arc::clone(&clock));
    let mut values: BTreeMap<String, Value> = [
        ("url", json!("http://partner.test")),
        ("token_url", json!("http://login.test/fabrikam/oauth2/v2.0/token")),
        ("tenant", json!("fabrikam")),
        ("client_id", json!(CLIENT_ID)),
    ]
    .into_iter()
    .map(|(key, value)| (key.to_owned(), value))
    .collect();
    values.extend(more.iter().map(|(key, value)| ((*key).to_owned(), value.clone())));
    let secret = |text: &str| SecretString::from(text.to_owned());
    let secrets = BTreeMap::from([
        ("client_secret".to_owned(), secret(CLIENT_SECRET)),
        ("refresh_token".to_owned(), secret(REFRESH_TOKEN)),
    ]);
    let built = throughline_partner_center::build(&Settings { values, secrets }).unwrap();
    let base = Arc::new(RouterTransport(desk.router()));
    let mut subject = Subject {
        next_status: "closed".to_owned(),
        ..Subject::new(built, base, clock, Box::new(Person { desk: desk.clone() }))
    };
    subject.secrets.push(CLIENT_SECRET.to_owned());
    (desk, subject)
}

impl Hand for Person {
    fn create<'a>(&'a self, title: &'a str) -> BoxFuture<'a, RemoteId> {
        ready(RemoteId::new(self.desk.file(title))).boxed()
    }

    fn comment<'a>(&'a self, ticket: &'a RemoteId, body: &'a str, _internal: bool) -> BoxFuture<'a, ()> {
        self.desk.change(ticket.as_str(), |filed, now| {
            filed.notes.push(("Engineer".to_owned(), body.to_owned(), now));
        });
        ready(()).boxed()
    }

    fn set_status<'a>(&'a self, ticket: &'a RemoteId, status: &'a str) -> BoxFuture<'a, ()> {
        let known = ["open", "closed", "attention_needed"].into_iter().find(|known| *known == status);
        self.desk.change(ticket.as_str(), |filed, _| filed.status = known.expect("a status"));
        ready(()).boxed()
    }

    fn attach<'a>(&'a self, _ticket: &'a RemoteId, _name: &'a str, _bytes: Bytes) -> BoxFuture<'a, ()> {
        // Files are not read, so that the suite asks for none.
        ready(()).boxed()
    }

    fn truth<'a>(&'a self, ticket: &'a RemoteId) -> BoxFuture<'a, Truth> {
        let state = self.desk.state();
        let filed = &state.requests[ticket.as_str()];
        let comments = filed.notes.iter().map(|(_, text, _)| (unmarked(text), false)).collect();
        ready(Truth { status: filed.status.to_owned(), comments, files: Vec::new() }).boxed()
    }

    fn titled<'a>(&'a self, title: &'a str) -> BoxFuture<'a, Vec<RemoteId>> {
        let state = self.desk.state();
        let titled = state.requests.iter().filter(|(_, filed)| filed.title == title);
        ready(titled.map(|(id, _)| RemoteId::new(id)).collect()).boxed()
    }

    fn merge<'a>(&'a self, _ticket: &'a RemoteId, _into: &'a RemoteId) -> BoxFuture<'a, bool> {
        ready(false).boxed()
    }

    fn delete<'a>(&'a self, _ticket: &'a RemoteId) -> BoxFuture<'a, bool> {
        ready(false).boxed()
    }

    fn refuse<'a>(&'a self, ticket: &'a RemoteId) -> BoxFuture<'a, Option<String>> {
        self.desk.change(ticket.as_str(), |filed, _| {
            filed.status = "closed";
            filed.locked = true;
        });
        ready(Some("open".to_owned())).boxed()
    }

    fn ignore_updates(&self, ignore: bool) -> BoxFuture<'_, bool> {
        self.desk.state().ignores = ignore;
        ready(true).boxed()
    }

    fn hide_visibility(&self, _hide: bool) -> BoxFuture<'_, bool> {
        ready(false).boxed()
    }
}

/// A note as a reader takes it: without the marker in its last line.
fn unmarked(text: &str) -> String {
    match Marker::find_in(text) {
        Some(marker) => text.replace(&format!("\n\n[{marker}]"), ""),
        None => text.to_owned(),
    }
}
