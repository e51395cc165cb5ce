//! Errors as RFC 9457 problem documents.

use std::time::Duration;

use axum::extract::rejection::{BytesRejection, JsonRejection, PathRejection, QueryRejection};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

/// An error a caller is told about.
#[derive(Clone, Debug)]
pub(crate) struct Problem {
    status: StatusCode,
    detail: String,
    /// How the caller would authenticate, for a 401.
    scheme: &'static str,
    /// When to come back, for a 429.
    wait: Option<Duration>,
}

impl Problem {
    /// What went wrong, and what the caller can do.
    pub(crate) fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self { status, detail: detail.into(), scheme: "Bearer", wait: None }
    }

    /// Its status.
    pub(crate) fn status(&self) -> StatusCode {
        self.status
    }

    /// What went wrong, in words.
    pub(crate) fn detail(&self) -> &str {
        &self.detail
    }

    /// Somebody who asks too often.
    pub(crate) fn slowed(wait: Duration) -> Self {
        let seconds = wait.as_secs().saturating_add(1);
        let detail = format!("this is too often: come back in {seconds} s");
        Self { wait: Some(wait), ..Self::new(StatusCode::TOO_MANY_REQUESTS, detail) }
    }

    /// A webhook whose sender did not show who it is.
    pub(crate) fn unsigned() -> Self {
        // Whoever cannot authenticate learns nothing about why.
        let problem = Self::new(StatusCode::UNAUTHORIZED, "the webhook's signature is not good");
        Self { scheme: "Webhook-Signature", ..problem }
    }

    /// Something on our side; the cause goes to the log, not to the caller.
    pub(crate) fn internal(cause: &dyn std::error::Error) -> Self {
        tracing::error!(error = %cause, "A request could not be served.");
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "the bridge could not do this; its log says why")
    }
}

impl From<QueryRejection> for Problem {
    fn from(rejection: QueryRejection) -> Self {
        Self::new(rejection.status(), rejection.body_text())
    }
}

impl From<PathRejection> for Problem {
    fn from(rejection: PathRejection) -> Self {
        Self::new(rejection.status(), rejection.body_text())
    }
}

impl From<JsonRejection> for Problem {
    fn from(rejection: JsonRejection) -> Self {
        Self::new(rejection.status(), rejection.body_text())
    }
}

impl From<BytesRejection> for Problem {
    fn from(rejection: BytesRejection) -> Self {
        Self::new(rejection.status(), rejection.body_text())
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let title = self.status.canonical_reason().unwrap_or("Error");
        let body = json!({
            "type": "about:blank",
            "title": title,
            "status": self.status.as_u16(),
            "detail": self.detail,
        });
        let mut response =
            (self.status, [(header::CONTENT_TYPE, "application/problem+json")], body.to_string())
                .into_response();
        // What HTTP asks for beside such an answer.
        match self.status {
            StatusCode::UNAUTHORIZED => {
                response
                    .headers_mut()
                    .insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(self.scheme));
            }
            StatusCode::TOO_MANY_REQUESTS => {
                let seconds = self.wait.unwrap_or_default().as_secs().saturating_add(1);
                response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
            }
            StatusCode::SERVICE_UNAVAILABLE => {
                response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
            }
            _ => {}
        }
        response
    }
}

/// The answer for an address that does not exist.
pub(crate) async fn not_found() -> Problem {
    std::future::ready(()).await;
    Problem::new(StatusCode::NOT_FOUND, "there is nothing at this address")
}

/// The answer for an address that takes other methods only.
pub(crate) async fn not_allowed() -> Problem {
    std::future::ready(()).await;
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "this address does not take that method")
}
