//! Whether a draft routes a request of the time, as far as history knows its ticket.

use std::collections::{BTreeMap, BTreeSet};

use throughline_sdk::SystemName;

use crate::agreement::{Agreement, Condition, Pseudonyms, Rules};
use crate::case::{Field, Priority};

/// What history knows of a ticket: fields in the system's own words. What no agreement shared was not read.
pub(super) type Known = BTreeMap<Field, String>;

/// Whether a condition holds for a ticket of which only a part is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Routed {
    /// It holds.
    Yes,
    /// It does not.
    No(String),
    /// Something has to be known for it that was not read: this.
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
    pub(super) fn condition(self, agreement: &Agreement) -> Option<&Condition> {
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

/// Whether the draft's condition holds. What the condition in force is known to have held for, `held`, holds still where
/// the draft asks for no more.
pub(super) fn routed(
    rules: &Rules,
    draft: &Agreement,
    way: Way,
    known: &Known,
    held: Option<&Condition>,
) -> Routed {
    let Some(condition) = way.condition(draft) else {
        return Routed::No("the draft routes no ticket of that system by itself".to_owned());
    };
    let mut unknown = Vec::new();
    let kind = words(&condition.kinds, held.map(|held| &held.kinds), known.get(&Field::Kind));
    let priority = priority(rules, way.source(draft), condition, held, known);
    let fields = condition.fields.iter().map(|(name, allowed)| {
        let before = held.and_then(|held| held.fields.get(name));
        let part = format!("the field {name}");
        (part, words(allowed, before, known.get(&Field::Custom(name.clone()))))
    });
    let parts = [
        ("the type".to_owned(), kind),
        ("the priority".to_owned(), priority),
        ("the title".to_owned(), title(condition, held, known)),
    ];
    for (part, holds) in parts.into_iter().chain(fields) {
        match holds {
            Some(true) => {}
            Some(false) => return Routed::No(format!("{part} is none that the draft routes")),
            None => unknown.push(part),
        }
    }
    if unknown.is_empty() { Routed::Yes } else { Routed::Unknown(unknown.join(", ")) }
}

/// Whether a word is among the allowed ones; `None` where it is not known.
fn words(allowed: &BTreeSet<String>, held: Option<&BTreeSet<String>>, word: Option<&String>) -> Option<bool> {
    let held = held.is_some_and(|held| !held.is_empty() && held.is_subset(allowed));
    if allowed.is_empty() || held {
        return Some(true);
    }
    word.map(|word| allowed.contains(word))
}

fn priority(
    rules: &Rules,
    system: &SystemName,
    condition: &Condition,
    held: Option<&Condition>,
    known: &Known,
) -> Option<bool> {
    let Some(least) = condition.priority_at_least else { return Some(true) };
    if held.and_then(|held| held.priority_at_least).is_some_and(|before| before >= least) {
        return Some(true);
    }
    let native = known.get(&Field::Priority)?;
    let none = Pseudonyms::default();
    let meaning = rules.lift(system, None, &Field::Priority, native, &none).ok().flatten();
    Some(meaning.and_then(|word| Priority::from_word(&word)).is_some_and(|priority| priority >= least))
}

fn title(condition: &Condition, held: Option<&Condition>, known: &Known) -> Option<bool> {
    let wanted = condition.title_contains.to_lowercase();
    let before = held.map(|held| held.title_contains.to_lowercase());
    if before.is_some_and(|before| before.contains(&wanted)) || wanted.is_empty() {
        return Some(true);
    }
    known.get(&Field::Title).map(|title| title.to_lowercase().contains(&wanted))
}

/// Whether every ticket for which `one` holds is one for which `other` holds.
pub(super) fn is_narrower(one: &Condition, other: &Condition) -> bool {
    let within = |one: &BTreeSet<String>, other: &BTreeSet<String>| !one.is_empty() && one.is_subset(other);
    let kinds = other.kinds.is_empty() || within(&one.kinds, &other.kinds);
    let priority = match (one.priority_at_least, other.priority_at_least) {
        (_, None) => true,
        (None, Some(_)) => false,
        (Some(one), Some(other)) => one >= other,
    };
    let fields = other
        .fields
        .iter()
        .all(|(name, allowed)| one.fields.get(name).is_some_and(|words| words.is_subset(allowed)));
    let title = one.title_contains.to_lowercase().contains(&other.title_contains.to_lowercase());
    kinds && priority && fields && title
}
