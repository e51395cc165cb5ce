//! The place in the change feed: which issues to list next, so that nothing falls into a gap.
//!
//! GitLab lists issues by `updated_at`. Since 18.3 the pages of that list are keyed: each says by what the next one
//! begins, and an issue that changes meanwhile moves to the end and takes nobody with it. An older GitLab has page
//! numbers only, with which the rest moves up; there the next page begins at the time of the last row instead. A reading
//! is open at its end, and the last minute is read again until a reading that began a minute later: a GitLab with replicas
//! may ask one that lags, though by no more than `max_replication_lag_time`, a minute as GitLab comes.
//!
//! <https://docs.gitlab.com/administration/postgresql/database_load_balancing/>

use chrono::TimeDelta;
use http::{HeaderMap, header};
use serde::{Deserialize, Serialize};
use throughline_sdk::{Cursor, Error, ErrorKind, Result, Timestamp};
use url::Url;

/// The most rows that GitLab gives at once.
pub(crate) const PAGE: usize = 100;

/// How far a replica may lag before GitLab asks it no more.
pub(crate) const LAG_SECONDS: u64 = 60;

/// When a page was asked for and when it came, on our clock.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moments {
    pub(crate) asked: Timestamp,
    pub(crate) answered: Timestamp,
}

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
    /// The first moment to read.
    since: Timestamp,
    /// Within a reading: where GitLab says that the next page begins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    key: Option<String>,
    /// Within the pages of one moment, on a GitLab without keys.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    page: Option<u32>,
    /// The latest moment seen, on GitLab's clock.
    newest: Timestamp,
    /// When it was first seen, on our clock.
    seen: Timestamp,
    /// While a reading takes several pages: a moment that GitLab's clock had reached when the first was read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reached: Option<Timestamp>,
}

impl Place {
    /// The place after everything up to `newest`, with room for what a replica shows late.
    pub(crate) fn after(newest: Timestamp, now: Timestamp) -> Self {
        Self { since: plus(newest, -lag()), key: None, page: None, newest, seen: now, reached: None }
    }

    /// Reads what [`cursor`](Self::cursor) wrote.
    pub(crate) fn parse(cursor: &Cursor) -> Result<Self> {
        serde_json::from_str(cursor.as_str()).map_err(|error| {
            Error::new(ErrorKind::Malformed, format!("this is no cursor of the GitLab connector: {error}"))
        })
    }

    /// Writes the place as a cursor.
    pub(crate) fn cursor(&self) -> Result<Cursor> {
        serde_json::to_string(self).map(Cursor::new).map_err(|error| {
            Error::new(ErrorKind::Malformed, format!("the cursor cannot be written: {error}"))
        })
    }

    /// The filter and order of the next page, as parameters of the list.
    pub(crate) fn query(&self) -> Vec<(&'static str, String)> {
        let mut query = vec![
            ("pagination", "keyset".to_owned()),
            ("order_by", "updated_at".to_owned()),
            ("sort", "asc".to_owned()),
            ("updated_after", moment(self.since)),
        ];
        query.extend(self.key.clone().map(|key| ("cursor", key)));
        query.extend(self.page.map(|page| ("page", page.to_string())));
        query
    }

    /// The place after a page, and whether another page is ready.
    pub(crate) fn advance(&self, rows: &[Timestamp], next: Next, page: Moments) -> (Self, bool) {
        let reached = self.reached.unwrap_or_else(|| self.reached(rows, page.asked));
        let place = Self { reached: Some(reached), ..self.having_seen(rows, page.answered) };
        match (next, rows.last()) {
            (Next::Keyed(key), _) => (Self { key: Some(key), page: None, ..place }, true),
            (Next::Numbered, Some(last)) if *last > self.since => {
                (Self { since: *last, key: None, page: None, ..place }, true)
            }
            (Next::Numbered, Some(_)) => {
                (Self { page: Some(self.page.unwrap_or(1).saturating_add(1)), key: None, ..place }, true)
            }
            (Next::Numbered, None) | (Next::End, _) => (place.at_the_end(reached), false),
        }
    }

    /// Notes the latest moment, and when it was first seen.
    fn having_seen(&self, rows: &[Timestamp], now: Timestamp) -> Self {
        let newest = rows.iter().copied().max().unwrap_or(self.newest).max(self.newest);
        // A clock that was set back would else keep the window open for as long as it was set back.
        let seen = if newest > self.newest { now } else { self.seen.min(now) };
        Self { newest, seen, ..self.clone() }
    }

    /// A moment that GitLab's clock had surely reached when a reading began: the latest one seen before, and as long
    /// after as has passed on our clock since. So the two clocks need not agree.
    fn reached(&self, rows: &[Timestamp], asked: Timestamp) -> Timestamp {
        let passed = asked.signed_duration_since(self.seen).max(TimeDelta::zero());
        rows.iter().copied().fold(plus(self.newest, passed), Timestamp::max)
    }

    /// Once everything was read: what the list showed before the reading began need not be read again.
    fn at_the_end(self, reached: Timestamp) -> Self {
        let since = plus(reached, -lag()).min(plus(self.newest, TimeDelta::milliseconds(1)));
        Self { since, key: None, page: None, reached: None, ..self }
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

fn lag() -> TimeDelta {
    TimeDelta::seconds(i64::try_from(LAG_SECONDS).unwrap_or_default())
}

fn plus(time: Timestamp, delta: TimeDelta) -> Timestamp {
    time.checked_add_signed(delta).unwrap_or(time)
}

#[cfg(test)]
#[path = "feed_tests.rs"]
mod tests;
