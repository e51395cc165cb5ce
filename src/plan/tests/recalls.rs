//! What is planned and not sent yet: what stays planned, and what is called back, with which reason.

use throughline_sdk::{Operation, Visibility};

use super::grants::{self, ask, granted_as};
use super::handshake::{self, handshake, offered};
use super::visibility::{confiding, discharge, parked, publish, standing};
use super::world::{HOME, Outcome, PARTNER, World, at, name};
use crate::agreement::{Direction, Handshake, Policy, Sharing};
use crate::case::{Fact, Field, Granted, Health, Heard, Item, OfferState};
use crate::plan::{GrantAsk, objection};

/// Why something was called back by this plan.
fn called_back(facts: &[Fact]) -> Vec<&str> {
    let reasons = facts.iter().filter_map(|fact| {
        let Fact::Dropped { reason, .. } = fact else { return None };
        Some(reason.as_str())
    });
    reasons.collect()
}

fn is_planned(world: &World, wanted: impl Fn(&Operation) -> bool) -> bool {
    let mut outstanding = world.case.legs[&name(PARTNER)].outstanding.iter();
    outstanding.any(|standing| wanted(&standing.intent.operation))
}

/// A ticket that is planned under an agreement with this type for it, and with the type of home's where it is shared.
fn ticket_planned(given: Option<&str>, shared: bool) -> World {
    let mut world = World::new(&[PARTNER], Policy::Latest, HOME);
    world.person(HOME, |ticket, _| ticket.kind = Some("Incident".to_owned()));
    let agreement = world.rules.agreements.values_mut().next().unwrap();
    agreement.counterpart_type = given.map(str::to_owned);
    if shared {
        let rule = agreement.fields[&Field::Title].clone();
        agreement.fields.insert(Field::Kind, rule);
    }
    world.observe(&[HOME]);
    world
}

/// A comment or its edit that is planned, for these readers.
fn said(visibility: Visibility, edited: bool) -> World {
    let mut world = confiding();
    world.says(HOME, "text", visibility);
    if edited {
        world.settle();
        world.person(HOME, |ticket, _| ticket.comments[0].body = "new text".to_owned());
    }
    world.observe(&[HOME]);
    world
}

/// Something that is planned because a grant shows it.
fn shown(what: &Granted, in_public: bool) -> World {
    let mut world = grants::calm();
    world.able.get_mut(&name(PARTNER)).unwrap().internal_comments = !in_public;
    let asked = ask(&world, PARTNER, what.clone(), 500);
    let asked = GrantAsk { public_if_must: in_public, ..asked };
    if *what == Granted::Environment {
        let grant = grants::act(&mut world, &crate::plan::GrantAct::Ask(asked)).unwrap();
        grants::act(&mut world, &grants::approve(grant)).unwrap();
    } else {
        granted_as(&mut world, asked);
        world.says(HOME, "for staff", Visibility::Internal);
    }
    world.observe(&[HOME]);
    world
}

#[test]
fn what_is_planned_stays_planned_as_long_as_it_may_arrive() {
    let mut bare = World::new(&[PARTNER], Policy::Latest, HOME);
    bare.rules.agreements.values_mut().next().unwrap().fields.clear();
    bare.observe(&[HOME]);
    let mut alarmed = confiding();
    alarmed.says(HOME, "for staff", Visibility::Internal);
    alarmed.settle();
    publish(&mut alarmed, PARTNER);
    alarmed.settle();
    assert!(alarmed.case.legs[&name(PARTNER)].leaks());
    alarmed.says(HOME, "for all", Visibility::Public);
    alarmed.observe(&[HOME]);
    let planned = [
        ("a ticket that carries nothing", bare),
        ("a public comment while an alarm stands", alarmed),
        ("a ticket of the agreement's type", ticket_planned(Some("Task"), false)),
        ("a ticket of home's type", ticket_planned(None, true)),
        ("a ticket without a type", ticket_planned(None, false)),
        ("a public comment", said(Visibility::Public, false)),
        ("an internal comment", said(Visibility::Internal, false)),
        ("the edit of a public comment", said(Visibility::Public, true)),
        ("the edit of an internal comment", said(Visibility::Internal, true)),
        ("what a grant shows", shown(&Granted::InternalComments, false)),
        ("what a grant shows in public", shown(&Granted::InternalComments, true)),
        ("the notice of a grant", shown(&Granted::Environment, false)),
    ];
    for (what, mut world) in planned {
        let before = world.case.legs[&name(PARTNER)].outstanding.clone();
        assert!(!before.is_empty(), "{what}");
        let facts = world.observe(&[HOME, PARTNER]).facts;
        assert_eq!(called_back(&facts), Vec::<&str>::new(), "{what}");
        assert_eq!(world.case.legs[&name(PARTNER)].outstanding, before, "{what}");
    }
}

#[test]
fn a_ticket_is_made_of_the_type_that_its_agreement_names_by_then() {
    let mut world = ticket_planned(None, false);
    world.rules.agreements.values_mut().next().unwrap().counterpart_type = Some("Task".to_owned());
    let facts = world.observe(&[HOME]).facts;
    assert_eq!(called_back(&facts), ["what it says has changed since"]);
    let planned = |operation: &Operation| matches!(operation, Operation::Create(new) if new.kind.as_deref() == Some("Task"));
    assert!(is_planned(&world, planned));
}

#[test]
fn a_file_that_is_deleted_before_it_was_sent_is_called_back() {
    let mut world = World::calm(&[PARTNER], Policy::Latest);
    world.attaches(HOME, 5, Visibility::Public);
    world.observe(&[HOME]);
    world.observe(&[HOME]);
    assert!(is_planned(&world, |operation| matches!(operation, Operation::Attach { .. })));
    world.person(HOME, |ticket, _| ticket.files.clear());
    let facts = world.observe(&[HOME]).facts;
    assert_eq!(called_back(&facts), ["it was withdrawn at its origin before it was sent"]);
}

#[test]
fn a_ticket_is_not_made_for_an_offer_that_was_taken_back() {
    let mut world = handshake::world(&[PARTNER], HOME, &handshake());
    world.observe(&[HOME]);
    assert!(is_planned(&world, |operation| matches!(operation, Operation::Create(_))));
    world.person(HOME, |ticket, _| ticket.status = "Closed".to_owned());
    let facts = world.observe(&[HOME]).facts;
    assert_eq!(called_back(&facts), ["the offer was taken back"]);
    world.settle();
    assert!(!world.tickets.contains_key(&name(PARTNER)));
}

/// The word is ours and says how the offer stands: it needs no field that is shared.
#[test]
fn how_an_offer_stands_is_told_although_the_status_is_not_shared_any_more() {
    let mut world = offered();
    world.person(HOME, |ticket, _| ticket.status = "Closed".to_owned());
    world.observe(&[HOME]);
    let words = |operation: &Operation| matches!(operation, Operation::Transition { .. });
    assert!(is_planned(&world, words));
    world.rules.agreements.values_mut().next().unwrap().fields.remove(&Field::Status);
    let facts = world.observe(&[HOME]).facts;
    assert_eq!(called_back(&facts), Vec::<&str>::new());
    world.deliver(PARTNER, Outcome::Done);
    assert_eq!(world.tickets[&name(PARTNER)].status, "Done");
}

#[test]
fn a_field_that_is_shared_no_more_is_called_back_also_after_an_offer_was_accepted() {
    let mut world = offered();
    handshake::says(&mut world, PARTNER, "ACCEPT");
    world.person(HOME, |ticket, _| ticket.title = "Printer burns brightly".to_owned());
    world.observe(&[HOME]);
    assert!(is_planned(&world, |operation| matches!(operation, Operation::Update { .. })));
    let agreement = world.rules.agreements.values_mut().next().unwrap();
    agreement.fields.get_mut(&Field::Title).unwrap().direction = Direction::None;
    let facts = world.observe(&[HOME]).facts;
    assert_eq!(called_back(&facts), ["what it carries is not shared any more"]);
}

/// The grant lets it be public where the desk has nothing internal. This desk has, so that it was planned for staff.
#[test]
fn what_was_planned_for_staff_is_called_back_when_it_turns_public() {
    let mut world = grants::calm();
    let asked = ask(&world, PARTNER, Granted::InternalComments, 500);
    granted_as(&mut world, GrantAsk { public_if_must: true, ..asked });
    world.says(HOME, "text", Visibility::Internal);
    world.observe(&[HOME]);
    world.person(HOME, |ticket, _| ticket.comments[0].visibility = Visibility::Public);
    let facts = world.observe(&[HOME]).facts;
    assert_eq!(called_back(&facts), ["others may read it at its origin by now"]);
    world.settle();
    assert_eq!(standing(&world, PARTNER), [("Ada (HOME):\n\ntext".to_owned(), Visibility::Public)]);
}

/// An agreement that ended changes what the link says, too; that it is called back is told once.
#[test]
fn a_link_is_called_back_once_for_whatever_reasons() {
    let mut world = World::new(&[PARTNER], Policy::Latest, HOME);
    world.observe(&[HOME]);
    world.deliver(PARTNER, Outcome::Done);
    world.observe(&[PARTNER]);
    assert!(is_planned(&world, |operation| matches!(operation, Operation::LinkBack(_))));
    world.rules.agreements.clear();
    world.person(HOME, |ticket, _| ticket.status = "Open".to_owned());
    let facts = world.observe(&[HOME, PARTNER]).facts;
    let dropped: Vec<&str> = facts
        .iter()
        .filter_map(|fact| {
            let Fact::Dropped { intent, .. } = fact else { return None };
            Some(intent.as_str())
        })
        .collect();
    let once: std::collections::BTreeSet<&str> = dropped.iter().copied().collect();
    assert_eq!((dropped.len(), once.len()), (3, 3), "two links and a status: {facts:#?}");
}

#[test]
fn a_ticket_that_carries_nothing_is_not_made_under_an_agreement_that_ended() {
    let mut world = World::new(&[PARTNER], Policy::Latest, HOME);
    let agreement = world.rules.agreements.values_mut().next().unwrap();
    agreement.fields.clear();
    agreement.counterpart_type = None;
    world.observe(&[HOME]);
    assert!(is_planned(&world, |operation| matches!(operation, Operation::Create(_))));
    world.rules.agreements.clear();
    world.settle();
    assert!(world.writes.is_empty(), "{:?}", world.writes);
}

#[test]
fn what_nobody_can_read_again_is_sent_where_no_agreement_has_it_read_again() {
    for (recheck, expected) in [(true, 0), (false, 1)] {
        let mut world = World::calm(&[PARTNER], Policy::Latest);
        world.rules.agreements.values_mut().next().unwrap().recheck = recheck;
        world.says(HOME, "comment", Visibility::Public);
        world.observe(&[HOME]);
        world.tell(Fact::Ailed { leg: name(HOME), health: Health::Gone, reason: "404".to_owned() });
        world.settle();
        assert_eq!(standing(&world, PARTNER).len(), expected);
        assert_eq!(parked(&world, PARTNER).len(), 1 - expected);
    }
}

#[test]
fn a_leak_that_a_person_looked_into_needs_nobody_to_take_it_back() {
    let mut world = confiding();
    world.able.get_mut(&name(PARTNER)).unwrap().retract = false;
    world.says(HOME, "for staff", Visibility::Internal);
    world.settle();
    publish(&mut world, PARTNER);
    world.settle();
    let tasks = parked(&world, PARTNER);
    let alarm = tasks.iter().find(|task| task.starts_with("leak:")).unwrap();
    assert_eq!(tasks.len(), 2, "{tasks:?}");
    discharge(&mut world, PARTNER, alarm);
    world.settle();
    assert_eq!(parked(&world, PARTNER), Vec::<String>::new());
}

#[test]
fn the_environment_of_a_grant_that_ended_is_not_told_of() {
    let mut world = shown(&Granted::Environment, false);
    assert!(matches!(world.case.legs[&name(PARTNER)].outstanding[0].item, Item::Notice(_)));
    world.tick += 500;
    let facts = world.observe(&[]).facts;
    assert_eq!(called_back(&facts), ["the grant that it tells of has ended"]);
}

/// Only the words that tell how an offer stands need no field that is shared.
#[test]
fn nothing_else_is_sent_under_an_agreement_that_ended_while_an_offer_is_to_be_told() {
    let share = Handshake { share_before: true, ..handshake() };
    let mut world = handshake::world(&[PARTNER], HOME, &share);
    world.observe(&[HOME]);
    world.deliver(PARTNER, Outcome::Done);
    world.observe(&[PARTNER]);
    world.tell(Fact::Handshake {
        leg: name(PARTNER),
        state: OfferState::Withdrawn,
        words: String::new(),
        respond_by: None,
        heard: Heard::default(),
        answers_after: None,
    });
    world.rules.agreements.clear();
    let sharing = Sharing::of(&world.rules, &world.case, at(world.tick));
    let leg = &world.case.legs[&name(PARTNER)];
    let links = leg.outstanding.iter().filter(|standing| matches!(standing.item, Item::LinkBack(_)));
    let objections: Vec<_> =
        links.map(|standing| objection(&world.case, &sharing, &name(PARTNER), leg, standing)).collect();
    assert_eq!(objections, [Some("what it carries is not shared any more")]);
}
