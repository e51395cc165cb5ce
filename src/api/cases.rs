//! The interface of the command line beside a running daemon: cases, traces, and what is parked.

use axum::Json;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};
use throughline_sdk::TicketRef;

use super::Api;
use super::access::May;
use super::problem::Problem;
use super::view::{self, CaseLine, ParkedLine, Trace};
use crate::case::{Case, CaseId, HintSource};
use crate::identity::{Look, Operate};
use crate::intake;
use crate::store::{Agreed, Index};

/// Most cases in one answer.
pub(crate) const PAGE: usize = 1000;

/// Where a page of cases begins.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PageQuery {
    pub(super) after: Option<String>,
    pub(super) limit: Option<usize>,
}

pub(super) async fn list(
    State(api): State<Api>,
    _: May<Look>,
    query: Result<Query<PageQuery>, QueryRejection>,
) -> Result<Json<Vec<CaseLine>>, Problem> {
    let Query(query) = query?;
    let after = query.after.as_deref().map_or(Ok(CaseId(0)), parse_case)?;
    let limit = query.limit.unwrap_or(PAGE).min(PAGE);
    let cases = read(&api, move |index| index.cases(after, limit)).await?;
    Ok(Json(cases.iter().map(CaseLine::of).collect()))
}

pub(super) async fn show(
    State(api): State<Api>,
    _: May<Look>,
    case: Result<Path<String>, PathRejection>,
) -> Result<Json<CaseLine>, Problem> {
    let case = named(&api, &case?).await?;
    Ok(Json(CaseLine::of(&case)))
}

pub(super) async fn trace(
    State(api): State<Api>,
    _: May<Look>,
    name: Result<Path<String>, PathRejection>,
) -> Result<Json<Trace>, Problem> {
    let case = named(&api, &name?).await?;
    let records =
        api.bridge.shared().journal.timeline(&case).await.map_err(|error| Problem::internal(&error))?;
    let mut trace = Trace::of(&case, &records);
    super::reference::mark(api.bridge.shared(), &case, &mut trace.case).await?;
    Ok(Json(trace))
}

pub(super) async fn parked(
    State(api): State<Api>,
    _: May<Look>,
    query: Result<Query<PageQuery>, QueryRejection>,
) -> Result<Json<Vec<ParkedLine>>, Problem> {
    let Query(query) = query?;
    let after = query.after.as_deref().map_or(Ok(CaseId(0)), parse_case)?;
    let limit = query.limit.unwrap_or(PAGE).min(PAGE);
    let lines = read(&api, move |index| view::parked(index, after, limit)).await?;
    Ok(Json(lines))
}

/// Every version of an agreement that was ever in force.
pub(super) async fn agreements(State(api): State<Api>, _: May<Look>) -> Result<Json<Vec<Agreed>>, Problem> {
    Ok(Json(read(&api, Index::agreed).await?))
}

/// An operator's nudge: the ticket is read afresh.
pub(super) async fn refresh(
    State(api): State<Api>,
    _: May<Operate>,
    name: Result<Path<String>, PathRejection>,
) -> Result<(StatusCode, Json<Value>), Problem> {
    let case = named(&api, &name?).await?;
    let shared = api.bridge.shared();
    for (system, leg) in &case.legs {
        let Some(ticket) = leg.ticket.clone() else { continue };
        let ticket = TicketRef::new(system.clone(), ticket);
        intake::operator(shared, ticket, HintSource::Operator)
            .await
            .map_err(|error| Problem::internal(&error))?;
    }
    Ok((StatusCode::ACCEPTED, Json(json!({ "case": case.id.to_string() }))))
}

pub(super) async fn named(api: &Api, name: &str) -> Result<Case, Problem> {
    let wanted = name.to_owned();
    let case = read(api, move |index| view::find(index, &wanted)).await?;
    case.ok_or_else(|| Problem::new(StatusCode::NOT_FOUND, format!("no case has the id or ticket {name}")))
}

pub(super) async fn read<T: Send + 'static>(
    api: &Api,
    f: impl FnOnce(&Index) -> Result<T, crate::store::Error> + Send + 'static,
) -> Result<T, Problem> {
    api.bridge.shared().journal.read(f).await.map_err(|error| Problem::internal(&error))
}

pub(super) fn parse_case(text: &str) -> Result<CaseId, Problem> {
    text.parse().map_err(|why: String| Problem::new(StatusCode::BAD_REQUEST, why))
}
