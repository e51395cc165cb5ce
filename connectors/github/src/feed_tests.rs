//! The feed against a model of GitHub's list: whole seconds, rows that show late, ties in an order of chance.

use std::collections::BTreeMap;

use chrono::DateTime;
use proptest::prelude::*;
use throughline_sdk::{Cursor, Moments};
use throughline_testkit::ChangingList;
use throughline_testkit::changing::{Brought, steps};

use super::*;

fn at(second: i64) -> Timestamp {
    DateTime::from_timestamp(second, 0).unwrap()
}

/// The page that GitHub would list. `salt` turns the order of ties; within a walk it stays, as in a database.
fn page(list: &ChangingList, place: &Place, salt: u64) -> Vec<Row> {
    let query: BTreeMap<_, _> = query(place).into_iter().collect();
    let since = DateTime::parse_from_rfc3339(&query["since"]).unwrap();
    let from = (query["page"].parse::<usize>().unwrap() - 1) * PAGE;
    let rows = list.rows().into_iter().map(|(micros, id)| Row { id, changed: at(micros / 1_000_000) });
    let mut rows: Vec<Row> = rows.filter(|row| row.changed > since).collect();
    rows.sort_by_key(|row| (row.changed, (row.id ^ salt).reverse_bits()));
    rows.into_iter().skip(from).take(PAGE).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn no_change_is_missed(steps in steps(100)) {
        // Our clock is off by an hour, which nothing may depend on.
        let off = TimeDelta::hours(1);
        let list = ChangingList::new(FEED.lag);
        let mut place = Place::after(list.now(), list.now() + off, FEED);
        let mut salt = 0;
        list.play(&steps, |list| {
            if place.page() == 1 {
                salt += 1;
            }
            let rows = page(list, &place, salt);
            let ids = rows.iter().filter(|row| wants(&place, row)).map(|row| row.id).collect();
            let now = list.now() + off;
            let (next, more) =
                place.advance(&rows, rows.len() >= PAGE, Moments { asked: now, answered: now }, FEED);
            place = next;
            Ok(Brought { ids, more })
        })?;
    }
}

#[test]
fn a_foreign_cursor_is_malformed() {
    for text in ["", "7", "{}", r#"{"since":"yesterday"}"#] {
        let read = Cursor::new(text).read::<Place>("the GitHub connector");
        assert_eq!(read.unwrap_err().kind(), throughline_sdk::ErrorKind::Malformed, "{text}");
    }
}
