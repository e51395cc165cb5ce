//! Value maps of fields, and whether each is total: every value that may come is named, or it is said what becomes of it.

use std::collections::BTreeMap;

use throughline_sdk::SystemName;

use super::agreements::Sides;
use super::findings::{Findings, Mistake};
use super::section::{Section, Value};
use crate::agreement::{Direction, FieldRule, Otherwise, Policy, SystemRules, Words};
use crate::case::{Field, Priority, Status};

/// How one field is shared.
pub(super) fn rule(
    section: &Section,
    field: &Field,
    direction: Direction,
    policy: Policy,
    findings: &mut Findings,
) -> FieldRule {
    let otherwise = match section.value("otherwise") {
        Some(Value::Text(word)) if word == "park" => Some(Otherwise::Park),
        Some(Value::Text(_)) => Some(Otherwise::AsItIs),
        Some(Value::Section(inner)) => inner.text("default").map(|text| Otherwise::Default(text.to_owned())),
        _ => None,
    };
    FieldRule {
        outbound: map(section, "outbound", field, findings),
        inbound: map(section, "inbound", field, findings),
        direction,
        policy,
        otherwise,
    }
}

/// Reports what a rule leaves unsaid.
pub(super) fn check(
    section: &Section,
    field: &Field,
    rule: &FieldRule,
    sides: Option<Sides<'_>>,
    findings: &mut Findings,
) {
    for (key, used) in [("outbound", rule.direction.leads_out()), ("inbound", rule.direction.leads_in())] {
        if let (Some(entry), false) = (section.entry(key), used) {
            let message = format!("nothing of this field travels {key}, so this map is never used");
            findings.report(Mistake::new(entry.key_at, section.path_of(key), message).warning());
        }
    }
    if let Some((value, other)) = rule.contradiction() {
        let message = format!(
            "the two maps contradict each other: {value:?} would come back, and leave again as {other:?}"
        );
        let mistake = Mistake::new(section.at, &section.path, message);
        findings.report(mistake.expected("maps of which each undoes what the other does"));
    }
    match field {
        Field::Status => {
            let all = Status::ALL.map(|status| (status, status.word()));
            closed(section, rule, sides, |rules| &rules.status, &all, findings);
        }
        Field::Priority => {
            let all = Priority::ALL.map(|priority| (priority, priority.word()));
            closed(section, rule, sides, |rules| &rules.priority, &all, findings);
        }
        Field::Title | Field::Description | Field::Kind | Field::Custom(_) => open(section, rule, findings),
    }
}

fn map(section: &Section, key: &str, field: &Field, findings: &mut Findings) -> BTreeMap<String, String> {
    let Some(table) = section.section(key) else { return BTreeMap::new() };
    let closed = words_of(field);
    let mut shown = BTreeMap::new();
    for (entry, text) in table.texts() {
        for (word, at) in [(entry.key.as_str(), entry.key_at), (text, entry.at)] {
            if let Some(valid) = closed.as_ref().filter(|valid| !valid.contains(&word)) {
                let mistake = Mistake::new(at, table.path_of(&entry.key), format!("{word:?} is no {field}"));
                findings.report(mistake.words(word, valid.iter().copied()));
            }
        }
        shown.insert(entry.key.clone(), text.to_owned());
    }
    shown
}

/// The words of a field that has a closed set of them.
fn words_of(field: &Field) -> Option<Vec<&'static str>> {
    match field {
        Field::Status => Some(Status::ALL.map(Status::word).to_vec()),
        Field::Priority => Some(Priority::ALL.map(Priority::word).to_vec()),
        Field::Title | Field::Description | Field::Kind | Field::Custom(_) => None,
    }
}

/// A field that takes any value: a map cannot name them all.
fn open(section: &Section, rule: &FieldRule, findings: &mut Findings) {
    let maps = [("outbound", &rule.outbound), ("inbound", &rule.inbound)];
    let mapped = maps.into_iter().find(|(_, map)| !map.is_empty());
    match (mapped, &rule.otherwise, section.entry("otherwise")) {
        (Some((key, _)), None, None) => {
            let at = section.entry(key).map_or(section.at, |entry| entry.key_at);
            let message =
                "this field takes any value, and nothing says what becomes of those that are not named";
            let mistake = Mistake::new(at, section.path_of(key), message);
            findings
                .report(mistake.expected(r#"otherwise = "park", "as_it_is" or { default = "…" } beside it"#));
        }
        (None, Some(_), Some(entry)) => {
            let message = "there is no map here that could leave a value out";
            let mistake = Mistake::new(entry.at, section.path_of("otherwise"), message);
            findings.report(mistake.expected("outbound or inbound beside it, or no such key"));
        }
        _ => {}
    }
}

/// One way of a field with a closed set of words.
#[derive(Clone, Copy, Debug)]
struct Way<'w, T: Ord> {
    key: &'static str,
    map: &'w BTreeMap<String, String>,
    from: (&'w SystemName, &'w Words<T>),
    to: (&'w SystemName, &'w Words<T>),
}

/// A status or priority: every word that one side may say has one on the other, or it is said what becomes of it.
fn closed<T: Ord + Copy>(
    section: &Section,
    rule: &FieldRule,
    sides: Option<Sides<'_>>,
    words: impl Fn(&SystemRules) -> &Words<T>,
    all: &[(T, &'static str)],
    findings: &mut Findings,
) {
    let field = section.path.rsplit('.').next().unwrap_or_default();
    let valid: Vec<&str> = all.iter().map(|(_, word)| *word).collect();
    if let (Some(otherwise), Some(entry)) = (&rule.otherwise, section.entry("otherwise")) {
        let path = section.path_of("otherwise");
        match otherwise {
            Otherwise::AsItIs => {
                let message = format!("every {field} is known, so a map can name them all");
                let mistake = Mistake::new(entry.at, path, message).found("\"as_it_is\"");
                return findings.report(mistake.expected(r#""park" or { default = "…" }"#));
            }
            Otherwise::Default(word) if !valid.contains(&word.as_str()) => {
                let mistake = Mistake::new(entry.at, path, format!("{word:?} is no {field}"));
                return findings.report(mistake.words(word, valid.iter().copied()));
            }
            Otherwise::Default(_) | Otherwise::Park => {}
        }
    }
    let Some(sides) = sides.filter(|_| rule.direction != Direction::None) else { return };
    let mut wordless = false;
    for (name, rules) in [sides.home, sides.counterpart] {
        if words(rules).read.is_empty() {
            wordless = true;
            let message = format!(
                "the {field} is shared, but nothing says what {field} words of the system {name} mean"
            );
            let mistake = Mistake::new(section.at, &section.path, message)
                .expected(format!("what they mean, in [systems.{name}.{field}]"));
            findings.report_if_complete(mistake);
        }
    }
    if wordless {
        return;
    }
    let home = (sides.home.0, words(sides.home.1));
    let counterpart = (sides.counterpart.0, words(sides.counterpart.1));
    if rule.direction.leads_out() {
        let way = Way { key: "outbound", map: &rule.outbound, from: home, to: counterpart };
        total(section, rule, &way, all, findings);
    }
    if rule.direction.leads_in() {
        let way = Way { key: "inbound", map: &rule.inbound, from: counterpart, to: home };
        total(section, rule, &way, all, findings);
    }
}

fn total<T: Ord + Copy>(
    section: &Section,
    rule: &FieldRule,
    way: &Way<'_, T>,
    all: &[(T, &'static str)],
    findings: &mut Findings,
) {
    let field = section.path.rsplit('.').next().unwrap_or_default();
    let Way { key, map, from: (from, said), to: (to, written) } = *way;
    let sayable =
        |word: &str| all.iter().any(|(meaning, name)| *name == word && written.write.contains_key(meaning));
    let more = format!("words in [systems.{to}.{field}] or [systems.{to}.write.{field}]");
    let table = section.section(key);
    for (entry, shown) in table.into_iter().flat_map(Section::texts) {
        if all.iter().any(|(_, word)| *word == shown) && !sayable(shown) {
            let message = format!("{to} has no word for {shown:?}");
            let path = section.path_of(key);
            findings.report_if_complete(Mistake::new(entry.at, path, message).expected(&more));
        }
    }
    if let (Some(Otherwise::Default(word)), Some(entry)) = (&rule.otherwise, section.entry("otherwise"))
        && !sayable(word)
    {
        let message = format!("{to} has no word for {word:?}");
        let path = section.path_of("otherwise");
        findings.report_if_complete(Mistake::new(entry.at, path, message).expected(&more));
    }
    let unsaid: Vec<&str> = all
        .iter()
        .filter(|(meaning, word)| {
            let may_come = said.read.values().any(|read| read == meaning);
            let named = map.contains_key(*word);
            may_come && !named && (!map.is_empty() || !sayable(word))
        })
        .map(|(_, word)| *word)
        .collect();
    if unsaid.is_empty() || rule.otherwise.is_some() {
        return;
    }
    let at = section.entry(key).map_or(section.at, |entry| entry.key_at);
    let (message, expected) = if map.is_empty() {
        (format!("{from} may say {}, for which {to} has no word", unsaid.join(", ")), format!("{more}, or "))
    } else {
        (format!("{from} may say {}, which this map does not name", unsaid.join(", ")), String::new())
    };
    let expected =
        format!("{expected}a line for each in {key}, or otherwise = \"park\" or {{ default = \"…\" }}");
    findings.report_if_complete(Mistake::new(at, section.path_of(key), message).expected(expected));
}
