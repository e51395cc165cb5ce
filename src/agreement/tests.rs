//! Each rule against its own words: every combination of what an agreement can say of sharing, every part of a route,
//! every word of a map.

use std::collections::{BTreeMap, BTreeSet};

use chrono::DateTime;
use throughline_sdk::{RemoteId, SystemName, Ticket, Timestamp, Visibility};

use super::{
    Agreement, Direction, Expression, FieldRule, Grants, Internal, Kind, Otherwise, Policy, Pseudonyms,
    Release, Rules, Sharing, SystemRules, Words,
};
use crate::case::{AgreementName, Case, CaseId, Fact, Field, Origin, PartyName, Priority, Role, Status};

const HOME: &str = "helpdesk";
const ONE: &str = "one";
const OTHER: &str = "other";
const DIRECTIONS: [Direction; 4] =
    [Direction::Both, Direction::Outbound, Direction::Inbound, Direction::None];
const VISIBILITIES: [Visibility; 3] = [Visibility::Public, Visibility::Internal, Visibility::Unknown];

fn name(text: &str) -> SystemName {
    SystemName::new(text)
}

fn said(system: &str) -> Origin {
    Origin { system: name(system), id: "1".to_owned() }
}

fn party(system: &str) -> PartyName {
    PartyName(format!("party of {system}"))
}

fn agreement(counterpart: &str) -> Agreement {
    let rule = FieldRule::plain(Direction::Both, Policy::Latest);
    Agreement {
        name: AgreementName(format!("with {counterpart}")),
        party: party(counterpart),
        home: name(HOME),
        counterpart: name(counterpart),
        outbound: Some(Expression::always()),
        inbound: Some(Expression::always()),
        fields: BTreeMap::from([(Field::Title, rule)]),
        comments: Direction::None,
        files: Direction::None,
        introduces: BTreeSet::new(),
        internal: Internal::None,
        recheck: true,
        grants: Grants::default(),
        counterpart_type: None,
        home_type: None,
        handshake: None,
        reply_passes: false,
        guest_link: false,
        redaction: None,
        require: Vec::new(),
        version: None,
    }
}

fn rules() -> Rules {
    let mut rules = Rules::default();
    for system in [HOME, ONE, OTHER] {
        let words = SystemRules {
            party: party(system),
            party_title: system.to_owned(),
            status: Words { read: BTreeMap::new(), write: BTreeMap::new() },
            priority: Words { read: BTreeMap::new(), write: BTreeMap::new() },
        };
        rules.systems.insert(name(system), words);
    }
    for counterpart in [ONE, OTHER] {
        let agreement = agreement(counterpart);
        rules.agreements.insert(agreement.name.clone(), agreement);
    }
    rules
}

fn between<'r>(rules: &'r mut Rules, counterpart: &str) -> &'r mut Agreement {
    rules.agreements.get_mut(&AgreementName(format!("with {counterpart}"))).unwrap()
}

/// A case of these legs.
fn case(legs: &[&str]) -> Case {
    let at = DateTime::from_timestamp(0, 0).unwrap();
    let mut case = Case::new(CaseId(1), at);
    for leg in legs {
        let home = *leg == HOME;
        let fact = Fact::Joined {
            leg: name(leg),
            party: party(leg),
            role: if home { Role::Home } else { Role::Counterpart },
            agreement: (!home).then(|| AgreementName(format!("with {leg}"))),
            version: None,
        };
        case.apply(&fact, at);
    }
    case
}

fn leads_out(direction: Direction) -> bool {
    [Direction::Both, Direction::Outbound].contains(&direction)
}

fn leads_in(direction: Direction) -> bool {
    [Direction::Both, Direction::Inbound].contains(&direction)
}

#[test]
fn what_is_said_goes_where_the_agreements_say_and_nowhere_else() {
    let case = case(&[HOME, ONE, OTHER]);
    for (kind, one, other) in [Kind::Comments, Kind::Files]
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

fn ticket() -> Ticket {
    let at = DateTime::from_timestamp(0, 0).unwrap();
    Ticket {
        id: RemoteId::new("1"),
        key: "1".to_owned(),
        version: None,
        url: None,
        title: "Printer on FIRE".to_owned(),
        description: String::new(),
        status: "New".to_owned(),
        priority: Some("High".to_owned()),
        kind: Some("Incident".to_owned()),
        fields: BTreeMap::from([("Route".to_owned(), "one".to_owned())]),
        requester: None,
        comments: Vec::new(),
        files: Vec::new(),
        references: Vec::new(),
        marker: None,
        created: at,
        updated: at,
        lost: Vec::new(),
    }
}

#[test]
fn a_ticket_is_routed_where_every_part_of_the_condition_holds() {
    let holding = "ticket.type in ['Incident', 'Request'] && ticket.priority >= 'high' \
                   && ticket.fields['Route'] in ['one', 'two'] && ticket.title.lower().contains('fire')";
    let condition = |text: &str| Expression::compile(text).unwrap();
    let mut rules = rules();
    let words = [("High", Priority::High), ("Low", Priority::Low)];
    rules.systems.get_mut(&name(HOME)).unwrap().priority.read =
        words.into_iter().map(|(word, meaning)| (word.to_owned(), meaning)).collect();
    rules.agreements.remove(&AgreementName("with other".to_owned()));
    let mut routes = |condition: Option<Expression>, ticket: &Ticket| {
        between(&mut rules, ONE).outbound = condition;
        !rules.routes(&name(HOME), ticket).is_empty()
    };
    let whole = ticket();
    assert!(routes(Some(condition(holding)), &whole) && routes(Some(Expression::always()), &whole));
    assert!(!routes(None, &whole));
    for (part, other) in [
        ("['Incident', 'Request']", "['Request']"),
        ("'high'", "'urgent'"),
        ("['one', 'two']", "['two']"),
        ("fields['Route']", "fields['Other']"),
        ("'fire'", "'water'"),
    ] {
        let misfit = holding.replace(part, other);
        assert!(misfit != holding && !routes(Some(condition(&misfit)), &whole), "{misfit}");
    }
    for lesser in [
        Ticket { kind: None, ..whole.clone() },
        Ticket { priority: None, ..whole.clone() },
        Ticket { priority: Some("Low".to_owned()), ..whole.clone() },
        Ticket { priority: Some("Odd".to_owned()), ..whole.clone() },
        Ticket { fields: BTreeMap::new(), ..whole.clone() },
        Ticket { title: String::new(), ..whole.clone() },
    ] {
        assert!(!routes(Some(condition(holding)), &lesser), "{lesser:?}");
    }
}

#[test]
fn a_ticket_is_routed_from_the_side_that_the_condition_is_for() {
    let routed = |rules: &Rules, system: &str| -> Vec<String> {
        rules.routes(&name(system), &ticket()).into_iter().map(|it| it.counterpart.to_string()).collect()
    };
    let mut rules = rules();
    assert_eq!(routed(&rules, HOME), [ONE, OTHER]);
    assert_eq!(routed(&rules, ONE), [ONE]);
    assert!(routed(&rules, "nobody").is_empty());
    between(&mut rules, ONE).outbound = None;
    assert_eq!((routed(&rules, HOME), routed(&rules, ONE)), (vec![OTHER.to_owned()], vec![ONE.to_owned()]));
    between(&mut rules, ONE).inbound = None;
    assert!(routed(&rules, ONE).is_empty());
    for gone in [HOME, OTHER] {
        let mut lacking = rules.clone();
        lacking.systems.remove(&name(gone));
        assert!(routed(&lacking, OTHER).is_empty() && routed(&lacking, HOME).is_empty(), "{gone}");
    }
    between(&mut rules, OTHER).home = name(OTHER);
    assert!(routed(&rules, OTHER).is_empty(), "a desk has no agreement with itself");
}

#[test]
fn words_are_read_and_written_as_they_are_configured_and_no_other_way() {
    let mut rules = rules();
    let system = rules.systems.get_mut(&name(ONE)).unwrap();
    system.status.read.insert("Fertig".to_owned(), Status::Resolved);
    system.status.write.insert(Status::Resolved, "Fertig".to_owned());
    system.priority.read.insert("Hoch".to_owned(), Priority::High);
    system.priority.write.insert(Priority::High, "Hoch".to_owned());
    let names = Pseudonyms::default();
    let lift = |field: &Field, native: &str| rules.lift(&name(ONE), None, field, native, &names);
    assert_eq!(lift(&Field::Status, "Fertig").unwrap().as_deref(), Some("resolved"));
    assert_eq!(lift(&Field::Priority, "Hoch").unwrap().as_deref(), Some("high"));
    assert_eq!(lift(&Field::Priority, ""), Ok(None));
    assert_eq!(lift(&Field::Kind, ""), Ok(None));
    assert_eq!(lift(&Field::Kind, "Incident ").unwrap().as_deref(), Some("Incident "));
    for field in [Field::Title, Field::Description, Field::Custom("x".to_owned())] {
        assert_eq!(lift(&field, "a \r\nb\n").unwrap().as_deref(), Some("a\nb"));
    }
    for (field, native) in [(Field::Status, "Hoch"), (Field::Status, ""), (Field::Priority, "Fertig")] {
        let told = lift(&field, native).unwrap_err().to_string();
        assert!(told.contains(&format!("no meaning for the {field} {native:?} of one")), "{told}");
    }

    let mut agreement = agreement(ONE);
    let mut rule = agreement.fields[&Field::Title].clone();
    rule.outbound = BTreeMap::from([
        ("urgent".to_owned(), "high".to_owned()),
        ("closed".to_owned(), "resolved".to_owned()),
        ("secret".to_owned(), "public".to_owned()),
    ]);
    rule.otherwise = Some(Otherwise::AsItIs);
    for field in [Field::Title, Field::Status, Field::Priority, Field::Kind] {
        agreement.fields.insert(field, rule.clone());
    }
    let project = |agreement: Option<&Agreement>, field: &Field, value: &str| {
        let release = Release { names: &names, approved: false };
        rules.project(&name(ONE), agreement, field, value, &release).map(super::Redacted::into_intent)
    };
    let with = Some(&agreement);
    assert_eq!(project(with, &Field::Status, "closed").unwrap(), "Fertig");
    assert_eq!(project(with, &Field::Priority, "urgent").unwrap(), "Hoch");
    assert_eq!(project(with, &Field::Title, "secret").unwrap(), "public");
    assert_eq!(project(with, &Field::Kind, "secret").unwrap(), "public");
    assert_eq!(project(with, &Field::Title, "a \n").unwrap(), "a");
    assert_eq!(project(with, &Field::Description, "secret").unwrap(), "secret", "a map is for its own field");
    assert_eq!(project(None, &Field::Title, "secret").unwrap(), "secret");
    for (agreement, field, value) in [
        (None, Field::Status, "closed"),
        (None, Field::Priority, "urgent"),
        (with, Field::Status, "new"),
        (with, Field::Status, "nonsense"),
        (with, Field::Priority, "low"),
    ] {
        let told = project(agreement, &field, value).unwrap_err().to_string();
        assert!(told.contains(&format!("one has no word for the {field}")), "{told}");
    }
}
