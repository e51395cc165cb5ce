//! The feed against a model of GitLab's list: microseconds inside, milliseconds outside, keys or page numbers, a replica
//! that lags.

use std::collections::{BTreeMap, BTreeSet};

use chrono::DateTime;
use proptest::prelude::*;

use super::*;

#[derive(Debug)]
struct Model {
    keyed: bool,
    now: i64,
    /// Microseconds of the last change, as the replica shows it.
    shown: BTreeMap<u64, i64>,
    late: Vec<(u64, i64)>,
    due: BTreeSet<u64>,
}

impl Model {
    fn new(keyed: bool) -> Self {
        Self { keyed, now: 1_000_000_000_000, shown: BTreeMap::new(), late: Vec::new(), due: BTreeSet::new() }
    }

    fn page(&mut self, place: &Place) -> (Vec<Timestamp>, Next) {
        let query: BTreeMap<_, _> = place.query().into_iter().collect();
        let since = DateTime::parse_from_rfc3339(&query["updated_after"]).unwrap().timestamp_micros();
        let mut rows: Vec<(i64, u64)> =
            self.shown.iter().map(|(number, at)| (*at, *number)).filter(|(at, _)| *at >= since).collect();
        rows.sort_unstable();
        if let Some(key) = query.get("cursor") {
            let (at, number) = key.split_once('-').unwrap();
            let after = (at.parse().unwrap(), number.parse().unwrap());
            rows.retain(|row| *row > after);
        }
        let page = query.get("page").map_or(1, |page| page.parse::<usize>().unwrap());
        let more = rows.len() > page * PAGE;
        let rows: Vec<(i64, u64)> = rows.into_iter().skip((page - 1) * PAGE).take(PAGE).collect();
        self.due.retain(|due| !rows.iter().any(|(_, number)| number == due));
        let next = match (more, self.keyed, rows.last()) {
            (true, true, Some((at, number))) => Next::Keyed(format!("{at}-{number}")),
            (true, false, Some(_)) => Next::Numbered,
            _ => Next::End,
        };
        (rows.iter().map(|(at, _)| micros(at - at.rem_euclid(1000))).collect(), next)
    }

    fn show(&mut self, number: u64, at: i64) {
        let shown = self.shown.entry(number).or_insert(at);
        *shown = (*shown).max(at);
        self.due.insert(number);
    }

    fn wait(&mut self, by: i64) {
        self.now += by;
        let until = self.now - lag().num_microseconds().unwrap();
        for (number, at) in std::mem::take(&mut self.late) {
            if at <= until { self.show(number, at) } else { self.late.push((number, at)) }
        }
    }
}

fn micros(at: i64) -> Timestamp {
    DateTime::from_timestamp_micros(at).unwrap()
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
        3 => (0..40_000_000_i64).prop_map(Move::Wait),
        1 => (0..1500_i64).prop_map(Move::Wait),
        6 => Just(Move::Page),
    ]
}

fn read(model: &mut Model, place: &Place) -> (Place, bool) {
    let (rows, next) = model.page(place);
    // Our clock is off by an hour, which nothing may depend on.
    let now = micros(model.now + 3_600_000_000);
    let cursor = place.cursor().unwrap();
    Place::parse(&cursor).unwrap().advance(&rows, next, Moments { asked: now, answered: now })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn no_change_is_missed(keyed: bool, moves in prop::collection::vec(moves(), 1..60)) {
        let mut model = Model::new(keyed);
        model.show(1, model.now);
        model.due.clear();
        let mut place = Place::after(micros(model.now), micros(model.now + 3_600_000_000));
        for step in moves {
            match step {
                Move::Change { number, late: true } => model.late.push((number, model.now)),
                Move::Change { number, late: false } => model.show(number, model.now),
                // Without keys, what fills pages within one millisecond is not read safely: see the README.
                Move::Bulk { first, count } => {
                    for number in first..first + count {
                        model.wait(if keyed { 0 } else { 1000 });
                        model.show(number, model.now);
                    }
                }
                Move::Wait(by) => model.wait(by),
                Move::Page => place = read(&mut model, &place).0,
            }
        }
        model.wait(lag().num_microseconds().unwrap());
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
        assert_eq!(Place::parse(&Cursor::new(text)).unwrap_err().kind(), ErrorKind::Malformed, "{text}");
    }
}
