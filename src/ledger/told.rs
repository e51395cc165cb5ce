//! What was recorded from a place on, as far as a record says so itself: for whoever follows the ledger.

use throughline_sdk::Timestamp;

use super::record::parse;
use super::segments::{Found, Lines, Segments};
use super::{Error, Medium, Position};
use crate::case::CaseId;

/// What a record says of itself without being unsealed, and where the one behind it begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// Where it begins.
    pub position: Position,
    /// Where the next one begins.
    pub next: Position,
    /// Its number.
    pub seq: u64,
    /// When it was recorded.
    pub at: Timestamp,
    /// The case it is about.
    pub case: Option<CaseId>,
    /// What kinds of facts it holds.
    pub words: Vec<String>,
}

/// At most `limit` records from `from` on, none that begins at `end` or behind.
pub(super) fn read(
    medium: &dyn Medium,
    from: Position,
    end: Position,
    limit: usize,
) -> Result<Vec<Told>, Error> {
    let segments = Segments::list(medium)?;
    let mut lines = Lines::new(medium, &segments, from.0);
    let mut told = Vec::new();
    while told.len() < limit {
        // An unfinished line is one that is being written just now.
        let Found::Line(position, line) = lines.next()? else { break };
        if position >= end {
            break;
        }
        let corrupt = |what: String| Error::Corrupt { position, what };
        let next =
            Position(position.0.saturating_add(line.len().try_into().unwrap_or(u64::MAX)).saturating_add(1));
        told.push(parse(&line).map_err(corrupt)?.told(position, next).map_err(corrupt)?);
    }
    Ok(told)
}
