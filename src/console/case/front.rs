//! What a case page begins with: what the request is, who has it, its tickets, its clocks, and what waits for a person.

use maud::{Markup, html};
use throughline_sdk::{SystemName, Timestamp};

use crate::api::explain::Explanation;
use crate::api::view::{CaseLine, LegLine, OfferLine};
use crate::case::{Case, Field, OfferState, PartyName, Role};
use crate::console::cases::status;
use crate::console::pieces::{Cast, Member, Tone, badge, elapsed, moment, span};
use crate::console::words::{outward, words};
use crate::plan::Seen;

/// The title, and the first facts. `evidence` is where that can be taken, for whoever may.
pub(super) fn head(line: &CaseLine, cast: &Cast, now: Timestamp, evidence: Option<&str>) -> Markup {
    let party = |name: &str| cast.party(&PartyName(name.to_owned()));
    html! {
        div.head #head {
            div {
                h1 { @if line.title.is_empty() { (line.case) } @else { (words(&line.title)) } }
                p.sub {
                    code.key { (line.case) }
                    (status(&line.status))
                    @if !line.priority.is_empty() { span { "Priority " strong { (line.priority) } } }
                    span { "opened " (moment(line.opened)) }
                    @if let Some(owner) = &line.owner { span { "answers for it: " (party(owner).chip()) } }
                }
            }
            @if let Some(holder) = &line.holder {
                @let member = party(&holder.party);
                div.holder.(member.class()) {
                    span.small { "Has the ball" }
                    strong { (member.sign()) " " (words(&member.title)) " " span.quiet { (holder.level.replace('_', " ")) } }
                    span.small { "for " (span(elapsed(holder.since, now))) ", since " (moment(holder.since)) }
                    span.small.quiet { (words(&holder.because)) }
                }
            }
            @if let Some(address) = evidence {
                div.actions { a.button href=(address) { "Evidence" } }
            }
        }
    }
}

/// What waits for a person, if anything does.
pub(super) fn attention(case: &Case, cast: &Cast) -> Markup {
    let parked = case.legs.iter().flat_map(|(system, leg)| {
        leg.parked
            .iter()
            .filter(|(_, parked)| !parked.discarded)
            .map(move |(item, parked)| (system, item, parked))
    });
    let parked: Vec<_> = parked.collect();
    let conflicts = &case.document.conflicts;
    html! {
        div #attention {
            @if !parked.is_empty() || !conflicts.is_empty() {
                section.notice.warn aria-label="Waits for a person" {
                    h2 { "Waits for a person" }
                    ul.plain {
                        @for (system, item, parked) in parked {
                            li {
                                (place(cast, system)) " " strong { (words(&item.to_string())) } " " (moment(parked.since))
                                p { (words(&parked.reason)) }
                            }
                        }
                        @for (field, conflict) in conflicts {
                            li {
                                strong { "The desks disagree on the " (words(&field.to_string())) } " " (moment(conflict.since))
                                p {
                                    @for (number, (system, wanted)) in conflict.wanted.iter().enumerate() {
                                        @if number > 0 { ", " }
                                        (place(cast, system)) " wants “" (words(wanted)) "”"
                                    }
                                    ". Make them agree in one of the desks."
                                }
                            }
                        }
                    }
                    p.actions { a.button.small href="/console/parked" { "All that is parked" } }
                }
            }
        }
    }
}

fn place(cast: &Cast, system: &SystemName) -> Markup {
    html! { @if let Some(member) = cast.of_system(system) { (member.chip()) } @else { (words(system.as_str())) } }
}

/// The tickets of the case. `live` has what stands on each, as last read or written.
pub(super) fn tickets(
    line: &CaseLine,
    live: &[(SystemName, Option<Seen>)],
    cast: &Cast,
    now: Timestamp,
) -> Markup {
    html! {
        section.card #tickets aria-labelledby="tickets-title" {
            header { h2 #tickets-title { "Tickets" } }
            ul.plain.legs {
                @for leg in &line.legs {
                    @let seen = live.iter().find(|(system, _)| *system == leg.system).and_then(|(_, seen)| seen.as_ref());
                    (ticket(leg, seen, cast, now))
                }
            }
            @if !line.references.is_empty() {
                h3 { "Refers to" }
                ul.plain {
                    @for reference in &line.references {
                        li {
                            (outward(reference.url.as_deref(), &html! { (words(&reference.key)) })) " " (words(&reference.title))
                            " " (badge(if reference.over { Tone::Quiet } else { Tone::Warn }, &reference.status))
                            " " span.quiet.small { (words(reference.system.as_str())) ", " (moment(reference.updated)) }
                        }
                    }
                }
            }
        }
    }
}

fn ticket(leg: &LegLine, seen: Option<&Seen>, cast: &Cast, now: Timestamp) -> Markup {
    let member = cast.party(&PartyName(leg.party.clone()));
    html! {
        li.leg.(member.class()) {
            div.leg-line {
                (member.chip())
                @match &leg.key {
                    Some(key) => span.key { (outward(leg.url.as_deref(), &html! { (words(key)) })) },
                    None => (badge(Tone::Info, "is being created")),
                }
                @if let Some(status) = seen.map(|seen| seen.field(&Field::Status)).filter(|it| !it.is_empty()) {
                    span.badge { (words(status)) }
                }
            }
            div.leg-line.small.quiet {
                span { (words(leg.system.as_str())) }
                @match leg.health.as_str() {
                    "well" => span { "in health" },
                    health => (badge(Tone::Bad, health)),
                }
                @if leg.outstanding > 0 { (badge(Tone::Info, &format!("{} on the way", leg.outstanding))) }
                @if leg.parked > 0 { (badge(Tone::Warn, &format!("{} parked", leg.parked))) }
                @if leg.given_up > 0 { span { (leg.given_up) " given up" } }
                @if let Some(since) = leg.silent_since { (badge(Tone::Warn, "portal silent")) span { "since " (moment(since)) } }
            }
            @if let Some(offer) = &leg.offer { (offered(offer, now)) }
        }
    }
}

fn offered(offer: &OfferLine, now: Timestamp) -> Markup {
    let tone = match offer.state {
        OfferState::Accepted => Tone::Good,
        OfferState::Offered | OfferState::InformationRequested => Tone::Info,
        OfferState::Rejected | OfferState::Withdrawn => Tone::Bad,
    };
    let to = if offer.to == Role::Home { "us" } else { "them" };
    html! {
        div.leg-line.small {
            (badge(tone, &format!("offer to {to}: {}", offer.state.word().replace('_', " "))))
            span.quiet { (moment(offer.since)) }
            @if !offer.words.is_empty() { span { "“" (words(&offer.words)) "”" } }
            @if let Some(by) = offer.respond_by {
                @if by > now { span { "answer due " (moment(by)) ", in " (span(elapsed(now, by))) } }
                @else { (badge(Tone::Bad, "answer overdue")) }
            }
            @if offer.lapsed { (badge(Tone::Bad, "not answered in time")) }
            @if !offer.waiting.is_empty() { span.quiet { (offer.waiting.len()) " wait for it" } }
        }
    }
}

/// Who had the ball for how long, and what is due.
pub(super) fn clocks(case: &Case, line: &CaseLine, cast: &Cast, now: Timestamp) -> Markup {
    let held = case.custody.held_until(now);
    let all: u64 = held.values().sum::<u64>().max(1);
    let mut shares: Vec<(Member, u64)> =
        held.iter().map(|(party, millis)| (cast.party(party), *millis)).collect();
    shares.sort_by_key(|(member, _)| member.colour);
    let mut bars = Vec::new();
    let mut x = 0;
    for (member, millis) in &shares {
        let width = i64::try_from(u128::from(*millis) * 1000 / u128::from(all)).unwrap_or_default();
        bars.push((member, x, width));
        x += width;
    }
    html! {
        section.card #clocks aria-labelledby="clocks-title" {
            header { h2 #clocks-title { "Clocks" } p { "open for " (span(elapsed(case.opened, now))) } }
            @if !shares.is_empty() {
                svg.share-bar viewBox="0 0 1000 20" preserveAspectRatio="none" aria-hidden="true" {
                    @for (member, at, width) in bars {
                        rect.(member.class()) x=(at) y="0" width=(width) height="20" {}
                    }
                }
                dl.facts {
                    @for (member, millis) in &shares {
                        dt { (member.chip()) }
                        dd { (span(millis / 1000)) span.quiet { ", " (millis * 100 / all) " %" } }
                    }
                }
            }
            @let grants = &line.grants;
            @if !grants.is_empty() {
                h3 { "Shown beyond the agreement" }
                ul.plain {
                    @for grant in grants {
                        li {
                            (cast.party(&PartyName(grant.party.clone())).chip()) " " (words(&grant.what)) " "
                            (badge(Tone::Info, grant.state.word())) " "
                            span.quiet.small { (grant.grant) ", until " (moment(grant.until)) ", for: " (words(&grant.purpose)) }
                        }
                    }
                }
            }
        }
    }
}

/// Per party: each field, and why what is not there is not.
pub(super) fn shares(explanation: &Explanation, cast: &Cast) -> Markup {
    html! {
        section.card #shares aria-labelledby="shares-title" {
            header { h2 #shares-title { "What each party is shown" } p { "by which rule" } }
            @for party in &explanation.parties {
                @let member = cast.party(&PartyName(party.party.clone()));
                @let said = |item: &str| item.starts_with("comment:") || item.starts_with("file:") || item.starts_with("link:");
                @let fields: Vec<_> = party.items.iter().filter(|line| !said(&line.item) && line.item != "ticket").collect();
                @let back = party.items.iter().filter(|line| said(&line.item) && super::talk::outcome(line).1 != Tone::Good).count();
                @if !party.items.is_empty() {
                    details.fold id=(format!("shares-{}", party.system)) {
                        summary { (member.chip()) " " span.quiet.small {
                            (fields.len()) " fields" @if back > 0 { ", " (back) " comments or files not as they are" }
                        } }
                        dl.facts {
                            @for line in fields {
                                @let (sign, tone, told) = super::talk::outcome(line);
                                dt { (words(&line.item)) }
                                dd { span.share.(tone.class()) { span aria-hidden="true" { (sign) " " } (words(&told)) } }
                            }
                        }
                    }
                }
            }
            @for absent in &explanation.absent {
                p.quiet.small { (cast.party(&PartyName(absent.party.clone())).chip()) " takes no part: the agreement " (words(&absent.agreement)) " does not route this request." }
            }
        }
    }
}
