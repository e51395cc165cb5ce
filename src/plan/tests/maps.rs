//! Value maps: what leaves is what the map names, both ways agree, and what is not named goes nowhere.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::world::{HOME, PARTNER, World, name};
use crate::agreement::{Agreement, Direction, FieldRule, Otherwise, Policy, Pseudonyms, Release};
use crate::case::{Field, Item};

fn tags() -> Field {
    Field::Custom("tags".to_owned())
}

fn agreement(world: &World) -> &Agreement {
    world.rules.agreements.values().next().unwrap()
}

fn with(rule: FieldRule) -> World {
    let mut world = World::new(&[PARTNER], Policy::Latest, HOME);
    world.rules.agreements.values_mut().next().unwrap().fields.insert(tags(), rule);
    world
}

fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(from, to)| ((*from).to_owned(), (*to).to_owned())).collect()
}

fn set(world: &mut World, system: &str, value: &str) {
    world.person(system, |ticket, _| _ = ticket.fields.insert("tags".to_owned(), value.to_owned()));
}

fn tag(world: &World, system: &str) -> String {
    world.tickets[&name(system)].fields.get("tags").cloned().unwrap_or_default()
}

#[test]
fn each_side_reads_a_value_in_its_own_words() {
    let mut world = with(FieldRule {
        outbound: map(&[("Büro", "Office")]),
        inbound: map(&[("Office", "Büro")]),
        otherwise: Some(Otherwise::AsItIs),
        ..FieldRule::plain(Direction::Both, Policy::Latest)
    });
    set(&mut world, HOME, "Büro");
    world.settle();
    set(&mut world, PARTNER, "Shop");
    world.settle();
    assert_eq!((tag(&world, HOME), tag(&world, PARTNER)), ("Shop".to_owned(), "Shop".to_owned()));
    set(&mut world, PARTNER, "Office");
    world.settle();
    assert_eq!((tag(&world, HOME), tag(&world, PARTNER)), ("Büro".to_owned(), "Office".to_owned()));
}

#[test]
fn what_no_map_names_is_parked_on_the_side_where_it_would_arrive_or_came_from() {
    let mut world = with(FieldRule {
        outbound: map(&[("ERP", "Finance")]),
        inbound: map(&[("Finance", "ERP")]),
        otherwise: Some(Otherwise::Park),
        ..FieldRule::plain(Direction::Both, Policy::Latest)
    });
    set(&mut world, HOME, "ERP");
    world.settle();
    assert_eq!(tag(&world, PARTNER), "Finance");
    set(&mut world, HOME, "secret project");
    world.settle();
    assert_eq!(tag(&world, PARTNER), "Finance", "it stays");
    let parked = &world.case.legs[&name(PARTNER)].parked[&Item::Field(tags())];
    assert!(parked.reason.contains("does not say what the field:tags"), "{}", parked.reason);
    set(&mut world, HOME, "ERP");
    world.settle();
    assert!(world.case.legs[&name(PARTNER)].parked.is_empty());
    set(&mut world, PARTNER, "Sales");
    world.settle();
    assert_eq!(tag(&world, HOME), "ERP", "what home has no word for does not come in");
    assert!(world.case.legs[&name(PARTNER)].parked.contains_key(&Item::Field(tags())));
}

#[test]
fn a_default_stands_for_a_status_that_the_other_side_has_no_word_for() {
    let mut world = World::new(&[PARTNER], Policy::Latest, HOME);
    let agreement = world.rules.agreements.values_mut().next().unwrap();
    agreement.fields.get_mut(&Field::Status).unwrap().otherwise =
        Some(Otherwise::Default("resolved".to_owned()));
    world.settle();
    world.person(HOME, |ticket, _| "Rejected".clone_into(&mut ticket.status));
    world.settle();
    assert_eq!(world.tickets[&name(PARTNER)].status, "Done");
    assert_eq!(world.tickets[&name(HOME)].status, "Rejected", "home keeps its own word");
}

fn value() -> impl Strategy<Value = String> {
    "[abcd]".prop_map(|value| value)
}

fn rule() -> impl Strategy<Value = FieldRule> {
    let maps = || prop::collection::btree_map(value(), value(), 0..4);
    let otherwise =
        prop_oneof![Just(Otherwise::Park), Just(Otherwise::AsItIs), value().prop_map(Otherwise::Default)];
    (maps(), maps(), otherwise).prop_map(|(outbound, inbound, otherwise)| FieldRule {
        outbound,
        inbound,
        otherwise: Some(otherwise),
        ..FieldRule::plain(Direction::Both, Policy::Latest)
    })
}

proptest! {
    #[test]
    fn nothing_leaves_but_what_the_map_names_or_its_rest(rule in rule(), value in value()) {
        let world = with(rule.clone());
        let shown = world.rules.outward(agreement(&world), &tags(), &value).ok();
        let expected = match (rule.outbound.get(&value), &rule.otherwise) {
            (Some(mapped), _) => Some(mapped.as_str()),
            (None, _) if rule.outbound.is_empty() => Some(value.as_str()),
            (None, Some(Otherwise::Default(other))) => Some(other.as_str()),
            (None, Some(Otherwise::AsItIs)) => Some(value.as_str()),
            (None, Some(Otherwise::Park) | None) => None,
        };
        prop_assert_eq!(shown, expected);
    }

    #[test]
    fn maps_that_do_not_contradict_obey_the_laws(rule in rule(), value in value()) {
        prop_assume!(rule.contradiction().is_none());
        let world = with(rule);
        let (partner, field, names) = (name(PARTNER), tags(), Pseudonyms::default());
        let out = |value: &str| {
            let release = Release { names: &names, approved: false };
            let shown = world.rules.project(&partner, Some(agreement(&world)), &field, value, &release);
            shown.ok().map(crate::agreement::Redacted::into_intent)
        };
        let home = |native: &str| {
            world.rules.lift(&partner, Some(agreement(&world)), &field, native, &names).ok().flatten()
        };
        // Put-get: what was written comes back as what is written again.
        if let Some(shown) = out(&value)
            && let Some(again) = home(&shown).and_then(|read| out(&read))
        {
            prop_assert_eq!(again, shown);
        }
        // Get-put: what was read is shown as something that is read as the same.
        if let Some(read) = home(&value)
            && let Some(again) = out(&read).and_then(|shown| home(&shown))
        {
            prop_assert_eq!(again, read);
        }
    }

    #[test]
    fn mapped_fields_come_to_rest(rule in rule(), changes in prop::collection::vec((any::<bool>(), value()), 1..6)) {
        let mut world = with(rule);
        world.settle();
        for (at_home, value) in changes {
            set(&mut world, if at_home { HOME } else { PARTNER }, &value);
            world.settle();
        }
        let writes = world.writes.len();
        world.settle();
        prop_assert_eq!(world.writes.len(), writes, "it is silent once nobody types");
    }
}
