//! Reading a body: its type, its size, its JSON.

use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, StatusCode, header};
use serde_json::Value;

use super::edition::Edition;
use super::refusal::Refusal;
use super::visitor::Visitor;

/// How long a body may take to arrive.
const PATIENCE: Duration = Duration::from_secs(30);
/// What a body may hold beside a file.
const REST: u64 = 1024 * 1024;

/// How a body says what is to become of a thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Means {
    /// A document, or part of one.
    Document,
    /// Operations of JSON Patch.
    Operations,
}

/// What a new thing's body means.
pub(super) fn of_new(headers: &HeaderMap) -> Result<(), Refusal> {
    match media(headers) {
        Some("application/json") => Ok(()),
        _ => Err(Refusal::bad("the body has to be application/json")),
    }
}

/// What a change's body means.
pub(super) fn of_change(headers: &HeaderMap, edition: Edition) -> Result<Means, Refusal> {
    match (media(headers), edition) {
        (Some("application/json" | "application/merge-patch+json"), _) => Ok(Means::Document),
        (Some("application/json-patch+json" | "application/json-patch-query+json"), Edition::V5) => {
            Ok(Means::Operations)
        }
        (_, Edition::V4) => Err(Refusal::bad("the body has to be application/json")),
        (_, Edition::V5) => Err(Refusal::bad(
            "the body has to be application/json, or merge-patch+json, json-patch+json or json-patch-query+json of \
             application/",
        )),
    }
}

fn media(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(header::CONTENT_TYPE).iter();
    let value = values.next().filter(|_| values.next().is_none())?.to_str().ok()?;
    value.split(';').next().map(str::trim)
}

/// The JSON of a body.
pub(super) async fn json(visitor: &Visitor, body: Body) -> Result<Value, Refusal> {
    // Base 64 makes four bytes of three.
    let most = visitor.desk.settings().max_file_bytes.saturating_mul(4) / 3 + REST;
    let read = to_bytes(body, usize::try_from(most).unwrap_or(usize::MAX));
    let bytes = tokio::select! {
        biased;
        read = read => read.map_err(|error| {
            tracing::debug!(%error, "A partner's body could not be read.");
            Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, format!("the body did not arrive whole, or has more than {most} bytes"))
        })?,
        () = visitor.desk.clock().sleep(PATIENCE) => {
            return Err(Refusal::new(StatusCode::REQUEST_TIMEOUT, "the body did not arrive in time"));
        }
    };
    serde_json::from_slice(&bytes).map_err(|error| {
        Refusal::bad(format!("the body is no JSON at line {} column {}", error.line(), error.column()))
    })
}
