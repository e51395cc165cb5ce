//! The place in a change feed by time: which window to read next, so that nothing falls into a gap.
//!
//! Only where one tick of the clock fills a page, the desk's own pages are followed. A row may not tell its ticket's time,
//! so that tick is not walked through for itself: it is read again if anything moved meanwhile.

use serde::{Deserialize, Serialize};
use throughline_sdk::{Feed, Moments, Timestamp, Window};

use crate::pagination::Position;

/// A page of the feed, in times.
#[derive(Clone, Debug)]
pub(crate) struct Page {
    /// The latest time of a row.
    pub(crate) newest: Option<Timestamp>,
    /// The time of the last row.
    pub(crate) last: Option<Timestamp>,
    /// Where the desk says that its next page is.
    pub(crate) next: Option<Position>,
    pub(crate) moments: Moments,
}

/// Where to read next.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Recorded")]
pub(crate) struct Place {
    #[serde(flatten)]
    window: Window,
    /// Set while one tick is read by the desk's pages.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) at: Option<Position>,
    /// While a reading takes several pages: the earliest tick that was read by the desk's pages.
    #[serde(skip_serializing_if = "Option::is_none")]
    paged: Option<Timestamp>,
}

/// A place as recorded, by this version or an earlier one.
#[derive(Deserialize)]
struct Recorded {
    #[serde(flatten)]
    window: Window,
    at: Option<Position>,
    paged: Option<Timestamp>,
    reading: Option<Reading>,
}

/// How an earlier version recorded a reading under way.
#[derive(Deserialize)]
struct Reading {
    reached: Timestamp,
    paged: Option<Timestamp>,
}

impl From<Recorded> for Place {
    fn from(recorded: Recorded) -> Self {
        let Recorded { window, at, paged, reading } = recorded;
        match reading {
            None => Self { window, at, paged },
            Some(reading) => {
                Self { window: window.having_reached(reading.reached), at, paged: reading.paged }
            }
        }
    }
}

impl Place {
    /// The place after everything up to `newest`, with room for what is committed late.
    pub(crate) fn after(newest: Timestamp, now: Timestamp, feed: Feed) -> Self {
        Self { window: Window::after(newest, now, feed), at: None, paged: None }
    }

    /// The first moment to read.
    pub(crate) fn since(&self) -> Timestamp {
        self.window.since()
    }

    /// The place after a page, and whether another page is ready.
    pub(crate) fn advance(&self, page: &Page, feed: Feed) -> (Self, bool) {
        let paged = self.paged;
        let window = self.window.having_seen(page.newest, page.moments, feed);
        match (&page.next, page.last.and_then(|last| window.from(last, feed))) {
            (Some(_), Some(rest)) => (Self { window: rest, at: None, paged }, true),
            (Some(position), None) => {
                let paged = Some(paged.map_or(self.since(), |paged| paged.min(self.since())));
                (Self { window, at: Some(position.clone()), paged }, true)
            }
            (None, _) => {
                let moved = window.moved(feed);
                let mut window = window.closed(feed);
                if let Some(paged) = paged.filter(|_| moved) {
                    // Something may have moved while a tick was read page by page, under a time from before the reading
                    // where it was committed late, and a row slipped to the page before.
                    window = window.reaching_back(paged);
                }
                (Self { window, at: None, paged: None }, false)
            }
        }
    }
}

#[cfg(test)]
#[path = "feed_tests.rs"]
mod tests;
