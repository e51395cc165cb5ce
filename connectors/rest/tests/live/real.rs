//! What tests on a real desk share: its address and accounts, time as it passes, and requests past the connector.

use std::collections::HashMap;
use std::future::{Future, IntoFuture};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use bytes::Bytes;
use futures::future::BoxFuture;
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use serde_json::Value;
use throughline_sdk::http::{Authentication, Limits, Reach, Request, Response, Transport, plane};
use throughline_sdk::{
    Built, Clock, Ctx, Intent, IntentId, Marker, Operation, RawWebhook, RemoteId, Settings, Timestamp,
    Urgency,
};
use throughline_testkit::{MemoryBlobs, SeededEntropy, SocketTransport};
use tokio::net::TcpListener;

/// Time as it passes.
#[derive(Debug)]
pub(crate) struct RealClock(Instant);

impl RealClock {
    #[expect(clippy::disallowed_methods, reason = "a real desk is tested in real time")]
    pub(crate) fn new() -> Self {
        Self(Instant::now())
    }
}

impl Clock for RealClock {
    #[expect(clippy::disallowed_methods, reason = "a real desk is tested in real time")]
    fn now(&self) -> Timestamp {
        SystemTime::now().into()
    }

    fn monotonic(&self) -> Duration {
        self.0.elapsed()
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        Box::pin(tokio::time::sleep(duration))
    }
}

/// What the script wrote about a desk.
#[expect(clippy::disallowed_methods, reason = "the caller says by environment where its desks are")]
pub(crate) fn environment(desk: &str) -> HashMap<String, String> {
    let real = format!("needs a real desk: tests/desks/{desk}.sh");
    let folder = std::env::var("THROUGHLINE_DESKS").expect(&real);
    let text = std::fs::read_to_string(format!("{folder}/{desk}/desk.env")).expect(&real);
    let pairs = text.lines().filter_map(|line| line.split_once('='));
    pairs.map(|(key, value)| (key.to_owned(), value.trim_matches('\'').to_owned())).collect()
}

/// Settings from texts and secrets.
pub(crate) fn settings(texts: &[(&str, &str)], secrets: &[(&str, &str)], own: &[(&str, &str)]) -> Settings {
    let mut settings = Settings::default();
    for (key, value) in texts {
        settings.values.insert((*key).to_owned(), Value::from(*value));
    }
    for (key, secret) in secrets {
        settings.secrets.insert((*key).to_owned(), (*secret).to_owned().into());
    }
    let own = own.iter().map(|(key, value)| ((*key).to_owned(), Value::from(*value)));
    settings.values.insert("settings".to_owned(), Value::Object(own.collect()));
    settings
}

/// A connector with everything that a call of it needs.
pub(crate) fn ctx(built: &Built) -> Ctx {
    let clock: Arc<dyn Clock> = Arc::new(RealClock::new());
    let base = Arc::new(SocketTransport::new(Authentication::None));
    let limits = Limits { per_second: None, burst: 1, concurrency: 4 };
    let entropy = Arc::new(SeededEntropy::new(1));
    let authentication = built.authentication.clone();
    Ctx {
        dial: Arc::new(throughline_sdk::NoDial),
        http: plane(
            base,
            Reach { address: &built.address, further: &built.further },
            authentication,
            limits,
            Arc::clone(&clock),
            entropy,
        ),
        clock,
        blobs: Arc::new(MemoryBlobs::default()),
        deadline: Duration::from_secs(600),
        urgency: Urgency(0),
        trace: [7; 16],
    }
}

/// An intent with a marker of its own.
pub(crate) fn intent(ticket: Option<&RemoteId>, operation: Operation) -> Intent {
    use std::hash::{BuildHasher, Hasher, RandomState};
    let mut hash = [0; 32];
    for chunk in hash.chunks_mut(8) {
        chunk.copy_from_slice(&RandomState::new().build_hasher().finish().to_be_bytes());
    }
    let marker = Marker::from_hash(&hash);
    Intent { id: IntentId::new(marker.as_str()), ticket: ticket.cloned(), operation, marker, expected: None }
}

/// The first webhook that a desk sends to an address on loopback once `meanwhile` is done, if it is one that `wanted` takes.
pub(crate) async fn webhook(
    address: &str,
    meanwhile: impl Future<Output = ()>,
    wanted: impl Fn(&RawWebhook) -> bool,
) -> RawWebhook {
    let url: url::Url = address.parse().unwrap();
    let listener = TcpListener::bind(("127.0.0.1", url.port().unwrap())).await.unwrap();
    let (sender, mut receiver) = tokio::sync::mpsc::unbounded_channel();
    let router = axum::Router::new().fallback(async move |request: axum::extract::Request| {
        let (parts, body) = request.into_parts();
        let body = axum::body::to_bytes(body, 1 << 24).await.unwrap();
        let query = parts.uri.query().unwrap_or_default().to_owned();
        let webhook = RawWebhook { headers: parts.headers, query, body, received: RealClock::new().now() };
        drop(sender.send(webhook));
        "{}"
    });
    let served = axum::serve(listener, router);
    let asked = async {
        meanwhile.await;
        loop {
            let webhook = receiver.recv().await.unwrap();
            if wanted(&webhook) {
                return webhook;
            }
        }
    };
    tokio::select! {
        never = served.into_future() => panic!("{never:?}"),
        webhook = asked => webhook,
        () = tokio::time::sleep(Duration::from_secs(60)) => panic!("no webhook came"),
    }
}

/// Somebody who works at the desk past the connector.
pub(crate) struct Person {
    transport: SocketTransport,
    base: String,
}

impl Person {
    /// With this header field, at this address.
    pub(crate) fn new(base: String, name: &'static str, value: String) -> Self {
        let name = HeaderName::from_static(name);
        Self { transport: SocketTransport::new(Authentication::Header { name, value: value.into() }), base }
    }

    /// What the desk answers.
    pub(crate) async fn send(
        &self,
        method: Method,
        path: &str,
        media_type: &'static str,
        body: Bytes,
    ) -> Response {
        let url = if path.starts_with("http") { path.to_owned() } else { format!("{}{path}", self.base) };
        let request = Request {
            method,
            url: url.parse().unwrap(),
            headers: HeaderMap::from_iter([(header::CONTENT_TYPE, HeaderValue::from_static(media_type))]),
            body,
            deadline: Duration::MAX,
            urgency: Urgency(0),
            trace: [0; 16],
            max_answer_bytes: 1 << 24,
        };
        self.transport.send(request).await.unwrap()
    }

    /// What it answers to JSON, which has to be success.
    pub(crate) async fn json(&self, method: Method, path: &str, body: Value) -> Value {
        let body = if body.is_null() { Bytes::new() } else { Bytes::from(body.to_string()) };
        let answer = self.send(method, path, "application/json", body).await;
        assert!(answer.status.is_success(), "{path}: {answer:?}");
        serde_json::from_slice(&answer.body).unwrap_or_default()
    }
}
