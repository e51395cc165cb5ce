//! The timeline of a case: everything that is recorded, each line with its number in the ledger.

use maud::{Markup, html};

use crate::api::view::{Event, Trace};
use crate::console::pieces::{Cast, Tone, badge, moment};
use crate::console::words::words;

/// Lines on a page; more are shown on request.
const SHOWN: usize = 250;

/// The number in the ledger from which on lines are on the page.
pub(super) fn first_shown(trace: &Trace, everything: bool) -> u64 {
    let left_out = if everything { 0 } else { trace.events.len().saturating_sub(SHOWN) };
    trace.events.get(left_out).map_or(0, |event| event.seq)
}

/// The timeline, folded away, newest last.
pub(super) fn story(trace: &Trace, cast: &Cast, everything: bool) -> Markup {
    let left_out = if everything { 0 } else { trace.events.len().saturating_sub(SHOWN) };
    let mut last = (0, 0);
    html! {
        section.card #story aria-labelledby="story-title" {
            details.fold #timeline {
                summary { h2.inline #story-title { "Timeline" } " " span.quiet { (trace.events.len()) " records" } }
                @if left_out > 0 {
                    p.older { a href="?all=1#timeline" { "Show the " (left_out) " older records" } }
                }
                div.scroll tabindex="0" role="region" aria-label="Timeline" { table.data.stack {
                    thead { tr {
                        th scope="col" { "When" } th scope="col" { "Where" } th scope="col" { "What" }
                        th.num scope="col" { "Ledger" }
                    } }
                    tbody {
                        @for event in trace.events.iter().skip(left_out) {
                            // One record may tell of several things: links lead to the first line.
                            @let part = if last.0 == event.seq { last.1 + 1 } else { 0 };
                            @let () = last = (event.seq, part);
                            (line(event, cast, part))
                        }
                    }
                } }
            }
        }
    }
}

fn line(event: &Event, cast: &Cast, part: usize) -> Markup {
    let id = if part == 0 { format!("e{}", event.seq) } else { format!("e{}-{part}", event.seq) };
    html! {
        tr id=(id) tabindex=[(part == 0).then_some("-1")] {
            td { (moment(event.at)) }
            td {
                @if let Some(system) = &event.system {
                    span.nowrap { @if let Some(member) = cast.of_system(system) { (member.sign()) " " } (words(system.as_str())) }
                }
            }
            td {
                (badge(tone(&event.what), &event.what)) " "
                @if let Some(who) = &event.who { strong { (words(who)) } " " }
                (words(&event.text))
                @if let Some(took) = event.took_ms { " " span.quiet.small { "took " (took) " ms" } }
            }
            td.num data-label="Ledger" { span.mono.quiet { (event.seq) } }
        }
    }
}

fn tone(what: &str) -> Tone {
    match what {
        "parked" | "leaked" | "disputed" => Tone::Bad,
        "failed" | "lapsed" | "withheld" => Tone::Warn,
        "effected" | "accepted" | "settled" => Tone::Good,
        "decided" | "intended" | "offered" => Tone::Info,
        _ => Tone::Quiet,
    }
}
