//! The place in the change feed: a window of `lastUpdate` that is open at its end, so that nothing falls into a gap.
//!
//! The standard has no sequence and no promise of order. A window begins `lag` before the moment at which the desk's
//! clock stood, by its own `Date`, when the reading before began, and is read page by page. Rows that come in the
//! order of `lastUpdate` are continued by that time; others by offset, each page beginning in the middle of the one before,
//! because rows that change or go move the rest.

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};
use throughline_sdk::{ChangePage, Cursor, Error, ErrorKind, Hint, RemoteId, Result, Timestamp};

use crate::api::Api;
use crate::{hub, map, wire};

/// How far a desk's clock may be off that does not tell its time.
const SKEW: TimeDelta = TimeDelta::minutes(5);

/// Where to read next.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Place {
    /// The beginning of the window.
    since: Timestamp,
    /// While a window is read in several pages: where the next one begins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    inside: Option<Inside>,
    /// The subscription at the desk's hub.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    hub: Option<hub::Standing>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Inside {
    /// The next page's first moment, within the window.
    from: Timestamp,
    /// Rows before the next page.
    offset: usize,
    /// Where the desk's clock stood when the window's first page was asked for.
    reached: Timestamp,
}

/// One page of changes after `since`.
pub(crate) async fn changes(api: Api<'_>, since: Option<&Cursor>) -> Result<ChangePage> {
    let lag = TimeDelta::from_std(api.config.lag).unwrap_or(TimeDelta::MAX);
    let Some(since) = since else {
        let newest = api.list(&query(api, None), 0, 1).await?;
        let now = newest.at.unwrap_or_else(|| api.ctx.clock.now() - SKEW);
        let place = Place { since: minus(now, lag), inside: None, hub: hub::ensured(api, None).await };
        return Ok(ChangePage { hints: Vec::new(), next: Cursor::write(&place)?, more: false });
    };
    let place = Place::parse(since)?;
    let asked = api.ctx.clock.now();
    let (from, offset) =
        place.inside.as_ref().map_or((place.since, 0), |inside| (inside.from, inside.offset));
    let page = api.list(&query(api, Some(from)), offset, api.config.page).await?;
    let reached = match &place.inside {
        Some(inside) => inside.reached,
        // A date is told in whole seconds.
        None => page.at.map_or(asked - SKEW, |at| at.min(at - TimeDelta::seconds(1))),
    };
    let is_last = page.is_last(offset, api.config.page);
    let rows: Vec<wire::Row> = page.rows.into_iter().map(row).collect::<Result<_>>()?;
    let time = |row: &wire::Row| map::time(&row.last_update).or_else(|| map::time(&row.creation_date));
    // A row without a time may have changed. A desk without the filter lists everything.
    let is_new = |row: &&wire::Row| time(row).is_none_or(|time| time > place.since);
    let hints = rows.iter().filter(is_new).filter(|row| !row.id.is_empty());
    let hints = hints.map(|row| Hint::new(RemoteId::new(&row.id))).collect();
    let next = if is_last {
        let since = minus(reached, lag).max(place.since);
        Place { since, inside: None, hub: hub::ensured(api, place.hub).await }
    } else {
        let times: Vec<_> = rows.iter().map(time).collect();
        let ordered = times.iter().all(Option::is_some) && times.is_sorted();
        let last = times.last().copied().flatten().filter(|_| ordered && api.config.filters);
        let inside = match last.map(|last| minus(last, TimeDelta::milliseconds(1))) {
            Some(last) if last > from && offset == 0 => Inside { from: last, offset: 0, reached },
            Some(_) | None => Inside { from, offset: offset + rows.len().div_ceil(2), reached },
        };
        Place { inside: Some(inside), ..place }
    };
    let more = next.inside.is_some();
    Ok(ChangePage { hints, next: Cursor::write(&next)?, more })
}

fn query(api: Api<'_>, from: Option<Timestamp>) -> Vec<(&'static str, String)> {
    let mut query = Vec::new();
    if let Some(from) = from.filter(|_| api.config.filters) {
        query.push(("lastUpdate.gt", from.to_rfc3339_opts(chrono::SecondsFormat::Millis, true)));
        query.push(("sort", "lastUpdate".to_owned()));
    }
    if api.config.narrow {
        query.push(("fields", "id,lastUpdate,creationDate".to_owned()));
    }
    query
}

fn row(row: serde_json::Value) -> Result<wire::Row> {
    serde_json::from_value(row).map_err(|error| {
        let what = throughline_sdk::http::json_fault(&error);
        Error::new(ErrorKind::Malformed, format!("a row of the list is no ticket: {what}"))
    })
}

impl Place {
    fn parse(cursor: &Cursor) -> Result<Self> {
        cursor.read("the TMF621 connector")
    }
}

fn minus(time: Timestamp, span: TimeDelta) -> Timestamp {
    time.checked_sub_signed(span).unwrap_or(Timestamp::UNIX_EPOCH)
}
