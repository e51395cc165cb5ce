//! The place in a change feed by time: which window to read next, so that nothing falls into a gap.
//!
//! A window is always open at its end, and its last part is read again until a reading that began after it and after
//! the lag. Clocks need not agree: how far the desk's clock has come is told by the latest time seen there and by what
//! has passed on ours since. A page is continued by beginning anew at the time of its last row, because a ticket that
//! changes leaves its place and moves the rest up; only where one tick of the clock fills a page, the desk's own pages
//! are followed, and that tick is read again if anything moved meanwhile.

use std::time::Duration;

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};
use throughline_sdk::Timestamp;

use crate::dates::floor;
use crate::pagination::Position;

/// What the desk's clock does.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tick {
    pub(crate) granularity: Duration,
    pub(crate) lag: Duration,
}

/// A page of the feed, in times.
#[derive(Clone, Debug)]
pub(crate) struct Page {
    /// The latest time of a row.
    pub(crate) newest: Option<Timestamp>,
    /// The time of the last row.
    pub(crate) last: Option<Timestamp>,
    /// Where the desk says that its next page is.
    pub(crate) next: Option<Position>,
    /// When it was asked for, and when it came, on our clock.
    pub(crate) asked: Timestamp,
    pub(crate) answered: Timestamp,
}

/// Where to read next.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Place {
    /// The first moment to read.
    pub(crate) since: Timestamp,
    /// Set while one tick is read by the desk's pages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) at: Option<Position>,
    /// The latest time seen, on the desk's clock.
    newest: Timestamp,
    /// When that was first seen, on our clock.
    seen: Timestamp,
    /// While a reading takes several pages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reading: Option<Reading>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Reading {
    /// A moment that the desk's clock had reached when it began.
    reached: Timestamp,
    /// The earliest tick that was read by the desk's pages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    paged: Option<Timestamp>,
}

impl Place {
    /// The place after everything up to `newest`, whose tick is read once more because it may not be over.
    pub(crate) fn after(newest: Timestamp, now: Timestamp) -> Self {
        Self { since: newest, at: None, newest, seen: now, reading: None }
    }

    /// The place after a page, and whether another page is ready.
    pub(crate) fn advance(&self, page: &Page, tick: Tick) -> (Self, bool) {
        let reading =
            self.reading.clone().unwrap_or_else(|| Reading { reached: self.reached(page), paged: None });
        let next = self.having_seen(page);
        let last = page.last.map(|last| floor(last, tick.granularity));
        match (&page.next, last) {
            (Some(_), Some(last)) if last > self.since => {
                (Self { since: last, at: None, reading: Some(reading), ..next }, true)
            }
            (Some(position), _) => {
                let paged = Some(reading.paged.map_or(self.since, |paged| paged.min(self.since)));
                let reading = Some(Reading { paged, ..reading });
                (Self { at: Some(position.clone()), reading, ..next }, true)
            }
            (None, _) => (next.at_the_end(&reading, tick), false),
        }
    }

    /// Notes the latest time, and when it was first seen.
    fn having_seen(&self, page: &Page) -> Self {
        let newest = page.newest.unwrap_or(self.newest).max(self.newest);
        // A clock that was set back would else keep the window open for as long as it was set back.
        let seen = if newest > self.newest { page.answered } else { self.seen.min(page.answered) };
        Self { newest, seen, ..self.clone() }
    }

    /// A moment that the desk's clock had surely reached when a reading began.
    fn reached(&self, page: &Page) -> Timestamp {
        let passed = page.asked.signed_duration_since(self.seen).max(TimeDelta::zero());
        let passed = plus(self.newest, passed);
        page.newest.map_or(passed, |newest| newest.max(passed))
    }

    /// Once everything was read: what was committed before the reading began need not be read again.
    fn at_the_end(self, reading: &Reading, tick: Tick) -> Self {
        let delta = |length| TimeDelta::from_std(length).unwrap_or(TimeDelta::MAX);
        let step = tick.granularity.max(Duration::from_micros(1));
        let over = plus(floor(self.newest, step), delta(step));
        let settled = floor(plus(reading.reached, -delta(tick.lag)), step);
        let mut since = settled.min(over);
        if let Some(paged) = reading.paged
            && self.newest >= settled
        {
            // Something may have moved while a tick was read page by page, under a time from before the reading where it
            // was committed late, and a row slipped to the page before.
            since = since.min(paged);
        }
        Self { since, at: None, reading: None, ..self }
    }
}

fn plus(time: Timestamp, length: TimeDelta) -> Timestamp {
    time.checked_add_signed(length).unwrap_or(time)
}

#[cfg(test)]
#[path = "feed_tests.rs"]
mod tests;
