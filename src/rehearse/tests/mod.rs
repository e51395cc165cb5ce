//! Drafts tried on small histories: what each kind of difference looks like, and that the same rules make none.

mod pace;

use proptest::collection::vec;
use proptest::{prop_assert, proptest};
use throughline_sdk::{RemoteId, TicketRef, Timestamp, Visibility};

use super::{Change, Group, Head, Rehearsal, Report, Tally, Trial};
use crate::agreement::{Agreement, Direction, Expression, Otherwise, Policy, Requirement, Rules};
use crate::case::{AgreementName, Fact, Field};
use crate::ledger::{Position, Record};
use crate::plan::tests::invariants::{DESKS, policy, step, take};
use crate::plan::tests::privacy::redaction;
use crate::plan::tests::world::{HOME, PARTNER, VENDOR, World, at, name};

fn records(world: &World) -> Vec<Record> {
    let numbered = world.log.iter().zip(1..);
    numbered
        .map(|((at, facts), seq)| Record {
            position: Position(seq),
            seq,
            at: *at,
            case: Some(world.case.id),
            prev: None,
            words: Vec::new(),
            facts: facts.clone(),
            erased: false,
        })
        .collect()
}

fn report(records: &[Record], in_force: &Rules, draft: &Rules, agreement: &str, since: Timestamp) -> Report {
    let agreement = AgreementName(agreement.to_owned());
    let trial = Trial { agreement: &agreement, in_force, draft, since };
    let mut hand = Rehearsal::new(trial);
    for record in records {
        hand.take(record);
    }
    let mut tally = Tally::default();
    tally.join(hand.finish());
    let (records, agreement) = (0, agreement.to_string());
    tally.report(Head { agreement, since, records, tried: records, cases: 1 })
}

/// What a draft would make of the history of a world under the rules that it ran under.
fn tried(world: &World, change: impl FnOnce(&mut Agreement)) -> Report {
    let mut draft = world.rules.clone();
    change(draft.agreements.get_mut(&AgreementName(PARTNER.to_owned())).unwrap());
    report(&records(world), &world.rules, &draft, PARTNER, at(0))
}

fn only(report: &Report) -> &Group {
    assert_eq!(report.groups.len(), 1, "{report:#?}");
    &report.groups[0]
}

fn direction(field: Field, direction: Direction) -> impl Fn(&mut Agreement) {
    move |agreement| agreement.fields.get_mut(&field).unwrap().direction = direction
}

proptest! {
    #![proptest_config(proptest::test_runner::Config { cases: 100, ..Default::default() })]

    #[test]
    fn the_rules_in_force_make_no_difference_to_what_they_made(
        desks in 2..5usize,
        policy in policy(),
        steps in vec(step(), 0..40),
    ) {
        let mut world = World::new(&DESKS[1..desks], policy, HOME);
        for step in &steps {
            take(&mut world, step, desks);
        }
        let report = tried(&world, |_| {});
        prop_assert!(report.is_same(), "{:#?}", report);
    }

    #[test]
    fn no_draft_shows_what_is_not_public(steps in vec(step(), 0..40)) {
        let mut world = World::new(&DESKS[1..3], Policy::Latest, HOME);
        for step in &steps {
            take(&mut world, step, 3);
        }
        let report = tried(&world, |agreement| {
            agreement.comments = Direction::None;
            agreement.files = Direction::None;
            for rule in agreement.fields.values_mut() {
                rule.direction = Direction::None;
            }
        });
        let told = format!("{report:?}");
        prop_assert!(!told.contains("SECRET") && !told.contains("said"), "{}", told);
        let closes = [Change::NoLongerLeaves, Change::NoLongerParks];
        prop_assert!(report.groups.iter().all(|group| closes.contains(&group.change)), "{}", told);
    }
}

#[test]
fn a_field_that_a_draft_closes_would_no_longer_leave() {
    let world = World::calm(&[PARTNER], Policy::Latest);
    let report = tried(&world, direction(Field::Description, Direction::Inbound));
    let group = only(&report);
    assert_eq!((group.change, group.item.as_str(), group.count), (Change::NoLongerLeaves, "description", 1));
    assert_eq!((group.source.as_str(), group.target.as_str()), (HOME, PARTNER));
    assert_eq!(group.in_force, "partner: the field description travels both ways");
    assert_eq!(group.draft, "partner: the field description travels inbound only");
    let example = &group.examples[0];
    assert_eq!((example.case.as_str(), example.before.as_deref()), ("TL-1", Some("“It burns. A lot.”")));
    assert_eq!(report.totals[&Change::NoLongerLeaves], 1);
}

#[test]
fn a_value_that_a_draft_maps_otherwise_would_leave_as_something_else() {
    let world = World::calm(&[PARTNER], Policy::Latest);
    let report = tried(&world, |agreement| {
        let priority = agreement.fields.get_mut(&Field::Priority).unwrap();
        priority.outbound.insert("normal".to_owned(), "low".to_owned());
    });
    let group = only(&report);
    assert_eq!(group.change, Change::Changes);
    assert!(
        group.in_force.ends_with("shown as “Normal”") && group.draft.ends_with("shown as “Low”"),
        "{group:?}"
    );
}

#[test]
fn a_value_without_a_word_would_be_parked() {
    let mut world = World::new(&[PARTNER], Policy::Latest, HOME);
    for agreement in world.rules.agreements.values_mut() {
        let status = agreement.fields.get_mut(&Field::Status).unwrap();
        status.outbound.insert("cancelled".to_owned(), "closed".to_owned());
        status.otherwise = Some(Otherwise::AsItIs);
    }
    world.settle();
    world.person(HOME, |ticket, _| ticket.status = "Rejected".to_owned());
    world.settle();
    let report = tried(&world, |agreement| {
        agreement.fields.get_mut(&Field::Status).unwrap().outbound.clear();
    });
    let group = only(&report);
    assert_eq!(group.change, Change::Parks);
    assert!(group.draft.contains("partner has no word for the status \"cancelled\""), "{group:?}");
}

#[test]
fn what_home_is_not_shown_in_force_is_counted_and_not_shown() {
    let mut world = World::new(&[PARTNER], Policy::Latest, HOME);
    for agreement in world.rules.agreements.values_mut() {
        direction(Field::Title, Direction::Outbound)(agreement);
    }
    world.settle();
    world.person(PARTNER, |ticket, _| ticket.title = "Their own words".to_owned());
    world.settle();
    let report = tried(&world, direction(Field::Title, Direction::Both));
    let group = only(&report);
    assert_eq!((group.change, group.count), (Change::NewlyLeaves, 1));
    assert_eq!((group.source.as_str(), group.target.as_str()), (PARTNER, HOME));
    assert!(!format!("{report:?}").contains("Their own words"), "{report:#?}");
}

#[test]
fn comments_and_files_are_named_by_their_place() {
    let mut world = World::calm(&[PARTNER, VENDOR], Policy::Latest);
    world.says(HOME, "a word of home", Visibility::Public);
    world.says(PARTNER, "a word of the partner", Visibility::Public);
    world.attaches(HOME, 5, Visibility::Public);
    world.settle();
    let report = tried(&world, |agreement| {
        agreement.comments = Direction::Inbound;
        agreement.files = Direction::None;
    });
    let told: Vec<_> = report
        .groups
        .iter()
        .map(|group| (group.change, group.item.as_str(), group.source.as_str(), group.target.as_str()))
        .collect();
    // The partner's own words still go home, and from there to the vendor.
    assert_eq!(
        told,
        [
            (Change::NoLongerLeaves, "comments", HOME, PARTNER),
            (Change::NoLongerLeaves, "files", HOME, PARTNER),
        ]
    );
    assert!(!format!("{report:?}").contains("a word"), "{report:#?}");
    let place = report.groups[0].examples[0].place.as_deref().unwrap();
    assert!(place.starts_with("helpdesk#"), "{place}");
}

#[test]
fn a_request_that_a_draft_does_not_route_is_told_once() {
    let mut world = World::calm(&[PARTNER], Policy::Latest);
    world.says(HOME, "a word", Visibility::Public);
    world.settle();
    let closed = tried(&world, |agreement| agreement.outbound = None);
    let group = only(&closed);
    assert_eq!((group.change, group.cases), (Change::NoLongerRoutes, 1));
    assert_eq!(group.draft, "the draft routes no ticket of that system by itself");

    let urgent = "ticket.priority >= \"high\"";
    let report = tried(&world, |agreement| agreement.outbound = Some(condition(urgent)));
    assert!(only(&report).draft.starts_with("the draft routes a ticket if "), "{report:#?}");

    let incident = "ticket.type == \"Incident\"";
    let report = tried(&world, |agreement| agreement.outbound = Some(condition(incident)));
    let group = only(&report);
    assert_eq!(group.change, Change::Untold);
    assert!(group.draft.ends_with("or it was not read"), "{group:?}");
}

fn condition(text: &str) -> Expression {
    Expression::compile(text).unwrap()
}

#[test]
fn a_request_that_a_draft_newly_routes_would_leave_with_all_that_it_has() {
    let mut world = World::new(&[PARTNER, VENDOR], Policy::Latest, HOME);
    let vendor = AgreementName(VENDOR.to_owned());
    world.rules.agreements.get_mut(&vendor).unwrap().outbound = None;
    world.settle();
    world.says(HOME, "a word", Visibility::Public);
    world.settle();
    let mut draft = world.rules.clone();
    let printers = condition("ticket.title.contains(\"Printer\")");
    draft.agreements.get_mut(&vendor).unwrap().outbound = Some(printers);
    let told = report(&records(&world), &world.rules, &draft, VENDOR, at(0));
    assert_eq!(told.totals[&Change::NewlyRoutes], 1);
    let leaves: Vec<_> = told
        .groups
        .iter()
        .filter(|group| group.change == Change::NewlyLeaves)
        .map(|group| (group.item.as_str(), group.target.as_str()))
        .collect();
    let expected = ["comments", "description", "priority", "status", "title"].map(|item| (item, VENDOR));
    assert_eq!(leaves, expected);
    let late = report(&records(&world), &world.rules, &draft, VENDOR, at(9999));
    assert!(late.is_same(), "what was before the time asked for is not judged");
}

fn requirement(name: &str, text: &str) -> Requirement {
    let message = format!("no {name} is named");
    Requirement { name: name.to_owned(), condition: condition(text), message }
}

#[test]
fn a_request_that_lacks_what_a_draft_requires_would_wait() {
    let world = World::calm(&[PARTNER], Policy::Latest);
    let asks_more = |agreement: &mut Agreement| {
        agreement.require = vec![
            requirement("title", "ticket.title != ''"),
            requirement("impact", "ticket.description.contains('impact')"),
        ];
    };
    let tightened = tried(&world, asks_more);
    let group = only(&tightened);
    assert_eq!((group.change, group.item.as_str(), group.count), (Change::Parks, "request", 1));
    assert_eq!((group.source.as_str(), group.target.as_str()), (HOME, PARTNER));
    assert_eq!(group.draft, "more is required: no impact is named (impact)");
    assert_eq!(group.examples[0].case, "TL-1");

    // As if it had been required all along, and a draft let it go.
    let mut strict = world.rules.clone();
    asks_more(strict.agreements.get_mut(&AgreementName(PARTNER.to_owned())).unwrap());
    let eased = report(&records(&world), &strict, &world.rules, PARTNER, at(0));
    let group = only(&eased);
    assert_eq!((group.change, group.item.as_str()), (Change::NewlyLeaves, "request"));
    assert_eq!(group.in_force, "more is required: no impact is named (impact)");
}

#[test]
fn a_requirement_about_what_was_not_read_cannot_be_told() {
    let mut world = World::new(&[PARTNER], Policy::Latest, HOME);
    for agreement in world.rules.agreements.values_mut() {
        agreement.fields.remove(&Field::Description);
    }
    world.settle();
    let report = tried(&world, |agreement| {
        let shared = agreement.fields.get(&Field::Title).cloned().unwrap();
        agreement.fields.insert(Field::Description, shared);
        agreement.require = vec![requirement("impact", "ticket.description.contains('impact')")];
    });
    let told = report.groups.iter().find(|group| group.item == "request").unwrap();
    assert_eq!(told.change, Change::Untold);
    assert_eq!(told.draft, "impact asks for the description, which was not read");
}

#[test]
fn what_the_rules_in_force_never_read_cannot_be_told() {
    let mut world = World::new(&[PARTNER], Policy::Latest, HOME);
    for agreement in world.rules.agreements.values_mut() {
        agreement.fields.remove(&Field::Description);
        agreement.comments = Direction::None;
    }
    world.settle();
    let full = World::new(&[PARTNER], Policy::Latest, HOME);
    let report = report(&records(&world), &world.rules, &full.rules, PARTNER, at(0));
    assert!(report.groups.iter().all(|group| group.change == Change::Untold), "{report:#?}");
    let told: Vec<_> =
        report.groups.iter().map(|group| (group.item.as_str(), group.source.as_str())).collect();
    let expected =
        [("comments", HOME), ("comments", PARTNER), ("description", HOME), ("description", PARTNER)];
    assert_eq!(told, expected);
}

#[test]
fn a_ticket_that_was_not_taken_in_may_be_routed_by_a_wider_draft() {
    let world = World::calm(&[PARTNER], Policy::Latest);
    let mut record = records(&world).remove(0);
    record.case = None;
    let ticket = TicketRef::new(name(HOME), RemoteId::new("4711"));
    record.facts = vec![Fact::Ignored { ticket, reason: "no agreement routes it".to_owned() }];
    let mut narrow = world.rules.clone();
    let agreement = narrow.agreements.get_mut(&AgreementName(PARTNER.to_owned())).unwrap();
    agreement.outbound = None;
    let twice = [record.clone(), record];
    let told = report(&twice, &narrow, &world.rules, PARTNER, at(0));
    let group = only(&told);
    assert_eq!((group.change, group.count, group.cases), (Change::Untold, 1, 0));
    assert_eq!(group.examples[0].place.as_deref(), Some("helpdesk:4711"));
    assert!(
        report(&twice, &world.rules, &narrow, PARTNER, at(0)).is_same(),
        "one that routes nothing routes it no more"
    );
}

#[test]
fn a_draft_that_redacts_shows_pseudonyms_that_nobody_keeps() {
    let mut world = World::new(&[PARTNER], Policy::Latest, HOME);
    world.person(HOME, |ticket, _| ticket.title = "Ada Lovelace cannot log in".to_owned());
    world.settle();
    world.says(HOME, "Ada Lovelace is away", Visibility::Public);
    world.settle();
    let report = tried(&world, |agreement| agreement.redaction = Some(redaction()));
    let told: Vec<_> = report.groups.iter().map(|group| (group.change, group.item.as_str())).collect();
    assert_eq!(told, [(Change::Changes, "comments"), (Change::Changes, "title")]);
    let example = &report.groups[1].examples[0];
    assert_eq!(example.before.as_deref(), Some("“Ada Lovelace cannot log in”"));
    let after = example.after.as_deref().unwrap();
    assert!(after.starts_with("“PERSON-") && after.ends_with(" cannot log in”"), "{after}");
}
