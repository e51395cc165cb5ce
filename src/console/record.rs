//! The record, for auditors: how it is checked, whether the logs of others keep their word, who came in, who looked at
//! what, what was erased and that people were forgotten; and the evidence about a case.

use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use maud::{Markup, html};
use serde::Deserialize;

use super::case::encoded;
use super::pieces::{Tone, badge, empty, moment, table};
use super::words::words;
use super::{Entered, Layout, Place, Refusal};
use crate::api::entered::EnteredLine;
use crate::api::log::{self, Archive, Whose};
use crate::api::looked::LookedLine;
use crate::api::{Api, Problem};
use crate::case::{CaseId, Who};
use crate::daemon::Standing;
use crate::identity::{Audit, Identity};
use crate::ledger::{Head, Position};
use crate::store::{Erasure, Forgetting};

const PAGE: &str = "/console/record";

/// Lines of each list on one page.
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
    /// What happened at the door before this place.
    door: Option<u64>,
    /// That people were forgotten before this place.
    forgotten: Option<u64>,
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
    let (door, forgotten) = (asked.door.map(Position), asked.forgotten.map(Position));
    let read = shared.journal.read(move |index| {
        let looked = match wanted {
            Some(case) => index.looked(case, before, MOST + 1)?,
            None => Vec::new(),
        };
        let (door, forgotten) = (index.entered(door, MOST + 1)?, index.forgotten(forgotten, MOST + 1)?);
        Ok((looked, door, index.erasures(after, MOST + 1)?, forgotten))
    });
    let (looked, door, erasures, forgotten) = read.await.map_err(|error| Problem::internal(&error))?;
    let looked = looked.iter().map(|looked| LookedLine::of(looked, &api.identity)).collect();
    let looked = Part::of(looked, |line: &LookedLine| line.record);
    let door = door.iter().map(|entered| EnteredLine::of(entered, &api.identity)).collect();
    let door = Part::of(door, |line: &EnteredLine| line.record);
    let erasures = Part::of(erasures, |erasure| erasure.case.0);
    let forgotten = Part::of(forgotten, |forgetting| forgetting.record);
    let watched = shared.watching.all();
    let head = shared.journal.log(|log, _| Ok(log.head())).await;
    let head = head.map_err(|error| Problem::internal(&error))?;
    let body = html! {
        div.head { div {
            h1 { "Record" }
            p.sub { "What happened, in a log that nobody can change unseen; who came in, who looked at it, and what was erased." }
        } }
        (log_section(&shared.signer.verifier().to_string(), &shared.signer.checkpoint(&head), &head))
        @if !watched.is_empty() { (watched_section(&watched)) }
        (looked_section(&looked, &asked, only.as_ref().err().map(String::as_str)))
        (entered_section(&door, asked.door.is_some()))
        (erased_section(&erasures, &asked, &api.identity))
        (forgotten_section(&forgotten, asked.forgotten.is_some(), &api.identity))
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
                (table("Who looked at what", &["Who", "What", "Case", "As seen by", "When"], &html! {
                    @for line in &looked.lines { (look(line)) }
                }))
            }
            (pager(
                "Pages of looks",
                asked.before.map(|_| ("The latest", address(only, None))),
                looked.next.map(|next| ("Earlier ones", address(only, Some(next)))),
            ))
        }
    }
}

fn look(line: &LookedLine) -> Markup {
    html! {
        tr {
            th scope="row" { (called(&line.who, line.name.as_deref())) }
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
                (table("What was erased", &["Case", "Why", "Who wanted it", "Files", "When"], &html! {
                    @for erasure in &erasures.lines { (erased(erasure, identity)) }
                }))
            }
            (pager(
                "Pages of erasures",
                asked.after.map(|_| ("From the first", PAGE.to_owned())),
                erasures.next.map(|next| ("Later ones", format!("{PAGE}?after={next}"))),
            ))
        }
    }
}

fn erased(erasure: &Erasure, identity: &Identity) -> Markup {
    html! {
        tr {
            th.nowrap scope="row" { (erasure.case) }
            td.prose data-label="Why" { (words(&erasure.because)) }
            td data-label="Who wanted it" { (wanted_by(&erasure.by, identity)) }
            td data-label="Files" {
                @match erasure.files { Some(files) => (files), None => (badge(Tone::Warn, "under way")) }
            }
            td data-label="When" { (moment(erasure.at)) }
        }
    }
}

fn entered_section(entered: &Part<EnteredLine>, is_later_page: bool) -> Markup {
    html! {
        section.card aria-labelledby="entered" {
            header { h2 #entered { "Who came in" } p { "Logins, failed ones too, and what changed about who may; the latest first" } }
            @if entered.lines.is_empty() {
                (empty("Nobody came", "Every login and every failure is listed here, and every change of an account or token."))
            } @else {
                (table("Who came in", &["Who", "What", "How", "By whom", "When"], &html! {
                    @for line in &entered.lines { (happened(line)) }
                }))
            }
            (pager(
                "Pages of who came in",
                is_later_page.then(|| ("The latest", PAGE.to_owned())),
                entered.next.map(|next| ("Earlier ones", format!("{PAGE}?door={next}"))),
            ))
        }
    }
}

fn happened(line: &EnteredLine) -> Markup {
    let what = line.what.replace('_', " ");
    html! {
        tr {
            th scope="row" {
                @match &line.who {
                    Some(who) => (called(who, line.name.as_deref())),
                    None => span.quiet { "nobody known here" },
                }
            }
            td data-label="What" {
                @if line.what == "refused" { (badge(Tone::Warn, &what)) } @else { (what) }
                @if let Some(role) = &line.role { " as " (words(role)) }
                @if let Some(party) = &line.party { " of " (words(&party.0)) }
            }
            td data-label="How" { @if let Some(way) = line.way { (way.words()) } }
            td data-label="By whom" { @if let Some(by) = &line.by { (called(by, line.by_name.as_deref())) } }
            td data-label="When" { (moment(line.at)) }
        }
    }
}

fn watched_section(watched: &[Standing]) -> Markup {
    html! {
        section.card aria-labelledby="watched" {
            header { h2 #watched { "Logs of others" } p { "Held to what they signed before" } }
            @for standing in watched {
                @if let Some(alarm) = &standing.alarm { p.error role="alert" { (words(alarm)) } }
            }
            (table("Logs of others", &["Log", "Stands", "Records", "Last asked"], &html! {
                @for standing in watched {
                    tr {
                        th scope="row" { (words(&standing.name)) " " span.quiet.small { (words(&standing.log)) } }
                        td.prose data-label="Stands" {
                            @match (&standing.alarm, &standing.trouble) {
                                (Some(_), _) => (badge(Tone::Bad, "contradicts itself")),
                                (None, Some(trouble)) => { (badge(Tone::Warn, "not answering")) " " (words(trouble)) },
                                (None, None) if standing.asked.is_none() => (badge(Tone::Info, "not asked yet")),
                                (None, None) => (badge(Tone::Good, "keeps its word")),
                            }
                        }
                        td data-label="Records" { @if let Some(size) = standing.size { (size) } }
                        td data-label="Last asked" { @if let Some(asked) = standing.asked { (moment(asked)) } }
                    }
                }
            }))
        }
    }
}

fn forgotten_section(forgotten: &Part<Forgetting>, is_later_page: bool, identity: &Identity) -> Markup {
    html! {
        section.card aria-labelledby="forgotten" {
            header { h2 #forgotten { "Who was forgotten" } p { "That it was done, and never who it was; the latest first" } }
            @if forgotten.lines.is_empty() {
                (empty("Nobody was forgotten", "`throughline erase --person` is listed here, with who wanted it and why."))
            } @else {
                (table("Who was forgotten", &["When", "Why", "Who wanted it", "Pseudonyms"], &html! {
                    @for one in &forgotten.lines {
                        tr {
                            th.nowrap scope="row" { (moment(one.at)) }
                            td.prose data-label="Why" { (words(&one.because)) }
                            td data-label="Who wanted it" { (wanted_by(&one.by, identity)) }
                            td data-label="Pseudonyms" { (one.pseudonyms) " stand for nobody" }
                        }
                    }
                }))
            }
            (pager(
                "Pages of who was forgotten",
                is_later_page.then(|| ("The latest", PAGE.to_owned())),
                forgotten.next.map(|next| ("Earlier ones", format!("{PAGE}?forgotten={next}"))),
            ))
        }
    }
}

/// An account or a token: its name, as long as anybody knows, and its id.
fn called(id: &str, name: Option<&str>) -> Markup {
    html! {
        @match name {
            Some(name) => { (words(name)) " " span.quiet.small { (words(id)) } },
            None => (words(id)),
        }
    }
}

fn wanted_by(by: &str, identity: &Identity) -> Markup {
    words(identity.name_of(&Who(by.to_owned())).as_deref().unwrap_or(by))
}

type Link<'a> = Option<(&'a str, String)>;

/// The way back to where a list begins, and the way on.
fn pager(label: &str, back: Link<'_>, on: Link<'_>) -> Markup {
    html! {
        @if back.is_some() || on.is_some() {
            nav.pager aria-label=(label) {
                @match back { Some((text, href)) => a.button href=(href) { (text) }, None => span {} }
                @if let Some((text, href)) = on { a.button href=(href) { (text) } }
            }
        }
    }
}

fn address(case: &str, before: Option<u64>) -> String {
    let before = before.map(|before| format!("&before={before}")).unwrap_or_default();
    format!("{PAGE}?case={}{before}", encoded(case))
}
