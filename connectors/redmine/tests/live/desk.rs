//! A connector on the real Redmine, and a second person who works there past it.

use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use chrono::{DateTime, TimeDelta};
use futures::future::BoxFuture;
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use serde_json::Value;
use throughline_redmine::build;
use throughline_sdk::http::{Authentication, Request, Transport};
use throughline_sdk::{
    Blobs, Clock, CommentId, Ctx, Digest, DynConnector, Effect, Error, ErrorKind, Intent, IntentId, Marker,
    NewTicket, Operation, RemoteId, Result, Settings, Subject, Ticket, Timestamp, Urgency,
};
use throughline_testkit::{Meanwhile, SocketTransport};

const REAL: &str = "needs a real Redmine: tests/desks/redmine.sh";

#[derive(Debug)]
pub(crate) struct Desk {
    pub(crate) connector: Arc<dyn DynConnector>,
    pub(crate) ctx: Ctx,
    pub(crate) clock: Arc<HeldClock>,
    pub(crate) blobs: Arc<HeldBlobs>,
    pub(crate) env: HashMap<String, String>,
}

impl Desk {
    pub(crate) fn new(key: &str, with_fields: bool) -> Self {
        let key = environment().remove(key).expect(REAL);
        Self::with_key(key, with_fields)
    }

    pub(crate) fn with_key(key: String, with_fields: bool) -> Self {
        let env = environment();
        let mut settings = Settings::default();
        let mut set = |key: &str, name: &str| settings.values.insert(key.into(), env[name].clone().into());
        set("url", "REDMINE_URL");
        set("project", "REDMINE_PROJECT");
        set("tracker", "REDMINE_TRACKER");
        if with_fields {
            set("marker_field", "REDMINE_MARKER_FIELD");
            set("link_field", "REDMINE_LINK_FIELD");
        }
        settings.secrets.insert("api_key".into(), key.into());
        let built = build(&settings).unwrap();
        let (clock, blobs) = (Arc::new(HeldClock(AtomicI64::new(0))), Arc::new(HeldBlobs::default()));
        let ctx = Ctx {
            http: Arc::new(SocketTransport::new(built.authentication)),
            dial: Arc::new(throughline_sdk::NoDial),
            clock: Arc::<HeldClock>::clone(&clock),
            blobs: Arc::<HeldBlobs>::clone(&blobs),
            deadline: Duration::MAX,
            urgency: Urgency(0),
            trace: [0; 16],
        };
        Self { connector: built.connector, ctx, clock, blobs, env }
    }

    pub(crate) async fn create(&self, title: &str, kind: &str) -> RemoteId {
        let new = NewTicket {
            title: title.into(),
            description: "text".into(),
            status: None,
            priority: None,
            kind: Some(kind.into()),
            fields: BTreeMap::new(),
        };
        let effect = self.connector.apply(&self.ctx, &intent(None, Operation::Create(new))).await.unwrap();
        match effect.subject {
            Subject::Ticket(id) => id,
            other @ (Subject::Comment(_) | Subject::File(_)) => panic!("{other:?}"),
        }
    }

    pub(crate) async fn on(&self, id: &RemoteId, operation: Operation) -> Result<Effect> {
        self.connector.apply(&self.ctx, &intent(Some(id), operation)).await
    }

    pub(crate) async fn fetch(&self, id: &RemoteId) -> Ticket {
        self.connector.fetch(&self.ctx, id).await.unwrap()
    }

    pub(crate) async fn comment(&self, id: &RemoteId, note: &CommentId) -> Option<throughline_sdk::Comment> {
        self.fetch(id).await.comments.into_iter().find(|comment| comment.id == *note)
    }

    /// What a second person does, past the connector.
    pub(crate) async fn agent(&self, method: Method, path: &str, body: Value) {
        let (transport, request) = self.act(method, path, &body);
        let answer = transport.send(request).await.unwrap();
        assert!(answer.status.is_success(), "{answer:?}");
    }

    /// The same desk, where a person does something in the moment of our first write.
    pub(crate) fn meanwhile(&self, method: Method, path: &str, body: &Value) -> Ctx {
        let http = Meanwhile::new(Arc::clone(&self.ctx.http), self.act(method, path, body));
        Ctx { http: Arc::new(http), ..self.ctx.clone() }
    }

    fn act(&self, method: Method, path: &str, body: &Value) -> (Arc<dyn Transport>, Request) {
        let transport = SocketTransport::new(Authentication::Header {
            name: HeaderName::from_static("x-redmine-api-key"),
            value: self.env["REDMINE_AGENT_KEY"].clone().into(),
        });
        let json = HeaderValue::from_static("application/json");
        let request = Request {
            method,
            url: format!("{}/{path}", self.env["REDMINE_URL"]).parse().unwrap(),
            headers: HeaderMap::from_iter([(header::CONTENT_TYPE, json)]),
            body: Bytes::from(if body.is_null() { String::new() } else { body.to_string() }),
            deadline: Duration::MAX,
            urgency: Urgency(0),
            trace: [0; 16],
            max_answer_bytes: 1 << 20,
        };
        (Arc::new(transport), request)
    }
}

#[expect(clippy::disallowed_methods, reason = "the caller says by environment where its desks are")]
pub(crate) fn environment() -> HashMap<String, String> {
    let folder = std::env::var("THROUGHLINE_DESKS").expect(REAL);
    let text = std::fs::read_to_string(format!("{folder}/redmine/desk.env")).expect(REAL);
    let pairs = text.lines().filter_map(|line| line.split_once('='));
    pairs.map(|(key, value)| (key.to_owned(), value.trim_matches('\'').to_owned())).collect()
}

pub(crate) fn intent(ticket: Option<&RemoteId>, operation: Operation) -> Intent {
    let mut hash = [0; 32];
    for chunk in hash.chunks_mut(8) {
        chunk.copy_from_slice(&RandomState::new().build_hasher().finish().to_be_bytes());
    }
    let marker = Marker::from_hash(&hash);
    Intent { id: IntentId::new(marker.as_str()), ticket: ticket.cloned(), operation, marker, expected: None }
}

pub(crate) fn fields(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

#[derive(Debug)]
pub(crate) struct HeldClock(pub(crate) AtomicI64);

impl Clock for HeldClock {
    fn now(&self) -> Timestamp {
        DateTime::UNIX_EPOCH + TimeDelta::seconds(self.0.load(Ordering::Relaxed))
    }
    fn monotonic(&self) -> Duration {
        Duration::ZERO
    }
    fn sleep(&self, _: Duration) -> BoxFuture<'static, ()> {
        Box::pin(std::future::ready(()))
    }
}

#[derive(Debug, Default)]
pub(crate) struct HeldBlobs(Mutex<HashMap<Digest, Bytes>>);

impl HeldBlobs {
    pub(crate) fn put(&self, bytes: Bytes) -> Digest {
        let digest = Digest::new(format!("{:064x}", bytes.len()));
        self.0.lock().unwrap().insert(digest.clone(), bytes);
        digest
    }
}

impl Blobs for HeldBlobs {
    fn read<'a>(&'a self, digest: &'a Digest) -> BoxFuture<'a, Result<Bytes>> {
        let bytes = self.0.lock().unwrap().get(digest).cloned();
        let bytes = bytes.ok_or_else(|| Error::new(ErrorKind::Unavailable, "no such file"));
        Box::pin(std::future::ready(bytes))
    }
    fn write(&self, bytes: Bytes) -> BoxFuture<'_, Result<Digest>> {
        Box::pin(std::future::ready(Ok(self.put(bytes))))
    }
}
