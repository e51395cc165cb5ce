//! The suite for connectors, run on our own face: as the engine reaches it, and as a partner's bridge does.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::http::{HeaderMap, Method, StatusCode};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use futures::FutureExt;
use futures::future::{BoxFuture, ready};
use secrecy::SecretString;
use serde_json::{Value, json};
use throughline_sdk::http::Transport;
use throughline_sdk::{Changes, Clock, NewTicket, RawWebhook, RemoteId, Settings};
use throughline_testkit::conformance::{self, Hand, Subject, Truth};
use throughline_testkit::{ManualClock, RouterTransport};

use super::{Partner, desk_of};
use crate::api::tmf621::inside::Inside;
use crate::api::tmf621::{Edition, Face};
use crate::desk::reference::Terms;
use crate::registry;

const TOKEN: &str = "the-token-of-the-partner";
const WEBHOOK_TOKEN: &str = "the-token-of-events";
const V4: &str = "/tmf-api/troubleTicket/v4/troubleTicket";

/// Somebody of the partner's, who works by version 4.
struct Person {
    partner: Partner,
    /// Whether the desk takes any status, as one does that people keep for a portal.
    free: bool,
}

impl Person {
    async fn change(&self, ticket: &RemoteId, body: Value) {
        let answer = self.partner.patch(&format!("{V4}/{ticket}"), "application/json", &body).await;
        assert_eq!(answer.status, StatusCode::OK, "{body}: {answer:?}");
    }

    async fn ticket(&self, ticket: &RemoteId) -> Value {
        self.partner.get(&format!("{V4}/{ticket}")).await.body
    }
}

impl Hand for Person {
    fn create<'a>(&'a self, title: &'a str) -> BoxFuture<'a, RemoteId> {
        let body = json!({
            "name": title,
            "description": "what happened",
            "severity": "Major",
            "ticketType": "Incident",
            "priority": "High",
        });
        async move {
            let answer = self.partner.post(V4, &body).await;
            assert_eq!(answer.status, StatusCode::CREATED, "{answer:?}");
            RemoteId::new(answer.body["id"].as_str().unwrap())
        }
        .boxed()
    }

    fn comment<'a>(&'a self, ticket: &'a RemoteId, body: &'a str, _internal: bool) -> BoxFuture<'a, ()> {
        self.change(ticket, json!({ "note": [{ "author": "Ada", "text": body }] })).boxed()
    }

    fn set_status<'a>(&'a self, ticket: &'a RemoteId, status: &'a str) -> BoxFuture<'a, ()> {
        self.change(ticket, json!({ "status": status })).boxed()
    }

    fn attach<'a>(&'a self, ticket: &'a RemoteId, name: &'a str, bytes: Bytes) -> BoxFuture<'a, ()> {
        let content = BASE64_STANDARD.encode(bytes);
        self.change(ticket, json!({ "attachment": [{ "name": name, "content": content }] })).boxed()
    }

    fn truth<'a>(&'a self, ticket: &'a RemoteId) -> BoxFuture<'a, Truth> {
        async move {
            let held = self.ticket(ticket).await;
            let all = |name: &str| held[name].as_array().cloned().unwrap_or_default();
            let notes = all("note").into_iter();
            let comments = notes.map(|note| (note["text"].as_str().unwrap().to_owned(), false)).collect();
            let mut files = Vec::new();
            for attachment in all("attachment") {
                let url = attachment["url"].as_str().unwrap().replace("http://bridge.test", "");
                let answer = self.partner.ask(Method::GET, &url, "", None).await;
                #[expect(clippy::wildcard_enum_match_arm, reason = "anything but a list of bytes is text")]
                let bytes: Vec<u8> = match &answer.body {
                    Value::Array(bytes) => {
                        bytes.iter().map(|byte| u8::try_from(byte.as_u64().unwrap()).unwrap()).collect()
                    }
                    Value::Null => Vec::new(),
                    other => other.to_string().into_bytes(),
                };
                files.push((attachment["name"].as_str().unwrap().to_owned(), Bytes::from(bytes), false));
            }
            Truth { status: held["status"].as_str().unwrap().to_owned(), comments, files }
        }
        .boxed()
    }

    fn titled<'a>(&'a self, title: &'a str) -> BoxFuture<'a, Vec<RemoteId>> {
        async move {
            let all = self.partner.get(&format!("{V4}?limit=1000")).await.body;
            let titled = all.as_array().unwrap().iter().filter(|ticket| ticket["name"] == title);
            titled.map(|ticket| RemoteId::new(ticket["id"].as_str().unwrap())).collect()
        }
        .boxed()
    }

    fn merge<'a>(&'a self, _ticket: &'a RemoteId, _into: &'a RemoteId) -> BoxFuture<'a, bool> {
        ready(false).boxed()
    }

    fn delete<'a>(&'a self, ticket: &'a RemoteId) -> BoxFuture<'a, bool> {
        async move {
            let answer = self.partner.ask(Method::DELETE, &format!("{V4}/{ticket}"), "", None).await;
            answer.status == StatusCode::NO_CONTENT
        }
        .boxed()
    }

    fn refuse<'a>(&'a self, ticket: &'a RemoteId) -> BoxFuture<'a, Option<String>> {
        async move {
            if self.free {
                return None;
            }
            // Nothing follows a rejection.
            self.change(ticket, json!({ "status": "rejected" })).await;
            Some("inProgress".to_owned())
        }
        .boxed()
    }

    fn ignore_updates(&self, _ignore: bool) -> BoxFuture<'_, bool> {
        ready(false).boxed()
    }

    fn hide_visibility(&self, _hide: bool) -> BoxFuture<'_, bool> {
        ready(false).boxed()
    }
}

/// A kind with these settings on a new desk, which it reaches as `way` says.
fn subject(
    kind: &str,
    values: &[(&str, Value)],
    way: impl Fn(&super::Desk) -> Arc<dyn Transport>,
) -> Subject {
    let clock = ManualClock::auto_advance();
    let terms = (kind == "reference").then_some(Terms { silent_after: None });
    let desk = desk_of(&clock, terms);
    let secret = |text: &str| SecretString::from(text.to_owned());
    let mut settings = Settings {
        values: values.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect(),
        secrets: BTreeMap::from([("token".to_owned(), secret(TOKEN))]),
    };
    if kind == "tmf621" {
        settings.secrets.insert("webhook_token".to_owned(), secret(WEBHOOK_TOKEN));
    }
    let built = (registry::kind(kind).unwrap().build)(&settings).unwrap();
    let person = Person { partner: Partner::of(&desk, Edition::V4), free: terms.is_some() };
    let shared: Arc<dyn Clock> = Arc::new(clock);
    let newer = kind != "tmf621" || values.contains(&("version", json!(5)));
    let mut fields = BTreeMap::from([("severity".to_owned(), "Critical".to_owned())]);
    if newer {
        fields.insert("Serial number".to_owned(), "A-1".to_owned());
    }
    let mut changed = fields.clone();
    changed.values_mut().for_each(|value| value.push('2'));
    changed.insert("expectedResolutionDate".to_owned(), "2026-02-03T04:05:06.789Z".to_owned());
    let received = shared.now();
    let mut subject = Subject {
        new_ticket: NewTicket {
            title: String::new(),
            description: String::new(),
            status: None,
            priority: Some("Low".to_owned()),
            kind: Some("Incident".to_owned()),
            fields,
        },
        changes: Changes {
            title: Some("Another title".to_owned()),
            description: Some("Another\n\ndescription".to_owned()),
            priority: Some("Critical".to_owned()),
            kind: Some("Request".to_owned()),
            fields: changed,
        },
        next_status: "inProgress".to_owned(),
        feed_page: Some(100),
        webhook: Box::new(move |ticket| {
            Some(RawWebhook {
                headers: HeaderMap::new(),
                query: format!("token={WEBHOOK_TOKEN}"),
                body: json!({ "event": { "troubleTicket": { "id": ticket } } }).to_string().into(),
                received,
            })
        }),
        ..Subject::new(built, way(&desk), shared, Box::new(person))
    };
    subject.secrets.push(WEBHOOK_TOKEN.to_owned());
    subject
}

#[tokio::test]
async fn the_engine_conforms_on_its_own_face() {
    let subject = subject("tmf621-server", &[], |desk| {
        Arc::new(Inside::new(Face { token: TOKEN.into(), desk: desk.clone() }))
    });
    let report = conformance::run(&subject).await;
    let undeclared: Vec<_> = report
        .cases
        .iter()
        .filter(|(_, outcome)| *outcome == conformance::Outcome::NotDeclared)
        .map(|(name, _)| *name)
        .collect();
    assert!(report.failed().is_empty(), "{report}");
    // What the standard does not have, and what a desk of ours does not do wrong.
    assert_eq!(
        undeclared,
        [
            "a merged ticket answers under the other id",
            "an internal comment reads as internal",
            "unknown visibility never reads as public",
            "a link is renewed in place",
            "an ignored write is rejected",
            "a link is shown once, whatever is lost",
            "the same key again makes nothing new",
            "no write carries what is private",
            "a signed webhook hints at its ticket",
            "a complete webhook says what the desk says",
            "a forged webhook is refused",
            "an old webhook is refused",
        ]
    );
}

#[tokio::test]
async fn the_engine_conforms_on_a_desk_that_people_keep_for_a_portal() {
    let subject = subject("reference", &[], |desk| {
        let settings = registry::reference("reference", &Settings::default()).unwrap();
        Arc::new(Inside::new(Face { token: settings.token, desk: desk.clone() }))
    });
    let report = conformance::run(&subject).await;
    assert!(report.failed().is_empty(), "{report}");
}

#[tokio::test]
async fn a_partners_bridge_conforms_in_both_editions() {
    for (version, more) in [
        (5, &[("marker", json!("id")), ("conditional", json!(true))][..]),
        (5, &[("note_writes", json!("whole")), ("link_back", json!("related-entity"))]),
        (5, &[("note_writes", json!("append")), ("changes", json!("list")), ("fields", json!(false))]),
        (4, &[("marker", json!("id")), ("conditional", json!(true)), ("link_back", json!("related-entity"))]),
        (4, &[]),
    ] {
        let url = format!("http://bridge.test/tmf-api/troubleTicket/v{version}");
        let mut values = vec![("url", json!(url)), ("version", json!(version))];
        values.extend(more.iter().cloned());
        let edition = if version == 4 { Edition::V4 } else { Edition::V5 };
        let subject = subject("tmf621", &values, |desk| {
            Arc::new(Guarded(RouterTransport(Partner::of(desk, edition).router())))
        });
        let report = conformance::run(&subject).await;
        assert!(report.failed().is_empty(), "version {version} with {more:?}:\n{report}");
    }
}

/// Asks for the token, and tells the time, as the real door and server do.
#[derive(Debug)]
struct Guarded(RouterTransport);

impl Transport for Guarded {
    fn send(
        &self,
        request: throughline_sdk::http::Request,
    ) -> BoxFuture<'_, throughline_sdk::Result<throughline_sdk::http::Response>> {
        let good = request
            .headers
            .get("authorization")
            .is_some_and(|value| value == format!("Bearer {TOKEN}").as_str());
        if good {
            return self.0.send(request);
        }
        let (status, headers, body) = (StatusCode::UNAUTHORIZED, HeaderMap::new(), Bytes::new());
        ready(Ok(throughline_sdk::http::Response { status, headers, body })).boxed()
    }
}
