//! Builds the agreements and checks them against parties, systems and words.

use std::collections::{BTreeMap, BTreeSet};

use throughline_sdk::SystemName;

use super::findings::{Findings, Mistake};
use super::privacy::{self, Recognized};
use super::section::{Section, Value};
use super::systems::Systems;
use super::{KindAnswers, Party, check_reference, handshake};
use crate::agreement::{Agreement, Condition, Direction, FieldRule, Policy, Rules, SystemRules, Words};
use crate::case::{AgreementName, Field, PartyName, Priority, Status};

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
    /// Systems whose tickets can only be read.
    only_told: &'a BTreeSet<SystemName>,
    /// What is recognized as personal.
    recognized: &'a Recognized,
}

/// The two systems of an agreement.
#[derive(Clone, Copy, Debug)]
struct Sides<'a> {
    home: (&'a SystemName, &'a SystemRules),
    counterpart: (&'a SystemName, &'a SystemRules),
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
        Some(condition(route?.section(key)?, from, findings))
    };
    let kind = section.text("counterpart").map(SystemName::new);
    let answers = kind.and_then(|system| known.answers.get(&system)).unwrap_or(&KindAnswers::NONE);
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
        redaction,
    };
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

pub(super) fn condition(
    section: &Section,
    from: Option<(&SystemName, &SystemRules)>,
    findings: &mut Findings,
) -> Condition {
    let texts = |key: &str, section: &Section, findings: &mut Findings| -> BTreeSet<String> {
        let (Some(entry), Some(Value::Texts(texts))) = (section.entry(key), section.value(key)) else {
            return BTreeSet::new();
        };
        if texts.is_empty() {
            let message = "an empty list holds for no ticket";
            let mistake = Mistake::new(entry.at, section.path_of(key), message)
                .expected("at least one text, or no such key for any value");
            findings.report(mistake);
        }
        texts.iter().cloned().collect()
    };
    let priority_at_least = section.text("priority_at_least").and_then(Priority::from_word);
    if let (Some(_), Some((name, rules)), Some(entry)) =
        (priority_at_least, from, section.entry("priority_at_least"))
        && rules.priority.read.is_empty()
    {
        let message = format!("the system {name} has no priority words, so this never holds");
        let mistake = Mistake::new(entry.at, section.path_of("priority_at_least"), message)
            .expected(format!("what its words mean, in [systems.{name}.priority]"));
        findings.report_if_complete(mistake);
    }
    let mut fields = BTreeMap::new();
    if let Some(table) = section.section("fields") {
        for entry in &table.entries {
            fields.insert(entry.key.clone(), texts(&entry.key, table, findings));
        }
    }
    Condition {
        kinds: texts("type", section, findings),
        priority_at_least,
        fields,
        title_contains: section.text("title_contains").unwrap_or_default().to_owned(),
    }
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
        let rule = FieldRule {
            direction: direction(section.text("direction")),
            policy: policy(section, &field, findings),
            outbound: outbound(section, &field, findings),
        };
        match (&field, sides) {
            (Field::Status, Some(sides)) => {
                let all = Status::ALL.map(|status| (status, status.word()));
                words_fit(section, &rule, sides, |rules| &rules.status, &all, findings);
            }
            (Field::Priority, Some(sides)) => {
                let all = Priority::ALL.map(|priority| (priority, priority.word()));
                words_fit(section, &rule, sides, |rules| &rules.priority, &all, findings);
            }
            (Field::Title | Field::Description | Field::Kind | Field::Custom(_), _) | (_, None) => {}
        }
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

fn outbound(section: &Section, field: &Field, findings: &mut Findings) -> BTreeMap<String, String> {
    let Some(table) = section.section("outbound") else { return BTreeMap::new() };
    let (noun, valid): (_, Option<Vec<&str>>) = match field {
        Field::Status => ("status", Some(Status::ALL.map(Status::word).to_vec())),
        Field::Priority => ("priority", Some(Priority::ALL.map(Priority::word).to_vec())),
        Field::Title | Field::Description | Field::Kind | Field::Custom(_) => ("value", None),
    };
    let mut shown = BTreeMap::new();
    for (entry, text) in table.texts() {
        for (word, at) in [(entry.key.as_str(), entry.key_at), (text, entry.at)] {
            if let Some(valid) = valid.as_ref().filter(|valid| !valid.contains(&word)) {
                let message = format!("{word:?} is no {noun}");
                let mistake = Mistake::new(at, table.path_of(&entry.key), message);
                findings.report(mistake.words(word, valid.iter().copied()));
            }
        }
        shown.insert(entry.key.clone(), text.to_owned());
    }
    shown
}

/// Whether a shared status or priority can be said on both sides.
fn words_fit<T: Ord + Copy>(
    section: &Section,
    rule: &FieldRule,
    sides: Sides<'_>,
    words: impl Fn(&SystemRules) -> &Words<T>,
    all: &[(T, &str)],
    findings: &mut Findings,
) {
    let key = section.path.rsplit('.').next().unwrap_or_default();
    let (outbound, inbound) = match rule.direction {
        Direction::Both => (true, true),
        Direction::Outbound => (true, false),
        Direction::Inbound => (false, true),
        Direction::None => return,
    };
    let mut wordless = false;
    for (name, rules) in [sides.home, sides.counterpart] {
        if words(rules).read.is_empty() {
            wordless = true;
            let message =
                format!("the {key} is shared, but nothing says what {key} words of the system {name} mean");
            let mistake = Mistake::new(section.at, &section.path, message)
                .expected(format!("what they mean, in [systems.{name}.{key}]"));
            findings.report_if_complete(mistake);
        }
    }
    if wordless {
        return;
    }
    let mut unsaid = |from: Sides<'_>, mapped: bool| {
        let (reader, writer) = (words(from.home.1), words(from.counterpart.1));
        let shown = |word: &'_ str| match rule.outbound.get(word) {
            Some(other) if mapped => other.clone(),
            Some(_) | None => word.to_owned(),
        };
        let missing: BTreeSet<String> = all
            .iter()
            .filter(|(meaning, _)| reader.read.values().any(|read| read == meaning))
            .map(|(_, word)| shown(word))
            .filter(|word| all.iter().any(|(meaning, w)| w == word && !writer.write.contains_key(meaning)))
            .collect();
        if !missing.is_empty() {
            let missing: Vec<String> = missing.into_iter().collect();
            let (from, to) = (from.home.0, from.counterpart.0);
            let message = format!(
                "{from} may say {}, for which {to} has no word: it would be parked",
                missing.join(", ")
            );
            let mistake = Mistake::new(section.at, &section.path, message)
                .warning()
                .expected(format!("words in [systems.{to}.{key}] or [systems.{to}.write.{key}]"));
            findings.report_if_complete(mistake);
        }
    };
    if outbound {
        unsaid(sides, true);
    }
    if inbound {
        unsaid(Sides { home: sides.counterpart, counterpart: sides.home }, false);
    }
}
