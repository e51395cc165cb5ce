//! What is changed before it was sent: the older text never leaves, and what follows keeps its order.

use proptest::collection::vec;
use proptest::{prop_assert, proptest};
use throughline_sdk::{Operation, Visibility};

use super::invariants::{DESKS, policy, step, take};
use super::privacy::redaction;
use super::visibility::standing;
use super::world::{HOME, Outcome, PARTNER, World, name};
use crate::agreement::Policy;
use crate::case::{Fact, Field, Fingerprint, Item, Phase};

/// The texts that were written to the partner's desk, in order, without who said them.
fn texts(world: &World) -> Vec<&str> {
    let writes = world.writes.iter().filter(|(system, _)| system.as_str() == PARTNER);
    let texts = writes.filter_map(|(_, intent)| match &intent.operation {
        Operation::Comment { body, .. } | Operation::Edit { body, .. } => Some(body.as_str()),
        Operation::Create(_)
        | Operation::Update { .. }
        | Operation::Transition { .. }
        | Operation::Retract { .. }
        | Operation::Attach { .. }
        | Operation::LinkBack { .. } => None,
    });
    texts.map(|text| text.rsplit("\n\n").next().unwrap_or_default()).collect()
}

/// The descriptions with which tickets were made.
fn created(world: &World) -> Vec<&str> {
    let writes = world.writes.iter();
    let made = writes.filter_map(|(_, intent)| {
        let Operation::Create(new) = &intent.operation else { return None };
        Some(new.description.as_str())
    });
    made.collect()
}

fn bodies(world: &World) -> Vec<String> {
    let standing = standing(world, PARTNER).into_iter();
    standing.map(|(text, _)| text.rsplit("\n\n").next().unwrap_or_default().to_owned()).collect()
}

/// Three comments that are planned for the partner's desk and not sent.
fn three() -> World {
    let mut world = World::calm(&[PARTNER], Policy::Latest);
    for text in ["one, and the password is hunter2", "two", "three"] {
        world.says(HOME, text, Visibility::Public);
    }
    world.observe(&[HOME]);
    assert_eq!(world.case.legs[&name(PARTNER)].outstanding.len(), 3);
    world
}

#[test]
fn what_is_taken_out_of_a_comment_before_it_was_sent_never_leaves_and_the_order_holds() {
    let mut world = three();
    world.person(HOME, |ticket, _| ticket.comments[0].body = "one".to_owned());
    world.observe(&[HOME]);
    world.settle();
    assert_eq!(texts(&world), ["one", "two", "three"]);
    assert_eq!(bodies(&world), ["one", "two", "three"]);
}

#[test]
fn what_was_written_before_it_stays_planned() {
    let mut world = three();
    let ids = |world: &World| {
        let outstanding = world.case.legs[&name(PARTNER)].outstanding.iter();
        outstanding.map(|standing| standing.intent.id.clone()).collect::<Vec<_>>()
    };
    let before = ids(&world);
    world.person(HOME, |ticket, _| ticket.comments[1].body = "two, edited".to_owned());
    world.observe(&[HOME]);
    // While something is on its way nothing more is planned for the leg.
    assert_eq!(ids(&world), before[..1]);
    world.settle();
    assert_eq!(texts(&world), ["one, and the password is hunter2", "two, edited", "three"]);
}

#[test]
fn what_is_no_comment_goes_its_way_behind_one_that_was_edited() {
    let mut world = World::calm(&[PARTNER], Policy::Latest);
    world.attaches(HOME, 5, Visibility::Public);
    world.observe(&[HOME]);
    world.says(HOME, "one", Visibility::Public);
    world.observe(&[HOME]);
    let is_file = |item: &Item| matches!(item, Item::Attachment(_));
    let file = |world: &World| {
        let outstanding = &world.case.legs[&name(PARTNER)].outstanding;
        outstanding.iter().find(|standing| is_file(&standing.item)).map(|standing| standing.intent.id.clone())
    };
    let before = file(&world);
    assert!(before.is_some());
    world.person(HOME, |ticket, _| ticket.comments[0].body = "one, edited".to_owned());
    world.observe(&[HOME]);
    assert_eq!(file(&world), before);
}

#[test]
fn a_ticket_is_not_made_without_what_needs_a_pseudonym_by_now() {
    let mut world = World::new(&[PARTNER], Policy::Latest, HOME);
    world.rules.agreements.values_mut().next().unwrap().redaction = Some(redaction());
    world.person(HOME, |ticket, _| ticket.description.clear());
    world.observe(&[HOME]);
    world.person(HOME, |ticket, _| ticket.description = "Ada Lovelace knows.".to_owned());
    world.observe(&[HOME]);
    world.deliver(PARTNER, Outcome::Done);
    world.settle();
    let [made] = created(&world)[..] else { panic!("{:?}", world.writes) };
    assert!(made.starts_with("PERSON-") && made.ends_with(" knows."), "{made}");
}

#[test]
fn an_edit_that_is_edited_before_it_was_sent_takes_nothing_along() {
    let mut world = three();
    world.settle();
    world.writes.clear();
    world.person(HOME, |ticket, _| ticket.comments[2].body = "three, edited".to_owned());
    world.says(HOME, "four", Visibility::Public);
    world.observe(&[HOME]);
    world.person(HOME, |ticket, _| ticket.comments[2].body = "three, edited twice".to_owned());
    let facts = world.observe(&[HOME]).facts;
    let dropped = facts.iter().filter(|fact| matches!(fact, Fact::Dropped { .. }));
    assert_eq!(dropped.count(), 1, "a new comment behind an edit goes its way: {facts:#?}");
    world.settle();
    let mut sent = texts(&world);
    sent.sort_unstable();
    assert_eq!(sent, ["four", "three, edited twice"]);
}

#[test]
fn what_may_have_been_sent_is_looked_into_before_the_newer_text_follows() {
    for outcome in [Outcome::DoneAnswerLost, Outcome::LostOnTheWay] {
        let mut world = three();
        world.deliver(PARTNER, outcome);
        world.person(HOME, |ticket, _| ticket.comments[0].body = "one".to_owned());
        world.observe(&[HOME]);
        let first = &world.case.legs[&name(PARTNER)].outstanding[0];
        assert!(matches!(first.phase, Phase::Doubtful { .. }), "{outcome:?}: {first:?}");
        world.settle();
        assert_eq!(bodies(&world), ["one", "two", "three"], "{outcome:?}");
    }
}

#[test]
fn a_ticket_is_made_as_the_request_reads_when_it_is_sent() {
    let mut world = World::new(&[PARTNER], Policy::Latest, HOME);
    world.person(HOME, |ticket, _| ticket.description = "The password is hunter2.".to_owned());
    world.observe(&[HOME]);
    world.person(HOME, |ticket, _| ticket.description = "It burns.".to_owned());
    world.observe(&[HOME]);
    world.settle();
    assert_eq!(created(&world), ["It burns."]);
    assert!(!format!("{:?}", world.writes).contains("hunter2"));
}

#[test]
fn a_ticket_that_may_have_been_made_is_made_once() {
    let mut world = World::new(&[PARTNER], Policy::Latest, HOME);
    world.observe(&[HOME]);
    world.deliver(PARTNER, Outcome::DoneAnswerLost);
    world.person(HOME, |ticket, _| ticket.description = "It burns less.".to_owned());
    world.observe(&[HOME]);
    world.settle();
    assert_eq!(world.tickets[&name(PARTNER)].description, "It burns less.");
    assert_eq!(created(&world).len(), 1);
}

#[test]
fn of_a_field_that_changes_twice_the_newest_value_is_sent_alone() {
    let mut world = World::calm(&[PARTNER], Policy::Latest);
    world.writes.clear();
    for title in ["The password is hunter2", "Printer burns again"] {
        world.person(HOME, |ticket, _| ticket.title = title.to_owned());
        world.observe(&[HOME]);
    }
    world.settle();
    assert_eq!(world.tickets[&name(PARTNER)].title, "Printer burns again");
    assert!(!format!("{:?}", world.writes).contains("hunter2"), "{:?}", world.writes);
}

proptest! {
    #![proptest_config(proptest::test_runner::Config { cases: 200, ..Default::default() })]

    /// After each step, whatever is planned and cannot have been sent says what the request says by now.
    #[test]
    fn nothing_that_waits_to_be_sent_is_older_than_the_request(
        desks in 2..5usize,
        policy in policy(),
        steps in vec(step(), 0..60),
    ) {
        let mut world = World::new(&DESKS[1..desks], policy, HOME);
        for step in &steps {
            take(&mut world, step, desks);
            let document = &world.case.document;
            let waiting = world.case.legs.values().flat_map(|leg| &leg.outstanding);
            for standing in waiting.filter(|it| it.phase == Phase::Ready && !it.doubted) {
                let current = match (&standing.item, &standing.intent.operation) {
                    (Item::Remark(origin), _) => document.remarks[origin].print.clone(),
                    (Item::Field(field), _) => Fingerprint::of(&document.fields[field].value),
                    (_, Operation::Create(new)) => {
                        // What the legs disagree on is told to nobody.
                        let disputed = document.conflicts.contains_key(&Field::Description);
                        let shown = document.fields.get(&Field::Description).filter(|_| !disputed);
                        let shown = shown.map_or("", |field| field.value.as_str());
                        prop_assert!(shown == new.description, "{:?}", new);
                        continue;
                    }
                    _ => continue,
                };
                prop_assert!(standing.value.as_ref() == Some(&current), "{:?}", standing);
            }
        }
    }
}
