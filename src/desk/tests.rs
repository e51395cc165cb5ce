//! The desk on a disk that forgets what was not synced, and on one that fails.

use std::sync::Arc;

use serde_json::{Map, Value, json};
use throughline_sdk::{Clock, SystemName};
use throughline_testkit::{ManualClock, MemoryBlobs};

use super::{Change, Changed, Desk, Error, Narrow, NewEvent, Parts, Settings, Sort, Subscription};
use crate::ledger::{Medium, MemoryMedium, Offload};

struct Ground {
    medium: Arc<MemoryMedium>,
    clock: ManualClock,
}

impl Ground {
    fn new() -> Self {
        Self { medium: Arc::new(MemoryMedium::new()), clock: ManualClock::new() }
    }

    fn open(&self) -> Desk {
        let medium: Arc<dyn Medium> = Arc::<MemoryMedium>::clone(&self.medium);
        let clock: Arc<dyn Clock> = Arc::new(self.clock.clone());
        Desk::open(Parts {
            name: SystemName::new("partner"),
            settings: Settings {
                party: "Fabrikam".into(),
                only: [false, false],
                max_file_bytes: 1 << 20,
                reference: None,
            },
            medium,
            offload: Offload::Inline,
            blobs: Arc::new(MemoryBlobs::default()),
            clock,
        })
        .unwrap()
    }
}

fn document(text: &str) -> Map<String, Value> {
    Map::from_iter([("description".to_owned(), json!(text))])
}

async fn written(desk: &Desk, number: Option<u64>, text: &str) -> Result<Changed, Error> {
    let (document, name) = (document(text), text.to_owned());
    let changed = desk.change(Sort::Ticket, number, move |_| {
        let events = vec![NewEvent { name, document: document.clone() }];
        Ok::<_, ()>(Change { document, events, ..Change::default() })
    });
    Ok(changed.await?.unwrap().unwrap())
}

async fn said(desk: &Desk, number: u64) -> Option<Value> {
    desk.read(Sort::Ticket, number).await.unwrap().map(|record| record.document["description"].clone())
}

fn subscription(callback: &str) -> Subscription {
    Subscription {
        edition: 5,
        callback: callback.to_owned(),
        document: Map::new(),
        base: String::new(),
        told: 0,
    }
}

#[tokio::test]
async fn what_was_answered_outlives_a_power_cut_at_any_byte() {
    for seed in 0..40_u64 {
        let ground = Ground::new();
        let mut dice = seed;
        let mut below = move |bound: u64| {
            dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (dice >> 33) % bound
        };
        let desk = ground.open();
        let first = written(&desk, None, "first").await.unwrap().number;
        let second = written(&desk, None, "second").await.unwrap().number;
        let (hub, _) = desk.subscribe(subscription("https://a.example/")).await.unwrap().unwrap();
        written(&desk, Some(first), "changed").await.unwrap();
        ground.medium.fail_after(seed % 5);
        let torn = written(&desk, Some(second), "torn").await;
        ground.medium.crash(&mut below);
        let desk = ground.open();
        assert_eq!(said(&desk, first).await, Some(json!("changed")), "seed {seed}");
        let stands = said(&desk, second).await;
        assert!(stands == Some(json!("second")) || stands == Some(json!("torn")), "seed {seed}: {stands:?}");
        assert!(torn.is_err() || stands == Some(json!("torn")), "seed {seed}: it was answered");
        assert!(desk.subscription(hub).is_some(), "seed {seed}");
        let third = written(&desk, None, "third").await.unwrap();
        assert!(third.number > second && third.record.change > 3, "seed {seed}: numbers are given once");
    }
}

#[tokio::test]
async fn after_a_failed_write_nothing_is_taken_before_a_restart() {
    let ground = Ground::new();
    let desk = ground.open();
    written(&desk, None, "first").await.unwrap();
    ground.medium.fail_after(0);
    assert!(matches!(written(&desk, None, "second").await, Err(Error::Disk { .. })));
    assert!(matches!(written(&desk, None, "third").await, Err(Error::Failed)));
}

#[tokio::test]
async fn each_change_has_a_moment_and_a_number_of_its_own() {
    let ground = Ground::new();
    let desk = ground.open();
    let mut changes = Vec::new();
    for text in ["a", "b", "c"] {
        changes.push(written(&desk, None, text).await.unwrap().record);
    }
    assert!(changes.windows(2).all(|two| two[0].updated < two[1].updated && two[0].change < two[1].change));
    let after = Some(changes[0].updated);
    let later =
        desk.scan(Sort::Ticket, Narrow { after, ..Narrow::default() }, Vec::new(), |all, number, _| {
            all.push(number);
        });
    assert_eq!(later.await.unwrap(), [2, 3]);
}

#[tokio::test]
async fn a_deleted_ticket_is_gone_and_its_number_is_never_given_again() {
    let ground = Ground::new();
    let desk = ground.open();
    let number = written(&desk, None, "first").await.unwrap().number;
    let deleted = desk
        .change(Sort::Ticket, Some(number), |_| Ok::<_, ()>(Change { deleted: true, ..Change::default() }));
    deleted.await.unwrap().unwrap().unwrap();
    let desk = ground.open();
    assert_eq!(said(&desk, number).await, None);
    assert!(
        desk.change(Sort::Ticket, Some(number), |_| Ok::<_, ()>(Change::default()))
            .await
            .unwrap()
            .unwrap()
            .is_none()
    );
    assert_eq!(written(&desk, None, "second").await.unwrap().number, number + 1);
}

#[tokio::test]
async fn events_wait_in_order_for_each_subscriber_until_it_was_told() {
    let ground = Ground::new();
    let desk = ground.open();
    let number = written(&desk, None, "before anybody asked").await.unwrap().number;
    let (hub, made) = desk.subscribe(subscription("https://a.example/")).await.unwrap().unwrap();
    assert_eq!(
        desk.subscribe(subscription("https://a.example/")).await.unwrap().unwrap().0,
        hub,
        "the same one"
    );
    for text in ["one", "two"] {
        written(&desk, Some(number), text).await.unwrap();
    }
    written(&desk, None, "three").await.unwrap();
    let desk = ground.open();
    let names = async |told: u64| -> Vec<String> {
        desk.due(told, 10).await.unwrap().into_iter().map(|due| due.event.name).collect()
    };
    assert_eq!(names(made.told).await, ["one", "two", "three"]);
    let first = desk.due(made.told, 1).await.unwrap()[0].event.change;
    desk.told(hub, first).await.unwrap();
    let desk = ground.open();
    let told = desk.subscription(hub).unwrap().told;
    assert_eq!(told, first);
    assert_eq!(desk.due(told, 10).await.unwrap().len(), 2);
    assert!(desk.unsubscribe(hub).await.unwrap());
    assert!(!desk.unsubscribe(hub).await.unwrap());
    assert!(written(&desk, Some(number), "nobody is told").await.unwrap().record.events.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn who_reads_while_others_write_sees_one_state_or_the_other() {
    let folder = tempfile::tempdir().unwrap();
    let clock: Arc<dyn Clock> = Arc::new(ManualClock::new());
    let desk = Desk::open(Parts {
        name: SystemName::new("partner"),
        settings: Settings {
            party: "Fabrikam".into(),
            only: [false, false],
            max_file_bytes: 1 << 20,
            reference: None,
        },
        medium: Arc::new(crate::ledger::FileMedium::open(folder.path()).unwrap()),
        offload: Offload::Threads,
        blobs: Arc::new(MemoryBlobs::default()),
        clock,
    })
    .unwrap();
    let number = written(&desk, None, "").await.unwrap().number;
    let writes = async {
        for length in 0..200 {
            written(&desk, Some(number), &"x".repeat(length * 37 % 4000)).await.unwrap();
        }
    };
    let reads = async {
        let mut last = 0;
        for _ in 0..400 {
            let change = desk.read(Sort::Ticket, number).await.unwrap().unwrap().change;
            assert!(change >= last, "change {change} was read after {last}");
            last = change;
        }
    };
    futures::future::join(writes, reads).await;
    assert_eq!(desk.read(Sort::Ticket, number).await.unwrap().unwrap().change, 201);
}
