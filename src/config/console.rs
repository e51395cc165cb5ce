//! Builds the settings of the console and of its door.

use std::collections::BTreeMap;

use url::Url;

use super::Party;
use super::findings::{Findings, Mistake};
use super::section::{Section, Value};
use crate::case::PartyName;
use crate::identity::{OidcSettings, Pace, Rules, Settings, Site, Streams};

/// How strict the door is; `None` where something was wrong that has been reported.
pub(super) fn build(
    section: &Section,
    parties: &BTreeMap<PartyName, Party>,
    findings: &mut Findings,
) -> Option<Settings> {
    let public = match section.text("public_url") {
        None => None,
        Some(text) => Some(public(section, text, findings)?),
    };
    let number = |key: &str| section.number(key).and_then(|number| u32::try_from(number).ok());
    let count = |key: &str| section.number(key).and_then(|number| usize::try_from(number).ok());
    Some(Settings {
        site: Site { public, behind_proxy: matches!(section.value("behind_proxy"), Some(Value::Flag(true))) },
        idle: section.span("idle")?,
        session: section.span("session")?,
        streams: Streams { each: count("streams")?, all: count("streams_in_all")? },
        requests: Pace { per_minute: number("per_minute")?, burst: number("burst")? },
        oidc: match section.section("oidc") {
            Some(oidc) => Some(provider(oidc, parties, findings)?),
            None => None,
        },
        parties: Some(parties.keys().cloned().collect()),
    })
}

fn provider(
    section: &Section,
    parties: &BTreeMap<PartyName, Party>,
    findings: &mut Findings,
) -> Option<OidcSettings> {
    let issuer_name = section.text("issuer")?.to_owned();
    let texts = |section: Option<&Section>, key: &str| match section.and_then(|section| section.value(key)) {
        Some(Value::Texts(texts)) => texts.clone(),
        _ => Vec::new(),
    };
    let roles = section.section("roles");
    let mut guests: BTreeMap<PartyName, Vec<String>> = BTreeMap::new();
    if let Some(table) = section.section("guests") {
        for (entry, party) in table.texts() {
            let party = PartyName(party.to_owned());
            if !parties.contains_key(&party) {
                let mistake = Mistake::new(
                    entry.at,
                    table.path_of(&entry.key),
                    format!("there is no party {:?}", party.0),
                );
                findings.report(mistake.words(&party.0, parties.keys().map(|party| party.0.as_str())));
            }
            guests.entry(party).or_default().push(entry.key.clone());
        }
    }
    let rules = Rules {
        claim: section.text("claim")?.to_owned(),
        admin: texts(roles, "admin"),
        agent: texts(roles, "agent"),
        auditor: texts(roles, "auditor"),
        guests,
    };
    let nobody = [&rules.admin, &rules.agent, &rules.auditor].iter().all(|values| values.is_empty());
    if nobody && rules.guests.is_empty() {
        let mistake = Mistake::new(section.at, &section.path, "nobody could enter through this login");
        findings.report(mistake.expected("at least one value under roles or guests"));
    }
    Some(OidcSettings {
        issuer: Url::parse(&issuer_name).ok()?,
        issuer_name,
        client_id: section.text("client_id")?.to_owned(),
        client_secret: match section.value("client_secret") {
            Some(Value::Secret(secret)) => Some(secret.clone()),
            _ => None,
        },
        scopes: texts(Some(section), "scopes"),
        rules,
    })
}

/// Pages stand at fixed addresses, so that a proxy cannot put them into a folder.
fn public(section: &Section, text: &str, findings: &mut Findings) -> Option<Url> {
    let entry = section.entry("public_url")?;
    let url = Url::parse(text).ok()?;
    if url.path() == "/" && url.query().is_none() && url.fragment().is_none() && url.username().is_empty() {
        return Some(url);
    }
    let message = "the console stands at the root of its address";
    let mistake = Mistake::new(entry.at, section.path_of("public_url"), message);
    findings.report(
        mistake
            .found(format!("{text:?}"))
            .expected("scheme and host only, such as \"https://tickets.contoso.example/\""),
    );
    None
}
