//! One suite of behaviours for every engine: random histories with crashes, compared with a plain model.

mod desk;
mod filed;
mod model;

use std::sync::Arc;

use proptest::prelude::{Just, ProptestConfig, Strategy, any, prop_oneof, proptest};

use crate::case::CaseId;
use crate::ledger::tests::{now, opening, parts, tell};
use crate::ledger::{Journal, Mark, MemoryMedium};
use crate::store::memory::MemoryStore;
use crate::store::sled::SledStore;
use crate::store::{Batch, Index, Store, Table};
use desk::{Disk, Engine, Memory};
pub(crate) use filed::assert_filed;
use model::World;

/// One thing that happens.
#[derive(Clone, Debug)]
enum Step {
    Say(Say),
    /// In good order.
    Reopen,
    /// The process and the machine die after so many more writes, in the middle of saying something.
    Crash {
        after: u64,
        during: Say,
        seed: u64,
        store: Fate,
    },
    /// Ask everything while it runs, when the store has not got it all yet.
    Look,
    /// Remember the store as it is, for a later [`Fate::Behind`].
    Snapshot,
}

/// What is recorded; numbers are small, so that histories meet.
#[derive(Clone, Debug)]
enum Say {
    Hint(u64),
    Page(u64),
    Ignore(u64),
    Open(u64),
    Observe(u64, u8),
    Create(u64),
    Effect(u64),
    Drop(u64),
    Park(u64),
    Unpark(u64),
    Rekey(u64),
    Long(u64),
    Claim(u64),
    Concern(u64, u8),
    Announce(u64, u8),
}

/// What becomes of the store in a crash.
#[derive(Clone, Copy, Debug)]
enum Fate {
    Kept,
    Behind,
    Deleted,
    Broken,
}

fn say() -> impl Strategy<Value = Say> {
    let ticket = 1u64..6;
    prop_oneof![
        ticket.clone().prop_map(Say::Hint),
        ticket.clone().prop_map(Say::Page),
        ticket.clone().prop_map(Say::Ignore),
        ticket.clone().prop_map(Say::Open),
        (ticket.clone(), 0u8..3).prop_map(|(ticket, key)| Say::Observe(ticket, key)),
        ticket.clone().prop_map(Say::Create),
        ticket.clone().prop_map(Say::Effect),
        ticket.clone().prop_map(Say::Drop),
        ticket.clone().prop_map(Say::Park),
        ticket.clone().prop_map(Say::Unpark),
        ticket.clone().prop_map(Say::Rekey),
        ticket.clone().prop_map(Say::Long),
        ticket.clone().prop_map(Say::Claim),
        (ticket.clone(), 0u8..4).prop_map(|(ticket, products)| Say::Concern(ticket, products)),
        (ticket, 0u8..4).prop_map(|(ticket, products)| Say::Announce(ticket, products)),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let fate = prop_oneof![Just(Fate::Kept), Just(Fate::Behind), Just(Fate::Deleted), Just(Fate::Broken)];
    prop_oneof![
        12 => say().prop_map(Step::Say),
        1 => Just(Step::Reopen),
        2 => Just(Step::Look),
        1 => Just(Step::Snapshot),
        2 => (0u64..7, say(), any::<u64>(), fate)
            .prop_map(|(after, during, seed, store)| Step::Crash { after, during, seed, store }),
    ]
}

fn run(engine: Box<dyn Engine>, steps: Vec<Step>) {
    let mut world = World::new(engine);
    for step in steps {
        match step {
            Step::Say(say) => world.say(&say),
            Step::Reopen => world.reopen(),
            Step::Crash { after, during, seed, store } => world.crash(after, &during, seed, store),
            Step::Look => world.compare(),
            Step::Snapshot => world.snapshot(),
        }
    }
    world.reopen();
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_acknowledged_is_lost_in_memory(steps in proptest::collection::vec(step(), 1..50)) {
        run(Box::new(Memory::new()), steps);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 6, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_acknowledged_is_lost_on_sled(steps in proptest::collection::vec(step(), 1..40)) {
        run(Box::new(Disk::new()), steps);
    }
}

#[test]
fn engines_agree_on_order_length_and_removal() {
    let folder = tempfile::tempdir().unwrap();
    let engines: [Arc<dyn Store>; 2] = [
        Arc::new(MemoryStore::new()),
        Arc::new(SledStore::open(folder.path().join("store"), 1 << 20).unwrap()),
    ];
    for engine in engines {
        let long: Vec<u8> = (0..50_000u32).map(|number| number.to_le_bytes()[0]).collect();
        for value in [Some(long.clone()), Some(long[..20_000].to_vec()), None, Some(long)] {
            let mut batch = Batch::default();
            batch.changes.insert((Table::Cases, vec![2]), value.clone());
            batch.changes.insert((Table::Cases, vec![1]), Some(b"one".to_vec()));
            batch.changes.insert((Table::Tickets, vec![0]), Some(Vec::new()));
            let mark = Mark { seq: 7, ..Mark::genesis() };
            engine.commit(batch, &mark).unwrap();
            assert_eq!(engine.applied().unwrap(), Some(mark));
            assert_eq!(engine.get(Table::Cases, &[2]).unwrap(), value);
            let rows = engine.scan(Table::Cases, &[], 10).unwrap();
            let expected = [Some((vec![1], b"one".to_vec())), value.map(|value| (vec![2], value))];
            assert_eq!(rows, expected.into_iter().flatten().collect::<Vec<_>>());
            assert_eq!(engine.scan(Table::Cases, &[2], 0).unwrap(), []);
        }
        engine.reset().unwrap();
        assert_eq!(engine.applied().unwrap(), None);
    }
}

#[test]
fn a_snapshot_that_sled_did_not_finish_is_no_obstacle() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store");
    drop(SledStore::open(&path, 1 << 20).unwrap());
    std::fs::write(path.join("snap.0000000000000000.generating"), b"half").unwrap();
    SledStore::open(&path, 1 << 20).unwrap();
    assert!(!folder.path().join("store.set-aside").exists());
}

#[test]
fn a_store_with_nonsense_in_it_is_rebuilt() {
    let medium = Arc::new(MemoryMedium::new());
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    now(async {
        let journal = Journal::open(parts(&medium, &store, &Arc::default())).await.unwrap();
        tell(&journal, CaseId(1), opening(1)).await.unwrap();
        journal.close().await.unwrap();
        let mut batch = Batch::default();
        batch.changes.insert((Table::Meta, b"counts".to_vec()), Some(b"nonsense".to_vec()));
        store.commit(batch, &store.applied().unwrap().unwrap()).unwrap();
        drop(journal);
        let journal = Journal::open(parts(&medium, &store, &Arc::default())).await.unwrap();
        assert_eq!(journal.read(Index::counts).await.unwrap().cases, 1);
    });
}

#[test]
fn a_case_number_is_never_given_twice() {
    let mut world = World::new(Box::new(Memory::new()));
    world.say(&Say::Open(1));
    world.say(&Say::Open(2));
    world.reopen();
    let next = world.journal().next_case();
    assert_eq!(next, CaseId(3));
}
