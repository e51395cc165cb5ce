//! What changed in a list: everything modified since a moment, less what was told already.
//!
//! Entries bear the moment of their last modification in milliseconds. A list is read in that order from a little before
//! the newest one known, since one may show late, and what was told in that time is remembered. A page is never
//! continued by count: an entry that changes leaves its place and moves the rest up. The next page begins at the last
//! entry of this one, and only where a whole page bears one moment is it followed by its link.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};
use throughline_sdk::{Cursor, Result, Timestamp};

use crate::wire::Announced;

/// How much later than its moment an entry may show.
pub(crate) const LAG_SECONDS: i64 = 300;

/// Where to read on, in each list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Place {
    pub(crate) issues: Strand,
    pub(crate) messages: Strand,
}

/// Where to read on in one list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Strand {
    /// The first moment to read.
    since: Timestamp,
    /// The newest moment known.
    newest: Timestamp,
    /// What of the time from `since` on was told: when each entry was modified.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    told: BTreeMap<String, Timestamp>,
}

impl Place {
    /// The place that a cursor of ours holds.
    pub(crate) fn parse(cursor: &Cursor) -> Result<Self> {
        cursor.read("the Microsoft health connector")
    }
}

impl Strand {
    /// The place after everything up to `newest`, of which the last part is yet to be noted as told.
    pub(crate) fn after(newest: Timestamp) -> Self {
        let since = newest - TimeDelta::seconds(LAG_SECONDS);
        Self { since, newest, told: BTreeMap::new() }
    }

    /// The filter of the next page.
    pub(crate) fn filter(&self) -> String {
        format!("lastModifiedDateTime ge {}", self.since.format("%Y-%m-%dT%H:%M:%S%.3fZ"))
    }

    /// Whether a page holds nothing but entries of the first moment, so that the next one cannot begin after them.
    pub(crate) fn is_stuck(&self, page: &[Announced]) -> bool {
        // The filter knows no more than milliseconds.
        let first = |time: &Timestamp| time.timestamp_millis() <= self.since.timestamp_millis();
        page.iter().filter_map(|entry| entry.last_modified_date_time.as_ref()).all(first)
    }

    /// Notes the entries of a page, oldest first, and answers those that were not told yet.
    pub(crate) fn take<'p>(&mut self, page: &'p [Announced], more: bool) -> Vec<(Timestamp, &'p Announced)> {
        let mut news = Vec::new();
        let mut last = self.since;
        for entry in page {
            let Some(modified) = entry.last_modified_date_time else { continue };
            self.newest = self.newest.max(modified);
            last = last.max(modified);
            if self.told.insert(entry.id.clone(), modified) != Some(modified) {
                news.push((modified, entry));
            }
        }
        if more {
            self.since = last;
        } else {
            self.since = self.newest - TimeDelta::seconds(LAG_SECONDS);
            self.told.retain(|_, modified| modified.timestamp_millis() >= self.since.timestamp_millis());
        }
        news
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOW: i64 = 2_000_000_000_000;

    fn at(millis: i64) -> Timestamp {
        chrono::DateTime::from_timestamp_millis(NOW + millis).unwrap()
    }

    fn entry(id: &str, modified: i64) -> Announced {
        Announced { id: id.to_owned(), last_modified_date_time: Some(at(modified)), ..Announced::default() }
    }

    /// What the list gives for a strand: a page in order, and whether there is more.
    fn page(list: &BTreeMap<u8, i64>, strand: &Strand, size: usize) -> (Vec<Announced>, bool) {
        let mut rows: Vec<(i64, u8)> =
            list.iter().filter(|(_, at_)| at(**at_) >= strand.since).map(|(id, at)| (*at, *id)).collect();
        rows.sort_unstable();
        let mut end = size.min(rows.len());
        // The link is followed while a page is stuck.
        while end < rows.len() && rows.iter().take(end).all(|(time, _)| at(*time) <= strand.since) {
            end = (end + size).min(rows.len());
        }
        let more = end < rows.len();
        (rows.into_iter().take(end).map(|(at, id)| entry(&id.to_string(), at)).collect(), more)
    }

    fn drain(list: &BTreeMap<u8, i64>, strand: &mut Strand, size: usize) -> Vec<String> {
        let mut told = Vec::new();
        for _ in 0..100 {
            let (rows, more) = page(list, strand, size);
            told.extend(strand.take(&rows, more).into_iter().map(|(_, entry)| entry.id.clone()));
            if !more {
                return told;
            }
        }
        panic!("the feed has no end: {strand:?}");
    }

    proptest! {
        /// Every modification is told once, however many share a moment, and none that was told is told again.
        #[test]
        fn each_modification_is_told_once(
            rounds in prop::collection::vec(prop::collection::btree_map(0_u8..30, 0_i64..3, 0..30), 1..6),
            size in 1_usize..5,
        ) {
            let mut strand = Strand::after(at(-1));
            let mut list: BTreeMap<u8, i64> = BTreeMap::new();
            for (round, changes) in (0_i64..).zip(rounds) {
                let changed: BTreeMap<u8, i64> = changes.into_iter().map(|(id, offset)| (id, round * 10 + offset)).collect();
                list.extend(&changed);
                let mut told = drain(&list, &mut strand, size);
                told.sort();
                let mut expected: Vec<String> = changed.keys().map(ToString::to_string).collect();
                expected.sort();
                prop_assert_eq!(told, expected);
            }
            let before = strand.clone();
            prop_assert!(drain(&list, &mut strand, size).is_empty());
            prop_assert_eq!(before, strand, "a cursor stays as it is while nothing happens");
        }
    }

    #[test]
    fn an_entry_that_shows_late_is_told() {
        let mut strand = Strand::after(at(0));
        strand.take(&[entry("first", 200_000)], false);
        let page = [entry("late", 10_000), entry("first", 200_000)];
        let news = strand.take(&page, false);
        assert_eq!(news.iter().map(|(_, entry)| entry.id.as_str()).collect::<Vec<_>>(), ["late"]);
    }
}
