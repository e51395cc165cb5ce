//! The place in the change feed: from when on to list requests, so that nothing falls into a gap.
//!
//! TSANet lists requests by when they were changed, to the second, all at once. What is late by two minutes is seen
//! still, which is what TSANet's own poller allows for. Whether a note counts as a change of its request is not
//! documented, so every ten minutes all requests that are not over are listed as well, and those hinted at that bear
//! anything newer than the last time.
//!
//! <https://developer.tsanet.org/connectors/fin-intercom.html#recovery>

use std::collections::BTreeSet;

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};
use throughline_sdk::{Cursor, Hint, RemoteId, Result, Timestamp};

use crate::map::{ACCEPTED, INFORMATION, OPEN};
use crate::wire::Case;

/// How late the list may show a change.
pub(crate) const LAG_SECONDS: u64 = 120;

/// How long it takes until all requests that are not over are looked through again.
pub(crate) const ROUND_SECONDS: u64 = 600;

/// The statuses of requests that are not over.
pub(crate) const NOT_OVER: [&str; 3] = [OPEN, INFORMATION, ACCEPTED];

/// Where to read next, on TSANet's clock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Place {
    since: Timestamp,
    /// From when on the next look through all requests counts what it sees as new.
    looked: Timestamp,
}

impl Place {
    /// The place after everything up to a moment, with room for what is shown late.
    pub(crate) fn after(moment: Timestamp) -> Self {
        let since = minus(moment, LAG_SECONDS);
        Self { since, looked: since }
    }

    /// The place that a cursor of ours holds.
    pub(crate) fn parse(cursor: &Cursor) -> Result<Self> {
        cursor.read("the TSANet connector")
    }

    /// The moment to ask for. Whether the list takes in that second is not documented, so one more is asked for.
    pub(crate) fn since(&self) -> String {
        second(minus(self.since, 1))
    }

    /// Whether all requests are to be looked through. Where TSANet does not tell the time, always.
    pub(crate) fn is_due(&self, there: Option<Timestamp>) -> bool {
        there.is_none_or(|there| minus(there, ROUND_SECONDS) >= self.looked)
    }

    /// Which of all requests bear something new.
    pub(crate) fn new_among<'c>(&self, all: &'c [Case]) -> impl Iterator<Item = &'c Case> {
        let looked = self.looked;
        all.iter().filter(move |case| case.touched() >= looked)
    }

    /// The place after a reading that TSANet answered at this time, where it tells; else after what was seen.
    pub(crate) fn next(&self, rows: &[Case], there: Option<Timestamp>, looked: bool) -> Self {
        let newest = rows.iter().filter_map(|case| case.updated_at).max();
        let reached = there.or(newest).map_or(self.since, |reached| minus(reached, LAG_SECONDS));
        let since = self.since.max(reached);
        Self { since, looked: if looked { self.looked.max(reached) } else { self.looked } }
    }
}

/// One hint for each request, the one that changed first at the front.
pub(crate) fn hints<'c>(cases: impl Iterator<Item = &'c Case>) -> Vec<Hint> {
    let mut cases: Vec<&Case> = cases.collect();
    cases.sort_by_key(|case| case.touched());
    let mut seen = BTreeSet::new();
    let tokens = cases.into_iter().filter_map(|case| case.token.as_ref());
    tokens.filter(|token| seen.insert(*token)).map(|token| Hint::new(RemoteId::new(token.clone()))).collect()
}

/// A moment as TSANet's filters take it.
pub(crate) fn second(time: Timestamp) -> String {
    time.format("%Y-%m-%dT%H:%M:%SZ").to_string()
}

fn minus(time: Timestamp, seconds: u64) -> Timestamp {
    let delta = TimeDelta::seconds(i64::try_from(seconds).unwrap_or_default());
    time.checked_sub_signed(delta).unwrap_or(time)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::map::tests::case;

    fn at(time: &str) -> Timestamp {
        format!("2031-05-01T{time}Z").parse().unwrap()
    }

    #[test]
    fn a_place_never_goes_back_and_leaves_room_for_what_is_late() {
        let place = Place::after(at("10:00:00.9"));
        assert_eq!(place.since(), "2031-05-01T09:57:59Z");
        let later = place.next(&[], Some(at("10:30:00")), true);
        assert_eq!(later, Place { since: at("10:28:00"), looked: at("10:28:00") });
        assert_eq!(later.next(&[], Some(at("10:00:00")), true), later, "a clock that was set back");
        assert_eq!(later.next(&[], None, true), later, "no time is told and nothing was seen");
        let seen = case(json!({"updatedAt": "2031-05-01T10:40:00Z"}));
        assert_eq!(later.next(&[seen], None, false), Place { since: at("10:38:00"), looked: at("10:28:00") });
        assert_eq!(Place::parse(&Cursor::write(&place).unwrap()).unwrap(), place);
        assert!(Place::parse(&Cursor::new("2031")).is_err());
    }

    #[test]
    fn what_is_new_in_a_request_that_did_not_change_is_seen_every_ten_minutes() {
        let place = Place::after(at("12:00:00"));
        assert!(
            !place.is_due(Some(at("12:07:59"))) && place.is_due(Some(at("12:08:00"))) && place.is_due(None)
        );
        let noted = json!([{"id": 1, "createdAt": "2031-05-01T12:01:00Z"}]);
        let answered = json!([{"id": 1, "createdAt": "2031-05-01T12:02:00Z"}]);
        let all = [
            case(json!({"token": "a"})),
            case(json!({"token": "b", "caseResponses": answered})),
            case(json!({"token": "c", "caseNotes": noted})),
        ];
        let hinted = hints(place.new_among(&all).chain(&all[2..]));
        assert_eq!(hinted.iter().map(|hint| hint.ticket.as_str()).collect::<Vec<_>>(), ["c", "b"]);
    }
}
