//! Each rule against its own words: every combination of what an agreement can say of sharing, every part of a route,
//! every word of a map.

mod granted;
mod offers;
mod routes;
mod sharing;
mod terms;
mod words;

use std::collections::{BTreeMap, BTreeSet};

use chrono::DateTime;
use throughline_sdk::{RemoteId, SystemName, Ticket, Timestamp, Visibility};

use super::{
    Agreement, Direction, Expression, FieldRule, Grants, Internal, Kind, Policy, Rules, SystemRules, Words,
};
use crate::case::{AgreementName, Case, CaseId, Fact, Field, Origin, PartyName, Role};

const HOME: &str = "helpdesk";
const ONE: &str = "one";
const OTHER: &str = "other";
const DIRECTIONS: [Direction; 4] =
    [Direction::Both, Direction::Outbound, Direction::Inbound, Direction::None];
const KINDS: [Kind; 2] = [Kind::Comments, Kind::Files];
const VISIBILITIES: [Visibility; 3] = [Visibility::Public, Visibility::Internal, Visibility::Unknown];

fn name(text: &str) -> SystemName {
    SystemName::new(text)
}

fn at(second: i64) -> Timestamp {
    DateTime::from_timestamp(second, 0).unwrap()
}

fn said(system: &str) -> Origin {
    said_as(system, "1")
}

fn said_as(system: &str, id: &str) -> Origin {
    Origin { system: name(system), id: id.to_owned() }
}

fn party(system: &str) -> PartyName {
    PartyName(format!("party of {system}"))
}

impl Agreement {
    /// An agreement between these desks that routes every ticket, and shares nothing of it yet.
    pub(crate) fn bare(home: &str, counterpart: &str) -> Self {
        Self {
            name: AgreementName(counterpart.to_owned()),
            party: PartyName(counterpart.to_owned()),
            home: name(home),
            counterpart: name(counterpart),
            outbound: Some(Expression::always()),
            inbound: Some(Expression::always()),
            fields: BTreeMap::new(),
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
}

fn agreement(counterpart: &str) -> Agreement {
    Agreement {
        name: AgreementName(format!("with {counterpart}")),
        party: party(counterpart),
        fields: BTreeMap::from([(Field::Title, FieldRule::plain(Direction::Both, Policy::Latest))]),
        ..Agreement::bare(HOME, counterpart)
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
    let mut case = Case::new(CaseId(1), at(0));
    for leg in legs {
        let home = *leg == HOME;
        let fact = Fact::Joined {
            leg: name(leg),
            party: party(leg),
            role: if home { Role::Home } else { Role::Counterpart },
            agreement: (!home).then(|| AgreementName(format!("with {leg}"))),
            version: None,
        };
        case.apply(&fact, at(0));
    }
    case
}

/// A ticket of home's.
pub(super) fn ticket() -> Ticket {
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
        created: at(0),
        updated: at(0),
        lost: Vec::new(),
    }
}

fn leads_out(direction: Direction) -> bool {
    [Direction::Both, Direction::Outbound].contains(&direction)
}

fn leads_in(direction: Direction) -> bool {
    [Direction::Both, Direction::Inbound].contains(&direction)
}
