//! Finding, against a plain look through all cases; the query language; and what a search costs.

mod language;
mod pace;
mod town;

use proptest::prelude::{Just, ProptestConfig, Strategy, any, prop_oneof, proptest};
use throughline_sdk::{SystemName, Timestamp};

use super::run::{Bounds, find_within};
use super::{Ask, Audience, Error, Query, Shown, Sort, counts};
use crate::case::{Case, CaseId, Field, Offer, PartyName, Priority, Role, Status};
use crate::store::{View, hour};
use town::{Said, Step, Town, step};

const WIDE: Bounds = Bounds { rows: 60_000, looks: 2_000, begun: 20_000 };
/// So that most answers are cut.
const TIGHT: Bounds = Bounds { rows: 12, looks: 2, begun: 20_000 };

/// One part of a query, as the plain look understands it.
#[derive(Clone, Debug)]
enum Asked {
    Text(&'static str),
    Begins(&'static str),
    Case(u64),
    Ticket(&'static str, &'static str),
    Party(&'static str),
    System(&'static str),
    Status(Vec<Status>),
    Priority(Priority),
    View(View),
    Silent(u32),
}

impl Asked {
    fn line(&self) -> String {
        match self {
            Self::Text(text) if text.contains(' ') => format!("\"{text}\""),
            Self::Text(text) => text.to_uppercase(),
            Self::Begins(text) => format!("{text}*"),
            Self::Case(number) => format!("TL-{number}"),
            Self::Ticket(system, key) => format!("{system}:{key}"),
            Self::Party(name) => format!("party:{name}"),
            Self::System(name) => format!("system:{name}"),
            Self::Status(all) => {
                format!("status:{}", all.iter().map(|status| status.word()).collect::<Vec<_>>().join(","))
            }
            Self::Priority(priority) => format!("priority:{}", priority.word()),
            Self::View(view) => format!("is:{}", view.word()),
            Self::Silent(hours) => format!("silent:{hours}h"),
        }
    }

    fn holds(&self, case: &Case, now: Timestamp) -> bool {
        let title = value(case, &Field::Title).to_lowercase();
        let title: Vec<&str> = title.split(' ').filter(|word| !word.is_empty()).collect();
        let tickets: Vec<(String, String)> = case
            .legs
            .iter()
            .flat_map(|(system, leg)| {
                let id = leg.ticket.as_ref().map(ToString::to_string);
                leg.key.clone().into_iter().chain(id).map(move |key| (system.to_string(), key.to_lowercase()))
            })
            .chain(case.former.iter().map(|(system, id)| (system.to_string(), id.to_string())))
            .collect();
        let parties: Vec<&str> = case.legs.values().map(|leg| leg.party.0.as_str()).collect();
        let over = ["resolved", "closed", "cancelled"].contains(&value(case, &Field::Status).as_str());
        let holder = case.custody.holder.as_ref().map(|holder| holder.party.0.clone());
        let home = case.legs.values().find(|leg| leg.role == Role::Home).map(|leg| leg.party.0.clone());
        match self {
            Self::Text(text) => {
                tickets.iter().any(|(_, key)| key == text)
                    || parties.contains(text)
                    || text.split(' ').all(|word| title.contains(&word))
                    || text.parse() == Ok(case.id.0)
            }
            Self::Begins(text) => {
                tickets.iter().any(|(_, key)| key.starts_with(text))
                    || parties.iter().any(|party| party.starts_with(text))
                    || title.iter().any(|word| word.starts_with(text))
            }
            Self::Case(number) => case.id.0 == *number,
            Self::Ticket(system, key) => tickets.contains(&((*system).to_owned(), (*key).to_owned())),
            Self::Party(name) => parties.contains(name),
            Self::System(name) => case.legs.keys().any(|system| system.as_str() == *name),
            Self::Status(all) => all.iter().any(|status| status.word() == value(case, &Field::Status)),
            Self::Priority(priority) => priority.word() == value(case, &Field::Priority),
            Self::View(View::Open) => !over,
            Self::View(View::Closed) => over,
            Self::View(View::WaitingUs) => !over && holder.is_some() && holder == home,
            Self::View(View::WaitingPartner) => !over && holder.is_some() && holder != home,
            Self::View(View::Parked) => case.is_parked(),
            Self::View(View::Conflict) => !case.document.conflicts.is_empty(),
            Self::View(View::Breached) => {
                let late = |offer: &Offer| offer.lapsed || offer.respond_by.is_some_and(|due| due <= now);
                !over && case.legs.values().filter_map(|leg| leg.offer.as_ref()).any(late)
            }
            Self::Silent(hours) => !over && hour(case.changed) + hours < hour(now),
        }
    }
}

fn value(case: &Case, field: &Field) -> String {
    case.document.fields.get(field).map(|field| field.value.clone()).unwrap_or_default()
}

fn asked() -> impl Strategy<Value = Asked> {
    let texts = prop_oneof![
        Just("printer"),
        Just("mail"),
        Just("fire"),
        Just("printer fire"),
        Just("hd-1"),
        Just("hd-1400"),
        Just("1400"),
        Just("a2800"),
        Just("acme"),
        Just("nothing"),
    ];
    prop_oneof![
        3 => texts.prop_map(Asked::Text),
        2 => prop_oneof![Just("pri"), Just("hd-1"), Just("ac"), Just("m"), Just("a2")].prop_map(Asked::Begins),
        1 => town::number().prop_map(Asked::Case),
        1 => prop_oneof![
            Just(("helpdesk", "hd-1400")),
            Just(("helpdesk", "1400")),
            Just(("acme", "a2800")),
            Just(("acme", "1400")),
            Just(("interface", "i700")),
        ]
        .prop_map(|(system, key)| Asked::Ticket(system, key)),
        1 => prop_oneof![Just("acme"), Just("helpdesk")].prop_map(Asked::Party),
        1 => prop_oneof![Just("acme"), Just("interface")].prop_map(Asked::System),
        1 => proptest::sample::subsequence(Status::ALL.to_vec(), 1..4).prop_map(Asked::Status),
        1 => proptest::sample::select(Priority::ALL.to_vec()).prop_map(Asked::Priority),
        3 => proptest::sample::select(View::ALL.to_vec()).prop_map(Asked::View),
        1 => (0u32..80).prop_map(Asked::Silent),
    ]
}

fn ask<'a>(sort: Sort, cursor: Option<&'a str>, limit: usize, now: Timestamp) -> Ask<'a> {
    Ask { sort, cursor, limit, now, audience: Audience::Home }
}

/// All pages of a query, joined.
fn pages(town: &Town, line: &str, sort: Sort, limit: usize, bounds: Bounds) -> Result<Vec<CaseId>, Error> {
    let query = Query::parse(line)?;
    let (mut found, mut cursor, mut turns) = (Vec::new(), None::<String>, 0);
    loop {
        let (query, now) = (query.clone(), town.now());
        let page =
            town.read(|index| find_within(index, &query, &ask(sort, cursor.as_deref(), limit, now), bounds))?;
        assert!(page.cases.len() <= limit);
        let is_cut = page.looked_through.is_some();
        assert!(is_cut || page.next.is_none() || page.cases.len() == limit, "a page ends before it is full");
        assert!(!is_cut || page.next.is_some(), "whoever was cut off can go on");
        found.extend(page.cases.iter().map(|case| case.id));
        turns += 1;
        assert!(turns < 1000, "{line} comes to no end");
        match page.next {
            Some(next) => cursor = Some(next),
            None => return Ok(found),
        }
    }
}

fn expected(town: &Town, all: &[Asked], sort: Sort) -> Vec<CaseId> {
    let by_change = matches!(sort, Sort::Changed | Sort::Silent);
    let mut cases: Vec<&Case> = town
        .cases()
        .values()
        .filter(|case| all.iter().all(|asked| asked.holds(case, town.now())))
        .filter(|case| !by_change || Asked::View(View::Open).holds(case, town.now()))
        .collect();
    match sort {
        Sort::Newest | Sort::Oldest => cases.sort_by_key(|case| case.id),
        Sort::Changed | Sort::Silent => cases.sort_by_key(|case| (hour(case.changed), case.id)),
    }
    if matches!(sort, Sort::Newest | Sort::Changed) {
        cases.reverse();
    }
    cases.iter().map(|case| case.id).collect()
}

fn holds_for(town: &Town, queries: &[(Vec<Asked>, Sort, usize)], bounds: Bounds) {
    for (asked, sort, limit) in queries {
        let line: Vec<String> = asked.iter().map(Asked::line).collect();
        let line = line.join(" ");
        match pages(town, &line, *sort, *limit, bounds) {
            Ok(found) => assert_eq!(found, expected(town, asked, *sort), "{line:?} by {sort:?}"),
            Err(Error::Refused(_)) => {
                assert!(line.contains("is:closed") && matches!(sort, Sort::Changed | Sort::Silent), "{line}");
            }
            Err(error) => panic!("{line:?}: {error}"),
        }
    }
    let breached = town.read(|index| counts(index, 48, town.now())).unwrap().breached;
    let late = expected(town, &[Asked::View(View::Breached)], Sort::Newest);
    assert_eq!(breached, u64::try_from(late.len()).unwrap());
}

fn queries() -> impl Strategy<Value = Vec<(Vec<Asked>, Sort, usize)>> {
    let one =
        (proptest::collection::vec(asked(), 0..4), proptest::sample::select(Sort::ALL.to_vec()), 1usize..5);
    proptest::collection::vec(one, 12..13)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_query_finds_what_a_look_through_all_cases_does(
        steps in proptest::collection::vec(step(), 1..60),
        queries in queries(),
        tight in any::<bool>(),
    ) {
        let bounds = if tight { TIGHT } else { WIDE };
        let mut town = Town::new();
        for step in steps {
            town.go(&step);
        }
        town.compare();
        holds_for(&town, &queries, bounds);
        town.reopen();
        town.compare();
        holds_for(&town, &queries, bounds);
        town.rebuild();
        town.compare();
    }
}

#[test]
fn a_claimed_ticket_is_found_by_the_number_that_it_had() {
    let mut town = Town::new();
    for step in [Step::Open(2801), Step::Say(2801, Said::Created), Step::Say(2801, Said::Claimed)] {
        town.go(&step);
    }
    for line in ["acme:a2800", "acme:a2*", "interface:i2800", "a2800"] {
        assert_eq!(pages(&town, line, Sort::Newest, 10, WIDE).unwrap(), [CaseId(2801)], "{line}");
    }
    assert_eq!(pages(&town, "system:acme", Sort::Newest, 10, WIDE).unwrap(), [], "it holds none any more");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_counterparts_people_find_what_they_are_shown(
        steps in proptest::collection::vec(step(), 1..60),
        asked in proptest::collection::vec(asked(), 0..3),
        shows_title in any::<bool>(),
        moved in any::<bool>(),
    ) {
        let mut town = Town::new();
        for step in steps {
            town.go(&step);
        }
        let party = PartyName("acme".into());
        let shown = |case: &Case| Shown {
            title: shows_title.then(|| value(case, &Field::Title)),
            status: Status::from_word(&value(case, &Field::Status)),
            priority: None,
        };
        let line: Vec<String> = asked.iter().map(Asked::line).collect();
        let query = Query::parse(&line.join(" ")).unwrap();
        let now = town.now();
        // A claim brings a ticket from one of their systems to another.
        let mut systems = vec![SystemName::new("acme")];
        systems.extend(moved.then(|| SystemName::new("interface")));
        let audience = Audience::Party { party: &party, systems: &systems, shown: &shown };
        let page = town.read(|index| {
            super::find(index, &query, &Ask { sort: Sort::Oldest, cursor: None, limit: 100, now, audience })
        });
        let is_for_guests = asked.iter().all(|asked| match asked {
            Asked::Party(_) | Asked::System(_) | Asked::Silent(_) => false,
            Asked::View(view) => matches!(view, View::Open | View::Closed),
            Asked::Text(_)
            | Asked::Begins(_)
            | Asked::Case(_)
            | Asked::Ticket(..)
            | Asked::Status(_)
            | Asked::Priority(_) => true,
        });
        // What is not theirs is taken out of each case before it is looked at.
        let theirs = |case: &Case| {
            let mut case = case.clone();
            case.legs.retain(|system, leg| {
                leg.party == party && leg.ticket.is_some() && systems.contains(system)
            });
            case.former.clear();
            if !shows_title {
                case.document.fields.remove(&Field::Title);
            }
            case.document.fields.remove(&Field::Priority);
            case
        };
        match page {
            Ok(page) => {
                assert!(is_for_guests);
                let found: Vec<CaseId> = page.cases.iter().map(|case| case.id).collect();
                let holds = |asked: &Asked, case: &Case| match (asked, value(case, &Field::Status).as_str()) {
                    // Nobody told them a status: then it is in neither view.
                    (Asked::View(_), "") => false,
                    (Asked::Text("acme"), _) => false,
                    (Asked::Begins("ac"), _) => false,
                    _ => asked.holds(case, now),
                };
                let expected: Vec<CaseId> = town
                    .cases()
                    .values()
                    .map(theirs)
                    .filter(|case| !case.legs.is_empty() && asked.iter().all(|asked| holds(asked, case)))
                    .map(|case| case.id)
                    .collect();
                assert_eq!(found, expected, "{line:?}");
            }
            Err(Error::Query(_)) => assert!(!is_for_guests),
            Err(error) => panic!("{error}"),
        }
    }
}

#[test]
fn pages_join_while_cases_are_opened_between_them() {
    let mut town = Town::new();
    for number in 1..=6 {
        town.go(&Step::Open(number));
    }
    let query = Query::default();
    let now = town.now();
    let first = town.read(|index| super::find(index, &query, &ask(Sort::Newest, None, 2, now))).unwrap();
    town.go(&Step::Open(7));
    let next = first.next.as_deref();
    let second = town.read(|index| super::find(index, &query, &ask(Sort::Newest, next, 3, now))).unwrap();
    let numbers: Vec<u64> = first.cases.iter().chain(&second.cases).map(|case| case.id.0).collect();
    assert_eq!(numbers, [6, 5, 4, 3, 2]);
}

#[test]
fn a_cursor_is_good_for_its_own_query_only() {
    let mut town = Town::new();
    town.go(&Step::Open(1));
    town.go(&Step::Open(2));
    let now = town.now();
    let of = |line: &str, sort: Sort, cursor: Option<&str>| {
        let query = Query::parse(line).unwrap();
        town.read(|index| super::find(index, &query, &ask(sort, cursor, 1, now)))
    };
    let next = of("is:open", Sort::Newest, None).unwrap().next.unwrap();
    assert_eq!(of("IS:open", Sort::Newest, Some(&next)).unwrap().cases[0].id, CaseId(1));
    for (line, sort, cursor) in
        [("", Sort::Newest, &*next), ("is:open", Sort::Oldest, &next), ("is:open", Sort::Newest, "x")]
    {
        assert!(matches!(of(line, sort, Some(cursor)), Err(Error::Cursor)), "{line} {sort:?} {cursor}");
    }
}

#[test]
fn silence_is_counted_from_one_moment_for_all_pages() {
    let mut town = Town::new();
    for number in 1..=3 {
        town.go(&Step::Open(number));
    }
    let query = Query::parse("silent:1h").unwrap();
    let opened = town.now();
    let page = |cursor: Option<&str>, hours: i64| {
        let now = opened + chrono::Duration::hours(hours);
        town.read(|index| super::find(index, &query, &ask(Sort::Newest, cursor, 1, now))).unwrap()
    };
    assert_eq!(page(None, 0).cases, []);
    let first = page(None, 80);
    assert_eq!(first.cases[0].id, CaseId(3));
    assert_eq!(page(first.next.as_deref(), 0).cases[0].id, CaseId(2));
    let silent = town.read(|index| counts(index, 1, opened + chrono::Duration::hours(80)));
    assert_eq!(silent.unwrap().silent, 3);
}

#[test]
fn a_clock_that_has_run_out_is_found_before_anything_is_recorded_of_it() {
    let mut town = Town::new();
    for number in 1..=6 {
        town.go(&Step::Open(number));
        town.go(&Step::Say(number, Said::Offer(10 * i64::try_from(number).unwrap())));
    }
    let breached = |town: &Town, later: chrono::Duration, line: &str| {
        let (query, now) = (Query::parse(line).unwrap(), town.now() + later);
        let page = town.read(|index| super::find(index, &query, &ask(Sort::Newest, None, 9, now))).unwrap();
        let count = town.read(|index| counts(index, 48, now)).unwrap().breached;
        let (_, rows) = town.read(|index| index.run_out(now, 100)).unwrap();
        (page.cases.iter().map(|case| case.id.0).collect::<Vec<_>>(), count, rows)
    };
    let hours = chrono::Duration::hours;
    assert_eq!(breached(&town, hours(10) - chrono::Duration::seconds(1), "is:breached"), (vec![], 0, 0));
    assert_eq!(breached(&town, hours(10), "is:breached"), (vec![1], 1, 1));
    // What is read are the clocks that have run out, and none of those that run.
    assert_eq!(breached(&town, hours(35), "is:breached"), (vec![3, 2, 1], 3, 3));
    // In whichever way it is looked for, and looked into.
    assert_eq!(breached(&town, hours(35), "is:breached TL-2").0, [2]);
    assert_eq!(breached(&town, hours(35), "is:breached helpdesk:HD-3").0, [3]);
    assert_eq!(breached(&town, hours(25), "is:breached helpdesk:HD-3").0, Vec::<u64>::new());
    // It is one case, before its clock is recorded as run out and after; an answer stops the clock, and so does an end.
    town.go(&Step::Say(1, Said::Lapse));
    assert_eq!(breached(&town, hours(35), "is:breached"), (vec![3, 2, 1], 3, 2));
    town.go(&Step::Say(2, Said::Accept));
    town.go(&Step::Say(3, Said::Status(Status::Closed)));
    assert_eq!(breached(&town, hours(35), "is:breached"), (vec![1], 1, 0));
}

#[test]
fn what_begins_too_many_names_is_refused_with_its_place() {
    let mut town = Town::new();
    for number in 1..=4 {
        town.go(&Step::Open(number));
    }
    let query = Query::parse("is:open hd-*").unwrap();
    let now = town.now();
    let within = |begun| {
        town.read(|index| {
            find_within(index, &query, &ask(Sort::Newest, None, 5, now), Bounds { begun, ..WIDE })
        })
    };
    assert_eq!(within(4).unwrap().cases.len(), 4);
    let Err(Error::Query(mistake)) = within(3) else { panic!("four are more than three") };
    assert_eq!(
        mistake.to_string(),
        "at character 9 of the query: too much begins with \"hd-\"; write more of it"
    );
}
