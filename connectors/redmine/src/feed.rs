//! The place in the change feed: which window of `updated_on` to read next, so that nothing falls into a gap.
//!
//! Redmine stores microseconds, shows seconds and gives no sequence. Three things follow. A window is always open
//! at its end and the last seconds are read again, until a read that began after them and after the lag of late
//! commits. A page is never continued by offset, because an issue that changes leaves its place and moves the rest
//! up: the next page begins at the second of the last row. And where one second fills a whole page, that second is
//! read by issue number.

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};
use throughline_sdk::{Cursor, Error, ErrorKind, Result, Timestamp};

/// The most rows that Redmine gives at once; it cuts larger wishes silently.
pub(crate) const PAGE: usize = 100;

/// How many seconds a commit may come after the `updated_on` it carries.
pub(crate) const LAG_SECONDS: u64 = 5;

/// A row of the feed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) id: u64,
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
    /// Set while the second `since` is read by issue number: the first number to read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) from_id: Option<u64>,
    /// The latest second seen, on Redmine's clock.
    newest: Timestamp,
    /// When that second was first seen, on our clock.
    seen: Timestamp,
    /// While a reading takes several pages: a second that Redmine's clock had reached when the first was read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reached: Option<Timestamp>,
}

impl Place {
    /// The place after everything up to `newest`, which is read once more because its second may not be over.
    pub(crate) fn after(newest: Timestamp, now: Timestamp) -> Self {
        Self { since: newest, from_id: None, newest, seen: now, reached: None }
    }

    /// Reads what [`cursor`](Self::cursor) wrote.
    pub(crate) fn parse(cursor: &Cursor) -> Result<Self> {
        serde_json::from_str(cursor.as_str()).map_err(|error| {
            Error::new(ErrorKind::Malformed, format!("this is no cursor of the Redmine connector: {error}"))
        })
    }

    /// Writes the place as a cursor.
    pub(crate) fn cursor(&self) -> Result<Cursor> {
        serde_json::to_string(self).map(Cursor::new).map_err(|error| {
            Error::new(ErrorKind::Malformed, format!("the cursor cannot be written: {error}"))
        })
    }

    /// The filter and order of the next page, as parameters of `/issues.json`.
    pub(crate) fn query(&self) -> Vec<(&'static str, String)> {
        let second = |time: Timestamp| time.format("%Y-%m-%dT%H:%M:%SZ").to_string();
        match self.from_id {
            None => vec![
                ("updated_on", format!(">={}", second(self.since))),
                ("sort", "updated_on:asc,id:asc".to_owned()),
            ],
            Some(id) => vec![
                ("updated_on", format!("><{}|{}", second(self.since), second(plus(self.since, 1)))),
                ("issue_id", format!(">={id}")),
                ("sort", "id:asc".to_owned()),
            ],
        }
    }

    /// Whether a row of the page belongs to what was asked for: Redmine reads "from T on" as "after T less a second".
    pub(crate) fn wants(&self, row: &Row) -> bool {
        row.updated >= self.since
    }

    /// The place after a page, and whether another page is ready.
    pub(crate) fn advance(&self, rows: &[Row], page: Moments) -> (Self, bool) {
        let last = rows.last().filter(|_| rows.len() >= PAGE);
        let reached = self.reached.unwrap_or_else(|| self.reached(rows, page.asked));
        let next = Self { reached: Some(reached), ..self.having_seen(rows, page.answered) };
        match (self.from_id, last) {
            (Some(_), Some(last)) => (Self { from_id: Some(last.id.saturating_add(1)), ..next }, true),
            (Some(_), None) => (Self { since: plus(self.since, 1), from_id: None, ..next }, true),
            (None, Some(last)) if last.updated > self.since => (Self { since: last.updated, ..next }, true),
            (None, Some(_)) => (Self { from_id: Some(0), ..next }, true),
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

    /// A second that Redmine's clock had surely reached when a reading began: the latest one seen before, and as
    /// long after as has passed on our clock since. So the two clocks need not agree.
    fn reached(&self, rows: &[Row], asked: Timestamp) -> Timestamp {
        let passed = asked.signed_duration_since(self.seen).num_seconds().max(0);
        rows.iter().map(|row| row.updated).fold(plus(self.newest, passed), Timestamp::max)
    }

    /// Once everything was read: what was committed before the reading began need not be read again.
    fn at_the_end(self, reached: Timestamp) -> Self {
        let lag = i64::try_from(LAG_SECONDS).unwrap_or(i64::MAX);
        let since = plus(reached, -lag).min(plus(self.newest, 1));
        Self { since, reached: None, ..self }
    }
}

fn plus(time: Timestamp, seconds: i64) -> Timestamp {
    time.checked_add_signed(TimeDelta::seconds(seconds)).unwrap_or(time)
}

#[cfg(test)]
#[path = "feed_tests.rs"]
mod tests;
