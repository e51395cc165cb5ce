//! What people do and see in a desk, past the bridge: plain requests to its REST interface with a person's own key.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use serde_json::Value;
use throughline_sdk::Urgency;
use throughline_sdk::http::{Authentication, Request, Response, Transport};
use throughline_testkit::SocketTransport;
use url::Url;

/// A ticket as a person sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) title: String,
    pub(crate) description: String,
    pub(crate) status: String,
    pub(crate) priority: String,
    /// In the order in which they stand.
    pub(crate) remarks: Vec<Remark>,
    /// Name and bytes of each file that the requester may read.
    pub(crate) files: Vec<(String, Bytes)>,
    /// How many entries its history has, whatever they are about.
    pub(crate) entries: usize,
}

/// A comment as a person sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Remark {
    pub(crate) author: String,
    pub(crate) body: String,
    pub(crate) internal: bool,
}

impl Seen {
    /// The texts of the public comments, in order.
    pub(crate) fn public(&self) -> Vec<&str> {
        self.remarks.iter().filter(|remark| !remark.internal).map(|remark| remark.body.as_str()).collect()
    }

    /// How many public comments contain `text`.
    pub(crate) fn mentions(&self, text: &str) -> usize {
        self.public().iter().filter(|body| body.contains(text)).count()
    }
}

/// A person's way into a desk.
#[derive(Debug)]
pub(crate) struct Person {
    base: Url,
    transport: SocketTransport,
}

impl Person {
    pub(crate) fn new(base: &str, header: HeaderName, value: String) -> Self {
        let transport = SocketTransport::new(Authentication::Header { name: header, value: value.into() });
        Self { base: Url::parse(base).unwrap(), transport }
    }

    pub(crate) async fn get(&self, path: &str) -> Value {
        let answer = self.send(Method::GET, path, "application/json", Bytes::new()).await;
        serde_json::from_slice(&answer.body).unwrap()
    }

    pub(crate) async fn bytes(&self, path: &str) -> Bytes {
        self.send(Method::GET, path, "application/json", Bytes::new()).await.body
    }

    /// Sends JSON and gives what came back, null where nothing did.
    pub(crate) async fn act(&self, method: Method, path: &str, body: &Value) -> Value {
        let answer = self.send(method, path, "application/json", Bytes::from(body.to_string())).await;
        serde_json::from_slice(&answer.body).unwrap_or_default()
    }

    pub(crate) async fn send(&self, method: Method, path: &str, media_type: &str, body: Bytes) -> Response {
        let what = format!("{method} {path}");
        let request = Request {
            method,
            url: self.base.join(path).unwrap(),
            headers: HeaderMap::from_iter([(
                header::CONTENT_TYPE,
                HeaderValue::from_str(media_type).unwrap(),
            )]),
            body,
            deadline: Duration::MAX,
            urgency: Urgency(0),
            trace: [0; 16],
            max_answer_bytes: 64 << 20,
        };
        let answer = self.transport.send(request).await.unwrap_or_else(|error| panic!("{what}: {error}"));
        assert!(answer.status.is_success(), "{what}: {answer:?}");
        answer
    }
}
