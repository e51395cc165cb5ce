//! `/healthz`, `/readyz` and `/metrics`.

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use throughline_sdk::layer::CircuitState;

use super::Api;
use super::problem::Problem;
use crate::store::Index;
use crate::telemetry::metrics::{Answers, MEDIA_TYPE};

/// The process runs and its ledger can be written.
pub(super) async fn alive(State(api): State<Api>) -> Result<Json<Value>, Problem> {
    std::future::ready(()).await;
    if api.bridge.shared().has_failed() {
        let detail = "the ledger could not be written; the daemon has to be restarted";
        return Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, detail));
    }
    Ok(Json(json!({ "status": "well" })))
}

/// Webhooks are taken.
pub(super) async fn ready(State(api): State<Api>) -> Result<Json<Value>, Problem> {
    let shared = api.bridge.shared();
    if !shared.takes_webhooks().await {
        return Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, "the bridge is stopping"));
    }
    let counts = shared.journal.read(Index::counts).await.map_err(|error| Problem::internal(&error))?;
    Ok(Json(json!({
        "status": "ready",
        "cases": counts.cases,
        "working": counts.working,
        "parked": counts.parked,
        "hints": counts.hints,
        "lanes": shared.lanes_busy(),
        "alarms": shared.watching.alarms(),
    })))
}

/// Prometheus text.
pub(super) async fn metrics(State(api): State<Api>) -> Result<Response, Problem> {
    let shared = api.bridge.shared();
    let counts = shared.journal.read(Index::counts).await.map_err(|error| Problem::internal(&error))?;
    shared.metrics.cases("all", counts.cases);
    shared.metrics.cases("working", counts.working);
    shared.metrics.cases("parked", counts.parked);
    shared.metrics.work(shared.lanes_busy(), counts.hints);
    shared.metrics.watched(&shared.watching.all());
    for system in shared.systems.values() {
        let state = system.state.get();
        let answers = Answers {
            open_circuit: system.circuit.state() != CircuitState::Closed,
            failing: state.error.is_some(),
            well: state.well,
        };
        shared.metrics.answers(&system.name, answers);
    }
    Ok(([(header::CONTENT_TYPE, MEDIA_TYPE)], shared.metrics.text()).into_response())
}
