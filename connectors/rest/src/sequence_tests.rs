//! The journal against a model: numbers that are committed late, rows that are deleted, pages that move.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;

const LAG: Duration = Duration::from_secs(5);
const PAGES: Pages = Pages::Number { first: 1, size: 7, more: None };

#[derive(Clone, Debug)]
enum Step {
    Write { ticket: u64, late: bool },
    Commit,
    Delete { at: prop::sample::Index, count: usize },
    Wait(i64),
    Page,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (1..40_u64, prop::bool::weighted(0.2)).prop_map(|(ticket, late)| Step::Write { ticket, late }),
        2 => Just(Step::Commit),
        1 => (any::<prop::sample::Index>(), 1..20_usize).prop_map(|(at, count)| Step::Delete { at, count }),
        3 => (0..9_i64).prop_map(Step::Wait),
        4 => Just(Step::Page),
    ]
}

#[derive(Debug, Default)]
struct Model {
    rows: BTreeMap<u64, u64>,
    late: Vec<(u64, u64, i64)>,
    last: u64,
    now: i64,
}

impl Model {
    fn time(&self) -> Timestamp {
        Timestamp::from_timestamp(1_000_000 + self.now, 0).unwrap()
    }

    fn commit(&mut self) -> Vec<u64> {
        let late = std::mem::take(&mut self.late);
        late.into_iter()
            .map(|(number, ticket, _)| {
                self.rows.insert(number, ticket);
                ticket
            })
            .collect()
    }

    /// What a reading shows, and the place after it.
    fn read(&self, place: &Place, counted: bool) -> (Vec<u64>, Place, bool) {
        let (rows, place_after, more): (Vec<(u64, u64)>, Place, bool);
        if counted {
            let position = place.page.clone().unwrap_or(Position::Number(1));
            let Position::Number(page) = position else { panic!("pages are counted") };
            let from = usize::try_from(page - 1).unwrap() * 7;
            rows = self.rows.iter().skip(from).take(7).map(|(number, ticket)| (*number, *ticket)).collect();
            let next = (rows.len() == 7).then_some(Position::Number(page + 1));
            let numbers: Vec<u64> = rows.iter().map(|(number, _)| *number).collect();
            (place_after, more) = place.turn(&numbers, (&position, next, &PAGES), self.time(), LAG);
        } else {
            let after = place.number() + 1;
            rows = self.rows.range(after..).take(7).map(|(number, ticket)| (*number, *ticket)).collect();
            let numbers: Vec<u64> = rows.iter().map(|(number, _)| *number).collect();
            (place_after, more) = place.advance(&numbers, self.time(), LAG);
        }
        let shown =
            rows.iter().filter(|(number, _)| place.wants(*number)).map(|(_, ticket)| *ticket).collect();
        let text = serde_json::to_string(&place_after).unwrap();
        (shown, serde_json::from_str(&text).unwrap(), more)
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    #[test]
    fn every_row_that_stays_is_shown_and_then_the_journal_is_silent(
        steps in proptest::collection::vec(step(), 1..80),
        counted in any::<bool>(),
    ) {
        let mut model = Model::default();
        let mut place = Place::after(0, model.time(), None);
        // Tickets with a row that nobody was shown yet.
        let mut owed: BTreeSet<u64> = BTreeSet::new();
        for step in steps {
            match step {
                Step::Write { ticket, late } => {
                    model.last += 1;
                    if late {
                        model.late.push((model.last, ticket, model.now));
                    } else {
                        model.rows.insert(model.last, ticket);
                        owed.insert(ticket);
                    }
                }
                Step::Commit => owed.extend(model.commit()),
                Step::Delete { at, count } if !model.rows.is_empty() => {
                    let numbers: Vec<u64> = model.rows.keys().copied().collect();
                    for number in numbers.iter().skip(at.index(numbers.len())).take(count) {
                        // What was deleted before anybody could see it is owed to nobody.
                        owed.remove(&model.rows.remove(number).unwrap());
                    }
                }
                Step::Delete { .. } => {}
                Step::Wait(seconds) => {
                    if model.late.iter().any(|(_, _, begun)| model.now + seconds - begun >= 5) {
                        owed.extend(model.commit());
                    }
                    model.now += seconds;
                }
                Step::Page => {
                    let (shown, next, _) = model.read(&place, counted);
                    shown.iter().for_each(|ticket| _ = owed.remove(ticket));
                    place = next;
                }
            }
        }
        owed.extend(model.commit());
        for _ in 0..4 {
            model.now += 8;
            let mut pages = 0;
            loop {
                let (shown, next, more) = model.read(&place, counted);
                shown.iter().for_each(|ticket| _ = owed.remove(ticket));
                place = next;
                pages += 1;
                prop_assert!(pages < 80, "the journal does not end");
                if !more {
                    break;
                }
            }
        }
        prop_assert_eq!(&owed, &BTreeSet::new());
        loop {
            let (shown, next, more) = model.read(&place, counted);
            prop_assert!(shown.is_empty(), "silent: {:?}", shown);
            place = next;
            if !more {
                break;
            }
        }
    }
}
