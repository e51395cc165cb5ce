//! Personal data across a case: pseudonyms out, names back, and what waits for a person.

use std::collections::BTreeMap;
use std::sync::Arc;

use throughline_sdk::Visibility;

use super::world::{HOME, PARTNER, VENDOR, World, at, name};
use crate::agreement::{
    Action, Class, Leftover, Listed, OtherFiles, Place, PlaceTerms, Policy, Recognizers, Redaction, Sharing,
};
use crate::case::{Fact, Field, Item, Origin};
use crate::plan::Passage;

pub(crate) fn redaction() -> Redaction {
    let people = [Listed { name: "Ada Lovelace".to_owned(), others: vec!["Ada".to_owned()] }];
    Redaction {
        classes: [(Class::Person, Action::Pseudonymize), (Class::Email, Action::Pseudonymize)].into(),
        places: BTreeMap::new(),
        other_files: OtherFiles::Hold,
        leftover: Leftover::Tell,
        recognizers: Arc::new(Recognizers::new(&people, &[], Vec::new()).unwrap()),
    }
}

/// A world whose agreements redact, calm, after home's ticket was opened with this title.
fn world(counterparts: &[&str], title: &str, redaction: &Redaction) -> World {
    let mut world = World::new(counterparts, Policy::Latest, HOME);
    for agreement in world.rules.agreements.values_mut() {
        agreement.redaction = Some(redaction.clone());
    }
    world.person(HOME, |ticket, _| title.clone_into(&mut ticket.title));
    world.settle();
    world
}

fn title(world: &World, system: &str) -> String {
    world.tickets[&name(system)].title.clone()
}

fn bodies(world: &World, system: &str) -> Vec<String> {
    world.tickets[&name(system)].comments.iter().map(|comment| comment.body.clone()).collect()
}

#[test]
fn the_partner_sees_a_pseudonym_replies_with_it_and_home_reads_the_name() {
    let mut world = world(&[PARTNER], "Ada Lovelace cannot log in", &redaction());
    let shown = title(&world, PARTNER);
    let pseudonym = shown.strip_suffix(" cannot log in").unwrap().to_owned();
    assert!(pseudonym.starts_with("PERSON-"), "{shown}");

    world.says(PARTNER, &format!("Please ask **{}** again.", pseudonym.to_lowercase()), Visibility::Public);
    world.says(HOME, "ADA  LOVELACE is away, write to ada@example.org", Visibility::Public);
    world.settle();
    assert_eq!(bodies(&world, HOME)[1], "Ada (PARTNER):\n\nPlease ask **Ada Lovelace** again.");
    let said = bodies(&world, PARTNER).pop().unwrap();
    assert!(
        said.starts_with(&format!("{pseudonym} (HOME):\n\n{pseudonym} is away, write to EMAIL-")),
        "{said}"
    );

    world.person(PARTNER, |ticket, _| ticket.title = format!("{pseudonym} can log in"));
    world.settle();
    assert_eq!(title(&world, HOME), "Ada Lovelace can log in");
    let writes = world.writes.len();
    world.settle();
    assert_eq!(world.writes.len(), writes, "silence");
}

#[test]
fn each_agreement_has_pseudonyms_of_its_own_and_restores_no_others() {
    let mut world = world(&[PARTNER, VENDOR], "Ada Lovelace cannot log in", &redaction());
    let (partners, vendors) = (title(&world, PARTNER), title(&world, VENDOR));
    assert_ne!(partners, vendors);
    let text = format!("{partners} and PERSON-2345");
    world.says(VENDOR, &text, Visibility::Public);
    world.settle();
    assert_eq!(bodies(&world, HOME), [format!("Ada (VENDOR):\n\n{text}")]);
    world.says(PARTNER, &partners, Visibility::Public);
    world.settle();
    let relayed = bodies(&world, VENDOR).pop().unwrap();
    assert!(
        relayed.ends_with(&vendors),
        "what one counterpart says reaches another in its own pseudonyms: {relayed}"
    );
}

#[test]
fn an_edit_of_a_restored_comment_is_carried_on() {
    let mut world = world(&[PARTNER], "Ada Lovelace cannot log in", &redaction());
    let pseudonym = title(&world, PARTNER).replace(" cannot log in", "");
    world.says(PARTNER, &format!("{pseudonym} called"), Visibility::Public);
    world.settle();
    world.person(PARTNER, |ticket, _| ticket.comments[0].body = format!("{pseudonym} wrote"));
    world.settle();
    assert_eq!(bodies(&world, HOME), ["Ada (PARTNER):\n\nAda Lovelace wrote"]);
}

#[test]
fn a_text_in_which_something_may_be_left_waits_for_a_person_where_the_agreement_says_so() {
    let mut strict = redaction();
    strict.leftover = Leftover::Hold;
    strict.classes.remove(&Class::Email);
    let mut world = world(&[PARTNER], "Printer burns", &strict);
    world.says(HOME, "write to bob@example.org", Visibility::Public);
    world.settle();
    assert!(bodies(&world, PARTNER).is_empty());
    let (item, parked) = world.case.legs[&name(PARTNER)].parked.first_key_value().unwrap();
    assert!(parked.held && parked.reason.contains("1 email"), "{parked:?}");
    let retry = Fact::Unparked {
        leg: name(PARTNER),
        item: item.clone(),
        discarded: false,
        by: String::new(),
        reason: String::new(),
    };
    world.case.apply(&retry, at(world.tick));
    world.settle();
    assert!(bodies(&world, PARTNER)[0].ends_with("write to bob@example.org"));
}

#[test]
fn a_field_may_be_hidden_whole() {
    let mut whole = redaction();
    let terms = PlaceTerms { whole: Some(Action::Pseudonymize), classes: BTreeMap::new() };
    whole.places.insert(Place::Field(Field::Title), terms);
    let mut world = world(&[PARTNER], "Printer burns", &whole);
    let shown = title(&world, PARTNER);
    assert!(shown.starts_with("VALUE-"), "{shown}");
    world.person(PARTNER, |ticket, _| ticket.title = format!("Re: {shown}"));
    world.settle();
    assert_eq!(title(&world, HOME), "Re: Printer burns");
}

#[test]
fn files_are_looked_into_before_they_leave_and_others_wait() {
    let mut world = world(&[PARTNER], "Printer burns", &redaction());
    world.attaches(HOME, 10, Visibility::Public);
    world.person(HOME, |ticket, _| ticket.files[0].name = "Ada Lovelace.log".to_owned());
    world.settle();
    let file = &world.tickets[&name(PARTNER)].files[0];
    assert!(file.name.starts_with("PERSON-") && file.name.ends_with(".log"), "{}", file.name);
    assert_eq!(file.digest.as_ref().unwrap().as_str(), "redacted");
    world.attaches(HOME, 10, Visibility::Public);
    world.person(HOME, |ticket, _| ticket.files[1].media_type = "image/png".to_owned());
    world.settle();
    assert_eq!(world.tickets[&name(PARTNER)].files.len(), 1);
    let (item, parked) = world.case.legs[&name(PARTNER)].parked.first_key_value().unwrap();
    assert!(parked.held && matches!(item, Item::Attachment(_)));
    let retry = Fact::Unparked {
        leg: name(PARTNER),
        item: item.clone(),
        discarded: false,
        by: String::new(),
        reason: String::new(),
    };
    world.case.apply(&retry, at(world.tick));
    world.settle();
    assert_eq!(world.tickets[&name(PARTNER)].files.len(), 2);
}

#[test]
fn what_a_counterpart_writes_into_a_text_file_is_put_back_for_home_and_renamed_for_others() {
    let mut world = world(&[PARTNER, VENDOR], "Ada Lovelace cannot log in", &redaction());
    let [partners, vendors] = [PARTNER, VENDOR].map(|desk| title(&world, desk).replace(" cannot log in", ""));
    world.attaches(PARTNER, 10, Visibility::Public);
    let origin = Origin { system: name(PARTNER), id: format!("f{}", world.tick) };
    world.settle();
    for desk in [HOME, VENDOR] {
        let files = &world.tickets[&name(desk)].files;
        assert_eq!(files[0].digest.as_ref().unwrap().as_str(), "redacted", "{desk} has the prepared copy");
    }
    let sharing = Sharing::of(&world.rules, &world.case, at(world.tick));
    let read = |to: &str| {
        let passage = Passage::of(&sharing, &world.names, &origin, &name(to));
        passage.prepare(&format!("login of {partners} failed"), &world.names).unwrap().0
    };
    assert_eq!(read(HOME), "login of Ada Lovelace failed");
    assert_eq!(read(VENDOR), format!("login of {vendors} failed"));
}

#[test]
fn what_may_be_left_in_a_file_is_counted_and_decides_when_it_is_planned_for() {
    let mut strict = redaction();
    strict.leftover = Leftover::Hold;
    strict.classes.remove(&Class::Email);
    let world = world(&[PARTNER], "Printer burns", &strict);
    let origin = Origin { system: name(HOME), id: "f1".to_owned() };
    let sharing = Sharing::of(&world.rules, &world.case, at(world.tick));
    let passage = Passage::of(&sharing, &world.names, &origin, &name(PARTNER));
    let (text, account) = passage.prepare("write to bob@example.org", &world.names).unwrap();
    assert_eq!(text, "write to bob@example.org");
    assert_eq!(account.left, BTreeMap::from([("email".to_owned(), 1)]));
}

#[test]
fn a_counterparts_file_comes_as_it_is_where_it_can_hold_no_pseudonym() {
    let mut unnamed = world(&[PARTNER], "Printer burns", &redaction());
    unnamed.attaches(PARTNER, 10, Visibility::Public);
    let mut opaque = world(&[PARTNER], "Ada Lovelace cannot log in", &redaction());
    opaque.attaches(PARTNER, 10, Visibility::Public);
    opaque.person(PARTNER, |ticket, _| ticket.files[0].media_type = "image/png".to_owned());
    for world in [&mut unnamed, &mut opaque] {
        world.settle();
        assert_eq!(world.tickets[&name(HOME)].files[0].digest.as_ref().unwrap().as_str(), "00");
    }
}
