//! `/healthz`, `/readyz`, `/metrics`, and how each system answers.

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};

use throughline_sdk::layer::CircuitState;
use throughline_sdk::{SystemName, Timestamp};

use super::Api;
use super::access::May;
use super::problem::Problem;
use crate::identity::Look;
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
    if shared.has_failed() || shared.supervisor.is_stopping() {
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

/// How every system answered last.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Systems {
    /// The systems, by name.
    systems: Vec<SystemLine>,
}

/// How a system answered last.
#[derive(Debug, Serialize, JsonSchema)]
struct SystemLine {
    /// Its name.
    #[schemars(with = "String")]
    name: SystemName,
    /// Its kind.
    kind: String,
    /// Whose it is.
    party: String,
    /// Whether it is called: `closed`, `open` or `halfopen`, as a fuse is.
    circuit: String,
    /// When it answered well last.
    well: Option<Timestamp>,
    /// What went wrong last.
    error: Option<LastError>,
}

/// What went wrong with a system.
#[derive(Debug, Serialize, JsonSchema)]
struct LastError {
    /// When.
    at: Timestamp,
    /// In words.
    message: String,
}

/// How each system answered last.
pub(super) async fn systems(State(api): State<Api>, _: May<Look>) -> Result<Json<Systems>, Problem> {
    std::future::ready(()).await;
    let systems = api
        .bridge
        .shared()
        .systems
        .values()
        .map(|system| {
            let state = system.state.get();
            SystemLine {
                name: system.name.clone(),
                kind: system.connector.kind().to_owned(),
                party: system.party.to_string(),
                circuit: format!("{:?}", system.circuit.state()).to_lowercase(),
                well: state.well,
                error: state.error.map(|(at, error)| LastError { at, message: error.to_string() }),
            }
        })
        .collect();
    Ok(Json(Systems { systems }))
}
