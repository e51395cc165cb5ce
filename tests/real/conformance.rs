//! The conformance suite on both real desks.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::future::{BoxFuture, FutureExt};
use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::json;
use throughline::clock::SystemClock;
use throughline::registry;
use throughline_sdk::http::Authentication;
use throughline_sdk::{Changes, Clock, RawWebhook, RemoteId, Settings};
use throughline_testkit::SocketTransport;
use throughline_testkit::conformance::{self, Hand, Subject, Truth};

use crate::desks::Desks;
use crate::people::Seen;
use crate::redmine::Bob;
use crate::request_tracker::Alice;
use crate::together::{story, together};

const WEBHOOK_TOKEN: &str = "webhook-token-of-a-test";

#[tokio::test(flavor = "multi_thread")]
async fn both_connectors_conform_on_their_real_desks() {
    let Some(desks) = Desks::standing() else { return };
    together(vec![story!(request_tracker_conforms(&desks)), story!(redmine_conforms(&desks))]).await;
}

async fn request_tracker_conforms(desks: &Desks) {
    let mut settings = settings(desks, [("url", "RT_URL"), ("queue", "RT_QUEUE")]);
    for (setting, key) in [("marker_field", "RT_MARKER_FIELD"), ("link_field", "RT_LINK_FIELD")] {
        settings.values.insert(setting.into(), desks.get(key).into());
    }
    let changes = Changes {
        title: Some("Another title".into()),
        priority: Some("High".into()),
        fields: [("Site".to_owned(), "Zürich".to_owned())].into(),
        ..Changes::default()
    };
    let hand = AliceHand { alice: Alice::new(desks) };
    let subject = subject("request-tracker", settings, ("token", desks.get("RT_TOKEN")), Box::new(hand));
    conforms(subject, changes, ("open", "Low", None), |id| json!({ "ticket": id })).await;
}

async fn redmine_conforms(desks: &Desks) {
    let mut settings = settings(desks, [("url", "REDMINE_URL"), ("project", "REDMINE_PROJECT")]);
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
    let hand = BobHand { bob: Bob::new(desks), steps: desks.get("REDMINE_STEP_TRACKER").to_owned() };
    let subject = subject("redmine", settings, ("api_key", desks.get("REDMINE_KEY")), Box::new(hand));
    conforms(subject, changes, ("In Progress", "Normal", Some("Bug")), |id| json!({ "issue": id })).await;
}

async fn conforms(
    mut subject: Subject,
    changes: Changes,
    (status, priority, kind): (&str, &str, Option<&str>),
    webhook: fn(u64) -> serde_json::Value,
) {
    subject.changes = changes;
    subject.next_status = status.to_owned();
    subject.new_ticket.priority = Some(priority.to_owned());
    subject.new_ticket.kind = kind.map(str::to_owned);
    subject.feed_patience = Duration::from_secs(2);
    subject.webhook = Box::new(move |ticket| {
        let body = webhook(ticket.as_str().parse().unwrap());
        let token = HeaderValue::from_static(WEBHOOK_TOKEN);
        Some(RawWebhook {
            headers: HeaderMap::from_iter([(HeaderName::from_static("x-throughline-token"), token)]),
            query: String::new(),
            body: Bytes::from(body.to_string()),
            received: SystemClock::new().now(),
        })
    });
    let report = conformance::run(&subject).await;
    eprintln!("{report}");
    report.assert();
}

/// One connector on its real desk.
fn subject(
    kind: &str,
    mut settings: Settings,
    (setting, secret): (&str, &str),
    hand: Box<dyn Hand>,
) -> Subject {
    settings.secrets.insert(setting.to_owned(), secret.to_owned().into());
    settings.secrets.insert("webhook_token".to_owned(), WEBHOOK_TOKEN.to_owned().into());
    let kind = registry::kind(kind).expect("a kind of the registry");
    let base = Arc::new(SocketTransport::new(Authentication::None));
    let mut subject =
        Subject::new((kind.build)(&settings).unwrap(), base, Arc::new(SystemClock::new()), hand);
    subject.transport.do_not_wait();
    subject.secrets.extend([secret.to_owned(), WEBHOOK_TOKEN.to_owned()]);
    subject
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

    fn merge<'a>(&'a self, _ticket: &'a RemoteId, _into: &'a RemoteId) -> BoxFuture<'a, bool> {
        async { false }.boxed()
    }

    fn delete<'a>(&'a self, _ticket: &'a RemoteId) -> BoxFuture<'a, bool> {
        async { false }.boxed()
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

    fn merge<'a>(&'a self, _ticket: &'a RemoteId, _into: &'a RemoteId) -> BoxFuture<'a, bool> {
        async { false }.boxed()
    }

    fn delete<'a>(&'a self, _ticket: &'a RemoteId) -> BoxFuture<'a, bool> {
        async { false }.boxed()
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
