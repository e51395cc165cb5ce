//! Grants: sight of one thing of one case, for one party, until one moment, and nothing else.

use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::{Just, Strategy, any, prop_oneof};
use proptest::{prop_assert, prop_assert_eq, proptest};
use throughline_sdk::{Operation, SystemName, Visibility};

use super::world::{HOME, Outcome, PARTNER, VENDOR, World, at, name};
use crate::agreement::{Askable, Direction, Grants, Handshake, Policy, Sharing};
use crate::case::{
    Approval, Case, CaseId, Environment, Fact, Field, GrantId, GrantState, Granted, Item, Origin, Phase,
    Priority,
};
use crate::plan::{Decision, GrantAct, GrantAsk, Unfit, act_on_grant, objection};

const ROLE: &str = "service manager";

fn asset() -> Field {
    Field::Custom("Asset".to_owned())
}

/// A calm case of home, partner and vendor, whose agreements let everything be asked for.
pub(super) fn calm() -> World {
    calm_under(None)
}

/// The same, where a counterpart may have to accept before.
pub(super) fn calm_under(handshake: Option<&Handshake>) -> World {
    let mut world = World::new(&[PARTNER, VENDOR], Policy::Latest, HOME);
    for agreement in world.rules.agreements.values_mut() {
        agreement.files = Direction::Inbound;
        agreement.handshake = handshake.cloned();
        agreement.grants = Grants {
            may_ask: [
                Askable::Field(asset()),
                Askable::InternalComments,
                Askable::Files,
                Askable::Environment,
            ]
            .into(),
            approved_by: Some(ROLE.to_owned()),
            at_once_from: Some(Priority::High),
            longest: Duration::from_secs(1_000),
        };
    }
    world.person(HOME, |ticket, _| {
        ticket.fields.insert("Asset".to_owned(), "A-1".to_owned());
    });
    world.settle();
    world
}

pub(super) fn ask(world: &World, party: &str, what: Granted, seconds: i64) -> GrantAsk {
    let environment = (what == Granted::Environment).then(|| Environment {
        label: "erp-copy".to_owned(),
        reference: "https://copies.example/erp".to_owned(),
    });
    GrantAsk {
        party: party.to_owned(),
        what,
        purpose: "root cause".to_owned(),
        until: at(world.tick + seconds),
        by: "Ada".to_owned(),
        party_asks: true,
        public_if_must: false,
        environment,
    }
}

pub(super) fn act(world: &mut World, act: &GrantAct) -> Result<GrantId, Unfit> {
    let (grant, fact) = act_on_grant(&world.case, &world.rules, act, at(world.tick))?;
    world.tell(fact);
    Ok(grant)
}

pub(super) fn approve(grant: GrantId) -> GrantAct {
    let decision = Decision::Approve { role: ROLE.to_owned(), environment: None };
    GrantAct::Decide { grant, by: "Grace".to_owned(), decision }
}

fn revoke(grant: GrantId) -> GrantAct {
    let decision = Decision::Revoke { reason: "cause found".to_owned() };
    GrantAct::Decide { grant, by: "Grace".to_owned(), decision }
}

/// Asked for, approved, open.
pub(super) fn granted(world: &mut World, party: &str, what: Granted, seconds: i64) -> GrantId {
    let asked = ask(world, party, what, seconds);
    granted_as(world, asked)
}

pub(super) fn granted_as(world: &mut World, asked: GrantAsk) -> GrantId {
    let grant = act(world, &GrantAct::Ask(asked)).unwrap();
    act(world, &approve(grant)).unwrap();
    world.settle();
    assert_eq!(world.case.grants[&grant].state, GrantState::Open);
    grant
}

fn later(world: &mut World, seconds: i64) {
    world.tick += seconds;
    world.settle();
}

fn bodies(world: &World, system: &str) -> Vec<(String, Visibility)> {
    let comments = &world.tickets[&name(system)].comments;
    comments.iter().map(|comment| (comment.body.clone(), comment.visibility)).collect()
}

fn files(world: &World, system: &str) -> Vec<String> {
    world.tickets[&name(system)].files.iter().map(|file| file.name.clone()).collect()
}

/// Where the last thing that somebody did at home stands.
fn last(world: &World, letter: &str) -> Origin {
    Origin { system: name(HOME), id: format!("{letter}{}", world.tick) }
}

fn conflict(result: Result<GrantId, Unfit>) -> String {
    match result {
        Err(Unfit::Conflict(why)) => why,
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_internal_thread_is_shown_to_staff_while_its_grant_is_open_and_then_taken_back() {
    let mut world = calm();
    world.says(HOME, "SECRET one", Visibility::Internal);
    world.settle();
    assert!(bodies(&world, PARTNER).is_empty());
    let grant = granted(&mut world, PARTNER, Granted::InternalComments, 500);
    world.says(HOME, "SECRET two", Visibility::Internal);
    world.settle();
    let shown = ["one", "two"].map(|it| (format!("Ada (HOME):\n\nSECRET {it}"), Visibility::Internal));
    assert_eq!(bodies(&world, PARTNER), shown);
    assert!(bodies(&world, VENDOR).is_empty(), "a grant is for one party");

    later(&mut world, 500);
    assert_eq!(world.case.grants[&grant].state, GrantState::Expired);
    assert!(bodies(&world, PARTNER).is_empty(), "the desk can take it back");
    assert!(world.case.document.remarks.values().all(|remark| remark.body.is_none()), "nothing is kept");
    let writes = world.writes.len();
    world.says(HOME, "SECRET three", Visibility::Internal);
    world.settle();
    assert_eq!(world.writes.len(), writes);

    granted(&mut world, PARTNER, Granted::InternalComments, 500);
    assert_eq!(bodies(&world, PARTNER).len(), 3, "and another grant shows all of it again");
}

#[test]
fn one_internal_comment_is_shown_and_no_other() {
    let mut world = calm();
    world.says(HOME, "SECRET one", Visibility::Internal);
    let one = last(&world, "p");
    world.says(HOME, "SECRET other", Visibility::Internal);
    world.settle();
    granted(&mut world, PARTNER, Granted::Comment(one), 500);
    world.says(HOME, "SECRET third", Visibility::Internal);
    world.settle();
    assert_eq!(bodies(&world, PARTNER), [("Ada (HOME):\n\nSECRET one".to_owned(), Visibility::Internal)]);
    let kept = format!("{:?}{:?}", world.case.document, world.told());
    assert!(!kept.contains("SECRET other") && !kept.contains("SECRET third"), "nor is it recorded");
}

#[test]
fn a_field_follows_home_while_its_grant_is_open_and_what_stays_is_told() {
    let mut world = calm();
    let there = |world: &World, desk: &str| world.tickets[&name(desk)].fields.get("Asset").cloned();
    assert_eq!(there(&world, PARTNER), None);
    let change = |world: &mut World, desk: &str, value: &str| {
        world.person(desk, |ticket, _| {
            ticket.fields.insert("Asset".to_owned(), value.to_owned());
        });
        world.settle();
    };
    let grant = granted(&mut world, PARTNER, Granted::Field(asset()), 500);
    assert_eq!(there(&world, PARTNER).as_deref(), Some("A-1"));
    change(&mut world, HOME, "A-2");
    assert_eq!(there(&world, PARTNER).as_deref(), Some("A-2"));
    change(&mut world, PARTNER, "mine");
    assert_eq!(there(&world, HOME).as_deref(), Some("A-2"), "shown is not to be changed");
    assert_eq!(there(&world, VENDOR), None);

    act(&mut world, &revoke(grant)).unwrap();
    world.settle();
    change(&mut world, HOME, "A-3");
    assert_eq!(there(&world, PARTNER).as_deref(), Some("A-2"), "no later value, and no desk forgets one");
    let stays = |fact: &Fact| matches!(fact, Fact::Withheld { what, .. } if what == "field:Asset");
    assert_eq!(world.told().iter().filter(|(fact, _)| stays(fact)).count(), 1, "which is told, once");
}

#[test]
fn files_are_shown_and_a_person_has_to_take_them_back() {
    let mut world = calm();
    world.attaches(HOME, 5, Visibility::Public);
    world.attaches(HOME, 6, Visibility::Internal);
    let internal = last(&world, "f");
    world.settle();
    assert!(files(&world, PARTNER).is_empty());
    granted(&mut world, PARTNER, Granted::Files, 400);
    assert_eq!(files(&world, PARTNER).len(), 1, "all files are all public ones");
    granted(&mut world, PARTNER, Granted::File(internal), 400);
    let there = &world.tickets[&name(PARTNER)].files;
    assert_eq!(there.iter().filter(|file| file.visibility == Visibility::Internal).count(), 1);
    assert!(files(&world, VENDOR).is_empty());
    later(&mut world, 800);
    let leg = &world.case.legs[&name(PARTNER)];
    let recalls = leg.parked.keys().filter(|item| matches!(item, Item::Recall(_))).count();
    assert_eq!(recalls, 2, "{:?}", leg.parked);
    let writes = world.writes.len();
    world.attaches(HOME, 7, Visibility::Public);
    world.settle();
    assert_eq!(world.writes.len(), writes);
}

#[test]
fn an_environment_is_told_by_its_reference_and_the_notice_is_taken_back() {
    let mut world = calm();
    let mut asked = ask(&world, PARTNER, Granted::Environment, 500);
    asked.environment = None;
    let grant = act(&mut world, &GrantAct::Ask(asked)).unwrap();
    assert!(conflict(act(&mut world, &approve(grant))).contains("which copy"));
    let decision = Decision::Approve {
        role: ROLE.to_owned(),
        environment: Some(Environment { label: "erp-copy".to_owned(), reference: "ask Kim".to_owned() }),
    };
    act(&mut world, &GrantAct::Decide { grant, by: "Grace".to_owned(), decision }).unwrap();
    world.settle();
    let shown = bodies(&world, PARTNER);
    assert!(
        shown[0].0.starts_with("erp-copy: ask Kim\n\nFor: root cause\n\nUntil: 2023-11-14T"),
        "{shown:?}"
    );
    assert_eq!((shown.len(), shown[0].1), (1, Visibility::Internal));
    assert!(bodies(&world, VENDOR).is_empty() && bodies(&world, HOME).is_empty());
    later(&mut world, 500);
    assert!(bodies(&world, PARTNER).is_empty());
}

#[test]
fn a_desk_without_internal_comments_is_shown_nothing_unless_the_grant_says_in_public() {
    for (public_if_must, expected) in [(false, 0), (true, 2)] {
        let mut world = calm();
        world.able.get_mut(&name(PARTNER)).unwrap().internal_comments = false;
        world.says(HOME, "SECRET", Visibility::Internal);
        for what in [Granted::InternalComments, Granted::Environment] {
            let asked = GrantAsk { public_if_must, ..ask(&world, PARTNER, what, 300) };
            granted_as(&mut world, asked);
        }
        let shown = bodies(&world, PARTNER);
        assert_eq!(shown.len(), expected);
        assert!(shown.iter().all(|(_, visibility)| *visibility == Visibility::Public));
        let parked = |world: &World| world.case.legs[&name(PARTNER)].parked.len();
        assert_eq!(parked(&world), 2 - expected, "what cannot be shown so waits for a person");
        later(&mut world, 600);
        assert!(bodies(&world, PARTNER).is_empty());
        assert!(!world.told().iter().any(|(fact, _)| matches!(fact, Fact::Leaked { .. })));
    }
}

#[test]
fn urgency_approves_by_itself_if_it_is_homes_own() {
    let mut world = calm();
    world.says(HOME, "SECRET", Visibility::Internal);
    let asked = ask(&world, PARTNER, Granted::InternalComments, 500);
    let grant = act(&mut world, &GrantAct::Ask(asked)).unwrap();
    world.settle();
    assert_eq!(world.case.grants[&grant].state, GrantState::Asked);
    world.person(PARTNER, |ticket, _| ticket.priority = Some("High".to_owned()));
    world.settle();
    assert_eq!(world.value(&Field::Priority), Some("high"));
    assert_eq!(world.case.grants[&grant].state, GrantState::Asked, "a party does not approve its own asking");
    world.person(HOME, |ticket, _| ticket.priority = Some("Top".to_owned()));
    world.settle();
    assert_eq!(world.case.grants[&grant].approval, Some(Approval::Policy { from: Priority::High }));
    assert_eq!(bodies(&world, PARTNER).len(), 1);

    let unseen = Origin { system: name(HOME), id: "f999".to_owned() };
    let asked = ask(&world, PARTNER, Granted::File(unseen), 500);
    let grant = act(&mut world, &GrantAct::Ask(asked)).unwrap();
    world.settle();
    assert_eq!(world.case.grants[&grant].state, GrantState::Asked, "nobody knows what that file is");
}

#[test]
fn only_what_is_named_is_asked_for_and_only_the_role_approves() {
    let mut world = calm();
    let refused = |world: &mut World, asked: GrantAsk| act(world, &GrantAct::Ask(asked)).unwrap_err();
    let asked = ask(&world, PARTNER, Granted::Field(Field::Kind), 10);
    assert!(matches!(refused(&mut world, asked), Unfit::Forbidden(_)));
    let asked = ask(&world, PARTNER, Granted::Field(asset()), 2_000);
    assert!(matches!(refused(&mut world, asked), Unfit::Forbidden(_)), "too long");
    let asked = ask(&world, "nobody", Granted::Files, 10);
    assert!(matches!(refused(&mut world, asked), Unfit::Unknown(_)));
    let asked = ask(&world, "home", Granted::Files, 10);
    assert!(matches!(refused(&mut world, asked), Unfit::Unknown(_)), "home sees all of it");
    let asked = ask(&world, PARTNER, Granted::Files, 0);
    assert!(matches!(refused(&mut world, asked), Unfit::Conflict(_)));
    let asked = GrantAsk { purpose: " ".to_owned(), ..ask(&world, PARTNER, Granted::Files, 10) };
    assert!(matches!(refused(&mut world, asked), Unfit::Conflict(_)));
    let elsewhere = Origin { system: name(VENDOR), id: "p1".to_owned() };
    let asked = ask(&world, PARTNER, Granted::Comment(elsewhere), 10);
    assert!(
        matches!(refused(&mut world, asked), Unfit::Conflict(_)),
        "another party's is not home's to give"
    );

    let asked = ask(&world, PARTNER, Granted::Files, 100);
    let grant = act(&mut world, &GrantAct::Ask(asked)).unwrap();
    let decision = Decision::Approve { role: "agent".to_owned(), environment: None };
    let by_agent = GrantAct::Decide { grant, by: "Eve".to_owned(), decision };
    assert!(matches!(act(&mut world, &by_agent), Err(Unfit::Forbidden(_))));
    assert!(conflict(act(&mut world, &revoke(grant))).contains("refuse it instead"));
    let refusal = Decision::Refuse { reason: "no need".to_owned() };
    let refuse = GrantAct::Decide { grant, by: "Grace".to_owned(), decision: refusal };
    act(&mut world, &refuse).unwrap();
    assert!(conflict(act(&mut world, &approve(grant))).contains("is refused by now"));

    let asked = ask(&world, PARTNER, Granted::Files, 100);
    let late = act(&mut world, &GrantAct::Ask(asked)).unwrap();
    world.tick += 100;
    assert!(conflict(act(&mut world, &approve(late))).contains("is over"));
    world.settle();
    assert_eq!(world.case.grants[&late].state, GrantState::Expired);
}

#[test]
fn what_an_agreement_names_no_more_is_shown_no_more() {
    let mut world = calm();
    world.says(HOME, "SECRET", Visibility::Internal);
    granted(&mut world, PARTNER, Granted::InternalComments, 500);
    assert_eq!(bodies(&world, PARTNER).len(), 1);
    for agreement in world.rules.agreements.values_mut() {
        agreement.grants.may_ask.clear();
    }
    world.settle();
    assert!(bodies(&world, PARTNER).is_empty());
}

#[derive(Clone, Debug)]
pub(super) enum Step {
    Say { internal: bool },
    Attach { internal: bool },
    Type { value: u8 },
    Ask { leg: usize, what: usize, seconds: i64, public_if_must: bool },
    Approve { at: u32 },
    Refuse { at: u32 },
    Revoke { at: u32 },
    Wait { seconds: i64 },
    Read { desks: u8 },
    Deliver { leg: usize, outcome: Outcome },
}

const LEGS: [&str; 2] = [PARTNER, VENDOR];

pub(super) fn step() -> impl Strategy<Value = Step> {
    let outcome = prop_oneof![
        4 => Just(Outcome::Done),
        1 => Just(Outcome::DoneAnswerLost),
        1 => Just(Outcome::LostOnTheWay),
        1 => Just(Outcome::Dropped),
    ];
    prop_oneof![
        3 => any::<bool>().prop_map(|internal| Step::Say { internal }),
        1 => any::<bool>().prop_map(|internal| Step::Attach { internal }),
        2 => any::<u8>().prop_map(|value| Step::Type { value }),
        3 => (0..2usize, 0..6usize, 1..60i64, any::<bool>())
            .prop_map(|(leg, what, seconds, public_if_must)| Step::Ask { leg, what, seconds, public_if_must }),
        4 => (1..5u32).prop_map(|at| Step::Approve { at }),
        1 => (1..5u32).prop_map(|at| Step::Refuse { at }),
        1 => (1..5u32).prop_map(|at| Step::Revoke { at }),
        1 => (1..30i64).prop_map(|seconds| Step::Wait { seconds }),
        4 => any::<u8>().prop_map(|desks| Step::Read { desks }),
        6 => (0..2usize, outcome).prop_map(|(leg, outcome)| Step::Deliver { leg, outcome }),
    ]
}

/// Does a step as a lane would, which plans before it sends when a grant is over or something was decided.
pub(super) fn take(world: &mut World, step: &Step) {
    let decide = |world: &mut World, at: u32, decision: Decision| {
        let decided = GrantAct::Decide { grant: GrantId(at), by: "Grace".to_owned(), decision };
        if act(world, &decided).is_ok() {
            world.observe(&[]);
        }
    };
    match step {
        Step::Say { internal: true } => {
            let text = format!("SECRET {}", world.tick);
            world.says(HOME, &text, Visibility::Internal);
        }
        Step::Say { internal: false } => world.says(HOME, "said", Visibility::Public),
        Step::Attach { internal } => {
            let visibility = if *internal { Visibility::Internal } else { Visibility::Public };
            world.attaches(HOME, 9, visibility);
        }
        Step::Type { value } => world.person(HOME, |ticket, _| {
            ticket.fields.insert("Asset".to_owned(), format!("SECRET asset {value}"));
        }),
        Step::Ask { leg, what, seconds, public_if_must } => {
            let newest = |letter: &str| Origin { system: name(HOME), id: format!("{letter}{}", world.tick) };
            let what = match what {
                0 => Granted::Field(asset()),
                1 => Granted::InternalComments,
                2 => Granted::Files,
                3 => Granted::Environment,
                4 => Granted::Comment(newest("p")),
                _ => Granted::File(newest("f")),
            };
            let asked =
                GrantAsk { public_if_must: *public_if_must, ..ask(world, LEGS[*leg], what, *seconds) };
            if act(world, &GrantAct::Ask(asked)).is_ok() {
                world.observe(&[]);
            }
        }
        Step::Approve { at } => {
            decide(world, *at, Decision::Approve { role: ROLE.to_owned(), environment: None });
        }
        Step::Refuse { at } => decide(world, *at, Decision::Refuse { reason: "no".to_owned() }),
        Step::Revoke { at } => decide(world, *at, Decision::Revoke { reason: "found".to_owned() }),
        Step::Wait { seconds } => world.tick += seconds,
        Step::Read { desks } => {
            let all = [HOME, PARTNER, VENDOR];
            let read: Vec<&str> = (0..3).filter(|bit| desks >> bit & 1 == 1).map(|bit| all[bit]).collect();
            world.observe(&read);
        }
        Step::Deliver { leg, outcome } => {
            // A delivery takes a second: what is over by then is over.
            if world.case.next_clock().is_some_and(|clock| clock <= at(world.tick + 1)) {
                world.tick += 1;
                world.observe(&[]);
                world.tick -= 1;
            }
            if !is_barred(world, LEGS[*leg]) {
                world.deliver(LEGS[*leg], *outcome);
            }
        }
    }
}

/// Whether a lane would find out first whether the next intent took effect before, as it must not be sent any more.
fn is_barred(world: &World, leg: &str) -> bool {
    let sharing = Sharing::of(&world.rules, &world.case, at(world.tick + 1));
    let leg = (name(leg), &world.case.legs[&name(leg)]);
    let first = leg.1.outstanding.front().filter(|first| first.phase == Phase::Ready);
    first.is_some_and(|first| objection(&world.case, &sharing, &leg.0, leg.1, first).is_some())
}

/// Whether something that is not shared may be written to a leg at this moment, judged by the grants alone.
fn may_write(world: &World, leg: &SystemName, item: &Item, operation: &Operation) -> bool {
    let live = |wanted: &dyn Fn(&Granted) -> bool| {
        let mut grants = world.case.grants.values();
        grants.any(|grant| grant.leg == *leg && grant.is_live(at(world.tick)) && wanted(&grant.what))
    };
    let text = format!("{operation:?}");
    if matches!(operation, Operation::Retract { .. }) {
        return true;
    }
    if let Item::Remark(origin) = item
        && text.contains("SECRET")
    {
        return live(&|what| *what == Granted::InternalComments || *what == Granted::Comment(origin.clone()));
    }
    if let Item::Attachment(origin) = item {
        let internal = world.case.document.attachments[origin].internal;
        return live(&|what| {
            (*what == Granted::Files && !internal) || *what == Granted::File(origin.clone())
        });
    }
    if *item == Item::Field(asset()) {
        return live(&|what| *what == Granted::Field(asset()));
    }
    if matches!(item, Item::Notice(_)) {
        return live(&|what| *what == Granted::Environment);
    }
    !text.contains("SECRET")
}

proptest! {
    #![proptest_config(proptest::test_runner::Config { cases: 300, ..Default::default() })]

    #[test]
    fn nothing_is_sent_but_what_an_open_grant_of_that_party_names(steps in vec(step(), 1..80)) {
        let mut world = calm();
        for step in &steps {
            let before = world.writes.len();
            take(&mut world, step);
            for (leg, intent) in &world.writes[before..] {
                let told = world.told();
                let item = told.iter().find_map(|(fact, _)| {
                    let Fact::Intended { item, intent: told, .. } = fact else { return None };
                    (told.id == intent.id).then_some(item)
                });
                let item = item.unwrap();
                prop_assert!(
                    may_write(&world, leg, item, &intent.operation),
                    "{} to {}: {:?}, {:#?}", item, leg, intent.operation, world.case.grants
                );
            }
        }

        // When all of them are over, nothing internal stands anywhere that a desk can take back, and there is silence.
        later(&mut world, 100);
        for leg in LEGS {
            prop_assert!(bodies(&world, leg).iter().all(|(text, _)| !text.contains("SECRET")
                && !text.contains("erp-copy")), "{:?}", bodies(&world, leg));
        }
        let writes = world.writes.len();
        let told = world.told().len();
        world.says(HOME, "SECRET at last", Visibility::Internal);
        world.settle();
        prop_assert_eq!(world.writes.len(), writes);
        let facts = format!("{:?}", &world.told()[told..]);
        prop_assert!(!facts.contains("SECRET at last"));

        // The record tells all of it.
        let mut again = Case::new(CaseId(1), at(0));
        for (fact, at) in world.told() {
            let line = serde_json::to_string(&fact).unwrap();
            again.apply(&serde_json::from_str::<Fact>(&line).unwrap(), at);
        }
        prop_assert_eq!(again, world.case);
    }

    #[test]
    fn a_grant_changes_nothing_for_anybody_else(steps in vec(step(), 1..60)) {
        let ours = |step: &&Step| matches!(
            step, Step::Say { .. } | Step::Attach { .. } | Step::Type { .. }
        );
        let (mut world, mut plain) = (calm(), calm());
        for step in steps.iter().filter(|step| {
            ours(step) || matches!(step, Step::Ask { leg: 0, .. } | Step::Approve { .. })
        }) {
            take(&mut world, step);
            // The second world goes through the same moments, without grants.
            if ours(&step) {
                take(&mut plain, step);
            }
        }
        world.settle();
        plain.settle();
        let texts = |world: &World| bodies(world, VENDOR).len();
        prop_assert_eq!(texts(&world), texts(&plain));
        prop_assert_eq!(files(&world, VENDOR), files(&plain, VENDOR));
        prop_assert_eq!(&world.tickets[&name(VENDOR)].fields, &plain.tickets[&name(VENDOR)].fields);
        prop_assert!(bodies(&plain, PARTNER).iter().all(|(text, _)| !text.contains("SECRET")));
    }
}
