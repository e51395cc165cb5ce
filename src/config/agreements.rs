//! Builds the agreements and checks them against parties, systems and words.

use std::collections::{BTreeMap, BTreeSet};

use throughline_sdk::SystemName;

use super::findings::{Findings, Mistake};
use super::privacy::{self, Recognized};
use super::section::{Section, Value};
use super::systems::Systems;
use super::{KindAnswers, Needs, Party, check_reference, conditions, handshake, maps};
use crate::agreement::{Agreement, Direction, FieldRule, Policy, Rules, SystemRules};
use crate::case::{AgreementName, Field, PartyName};

/// What agreements refer to.
#[derive(Debug)]
struct Known<'a> {
    home: Option<&'a PartyName>,
    parties: &'a BTreeMap<PartyName, Party>,
    systems: &'a BTreeMap<SystemName, SystemRules>,
    /// Systems of an unknown kind, so that nothing can be said of their words.
    kindless: &'a BTreeSet<SystemName>,
    /// With what words the kind of a system answers an offer.
    answers: &'a BTreeMap<SystemName, KindAnswers>,
    /// What the kinds of systems need with every ticket.
    needs: &'a BTreeMap<SystemName, &'static [Needs]>,
    /// Systems whose tickets can only be read.
    only_told: &'a BTreeSet<SystemName>,
    /// What is recognized as personal.
    recognized: &'a Recognized,
}

/// The two systems of an agreement.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sides<'a> {
    pub(super) home: (&'a SystemName, &'a SystemRules),
    pub(super) counterpart: (&'a SystemName, &'a SystemRules),
}

/// Builds the agreements of all files.
pub(super) fn build<'s>(
    tables: impl Iterator<Item = &'s Section>,
    home: Option<&PartyName>,
    parties: &BTreeMap<PartyName, Party>,
    systems: &Systems,
    recognized: &Recognized,
    findings: &mut Findings,
) -> BTreeMap<AgreementName, Agreement> {
    let known = Known {
        home,
        parties,
        systems: &systems.rules,
        kindless: &systems.kindless,
        answers: &systems.answers,
        only_told: &systems.only_told,
        needs: &systems.needs,
        recognized,
    };
    let mut agreements = BTreeMap::new();
    let mut names = BTreeSet::new();
    let mut pairs: BTreeMap<(SystemName, SystemName), String> = BTreeMap::new();
    let all: Vec<_> = tables.flat_map(Section::sections).collect();
    for (entry, section) in &all {
        let is_new = names.insert(entry.key.as_str());
        if !is_new {
            let message = format!("there is already an agreement called {:?} in another file", entry.key);
            findings.report(Mistake::new(entry.key_at, &section.path, message));
        }
        let Some(agreement) = agreement(&entry.key, section, &known, findings) else { continue };
        let pair = (agreement.home.clone(), agreement.counterpart.clone());
        if let (Some(other), true) = (pairs.get(&pair), is_new) {
            let message =
                format!("there is already an agreement between {} and {}: {other:?}", pair.0, pair.1);
            let mistake = Mistake::new(entry.key_at, &section.path, message)
                .expected("one agreement for each pair of systems");
            findings.report(mistake);
        }
        pairs.entry(pair).or_insert_with(|| entry.key.clone());
        agreements.insert(agreement.name.clone(), agreement);
    }
    let sections = all.iter().map(|(entry, section)| (entry.key.as_str(), *section));
    handshake::check_routes(sections, &agreements, findings);
    agreements
}

/// Which systems may take over tickets kept by hand, and whose.
pub(super) fn claims<'s>(
    tables: impl Iterator<Item = &'s Section>,
    systems: &Systems,
    agreements: &BTreeMap<AgreementName, Agreement>,
    findings: &mut Findings,
) -> BTreeMap<SystemName, SystemName> {
    let mut claims = BTreeMap::new();
    for (entry, section) in tables.flat_map(Section::sections) {
        let known = systems.rules.keys().map(SystemName::as_str);
        if !check_reference(section, "claims", "system", known, findings) {
            continue;
        }
        let (Some(named), Some(from)) = (section.entry("claims"), section.text("claims")) else { continue };
        let Some(agreement) = agreements.get(&AgreementName(entry.key.clone())) else { continue };
        let from = SystemName::new(from);
        let party = systems.rules.get(&from).map(|rules| &rules.party);
        let offers = agreements.values().find(|other| other.counterpart == from && other.outbound.is_some());
        let fault = if from == agreement.counterpart {
            Some((
                format!("{from} cannot take over its own tickets"),
                "another system of the party".to_owned(),
            ))
        } else if party.is_some_and(|party| *party != agreement.party) {
            let message = format!("the system {from} does not belong to {}", agreement.party);
            Some((message, format!("a system of {}", agreement.party)))
        } else if agreement.inbound.is_some() {
            let message = format!(
                "this agreement takes in tickets of {}: those kept by hand at {from} would be raised at home once more",
                agreement.counterpart
            );
            Some((message, "no route.inbound, until all of them are claimed".to_owned()))
        } else {
            offers.map(|offers| {
                let message = format!(
                    "the agreement {} still offers new tickets to {from}: each would be raised twice",
                    offers.name
                );
                (message, format!("no [agreements.{}.route.outbound]", offers.name))
            })
        };
        match fault {
            Some((message, expected)) => {
                let mistake = Mistake::new(named.at, section.path_of("claims"), message);
                findings.report_if_complete(mistake.expected(expected));
            }
            None => _ = claims.insert(agreement.counterpart.clone(), from),
        }
    }
    claims
}

/// Reports agreements whose counterpart is to be given a link to the console, of which nobody said where it is.
pub(super) fn check_guest_links<'s>(
    tables: impl Iterator<Item = &'s Section>,
    console: Option<&str>,
    findings: &mut Findings,
) {
    for (_, section) in tables.flat_map(Section::sections).filter(|_| console.is_none()) {
        if let (Some(entry), Some(Value::Flag(true))) =
            (section.entry("guest_link"), section.value("guest_link"))
        {
            let message = "nobody said where the console is, so that there is nothing to link to";
            let mistake = Mistake::new(entry.at, section.path_of("guest_link"), message);
            findings.report_if_complete(mistake.expected("public_url in [console]"));
        }
    }
}

/// Warns of systems that nothing names.
pub(super) fn warn_of_idle(table: &Section, rules: &Rules, findings: &mut Findings) {
    for (entry, section) in table.sections() {
        let used = rules.agreements.values().any(|agreement| {
            [agreement.home.as_str(), agreement.counterpart.as_str()].contains(&entry.key.as_str())
        });
        let announces = rules.announces(&SystemName::new(&entry.key));
        if !used && !announces {
            let mistake =
                Mistake::new(entry.key_at, &section.path, "no agreement uses this system").warning();
            findings.report_if_complete(mistake);
        }
    }
}

fn agreement(name: &str, section: &Section, known: &Known<'_>, findings: &mut Findings) -> Option<Agreement> {
    check_reference(section, "party", "party", known.parties.keys().map(|name| name.0.as_str()), findings);
    if let (Some(party), Some(entry), Some(home)) =
        (section.text("party"), section.entry("party"), known.home)
        && party == home.0
    {
        let message = format!("{party:?} is the home organization, which needs no agreement with itself");
        findings.report(Mistake::new(entry.at, section.path_of("party"), message).expected("another party"));
    }
    let home = side(section, "home", known.home.map(|home| home.0.as_str()), known, findings);
    let counterpart = side(section, "counterpart", section.text("party"), known, findings);
    let sides = home.zip(counterpart).map(|(home, counterpart)| Sides { home, counterpart });

    let route = section.section("route");
    let condition = |key: &str, from: Option<(&SystemName, &SystemRules)>, findings: &mut Findings| {
        conditions::condition(route?, key, from, findings)
    };
    let answers = counterpart.and_then(|(name, _)| known.answers.get(name)).unwrap_or(&KindAnswers::NONE);
    let needs = counterpart.and_then(|(name, _)| known.needs.get(name)).copied().unwrap_or_default();
    let fields = fields(section, sides, findings);
    let redaction = privacy::redaction(section, known.recognized, &fields, findings);
    let built = Agreement {
        name: AgreementName(name.to_owned()),
        party: PartyName(section.text("party").unwrap_or_default().to_owned()),
        home: SystemName::new(section.text("home").unwrap_or_default()),
        counterpart: SystemName::new(section.text("counterpart").unwrap_or_default()),
        outbound: condition("outbound", home, findings),
        inbound: condition("inbound", counterpart, findings),
        fields,
        comments: direction(section.text("comments")),
        files: direction(section.text("files")),
        introduces: super::isolation::introduces(section, known.home, known.parties, findings),
        internal: super::isolation::internal(section),
        recheck: !matches!(section.value("recheck"), Some(Value::Flag(false))),
        grants: super::grants::build(section, findings),
        counterpart_type: section.text("counterpart_type").map(str::to_owned),
        home_type: section.text("home_type").map(str::to_owned),
        handshake: handshake::build(section, answers, findings),
        reply_passes: matches!(section.value("reply_passes"), Some(Value::Flag(true))),
        guest_link: matches!(section.value("guest_link"), Some(Value::Flag(true))),
        redaction,
        require: conditions::requirements(section, needs, findings),
        version: None,
    };
    conditions::check_requirements(section, &built, findings);
    let shares = built.comments != Direction::None
        || built.files != Direction::None
        || built.fields.values().any(|rule| rule.direction != Direction::None);
    if !shares {
        let message = "this agreement shares nothing: no field, no comments, no files";
        let mistake = Mistake::new(section.at, &section.path, message).warning();
        findings.report_if_complete(mistake);
    }
    // An agreement with a mistake in its names counts for no pair; it has been reported.
    (section.text("home").is_some() && section.text("counterpart").is_some()).then_some(built)
}

/// One side's system, if its words are known; reports it if there is no such system, or it is another party's.
fn side<'k>(
    section: &Section,
    key: &str,
    owner: Option<&str>,
    known: &Known<'k>,
    findings: &mut Findings,
) -> Option<(&'k SystemName, &'k SystemRules)> {
    if !check_reference(section, key, "system", known.systems.keys().map(SystemName::as_str), findings) {
        return None;
    }
    let entry = section.entry(key)?;
    let (name, system) = known.systems.get_key_value(&SystemName::new(section.text(key)?))?;
    let owner_exists = owner.is_some_and(|owner| known.parties.contains_key(&PartyName(owner.to_owned())));
    if let Some(owner) = owner
        && owner_exists
        && known.parties.contains_key(&system.party)
        && system.party.0 != owner
    {
        let message = format!("the system {name} belongs to {}, not to {owner}", system.party);
        let theirs = known.systems.iter().filter(|(_, system)| system.party.0 == owner);
        let words = theirs.map(|(name, _)| name.as_str());
        let mistake = Mistake::new(entry.at, section.path_of(key), message).words(name.as_str(), words);
        findings.report_if_complete(mistake);
    }
    if known.only_told.contains(name) {
        let message = format!(
            "nothing can be written into the system {name}, so that it cannot be a side of an agreement"
        );
        let expected =
            "a system that takes tickets or comments; cases refer to this one by a table in [references]";
        findings.report_if_complete(Mistake::new(entry.at, section.path_of(key), message).expected(expected));
    }
    (!known.kindless.contains(name)).then_some((name, system))
}

fn fields(
    section: &Section,
    sides: Option<Sides<'_>>,
    findings: &mut Findings,
) -> BTreeMap<Field, FieldRule> {
    let mut fields = BTreeMap::new();
    let Some(table) = section.section("fields") else { return fields };
    for (entry, section) in table.sections() {
        let Ok(field) = entry.key.parse::<Field>() else { continue };
        let policy = policy(section, &field, findings);
        let rule = maps::rule(section, &field, direction(section.text("direction")), policy, findings);
        maps::check(section, &field, &rule, sides, findings);
        fields.insert(field, rule);
    }
    fields
}

pub(super) fn direction(word: Option<&str>) -> Direction {
    match word {
        Some("both") => Direction::Both,
        Some("outbound") => Direction::Outbound,
        Some("inbound") => Direction::Inbound,
        // What is not said, or was wrong and has been reported, is not shared.
        Some(_) | None => Direction::None,
    }
}

fn policy(section: &Section, field: &Field, findings: &mut Findings) -> Policy {
    let word = section.text("policy").unwrap_or_default();
    let policy = match word {
        "owner_home" => Policy::OwnerHome,
        "owner_counterpart" => Policy::OwnerCounterpart,
        "most_advanced" => Policy::MostAdvanced,
        "union" => Policy::Union,
        "manual" => Policy::Manual,
        _ => Policy::Latest,
    };
    let misfit = match (policy, field) {
        (Policy::MostAdvanced, Field::Status | Field::Priority) | (Policy::Union, Field::Custom(_)) => None,
        (Policy::MostAdvanced, _) => Some("most_advanced is for status and priority, which have an order"),
        (Policy::Union, _) => Some("union is for custom fields that are lists of words"),
        (Policy::OwnerHome | Policy::OwnerCounterpart | Policy::Latest | Policy::Manual, _) => None,
    };
    if let (Some(misfit), Some(entry)) = (misfit, section.entry("policy")) {
        let mut fitting = vec!["owner_home", "owner_counterpart", "latest", "manual"];
        match field {
            Field::Status | Field::Priority => fitting.push("most_advanced"),
            Field::Custom(_) => fitting.push("union"),
            Field::Title | Field::Description | Field::Kind => {}
        }
        let expected = format!("one of {}", fitting.join(", "));
        let mistake = Mistake::new(entry.at, section.path_of("policy"), misfit).found(format!("{word:?}"));
        findings.report(mistake.expected(expected));
    }
    policy
}
