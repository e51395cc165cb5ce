//! Whether a draft routes a request of the time, as far as history knows its ticket.

use std::collections::BTreeMap;

use throughline_sdk::SystemName;

use crate::agreement::{Agreement, Expression, Pseudonyms, Rules, Subject};
use crate::case::{Field, Priority, Status};

/// What history knows of a ticket: fields in the system's own words. What no agreement shared was not read.
pub(super) type Known = BTreeMap<Field, String>;

/// Whether a condition holds for a ticket of which only a part is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Held {
    /// It holds.
    Yes,
    /// It does not.
    No(String),
    /// It cannot be told, for this reason.
    Unknown(String),
}

/// Which way a request goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// From home to the counterpart.
    Outbound,
    /// From the counterpart to home.
    Inbound,
}

impl Way {
    /// The agreement's condition for this way.
    pub(super) fn condition(self, agreement: &Agreement) -> Option<&Expression> {
        match self {
            Self::Outbound => agreement.outbound.as_ref(),
            Self::Inbound => agreement.inbound.as_ref(),
        }
    }

    /// The system whose tickets it routes.
    pub(super) fn source(self, agreement: &Agreement) -> &SystemName {
        match self {
            Self::Outbound => &agreement.home,
            Self::Inbound => &agreement.counterpart,
        }
    }
}

/// Whether the draft's condition holds for what is known of a ticket. What was never read is not there, and a condition
/// that asks for it cannot be told.
pub(super) fn held(rules: &Rules, draft: &Agreement, way: Way, known: &Known) -> Held {
    let Some(condition) = way.condition(draft) else {
        return Held::No("the draft routes no ticket of that system by itself".to_owned());
    };
    let system = way.source(draft);
    let asked = condition.asked();
    let unread = [(asked.title, Field::Title), (asked.description, Field::Description)];
    let mut unread = unread.into_iter().filter(|(asks, field)| *asks && !known.contains_key(field));
    if let Some((_, field)) = unread.next() {
        return Held::Unknown(format!("it asks for the {field}, which was not read"));
    }
    let none = Pseudonyms::default();
    let meaning = |field: &Field| {
        let native = known.get(field)?;
        rules.lift(system, None, field, native, &none).ok().flatten()
    };
    let text = |field: &Field| known.get(field).map(String::as_str).unwrap_or_default();
    let fields = known.iter().filter_map(|(field, value)| match field {
        Field::Custom(name) if !value.is_empty() => Some((name.as_str(), value.as_str())),
        Field::Custom(_)
        | Field::Title
        | Field::Description
        | Field::Status
        | Field::Priority
        | Field::Kind => None,
    });
    let subject = Subject {
        title: text(&Field::Title),
        description: text(&Field::Description),
        status: meaning(&Field::Status).and_then(|word| Status::from_word(&word)),
        priority: meaning(&Field::Priority).and_then(|word| Priority::from_word(&word)),
        kind: known.get(&Field::Kind).map(String::as_str).filter(|kind| !kind.is_empty()),
        fields: fields.collect(),
        system: system.as_str(),
        party: rules.systems.get(system).map(|rules| rules.party.0.as_str()).unwrap_or_default(),
    };
    match condition.evaluate(&subject) {
        Ok(true) => Held::Yes,
        Ok(false) => Held::No(format!("the draft routes a ticket if {}", condition.in_words())),
        Err(unevaluated) => Held::Unknown(format!("{unevaluated}, or it was not read")),
    }
}

/// Whether two conditions are the same, however they are written.
pub(super) fn is_same(one: Option<&Expression>, other: Option<&Expression>) -> bool {
    one.map(Expression::normal) == other.map(Expression::normal)
}
