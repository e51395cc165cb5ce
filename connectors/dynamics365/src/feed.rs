//! Two change feeds under one cursor: that of cases, and that of notes, which do not move their case.
//!
//! A feed begins with the whole table, page by page, and then goes on by delta links. It begins anew when its link has
//! become too old, or when the table was changed. Which rows of a whole table are news is told by their time.

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};
use throughline_sdk::{ChangePage, Cursor, Error, ErrorKind, Hint, RemoteId, Result, Timestamp};

use crate::api::{Api, Set, continued};
use crate::error::{EXPIRED, check, refusal};
use crate::guid::Guid;
use crate::wire::{Page, Row};

/// How far the clocks may be apart, and how long a row may take from its time to its commit.
const MARGIN: TimeDelta = TimeDelta::minutes(10);

/// Where both feeds stand.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Place {
    cases: Feed,
    notes: Feed,
}

/// Where one feed stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Feed {
    /// Not yet begun, or to be begun anew: rows from this time on are news.
    Anew { since: Timestamp },
    /// In the midst of the whole table.
    Whole { since: Timestamp, query: String },
    /// After a delta link that was given at this time.
    Delta { at: Timestamp, query: String },
}

impl Place {
    /// The place for whoever wants changes from now on.
    pub(crate) fn now(now: Timestamp) -> Self {
        let since = before(now);
        Self { cases: Feed::Anew { since }, notes: Feed::Anew { since } }
    }

    /// The place that a cursor of ours holds.
    pub(crate) fn parse(cursor: &Cursor) -> Result<Self> {
        cursor.read("the Dynamics 365 connector")
    }

    /// One page of each feed.
    pub(crate) async fn advance(self, api: Api<'_>) -> Result<ChangePage> {
        let cases = self.cases.page(api, Set::Cases).await?;
        let notes = self.notes.page(api, Set::Notes).await?;
        let mut hints: Vec<RemoteId> = Vec::new();
        for hint in cases.hints.into_iter().chain(notes.hints) {
            let hint = RemoteId::new(hint.to_string());
            if hints.last() != Some(&hint) {
                hints.push(hint);
            }
        }
        let more = [&cases.next, &notes.next].into_iter().any(|next| matches!(next, Feed::Whole { .. }))
            || cases.more
            || notes.more;
        let place = Self { cases: cases.next, notes: notes.next };
        Ok(ChangePage {
            hints: hints.into_iter().map(Hint::new).collect(),
            next: Cursor::write(&place)?,
            more,
        })
    }
}

/// What one page of one feed brought.
struct Advance {
    hints: Vec<Guid>,
    next: Feed,
    more: bool,
}

impl Feed {
    async fn page(self, api: Api<'_>, set: Set) -> Result<Advance> {
        let asked = api.ctx.clock.now();
        let query = match &self {
            Self::Anew { .. } => columns(set).to_owned(),
            Self::Whole { query, .. } | Self::Delta { query, .. } => query.clone(),
        };
        let answer = api.changes(set, &query).await?;
        if !answer.status.is_success()
            && refusal(&answer).code == EXPIRED
            && !matches!(self, Self::Anew { .. })
        {
            let since = self.since();
            tracing::warn!(
                table = set.table(), %since,
                "The change feed of a table has expired; the table is read anew, and what was deleted since is found by \
                 reconciliation only."
            );
            return Ok(Advance { hints: Vec::new(), next: Self::Anew { since }, more: true });
        }
        let answer =
            check(answer, &http::Method::GET).map_err(|error| error.with_context("table", set.table()))?;
        let page: Page = answer.json(&http::Method::GET)?;
        let hints =
            page.value.iter().filter(|row| self.is_news(row)).filter_map(|row| case(set, row)).collect();
        let link = |link: &Option<String>| link.as_deref().map(|link| continued(set, link)).transpose();
        match (link(&page.next_link)?, link(&page.delta_link)?, self) {
            (Some(query), _, Self::Delta { at, .. }) => {
                // Not before its last page is a delta over.
                Ok(Advance { hints, next: Self::Delta { at, query }, more: true })
            }
            (Some(query), _, Self::Anew { since } | Self::Whole { since, .. }) => {
                Ok(Advance { hints, next: Self::Whole { since, query }, more: true })
            }
            (None, Some(query), _) => Ok(Advance { hints, next: Self::Delta { at: asked, query }, more: false }),
            (None, None, _) => Err(Error::new(
                ErrorKind::Misconfigured,
                "Dataverse does not track changes of this table; switch on Track changes in the table's properties",
            )
            .with_context("table", set.table())),
        }
    }

    /// From when on a row is news if the table has to be read anew.
    fn since(&self) -> Timestamp {
        match self {
            Self::Anew { since } | Self::Whole { since, .. } => *since,
            Self::Delta { at, .. } => before(*at),
        }
    }

    fn is_news(&self, row: &Row) -> bool {
        match self {
            Self::Delta { .. } => true,
            // What tells no time may be news.
            Self::Anew { since } | Self::Whole { since, .. } => {
                row.time("modifiedon").is_none_or(|time| time >= *since)
            }
        }
    }
}

fn columns(set: Set) -> &'static str {
    match set {
        Set::Cases => "$select=incidentid,modifiedon",
        Set::Notes => "$select=annotationid,modifiedon,_objectid_value,objecttypecode",
    }
}

/// The case that a row of a feed is about. A deleted note does not say whose it was.
fn case(set: Set, row: &Row) -> Option<Guid> {
    match set {
        Set::Cases => Guid::parse(row.text("incidentid")).or_else(|| Guid::parse(row.text("id"))),
        Set::Notes => Some(row)
            .filter(|row| matches!(row.text("objecttypecode"), "incident" | ""))
            .and_then(|row| Guid::parse(row.text("_objectid_value"))),
    }
}

fn before(time: Timestamp) -> Timestamp {
    time.checked_sub_signed(MARGIN).unwrap_or(time)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_cursor_reads_as_it_was_written() {
        let now = Timestamp::UNIX_EPOCH;
        let places = [
            Place::now(now),
            Place {
                cases: Feed::Whole { since: now, query: "$select=incidentid&$skiptoken=%3c".to_owned() },
                notes: Feed::Delta { at: now, query: "$deltatoken=919042%21".to_owned() },
            },
        ];
        for place in places {
            assert_eq!(Place::parse(&Cursor::write(&place).unwrap()).unwrap(), place);
        }
        assert_eq!(Place::parse(&Cursor::new("{}")).unwrap_err().kind(), ErrorKind::Malformed);
    }

    #[test]
    fn an_old_cursor_is_still_read() {
        let old = r#"{"cases":{"delta":{"at":"2026-01-01T00:00:00Z","query":"a"}},
                      "notes":{"anew":{"since":"2026-01-01T00:00:00Z"}}}"#;
        assert!(Place::parse(&Cursor::new(old)).is_ok());
    }

    #[test]
    fn a_deleted_case_is_a_hint_and_a_deleted_note_is_not() {
        let id = "2e451703-c686-e711-80e5-00155db19e6d";
        let row = |json: serde_json::Value| serde_json::from_value::<Row>(json).unwrap();
        let deleted = row(json!({ "id": id, "reason": "deleted" }));
        assert_eq!(case(Set::Cases, &deleted).unwrap().to_string(), id);
        assert_eq!(case(Set::Notes, &deleted), None);
        let of_an_account = row(json!({ "_objectid_value": id, "objecttypecode": "account" }));
        assert_eq!(case(Set::Notes, &of_an_account), None);
    }
}
