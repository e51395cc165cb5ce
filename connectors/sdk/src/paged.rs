//! The place in a feed by time whose pages have numbers.
//!
//! Page numbers are used only within one tick of the desk's clock, where that tick fills a page: see
//! [`window`](crate::window) for the rest. A ticket that leaves the tick meanwhile moves the others up, and one slips to
//! the page before. So such a tick is walked through until two walks saw the same tickets: whatever left it in between
//! was seen by the one walk and is missing from the other.

use serde::{Deserialize, Serialize};

use crate::window::{Moments, Window, floor};
use crate::{Feed, Timestamp};

/// How often one tick is walked through at most in one reading. Each walk that differs from the one before saw a ticket
/// leave, and with no ticket left there is nothing to differ in; only a desk that lists the tickets of one tick in an
/// order of chance comes so far. What is missed then is found by the reconciliation.
const MOST_WALKS: u32 = 16;

/// A row of the feed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    /// The ticket.
    pub id: u64,
    /// When it changed, on the desk's clock.
    pub changed: Timestamp,
}

/// Where to read next. Part of a cursor: what its fields are called is recorded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    #[serde(flatten)]
    window: Window,
    /// Set while the first tick of the window, which fills a page, is read by page numbers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    walk: Option<Walk>,
}

/// A walk through the pages of one tick.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Walk {
    page: u32,
    /// Which tickets this walk has seen, as a sum that does not depend on their order.
    sum: u64,
    /// The sum of the walk before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    before: Option<u64>,
    /// How many walks came to their end.
    #[serde(default)]
    walked: u32,
}

impl Place {
    /// The place after everything up to `newest`, with room for what is committed late. `now` is on our clock.
    pub fn after(newest: Timestamp, now: Timestamp, feed: Feed) -> Self {
        Window::after(newest, now, feed).into()
    }

    /// The first moment to read.
    pub fn since(&self) -> Timestamp {
        self.window.since()
    }

    /// The page of it, from one.
    pub fn page(&self) -> u32 {
        self.walk.map_or(1, |walk| walk.page)
    }

    /// The window that is read.
    pub fn window(&self) -> &Window {
        &self.window
    }

    /// The place after a page, and whether another page is ready. `follows`: whether the desk gives a page after it.
    pub fn advance(&self, rows: &[Row], follows: bool, page: Moments, feed: Feed) -> (Self, bool) {
        let window = self.window.having_seen(rows.iter().map(|row| row.changed), page, feed);
        let further = |row: &Row| floor(row.changed, feed.granularity) > self.since();
        let last = rows.last().filter(|_| follows);
        let walk = match (self.walk, last) {
            (Some(walk), last) => {
                let ends = last.is_none_or(further);
                let Some(walk) = walk.on(rows.iter().filter(|row| !further(row)), ends) else {
                    return (window.past_a_tick(feed).into(), true);
                };
                walk
            }
            (None, Some(last)) => match window.from(last.changed, feed) {
                Some(rest) => return (rest.into(), true),
                None => Walk::first(rows),
            },
            (None, None) => return (window.closed(feed).into(), false),
        };
        (Self { window, walk: Some(walk) }, true)
    }
}

impl From<Window> for Place {
    fn from(window: Window) -> Self {
        Self { window, walk: None }
    }
}

impl Walk {
    const BEGIN: Self = Self { page: 1, sum: 0, before: None, walked: 0 };

    /// The walk after its first page.
    fn first(rows: &[Row]) -> Self {
        Self::BEGIN.further(rows.iter())
    }

    /// The walk after a page; `None` once it saw the same as the one before.
    fn on<'r>(self, rows: impl Iterator<Item = &'r Row>, ends: bool) -> Option<Self> {
        let walk = self.further(rows);
        let walked = self.walked.saturating_add(1);
        match ends {
            false => Some(walk),
            true if self.before == Some(walk.sum) || walked >= MOST_WALKS => None,
            true => Some(Self { before: Some(walk.sum), walked, ..Self::BEGIN }),
        }
    }

    fn further<'r>(self, rows: impl Iterator<Item = &'r Row>) -> Self {
        let sum = rows.fold(self.sum, |sum, row| sum.wrapping_add(spread(row.id)));
        Self { page: self.page.saturating_add(1), sum, ..self }
    }
}

/// A number spread over 64 bits, so that different sets hardly ever have one sum (the finalizer of `SplitMix64`).
fn spread(number: u64) -> u64 {
    let mixed = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
#[path = "paged_tests.rs"]
mod tests;
