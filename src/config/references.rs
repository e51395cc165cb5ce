//! Builds what cases refer to, and checks it against systems and agreements.

use std::collections::BTreeMap;

use throughline_sdk::SystemName;

use super::check_reference;
use super::findings::{Findings, Mistake};
use super::section::Section;
use super::systems::Systems;
use crate::agreement::{Agreement, ReferenceRule};
use crate::case::{AgreementName, Field, PartyName};

/// What references refer to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Known<'a> {
    /// The home organization.
    pub home: Option<&'a PartyName>,
    /// The systems.
    pub systems: &'a Systems,
    /// The agreements.
    pub agreements: &'a BTreeMap<AgreementName, Agreement>,
}

/// Builds the references of the main file.
pub(super) fn build(
    main: &Section,
    known: Known<'_>,
    findings: &mut Findings,
) -> BTreeMap<String, ReferenceRule> {
    let Some(table) = main.section("references") else { return BTreeMap::new() };
    let rules = table.sections().filter_map(|(entry, section)| {
        let rule = rule(section, known, findings)?;
        Some((entry.key.clone(), rule))
    });
    rules.collect()
}

fn rule(section: &Section, known: Known<'_>, findings: &mut Findings) -> Option<ReferenceRule> {
    let names = || known.systems.rules.keys().map(SystemName::as_str);
    let announces = check_reference(section, "system", "system", names(), findings);
    let receives = check_reference(section, "home", "system", names(), findings);
    let field = field(section, findings);
    let mut products = BTreeMap::new();
    if let (Some(entry), Some(table)) = (section.entry("products"), section.section("products")) {
        products.extend(table.texts().map(|(entry, name)| (entry.key.clone(), name.to_owned())));
        if table.entries.is_empty() {
            let message = "this names no product, so that no case ever refers to anything";
            let mistake = Mistake::new(entry.at, section.path_of("products"), message);
            findings.report(mistake.expected("the home desk's words with what the other system calls them"));
        }
        for (entry, _) in
            table.texts().filter(|(entry, name)| entry.key.trim().is_empty() || name.trim().is_empty())
        {
            let message = "a product without a name is found nowhere";
            findings.report(Mistake::new(entry.at, table.path_of(&entry.key), message));
        }
    }
    if !(announces && receives) {
        return None;
    }
    let (system, desk) = (SystemName::new(section.text("system")?), SystemName::new(section.text("home")?));
    check_sides(section, &system, &desk, known, findings);
    Some(ReferenceRule { system, home: desk, field: field?, products })
}

fn field(section: &Section, findings: &mut Findings) -> Option<Field> {
    let (entry, text) = (section.entry("field")?, section.text("field")?);
    let refusal = match text.parse::<Field>() {
        Ok(field @ (Field::Kind | Field::Custom(_))) => return Some(field),
        Ok(other) => format!("the {other} of a ticket names no product"),
        Err(refusal) => refusal,
    };
    let mistake = Mistake::new(entry.at, section.path_of("field"), refusal);
    findings.report(mistake.expected("type, or field:NAME for a custom field"));
    None
}

/// Whether the home desk is one, and the other system nobody's side.
fn check_sides(
    section: &Section,
    system: &SystemName,
    desk: &SystemName,
    known: Known<'_>,
    findings: &mut Findings,
) {
    let party = known.systems.rules.get(desk).map(|rules| &rules.party);
    if let (Some(entry), Some(home), Some(party)) = (section.entry("home"), known.home, party)
        && home != party
    {
        let message =
            format!("the system {desk} belongs to {party}, and only the home organization has cases");
        let own = known.systems.rules.iter().filter(|(_, rules)| rules.party == *home);
        let words = own.map(|(name, _)| name.as_str());
        let mistake = Mistake::new(entry.at, section.path_of("home"), message).words(desk.as_str(), words);
        findings.report_if_complete(mistake);
    }
    let side = known
        .agreements
        .values()
        .find(|agreement| agreement.home == *system || agreement.counterpart == *system);
    if let (Some(entry), Some(agreement)) = (section.entry("system"), side) {
        let message = format!(
            "the system {system} is a side of the agreement {}: its tickets are cases, and nothing to refer to",
            agreement.name
        );
        let mistake = Mistake::new(entry.at, section.path_of("system"), message);
        findings.report(mistake.expected("a system that no agreement names"));
    }
}
