//! Refusals as the protocol's implementations give them: a status, and a line of plain text.

use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::desk;

/// Which version of the protocol is spoken.
pub(super) const VERSION: HeaderName = HeaderName::from_static("x-ticket-sharing-version");

/// Why a request was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) status: StatusCode,
    message: String,
}

impl Refusal {
    pub(super) fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self { status, message: message.into() }
    }

    /// It was understood and cannot be done.
    pub(super) fn unprocessable(message: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, message)
    }

    pub(super) fn missing(what: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, format!("there is no such {what}"))
    }

    /// Whoever asks is not known by what it bears. Unknown agreements are not told from wrong keys.
    pub(super) fn stranger() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "send X-Ticket-Sharing-Token with an agreement's uuid and key")
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let media = [(header::CONTENT_TYPE, "text/plain; charset=utf-8")];
        let mut answer = (self.status, media, self.message).into_response();
        answer.headers_mut().insert(VERSION, HeaderValue::from_static("1"));
        if self.status == StatusCode::UNAUTHORIZED {
            let scheme = HeaderValue::from_static("X-Ticket-Sharing");
            answer.headers_mut().insert(header::WWW_AUTHENTICATE, scheme);
        }
        answer
    }
}

impl From<desk::Error> for Refusal {
    fn from(error: desk::Error) -> Self {
        tracing::error!(%error, "A partner's push could not be taken.");
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "the bridge could not do this; its operator sees why")
    }
}

impl From<throughline_sdk::Error> for Refusal {
    fn from(error: throughline_sdk::Error) -> Self {
        tracing::error!(%error, "The sharing agreements could not be kept.");
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "the bridge could not do this; its operator sees why")
    }
}
