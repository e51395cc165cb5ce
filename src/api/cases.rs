//! The interface of the command line beside a running daemon: cases, traces, and what is parked.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use throughline_sdk::{SystemName, TicketRef};

use super::Api;
use super::access::May;
use super::answer::{Accepted, Known, Meant, Tagged};
use super::ask::{Asked, Body, Named};
use super::page::{self, Cursor, Limit, Page};
use super::parked::{self, Discarded, What};
use super::problem::Problem;
use super::view::{self, CaseLine, ParkedLine, ParkedPlace, Trace};
use crate::case::{Case, HintSource, Seen};
use crate::identity::{Look, Operate, Principal};
use crate::intake;
use crate::store::{Agreed, Index};

/// Which case.
#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct CaseName {
    /// The case's id, as `TL-1042`, or one of its tickets, as `SYSTEM:KEY`.
    #[schemars(extend("format" = "case"))]
    pub(super) case: String,
}

/// Where a page of a list begins, and how long it may be.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Paging {
    /// How many items at most.
    #[serde(default)]
    pub(super) limit: Limit,
    /// Where the page begins, as `next` of the page before says.
    #[serde(default)]
    pub(super) cursor: Option<Cursor>,
}

/// What of a case is meant, for retry and discard.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ParkedName {
    /// The case.
    #[schemars(extend("format" = "case"))]
    case: String,
    /// The leg's system.
    #[schemars(with = "String")]
    system: SystemName,
    /// The parked item.
    item: String,
    /// Why it is given up, for whoever reads the record.
    #[serde(default)]
    reason: String,
}

/// What was done with a parked item.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Unparked {
    /// The case.
    case: String,
    /// Whether it was given up; else it is tried again.
    discarded: bool,
}

/// What is read afresh.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Refreshed {
    /// The case.
    case: String,
}

pub(super) async fn show(
    State(api): State<Api>,
    may: May<Look>,
    Named(CaseName { case }): Named<CaseName>,
    known: Known,
) -> Result<Tagged<CaseLine>, Problem> {
    let case = named(&api, &case).await?;
    may.looks(&api, Seen::Case, Some(case.id)).await?;
    known.answer(&case, &CaseLine::of(&case))
}

pub(super) async fn trace(
    State(api): State<Api>,
    may: May<Look>,
    Named(CaseName { case }): Named<CaseName>,
    known: Known,
) -> Result<Tagged<Trace>, Problem> {
    let case = named(&api, &case).await?;
    may.looks(&api, Seen::Trace, Some(case.id)).await?;
    let records =
        api.bridge.shared().journal.timeline(&case).await.map_err(|error| Problem::internal(&error))?;
    let mut trace = Trace::of(&case, &records);
    super::reference::mark(api.bridge.shared(), &case, &mut trace.case).await?;
    known.answer(&case, &trace)
}

pub(super) async fn waiting(
    State(api): State<Api>,
    _: May<Look>,
    query: Asked<Paging>,
) -> Result<Page<ParkedLine>, Problem> {
    let after: Option<ParkedPlace> = query.asked.cursor.as_ref().map(Cursor::place).transpose()?;
    let limit = query.asked.limit.items();
    let mut lines = read(&api, move |index| view::parked(index, after.as_ref(), limit + 1)).await?;
    let is_last = lines.len() <= limit;
    lines.truncate(limit);
    let next = if is_last { None } else { lines.last().and_then(ParkedLine::place) };
    query.page(lines, next)
}

/// Every version of an agreement that was ever in force.
pub(super) async fn agreements(
    State(api): State<Api>,
    _: May<Look>,
    query: Asked<Paging>,
) -> Result<Page<Agreed>, Problem> {
    let all = read(&api, Index::agreed).await?;
    page::of_all(&query, query.asked.limit, query.asked.cursor.as_ref(), all)
}

pub(super) async fn retry(
    State(api): State<Api>,
    may: May<Operate>,
    meant: Meant,
    Body(name): Body<ParkedName>,
) -> Result<Json<Unparked>, Problem> {
    unpark(&api, &may.principal, (&meant, name), What::Retry).await
}

pub(super) async fn discard(
    State(api): State<Api>,
    may: May<Operate>,
    meant: Meant,
    Body(name): Body<ParkedName>,
) -> Result<Json<Unparked>, Problem> {
    unpark(&api, &may.principal, (&meant, name), What::Discard).await
}

/// An operator's nudge: the ticket is read afresh.
pub(super) async fn refresh(
    State(api): State<Api>,
    _: May<Operate>,
    Named(CaseName { case }): Named<CaseName>,
) -> Result<Accepted<Refreshed>, Problem> {
    let case = named(&api, &case).await?;
    let shared = api.bridge.shared();
    for (system, leg) in &case.legs {
        let Some(ticket) = leg.ticket.clone() else { continue };
        let ticket = TicketRef::new(system.clone(), ticket);
        intake::operator(shared, ticket, HintSource::Operator)
            .await
            .map_err(|error| Problem::internal(&error))?;
    }
    Ok(Accepted(Refreshed { case: case.id.to_string() }))
}

async fn unpark(
    api: &Api,
    by: &Principal,
    (meant, name): (&Meant, ParkedName),
    what: What,
) -> Result<Json<Unparked>, Problem> {
    meant.holds(&named(api, &name.case).await?)?;
    let ParkedName { case, system, item, reason } = name;
    let case = parked::unpark(api, by, Discarded { case, system, item, reason }, what).await?;
    Ok(Json(Unparked { case, discarded: what == What::Discard }))
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
