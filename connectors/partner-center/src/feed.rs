//! What changed: the whole list, compared with what was told of the last minutes.
//!
//! The list can be neither sorted by time nor filtered by it, and comes without notes; but a note moves the time of last
//! modification. So everything modified since the newest one known is told, less what was told already. Where the list
//! may have missed a request, the place stays, and the next reading makes up for it.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};
use throughline_sdk::{Cursor, Result, Timestamp};

use crate::map::modified;
use crate::wire::ServiceRequest;

/// How much later than its moment a change may show.
pub(crate) const LAG_SECONDS: i64 = 300;

/// How many requests are remembered as told.
const MAX_TOLD: usize = 300;

/// Where to read on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Place {
    /// The first moment that is looked at.
    since: Timestamp,
    /// What of the time from then on was told: when each request was modified.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    told: BTreeMap<String, Timestamp>,
}

impl Place {
    /// The place that a cursor of ours holds.
    pub(crate) fn parse(cursor: &Cursor) -> Result<Self> {
        cursor.read("the Partner Center connector")
    }

    /// What was modified since, oldest first. `whole` says whether surely no request is missing.
    pub(crate) fn compare(&mut self, requests: &[ServiceRequest], whole: bool) -> Vec<String> {
        let mut news = Vec::new();
        let mut newest = None;
        for request in requests {
            let Some(modified) = modified(request) else { continue };
            newest = newest.max(Some(modified));
            if modified >= self.since && self.told.insert(request.id.clone(), modified) != Some(modified) {
                news.push((modified, request.id.clone()));
            }
        }
        if let Some(newest) = newest.filter(|_| whole) {
            self.since = self.since.max(newest - TimeDelta::seconds(LAG_SECONDS));
            self.told.retain(|_, modified| *modified >= self.since);
        }
        self.forget();
        news.sort();
        news.into_iter().map(|(_, id)| id).collect()
    }

    /// Keeps the cursor small where the list is never whole.
    fn forget(&mut self) {
        let mut times: Vec<Timestamp> = self.told.values().copied().collect();
        times.sort_unstable();
        let surplus = times.len().saturating_sub(MAX_TOLD);
        if let Some(oldest) = times.get(surplus).filter(|_| surplus > 0) {
            self.since = self.since.max(*oldest);
            self.told.retain(|_, modified| *modified >= self.since);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn request(id: &str, second: i64) -> ServiceRequest {
        let time = chrono::DateTime::from_timestamp(2_000_000_000 + second, 0).unwrap();
        let modified = Some(time.format("%Y-%m-%dT%H:%M:%S.5").to_string());
        ServiceRequest { id: id.to_owned(), last_modified_date: modified, ..ServiceRequest::default() }
    }

    #[test]
    fn what_a_torn_list_missed_is_told_by_the_next_one() {
        let mut place = Place::default();
        place.compare(&[request("old", 0)], true);
        assert_eq!(place.compare(&[request("new", 9999)], false), ["new"]);
        let all = [request("missed", 7), request("new", 9999), request("old", 0)];
        assert_eq!(place.compare(&all, true), ["missed"]);
        assert!(place.compare(&all, true).is_empty());
    }

    #[test]
    fn a_cursor_stays_small_even_if_no_list_is_ever_whole() {
        let mut place = Place::default();
        let all: Vec<ServiceRequest> = (0..2000).map(|number| request(&number.to_string(), number)).collect();
        place.compare(&all, false);
        assert!(Cursor::write(&place).unwrap().as_str().len() < 16 * 1024);
        assert!(place.compare(&all, false).is_empty());
    }

    proptest! {
        /// Each modification is told once, in the order of their times, and a quiet place stays as it is.
        #[test]
        fn each_modification_is_told_once(
            rounds in prop::collection::vec(prop::collection::btree_map(0_u8..9, 0_i64..400, 0..9), 1..6)
        ) {
            let mut place = Place::default();
            let mut list: BTreeMap<u8, i64> = BTreeMap::new();
            let requests = |list: &BTreeMap<u8, i64>| -> Vec<ServiceRequest> {
                list.iter().map(|(id, at)| request(&id.to_string(), *at)).collect()
            };
            for (round, changes) in (0_i64..).zip(rounds) {
                let changes: BTreeMap<u8, i64> =
                    changes.into_iter().map(|(id, at)| (id, round * 400 + at)).collect();
                list.extend(&changes);
                let mut expected: Vec<(i64, String)> =
                    changes.iter().map(|(id, at)| (*at, id.to_string())).collect();
                expected.sort();
                let expected: Vec<String> = expected.into_iter().map(|(_, id)| id).collect();
                // Nothing here shows later than the lag allows.
                let late = changes.values().any(|at| *at < round * 400);
                prop_assert!(!late);
                prop_assert_eq!(place.compare(&requests(&list), true), expected);
            }
            let before = place.clone();
            prop_assert!(place.compare(&requests(&list), true).is_empty());
            prop_assert_eq!(before, place);
        }
    }
}
