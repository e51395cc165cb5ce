//! What one party sees of a request: the page of its guests, and of whoever at home looks at a case as that party does.
//!
//! Nothing on it names another party, the case, or how many of either there are; it is made of [`Seen`] alone.

use std::sync::Arc;

use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, html};
use serde::Deserialize;
use throughline_sdk::{RemoteId, SystemName, TicketRef, Timestamp};

use super::case::{encoded, gone, stream, told};
use super::files::download;
use super::pieces::{Tone, badge, elapsed, empty, moment, named_by, span};
use super::words::{outward, prose, words};
use super::{Entered, Layout, Place, Refusal};
use crate::agreement::Rules;
use crate::api::{Api, Problem};
use crate::case::{Case, Field, GrantState, OfferState, PartyName};
use crate::daemon::Shared;
use crate::find;
use crate::identity::Visit;
use crate::plan::{Known, Post, Posted, Seen, SeenOffer, Side};
use crate::store::{self, Index};

/// Requests on one page.
const PAGE: usize = 25;
/// Posts, and lines of what happened, on the page of a request; more are shown on request.
const POSTS: usize = 200;
const LINES: usize = 250;

/// How much of a request is shown.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Much {
    /// All posts and lines, however many.
    all: Option<u8>,
}

/// What a request is shown in.
#[derive(Clone, Copy, Debug)]
pub(super) struct Frame<'a> {
    /// The party's name for readers.
    pub(super) title: &'a str,
    /// Under which address its files are found.
    pub(super) base: &'a str,
    /// Where everything is shown, if here only what is latest is.
    pub(super) whole: Option<&'a str>,
    pub(super) now: Timestamp,
}

/// The requests of a guest's own party, the newest first. `after` is the number of its own ticket behind which they begin:
/// a cursor that tells nothing else.
pub(super) async fn list(
    shared: &Arc<Shared>,
    entered: &Entered<Visit>,
    party: &PartyName,
    after: Option<String>,
) -> Result<Markup, Refusal> {
    let systems = systems_of(shared, party);
    let (own, begins, now) = (party.clone(), after.clone(), shared.clock.now());
    let read = shared.journal.read(move |index| Ok(page_of(index, &own, &systems, begins.as_deref(), now)));
    let found = read.await.map_err(|error| Problem::internal(&error))?;
    let found = found.map_err(|error| Problem::internal(&error))?;
    let Some(Own { cases, more }) = found else { return Err(unknown(after.as_deref().unwrap_or_default())) };
    let mut rows = Vec::new();
    for (case, leg) in cases {
        rows.extend(look(shared, &case, &leg).await?);
    }
    let body = html! {
        div.head { div { h1 { "Your requests" } p.sub { "Requests that your organization shares with us, the newest first." } } }
        section.card aria-label="Requests" {
            @if rows.is_empty() {
                (empty("No requests yet", "A request appears here as soon as a ticket about it stands in your desk."))
            } @else {
                div.scroll tabindex="0" role="region" aria-label="Requests" { table.data.stack {
                    thead { tr { th scope="col" { "Your ticket" } th scope="col" { "Subject" } th scope="col" { "Status" } th scope="col" { "Has the ball" } th scope="col" { "Since" } } }
                    tbody { @for seen in &rows { (row(seen)) } }
                } }
            }
        }
        nav.pager aria-label="Pages" {
            @if after.is_some() { a.button href="/console/" { "Newest" } } @else { span {} }
            @if let Some(last) = rows.last().and_then(|seen| seen.key.as_ref()).filter(|_| more) {
                a.button href=(format!("/console/?after={}", encoded(last))) { "Older" }
            }
        }
    };
    Ok(Layout::new("Your requests", Place::Cases, Some(entered.principal())).page(&body))
}

fn row(seen: &Seen) -> Markup {
    html! {
        tr {
            td.nowrap { @if let Some(key) = &seen.key { a href=(address(key)) { (words(key)) } } }
            th scope="row" { (words(seen.field(&Field::Title))) }
            td data-label="Status" { span.badge { (words(seen.field(&Field::Status))) } }
            td data-label="Has the ball" { @if let Some((side, _)) = seen.ball { (named(side, seen)) } }
            td data-label="Since" { (moment(seen.since)) }
        }
    }
}

/// The page of one request.
pub(super) async fn page(
    State(api): State<Api>,
    entered: Entered<Visit>,
    reference: Result<Path<String>, PathRejection>,
    much: Result<Query<Much>, QueryRejection>,
) -> Result<Response, Refusal> {
    let Path(reference) = reference.map_err(Problem::from)?;
    let Query(Much { all }) = much.map_err(Problem::from)?;
    let shared = api.bridge.shared();
    let Some(party) = entered.principal().party() else {
        return Ok(Redirect::to("/console/").into_response());
    };
    let (case, leg) = own(shared, party, &reference).await?;
    let Some(seen) = look(shared, &case, &leg).await? else { return Err(unknown(&reference)) };
    entered.may.looks(&api, crate::case::Seen::Case, Some(case.id)).await?;
    let base = address(seen.key.as_deref().unwrap_or_default());
    let everything = format!("{base}?all=1");
    let whole = all.is_none().then_some(everything.as_str());
    let title = title_of(&shared.rules, &leg);
    let frame = Frame { title: &title, base: &base, whole, now: shared.clock.now() };
    let body = html! {
        div #live data-live=(format!("{base}/live")) {
            div.bar #bar {
                nav aria-label="Up" { a href="/console/" { "All your requests" } }
                p.live-note { span #note role="status" {} " " a.button.plain.small href=(whole.map_or(everything.as_str(), |_| base.as_str())) { "Reload" } }
            }
            (shown(&seen, frame))
        }
    };
    Ok(Layout::new(seen.field(&Field::Title), Place::Cases, Some(entered.principal()))
        .page(&body)
        .into_response())
}

/// A file of one request, as it stands on the party's ticket.
pub(super) async fn file(
    State(api): State<Api>,
    entered: Entered<Visit>,
    place: Result<Path<(String, String)>, PathRejection>,
) -> Result<Response, Refusal> {
    let Path((reference, digest)) = place.map_err(Problem::from)?;
    let shared = api.bridge.shared();
    let Some(party) = entered.principal().party() else { return Err(unknown(&reference)) };
    let (case, leg) = own(shared, party, &reference).await?;
    let seen = look(shared, &case, &leg).await?;
    let found = seen.as_ref().and_then(|seen| seen.file(&digest));
    let (Some(file), Some(digest)) = (found, found.and_then(|file| file.digest.as_ref())) else {
        return Err(gone("your ticket has no such file"));
    };
    entered.may.looks(&api, crate::case::Seen::File, Some(case.id)).await?;
    download(shared, digest, &file.name).await
}

/// News of one request: only what changes what the party sees.
pub(super) async fn live(
    State(api): State<Api>,
    entered: Entered<Visit>,
    reference: Result<Path<String>, PathRejection>,
) -> Result<Response, Refusal> {
    let Path(reference) = reference.map_err(Problem::from)?;
    let shared = Arc::clone(api.bridge.shared());
    let Some(party) = entered.principal().party() else { return Err(unknown(&reference)) };
    let (case, leg) = own(&shared, party, &reference).await?;
    let id = case.id;
    let before = Arc::new(tokio::sync::Mutex::new(look(&shared, &case, &leg).await?));
    let concerns = move |shared: Arc<Shared>| {
        let (leg, before) = (leg.clone(), Arc::clone(&before));
        async move {
            let Ok(Some(case)) = shared.journal.look_up(|index| index.case(id)) else { return false };
            let Ok(now) = look(&shared, &case, &leg).await else { return false };
            let mut before = before.lock().await;
            let news = *before != now;
            *before = now;
            news
        }
    };
    Ok(match api.identity.place(entered.principal()) {
        Ok(place) => stream(shared, id, place, concerns).into_response(),
        Err(full) => Problem::crowded(full).into_response(),
    })
}

fn unknown(reference: &str) -> Refusal {
    gone(&format!("your organization has no request with the number {reference}"))
}

fn address(key: &str) -> String {
    // A space in a path is no plus sign.
    format!("/console/requests/{}", encoded(key).replace('+', "%20"))
}

fn systems_of(shared: &Shared, party: &PartyName) -> Vec<SystemName> {
    let systems = shared.rules.systems.iter().filter(|(_, system)| system.party == *party);
    systems.map(|(name, _)| name.clone()).collect()
}

/// The case of a party's own ticket with this number, and its leg.
async fn own(shared: &Shared, party: &PartyName, reference: &str) -> Result<(Case, SystemName), Refusal> {
    let (systems, own, wanted) = (systems_of(shared, party), party.clone(), reference.to_owned());
    let read = shared.journal.read(move |index| by_number(index, &own, &systems, &wanted)).await;
    read.map_err(|error| Problem::internal(&error))?.ok_or_else(|| unknown(reference))
}

fn by_number(
    index: &Index,
    party: &PartyName,
    systems: &[SystemName],
    number: &str,
) -> Result<Option<(Case, SystemName)>, store::Error> {
    for system in systems {
        let known = match index.case_of_key(system, number)? {
            Some(case) => Some(case),
            None => index.case_of_ticket(&TicketRef::new(system.clone(), RemoteId::new(number)))?,
        };
        let Some(case) = known.map(|id| index.case(id)).transpose()?.flatten() else { continue };
        if is_of(&case, system, party) {
            return Ok(Some((case, system.clone())));
        }
    }
    Ok(None)
}

fn is_of(case: &Case, system: &SystemName, party: &PartyName) -> bool {
    case.legs.get(system).is_some_and(|leg| leg.party == *party && leg.ticket.is_some())
}

/// Cases of a party, newest first, each with the leg that is the party's.
#[derive(Debug, PartialEq)]
struct Own {
    cases: Vec<(Case, SystemName)>,
    /// Whether there are older ones.
    more: bool,
}

/// The cases of a party behind the one with this number; `None` where it has none of that number. Whatever else there is
/// makes no difference: neither to what stands on a page, nor to how long it is, nor to where the next begins.
fn page_of(
    index: &Index,
    party: &PartyName,
    systems: &[SystemName],
    after: Option<&str>,
    now: Timestamp,
) -> Result<Option<Own>, find::Error> {
    let (query, sort) = (find::Query::default(), find::Sort::Newest);
    let mut cursor = match after {
        None => None,
        Some(number) => match by_number(index, party, systems, number)? {
            Some((case, _)) => Some(find::behind(&query, sort, case.id, now)),
            None => return Ok(None),
        },
    };
    // Nothing is searched for but what is theirs, so that nothing has to be told of each.
    let audience = find::Audience::Party { party, systems, shown: &|_| find::Shown::default() };
    let mut cases: Vec<(Case, SystemName)> = Vec::new();
    loop {
        let limit = PAGE.saturating_sub(cases.len());
        let page =
            find::find(index, &query, &find::Ask { sort, cursor: cursor.as_deref(), limit, now, audience })?;
        for case in page.cases {
            let own = systems.iter().find(|system| is_of(&case, system, party)).cloned();
            cases.extend(own.map(|system| (case, system)));
        }
        cursor = page.next;
        if cursor.is_none() || cases.len() >= PAGE {
            return Ok(Some(Own { cases, more: cursor.is_some() }));
        }
    }
}

async fn look(shared: &Shared, case: &Case, leg: &SystemName) -> Result<Option<Seen>, Refusal> {
    let records = shared.journal.timeline(case).await.map_err(|error| Problem::internal(&error))?;
    let names = shared.vault.names();
    Ok(Seen::of(case, leg, told(&records), Known { rules: &shared.rules, names: &names }))
}

/// The name of a leg's party for readers.
pub(super) fn title_of(rules: &Rules, leg: &SystemName) -> String {
    rules.systems.get(leg).map(|system| system.party_title.clone()).unwrap_or_default()
}

/// All that the party called `title` sees. Its files are found under `base`.
#[cfg(test)]
pub(crate) fn whole(seen: &Seen, title: &str, base: &str, now: Timestamp) -> Markup {
    shown(seen, Frame { title, base, whole: None, now })
}

/// What a party sees.
pub(super) fn shown(seen: &Seen, frame: Frame<'_>) -> Markup {
    let Frame { title, now, .. } = frame;
    html! {
        section.seen #seen aria-label="The request as the party sees it" {
            (head(seen, title, now))
            div.columns {
                div { (posts(seen, frame)) (events(seen, frame)) }
                aside aria-label="About the request" { (ticket(seen, title)) (terms(seen, now)) }
            }
        }
    }
}

fn head(seen: &Seen, title: &str, now: Timestamp) -> Markup {
    let name = seen.field(&Field::Title);
    html! {
        div.head #seen-head {
            div {
                h1 { @if name.is_empty() { "Request" } @else { (words(name)) } }
                p.sub {
                    @if let Some(key) = &seen.key { span.key { (outward(seen.url.as_deref(), &html! { (words(key)) })) } }
                    @if !seen.field(&Field::Status).is_empty() { span.badge.info { (words(seen.field(&Field::Status))) } }
                    @if seen.gone { (badge(Tone::Bad, "the ticket is gone")) }
                    @if !seen.field(&Field::Priority).is_empty() { span { "Priority " strong { (words(seen.field(&Field::Priority))) } } }
                    span { "shared since " (moment(seen.since)) }
                }
            }
            @if let Some((side, since)) = seen.ball {
                div.holder.(colour(side)) {
                    span.small { "Has the ball" }
                    strong { (mark(side, seen, title)) " " (who(side, seen, title)) }
                    span.small { "for " (span(elapsed(since, now))) ", since " (moment(since)) }
                }
            }
        }
    }
}

fn colour(side: Side) -> &'static str {
    match side {
        Side::Home => "party-0",
        Side::Own => "party-1",
    }
}

fn who(side: Side, seen: &Seen, title: &str) -> Markup {
    match side {
        Side::Home => words(&seen.home),
        Side::Own => words(title),
    }
}

fn mark(side: Side, seen: &Seen, title: &str) -> Markup {
    let name = if side == Side::Home { &seen.home } else { title };
    let letter: String =
        name.chars().find(|sign| sign.is_alphanumeric()).into_iter().flat_map(char::to_uppercase).collect();
    html! { span.mark.(colour(side)) aria-hidden="true" { (letter) } }
}

fn named(side: Side, seen: &Seen) -> Markup {
    html! { span.party.(colour(side)) { @match side { Side::Home => (words(&seen.home)), Side::Own => "You" } } }
}

fn posts(seen: &Seen, frame: Frame<'_>) -> Markup {
    let Frame { title, base, .. } = frame;
    let left_out = frame.whole.map_or(0, |_| seen.posts.len().saturating_sub(POSTS));
    let description = seen.field(&Field::Description);
    html! {
        section.card #seen-talk aria-labelledby="seen-talk-title" {
            header { h2 #seen-talk-title { "Conversation" } p { (seen.posts.len()) " posts" } }
            @if !description.is_empty() {
                article.post #description { header { (badge(Tone::Quiet, "description")) } (prose(description)) }
            }
            @if seen.posts.is_empty() && description.is_empty() {
                (empty("Nothing was said yet", "What is written on the ticket appears here."))
            }
            @if let Some(whole) = frame.whole.filter(|_| left_out > 0) {
                p.older #older { a href=(format!("{whole}#seen-talk")) { "Show the " (left_out) " older posts" } }
            }
            @for post in seen.posts.iter().skip(left_out) { (said(post, seen, title, base)) }
            @if seen.kept > 0 {
                p.quiet.small { (seen.kept) " internal comments or files of " (words(title)) " stay in its own desk." }
            }
        }
    }
}

fn said(post: &Post, seen: &Seen, title: &str, base: &str) -> Markup {
    let kind = if matches!(post.what, Posted::File(_)) { "file" } else { "comment" };
    html! {
        article.post.(colour(post.by)) id=(named_by(&[kind, &post.id])) {
            header {
                (mark(post.by, seen, title))
                @if let Some(author) = &post.author { strong { (words(author)) } }
                span.quiet { (who(post.by, seen, title)) }
                (moment(post.at))
                @if post.internal { (badge(Tone::Warn, "internal")) }
                @if post.edited { (badge(Tone::Quiet, "edited")) }
            }
            @match &post.what {
                Posted::Comment(_) | Posted::File(_) if post.gone => p.quiet { "It does not stand there any more." },
                Posted::Comment(Some(text)) => (prose(text)),
                Posted::Comment(None) => p.quiet { "These words stand in the desk of " (words(title)) "." },
                Posted::File(file) => p.file {
                    @match &file.digest {
                        Some(digest) => a href=(format!("{base}/files/{digest}")) download { (words(&file.name)) },
                        None => (words(&file.name)),
                    }
                    " " span.quiet { (super::case::bytes(file.size)) }
                },
            }
        }
    }
}

fn ticket(seen: &Seen, title: &str) -> Markup {
    let told = [Field::Title, Field::Description, Field::Status, Field::Priority];
    let fields: Vec<_> = seen.fields.iter().filter(|(field, _)| !told.contains(field)).collect();
    html! {
        section.card #seen-ticket aria-labelledby="seen-ticket-title" {
            header { h2 #seen-ticket-title { "Ticket of " (words(title)) } }
            dl.facts {
                dt { "Number" }
                dd { @if let Some(key) = &seen.key { (outward(seen.url.as_deref(), &html! { (words(key)) })) } }
                @for (field, value) in fields {
                    dt { @match field { Field::Custom(name) => (words(name)), field => (words(&field.to_string())) } }
                    dd { (words(value)) }
                }
                @if !seen.links.is_empty() {
                    dt { "Belongs to" }
                    dd { @for (number, link) in seen.links.iter().enumerate() { @if number > 0 { ", " } (words(link)) } }
                }
            }
        }
    }
}

fn terms(seen: &Seen, now: Timestamp) -> Markup {
    html! {
        section.card #seen-terms aria-labelledby="seen-terms-title" {
            header { h2 #seen-terms-title { "Agreement" } }
            dl.facts {
                @if let Some(version) = &seen.version { dt { "Version" } dd { code { (version) } } }
                @if let Some(offer) = &seen.offer { dt { "Offer" } dd { (offered(offer, seen, now)) } }
                @for grant in seen.grants.values() {
                    dt { "Shown besides" }
                    dd {
                        (words(&grant.what)) " "
                        (badge(if grant.state == GrantState::Open { Tone::Good } else { Tone::Quiet }, grant.state.word()))
                        " " span.quiet.small {
                            "until " (moment(grant.until))
                            @if let Some(purpose) = &grant.purpose { ", for: " (words(purpose)) }
                        }
                    }
                }
            }
        }
    }
}

fn offered(offer: &SeenOffer, seen: &Seen, now: Timestamp) -> Markup {
    let tone = if offer.state == OfferState::Accepted { Tone::Good } else { Tone::Info };
    html! {
        (badge(tone, &offer.state.word().replace('_', " "))) " "
        @match offer.to { Side::Own => "to you", Side::Home => { "to " (words(&seen.home)) } }
        ", " (moment(offer.since))
        @if let Some(by) = offer.respond_by {
            @if by > now { ", answer due in " (span(elapsed(now, by))) } @else { " " (badge(Tone::Bad, "answer overdue")) }
        }
    }
}

fn events(seen: &Seen, frame: Frame<'_>) -> Markup {
    let title = frame.title;
    let left_out = frame.whole.map_or(0, |_| seen.events.len().saturating_sub(LINES));
    html! {
        section.card #seen-story aria-labelledby="seen-story-title" {
            details.fold #seen-timeline {
                summary { h2.inline #seen-story-title { "What happened to the ticket" } }
                @if let Some(whole) = frame.whole.filter(|_| left_out > 0) {
                    p.older { a href=(format!("{whole}#seen-timeline")) { "Show the " (left_out) " older lines" } }
                }
                ul.plain {
                    @for (number, event) in seen.events.iter().enumerate().skip(left_out) {
                        li id=(format!("l{number}")) { (moment(event.at)) " " (mark(event.by, seen, title)) " " (who(event.by, seen, title)) ": " (words(&event.text)) }
                    }
                }
            }
        }
    }
}
