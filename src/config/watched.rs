//! Builds the logs of others that are watched.

use url::Url;

use super::findings::{Findings, Mistake};
use super::section::{Section, Value};
use crate::daemon::watcher::Watched;
use crate::ledger::note::Verifier;

/// Builds those of the main file.
pub(super) fn build(main: &Section, findings: &mut Findings) -> Vec<Watched> {
    let Some(table) = main.section("watched") else { return Vec::new() };
    let watched = table.sections().filter_map(|(entry, section)| {
        let source = read(section, "source", findings, |text| {
            let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
            url.ok_or_else(|| "this is no address of the web".to_owned())
        });
        let key = read(section, "key", findings, str::parse::<Verifier>);
        let token = match section.value("token") {
            Some(Value::Secret(secret)) => Some(secret.clone()),
            _ => None,
        };
        Some(Watched {
            name: entry.key.clone(),
            source: source?,
            key: key?,
            token,
            every: section.span("every")?,
        })
    });
    watched.collect()
}

fn read<T>(
    section: &Section,
    key: &str,
    findings: &mut Findings,
    parse: impl FnOnce(&str) -> Result<T, String>,
) -> Option<T> {
    let (entry, text) = section.entry(key).zip(section.text(key))?;
    match parse(text) {
        Ok(value) => Some(value),
        Err(why) => {
            findings.report(Mistake::new(entry.at, section.path_of(key), why).found(format!("{text:?}")));
            None
        }
    }
}
