//! The change feed: which issues to list next.
//!
//! GitHub lists issues by `updated_at`, in whole seconds, and gives no sequence.

use std::time::Duration;

use chrono::TimeDelta;
use throughline_sdk::paged::{Place, Row};
use throughline_sdk::{Feed, Timestamp};

/// The most rows that GitHub gives at once.
pub(crate) const PAGE: usize = 100;

/// Whole seconds, and how far the list may lag behind a write. GitHub does not say; a minute is much for a replica.
pub(crate) const FEED: Feed = Feed { granularity: Duration::from_secs(1), lag: Duration::from_secs(60) };

/// The filter and order of the next page, as parameters of the list.
///
/// Whether `since` takes in its own second is not documented, so a second more is asked for.
pub(crate) fn query(place: &Place) -> Vec<(&'static str, String)> {
    let since = place.since().checked_sub_signed(TimeDelta::seconds(1)).unwrap_or_else(|| place.since());
    vec![
        ("sort", "updated".to_owned()),
        ("direction", "asc".to_owned()),
        ("since", second(since)),
        ("page", place.page().to_string()),
    ]
}

/// Whether a row of the page belongs to what was asked for.
pub(crate) fn wants(place: &Place, row: &Row) -> bool {
    row.changed >= place.since()
}

/// A moment in the form that GitHub's documentation asks for.
pub(crate) fn second(time: Timestamp) -> String {
    time.format("%Y-%m-%dT%H:%M:%SZ").to_string()
}

#[cfg(test)]
#[path = "feed_tests.rs"]
mod tests;
