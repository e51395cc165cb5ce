//! The desk in process, as the suite wants it: plane, outside hand, webhooks.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::FutureExt;
use futures::future::{BoxFuture, ready};
use http::HeaderMap;
use secrecy::SecretString;
use serde_json::json;
use throughline_sdk::signature::sign_hub;
use throughline_sdk::{Built, Changes, Clock, NewTicket, RawWebhook, RemoteId, Settings, layer};
use throughline_testkit::conformance::{Hand, Subject, Truth};
use throughline_testkit::{ManualClock, RouterTransport, SeededEntropy};

use crate::desk::{Desk, Fate, NAME, OWNER, SECRET, TOKEN};

/// A desk with its clock.
pub(crate) struct Stage {
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) desk: Desk,
}

impl Stage {
    pub(crate) fn new() -> Self {
        Self::on(ManualClock::auto_advance())
    }

    /// On a clock of the caller's.
    pub(crate) fn on(clock: ManualClock) -> Self {
        let clock: Arc<dyn Clock> = Arc::new(clock);
        let desk = Desk::new(Arc::clone(&clock));
        // People were here before us, and pull requests stand among their issues.
        for _ in 0..3 {
            let number = desk.create("grace", "A change", None);
            desk.change(number, |issue| issue.pull = true);
        }
        Self { clock, desk }
    }

    /// The connector as an operator would set it up.
    pub(crate) fn built(url: &str) -> Built {
        let secret = |text: &str| SecretString::from(text.to_owned());
        let settings = Settings {
            values: BTreeMap::from([
                ("url".to_owned(), url.into()),
                ("repository".to_owned(), format!("{OWNER}/{NAME}").into()),
                ("status_labels".to_owned(), json!({"Waiting": "waiting", "in progress": "working"})),
                ("priority_labels".to_owned(), json!({"P1": "urgent", "P2": "high", "P3": "normal"})),
            ]),
            secrets: BTreeMap::from([
                ("token".to_owned(), secret(TOKEN)),
                ("webhook_secret".to_owned(), secret(SECRET)),
            ]),
        };
        throughline_github::build(&settings).unwrap()
    }

    pub(crate) fn subject(&self, next_status: &str) -> Subject {
        let (built, clock) = (Self::built("http://desk.test/"), Arc::clone(&self.clock));
        let base = Arc::new(RouterTransport(self.desk.router()));
        let desk = self.desk.clone();
        let mut subject = Subject {
            new_ticket: NewTicket {
                title: String::new(),
                description: String::new(),
                status: None,
                priority: Some("high".to_owned()),
                kind: Some("Bug".to_owned()),
                fields: BTreeMap::from([("Labels".to_owned(), "bug".to_owned())]),
            },
            changes: Changes {
                title: Some("Another title".to_owned()),
                description: Some("Another\n\ndescription".to_owned()),
                priority: Some("urgent".to_owned()),
                kind: Some("Task".to_owned()),
                fields: BTreeMap::from([
                    ("Labels".to_owned(), "bug\nnetwork".to_owned()),
                    ("Assignees".to_owned(), "ada\ngrace".to_owned()),
                ]),
            },
            next_status: next_status.to_owned(),
            feed_patience: Duration::from_secs(60),
            feed_page: Some(100),
            webhook: Box::new(move |ticket| Some(webhook(&desk, ticket))),
            ..Subject::new(built, base, clock, person(&self.desk))
        };
        subject.secrets.push(SECRET.to_owned());
        subject
    }
}

/// The same inside the operation plane of the daemon.
pub(crate) fn guarded(subject: Subject) -> Subject {
    let entropy = Arc::new(SeededEntropy::new(1));
    let connector = layer::guarded(Arc::clone(&subject.connector), 1, Arc::clone(&subject.clock), entropy);
    Subject { connector: connector.connector, ..subject }
}

fn webhook(desk: &Desk, ticket: &RemoteId) -> RawWebhook {
    let body = desk.payload(number(ticket)).to_string();
    let signature = sign_hub(&SECRET.into(), body.as_bytes());
    let headers = HeaderMap::from_iter(
        [
            ("x-github-event", "issues"),
            ("x-github-delivery", "72d3162e"),
            ("x-hub-signature-256", &signature),
        ]
        .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())),
    );
    RawWebhook { headers, query: String::new(), body: body.into(), received: desk.now() }
}

/// Somebody who works at the desk.
pub(crate) fn person(desk: &Desk) -> Box<dyn Hand> {
    Box::new(Person(desk.clone()))
}

struct Person(Desk);

impl Hand for Person {
    fn create<'a>(&'a self, title: &'a str) -> BoxFuture<'a, RemoteId> {
        // What is typed into a form has the line ends of forms.
        let number = self.0.create("ada", title, Some("Since this morning.\r\n\r\nPlease look.".to_owned()));
        ready(RemoteId::new(number.to_string())).boxed()
    }

    fn comment<'a>(&'a self, ticket: &'a RemoteId, body: &'a str, _internal: bool) -> BoxFuture<'a, ()> {
        self.0.comment("ada", number(ticket), &body.replace('\n', "\r\n"));
        ready(()).boxed()
    }

    fn set_status<'a>(&'a self, ticket: &'a RemoteId, status: &'a str) -> BoxFuture<'a, ()> {
        self.0.change(number(ticket), |issue| {
            issue.labels.retain(|label| !["Waiting", "in progress"].contains(&label.as_str()));
            match status {
                "waiting" => issue.labels.push("Waiting".to_owned()),
                "working" => issue.labels.push("in progress".to_owned()),
                reason => {
                    issue.open = false;
                    issue.reason = Some(reason.replace(' ', "_"));
                }
            }
        });
        ready(()).boxed()
    }

    fn attach<'a>(&'a self, _ticket: &'a RemoteId, _name: &'a str, _bytes: Bytes) -> BoxFuture<'a, ()> {
        panic!("the connector declares no files")
    }

    fn truth<'a>(&'a self, ticket: &'a RemoteId) -> BoxFuture<'a, Truth> {
        let issue = self.0.state().issue(number(ticket)).clone();
        let labelled = |name: &str| issue.labels.iter().any(|label| label == name);
        let status = match &issue.reason {
            Some(reason) if !issue.open => reason.replace('_', " "),
            _ if labelled("Waiting") => "waiting".to_owned(),
            _ if labelled("in progress") => "working".to_owned(),
            _ => "open".to_owned(),
        };
        let comments = issue.comments.iter().map(|comment| (comment.body.clone(), false)).collect();
        ready(Truth { status, comments, files: Vec::new() }).boxed()
    }

    fn titled<'a>(&'a self, title: &'a str) -> BoxFuture<'a, Vec<RemoteId>> {
        let state = self.0.state();
        let titled = state.issues.values().filter(|issue| issue.title == title);
        ready(titled.map(|issue| RemoteId::new(issue.number.to_string())).collect()).boxed()
    }

    fn merge<'a>(&'a self, _ticket: &'a RemoteId, _into: &'a RemoteId) -> BoxFuture<'a, bool> {
        // GitHub merges no issues.
        ready(false).boxed()
    }

    fn delete<'a>(&'a self, ticket: &'a RemoteId) -> BoxFuture<'a, bool> {
        self.0.change(number(ticket), |issue| issue.fate = Fate::Deleted);
        ready(true).boxed()
    }

    fn refuse<'a>(&'a self, _ticket: &'a RemoteId) -> BoxFuture<'a, Option<String>> {
        // A status that no label stands for; GitHub itself has no rules.
        ready(Some("resolved".to_owned())).boxed()
    }

    fn ignore_updates(&self, ignore: bool) -> BoxFuture<'_, bool> {
        self.0.mood(|mood| mood.ignores = ignore);
        ready(true).boxed()
    }

    fn hide_visibility(&self, _hide: bool) -> BoxFuture<'_, bool> {
        // There is nothing to hide: GitHub's comments have no visibility of their own.
        ready(false).boxed()
    }
}

pub(crate) fn number(ticket: &RemoteId) -> u64 {
    ticket.as_str().parse().unwrap()
}
