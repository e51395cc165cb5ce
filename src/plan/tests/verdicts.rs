//! The verdict and the planner are of one mind, and what is private is judged by its name only.

use std::collections::{BTreeMap, BTreeSet};

use proptest::collection::vec;
use proptest::prelude::{Just, Strategy, any, prop_oneof};
use proptest::test_runner::TestCaseError;
use proptest::{prop_assert, prop_assert_eq, proptest};
use throughline_sdk::{Operation, SystemName, Visibility};

use super::invariants::{DESKS, policy, step, take};
use super::world::{HOME, Outcome as Ending, PARTNER, VENDOR, World, name};
use super::{grants, handshake};
use crate::agreement::{Direction, Handshake, OnLapse, Policy};
use crate::case::{Fact, Field, Item, OfferState, WrittenValue};
use crate::plan::{Foresight, Outcome, Plan, Verdict};

fn direction() -> impl Strategy<Value = Direction> {
    prop_oneof![
        4 => Just(Direction::Both),
        1 => Just(Direction::Outbound),
        1 => Just(Direction::Inbound),
        1 => Just(Direction::None),
    ]
}

/// What an agreement may be like: the ways of fields, comments and files, and whether it introduces others.
type Terms = (Vec<Direction>, Direction, Direction, bool);

fn terms() -> impl Strategy<Value = Terms> {
    (vec(direction(), 5), direction(), direction(), any::<bool>())
}

fn agree(world: &mut World, terms: &[Terms]) {
    for (agreement, (fields, comments, files, relay)) in world.rules.agreements.values_mut().zip(terms) {
        for (rule, direction) in agreement.fields.values_mut().zip(fields) {
            rule.direction = *direction;
        }
        (agreement.comments, agreement.files) = (*comments, *files);
        if !relay {
            agreement.introduces.clear();
        }
    }
}

/// What is sent, item by item: a creation carries its fields.
fn sent(facts: &[Fact]) -> Sent {
    let mut sent = BTreeMap::new();
    for fact in facts {
        let Fact::Intended { leg, item, intent, .. } = fact else { continue };
        if matches!(intent.operation, Operation::Retract { .. }) {
            continue;
        }
        let field = if let Item::Field(field) = item { Some(field) } else { None };
        let value = field.and_then(|field| intent.operation.value(field)).map(str::to_owned);
        let value = if let Operation::LinkBack(link) = &intent.operation {
            Some(link.line(usize::MAX))
        } else {
            value
        };
        sent.insert((leg.clone(), item.clone()), value);
        carry(leg, &intent.operation, &mut sent);
    }
    sent
}

type Sent = BTreeMap<(SystemName, Item), Option<String>>;

/// The fields that a creation carries.
fn carry(leg: &SystemName, operation: &Operation, sent: &mut Sent) {
    let Operation::Create(new) = operation else { return };
    let mut carried = BTreeMap::from([
        (Field::Title, Some(&new.title)),
        (Field::Description, Some(&new.description)),
        (Field::Status, new.status.as_ref()),
        (Field::Priority, new.priority.as_ref()),
    ]);
    carried.extend(new.fields.iter().map(|(name, value)| (Field::Custom(name.clone()), Some(value))));
    for (field, value) in carried {
        let value = value.filter(|value| !value.is_empty());
        // Without a title that may be shown it bears a name of ours.
        if let Some(value) = value.filter(|value| !value.starts_with("Request ")) {
            sent.insert((leg.clone(), Item::Field(field)), Some(value.clone()));
        }
    }
}

fn due(verdicts: &[Verdict]) -> Sent {
    let due = verdicts.iter().filter_map(|verdict| {
        let Outcome::Due { to, .. } = &verdict.outcome else { return None };
        Some(((verdict.to.clone(), verdict.item.clone()), to.clone()))
    });
    due.collect()
}

fn of<'v>(verdicts: &'v [Verdict], to: &str, item: &Item) -> &'v Verdict {
    let found: Vec<_> = verdicts.iter().filter(|it| it.to == name(to) && it.item == *item).collect();
    assert_eq!(found.len(), 1, "{to} {item}: {verdicts:#?}");
    found[0]
}

/// What the planner would do after reading these desks is what is said to become of everything.
fn of_one_mind(world: &World, read: &[&str]) -> Result<Vec<Verdict>, TestCaseError> {
    let Foresight { verdicts, plan: Plan { facts, .. }, case } = world.foreseen(read);
    // How an offer stands is told in the bridge's own words, by a notice or by one of the desk's: that is nothing of the
    // request.
    let spoken_of = |item: &Item| !matches!(item, Item::Notice(_) | Item::Offer);
    let (due, mut sent) = (due(&verdicts), sent(&facts));
    sent.retain(|place, _| {
        let (leg, item) = place;
        let told = case.legs[leg].offer.as_ref().is_some_and(crate::case::Offer::is_to_be_told);
        let answer = told && matches!(item, Item::Field(_)) && !due.contains_key(place);
        spoken_of(item) && !answer
    });
    prop_assert_eq!(due, sent, "after reading {:?}", read);

    let judged: BTreeSet<_> = verdicts.iter().map(|it| (&it.to, &it.item)).collect();
    prop_assert_eq!(judged.len(), verdicts.len(), "nothing is both");
    // What has no meaning is parked on the leg that it was read from.
    for fact in facts.iter().filter(|_| read.is_empty()) {
        let Fact::Parked { leg, item, .. } = fact else { continue };
        let told =
            |it: &&Verdict| it.to == *leg && it.item == *item && matches!(it.outcome, Outcome::Parked { .. });
        let parked = !spoken_of(item) || verdicts.iter().any(|it| told(&it));
        prop_assert!(parked, "{} is parked on {}: {:#?}", item, leg, verdicts);
    }
    Ok(verdicts)
}

/// Before a counterpart has accepted, nothing but the ticket is due or there, but for what it asked for.
fn not_before_it_is_accepted(
    world: &World,
    verdict: &Verdict,
    share_before: bool,
) -> Result<(), TestCaseError> {
    let offer = world.case.legs.get(&verdict.to).and_then(|leg| leg.offer.as_ref());
    let open = offer.is_some_and(|offer| {
        offer.state == OfferState::Offered && offer.again == 0 && offer.answers_after.is_none()
    });
    let more = matches!(verdict.item, Item::Remark(_) | Item::Attachment(_) | Item::LinkBack(_));
    let goes = matches!(verdict.outcome, Outcome::Due { .. });
    let ours = verdict.from.as_ref().is_none_or(|from| *from == name(HOME));
    let to_them = verdict.to != name(HOME);
    prop_assert!(!(open && more && goes && ours && to_them) || share_before, "{:?} {:?}", verdict, offer);
    Ok(())
}

proptest! {
    #![proptest_config(proptest::test_runner::Config { cases: 200, ..Default::default() })]

    #[test]
    fn what_the_planner_would_send_is_what_the_verdict_says_is_due(
        desks in 2..5usize,
        policy in policy(),
        able in any::<bool>(),
        terms in vec(terms(), 3),
        steps in vec(step(), 0..50),
    ) {
        let mut world = World::new(&DESKS[1..desks], policy, HOME);
        for capabilities in world.able.values_mut() {
            (capabilities.edit, capabilities.retract, capabilities.update) = (able, able, able);
            capabilities.max_file_bytes = if able { 1000 } else { 5 };
        }
        agree(&mut world, &terms);
        for step in &steps {
            take(&mut world, step, desks);
            let read: Vec<&str> = if world.case.legs.is_empty() { vec![HOME] } else { DESKS[..desks].to_vec() };
            of_one_mind(&world, &read)?;
            let verdicts = of_one_mind(&world, &[])?;
            let told = format!("{verdicts:?}");
            prop_assert!(!told.contains("SECRET"), "{}", told);
        }
    }

    #[test]
    fn nothing_withheld_or_unshared_is_on_any_desk(
        terms in vec(terms(), 3),
        steps in vec(step(), 0..50),
    ) {
        let mut world = World::new(&DESKS[1..], Policy::Latest, HOME);
        agree(&mut world, &terms);
        for step in &steps {
            take(&mut world, step, DESKS.len());
        }
        let verdicts = world.foreseen(&[]).verdicts;
        for verdict in verdicts.iter().filter(|it| it.outcome == Outcome::NotShared) {
            let leg = &world.case.legs[&verdict.to];
            let there = match &verdict.item {
                Item::Remark(origin) => leg.shadow.comments.values().any(|seen| seen.origin == *origin),
                Item::Attachment(origin) => leg.shadow.files.values().any(|seen| seen.origin == *origin),
                Item::Ticket
                | Item::Field(_)
                | Item::LinkBack(_)
                | Item::Offer
                | Item::Notice(_)
                | Item::Recall(_)
                | Item::Leak(_) => false,
            };
            prop_assert!(!there, "{:?}", verdict);
        }
    }
}

// Each step is judged twice over, for four desks.
proptest! {
    #![proptest_config(proptest::test_runner::Config { cases: 64, ..Default::default() })]

    #[test]
    fn they_are_of_one_mind_where_a_request_has_to_be_accepted(
        from_home in any::<bool>(),
        share_before in any::<bool>(),
        lapse in prop_oneof![Just(OnLapse::Person), Just(OnLapse::Remind), Just(OnLapse::RouteOn)],
        steps in vec(handshake::step(), 0..40),
    ) {
        let rules = Handshake { on_lapse: lapse, share_before, ..handshake::handshake() };
        let opener = if from_home { HOME } else { PARTNER };
        let mut world = handshake::world(&handshake::DESKS[1..], opener, &rules);
        for step in &steps {
            handshake::take(&mut world, step, opener);
            let read = if world.case.legs.is_empty() { vec![opener] } else { handshake::DESKS.to_vec() };
            of_one_mind(&world, &read)?;
            for verdict in of_one_mind(&world, &[])? {
                not_before_it_is_accepted(&world, &verdict, share_before)?;
            }
        }
    }

    #[test]
    fn they_are_of_one_mind_while_grants_open_and_end(
        offered in any::<bool>(),
        accepts in any::<bool>(),
        steps in vec(grants::step(), 0..40),
    ) {
        let rules = handshake::handshake();
        let mut world = grants::calm_under(offered.then_some(&rules));
        if offered && accepts {
            world.says(PARTNER, "ACCEPT", Visibility::Public);
        }
        for step in &steps {
            grants::take(&mut world, step);
            of_one_mind(&world, &[HOME, PARTNER, VENDOR])?;
            of_one_mind(&world, &[])?;
        }
    }
}

#[test]
fn each_outcome_names_its_rule_and_its_agreement() {
    let mut world = World::new(&[PARTNER, VENDOR], Policy::Latest, HOME);
    for agreement in world.rules.agreements.values_mut() {
        agreement.introduces.clear();
        agreement.fields.get_mut(&Field::Description).unwrap().direction = Direction::Inbound;
    }
    world.person(HOME, |ticket, _| ticket.priority = Some("Top".to_owned()));
    world.settle();
    world.says(HOME, "to all", Visibility::Public);
    world.says(HOME, "SECRET", Visibility::Internal);
    world.says(PARTNER, "to home", Visibility::Public);
    world.attaches(HOME, 5, Visibility::Unknown);
    world.settle();
    let ids: Vec<_> = world.tickets[&name(HOME)].comments.iter().map(|it| it.id.to_string()).collect();
    let file = world.tickets[&name(HOME)].files[0].id.to_string();
    let said = |system: &str, id: &str| {
        Item::Remark(crate::case::Origin { system: name(system), id: id.to_owned() })
    };
    let verdicts = world.foreseen(&[]).verdicts;

    let priority = of(&verdicts, PARTNER, &Item::Field(Field::Priority));
    let mapped = Outcome::Mapped { from: "urgent".to_owned(), to: "High".to_owned() };
    assert_eq!(
        (&priority.outcome, priority.rule.as_str()),
        (&mapped, "the field priority travels both ways")
    );
    let description = of(&verdicts, PARTNER, &Item::Field(Field::Description));
    assert_eq!(description.outcome, Outcome::NotShared);
    assert_eq!(description.rule, "the field description travels inbound only");
    assert_eq!(description.agreement.as_ref().unwrap().0, PARTNER);
    let kind = of(&verdicts, PARTNER, &Item::Field(Field::Kind));
    assert_eq!(kind.rule, "the agreement does not name the field type");

    assert_eq!(of(&verdicts, PARTNER, &said(HOME, &ids[0])).outcome, Outcome::Passed);
    let secret = of(&verdicts, PARTNER, &said(HOME, &ids[1]));
    assert_eq!(
        (&secret.outcome, secret.rule.as_str()),
        (&Outcome::Withheld, "not known to be public in helpdesk")
    );
    let partners = world.tickets[&name(PARTNER)].comments.iter().find(|it| it.marker.is_none()).unwrap();
    let partners = said(PARTNER, partners.id.as_str());
    assert_eq!(of(&verdicts, HOME, &partners).outcome, Outcome::Passed);
    let relayed = of(&verdicts, VENDOR, &partners);
    assert_eq!(relayed.outcome, Outcome::NotShared);
    assert_eq!(relayed.rule, "the two counterparts are not introduced to each other");
    let file = Item::Attachment(crate::case::Origin { system: name(HOME), id: file });
    assert_eq!(of(&verdicts, VENDOR, &file).outcome, Outcome::Withheld);
    assert_eq!(of(&verdicts, PARTNER, &Item::LinkBack(name(HOME))).outcome, Outcome::Passed);
}

#[test]
fn what_is_on_its_way_parked_or_taken_back_is_told_so() {
    let mut world = World::calm(&[PARTNER], Policy::Latest);
    world.person(HOME, |ticket, _| ticket.title = "Another".to_owned());
    world.says(HOME, "first", Visibility::Public);
    world.observe(&[HOME]);
    world.person(HOME, |ticket, _| ticket.status = "Rejected".to_owned());
    world.observe(&[HOME]);
    let verdicts = world.foreseen(&[]).verdicts;
    let title = of(&verdicts, PARTNER, &Item::Field(Field::Title));
    assert_eq!(title.outcome, Outcome::Waiting { reason: "it is on its way".to_owned() });
    let status = of(&verdicts, PARTNER, &Item::Field(Field::Status));
    let Outcome::Parked { reason, since: Some(_) } = &status.outcome else { panic!("{status:?}") };
    assert!(reason.contains("partner has no word for the status"), "{reason}");

    while world.case.legs[&name(PARTNER)].outstanding.front().is_some() {
        world.deliver(PARTNER, Ending::Done);
    }
    world.settle();
    let origin = world.case.document.remarks.keys().next().unwrap().clone();
    for able in world.able.values_mut() {
        able.retract = false;
    }
    world.person(HOME, |ticket, _| ticket.comments.clear());
    world.settle();
    let verdicts = world.foreseen(&[]).verdicts;
    let gone = of(&verdicts, PARTNER, &Item::Remark(origin));
    let Outcome::Parked { reason, since: Some(_) } = &gone.outcome else { panic!("{gone:?}") };
    assert!(reason.contains("this system takes no comment back"), "{reason}");
    assert_eq!(gone.rule, "withdrawn at its origin");
}

#[test]
fn what_is_taken_out_is_counted_and_what_needs_a_name_waits_for_it() {
    let mut world = World::new(&[PARTNER], Policy::Latest, HOME);
    for agreement in world.rules.agreements.values_mut() {
        agreement.redaction = Some(super::privacy::redaction());
    }
    world.person(HOME, |ticket, _| ticket.title = "Ask ada@contoso.example".to_owned());
    let plan = world.foreseen(&[HOME]);
    let title = of(&plan.verdicts, PARTNER, &Item::Field(Field::Title));
    assert_eq!(title.outcome, Outcome::Waiting { reason: "values in it need a pseudonym first".to_owned() });
    world.settle();
    let verdicts = world.foreseen(&[]).verdicts;
    let title = of(&verdicts, PARTNER, &Item::Field(Field::Title));
    let Outcome::Masked { classes, to: Some(to) } = &title.outcome else { panic!("{title:?}") };
    assert_eq!(classes["email"], 1);
    assert!(!to.contains("ada@"), "{to}");
}

#[test]
fn a_leg_whose_agreement_is_gone_is_shown_nothing_and_a_dead_one_waits() {
    let mut world = World::calm(&[PARTNER, VENDOR], Policy::Latest);
    world.rules.agreements.retain(|name, _| name.0 != VENDOR);
    let reason = "deleted".to_owned();
    world.case.apply(
        &Fact::Ailed { leg: name(PARTNER), health: crate::case::Health::Gone, reason },
        super::world::at(99),
    );
    world.person(HOME, |ticket, _| ticket.title = "Another".to_owned());
    world.observe(&[HOME]);
    let Foresight { verdicts, plan, .. } = world.foreseen(&[]);
    assert!(sent(&plan.facts).is_empty());
    let title = of(&verdicts, VENDOR, &Item::Field(Field::Title));
    assert_eq!(title.outcome, Outcome::NotShared);
    assert_eq!(title.rule, "the agreement vendor is not in force any more");
    let title = of(&verdicts, PARTNER, &Item::Field(Field::Title));
    assert_eq!(title.outcome, Outcome::Waiting { reason: "the ticket in partner is gone".to_owned() });
}
