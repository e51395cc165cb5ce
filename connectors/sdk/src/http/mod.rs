//! The HTTP plane: one transport trait, and the layers between a connector and the network.

pub mod authentication;
mod call;
pub mod client_credentials;
pub mod confined;
pub mod plane;
pub mod rate;
pub mod retry;
pub mod trace;

use std::fmt::Debug;
use std::time::Duration;

use ::http::{HeaderMap, Method, StatusCode};
use bytes::Bytes;
use futures::future::BoxFuture;
use secrecy::SecretString;
use url::Url;

use crate::{Error, ErrorKind, Result, TookEffect, Urgency};

pub use call::{Call, join};
pub use plane::plane;
pub use rate::Limits;
pub use retry::Schedule;

/// Sends one request and returns its answer, whatever its status. Layers wrap it.
pub trait Transport: Debug + Send + Sync + 'static {
    /// Sends `request` once.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unavailable`] when no whole answer came: without effect only if no byte of the request can
    /// have left, or the request is safe (see [`after`]). [`ErrorKind::Misconfigured`] when the guard refused
    /// the address.
    fn send(&self, request: Request) -> BoxFuture<'_, Result<Response>>;
}

/// A request with everything the layers need to know about it.
#[derive(Clone, Debug)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// The whole address.
    pub url: Url,
    /// Header fields, without authentication: a layer adds it.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
    /// When the answer has to be whole, on [`Clock::monotonic`](crate::Clock::monotonic).
    pub deadline: Duration,
    /// Who goes first where the rate is tight.
    pub urgency: Urgency,
    /// The W3C trace this request belongs to.
    pub trace: [u8; 16],
    /// The largest answer taken, in bytes.
    pub max_answer_bytes: u64,
}

/// An answer, whatever its status.
#[derive(Clone, Debug)]
pub struct Response {
    /// The status.
    pub status: StatusCode,
    /// Header fields.
    pub headers: HeaderMap,
    /// The body, whole.
    pub body: Bytes,
}

/// How requests to a system are authenticated. Applied by the plane, never by a connector.
#[derive(Clone, Debug)]
pub enum Authentication {
    /// Not at all.
    None,
    /// A header field with a secret value, such as `X-Redmine-API-Key`.
    Header {
        /// The field's name.
        name: ::http::HeaderName,
        /// Its value.
        value: SecretString,
    },
    /// `Authorization: Basic`.
    Basic {
        /// The account.
        user: String,
        /// Its password.
        password: SecretString,
    },
    /// `Authorization: Bearer` with a fixed token.
    Bearer(SecretString),
    /// OAuth 2.0 client credentials (RFC 6749 §4.4), refreshed with a single flight.
    ClientCredentials {
        /// The token endpoint.
        token_url: Url,
        /// The client's id.
        client_id: String,
        /// The client's secret.
        client_secret: SecretString,
        /// Scopes asked for.
        scopes: Vec<String>,
    },
}

impl Request {
    /// Whether repeating the request cannot change anything (RFC 9110 §9.2.1).
    pub fn is_safe(&self) -> bool {
        self.method.is_safe()
    }
}

impl Response {
    /// The answer if its status says success, else the error that its status stands for in the common table.
    ///
    /// # Errors
    ///
    /// By [`ErrorKind::from_status`], with the effect that [`after`] derives from method and status.
    pub fn success(self, method: &Method) -> Result<Self> {
        match ErrorKind::from_status(self.status.as_u16()) {
            None => Ok(self),
            Some(kind) => Err(self.error(kind, method, format!("the system answered {}", self.status))),
        }
    }

    /// An error about this answer, with the effect and the wait that follow from it.
    pub fn error(&self, kind: ErrorKind, method: &Method, message: impl Into<String>) -> Error {
        Error::new(kind, message)
            .with_effect(after(method, Some(self.status)))
            .with_retry_after(self.retry_after())
    }

    /// The answer's body as JSON.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Malformed`] with the place in the body; of a write, it may have taken effect.
    pub fn json<T: serde::de::DeserializeOwned>(&self, method: &Method) -> Result<T> {
        serde_json::from_slice(&self.body).map_err(|error| {
            let effect = if method.is_safe() { TookEffect::No } else { TookEffect::Unknown };
            Error::new(ErrorKind::Malformed, format!("the answer is not the JSON we expect: {error}"))
                .with_effect(effect)
        })
    }

    /// How long `Retry-After` asks to wait, in its form of seconds.
    pub fn retry_after(&self) -> Option<Duration> {
        let value = self.headers.get(::http::header::RETRY_AFTER)?.to_str().ok()?;
        value.trim().parse().ok().map(Duration::from_secs)
    }
}

/// Whether a request took effect, from its method and what came back; `None` for no whole answer.
///
/// The only place that decides this. A refusal (4xx other than 408) took none; anything else that is not success
/// may have: a gateway answers 502 for a create that was carried out.
pub fn after(method: &Method, status: Option<StatusCode>) -> TookEffect {
    if method.is_safe() {
        return TookEffect::No;
    }
    match status {
        Some(status) if status.is_client_error() && status != StatusCode::REQUEST_TIMEOUT => TookEffect::No,
        Some(_) | None => TookEffect::Unknown,
    }
}
