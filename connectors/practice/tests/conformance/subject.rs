//! A practice desk in process, as the suite wants it: plane, outside hand, webhooks.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use futures::FutureExt;
use futures::future::{BoxFuture, ready};
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderValue, StatusCode};
use secrecy::SecretString;
use throughline_practice::desk::{Desk, Faults, Patch, Registration, Settings, deliver_pending};
use throughline_sdk::http::{Authentication, Limits, Request, Response, Transport, plane};
use throughline_sdk::{Changes, Clock, DynConnector, NewTicket, RawWebhook, RemoteId, Result, layer};
use throughline_testkit::conformance::{Hand, Subject, Truth};
use throughline_testkit::{Faulty, ManualClock, RouterTransport, SeededEntropy};
use url::Url;

pub(crate) const TOKEN: &str = "practice-token-7f3a";
const ADDRESS: &str = "http://desk.test/";
const WEBHOOK_SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

pub(crate) struct Practice {
    pub(crate) connector: Arc<dyn DynConnector>,
    desk: Desk,
    transport: Faulty,
    http: Arc<dyn Transport>,
    clock: Arc<dyn Clock>,
    hand: Person,
}

struct Person {
    desk: Desk,
    hiding: Arc<AtomicBool>,
}

impl Practice {
    pub(crate) fn new(class: &str) -> Self {
        let clock: Arc<dyn Clock> = Arc::new(ManualClock::auto_advance());
        let desk = Desk::new(Settings::new("helpdesk", "Helpdesk", TOKEN, Arc::clone(&clock)));
        let hiding = Arc::<AtomicBool>::default();
        let plain = Hiding { inner: RouterTransport(desk.router()), hiding: Arc::clone(&hiding) };
        let bearer = HeaderValue::from_str(&format!("Bearer {TOKEN}")).unwrap();
        let credentials = HeaderMap::from_iter([(AUTHORIZATION, bearer)]);
        let transport = Faulty::new(Arc::new(plain), Arc::clone(&clock), credentials);
        let secret = |text: &str| SecretString::from(text.to_owned());
        desk.register(Registration {
            url: "http://throughline.test/webhooks/helpdesk".parse().unwrap(),
            secret: secret(WEBHOOK_SECRET),
            internal_comments: true,
        });
        let settings = throughline_sdk::Settings {
            values: BTreeMap::from([
                ("url".to_owned(), ADDRESS.into()),
                ("create_class".to_owned(), class.into()),
            ]),
            secrets: BTreeMap::from([
                ("token".to_owned(), secret(TOKEN)),
                ("webhook_secret".to_owned(), secret(WEBHOOK_SECRET)),
            ]),
        };
        let connector = throughline_practice::build(&settings).unwrap().connector;
        if class == "c3" {
            desk.set_faults(Faults { find_lag: Duration::from_secs(20), ..Faults::default() });
        }
        let hand = Person { desk: desk.clone(), hiding };
        let http: Arc<dyn Transport> = Arc::new(transport.clone());
        Self { connector, desk, transport, http, clock, hand }
    }

    /// The same inside every layer that the daemon puts around it: operation plane, HTTP plane.
    pub(crate) fn wrapped(class: &str) -> Self {
        let mut subject = Self::new(class);
        let (clock, entropy) = (Arc::clone(&subject.clock), Arc::new(SeededEntropy::new(1)));
        let guarded =
            layer::guarded(subject.connector, 1, Arc::clone(&clock), Arc::<SeededEntropy>::clone(&entropy));
        subject.connector = guarded.connector;
        let bearer = Authentication::Bearer(SecretString::from(TOKEN));
        let limits = Limits { per_second: Some(50), burst: 5, concurrency: 2 };
        let base: Arc<dyn Transport> = Arc::new(subject.transport.clone());
        subject.http = plane(base, &ADDRESS.parse().unwrap(), bearer, limits, clock, entropy);
        subject
    }
}

impl Subject for Practice {
    fn connector(&self) -> Arc<dyn DynConnector> {
        Arc::clone(&self.connector)
    }

    fn transport(&self) -> Faulty {
        self.transport.clone()
    }

    fn http(&self) -> Arc<dyn Transport> {
        Arc::clone(&self.http)
    }

    fn address(&self) -> Url {
        ADDRESS.parse().unwrap()
    }

    fn clock(&self) -> Arc<dyn Clock> {
        Arc::clone(&self.clock)
    }

    fn hand(&self) -> &dyn Hand {
        &self.hand
    }

    fn new_ticket(&self) -> NewTicket {
        NewTicket {
            title: String::new(),
            description: String::new(),
            status: None,
            priority: Some("High".to_owned()),
            kind: Some("Request".to_owned()),
            fields: BTreeMap::from([("Serial number".to_owned(), "A-1".to_owned())]),
        }
    }

    fn changes(&self) -> Changes {
        Changes {
            title: Some("Another title".to_owned()),
            description: Some("Another\n\ndescription".to_owned()),
            priority: Some("Urgent".to_owned()),
            kind: Some("Request".to_owned()),
            fields: BTreeMap::from([("Serial number".to_owned(), "B-2".to_owned())]),
        }
    }

    fn next_status(&self) -> String {
        "In progress".to_owned()
    }

    fn feed_patience(&self) -> Duration {
        Duration::ZERO
    }

    fn feed_page(&self) -> Option<usize> {
        Some(200)
    }

    fn webhook(&self, ticket: &RemoteId) -> Option<RawWebhook> {
        self.desk.set_field("Ada", number(ticket), "priority", "High").unwrap();
        let posted = Posted::default();
        deliver_pending(&self.desk, &posted).now_or_never()?;
        let request = posted.0.lock().unwrap().pop()?;
        let (headers, body) = (request.headers, request.body);
        Some(RawWebhook { headers, query: String::new(), body, received: self.clock.now() })
    }

    fn secrets(&self) -> Vec<String> {
        vec![TOKEN.to_owned(), WEBHOOK_SECRET.trim_start_matches("whsec_").to_owned()]
    }
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
