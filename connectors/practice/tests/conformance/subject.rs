//! A practice desk in process, as the suite wants it: plane, outside hand, webhooks.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use futures::FutureExt;
use futures::future::{BoxFuture, ready};
use http::{HeaderMap, StatusCode};
use secrecy::SecretString;
use throughline_practice::desk::{Desk, Faults, Patch, Registration, Settings, deliver_pending};
use throughline_sdk::http::{Request, Response, Transport};
use throughline_sdk::{Changes, Clock, NewTicket, RawWebhook, RemoteId, Result, layer};
use throughline_testkit::conformance::{Hand, Subject, Truth};
use throughline_testkit::{ManualClock, RouterTransport, SeededEntropy};

pub(crate) const TOKEN: &str = "practice-token-7f3a";
const WEBHOOK_SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

struct Person {
    desk: Desk,
    hiding: Arc<AtomicBool>,
}

/// The practice connector with this create class, on a desk in process.
pub(crate) fn practice(class: &str) -> Subject {
    let clock: Arc<dyn Clock> = Arc::new(ManualClock::auto_advance());
    let desk = Desk::new(Settings::new("helpdesk", "Helpdesk", TOKEN, Arc::clone(&clock)));
    let secret = |text: &str| SecretString::from(text.to_owned());
    desk.register(Registration {
        url: "http://throughline.test/webhooks/helpdesk".parse().unwrap(),
        secret: secret(WEBHOOK_SECRET),
        internal_comments: true,
    });
    if class == "c3" {
        desk.set_faults(Faults { find_lag: Duration::from_secs(20), ..Faults::default() });
    }
    let settings = throughline_sdk::Settings {
        values: BTreeMap::from([
            ("url".to_owned(), "http://desk.test/".into()),
            ("create_class".to_owned(), class.into()),
        ]),
        secrets: BTreeMap::from([
            ("token".to_owned(), secret(TOKEN)),
            ("webhook_secret".to_owned(), secret(WEBHOOK_SECRET)),
        ]),
    };
    let hiding = Arc::<AtomicBool>::default();
    let base = Hiding { inner: RouterTransport(desk.router()), hiding: Arc::clone(&hiding) };
    let person = Person { desk: desk.clone(), hiding };
    let built = throughline_practice::build(&settings).unwrap();
    let mut subject = Subject {
        new_ticket: NewTicket {
            title: String::new(),
            description: String::new(),
            status: None,
            priority: Some("High".to_owned()),
            kind: Some("Request".to_owned()),
            fields: BTreeMap::from([("Serial number".to_owned(), "A-1".to_owned())]),
        },
        changes: Changes {
            title: Some("Another title".to_owned()),
            description: Some("Another\n\ndescription".to_owned()),
            priority: Some("Urgent".to_owned()),
            kind: Some("Request".to_owned()),
            fields: BTreeMap::from([("Serial number".to_owned(), "B-2".to_owned())]),
        },
        next_status: "In progress".to_owned(),
        feed_page: Some(200),
        webhook: Box::new(move |ticket| webhook(&desk, ticket)),
        ..Subject::new(built, Arc::new(base), clock, Box::new(person))
    };
    subject.secrets.push(WEBHOOK_SECRET.trim_start_matches("whsec_").to_owned());
    subject
}

/// The same inside the operation plane of the daemon.
pub(crate) fn guarded(class: &str) -> Subject {
    let subject = practice(class);
    let entropy = Arc::new(SeededEntropy::new(1));
    let connector = layer::guarded(Arc::clone(&subject.connector), 1, Arc::clone(&subject.clock), entropy);
    Subject { connector: connector.connector, ..subject }
}

fn webhook(desk: &Desk, ticket: &RemoteId) -> Option<RawWebhook> {
    desk.set_field("Ada", number(ticket), "priority", "High").unwrap();
    let posted = Posted::default();
    deliver_pending(desk, &posted).now_or_never()?;
    let request = posted.0.lock().unwrap().pop()?;
    let (headers, body) = (request.headers, request.body);
    Some(RawWebhook { headers, query: String::new(), body, received: desk.settings().clock.now() })
}

impl Hand for Person {
    fn create<'a>(&'a self, title: &'a str) -> BoxFuture<'a, RemoteId> {
        let patch = Patch { title: Some(title.to_owned()), ..Patch::default() };
        let number = self.desk.create("Ada", patch).unwrap();
        ready(RemoteId::new(number.to_string())).boxed()
    }

    fn comment<'a>(&'a self, ticket: &'a RemoteId, body: &'a str, internal: bool) -> BoxFuture<'a, ()> {
        self.desk.comment("Ada", number(ticket), body, internal).unwrap();
        ready(()).boxed()
    }

    fn set_status<'a>(&'a self, ticket: &'a RemoteId, status: &'a str) -> BoxFuture<'a, ()> {
        self.desk.set_status("Ada", number(ticket), status).unwrap();
        ready(()).boxed()
    }

    fn attach<'a>(&'a self, ticket: &'a RemoteId, name: &'a str, bytes: Bytes) -> BoxFuture<'a, ()> {
        self.desk.attach("Ada", number(ticket), name, bytes, false).unwrap();
        ready(()).boxed()
    }

    fn truth<'a>(&'a self, ticket: &'a RemoteId) -> BoxFuture<'a, Truth> {
        let snapshot = self.desk.snapshot();
        let ticket = snapshot.ticket(number(ticket)).unwrap();
        let comments = ticket.comments.iter().map(|c| (c.body.clone(), c.internal)).collect();
        let files = ticket.files.iter().map(|f| (f.name.clone(), f.bytes.clone(), f.internal)).collect();
        ready(Truth { status: ticket.status.clone(), comments, files }).boxed()
    }

    fn titled<'a>(&'a self, title: &'a str) -> BoxFuture<'a, Vec<RemoteId>> {
        let tickets = self.desk.snapshot().tickets;
        let titled = tickets.iter().filter(|ticket| ticket.title == title);
        ready(titled.map(|ticket| RemoteId::new(ticket.number.to_string())).collect()).boxed()
    }

    fn merge<'a>(&'a self, ticket: &'a RemoteId, into: &'a RemoteId) -> BoxFuture<'a, bool> {
        self.desk.merge("Ada", number(ticket), number(into)).unwrap();
        ready(true).boxed()
    }

    fn delete<'a>(&'a self, ticket: &'a RemoteId) -> BoxFuture<'a, bool> {
        self.desk.delete_ticket("Ada", number(ticket)).unwrap();
        ready(true).boxed()
    }

    fn refuse<'a>(&'a self, _ticket: &'a RemoteId) -> BoxFuture<'a, Option<String>> {
        let rule = ("New".to_owned(), "Closed".to_owned());
        self.desk.set_faults(Faults { refused_transitions: vec![rule], ..self.desk.faults() });
        ready(Some("Closed".to_owned())).boxed()
    }

    fn ignore_updates(&self, ignore: bool) -> BoxFuture<'_, bool> {
        let ignore_write = if ignore { 100 } else { 0 };
        self.desk.set_faults(Faults { ignore_write, ..self.desk.faults() });
        ready(true).boxed()
    }

    fn hide_visibility(&self, hide: bool) -> BoxFuture<'_, bool> {
        self.hiding.store(hide, Ordering::SeqCst);
        ready(true).boxed()
    }
}

/// Leaves out of each answer who may read a comment.
#[derive(Debug)]
struct Hiding {
    inner: RouterTransport,
    hiding: Arc<AtomicBool>,
}

impl Transport for Hiding {
    fn send(&self, request: Request) -> BoxFuture<'_, Result<Response>> {
        async move {
            let mut response = self.inner.send(request).await?;
            if self.hiding.load(Ordering::SeqCst) {
                let text = String::from_utf8(response.body.to_vec()).unwrap();
                response.body = text.replace(r#""internal":true,"#, "").into();
            }
            Ok(response)
        }
        .boxed()
    }
}

/// Takes every webhook and keeps it.
#[derive(Debug, Default)]
struct Posted(Mutex<Vec<Request>>);

impl Transport for Posted {
    fn send(&self, request: Request) -> BoxFuture<'_, Result<Response>> {
        self.0.lock().unwrap().push(request);
        let (status, headers) = (StatusCode::NO_CONTENT, HeaderMap::new());
        ready(Ok(Response { status, headers, body: Bytes::new() })).boxed()
    }
}

fn number(ticket: &RemoteId) -> u64 {
    ticket.as_str().parse().unwrap()
}
