//! The feed against a model of GitLab's list: microseconds inside, milliseconds outside, keys or page numbers, a replica
//! that lags.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta};
use proptest::prelude::*;
use throughline_sdk::{Cursor, ErrorKind};
use throughline_testkit::ChangingList;
use throughline_testkit::changing::{Brought, steps};

use super::*;

/// The page that GitLab would list, which is a version with keys or one without.
fn page(list: &ChangingList, place: &Place, keyed: bool) -> (Vec<Row>, Next) {
    let query: BTreeMap<_, _> = place.query().into_iter().collect();
    let since = DateTime::parse_from_rfc3339(&query["updated_after"]).unwrap().timestamp_micros();
    let mut rows = list.rows();
    rows.retain(|(micros, _)| *micros >= since);
    if let Some(key) = query.get("cursor") {
        let (at, number) = key.split_once('-').unwrap();
        let after = (at.parse().unwrap(), number.parse().unwrap());
        rows.retain(|row| *row > after);
    }
    let page = query.get("page").map_or(1, |page| page.parse::<usize>().unwrap());
    let more = rows.len() > page * PAGE;
    let rows: Vec<(i64, u64)> = rows.into_iter().skip((page - 1) * PAGE).take(PAGE).collect();
    let next = match (more, keyed, rows.last()) {
        (true, true, Some((at, number))) => Next::Keyed(format!("{at}-{number}")),
        (true, false, Some(_)) => Next::Numbered,
        _ => Next::End,
    };
    let row = |(micros, id): (i64, u64)| Row {
        id,
        changed: DateTime::from_timestamp_micros(micros - micros.rem_euclid(1000)).unwrap(),
    };
    (rows.into_iter().map(row).collect(), next)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn no_change_is_missed(keyed: bool, steps in steps(100)) {
        // Our clock is off by an hour, which nothing may depend on.
        let off = TimeDelta::hours(1);
        let list = ChangingList::new(FEED.lag);
        let mut place = Place::after(list.now(), list.now() + off);
        list.play(&steps, |list| {
            let (rows, next) = page(list, &place, keyed);
            let ids = rows.iter().map(|row| row.id).collect();
            let now = list.now() + off;
            let (next, more) = place.advance(&rows, next, Moments { asked: now, answered: now });
            place = Cursor::write(&next).unwrap().read("the GitLab connector").unwrap();
            Ok(Brought { ids, more })
        })?;
    }
}

#[test]
fn the_next_page_is_told_by_the_link() {
    let said = |link: &str| next(&HeaderMap::from_iter([(header::LINK, link.parse().unwrap())]));
    let host = "https://other.example/api/v4/projects/7/issues";
    assert_eq!(
        said(&format!("<{host}?cursor=eyJ1cGQiOiIyMDI2In0%3D&per_page=100>; rel=\"next\"")),
        Next::Keyed("eyJ1cGQiOiIyMDI2In0=".to_owned())
    );
    let numbered = format!(
        "<{host}?page=1>; rel=\"prev\", <{host}?page=3>; rel=\"next\", <{host}?page=9>; rel=\"last\""
    );
    assert_eq!(said(&numbered), Next::Numbered);
    assert_eq!(said(&format!("<{host}?page=1>; rel=\"first\"")), Next::End);
    assert_eq!(next(&HeaderMap::new()), Next::End);
}

#[test]
fn a_foreign_cursor_is_malformed() {
    for text in ["", "7", "{}", r#"{"since":"yesterday"}"#] {
        let read = Cursor::new(text).read::<Place>("the GitLab connector");
        assert_eq!(read.unwrap_err().kind(), ErrorKind::Malformed, "{text}");
    }
}
