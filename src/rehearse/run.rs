//! The whole of a history through a draft: looked over once, then folded by several hands at a time.

use std::collections::BTreeSet;

use super::replay::{Rehearsal, Trial};
use super::report::{Head, Report, Tally};
use crate::case::CaseId;
use crate::ledger::{Error, Heading, History};

/// Hands that fold history side by side.
const HANDS: usize = 2;
/// Records between two words of progress.
const STRIDE: u64 = 250_000;

/// Tries a draft on what was recorded since the time that is asked for, telling `progress` how far it is.
///
/// Only cases with a record of that time are unsealed and remembered, from their first record on.
///
/// # Errors
///
/// When history cannot be read.
pub fn rehearse(
    history: &History,
    trial: Trial<'_>,
    progress: &mut dyn FnMut(&str),
) -> Result<Report, Error> {
    let mut cases: BTreeSet<CaseId> = BTreeSet::new();
    let (mut records, mut tried) = (0_u64, 0);
    history.headings(&mut |heading| {
        records += 1;
        if heading.at >= trial.since {
            tried += 1;
            cases.extend(heading.case);
        }
        if records.is_multiple_of(STRIDE) {
            progress(&format!("looked at {records} records …"));
        }
    })?;
    progress(&format!("{tried} of {records} records are of that time, about {} cases", cases.len()));
    let mut hands: Vec<Rehearsal<'_>> = (0..HANDS).map(|_| Rehearsal::new(trial)).collect();
    let mut workers: Vec<_> = hands.iter_mut().map(|hand| |record| hand.take(&record)).collect();
    let wanted = |heading: Heading| match heading.case {
        Some(case) => cases.contains(&case),
        None => heading.at >= trial.since,
    };
    history.replay(&wanted, &mut workers)?;
    drop(workers);
    let mut tally = Tally::default();
    for hand in hands {
        tally.join(hand.finish());
    }
    let cases = u64::try_from(cases.len()).unwrap_or(u64::MAX);
    let head = Head { agreement: trial.agreement.to_string(), since: trial.since, records, tried, cases };
    Ok(tally.report(head))
}
