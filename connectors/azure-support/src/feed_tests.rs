//! The comparison loses no change, and age is no change.

use proptest::prelude::*;

use super::*;

const NOW: i64 = 2_000_000_000;

fn at(passed: i64) -> Moment {
    Moment { ours: NOW + passed, theirs: NOW + passed }
}

fn row(name: &str, modified: i64) -> Row {
    Row { name: name.to_owned(), modified, created: NOW - DAY_SECONDS, closed: false }
}

fn names(news: &News) -> Vec<&str> {
    news.hints.iter().map(|(_, name)| name.as_str()).collect()
}

fn vanished(news: &News) -> Vec<&str> {
    news.looks.iter().filter(|look| look.vanished).map(|look| look.name.as_str()).collect()
}

#[test]
fn what_stood_before_the_start_is_not_told_and_what_changes_is() {
    let mut place =
        Place::start(vec![row("old", NOW - 2 * DAY_SECONDS), row("quiet", NOW - DAY_SECONDS)], at(0));
    let listed = vec![row("old", NOW + 5), row("quiet", NOW - DAY_SECONDS), row("new", NOW + 1)];
    let news = place.compare(listed, at(10));
    assert_eq!(names(&news), ["new", "old"], "oldest first");
    assert_eq!(
        news.looks,
        [Look { name: "quiet".to_owned(), vanished: false, talked: time(NOW - LAG_SECONDS) }]
    );
}

#[test]
fn a_change_is_told_again_until_its_second_and_the_lag_are_over() {
    let mut place = Place::start(Vec::new(), at(0));
    for (passed, told) in
        [(0, true), (10, true), (LAG_SECONDS + 1, true), (LAG_SECONDS + 2, false), (DAY_SECONDS, false)]
    {
        let news = place.compare(vec![row("t", NOW)], at(passed));
        assert_eq!(!news.hints.is_empty(), told, "{passed} seconds later");
    }
}

#[test]
fn a_cursor_stays_the_same_while_nothing_happens() {
    let listed = || vec![row("t", NOW - 2 * DAY_SECONDS)];
    let mut place = Place::start(listed(), at(0));
    let before = Cursor::write(&place).unwrap();
    place.compare(listed(), at(600));
    assert_eq!(Cursor::write(&place).unwrap(), before);
    assert_eq!(place.lately(), format!("CreatedDate ge {}", time(NOW - 3600).format("%Y-%m-%dT%H:%M:%SZ")));
    place.compare(listed(), at(DAY_SECONDS + 1));
    assert_ne!(Cursor::write(&place).unwrap(), before, "what it lists does not grow for ever");
}

#[test]
fn a_message_makes_its_ticket_hot_and_is_not_asked_for_again() {
    let listed = || vec![row("t", NOW - 2 * DAY_SECONDS)];
    let mut place = Place::start(listed(), at(0));
    assert_eq!(place.compare(listed(), at(60)).looks.len(), 1);
    place.talked("t", time(NOW + 50), at(60));
    assert_eq!(names(&place.compare(listed(), at(70))), ["t"]);
    assert_eq!(names(&place.compare(listed(), at(200))), ["t"]);
    let looks = place.compare(listed(), at(260)).looks;
    assert_eq!(looks, [Look { name: "t".to_owned(), vanished: false, talked: time(NOW + 50) }]);
}

#[test]
fn what_is_not_listed_any_more_is_read_and_then_told_by_what_it_is() {
    let mut place = Place::start(vec![row("t", NOW - 2 * DAY_SECONDS)], at(0));
    assert_eq!(vanished(&place.compare(Vec::new(), at(60))), ["t"]);
    assert!(place.found(&Row { closed: true, ..row("t", NOW + 30) }, at(60)), "it was closed");
    let news = place.compare(Vec::new(), at(70));
    assert_eq!((names(&news), vanished(&news).len()), (vec!["t"], 0), "once more for its second");
    assert_eq!(names(&place.compare(Vec::new(), at(DAY_SECONDS))), ["t"]);
    assert!(place.tickets.is_empty(), "and then no more");
}

#[test]
fn a_ticket_that_only_grew_too_old_is_forgotten_without_a_word() {
    let old = Row { created: NOW - 560 * DAY_SECONDS, ..row("old", NOW - 300 * DAY_SECONDS) };
    let mut place = Place::start(vec![old, row("young", NOW - 2 * DAY_SECONDS)], at(0));
    assert_eq!(vanished(&place.compare(Vec::new(), at(0))), ["old", "young"]);
    assert!(!place.lost("old", at(0)));
    assert!(place.lost("young", at(0)), "this one is really not there");
    assert!(place.tickets.is_empty());
}

#[test]
fn more_open_tickets_than_are_remembered_lose_no_change_of_theirs() {
    let all = |later: i64| -> Vec<Row> {
        let modified = |number| NOW - 9 * DAY_SECONDS + number + if number == 3 { later } else { 0 };
        (0..400).map(|number| row(&format!("t{number:03}"), modified(number))).collect()
    };
    let mut place = Place::start(all(0), at(0));
    assert_eq!(place.tickets.len(), MAX_REMEMBERED);
    assert!(place.compare(all(0), at(60)).hints.is_empty());
    assert_eq!(names(&place.compare(all(9 * DAY_SECONDS), at(120))), ["t003"], "a forgotten one");
    assert!(Cursor::write(&place).unwrap().as_str().len() < 16 * 1024);
}

type State = BTreeMap<u8, (i64, bool)>;

fn listed(state: &State) -> Vec<Row> {
    let row = |(name, (modified, closed)): (&u8, &(i64, bool))| Row {
        closed: *closed,
        ..row(&name.to_string(), NOW + modified)
    };
    state.iter().map(row).collect()
}

proptest! {
    /// Whatever happens between readings: each ticket whose time or status differs from the last reading is told.
    #[test]
    fn every_difference_is_told(
        states in prop::collection::vec(
            prop::collection::btree_map(0_u8..6, (0_i64..5, any::<bool>()), 0..6),
            1..8,
        )
    ) {
        let mut place = Place::start(Vec::new(), at(0));
        let mut before = State::new();
        for (step, state) in (0_i64..).zip(states) {
            let news = place.compare(listed(&state), at(100 * step));
            for (name, now) in &state {
                let told = names(&news).contains(&name.to_string().as_str());
                prop_assert!(told || before.get(name) == Some(now), "{} at {}", name, step);
            }
            for (name, (_, closed)) in &before {
                let gone = !state.contains_key(name) && !closed;
                prop_assert!(!gone || vanished(&news).contains(&name.to_string().as_str()));
            }
            for name in vanished(&news) {
                place.lost(name, at(100 * step));
            }
            before = state;
        }
    }

    #[test]
    fn a_cursor_is_read_as_it_was_written(
        rows in prop::collection::vec(("[a-z0-9-]{1,9}", any::<i32>(), any::<bool>()), 0..20)
    ) {
        let of = |(name, modified, closed): (String, i32, bool)| Row {
            closed,
            ..row(&name, NOW + i64::from(modified))
        };
        let place = Place::start(rows.into_iter().map(of).collect(), at(0));
        prop_assert_eq!(Place::parse(&Cursor::write(&place).unwrap()).unwrap(), place);
    }
}
