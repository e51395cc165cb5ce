//! Builds the systems: their settings as connectors take them, and what their words mean.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use secrecy::SecretString;
use serde_json::Value as Json;
use throughline_sdk::{Capabilities, SettingKind, Settings, SystemName};
use url::Url;

use super::findings::{Findings, Mistake};
use super::section::{Section, Value};
use super::{KindAnswers, KindSettings, Limits, Needs, Party, System, check_reference};
use crate::agreement::{SystemRules, Words};
use crate::case::{PartyName, Priority, Status};
use crate::egress::{AddressPolicy, Allowed};

/// The systems, and their part of the rules.
#[derive(Debug, Default)]
pub(super) struct Systems {
    /// Those without a mistake.
    pub systems: BTreeMap<SystemName, System>,
    /// Every one whose party is known: so one mistake in it is not told again by each agreement.
    pub rules: BTreeMap<SystemName, SystemRules>,
    /// Those whose kind is missing or unknown, which has been reported.
    pub kindless: BTreeSet<SystemName>,
    /// With what words the kind of each answers an offer.
    pub answers: BTreeMap<SystemName, KindAnswers>,
    /// What their kinds need with every ticket.
    pub needs: BTreeMap<SystemName, &'static [Needs]>,
    /// Those whose tickets can only be read.
    pub only_told: BTreeSet<SystemName>,
}

/// Builds all systems of the main file.
pub(super) fn build(
    main: &Section,
    parties: &BTreeMap<PartyName, Party>,
    kinds: &[KindSettings],
    findings: &mut Findings,
) -> Systems {
    let mut built = Systems::default();
    let Some(table) = main.section("systems") else { return built };
    let allow = match main.section("bridge").and_then(|bridge| bridge.value("allow")) {
        Some(Value::Networks(networks)) => Some(networks.as_slice()),
        // It was wrong, and that has been told.
        _ => None,
    };
    for (entry, section) in table.sections() {
        let name = SystemName::new(&entry.key);
        check_reference(section, "party", "party", parties.keys().map(|name| name.0.as_str()), findings);
        let party = PartyName(section.text("party").unwrap_or_default().to_owned());
        let party_title = parties.get(&party).map(|party| party.title.clone()).unwrap_or_default();
        let kind = kinds.iter().find(|kind| section.entry(kind.kind).is_some());
        let rules = SystemRules {
            party: party.clone(),
            party_title,
            status: words(
                section,
                "status",
                kind.map_or(&[], |kind| kind.statuses),
                Status::from_word,
                findings,
            ),
            priority: words(
                section,
                "priority",
                kind.map_or(&[], |kind| kind.priorities),
                Priority::from_word,
                findings,
            ),
        };
        built.rules.insert(name.clone(), rules);
        if kind.is_none() {
            built.kindless.insert(name.clone());
        }
        check_expiry(section, findings);
        let Some(kind) = kind else { continue };
        built.answers.insert(name.clone(), kind.answers);
        built.needs.insert(name.clone(), kind.needs);
        if let Some(system) = system(section, kind, party) {
            let is_right = section.section(kind.kind).is_some_and(Section::is_right);
            let able = if is_right { check(section, kind, &system.settings, findings) } else { None };
            if able.is_some_and(|able| able.only_tells()) {
                built.only_told.insert(name.clone());
            }
            check_reach(section, kind, allow, findings);
            built.systems.insert(name, system);
        }
    }
    built
}

const EXPIRE: &str = "credentials_expire";

fn day(text: &str) -> Option<NaiveDate> {
    NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()
}

fn check_expiry(section: &Section, findings: &mut Findings) {
    if let (Some(entry), Some(text)) = (section.entry(EXPIRE), section.text(EXPIRE))
        && day(text).is_none()
    {
        let mistake = Mistake::new(entry.at, section.path_of(EXPIRE), "this is no day");
        findings.report(mistake.found(format!("{text:?}")).expected(r#"a day such as "2027-01-31""#));
    }
}

fn system(section: &Section, kind: &KindSettings, party: PartyName) -> Option<System> {
    let limits = section.section("limits")?;
    let small = |key| limits.number(key).and_then(|number| u32::try_from(number).ok());
    Some(System {
        kind: kind.kind.to_owned(),
        party,
        settings: settings(section.section(kind.kind)?),
        poll: section.span("poll")?,
        limits: Limits {
            per_second: small("per_second"),
            burst: small("burst")?,
            concurrency: limits.number("concurrency").and_then(|number| usize::try_from(number).ok())?,
        },
        settle: section.span("settle"),
        max_file_bytes: section.number("max_file"),
        summary: !matches!(section.value("summary"), Some(Value::Flag(false))),
        timeout: section.span("timeout")?,
        credentials_expire: section.text(EXPIRE).and_then(day),
    })
}

/// Lets the connector look at settings that are all of the right types; answers what it can do with them.
fn check(
    section: &Section,
    kind: &KindSettings,
    settings: &Settings,
    findings: &mut Findings,
) -> Option<Capabilities> {
    let table = section.entry(kind.kind)?;
    let error = match (kind.check)(settings) {
        Ok(able) => return Some(able),
        Err(error) => error,
    };
    // Connectors say `the setting KEY …`: then it is told where that one stands.
    let named = error.message().strip_prefix("the setting ").and_then(|rest| rest.split(' ').next());
    let own = section.section(kind.kind).filter(|own| named.is_some_and(|key| own.entry(key).is_some()));
    let (at, path) = match (own, named) {
        (Some(own), Some(key)) => {
            (own.entry(key).map_or(table.key_at, |entry| entry.key_at), own.path_of(key))
        }
        _ => (table.key_at, section.path_of(kind.kind)),
    };
    findings.report_if_complete(Mistake::new(at, path, error.message()));
    None
}

/// Whether requests may go where the addresses say, as far as an address alone tells.
fn check_reach(section: &Section, kind: &KindSettings, allow: Option<&[Allowed]>, findings: &mut Findings) {
    let (Some(own), Some(allow)) = (section.section(kind.kind), allow) else { return };
    for setting in kind.settings.iter().filter(|setting| setting.kind == SettingKind::Address) {
        let (Some(entry), Some(text)) = (own.entry(setting.key), own.text(setting.key)) else { continue };
        let Ok(address) = Url::parse(text) else { continue };
        if let Err(refusal) = AddressPolicy::of_system(&address, allow.to_vec()).check_url(&address) {
            let mistake = Mistake::new(entry.at, own.path_of(setting.key), refusal);
            findings.report_if_complete(
                mistake.expected("a public https address, or its host or network in `allow` of [bridge]"),
            );
        }
    }
}

fn settings(section: &Section) -> Settings {
    let mut settings = Settings::default();
    for entry in &section.entries {
        match &entry.value {
            None => {}
            Some(Value::Secret(secret)) => {
                let secret: SecretString = secret.clone();
                settings.secrets.insert(entry.key.clone(), secret);
            }
            Some(other) => _ = settings.values.insert(entry.key.clone(), json(other)),
        }
    }
    settings
}

fn json(value: &Value) -> Json {
    match value {
        Value::Text(text) => Json::from(text.as_str()),
        Value::Number(number) => Json::from(*number),
        Value::Flag(flag) => Json::from(*flag),
        Value::Span(span) => Json::from(span.as_secs()),
        Value::Path(path) => Json::from(path.to_string_lossy()),
        Value::Socket(socket) => Json::from(socket.to_string()),
        Value::Networks(networks) => networks.iter().map(ToString::to_string).collect(),
        Value::Texts(texts) => texts.iter().map(String::as_str).collect(),
        Value::Section(section) => {
            section.texts().map(|(entry, text)| (entry.key.as_str(), Json::from(text))).collect()
        }
        // Secrets stand apart and never become JSON.
        Value::Secret(_) => Json::Null,
    }
}

/// The words of one system: the operator's first, then the kind's own that the operator did not give another
/// meaning.
fn words<T: Ord + Copy>(
    section: &Section,
    key: &str,
    usual: &[(&str, &str)],
    meaning: impl Fn(&str) -> Option<T>,
    findings: &mut Findings,
) -> Words<T> {
    let mut words = Words { read: BTreeMap::new(), write: BTreeMap::new() };
    let given = section.section(key);
    let given = given.iter().flat_map(|table| table.texts()).map(|(entry, word)| (entry.key.as_str(), word));
    for (desk_word, word) in given.chain(usual.iter().copied()) {
        let Some(meaning) = meaning(word) else { continue };
        if words.read.contains_key(desk_word) {
            continue;
        }
        words.read.insert(desk_word.to_owned(), meaning);
        words.write.entry(meaning).or_insert_with(|| desk_word.to_owned());
    }
    let marked = section.section("write").and_then(|write| write.section(key));
    for (entry, desk_word) in marked.iter().flat_map(|table| table.texts()) {
        let Some(meaning) = meaning(&entry.key) else { continue };
        if words.read.contains_key(desk_word) {
            words.write.insert(meaning, desk_word.to_owned());
            continue;
        }
        let path = format!("{}.write.{key}.{}", section.path, entry.key);
        let message = format!("{desk_word:?} would be written, but has no meaning when it is read back");
        let known = words.read.keys().map(String::as_str);
        findings.report_if_complete(Mistake::new(entry.at, path, message).words(desk_word, known));
    }
    words
}
