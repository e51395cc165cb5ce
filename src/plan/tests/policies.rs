//! Each conflict policy, by example: both sides changed a field; what stands afterwards on both desks.

use std::collections::BTreeMap;

use throughline_sdk::Ticket;

use super::world::{HOME, PARTNER, World, name};
use crate::agreement::Policy;
use crate::case::{Fact, Field};

/// Home is changed first, the partner after it, unless `partner_first`; both are read at once.
#[derive(Clone, Copy)]
struct Both<'a> {
    field: &'a str,
    home: &'a str,
    partner: &'a str,
    partner_first: bool,
}

fn set(ticket: &mut Ticket, field: &str, value: &str) {
    match field {
        "status" => value.clone_into(&mut ticket.status),
        "priority" => ticket.priority = Some(value.to_owned()),
        "title" => value.clone_into(&mut ticket.title),
        custom => {
            ticket.fields.insert(custom.to_owned(), value.to_owned());
        }
    }
}

fn get(ticket: &Ticket, field: &str) -> String {
    match field {
        "status" => ticket.status.clone(),
        "priority" => ticket.priority.clone().unwrap_or_default(),
        "title" => ticket.title.clone(),
        custom => ticket.fields.get(custom).cloned().unwrap_or_default(),
    }
}

fn check(policy: Policy, both: Both<'_>, expected: (&str, &str)) {
    let mut world = World::calm(&[PARTNER], policy);
    let mut order = [(HOME, both.home), (PARTNER, both.partner)];
    if both.partner_first {
        order.reverse();
    }
    for (system, value) in order {
        world.person(system, |ticket, _| set(ticket, both.field, value));
    }
    world.settle();
    let of = |system| get(&world.tickets[&name(system)], both.field);
    assert_eq!((of(HOME).as_str(), of(PARTNER).as_str()), expected, "{policy:?} {}", both.field);
}

const STATUS: Both<'_> = Both { field: "status", home: "Closed", partner: "Waiting", partner_first: false };
const TITLE: Both<'_> = Both { field: "title", home: "H", partner: "P", partner_first: false };

#[test]
fn the_owner_wins() {
    check(Policy::OwnerHome, STATUS, ("Closed", "Done"));
    check(Policy::OwnerHome, TITLE, ("H", "H"));
    check(Policy::OwnerCounterpart, STATUS, ("Waiting", "Waiting"));
    check(Policy::OwnerCounterpart, TITLE, ("P", "P"));
}

#[test]
fn the_later_change_wins_where_time_decides() {
    check(Policy::Latest, TITLE, ("P", "P"));
    check(Policy::Latest, Both { partner_first: true, ..TITLE }, ("H", "H"));
}

#[test]
fn home_wins_a_tie_in_time() {
    let mut world = World::calm(&[PARTNER], Policy::Latest);
    world.person(PARTNER, |ticket, _| "P".clone_into(&mut ticket.title));
    world.tick -= 1;
    world.person(HOME, |ticket, _| "H".clone_into(&mut ticket.title));
    world.settle();
    assert_eq!(world.value(&Field::Title), Some("H"));
}

#[test]
fn what_is_further_on_wins_where_progress_decides() {
    check(Policy::MostAdvanced, STATUS, ("Closed", "Done"));
    check(Policy::MostAdvanced, Both { home: "Open", ..STATUS }, ("Waiting", "Waiting"));
    let priority = Both { field: "priority", home: "Top", partner: "Low", partner_first: false };
    check(Policy::MostAdvanced, priority, ("Top", "High"));
    check(Policy::MostAdvanced, TITLE, ("P", "P"));
}

#[test]
fn lists_are_united() {
    let tags = Both { field: "tags", home: "b, a", partner: "c,a", partner_first: false };
    check(Policy::Union, tags, ("a, b, c", "a, b, c"));
}

#[test]
fn a_dispute_leaves_both_desks_as_they_are_until_they_agree() {
    check(Policy::Manual, TITLE, ("H", "P"));
    let mut world = World::calm(&[PARTNER], Policy::Manual);
    world.person(HOME, |ticket, _| "H".clone_into(&mut ticket.title));
    world.person(PARTNER, |ticket, _| "P".clone_into(&mut ticket.title));
    world.settle();
    assert!(world.case.document.conflicts.contains_key(&Field::Title));
    world.person(HOME, |ticket, _| "P".clone_into(&mut ticket.title));
    world.settle();
    assert!(world.case.document.conflicts.is_empty());
    assert_eq!(world.value(&Field::Title), Some("P"));
}

#[test]
fn a_person_ends_a_dispute() {
    for (winner, title) in [(HOME, "H"), (PARTNER, "P")] {
        let mut world = World::calm(&[PARTNER], Policy::Manual);
        world.person(HOME, |ticket, _| "H".clone_into(&mut ticket.title));
        world.person(PARTNER, |ticket, _| "P".clone_into(&mut ticket.title));
        world.settle();
        let decided = Fact::Changed {
            field: Field::Title,
            value: title.to_owned(),
            leg: name(winner),
            changed: super::world::at(world.tick),
            overruled: BTreeMap::new(),
        };
        world.case.apply(&decided, super::world::at(world.tick));
        world.settle();
        for ticket in world.tickets.values() {
            assert_eq!(ticket.title, title);
        }
    }
}

#[test]
fn the_losers_of_a_conflict_are_named() {
    let mut world = World::calm(&[PARTNER], Policy::OwnerHome);
    world.person(HOME, |ticket, _| "H".clone_into(&mut ticket.title));
    world.person(PARTNER, |ticket, _| "P".clone_into(&mut ticket.title));
    let plan = world.observe(&[HOME, PARTNER]);
    let mut named = false;
    for fact in &plan.facts {
        if let Fact::Changed { overruled, .. } = fact {
            named |= overruled.get(&name(PARTNER)).map(String::as_str) == Some("P");
        }
    }
    assert!(named, "{:#?}", plan.facts);
}
