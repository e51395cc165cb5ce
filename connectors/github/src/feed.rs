//! The place in the change feed: which issues to list next, so that nothing falls into a gap.
//!
//! GitHub lists issues by `updated_at`, in whole seconds, and gives no sequence. A reading is always open at its end, and
//! the last minute is read again until a reading that began a minute later: what a list shows late is seen then. A
//! page is not continued by its number, because an issue that changes leaves its place and moves the rest up: the next
//! page begins at the second of the last row. Only where one second fills a whole page are numbers needed; then that
//! second is walked through until two walks saw the same issues, since whatever left it in between is missing from the
//! second walk.

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};
use throughline_sdk::{Cursor, Error, ErrorKind, Result, Timestamp};

/// The most rows that GitHub gives at once.
pub(crate) const PAGE: usize = 100;

/// How far the list may lag behind a write. GitHub does not say; a minute is much for a replica.
pub(crate) const LAG_SECONDS: u64 = 60;

/// A row of the feed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) number: u64,
    pub(crate) updated: Timestamp,
}

/// When a page was asked for and when it came, on our clock.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moments {
    pub(crate) asked: Timestamp,
    pub(crate) answered: Timestamp,
}

/// Where to read next.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Place {
    /// The first second to read.
    pub(crate) since: Timestamp,
    /// Set while the second `since`, which fills a page, is read by page numbers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    walk: Option<Walk>,
    /// The latest second seen, on GitHub's clock.
    newest: Timestamp,
    /// When that second was first seen, on our clock.
    seen: Timestamp,
    /// While a reading takes several pages: a second that GitHub's clock had reached when the first was read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reached: Option<Timestamp>,
}

/// A walk through the pages of one second.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Walk {
    page: u32,
    /// Which issues this walk has seen, as a sum that does not depend on their order.
    sum: u64,
    /// The sum of the walk before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    before: Option<u64>,
}

impl Place {
    /// The place after everything up to `newest`, with room for what the list shows late.
    pub(crate) fn after(newest: Timestamp, now: Timestamp) -> Self {
        Self { since: plus(newest, -lag()), walk: None, newest, seen: now, reached: None }
    }

    /// Reads what [`cursor`](Self::cursor) wrote.
    pub(crate) fn parse(cursor: &Cursor) -> Result<Self> {
        serde_json::from_str(cursor.as_str()).map_err(|error| {
            Error::new(ErrorKind::Malformed, format!("this is no cursor of the GitHub connector: {error}"))
        })
    }

    /// Writes the place as a cursor.
    pub(crate) fn cursor(&self) -> Result<Cursor> {
        serde_json::to_string(self).map(Cursor::new).map_err(|error| {
            Error::new(ErrorKind::Malformed, format!("the cursor cannot be written: {error}"))
        })
    }

    /// The filter and order of the next page, as parameters of the list.
    ///
    /// Whether `since` takes in its own second is not documented, so a second more is asked for.
    pub(crate) fn query(&self) -> Vec<(&'static str, String)> {
        vec![
            ("sort", "updated".to_owned()),
            ("direction", "asc".to_owned()),
            ("since", second(plus(self.since, -1))),
            ("page", self.walk.map_or(1, |walk| walk.page).to_string()),
        ]
    }

    /// Whether a row of the page belongs to what was asked for.
    pub(crate) fn wants(&self, row: &Row) -> bool {
        row.updated >= self.since
    }

    /// The place after a page, and whether another page is ready.
    pub(crate) fn advance(&self, rows: &[Row], page: Moments) -> (Self, bool) {
        let last = rows.last().filter(|_| rows.len() >= PAGE);
        let reached = self.reached.unwrap_or_else(|| self.reached(rows, page.asked));
        let next = Self { reached: Some(reached), ..self.having_seen(rows, page.answered) };
        match (self.walk, last) {
            (Some(walk), last) => {
                let ends = last.is_none_or(|last| last.updated > self.since);
                match walk.on(rows.iter().filter(|row| row.updated <= self.since), ends) {
                    Some(walk) => (Self { walk: Some(walk), ..next }, true),
                    None => (Self { since: plus(self.since, 1), walk: None, ..next }, true),
                }
            }
            (None, Some(last)) if last.updated > self.since => (Self { since: last.updated, ..next }, true),
            (None, Some(_)) => (Self { walk: Some(Walk { page: 1, sum: 0, before: None }), ..next }, true),
            (None, None) => (next.at_the_end(reached), false),
        }
    }

    /// Notes the latest second, and when it was first seen.
    fn having_seen(&self, rows: &[Row], now: Timestamp) -> Self {
        let newest = rows.iter().map(|row| row.updated).max().unwrap_or(self.newest).max(self.newest);
        // A clock that was set back would else keep the window open for as long as it was set back.
        let seen = if newest > self.newest { now } else { self.seen.min(now) };
        Self { newest, seen, ..self.clone() }
    }

    /// A second that GitHub's clock had surely reached when a reading began: the latest one seen before, and as long
    /// after as has passed on our clock since. So the two clocks need not agree.
    fn reached(&self, rows: &[Row], asked: Timestamp) -> Timestamp {
        let passed = asked.signed_duration_since(self.seen).num_seconds().max(0);
        rows.iter().map(|row| row.updated).fold(plus(self.newest, passed), Timestamp::max)
    }

    /// Once everything was read: what the list showed before the reading began need not be read again.
    fn at_the_end(self, reached: Timestamp) -> Self {
        let since = plus(reached, -lag()).min(plus(self.newest, 1));
        Self { since, reached: None, ..self }
    }
}

impl Walk {
    /// The walk after a page; `None` once it saw the same as the one before.
    fn on<'r>(self, rows: impl Iterator<Item = &'r Row>, ends: bool) -> Option<Self> {
        let sum = rows.fold(self.sum, |sum, row| sum.wrapping_add(spread(row.number)));
        match ends {
            false => Some(Self { page: self.page.saturating_add(1), sum, ..self }),
            true if self.before == Some(sum) => None,
            true => Some(Self { page: 1, sum: 0, before: Some(sum) }),
        }
    }
}

/// A number spread over 64 bits, so that different sets hardly ever have one sum (the finalizer of `SplitMix64`).
fn spread(number: u64) -> u64 {
    let mixed = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// A moment in the form that GitHub's documentation asks for.
pub(crate) fn second(time: Timestamp) -> String {
    time.format("%Y-%m-%dT%H:%M:%SZ").to_string()
}

fn lag() -> i64 {
    i64::try_from(LAG_SECONDS).unwrap_or(i64::MAX)
}

fn plus(time: Timestamp, seconds: i64) -> Timestamp {
    time.checked_add_signed(TimeDelta::seconds(seconds)).unwrap_or(time)
}

#[cfg(test)]
#[path = "feed_tests.rs"]
mod tests;
