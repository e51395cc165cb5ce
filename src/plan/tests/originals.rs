//! What a desk's own people wrote, as it is read: adopted once, withdrawn once, and left alone where a rule ended.

use throughline_sdk::Visibility;

use super::copies::read;
use super::grants::{self, granted};
use super::visibility::{parked, standing};
use super::world::{HOME, PARTNER, World, name};
use crate::agreement::{Direction, Internal, Policy};
use crate::case::{Fact, Granted};

fn count(facts: &[Fact], counts: impl Fn(&Fact) -> bool) -> usize {
    facts.iter().filter(|fact| counts(fact)).count()
}

fn is_adopted(fact: &Fact) -> bool {
    matches!(fact, Fact::Remarked { .. } | Fact::Attached { .. })
}

fn is_withdrawn(fact: &Fact) -> bool {
    matches!(fact, Fact::RemarkWithdrawn { .. } | Fact::AttachmentWithdrawn { .. })
}

/// A listing whose pages overlap names a thing twice.
#[test]
fn what_a_desk_lists_twice_was_said_once() {
    let mut world = World::calm(&[PARTNER], Policy::Latest);
    world.says(HOME, "text", Visibility::Public);
    world.attaches(HOME, 5, Visibility::Public);
    world.person(HOME, |ticket, _| {
        ticket.comments.extend_from_within(..);
        ticket.files.extend_from_within(..);
    });
    let (reading, facts) = read(&mut world, HOME);
    assert_eq!((reading.comments.len(), reading.files.len()), (1, 1));
    assert_eq!(count(&facts, is_adopted), 2, "{facts:#?}");
}

#[test]
fn what_turns_internal_is_withdrawn_and_its_end_is_told_once() {
    let mut world = World::calm(&[PARTNER], Policy::Latest);
    world.says(HOME, "text", Visibility::Public);
    world.attaches(HOME, 5, Visibility::Public);
    world.settle();
    world.person(HOME, |ticket, _| {
        ticket.comments[0].visibility = Visibility::Internal;
        ticket.files[0].visibility = Visibility::Internal;
    });
    let (reading, facts) = read(&mut world, HOME);
    assert_eq!((reading.lost_comments.len(), reading.lost_files.len()), (1, 1));
    assert_eq!((count(&facts, is_withdrawn), count(&facts, is_adopted)), (2, 0), "{facts:#?}");
    world.settle();
    let ticket = world.tickets.get_mut(&name(HOME)).unwrap();
    ticket.comments.clear();
    ticket.files.clear();
    let (_, facts) = read(&mut world, HOME);
    assert_eq!(facts, [], "it was gone for everybody before");
}

#[test]
fn what_was_shared_stays_where_it_is_when_an_agreement_shares_no_more() {
    let mut world = World::calm(&[PARTNER], Policy::Latest);
    world.says(HOME, "text", Visibility::Public);
    world.attaches(HOME, 5, Visibility::Public);
    world.settle();
    let writes = world.changes();
    let agreement = world.rules.agreements.values_mut().next().unwrap();
    (agreement.comments, agreement.files) = (Direction::Inbound, Direction::Inbound);
    world.person(HOME, |ticket, _| ticket.comments[0].body = "new text".to_owned());
    let (_, facts) = read(&mut world, HOME);
    assert_eq!(count(&facts, |fact| is_withdrawn(fact) || is_adopted(fact)), 0, "{facts:#?}");
    world.settle();
    assert_eq!(standing(&world, PARTNER), [("Ada (HOME):\n\ntext".to_owned(), Visibility::Public)]);
    assert_eq!((world.changes(), parked(&world, PARTNER)), (writes, Vec::new()));
}

/// Withheld is what some rule might have let through; where there is none, nobody counts what people say.
#[test]
fn of_a_desk_that_shares_neither_comments_nor_files_none_are_recorded() {
    for (shares, expected) in [(Direction::Both, 2), (Direction::Outbound, 0)] {
        let mut world = World::calm(&[PARTNER], Policy::Latest);
        let agreement = world.rules.agreements.values_mut().next().unwrap();
        (agreement.comments, agreement.files) = (shares, shares);
        world.says(PARTNER, "between us", Visibility::Internal);
        world.attaches(PARTNER, 5, Visibility::Internal);
        let (_, facts) = read(&mut world, PARTNER);
        assert_eq!(count(&facts, |fact| matches!(fact, Fact::Withheld { .. })), expected, "{facts:#?}");
    }
}

/// The end of a grant withdraws what it showed before home's ticket is read again, and the reading says so no second time.
#[test]
fn what_a_grant_showed_is_withdrawn_once_and_shown_again_by_a_rule_that_has_it_so() {
    for shown_again in [false, true] {
        let mut world = grants::calm();
        world.says(HOME, "for staff", Visibility::Internal);
        world.settle();
        granted(&mut world, PARTNER, Granted::InternalComments, 500);
        assert_eq!(standing(&world, PARTNER).len(), 1);
        world.tick += 500;
        world.observe(&[]);
        if shown_again {
            let agreement = world.rules.agreements.values_mut().find(|it| it.counterpart == name(PARTNER));
            agreement.unwrap().internal = Internal::AsInternal;
        }
        world.settle();
        let told: Vec<Fact> = world.told().into_iter().map(|(fact, _)| fact).collect();
        assert_eq!(count(&told, is_withdrawn), 1);
        assert_eq!(standing(&world, PARTNER).len(), usize::from(shown_again));
    }
}
