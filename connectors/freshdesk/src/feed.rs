//! The place in the change feed: which part of `updated_since` to read next, so that nothing falls into a gap.
//!
//! Freshdesk lists what changed from a time on, in whole seconds, and gives no sequence. A page is never continued by
//! its number, because a ticket that changes leaves its place and moves the rest up: the next one begins at the second
//! of the last row. Only where one second fills a whole page is the next page of that second read. The last seconds are
//! read again until a reading began that long after them, for what was committed late.

use chrono::{DateTime, TimeDelta};
use serde::{Deserialize, Serialize};
use throughline_sdk::{ChangePage, Ctx, Cursor, Error, ErrorKind, Hint, RemoteId, Result, Timestamp};

use crate::api::Api;
use crate::config::Config;
use crate::wire::Ticket;

/// The most rows that Freshdesk gives at once; it refuses larger wishes.
pub(crate) const PAGE: usize = 100;

/// How many seconds a commit may come after the `updated_at` it carries.
pub(crate) const LAG_SECONDS: u64 = 60;

/// Freshdesk gives no page behind this one. <https://developers.freshdesk.com/api/#list_all_tickets>
const LAST_PAGE: u64 = 300;

/// Where to read next.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Place {
    /// The first second to read.
    since: Timestamp,
    /// The page of it, from one.
    page: u64,
    /// The latest second seen, on Freshdesk's clock.
    newest: Timestamp,
    /// When that second was first seen, on our clock.
    seen: Timestamp,
    /// While a reading takes several pages: a second that Freshdesk's clock had reached when the first was read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reached: Option<Timestamp>,
}

/// One page of what changed.
pub(crate) async fn changes(ctx: &Ctx, config: &Config, since: Option<&Cursor>) -> Result<ChangePage> {
    let api = Api { ctx, config };
    let asked = ctx.clock.now();
    let Some(since) = since else {
        let newest = api.newest_change().await?.map_or(DateTime::UNIX_EPOCH, |ticket| ticket.updated_at);
        let next = Place { since: newest, page: 1, newest, seen: ctx.clock.now(), reached: None };
        return Ok(ChangePage { hints: Vec::new(), next: next.cursor()?, more: false });
    };
    let place = Place::parse(since)?;
    let rows = api.changed_since(place.since, place.page).await?;
    let (next, more) = place.advance(&rows, asked, ctx.clock.now());
    let hints = rows.iter().map(|row| Hint::new(RemoteId::new(row.id.to_string()))).collect();
    Ok(ChangePage { hints, next: next.cursor()?, more })
}

impl Place {
    fn parse(cursor: &Cursor) -> Result<Self> {
        serde_json::from_str(cursor.as_str()).map_err(|error| {
            Error::new(ErrorKind::Malformed, format!("this is no cursor of the Freshdesk connector: {error}"))
        })
    }

    fn cursor(&self) -> Result<Cursor> {
        serde_json::to_string(self).map(Cursor::new).map_err(|error| {
            Error::new(ErrorKind::Malformed, format!("the cursor cannot be written: {error}"))
        })
    }

    /// The place after a page, and whether another is ready.
    fn advance(&self, rows: &[Ticket], asked: Timestamp, answered: Timestamp) -> (Self, bool) {
        let last = rows.last().filter(|_| rows.len() >= PAGE).map(|row| row.updated_at);
        let latest = rows.iter().map(|row| row.updated_at).fold(self.newest, Timestamp::max);
        // A clock that was set back would else keep the window open for as long as it was set back.
        let seen = if latest > self.newest { answered } else { self.seen.min(answered) };
        // As long after the latest second seen before as has passed on our clock: the two clocks need not agree.
        let passed = asked.signed_duration_since(self.seen).max(TimeDelta::zero());
        let reached = self.reached.unwrap_or_else(|| plus(self.newest, passed).max(latest));
        let next = Self { newest: latest, seen, reached: Some(reached), ..self.clone() };
        match last {
            Some(last) if last > self.since => (Self { since: last, page: 1, ..next }, true),
            Some(_) if self.page < LAST_PAGE => (Self { page: self.page.saturating_add(1), ..next }, true),
            // 30,000 tickets in one second: what is left of them is found by the reconciliation.
            Some(_) => (Self { since: plus(self.since, TimeDelta::seconds(1)), page: 1, ..next }, true),
            None => {
                // What was committed before the reading began need not be read again.
                let lag = TimeDelta::seconds(i64::try_from(LAG_SECONDS).unwrap_or(i64::MAX));
                let since = reached.checked_sub_signed(lag).unwrap_or(reached);
                let since = since.min(plus(next.newest, TimeDelta::seconds(1)));
                (Self { since, page: 1, reached: None, ..next }, false)
            }
        }
    }
}

fn plus(time: Timestamp, by: TimeDelta) -> Timestamp {
    time.checked_add_signed(by).unwrap_or(time)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        DateTime::from_timestamp(1_700_000_000 + second, 0).unwrap()
    }

    fn rows(seconds: impl IntoIterator<Item = i64>) -> Vec<Ticket> {
        let row = |second| {
            let json =
                serde_json::json!({ "id": 1, "status": 2, "created_at": at(0), "updated_at": at(second) });
            serde_json::from_value(json).unwrap()
        };
        seconds.into_iter().map(row).collect()
    }

    fn place(since: i64, page: u64) -> Place {
        Place { since: at(since), page, newest: at(since), seen: at(since), reached: None }
    }

    #[test]
    fn a_full_page_goes_on_at_its_last_second_and_one_second_by_its_pages() {
        let (next, more) = place(0, 1).advance(&rows((0..100).map(|row| row / 10)), at(20), at(20));
        assert_eq!((next.since, next.page, more), (at(9), 1, true));
        let (next, more) = next.advance(&rows([9; 100]), at(20), at(20));
        assert_eq!((next.since, next.page, more), (at(9), 2, true));
        let (next, more) = next.advance(&rows([9; 3]), at(20), at(20));
        assert!(!more && next.since <= at(9) && next.page == 1, "{next:?}");
    }

    #[test]
    fn the_last_seconds_are_read_again_until_their_time_is_over() {
        let (next, _) = place(0, 1).advance(&rows([5]), at(5), at(5));
        assert_eq!(next.since, at(5 - 60));
        // Nothing new for an hour: no more of it is read again.
        let (next, _) = next.advance(&rows([5]), at(3600), at(3600));
        assert_eq!(next.since, at(6));
        let (next, _) = next.advance(&[], at(7200), at(7200));
        assert_eq!(next.since, at(6));
    }

    #[test]
    fn a_cursor_reads_as_it_was_written_and_no_other_does() {
        let place = place(7, 3);
        assert_eq!(Place::parse(&place.cursor().unwrap()).unwrap(), place);
        assert_eq!(Place::parse(&Cursor::new("7")).unwrap_err().kind(), ErrorKind::Malformed);
    }
}
