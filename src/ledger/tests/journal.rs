//! The handle: groups, threads, timelines, failures.

use std::sync::Arc;

use super::{Counting, at, hinted, note, now, observed, opening, parts, tell};
use crate::case::CaseId;
use crate::ledger::{Entry, Error, Journal, MemoryMedium, Offload, Parts, verify};
use crate::store::memory::MemoryStore;
use crate::store::{Index, Store, Table};

fn fresh() -> (Arc<MemoryMedium>, Arc<dyn Store>) {
    (Arc::new(MemoryMedium::new()), Arc::new(MemoryStore::new()))
}

#[test]
fn a_timeline_is_read_back_in_order() {
    let (medium, store) = fresh();
    now(async {
        let journal = Journal::open(parts(&medium, &store, &Arc::default())).await.unwrap();
        let id = journal.next_case();
        tell(&journal, id, opening(1)).await.unwrap();
        note(&journal, vec![hinted(1)]).await.unwrap();
        tell(&journal, CaseId(2), opening(2)).await.unwrap();
        let case = tell(&journal, id, vec![observed(1)]).await.unwrap();
        let timeline = journal.timeline(&case).await.unwrap();
        let seqs: Vec<_> = timeline.iter().map(|record| record.seq).collect();
        assert_eq!(seqs, [1, 4]);
        assert_eq!(timeline[0].facts, opening(1));
        assert_eq!(timeline[1].prev, Some(timeline[0].position));
    });
}

#[test]
fn a_state_folded_onto_an_older_record_is_refused() {
    let (medium, store) = fresh();
    now(async {
        let journal = Journal::open(parts(&medium, &store, &Arc::default())).await.unwrap();
        let old = tell(&journal, CaseId(1), opening(1)).await.unwrap();
        tell(&journal, CaseId(1), vec![observed(1)]).await.unwrap();
        let late = Entry { at: at(2), case: Some(old), facts: vec![observed(1)] };
        let error = journal.commit(late).await.unwrap_err();
        assert!(matches!(error, Error::Stale { .. }), "{error}");
        note(&journal, vec![hinted(4)]).await.unwrap();
    });
}

#[test]
fn a_failed_disk_stops_everything_until_a_restart() {
    let (medium, store) = fresh();
    let entropy = Arc::new(Counting::default());
    now(async {
        let journal = Journal::open(parts(&medium, &store, &entropy)).await.unwrap();
        note(&journal, vec![hinted(1)]).await.unwrap();
        medium.fail_after(1);
        let error = note(&journal, vec![hinted(2)]).await.unwrap_err();
        assert!(matches!(error, Error::Io { .. }), "{error}");
        assert!(journal.is_failed());
        medium.crash(&mut |_| 0);
        assert!(matches!(note(&journal, vec![hinted(3)]).await.unwrap_err(), Error::Failed(_)));
        let journal = Journal::open(parts(&medium, &store, &entropy)).await.unwrap();
        assert_eq!(note(&journal, vec![hinted(4)]).await.unwrap(), 2);
    });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn callers_at_the_same_time_are_all_answered() {
    let (medium, store) = fresh();
    let parts = Parts { offload: Offload::Threads, ..parts(&medium, &store, &Arc::default()) };
    let journal = Journal::open(parts).await.unwrap();
    // More than the index keeps back: some are read from the store, some from what it does not hold yet.
    let all = (1..=900).map(|number| {
        let journal = journal.clone();
        async move { tell(&journal, CaseId(number), opening(number)).await }
    });
    for told in futures::future::join_all(all).await {
        let told = told.unwrap();
        assert_eq!(journal.look_up(|index| index.case(told.id)).unwrap(), Some(told));
    }
    assert_eq!(journal.read(Index::counts).await.unwrap().cases, 900);
    assert!(!store.scan(Table::Cases, &[], 1).unwrap().is_empty(), "nothing was written out");
    journal.close().await.unwrap();
    assert!(matches!(note(&journal, vec![hinted(1)]).await.unwrap_err(), Error::Closed));
    assert_eq!(verify(&*medium, &mut |_| {}).unwrap().records, 900);
    assert_eq!(store.scan(Table::Cases, &[], usize::MAX).unwrap().len(), 900);
}
