//! The feed against a model of a list: microseconds inside, steps outside, late commits, ties, rows that change pages.

use std::collections::BTreeSet;
use std::time::Duration;

use chrono::{DateTime, TimeDelta};
use proptest::prelude::*;
use throughline_testkit::ChangingList;
use throughline_testkit::changing::{Brought, Step, steps};

use super::*;

const SECOND: i64 = 1_000_000;
const SIZE: usize = 10;
const FEED: Feed = Feed { granularity: Duration::from_secs(1), lag: Duration::from_secs(5) };

/// A desk's list. One that has nothing but a limit has no pages.
fn page(list: &ChangingList, place: &Place, limit: bool) -> (Vec<(u64, Timestamp)>, Option<Position>) {
    let second = |micros: i64| DateTime::from_timestamp(micros.div_euclid(SECOND), 0).unwrap();
    let rows = list.rows().into_iter().map(|(micros, id)| (id, second(micros)));
    let rows = rows.filter(|(_, time)| *time >= place.since());
    let (skip, size) = match &place.at {
        Some(Position::Number(page)) => (usize::try_from(page - 1).unwrap() * SIZE, SIZE),
        Some(Position::Limit(size)) => (0, usize::try_from(*size).unwrap()),
        _ => (0, SIZE),
    };
    let rows: Vec<(u64, Timestamp)> = rows.skip(skip).take(size).collect();
    let next = (rows.len() == size).then(|| match &place.at {
        _ if limit => Position::Limit(u64::try_from(size * 2).unwrap()),
        Some(Position::Number(page)) => Position::Number(page + 1),
        _ => Position::Number(2),
    });
    (rows, next)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    #[test]
    fn every_change_is_shown_after_it_happened_and_then_the_feed_is_silent(
        steps in steps(10),
        skew in -1000..1000_i64,
        limit in any::<bool>(),
        tells in any::<bool>(),
    ) {
        let skew = TimeDelta::seconds(skew);
        let list = ChangingList::new(FEED.lag);
        let mut place = Place::after(list.now(), list.now() + skew, FEED);
        list.play(&steps, |list| {
            let (rows, next) = page(list, &place, limit);
            let wanted = rows.iter().filter(|(_, time)| !tells || *time >= place.since());
            let ids = wanted.map(|(id, _)| *id).collect();
            let last = rows.last().map(|(_, time)| *time);
            let newest = if tells { rows.iter().map(|(_, time)| *time).max() } else { last };
            let now = list.now() + skew;
            let moments = Moments { asked: now, answered: now };
            let (next, more) = place.advance(&Page { newest, last, next, moments }, FEED);
            let text = serde_json::to_string(&next).unwrap();
            place = serde_json::from_str(&text).unwrap();
            Ok(Brought { ids, more })
        })?;
    }
}

#[test]
fn a_row_that_slips_to_the_page_before_by_a_late_commit_is_read_again() {
    let mut list = ChangingList::new(FEED.lag);
    let mut place = Place::after(list.now(), list.now(), FEED);
    let mut shown = BTreeSet::new();
    let mut page = |list: &ChangingList| {
        let (rows, next) = page(list, &place, false);
        shown.extend(rows.iter().map(|(id, _)| *id));
        let last = rows.last().map(|(_, time)| *time);
        let moments = Moments { asked: list.now(), answered: list.now() };
        let (next, more) = place.advance(&Page { newest: last, last, next, moments }, FEED);
        place = next;
        more
    };
    list.happen(&Step::Bulk { first: 27, count: 11 });
    list.happen(&Step::Wait { micros: 2 * SECOND });
    // Between two pages of one second a change of some seconds ago is committed, and the last row moves up.
    list.happen(&Step::Change { id: 27, late: true });
    list.happen(&Step::Wait { micros: 4 * SECOND });
    assert!(page(&list));
    list.happen(&Step::Commit);
    while page(&list) {}
    list.happen(&Step::Wait { micros: 6 * SECOND });
    while page(&list) {}
    assert_eq!(shown, (27..38).collect());
}

#[test]
fn a_reading_that_an_earlier_version_began_goes_on() {
    let recorded = r#"{"since":"2026-01-01T00:00:00Z","at":{"number":3},"newest":"2026-01-01T00:00:02Z",
        "seen":"2026-01-01T00:00:03Z","reading":{"reached":"2026-01-01T00:00:04Z","paged":"2026-01-01T00:00:00Z"}}"#;
    let place: Place = serde_json::from_str(recorded).unwrap();
    assert_eq!((&place.at, place.paged), (&Some(Position::Number(3)), Some(place.since())));
    let again: Place = serde_json::from_str(&serde_json::to_string(&place).unwrap()).unwrap();
    assert_eq!(again, place);
    let at = |second| place.since() + TimeDelta::seconds(second);
    let page =
        Page { newest: None, last: None, next: None, moments: Moments { asked: at(90), answered: at(90) } };
    // The reading began at the fourth second, whatever the clock says now; nothing has moved since.
    assert_eq!(place.advance(&page, FEED).0.since(), at(-1));
}
