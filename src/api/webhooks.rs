//! `POST /webhooks/{system}`: answered 202 once what it hints at is durable.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use serde_json::{Value, json};
use throughline_sdk::{ErrorKind, RawWebhook, SystemName};

use super::Api;
use super::problem::Problem;
use crate::intake;

pub(super) async fn take(
    State(api): State<Api>,
    Path(system): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Bytes,
) -> Result<(StatusCode, Json<Value>), Problem> {
    let shared = api.bridge.shared();
    let received = shared.clock.now();
    let webhook = RawWebhook { headers, query: query.unwrap_or_default(), body, received };
    match intake::webhook(shared, &SystemName::new(system), &webhook).await {
        Ok(hints) => Ok((StatusCode::ACCEPTED, Json(json!({ "hints": hints })))),
        Err(refusal) => Err(problem(&refusal)),
    }
}

fn problem(refusal: &intake::Refusal) -> Problem {
    let status = match refusal.kind() {
        None => StatusCode::SERVICE_UNAVAILABLE,
        Some(ErrorKind::Unauthenticated | ErrorKind::Forbidden) => StatusCode::UNAUTHORIZED,
        Some(ErrorKind::NotFound) => StatusCode::NOT_FOUND,
        Some(ErrorKind::Unsupported) => StatusCode::NOT_IMPLEMENTED,
        Some(
            ErrorKind::Unavailable
            | ErrorKind::RateLimited
            | ErrorKind::Conflict
            | ErrorKind::Moved
            | ErrorKind::Rejected
            | ErrorKind::Malformed
            | ErrorKind::Misconfigured,
        ) => StatusCode::BAD_REQUEST,
    };
    tracing::info!(error = %refusal, status = status.as_u16(), "A webhook was refused.");
    // Whoever cannot authenticate learns nothing about why.
    let detail = if status == StatusCode::UNAUTHORIZED {
        "the webhook's signature is not good".into()
    } else {
        refusal.to_string()
    };
    Problem::new(status, detail)
}
