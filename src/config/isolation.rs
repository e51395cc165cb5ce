//! What an agreement says of internal things, and of whom its counterpart may know.

use std::collections::{BTreeMap, BTreeSet};

use super::Party;
use super::findings::{Findings, Mistake};
use super::section::{Section, Value};
use crate::agreement::Internal;
use crate::case::PartyName;

/// The parties that the counterpart may know of.
pub(super) fn introduces(
    section: &Section,
    home: Option<&PartyName>,
    parties: &BTreeMap<PartyName, Party>,
    findings: &mut Findings,
) -> BTreeSet<PartyName> {
    let (Some(entry), Some(Value::Texts(names))) = (section.entry("introduces"), section.value("introduces"))
    else {
        return BTreeSet::new();
    };
    let path = || section.path_of("introduces");
    for name in names {
        let party = PartyName(name.clone());
        if !parties.contains_key(&party) {
            let message = format!("no party is called {name:?}");
            let words = parties.keys().map(|party| party.0.as_str());
            findings.report_if_complete(Mistake::new(entry.at, path(), message).words(name, words));
        } else if Some(&party) == home || section.text("party") == Some(name) {
            let message = format!("{name:?} is one of the two sides, which know each other");
            findings.report(Mistake::new(entry.at, path(), message).expected("other counterparts"));
        }
    }
    names.iter().cloned().map(PartyName).collect()
}

/// What becomes of what is internal at home.
pub(super) fn internal(section: &Section) -> Internal {
    match section.text("internal") {
        Some("as_internal") => Internal::AsInternal,
        // What is not said, or was wrong and has been reported, stays.
        Some(_) | None => Internal::None,
    }
}
