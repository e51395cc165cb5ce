//! The conformance suite on both real desks.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::future::{BoxFuture, FutureExt};
use http::{HeaderMap, HeaderName, HeaderValue, header};
use serde_json::json;
use throughline::clock::SystemClock;
use throughline::registry;
use throughline_sdk::http::{Authentication, Transport};
use throughline_sdk::{Changes, Clock, DynConnector, NewTicket, RawWebhook, RemoteId, Settings};
use throughline_testkit::conformance::{self, Hand, Subject, Truth};
use throughline_testkit::{Faulty, SocketTransport};
use url::Url;

use crate::desks::Desks;
use crate::people::Seen;
use crate::redmine::Bob;
use crate::request_tracker::Alice;

const WEBHOOK_TOKEN: &str = "webhook-token-of-a-test";

#[tokio::test(flavor = "multi_thread")]
async fn request_tracker_conforms() {
    let Some(desks) = Desks::standing() else { return };
    let mut settings = settings(&desks, [("url", "RT_URL"), ("queue", "RT_QUEUE")]);
    settings.values.insert("marker_field".into(), desks.get("RT_MARKER_FIELD").into());
    let changes = Changes {
        title: Some("Another title".into()),
        priority: Some("High".into()),
        fields: [("Site".to_owned(), "Zürich".to_owned())].into(),
        ..Changes::default()
    };
    let trial =
        Trial::new("request-tracker", settings, ("token", desks.get("RT_TOKEN")), header::AUTHORIZATION);
    let hand = AliceHand { alice: Alice::new(&desks) };
    conforms(trial, Box::new(hand), changes, ("open", "Low", None), |id| json!({ "ticket": id })).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn redmine_conforms() {
    let Some(desks) = Desks::standing() else { return };
    let mut settings = settings(&desks, [("url", "REDMINE_URL"), ("project", "REDMINE_PROJECT")]);
    for (setting, key) in [
        ("tracker", "REDMINE_TRACKER"),
        ("marker_field", "REDMINE_MARKER_FIELD"),
        ("link_field", "REDMINE_LINK_FIELD"),
    ] {
        settings.values.insert(setting.into(), desks.get(key).into());
    }
    let changes = Changes {
        title: Some("Another title".into()),
        description: Some("Another text\n\nof two paragraphs".into()),
        priority: Some("High".into()),
        kind: Some("Support".into()),
        fields: [("Site".to_owned(), "Zürich".to_owned())].into(),
    };
    let name = HeaderName::from_static("x-redmine-api-key");
    let trial = Trial::new("redmine", settings, ("api_key", desks.get("REDMINE_KEY")), name);
    let hand = BobHand { bob: Bob::new(&desks), steps: desks.get("REDMINE_STEP_TRACKER").to_owned() };
    conforms(
        trial,
        Box::new(hand),
        changes,
        ("In Progress", "Normal", Some("Bug")),
        |id| json!({ "issue": id }),
    )
    .await;
}

async fn conforms(
    mut trial: Trial,
    hand: Box<dyn Hand>,
    changes: Changes,
    (status, priority, kind): (&'static str, &str, Option<&str>),
    webhook: fn(u64) -> serde_json::Value,
) {
    trial.hand = Some(hand);
    trial.changes = changes;
    trial.next_status = status;
    trial.new_ticket.priority = Some(priority.to_owned());
    trial.new_ticket.kind = kind.map(str::to_owned);
    trial.webhook = Some(webhook);
    let report = conformance::run(&trial).await;
    eprintln!("{report}");
    report.assert();
}

/// One connector on its real desk.
struct Trial {
    connector: Arc<dyn DynConnector>,
    transport: Faulty,
    address: Url,
    clock: Arc<dyn Clock>,
    secret: String,
    hand: Option<Box<dyn Hand>>,
    changes: Changes,
    next_status: &'static str,
    new_ticket: NewTicket,
    webhook: Option<fn(u64) -> serde_json::Value>,
}

impl Trial {
    fn new(kind: &str, mut settings: Settings, (setting, secret): (&str, &str), name: HeaderName) -> Self {
        settings.secrets.insert(setting.to_owned(), secret.to_owned().into());
        settings.secrets.insert("webhook_token".to_owned(), WEBHOOK_TOKEN.to_owned().into());
        let kind = registry::kind(kind).expect("a kind of the registry");
        let built = (kind.build)(&settings).unwrap();
        let value = if name == header::AUTHORIZATION { format!("token {secret}") } else { secret.to_owned() };
        let credentials = HeaderMap::from_iter([(name, HeaderValue::from_str(&value).unwrap())]);
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        let socket = Arc::new(SocketTransport::new(Authentication::None));
        Self {
            connector: built.connector,
            address: built.address,
            transport: Faulty::new(socket, Arc::clone(&clock), credentials),
            clock,
            secret: secret.to_owned(),
            hand: None,
            changes: Changes::default(),
            next_status: "",
            new_ticket: NewTicket {
                title: String::new(),
                description: String::new(),
                status: None,
                priority: None,
                kind: None,
                fields: Default::default(),
            },
            webhook: None,
        }
    }
}

impl Subject for Trial {
    fn connector(&self) -> Arc<dyn DynConnector> {
        Arc::clone(&self.connector)
    }

    fn http(&self) -> Arc<dyn Transport> {
        Arc::new(self.transport.clone())
    }

    fn transport(&self) -> Faulty {
        self.transport.clone()
    }

    fn address(&self) -> Url {
        self.address.clone()
    }

    fn clock(&self) -> Arc<dyn Clock> {
        Arc::clone(&self.clock)
    }

    fn hand(&self) -> &dyn Hand {
        self.hand.as_deref().expect("somebody works there")
    }

    fn new_ticket(&self) -> NewTicket {
        self.new_ticket.clone()
    }

    fn changes(&self) -> Changes {
        self.changes.clone()
    }

    fn next_status(&self) -> String {
        self.next_status.to_owned()
    }

    fn feed_patience(&self) -> Duration {
        Duration::from_secs(2)
    }

    fn feed_page(&self) -> Option<usize> {
        // A hundred tickets for one case, at the pace of a real desk.
        None
    }

    fn webhook(&self, ticket: &RemoteId) -> Option<RawWebhook> {
        let body = (self.webhook?)(ticket.as_str().parse().unwrap());
        let token = HeaderValue::from_static(WEBHOOK_TOKEN);
        Some(RawWebhook {
            headers: HeaderMap::from_iter([(HeaderName::from_static("x-throughline-token"), token)]),
            query: String::new(),
            body: Bytes::from(body.to_string()),
            received: self.clock.now(),
        })
    }

    fn secrets(&self) -> Vec<String> {
        vec![self.secret.clone(), WEBHOOK_TOKEN.to_owned()]
    }
}

struct AliceHand {
    alice: Alice,
}

impl Hand for AliceHand {
    fn create<'a>(&'a self, title: &'a str) -> BoxFuture<'a, RemoteId> {
        async move { RemoteId::new(self.alice.raise(title, "text").await) }.boxed()
    }

    fn comment<'a>(&'a self, ticket: &'a RemoteId, body: &'a str, internal: bool) -> BoxFuture<'a, ()> {
        async move {
            match internal {
                true => self.alice.note(ticket.as_str(), body).await,
                false => self.alice.reply(ticket.as_str(), body).await,
            }
        }
        .boxed()
    }

    fn set_status<'a>(&'a self, ticket: &'a RemoteId, status: &'a str) -> BoxFuture<'a, ()> {
        async move { self.alice.set(ticket.as_str(), &json!({ "Status": status })).await }.boxed()
    }

    fn attach<'a>(&'a self, ticket: &'a RemoteId, name: &'a str, bytes: Bytes) -> BoxFuture<'a, ()> {
        async move { self.alice.attach(ticket.as_str(), "see file", name, &bytes).await }.boxed()
    }

    fn truth<'a>(&'a self, ticket: &'a RemoteId) -> BoxFuture<'a, Truth> {
        async move { truth(self.alice.see(ticket.as_str()).await) }.boxed()
    }

    fn titled<'a>(&'a self, title: &'a str) -> BoxFuture<'a, Vec<RemoteId>> {
        async move { self.alice.titled(title).await.into_iter().map(RemoteId::new).collect() }.boxed()
    }

    fn refuse<'a>(&'a self, _ticket: &'a RemoteId) -> BoxFuture<'a, Option<String>> {
        // The bridge's account has no right to delete.
        async { Some("deleted".to_owned()) }.boxed()
    }

    fn ignore_updates(&self, _ignore: bool) -> BoxFuture<'_, bool> {
        async { false }.boxed()
    }

    fn hide_visibility(&self, _hide: bool) -> BoxFuture<'_, bool> {
        async { false }.boxed()
    }
}

struct BobHand {
    bob: Bob,
    /// A tracker whose workflow knows single steps only.
    steps: String,
}

impl Hand for BobHand {
    fn create<'a>(&'a self, title: &'a str) -> BoxFuture<'a, RemoteId> {
        async move { RemoteId::new(self.bob.raise(title, "text").await) }.boxed()
    }

    fn comment<'a>(&'a self, ticket: &'a RemoteId, body: &'a str, internal: bool) -> BoxFuture<'a, ()> {
        async move {
            match internal {
                true => self.bob.note(ticket.as_str(), body).await,
                false => self.bob.reply(ticket.as_str(), body).await,
            }
        }
        .boxed()
    }

    fn set_status<'a>(&'a self, ticket: &'a RemoteId, status: &'a str) -> BoxFuture<'a, ()> {
        async move { self.bob.set(ticket.as_str(), &json!({ "status": status })).await }.boxed()
    }

    fn attach<'a>(&'a self, ticket: &'a RemoteId, name: &'a str, bytes: Bytes) -> BoxFuture<'a, ()> {
        async move { self.bob.attach(ticket.as_str(), name, &bytes).await }.boxed()
    }

    fn truth<'a>(&'a self, ticket: &'a RemoteId) -> BoxFuture<'a, Truth> {
        async move { truth(self.bob.see(ticket.as_str()).await) }.boxed()
    }

    fn titled<'a>(&'a self, title: &'a str) -> BoxFuture<'a, Vec<RemoteId>> {
        async move { self.bob.titled(title).await.into_iter().map(RemoteId::new).collect() }.boxed()
    }

    fn refuse<'a>(&'a self, ticket: &'a RemoteId) -> BoxFuture<'a, Option<String>> {
        async move {
            self.bob.set(ticket.as_str(), &json!({ "tracker": self.steps })).await;
            for status in ["In Progress", "Resolved", "Closed"] {
                self.bob.set(ticket.as_str(), &json!({ "status": status })).await;
            }
            // From there this workflow leads nowhere.
            Some("New".to_owned())
        }
        .boxed()
    }

    fn ignore_updates(&self, _ignore: bool) -> BoxFuture<'_, bool> {
        async { false }.boxed()
    }

    fn hide_visibility(&self, _hide: bool) -> BoxFuture<'_, bool> {
        async { false }.boxed()
    }
}

fn settings<const N: usize>(desks: &Desks, values: [(&str, &str); N]) -> Settings {
    let mut settings = Settings::default();
    settings.values.extend(values.map(|(setting, key)| (setting.to_owned(), desks.get(key).into())));
    settings
}

fn truth(seen: Seen) -> Truth {
    Truth {
        status: seen.status,
        comments: seen.remarks.into_iter().map(|remark| (remark.body, remark.internal)).collect(),
        files: seen.files.into_iter().map(|(name, bytes)| (name, bytes, false)).collect(),
    }
}
