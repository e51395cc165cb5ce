//! What a party sees: its own ticket as it stands there, in its own words, and nothing of anybody else.

use std::collections::{BTreeMap, BTreeSet};

use throughline_sdk::{CommentId, SystemName, Visibility};

use super::world::{HOME, Outcome, PARTNER, VENDOR, World, at, name};
use crate::agreement::{Named, Policy};
use crate::case::{
    AgreementName, Fact, Field, Fingerprint, GrantId, Granted, Level, Origin, PartyName, Reading,
    ReadingComment,
};
use crate::plan::{Known, Posted, Seen, Side};

pub(super) fn seen(world: &World, desk: &str) -> Option<Seen> {
    let told = world.told();
    let told = told.iter().map(|(fact, at)| (*at, fact));
    Seen::of(&world.case, &name(desk), told, Known { rules: &world.rules, names: &world.names })
}

/// The comments that stand there.
fn comments(seen: &Seen) -> Vec<(&str, Side)> {
    let there = seen.posts.iter().filter(|post| !post.gone);
    let texts = there.filter_map(|post| match &post.what {
        Posted::Comment(Some(text)) => Some((text.as_str(), post.by)),
        Posted::Comment(None) | Posted::File(_) => None,
    });
    texts.collect()
}

#[test]
fn what_is_seen_is_what_stands_on_the_ticket() {
    let mut world = World::calm(&[PARTNER], Policy::Latest);
    world.says(HOME, "Which log?", Visibility::Public);
    world.settle();
    world.says(HOME, "Do not tell them.", Visibility::Internal);
    world.says(PARTNER, "The spooler's.", Visibility::Public);
    world.says(PARTNER, "Between us.", Visibility::Internal);
    world.attaches(HOME, 10, Visibility::Public);
    world.person(PARTNER, |ticket, _| "Waiting".clone_into(&mut ticket.status));
    world.settle();
    let seen = seen(&world, PARTNER).unwrap();
    let ticket = &world.tickets[&name(PARTNER)];
    for (field, there) in [
        (Field::Title, &ticket.title),
        (Field::Description, &ticket.description),
        (Field::Status, &ticket.status),
    ] {
        assert_eq!(seen.field(&field), there, "{field}");
    }
    assert_eq!(
        comments(&seen),
        [("Ada (HOME):\n\nWhich log?", Side::Home), ("The spooler's.", Side::Own)],
        "{:#?}",
        seen.posts
    );
    assert_eq!(seen.kept, 1);
    assert_eq!(seen.key.as_deref(), Some("#77"));
    assert_eq!(seen.posts.iter().filter(|post| matches!(post.what, Posted::File(_))).count(), 1);
    assert!(!format!("{seen:?}").contains("Do not tell"));
}

#[test]
fn nothing_is_seen_before_a_ticket_stands_there() {
    let mut world = World::new(&[PARTNER], Policy::Latest, HOME);
    world.observe(&[HOME]);
    assert_eq!(seen(&world, PARTNER), None);
    world.deliver(PARTNER, Outcome::Done);
    assert!(seen(&world, PARTNER).is_some());
    assert_eq!(seen(&world, "nobody"), None);
}

#[test]
fn a_text_is_gone_once_it_was_taken_back() {
    let mut world = World::calm(&[PARTNER], Policy::Latest);
    world.says(HOME, "A slip.", Visibility::Public);
    world.settle();
    assert_eq!(comments(&seen(&world, PARTNER).unwrap()).len(), 1);
    world.person(HOME, |ticket, _| ticket.comments.clear());
    world.settle();
    assert_eq!(comments(&seen(&world, PARTNER).unwrap()), []);
}

#[test]
fn another_party_moves_nothing() {
    let mut world = World::calm(&[PARTNER, VENDOR], Policy::Latest);
    world.rules.agreements.values_mut().for_each(|agreement| agreement.introduces.clear());
    let holds = |world: &mut World, party: &str| {
        let (party, because) = (PartyName(party.to_owned()), format!("{party} says so"));
        world.tick += 1;
        world.tell(Fact::Holds { party, level: Level::Vendor, since: at(world.tick), because });
    };
    holds(&mut world, "home");
    let before = seen(&world, PARTNER).unwrap();
    for party in [VENDOR, "home", VENDOR] {
        holds(&mut world, party);
    }
    assert_eq!(seen(&world, PARTNER).unwrap(), before);
    world.says(VENDOR, "Known defect.", Visibility::Public);
    world.settle();
    let now = seen(&world, PARTNER).unwrap();
    assert_eq!((now.posts, now.events, now.fields), (before.posts, before.events, before.fields));
}

/// What the records have in home's words the party reads in its own: with the pseudonyms that it knows.
#[test]
fn a_partys_own_words_are_those_it_wrote() {
    for (written, recorded, expected) in [
        ("Has PERSON-7F3K left?", "Has Ada Lovelace left?", "Has PERSON-7F3K left?"),
        // In a spelling of its own: nobody can tell it from what a desk made of it.
        ("Has person-7f3k left?", "Has Ada Lovelace left?", "Has PERSON-7F3K left?"),
        // The name it knew by itself.
        ("Ada Lovelace called.", "Ada Lovelace called.", "Ada Lovelace called."),
    ] {
        let mut world = World::calm(&[PARTNER], Policy::Latest);
        let agreement: AgreementName = world.case.legs[&name(PARTNER)].agreement.clone().unwrap();
        let (pseudonym, value) = ("PERSON-7F3K".to_owned(), "Ada Lovelace".to_owned());
        world.names.insert(&Named { agreement, pseudonym, key: "ada lovelace".to_owned(), value });
        let origin = Origin { system: name(PARTNER), id: "9".to_owned() };
        let comment = ReadingComment {
            id: CommentId::new("9"),
            origin: origin.clone(),
            print: Fingerprint::of(written),
            version: 1,
            internal: false,
            lost: Vec::new(),
        };
        world.tell(Fact::Observed {
            leg: name(PARTNER),
            reading: Reading { comments: vec![comment], ..Reading::default() },
        });
        world.tell(Fact::Remarked {
            origin,
            author: "Paul".to_owned(),
            written: at(5),
            body: recorded.to_owned(),
            version: 1,
            internal: false,
        });
        assert_eq!(comments(&seen(&world, PARTNER).unwrap()), [(expected, Side::Own)]);
    }
}

#[test]
fn a_grant_is_seen_once_it_shows_something_and_names_nothing_of_homes() {
    let mut world = World::calm(&[PARTNER], Policy::Latest);
    let what = Granted::Comment(Origin { system: name(HOME), id: "secret-4711".to_owned() });
    for (number, party_asks) in [(1, false), (2, true)] {
        world.tell(Fact::GrantAsked {
            grant: GrantId(number),
            leg: name(PARTNER),
            what: what.clone(),
            purpose: format!("purpose {number}"),
            until: at(1_000_000),
            by: "Ada".to_owned(),
            party_asks,
            public_if_must: false,
            environment: None,
        });
    }
    let now = seen(&world, PARTNER).unwrap();
    assert_eq!(now.grants.keys().copied().collect::<BTreeSet<_>>(), BTreeSet::from([GrantId(2)]));
    world.tell(Fact::GrantOpened { grant: GrantId(1), leg: name(PARTNER) });
    let now = seen(&world, PARTNER).unwrap();
    assert_eq!(now.grants[&GrantId(1)].purpose, None, "home's purpose is home's");
    let told = format!("{now:?}");
    assert!(!told.contains("4711") && !told.contains(HOME) && !told.contains("purpose 1"), "{told}");
}

/// A system may have been called otherwise before its ticket was claimed; names are told by the place in the story.
#[test]
fn the_same_facts_of_another_leg_are_not_seen() {
    let mut world = World::calm(&[PARTNER, VENDOR], Policy::Latest);
    let own: BTreeMap<SystemName, Seen> =
        [PARTNER, VENDOR].iter().map(|desk| (name(desk), seen(&world, desk).unwrap())).collect();
    world.tell(Fact::Withheld { leg: name(VENDOR), what: "comment:1".to_owned(), rule: "x".to_owned() });
    assert_eq!(seen(&world, PARTNER).unwrap(), own[&name(PARTNER)]);
    assert_eq!(seen(&world, VENDOR).unwrap().kept, own[&name(VENDOR)].kept + 1);
}
