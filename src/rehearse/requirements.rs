//! What an agreement requires before the counterpart is given a ticket, held against what it would be shown.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use throughline_sdk::Timestamp;

use super::crossing::{Crossing, News};
use super::routing::Known;
use crate::agreement::{Agreement, Expression, Pseudonyms, Rules, Sharing, Subject};
use crate::case::{Case, Field, Priority, Status};

/// Something that a ticket has to have before it is created on the other side.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "BenchRequired")]
pub struct Required {
    /// Its name.
    pub name: String,
    /// The condition as it is written.
    pub condition: String,
    /// Whether it is met.
    pub met: bool,
    /// What is missing otherwise.
    pub message: String,
}

/// What the other side is given of a field.
#[derive(Clone, Debug)]
pub(super) struct Given {
    /// What it is shown.
    pub(super) shown: String,
    /// What the value means in Throughline's words.
    pub(super) means: Option<String>,
}

/// Whether a ticket of the time has what is required.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Need {
    /// It has all of it.
    Met,
    /// It lacks this.
    Lacking(String),
    /// It cannot be told, for this reason.
    Unknown(String),
}

/// The agreement's requirements, one by one, for a ticket of which the other side is given this.
pub(super) fn required(
    rules: &Rules,
    agreement: &Agreement,
    given: &BTreeMap<Field, Given>,
) -> Vec<Required> {
    let shown = |field: &Field| given.get(field).map(|given| given.shown.as_str()).unwrap_or_default();
    let meant = |field: &Field| rules.outward(agreement, field, given.get(field)?.means.as_deref()?).ok();
    let kind = agreement.counterpart_type.as_deref().unwrap_or_else(|| shown(&Field::Kind));
    let custom = given.iter().filter_map(|(field, given)| match field {
        Field::Custom(name) => Some((name.as_str(), given.shown.as_str())),
        Field::Title | Field::Description | Field::Status | Field::Priority | Field::Kind => None,
    });
    let subject = Subject {
        title: shown(&Field::Title),
        description: shown(&Field::Description),
        status: meant(&Field::Status).and_then(Status::from_word),
        priority: meant(&Field::Priority).and_then(Priority::from_word),
        kind: Some(kind).filter(|kind| !kind.is_empty()),
        fields: custom.filter(|(_, value)| !value.is_empty()).collect(),
        system: agreement.counterpart.as_str(),
        party: &agreement.party.0,
    };
    let requirements = agreement.require.iter().map(|requirement| Required {
        name: requirement.name.clone(),
        condition: requirement.condition.text().to_owned(),
        met: requirement.condition.evaluate(&subject) == Ok(true),
        message: requirement.message.clone(),
    });
    requirements.collect()
}

/// Whether the home ticket has what the agreement requires, as far as history knows it. `read` are the fields that were
/// read there at the time.
pub(super) fn need(
    rules: &Rules,
    agreement: &Agreement,
    (case, at): (&Case, Timestamp),
    (known, read): (&Known, &BTreeSet<Field>),
    names: &mut Pseudonyms,
) -> Need {
    if agreement.require.is_empty() {
        return Need::Met;
    }
    let (home, counterpart) = (&agreement.home, &agreement.counterpart);
    let none = Pseudonyms::default();
    let mut given = BTreeMap::new();
    for (field, native) in known {
        let mut crossings = News::Field(home, field, native).crossings(rules, case, at, names);
        if let Some(Crossing::Leaves { shown, .. }) = crossings.remove(counterpart) {
            let means = rules.lift(home, None, field, native, &none).ok().flatten();
            given.insert(field.clone(), Given { shown, means });
        }
    }
    let sharing = Sharing::of(rules, case, at);
    let unread = |field: &Field| !read.contains(field) && sharing.ruling(counterpart, field).passes;
    let mut lacking = Vec::new();
    for (one, requirement) in required(rules, agreement, &given).iter().zip(&agreement.require) {
        if one.met {
            continue;
        }
        if let Some(field) = asked(&requirement.condition).into_iter().find(unread) {
            return Need::Unknown(format!("{} asks for the {field}, which was not read", one.name));
        }
        lacking.push(format!("{} ({})", one.message, one.name));
    }
    if lacking.is_empty() { Need::Met } else { Need::Lacking(lacking.join("; ")) }
}

impl Need {
    pub(super) fn words(&self) -> String {
        match self {
            Self::Met => "it has what is required".to_owned(),
            Self::Lacking(what) => format!("more is required: {what}"),
            Self::Unknown(why) => why.clone(),
        }
    }
}

fn asked(condition: &Expression) -> Vec<Field> {
    let asked = condition.asked();
    let named = [
        (asked.title, Field::Title),
        (asked.description, Field::Description),
        (asked.status, Field::Status),
        (asked.priority, Field::Priority),
        (asked.kind, Field::Kind),
    ];
    let named = named.into_iter().filter_map(|(asks, field)| asks.then_some(field));
    named.chain(asked.fields.iter().cloned().map(Field::Custom)).collect()
}
