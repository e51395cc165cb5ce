//! What waits for a person, a line for each: what was refused, and what legs disagree on.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use throughline_sdk::{SystemName, Timestamp};

use crate::case::{Case, CaseId};
use crate::store::{self, Index};

/// Cases with something parked that are looked up at a time.
const PARKED_CASES: usize = 256;

/// One parked item.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ParkedLine {
    /// The case.
    pub case: String,
    /// The leg it was for.
    #[schemars(with = "String")]
    pub system: SystemName,
    /// What of the request.
    pub item: String,
    /// What kind of failure.
    pub kind: String,
    /// Why, in the system's words.
    pub reason: String,
    /// Since when.
    pub since: Timestamp,
}

/// A place in the list of what is parked: the case, the system, the item and the kind.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ParkedPlace(u64, String, String, String);

/// What waits for a person, by case, system and item: at most `limit` lines, those behind `after`.
///
/// # Errors
///
/// When the store cannot be read.
pub fn parked(
    index: &Index,
    after: Option<&ParkedPlace>,
    limit: usize,
) -> Result<Vec<ParkedLine>, store::Error> {
    let mut lines: Vec<ParkedLine> = Vec::new();
    // The case in which the page before ended may have more.
    let mut before = after.map_or(0, |place| place.0.saturating_sub(1));
    while lines.len() < limit {
        let ids = index.parked(CaseId(before), PARKED_CASES)?;
        let Some(last) = ids.last() else { break };
        before = last.0;
        for id in ids {
            let Some(case) = index.case(id)? else { continue };
            let mut waiting = parked_in(&case);
            waiting.retain(|line| after.is_none_or(|after| line.place().is_none_or(|place| place > *after)));
            lines.extend(waiting);
        }
    }
    lines.truncate(limit);
    Ok(lines)
}

impl ParkedLine {
    /// Its place among all.
    pub fn place(&self) -> Option<ParkedPlace> {
        let case: CaseId = self.case.parse().ok()?;
        Some(ParkedPlace(case.0, self.system.to_string(), self.item.clone(), self.kind.clone()))
    }
}

fn parked_in(case: &Case) -> Vec<ParkedLine> {
    let mut lines = Vec::new();
    for (system, leg) in &case.legs {
        for (item, parked) in leg.parked.iter().filter(|(_, parked)| !parked.discarded) {
            lines.push(ParkedLine {
                case: case.id.to_string(),
                system: system.clone(),
                item: item.to_string(),
                kind: format!("{:?}", parked.kind),
                reason: parked.reason.clone(),
                since: parked.since,
            });
        }
    }
    for (field, conflict) in &case.document.conflicts {
        for (system, wanted) in &conflict.wanted {
            lines.push(ParkedLine {
                case: case.id.to_string(),
                system: system.clone(),
                item: field.to_string(),
                kind: "Conflict".to_owned(),
                reason: format!(
                    "the legs disagree; this one wants {wanted:?}; make them agree in one of the desks"
                ),
                since: conflict.since,
            });
        }
    }
    lines.sort_by_cached_key(ParkedLine::place);
    lines
}
