//! The place in the change feed: which issues to list next, so that nothing falls into a gap.
//!
//! GitLab lists issues by `updated_at`. Since 18.3 the pages of that list are keyed: each says by what the next one
//! begins, and an issue that changes meanwhile moves to the end and takes nobody with it. An older GitLab has page
//! numbers only, with which the rest moves up.

use std::time::Duration;

use http::{HeaderMap, header};
use serde::{Deserialize, Serialize};
use throughline_sdk::paged::{self, Row};
use throughline_sdk::{Feed, Moments, Timestamp};
use url::Url;

/// The most rows that GitLab gives at once.
pub(crate) const PAGE: usize = 100;

/// Milliseconds, and how far a replica may lag before GitLab asks it no more: `max_replication_lag_time`, a minute as
/// GitLab comes. <https://docs.gitlab.com/administration/postgresql/database_load_balancing/>
pub(crate) const FEED: Feed = Feed { granularity: Duration::from_millis(1), lag: Duration::from_secs(60) };

/// What a page says about the next one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// There is none.
    End,
    /// It begins here.
    Keyed(String),
    /// There is one, by number.
    Numbered,
}

/// Where to read next.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Place {
    #[serde(flatten)]
    place: paged::Place,
    /// Within a reading: where GitLab says that the next page begins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    key: Option<String>,
}

impl Place {
    /// The place after everything up to `newest`, with room for what a replica shows late.
    pub(crate) fn after(newest: Timestamp, now: Timestamp) -> Self {
        Self { place: paged::Place::after(newest, now, FEED), key: None }
    }

    /// The filter and order of the next page, as parameters of the list.
    pub(crate) fn query(&self) -> Vec<(&'static str, String)> {
        let mut query = vec![
            ("pagination", "keyset".to_owned()),
            ("order_by", "updated_at".to_owned()),
            ("sort", "asc".to_owned()),
            ("updated_after", moment(self.place.since())),
        ];
        query.extend(self.key.clone().map(|key| ("cursor", key)));
        query.extend((self.place.page() > 1).then(|| ("page", self.place.page().to_string())));
        query
    }

    /// The place after a page, and whether another page is ready.
    pub(crate) fn advance(&self, rows: &[Row], next: Next, page: Moments) -> (Self, bool) {
        let (place, key, more) = match next {
            Next::Keyed(key) => {
                let times = rows.iter().map(|row| row.changed);
                (self.place.window().having_seen(times, page, FEED).into(), Some(key), true)
            }
            Next::Numbered | Next::End => {
                let (place, more) = self.place.advance(rows, next == Next::Numbered, page, FEED);
                (place, None, more)
            }
        };
        (Self { place, key }, more)
    }
}

/// What the field `Link` of a list's answer says about the next page.
pub(crate) fn next(headers: &HeaderMap) -> Next {
    let links = headers.get_all(header::LINK).iter().filter_map(|links| links.to_str().ok());
    let next = links.flat_map(|links| links.split(',')).find(|link| link.contains("rel=\"next\""));
    let address = next.and_then(|link| link.split(['<', '>']).nth(1)).and_then(|link| Url::parse(link).ok());
    let Some(address) = address else { return Next::End };
    // Only the key is taken: the address itself may name a host that we do not know GitLab by.
    match address.query_pairs().find(|(name, _)| name == "cursor") {
        Some((_, key)) => Next::Keyed(key.into_owned()),
        None => Next::Numbered,
    }
}

/// A moment as GitLab writes it. It keeps microseconds and shows milliseconds.
pub(crate) fn moment(time: Timestamp) -> String {
    time.format("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}

#[cfg(test)]
#[path = "feed_tests.rs"]
mod tests;
