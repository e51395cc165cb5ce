//! The swimlane picture: one lane for each party, time along it, arrows where something crossed, the ball shaded.

use std::collections::BTreeMap;

use maud::{Markup, html};
use throughline_sdk::Timestamp;

use super::lanes::{Column, Lanes, Spot, What};
use crate::console::pieces::{Cast, Member, elapsed, span};

/// The height of a lane, as the stylesheet has it too.
const LANE: i64 = 76;
/// Above the first lane.
const HEAD: i64 = 34;
/// What a picture is stretched to if there is little in it.
const WIDE: i64 = 1090;
/// Left and right of the first and last column.
const EDGE: i64 = 30;
/// However little there is in it, nothing is farther apart.
const WIDEST: i64 = 190;
/// Longer pauses are told.
const PAUSE_SECONDS: u64 = 20 * 60;
/// How much of what shares a place is told one by one.
const TOLD: usize = 6;

/// Where each column stands.
struct Axis {
    columns: Vec<Column>,
    xs: Vec<i64>,
    now: Timestamp,
    end: i64,
}

impl Axis {
    fn of(columns: Vec<Column>, now: Timestamp) -> Self {
        let ends = columns.iter().skip(1).map(|next| next.from).chain([now]);
        let gaps: Vec<i64> =
            columns.iter().zip(ends).map(|(column, next)| width(elapsed(column.to, next))).collect();
        let sum: i64 = gaps.iter().sum();
        let room = WIDE - 2 * EDGE;
        let stretch = |gap: i64| if sum > 0 && sum < room { (gap * room / sum).min(WIDEST) } else { gap };
        let mut x = EDGE;
        let mut xs = Vec::new();
        for gap in &gaps {
            xs.push(x);
            x += stretch(*gap);
        }
        Self { columns, xs, now, end: x }
    }

    /// The column in which this moment is, and where that stands.
    fn column(&self, at: Timestamp) -> (usize, i64) {
        let number = self.columns.partition_point(|column| column.from <= at).saturating_sub(1);
        (number, self.xs.get(number).copied().unwrap_or(EDGE))
    }

    /// Where any moment stands.
    fn x(&self, at: Timestamp) -> i64 {
        let (number, x) = self.column(at);
        let Some(column) = self.columns.get(number) else { return EDGE };
        if at <= column.to {
            return x;
        }
        let (until, next) = match (self.columns.get(number + 1), self.xs.get(number + 1)) {
            (Some(column), Some(x)) => (column.from, *x),
            _ => (self.now, self.end),
        };
        let (gone, all) = ((at - column.to).num_seconds(), (until - column.to).num_seconds().max(1));
        x + (next - x) * gone.clamp(0, all) / all
    }
}

/// Long pauses are cut: twice as long is only a little wider.
fn width(seconds: u64) -> i64 {
    26 + 7 * i64::from((1 + seconds / 20).ilog2()).min(9)
}

fn middle(lane: usize) -> i64 {
    HEAD + LANE / 2 + LANE * i64::try_from(lane).unwrap_or_default()
}

/// The picture, with the parties' names beside it and what its signs mean below it.
pub(super) fn picture(lanes: &Lanes, cast: &Cast, now: Timestamp, link: &dyn Fn(u64) -> String) -> Markup {
    let members: Vec<Member> = lanes.parties.iter().map(|party| cast.party(party)).collect();
    let axis = Axis::of(lanes.columns(), now);
    let height = HEAD + LANE * i64::try_from(members.len()).unwrap_or_default() + 6;
    let right = axis.end + EDGE;
    let holder = lanes.balls.last().map(|ball| ball.lane);
    html! {
        figure.swim {
            div.swim-frame {
                div.swim-names aria-hidden="true" {
                    @for (lane, member) in members.iter().enumerate() {
                        div.swim-name {
                            (member.chip())
                            @if holder == Some(lane) { span.small.quiet { "has the ball" } }
                        }
                    }
                }
                div.swim-scroll tabindex="0" role="region" aria-label="Picture of the case over time. The same is told in the timeline below." {
                    svg.lanes xmlns="http://www.w3.org/2000/svg" width=(right) height=(height)
                        viewBox=(format!("0 0 {right} {height}")) role="group" aria-label="One lane for each party" {
                        (patterns())
                        @for (lane, member) in members.iter().enumerate() {
                            line.lane.(member.class()) x1="0" x2=(right) y1=(middle(lane)) y2=(middle(lane)) {}
                        }
                        (balls(lanes, &members, &axis))
                        (times(&axis, height))
                        (crossings(lanes, &members, &axis))
                        (spots(lanes, &members, &axis, link))
                    }
                }
            }
            figcaption.legend {
                @for (what, name) in LEGEND {
                    span.nowrap { (sample(what)) " " (name) }
                }
                span.nowrap { svg.sample width="22" height="14" aria-hidden="true" { rect.ball x="0" y="1" width="22" height="12" fill="url(#hatch)" {} } " has the ball" }
            }
        }
    }
}

const LEGEND: [(What, &str); 8] = [
    (What::Ticket, "ticket"),
    (What::Comment, "comment"),
    (What::File, "file"),
    (What::Status, "status"),
    (What::Field, "other field"),
    (What::Offer, "offer, grant"),
    (What::Withheld, "stays where it is"),
    (What::Parked, "waits for a person"),
];

fn sample(what: What) -> Markup {
    html! { svg.sample width="18" height="18" aria-hidden="true" { g.party-5 { (glyph(what, 9, 9)) } } }
}

fn patterns() -> Markup {
    html! {
        defs {
            pattern #hatch width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)" {
                rect.hatch-ground width="6" height="6" {}
                line.hatch-line x1="0" y1="0" x2="0" y2="6" {}
            }
            @for number in 0..8 {
                marker.(format!("party-{number}")) id=(format!("tip-{number}")) viewBox="0 0 8 8" refX="7" refY="4"
                    markerWidth="8" markerHeight="8" markerUnits="userSpaceOnUse" orient="auto" {
                    path.tip d="M0 0.5 8 4 0 7.5z" {}
                }
                pattern.(format!("party-{number}")) id=(format!("hatch-{number}")) width="7" height="7"
                    patternUnits="userSpaceOnUse" patternTransform=(format!("rotate({})", [45, -45, 90, 0, 20, -20, 70, -70].get(number).copied().unwrap_or(45))) {
                    rect.hatch-ground width="7" height="7" {}
                    line.hatch-line x1="0" y1="0" x2="0" y2="7" {}
                }
            }
        }
    }
}

fn balls(lanes: &Lanes, members: &[Member], axis: &Axis) -> Markup {
    html! {
        @for ball in &lanes.balls {
            @if let Some(member) = members.get(ball.lane) {
                @let (from, until) = (axis.x(ball.from), axis.x(ball.until));
                @let told = span(elapsed(ball.from, ball.until));
                rect.ball.(member.class()) x=(from) y=(middle(ball.lane) - 24) width=((until - from).max(2)) height="48"
                    fill=(format!("url(#hatch-{})", member.colour)) {
                    title { (member.title) " had the ball for " (told) ": " (ball.because) }
                }
            }
        }
    }
}

/// Days and times along the upper edge, and what was cut out.
fn times(axis: &Axis, height: i64) -> Markup {
    let (mut day, mut minute) = (None, None);
    let mut free = 0;
    let mut labels: Vec<(i64, String)> = Vec::new();
    for (column, x) in axis.columns.iter().zip(&axis.xs) {
        let this = column.from.date_naive();
        if *x < free && day == Some(this) {
            continue;
        }
        let time = column.from.format("%H:%M").to_string();
        // What follows within a minute would all be called the same.
        let text = match day == Some(this) {
            true if minute.as_ref() == Some(&time) => column.from.format("%H:%M:%S").to_string(),
            true => time.clone(),
            false => column.from.format("%-d %b %H:%M").to_string(),
        };
        minute = Some(time);
        day = Some(this);
        let end = x + 8 * i64::try_from(text.len()).unwrap_or_default();
        let repeats = labels.last().is_some_and(|(_, last)| *last == text);
        // Beside "now" there is no room.
        if !repeats && end <= axis.end - EDGE / 2 {
            free = end;
            labels.push((*x, text));
        }
    }
    let nexts = axis.columns.iter().zip(&axis.xs).skip(1).map(|(next, x)| (next.from, *x));
    let nexts = nexts.chain([(axis.now, axis.end)]);
    let pauses = axis.columns.iter().zip(&axis.xs).zip(nexts).filter_map(|((column, x), (next, to))| {
        let seconds = elapsed(column.to, next);
        (seconds >= PAUSE_SECONDS).then(|| ((x + to) / 2, span(seconds)))
    });
    html! {
        @for (x, text) in &labels { text.axis x=(x) y="13" { (text) } line.grid x1=(x) x2=(x) y1="18" y2=(height) {} }
        @for (x, text) in pauses { text.pause x=(x) y=(height - 3) text-anchor="middle" { (text) } }
        text.axis x=(axis.end) y="13" text-anchor="middle" { "now" }
        line.now x1=(axis.end) x2=(axis.end) y1="18" y2=(height) {}
    }
}

/// From which place to which: where it left and arrived in time, and from whose lane to whose.
type Way = (i64, i64, usize, usize);

fn crossings(lanes: &Lanes, members: &[Member], axis: &Axis) -> Markup {
    let mut groups: BTreeMap<Way, (What, Vec<&str>)> = BTreeMap::new();
    for crossing in &lanes.crossings {
        let (left, arrived) = (axis.column(crossing.left).1, axis.column(crossing.arrived).1);
        let group = groups
            .entry((left, arrived, crossing.from, crossing.to))
            .or_insert_with(|| (crossing.what, Vec::new()));
        group.0 = group.0.max(crossing.what);
        group.1.push(&crossing.text);
    }
    html! {
        @for ((left, arrived, from, to), (_, texts)) in &groups {
            @if let (Some(source), Some(target)) = (members.get(*from), members.get(*to)) {
                // What left and arrived at one moment still slopes with the time.
                @let end = if left == arrived { arrived + 14 } else { *arrived };
                @let down = if to > from { 1 } else { -1 };
                @let bold = if texts.len() > 9 { "many" } else if texts.len() > 1 { "some" } else { "one" };
                path.crossing.(source.class()).(bold)
                    d=(format!("M{left} {}L{end} {}", middle(*from) + 8 * down, middle(*to) - 9 * down))
                    marker-end=(format!("url(#tip-{})", source.colour)) {
                    title { (source.title) " to " (target.title) ": " (listed(texts.iter().copied())) }
                }
            }
        }
    }
}

fn spots(lanes: &Lanes, members: &[Member], axis: &Axis, link: &dyn Fn(u64) -> String) -> Markup {
    let mut groups: BTreeMap<(i64, usize), Vec<&Spot>> = BTreeMap::new();
    for spot in &lanes.spots {
        groups.entry((axis.column(spot.at).1, spot.lane)).or_default().push(spot);
    }
    html! {
        @for ((x, lane), spots) in &groups {
            @let weightiest = spots.iter().max_by_key(|spot| spot.what);
            @if let (Some(spot), Some(member)) = (weightiest, members.get(*lane)) {
                @let told = format!("{}, {}: {}", member.title, spot.at.format("%-d %b %H:%M"), listed(spots.iter().map(|spot| spot.text.as_str())));
                a.spot.(member.class()) href=(link(spot.seq)) aria-label=(told) {
                    title { (told) }
                    rect.hit x=(x - 12) y=(middle(*lane) - 14) width="24" height="28" {}
                    (glyph(spot.what, *x, middle(*lane)))
                    @if spots.len() > 1 {
                        text.count x=(x + 8) y=(middle(*lane) - 10) { (spots.len()) }
                    }
                }
            }
        }
    }
}

/// What shares a place, one by one as far as there is room.
fn listed<'t>(texts: impl Iterator<Item = &'t str>) -> String {
    let all: Vec<&str> = texts.collect();
    let mut told = all.iter().take(TOLD).copied().collect::<Vec<_>>().join("; ");
    if all.len() > TOLD {
        told.push_str(&format!("; and {} more", all.len() - TOLD));
    }
    told
}

/// A sign for each thing, so that nothing is told by colour alone.
fn glyph(what: What, x: i64, y: i64) -> Markup {
    html! {
        @match what {
            What::Ticket => { circle.solid cx=(x) cy=(y) r="8" {} circle.hole cx=(x) cy=(y) r="3.5" {} }
            What::Comment => circle.solid cx=(x) cy=(y) r="6" {},
            What::Field => circle.ring cx=(x) cy=(y) r="4" {},
            What::File => rect.solid x=(x - 5) y=(y - 6) width="10" height="12" rx="1.5" {},
            What::Status => path.solid d=(format!("M{x} {}l8 8-8 8-8-8z", y - 8)) {},
            What::Offer | What::Grant => path.solid d=(format!("M{x} {}l8 14h-16z", y - 8)) {},
            What::Withheld => { circle.ring cx=(x) cy=(y) r="6" {} path.stroke d=(format!("M{} {}l8-8", x - 4, y + 4)) {} }
            What::Parked => path.stroke.bad d=(format!("M{} {}l12 12m0-12l-12 12", x - 6, y - 6)) {},
        }
    }
}
