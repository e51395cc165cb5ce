//! Builds the settings of the console and of its door.

use url::Url;

use super::findings::{Findings, Mistake};
use super::section::{Section, Value};
use crate::identity::{Pace, Settings, Site};

/// How strict the door is; `None` where something was wrong that has been reported.
pub(super) fn build(section: &Section, findings: &mut Findings) -> Option<Settings> {
    let public = match section.text("public_url") {
        None => None,
        Some(text) => Some(public(section, text, findings)?),
    };
    let number = |key: &str| section.number(key).and_then(|number| u32::try_from(number).ok());
    Some(Settings {
        site: Site { public, behind_proxy: matches!(section.value("behind_proxy"), Some(Value::Flag(true))) },
        idle: section.span("idle")?,
        session: section.span("session")?,
        requests: Pace { per_minute: number("per_minute")?, burst: number("burst")? },
        parties: None,
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
