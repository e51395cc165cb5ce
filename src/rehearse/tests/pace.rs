//! How long a draft takes over a hundred thousand records, from a ledger on disk. Ignored by default: numbers of a debug
//! build mislead. `cargo test --release --lib rehearse::tests::pace -- --ignored --nocapture`

use std::io::Write as _;
use std::sync::Arc;

use throughline_sdk::Visibility;

use crate::agreement::{Direction, Policy};
use crate::case::{AgreementName, Case, CaseId, Field};
use crate::ledger::tests::Counting;
use crate::ledger::{Entry, FileMedium, History, Journal, Keyring, MasterKey, Medium, Offload, Parts};
use crate::plan::tests::world::{HOME, PARTNER, World, at};
use crate::rehearse::{Change, Trial, rehearse};
use crate::store::memory::MemoryStore;

const RECORDS: usize = 100_000;
const LANES: u64 = 64;

/// The life of one request: opened, linked, renamed, commented, moved on.
fn life() -> World {
    let mut world = World::calm(&[PARTNER], Policy::Latest);
    for round in 0..3 {
        world.person(HOME, |ticket, tick| ticket.title = format!("Invoices do not print, {round} {tick}"));
        world.settle();
        world.says(HOME, &"The spooler refused the job again. ".repeat(8), Visibility::Public);
        world.says(PARTNER, &"We look into the driver of the queue. ".repeat(8), Visibility::Public);
        world.settle();
        let status = ["Open", "Waiting", "Done"][round];
        world.person(HOME, |ticket, _| status.clone_into(&mut ticket.status));
        world.settle();
    }
    world
}

/// A ledger with at least so many records, of requests that went on side by side.
async fn fill(medium: Arc<dyn Medium>, world: &World) -> usize {
    let parts = Parts {
        medium,
        store: Arc::new(MemoryStore::default()),
        master: MasterKey::new([1; 32]),
        entropy: Arc::new(Counting::default()),
        offload: Offload::Threads,
        segment_bytes: Parts::SEGMENT_BYTES,
    };
    let journal = Journal::open(parts).await.unwrap();
    let each = u64::try_from(RECORDS / world.log.len() / 64 + 1).unwrap();
    let lanes = (0..LANES).map(|lane| {
        let (journal, log) = (journal.clone(), world.log.clone());
        async move {
            for number in 0..each {
                let mut case = Case::new(CaseId(lane * each + number + 1), at(0));
                for (at, facts) in &log {
                    for fact in facts {
                        case.apply(fact, *at);
                    }
                    let entry = Entry { at: *at, case: Some(case.clone()), facts: facts.clone() };
                    case.last = Some(journal.commit(entry).await.unwrap().position);
                }
            }
        }
    });
    futures::future::join_all(lanes).await;
    journal.close().await.unwrap();
    usize::try_from(LANES * each).unwrap() * world.log.len()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "measures: run it alone, in release mode"]
#[expect(clippy::disallowed_methods, reason = "a measurement of real time")]
async fn a_hundred_thousand_records_are_tried() {
    let folder = tempfile::tempdir().unwrap();
    let medium: Arc<dyn Medium> = Arc::new(FileMedium::open(folder.path()).unwrap());
    let world = life();
    let records = fill(Arc::clone(&medium), &world).await;
    let keyring =
        Keyring::open(Arc::clone(&medium), Arc::new(Counting::default()), &MasterKey::new([1; 32]), true);
    let history = History::Ledger(medium, Arc::new(keyring.unwrap()));

    let agreement = AgreementName(PARTNER.to_owned());
    let mut draft = world.rules.clone();
    let drafted = draft.agreements.get_mut(&agreement).unwrap();
    drafted.comments = Direction::Inbound;
    drafted.fields.get_mut(&Field::Title).unwrap().direction = Direction::None;
    let trial = Trial { agreement: &agreement, in_force: &world.rules, draft: &draft, since: at(0) };
    let begun = std::time::Instant::now();
    let report = rehearse(&history, trial, &mut |_| {}).unwrap();
    let taken = begun.elapsed();
    writeln!(
        std::io::stdout(),
        "{records} records of {} cases, {} crossings judged twice, in {taken:?}",
        report.cases,
        report.judged
    )
    .unwrap();
    assert!(records >= RECORDS);
    assert_eq!(
        report.totals[&Change::NoLongerLeaves],
        report.cases * (3 + 4),
        "three comments and four titles"
    );
    assert!(taken.as_secs() < 30, "{taken:?}");
}
