//! The interface of the command line beside a running daemon: cases, traces, and what is parked.

use axum::Json;
use axum::extract::rejection::{JsonRejection, PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use throughline_sdk::{SystemName, TicketRef};
use tokio::sync::oneshot;

use super::Api;
use super::access::May;
use super::problem::Problem;
use super::view::{self, CaseLine, ParkedLine, Trace};
use crate::case::{Case, CaseId, Fact, HintSource, Item, Seen};
use crate::deliver::Nudge;
use crate::identity::{Look, Operate};
use crate::intake;
use crate::store::{Agreed, Index};

/// Most cases in one answer.
pub(super) const PAGE: usize = 1000;

/// Where a page of cases begins.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PageQuery {
    pub(super) after: Option<String>,
    pub(super) limit: Option<usize>,
}

/// What of a case is meant, for retry and discard.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ParkedName {
    /// The case.
    case: String,
    /// The leg's system.
    system: SystemName,
    /// The parked item.
    item: String,
}

pub(super) async fn show(
    State(api): State<Api>,
    may: May<Look>,
    case: Result<Path<String>, PathRejection>,
) -> Result<Json<CaseLine>, Problem> {
    let case = named(&api, &case?).await?;
    may.looks(&api, Seen::Case, Some(case.id)).await?;
    Ok(Json(CaseLine::of(&case)))
}

pub(super) async fn trace(
    State(api): State<Api>,
    may: May<Look>,
    name: Result<Path<String>, PathRejection>,
) -> Result<Json<Trace>, Problem> {
    let case = named(&api, &name?).await?;
    may.looks(&api, Seen::Trace, Some(case.id)).await?;
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

pub(super) async fn retry(
    State(api): State<Api>,
    _: May<Operate>,
    name: Result<Json<ParkedName>, JsonRejection>,
) -> Result<Json<Value>, Problem> {
    unpark(&api, name?.0, false).await
}

pub(super) async fn discard(
    State(api): State<Api>,
    _: May<Operate>,
    name: Result<Json<ParkedName>, JsonRejection>,
) -> Result<Json<Value>, Problem> {
    unpark(&api, name?.0, true).await
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

async fn unpark(api: &Api, name: ParkedName, discarded: bool) -> Result<Json<Value>, Problem> {
    let case = named(api, &name.case).await?;
    let item = Item::try_from(name.item).map_err(|why| Problem::new(StatusCode::BAD_REQUEST, why))?;
    if !case.legs.get(&name.system).is_some_and(|leg| leg.parked.contains_key(&item)) {
        let detail = format!("nothing named {item} is parked in {} on {}", case.id, name.system);
        return Err(Problem::new(StatusCode::NOT_FOUND, detail));
    }
    let shared = api.bridge.shared();
    let (done, durable) = oneshot::channel();
    let fact = Box::new(Fact::Unparked { leg: name.system, item, discarded });
    shared.lanes.nudge_case(shared, case.id, Nudge::Command { fact, done });
    durable
        .await
        .map_err(|_closed| Problem::new(StatusCode::SERVICE_UNAVAILABLE, "the bridge is stopping"))?;
    Ok(Json(json!({ "case": case.id.to_string(), "discarded": discarded })))
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
