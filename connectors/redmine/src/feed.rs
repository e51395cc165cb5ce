//! The place in the change feed: which window of `updated_on` to read next, so that nothing falls into a gap.
//!
//! Redmine stores microseconds, shows seconds and gives no sequence. Where one second fills a whole page, that second is
//! read by issue number, which no change moves.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use throughline_sdk::paged::Row;
use throughline_sdk::{Feed, Moments, Timestamp, Window};

/// The most rows that Redmine gives at once; it cuts larger wishes silently.
pub(crate) const PAGE: usize = 100;

/// Whole seconds, and how long after its `updated_on` an issue may be committed.
pub(crate) const FEED: Feed = Feed { granularity: Duration::from_secs(1), lag: Duration::from_secs(5) };

/// Where to read next.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Place {
    #[serde(flatten)]
    window: Window,
    /// Set while the first second of the window is read by issue number: the first number to read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    from_id: Option<u64>,
}

impl Place {
    /// The place after everything up to `newest`, with room for what is committed late.
    pub(crate) fn after(newest: Timestamp, now: Timestamp) -> Self {
        Window::after(newest, now, FEED).into()
    }

    /// The filter and order of the next page, as parameters of `/issues.json`.
    pub(crate) fn query(&self) -> Vec<(&'static str, String)> {
        let second = |time: Timestamp| time.format("%Y-%m-%dT%H:%M:%SZ").to_string();
        let since = second(self.window.since());
        match self.from_id {
            None => vec![("updated_on", format!(">={since}")), ("sort", "updated_on:asc,id:asc".to_owned())],
            Some(id) => {
                let next = second(self.window.clone().past_a_tick(FEED).since());
                vec![
                    ("updated_on", format!("><{since}|{next}")),
                    ("issue_id", format!(">={id}")),
                    ("sort", "id:asc".to_owned()),
                ]
            }
        }
    }

    /// Whether a row of the page belongs to what was asked for: Redmine reads "from T on" as "after T less a second".
    pub(crate) fn wants(&self, row: &Row) -> bool {
        row.changed >= self.window.since()
    }

    /// The place after a page, and whether another page is ready.
    pub(crate) fn advance(&self, rows: &[Row], page: Moments) -> (Self, bool) {
        let last = rows.last().filter(|_| rows.len() >= PAGE);
        let window = self.window.having_seen(rows.iter().map(|row| row.changed), page, FEED);
        match (self.from_id, last) {
            (Some(_), Some(last)) => (Self { window, from_id: Some(last.id.saturating_add(1)) }, true),
            (Some(_), None) => (window.past_a_tick(FEED).into(), true),
            (None, Some(last)) => match window.from(last.changed, FEED) {
                Some(rest) => (rest.into(), true),
                None => (Self { window, from_id: Some(0) }, true),
            },
            (None, None) => (window.closed(FEED).into(), false),
        }
    }
}

impl From<Window> for Place {
    fn from(window: Window) -> Self {
        Self { window, from_id: None }
    }
}

#[cfg(test)]
#[path = "feed_tests.rs"]
mod tests;
