//! Errors in the form that the standard gives them.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::edition::Edition;
use super::shape::Misshapen;
use crate::desk;

/// Why a request was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    status: StatusCode,
    message: String,
    allow: Option<&'static str>,
}

impl Refusal {
    pub(super) fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self { status, message: message.into(), allow: None }
    }

    /// The request itself is wrong. The standard has neither 415 nor 422: this stands for them as well.
    pub(super) fn bad(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message)
    }

    /// The request is right and cannot be carried out on what stands there.
    pub(super) fn conflict(message: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, message)
    }

    pub(super) fn missing(what: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, format!("there is no such {what}"))
    }

    pub(super) fn method(allow: &'static str) -> Self {
        let message = format!("this address takes {allow}");
        Self { allow: Some(allow), ..Self::new(StatusCode::METHOD_NOT_ALLOWED, message) }
    }

    pub(super) fn stranger() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "send the token agreed upon as bearer token")
    }

    /// What it says, for who is answered in another form.
    pub(super) fn said(self) -> (StatusCode, String) {
        (self.status, self.message)
    }

    /// The answer. Only version 5 has `@type` in it.
    pub(super) fn answer(self, edition: Edition) -> Response {
        let mut body = json!({
            "code": format!("ERR{}", self.status.as_u16()),
            "reason": self.status.canonical_reason().unwrap_or("Error"),
            "message": self.message,
            "status": self.status.as_u16().to_string(),
        });
        if let (Edition::V5, Some(body)) = (edition, body.as_object_mut()) {
            body.insert("@type".to_owned(), json!("Error"));
        }
        let media = [(header::CONTENT_TYPE, super::MEDIA_TYPE)];
        let mut answer = (self.status, media, body.to_string()).into_response();
        if let Some(allow) = self.allow {
            answer.headers_mut().insert(header::ALLOW, HeaderValue::from_static(allow));
        }
        if self.status == StatusCode::UNAUTHORIZED {
            answer.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        answer
    }
}

impl From<desk::Error> for Refusal {
    fn from(error: desk::Error) -> Self {
        tracing::error!(%error, "A partner's request could not be served.");
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "the bridge could not do this; its operator sees why")
    }
}

impl From<Misshapen> for Refusal {
    fn from(misshapen: Misshapen) -> Self {
        Self::bad(misshapen.0)
    }
}
