//! Sharing: what goes where by the agreements alone, and which rule says so.

use std::collections::BTreeSet;

use throughline_sdk::{Timestamp, Visibility};

use super::{
    DIRECTIONS, HOME, KINDS, ONE, OTHER, VISIBILITIES, agreement, between, case, leads_in, leads_out, name,
    party, rules, said,
};
use crate::agreement::{Direction, Internal, Kind, Policy, Rule, Rules, Sharing};
use crate::case::{AgreementName, Field};

#[test]
fn what_is_said_goes_where_the_agreements_say_and_nowhere_else() {
    let case = case(&[HOME, ONE, OTHER]);
    for (kind, one, other) in KINDS
        .into_iter()
        .flat_map(|kind| DIRECTIONS.map(|one| (kind, one)))
        .flat_map(|(kind, one)| DIRECTIONS.map(|other| (kind, one, other)))
    {
        for (internal, introduced) in [(false, false), (false, true), (true, false), (true, true)] {
            let mut rules = rules();
            for (counterpart, direction) in [(ONE, one), (OTHER, other)] {
                let agreement = between(&mut rules, counterpart);
                match kind {
                    Kind::Comments => agreement.comments = direction,
                    Kind::Files => agreement.files = direction,
                }
            }
            if internal {
                between(&mut rules, ONE).internal = Internal::AsInternal;
            }
            if introduced {
                between(&mut rules, ONE).introduces.insert(party(OTHER));
            }
            let sharing = Sharing::of(&rules, &case, Timestamp::UNIX_EPOCH);
            let untold = if kind == Kind::Comments { Kind::Files } else { Kind::Comments };
            for visibility in VISIBILITIES {
                let public = visibility == Visibility::Public;
                let staff = visibility == Visibility::Internal && internal;
                for (from, to, goes) in [
                    (HOME, ONE, leads_out(one) && (public || staff)),
                    (HOME, OTHER, leads_out(other) && public),
                    (ONE, HOME, leads_in(one) && public),
                    (OTHER, HOME, leads_in(other) && public),
                    (OTHER, ONE, leads_in(other) && leads_out(one) && introduced && public),
                    (ONE, OTHER, false),
                    (ONE, ONE, false),
                    (HOME, HOME, false),
                    ("nobody", HOME, false),
                    ("nobody", ONE, false),
                    (HOME, "nobody", false),
                    (ONE, "nobody", false),
                ] {
                    let words = format!(
                        "{kind:?} {visibility:?} {from} {to} {one:?} {other:?} {internal} {introduced}"
                    );
                    assert_eq!(sharing.carries(kind, visibility, &said(from), &name(to)), goes, "{words}");
                    assert!(!sharing.carries(untold, visibility, &said(from), &name(to)), "{words}");
                }
                let out = leads_out(one) || leads_out(other);
                let gathered = (public && out) || (staff && leads_out(one));
                assert_eq!(sharing.gathers(kind, visibility, &name(HOME)), gathered);
                assert_eq!(sharing.gathers(kind, visibility, &name(ONE)), public && leads_in(one));
                assert!(!sharing.gathers(kind, visibility, &name("nobody")));
            }
        }
    }
}

#[test]
fn a_party_is_not_introduced_to_itself_by_a_second_desk_of_its_own() {
    let mut rules = rules();
    for counterpart in [ONE, OTHER] {
        between(&mut rules, counterpart).comments = Direction::Both;
        between(&mut rules, counterpart).introduces.insert(party(ONE));
    }
    let case = case(&[HOME, ONE, OTHER]);
    let sharing = Sharing::of(&rules, &case, Timestamp::UNIX_EPOCH);
    assert!(!sharing.carries(Kind::Comments, Visibility::Public, &said(ONE), &name(ONE)));
    assert!(sharing.carries(Kind::Comments, Visibility::Public, &said(ONE), &name(OTHER)));
}

#[test]
fn a_field_has_its_sources_and_targets_by_direction() {
    let case = case(&[HOME, ONE, OTHER]);
    for one in DIRECTIONS {
        for other in DIRECTIONS {
            let mut rules = rules();
            for (counterpart, direction) in [(ONE, one), (OTHER, other)] {
                between(&mut rules, counterpart).fields.get_mut(&Field::Title).unwrap().direction = direction;
            }
            let sharing = Sharing::of(&rules, &case, Timestamp::UNIX_EPOCH);
            let source = |system| sharing.is_source(&name(system), &Field::Title);
            let target = |system| sharing.is_target(&name(system), &Field::Title);
            assert_eq!(source(HOME), leads_out(one) || leads_out(other));
            assert_eq!(target(HOME), leads_in(one) || leads_in(other));
            assert_eq!((source(ONE), target(ONE)), (leads_in(one), leads_out(one)));
            assert_eq!((source(OTHER), target(OTHER)), (leads_in(other), leads_out(other)));
            assert!(!source("nobody") && !target("nobody"));
            let comes_in = |system, field: &Field| sharing.leads_in(&name(system), field);
            assert_eq!(comes_in(ONE, &Field::Title), leads_in(one));
            assert_eq!(comes_in(OTHER, &Field::Title), leads_in(other));
            assert!(!comes_in(HOME, &Field::Title), "from home it goes out");
            assert!(!comes_in("nobody", &Field::Title) && !comes_in(ONE, &Field::Description));
            for system in [HOME, ONE, OTHER] {
                assert!(!sharing.is_source(&name(system), &Field::Description));
                assert!(!sharing.is_target(&name(system), &Field::Description));
            }
            let named = |shared: bool| if shared { BTreeSet::from([Field::Title]) } else { BTreeSet::new() };
            assert_eq!(sharing.fields(&name(ONE)), named(one != Direction::None));
            assert_eq!(
                sharing.fields(&name(HOME)),
                named(one != Direction::None || other != Direction::None)
            );
        }
    }
}

#[test]
fn what_a_later_counterpart_may_see_is_gathered_before_it_joins() {
    for direction in DIRECTIONS {
        let mut rules = rules();
        for counterpart in [ONE, OTHER] {
            between(&mut rules, counterpart).fields.get_mut(&Field::Title).unwrap().direction = direction;
        }
        let alone = case(&[HOME]);
        let sharing = Sharing::of(&rules, &alone, Timestamp::UNIX_EPOCH);
        assert_eq!(sharing.is_source(&name(HOME), &Field::Title), leads_out(direction));
        assert!(!sharing.is_target(&name(HOME), &Field::Title));
        // Of those who have joined one says no: what the others would say does not count.
        between(&mut rules, OTHER).fields.get_mut(&Field::Title).unwrap().direction = Direction::Both;
        let joined = case(&[HOME, ONE]);
        let sharing = Sharing::of(&rules, &joined, Timestamp::UNIX_EPOCH);
        assert_eq!(sharing.is_source(&name(HOME), &Field::Title), leads_out(direction));
    }
}

#[test]
fn a_leg_takes_part_under_its_own_agreement_only() {
    let everybody = case(&[HOME, ONE, OTHER]);
    let whole = rules();
    let sharing = Sharing::of(&whole, &everybody, Timestamp::UNIX_EPOCH);
    assert!(sharing.is_home(&name(HOME)) && !sharing.is_home(&name(ONE)));
    assert!([HOME, ONE, OTHER].iter().all(|system| sharing.takes_part(&name(system))));
    assert!(!sharing.takes_part(&name("nobody")));
    assert_eq!(sharing.counterparts().map(|(system, _)| system.as_str()).collect::<Vec<_>>(), [ONE, OTHER]);
    assert_eq!(sharing.agreement(&name(ONE)).unwrap().counterpart, name(ONE));
    assert!(sharing.agreement(&name(HOME)).is_none());
    assert_eq!(sharing.policy(&name(ONE), &Field::Title), Some(Policy::Latest));
    assert_eq!(sharing.policy(&name(ONE), &Field::Status), None);
    let spoilt: [fn(&mut Rules); 4] = [
        |rules| drop(rules.agreements.remove(&AgreementName("with one".to_owned()))),
        |rules| between(rules, ONE).counterpart = name(OTHER),
        |rules| between(rules, ONE).home = name(OTHER),
        |rules| drop(rules.systems.remove(&name(ONE))),
    ];
    for spoil in spoilt {
        let mut rules = rules();
        spoil(&mut rules);
        let sharing = Sharing::of(&rules, &everybody, Timestamp::UNIX_EPOCH);
        assert!(!sharing.takes_part(&name(ONE)));
        assert!(sharing.takes_part(&name(OTHER)));
    }
    // Before home has its leg, the counterpart's word is taken as its agreement has it.
    let first = case(&[ONE]);
    assert!(Sharing::of(&whole, &first, Timestamp::UNIX_EPOCH).takes_part(&name(ONE)));
}

#[test]
fn agreements_of_other_desks_say_nothing_about_this_one() {
    let mut rules = rules();
    for counterpart in [ONE, OTHER] {
        between(&mut rules, counterpart).fields.clear();
    }
    // Another helpdesk's agreement, and one in which a counterpart of ours is at home itself.
    for (home, counterpart) in [("second helpdesk", "third"), (ONE, "fourth")] {
        let mut foreign = agreement(counterpart);
        foreign.home = name(home);
        foreign.comments = Direction::Both;
        rules.agreements.insert(foreign.name.clone(), foreign);
    }
    let case = case(&[HOME, ONE, OTHER]);
    let sharing = Sharing::of(&rules, &case, Timestamp::UNIX_EPOCH);
    for system in [HOME, ONE] {
        assert!(sharing.fields(&name(system)).is_empty(), "{system}");
        assert!(!sharing.gathers(Kind::Comments, Visibility::Public, &name(system)), "{system}");
    }
}

#[test]
fn tickets_name_each_other_between_home_and_a_counterpart_only() {
    let (rules, case) = (rules(), case(&[HOME, ONE, OTHER]));
    let sharing = Sharing::of(&rules, &case, Timestamp::UNIX_EPOCH);
    for (system, other, links) in [
        (HOME, ONE, true),
        (HOME, OTHER, true),
        (ONE, HOME, true),
        (ONE, OTHER, false),
        (OTHER, ONE, false),
        (HOME, "nobody", false),
        ("nobody", ONE, false),
    ] {
        assert_eq!(sharing.links(&name(system), &name(other)), links, "{system} {other}");
    }
}

#[test]
fn either_sides_agreement_has_it_read_again() {
    let case = case(&[HOME, ONE, OTHER]);
    for (one, other) in [(true, true), (true, false), (false, true), (false, false)] {
        let mut rules = rules();
        between(&mut rules, ONE).recheck = one;
        between(&mut rules, OTHER).recheck = other;
        let sharing = Sharing::of(&rules, &case, Timestamp::UNIX_EPOCH);
        assert_eq!(sharing.rechecks(&name(HOME), &name(ONE)), one);
        assert_eq!(sharing.rechecks(&name(OTHER), &name(HOME)), other);
        assert_eq!(sharing.rechecks(&name(ONE), &name(OTHER)), one || other);
    }
}

#[test]
fn who_asks_why_is_told_the_rule_that_decided() {
    let case = case(&[HOME, ONE, OTHER]);
    for direction in DIRECTIONS {
        let mut rules = rules();
        between(&mut rules, ONE).comments = direction;
        between(&mut rules, ONE).internal = Internal::AsInternal;
        between(&mut rules, OTHER).comments = Direction::Both;
        let sharing = Sharing::of(&rules, &case, Timestamp::UNIX_EPOCH);
        let why = |visibility, from: &str, to: &str| {
            let ruling = sharing.passage(Kind::Comments, visibility, &said(from), &name(to));
            (ruling.agreement.map(|agreement| agreement.counterpart.to_string()), ruling.rule)
        };
        let by = |counterpart: &str, rule: Rule<'static>| (Some(counterpart.to_owned()), rule);
        let travels = by(ONE, Rule::Said(Kind::Comments, direction));
        let crosses = by(ONE, Rule::Internal(Internal::AsInternal));
        let stays = Rule::Internal(Internal::None);
        let (public, internal) = (Visibility::Public, Visibility::Internal);
        assert_eq!(why(public, HOME, ONE), travels);
        assert_eq!(why(internal, HOME, ONE), if leads_out(direction) { crosses } else { travels.clone() });
        assert_eq!(why(public, ONE, HOME), travels);
        assert_eq!(why(internal, ONE, HOME), by(ONE, stays), "a counterpart's own staff keeps its own");
        assert_eq!(why(internal, HOME, OTHER), by(OTHER, stays));
        assert_eq!(why(Visibility::Unknown, HOME, ONE), by(ONE, Rule::Unknown));
        assert_eq!(why(Visibility::Unknown, ONE, HOME), by(ONE, Rule::Unknown));
        let apart = if leads_in(direction) { by(OTHER, Rule::NotIntroduced) } else { travels.clone() };
        assert_eq!(why(public, ONE, OTHER), apart);
        let kept = if leads_out(direction) { by(ONE, Rule::NotIntroduced) } else { travels };
        assert_eq!(why(public, OTHER, ONE), kept);
        assert_eq!(why(internal, OTHER, ONE), by(OTHER, stays));
        assert_eq!(why(public, ONE, ONE), by(ONE, Rule::Own));
        assert_eq!(why(public, HOME, HOME), (None, Rule::Own));
        assert_eq!(why(public, HOME, "nobody"), (None, Rule::NoAgreement));
        assert_eq!(why(public, "nobody", ONE), (None, Rule::NoAgreement));
    }
}
