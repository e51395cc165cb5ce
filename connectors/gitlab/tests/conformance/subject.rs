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
use throughline_sdk::signature::sign_standard;
use throughline_sdk::{Built, Changes, Clock, NewTicket, RawWebhook, RemoteId, Settings, layer};
use throughline_testkit::conformance::{Hand, Subject, Truth};
use throughline_testkit::{ManualClock, RouterTransport, SeededEntropy};

use crate::desk::{Desk, PROJECT, SIGNING_TOKEN, TOKEN, WEBHOOK_TOKEN};

/// A desk with its clock.
pub(crate) struct Stage {
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) desk: Desk,
}

impl Stage {
    pub(crate) fn new() -> Self {
        let clock: Arc<dyn Clock> = Arc::new(ManualClock::auto_advance());
        let desk = Desk::new(Arc::clone(&clock));
        Self { clock, desk }
    }

    /// The connector as an operator would set it up.
    pub(crate) fn built(more: &[(&str, serde_json::Value)], secrets: &[(&str, &str)]) -> Built {
        let mut values = BTreeMap::from([
            ("url".to_owned(), "http://desk.test".into()),
            ("project".to_owned(), PROJECT.into()),
            ("status_labels".to_owned(), json!({"status::waiting": "waiting", "doing": "working"})),
            (
                "priority_labels".to_owned(),
                json!({"priority::1": "urgent", "priority::2": "high", "priority::3": "normal"}),
            ),
            ("max_file_bytes".to_owned(), 1_000_000.into()),
            ("link_note".to_owned(), true.into()),
        ]);
        values.extend(more.iter().map(|(key, value)| ((*key).to_owned(), value.clone())));
        let secrets = secrets.iter().chain([&("token", TOKEN)]);
        let secrets = secrets.map(|(key, text)| ((*key).to_owned(), SecretString::from(*text))).collect();
        throughline_gitlab::build(&Settings { values, secrets }).unwrap()
    }

    pub(crate) fn subject(&self, next_status: &str) -> Subject {
        let mut subject = self.with(Self::built(&[], &[("webhook_token", WEBHOOK_TOKEN)]), next_status);
        let desk = self.desk.clone();
        subject.webhook = Box::new(move |ticket| {
            let body = desk.payload(number(ticket)).to_string();
            let headers = fields(&[("x-gitlab-event", "Issue Hook"), ("x-gitlab-token", WEBHOOK_TOKEN)]);
            Some(RawWebhook { headers, query: String::new(), body: body.into(), received: desk.now() })
        });
        subject.secrets.push(WEBHOOK_TOKEN.to_owned());
        subject
    }

    /// The same with a webhook that is signed.
    pub(crate) fn signing(&self, next_status: &str) -> Subject {
        let mut subject =
            self.with(Self::built(&[], &[("webhook_signing_token", SIGNING_TOKEN)]), next_status);
        let desk = self.desk.clone();
        subject.webhook = Box::new(move |ticket| {
            let body = desk.payload(number(ticket)).to_string();
            let signed = sign_standard(&SIGNING_TOKEN.into(), "f5e5f430", desk.now(), body.as_bytes());
            let (headers, received) = (signed.unwrap(), desk.now());
            Some(RawWebhook { headers, query: String::new(), body: body.into(), received })
        });
        subject.secrets.push(SIGNING_TOKEN.to_owned());
        subject
    }

    pub(crate) fn with(&self, built: Built, next_status: &str) -> Subject {
        let base = Arc::new(RouterTransport(self.desk.router()));
        let person = Box::new(Person(self.desk.clone()));
        Subject {
            new_ticket: NewTicket {
                title: String::new(),
                description: String::new(),
                status: None,
                priority: Some("high".to_owned()),
                kind: Some("incident".to_owned()),
                fields: BTreeMap::from([("Labels".to_owned(), "bug".to_owned())]),
            },
            changes: Changes {
                title: Some("Another title".to_owned()),
                description: Some("Another\n\ndescription".to_owned()),
                priority: Some("urgent".to_owned()),
                kind: Some("task".to_owned()),
                fields: BTreeMap::from([
                    ("Labels".to_owned(), "bug\nnetwork".to_owned()),
                    ("Due date".to_owned(), "2031-06-01".to_owned()),
                ]),
            },
            next_status: next_status.to_owned(),
            feed_patience: Duration::from_secs(60),
            feed_page: Some(100),
            ..Subject::new(built, base, Arc::clone(&self.clock), person)
        }
    }
}

/// The same inside the operation plane of the daemon.
pub(crate) fn guarded(subject: Subject) -> Subject {
    let entropy = Arc::new(SeededEntropy::new(1));
    let connector = layer::guarded(Arc::clone(&subject.connector), 1, Arc::clone(&subject.clock), entropy);
    Subject { connector: connector.connector, ..subject }
}

fn fields(fields: &[(&str, &str)]) -> HeaderMap {
    fields
        .iter()
        .map(|(name, value)| (name.parse::<http::HeaderName>().unwrap(), value.parse().unwrap()))
        .collect()
}

struct Person(Desk);

impl Hand for Person {
    fn create<'a>(&'a self, title: &'a str) -> BoxFuture<'a, RemoteId> {
        // What is typed into a form has the line ends of forms.
        let iid = self.0.create("ada", title, Some("Since this morning.\r\n\r\nPlease look.".to_owned()));
        ready(RemoteId::new(iid.to_string())).boxed()
    }

    fn comment<'a>(&'a self, ticket: &'a RemoteId, body: &'a str, internal: bool) -> BoxFuture<'a, ()> {
        self.0.say("ada", number(ticket), &body.replace('\n', "\r\n"), internal);
        ready(()).boxed()
    }

    fn set_status<'a>(&'a self, ticket: &'a RemoteId, status: &'a str) -> BoxFuture<'a, ()> {
        self.0.change(number(ticket), "changed the status", |issue| {
            issue.labels.retain(|label| !["status::waiting", "doing"].contains(&label.as_str()));
            match status {
                "waiting" => issue.labels.push("status::waiting".to_owned()),
                "working" => issue.labels.push("doing".to_owned()),
                _ => issue.open = false,
            }
        });
        ready(()).boxed()
    }

    fn attach<'a>(&'a self, ticket: &'a RemoteId, name: &'a str, bytes: Bytes) -> BoxFuture<'a, ()> {
        let address = self.0.store(name, bytes.to_vec());
        self.0.say("ada", number(ticket), &format!("[{name}]({address})"), false);
        ready(()).boxed()
    }

    fn truth<'a>(&'a self, ticket: &'a RemoteId) -> BoxFuture<'a, Truth> {
        let issue = self.0.state().issue(number(ticket)).clone();
        let labelled = |name: &str| issue.labels.iter().any(|label| label == name);
        let status = match issue.open {
            false => "closed",
            true if labelled("doing") => "working",
            true if labelled("status::waiting") => "waiting",
            true => "opened",
        };
        let mut truth = Truth { status: status.to_owned(), ..Truth::default() };
        for note in issue.notes.iter().filter(|note| !note.system) {
            match note.body.strip_prefix('[').and_then(|rest| rest.split_once("](/uploads/")) {
                Some((name, rest)) => {
                    let place = rest.split(')').next().unwrap();
                    let bytes = self.0.state().uploads[place].clone();
                    truth.files.push((name.to_owned(), bytes.into(), note.internal));
                }
                None => truth.comments.push((note.body.clone(), note.internal)),
            }
        }
        ready(truth).boxed()
    }

    fn titled<'a>(&'a self, title: &'a str) -> BoxFuture<'a, Vec<RemoteId>> {
        let state = self.0.state();
        let titled = state.issues.values().filter(|issue| issue.title == title);
        ready(titled.map(|issue| RemoteId::new(issue.iid.to_string())).collect()).boxed()
    }

    fn merge<'a>(&'a self, _ticket: &'a RemoteId, _into: &'a RemoteId) -> BoxFuture<'a, bool> {
        // GitLab merges no issues.
        ready(false).boxed()
    }

    fn delete<'a>(&'a self, ticket: &'a RemoteId) -> BoxFuture<'a, bool> {
        self.0.change(number(ticket), "deleted", |issue| issue.deleted = true);
        ready(true).boxed()
    }

    fn refuse<'a>(&'a self, _ticket: &'a RemoteId) -> BoxFuture<'a, Option<String>> {
        // A status that no label stands for; GitLab itself has no rules.
        ready(Some("resolved".to_owned())).boxed()
    }

    fn ignore_updates(&self, ignore: bool) -> BoxFuture<'_, bool> {
        self.0.mood(|mood| mood.ignores = ignore);
        ready(true).boxed()
    }

    fn hide_visibility(&self, hide: bool) -> BoxFuture<'_, bool> {
        self.0.mood(|mood| mood.silent = hide);
        ready(true).boxed()
    }
}

pub(crate) fn number(ticket: &RemoteId) -> u64 {
    ticket.as_str().parse().unwrap()
}
