//! Builds how long cases are kept, and checks the agreements and priorities that it names.

use std::collections::{BTreeMap, BTreeSet};

use super::findings::{Findings, Mistake};
use super::section::{Section, Value};
use crate::agreement::{Agreement, Retention};
use crate::case::{AgreementName, Priority};

/// Builds the rules of the main file.
pub(super) fn build(
    main: &Section,
    agreements: &BTreeMap<AgreementName, Agreement>,
    findings: &mut Findings,
) -> Vec<Retention> {
    let Some(table) = main.section("retention") else { return Vec::new() };
    let rules = table.sections().filter_map(|(entry, section)| {
        let named = listed(section, "agreements");
        let known = || agreements.keys().map(|name| name.0.as_str());
        for name in named.iter().filter(|name| !known().any(|known| known == name.as_str())) {
            let message = format!("no agreement is called {name:?}");
            report(section, "agreements", message, findings, |mistake| mistake.words(name, known()));
        }
        let words = || Priority::ALL.into_iter().map(Priority::word);
        let priorities = listed(section, "priorities");
        for word in priorities.iter().filter(|word| Priority::from_word(word).is_none()) {
            let message = format!("{word:?} is no priority");
            report(section, "priorities", message, findings, |mistake| mistake.words(word, words()));
        }
        Some(Retention {
            name: entry.key.clone(),
            keep: section.span("keep")?,
            agreements: named.into_iter().map(AgreementName).collect(),
            types: listed(section, "types"),
            priorities: priorities.iter().filter_map(|word| Priority::from_word(word)).collect(),
        })
    });
    rules.collect()
}

fn listed(section: &Section, key: &str) -> BTreeSet<String> {
    match section.value(key) {
        Some(Value::Texts(texts)) => texts.iter().cloned().collect(),
        _ => BTreeSet::new(),
    }
}

fn report(
    section: &Section,
    key: &str,
    message: String,
    findings: &mut Findings,
    complete: impl FnOnce(Mistake) -> Mistake,
) {
    let Some(entry) = section.entry(key) else { return };
    findings.report_if_complete(complete(Mistake::new(entry.at, section.path_of(key), message)));
}
