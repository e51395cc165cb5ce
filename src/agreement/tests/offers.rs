//! Offers: what goes to a counterpart, and what of its own counts, before the request is accepted.

use throughline_sdk::{CommentId, Timestamp};

use super::{HOME, ONE, OTHER, agreement, at, between, case, name, rules, said_as};
use crate::agreement::{AnswerWords, Direction, FieldRule, Handshake, OnLapse, Policy, Rules, Sharing};
use crate::case::{AgreementName, Case, Field, Fingerprint, HeardComment, Offer, OfferState, Role};

const STATES: [OfferState; 5] = [
    OfferState::Offered,
    OfferState::InformationRequested,
    OfferState::Accepted,
    OfferState::Rejected,
    OfferState::Withdrawn,
];

/// Rules in which the first counterpart has to accept, or home what it raises.
fn under_handshake(share_before: bool) -> Rules {
    let mut rules = rules();
    let both = FieldRule::plain(Direction::Both, Policy::Latest);
    let agreement = between(&mut rules, ONE);
    agreement.fields.insert(Field::Status, both);
    agreement.handshake = Some(Handshake {
        direction: Direction::Both,
        respond_within: None,
        on_lapse: OnLapse::Person,
        reminders: 0,
        route_on: Vec::new(),
        share_before,
        tell_home: None,
        words: AnswerWords::default(),
        field: None,
        reason_field: None,
        answers: Vec::new(),
    });
    rules
}

/// A case with an offer to the first counterpart or from it. Whoever got it asked something at the tenth second of the
/// other desk's time, or said something in home's comment 7; what we have to tell of it was not told yet.
fn offered(to: Role, state: OfferState) -> Case {
    let mut case = case(&[HOME, ONE, OTHER]);
    let mut offer = Offer { state, round: 1, answers_after: Some(at(10)), ..Offer::new(to, at(0), None) };
    let heard = HeardComment { id: CommentId::new("7"), written: at(10), print: Fingerprint::of("ACCEPT") };
    offer.heard.comment = Some(heard);
    case.legs.get_mut(&name(ONE)).unwrap().offer = Some(offer);
    case
}

fn is_open(state: OfferState) -> bool {
    [OfferState::Offered, OfferState::InformationRequested].contains(&state)
}

fn is_over(state: OfferState) -> bool {
    [OfferState::Rejected, OfferState::Withdrawn].contains(&state)
}

#[test]
fn who_has_to_accept_is_sent_homes_answers_alone_or_everything_where_they_agreed_to() {
    for (state, share_before) in STATES.into_iter().flat_map(|state| [(state, false), (state, true)]) {
        let (rules, case) = (under_handshake(share_before), offered(Role::Counterpart, state));
        let sharing = Sharing::of(&rules, &case, Timestamp::UNIX_EPOCH);
        for (from, second, answers) in
            [(HOME, 9, false), (HOME, 10, false), (HOME, 11, true), (OTHER, 11, false)]
        {
            let origin = said_as(from, "7");
            let passes = sharing.passes_before(&name(ONE), &origin, at(second));
            let accepted = state == OfferState::Accepted;
            let expected = accepted || (is_open(state) && (share_before || answers));
            let words = format!("{state:?} {share_before} {from} {second}");
            assert_eq!(passes, expected, "{words}");
            assert_eq!(sharing.admits(&name(ONE), &origin, at(second)), !is_over(state), "{words}");
            assert!(
                sharing.passes_before(&name(OTHER), &origin, at(second)),
                "who need not accept has it: {words}"
            );
            assert!(sharing.admits(&name(OTHER), &origin, at(second)), "{words}");
        }
        assert_eq!(sharing.shares_before(&name(ONE)), share_before);
        assert!(!sharing.shares_before(&name(OTHER)) && !sharing.shares_before(&name(HOME)));
    }
}

#[test]
fn until_it_asked_something_nothing_is_an_answer() {
    let (rules, mut case) = (under_handshake(false), offered(Role::Counterpart, OfferState::Offered));
    case.legs.get_mut(&name(ONE)).unwrap().offer.as_mut().unwrap().answers_after = None;
    let sharing = Sharing::of(&rules, &case, Timestamp::UNIX_EPOCH);
    assert!(!sharing.passes_before(&name(ONE), &said_as(HOME, "7"), at(11)));
}

#[test]
fn who_raised_the_request_is_sent_what_home_said_to_it_and_nothing_else() {
    for (state, share_before) in STATES.into_iter().flat_map(|state| [(state, false), (state, true)]) {
        let (rules, case) = (under_handshake(share_before), offered(Role::Home, state));
        let sharing = Sharing::of(&rules, &case, Timestamp::UNIX_EPOCH);
        for (from, id, heard) in [(HOME, "7", true), (HOME, "8", false), (OTHER, "7", false)] {
            let origin = said_as(from, id);
            let words = format!("{state:?} {from} {id}");
            assert_eq!(sharing.passes_before(&name(ONE), &origin, at(11)), heard, "{words}");
            assert_eq!(sharing.admits(&name(ONE), &origin, at(11)), heard || !is_over(state), "{words}");
        }
    }
}

#[test]
fn what_a_counterpart_sets_before_it_accepts_is_no_matter_of_the_request() {
    for (state, share_before) in STATES.into_iter().flat_map(|state| [(state, false), (state, true)]) {
        let rules = under_handshake(share_before);
        for to in [Role::Counterpart, Role::Home] {
            let case = offered(to, state);
            let sharing = Sharing::of(&rules, &case, Timestamp::UNIX_EPOCH);
            let heard = |field: &Field| sharing.is_source(&name(ONE), field);
            let words = format!("{to:?} {state:?} {share_before}");
            let taken_on = to == Role::Home || state == OfferState::Accepted;
            assert_eq!(heard(&Field::Title), taken_on || (is_open(state) && share_before), "{words}");
            assert_eq!(heard(&Field::Status), taken_on, "its status is an answer: {words}");
            assert!(!heard(&Field::Priority), "nor is what it does not share: {words}");
            assert!(sharing.leads_in(&name(ONE), &Field::Status), "the agreement itself says so: {words}");
            assert!(
                sharing.is_source(&name(OTHER), &Field::Title)
                    && sharing.is_source(&name(HOME), &Field::Title)
            );
            assert_eq!(sharing.offer(&name(ONE)).is_none(), to == Role::Counterpart && taken_on, "{words}");
        }
    }
}

#[test]
fn a_handshake_that_was_taken_away_shares_nothing_before() {
    let mut rules = under_handshake(true);
    let plain = agreement(ONE);
    rules.agreements.insert(AgreementName("with one".to_owned()), plain);
    let case = offered(Role::Counterpart, OfferState::Offered);
    let sharing = Sharing::of(&rules, &case, Timestamp::UNIX_EPOCH);
    assert!(!sharing.passes_before(&name(ONE), &said_as(HOME, "7"), at(9)));
}
