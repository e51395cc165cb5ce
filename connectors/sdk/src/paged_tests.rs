//! The place against a list that changes while its pages are read, on clocks of several steps.

use std::time::Duration;

use chrono::DateTime;
use proptest::prelude::*;
use throughline_testkit::ChangingList;
use throughline_testkit::changing::{Brought, Step, steps};

use super::*;

const SIZE: usize = 10;
const FEED: Feed = Feed { granularity: Duration::from_secs(1), lag: Duration::from_secs(30) };

/// A page as a desk would list it, whose clock has `feed`'s step while it sorts by the microsecond.
fn page(list: &ChangingList, place: &Place, feed: Feed) -> (Vec<Row>, bool) {
    let time = |micros| floor(DateTime::from_timestamp_micros(micros).unwrap(), feed.granularity);
    let rows = list.rows().into_iter().map(|(micros, id)| Row { id, changed: time(micros) });
    let from = (usize::try_from(place.page()).unwrap() - 1) * SIZE;
    let rows: Vec<Row> = rows.filter(|row| row.changed >= place.since()).skip(from).take(SIZE).collect();
    let follows = rows.len() == SIZE;
    (rows, follows)
}

/// Reads a page, with the place recorded in between as a cursor.
fn read(list: &ChangingList, place: &mut Place, feed: Feed, skew: i64) -> Brought {
    let (rows, follows) = page(list, place, feed);
    let now = list.now() + chrono::TimeDelta::seconds(skew);
    let (next, more) = place.advance(&rows, follows, Moments { asked: now, answered: now }, feed);
    *place = crate::Cursor::write(&next).unwrap().read("this test").unwrap();
    Brought { ids: rows.iter().map(|row| row.id).collect(), more }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn nothing_committed_is_left_out_and_cursors_go_forward(
        steps in steps(10),
        skew in -4000..4000_i64,
        tick in prop_oneof![Just(1_000_000_u64), Just(1000), Just(1), Just(60_000_000)],
    ) {
        // A tick longer than the time that the list is given to come to rest would be read again.
        let lag = FEED.lag.max(Duration::from_micros(tick));
        let feed = Feed { granularity: Duration::from_micros(tick), lag };
        let list = ChangingList::new(lag);
        let mut place = Place::after(list.now(), list.now() + chrono::TimeDelta::seconds(skew), feed);
        let (mut began, mut reading) = (place.since(), false);
        list.play(&steps, |list| {
            let before = place.since();
            if !reading {
                prop_assert!(before >= began, "a reading begins at {before}, the last one at {began}");
                began = before;
            }
            let brought = read(list, &mut place, feed, skew);
            reading = brought.more;
            prop_assert!(!reading || place.since() >= before, "{} after {before}", place.since());
            Ok(brought)
        })?;
    }
}

#[test]
fn a_ticket_that_slips_to_the_page_before_is_seen_by_the_next_walk() {
    let mut list = ChangingList::new(FEED.lag);
    let mut place = Place::after(list.now(), list.now(), FEED);
    list.happen(&Step::Bulk { first: 1, count: 35 });
    list.happen(&Step::Wait { micros: 600_000_000 });
    let mut seen = std::collections::BTreeSet::new();
    for turn in 0.. {
        // Somebody works on while the pages are read.
        if turn < 6 {
            list.happen(&Step::Change { id: turn * 4 + 1, late: false });
        }
        let brought = read(&list, &mut place, FEED, 0);
        seen.extend(brought.ids);
        if !brought.more {
            break;
        }
    }
    assert_eq!(seen, (1..=35).collect());
}

#[test]
fn a_tick_is_left_though_its_tickets_are_listed_in_an_order_of_chance() {
    let at = |second: i64| DateTime::from_timestamp(1_700_000_000 + second, 0).unwrap();
    let mut place = Place::after(at(0), at(0), FEED);
    for asked in 0..200_u64 {
        let row = |nth| Row { id: asked * 100 + nth, changed: at(10) };
        let rows: Vec<Row> = (0..10).map(row).collect();
        let follows = place.page() < 4;
        let page = Moments { asked: at(20), answered: at(20) };
        place = place.advance(&rows, follows, page, FEED).0;
        if place.since() > at(10) {
            assert!(asked >= 60, "left after {asked} pages");
            return;
        }
    }
    panic!("the tick was never left");
}

#[test]
fn a_reading_that_an_earlier_version_began_goes_on() {
    let walk = r#"{"since":"2023-11-14T22:13:20Z","walk":{"page":2,"sum":7,"before":9},
        "newest":"2023-11-14T22:13:20Z","seen":"2023-11-14T22:13:20Z","reached":"2023-11-14T22:13:20Z"}"#;
    let place: Place = serde_json::from_str(walk).unwrap();
    assert_eq!(place.page(), 2);
    // By numbers without a walk, where nobody noted what was seen: it is walked through from its first page on.
    let numbers = walk.replace(r#""walk":{"page":2,"sum":7,"before":9}"#, r#""page":2"#);
    let place: Place = serde_json::from_str(&numbers).unwrap();
    assert_eq!(place.page(), 1);
}
