//! The place in the change feed: which stretch of time to search next, so that nothing falls into a gap.
//!
//! Jira has no sequence of changes, only a search over an index that lags behind, that compares dates to the minute, and
//! that reads them in the time zone of whoever asks. So a search asks for "the last so many minutes" as measured on our
//! own clock: no zone and no difference between the clocks comes into it. The stretch reaches back over what the index
//! may have missed the last time. What was hinted at before is remembered by id and time of change, and is not hinted at
//! again once it was seen a second time, when its second was over.
//!
//! Within one reading the rows come by key and not by time: an issue that changes meanwhile keeps its place, so a page
//! can be continued.

use std::collections::BTreeSet;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use throughline_sdk::{Cursor, Moments, Result, Timestamp};

/// Dates are compared to the minute, and both ends of a stretch are cut.
const GRANULARITY_MINUTES: u64 = 2;
/// How long one reading may take over all its pages before it begins anew: the stretch is longer by as much.
const READING_MINUTES: u64 = 15;
/// What is searched when our clock was set back.
const AFTER_A_JUMP_MINUTES: u64 = 24 * 60;
/// After so long a time of change cannot be given again, whatever step the database's clock has.
const SETTLED_MILLIS: i64 = 2_000;
/// How many changes are remembered; older ones are hinted at again.
const REMEMBERED: usize = 300;

/// A row of the search.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) id: String,
    pub(crate) updated: Timestamp,
}

/// Where to read next. Times are milliseconds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Place {
    /// When the last reading began, on our clock.
    since: i64,
    /// The reading under way, if it takes more than one page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reading: Option<Reading>,
    /// Changes that were hinted at: issue, its time of change, and when it was first seen unless that is settled.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    seen: Vec<(String, i64, Option<i64>)>,
}

/// A reading under way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Reading {
    /// When it began, on our clock.
    began: i64,
    /// How far back it reaches: the same for all its pages.
    pub(crate) minutes: u64,
    /// Where its next page begins.
    pub(crate) from: Option<String>,
}

impl Place {
    /// The place after everything that the search shows now: it is known and not to be hinted at.
    ///
    /// What changed at the very end, by the server's own time, may change once more in the same tick and counts as unseen.
    pub(crate) fn after(rows: &[Row], now: Timestamp, server: Timestamp) -> Self {
        let mut place = Self { since: now.timestamp_millis(), reading: None, seen: Vec::new() };
        let over = server.timestamp_millis().saturating_sub(SETTLED_MILLIS);
        let known = rows.iter().filter(|row| row.updated.timestamp_millis() < over);
        place.seen = known.map(|row| (row.id.clone(), row.updated.timestamp_millis(), None)).collect();
        place.forget();
        place
    }

    /// The place that a cursor of ours holds.
    pub(crate) fn parse(cursor: &Cursor) -> Result<Self> {
        cursor.read("the Jira connector")
    }

    /// The reading to go on with, or a new one.
    pub(crate) fn reading(&self, now: Timestamp, lag: Duration) -> Reading {
        let now = now.timestamp_millis();
        let limit = i64::try_from(READING_MINUTES * 60_000).unwrap_or(i64::MAX);
        if let Some(reading) = &self.reading
            && (0..limit).contains(&now.saturating_sub(reading.began))
        {
            return reading.clone();
        }
        let passed = match u64::try_from(now.saturating_sub(self.since)) {
            Ok(millis) => millis.div_ceil(60_000),
            Err(_) => AFTER_A_JUMP_MINUTES,
        };
        Reading { began: now, minutes: passed.saturating_add(back(lag)), from: None }
    }

    /// The issues that changed last, newest first: of these a search is to be sure.
    pub(crate) fn recent(&self, count: usize) -> Vec<String> {
        let mut recent = Vec::new();
        for (id, ..) in self.seen.iter().rev() {
            if recent.len() >= count {
                break;
            }
            if !recent.contains(id) {
                recent.push(id.clone());
            }
        }
        recent
    }

    /// The issues of a page to hint at, and the place after it; `next` is where the next page begins.
    pub(crate) fn advance(
        mut self,
        rows: &[Row],
        reading: &Reading,
        next: Option<String>,
        page: Moments,
    ) -> (Vec<String>, Self) {
        let (asked, answered) = (page.asked.timestamp_millis(), page.answered.timestamp_millis());
        let mut rows: Vec<&Row> = rows.iter().collect();
        rows.sort_by_key(|row| row.updated);
        let mut hinted = Vec::new();
        for row in rows {
            let updated = row.updated.timestamp_millis();
            match self.seen.iter_mut().find(|(id, at, _)| *id == row.id && *at == updated) {
                Some((_, _, None)) => continue,
                Some((_, _, first)) => {
                    // A clock that was set back would else leave it unsettled for as long.
                    let waited = first.map_or(0, |first| asked.saturating_sub(first));
                    if !(0..SETTLED_MILLIS).contains(&waited) {
                        *first = None;
                    }
                }
                None => {
                    self.seen.retain(|(id, ..)| *id != row.id);
                    self.seen.push((row.id.clone(), updated, Some(answered)));
                }
            }
            hinted.push(row.id.clone());
        }
        self.forget();
        match next {
            Some(_) => self.reading = Some(Reading { from: next, ..reading.clone() }),
            None => (self.since, self.reading) = (reading.began, None),
        }
        let mut once = BTreeSet::new();
        hinted.retain(|id| once.insert(id.clone()));
        (hinted, self)
    }

    /// Keeps the newest changes only, newest last.
    fn forget(&mut self) {
        self.seen.sort_by_key(|(_, updated, _)| *updated);
        let many = self.seen.len().saturating_sub(REMEMBERED);
        self.seen.drain(..many);
    }
}

/// How far before the beginning of the last reading a search has to reach.
pub(crate) fn back(lag: Duration) -> u64 {
    lag.as_secs().div_ceil(60).saturating_add(GRANULARITY_MINUTES).saturating_add(READING_MINUTES)
}

/// The search for all changes of the last minutes in a project, in an order that changes do not move.
pub(crate) fn jql(project: &str, minutes: u64) -> String {
    format!("project = \"{project}\" AND updated >= \"-{minutes}m\" ORDER BY key ASC")
}

#[cfg(test)]
#[path = "feed_tests.rs"]
mod tests;
