//! Comments out: in order, in the text that is theirs, and nothing twice or too early.

use std::collections::BTreeSet;

use throughline_sdk::{Operation, Visibility};

use super::handshake::{self, handshake};
use super::privacy::redaction;
use super::visibility::{confiding, parked, standing};
use super::world::{HOME, Outcome as Ending, PARTNER, VENDOR, World, name};
use crate::agreement::{Class, Direction, Handshake, Leftover, Policy};
use crate::case::{Fact, Health, Item, Origin};
use crate::plan::Outcome;

fn outcome(world: &World, desk: &str, item: &Item) -> Outcome {
    let verdicts = world.foreseen(&[]).verdicts;
    verdicts.into_iter().find(|verdict| verdict.to == name(desk) && verdict.item == *item).unwrap().outcome
}

/// Where the last thing that somebody did at home stands.
fn last(world: &World, letter: &str) -> Origin {
    Origin { system: name(HOME), id: format!("{letter}{}", world.tick) }
}

fn waits(reason: &str) -> Outcome {
    Outcome::Waiting { reason: reason.to_owned() }
}

/// What may be there already cannot be called back; it must not be forgotten either.
#[test]
fn a_copy_in_doubt_is_taken_back_once_it_is_there_if_it_must_not_be() {
    let mut world = confiding();
    world.says(HOME, "text", Visibility::Public);
    let item = Item::Remark(last(&world, "p"));
    world.observe(&[HOME]);
    world.deliver(VENDOR, Ending::DoneAnswerLost);
    // The partner may read what is internal at home, the vendor may not.
    world.person(HOME, |ticket, _| ticket.comments[0].visibility = Visibility::Internal);
    world.observe(&[HOME]);
    assert!(world.case.legs[&name(VENDOR)].dirty, "there is something left to be done");
    let expected = waits("a copy is on its way, and is taken back once it is there");
    assert_eq!(outcome(&world, VENDOR, &item), expected);
    world.settle();
    assert_eq!((standing(&world, VENDOR), standing(&world, PARTNER).len()), (Vec::new(), 1));
}

#[test]
fn a_copy_in_doubt_stays_where_an_agreement_shares_no_more() {
    let mut world = World::calm(&[PARTNER], Policy::Latest);
    world.says(HOME, "text", Visibility::Public);
    world.observe(&[HOME]);
    world.deliver(PARTNER, Ending::DoneAnswerLost);
    world.rules.agreements.values_mut().next().unwrap().comments = Direction::Inbound;
    let facts = world.observe(&[HOME]).facts;
    assert!(!facts.iter().any(|fact| matches!(fact, Fact::Postponed { .. })), "nothing follows: {facts:#?}");
    world.settle();
    assert_eq!(standing(&world, PARTNER).len(), 1);
}

#[test]
fn what_was_withdrawn_before_it_was_sent_asks_nobody_anything() {
    let mut world = World::calm(&[PARTNER], Policy::Latest);
    world.says(HOME, "too early", Visibility::Public);
    world.observe(&[HOME]);
    world.person(HOME, |ticket, _| ticket.comments.clear());
    world.settle();
    assert_eq!((standing(&world, PARTNER), parked(&world, PARTNER)), (Vec::new(), Vec::new()));
}

/// What was said before the refusal stands there; what is said after it goes nowhere, and nothing is read for it.
#[test]
fn nothing_more_is_said_of_a_request_that_was_not_taken_on() {
    let share = Handshake { share_before: true, ..handshake() };
    let mut world = handshake::world(&[PARTNER], HOME, &share);
    world.settle();
    let both = |world: &mut World| {
        world.says(HOME, "text", Visibility::Public);
        let remark = Item::Remark(last(world, "p"));
        world.attaches(HOME, 5, Visibility::Public);
        let file = Item::Attachment(last(world, "f"));
        world.settle();
        [remark, file]
    };
    let before = both(&mut world);
    handshake::says(&mut world, PARTNER, "REJECT: not ours");
    let after = both(&mut world);
    for item in &before {
        assert_eq!(outcome(&world, PARTNER, item), Outcome::Passed, "{item}");
    }
    for item in &after {
        assert_eq!(outcome(&world, PARTNER, item), waits("the request was not taken on"), "{item}");
    }
    let there = &world.tickets[&name(PARTNER)];
    assert_eq!(there.files.len(), 1);
    let Item::Attachment(file) = &after[1] else { panic!("{after:?}") };
    assert_eq!(world.case.document.attachments[file].digest, None, "its bytes are nobody's concern");
    assert_eq!(world.plan(&[PARTNER], &BTreeSet::new()).unread, [], "nor is the comment's text");
}

#[test]
fn a_comment_waits_for_the_names_in_an_earlier_one() {
    let mut world = World::new(&[PARTNER], Policy::Latest, HOME);
    world.rules.agreements.values_mut().next().unwrap().redaction = Some(redaction());
    world.settle();
    world.says(HOME, "first", Visibility::Public);
    world.settle();
    // Its writer has a pseudonym by now, the address has none.
    world.says(HOME, "write to bob@example.org", Visibility::Public);
    world.says(HOME, "third", Visibility::Public);
    let third = Item::Remark(last(&world, "p"));
    let plan = world.plan(&[HOME, PARTNER], &BTreeSet::new());
    assert_eq!(plan.unnamed.len(), 1);
    let sent = |fact: &Fact| matches!(fact, Fact::Intended { item: Item::Remark(_), .. });
    assert!(!plan.facts.iter().any(sent), "{:#?}", plan.facts);
    assert_eq!(outcome(&world, PARTNER, &third), waits("an earlier comment has to go first"));
    world.settle();
    let bodies: Vec<String> = standing(&world, PARTNER).into_iter().map(|(body, _)| body).collect();
    assert_eq!(bodies.len(), 3);
    assert!(bodies[1].contains("write to EMAIL-") && bodies[2].ends_with("third"), "{bodies:?}");
}

/// Whether it may leave was decided when it was planned; what is on its way is not asked about again.
#[test]
fn what_is_on_its_way_is_not_held() {
    let mut world = World::calm(&[PARTNER], Policy::Latest);
    world.says(HOME, "write to bob@example.org", Visibility::Public);
    let first = Item::Remark(last(&world, "p"));
    world.says(HOME, "second", Visibility::Public);
    world.observe(&[HOME]);
    world.deliver(PARTNER, Ending::LostOnTheWay);
    let mut strict = redaction();
    strict.leftover = Leftover::Hold;
    strict.classes.remove(&Class::Email);
    world.rules.agreements.values_mut().next().unwrap().redaction = Some(strict);
    let facts = world.plan(&[HOME], &BTreeSet::new()).facts;
    assert!(!facts.iter().any(|fact| matches!(fact, Fact::Held { .. })), "{facts:#?}");
    assert_eq!(outcome(&world, PARTNER, &first), waits("it is on its way"));
}

#[test]
fn what_is_edited_while_it_is_on_its_way_leaves_work_behind() {
    let mut world = World::calm(&[PARTNER], Policy::Latest);
    world.says(HOME, "old", Visibility::Public);
    world.observe(&[HOME]);
    world.deliver(PARTNER, Ending::DoneAnswerLost);
    world.person(HOME, |ticket, _| ticket.comments[0].body = "new".to_owned());
    world.observe(&[HOME]);
    world.deliver(PARTNER, Ending::Done);
    assert!(world.case.legs[&name(PARTNER)].dirty);
    let facts = world.observe(&[]).facts;
    let edits = |fact: &Fact| {
        let Fact::Intended { intent, .. } = fact else { return false };
        matches!(&intent.operation, Operation::Edit { body, .. } if body.ends_with("new"))
    };
    assert!(facts.iter().any(edits), "{facts:#?}");
}

/// Texts are let go of once everybody has them, and read again for whoever is shown them later.
#[test]
fn each_comment_is_read_again_in_its_own_words() {
    let mut world = World::new(&[PARTNER, VENDOR], Policy::Latest, HOME);
    let vendors = |world: &mut World, comments| {
        let mut agreements = world.rules.agreements.values_mut();
        agreements.find(|it| it.counterpart == name(VENDOR)).unwrap().comments = comments;
    };
    vendors(&mut world, Direction::None);
    world.settle();
    for text in ["one", "two"] {
        world.says(HOME, text, Visibility::Public);
    }
    world.settle();
    assert!(world.case.document.remarks.values().all(|remark| remark.body.is_none()));
    vendors(&mut world, Direction::Both);
    world.settle();
    let bodies: Vec<String> = standing(&world, VENDOR).into_iter().map(|(body, _)| body).collect();
    assert_eq!(bodies, ["Ada (HOME):\n\none", "Ada (HOME):\n\ntwo"]);
}

/// A ticket that counts as gone is not read into the request; what stands there now may be for other readers.
#[test]
fn words_that_were_not_read_into_the_request_are_not_sent() {
    for (body, visibility) in
        [("SECRET", Visibility::Internal), ("SECRET", Visibility::Public), ("text", Visibility::Internal)]
    {
        let mut world = World::new(&[PARTNER, VENDOR], Policy::Latest, HOME);
        let vendors = |world: &mut World, comments| {
            let mut agreements = world.rules.agreements.values_mut();
            agreements.find(|it| it.counterpart == name(VENDOR)).unwrap().comments = comments;
        };
        vendors(&mut world, Direction::None);
        world.settle();
        world.says(HOME, "text", Visibility::Public);
        world.settle();
        world.tell(Fact::Ailed { leg: name(HOME), health: Health::Gone, reason: "404".to_owned() });
        world.person(HOME, |ticket, _| {
            body.clone_into(&mut ticket.comments[0].body);
            ticket.comments[0].visibility = visibility;
        });
        vendors(&mut world, Direction::Both);
        world.settle();
        assert_eq!(standing(&world, VENDOR), [], "{body} {visibility:?}");
        assert_eq!(parked(&world, VENDOR).len(), 1, "and a person sees that");
    }
}
