//! Who may read what, by example: internal things that cross by a rule, leaks, retraction, and what is dropped in time.

use throughline_sdk::{Operation, Visibility};

use super::world::{HOME, Outcome, PARTNER, VENDOR, World, at, name};
use crate::agreement::{Direction, Internal, Policy};
use crate::case::{Fact, Field, Health, Item, PartyName};

/// A calm world whose partner is shown what is internal at home.
pub(super) fn confiding() -> World {
    let mut world = World::new(&[PARTNER, VENDOR], Policy::Latest, HOME);
    let agreement = world.rules.agreements.values_mut().find(|it| it.counterpart == name(PARTNER));
    agreement.unwrap().internal = Internal::AsInternal;
    world.settle();
    world
}

pub(super) fn standing(world: &World, system: &str) -> Vec<(String, Visibility)> {
    let comments = &world.tickets[&name(system)].comments;
    comments.iter().map(|comment| (comment.body.clone(), comment.visibility)).collect()
}

pub(super) fn parked(world: &World, system: &str) -> Vec<String> {
    let leg = &world.case.legs[&name(system)];
    leg.parked.iter().filter(|(_, parked)| !parked.discarded).map(|(item, _)| item.to_string()).collect()
}

pub(super) fn discharge(world: &mut World, system: &str, item: &str) {
    let item = Item::try_from(item.to_owned()).unwrap();
    let fact =
        Fact::Unparked { leg: name(system), item, discarded: true, by: String::new(), reason: String::new() };
    world.case.apply(&fact, at(world.tick));
}

/// Somebody makes the first comment or file of ours readable for everybody.
pub(super) fn publish(world: &mut World, system: &str) {
    world.person(system, |ticket, _| {
        for comment in ticket.comments.iter_mut().filter(|it| it.marker.is_some()) {
            comment.visibility = Visibility::Public;
        }
        for file in ticket.files.iter_mut().filter(|it| it.marker.is_some()) {
            file.visibility = Visibility::Public;
        }
    });
}

#[test]
fn what_is_internal_crosses_by_rule_only_and_stays_internal() {
    let mut world = confiding();
    world.says(HOME, "for staff", Visibility::Internal);
    world.attaches(HOME, 5, Visibility::Internal);
    world.says(HOME, "nobody knows", Visibility::Unknown);
    world.settle();
    assert_eq!(standing(&world, PARTNER), [("Ada (HOME):\n\nfor staff".to_owned(), Visibility::Internal)]);
    let files: Vec<_> = world.tickets[&name(PARTNER)].files.iter().map(|file| file.visibility).collect();
    assert_eq!(files, [Visibility::Internal]);
    assert!(standing(&world, VENDOR).is_empty() && world.tickets[&name(VENDOR)].files.is_empty());
    assert!(!world.case.legs[&name(PARTNER)].is_unproven(), "it was read back");
    assert!(parked(&world, PARTNER).is_empty());
}

#[test]
fn a_counterparts_internal_comment_goes_nowhere_by_any_rule() {
    let mut world = confiding();
    for agreement in world.rules.agreements.values_mut() {
        agreement.internal = Internal::AsInternal;
    }
    world.says(PARTNER, "their own", Visibility::Internal);
    world.attaches(PARTNER, 5, Visibility::Internal);
    world.settle();
    assert!(standing(&world, HOME).is_empty() && standing(&world, VENDOR).is_empty());
    assert!(world.tickets[&name(HOME)].files.is_empty());
}

#[test]
fn a_desk_without_internal_comments_is_given_none() {
    let mut world = confiding();
    world.able.get_mut(&name(PARTNER)).unwrap().internal_comments = false;
    world.says(HOME, "for staff", Visibility::Internal);
    world.attaches(HOME, 5, Visibility::Internal);
    world.settle();
    assert!(standing(&world, PARTNER).is_empty() && world.tickets[&name(PARTNER)].files.is_empty());
    assert_eq!(parked(&world, PARTNER).len(), 2, "and a person sees that");
}

#[test]
fn what_leaked_sounds_the_alarm_is_taken_back_and_nothing_internal_follows_until_somebody_looked() {
    let mut world = confiding();
    world.says(HOME, "for staff", Visibility::Internal);
    world.settle();
    publish(&mut world, PARTNER);
    let plan = world.observe(&[PARTNER]);
    let alarms = plan.facts.iter().filter(|fact| matches!(fact, Fact::Leaked { .. }));
    assert_eq!(alarms.count(), 1, "{:#?}", plan.facts);
    assert!(!format!("{:?}", plan.facts).contains("for staff"), "without its content");
    world.settle();
    assert!(standing(&world, PARTNER).is_empty(), "it was taken back");
    let alarm = parked(&world, PARTNER);
    assert!(matches!(alarm.as_slice(), [alarm] if alarm.starts_with("leak:comment:")), "{alarm:?}");

    world.says(HOME, "more for staff", Visibility::Internal);
    world.attaches(HOME, 5, Visibility::Internal);
    world.says(HOME, "for all", Visibility::Public);
    world.settle();
    assert_eq!(standing(&world, PARTNER), [("Ada (HOME):\n\nfor all".to_owned(), Visibility::Public)]);
    assert!(world.tickets[&name(PARTNER)].files.is_empty());

    discharge(&mut world, PARTNER, &alarm[0]);
    world.settle();
    let bodies = standing(&world, PARTNER);
    assert!(
        bodies.contains(&("Ada (HOME):\n\nmore for staff".to_owned(), Visibility::Internal)),
        "{bodies:?}"
    );
    assert!(!bodies.iter().any(|(body, _)| body.ends_with("\n\nfor staff")), "what leaked is not sent again");
    assert_eq!(world.tickets[&name(PARTNER)].files[0].visibility, Visibility::Internal);
}

#[test]
fn what_does_not_say_who_may_read_it_is_no_proof() {
    let mut world = confiding();
    world.says(HOME, "for staff", Visibility::Internal);
    world.settle();
    world.person(PARTNER, |ticket, _| ticket.comments[0].visibility = Visibility::Unknown);
    world.settle();
    assert!(parked(&world, PARTNER).iter().any(|item| item.starts_with("leak:")));
}

#[test]
fn where_nothing_can_be_taken_back_a_leak_is_a_persons_task_until_it_is_gone() {
    let mut world = confiding();
    world.able.get_mut(&name(PARTNER)).unwrap().retract = false;
    world.says(HOME, "for staff", Visibility::Internal);
    world.attaches(HOME, 5, Visibility::Internal);
    world.settle();
    publish(&mut world, PARTNER);
    world.settle();
    let tasks = parked(&world, PARTNER);
    assert_eq!(tasks.iter().filter(|item| item.starts_with("recall:")).count(), 2, "{tasks:?}");
    assert_eq!(tasks.iter().filter(|item| item.starts_with("leak:")).count(), 2, "{tasks:?}");
    world.person(PARTNER, |ticket, _| {
        ticket.comments.clear();
        ticket.files.clear();
    });
    world.settle();
    let tasks = parked(&world, PARTNER);
    assert!(tasks.len() == 2 && tasks.iter().all(|item| item.starts_with("leak:")), "{tasks:?}");
}

#[test]
fn what_turned_internal_after_it_was_sent_is_taken_back_or_a_persons_task() {
    for retract in [true, false] {
        let mut world = World::new(&[PARTNER], Policy::Latest, HOME);
        world.able.get_mut(&name(PARTNER)).unwrap().retract = retract;
        world.settle();
        world.says(HOME, "text", Visibility::Public);
        world.settle();
        world.person(HOME, |ticket, _| ticket.comments[0].visibility = Visibility::Internal);
        world.settle();
        assert_eq!(standing(&world, PARTNER).is_empty(), retract);
        assert!(world.case.document.remarks.values().all(|remark| remark.withdrawn && remark.body.is_none()));
        let tasks = parked(&world, PARTNER);
        assert_eq!(
            tasks.iter().filter(|item| item.starts_with("recall:comment:")).count(),
            usize::from(!retract)
        );
        if let [task] = tasks.as_slice() {
            discharge(&mut world, PARTNER, task);
            world.settle();
            assert!(parked(&world, PARTNER).is_empty(), "a person discharged it");
        }
    }
}

#[test]
fn a_task_ends_when_the_copy_is_gone_or_may_stay() {
    for gone in [true, false] {
        let mut world = World::new(&[PARTNER], Policy::Latest, HOME);
        world.able.get_mut(&name(PARTNER)).unwrap().retract = false;
        world.settle();
        world.says(HOME, "text", Visibility::Public);
        world.attaches(HOME, 5, Visibility::Public);
        world.settle();
        world.person(HOME, |ticket, _| {
            ticket.comments[0].visibility = Visibility::Internal;
            ticket.files[0].visibility = Visibility::Internal;
        });
        world.settle();
        assert_eq!(parked(&world, PARTNER).len(), 2);
        if gone {
            world.person(PARTNER, |ticket, _| {
                ticket.comments.clear();
                ticket.files.clear();
            });
        } else {
            world.person(HOME, |ticket, _| {
                ticket.comments[0].visibility = Visibility::Public;
                ticket.files[0].visibility = Visibility::Public;
            });
        }
        world.settle();
        assert!(parked(&world, PARTNER).is_empty(), "{:?}", parked(&world, PARTNER));
    }
}

#[test]
fn what_changes_its_readers_is_taken_from_the_ones_and_given_to_the_others() {
    let mut world = confiding();
    world.says(HOME, "text", Visibility::Public);
    world.settle();
    assert_eq!(standing(&world, VENDOR).len(), 1);
    world.person(HOME, |ticket, _| ticket.comments[0].visibility = Visibility::Internal);
    world.settle();
    assert_eq!(standing(&world, PARTNER), [("Ada (HOME):\n\ntext".to_owned(), Visibility::Internal)]);
    assert!(standing(&world, VENDOR).is_empty());
    world.person(HOME, |ticket, _| ticket.comments[0].visibility = Visibility::Public);
    world.settle();
    let public = standing(&world, PARTNER).into_iter().filter(|(_, it)| *it == Visibility::Public);
    assert_eq!(public.count(), 1);
    assert_eq!(standing(&world, VENDOR).len(), 1);
}

#[test]
fn what_is_withdrawn_before_it_was_sent_is_never_sent() {
    for outcome in [None, Some(Outcome::Dropped)] {
        let mut world = World::calm(&[PARTNER], Policy::Latest);
        world.says(HOME, "too early", Visibility::Public);
        world.attaches(HOME, 5, Visibility::Public);
        world.observe(&[HOME]);
        world.observe(&[HOME]);
        if let Some(outcome) = outcome {
            world.deliver(PARTNER, outcome);
        }
        world.person(HOME, |ticket, _| {
            ticket.comments[0].visibility = Visibility::Internal;
            ticket.files.clear();
        });
        world.settle();
        let told =
            |operation: &Operation| matches!(operation, Operation::Comment { .. } | Operation::Attach { .. });
        assert!(!world.writes.iter().any(|(_, intent)| told(&intent.operation)), "{:?}", world.writes);
    }
}

#[test]
fn what_may_have_been_sent_is_not_dropped_but_found_and_taken_back() {
    let mut world = World::calm(&[PARTNER], Policy::Latest);
    world.says(HOME, "too early", Visibility::Public);
    world.observe(&[HOME]);
    world.deliver(PARTNER, Outcome::DoneAnswerLost);
    world.person(HOME, |ticket, _| ticket.comments[0].visibility = Visibility::Internal);
    world.settle();
    assert!(standing(&world, PARTNER).is_empty());
    let retracted = world.writes.iter().any(|(_, it)| matches!(it.operation, Operation::Retract { .. }));
    assert!(retracted);
}

#[test]
fn what_an_agreement_no_longer_shares_is_not_sent_although_it_was_planned() {
    let mut world = World::calm(&[PARTNER], Policy::Latest);
    world.says(HOME, "comment", Visibility::Public);
    world.person(HOME, |ticket, _| "title".clone_into(&mut ticket.title));
    world.person(HOME, |ticket, _| "Waiting".clone_into(&mut ticket.status));
    world.observe(&[HOME]);
    let before = world.writes.len();
    let agreement = world.rules.agreements.values_mut().next().unwrap();
    agreement.comments = Direction::Inbound;
    agreement.fields.get_mut(&Field::Title).unwrap().direction = Direction::None;
    world.settle();
    let sent = world.writes[before..].iter().map(|(_, intent)| intent.operation.clone());
    let (links, sent): (Vec<_>, Vec<_>) = sent.partition(|it| matches!(it, Operation::LinkBack(_)));
    assert_eq!(sent, [Operation::Transition { status: "Waiting".to_owned() }]);
    assert!(!format!("{links:?}").contains("comment"), "{links:?}");
}

#[test]
fn a_ticket_that_was_planned_under_a_wider_agreement_is_planned_anew() {
    let mut world = World::new(&[PARTNER], Policy::Latest, HOME);
    world.observe(&[HOME]);
    let agreement = world.rules.agreements.values_mut().next().unwrap();
    agreement.fields.remove(&Field::Title);
    agreement.fields.remove(&Field::Description);
    world.settle();
    let made = &world.tickets[&name(PARTNER)];
    assert!(made.title.starts_with("Request ") && !made.title.contains("TL-"), "{}", made.title);
    assert_eq!(made.description, "");
    let creates = world.writes.iter().filter(|(_, it)| matches!(it.operation, Operation::Create(_)));
    assert_eq!(creates.count(), 1);
}

/// Each field by itself: none of them slips through because another one gave the ticket away.
#[test]
fn a_ticket_is_planned_anew_whichever_field_is_no_longer_shared() {
    let fields = ["title", "description", "status", "priority", "type", "field:tags"];
    for field in fields.map(|field| field.parse::<Field>().unwrap()) {
        let mut world = World::new(&[PARTNER], Policy::Latest, HOME);
        world.person(HOME, |ticket, _| {
            ticket.kind = Some("Incident".to_owned());
            ticket.fields.insert("tags".to_owned(), "red".to_owned());
        });
        let agreement = world.rules.agreements.values_mut().next().unwrap();
        let rule = agreement.fields[&Field::Title].clone();
        agreement.fields.insert(Field::Kind, rule);
        agreement.counterpart_type = None;
        world.observe(&[HOME]);
        world.rules.agreements.values_mut().next().unwrap().fields.remove(&field);
        world.observe(&[HOME]);
        world.deliver(PARTNER, Outcome::Done);
        let Operation::Create(made) = &world.writes[0].1.operation else { panic!("{:?}", world.writes[0]) };
        let told = match &field {
            Field::Title => made.title == "Printer burns",
            Field::Description => !made.description.is_empty(),
            Field::Status => made.status.is_some(),
            Field::Priority => made.priority.is_some(),
            Field::Kind => made.kind.is_some(),
            Field::Custom(name) => made.fields.contains_key(name),
        };
        assert!(!told, "{field}: {made:?}");
    }
}

#[test]
fn a_ticket_without_any_field_is_not_made_under_an_agreement_that_ended() {
    let mut world = World::new(&[PARTNER], Policy::Latest, HOME);
    world.rules.agreements.values_mut().next().unwrap().fields.clear();
    world.observe(&[HOME]);
    world.rules.agreements.clear();
    world.settle();
    assert!(world.writes.is_empty(), "{:?}", world.writes);
}

#[test]
fn home_is_not_linked_to_a_ticket_whose_agreement_ended() {
    let mut world = World::new(&[PARTNER], Policy::Latest, HOME);
    world.observe(&[HOME]);
    world.deliver(PARTNER, Outcome::Done);
    world.observe(&[PARTNER]);
    assert!(!world.case.legs[&name(HOME)].outstanding.is_empty(), "the link is on its way");
    world.rules.agreements.clear();
    world.settle();
    assert!(world.tickets[&name(HOME)].references.is_empty());
}

#[test]
fn what_gets_other_readers_before_it_was_sent_is_sent_to_those_only() {
    let mut world = confiding();
    world.says(HOME, "text", Visibility::Public);
    world.observe(&[HOME]);
    world.person(HOME, |ticket, _| ticket.comments[0].visibility = Visibility::Internal);
    world.settle();
    let public = world.writes.iter().any(|(_, intent)| {
        matches!(intent.operation, Operation::Comment { visibility: Visibility::Public, .. })
    });
    assert!(!public);
    assert_eq!(standing(&world, PARTNER), [("Ada (HOME):\n\ntext".to_owned(), Visibility::Internal)]);
}

#[test]
fn what_is_internal_and_on_its_way_stops_at_the_alarm() {
    let mut world = confiding();
    world.says(HOME, "one", Visibility::Internal);
    world.settle();
    world.says(HOME, "two", Visibility::Internal);
    world.observe(&[HOME]);
    publish(&mut world, PARTNER);
    world.settle();
    assert!(standing(&world, PARTNER).is_empty(), "{:?}", standing(&world, PARTNER));
}

/// An effect that is only known by its marker, long after its intent ended.
#[test]
fn what_leaked_is_known_by_its_marker() {
    for file in [false, true] {
        let mut world = confiding();
        if file {
            world.attaches(HOME, 5, Visibility::Internal);
        } else {
            world.says(HOME, "for staff", Visibility::Internal);
        }
        world.observe(&[HOME]);
        world.observe(&[HOME]);
        let sent = world.case.legs[&name(PARTNER)].outstanding[0].clone();
        world.deliver(PARTNER, Outcome::DoneAnswerLost);
        let fact = Fact::Parked {
            leg: name(PARTNER),
            item: sent.item.clone(),
            want: crate::plan::want(&sent),
            kind: throughline_sdk::ErrorKind::Unavailable,
            reason: "nobody knows".to_owned(),
            intent: Some(sent.intent.id),
        };
        world.case.apply(&fact, at(world.tick));
        publish(&mut world, PARTNER);
        let plan = world.observe(&[PARTNER]);
        let alarms = plan.facts.iter().filter(|fact| matches!(fact, Fact::Leaked { .. }));
        assert_eq!(alarms.count(), 1, "file: {file}: {:#?}", plan.facts);
    }
}

#[test]
fn what_was_emptied_where_nothing_is_deleted_was_taken_back() {
    let mut world = confiding();
    world.says(HOME, "for staff", Visibility::Internal);
    world.settle();
    publish(&mut world, PARTNER);
    let mut emptied = world.tickets[&name(PARTNER)].comments[0].clone();
    world.settle();
    emptied.body.clear();
    world.person(PARTNER, |ticket, _| ticket.comments.push(emptied));
    let before = world.writes.len();
    let alarm = parked(&world, PARTNER);
    discharge(&mut world, PARTNER, &alarm[0]);
    world.settle();
    assert_eq!((world.writes.len(), parked(&world, PARTNER)), (before, Vec::new()));
}

#[test]
fn what_is_public_at_home_by_now_leaks_nowhere() {
    let mut world = confiding();
    world.able.get_mut(&name(PARTNER)).unwrap().retract = false;
    world.says(HOME, "text", Visibility::Internal);
    world.attaches(HOME, 5, Visibility::Internal);
    world.settle();
    world.person(HOME, |ticket, _| {
        ticket.comments[0].visibility = Visibility::Public;
        ticket.files[0].visibility = Visibility::Public;
    });
    world.settle();
    publish(&mut world, PARTNER);
    world.settle();
    assert!(parked(&world, PARTNER).is_empty(), "{:?}", parked(&world, PARTNER));
}

#[test]
fn a_file_that_turns_internal_is_given_to_staff() {
    let mut world = confiding();
    world.attaches(HOME, 5, Visibility::Public);
    world.settle();
    world.person(HOME, |ticket, _| ticket.files[0].visibility = Visibility::Internal);
    world.settle();
    let there: Vec<_> = world.tickets[&name(PARTNER)].files.iter().map(|file| file.visibility).collect();
    assert_eq!(there, [Visibility::Public, Visibility::Internal]);
    assert_eq!(parked(&world, PARTNER).len(), 1, "the public one has to be taken back by hand");
}

/// Sent again it would be there for certain; dropped it may stand there for ever.
#[test]
fn what_was_in_doubt_is_not_dropped_although_it_may_be_sent_again() {
    for absolved in [true, false] {
        let mut world = World::calm(&[PARTNER], Policy::Latest);
        world.says(HOME, "too early", Visibility::Public);
        world.observe(&[HOME]);
        world.deliver(PARTNER, Outcome::LostOnTheWay);
        let leg = world.case.legs.get_mut(&name(PARTNER)).unwrap();
        let intent = leg.outstanding[0].intent.id.clone();
        if absolved {
            let fact = Fact::Absolved { leg: name(PARTNER), intent };
            world.case.apply(&fact, at(world.tick));
        } else {
            // As a ledger has it that was written before doubts were remembered.
            leg.outstanding[0].doubted = false;
        }
        world.person(HOME, |ticket, _| ticket.comments[0].visibility = Visibility::Internal);
        world.observe(&[HOME]);
        assert_eq!(world.case.legs[&name(PARTNER)].outstanding.len(), 1, "absolved: {absolved}");
    }
}

#[test]
fn what_was_told_before_there_were_tasks_is_no_task_now() {
    let mut world = World::new(&[PARTNER], Policy::Latest, HOME);
    world.able.get_mut(&name(PARTNER)).unwrap().retract = false;
    world.settle();
    world.says(HOME, "text", Visibility::Public);
    world.settle();
    let what = format!("comment:{}", world.tickets[&name(PARTNER)].comments[0].id);
    let told = Fact::Withheld { leg: name(PARTNER), what, rule: "withdrawn at its origin".to_owned() };
    world.case.apply(&told, at(world.tick));
    world.person(HOME, |ticket, _| ticket.comments[0].visibility = Visibility::Internal);
    world.settle();
    assert!(parked(&world, PARTNER).is_empty());
}

#[test]
fn nothing_is_sent_under_an_agreement_that_ended() {
    let mut world = World::calm(&[PARTNER], Policy::Latest);
    world.says(HOME, "comment", Visibility::Public);
    world.person(HOME, |ticket, _| "title".clone_into(&mut ticket.title));
    world.observe(&[HOME]);
    let before = world.writes.len();
    world.rules.agreements.clear();
    world.settle();
    assert_eq!(world.writes.len(), before);
}

#[test]
fn what_nobody_can_read_again_waits_for_a_person() {
    let mut world = World::calm(&[PARTNER], Policy::Latest);
    world.says(HOME, "comment", Visibility::Public);
    world.observe(&[HOME]);
    let gone = Fact::Ailed { leg: name(HOME), health: Health::Gone, reason: "404".to_owned() };
    world.case.apply(&gone, at(world.tick));
    world.settle();
    assert!(standing(&world, PARTNER).is_empty());
    let waiting = parked(&world, PARTNER);
    assert!(matches!(waiting.as_slice(), [item] if item.starts_with("comment:helpdesk#")), "{waiting:?}");
}

#[test]
fn counterparts_are_told_of_each_other_only_where_they_were_introduced() {
    for introduced in [true, false] {
        let mut world = World::new(&[PARTNER, VENDOR], Policy::Latest, HOME);
        for agreement in world.rules.agreements.values_mut() {
            agreement.introduces.clear();
            if introduced && agreement.counterpart == name(VENDOR) {
                agreement.introduces.insert(PartyName(PARTNER.to_owned()));
            }
        }
        world.settle();
        world.says(PARTNER, "from the partner", Visibility::Public);
        world.attaches(PARTNER, 5, Visibility::Public);
        world.says(VENDOR, "from the vendor", Visibility::Public);
        world.settle();
        let told: Vec<String> = standing(&world, VENDOR).into_iter().map(|(body, _)| body).collect();
        let expected = introduced.then(|| "Ada (PARTNER):\n\nfrom the partner".to_owned());
        assert_eq!(
            told.into_iter().filter(|it| it.contains("PARTNER")).collect::<Vec<_>>(),
            Vec::from_iter(expected)
        );
        assert_eq!(world.tickets[&name(VENDOR)].files.len(), usize::from(introduced));
        assert!(!standing(&world, PARTNER).iter().any(|(body, _)| body.contains("VENDOR")), "one way only");
        for system in [PARTNER, VENDOR] {
            let labels: Vec<_> =
                world.tickets[&name(system)].references.iter().map(|it| it.label.as_str()).collect();
            assert_eq!(labels, ["HOME #1"], "no link leads to the other counterpart");
        }
    }
}
