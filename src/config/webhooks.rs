//! Builds who is told what happens.

use std::collections::{BTreeMap, BTreeSet};

use secrecy::SecretString;
use throughline_sdk::Timestamp;
use throughline_sdk::signature::sign_standard;
use url::Url;

use super::findings::{Findings, Mistake};
use super::section::{Section, Value};
use crate::ledger::FACT_WORDS;

/// Somebody who is told what happens.
#[derive(Clone, Debug)]
pub struct Webhook {
    /// Where.
    pub url: Url,
    /// Under which secret what is sent is signed.
    pub secret: SecretString,
    /// Of which kinds of facts; empty: of all.
    pub events: BTreeSet<String>,
}

/// Builds the webhooks of the main file.
pub(super) fn build(main: &Section, findings: &mut Findings) -> BTreeMap<String, Webhook> {
    let Some(table) = main.section("webhooks") else { return BTreeMap::new() };
    let webhooks = table.sections().filter_map(|(entry, section)| {
        let webhook = webhook(section, findings)?;
        Some((entry.key.clone(), webhook))
    });
    webhooks.collect()
}

fn webhook(section: &Section, findings: &mut Findings) -> Option<Webhook> {
    let mut events = BTreeSet::new();
    if let (Some(entry), Some(Value::Texts(words))) = (section.entry("events"), section.value("events")) {
        for word in words {
            if !FACT_WORDS.contains(&word.as_str()) {
                let message = format!("the ledger has no facts of the kind {word:?}");
                let mistake = Mistake::new(entry.at, section.path_of("events"), message);
                findings.report(mistake.words(word, FACT_WORDS.iter().copied()));
            }
            events.insert(word.clone());
        }
    }
    let secret = match section.value("secret") {
        Some(Value::Secret(secret)) => secret.clone(),
        _ => return None,
    };
    if let Some(entry) = section.entry("secret")
        && sign_standard(&secret, "1", Timestamp::UNIX_EPOCH, b"").is_err()
    {
        let message = "the secret that this refers to signs nothing";
        let mistake = Mistake::new(entry.at, section.path_of("secret"), message);
        findings.report(mistake.expected("whsec_ and from 24 to 64 random bytes in base 64"));
    }
    let url = Url::parse(section.text("url")?).ok()?;
    Some(Webhook { url, secret, events })
}
