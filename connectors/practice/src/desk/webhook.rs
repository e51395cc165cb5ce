//! What the desk announces: the whole ticket after each change, signed by the rules of Standard Webhooks.

use std::sync::Arc;
use std::time::Duration;

use ::http::header::CONTENT_TYPE;
use ::http::{HeaderMap, HeaderValue, Method};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use futures::StreamExt;
use futures::stream;
use ring::hmac;
use secrecy::{ExposeSecret, SecretString};
use throughline_sdk::Urgency;
use throughline_sdk::http::{Request, Transport};
use tracing::warn;
use url::Url;

use super::Desk;
use super::model::Ticket;

const AT_ONCE: usize = 16;
const PATIENCE: Duration = Duration::from_secs(15);

/// Where changes are announced.
#[derive(Clone, Debug)]
pub struct Registration {
    /// The address.
    pub url: Url,
    /// The signing secret, `whsec_` and base 64.
    pub secret: SecretString,
    /// Whether a change that only staff may read is announced as well.
    pub internal_comments: bool,
}

/// One announcement waiting to be posted.
#[derive(Clone, Debug)]
pub(super) struct Delivery {
    id: String,
    url: Url,
    secret: SecretString,
    ticket: Arc<Ticket>,
}

impl Delivery {
    pub(super) fn new(id: u64, registration: &Registration, ticket: Arc<Ticket>) -> Self {
        let Registration { url, secret, .. } = registration.clone();
        Self { id: format!("msg_{id}"), url, secret, ticket }
    }
}

/// Posts announcements through `transport` for as long as it is polled. Each is posted once: a lost one is what the
/// list of changes is for.
pub async fn deliver(desk: Desk, transport: Arc<dyn Transport>) {
    loop {
        deliver_pending(&desk, transport.as_ref()).await;
        desk.posted().await;
    }
}

/// Posts the announcements that are waiting now and answers how many were taken.
pub async fn deliver_pending(desk: &Desk, transport: &dyn Transport) -> usize {
    let mut taken = 0;
    loop {
        let batch: Vec<Delivery> = desk.lock().outbox.drain(..).collect();
        if batch.is_empty() {
            return taken;
        }
        taken += batch.len();
        stream::iter(batch).for_each_concurrent(AT_ONCE, |delivery| post(desk, transport, delivery)).await;
    }
}

async fn post(desk: &Desk, transport: &dyn Transport, delivery: Delivery) {
    let timestamp = desk.now().timestamp().to_string();
    let body = serde_json::json!({ "type": "ticket.changed", "ticket": *delivery.ticket }).to_string();
    let Some(signature) = sign(&delivery.secret, &delivery.id, &timestamp, &body) else {
        warn!(desk.name = desk.settings().name, "A webhook secret is no whsec_ secret; nothing is sent.");
        return;
    };
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    for (name, value) in
        [("webhook-id", delivery.id), ("webhook-timestamp", timestamp), ("webhook-signature", signature)]
    {
        // Digits, base 64 and commas always make a header value.
        if let Ok(value) = HeaderValue::try_from(value) {
            headers.insert(name, value);
        }
    }
    let request = Request {
        method: Method::POST,
        url: delivery.url,
        headers,
        body: Bytes::from(body),
        deadline: desk.clock().monotonic() + PATIENCE,
        urgency: Urgency::default(),
        trace: [0; 16],
        max_answer_bytes: 64 * 1024,
    };
    if let Err(error) = transport.send(request).await {
        warn!(desk.name = desk.settings().name, "A webhook was not taken: {error}.");
    }
}

fn sign(secret: &SecretString, id: &str, timestamp: &str, body: &str) -> Option<String> {
    let key = STANDARD.decode(secret.expose_secret().strip_prefix("whsec_")?).ok()?;
    let key = hmac::Key::new(hmac::HMAC_SHA256, &key);
    let tag = hmac::sign(&key, format!("{id}.{timestamp}.{body}").as_bytes());
    Some(format!("v1,{}", STANDARD.encode(tag)))
}
