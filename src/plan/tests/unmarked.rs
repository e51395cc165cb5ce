//! A desk where nothing of ours bears a marker: what stands there word for word after a lost answer is ours.

use throughline_sdk::{CreateClass, Visibility};

use super::visibility::{confiding, standing};
use super::world::{HOME, Outcome, PARTNER, World, name};
use crate::agreement::Policy;
use crate::case::{Fact, Phase};
use crate::plan::stands_unmarked;

/// The partner's desk keeps no markers, and the answer to this comment was lost after it was done.
fn doubtful(mut world: World, visibility: Visibility) -> World {
    let able = world.able.get_mut(&name(PARTNER)).unwrap();
    (able.comment, able.attach) = (Some(CreateClass::C4), Some(CreateClass::C4));
    world.says(HOME, "It burns **brightly**.", visibility);
    world.observe(&[HOME]);
    world.deliver(PARTNER, Outcome::DoneAnswerLost);
    world.person(PARTNER, |ticket, _| ticket.comments[0].marker = None);
    world
}

fn stands(world: &World) -> bool {
    let leg = &world.case.legs[&name(PARTNER)];
    let doubt = leg.outstanding.iter().find(|standing| matches!(standing.phase, Phase::Doubtful { .. }));
    let (able, ticket) = (&world.able[&name(PARTNER)], &world.tickets[&name(PARTNER)]);
    stands_unmarked(leg, able, &doubt.unwrap().intent.id, ticket)
}

#[test]
fn a_comment_that_stands_there_word_for_word_is_ours_and_comes_back_to_nobody() {
    for (world, visibility) in
        [(World::calm(&[PARTNER], Policy::Latest), Visibility::Public), (confiding(), Visibility::Internal)]
    {
        let mut world = doubtful(world, visibility);
        assert!(stands(&world));
        let facts = world.observe(&[PARTNER]).facts;
        assert!(facts.iter().any(|fact| matches!(fact, Fact::Effected { found: true, .. })), "{facts:#?}");
        world.settle();
        assert_eq!((standing(&world, HOME).len(), standing(&world, PARTNER).len()), (1, 1));
    }
}

#[test]
fn what_the_desk_made_of_its_formatting_is_ours_too() {
    let mut world = doubtful(World::calm(&[PARTNER], Policy::Latest), Visibility::Public);
    world.person(PARTNER, |ticket, _| {
        ticket.comments[0].body = ticket.comments[0].body.replace("**", "").replace("\n\n", "\r\n ");
    });
    assert!(stands(&world));
}

#[test]
fn other_words_or_other_readers_or_a_comment_that_was_known_are_not_ours() {
    let mut other = doubtful(World::calm(&[PARTNER], Policy::Latest), Visibility::Public);
    other.person(PARTNER, |ticket, _| ticket.comments[0].body = "It burns.".to_owned());
    let mut internal = doubtful(World::calm(&[PARTNER], Policy::Latest), Visibility::Public);
    internal.person(PARTNER, |ticket, _| ticket.comments[0].visibility = Visibility::Internal);
    let mut known = World::calm(&[PARTNER], Policy::Latest);
    known.says(PARTNER, "Ada (HOME):\n\nIt burns **brightly**.", Visibility::Public);
    known.settle();
    let mut known = doubtful(known, Visibility::Public);
    known.person(PARTNER, |ticket, _| ticket.comments.truncate(1));
    let mut marked = doubtful(World::calm(&[PARTNER], Policy::Latest), Visibility::Public);
    marked.able.get_mut(&name(PARTNER)).unwrap().comment = Some(CreateClass::C2);
    for (what, world) in [("words", other), ("readers", internal), ("known", known), ("markers", marked)] {
        assert!(!stands(&world), "{what}");
    }
}

#[test]
fn one_comment_there_settles_one_doubt() {
    let mut world = World::calm(&[PARTNER], Policy::Latest);
    world.says(HOME, "It burns **brightly**.", Visibility::Public);
    let mut world = doubtful(world, Visibility::Public);
    let leg = &world.case.legs[&name(PARTNER)];
    assert_eq!(leg.outstanding.len(), 2, "two say the same");
    assert!(world.tickets[&name(PARTNER)].comments.len() == 1 && stands(&world));
    world.observe(&[PARTNER]);
    let left = &world.case.legs[&name(PARTNER)].outstanding;
    assert!(left.len() == 1 && !left[0].doubted, "{left:?}");
}

#[test]
fn a_file_of_that_name_and_size_is_ours() {
    for (change, expected) in [(0, 1), (1, 2)] {
        let mut world = doubtful(World::calm(&[PARTNER], Policy::Latest), Visibility::Public);
        world.settle();
        world.attaches(HOME, 5, Visibility::Public);
        world.observe(&[HOME]);
        world.observe(&[HOME]);
        world.deliver(PARTNER, Outcome::DoneAnswerLost);
        world.person(PARTNER, |ticket, _| {
            ticket.files[0].marker = None;
            ticket.files[0].size += change;
        });
        assert_eq!(stands(&world), change == 0);
        world.observe(&[PARTNER]);
        world.settle();
        let files = world.tickets[&name(HOME)].files.len();
        assert_eq!(files, expected, "another file of theirs comes home");
    }
}
