//! What differs between tickets and cases, looked for over many of them, and the ones that are to be mended.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use throughline_sdk::{SystemName, TicketRef};

use super::Api;
use super::access::May;
use super::answer::{Accepted, Done};
use super::ask::Body;
use super::cases::named;
use super::problem::Problem;
use crate::case::HintSource;
use crate::deliver::{Look as Looked, Scope};
use crate::identity::{Look, Operate, Principal};
use crate::intake;

/// The most cases that are mended at a time.
const MOST: usize = 1000;

/// Which cases are to be mended.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "MendAsked")]
pub struct Mended {
    /// The cases.
    #[schemars(
        length(min = 1, max = 1000),
        extend("items" = serde_json::json!({ "type": "string", "format": "case" }))
    )]
    pub cases: Vec<String>,
}

/// The cases that are mended.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Mending {
    /// Their ids.
    cases: Vec<String>,
}

pub(super) async fn show(State(api): State<Api>, _: May<Look>) -> Result<Json<Option<Looked>>, Problem> {
    std::future::ready(()).await;
    Ok(Json(api.bridge.shared().drift.last()))
}

pub(super) async fn begin(
    State(api): State<Api>,
    may: May<Operate>,
    Body(scope): Body<Scope>,
) -> Result<Accepted<Looked>, Problem> {
    look(&api, &may.principal, scope).await.map(Accepted)
}

pub(super) async fn stop(State(api): State<Api>, may: May<Operate>) -> Result<Done, Problem> {
    std::future::ready(()).await;
    end(&api, &may.principal);
    Ok(Done)
}

pub(super) async fn repair(
    State(api): State<Api>,
    _: May<Operate>,
    Body(mended): Body<Mended>,
) -> Result<Accepted<Mending>, Problem> {
    let cases = mend(&api, &mended.cases).await?;
    Ok(Accepted(Mending { cases }))
}

/// Begins a look.
pub(crate) async fn look(api: &Api, by: &Principal, scope: Scope) -> Result<Looked, Problem> {
    let shared = api.bridge.shared();
    if let Some(system) = scope.system.as_ref().filter(|system| !shared.systems.contains_key(*system)) {
        let names: Vec<&str> = shared.systems.keys().map(SystemName::as_str).collect();
        let detail = format!("no system is called {system}; these are configured: {}", names.join(", "));
        return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, detail));
    }
    if scope.sample == Some(0) {
        return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "a sample has at least one case"));
    }
    let begun = shared.look_for_drift(&by.name, scope).await.map_err(|error| Problem::internal(&error))?;
    begun.ok_or_else(|| {
        Problem::new(StatusCode::CONFLICT, "a look for drift goes on already: wait for its end, or stop it")
    })
}

/// Ends the look that goes on.
pub(crate) fn end(api: &Api, by: &Principal) {
    let shared = api.bridge.shared();
    shared.drift.stop(&format!("stopped by {}", by.name), shared.clock.now());
}

/// Has every ticket of these cases read, and what differs mended in their lanes.
pub(crate) async fn mend(api: &Api, cases: &[String]) -> Result<Vec<String>, Problem> {
    if cases.is_empty() || cases.len() > MOST {
        let detail = format!("name between one and {MOST} cases");
        return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, detail));
    }
    // All or none: a misspelt name must not hide behind those that were done.
    let mut known = Vec::with_capacity(cases.len());
    for name in cases {
        known.push(named(api, name).await?);
    }
    let shared = api.bridge.shared();
    for case in &known {
        for (system, leg) in &case.legs {
            let Some(ticket) = leg.ticket.clone() else { continue };
            let ticket = TicketRef::new(system.clone(), ticket);
            let hinted = intake::operator(shared, ticket, HintSource::Operator).await;
            hinted.map_err(|error| Problem::internal(&error))?;
        }
    }
    Ok(known.iter().map(|case| case.id.to_string()).collect())
}
