//! What our own agents do for a portal that only people reach: see what is to be carried over, record what it says.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use throughline_sdk::{RemoteId, SystemName, TicketRef, Timestamp};
use tokio::sync::oneshot;

use super::Api;
use super::access::May;
use super::ask::{Asked, Body};
use super::page::{self, Cursor, Limit, Page};
use super::problem::Problem;
use super::tmf621::record::{self, Entry, Refused};
use super::view::CaseLine;
use crate::case::Case;
use crate::daemon::Shared;
use crate::deliver::{Claimed, Claiming, Nudge};
use crate::desk::reference::{Errand, Terms};
use crate::desk::{Desk, Narrow, Record, Sort};
use crate::identity::{Look, Operate};
use crate::ledger;

/// Between two looks for tickets that have fallen silent.
const LOOKS: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(60));

/// What a ticket's status becomes when another takes its place.
const CLAIMED_STATUS: &str = "closed";

/// One ticket that our agents keep for a portal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct ReferenceLine {
    /// What it is called: `SYSTEM:` and the portal's number, or its own until that is recorded.
    pub ticket: String,
    /// The number that the portal gave it.
    pub number: Option<String>,
    /// The case.
    pub case: Option<String>,
    /// Its title.
    pub title: String,
    /// Its status, as last recorded or wished for.
    pub status: String,
    /// When something of the portal's was last recorded.
    pub heard: Timestamp,
    /// Since when the portal is silent, if that is for longer than it may be.
    pub silent_since: Option<Timestamp>,
    /// The change that this line shows: by it what is listed here is marked as carried over.
    pub at: u64,
    /// What is to be carried over.
    pub errands: Vec<Errand>,
}

/// Which tickets are listed.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Which {
    /// How many tickets at most.
    #[serde(default)]
    limit: Limit,
    /// Where the page begins, as `next` of the page before says.
    #[serde(default)]
    cursor: Option<Cursor>,
    /// Those that have fallen silent, only.
    #[serde(default)]
    silent: bool,
    /// Those too that are done.
    #[serde(default)]
    all: bool,
}

/// What is recorded of a ticket.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Recorded {
    /// The ticket, as `SYSTEM:KEY`.
    pub(crate) ticket: String,
    /// What.
    pub(crate) entry: Entry,
}

pub(super) async fn list(
    State(api): State<Api>,
    _: May<Look>,
    query: Asked<Which>,
) -> Result<Page<ReferenceLine>, Problem> {
    let which = &query.asked;
    let shared = api.bridge.shared();
    let mut lines = Vec::new();
    for desk in &shared.northbound.references {
        for (number, record) in all(desk).await? {
            let line = line(shared, desk, number, &record)?;
            let wanted = match which.silent {
                true => line.silent_since.is_some(),
                false => which.all || record.is_open() || !line.errands.is_empty(),
            };
            if wanted {
                lines.push(line);
            }
        }
    }
    page::of_all(&query, which.limit, which.cursor.as_ref(), lines)
}

/// A ticket elsewhere that takes the place of one that our agents kept.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ClaimAsked {
    /// The ticket that our agents kept, as `SYSTEM:KEY`.
    pub(crate) ticket: String,
    /// The other one, as `SYSTEM:ID`.
    pub(crate) by: String,
    /// What a person confirms of an answer before.
    pub(crate) confirmed: Option<String>,
}

pub(super) async fn claim(
    State(api): State<Api>,
    _: May<Operate>,
    Body(ClaimAsked { ticket, by, confirmed }): Body<ClaimAsked>,
) -> Result<Json<Claimed>, Problem> {
    let shared = api.bridge.shared();
    let (desk, number) = named(shared, &ticket).await?;
    let own = TicketRef::new(desk.name().clone(), RemoteId::new(number.to_string()));
    let case = shared.case_of(&own).map_err(|error| Problem::internal(&error))?;
    let case = case.ok_or_else(|| {
        Problem::new(
            StatusCode::CONFLICT,
            format!("{ticket} belongs to no case, so that nothing can take its place"),
        )
    })?;
    let (system, id) = split(&by)?;
    let to = TicketRef::new(SystemName::new(system), RemoteId::new(id));
    let claiming = Claiming { from: desk.name().clone(), to, confirmed };
    let (answer, answered) = oneshot::channel();
    shared.lanes.nudge_case(shared, case, Nudge::Claim { claiming, answer });
    let answer = answered
        .await
        .map_err(|_closed| Problem::new(StatusCode::SERVICE_UNAVAILABLE, "the bridge is stopping"))?;
    let claimed = answer.map_err(|reason| Problem::new(StatusCode::CONFLICT, reason))?;
    if claimed.done {
        // Nobody has to look after it any more. Its case is elsewhere, so that this is told to nobody.
        record::record(shared, desk, number, Entry::Status(CLAIMED_STATUS.to_owned()))
            .await
            .map_err(refused)?;
    }
    Ok(Json(claimed))
}

pub(super) async fn enter(
    State(api): State<Api>,
    _: May<Operate>,
    Body(Recorded { ticket, entry }): Body<Recorded>,
) -> Result<Json<ReferenceLine>, Problem> {
    let shared = api.bridge.shared();
    let (desk, number) = named(shared, &ticket).await?;
    let own = TicketRef::new(desk.name().clone(), RemoteId::new(number.to_string()));
    // A status crosses to nobody any more, but ends the reminders.
    let is_status = matches!(entry, Entry::Status(_));
    if let Some(by) = claimed_by(shared, &own)?.filter(|_| !is_status) {
        let message =
            format!("{ticket} was claimed by {by}: what is said belongs there, and nothing was recorded");
        return Err(Problem::new(StatusCode::CONFLICT, message));
    }
    let record = record::record(shared, desk, number, entry).await.map_err(refused)?;
    Ok(Json(line(shared, desk, number, &record)?))
}

/// The desk and the number of a ticket that is named as `SYSTEM:KEY`.
async fn named<'s>(shared: &'s Shared, ticket: &str) -> Result<(&'s Desk, u64), Problem> {
    let not_found = |message: String| Problem::new(StatusCode::NOT_FOUND, message);
    let (system, key) = split(ticket)?;
    let mut desks = shared.northbound.references.iter();
    let desk = desks
        .find(|desk| desk.name().as_str() == system)
        .ok_or_else(|| not_found(format!("there is no system {system:?} of the kind reference")))?;
    let number = record::find(desk, key).await.map_err(refused)?;
    let number = number.ok_or_else(|| not_found(format!("{system} has no ticket {key:?}")))?;
    Ok((desk, number))
}

fn split(ticket: &str) -> Result<(&str, &str), Problem> {
    ticket.split_once(':').ok_or_else(|| {
        let message = format!("{ticket:?} names no ticket; write SYSTEM:KEY, as in portal:120231");
        Problem::new(StatusCode::NOT_FOUND, message)
    })
}

/// The tickets one of which took the place of this one, if its case has it no more.
fn claimed_by(shared: &Shared, ticket: &TicketRef) -> Result<Option<String>, Problem> {
    let internal = |error: &ledger::Error| Problem::internal(error);
    let Some(id) = shared.case_of(ticket).map_err(|error| internal(&error))? else { return Ok(None) };
    let case = shared.journal.look_up(|index| index.case(id)).map_err(|error| internal(&error))?;
    let case = case.filter(|case| case.former.get(&ticket.system) == Some(&ticket.id));
    Ok(case.map(|case| {
        let by = shared.rules.claims.iter().filter(|(_, from)| **from == ticket.system);
        let mut by = by.filter_map(|(to, _)| Some(format!("{to}:{}", case.legs.get(to)?.ticket.as_ref()?)));
        by.next().unwrap_or_else(|| case.id.to_string())
    }))
}

/// Marks the legs of a case whose portals are silent for longer than they may be.
pub(super) async fn mark(shared: &Shared, case: &Case, line: &mut CaseLine) -> Result<(), Problem> {
    for leg in &mut line.legs {
        let desk = shared.northbound.references.iter().find(|desk| *desk.name() == leg.system);
        let ticket = case.legs.get(&leg.system).and_then(|leg| leg.ticket.as_ref());
        let number = ticket.and_then(|ticket| ticket.as_str().parse().ok());
        let (Some(desk), Some(number)) = (desk, number) else { continue };
        let record = desk.read(Sort::Ticket, number).await.map_err(|error| Problem::internal(&error))?;
        leg.silent_since = record.and_then(|record| silent_since(desk, &record));
    }
    Ok(())
}

/// Begins to look for tickets that have fallen silent, and for what waits to be carried over.
pub(crate) fn start(shared: &Arc<Shared>) {
    for desk in &shared.northbound.references {
        shared.supervisor.spawn(watch(Arc::clone(shared), desk.clone()));
    }
}

/// Counts them, and tells of each silence once.
async fn watch(shared: Arc<Shared>, desk: Desk) {
    let (shortest, longest) = LOOKS;
    let may = terms(&desk).silent_after.unwrap_or(longest);
    let pause = (may / 4).clamp(shortest, longest);
    let mut told: BTreeSet<(u64, Timestamp)> = BTreeSet::new();
    loop {
        match desk.scan(Sort::Ticket, Narrow::default(), Vec::new(), keep).await {
            Ok(records) => {
                let waiting = records.iter().filter(|(_, record)| !record.errands().is_empty()).count();
                let silent: Vec<_> = records
                    .iter()
                    .filter_map(|(number, record)| {
                        Some((*number, silent_since(&desk, record)?, name(&desk, *number, record)))
                    })
                    .collect();
                shared.metrics.carried_by_hand(desk.name(), silent.len(), waiting);
                for (number, since, ticket) in &silent {
                    if !told.contains(&(*number, *since)) {
                        tracing::warn!(system.name = %desk.name(), %ticket, %since,
                            "A portal is silent; look there, and record what it says or ask again.");
                    }
                }
                told = silent.into_iter().map(|(number, since, _)| (number, since)).collect();
            }
            Err(error) => {
                tracing::error!(system.name = %desk.name(), %error, "A desk of ours cannot be looked through.");
            }
        }
        tokio::select! {
            biased;
            () = shared.supervisor.stopping() => return,
            () = shared.clock.sleep(pause) => {}
        }
    }
}

async fn all(desk: &Desk) -> Result<Vec<(u64, Record)>, Problem> {
    let all = desk.scan(Sort::Ticket, Narrow::default(), Vec::new(), keep);
    all.await.map_err(|error| Problem::internal(&error))
}

fn keep(all: &mut Vec<(u64, Record)>, number: u64, record: Record) {
    all.push((number, record));
}

fn terms(desk: &Desk) -> Terms {
    desk.settings().reference.unwrap_or(Terms { silent_after: None })
}

fn silent_since(desk: &Desk, record: &Record) -> Option<Timestamp> {
    record.silent_since(terms(desk), desk.clock().now())
}

fn name(desk: &Desk, number: u64, record: &Record) -> String {
    let own = number.to_string();
    format!("{}:{}", desk.name(), record.portal_number().unwrap_or(&own))
}

fn line(shared: &Shared, desk: &Desk, number: u64, record: &Record) -> Result<ReferenceLine, Problem> {
    let text = |name: &str| {
        let value = record.document.get(name).and_then(serde_json::Value::as_str);
        value.unwrap_or_default().to_owned()
    };
    let system: SystemName = desk.name().clone();
    let case = shared.case_of(&TicketRef::new(system, RemoteId::new(number.to_string())));
    Ok(ReferenceLine {
        ticket: name(desk, number, record),
        number: record.portal_number().map(str::to_owned),
        case: case.map_err(|error| Problem::internal(&error))?.map(|case| case.to_string()),
        title: text("name"),
        status: text("status"),
        heard: record.heard(),
        silent_since: silent_since(desk, record),
        at: record.change,
        errands: record.errands(),
    })
}

fn refused((status, message): Refused) -> Problem {
    Problem::new(status, message)
}
