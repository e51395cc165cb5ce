//! The simulated service communications, and Microsoft's people who publish there.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use futures::FutureExt;
use futures::future::{BoxFuture, ready};
use secrecy::SecretString;
use serde_json::{Value, json};
use throughline_sdk::http::Transport;
use throughline_sdk::{Clock, RemoteId, Settings};
use throughline_testkit::conformance::{Hand, Subject, Truth};

use crate::desk::{CLIENT_ID, CLIENT_SECRET, Desk};

struct Publisher {
    desk: Desk,
}

/// The connector on a desk reached through `base`, with these settings beside the usual ones.
pub(crate) fn with_base(
    desk: &Desk,
    base: Arc<dyn Transport>,
    clock: Arc<dyn Clock>,
    more: &[(&str, Value)],
) -> Subject {
    let mut values: BTreeMap<String, Value> = [
        ("url", json!("http://graph.test/v1.0")),
        ("token_url", json!("http://login.test/contoso/oauth2/v2.0/token")),
        ("tenant", json!("contoso")),
        ("client_id", json!(CLIENT_ID)),
    ]
    .into_iter()
    .map(|(key, value)| (key.to_owned(), value))
    .collect();
    values.extend(more.iter().map(|(key, value)| ((*key).to_owned(), value.clone())));
    let secret = SecretString::from(CLIENT_SECRET.to_owned());
    let settings = Settings { values, secrets: BTreeMap::from([("client_secret".to_owned(), secret)]) };
    let built = throughline_microsoft_health::build(&settings).unwrap();
    Subject {
        next_status: "serviceRestored".to_owned(),
        feed_page: Some(100),
        ..Subject::new(built, base, clock, Box::new(Publisher { desk: desk.clone() }))
    }
}

fn number(ticket: &RemoteId) -> &str {
    ticket.as_str().strip_prefix("issues/").expect("an issue")
}

impl Hand for Publisher {
    fn create<'a>(&'a self, title: &'a str) -> BoxFuture<'a, RemoteId> {
        ready(RemoteId::new(format!("issues/{}", self.desk.publish(title)))).boxed()
    }

    fn comment<'a>(&'a self, ticket: &'a RemoteId, body: &'a str, _internal: bool) -> BoxFuture<'a, ()> {
        self.desk.change(number(ticket), |issue| {
            let posts = issue["posts"].as_array_mut().unwrap();
            let created = format!("2026-01-01T00:00:{:02}.5Z", posts.len());
            posts.push(json!({
                "createdDateTime": created, "postType": "Regular",
                "description": { "contentType": "Html", "content": body },
            }));
        });
        ready(()).boxed()
    }

    fn set_status<'a>(&'a self, ticket: &'a RemoteId, status: &'a str) -> BoxFuture<'a, ()> {
        let mut letters = status.chars();
        let capital: String =
            letters.next().into_iter().flat_map(char::to_uppercase).chain(letters).collect();
        self.desk.change(number(ticket), |issue| issue["status"] = capital.into());
        ready(()).boxed()
    }

    fn attach<'a>(&'a self, _ticket: &'a RemoteId, _name: &'a str, _bytes: Bytes) -> BoxFuture<'a, ()> {
        ready(()).boxed()
    }

    fn truth<'a>(&'a self, ticket: &'a RemoteId) -> BoxFuture<'a, Truth> {
        let state = self.desk.state();
        let issue = &state.issues[number(ticket)].json;
        let status = issue["status"].as_str().unwrap_or_default().to_owned();
        // What is published there is Microsoft's own.
        ready(Truth { status, ..Truth::default() }).boxed()
    }

    fn titled<'a>(&'a self, title: &'a str) -> BoxFuture<'a, Vec<RemoteId>> {
        let state = self.desk.state();
        let titled = state.issues.iter().filter(|(_, entry)| entry.json["title"] == title);
        ready(titled.map(|(id, _)| RemoteId::new(format!("issues/{id}"))).collect()).boxed()
    }

    fn merge<'a>(&'a self, _ticket: &'a RemoteId, _into: &'a RemoteId) -> BoxFuture<'a, bool> {
        ready(false).boxed()
    }

    fn delete<'a>(&'a self, ticket: &'a RemoteId) -> BoxFuture<'a, bool> {
        // Old ones are taken down.
        ready(self.desk.state().issues.remove(number(ticket)).is_some()).boxed()
    }

    fn refuse<'a>(&'a self, _ticket: &'a RemoteId) -> BoxFuture<'a, Option<String>> {
        ready(None).boxed()
    }

    fn ignore_updates(&self, _ignore: bool) -> BoxFuture<'_, bool> {
        ready(false).boxed()
    }

    fn hide_visibility(&self, _hide: bool) -> BoxFuture<'_, bool> {
        ready(false).boxed()
    }
}
