//! The feed against a model of Redmine's list: microseconds inside, seconds outside, late commits, ties.

use chrono::{DateTime, TimeDelta};
use proptest::prelude::*;
use throughline_sdk::{Cursor, ErrorKind};
use throughline_testkit::ChangingList;
use throughline_testkit::changing::{Brought, steps};

use super::*;

const SECOND: i64 = 1_000_000;

fn at(second: i64) -> Timestamp {
    DateTime::from_timestamp(second, 0).unwrap()
}

/// The page that Redmine would list.
fn page(list: &ChangingList, place: &Place) -> Vec<Row> {
    let since = place.window.since().timestamp() * SECOND;
    let mut rows = list.rows();
    rows.retain(|(micros, _)| *micros > since - SECOND);
    if let Some(from) = place.from_id {
        rows.retain(|(micros, id)| *micros <= since + SECOND && *id >= from);
        rows.sort_by_key(|(_, id)| *id);
    }
    rows.truncate(PAGE);
    rows.into_iter().map(|(micros, id)| Row { id, changed: at(micros.div_euclid(SECOND)) }).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn every_change_is_shown_after_it_happened_and_then_the_feed_is_silent(
        steps in steps(100),
        skew in -1000..1000_i64,
    ) {
        let skew = TimeDelta::seconds(skew);
        let list = ChangingList::new(FEED.lag);
        let mut place = Place::after(list.now(), list.now() + skew);
        list.play(&steps, |list| {
            let rows = page(list, &place);
            let ids = rows.iter().filter(|row| place.wants(row)).map(|row| row.id).collect();
            let now = list.now() + skew;
            let (next, more) = place.advance(&rows, Moments { asked: now, answered: now });
            place = Cursor::write(&next).unwrap().read("the Redmine connector").unwrap();
            Ok(Brought { ids, more })
        })?;
    }
}

#[test]
fn a_cursor_of_somebody_else_is_refused() {
    for text in ["", "{}", "17", "2026-11-22T22:00:00Z"] {
        let read = Cursor::new(text).read::<Place>("the Redmine connector");
        assert_eq!(read.unwrap_err().kind(), ErrorKind::Malformed, "{text}");
    }
}

#[test]
fn the_query_speaks_in_whole_seconds() {
    let place = Place::after(at(1_000_000_005), at(0));
    assert_eq!(place.query()[0], ("updated_on", ">=2001-09-09T01:46:40Z".to_owned()));
    let place = Place { from_id: Some(7), ..place };
    assert_eq!(place.query()[0].1, "><2001-09-09T01:46:40Z|2001-09-09T01:46:41Z");
    assert_eq!(place.query()[1], ("issue_id", ">=7".to_owned()));
}
