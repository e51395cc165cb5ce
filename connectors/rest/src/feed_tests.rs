//! The feed against a model of a list: microseconds inside, steps outside, late commits, ties, rows that change pages.

use std::collections::{BTreeMap, BTreeSet};

use chrono::DateTime;
use proptest::prelude::*;

use super::*;

const SECOND: i64 = 1_000_000;
const TICK: Tick = Tick { granularity: Duration::from_secs(1), lag: Duration::from_secs(5) };

/// Tickets with the microsecond of their last change, and those whose commit is still on its way.
#[derive(Debug, Default)]
struct Model {
    tickets: BTreeMap<u64, i64>,
    late: Vec<(u64, i64)>,
    size: usize,
    /// Whether the desk has nothing but a limit, and so no pages.
    limit: bool,
}

impl Model {
    /// The rows of a page, each with the second that is shown, and where the next page is.
    fn page(&self, place: &Place) -> (Vec<(u64, Timestamp)>, Option<Position>) {
        let since = place.since.timestamp_micros();
        let mut rows: Vec<(i64, u64)> = self
            .tickets
            .iter()
            .map(|(id, micros)| (*micros, *id))
            .filter(|(micros, _)| micros.div_euclid(SECOND) * SECOND >= since)
            .collect();
        rows.sort_unstable();
        let (skip, size) = match &place.at {
            Some(Position::Number(page)) => (usize::try_from(page - 1).unwrap() * self.size, self.size),
            Some(Position::Limit(size)) => (0, usize::try_from(*size).unwrap()),
            _ => (0, self.size),
        };
        let rows: Vec<(i64, u64)> = rows.into_iter().skip(skip).take(size).collect();
        let next = (rows.len() == size).then(|| match &place.at {
            _ if self.limit => Position::Limit(u64::try_from(size * 2).unwrap()),
            Some(Position::Number(page)) => Position::Number(page + 1),
            _ => Position::Number(2),
        });
        let second = |micros: i64| DateTime::from_timestamp(micros.div_euclid(SECOND), 0).unwrap();
        (rows.into_iter().map(|(micros, id)| (id, second(micros))).collect(), next)
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
        4 => (1..60_u64, any::<bool>()).prop_map(|(id, late)| Step::Change { id, late }),
        1 => (1..40_u64, 9..23_u64).prop_map(|(first, count)| Step::Bulk { first, count }),
        2 => Just(Step::Commit),
        3 => (0..9 * SECOND).prop_map(|micros| Step::Wait { micros }),
        4 => Just(Step::Page),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    #[test]
    fn every_change_is_shown_after_it_happened_and_then_the_feed_is_silent(
        steps in proptest::collection::vec(step(), 1..60),
        skew in -1000..1000_i64,
        limit in any::<bool>(),
        tells in any::<bool>(),
    ) {
        let mut model = Model { size: 10, limit, ..Model::default() };
        let mut now = 1_000_000 * SECOND;
        let ours = |now: i64| at(now.div_euclid(SECOND) + skew);
        let mut place = Place::after(at(now / SECOND), ours(now));
        let mut owed = BTreeSet::new();
        let page = |model: &Model, place: &mut Place, owed: &mut BTreeSet<u64>, now: i64| {
            let (rows, next) = model.page(place);
            let wanted: Vec<u64> =
                rows.iter().filter(|(_, time)| !tells || *time >= place.since).map(|(id, _)| *id).collect();
            for id in &wanted {
                owed.remove(id);
            }
            let last = rows.last().map(|(_, time)| *time);
            let newest = if tells { rows.iter().map(|(_, time)| *time).max() } else { last };
            let page = Page { newest, last, next, asked: ours(now), answered: ours(now) };
            let (next, more) = place.advance(&page, TICK);
            let text = serde_json::to_string(&next).unwrap();
            *place = serde_json::from_str(&text).unwrap();
            (wanted.len(), more)
        };
        let lag = 5 * SECOND;
        for step in steps {
            match step {
                Step::Change { id, late: false } => {
                    now += 1;
                    model.tickets.insert(id, now);
                    owed.insert(id);
                }
                Step::Change { id, late: true } => model.late.push((id, now)),
                Step::Bulk { first, count } => {
                    for id in first..first + count {
                        model.tickets.insert(id, now);
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
        for _ in 0..3 {
            now += lag + 3 * SECOND;
            let mut pages = 0;
            while page(&model, &mut place, &mut owed, now).1 {
                pages += 1;
                prop_assert!(pages < 60, "the feed does not end");
            }
        }
        prop_assert_eq!(&owed, &BTreeSet::new());
        loop {
            let (shown, more) = page(&model, &mut place, &mut owed, now);
            prop_assert_eq!(shown, 0, "silent");
            if !more {
                break;
            }
        }
    }
}

#[test]
fn a_row_that_slips_to_the_page_before_by_a_late_commit_is_read_again() {
    let begun = 1_000_000 * SECOND;
    let mut model = Model { size: 10, ..Model::default() };
    model.tickets.extend((27..38).map(|id| (id, begun)));
    let mut place = Place::after(at(begun / SECOND), at(begun / SECOND));
    let mut shown = BTreeSet::new();
    let mut page = |model: &Model, second: i64| {
        let (rows, next) = model.page(&place);
        shown.extend(rows.iter().map(|(id, _)| *id));
        let last = rows.last().map(|(_, time)| *time);
        let moment = at(begun / SECOND + second);
        let (next, more) =
            place.advance(&Page { newest: last, last, next, asked: moment, answered: moment }, TICK);
        place = next;
        more
    };
    // Between two pages of one second a change of five seconds ago is committed, and the last row moves up.
    assert!(page(&model, 6));
    model.tickets.insert(27, begun + SECOND);
    while page(&model, 6) {}
    while page(&model, 12) {}
    assert_eq!(shown, (27..38).collect());
}

fn commit(model: &mut Model, owed: &mut BTreeSet<u64>) {
    for (id, micros) in std::mem::take(&mut model.late) {
        // A late commit that was overtaken changes the ticket and leaves the later time.
        let entry = model.tickets.entry(id).or_insert(micros);
        if *entry <= micros {
            *entry = micros;
            owed.insert(id);
        }
    }
}
