//! The feed against a model of GitHub's list: whole seconds, rows that show late, ties in an order of chance.

use std::collections::{BTreeMap, BTreeSet};

use chrono::DateTime;
use proptest::prelude::*;

use super::*;

/// Issues by number: the second of their change as the list shows it, and changes that it does not show yet.
#[derive(Debug, Default)]
struct Model {
    now: i64,
    shown: BTreeMap<u64, i64>,
    late: Vec<(u64, i64)>,
    /// Changes that no page has brought since the list shows them.
    due: BTreeSet<u64>,
    /// Turns the order of ties from page to page.
    salt: u64,
}

impl Model {
    fn page(&mut self, place: &Place) -> Vec<Row> {
        self.salt += 1;
        let query: BTreeMap<_, _> = place.query().into_iter().collect();
        let since = DateTime::parse_from_rfc3339(&query["since"]).unwrap().timestamp();
        let from = (query["page"].parse::<usize>().unwrap() - 1) * PAGE;
        // Within a walk the order holds, as it does in a database while nothing moves.
        let salt = if from == 0 { self.salt } else { self.salt - 1 };
        self.salt = salt;
        let mut rows: Vec<(i64, u64, u64)> = self
            .shown
            .iter()
            .filter(|(_, updated)| **updated > since)
            .map(|(number, updated)| (*updated, spread(*number ^ salt), *number))
            .collect();
        rows.sort_unstable();
        let rows: Vec<Row> = rows
            .into_iter()
            .skip(from)
            .take(PAGE)
            .map(|(updated, _, number)| Row { number, updated: at(updated) })
            .collect();
        for row in rows.iter().filter(|row| place.wants(row)) {
            self.due.remove(&row.number);
        }
        rows
    }

    fn show(&mut self, number: u64, second: i64) {
        let shown = self.shown.entry(number).or_insert(second);
        *shown = (*shown).max(second);
        self.due.insert(number);
    }

    /// Shows what has been late for as long as it may.
    fn wait(&mut self, seconds: i64) {
        self.now += seconds;
        let due = self.now - lag();
        for (number, second) in std::mem::take(&mut self.late) {
            if second <= due { self.show(number, second) } else { self.late.push((number, second)) }
        }
    }
}

fn at(second: i64) -> Timestamp {
    DateTime::from_timestamp(second, 0).unwrap()
}

#[derive(Clone, Debug)]
enum Move {
    Change { number: u64, late: bool },
    Bulk { first: u64, count: u64 },
    Wait(i64),
    Page,
}

fn moves() -> impl Strategy<Value = Move> {
    prop_oneof![
        4 => (1..400_u64, any::<bool>()).prop_map(|(number, late)| Move::Change { number, late }),
        1 => (1..200_u64, 90..330_u64).prop_map(|(first, count)| Move::Bulk { first, count }),
        3 => (0..40_i64).prop_map(Move::Wait),
        6 => Just(Move::Page),
    ]
}

/// Reads one page; answers the next place and whether more is ready.
fn read(model: &mut Model, place: &Place) -> (Place, bool) {
    let rows = model.page(place);
    // Our clock is off by an hour, which nothing may depend on.
    let now = at(model.now + 3600);
    let cursor = place.cursor().unwrap();
    Place::parse(&cursor).unwrap().advance(&rows, Moments { asked: now, answered: now })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn no_change_is_missed(moves in prop::collection::vec(moves(), 1..60)) {
        let mut model = Model { now: 1_000_000, ..Model::default() };
        model.show(1, model.now);
        model.due.clear();
        let mut place = Place::after(at(model.now), at(model.now + 3600));
        for step in moves {
            match step {
                Move::Change { number, late: true } => model.late.push((number, model.now)),
                Move::Change { number, late: false } => model.show(number, model.now),
                Move::Bulk { first, count } => {
                    (first..first + count).for_each(|number| model.show(number, model.now));
                }
                Move::Wait(seconds) => model.wait(seconds),
                Move::Page => place = read(&mut model, &place).0,
            }
        }
        model.wait(lag());
        // A reading that began before the list showed everything, and the next one.
        for _ in 0..2 {
            let mut pages = 0;
            loop {
                let (next, more) = read(&mut model, &place);
                place = next;
                pages += 1;
                prop_assert!(pages < 60, "the reading has no end");
                if !more {
                    break;
                }
            }
        }
        prop_assert!(model.due.is_empty(), "never brought: {:?}", model.due);
    }
}

#[test]
fn a_second_that_fills_many_pages_is_read_to_its_end() {
    let mut model = Model { now: 1_000_000, ..Model::default() };
    let mut place = Place::after(at(model.now - 10), at(model.now));
    (1..=350).for_each(|number| model.show(number, model.now));
    for page in 0.. {
        // Somebody works on while the pages are read.
        if page < 6 {
            model.now += 1;
            model.show(page * 7 + 1, model.now);
        }
        let (next, more) = read(&mut model, &place);
        place = next;
        if !more {
            break;
        }
    }
    assert!(model.due.is_empty(), "never brought: {:?}", model.due);
}

#[test]
fn a_quiet_repository_is_asked_for_little() {
    let mut model = Model { now: 1_000_000, ..Model::default() };
    model.show(1, model.now);
    let mut place = Place::after(at(model.now), at(model.now));
    model.now += 600;
    place = place.advance(&[], Moments { asked: at(model.now), answered: at(model.now) }).0;
    assert!(place.since > at(1_000_000), "what was seen long ago is not read again");
    assert!(!read(&mut model, &place).1);
}

#[test]
fn a_foreign_cursor_is_malformed() {
    for text in ["", "7", "{}", r#"{"since":"yesterday"}"#] {
        assert_eq!(Place::parse(&Cursor::new(text)).unwrap_err().kind(), ErrorKind::Malformed, "{text}");
    }
}
