//! The record, for auditors: how it is checked, who looked at what, what was erased; and the evidence about a case.

use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use maud::{Markup, html};
use serde::Deserialize;

use super::case::encoded;
use super::pieces::{Tone, badge, empty, moment};
use super::words::words;
use super::{Entered, Layout, Place, Refusal};
use crate::api::log::{self, Archive, Whose};
use crate::api::looked::LookedLine;
use crate::api::{Api, Problem};
use crate::case::{CaseId, Who};
use crate::identity::{Audit, Identity};
use crate::ledger::{Head, Position};
use crate::store::Erasure;

const PAGE: &str = "/console/record";

/// Looks, and erasures, on one page.
const MOST: usize = 100;

/// What of the record is shown.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    /// Looks at this case only.
    #[serde(default)]
    case: String,
    /// Looks that were recorded before this place.
    before: Option<u64>,
    /// Erasures of cases after this one.
    after: Option<u64>,
}

/// A part of a list, and where what follows begins.
struct Part<T> {
    lines: Vec<T>,
    next: Option<u64>,
}

pub(super) async fn page(
    State(api): State<Api>,
    entered: Entered<Audit>,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Result<Markup, Refusal> {
    let Query(asked) = asked.map_err(Problem::from)?;
    let shared = api.bridge.shared();
    let only = match asked.case.trim() {
        "" => Ok(None),
        name => name.parse::<CaseId>().map(Some),
    };
    let (wanted, before) = (only.clone().ok(), asked.before.map(Position));
    let after = CaseId(asked.after.unwrap_or_default());
    let read = shared.journal.read(move |index| {
        let looked = match wanted {
            Some(case) => index.looked(case, before, MOST + 1)?,
            None => Vec::new(),
        };
        Ok((looked, index.erasures(after, MOST + 1)?))
    });
    let (looked, erasures) = read.await.map_err(|error| Problem::internal(&error))?;
    let looked = looked.iter().map(|looked| LookedLine::of(looked, &api.identity)).collect();
    let looked = Part::of(looked, |line: &LookedLine| line.record);
    let erasures = Part::of(erasures, |erasure| erasure.case.0);
    let head = shared.journal.log(|log, _| Ok(log.head())).await;
    let head = head.map_err(|error| Problem::internal(&error))?;
    let body = html! {
        div.head { div {
            h1 { "Record" }
            p.sub { "What happened, in a log that nobody can change unseen; who looked at it, and what was erased." }
        } }
        (log_section(&shared.signer.verifier().to_string(), &shared.signer.checkpoint(&head), &head))
        (looked_section(&looked, &asked, only.as_ref().err().map(String::as_str)))
        (erased_section(&erasures, &asked, &api.identity))
    };
    Ok(Layout::new("Record", Place::Record, Some(entered.principal())).page(&body))
}

/// One archive about a case, all of it or for one party.
pub(super) async fn evidence(
    State(api): State<Api>,
    entered: Entered<Audit>,
    name: Result<Path<String>, PathRejection>,
    whose: Result<Query<Whose>, QueryRejection>,
) -> Result<Archive, Refusal> {
    let Path(name) = name.map_err(Problem::from)?;
    let Query(whose) = whose.map_err(Problem::from)?;
    Ok(log::taken(&api, entered.principal(), &name, whose).await?)
}

impl<T> Part<T> {
    /// The first of one more than are shown.
    fn of(mut lines: Vec<T>, place: impl Fn(&T) -> u64) -> Self {
        let more = lines.len() > MOST;
        lines.truncate(MOST);
        let next = if more { lines.last().map(place) } else { None };
        Self { lines, next }
    }
}

fn log_section(key: &str, checkpoint: &str, head: &Head) -> Markup {
    let file = "evidence-TL-1042.tar";
    html! {
        section.card aria-labelledby="log" {
            header { h2 #log { "The log" } p { (head.size) " records" } }
            @if head.size == 0 {
                (empty("Nothing is recorded yet", "The first record comes with the first start of a system."))
            } @else {
                div.prose {
                    h3 { "Its public key" }
                    p { "All that is needed to check what it signs. Hand it over once, by a way that is trusted." }
                    pre { (key) }
                    h3 { "Its last checkpoint" }
                    p { "Its size and root, signed. Whoever keeps this text notices if a record before it is ever changed or missing." }
                    pre { (checkpoint) }
                    h3 { "To check the evidence about a case" }
                    p { "An archive is taken from the head of a case's page. With Throughline, or with nothing of ours but a hundred lines of Python:" }
                    pre { "throughline evidence verify " (file) " --key '" (key) "'" }
                    pre { "python3 tests/verify.py evidence " (file) " '" (key) "'" }
                }
            }
        }
    }
}

fn looked_section(looked: &Part<LookedLine>, asked: &Asked, mistake: Option<&str>) -> Markup {
    let only = asked.case.trim();
    html! {
        section.card aria-labelledby="looked" {
            header { h2 #looked { "Who looked at what" } p { "The latest first; of each person once in five minutes" } }
            form.filters method="get" action=(PAGE) {
                label {
                    "Case"
                    input name="case" value=(only) placeholder="TL-1042" autocomplete="off"
                        aria-invalid=[mistake.map(|_| "true")] aria-describedby=[mistake.map(|_| "case-note")];
                }
                button type="submit" { "Show" }
                @if !only.is_empty() { a.button.plain href=(PAGE) { "All cases" } }
            }
            @if let Some(mistake) = mistake {
                p.error #case-note { (words(mistake)) }
            } @else if looked.lines.is_empty() {
                (empty("Nobody looked", "Whoever opens a case, its story or a file, or takes evidence, is listed here."))
            } @else {
                div.scroll { table.data.stack {
                    thead { tr {
                        th scope="col" { "Who" } th scope="col" { "What" } th scope="col" { "Case" }
                        th scope="col" { "As seen by" } th scope="col" { "When" }
                    } }
                    tbody { @for line in &looked.lines { (look(line)) } }
                } }
            }
            @if asked.before.is_some() || looked.next.is_some() {
                nav.pager aria-label="Pages of looks" {
                    @if asked.before.is_some() { a.button href=(address(only, None)) { "The latest" } } @else { span {} }
                    @if looked.next.is_some() { a.button href=(address(only, looked.next)) { "Earlier ones" } }
                }
            }
        }
    }
}

fn look(line: &LookedLine) -> Markup {
    html! {
        tr {
            th scope="row" {
                @match &line.name {
                    Some(name) => { (words(name)) " " span.quiet.small { (words(&line.who)) } },
                    None => (words(&line.who)),
                }
            }
            td data-label="What" { (line.what.word()) }
            td data-label="Case" {
                @if let Some(case) = &line.case { a href=(format!("/console/cases/{case}")) { (case) } }
            }
            td data-label="As seen by" {
                @match &line.party { Some(party) => (words(&party.0)), None => span.quiet { "us" } }
            }
            td data-label="When" { (moment(line.at)) }
        }
    }
}

fn erased_section(erasures: &Part<Erasure>, asked: &Asked, identity: &Identity) -> Markup {
    html! {
        section.card aria-labelledby="erased" {
            header { h2 #erased { "What was erased" } p { "Its content is gone for good; the log still verifies" } }
            @if erasures.lines.is_empty() {
                (empty("Nothing was erased", "`throughline erase` and what the agreements say on retention are listed here, with who wanted it and why."))
            } @else {
                div.scroll { table.data.stack {
                    thead { tr {
                        th scope="col" { "Case" } th scope="col" { "Why" } th scope="col" { "Who wanted it" }
                        th.num scope="col" { "Files" } th scope="col" { "When" }
                    } }
                    tbody { @for erasure in &erasures.lines { (erased(erasure, identity)) } }
                } }
            }
            @if asked.after.is_some() || erasures.next.is_some() {
                nav.pager aria-label="Pages of erasures" {
                    @if asked.after.is_some() { a.button href=(PAGE) { "From the first" } } @else { span {} }
                    @if let Some(next) = erasures.next { a.button href=(format!("{PAGE}?after={next}")) { "Later ones" } }
                }
            }
        }
    }
}

fn erased(erasure: &Erasure, identity: &Identity) -> Markup {
    let name = identity.name_of(&Who(erasure.by.clone()));
    html! {
        tr {
            th.nowrap scope="row" { (erasure.case) }
            td.prose data-label="Why" { (words(&erasure.because)) }
            td data-label="Who wanted it" { (words(name.as_deref().unwrap_or(&erasure.by))) }
            td.num data-label="Files" {
                @match erasure.files { Some(files) => (files), None => (badge(Tone::Warn, "under way")) }
            }
            td data-label="When" { (moment(erasure.at)) }
        }
    }
}

fn address(case: &str, before: Option<u64>) -> String {
    let before = before.map(|before| format!("&before={before}")).unwrap_or_default();
    format!("{PAGE}?case={}{before}", encoded(case))
}
