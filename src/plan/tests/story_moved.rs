//! What a party sees of a ticket that was moved to another desk of its: one story, under the names of their time.

use std::collections::BTreeMap;

use throughline_sdk::{CommentId, FileId, RemoteId, Visibility};

use super::seen::seen;
use super::story::{attaches, comments, says, story, tell};
use super::world::{PARTNER, VENDOR, World, at, name};
use crate::agreement::Named;
use crate::case::{AgreementName, Claim, Fact, Fingerprint, Twin};
use crate::plan::{Posted, Seen};

const PORTAL: &str = "portal";
const DESK: &str = "new-desk";

/// The ticket moves from one desk to the other, where its comments and files have these numbers.
fn moves(world: &mut World, from: &str, to: &str, twins: &[(&str, &str)], files: &[(&str, &str)]) {
    let twin = |to: &str| Some(Twin { id: CommentId::new(to), print: Fingerprint::of("x") });
    let claim = Claim {
        from: name(from),
        to: name(to),
        agreement: AgreementName(to.to_owned()),
        ticket: RemoteId::new("900"),
        updated: at(0),
        comments: twins.iter().map(|(from, to)| (CommentId::new(*from), twin(to))).collect(),
        files: files.iter().map(|(from, to)| (FileId::new(*from), Some(FileId::new(*to)))).collect(),
    };
    let tick = world.tick + 1;
    tell(world, tick, Fact::Claimed(Box::new(claim)));
}

fn pseudonym(world: &mut World, agreement: &str, pseudonym: &str) {
    world.names.insert(&Named {
        agreement: AgreementName(agreement.to_owned()),
        pseudonym: pseudonym.to_owned(),
        key: "ada lovelace".to_owned(),
        value: "Ada Lovelace".to_owned(),
    });
}

fn withholds(world: &mut World, desk: &str) {
    let (what, rule) = ("comment:9".to_owned(), String::new());
    let tick = world.tick + 1;
    tell(world, tick, Fact::Withheld { leg: name(desk), what, rule });
}

/// What stands there, by its number.
fn shown(seen: &Seen) -> BTreeMap<&str, &str> {
    let texts = seen.posts.iter().filter_map(|post| match &post.what {
        Posted::Comment(text) => Some((post.id.as_str(), text.as_deref()?)),
        Posted::File(file) => Some((post.id.as_str(), file.name.as_str())),
    });
    texts.collect()
}

#[test]
fn a_ticket_that_moved_twice_has_one_story_in_the_names_of_their_time() {
    let mut world = story();
    for (agreement, name) in [(PARTNER, "PERSON-2222"), (PORTAL, "PERSON-3333"), (DESK, "PERSON-4444")] {
        pseudonym(&mut world, agreement, name);
    }
    says(&mut world, PARTNER, "1", ("Has PERSON-2222 left?", "Has Ada Lovelace left?"), false);
    comments(&mut world, PARTNER, "2", "No.", Visibility::Public);
    attaches(&mut world, PARTNER, "1", "log.txt", false);
    withholds(&mut world, PARTNER);
    withholds(&mut world, PORTAL);
    moves(&mut world, PARTNER, PORTAL, &[("1", "p1"), ("2", "p2")], &[("1", "pf")]);
    assert_eq!(seen(&world, PARTNER), None);
    withholds(&mut world, PARTNER);
    withholds(&mut world, PORTAL);
    says(&mut world, PORTAL, "p3", ("Has PERSON-3333 called?", "Has Ada Lovelace called?"), false);
    comments(&mut world, PORTAL, "p4", "Yes.", Visibility::Public);
    moves(&mut world, PORTAL, DESK, &[("p1", "d1"), ("p3", "d3"), ("p4", "d4")], &[("pf", "df")]);
    says(&mut world, DESK, "d5", ("Is PERSON-4444 there?", "Is Ada Lovelace there?"), false);
    // Another party's ticket moves too; its numbers are its own.
    moves(&mut world, VENDOR, "elsewhere", &[("d1", "e1"), ("d4", "e4")], &[("df", "ef")]);
    // What stands there by now is edited and taken away under its new numbers.
    says(&mut world, DESK, "d3", ("Did PERSON-4444 call?", "Did Ada Lovelace call?"), false);

    let now = seen(&world, DESK).unwrap();
    let expected = [
        ("d1", "Has PERSON-2222 left?"),
        ("portal p2", "No."),
        ("df", "log.txt"),
        ("d3", "Did PERSON-4444 call?"),
        ("d4", "Yes."),
        ("d5", "Is PERSON-4444 there?"),
    ];
    assert_eq!(shown(&now), BTreeMap::from(expected));
    assert_eq!((now.posts.len(), now.kept, now.since), (6, 2, at(5)));
}
