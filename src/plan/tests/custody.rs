//! Custody: at every moment one owner and one holder, the times add up to the age of the case, and a replay agrees.

use proptest::collection::vec;
use proptest::prelude::{Just, Strategy, any, prop_oneof};
use proptest::{prop_assert_eq, proptest};
use throughline_sdk::Visibility;

use super::world::{HOME, PARTNER, VENDOR, World, at, name};
use crate::agreement::{Expression, Policy, ResponsibilityRule};
use crate::case::{Case, CaseId, Fact, Level, PartyName};

fn holder(world: &World) -> (String, Level) {
    let holder = world.case.custody.holder.as_ref().unwrap();
    (holder.party.to_string(), holder.level)
}

fn rule(party: &str, level: Option<Level>, title: &str) -> ResponsibilityRule {
    ResponsibilityRule {
        name: party.to_owned(),
        when: Expression::compile(&format!("ticket.title.contains('{title}')")).unwrap(),
        party: PartyName(party.to_owned()),
        level,
        owner: None,
    }
}

#[test]
fn the_ball_goes_with_the_status() {
    let mut world = World::calm(&[PARTNER], Policy::Latest);
    assert_eq!(world.case.custody.owner, Some(PartyName("home".to_owned())));
    assert_eq!(holder(&world), ("partner".to_owned(), Level::Partner));
    for (system, status, expected) in [
        (PARTNER, "Waiting", "home"),
        (HOME, "Open", "partner"),
        (HOME, "Waiting", "partner"),
        (PARTNER, "Open", "partner"),
        (PARTNER, "Done", "home"),
    ] {
        world.person(system, |ticket, _| status.clone_into(&mut ticket.status));
        world.settle();
        assert_eq!(holder(&world).0, expected, "{system} {status}");
    }
}

#[test]
fn the_ball_goes_with_the_last_comment_where_the_agreement_says_so() {
    let mut world = World::new(&[PARTNER], Policy::Latest, HOME);
    world.rules.agreements.values_mut().next().unwrap().reply_passes = true;
    world.settle();
    for (system, visibility, expected) in [
        (PARTNER, Visibility::Public, "home"),
        (HOME, Visibility::Internal, "home"),
        (HOME, Visibility::Public, "partner"),
    ] {
        world.says(system, "well?", visibility);
        world.settle();
        assert_eq!(holder(&world).0, expected, "{system} {visibility:?}");
    }
}

#[test]
fn the_first_rule_that_holds_names_who_is_to_resolve() {
    let mut world = World::new(&[PARTNER, VENDOR], Policy::Latest, HOME);
    let rules = &mut world.rules.responsibility;
    rules.levels.insert(PartyName("vendor".to_owned()), Level::Vendor);
    rules.rules = vec![
        rule("home", Some(Level::ApplicationTeam), "smokes"),
        rule("vendor", None, "burns"),
        rule("partner", None, ""),
    ];
    world.rules.responsibility.rules[1].owner = Some(PartyName("partner".to_owned()));
    world.settle();
    assert_eq!(holder(&world), ("vendor".to_owned(), Level::Vendor));
    assert_eq!(world.case.custody.owner, Some(PartyName("partner".to_owned())));
    world.person(HOME, |ticket, _| ticket.title = "Printer smokes".to_owned());
    world.settle();
    assert_eq!(holder(&world), ("home".to_owned(), Level::ApplicationTeam));
    assert_eq!(world.case.custody.owner, Some(PartyName("home".to_owned())));
    world.person(HOME, |ticket, _| ticket.title = "Printer smells".to_owned());
    world.settle();
    assert_eq!(holder(&world), ("partner".to_owned(), Level::Partner));
}

#[test]
fn what_came_from_a_counterpart_is_homes_to_do() {
    let mut world = World::new(&[PARTNER], Policy::Latest, PARTNER);
    world.settle();
    assert_eq!(holder(&world).0, "home");
}

#[derive(Clone, Debug)]
enum Step {
    Type(usize, usize),
    Say(usize),
    Wait(i64),
    SetBack(i64),
    Read(u8),
    Deliver(usize),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (0..3usize, 0..5usize).prop_map(|(desk, status)| Step::Type(desk, status)),
        (0..3usize).prop_map(Step::Say),
        (0..1000i64).prop_map(Step::Wait),
        (0..50i64).prop_map(Step::SetBack),
        any::<u8>().prop_map(Step::Read),
        (0..3usize).prop_map(Step::Deliver),
        Just(Step::Read(7)),
    ]
}

proptest! {
    #![proptest_config(proptest::test_runner::Config { cases: 200, ..Default::default() })]

    #[test]
    fn one_owner_and_one_holder_and_the_times_add_up(
        steps in vec(step(), 0..40), replies in any::<bool>(), ruled in any::<bool>(),
    ) {
        const DESKS: [&str; 3] = [HOME, PARTNER, VENDOR];
        let mut world = World::new(&[PARTNER, VENDOR], Policy::Latest, HOME);
        for agreement in world.rules.agreements.values_mut() {
            agreement.reply_passes = replies;
        }
        if ruled {
            world.rules.responsibility.rules.push(rule("vendor", Some(Level::Vendor), "burns"));
        }
        let mut told: Vec<(i64, Fact)> = Vec::new();
        let tick = world.tick;
        told.extend(world.observe(&[HOME]).facts.into_iter().map(|fact| (tick, fact)));
        for step in &steps {
            match *step {
                Step::Type(desk, status) => world.person(DESKS[desk], |ticket, _| {
                    ["New", "Open", "Waiting", "Done", "Open"][status].clone_into(&mut ticket.status);
                }),
                Step::Say(desk) => world.says(DESKS[desk], "x", Visibility::Public),
                Step::Wait(seconds) => world.tick += seconds,
                Step::SetBack(seconds) => world.tick = (world.tick - seconds).max(0),
                Step::Read(mask) => {
                    let read: Vec<&str> =
                        (0..3).filter(|bit| mask >> bit & 1 == 1).map(|bit| DESKS[bit]).collect();
                    let tick = world.tick;
                    told.extend(world.observe(&read).facts.into_iter().map(|fact| (tick, fact)));
                }
                Step::Deliver(desk) => world.deliver(DESKS[desk], super::world::Outcome::Done),
            }
            let custody = &world.case.custody;
            let holder = custody.holder.as_ref().expect("somebody has the ball");
            assert!(custody.owner.is_some(), "somebody answers for it");
            let now = at(world.tick).max(holder.since);
            let sum: u64 = custody.held_until(now).values().sum();
            let age = (now - world.case.opened).num_milliseconds().unsigned_abs();
            prop_assert_eq!(sum, age);
        }
        // Whoever folds what was recorded comes to the same.
        let mut again = Case::new(CaseId(1), at(0));
        for (tick, fact) in &told {
            again.apply(fact, at(*tick));
        }
        prop_assert_eq!(&again.custody, &world.case.custody);
        prop_assert_eq!(name(HOME), again.custody.opener.unwrap());
    }
}
