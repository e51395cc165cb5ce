//! The HTTP plane: one transport trait, and the layers between a connector and the network.

pub mod authentication;
mod call;
pub mod client_credentials;
pub mod confined;
pub mod device;
pub mod entra;
pub mod login;
pub mod multipart;
pub mod onward;
pub mod plane;
pub mod rate;
pub mod retry;
pub(crate) mod scrub;
pub mod trace;

use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use ::http::{HeaderMap, Method, StatusCode};
use bytes::Bytes;
use futures::future::BoxFuture;
use secrecy::SecretString;
use url::Url;

use crate::{Error, ErrorKind, Result, TookEffect, Urgency};

pub use call::{Call, join};
pub use confined::{FurtherHost, Reach};
pub use device::{Invitation, log_in};
pub use login::TokenStore;
pub use onward::Onward;
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
    /// have left, or the request is safe (see [`after`]). [`ErrorKind::Rejected`] when the answer is larger than
    /// the request takes (see [`too_large`]). [`ErrorKind::Misconfigured`] when the guard refused the address.
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
    /// A signature over each request (HMAC-SHA-256 under a shared secret), the same that webhooks bear.
    Hmac {
        /// What is signed, and where the signature stands.
        scheme: HmacScheme,
        /// The shared secret.
        secret: SecretString,
    },
    /// A person's login (RFC 6749 §6): a refresh token that somebody got by logging in once.
    Login {
        /// The token endpoint.
        token_url: Url,
        /// Where a person's login begins (RFC 8628 §3.1); `None` where that is not offered.
        device_url: Option<Url>,
        /// The client's id.
        client_id: String,
        /// The client's secret; `None` for a public client.
        client_secret: Option<SecretString>,
        /// The refresh token as it was configured; `None`: what [`log_in`] kept.
        refresh_token: Option<SecretString>,
        /// Scopes asked for.
        scopes: Vec<String>,
        /// Where the tokens that follow it are kept: see [`Authentication::keeping`].
        store: Option<Arc<dyn TokenStore>>,
    },
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

impl Authentication {
    /// The same, with what a login needs to outlive the process. Nothing else needs it.
    #[must_use]
    pub fn keeping(mut self, tokens: Arc<dyn TokenStore>) -> Self {
        if let Self::Login { store, .. } = &mut self {
            *store = Some(tokens);
        }
        self
    }
}

/// What of a request is signed, and where the signature stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HmacScheme {
    /// The body alone: `sha256=` and hexadecimal digits in this field. Says nothing about method, address and time.
    Body(::http::HeaderName),
    /// [Standard Webhooks](https://www.standardwebhooks.com): an id of its own, the time, and the body.
    Standard,
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
    /// By [`ErrorKind::from_status`], with the effect that [`after`] derives from method and status;
    /// [`ErrorKind::Misconfigured`] for a redirect, which nobody follows unasked.
    pub fn success(self, method: &Method) -> Result<Self> {
        if self.is_redirect() {
            let words = "the system redirects; set its address to where it really is";
            return Err(self.error(ErrorKind::Misconfigured, method, words));
        }
        match ErrorKind::from_status(self.status.as_u16()) {
            None => Ok(self),
            Some(kind) => Err(self.error(kind, method, format!("the system answered {}", self.status))),
        }
    }

    /// Where a redirect of a request to `asked` leads; `None` for any other answer, and for one that names no address.
    ///
    /// Nobody follows it unasked: a connector that expects one asks the other place itself, which the plane allows at
    /// the system's own origin and at the [`FurtherHost`]s of [`Built`](crate::Built).
    pub fn location(&self, asked: &Url) -> Option<Url> {
        let location = self.headers.get(::http::header::LOCATION).filter(|_| self.is_redirect())?;
        asked.join(location.to_str().ok()?).ok()
    }

    fn is_redirect(&self) -> bool {
        matches!(self.status.as_u16(), 301 | 302 | 303 | 307 | 308)
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
            let what = json_fault(&error);
            Error::new(ErrorKind::Malformed, format!("the answer is not the JSON we expect: {what}"))
                .with_effect(after(method, Some(self.status)))
        })
    }

    /// How long `Retry-After` asks to wait. Inside the plane it may be a date; above it, it is in seconds.
    pub fn retry_after(&self) -> Option<Duration> {
        let value = self.headers.get(::http::header::RETRY_AFTER)?.to_str().ok()?;
        value.trim().parse().ok().map(Duration::from_secs)
    }
}

/// What is wrong with a piece of JSON, and where, without a word of what stands in it: that may be a ticket's text,
/// and an error ends in a log.
pub fn json_fault(error: &serde_json::Error) -> String {
    let place = format!("at line {} column {}", error.line(), error.column());
    let words = error.to_string();
    let words = words.strip_suffix(&format!(" {place}")).unwrap_or(&words);
    let ours = match error.classify() {
        serde_json::error::Category::Io
        | serde_json::error::Category::Syntax
        | serde_json::error::Category::Eof => Some(words),
        // The names of missing and doubled fields are those of our own types; a wrong value is quoted in front of what
        // was expected in its place.
        serde_json::error::Category::Data => match words.rsplit_once("expected ") {
            Some((_, expected)) => return format!("expected {expected} {place}"),
            None => Some(words)
                .filter(|words| words.starts_with("missing field") || words.starts_with("duplicate field")),
        },
    };
    match ours {
        Some(words) => format!("{words} {place}"),
        None => place,
    }
}

/// What a transport says of an answer of more than `limit` bytes.
pub fn too_large(method: &Method, status: StatusCode, limit: u64) -> Error {
    Error::new(ErrorKind::Rejected, format!("the answer is larger than the limit of {limit} bytes"))
        .with_effect(after(method, Some(status)))
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::double::answer;

    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only how reading it fails is looked at")]
    struct Expected {
        number: u32,
        word: Word,
    }

    #[derive(Debug, serde::Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum Word {
        One,
    }

    #[test]
    fn an_unreadable_answer_is_told_by_its_place_and_never_quoted() {
        for (body, told) in [
            (r#"{"number":"for staff only"}"#, "expected u32 at line 1 column 26"),
            (r#"{"number":"expected by staff"}"#, "expected u32 at line 1 column 29"),
            (r#"{"number":1,"word":"for staff only"}"#, "expected `one` at line 1 column 35"),
            (r#"{"for staff only":1}"#, "expected `number` or `word` at line 1 column 17"),
            (r#"{"number":1}"#, "missing field `word` at line 1 column 12"),
            (r#"{"number":1,"number":2}"#, "duplicate field `number` at line 1 column 20"),
            (r#"{"number":"#, "EOF while parsing a value at line 1 column 10"),
            ("<html>for staff only", "expected value at line 1 column 1"),
        ] {
            let error = answer(200, &[], body).json::<Expected>(&Method::POST).unwrap_err();
            assert!(error.message().ends_with(&format!(": {told}")), "{body}: {error}");
            assert_eq!((error.kind(), error.took_effect()), (ErrorKind::Malformed, TookEffect::Unknown));
        }
    }

    #[test]
    fn a_redirect_is_no_success_and_says_where_it_leads() {
        let asked = Url::parse("https://desk.example/files/1?x=y").unwrap();
        for (to, leads) in
            [("/2", "https://desk.example/2"), ("https://cdn.example/3?s=4", "https://cdn.example/3?s=4")]
        {
            let answer = answer(302, &[("location", to)], "");
            assert_eq!(answer.location(&asked).unwrap().as_str(), leads);
            let error = answer.success(&Method::GET).unwrap_err();
            assert_eq!((error.kind(), error.took_effect()), (ErrorKind::Misconfigured, TookEffect::No));
            assert!(!error.to_string().contains("cdn"), "what an answer quotes may be anything: {error}");
        }
        assert!(answer(201, &[("location", "/2")], "").location(&asked).is_none());
        assert!(answer(302, &[], "").location(&asked).is_none());
    }

    #[test]
    fn whether_it_took_effect_follows_from_method_and_answer() {
        use TookEffect::{No, Unknown};
        for (method, status, effect) in [
            (Method::GET, None, No),
            (Method::GET, Some(502), No),
            (Method::POST, None, Unknown),
            (Method::POST, Some(200), Unknown),
            (Method::POST, Some(302), Unknown),
            (Method::POST, Some(408), Unknown),
            (Method::POST, Some(502), Unknown),
            (Method::PUT, Some(422), No),
            (Method::DELETE, Some(404), No),
            (Method::PATCH, Some(429), No),
        ] {
            let status = status.map(|status| StatusCode::from_u16(status).unwrap());
            assert_eq!(after(&method, status), effect, "{method} {status:?}");
        }
    }
}
