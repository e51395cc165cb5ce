//! Two change feeds under one cursor: that of records by the time of their last change, and that of files, which do not
//! move their record.
//!
//! Times have seconds, and a row may be committed some seconds after the time it bears. So the end of a window is read
//! again until it lies far enough behind the instance's own clock. A page is not continued by its number of rows, because
//! a record that changes leaves its place and moves the rest up: the next page begins at the second of the last row, and a
//! second that fills a page is read by id. Nor does a short page say that it is the last: access rules take rows away
//! after the page was cut.

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};
use throughline_sdk::{ChangePage, Cursor, Error, ErrorKind, Hint, RemoteId, Result, Timestamp};

use crate::api::{Api, Page, SysId};
use crate::wire::{Row, stored};

/// Rows on a page.
pub(crate) const PAGE: usize = 100;
/// How far a next page reaches back into one of which we saw nothing: rows may have moved up meanwhile.
const OVERLAP: usize = 10;
/// How many seconds a commit may come after the time it bears.
pub(crate) const LAG_SECONDS: i64 = 5;
/// How far the clocks may be apart, where the instance does not tell its own.
const SKEW: TimeDelta = TimeDelta::minutes(10);

/// Where both feeds stand.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Place {
    records: Window,
    files: Window,
}

/// Where one feed stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Window {
    /// The first second to read.
    since: Timestamp,
    /// Set while the second `since` is read by id: the last id read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    after: Option<String>,
    /// Rows to pass over, none of which we saw.
    #[serde(default, skip_serializing_if = "is_zero")]
    offset: usize,
    /// While a reading takes several pages: up to when everything was there to be read when it began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    until: Option<Timestamp>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for it")]
fn is_zero(offset: &usize) -> bool {
    *offset == 0
}

/// Which of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stream {
    Records,
    Files,
}

impl Place {
    /// The place for whoever wants changes from now on.
    pub(crate) async fn now(api: Api<'_>) -> Result<Self> {
        let asked = api.ctx.clock.monotonic();
        let page = api.sample(&api.config.table).await?;
        let window = Window { since: complete_until(api, &page, asked), after: None, offset: 0, until: None };
        Ok(Self { records: window.clone(), files: window })
    }

    /// The place that a cursor of ours holds.
    pub(crate) fn parse(cursor: &Cursor) -> Result<Self> {
        cursor.read("the ServiceNow connector")
    }

    /// One page of each feed.
    pub(crate) async fn advance(self, api: Api<'_>) -> Result<ChangePage> {
        let records = self.records.read(api, Stream::Records).await?;
        let files = self.files.read(api, Stream::Files).await?;
        let mut hints: Vec<Hint> = Vec::new();
        for id in records.hints.into_iter().chain(files.hints) {
            let hint = Hint::new(RemoteId::new(id.as_str()));
            if hints.last() != Some(&hint) {
                hints.push(hint);
            }
        }
        let place = Self { records: records.next, files: files.next };
        Ok(ChangePage { hints, next: Cursor::write(&place)?, more: records.more || files.more })
    }
}

/// What one page of one feed brought.
struct Advance {
    hints: Vec<SysId>,
    next: Window,
    more: bool,
}

impl Window {
    async fn read(self, api: Api<'_>, stream: Stream) -> Result<Advance> {
        let asked = api.ctx.clock.monotonic();
        let (query, limit, offset) = (self.query(api, stream), PAGE.to_string(), self.offset.to_string());
        let path = match stream {
            Stream::Records => vec!["table", api.config.table.as_str()],
            Stream::Files => vec!["attachment"],
        };
        let mut parameters = vec![
            ("sysparm_query", query.as_str()),
            ("sysparm_limit", limit.as_str()),
            ("sysparm_offset", offset.as_str()),
        ];
        if stream == Stream::Records {
            parameters.push(("sysparm_fields", "sys_id,sys_updated_on"));
        }
        let page = api.page(&path, &parameters).await?;
        let until = self.until.unwrap_or_else(|| complete_until(api, &page, asked));
        // A query that was not understood is left out silently, and everything comes.
        let wanted: Vec<&Row> = page
            .rows
            .iter()
            .filter(|row| row.time(stream.time()).is_none_or(|time| time >= self.since))
            .collect();
        if wanted.len() != page.rows.len() {
            return Err(Error::new(
                ErrorKind::Malformed,
                "ServiceNow lists records that are older than what was asked for: it did not understand the query",
            )
            .with_context("table", &api.config.table));
        }
        // Only files say whose they are; the table of records is the one that was asked.
        let ours =
            wanted.iter().filter(|row| ["", api.config.table.as_str()].contains(&row.value("table_name")));
        let hints = ours.filter_map(|row| SysId::parse(row.value(stream.record()))).collect();
        let last =
            wanted.last().and_then(|row| Some((row.time(stream.time())?, row.value("sys_id").to_owned())));
        let (next, more) = self.after_page(last, page.more, until);
        Ok(Advance { hints, next, more })
    }

    fn query(&self, api: Api<'_>, stream: Stream) -> String {
        let (time, since) = (stream.time(), stored(self.since));
        let only = match stream {
            Stream::Records => String::new(),
            Stream::Files => format!("table_name={}^", api.config.table),
        };
        match &self.after {
            None => format!("{only}{time}>={since}^ORDERBY{time}^ORDERBYsys_id"),
            Some(id) => format!("{only}{time}={since}^sys_id>{id}^ORDERBYsys_id"),
        }
    }

    /// The window after a page, of which `last` is the last row we saw, and whether another page is ready.
    fn after_page(self, last: Option<(Timestamp, String)>, more: bool, until: Timestamp) -> (Self, bool) {
        let next = Self { offset: 0, until: Some(until), ..self.clone() };
        let unseen = Self { offset: self.offset + PAGE - OVERLAP, ..next.clone() };
        let next = match (&self.after, last) {
            // Everything was read: what was there when the reading began need not be read again.
            (None, _) if !more => {
                let end = Self { since: self.since.max(until), after: None, offset: 0, until: None };
                return (end, false);
            }
            (Some(_), _) if !more => Self { since: plus_a_second(self.since), after: None, ..next },
            (None, Some((time, _))) if time > self.since => Self { since: time, ..next },
            (None, Some(_)) => Self { after: Some(String::new()), ..next },
            (Some(_), Some((_, id))) => Self { after: Some(id), ..next },
            (None | Some(_), None) => unseen,
        };
        (next, true)
    }
}

impl Stream {
    /// The field whose time it goes by. Nobody changes a file.
    fn time(self) -> &'static str {
        match self {
            Self::Records => "sys_updated_on",
            Self::Files => "sys_created_on",
        }
    }

    /// The field that names the record.
    fn record(self) -> &'static str {
        match self {
            Self::Records => "sys_id",
            Self::Files => "table_sys_id",
        }
    }
}

/// Up to when everything that was committed was there to be read when a request began, on the instance's clock.
fn complete_until(api: Api<'_>, page: &Page, asked: std::time::Duration) -> Timestamp {
    let took = api.ctx.clock.monotonic().saturating_sub(asked);
    let began = match page.time {
        Some(answered) => {
            answered.checked_sub_signed(TimeDelta::from_std(took).unwrap_or(SKEW)).unwrap_or(answered)
        }
        None => api.ctx.clock.now() - SKEW,
    };
    // Whole seconds, as the instance writes them.
    let second =
        |time: Timestamp| Timestamp::from_timestamp(time.timestamp() - LAG_SECONDS, 0).unwrap_or(time);
    second(began)
}

fn plus_a_second(time: Timestamp) -> Timestamp {
    time.checked_add_signed(TimeDelta::seconds(1)).unwrap_or(time)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_timestamp(1_767_225_600 + seconds, 0).unwrap()
    }

    fn start(since: i64) -> Window {
        Window { since: at(since), after: None, offset: 0, until: None }
    }

    /// Reads a table to its end as a desk would answer, some rows being hidden; the ids that were seen.
    fn drain(rows: &[(i64, String, bool)], mut window: Window, until: i64) -> (Vec<String>, Window) {
        let mut seen = Vec::new();
        for _ in 0..10_000 {
            let mut asked: Vec<_> = rows
                .iter()
                .filter(|(time, id, _)| match &window.after {
                    None => at(*time) >= window.since,
                    Some(after) => at(*time) == window.since && id > after,
                })
                .collect();
            asked.sort_by(
                |a, b| if window.after.is_some() { a.1.cmp(&b.1) } else { (a.0, &a.1).cmp(&(b.0, &b.1)) },
            );
            let page: Vec<_> = asked.iter().skip(window.offset).take(PAGE).collect();
            let more = asked.len() > window.offset + PAGE;
            let visible: Vec<_> = page.iter().filter(|(_, _, hidden)| !hidden).collect();
            seen.extend(visible.iter().map(|(_, id, _)| id.clone()));
            let last = visible.last().map(|(time, id, _)| (at(*time), id.clone()));
            let (next, again) = window.after_page(last, more, at(until));
            if !again {
                return (seen, next);
            }
            window = next;
        }
        panic!("the feed has no end");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn every_visible_row_is_seen(rows in proptest::collection::vec((0i64..4, any::<u32>(), prop::bool::weighted(0.3)), 0..400), since in 0i64..3) {
            let rows: Vec<_> = rows.into_iter().map(|(time, id, hidden)| (time, format!("{id:032x}"), hidden)).collect();
            let (seen, next) = drain(&rows, start(since), 9);
            for (time, id, hidden) in &rows {
                prop_assert!(*time < since || *hidden || seen.contains(id), "{time} {id}");
            }
            prop_assert_eq!(next, start(9));
        }
    }

    #[test]
    fn a_window_never_goes_back() {
        let (next, more) = start(7).after_page(None, false, at(3));
        assert_eq!((next, more), (start(7), false));
    }

    #[test]
    fn an_old_cursor_is_still_read() {
        let old = r#"{"records":{"since":"2026-01-01T00:00:00Z"},"files":{"since":"2026-01-01T00:00:00Z","after":"a","until":"2026-01-01T00:00:09Z"}}"#;
        let place = Place::parse(&Cursor::new(old)).unwrap();
        assert_eq!(Place::parse(&Cursor::write(&place).unwrap()).unwrap(), place);
        assert_eq!(place.files.after.as_deref(), Some("a"));
    }
}
