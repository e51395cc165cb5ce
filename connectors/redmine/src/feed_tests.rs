//! The feed against a model of Redmine's list: microseconds inside, seconds outside, late commits, ties.

use std::collections::{BTreeMap, BTreeSet};

use chrono::DateTime;
use proptest::prelude::*;

use super::*;

const SECOND: i64 = 1_000_000;

/// Issues by number with the microsecond of their last change, and those whose commit is still on its way.
#[derive(Debug, Default)]
struct Model {
    issues: BTreeMap<u64, i64>,
    late: Vec<(u64, i64)>,
}

impl Model {
    fn page(&self, place: &Place) -> Vec<Row> {
        let since = place.since.timestamp().saturating_mul(SECOND);
        let in_window = |micros: i64| match place.from_id {
            None => micros > since - SECOND,
            Some(_) => micros > since - SECOND && micros <= since + SECOND,
        };
        let mut rows: Vec<(i64, u64)> = self
            .issues
            .iter()
            .filter(|(id, micros)| in_window(**micros) && place.from_id.is_none_or(|from| **id >= from))
            .map(|(id, micros)| (if place.from_id.is_some() { 0 } else { *micros }, *id))
            .collect();
        rows.sort_unstable();
        rows.truncate(PAGE);
        let second = |id: &u64| DateTime::from_timestamp(self.issues[id].div_euclid(SECOND), 0).unwrap();
        rows.iter().map(|(_, id)| Row { id: *id, updated: second(id) }).collect()
    }
}

fn at(second: i64) -> Timestamp {
    DateTime::from_timestamp(second, 0).unwrap()
}

#[derive(Clone, Debug)]
enum Step {
    Change { id: u64, late: bool },
    Bulk { first: u64, count: u64 },
    Commit,
    Wait { micros: i64 },
    Page,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (1..400_u64, any::<bool>()).prop_map(|(id, late)| Step::Change { id, late }),
        1 => (1..200_u64, 90..230_u64).prop_map(|(first, count)| Step::Bulk { first, count }),
        2 => Just(Step::Commit),
        3 => (0..9 * SECOND).prop_map(|micros| Step::Wait { micros }),
        4 => Just(Step::Page),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]
    #[test]
    fn every_change_is_shown_after_it_happened_and_then_the_feed_is_silent(
        steps in proptest::collection::vec(step(), 1..60),
        skew in -1000..1000_i64,
    ) {
        let mut model = Model::default();
        let mut now = 1_000_000 * SECOND;
        let ours = |now: i64| at(now.div_euclid(SECOND) + skew);
        let mut place = Place::after(at(now / SECOND), ours(now));
        let mut owed = BTreeSet::new();
        let page = |model: &Model, place: &mut Place, owed: &mut BTreeSet<u64>, now: i64| {
            let rows = model.page(place);
            for row in rows.iter().filter(|row| place.wants(row)) {
                owed.remove(&row.id);
            }
            let shown = rows.iter().filter(|row| place.wants(row)).count();
            let (next, more) = place.advance(&rows, Moments { asked: ours(now), answered: ours(now) });
            *place = Place::parse(&next.cursor().unwrap()).unwrap();
            (shown, more)
        };
        let lag = i64::try_from(LAG_SECONDS).unwrap() * SECOND;
        for step in steps {
            match step {
                Step::Change { id, late: false } => {
                    now += 1;
                    model.issues.insert(id, now);
                    owed.insert(id);
                }
                Step::Change { id, late: true } => model.late.push((id, now)),
                Step::Bulk { first, count } => {
                    for id in first..first + count {
                        model.issues.insert(id, now);
                        owed.insert(id);
                    }
                }
                Step::Commit => commit(&mut model, &mut owed),
                Step::Wait { micros } => {
                    if model.late.iter().any(|(_, begun)| now + micros - begun >= lag) {
                        commit(&mut model, &mut owed);
                    }
                    now += micros;
                }
                Step::Page => {
                    page(&model, &mut place, &mut owed, now);
                }
            }
        }
        commit(&mut model, &mut owed);
        // The first reading to begin after all is over may still have to end one that was under way.
        for _ in 0..2 {
            now += lag + 3 * SECOND;
            let mut pages = 0;
            while page(&model, &mut place, &mut owed, now).1 {
                pages += 1;
                prop_assert!(pages < 60, "the feed does not end");
            }
        }
        prop_assert_eq!(&owed, &BTreeSet::new());
        // Rows of the second before may still fill pages; none of them is shown.
        loop {
            let (shown, more) = page(&model, &mut place, &mut owed, now);
            prop_assert_eq!(shown, 0, "silent");
            if !more {
                break;
            }
        }
    }
}

fn commit(model: &mut Model, owed: &mut BTreeSet<u64>) {
    for (id, micros) in std::mem::take(&mut model.late) {
        // A late commit that was overtaken changes the issue and leaves the later time.
        let entry = model.issues.entry(id).or_insert(micros);
        if *entry <= micros {
            *entry = micros;
            owed.insert(id);
        }
    }
}

#[test]
fn a_cursor_of_somebody_else_is_refused() {
    for text in ["", "{}", "17", "2026-11-22T22:00:00Z"] {
        assert_eq!(Place::parse(&Cursor::new(text)).unwrap_err().kind(), ErrorKind::Malformed, "{text}");
    }
}

#[test]
fn the_query_speaks_in_whole_seconds() {
    let place = Place::after(at(1_000_000_000), at(0));
    assert_eq!(place.query()[0], ("updated_on", ">=2001-09-09T01:46:40Z".to_owned()));
    let place = Place { from_id: Some(7), ..place };
    assert_eq!(place.query()[0].1, "><2001-09-09T01:46:40Z|2001-09-09T01:46:41Z");
    assert_eq!(place.query()[1], ("issue_id", ">=7".to_owned()));
}
