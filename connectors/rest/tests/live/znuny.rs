//! Znuny by its manifest: sessions, refusals inside of 200, ids that are now text and now numbers, times to the second.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use futures::FutureExt;
use futures::future::{BoxFuture, ready};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use serde_json::{Value, json};
use throughline_rest::build;
use throughline_sdk::http::Authentication;
use throughline_sdk::{Changes, ErrorKind, RawWebhook, RemoteId, Settings};
use throughline_testkit::SocketTransport;
use throughline_testkit::conformance::{self, Hand, Subject, Truth};

use crate::real::{Person, RealClock, environment, settings, webhook};

fn configured() -> Settings {
    let env = environment("znuny");
    settings(
        &[("url", &env["ZNUNY_URL"]), ("manifest", "znuny"), ("user", &env["ZNUNY_USER"])],
        &[("secret", &env["ZNUNY_PASSWORD"]), ("webhook_secret", &env["ZNUNY_WEBHOOK_TOKEN"])],
        &[
            ("service", &env["ZNUNY_SERVICE"]),
            ("queue", &env["ZNUNY_QUEUE"]),
            ("customer", &env["ZNUNY_CUSTOMER"]),
        ],
    )
}

struct Dana(Person);

impl Dana {
    async fn new() -> Self {
        let env = environment("znuny");
        let base =
            format!("{}/otrs/nph-genericinterface.pl/Webservice/{}/", env["ZNUNY_URL"], env["ZNUNY_SERVICE"]);
        let stranger = Person::new(base.clone(), "x-nobody", "nobody".to_owned());
        let login = json!({ "UserLogin": env["ZNUNY_AGENT"], "Password": env["ZNUNY_AGENT_PASSWORD"] });
        let session = stranger.json(Method::POST, "Session", login).await;
        let session = session["SessionID"].as_str().unwrap().to_owned();
        Self(Person::new(base, "x-otrs-header-sessionid", session))
    }

    async fn change(&self, ticket: &RemoteId, body: Value) {
        let answer = self.0.json(Method::PATCH, &format!("Ticket/{ticket}"), body).await;
        assert!(answer.get("Error").is_none(), "{answer}");
    }

    async fn ticket(&self, ticket: &RemoteId) -> Value {
        let path = format!("Ticket/{ticket}?AllArticles=1&Attachments=1");
        self.0.json(Method::GET, &path, Value::Null).await["Ticket"][0].clone()
    }
}

fn article(body: &str, internal: bool) -> Value {
    json!({
        "CommunicationChannel": "Internal", "SenderType": "agent", "IsVisibleForCustomer": u8::from(!internal),
        "Subject": "Note", "Body": body, "ContentType": "text/plain; charset=utf8",
    })
}

impl Hand for Dana {
    fn create<'a>(&'a self, title: &'a str) -> BoxFuture<'a, RemoteId> {
        async move {
            let ticket = json!({
                "Title": title, "Queue": "Federated", "State": "new", "Priority": "3 normal", "CustomerUser": "carol",
            });
            let body = json!({ "Ticket": ticket, "Article": article("text", false) });
            let made = self.0.json(Method::POST, "Ticket", body).await;
            RemoteId::new(made["TicketID"].as_str().unwrap())
        }
        .boxed()
    }

    fn comment<'a>(&'a self, ticket: &'a RemoteId, body: &'a str, internal: bool) -> BoxFuture<'a, ()> {
        self.change(ticket, json!({ "Article": article(body, internal) })).boxed()
    }

    fn set_status<'a>(&'a self, ticket: &'a RemoteId, status: &'a str) -> BoxFuture<'a, ()> {
        self.change(ticket, json!({ "Ticket": { "State": status } })).boxed()
    }

    fn attach<'a>(&'a self, ticket: &'a RemoteId, name: &'a str, bytes: Bytes) -> BoxFuture<'a, ()> {
        let file = json!({
            "Content": BASE64_STANDARD.encode(&bytes), "ContentType": "application/octet-stream", "Filename": name,
        });
        self.change(ticket, json!({ "Article": article("a file", false), "Attachment": file })).boxed()
    }

    fn truth<'a>(&'a self, ticket: &'a RemoteId) -> BoxFuture<'a, Truth> {
        async move {
            let held = self.ticket(ticket).await;
            let mut truth = Truth { status: held["State"].as_str().unwrap().to_owned(), ..Truth::default() };
            for one in held["Article"].as_array().unwrap().iter().skip(1) {
                let internal = one["IsVisibleForCustomer"] == json!(0);
                for file in one["Attachment"].as_array().into_iter().flatten() {
                    let text: String = file["Content"].as_str().unwrap().split_whitespace().collect();
                    let bytes = BASE64_STANDARD.decode(text).unwrap();
                    truth.files.push((file["Filename"].as_str().unwrap().to_owned(), bytes.into(), internal));
                }
                let said = one["Body"].as_str().unwrap();
                if !said.starts_with("[tl-") {
                    truth.comments.push((said.to_owned(), internal));
                }
            }
            truth
        }
        .boxed()
    }

    fn titled<'a>(&'a self, title: &'a str) -> BoxFuture<'a, Vec<RemoteId>> {
        async move {
            let found =
                self.0.json(Method::POST, "Ticket/Search", json!({ "Title": title, "Limit": 1000 })).await;
            let ids = found["TicketID"].as_array().cloned().unwrap_or_default();
            ids.iter().map(|id| RemoteId::new(id.as_str().unwrap())).collect()
        }
        .boxed()
    }

    fn merge<'a>(&'a self, _: &'a RemoteId, _: &'a RemoteId) -> BoxFuture<'a, bool> {
        // Its interface has no such request.
        ready(false).boxed()
    }

    fn delete<'a>(&'a self, _: &'a RemoteId) -> BoxFuture<'a, bool> {
        ready(false).boxed()
    }

    fn refuse<'a>(&'a self, _: &'a RemoteId) -> BoxFuture<'a, Option<String>> {
        // A pending state asks for a time that the manifest does not give.
        ready(Some("pending reminder".to_owned())).boxed()
    }

    fn ignore_updates(&self, _: bool) -> BoxFuture<'_, bool> {
        ready(false).boxed()
    }

    fn hide_visibility(&self, _: bool) -> BoxFuture<'_, bool> {
        ready(false).boxed()
    }
}

async fn subject(settings: &Settings) -> Subject {
    let base = Arc::new(SocketTransport::new(Authentication::None));
    let hand = Box::new(Dana::new().await);
    let mut subject = Subject::new(build(settings).unwrap(), base, Arc::new(RealClock::new()), hand);
    subject.transport.do_not_wait();
    subject.new_ticket.priority = Some("2 low".to_owned());
    subject.changes = Changes {
        title: Some("Another title".to_owned()),
        priority: Some("4 high".to_owned()),
        ..Changes::default()
    };
    subject.next_status = "open".to_owned();
    subject.feed_patience = Duration::from_secs(1);
    subject.feed_page = Some(100);
    let token = environment("znuny").remove("ZNUNY_WEBHOOK_TOKEN").unwrap();
    let shown = HeaderValue::try_from(token.as_str()).unwrap();
    subject.webhook = Box::new(move |ticket| {
        let event = json!({ "Event": "ArticleCreate", "TicketID": ticket.as_str(), "ArticleID": 7 });
        Some(RawWebhook {
            headers: HeaderMap::from_iter([(HeaderName::from_static("x-throughline-token"), shown.clone())]),
            query: String::new(),
            body: Bytes::from(json!({ "Event": event, "Ticket": {} }).to_string()),
            received: chrono::DateTime::UNIX_EPOCH,
        })
    });
    let secrets = settings.secrets.values().map(secrecy::ExposeSecret::expose_secret);
    subject.secrets.extend(secrets.map(str::to_owned));
    subject
}

#[tokio::test]
#[ignore = "needs a real Znuny"]
async fn it_conforms_by_its_manifest() {
    let report = conformance::run(&subject(&configured()).await).await;
    report.assert();
    let skipped = report.cases.iter().filter(|(_, outcome)| *outcome == conformance::Outcome::NotDeclared);
    assert_eq!(
        skipped.map(|(name, _)| *name).collect::<Vec<_>>(),
        [
            "a deleted ticket is not found",
            "a merged ticket answers under the other id",
            "unknown visibility never reads as public",
            "an ignored write is rejected",
            "a stale write is a conflict",
            "the same key again makes nothing new",
            "a complete webhook says what the desk says",
            "an old webhook is refused",
        ]
    );
}

#[tokio::test]
#[ignore = "needs a real Znuny"]
async fn its_own_webhook_hints_at_its_ticket() {
    let address = environment("znuny").remove("ZNUNY_WEBHOOK_URL").unwrap();
    let built = build(&configured()).unwrap();
    let dana = Dana::new().await;
    let id = dana.create("webhooks").await;
    let hints = |webhook: &RawWebhook| built.connector.accept(webhook).unwrap();
    let told = webhook(&address, dana.comment(&id, "said", true), |webhook| {
        hints(webhook).iter().any(|hint| hint.ticket == id)
    });
    let told = told.await;
    let forged = RawWebhook { headers: HeaderMap::new(), ..told };
    assert_eq!(built.connector.accept(&forged).unwrap_err().kind(), ErrorKind::Unauthenticated);
}
