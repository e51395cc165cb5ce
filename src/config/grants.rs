//! Builds what agreements say of grants.

use std::collections::BTreeSet;
use std::time::Duration;

use super::findings::{Findings, Mistake};
use super::section::{Section, Value};
use crate::agreement::{Askable, Grants};
use crate::case::Priority;

/// How long a grant may last where nothing is said.
const WEEK: Duration = Duration::from_secs(7 * 86_400);

/// What may be granted under an agreement; without a table, nothing.
pub(super) fn build(section: &Section, findings: &mut Findings) -> Grants {
    let Some(table) = section.section("grants") else { return Grants::default() };
    let built = Grants {
        may_ask: may_ask(table, findings),
        approved_by: table.text("approved_by").map(str::to_owned),
        at_once_from: table.text("at_once_from").and_then(Priority::from_word),
        longest: table.span("longest").unwrap_or(WEEK),
    };
    if !built.may_ask.is_empty()
        && table.entry("approved_by").is_none()
        && table.entry("at_once_from").is_none()
        && let Some(entry) = table.entry("may_ask")
    {
        let message = "it may be asked for, and nobody can approve it";
        let mistake = Mistake::new(entry.at, table.path_of("may_ask"), message)
            .warning()
            .expected(r#"approved_by = "ROLE" beside it, or at_once_from"#);
        findings.report(mistake);
    }
    built
}

fn may_ask(table: &Section, findings: &mut Findings) -> BTreeSet<Askable> {
    let (Some(entry), Some(Value::Texts(texts))) = (table.entry("may_ask"), table.value("may_ask")) else {
        return BTreeSet::new();
    };
    let mut all = BTreeSet::new();
    for text in texts {
        match text.parse() {
            Ok(askable) => drop(all.insert(askable)),
            Err(message) => {
                let known = ["internal comments", "files", "environment", "title", "description", "type"];
                let mistake = Mistake::new(entry.at, table.path_of("may_ask"), message);
                findings.report(
                    mistake.words(text, known.into_iter().chain(["status", "priority", "field:NAME"])),
                );
            }
        }
    }
    all
}
