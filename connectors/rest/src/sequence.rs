//! The place in a change feed by a number that grows: a journal of events, read from where it was left.
//!
//! Where the desk takes no "after this number", its pages are counted: from the page where the last reading ended, back
//! as long as that page begins past what is settled (rows before it were deleted), then on to the end. A number may be
//! committed after a higher one, so what is younger than the lag is read again.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use throughline_sdk::Timestamp;

use crate::manifest::Pages;
use crate::pagination::Position;

/// Where to read next.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Place {
    /// Everything up to this number was read, and long enough ago.
    settled: u64,
    /// The highest number seen at `at`, on our clock.
    seen: u64,
    at: Timestamp,
    /// The page to read next, where pages are counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) page: Option<Position>,
    /// While a reading takes several pages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reading: Option<Reading>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Reading {
    /// When it began, on our clock.
    asked: Timestamp,
    /// The highest number of this reading.
    highest: u64,
    /// Whether the page where it has to begin was found.
    forward: bool,
}

impl Place {
    /// The place after everything up to `highest`.
    pub(crate) fn after(highest: u64, now: Timestamp, page: Option<Position>) -> Self {
        Self { settled: highest, seen: highest, at: now, page, reading: None }
    }

    /// The number to read after.
    pub(crate) fn number(&self) -> u64 {
        self.reading.as_ref().map_or(self.settled, |reading| reading.highest.max(self.settled))
    }

    /// Whether a row was not yet told, or not long enough ago.
    pub(crate) fn wants(&self, number: u64) -> bool {
        number > self.settled
    }

    /// The place after what came for "after this number", and whether to ask again: until nothing comes.
    pub(crate) fn advance(&self, numbers: &[u64], asked: Timestamp, lag: Duration) -> (Self, bool) {
        let reading = self.reading(asked);
        let highest = numbers.iter().copied().max().unwrap_or_default().max(reading.highest);
        if highest > self.number() {
            return (Self { reading: Some(Reading { highest, ..reading }), ..self.clone() }, true);
        }
        (self.clone().at_the_end(&reading, asked, lag), false)
    }

    /// The place after a counted page, `position`, and whether another page is ready.
    pub(crate) fn turn(
        &self,
        numbers: &[u64],
        (position, next, pages): (&Position, Option<Position>, &Pages),
        asked: Timestamp,
        lag: Duration,
    ) -> (Self, bool) {
        let reading = self.reading(asked);
        let highest = numbers.iter().copied().max().unwrap_or_default().max(reading.highest);
        let reading = Reading { highest, ..reading };
        let begins_past = numbers.iter().copied().min().is_none_or(|first| first > self.settled);
        if !reading.forward
            && begins_past
            && let Some(before) = before(pages, position)
        {
            return (Self { page: Some(before), reading: Some(reading), ..self.clone() }, true);
        }
        match next {
            Some(next) => {
                let reading = Some(Reading { forward: true, ..reading });
                (Self { page: Some(next), reading, ..self.clone() }, true)
            }
            None => {
                // An empty page past the end is not where the next reading begins.
                let page = if numbers.is_empty() { before(pages, position) } else { None };
                let place = Self { page: Some(page.unwrap_or_else(|| position.clone())), ..self.clone() };
                (place.at_the_end(&reading, asked, lag), false)
            }
        }
    }

    fn reading(&self, asked: Timestamp) -> Reading {
        self.reading.clone().unwrap_or(Reading { asked, highest: 0, forward: false })
    }

    fn at_the_end(mut self, reading: &Reading, asked: Timestamp, lag: Duration) -> Self {
        let highest = reading.highest.max(self.seen);
        let passed = reading.asked.signed_duration_since(self.at).to_std().unwrap_or_default();
        if passed >= lag {
            self.settled = self.seen;
        }
        if self.settled == self.seen && highest > self.seen {
            // The highest may stand on the last page: numbers below it are still under way as long after that.
            (self.seen, self.at) = (highest, asked);
        }
        Self { reading: None, ..self }
    }
}

/// The page before; `None` before the first.
fn before(pages: &Pages, position: &Position) -> Option<Position> {
    match (pages, position) {
        (Pages::Number { first, .. }, Position::Number(page)) if page > first => {
            Some(Position::Number(page - 1))
        }
        (Pages::Offset { size, .. }, Position::Offset(offset)) if *offset > 0 => {
            Some(Position::Offset(offset.saturating_sub(*size)))
        }
        _ => None,
    }
}

/// The page with this index, counted from 0.
pub(crate) fn nth(pages: &Pages, index: u64) -> Option<Position> {
    match pages {
        Pages::Number { first, .. } => Some(Position::Number(first.saturating_add(index))),
        Pages::Offset { size, .. } => Some(Position::Offset(index.saturating_mul(*size))),
        Pages::One
        | Pages::Limit { .. }
        | Pages::Cursor { .. }
        | Pages::NextLink { .. }
        | Pages::LinkHeader {} => None,
    }
}

#[cfg(test)]
#[path = "sequence_tests.rs"]
mod tests;
