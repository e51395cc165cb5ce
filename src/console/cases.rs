//! The list of cases, newest first.

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use maud::{Markup, html};
use serde::Deserialize;
use throughline_sdk::Timestamp;

use super::pieces::{Cast, Tone, badge, elapsed, empty, moment, span};
use super::request;
use super::words::words;
use super::{Entered, Layout, Place, Refusal};
use crate::api::view::CaseLine;
use crate::api::{Api, Problem};
use crate::case::{Case, CaseId, PartyName, Status};
use crate::identity::{Look, Visit};
use crate::store::{self, Index};

/// Cases on one page.
const PAGE: usize = 50;

/// Where a page begins.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Begins {
    /// The number of the case behind which it begins.
    before: Option<u64>,
    /// For a guest: the number of its own ticket behind which it begins.
    after: Option<String>,
}

pub(super) async fn list(
    State(api): State<Api>,
    entered: Entered<Visit>,
    query: Result<Query<Begins>, QueryRejection>,
) -> Result<Markup, Refusal> {
    let Query(Begins { before, after }) = query.map_err(Problem::from)?;
    if let Some(party) = entered.principal().party() {
        return request::list(api.bridge.shared(), &entered, party, after).await;
    }
    if !entered.principal().may::<Look>() {
        return Err(Problem::new(StatusCode::FORBIDDEN, "this role sees no cases").into());
    }
    let read = api.bridge.shared().journal.read(move |index| page(index, before)).await;
    let (cases, more) = read.map_err(|error| Problem::internal(&error))?;
    let now = api.bridge.shared().clock.now();
    let cast = Cast::of(&api.bridge.shared().rules);
    let body = html! {
        div.head { div { h1 { "Cases" } p.sub { "Requests that are followed across systems, the newest first." } } }
        section.card aria-label="Cases" {
            @if cases.is_empty() {
                (empty("No cases yet", "A case opens as soon as an agreement takes a ticket in."))
            } @else {
                div.scroll { table.data.stack {
                    thead { tr {
                        th scope="col" { "Case" } th scope="col" { "Subject" } th scope="col" { "Status" }
                        th scope="col" { "Has the ball" } th scope="col" { "Tickets" } th scope="col" { "Opened" }
                    } }
                    tbody { @for case in &cases { (row(case, &cast, now)) } }
                } }
            }
        }
        nav.pager aria-label="Pages" {
            @if before.is_some() { a.button href="/console/" { "Newest" } } @else { span {} }
            @if let Some(last) = cases.last().filter(|_| more) {
                a.button href=(format!("/console/?before={}", last.id.0)) { "Older" }
            }
        }
    };
    Ok(Layout::new("Cases", Place::Cases, Some(entered.principal())).page(&body))
}

/// The cases before a number, newest first, and whether there are more.
fn page(index: &Index, before: Option<u64>) -> Result<(Vec<Case>, bool), store::Error> {
    let highest = index.counts()?.highest;
    let mut next = before.map_or(highest, |before| before.saturating_sub(1).min(highest));
    let mut cases = Vec::new();
    while next > 0 && cases.len() <= PAGE {
        cases.extend(index.case(CaseId(next))?);
        next -= 1;
    }
    let more = cases.len() > PAGE;
    cases.truncate(PAGE);
    Ok((cases, more))
}

fn row(case: &Case, cast: &Cast, now: Timestamp) -> Markup {
    let line = CaseLine::of(case);
    let parked = line.legs.iter().map(|leg| leg.parked).sum::<usize>();
    html! {
        tr {
            td.nowrap { a href=(format!("/console/cases/{}", line.case)) { (line.case) } }
            th scope="row" {
                @if line.title.is_empty() { span.quiet { "without a title" } } @else { (words(&line.title)) }
            }
            td data-label="Status" {
                (status(&line.status))
                @if parked > 0 { " " (badge(Tone::Warn, &format!("{parked} parked"))) }
                @if !case.document.conflicts.is_empty() { " " (badge(Tone::Bad, "conflict")) }
            }
            td data-label="Has the ball" {
                @if let Some(holder) = &line.holder {
                    (cast.party(&PartyName(holder.party.clone())).chip())
                    " " span.quiet.small.nowrap { "for " (span(elapsed(holder.since, now))) }
                }
            }
            td data-label="Tickets" {
                @for leg in &line.legs {
                    @if let Some(key) = &leg.key {
                        span.nowrap {
                            @if let Some(member) = cast.of_system(&leg.system) { (member.sign()) " " }
                            (words(key))
                        } " "
                    }
                }
            }
            td data-label="Opened" { (moment(line.opened)) }
        }
    }
}

/// A status in Throughline's words, for readers.
pub(super) fn status(word: &str) -> Markup {
    let tone = match Status::from_word(word) {
        Some(Status::New) => Tone::Info,
        Some(Status::Open) => Tone::Info,
        Some(Status::Pending | Status::OnHold) => Tone::Warn,
        Some(Status::Resolved | Status::Closed) => Tone::Good,
        Some(Status::Cancelled) | None => Tone::Quiet,
    };
    badge(tone, &if word.is_empty() { "no status".to_owned() } else { word.replace('_', " ") })
}
