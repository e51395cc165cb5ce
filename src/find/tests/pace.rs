//! What a search costs among a million cases, or `FIND_CASES`, on the engine that comes with the bridge. Run by hand, in
//! release: `cargo test --release --lib find::tests::pace -- --ignored --nocapture`.

#![expect(clippy::print_stdout, reason = "the measurement is what it is for: run it with --nocapture")]

use std::sync::Arc;

use throughline_sdk::{Clock, RemoteId, SystemName};

use crate::case::{
    AgreementName, Case, CaseId, Fact, Field, Fingerprint, Item, Level, PartyName, Reading, Role,
};
use crate::clock::SystemClock;
use crate::find::{Ask, Audience, MOST, Query, Shown, Sort, counts, find};
use crate::ledger::tests::at;
use crate::ledger::{Mark, Position};
use crate::store::sled::SledStore;
use crate::store::{Changes, Index};

const HOURS: u64 = 24 * 365;
const TURNS: usize = 40;

#[test]
#[ignore = "takes minutes and a gigabyte of disk"]
fn an_answer_among_a_million_cases() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store");
    let clock = SystemClock::new();
    let begun = clock.monotonic();
    let asked = std::env::var_os("FIND_CASES").and_then(|count| count.to_str()?.parse().ok());
    let cases: u64 = asked.unwrap_or(1_000_000);
    fill(&path, cases);
    let bytes: u64 =
        std::fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().metadata().unwrap().len()).sum();
    println!("{cases} cases filed in {:.0?}, {} MiB", clock.monotonic() - begun, bytes >> 20);
    let store = SledStore::open(&path, SledStore::DEFAULT_CACHE_BYTES).unwrap();
    let index = Index::new(Arc::new(store));
    let now = at(i64::try_from(HOURS * 3600).unwrap());
    println!("{:<58} {:>7} {:>9} {:>9} {:>9}", "query", "found", "p50", "p99", "most");
    let lines = [
        ("", Sort::Newest),
        ("", Sort::Oldest),
        ("", Sort::Changed),
        ("", Sort::Silent),
        ("HD-777777", Sort::Newest),
        ("a123456", Sort::Newest),
        ("helpdesk:HD-4711", Sort::Newest),
        ("TL-500000", Sort::Newest),
        ("printer", Sort::Newest),
        ("printer", Sort::Changed),
        ("printer room7 word123", Sort::Newest),
        ("word4567", Sort::Oldest),
        ("word4567", Sort::Changed),
        ("word123*", Sort::Newest),
        ("HD-77777*", Sort::Newest),
        ("printer nosuchword", Sort::Newest),
        ("partner3", Sort::Newest),
        ("party:partner3 is:open priority:urgent printer", Sort::Newest),
        ("status:new,open,pending priority:low,urgent is:waiting-us party:home", Sort::Oldest),
        ("is:waiting-us", Sort::Newest),
        ("is:waiting-partner", Sort::Silent),
        ("is:parked is:closed priority:urgent word99", Sort::Oldest),
        ("is:breached", Sort::Newest),
        ("is:conflict", Sort::Newest),
        ("is:silent", Sort::Newest),
        ("is:silent", Sort::Silent),
        ("silent:200d printer", Sort::Oldest),
        ("silent:200d is:waiting-us priority:high", Sort::Changed),
    ];
    let ask = Ask { sort: Sort::Newest, cursor: None, limit: MOST, now, audience: Audience::Home };
    let begun = clock.monotonic();
    find(&index, &Query::parse("").unwrap(), &ask).unwrap();
    println!("the first answer after the start took {:.2?}", clock.monotonic() - begun);
    for (line, sort) in lines {
        let query = Query::parse(line).unwrap();
        measure(&clock, &format!("{line:?} by {}", sort.word()), &mut |cursor| {
            let ask = Ask { sort, cursor, limit: MOST, now, audience: Audience::Home };
            let page = find(&index, &query, &ask).unwrap();
            (page.cases.len(), page.looked_through.is_some(), page.next)
        });
    }
    let party = PartyName("partner3".into());
    let shown = |case: &Case| Shown {
        title: case.document.fields.get(&Field::Title).map(|field| field.value.clone()),
        ..Shown::default()
    };
    let systems = [SystemName::new("partner3")];
    let audience = Audience::Party { party: &party, systems: &systems, shown: &shown };
    for line in ["printer", "room7 word123", "HD-777777", ""] {
        let query = Query::parse(line).unwrap();
        measure(&clock, &format!("{line:?} by the people of a partner"), &mut |cursor| {
            let ask = Ask { sort: Sort::Newest, cursor, limit: MOST, now, audience };
            let page = find(&index, &query, &ask).unwrap();
            (page.cases.len(), page.looked_through.is_some(), page.next)
        });
    }
    measure(&clock, "counts", &mut |_| {
        let counts = counts(&index, 48, now).unwrap();
        (usize::try_from(counts.all).unwrap(), false, None)
    });
}

type Answer = (usize, bool, Option<String>);

/// Runs over the first pages of a query, page after page, and from the beginning again.
fn measure(clock: &SystemClock, name: &str, run: &mut dyn FnMut(Option<&str>) -> Answer) {
    let (mut spans, mut cursor, mut first) = (Vec::new(), None::<String>, None);
    for _ in 0..TURNS {
        let begun = clock.monotonic();
        let (found, is_cut, next) = run(cursor.as_deref());
        spans.push(clock.monotonic() - begun);
        first.get_or_insert_with(|| format!("{found}{}", if is_cut { " (cut)" } else { "" }));
        cursor = next;
    }
    spans.sort();
    let (middle, last) = (spans[spans.len() / 2], spans[spans.len() - 1]);
    let p99 = spans[(spans.len() * 99).div_ceil(100) - 1];
    println!("{name:<58} {:>7} {middle:>9.2?} {p99:>9.2?} {last:>9.2?}", first.unwrap_or_default());
    assert!(last.as_millis() < 200, "{name} took {last:?}");
}

fn fill(path: &std::path::Path, cases: u64) {
    let store = SledStore::open(path, 512 << 20).unwrap();
    let index = Index::new(Arc::new(store));
    let mark = Mark { seq: 1, ..Mark::genesis() };
    let mut changes = Changes::new(&index).unwrap();
    for number in 1..=cases {
        let case = case(number, cases);
        let at = case.changed;
        changes.record(&[], Some(case), at, Position(number)).unwrap();
        if number.is_multiple_of(4096) || number == cases {
            index.absorb(changes.finish());
            index.write_out(&mark).unwrap();
            changes = Changes::new(&index).unwrap();
        }
    }
    index.store().flush().unwrap();
}

/// A case as it stands after a while: nine of ten are over, and of the others some wait, some are parked.
fn case(number: u64, cases: u64) -> Case {
    // As good as random, and the same each time.
    let dice = |salt: u64, sides: u64| {
        let mixed = (number ^ salt << 40).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        ((mixed ^ mixed >> 29).wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 32) % sides
    };
    let opened = number * HOURS * 3600 / cases;
    let when = |seconds: u64| at(i64::try_from(seconds).unwrap());
    let changed = opened + dice(1, 96) * 3600;
    let mut case = Case::new(CaseId(number), when(opened));
    let partner = format!("partner{}", dice(2, 20));
    let mut say = |fact: Fact| case.apply(&fact, when(changed));
    for (system, party, role, id) in [
        ("helpdesk", "home", Role::Home, format!("{number}")),
        (&*partner, &*partner, Role::Counterpart, format!("a{number}")),
    ] {
        let leg = SystemName::new(system);
        say(Fact::Joined {
            leg: leg.clone(),
            party: PartyName(party.to_owned()),
            role,
            agreement: (role == Role::Counterpart).then(|| AgreementName(party.to_owned())),
            version: None,
        });
        let key = (role == Role::Home).then(|| format!("HD-{number}"));
        let reading = Reading { ticket: Some(RemoteId::new(id)), key, ..Reading::default() };
        say(Fact::Observed { leg, reading });
    }
    let things = ["printer", "mail", "login", "screen", "phone"];
    let thing = things[usize::try_from(dice(3, 5)).unwrap()];
    let title = format!(
        "{thing} in Room{} does not work: word{} word{}",
        dice(4, 500),
        dice(5, 5_000),
        dice(6, 50_000)
    );
    let open = dice(7, 10) == 0;
    let status = if open {
        ["new", "open", "pending", "on_hold"]
    } else {
        ["closed", "closed", "resolved", "cancelled"]
    };
    let values = [
        (Field::Title, title),
        (Field::Status, status[usize::try_from(dice(8, 4)).unwrap()].to_owned()),
        (
            Field::Priority,
            ["low", "normal", "high", "urgent"][usize::try_from(dice(9, 4)).unwrap()].to_owned(),
        ),
    ];
    for (field, value) in values {
        say(Fact::Changed {
            field,
            value,
            leg: SystemName::new("helpdesk"),
            changed: when(changed),
            overruled: Default::default(),
        });
    }
    let holder = if dice(10, 2) == 0 { "home".to_owned() } else { partner.clone() };
    say(Fact::Holds {
        party: PartyName(holder),
        level: Level::Helpdesk,
        since: when(changed),
        because: "it was asked".into(),
    });
    if dice(11, 200) == 0 {
        say(Fact::Parked {
            leg: SystemName::new("helpdesk"),
            item: Item::Ticket,
            want: Fingerprint::of("x"),
            kind: throughline_sdk::ErrorKind::Rejected,
            reason: "a title is too long".into(),
            intent: None,
        });
    }
    if dice(12, 2000) == 0 {
        say(Fact::Disputed { field: Field::Kind, wanted: Default::default() });
    }
    if dice(13, 300) == 0 {
        say(Fact::Offering { leg: SystemName::new(partner.clone()), to: Role::Counterpart, after: None });
        say(Fact::OfferLapsed { leg: SystemName::new(partner) });
    }
    case
}
