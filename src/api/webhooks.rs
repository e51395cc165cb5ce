//! `POST /webhooks/{system}`: answered 202 once what it hints at is durable.

use std::time::Duration;

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::PathRejection;
use axum::extract::{FromRequest, Path, RawQuery, Request, State};
use axum::http::{HeaderMap, StatusCode};
use serde_json::{Value, json};
use throughline_sdk::{ErrorKind, RawWebhook, SystemName};

use super::Api;
use super::problem::Problem;
use crate::intake;

/// How long a webhook's body may take to arrive. Nobody has shown who they are before its end.
const BODY: Duration = Duration::from_secs(30);

pub(super) async fn take(
    State(api): State<Api>,
    system: Result<Path<String>, PathRejection>,
    query: RawQuery,
    headers: HeaderMap,
    request: Request,
) -> Result<(StatusCode, Json<Value>), Problem> {
    let Path(system) = system?;
    taken(&api, system, query, headers, request).await
}

/// An event below the address of a webhook, where TM Forum's hubs send each to a listener of its own.
pub(super) async fn take_event(
    State(api): State<Api>,
    names: Result<Path<(String, String)>, PathRejection>,
    query: RawQuery,
    headers: HeaderMap,
    request: Request,
) -> Result<(StatusCode, Json<Value>), Problem> {
    let Path((system, _)) = names?;
    taken(&api, system, query, headers, request).await
}

async fn taken(
    api: &Api,
    system: String,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    request: Request,
) -> Result<(StatusCode, Json<Value>), Problem> {
    let shared = api.bridge.shared();
    let body = tokio::select! {
        biased;
        body = Bytes::from_request(request, &()) => body?,
        () = shared.clock.sleep(BODY) => {
            let detail = format!("the body did not arrive within {} s", BODY.as_secs());
            return Err(Problem::new(StatusCode::REQUEST_TIMEOUT, detail));
        }
    };
    let (received, began) = (shared.clock.now(), shared.clock.monotonic());
    let webhook = RawWebhook { headers, query: query.unwrap_or_default(), body, received };
    match intake::webhook(shared, &SystemName::new(system), &webhook).await {
        Ok(hints) => {
            shared.metrics.webhook(shared.clock.monotonic().saturating_sub(began));
            Ok((StatusCode::ACCEPTED, Json(json!({ "hints": hints }))))
        }
        Err(refusal) => {
            shared.metrics.webhook_refused(match refusal.kind() {
                Some(ErrorKind::NotFound) => "unknown_system",
                Some(ErrorKind::Unauthenticated | ErrorKind::Forbidden) => "unsigned",
                None => "unavailable",
                Some(
                    ErrorKind::Unsupported
                    | ErrorKind::Unavailable
                    | ErrorKind::RateLimited
                    | ErrorKind::Conflict
                    | ErrorKind::Moved
                    | ErrorKind::Rejected
                    | ErrorKind::Malformed
                    | ErrorKind::Misconfigured,
                ) => "malformed",
            });
            Err(problem(&refusal))
        }
    }
}

fn problem(refusal: &intake::Refusal) -> Problem {
    let status = match refusal.kind() {
        None => StatusCode::SERVICE_UNAVAILABLE,
        // Whether there is such a system, and whether it takes webhooks, is told to nobody who cannot sign for it:
        // a partner would learn the names of others.
        Some(
            ErrorKind::Unauthenticated | ErrorKind::Forbidden | ErrorKind::NotFound | ErrorKind::Unsupported,
        ) => StatusCode::UNAUTHORIZED,
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
    if status == StatusCode::UNAUTHORIZED {
        return Problem::unsigned();
    }
    Problem::new(status, refusal.to_string())
}
