//! The feed against a model of Jira's search: an index that lags behind, dates cut to the minute, a database clock of
//! whole seconds, and clocks that do not agree.

use std::collections::{BTreeMap, BTreeSet};

use chrono::DateTime;
use proptest::prelude::*;

use super::*;

const LAG: Duration = Duration::from_secs(90);
const LAG_MILLIS: i64 = 90_000;
const MINUTE: i64 = 60_000;
const PAGE: usize = 7;

/// Each change of an issue: when the index shows it, and the time it bears. Times are the server's, in milliseconds.
#[derive(Debug, Default)]
struct Model {
    changes: BTreeMap<u64, Vec<(i64, i64)>>,
}

impl Model {
    /// A change that the index shows after `late` milliseconds.
    fn change(&mut self, id: u64, now: i64, late: i64) {
        let stamp = now.div_euclid(1000) * 1000;
        self.changes.entry(id).or_default().push((now + late, stamp));
    }

    /// One page by key, and where the next begins.
    fn page(&self, now: i64, reading: &Reading) -> (Vec<Row>, Option<String>) {
        let back = i64::try_from(reading.minutes).unwrap() * MINUTE;
        let bound = (now - back).div_euclid(MINUTE);
        let shown = self.changes.iter().filter_map(|(id, changes)| {
            let known = changes.iter().filter(|(at, _)| *at <= now).map(|(_, stamp)| *stamp).max()?;
            Some((*id, known))
        });
        let from: u64 = reading.from.as_deref().map_or(0, |from| from.parse().unwrap());
        let rest: Vec<_> =
            shown.filter(|(id, stamp)| stamp.div_euclid(MINUTE) > bound && *id > from).collect();
        let page = rest.iter().take(PAGE);
        let rows: Vec<Row> =
            page.map(|(id, stamp)| Row { id: id.to_string(), updated: at(*stamp) }).collect();
        let next = (rest.len() > PAGE).then(|| rows.last().unwrap().id.clone());
        (rows, next)
    }
}

fn at(millis: i64) -> Timestamp {
    DateTime::from_timestamp_millis(millis).unwrap()
}

#[derive(Clone, Debug)]
enum Step {
    Change { id: u64, late: i64 },
    Bulk { first: u64, count: u64, late: i64 },
    Wait { millis: i64 },
    Page,
    Drain,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (1..40_u64, 0..LAG_MILLIS).prop_map(|(id, late)| Step::Change { id, late }),
        // Again and again on the same issue, seen at once.
        4 => Just(Step::Change { id: 1, late: 0 }),
        3 => (0..300_i64).prop_map(|millis| Step::Wait { millis }),
        1 => (1..40_u64, 5..30_u64, 0..LAG_MILLIS).prop_map(|(first, count, late)| Step::Bulk { first, count, late }),
        3 => (0..200_000_i64).prop_map(|millis| Step::Wait { millis }),
        1 => (0..3_000_i64).prop_map(|millis| Step::Wait { millis }),
        1 => (1_000_000..9_000_000_i64).prop_map(|millis| Step::Wait { millis }),
        3 => Just(Step::Page),
        3 => Just(Step::Drain),
    ]
}

struct Run {
    model: Model,
    place: Place,
    now: i64,
    skew: i64,
    /// Issues with a change that was not hinted at since.
    owed: BTreeSet<u64>,
}

impl Run {
    fn ours(&self) -> Timestamp {
        at(self.now + self.skew)
    }

    /// Reads one page; answers whether there is another, and how much was hinted at.
    fn page(&mut self) -> (bool, usize) {
        let asked = self.ours();
        let reading = self.place.reading(asked, LAG);
        let (rows, next) = self.model.page(self.now, &reading);
        let more = next.is_some();
        self.now += 3;
        let page = Moments { asked, answered: self.ours() };
        let place = Place::parse(&Cursor::write(&self.place).unwrap()).unwrap();
        let (hinted, place) = place.advance(&rows, &reading, next, page);
        for id in &hinted {
            self.owed.remove(&id.parse().unwrap());
        }
        self.place = place;
        (more, hinted.len())
    }

    fn drain(&mut self) -> usize {
        let mut all = 0;
        for _ in 0..100 {
            let (more, hinted) = self.page();
            all += hinted;
            if !more {
                return all;
            }
        }
        panic!("the feed does not end");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]
    #[test]
    fn every_change_is_hinted_at_after_it_happened_and_then_the_feed_is_silent(
        steps in proptest::collection::vec(step(), 1..60),
        skew in -10_000_000..10_000_000_i64,
    ) {
        let now = 1_767_225_600_000;
        let mut run = Run {
            model: Model::default(), place: Place::after(&[], at(now + skew), at(now)), now, skew, owed: BTreeSet::new(),
        };
        for step in steps {
            match step {
                Step::Change { id, late } => {
                    run.now += 1;
                    run.model.change(id, run.now, late);
                    run.owed.insert(id);
                }
                Step::Bulk { first, count, late } => {
                    for id in first..first + count {
                        run.model.change(id, run.now, late);
                        run.owed.insert(id);
                    }
                }
                Step::Wait { millis } => run.now += millis,
                Step::Page => drop(run.page()),
                Step::Drain => drop(run.drain()),
            }
        }
        for _ in 0..3 {
            run.now += LAG_MILLIS + 3_000;
            run.drain();
        }
        prop_assert_eq!(&run.owed, &BTreeSet::new());
        run.now += 3_000;
        prop_assert_eq!(run.drain(), 0, "silent");
    }
}

#[test]
fn what_is_there_at_the_start_is_left_alone_until_it_changes() {
    let row = |id: &str, millis| Row { id: id.to_owned(), updated: at(millis) };
    let place = Place::after(&[row("1", 1_000), row("2", 99_000)], at(500_000), at(100_000));
    let page = Moments { asked: at(510_000), answered: at(510_000) };
    let reading = place.reading(page.asked, LAG);
    let (hinted, _) = place.clone().advance(&[row("1", 1_000), row("2", 99_000)], &reading, None, page);
    assert_eq!(hinted, ["2"], "its second was not over");
    let (hinted, _) = place.advance(&[row("1", 2_000)], &reading, None, page);
    assert_eq!(hinted, ["1"]);
}

#[test]
fn a_reading_that_takes_too_long_begins_anew() {
    let place = Place::after(&[], at(0), at(0));
    let page = Moments { asked: at(0), answered: at(0) };
    let reading = place.reading(at(0), LAG);
    let (_, place) = place.advance(&[], &reading, Some("token".to_owned()), page);
    assert_eq!(place.reading(at(14 * MINUTE), LAG).from.as_deref(), Some("token"));
    let anew = place.reading(at(16 * MINUTE), LAG);
    assert_eq!((anew.from, anew.minutes), (None, 16 + back(LAG)));
    // Set back, the clock tells nothing.
    assert!(place.reading(at(-MINUTE), LAG).minutes >= 24 * 60);
}

#[test]
fn a_cursor_stays_small_and_is_nobody_elses() {
    let rows: Vec<Row> = (0..2_000)
        .map(|id| Row { id: (1_000_000 + id).to_string(), updated: at(1_767_225_600_000 + id) })
        .collect();
    let place = Place::after(&[], at(0), at(0));
    let reading = place.reading(at(0), LAG);
    let page = Moments { asked: at(1_767_225_600_000), answered: at(1_767_225_600_000) };
    let (hinted, place) = place.advance(&rows, &reading, None, page);
    assert_eq!(hinted.len(), 2_000);
    let cursor = Cursor::write(&place).unwrap();
    assert!(cursor.as_str().len() < 16 * 1024, "{}", cursor.as_str().len());
    assert_eq!(place.recent(2), ["1001999", "1001998"]);
    for text in ["", "{}", "17", r#"{"since":"x"}"#] {
        assert_eq!(
            Place::parse(&Cursor::new(text)).unwrap_err().kind(),
            throughline_sdk::ErrorKind::Malformed,
            "{text}"
        );
    }
}
