//! Errors as RFC 9457 problem documents: what went wrong, where, and of which kind, if a caller can act on that.

use std::time::Duration;

use aide::generate::GenContext;
use aide::openapi::{MediaType, Response as Described, SchemaObject};
use axum::extract::rejection::{BytesRejection, PathRejection, QueryRejection};
use axum::extract::{Path, Request};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use schemars::JsonSchema;
use serde::Serialize;

use super::page::header_of;
use crate::identity::Full;

/// The media type of problem documents.
const MEDIA_TYPE: &str = "application/problem+json";
/// Where the kinds of problems are explained.
const KINDS: &str = "/problems/";
/// When whoever found no place for a stream comes back.
const CROWDED_SECONDS: u64 = 30;

/// An error a caller is told about.
#[derive(Clone, Debug)]
pub(crate) struct Problem {
    status: StatusCode,
    detail: String,
    kind: Option<Kind>,
    errors: Vec<Misfit>,
    /// How the caller would authenticate, for a 401.
    scheme: &'static str,
    /// In how many seconds it may be tried again.
    retry_after: Option<u64>,
}

/// A problem as callers get it (RFC 9457).
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(rename = "Problem")]
pub(crate) struct ProblemDocument {
    /// The kind of problem: an address where it is explained, or `about:blank` if the status says all.
    #[serde(rename = "type")]
    kind: String,
    /// The kind in words.
    title: String,
    /// The status of the answer.
    #[schemars(range(min = 400, max = 599))]
    status: u16,
    /// What went wrong, and what to do.
    detail: String,
    /// The address that was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    instance: Option<String>,
    /// What of the request does not fit, where that is known.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    errors: Vec<Misfit>,
}

/// A part of a request that does not fit.
#[derive(Clone, Debug, Serialize, JsonSchema)]
struct Misfit {
    /// What is wrong with it.
    detail: String,
    /// The member of the body, as RFC 6901 writes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pointer: Option<String>,
    /// The parameter, or the header.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    parameter: Option<String>,
}

/// A kind of problem that a program can act on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A parameter is unknown or does not fit.
    BadParameter,
    /// The body does not fit.
    BadBody,
    /// A cursor is not one of ours, or not any more.
    BadCursor,
    /// The case moved on since it was read.
    MovedOn,
    /// An idempotency key came with another request before.
    KeyReused,
    /// What an idempotency key stands for is being done.
    KeyInProgress,
    /// What an idempotency key stands for may have been done.
    KeyInDoubt,
    /// Too many requests.
    TooMany,
    /// Too many streams of events are open.
    TooManyStreams,
}

impl Kind {
    const ALL: [Self; 9] = [
        Self::BadParameter,
        Self::BadBody,
        Self::BadCursor,
        Self::MovedOn,
        Self::KeyReused,
        Self::KeyInProgress,
        Self::KeyInDoubt,
        Self::TooMany,
        Self::TooManyStreams,
    ];

    /// Its last part of the address, its title, and what a program does about it.
    fn words(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::BadParameter => (
                "bad-parameter",
                "A parameter does not fit",
                "A parameter of the address is unknown, missing, given twice or not of the form that it has to have. \
                 `errors` names it. Mend the request; sent again as it is it fails again.",
            ),
            Self::BadBody => (
                "bad-body",
                "The body does not fit",
                "The body is no JSON, or a member of it is unknown, missing or not of the form that it has to have. \
                 `errors` points to it. Mend the request; sent again as it is it fails again.",
            ),
            Self::BadCursor => (
                "bad-cursor",
                "This is no cursor of this list",
                "Cursors come from the `next` of a page and are good for that list only. Begin without one.",
            ),
            Self::MovedOn => (
                "moved-on",
                "The case moved on",
                "`If-Match` named an earlier state of the case. Nothing was done. Read the case again, decide anew, and \
                 send the write with its new tag.",
            ),
            Self::KeyReused => (
                "key-reused",
                "The idempotency key came with another request",
                "An Idempotency-Key stands for one request. Nothing was done. Use a new key for a new request.",
            ),
            Self::KeyInProgress => (
                "key-in-progress",
                "The request is being dealt with",
                "A request with the same Idempotency-Key has not been answered yet. Send it again a little later.",
            ),
            Self::KeyInDoubt => (
                "key-in-doubt",
                "The request may have been dealt with",
                "The bridge was stopped while it dealt with a request with this Idempotency-Key. It is not done a second \
                 time: look whether it took effect, and use a new key if it did not.",
            ),
            Self::TooMany => (
                "too-many-requests",
                "Too many requests",
                "This token has used up its requests for now. `Retry-After` says in how many seconds there are some again.",
            ),
            Self::TooManyStreams => (
                "too-many-streams",
                "Too many streams of events",
                "Whoever asks holds as many streams of events open as it may (429), or everybody together does (503). Close one \
                 that is not needed, or come back after `Retry-After`. One stream at /api/v1/events tells of all cases.",
            ),
        }
    }
}

impl Problem {
    /// What went wrong, and what the caller can do.
    pub(crate) fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        let detail = detail.into();
        Self { status, detail, kind: None, errors: Vec::new(), scheme: "Bearer", retry_after: None }
    }

    /// Of this kind.
    pub(crate) fn of_kind(self, kind: Kind) -> Self {
        Self { kind: Some(kind), ..self }
    }

    /// About this parameter.
    pub(crate) fn at_parameter(mut self, name: &str) -> Self {
        self.errors.push(Misfit {
            detail: self.detail.clone(),
            pointer: None,
            parameter: Some(name.to_owned()),
        });
        self
    }

    /// About this member of the body, as RFC 6901 names it.
    pub(crate) fn at_member(mut self, pointer: &str) -> Self {
        self.errors.push(Misfit {
            detail: self.detail.clone(),
            pointer: Some(pointer.to_owned()),
            parameter: None,
        });
        self
    }

    /// Somebody who asks too often.
    pub(crate) fn slowed(wait: Duration) -> Self {
        let seconds = wait.as_secs().saturating_add(1);
        let detail = format!("this is too often: come back in {seconds} s");
        Self::new(StatusCode::TOO_MANY_REQUESTS, detail).of_kind(Kind::TooMany).retry_after(seconds)
    }

    /// Somebody for whose stream of events there is no place.
    pub(crate) fn crowded(full: Full) -> Self {
        let (status, detail) = match full {
            Full::Own(most) => {
                let detail = format!(
                    "{most} streams of events are open for you already, as many as may be: close one of them"
                );
                (StatusCode::TOO_MANY_REQUESTS, detail)
            }
            Full::All(most) => {
                let detail = format!(
                    "{most} streams of events are open already; come back when one of them has ended"
                );
                (StatusCode::SERVICE_UNAVAILABLE, detail)
            }
        };
        Self::new(status, detail).of_kind(Kind::TooManyStreams).retry_after(CROWDED_SECONDS)
    }

    /// To be tried again after so many seconds.
    pub(crate) fn retry_after(self, seconds: u64) -> Self {
        Self { retry_after: Some(seconds), ..self }
    }

    /// A parameter that is not of its form.
    pub(crate) fn bad_parameter(name: &str, why: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, why).of_kind(Kind::BadParameter).at_parameter(name)
    }

    /// A member of the body that is not of its form.
    pub(crate) fn bad_member(pointer: &str, why: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, why).of_kind(Kind::BadBody).at_member(pointer)
    }

    /// Its status.
    pub(crate) fn status(&self) -> StatusCode {
        self.status
    }

    /// What went wrong, in words.
    pub(crate) fn detail(&self) -> &str {
        &self.detail
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

    fn document(&self, instance: Option<String>) -> ProblemDocument {
        let (kind, title) = match self.kind.map(Kind::words) {
            Some((name, title, _)) => (format!("{KINDS}{name}"), title),
            None => ("about:blank".to_owned(), self.status.canonical_reason().unwrap_or("Error")),
        };
        ProblemDocument {
            kind,
            title: title.to_owned(),
            status: self.status.as_u16(),
            detail: self.detail.clone(),
            instance,
            errors: self.errors.clone(),
        }
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

impl From<BytesRejection> for Problem {
    fn from(rejection: BytesRejection) -> Self {
        Self::new(rejection.status(), rejection.body_text())
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body = serde_json::to_string(&self.document(None)).unwrap_or_default();
        let mut response = (self.status, [(header::CONTENT_TYPE, MEDIA_TYPE)], body).into_response();
        // What HTTP asks for beside such an answer.
        if self.status == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(self.scheme));
        }
        let usual = (self.status == StatusCode::SERVICE_UNAVAILABLE).then_some(5);
        if let Some(seconds) = self.retry_after.or(usual) {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response.extensions_mut().insert(self);
        response
    }
}

/// Says in a problem which address was asked. Whoever sends a webhook is told the same whatever it asked.
pub(crate) async fn place(request: Request, next: Next) -> Response {
    let path = request.uri().path().to_owned();
    let response = next.run(request).await;
    if path.starts_with("/webhooks/") {
        return response;
    }
    let Some(problem) = response.extensions().get::<Problem>() else { return response };
    let body = serde_json::to_string(&problem.document(Some(path))).unwrap_or_default();
    let (mut parts, _) = response.into_parts();
    parts.headers.remove(header::CONTENT_LENGTH);
    Response::from_parts(parts, body.into())
}

/// What a kind of problem is, in words.
pub(crate) async fn explain(Path(name): Path<String>) -> Result<String, Problem> {
    std::future::ready(()).await;
    let found = Kind::ALL.map(Kind::words).into_iter().find(|(known, ..)| *known == name);
    let (_, title, words) =
        found.ok_or_else(|| Problem::new(StatusCode::NOT_FOUND, "there is no such kind of problem"))?;
    Ok(format!("{title}\n\n{words}\n"))
}

/// How a problem of this status is published.
pub(super) fn described(context: &mut GenContext, status: u16) -> Described {
    let words = match status {
        400 => "The request is not of the form that this takes.",
        401 => "The caller did not show who it is.",
        403 => "The caller has not the right that this asks for.",
        404 => "There is nothing of that name.",
        408 => "The body did not arrive in time.",
        409 => "As things stand this cannot be done.",
        412 => "The case moved on since it was read.",
        413 => "The body is too large.",
        415 => "The body is no JSON.",
        422 => "The body is JSON, and not what this takes.",
        429 => "The token has used up its requests for now, or holds as many streams open as it may.",
        502 => "A system did not answer as it should.",
        503 => "The bridge is stopping, or has too much to do.",
        _ => "The bridge could not do this.",
    };
    let schema = SchemaObject {
        json_schema: context.schema.subschema_for::<ProblemDocument>(),
        external_docs: None,
        example: None,
    };
    let media = MediaType { schema: Some(schema), ..MediaType::default() };
    let mut described = Described {
        description: words.to_owned(),
        content: [(MEDIA_TYPE.to_owned(), media)].into_iter().collect(),
        ..Described::default()
    };
    let header = match status {
        401 => Some(("WWW-Authenticate", "How to show who one is.")),
        429 | 503 => Some(("Retry-After", "In how many seconds to come back.")),
        _ => None,
    };
    described.headers.extend(header.map(|(name, words)| (name.to_owned(), header_of(words))));
    described
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
