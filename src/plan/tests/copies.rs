//! Our copies as they are read: which are known by their marker alone, which were put back, and which are no copies.

use throughline_sdk::{ErrorKind, Operation, Visibility};

use super::grants::{self, ask, granted_as};
use super::handshake;
use super::visibility::{confiding, parked, publish, standing};
use super::world::{HOME, Outcome, PARTNER, VENDOR, World, name};
use crate::agreement::{Handshake, OnLapse, Policy};
use crate::case::{Fact, Granted, Item, Reading};
use crate::plan::{GrantAsk, want};

/// The first write to a desk took effect, its answer was lost, and a person was asked: what it left there is known by its
/// marker alone.
pub(super) fn lose(world: &mut World, desk: &str) -> Item {
    let sent = world.case.legs[&name(desk)].outstanding[0].clone();
    world.deliver(desk, Outcome::DoneAnswerLost);
    world.tell(Fact::Parked {
        leg: name(desk),
        item: sent.item.clone(),
        want: want(&sent),
        kind: ErrorKind::Unavailable,
        reason: "nobody knows".to_owned(),
        intent: Some(sent.intent.id),
    });
    while !world.case.legs[&name(desk)].outstanding.is_empty() {
        world.deliver(desk, Outcome::Done);
    }
    sent.item
}

/// What is recorded of a desk when it is read.
pub(super) fn read(world: &mut World, desk: &str) -> (Reading, Vec<Fact>) {
    let facts = world.observe(&[desk]).facts;
    let observed = facts.iter().find_map(|fact| match fact {
        Fact::Observed { leg, reading } if *leg == name(desk) => Some(reading.clone()),
        _ => None,
    });
    (observed.unwrap_or_default(), facts)
}

pub(super) fn leaks(facts: &[Fact]) -> usize {
    facts.iter().filter(|fact| matches!(fact, Fact::Leaked { .. })).count()
}

fn retries(world: &mut World, item: Item) {
    let (by, reason) = (String::new(), String::new());
    world.tell(Fact::Unparked { leg: name(PARTNER), item, discarded: false, by, reason });
}

#[test]
fn what_is_known_by_its_marker_is_ours_is_for_its_readers_and_is_not_sent_again() {
    for (file, internal) in [(false, false), (false, true), (true, false), (true, true)] {
        let visibility = if internal { Visibility::Internal } else { Visibility::Public };
        let mut world = confiding();
        world.says(HOME, "earlier", Visibility::Public);
        world.says(PARTNER, "their own", Visibility::Public);
        world.attaches(HOME, 3, Visibility::Public);
        world.settle();
        if file {
            world.attaches(HOME, 5, visibility);
            world.observe(&[HOME]);
        } else {
            world.says(HOME, "lost", visibility);
        }
        world.observe(&[HOME]);
        let item = lose(&mut world, PARTNER);

        let (reading, facts) = read(&mut world, PARTNER);
        let known: Vec<bool> = reading.comments.iter().map(|comment| comment.internal).collect();
        let files: Vec<bool> = reading.files.iter().map(|file| file.internal).collect();
        let (expected, none) = (vec![internal], Vec::new());
        assert_eq!((known, files), if file { (none, expected) } else { (expected, none) });
        let read_back = reading.read_back_comments.len() + reading.read_back_files.len();
        assert_eq!(read_back, usize::from(internal), "file {file}: that it is internal there is proven");
        assert!(!world.case.legs[&name(PARTNER)].is_unproven());
        assert_eq!(leaks(&facts), 0, "file {file}, internal {internal}: {facts:#?}");
        let adopted = |fact: &Fact| matches!(fact, Fact::Remarked { .. } | Fact::Attached { .. });
        assert!(!facts.iter().any(adopted), "file {file}, internal {internal}: {facts:#?}");

        retries(&mut world, item);
        world.settle();
        let there = &world.tickets[&name(PARTNER)];
        let copies = there.comments.iter().filter(|comment| comment.body.ends_with("lost")).count();
        assert_eq!((copies, there.files.len()), if file { (0, 2) } else { (1, 1) });
        assert_eq!(
            (standing(&world, HOME).len(), world.tickets[&name(HOME)].files.len()),
            (if file { 2 } else { 3 }, if file { 2 } else { 1 }),
            "nothing of it came home"
        );
    }
}

/// What was shown in public because the desk has nothing internal is no leak; anything else that turns out public is.
#[test]
fn what_is_known_by_its_marker_leaked_unless_a_grant_had_it_shown_in_public() {
    for (public_if_must, able_then, able_now, expected) in
        [(true, false, false, 0), (true, true, true, 1), (false, true, false, 1)]
    {
        let mut world = grants::calm();
        let set =
            |world: &mut World, able| world.able.get_mut(&name(PARTNER)).unwrap().internal_comments = able;
        set(&mut world, able_then);
        let asked = ask(&world, PARTNER, Granted::InternalComments, 500);
        granted_as(&mut world, GrantAsk { public_if_must, ..asked });
        world.says(HOME, "for staff", Visibility::Internal);
        world.observe(&[HOME]);
        lose(&mut world, PARTNER);
        set(&mut world, able_now);
        publish(&mut world, PARTNER);
        let (reading, facts) = read(&mut world, PARTNER);
        let known: Vec<bool> = reading.comments.iter().map(|copy| copy.internal).collect();
        assert_eq!((known, leaks(&facts)), (vec![expected == 1], expected), "{public_if_must} {able_then}");
    }
}

/// The copy that was lost is of an older version than the comment has by now.
#[test]
fn an_older_copy_is_for_the_readers_that_it_was_sent_to() {
    for (then, expected) in [(Visibility::Public, false), (Visibility::Internal, true)] {
        let mut world = confiding();
        world.says(HOME, "text", then);
        world.observe(&[HOME]);
        lose(&mut world, PARTNER);
        world.person(HOME, |ticket, _| {
            ticket.comments[0].visibility = Visibility::Internal;
            ticket.comments[0].body = "better text".to_owned();
        });
        world.observe(&[HOME]);
        let (reading, facts) = read(&mut world, PARTNER);
        assert_eq!((reading.comments[0].version, reading.comments[0].internal), (1, expected));
        assert_eq!(leaks(&facts), 0, "nothing that was sent as internal is public");
        let taken_back = facts.iter().any(|fact| {
            matches!(fact, Fact::Intended { intent, .. } if matches!(intent.operation, Operation::Retract { .. }))
        });
        assert_eq!(taken_back, !expected, "{facts:#?}");
    }
}

#[test]
fn a_later_version_that_is_known_by_its_marker_is_nothing_of_theirs() {
    let mut world = World::calm(&[PARTNER], Policy::Latest);
    world.able.get_mut(&name(PARTNER)).unwrap().edit = false;
    world.says(HOME, "old", Visibility::Public);
    world.settle();
    world.person(HOME, |ticket, _| ticket.comments[0].body = "new".to_owned());
    world.observe(&[HOME]);
    lose(&mut world, PARTNER);
    world.settle();
    assert_eq!(standing(&world, PARTNER).len(), 2);
    assert_eq!(standing(&world, HOME).len(), 1, "{:?}", standing(&world, HOME));
}

#[test]
fn a_notice_that_is_known_by_its_marker_is_nothing_of_theirs() {
    let remind = Handshake { on_lapse: OnLapse::Remind, ..handshake::handshake() };
    let mut world = handshake::world(&[PARTNER], HOME, &remind);
    world.settle();
    world.tick += 100_001;
    world.observe(&[]);
    assert!(matches!(lose(&mut world, PARTNER), Item::Notice(_)));
    world.settle();
    assert_eq!(standing(&world, PARTNER).len(), 1);
    assert_eq!(standing(&world, HOME), []);
}

/// As when a desk merges tickets, or its people paste what was said once more: the words and the marker are ours.
#[test]
fn a_copy_of_our_copy_is_nothing_of_theirs_and_takes_its_place() {
    let mut world = World::calm(&[PARTNER], Policy::Latest);
    world.says(HOME, "question", Visibility::Public);
    world.settle();
    world.person(PARTNER, |ticket, _| ticket.comments[0].body = "The question, in their words".to_owned());
    world.settle();
    world.person(PARTNER, |ticket, _| {
        let mut copy = ticket.comments[0].clone();
        copy.id = throughline_sdk::CommentId::new("z1");
        ticket.comments.push(copy);
    });
    world.settle();
    assert_eq!(standing(&world, HOME).len(), 1, "it does not come home as something that they said");
    // The first of the two goes; an edit reaches the other, and no third one is made.
    world.person(PARTNER, |ticket, _| {
        ticket.comments.remove(0);
    });
    world.settle();
    world.person(HOME, |ticket, _| ticket.comments[0].body = "better question".to_owned());
    world.settle();
    let expected = ("Ada (HOME):\n\nbetter question".to_owned(), Visibility::Public);
    assert_eq!(standing(&world, PARTNER), [expected]);
}

#[test]
fn a_copy_that_is_put_back_is_the_copy_that_it_was() {
    for visibility in [Visibility::Public, Visibility::Internal] {
        let mut world = confiding();
        world.says(HOME, "text", visibility);
        world.attaches(HOME, 5, visibility);
        world.settle();
        let before = world.tickets[&name(PARTNER)].clone();
        world.person(PARTNER, |ticket, _| {
            ticket.comments.clear();
            ticket.files.clear();
        });
        world.settle();
        assert!(!world.case.document.attachments.values().any(|file| file.withdrawn), "it was a copy");
        world.person(PARTNER, |ticket, _| {
            ticket.comments.clone_from(&before.comments);
            ticket.files.clone_from(&before.files);
        });
        let (_, facts) = read(&mut world, PARTNER);
        assert_eq!(leaks(&facts), 0);
        let leg = &world.case.legs[&name(PARTNER)];
        assert!(!leg.is_unproven(), "{visibility:?}: it was read back with the same reading");
        assert!(leg.shadow.comments.values().all(|seen| !seen.gone), "{:?}", leg.shadow.comments);
        assert!(leg.shadow.files.values().all(|seen| !seen.gone), "{:?}", leg.shadow.files);

        world.person(HOME, |ticket, _| {
            ticket.comments[0].body = "new text".to_owned();
            ticket.files.clear();
        });
        world.settle();
        assert_eq!(standing(&world, PARTNER), [("Ada (HOME):\n\nnew text".to_owned(), visibility)]);
        let tasks = parked(&world, PARTNER);
        assert!(matches!(tasks.as_slice(), [task] if task.starts_with("recall:file:")), "{tasks:?}");
    }
}

/// A search index may lag: what we took back is shown for a while.
#[test]
fn what_was_taken_back_and_is_still_shown_says_nothing() {
    for visibility in [Visibility::Public, Visibility::Internal] {
        let mut world = confiding();
        world.says(HOME, "text", visibility);
        world.settle();
        let mut copy = world.tickets[&name(PARTNER)].comments[0].clone();
        world.person(HOME, |ticket, _| ticket.comments.clear());
        world.settle();
        assert_eq!(standing(&world, PARTNER), []);
        copy.visibility = Visibility::Public;
        world.tickets.get_mut(&name(PARTNER)).unwrap().comments.push(copy);
        let (_, facts) = read(&mut world, PARTNER);
        assert_eq!(facts, [], "{visibility:?}");
    }
}

#[test]
fn a_copy_for_staff_that_its_people_edit_is_proven_by_that_very_reading() {
    let mut world = confiding();
    world.says(HOME, "for staff", Visibility::Internal);
    world.settle();
    world.person(PARTNER, |ticket, _| ticket.comments[0].body = "for our staff".to_owned());
    read(&mut world, PARTNER);
    assert!(!world.case.legs[&name(PARTNER)].is_unproven());
}

#[test]
fn an_empty_comment_leaks_nothing() {
    let mut world = confiding();
    world.says(HOME, "for staff", Visibility::Internal);
    world.settle();
    world.person(PARTNER, |ticket, _| {
        ticket.comments[0].body.clear();
        ticket.comments[0].visibility = Visibility::Public;
    });
    let (_, facts) = read(&mut world, PARTNER);
    assert_eq!(leaks(&facts), 0, "{facts:#?}");
}

/// It was public at home for a while, and is nothing there by now.
#[test]
fn what_was_withdrawn_after_it_was_public_leaks_where_its_copy_is_for_staff() {
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
    world.person(HOME, |ticket, _| {
        ticket.comments.clear();
        ticket.files.clear();
    });
    world.settle();
    publish(&mut world, PARTNER);
    let (_, facts) = read(&mut world, PARTNER);
    assert_eq!(leaks(&facts), 2, "{facts:#?}");
}

/// Two parties may have been sent the same; each has its own copy.
#[test]
fn a_copy_that_one_party_deletes_stays_with_the_other() {
    let mut world = World::calm(&[PARTNER, VENDOR], Policy::Latest);
    world.says(HOME, "text", Visibility::Public);
    world.attaches(HOME, 5, Visibility::Public);
    world.settle();
    world.person(PARTNER, |ticket, _| {
        ticket.comments.clear();
        ticket.files.clear();
    });
    world.settle();
    assert_eq!(standing(&world, VENDOR).len(), 1);
    assert_eq!(parked(&world, VENDOR), Vec::<String>::new(), "nobody has to take the vendor's file back");
}

#[test]
fn a_file_of_ours_that_their_people_attach_again_is_theirs() {
    let mut world = World::calm(&[PARTNER], Policy::Latest);
    world.attaches(HOME, 5, Visibility::Public);
    world.settle();
    world.person(PARTNER, |ticket, _| {
        let mut again = ticket.files[0].clone();
        again.id = throughline_sdk::FileId::new("z1");
        ticket.files.push(again);
    });
    world.settle();
    assert_eq!(world.tickets[&name(HOME)].files.len(), 2);
}
