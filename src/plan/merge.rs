//! Conflicts: who wins when a leg changed a field that moved on since the leg last agreed.

use std::collections::BTreeSet;

use throughline_sdk::{SystemName, Timestamp};

use crate::agreement::Policy;
use crate::case::{Field, FieldValue, Priority, Status};

/// What a leg wants a field to be, in Throughline's words.
#[derive(Debug)]
pub(super) struct Claim<'a> {
    pub(super) leg: &'a SystemName,
    pub(super) home: bool,
    pub(super) value: &'a str,
    pub(super) at: Timestamp,
}

/// Who wins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The leg's value.
    Claim,
    /// The document's value.
    Document,
    /// All words of both.
    Union(String),
    /// A person decides.
    Ask,
}

/// Judges a claim against the document's value. `document_home`: that value came from home.
pub(super) fn verdict(
    policy: Policy,
    field: &Field,
    claim: &Claim<'_>,
    document: &FieldValue,
    document_home: bool,
) -> Verdict {
    match policy {
        Policy::OwnerHome if claim.home => Verdict::Claim,
        Policy::OwnerHome => Verdict::Document,
        Policy::OwnerCounterpart if claim.home => Verdict::Document,
        Policy::OwnerCounterpart => Verdict::Claim,
        Policy::Latest => latest(claim, document, document_home),
        Policy::MostAdvanced => match (progress(field, claim.value), progress(field, &document.value)) {
            (Some(claimed), Some(current)) if claimed > current => Verdict::Claim,
            (Some(_), Some(_)) => Verdict::Document,
            (None, _) | (_, None) => latest(claim, document, document_home),
        },
        Policy::Union => {
            let words: BTreeSet<&str> = words(claim.value).chain(words(&document.value)).collect();
            Verdict::Union(words.into_iter().collect::<Vec<_>>().join(", "))
        }
        Policy::Manual => Verdict::Ask,
    }
}

fn latest(claim: &Claim<'_>, document: &FieldValue, document_home: bool) -> Verdict {
    let later = claim.at > document.at || (claim.at == document.at && claim.home && !document_home);
    if later { Verdict::Claim } else { Verdict::Document }
}

fn progress(field: &Field, value: &str) -> Option<usize> {
    match field {
        Field::Status => {
            let status = Status::from_word(value)?;
            Status::ALL.iter().position(|other| *other == status)
        }
        Field::Priority => {
            let priority = Priority::from_word(value)?;
            Priority::ALL.iter().position(|other| *other == priority)
        }
        Field::Title | Field::Description | Field::Kind | Field::Custom(_) => None,
    }
}

fn words(list: &str) -> impl Iterator<Item = &str> {
    list.split(',').map(str::trim).filter(|word| !word.is_empty())
}
