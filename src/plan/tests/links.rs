//! Links: what a ticket shows of its counterpart, when that is renewed, and what never stands there.

use proptest::collection::vec;
use proptest::prelude::any;
use proptest::{prop_assert, prop_assert_eq, proptest};
use throughline_sdk::{ErrorKind, Linking, Operation, Reference, Visibility};

use super::invariants::{DESKS, policy, step, take};
use super::privacy::redaction;
use super::world::{HOME, Outcome, PARTNER, VENDOR, World, name};
use crate::agreement::{Internal, Leftover, Policy};
use crate::case::{Fact, Health, Item};

/// The links that were written to a desk, oldest first.
fn written(world: &World, to: &str) -> Vec<Reference> {
    let to = name(to);
    let sent = world.writes.iter().filter(|(system, _)| *system == to);
    sent.filter_map(|(_, intent)| {
        if let Operation::LinkBack(reference) = &intent.operation { Some(reference.clone()) } else { None }
    })
    .collect()
}

fn shown(world: &World, at: &str) -> Reference {
    written(world, at).pop().expect("a link was written")
}

fn summary(world: &World, at: &str) -> String {
    shown(world, at).summary.expect("it has a summary")
}

#[test]
fn a_ticket_shows_number_status_turn_and_last_word_of_its_counterpart() {
    let mut world = World::calm(&[PARTNER], Policy::Latest);
    world.says(PARTNER, "We have **found** it.\n\nMore tomorrow.", Visibility::Public);
    world.person(PARTNER, |ticket, _| ticket.status = "Waiting".to_owned());
    world.settle();
    let shown = shown(&world, HOME);
    assert_eq!(
        (shown.label.as_str(), shown.url.as_deref()),
        ("PARTNER #77", Some("https://desk.example/77"))
    );
    let told = shown.summary.unwrap();
    let said = told.strip_prefix("Waiting · your turn · 2023-11-14 22:").unwrap_or_else(|| panic!("{told}"));
    assert!(said.ends_with(" UTC: “We have found it. More tomorrow.”"), "{told}");
    let there = summary(&world, PARTNER);
    assert!(there.starts_with("Waiting · with HOME"), "home has said nothing yet: {there}");
}

#[test]
fn a_link_is_renewed_when_something_changed_and_at_no_other_time() {
    let mut world = World::calm(&[PARTNER], Policy::Latest);
    let count = |world: &World| (written(world, HOME).len(), written(world, PARTNER).len());
    let before = count(&world);
    world.says(HOME, "first", Visibility::Public);
    world.settle();
    assert_eq!(count(&world), (before.0, before.1 + 1), "only the other side is told what home said");
    for desk in [HOME, PARTNER] {
        // Whatever else its people do there.
        world.person(desk, |ticket, _| ticket.kind = Some("Other".to_owned()));
        world.settle();
    }
    assert_eq!(count(&world), (before.0, before.1 + 1));
    world.person(HOME, |ticket, _| ticket.status = "Done".to_owned());
    world.settle();
    assert_eq!(count(&world), (before.0 + 1, before.1 + 2), "a step of status is told on both sides");
    let there = summary(&world, PARTNER);
    assert!(there.contains("Done") && there.contains("“first”"), "the last word is still known: {there}");
}

#[test]
fn several_changes_are_one_renewal_and_an_outdated_one_is_not_sent() {
    let mut world = World::calm(&[PARTNER], Policy::Latest);
    let before = written(&world, PARTNER).len();
    world.says(HOME, "one", Visibility::Public);
    world.observe(&[HOME]);
    world.deliver(PARTNER, Outcome::Done);
    world.observe(&[PARTNER]);
    let waiting = |world: &World| {
        let sent = &world.case.legs[&name(PARTNER)].outstanding;
        sent.iter().filter(|sent| matches!(sent.item, Item::LinkBack(_))).count()
    };
    assert_eq!(waiting(&world), 1);
    world.person(HOME, |ticket, _| ticket.status = "Open".to_owned());
    let plan = world.observe(&[HOME]);
    let dropped = plan
        .facts
        .iter()
        .any(|fact| matches!(fact, Fact::Dropped { reason, .. } if reason.contains("changed since")));
    assert!(dropped, "{plan:#?}");
    world.settle();
    assert_eq!(written(&world, PARTNER).len(), before + 1);
    assert!(summary(&world, PARTNER).starts_with("Open · "));
}

#[test]
fn what_is_internal_withdrawn_or_not_shared_is_never_the_last_word() {
    let mut world = World::new(&[PARTNER], Policy::Latest, HOME);
    for agreement in world.rules.agreements.values_mut() {
        agreement.internal = Internal::AsInternal;
    }
    world.settle();
    world.says(HOME, "for all", Visibility::Public);
    world.settle();
    world.says(HOME, "SECRET", Visibility::Internal);
    world.settle();
    assert!(world.tickets[&name(PARTNER)].comments.iter().any(|it| it.body.contains("SECRET")), "it crossed");
    assert!(summary(&world, PARTNER).contains("“for all”"));
    world.person(HOME, |ticket, _| ticket.comments.retain(|it| it.body != "for all"));
    world.settle();
    let told = summary(&world, PARTNER);
    assert!(!told.contains("for all") && !told.contains("SECRET"), "{told}");
}

#[test]
fn a_counterpart_is_told_of_nobody_but_itself_and_home() {
    let mut world = World::calm(&[PARTNER, VENDOR], Policy::Latest);
    world.says(VENDOR, "vendor speaking", Visibility::Public);
    world.person(PARTNER, |ticket, _| ticket.status = "Open".to_owned());
    world.settle();
    for reference in written(&world, PARTNER) {
        let all = reference.line(usize::MAX);
        assert!(!all.contains("VENDOR") && !all.contains("vendor speaking") && !all.contains("TL-"), "{all}");
        assert_eq!(reference.url, None, "where the home desk stands is nobody else's concern");
    }
}

#[test]
fn the_console_is_linked_to_at_home_and_for_guests_where_the_agreement_says_so() {
    let mut world = World::new(&[PARTNER, VENDOR], Policy::Latest, HOME);
    world.rules.console = Some("https://console.example".to_owned());
    for agreement in world.rules.agreements.values_mut() {
        agreement.guest_link = agreement.counterpart == name(VENDOR);
    }
    world.settle();
    let case = Some("https://console.example/cases/TL-1".to_owned());
    assert!(written(&world, HOME).iter().all(|link| link.url == case));
    assert_eq!(shown(&world, PARTNER).url, None);
    assert_eq!(shown(&world, VENDOR).url, case);
}

#[test]
fn what_waits_for_a_person_because_of_personal_data_is_told_without_its_words() {
    let mut world = World::new(&[PARTNER], Policy::Latest, HOME);
    for agreement in world.rules.agreements.values_mut() {
        agreement.redaction = Some(redaction());
    }
    world.settle();
    world.says(HOME, "write to ada@contoso.example", Visibility::Public);
    world.settle();
    let told = summary(&world, PARTNER);
    assert!(!told.contains("ada@") && told.contains("write to"), "{told}");
    for agreement in world.rules.agreements.values_mut() {
        agreement.redaction = Some(crate::agreement::Redaction { leftover: Leftover::Hold, ..redaction() });
    }
    world.says(HOME, "Ruf bitte Grete Hermann an", Visibility::Public);
    world.settle();
    let told = summary(&world, PARTNER);
    assert!(!told.contains("Grete"), "{told}");
}

#[test]
fn a_ticket_that_is_gone_is_told_of_at_home() {
    let mut world = World::calm(&[PARTNER], Policy::Latest);
    world.tell(Fact::Ailed { leg: name(PARTNER), health: Health::Gone, reason: "deleted".to_owned() });
    world.settle();
    assert!(summary(&world, HOME).starts_with("its ticket is gone"));
}

#[test]
fn a_desk_that_shows_no_more_than_a_link_is_given_one_for_good() {
    let mut world = World::new(&[PARTNER], Policy::Latest, HOME);
    for able in world.able.values_mut() {
        able.link_back = Linking::Link;
    }
    world.settle();
    world.says(HOME, "first", Visibility::Public);
    world.person(HOME, |ticket, _| ticket.status = "Open".to_owned());
    world.settle();
    for desk in [HOME, PARTNER] {
        let links = written(&world, desk);
        assert_eq!(links.len(), 1, "{links:?}");
        assert_eq!(links[0].summary, None);
    }
}

#[test]
fn a_link_that_a_desk_refuses_is_not_asked_for_again_until_it_says_something_else() {
    let mut world = World::calm(&[PARTNER], Policy::Latest);
    world.says(HOME, "first", Visibility::Public);
    world.observe(&[HOME]);
    world.deliver(PARTNER, Outcome::Done);
    world.observe(&[PARTNER]);
    let leg = name(PARTNER);
    let sent = world.case.legs[&leg].outstanding.front().unwrap().clone();
    assert_eq!(sent.item, Item::LinkBack(name(HOME)));
    let (want, intent) = (crate::plan::want(&sent), Some(sent.intent.id.clone()));
    let (kind, reason) = (ErrorKind::Rejected, "closed for good".to_owned());
    world.tell(Fact::Parked { leg: leg.clone(), item: sent.item.clone(), want, kind, reason, intent });
    world.tell(Fact::Unparked {
        leg,
        item: sent.item,
        discarded: true,
        by: String::new(),
        reason: String::new(),
    });
    let before = written(&world, PARTNER).len();
    world.settle();
    assert_eq!(written(&world, PARTNER).len(), before);
    world.says(HOME, "second", Visibility::Public);
    world.settle();
    assert_eq!(written(&world, PARTNER).len(), before + 1);
}

proptest! {
    #[test]
    fn links_come_to_rest_say_what_is_so_and_are_never_lifted(
        policy in policy(),
        desks in 2usize..=4,
        ways in vec(0usize..3, 4),
        lost in any::<bool>(),
        steps in vec(step(), 0..40),
    ) {
        let mut world = World::new(&DESKS[1..desks], policy, HOME);
        for (able, way) in world.able.values_mut().zip(&ways) {
            able.link_back = [Linking::Field, Linking::Comment, Linking::Link][*way];
        }
        for step in &steps {
            take(&mut world, step, desks);
            if lost {
                world.deliver(DESKS[steps.len() % desks], Outcome::DoneAnswerLost);
            }
        }
        world.settle();
        for (system, ticket) in &world.tickets {
            let ours: Vec<_> = ticket.comments.iter().filter(|it| it.id.as_str().starts_with('l')).collect();
            let others = world.case.legs.len() - 1;
            prop_assert!(ours.len() <= others, "{:?}", ours);
            for note in &ours {
                let lifted = world.case.document.remarks.keys().any(|origin| origin.id == note.id.as_str());
                prop_assert!(!lifted, "{:?} at {}", note, system);
                prop_assert_eq!(note.visibility, Visibility::Internal);
            }
        }
        let told = world.writes.iter().filter(|(_, intent)| matches!(intent.operation, Operation::LinkBack(_)));
        for (to, intent) in told {
            let text = serde_json::to_string(&intent.operation).unwrap();
            prop_assert!(!text.contains("SECRET"), "{} is told {}", to, text);
        }
        let before = world.writes.len();
        world.settle();
        prop_assert_eq!(world.writes.len(), before);
    }
}
