//! Routing: which tickets an agreement takes over to the other side, and why it leaves one.

use std::collections::BTreeMap;

use throughline_sdk::Ticket;

use super::{HOME, ONE, OTHER, between, name, party, rules, ticket};
use crate::agreement::{Expression, Routed, Rules};
use crate::case::{AgreementName, Level, Priority};

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
fn what_a_ticket_leaves_empty_it_does_not_have_and_why_it_stays_is_said() {
    let mut rules = rules();
    between(&mut rules, ONE).outbound = Some(Expression::compile("ticket.type != 'Request'").unwrap());
    between(&mut rules, OTHER).outbound = Some(Expression::compile("ticket.fields.Route != 'two'").unwrap());
    let (home, whole) = (name(HOME), ticket());
    let routed = |counterpart: &str, ticket: &Ticket| {
        let agreement = &rules.agreements[&AgreementName(format!("with {counterpart}"))];
        rules.routed(agreement, &home, ticket).unwrap()
    };
    assert_eq!((routed(ONE, &whole), routed(OTHER, &whole)), (Routed::Goes, Routed::Goes));
    let unclear = |why: &str| Routed::Unclear(why.to_owned());
    for kind in [None, Some(String::new())] {
        assert_eq!(routed(ONE, &Ticket { kind, ..whole.clone() }), unclear("the ticket has no type"));
    }
    for fields in [BTreeMap::new(), BTreeMap::from([("Route".to_owned(), String::new())])] {
        let without = Ticket { fields, ..whole.clone() };
        assert_eq!(routed(OTHER, &without), unclear("the ticket has no value in the field \"Route\""));
    }

    assert_eq!(rules.unrouted(&home, &whole), "no agreement routes it");
    let without = Ticket { kind: None, ..whole };
    assert_eq!(
        rules.unrouted(&home, &without),
        "no agreement routes it; by the agreement with one it is unclear: the ticket has no type"
    );
}

#[test]
fn only_homes_own_ticket_is_offered_to_one_more_counterpart() {
    let mut rules = rules();
    between(&mut rules, OTHER).outbound = None;
    let offered = |counterpart: &str, system: &str| {
        let agreement = &rules.agreements[&AgreementName(format!("with {counterpart}"))];
        rules.offers(agreement, &name(system), &ticket())
    };
    assert!(offered(ONE, HOME));
    assert!(!offered(OTHER, HOME), "its condition says no");
    assert!(!offered(ONE, ONE), "a counterpart's own ticket is taken in, not offered to it");
    assert!(!offered(ONE, OTHER));
}

#[test]
fn a_party_resolves_where_it_is_configured_to_or_where_such_a_party_usually_does() {
    let mut rules = rules();
    let level = |rules: &Rules, system: &str, home: bool| rules.level(&party(system), home);
    assert_eq!(level(&rules, HOME, true), Level::Helpdesk);
    assert_eq!(level(&rules, ONE, false), Level::Partner);
    rules.responsibility.levels =
        BTreeMap::from([(party(HOME), Level::ApplicationTeam), (party(ONE), Level::Vendor)]);
    assert_eq!(level(&rules, HOME, true), Level::ApplicationTeam);
    assert_eq!((level(&rules, ONE, false), level(&rules, OTHER, false)), (Level::Vendor, Level::Partner));
}
