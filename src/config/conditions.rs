//! Conditions in CEL: where a mistake in one stands in the file, and what a ticket must have before it goes.

use std::collections::BTreeMap;

use throughline_sdk::SystemName;

use super::Needs;
use super::findings::{Findings, Mistake};
use super::section::{Entry, Section};
use crate::agreement::{Agreement, Asked, Expression, Requirement, SystemRules};
use crate::case::Field;

/// The condition under `key`; `None` if there is none, or it was wrong and has been reported. `of` is the system whose
/// tickets it is about.
pub(super) fn condition(
    section: &Section,
    key: &str,
    of: Option<(&SystemName, &SystemRules)>,
    findings: &mut Findings,
) -> Option<Expression> {
    let (entry, text) = (section.entry(key)?, section.text(key)?);
    let expression = match Expression::compile(text) {
        Ok(expression) => expression,
        Err(mistake) => {
            let at = findings.within(entry.at, text, &mistake.at);
            let found = Mistake::new(at, section.path_of(key), &mistake.message);
            let found = match &mistake.word {
                Some(word) => found.words(word, mistake.valid.iter().copied()),
                None => found,
            };
            findings.report(found);
            return None;
        }
    };
    if let Some((name, rules)) = of {
        let named = expression.asked();
        let asked = [
            ("status", named.status, rules.status.read.is_empty()),
            ("priority", named.priority, rules.priority.read.is_empty()),
        ];
        for (what, _, _) in asked.into_iter().filter(|(_, asked, wordless)| *asked && *wordless) {
            let message = format!("the system {name} has no {what} words, so this holds for no ticket");
            let mistake = Mistake::new(entry.at, section.path_of(key), message)
                .expected(format!("what its words mean, in [systems.{name}.{what}]"));
            findings.report_if_complete(mistake);
        }
    }
    Some(expression)
}

/// What a ticket must have before the counterpart is given it: what the kind of its system asks for, replaced and
/// added to by what stands in the agreement.
pub(super) fn requirements(section: &Section, needs: &[Needs], findings: &mut Findings) -> Vec<Requirement> {
    let mut all: BTreeMap<String, Requirement> = BTreeMap::new();
    for needed in needs {
        // A test holds every kind to conditions that can be read.
        let Ok(condition) = Expression::compile(needed.condition) else { continue };
        let (name, message) = (needed.name.to_owned(), needed.message.to_owned());
        all.insert(name.clone(), Requirement { name, condition, message });
    }
    let table = section.section("require");
    for (entry, inner) in table.into_iter().flat_map(Section::sections) {
        let Some(condition) = condition(inner, "condition", None, findings) else { continue };
        let message = inner.text("message").unwrap_or_default().to_owned();
        let name = entry.key.clone();
        all.insert(name.clone(), Requirement { name, condition, message });
    }
    all.into_values().collect()
}

/// Reports requirements about what the counterpart is not shown: no ticket would ever meet them.
pub(super) fn check_requirements(section: &Section, agreement: &Agreement, findings: &mut Findings) {
    for requirement in &agreement.require {
        let own = section.section("require").and_then(|table| table.entry(&requirement.name));
        for what in unseen(agreement, requirement.condition.asked()) {
            let (at, path) = match own {
                Some(Entry { key_at, key, .. }) => (*key_at, format!("{}.require.{key}", section.path)),
                None => (section.at, section.path.clone()),
            };
            let message = format!(
                "{:?} requires the {what}, which does not go to {}: no ticket would go",
                requirement.name, agreement.party
            );
            let expected = format!(
                "the {what} among the fields with the direction both or outbound, or a {:?} under require that does \
                 without",
                requirement.name
            );
            findings.report_if_complete(Mistake::new(at, path, message).expected(expected));
        }
    }
}

/// What a condition asks for and the counterpart is not shown.
fn unseen(agreement: &Agreement, named: &Asked) -> Vec<String> {
    let asked = [
        (Field::Title, named.title),
        (Field::Description, named.description),
        (Field::Status, named.status),
        (Field::Priority, named.priority),
        (Field::Kind, named.kind && agreement.counterpart_type.is_none()),
    ];
    let fields = asked.into_iter().filter(|(_, asked)| *asked).map(|(field, _)| field);
    fields
        .chain(named.fields.iter().cloned().map(Field::Custom))
        .filter(|field| !agreement.fields.get(field).is_some_and(|rule| rule.direction.leads_out()))
        .map(
            |field| {
                if let Field::Custom(name) = &field { format!("field {name:?}") } else { field.to_string() }
            },
        )
        .collect()
}
