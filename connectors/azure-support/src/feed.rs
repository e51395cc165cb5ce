//! What changed, where nothing tells: the open tickets, compared with what they were.
//!
//! The list of tickets is filtered by status and by when they were created, never by when they changed. So each reading
//! lists the open ones and those created lately, and the cursor remembers when each was last modified. A message does
//! not count as a modification, so that each open ticket is also asked for messages after the last one known. A ticket
//! that is not listed any more was closed, or grew too old to be shown: it is read by itself, and what cannot be read
//! only for its age is forgotten without a word. Times have whole seconds and a list may lag, so that a change is told
//! again until its second and the lag are surely over.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta};
use serde::{Deserialize, Serialize};
use throughline_sdk::{Cursor, Result, Timestamp};

use crate::map::is_closed;
use crate::wire::Ticket;

/// How far a list may lag behind a change.
pub(crate) const LAG_SECONDS: i64 = 30;
/// How long before the last reading a ticket may have been created and still be missed by it.
const CREATED_MARGIN_SECONDS: i64 = 60 * 60;
const DAY_SECONDS: i64 = 24 * 60 * 60;
/// For how long after it was created Azure shows a ticket: 18 months, less a little.
/// <https://learn.microsoft.com/rest/api/support/support-tickets/get>
const SHOWN_SECONDS: i64 = 540 * DAY_SECONDS;
/// How many tickets the cursor remembers: it is recorded whenever it changes.
pub(crate) const MAX_REMEMBERED: usize = 150;

/// A ticket as listed. Times are seconds since 1970, as everywhere here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) name: String,
    pub(crate) modified: i64,
    pub(crate) created: i64,
    pub(crate) closed: bool,
}

/// When a reading began, on our clock and on Azure's.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment {
    pub(crate) ours: i64,
    pub(crate) theirs: i64,
}

/// What is remembered of a ticket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Seen {
    #[serde(rename = "m")]
    modified: i64,
    #[serde(rename = "c")]
    created: i64,
    /// Until then all its messages are known.
    #[serde(rename = "t")]
    talked: i64,
    /// Until when, on our clock, it may change without its times changing.
    #[serde(rename = "h", default, skip_serializing_if = "Option::is_none")]
    hot_until: Option<i64>,
    #[serde(rename = "x", default, skip_serializing_if = "std::ops::Not::not")]
    closed: bool,
}

/// Where to read on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Place {
    /// What was created before, less a margin, is known: on Azure's clock.
    since: i64,
    /// By name.
    tickets: BTreeMap<String, Seen>,
    /// Where there are more open tickets than are remembered: when the last forgotten one was modified.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    forgotten: Option<i64>,
    /// Set while the tickets are looked at one by one: the last one that was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) after: Option<String>,
}

/// A ticket that has to be looked at by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Look {
    pub(crate) name: String,
    /// It was open and is not listed any more. Otherwise: whether it has messages after `talked`.
    pub(crate) vanished: bool,
    pub(crate) talked: Timestamp,
}

/// What a reading found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct News {
    /// What may have changed, by when, oldest first.
    pub(crate) hints: BTreeSet<(i64, String)>,
    /// By name.
    pub(crate) looks: Vec<Look>,
}

impl Row {
    /// A ticket as a row; one without times was never modified.
    pub(crate) fn of(ticket: &Ticket) -> Self {
        let seconds = |time: Option<Timestamp>| time.map_or(0, |time| time.timestamp());
        let created = seconds(ticket.properties.created_date);
        Self {
            name: ticket.name.clone(),
            modified: seconds(ticket.properties.modified_date).max(created),
            created,
            closed: is_closed(ticket),
        }
    }
}

impl Moment {
    fn hot_until(self) -> i64 {
        self.ours + LAG_SECONDS + 1
    }

    /// From when on the messages of a ticket first seen now may be unknown.
    fn talked(self) -> i64 {
        self.theirs - LAG_SECONDS
    }
}

impl News {
    pub(crate) fn hint(&mut self, at: i64, name: &str) {
        self.hints.insert((at, name.to_owned()));
    }
}

impl Place {
    /// The place that a cursor of ours holds.
    pub(crate) fn parse(cursor: &Cursor) -> Result<Self> {
        cursor.read("the Azure Support connector")
    }

    /// The filter for tickets created since shortly before the last reading.
    pub(crate) fn lately(&self) -> String {
        let since = time(self.since) - TimeDelta::seconds(CREATED_MARGIN_SECONDS);
        format!("CreatedDate ge {}", since.format("%Y-%m-%dT%H:%M:%SZ"))
    }

    /// The place from which only what comes from now on is told.
    pub(crate) fn start(rows: Vec<Row>, now: Moment) -> Self {
        let mut place = Self { since: now.theirs, ..Self::default() };
        for row in rows {
            // What was modified lately may be modified again in the same second, also if the clocks differ a little.
            let hot = (now.theirs - row.modified).abs() < CREATED_MARGIN_SECONDS;
            place.remember(&row, now.talked(), hot.then(|| now.hot_until()));
        }
        place.forget();
        place
    }

    /// Compares what is listed now with what was, and says which tickets have to be looked at by themselves.
    pub(crate) fn compare(&mut self, rows: Vec<Row>, now: Moment) -> News {
        let mut news = News::default();
        let before = self.tickets.clone();
        let mut unlisted = std::mem::take(&mut self.tickets);
        for row in rows {
            let known = unlisted.remove(&row.name);
            let forgotten = self.forgotten.is_some_and(|forgotten| row.modified <= forgotten);
            let (changed, hot) = match known {
                Some(seen) if seen.modified == row.modified && seen.closed == row.closed => {
                    (seen.hot_until.is_some(), seen.hot_until.filter(|until| *until > now.ours))
                }
                None if forgotten => (false, None),
                Some(_) | None => (true, Some(now.hot_until())),
            };
            let talked = known.map_or_else(|| now.talked(), |seen| seen.talked);
            self.remember(&row, talked, hot);
            if changed {
                news.hint(row.modified, &row.name);
            } else if !row.closed {
                news.looks.push(Look { name: row.name, vanished: false, talked: time(talked) });
            }
        }
        for (name, seen) in unlisted {
            if !seen.closed {
                // Until it has been read, it is what it was.
                self.tickets.insert(name.clone(), seen);
                news.looks.push(Look { name, vanished: true, talked: time(seen.talked) });
            } else if let Some(until) = seen.hot_until {
                news.hint(seen.modified, &name);
                if until > now.ours {
                    self.tickets.insert(name, seen);
                }
            }
        }
        self.forget();
        // Of what is not remembered nobody knows up to when its messages are known: the reconciliation reads it.
        news.looks.retain(|look| self.tickets.contains_key(&look.name));
        news.looks.sort_by(|a, b| a.name.cmp(&b.name));
        // The cursor stays as it is while nothing happens: each new one is a record.
        if self.tickets != before || now.theirs - self.since > DAY_SECONDS {
            self.since = now.theirs;
        }
        news
    }

    /// A vanished ticket was read. Answers whether it is to be hinted at.
    pub(crate) fn found(&mut self, row: &Row, now: Moment) -> bool {
        let before = self.tickets.get(&row.name).copied();
        let same = before.is_some_and(|seen| seen.modified == row.modified && seen.closed == row.closed);
        let hot = if same { before.and_then(|seen| seen.hot_until) } else { Some(now.hot_until()) };
        self.remember(row, before.map_or_else(|| now.talked(), |seen| seen.talked), hot);
        !same
    }

    /// A vanished ticket cannot be read. Answers whether it is to be hinted at: not where it only grew too old.
    pub(crate) fn lost(&mut self, name: &str, now: Moment) -> bool {
        let seen = self.tickets.remove(name);
        seen.is_some_and(|seen| now.theirs - seen.created < SHOWN_SECONDS)
    }

    /// A ticket has messages up to this time.
    pub(crate) fn talked(&mut self, name: &str, until: Timestamp, now: Moment) {
        if let Some(seen) = self.tickets.get_mut(name) {
            seen.talked = until.timestamp();
            seen.hot_until = Some(now.hot_until());
        }
    }

    fn remember(&mut self, row: &Row, talked: i64, hot_until: Option<i64>) {
        let Row { name, modified, created, closed } = row.clone();
        self.tickets.insert(name, Seen { modified, created, talked, hot_until, closed });
    }

    /// Forgets what was modified longest ago, so that the cursor stays small. What may still change unseen stays.
    fn forget(&mut self) {
        self.forgotten = None;
        let surplus = self.tickets.len().saturating_sub(MAX_REMEMBERED);
        let mut by_age: Vec<(i64, String)> = self
            .tickets
            .iter()
            .filter(|(_, seen)| seen.hot_until.is_none())
            .map(|(name, seen)| (seen.modified, name.clone()))
            .collect();
        by_age.sort();
        for (modified, name) in by_age.into_iter().take(surplus) {
            self.tickets.remove(&name);
            self.forgotten = Some(modified);
        }
    }
}

fn time(seconds: i64) -> Timestamp {
    DateTime::from_timestamp(seconds, 0).unwrap_or_default()
}

#[cfg(test)]
#[path = "feed_tests.rs"]
mod tests;
