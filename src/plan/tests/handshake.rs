//! Offers: what is sent before one is accepted, what answers it, what silence means, and where a refused one goes.

use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::{Just, Strategy, any, prop_oneof};
use proptest::{prop_assert, prop_assert_eq, proptest};
use throughline_sdk::{Operation, Visibility};

use super::world::{HOME, Outcome, PARTNER, VENDOR, World, name};
use crate::agreement::{Answer, AnswerWords, Direction, Expression, Handshake, OnLapse, Policy};
use crate::case::{AgreementName, Fact, Field, Health, Item, OfferState, Status};

const ISV: &str = "isv";

pub(super) fn handshake() -> Handshake {
    Handshake {
        direction: Direction::Both,
        respond_within: Some(Duration::from_secs(100_000)),
        on_lapse: OnLapse::Person,
        reminders: 1,
        route_on: Vec::new(),
        share_before: false,
        tell_home: None,
        words: AnswerWords::default(),
        field: None,
        reason_field: None,
        answers: Vec::new(),
    }
}

/// Desks under handshakes; only the first counterpart is offered anything by itself, the others when they are next.
pub(super) fn world(counterparts: &[&str], opener: &str, handshake: &Handshake) -> World {
    let mut world = World::new(counterparts, Policy::MostAdvanced, opener);
    for (number, counterpart) in counterparts.iter().enumerate() {
        let agreement = world.rules.agreements.get_mut(&AgreementName((*counterpart).to_owned())).unwrap();
        let others = counterparts.iter().filter(|other| *other != counterpart);
        let route_on = others.map(|other| AgreementName((*other).to_owned())).collect();
        agreement.handshake = Some(Handshake { route_on, ..handshake.clone() });
        if number > 0 {
            agreement.outbound = None;
        }
    }
    world
}

pub(super) fn offered() -> World {
    let mut world = world(&[PARTNER], HOME, &handshake());
    world.settle();
    world
}

fn state(world: &World, system: &str) -> Option<OfferState> {
    world.case.legs.get(&name(system))?.offer.as_ref().map(|offer| offer.state)
}

fn bodies(world: &World, system: &str) -> Vec<String> {
    world.tickets[&name(system)].comments.iter().map(|comment| comment.body.clone()).collect()
}

pub(super) fn says(world: &mut World, system: &str, text: &str) {
    world.says(system, text, Visibility::Public);
    world.settle();
}

#[test]
fn before_it_is_accepted_a_counterpart_has_the_ticket_and_nothing_else() {
    let mut world = offered();
    assert_eq!(state(&world, PARTNER), Some(OfferState::Offered));
    says(&mut world, HOME, "for those who work on it");
    world.person(HOME, |ticket, _| {
        ticket.title = "Printer burns brightly".to_owned();
        ticket.status = "Open".to_owned();
    });
    world.attaches(HOME, 10, Visibility::Public);
    world.settle();
    let made = &world.tickets[&name(PARTNER)];
    assert_eq!((made.title.as_str(), made.status.as_str()), ("Printer burns", "New"));
    assert!(made.comments.is_empty() && made.files.is_empty() && made.references.is_empty());
    let waiting = &world.case.legs[&name(PARTNER)].offer.as_ref().unwrap().waiting;
    let waiting: Vec<String> = waiting.iter().map(ToString::to_string).collect();
    assert_eq!(waiting, ["title", "comment:helpdesk#p3", "file:helpdesk#f5", "link:helpdesk"]);

    says(&mut world, PARTNER, "ACCEPT. We are on it.");
    assert_eq!(state(&world, PARTNER), Some(OfferState::Accepted));
    let made = &world.tickets[&name(PARTNER)];
    assert_eq!((made.title.as_str(), made.status.as_str()), ("Printer burns brightly", "Open"));
    assert_eq!((made.files.len(), made.references.len()), (1, 1));
    assert_eq!(bodies(&world, PARTNER).last().unwrap(), "Ada (HOME):\n\nfor those who work on it");
    assert_eq!(world.tickets[&name(HOME)].status, "Open");
    let offer = world.case.legs[&name(PARTNER)].offer.clone().unwrap();
    assert!(offer.waiting.is_empty() && offer.respond_by.is_none());
}

#[test]
fn an_agreement_may_share_before_but_never_the_status() {
    let share = Handshake { share_before: true, ..handshake() };
    let mut world = world(&[PARTNER], HOME, &share);
    world.settle();
    says(&mut world, HOME, "look at this");
    world.person(HOME, |ticket, _| ticket.status = "Open".to_owned());
    world.settle();
    assert_eq!(bodies(&world, PARTNER), ["Ada (HOME):\n\nlook at this"]);
    assert_eq!(world.tickets[&name(PARTNER)].status, "New", "our own word would count as an answer");
}

#[test]
fn a_question_is_answered_before_it_is_accepted_and_nothing_older_goes_with_it() {
    let mut world = offered();
    says(&mut world, HOME, "older, and not asked for");
    says(&mut world, PARTNER, "NEED INFO: which version?");
    let offer = world.case.legs[&name(PARTNER)].offer.clone().unwrap();
    assert_eq!((offer.state, offer.words.as_str()), (OfferState::InformationRequested, "which version?"));
    assert_eq!(offer.respond_by, None, "the clock stands still while home has to answer");
    assert_eq!(bodies(&world, HOME).last().unwrap(), "Ada (PARTNER):\n\nNEED INFO: which version?");
    says(&mut world, HOME, "Version 3.");
    assert_eq!(bodies(&world, PARTNER)[1..], ["Ada (HOME):\n\nVersion 3."]);
    let offer = world.case.legs[&name(PARTNER)].offer.clone().unwrap();
    assert_eq!(offer.state, OfferState::Offered, "the counterpart has to answer again");
    assert!(offer.respond_by.is_some());
    says(&mut world, HOME, "not asked for either");
    assert_eq!(bodies(&world, PARTNER).len(), 2);
    says(&mut world, PARTNER, "ACCEPT");
    assert_eq!(bodies(&world, PARTNER).len(), 5, "everything has arrived");
}

#[test]
fn only_a_public_comment_of_their_own_answers() {
    let mut world = offered();
    world.says(PARTNER, "ACCEPT", Visibility::Internal);
    world.says(PARTNER, "ACCEPT", Visibility::Unknown);
    world.says(HOME, "ACCEPT", Visibility::Public);
    world.settle();
    assert_eq!(state(&world, PARTNER), Some(OfferState::Offered));
}

#[test]
fn a_desk_answers_by_its_status_and_a_refusal_cancels_nothing_at_home() {
    for (word, answer, expected) in [
        ("Waiting", Answer::InformationRequested, OfferState::InformationRequested),
        ("Open", Answer::Accepted, OfferState::Accepted),
        ("Done", Answer::Rejected, OfferState::Rejected),
    ] {
        let words = Handshake { answers: vec![(word.to_owned(), answer)], ..handshake() };
        let mut world = world(&[PARTNER], HOME, &words);
        // Of its own words for a beginning the desk is given the one that it makes tickets with.
        let desk = world.rules.systems.get_mut(&name(PARTNER)).unwrap();
        desk.status.write.insert(Status::New, "New".to_owned());
        world.settle();
        world.person(PARTNER, |ticket, _| word.clone_into(&mut ticket.status));
        world.settle();
        assert_eq!(state(&world, PARTNER), Some(expected), "{word}");
        let home = if answer == Answer::Accepted { "Open" } else { "New" };
        assert_eq!(world.tickets[&name(HOME)].status, home, "{word}");
        assert_eq!(world.tickets[&name(PARTNER)].status, word);
    }
}

#[test]
fn a_desk_answers_by_a_field_and_says_why_in_another() {
    let words = Handshake {
        field: Some("Acceptance".to_owned()),
        reason_field: Some("Why".to_owned()),
        answers: vec![("declined".to_owned(), Answer::Rejected)],
        ..handshake()
    };
    let mut world = world(&[PARTNER], HOME, &words);
    world.settle();
    world.person(PARTNER, |ticket, _| {
        ticket.fields.insert("Acceptance".to_owned(), "declined".to_owned());
        ticket.fields.insert("Why".to_owned(), "not ours".to_owned());
    });
    world.settle();
    let offer = world.case.legs[&name(PARTNER)].offer.clone().unwrap();
    assert_eq!((offer.state, offer.words.as_str()), (OfferState::Rejected, "not ours"));
}

#[test]
fn a_rejected_request_goes_on_to_each_counterpart_once_and_then_to_a_person() {
    let tell = Handshake { tell_home: Some(Visibility::Internal), ..handshake() };
    let mut world = world(&[PARTNER, VENDOR, ISV], HOME, &tell);
    world.settle();
    assert!(!world.tickets.contains_key(&name(VENDOR)));
    for (from, to) in [(PARTNER, VENDOR), (VENDOR, ISV)] {
        says(&mut world, from, "REJECT: not our product");
        assert!(world.tickets.contains_key(&name(to)), "{from} to {to}");
        assert!(!world.case.is_parked());
    }
    says(&mut world, ISV, "REJECT: nor ours");
    let parked = &world.case.legs[&name(ISV)].parked[&Item::Offer];
    assert_eq!(parked.reason, "ISV rejected the offer: nor ours");
    let home = &world.tickets[&name(HOME)];
    let told = home.comments.last().unwrap();
    assert_eq!(
        (told.body.as_str(), told.visibility),
        ("ISV rejected the offer: nor ours", Visibility::Internal)
    );
    for system in [PARTNER, VENDOR, ISV] {
        let text = bodies(&world, system).join("\n");
        assert!(!text.contains("ISV rejected"), "{system}: {text}");
    }
    says(&mut world, HOME, "for nobody who refused");
    assert!(!bodies(&world, PARTNER).join("").contains("for nobody"));

    let again = Fact::Unparked {
        leg: name(ISV),
        item: Item::Offer,
        discarded: false,
        by: String::new(),
        reason: String::new(),
    };
    world.case.apply(&again, super::world::at(world.tick));
    world.settle();
    assert_eq!(state(&world, ISV), Some(OfferState::Offered), "a person has it offered once more");
    assert!(bodies(&world, ISV).last().unwrap().starts_with("OFFERED AGAIN"));
    says(&mut world, ISV, "ACCEPT");
    assert_eq!(state(&world, ISV), Some(OfferState::Accepted));
}

#[test]
fn a_ticket_that_went_away_before_it_was_accepted_is_refused() {
    let mut world = world(&[PARTNER, VENDOR], HOME, &handshake());
    world.settle();
    let gone = Fact::Ailed { leg: name(PARTNER), health: Health::Gone, reason: "deleted".to_owned() };
    world.case.apply(&gone, super::world::at(world.tick));
    world.settle();
    assert_eq!(state(&world, PARTNER), Some(OfferState::Rejected));
    assert_eq!(state(&world, VENDOR), Some(OfferState::Offered));
}

#[test]
fn who_refused_may_still_accept_while_a_person_decides() {
    let mut world = offered();
    says(&mut world, PARTNER, "REJECT: no");
    assert!(world.case.is_parked());
    says(&mut world, PARTNER, "ACCEPT after all");
    assert_eq!(state(&world, PARTNER), Some(OfferState::Accepted));
    assert!(!world.case.is_parked());
}

#[test]
fn silence_is_told_to_a_person_when_the_clock_runs_out() {
    let mut world = offered();
    world.tick += 100_000;
    world.settle();
    let leg = &world.case.legs[&name(PARTNER)];
    assert_eq!(leg.parked[&Item::Offer].reason, "PARTNER has not answered the offer within 100000s");
    let offer = leg.offer.clone().unwrap();
    assert!(offer.lapsed && offer.respond_by.is_none() && offer.is_open());
    says(&mut world, PARTNER, "ACCEPT");
    assert_eq!(state(&world, PARTNER), Some(OfferState::Accepted), "late is not too late");
    assert!(!world.case.is_parked());
}

#[test]
fn a_silent_counterpart_is_reminded_before_a_person_is_asked() {
    let remind = Handshake { on_lapse: OnLapse::Remind, reminders: 2, ..handshake() };
    let mut world = world(&[PARTNER], HOME, &remind);
    world.settle();
    for reminders in 1..=2 {
        world.tick += 100_001;
        world.settle();
        assert_eq!(
            bodies(&world, PARTNER).iter().filter(|body| body.starts_with("REMINDER")).count(),
            reminders
        );
        assert!(!world.case.is_parked());
    }
    world.tick += 100_001;
    world.settle();
    assert!(world.case.is_parked());
    assert_eq!(bodies(&world, PARTNER).len(), 2);
    assert!(bodies(&world, HOME).is_empty(), "our own notices are nobody's comments");
}

#[test]
fn a_request_that_nobody_answers_goes_on_and_is_taken_back_where_it_was() {
    let onward = Handshake { on_lapse: OnLapse::RouteOn, ..handshake() };
    let mut world = world(&[PARTNER, VENDOR], HOME, &onward);
    world.settle();
    world.tick += 100_000;
    world.settle();
    assert_eq!(state(&world, PARTNER), Some(OfferState::Withdrawn));
    assert_eq!(state(&world, VENDOR), Some(OfferState::Offered));
    assert_eq!(world.tickets[&name(PARTNER)].status, "Done", "the closest that its desk has to cancelled");
    says(&mut world, PARTNER, "ACCEPT");
    assert_eq!(state(&world, PARTNER), Some(OfferState::Withdrawn), "it was taken back");
    world.tick += 100_000;
    world.settle();
    assert!(world.case.legs[&name(VENDOR)].parked.contains_key(&Item::Offer), "nobody is left but a person");
}

#[test]
fn what_home_closes_is_taken_back_in_the_way_the_desk_has() {
    for transition in [true, false] {
        let mut world = offered();
        world.able.get_mut(&name(PARTNER)).unwrap().transition = transition;
        world.person(HOME, |ticket, _| ticket.status = "Closed".to_owned());
        world.settle();
        assert_eq!(state(&world, PARTNER), Some(OfferState::Withdrawn));
        let made = &world.tickets[&name(PARTNER)];
        let said: Vec<&str> = made.comments.iter().map(|comment| comment.body.as_str()).collect();
        let expected = if transition { ("Done", vec![]) } else { ("New", vec!["WITHDRAWN"]) };
        assert_eq!((made.status.as_str(), said), expected);
    }
}

#[test]
fn what_home_opens_again_is_offered_again_and_our_own_word_is_no_answer() {
    let words = Handshake { answers: vec![("Done".to_owned(), Answer::Accepted)], ..handshake() };
    let mut world = world(&[PARTNER], HOME, &words);
    world.settle();
    for again in 1..=2 {
        world.person(HOME, |ticket, _| ticket.status = "Closed".to_owned());
        world.settle();
        assert_eq!(world.tickets[&name(PARTNER)].status, "Done");
        world.person(HOME, |ticket, _| ticket.status = "Open".to_owned());
        world.settle();
        let offer = world.case.legs[&name(PARTNER)].offer.clone().unwrap();
        assert_eq!((offer.state, offer.again), (OfferState::Offered, again));
        assert!(offer.respond_by.is_some(), "its clock runs anew");
        let said = bodies(&world, PARTNER);
        assert_eq!(
            said.iter().filter(|body| body.starts_with("OFFERED AGAIN")).count(),
            usize::try_from(again).unwrap()
        );
    }
    says(&mut world, PARTNER, "ACCEPT");
    assert_eq!(state(&world, PARTNER), Some(OfferState::Accepted));
    assert_eq!(world.tickets[&name(PARTNER)].status, "Open", "it is worked on again");
}

#[test]
fn what_is_not_routed_any_more_is_not_created_or_is_taken_back() {
    for created in [false, true] {
        let mut world = world(&[PARTNER], HOME, &handshake());
        let agreement = world.rules.agreements.values_mut().next().unwrap();
        agreement.outbound = Some(Expression::compile("ticket.title.contains('burns')").unwrap());
        world.observe(&[HOME]);
        if created {
            world.settle();
        } else {
            world.deliver(PARTNER, Outcome::Dropped);
        }
        world.person(HOME, |ticket, _| ticket.title = "Printer smells".to_owned());
        world.settle();
        assert_eq!(state(&world, PARTNER), Some(OfferState::Withdrawn));
        assert_eq!(world.tickets.contains_key(&name(PARTNER)), created);
    }
}

#[test]
fn home_accepts_what_a_counterpart_raised_and_says_so_in_its_words() {
    let words = Handshake {
        answers: vec![
            ("Open".to_owned(), Answer::Accepted),
            ("Waiting".to_owned(), Answer::InformationRequested),
            ("Done".to_owned(), Answer::Rejected),
        ],
        ..handshake()
    };
    for (home, partner, expected) in [
        ("Open", "Open", OfferState::Accepted),
        ("Waiting", "Waiting", OfferState::InformationRequested),
        ("Rejected", "Done", OfferState::Rejected),
    ] {
        let mut world = world(&[PARTNER], PARTNER, &words);
        world.settle();
        assert_eq!(state(&world, PARTNER), Some(OfferState::Offered));
        says(&mut world, HOME, "looks odd");
        assert!(bodies(&world, PARTNER).is_empty(), "not before it is accepted");
        world.person(HOME, |ticket, _| home.clone_into(&mut ticket.status));
        world.settle();
        assert_eq!(state(&world, PARTNER), Some(expected), "{home}");
        assert_eq!(world.tickets[&name(PARTNER)].status, partner);
        let arrived = if expected == OfferState::Accepted { 1 } else { 0 };
        assert_eq!(bodies(&world, PARTNER).len(), arrived, "{home}");
    }
}

#[test]
fn home_answers_by_comment_and_the_counterpart_reads_it() {
    let mut world = world(&[PARTNER], PARTNER, &handshake());
    world.settle();
    says(&mut world, HOME, "NEED INFO: which floor?");
    assert_eq!(bodies(&world, PARTNER), ["NEED INFO", "Ada (HOME):\n\nNEED INFO: which floor?"]);
    says(&mut world, PARTNER, "The third.");
    assert_eq!(state(&world, PARTNER), Some(OfferState::Offered));
    says(&mut world, HOME, "REJECT: ask facilities");
    assert_eq!(bodies(&world, PARTNER)[3..], ["REJECT", "Ada (HOME):\n\nREJECT: ask facilities"]);
    assert_eq!(bodies(&world, HOME).len(), 3, "{:?}", bodies(&world, HOME));
}

#[test]
fn an_answer_is_told_also_where_the_status_is_not_shared() {
    let words = Handshake { answers: vec![("Open".to_owned(), Answer::Accepted)], ..handshake() };
    let mut world = world(&[PARTNER], PARTNER, &words);
    world.rules.agreements.values_mut().next().unwrap().fields.remove(&Field::Status);
    world.settle();
    says(&mut world, HOME, "ACCEPT");
    assert_eq!(world.tickets[&name(PARTNER)].status, "Open");
    assert_eq!(bodies(&world, PARTNER), ["Ada (HOME):\n\nACCEPT"]);
    assert!(!world.case.has_work());
}

#[derive(Clone, Debug)]
pub(super) enum Step {
    Say { desk: usize, text: usize, visibility: Visibility },
    Type { desk: usize, status: usize },
    Rename,
    Wait(i64),
    Read(u8),
    Deliver { desk: usize, outcome: Outcome },
    Retry { desk: usize },
}

pub(super) const DESKS: [&str; 4] = [HOME, PARTNER, VENDOR, ISV];
const TEXTS: [&str; 5] = ["SECRET", "ACCEPT", "REJECT: no", "NEED INFO: what?", "hello"];
const STATUSES: [&str; 5] = ["New", "Open", "Waiting", "Done", "Closed"];

pub(super) fn step() -> impl Strategy<Value = Step> {
    let visibility = prop_oneof![3 => Just(Visibility::Public), 1 => Just(Visibility::Internal)];
    let outcome = prop_oneof![
        3 => Just(Outcome::Done),
        1 => Just(Outcome::DoneAnswerLost),
        1 => Just(Outcome::LostOnTheWay),
        1 => Just(Outcome::Dropped),
    ];
    let desk = 0..DESKS.len();
    prop_oneof![
        4 => (desk.clone(), 0..TEXTS.len(), visibility)
            .prop_map(|(desk, text, visibility)| Step::Say { desk, text, visibility }),
        2 => (desk.clone(), 0..STATUSES.len()).prop_map(|(desk, status)| Step::Type { desk, status }),
        1 => Just(Step::Rename),
        1 => (0..150_000i64).prop_map(Step::Wait),
        5 => any::<u8>().prop_map(Step::Read),
        5 => (desk.clone(), outcome).prop_map(|(desk, outcome)| Step::Deliver { desk, outcome }),
        1 => desk.prop_map(|desk| Step::Retry { desk }),
    ]
}

pub(super) fn take(world: &mut World, step: &Step, opener: &'static str) {
    match step {
        Step::Say { desk, text, visibility } => {
            // What begins with SECRET is said at home, to whoever works on the request.
            let text = if *desk == 0 { format!("SECRET {}", TEXTS[*text]) } else { TEXTS[*text].to_owned() };
            world.says(DESKS[*desk], &text, *visibility);
        }
        Step::Type { desk, status } => {
            world.person(DESKS[*desk], |ticket, _| STATUSES[*status].clone_into(&mut ticket.status));
        }
        Step::Rename => world.person(HOME, |ticket, tick| ticket.title = format!("SECRET {tick}")),
        Step::Wait(seconds) => world.tick += seconds,
        Step::Read(mask) => {
            let opened = !world.case.legs.is_empty();
            let mut read: Vec<&str> = DESKS
                .into_iter()
                .enumerate()
                .filter(|(bit, _)| mask >> bit & 1 == 1)
                .map(|(_, desk)| desk)
                .collect();
            if !opened {
                read = vec![opener];
            }
            let plan = world.observe(&read);
            if plan.unstored.is_empty() {
                let again = world.plan(&read, &std::collections::BTreeSet::new());
                assert!(again.facts.is_empty(), "the same reading twice: {again:#?}");
            }
        }
        Step::Deliver { desk, outcome } => world.deliver(DESKS[*desk], *outcome),
        Step::Retry { desk } => {
            let leg = name(DESKS[*desk]);
            if world.case.legs.get(&leg).is_some_and(|leg| leg.parked.contains_key(&Item::Offer)) {
                let fact = Fact::Unparked {
                    leg,
                    item: Item::Offer,
                    discarded: false,
                    by: String::new(),
                    reason: String::new(),
                };
                world.case.apply(&fact, super::world::at(world.tick));
            }
        }
    }
}

/// A plan that settles a counterpart's status leaves no link at home that says otherwise.
#[test]
fn a_link_says_what_the_same_plan_settled() {
    let mut world = world(&DESKS[1..], PARTNER, &handshake());
    let (home, partner) = (0, 1);
    let done = |desk| Step::Deliver { desk, outcome: Outcome::Done };
    let steps = [
        Step::Type { desk: home, status: 0 },
        Step::Type { desk: partner, status: 1 },
        Step::Read(0),
        done(home),
        Step::Read(137),
        done(home),
        Step::Read(91),
        done(partner),
        Step::Read(0),
    ];
    for step in &steps {
        take(&mut world, step, PARTNER);
    }
}

proptest! {
    #![proptest_config(proptest::test_runner::Config { cases: 200, ..Default::default() })]

    #[test]
    fn nothing_but_the_ticket_and_answers_reaches_who_has_not_accepted(
        steps in vec(step(), 0..60),
        from_home in any::<bool>(),
        lapse in prop_oneof![Just(OnLapse::Person), Just(OnLapse::Remind), Just(OnLapse::RouteOn)],
    ) {
        let rules = Handshake { on_lapse: lapse, ..handshake() };
        let opener = if from_home { HOME } else { PARTNER };
        let mut world = world(&DESKS[1..], opener, &rules);
        let mut asked = std::collections::BTreeSet::new();
        let mut accepted = asked.clone();
        let mut written = 0;
        for step in &steps {
            let planned = world.writes.len();
            take(&mut world, step, opener);
            for (system, leg) in &world.case.legs {
                let state = leg.offer.as_ref().map(|offer| offer.state);
                if state == Some(OfferState::InformationRequested) {
                    asked.insert(system.clone());
                }
                if state == Some(OfferState::Accepted) {
                    accepted.insert(system.clone());
                }
            }
            for (system, intent) in &world.writes[planned..] {
                written += 1;
                let text = format!("{intent:?}");
                let create = matches!(intent.operation, Operation::Create(_));
                let knows = accepted.contains(system) || asked.contains(system) || *system == name(HOME);
                prop_assert!(create || knows || !text.contains("SECRET"), "{} {}", system, text);
            }
        }
        prop_assert_eq!(written, world.writes.len());
        world.settle();
        let writes = world.writes.len();
        world.settle();
        prop_assert_eq!(world.writes.len(), writes, "silence");
        let creates = world.writes.iter().filter(|(_, intent)| matches!(intent.operation, Operation::Create(_)));
        prop_assert_eq!(creates.count(), world.tickets.len() - 1, "each counterpart is asked once");
        for leg in world.case.legs.values() {
            let Some(offer) = &leg.offer else { continue };
            let clock = offer.respond_by.is_some();
            prop_assert!(!clock || (offer.state == OfferState::Offered && !offer.lapsed), "{:?}", offer);
            let silent = offer.lapsed && offer.is_open();
            let refused = offer.state == OfferState::Rejected && !offer.passed_on;
            let over = world.tickets.get(&name(HOME)).is_some_and(|home| home.status == "Closed");
            prop_assert!(!(silent || refused) || over || leg.parked.contains_key(&Item::Offer), "{:?}", offer);
        }
        // A refusal is an answer to us, and no status of the request.
        let none = !world.case.legs.values().any(|leg| leg.offer.as_ref().is_some_and(|it| it.state == OfferState::Accepted));
        let status = &world.case.document.fields[&Field::Status];
        prop_assert!(!none || !from_home || status.from == name(HOME), "{:?}", status);
        prop_assert!(Status::from_word(&status.value).is_some());
    }
}
