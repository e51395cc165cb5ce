//! Files out: to whom, in which order, and what of them is looked into before.

use std::collections::{BTreeMap, BTreeSet};

use throughline_sdk::{CreateClass, Digest, Visibility};

use super::grants::{self, ask, granted_as};
use super::privacy::redaction;
use super::visibility::{confiding, parked, publish};
use super::world::{HOME, PARTNER, World, at, name};
use crate::agreement::{Action, Class, Leftover, Policy, Redaction, Sharing};
use crate::case::{Fact, FileCopy, Granted, Item, Origin, Prepared};
use crate::plan::{GrantAsk, Passage, Plan};

fn there(world: &World) -> Vec<(&str, Visibility)> {
    world.tickets[&name(PARTNER)].files.iter().map(|file| (file.name.as_str(), file.visibility)).collect()
}

/// A calm world whose partner has what this says redacted.
fn private(redaction: Redaction) -> World {
    let mut world = World::new(&[PARTNER], Policy::Latest, HOME);
    world.rules.agreements.values_mut().next().unwrap().redaction = Some(redaction);
    world.able.get_mut(&name(PARTNER)).unwrap().max_file_bytes = u64::MAX;
    world.settle();
    world
}

/// A file that home attaches, whose bytes are stored.
fn stored(world: &mut World) -> Origin {
    world.attaches(HOME, 5, Visibility::Public);
    world.plan(&[HOME], &BTreeSet::new());
    let origin = Origin { system: name(HOME), id: format!("f{}", world.tick) };
    world.tell(Fact::Stored { origin: origin.clone(), digest: Digest::new("00") });
    origin
}

/// What was found in it, under the terms that are in force.
fn prepare(world: &mut World, origin: &Origin, left: BTreeMap<String, u32>) {
    let sharing = Sharing::of(&world.rules, &world.case, at(world.tick));
    let terms = Passage::of(&sharing, &world.names, origin, &name(PARTNER)).terms(&Digest::new("00"));
    let copy = Some(FileCopy { digest: Digest::new("redacted"), size: 1 });
    let prepared = Prepared { terms, copy, left };
    let (leg, origin) = (name(PARTNER), origin.clone());
    world.tell(Fact::Prepared { leg, origin, prepared, redacted: BTreeMap::new() });
}

fn intends(plan: &Plan) -> bool {
    plan.facts.iter().any(|fact| matches!(fact, Fact::Intended { item: Item::Attachment(_), .. }))
}

/// The line between what is looked into and what is not is where a name could leave unseen.
#[test]
fn a_file_is_looked_into_if_its_type_or_its_name_says_that_it_is_text() {
    const MOST: u64 = 8 << 20;
    let files = [
        ("text/plain", "a", 1, true),
        ("Text/Plain; charset=utf-8", "a.bin", 1, true),
        ("text/x-anything", "a", MOST, true),
        ("text/plain", "a.txt", MOST + 1, false),
        ("application/json", "a", 1, true),
        ("application/xml", "a", 1, true),
        ("application/vnd.api+json", "a", 1, true),
        ("image/svg+xml", "a", 1, true),
        ("application/vnd.oai.openapi+yaml", "a", 1, true),
        ("application/zip", "a.txt", 1, false),
        ("application/pdf", "a.txt", 1, false),
        ("image/png", "a.log", 1, false),
        ("application/jsonx", "a", 1, false),
        ("application/x+jsonx", "a", 1, false),
        ("message/rfc822", "a", 1, true),
        ("message/rfc822", "a", MOST + 1, false),
        ("message/partial", "a", 1, false),
        ("", "a.LOG", 1, true),
        ("application/octet-stream", "a.csv", 1, true),
        ("binary/octet-stream", "mail.eml", 1, true),
        ("application/octet-stream", "a.txt.gz", 1, false),
        ("application/octet-stream", "txt", 1, false),
        ("", "a", 1, false),
        ("", "a.exe", 1, false),
    ];
    let mut world = private(redaction());
    for (media_type, file_name, size, _) in files {
        world.attaches(HOME, size, Visibility::Public);
        world.person(HOME, |ticket, _| {
            let file = ticket.files.last_mut().unwrap();
            file.media_type = media_type.to_owned();
            file.name = file_name.to_owned();
        });
    }
    let originals = world.tickets[&name(HOME)].files.clone();
    world.settle();
    let leg = &world.case.legs[&name(PARTNER)];
    for (file, (media_type, file_name, size, expected)) in originals.iter().zip(files) {
        let origin = Origin { system: name(HOME), id: file.id.to_string() };
        let held = leg.parked.get(&Item::Attachment(origin.clone()));
        assert_eq!(leg.prepared.contains_key(&origin), expected, "{media_type:?} {file_name} {size}");
        assert_eq!(held.is_some_and(|parked| parked.held), !expected, "{media_type:?} {file_name} {size}");
    }
    let digests = world.tickets[&name(PARTNER)].files.iter().map(|file| file.digest.clone());
    assert!(digests.flatten().all(|digest| digest.as_str() == "redacted"));
}

#[test]
fn a_file_is_looked_into_again_when_the_terms_are_others() {
    let mut world = private(redaction());
    let origin = stored(&mut world);
    prepare(&mut world, &origin, BTreeMap::new());
    let agreement = world.rules.agreements.values_mut().next().unwrap();
    agreement.redaction.as_mut().unwrap().classes.insert(Class::Phone, Action::Mask);
    let plan = world.plan(&[HOME], &BTreeSet::new());
    assert_eq!((plan.unprepared.as_slice(), intends(&plan)), (&[(name(PARTNER), origin.clone())][..], false));
    prepare(&mut world, &origin, BTreeMap::new());
    let plan = world.plan(&[HOME], &BTreeSet::new());
    assert!(plan.unprepared.is_empty() && intends(&plan), "{plan:#?}");
}

#[test]
fn a_file_in_which_something_may_be_left_waits_for_a_person_where_the_agreement_says_so() {
    let left = BTreeMap::from([("email".to_owned(), 1)]);
    for (leftover, left, expected) in [
        (Leftover::Tell, &left, true),
        (Leftover::Hold, &BTreeMap::new(), true),
        (Leftover::Hold, &left, false),
    ] {
        let mut world = private(Redaction { leftover, ..redaction() });
        let origin = stored(&mut world);
        prepare(&mut world, &origin, left.clone());
        world.settle();
        assert_eq!(there(&world).len(), usize::from(expected), "{leftover:?} {left:?}");
        let item = Item::Attachment(origin);
        let Some(parked) = world.case.legs[&name(PARTNER)].parked.get(&item) else {
            assert!(expected, "{leftover:?} {left:?}");
            continue;
        };
        assert!(parked.held && parked.reason.contains("1 email"), "{parked:?}");
        let (leg, by, reason) = (name(PARTNER), String::new(), String::new());
        world.tell(Fact::Unparked { leg, item, discarded: false, by, reason });
        world.settle();
        assert_eq!(world.tickets[&name(PARTNER)].files[0].digest, Some(Digest::new("redacted")));
    }
}

#[test]
fn files_arrive_in_the_order_in_which_they_were_attached() {
    let mut world = World::calm(&[PARTNER], Policy::Latest);
    world.tick = 98;
    for _ in 0..4 {
        world.attaches(HOME, 5, Visibility::Public);
    }
    world.settle();
    let names: Vec<&str> = there(&world).into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["file 99", "file 100", "file 101", "file 102"]);
}

#[test]
fn an_alarm_stops_the_files_for_staff_and_no_others() {
    let mut world = confiding();
    world.says(HOME, "for staff", Visibility::Internal);
    world.settle();
    publish(&mut world, PARTNER);
    world.settle();
    for visibility in [Visibility::Internal, Visibility::Public] {
        world.attaches(HOME, 5, visibility);
    }
    world.settle();
    let public = format!("file {}", world.tickets[&name(HOME)].files[1].id.as_str().trim_start_matches('f'));
    assert_eq!(there(&world), [(public.as_str(), Visibility::Public)]);
}

#[test]
fn a_desk_is_given_the_files_that_it_can_take_and_a_person_is_told_of_the_others() {
    for (attach, most, for_staff, visibility, refused) in [
        (None, 1000, true, Visibility::Public, Some("partner takes no files")),
        (Some(CreateClass::C2), 5, true, Visibility::Public, None),
        (
            Some(CreateClass::C2),
            4,
            true,
            Visibility::Public,
            Some("the file has 5 bytes and partner takes at most 4"),
        ),
        (Some(CreateClass::C2), 1000, false, Visibility::Public, None),
        (
            Some(CreateClass::C2),
            1000,
            false,
            Visibility::Internal,
            Some("partner has nothing that only its staff may read"),
        ),
    ] {
        let mut world = confiding();
        let able = world.able.get_mut(&name(PARTNER)).unwrap();
        (able.attach, able.max_file_bytes, able.internal_comments) = (attach, most, for_staff);
        world.attaches(HOME, 5, visibility);
        world.settle();
        assert_eq!(there(&world).len(), usize::from(refused.is_none()), "{refused:?}");
        let parked = &world.case.legs[&name(PARTNER)].parked;
        let reasons: Vec<&str> = parked.values().map(|parked| parked.reason.as_str()).collect();
        assert_eq!(reasons, Vec::from_iter(refused));
    }
}

#[test]
fn a_file_for_staff_is_shown_in_public_once_where_the_grant_says_so() {
    for (public_if_must, expected) in [(true, vec![Visibility::Public]), (false, Vec::new())] {
        let mut world = grants::calm();
        world.able.get_mut(&name(PARTNER)).unwrap().internal_comments = false;
        world.attaches(HOME, 5, Visibility::Internal);
        world.settle();
        let file = Origin { system: name(HOME), id: format!("f{}", world.tick) };
        let asked = ask(&world, PARTNER, Granted::File(file), 500);
        granted_as(&mut world, GrantAsk { public_if_must, ..asked });
        let shown: Vec<Visibility> = there(&world).into_iter().map(|(_, visibility)| visibility).collect();
        assert_eq!(shown, expected);
        assert_eq!(parked(&world, PARTNER).len(), usize::from(!public_if_must));
    }
}
