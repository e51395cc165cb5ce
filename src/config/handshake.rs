//! Builds handshakes and responsibilities, and checks the agreements and parties that they name.

use std::collections::{BTreeMap, BTreeSet};

use throughline_sdk::Visibility;

use super::agreements::direction;
use super::conditions::condition;
use super::findings::{Findings, Mistake};
use super::section::{Section, Value};
use super::systems::Systems;
use super::{KindAnswers, Party, check_reference};
use crate::agreement::{
    Agreement, Answer, AnswerWords, Direction, Expression, Handshake, OnLapse, Responsibility,
    ResponsibilityRule,
};
use crate::case::{AgreementName, Level, PartyName};

/// The handshake of an agreement, if it has one.
pub(super) fn build(section: &Section, kind: &KindAnswers, findings: &mut Findings) -> Option<Handshake> {
    let table = section.section("handshake")?;
    let text = |key: &str| table.text(key).map(str::to_owned);
    let [accept, reject, need_info] = AnswerWords::USUAL;
    let word = |key: &str, usual: &str| text(key).unwrap_or_else(|| usual.to_owned());
    let words = AnswerWords {
        accept: word("accept", accept),
        reject: word("reject", reject),
        need_info: word("need_info", need_info),
    };
    let names = match table.value("route_on") {
        Some(Value::Texts(names)) => names.clone(),
        _ => Vec::new(),
    };
    let built = Handshake {
        direction: table.text("direction").map_or(Direction::Outbound, |word| direction(Some(word))),
        respond_within: table.span("respond_within"),
        on_lapse: match table.text("on_lapse") {
            Some("remind") => OnLapse::Remind,
            Some("route_on") => OnLapse::RouteOn,
            _ => OnLapse::Person,
        },
        reminders: table.number("reminders").and_then(|number| u32::try_from(number).ok()).unwrap_or(1),
        route_on: names.into_iter().map(AgreementName).collect(),
        share_before: matches!(table.value("share_before"), Some(Value::Flag(true))),
        tell_home: match table.text("tell_home") {
            Some("internal") => Some(Visibility::Internal),
            Some("public") => Some(Visibility::Public),
            _ => None,
        },
        words,
        field: text("field").or_else(|| kind.field.map(str::to_owned)),
        reason_field: text("reason_field").or_else(|| kind.reason_field.map(str::to_owned)),
        answers: answers(table, kind),
    };
    check(table, &built, findings);
    Some(built)
}

/// The operator's words, then the kind's own that the operator gave no other meaning. A field of the operator's has
/// words of its own.
fn answers(table: &Section, kind: &KindAnswers) -> Vec<(String, Answer)> {
    let given = table.section("answers");
    let given = given.iter().flat_map(|table| table.texts()).map(|(entry, word)| (entry.key.as_str(), word));
    let own = if table.text("field").is_some() { &[] } else { kind.words };
    let mut answers: Vec<(String, Answer)> = Vec::new();
    for (desk_word, word) in given.chain(own.iter().copied()) {
        let Some(answer) = Answer::from_word(word) else { continue };
        if !answers.iter().any(|(known, _)| known == desk_word) {
            answers.push((desk_word.to_owned(), answer));
        }
    }
    answers
}

fn check(table: &Section, built: &Handshake, findings: &mut Findings) {
    let mut report = |key: &str, message: String, expected: &str| {
        if let Some(entry) = table.entry(key) {
            findings.report(Mistake::new(entry.at, table.path_of(key), message).expected(expected));
        }
    };
    if built.respond_within.is_none() {
        let message = "nothing lapses without a time to respond".to_owned();
        report("on_lapse", message, r#"respond_within = "4h" beside it, or no such key"#);
    }
    if built.on_lapse == OnLapse::RouteOn && built.route_on.is_empty() {
        let message = "there is nobody to whom the request would go on".to_owned();
        report("on_lapse", message, r#"route_on = ["AGREEMENT"] beside it"#);
    }
    let AnswerWords { accept, reject, need_info } = &built.words;
    for (key, one, others) in
        [("reject", reject, [accept, need_info]), ("need_info", need_info, [accept, reject])]
    {
        if !one.is_empty() && others.contains(&one) {
            report(key, format!("{one:?} would say two things"), "a word of its own for each answer");
        }
    }
    let silent = [accept, reject, need_info].iter().all(|word| word.is_empty());
    if silent && built.answers.is_empty() {
        report("accept", "nothing could accept an offer".to_owned(), "a word, or words under answers");
    }
}

/// Whether the agreements exist under which requests are offered next, and have the same desk at home.
pub(super) fn check_routes<'s>(
    sections: impl Iterator<Item = (&'s str, &'s Section)>,
    agreements: &BTreeMap<AgreementName, Agreement>,
    findings: &mut Findings,
) {
    let names: BTreeSet<&str> = agreements.keys().map(|name| name.0.as_str()).collect();
    for (own, section) in sections {
        let Some(table) = section.section("handshake") else { continue };
        let (Some(entry), Some(Value::Texts(next))) = (table.entry("route_on"), table.value("route_on"))
        else {
            continue;
        };
        let home =
            |name: &str| agreements.get(&AgreementName(name.to_owned())).map(|agreement| &agreement.home);
        for name in next {
            let path = table.path_of("route_on");
            if name == own {
                let message = format!("{name:?} is this very agreement");
                findings.report(Mistake::new(entry.at, path, message).expected("other agreements"));
            } else if !names.contains(name.as_str()) {
                let message = format!("no agreement is called {name:?}");
                let mistake = Mistake::new(entry.at, path, message).words(name, names.iter().copied());
                findings.report_if_complete(mistake);
            } else if home(name) != home(own) {
                let message = format!("{name:?} has another system at home, so a request cannot go on there");
                findings.report_if_complete(Mistake::new(entry.at, path, message));
            }
        }
    }
}

/// Who is to resolve what, in the order of the file.
pub(super) fn responsibility(
    main: &Section,
    parties: &BTreeMap<PartyName, Party>,
    systems: &Systems,
    findings: &mut Findings,
) -> Responsibility {
    let mut built = Responsibility::default();
    for (entry, section) in main.section("parties").iter().flat_map(|table| table.sections()) {
        if let Some(level) = section.text("level").and_then(Level::from_word) {
            built.levels.insert(PartyName(entry.key.clone()), level);
        }
    }
    for (entry, section) in main.section("responsibility").iter().flat_map(|table| table.sections()) {
        let names = || parties.keys().map(|name| name.0.as_str());
        let known = check_reference(section, "party", "party", names(), findings);
        check_reference(section, "owner", "party", names(), findings);
        let party = |key: &str| section.text(key).map(|name| PartyName(name.to_owned()));
        let (Some(resolver), true) = (party("party"), known) else { continue };
        let takes_part = systems.rules.values().any(|system| system.party == resolver);
        if !takes_part {
            let message = format!("{resolver} has no system, so it never takes part in a case");
            let mistake = Mistake::new(section.at, section.path_of("party"), message).warning();
            findings.report_if_complete(mistake);
        }
        built.rules.push(ResponsibilityRule {
            name: entry.key.clone(),
            when: condition(section, "when", None, findings).unwrap_or_else(Expression::always),
            party: resolver,
            level: section.text("level").and_then(Level::from_word),
            owner: party("owner"),
        });
    }
    built
}
