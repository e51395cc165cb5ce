//! How fast it records and how large it grows. Ignored by default: numbers of a debug build on a busy machine
//! mislead. `cargo test --release --lib pace -- --ignored --nocapture`

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;

use super::{Counting, at, fold, helpdesk, marker, note, observed, opening};
use crate::case::{Case, CaseId, Fact, Field, Fingerprint, Reading};
use crate::ledger::{Entry, FileMedium, Journal, MasterKey, Offload, Parts, Position};
use crate::store::sled::SledStore;
use crate::store::{Changes, Index, Store as _};

const LANES: u64 = 64;
const COMMITS: u64 = 600;
const CASES: u64 = 100_000;

/// What a read of a ticket leaves in the ledger and in its case.
fn read_and_changed(turn: u64) -> Vec<Fact> {
    let words = ["title", "description", "status", "priority", "type"];
    let mut reading =
        Reading { url: Some(format!("https://desk.example/tickets/{turn}")), ..Reading::default() };
    let mut facts = Vec::new();
    for word in words {
        let field: Field = word.parse().unwrap();
        let value = format!("{word} {} of ticket {turn}", marker(turn));
        reading.agreed.insert(field.clone(), Fingerprint::of(&value));
        reading.fields.insert(field.clone(), value.clone());
        let (leg, changed, overruled) = (helpdesk(), at(1), Default::default());
        facts.push(Fact::Changed { field, value, leg, changed, overruled });
    }
    for leg in ["helpdesk", "acme"] {
        facts.push(Fact::Observed { leg: throughline_sdk::SystemName::new(leg), reading: reading.clone() });
    }
    facts
}

fn cpu_ms() -> u64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<_> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    (fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()) * 10
}

fn bytes_in(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).unwrap().map(Result::unwrap);
    entries
        .map(|entry| match entry.file_type().unwrap().is_dir() {
            true => bytes_in(&entry.path()),
            false => entry.metadata().unwrap().len(),
        })
        .sum()
}

fn print(line: &str) {
    writeln!(std::io::stdout(), "{line}").unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "measures: run it alone, in release mode"]
#[expect(clippy::disallowed_methods, reason = "a measurement of real time")]
async fn many_lanes_commit() {
    let folder = tempfile::tempdir().unwrap();
    let parts = Parts {
        medium: Arc::new(FileMedium::open(folder.path()).unwrap()),
        store: Arc::new(
            SledStore::open(folder.path().join("store"), SledStore::DEFAULT_CACHE_BYTES).unwrap(),
        ),
        master: MasterKey::new([1; 32]),
        entropy: Arc::new(Counting::default()),
        offload: Offload::Threads,
        segment_bytes: Parts::SEGMENT_BYTES,
    };
    let journal = Journal::open(parts).await.unwrap();
    note(&journal, vec![Fact::Stopped]).await.unwrap();
    let (begun, cpu) = (std::time::Instant::now(), cpu_ms());
    let lanes = (0..LANES).map(|lane| {
        let journal = journal.clone();
        tokio::spawn(async move {
            let mut case: Option<Case> = None;
            for turn in 0..COMMITS {
                let (number, step) = (lane * COMMITS + turn / 10 + 1, turn % 10);
                let facts = match step {
                    0 => opening(number),
                    1 => read_and_changed(number),
                    _ => vec![observed(number)],
                };
                let now = fold(case.take().filter(|_| step > 0), CaseId(number), at(1), &facts);
                let committed =
                    journal.commit(Entry { at: at(1), case: Some(now.clone()), facts }).await.unwrap();
                case = Some(Case { last: Some(committed.position), ..now });
            }
        })
    });
    futures::future::join_all(lanes).await.into_iter().for_each(Result::unwrap);
    let (taken, cpu, count) = (begun.elapsed(), cpu_ms() - cpu, LANES * COMMITS);
    journal.close().await.unwrap();
    print(&format!(
        "{count} commits in {taken:?}, {} per second, {} µs of CPU each",
        u128::from(count) * 1000 / taken.as_millis(),
        cpu * 1000 / count
    ));
}

#[test]
#[ignore = "measures: run it alone, in release mode"]
fn many_cases_stay_small() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store");
    let store = Arc::new(SledStore::open(&path, SledStore::DEFAULT_CACHE_BYTES).unwrap());
    let index = Index::new(Arc::<SledStore>::clone(&store));
    let mut json = 0;
    let mark = crate::ledger::Mark::genesis();
    for batch in 0..CASES / 100 {
        // Each case is written three times over, as its life goes on.
        for round in 0..3 {
            let mut changes = Changes::new(&index).unwrap();
            for number in batch * 100 + 1..=batch * 100 + 100 {
                let mut facts = opening(number);
                facts.extend(read_and_changed(number + round));
                let case = fold(None, CaseId(number), at(1), &facts);
                json += u64::try_from(serde_json::to_vec(&case).unwrap().len()).unwrap();
                changes.record(&facts, Some(case), at(1), Position(number)).unwrap();
            }
            index.absorb(changes.finish());
            index.write_out(&mark).unwrap();
        }
    }
    store.flush().unwrap();
    drop((index, store));
    let per_case = bytes_in(&path) / CASES;
    let json = json / CASES / 3;
    print(&format!("{CASES} cases of {json} bytes of JSON take {per_case} bytes each on disk"));
    assert!(per_case < 2048, "a million cases would not stay within two gigabytes");
}
