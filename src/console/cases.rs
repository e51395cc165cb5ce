//! The list of cases: one search box, saved views with their counts, a page at a time.

use axum::extract::rejection::QueryRejection;
use axum::extract::{self, State};
use axum::http::StatusCode;
use maud::{Markup, html};
use serde::Deserialize;
use throughline_sdk::Timestamp;

use super::case::encoded;
use super::pieces::{Cast, Tone, badge, elapsed, empty, moment, span};
use super::request;
use super::words::words;
use super::{Entered, Layout, Place, Refusal};
use crate::api::view::CaseLine;
use crate::api::{Api, Problem};
use crate::case::{Case, PartyName, Status};
use crate::find::{self, Counts, Sort};
use crate::identity::{Look, Visit};

/// Cases on one page.
const PAGE: usize = 50;

/// What is looked for, and where a page begins.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    /// The query.
    #[serde(default)]
    q: String,
    /// The order.
    #[serde(default)]
    sort: String,
    /// Where the page begins.
    cursor: Option<String>,
    /// For a guest: the number of its own ticket behind which it begins.
    after: Option<String>,
}

/// A saved view: its name, its query, and how many cases stand in it.
type View = (&'static str, &'static str, fn(&Counts) -> u64);

const VIEWS: [View; 9] = [
    ("All", "", |counts| counts.all),
    ("Open", "is:open", |counts| counts.open),
    ("Waiting for us", "is:waiting-us", |counts| counts.waiting_us),
    ("Waiting for a partner", "is:waiting-partner", |counts| counts.waiting_partner),
    ("Silent for two days", "is:silent", |counts| counts.silent),
    ("Parked", "is:parked", |counts| counts.parked),
    ("In conflict", "is:conflict", |counts| counts.conflict),
    ("Breached", "is:breached", |counts| counts.breached),
    ("Closed", "is:closed", |counts| counts.closed),
];

pub(super) async fn list(
    State(api): State<Api>,
    entered: Entered<Visit>,
    asked: Result<extract::Query<Asked>, QueryRejection>,
) -> Result<Markup, Refusal> {
    let extract::Query(asked) = asked.map_err(Problem::from)?;
    let shared = api.bridge.shared();
    if let Some(party) = entered.principal().party() {
        return request::list(shared, &entered, party, asked.after).await;
    }
    if !entered.principal().may::<Look>() {
        return Err(Problem::new(StatusCode::FORBIDDEN, "this role sees no cases").into());
    }
    let now = shared.clock.now();
    let sort = asked.sort.parse().unwrap_or_default();
    let (text, cursor) = (asked.q.clone(), asked.cursor.clone());
    let read = shared.journal.read(move |index| {
        let counts = find::counts(index, find::DEFAULT_SILENCE, now)?;
        let sought = find::Query::parse(&text).map_err(find::Error::from).and_then(|query| {
            let audience = find::Audience::Home;
            let ask = find::Ask { sort, cursor: cursor.as_deref(), limit: PAGE, now, audience };
            find::find(index, &query, &ask)
        });
        Ok((counts, sought))
    });
    let (counts, sought) = read.await.map_err(|error| Problem::internal(&error))?;
    let (page, mistake) = match sought {
        Ok(page) => (page, None),
        Err(find::Error::Store(error)) => return Err(Problem::internal(&error).into()),
        Err(mistake) => (find::Page::default(), Some(mistake.to_string())),
    };
    let cast = Cast::of(&shared.rules);
    let body = html! {
        div.head { div { h1 { "Cases" } p.sub { "Requests that are followed across systems." } } }
        (search(&asked, sort, mistake.as_deref()))
        div.with-side {
            nav.side aria-label="Views" {
                @for (name, query, count) in VIEWS {
                    a href=(address(query, sort, None)) aria-current=[(asked.q.trim() == query).then_some("page")] {
                        span { (name) } span.count { (count(&counts)) }
                    }
                }
            }
            div {
                section.card aria-label="Cases" { (rows(&page, &asked, mistake.is_some(), &cast, now)) }
                nav.pager aria-label="Pages" {
                    @if asked.cursor.is_some() { a.button href=(address(&asked.q, sort, None)) { "First page" } } @else { span {} }
                    @if let Some(next) = &page.next { a.button href=(address(&asked.q, sort, Some(next))) { "Next page" } }
                }
            }
        }
    };
    Ok(Layout::new("Cases", Place::Cases, Some(entered.principal())).page(&body))
}

fn address(query: &str, sort: Sort, cursor: Option<&str>) -> String {
    let mut address = format!("/console/?q={}", encoded(query));
    if sort != Sort::default() {
        address.push_str(&format!("&sort={}", sort.word()));
    }
    if let Some(cursor) = cursor {
        address.push_str(&format!("&cursor={}", encoded(cursor)));
    }
    address
}

fn search(asked: &Asked, sort: Sort, mistake: Option<&str>) -> Markup {
    html! {
        form.filters method="get" action="/console/" role="search" {
            div.search {
                input type="search" name="q" value=(asked.q) aria-label="Search" aria-invalid=[mistake.map(|_| "true")]
                    aria-describedby="search-note" placeholder="A number of any system, words of the subject, party:, is:parked …";
                button.primary type="submit" { "Search" }
            }
            label {
                "Order"
                select name="sort" {
                    @for other in Sort::ALL { option value=(other.word()) selected[other == sort] { (other.word()) } }
                }
            }
        }
        div #search-note {
            @if let Some(mistake) = mistake { p.error { (words(mistake)) } }
            details.fold.small { summary { "What can be searched for" } pre tabindex="0" { (find::HELP) } }
        }
    }
}

fn rows(page: &find::Page, asked: &Asked, failed: bool, cast: &Cast, now: Timestamp) -> Markup {
    html! {
        @if page.cases.is_empty() {
            @if failed {
                (empty("Nothing was searched", "Mend the query above."))
            } @else if page.next.is_some() {
                (empty("Nothing so far", "There is more to look through than one answer can: go on to the next page."))
            } @else if asked.q.trim().is_empty() {
                (empty("No cases yet", "A case opens as soon as an agreement takes a ticket in."))
            } @else {
                (empty("Nothing was found", "No case has all parts of the query. A part less finds more."))
            }
        } @else {
            div.scroll tabindex="0" role="region" aria-label="Cases" { table.data.stack {
                thead { tr {
                    th scope="col" { "Case" } th scope="col" { "Subject" } th scope="col" { "Status" }
                    th scope="col" { "Has the ball" } th scope="col" { "Tickets" } th scope="col" { "Opened" }
                } }
                tbody { @for case in &page.cases { (row(case, cast, now)) } }
            } }
        }
    }
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
