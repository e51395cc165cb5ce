//! What has to hold in the end, judged by the desks' own state and history; the record is read for excuses and I12 only.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use futures::FutureExt;
use throughline::case::{Case, CaseId, Fact, Item};
use throughline::ledger::{Record, verify};
use throughline_practice::desk::{Action, Actor, Ticket, Write};
use throughline_sdk::SystemName;

use crate::canaries;
use crate::people::{request, value};
use crate::run::Run;
use crate::scenario::{DESKS, Scenario};

/// Everything that does not hold; `last`: although it may be that something only has not come yet.
pub(crate) fn all(run: &Run<'_>, last: bool) -> Vec<String> {
    let mut broken = Vec::new();
    let Some(cases) = cases(run) else {
        return vec!["I11 the bridge does not run".to_owned()];
    };
    let desks: Vec<Vec<_>> = run.desks.iter().map(|desk| desk.snapshot().tickets).collect();
    let mut requests: BTreeMap<&str, [Vec<&Ticket>; 3]> = BTreeMap::new();
    for (desk, tickets) in desks.iter().enumerate() {
        for ticket in tickets {
            match request(ticket) {
                Some(name) => requests.entry(name).or_default()[desk].push(ticket),
                None => broken.push(format!("I1 {} #{} is about no request", DESKS[desk], ticket.number)),
            }
        }
    }
    for (name, tickets) in &requests {
        let before = broken.len();
        legs(run, name, tickets, &mut broken);
        if broken.len() > before {
            continue;
        }
        let legs: Vec<(usize, &Ticket)> = tickets
            .iter()
            .enumerate()
            .filter_map(|(desk, tickets)| Some((desk, *tickets.first()?)))
            .collect();
        fields(run, name, &legs, &cases, &mut broken);
        remarks(run, name, &legs, &mut broken);
        files(run, name, &legs, &mut broken);
    }
    if !broken.is_empty() && !last {
        // The record is long: it is read once the desks are as they should be, or nothing is waited for any more.
        return broken;
    }
    canaries::secrets(run, &mut broken);
    canaries::strangers(run, &mut broken);
    canaries::haste(run, &mut broken);
    intents(run, &cases, &mut broken);
    if let Err(fault) = verify(run.ground.medium.as_ref(), &mut |_| {}) {
        broken.push(format!("I14 the ledger does not verify: {fault}"));
    }
    broken
}

fn cases(run: &Run<'_>) -> Option<Vec<Case>> {
    let journal = run.ground.running().clone()?;
    journal.read(|index| index.cases(CaseId(0), usize::MAX)).now_or_never()?.ok()
}

fn records(run: &Run<'_>, case: &Case) -> Vec<Record> {
    let Some(journal) = run.ground.running().clone() else { return Vec::new() };
    journal.timeline(case).now_or_never().and_then(Result::ok).unwrap_or_default()
}

/// I3: one ticket on each desk that has to have one.
fn legs(run: &Run<'_>, name: &str, tickets: &[Vec<&Ticket>; 3], broken: &mut Vec<String>) {
    let Some(origin) = run.deeds.raised.get(name) else {
        return broken.push(format!("I3 nobody raised {name}"));
    };
    let routed = run.deeds.routed.contains(name);
    let due = |desk: usize| match (desk, origin) {
        (0, _) => true,
        (1, origin) => *origin != 2,
        (_, origin) => *origin == 2 || routed,
    };
    for (desk, tickets) in tickets.iter().enumerate() {
        match (tickets.len(), due(desk)) {
            (0, false) | (1, true) => {}
            (0, true) => broken.push(format!("I1 {name} has no ticket at {}", DESKS[desk])),
            (count, true) => broken.push(format!("I3 {name} has {count} tickets at {}", DESKS[desk])),
            (_, false) => {
                broken.push(format!("I9 {name} has a ticket at {}, where it was not routed", DESKS[desk]))
            }
        }
    }
}

fn case_of<'c>(cases: &'c [Case], desk: usize, ticket: &Ticket) -> Option<&'c Case> {
    let number = ticket.number.to_string();
    cases.iter().find(|case| {
        let leg = case.legs.get(&SystemName::new(DESKS[desk]));
        leg.and_then(|leg| leg.ticket.as_ref()).is_some_and(|ticket| ticket.as_str() == number)
    })
}

fn words(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// What a desk is shown for the home desk's value.
fn shown(scenario: &Scenario, desk: usize, field: &str, home: &str) -> String {
    let lossy = scenario.lossy && desk == 1 && field == "priority" && home == "Urgent";
    if lossy { "High".to_owned() } else { words(home) }
}

/// I1 and I6 for fields.
fn fields(run: &Run<'_>, name: &str, legs: &[(usize, &Ticket)], cases: &[Case], broken: &mut Vec<String>) {
    let Some((0, home)) = legs.first() else { return };
    let Some(case) = case_of(cases, 0, home) else {
        return broken.push(format!("I1 {name} belongs to no case"));
    };
    for field in crate::scenario::shared_words() {
        let word = field.0;
        if case.document.conflicts.contains_key(&field.1) {
            continue;
        }
        let home = value(home, word);
        for (desk, ticket) in &legs[1..] {
            let here = words(&value(ticket, word));
            // What the desk's own people said stands there as they said it.
            let as_shown = here == shown(&run.ground.scenario, *desk, word, &home);
            if !as_shown && here != words(&home) {
                broken.push(format!(
                    "I1 {word} of {name} is {home:?} at home and {here:?} at {}",
                    DESKS[*desk]
                ));
            }
        }
        let Some(given) = run.deeds.values.get(&(name.to_owned(), word)) else { continue };
        let scenario = &run.ground.scenario;
        // What a careless desk made of a copy must not come back over what people wrote.
        let careless_home = scenario.desks[0].traits.normalise_text;
        let whole = word != "title" || careless_home || given.values().any(|last| *last == home);
        let home = words(&home);
        let known = whole
            && given.iter().any(|(desk, last)| {
                // Who says what is already shown there has changed nothing.
                let as_shown = shown(scenario, *desk, word, &home) == words(last);
                words(last) == home || as_shown || shown(scenario, *desk, word, last) == home
            });
        if !known {
            broken.push(format!("I6 {word} of {name} is {home:?}, and people last said {given:?}"));
        }
    }
}

/// I4, I5 and I7 for comments.
fn remarks(run: &Run<'_>, name: &str, legs: &[(usize, &Ticket)], broken: &mut Vec<String>) {
    let said: Vec<_> = run.deeds.said.iter().filter(|said| said.request == name).collect();
    for (desk, ticket) in legs {
        let at = DESKS[*desk];
        let mut places: BTreeMap<usize, Vec<(usize, &str)>> = BTreeMap::new();
        for said in &said {
            let copies: Vec<_> = ticket
                .comments
                .iter()
                .enumerate()
                .filter(|(_, comment)| comment.body.contains(&said.token))
                .collect();
            let carried = *desk == 0 || said.desk == 0 || run.ground.scenario.relay;
            let confided = said.hidden && said.desk == 0 && *desk == 1 && run.ground.scenario.confiding;
            let shown = said.is_public() && carried;
            let due = usize::from(!said.deleted && (*desk == said.desk || shown || confided));
            match copies.len() {
                count if count == due => {}
                0 => broken.push(format!("I5 {} of {name} is missing at {at}", said.token)),
                count if !said.is_public() && due == 0 => {
                    broken.push(format!("I1 {} of {name} was withdrawn, and {at} has {count}", said.token));
                }
                count => broken
                    .push(format!("I4 {} of {name} stands {count} times at {at}, due: {due}", said.token)),
            }
            if let [(place, comment)] = copies.as_slice() {
                if !comment.body.contains(&said.latest) {
                    broken.push(format!(
                        "I1 {} of {name} was edited to {}, and {at} has {:?}",
                        said.token, said.latest, comment.body
                    ));
                }
                // What changes its readers is said anew, behind what was said since.
                if *desk != said.desk && !said.hidden {
                    places.entry(said.desk).or_default().push((*place, &said.token));
                }
            }
        }
        for list in places.values() {
            if !list.is_sorted_by_key(|(place, _)| *place) {
                broken.push(format!("I7 comments of {name} stand out of order at {at}: {list:?}"));
            }
        }
    }
}

/// I4 and I5 for files.
fn files(run: &Run<'_>, name: &str, legs: &[(usize, &Ticket)], broken: &mut Vec<String>) {
    for attached in run.deeds.attached.iter().filter(|attached| attached.request == name) {
        for (desk, ticket) in legs {
            let copies = ticket.files.iter().filter(|file| file.name.contains(&attached.token));
            let whole = format!("bytes of {}", attached.token);
            let sound = copies.clone().all(|file| file.bytes == whole.as_bytes() && !file.internal);
            let carried = *desk == 0 || attached.desk == 0 || run.ground.scenario.relay;
            let due = usize::from(*desk == attached.desk || carried);
            match copies.count() {
                count if count == due && sound => {}
                count if count == due => {
                    broken
                        .push(format!("I5 {} of {name} has other bytes at {}", attached.token, DESKS[*desk]));
                }
                0 => broken.push(format!("I5 {} of {name} is missing at {}", attached.token, DESKS[*desk])),
                count => broken.push(format!(
                    "I4 {} of {name} stands {count} times at {}",
                    attached.token, DESKS[*desk]
                )),
            }
        }
    }
}

/// I4, I12 and I13: each write of the bridge once, after its intent, and nothing left in doubt.
fn intents(run: &Run<'_>, cases: &[Case], broken: &mut Vec<String>) {
    let mut intended = BTreeMap::new();
    for case in cases {
        for (leg, standing) in &case.legs {
            if !standing.outstanding.is_empty() || standing.dirty || standing.awaits_reading() {
                let items: Vec<_> = standing.outstanding.iter().map(|item| item.item.to_string()).collect();
                broken.push(format!("I13 {} still has to do at {leg}: {items:?}", case.id));
            }
            for (item, parked) in &standing.parked {
                broken.push(format!("I5 {item} of {} is parked at {leg}: {}", case.id, parked.reason));
            }
        }
        for record in records(run, case) {
            for fact in record.facts {
                if let Fact::Intended { leg, intent, item, .. } = fact {
                    let marker = intent.marker.as_str().to_owned();
                    intended.entry((leg.to_string(), marker)).or_insert((record.at, item));
                }
            }
        }
    }
    for (desk, name) in run.desks.iter().zip(DESKS) {
        let mut once = BTreeSet::new();
        for Write { at, who, marker, action, .. } in desk.history() {
            if who != Actor::Api {
                continue;
            }
            let marker = marker.unwrap_or_default();
            match intended.get(&(name.to_owned(), marker.clone())) {
                None => broken.push(format!("I12 a write at {name} has no intent: {action:?}")),
                Some((recorded, item)) if *recorded > at => {
                    broken.push(format!(
                        "I12 {item} was written to {name} at {at}, and intended at {recorded}"
                    ));
                }
                Some(_) => {}
            }
            let creates =
                matches!(action, Action::Create(_) | Action::Comment { .. } | Action::Attach { .. });
            if creates && !once.insert(marker) {
                broken.push(format!("I4 written twice to {name}: {action:?}"));
            }
        }
    }
}

/// How many effects were found after a doubt, and how many conflicts wait for a person.
pub(crate) fn counts(run: &Run<'_>) -> (usize, usize) {
    let cases = cases(run).unwrap_or_default();
    let found = cases.iter().flat_map(|case| records(run, case)).flat_map(|record| record.facts);
    let found = found.filter(|fact| matches!(fact, Fact::Effected { found: true, .. })).count();
    (found, cases.iter().map(|case| case.document.conflicts.len()).sum())
}

/// The records of every case, for a story.
#[expect(clippy::wildcard_enum_match_arm, reason = "every fact but intents is told as it stands")]
pub(crate) fn ledger(run: &Run<'_>) -> String {
    let mut text = String::new();
    for case in cases(run).unwrap_or_default() {
        for record in records(run, &case) {
            for fact in record.facts {
                let told = match &fact {
                    Fact::Intended { leg, item, intent, .. } => {
                        let item: &Item = item;
                        format!(
                            "intended {leg} {item} {} {} {:?}",
                            intent.id, intent.marker, intent.operation
                        )
                    }
                    other => serde_json::to_string(other).unwrap_or_default(),
                };
                let _ = writeln!(text, "{} {} {told}", record.at.format("%H:%M:%S%.3f"), case.id);
            }
        }
    }
    text
}
