//! A connector on the real Request Tracker, and a person who works there past it.

use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use chrono::DateTime;
use futures::future::BoxFuture;
use http::{HeaderMap, HeaderValue, Method, header};
use serde_json::{Value, json};
use throughline_request_tracker::build;
use throughline_sdk::http::{Authentication, Request, Transport};
use throughline_sdk::{
    Blobs, Clock, Ctx, Cursor, Digest, DynConnector, Effect, Error, ErrorKind, Intent, IntentId, Marker,
    NewTicket, Operation, RemoteId, Result, Settings, Subject, Ticket, Timestamp, Urgency, Version,
    Visibility,
};
use throughline_testkit::{Meanwhile, SocketTransport};

const REAL: &str = "needs a real Request Tracker: tests/desks/request-tracker.sh";

#[derive(Debug)]
pub(crate) struct Desk {
    pub(crate) connector: Arc<dyn DynConnector>,
    pub(crate) ctx: Ctx,
    pub(crate) blobs: Arc<HeldBlobs>,
    pub(crate) env: HashMap<String, String>,
}

impl Desk {
    pub(crate) fn new(with_fields: bool) -> Self {
        let token = environment().remove("RT_TOKEN").expect(REAL);
        Self::with(with_fields, &token, "Federated")
    }

    pub(crate) fn with(with_fields: bool, token: &str, queue: &str) -> Self {
        let env = environment();
        let mut settings = Settings::default();
        settings.values.insert("url".into(), env["RT_URL"].clone().into());
        settings.values.insert("queue".into(), queue.into());
        settings.values.insert("lists".into(), json!(["Areas"]));
        if with_fields {
            settings.values.insert("marker_field".into(), env["RT_MARKER_FIELD"].clone().into());
            settings.values.insert("link_field".into(), env["RT_LINK_FIELD"].clone().into());
        }
        settings.secrets.insert("token".into(), token.to_owned().into());
        let built = build(&settings).unwrap();
        let blobs = Arc::new(HeldBlobs::default());
        let ctx = Ctx {
            http: Arc::new(SocketTransport::new(built.authentication)),
            dial: Arc::new(throughline_sdk::NoDial),
            clock: Arc::new(NoClock),
            blobs: Arc::<HeldBlobs>::clone(&blobs),
            deadline: Duration::MAX,
            urgency: Urgency(0),
            trace: [0; 16],
        };
        Self { connector: built.connector, ctx, blobs, env }
    }

    pub(crate) async fn try_create(&self, title: &str) -> Result<Effect> {
        let new = new(title, &format!("text of {title}"));
        self.connector.apply(&self.ctx, &intent(None, Operation::Create(new))).await
    }

    pub(crate) async fn create(&self, title: &str) -> RemoteId {
        match self.try_create(title).await.unwrap().subject {
            Subject::Ticket(id) => id,
            other @ (Subject::Comment(_) | Subject::File(_)) => panic!("{other:?}"),
        }
    }

    pub(crate) async fn on(&self, id: &RemoteId, operation: Operation) -> Result<Effect> {
        self.on_version(id, operation, None).await
    }

    pub(crate) async fn on_version(
        &self,
        id: &RemoteId,
        operation: Operation,
        expected: Option<Version>,
    ) -> Result<Effect> {
        let intent = Intent { expected, ..intent(Some(id), operation) };
        self.connector.apply(&self.ctx, &intent).await
    }

    pub(crate) async fn fetch(&self, id: &RemoteId) -> Ticket {
        self.connector.fetch(&self.ctx, id).await.unwrap()
    }

    pub(crate) fn file(&self, name: &str, bytes: &[u8], visibility: Visibility) -> Operation {
        Operation::Attach {
            name: name.into(),
            media_type: "application/octet-stream".into(),
            size: u64::try_from(bytes.len()).unwrap(),
            digest: self.blobs.put(Bytes::copy_from_slice(bytes)),
            visibility,
        }
    }

    pub(crate) async fn now(&self) -> Cursor {
        let page = self.connector.changes(&self.ctx, None).await.unwrap();
        assert!(page.hints.is_empty());
        page.next
    }

    pub(crate) async fn changed_since(&self, cursor: &Cursor) -> (Vec<RemoteId>, Cursor) {
        let (mut cursor, mut seen) = (cursor.clone(), Vec::new());
        loop {
            let page = self.connector.changes(&self.ctx, Some(&cursor)).await.unwrap();
            seen.extend(page.hints.into_iter().map(|hint| hint.ticket));
            cursor = page.next;
            if !page.more {
                return (seen, cursor);
            }
        }
    }

    /// What a person does, past the connector.
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
            name: header::AUTHORIZATION,
            value: format!("token {}", self.env["RT_AGENT_TOKEN"]).into(),
        });
        let json = HeaderValue::from_static("application/json");
        let request = Request {
            method,
            url: format!("{}/REST/2.0/{path}", self.env["RT_URL"]).parse().unwrap(),
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
    let text = std::fs::read_to_string(format!("{folder}/request-tracker/desk.env")).expect(REAL);
    let pairs = text.lines().filter_map(|line| line.split_once('='));
    pairs.map(|(key, value)| (key.to_owned(), value.trim_matches('\'').to_owned())).collect()
}

pub(crate) fn new(title: &str, description: &str) -> NewTicket {
    NewTicket {
        title: title.into(),
        description: description.into(),
        status: None,
        priority: None,
        kind: None,
        fields: BTreeMap::new(),
    }
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

/// The connector reads no clock; RT does not need one.
#[derive(Debug)]
struct NoClock;

impl Clock for NoClock {
    fn now(&self) -> Timestamp {
        DateTime::UNIX_EPOCH
    }
    fn monotonic(&self) -> Duration {
        Duration::ZERO
    }
    fn sleep(&self, _: Duration) -> BoxFuture<'static, ()> {
        Box::pin(std::future::ready(()))
    }
}

#[derive(Debug, Default)]
pub(crate) struct HeldBlobs(Mutex<Vec<Bytes>>);

impl HeldBlobs {
    pub(crate) fn put(&self, bytes: Bytes) -> Digest {
        let mut held = self.0.lock().unwrap();
        held.push(bytes);
        Digest::new((held.len() - 1).to_string())
    }
}

impl Blobs for HeldBlobs {
    fn read<'a>(&'a self, digest: &'a Digest) -> BoxFuture<'a, Result<Bytes>> {
        let at = digest.as_str().parse::<usize>().unwrap();
        let bytes = self.0.lock().unwrap().get(at).cloned();
        let bytes = bytes.ok_or_else(|| Error::new(ErrorKind::Unavailable, "no such file"));
        Box::pin(std::future::ready(bytes))
    }
    fn write(&self, bytes: Bytes) -> BoxFuture<'_, Result<Digest>> {
        Box::pin(std::future::ready(Ok(self.put(bytes))))
    }
}
