//! What is erased is gone for good: from store, files and ledger, which verifies all the same.

use std::path::Path;
use std::sync::Arc;

use throughline::case::{CaseId, Fact};
use throughline::clock::{SystemClock, SystemEntropy};
use throughline::daemon::{DataDir, assemble};
use throughline::ledger::Entry;
use throughline_sdk::{Clock, Entropy, RemoteId, SystemName, TicketRef};

use super::bridge::{Running, TestBridge, until};
use super::desks::Desks;
use super::web::send;

const SECRET: &str = "the kiwi is ripe";

/// A case on both sides, with a file.
fn linked(desks: &Desks, bridge: &Running, title: &str, file: &[u8]) -> u64 {
    let number = desks.raise(title);
    desks.desk("helpdesk").attach("Ada Agent", number, "log.txt", file.to_vec().into(), false).unwrap();
    until("the partner has ticket and file", || {
        desks.titled("partner", title).is_some_and(|ticket| ticket.files.len() == 1)
    });
    until("nothing is under way", || {
        let legs = bridge.json(&["trace", &format!("helpdesk:{number}")])["case"]["legs"].clone();
        legs.as_array().unwrap().iter().all(|leg| leg["outstanding"] == 0)
    });
    number
}

/// Whether any file of a folder holds these bytes as they are.
fn anywhere(folder: &Path, bytes: &[u8]) -> bool {
    std::fs::read_dir(folder).unwrap().any(|entry| {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => anywhere(&path, bytes),
            false => std::fs::read(&path).unwrap().windows(bytes.len()).any(|window| window == bytes),
        }
    })
}

#[test]
fn an_erased_case_is_gone_and_stays_gone_and_the_ledger_verifies() {
    let desks = Desks::open(&["helpdesk", "partner"]);
    let mut bridge = TestBridge::new().start(&desks, &["partner"]);
    let number = linked(&desks, &bridge, "Kiwi", SECRET.as_bytes());
    linked(&desks, &bridge, "Other", b"another file");
    assert!(anywhere(&bridge.data(), SECRET.as_bytes()), "the file stands in the data directory");

    let asked = bridge.command(&["erase", "TL-1", "--because", "request of 2 May"]);
    assert!(asked.code == 0 && asked.out.contains("Nothing was done"), "{asked:?}");
    assert!(bridge.json(&["trace", "TL-1"])["case"]["title"] == "Kiwi");
    let done = bridge.command(&["erase", "TL-1", "--because", "request of 2 May", "--yes"]);
    assert_eq!((done.code, done.out.trim()), (0, "TL-1 is erased, and 1 files with it."));
    assert!(!anywhere(&bridge.data(), SECRET.as_bytes()), "its file is deleted");
    assert_eq!(bridge.command(&["trace", "TL-1"]).code, 1);
    let erasures = bridge.json(&["erase", "--list"]);
    assert_eq!((&erasures[0]["case"], &erasures[0]["because"]), (&1.into(), &"request of 2 May".into()));

    desks.desk("helpdesk").comment("Ada Agent", number, "Anything new?", false).unwrap();
    desks.raise("A later one");
    until("a later ticket crosses", || desks.titled("partner", "A later one").is_some());
    assert_eq!(desks.times_said("partner", "Kiwi", "Anything new?"), 0, "it is not followed any more");
    assert_eq!(desks.desk("partner").snapshot().tickets.len(), 3, "and no case is opened for it again");

    bridge.signal("TERM");
    bridge.ended();
    assert_eq!(bridge.command(&["ledger", "verify"]).code, 0);
    std::fs::remove_dir_all(bridge.data().join("store")).unwrap();
    bridge.start();
    assert_eq!(bridge.json(&["erase", "--list"]), erasures, "also in a store that is made anew");
    assert_eq!(bridge.command(&["trace", "TL-1"]).code, 1);
    assert_eq!(bridge.json(&["trace", "TL-2"])["case"]["title"], "Other");
    desks.desk("helpdesk").comment("Ada Agent", number, "Still nothing?", false).unwrap();
    desks.raise("The last one");
    until("the last ticket crosses", || desks.titled("partner", "The last one").is_some());
    assert_eq!(desks.desk("partner").snapshot().tickets.len(), 4);
}

#[test]
fn what_was_answered_about_a_case_is_not_kept_beyond_it() {
    let desks = Desks::open(&["helpdesk", "partner"]);
    let bridge = TestBridge::new().start(&desks, &["partner"]);
    let number = linked(&desks, &bridge, "Kiwi", SECRET.as_bytes());
    linked(&desks, &bridge, "Other", b"another file");
    let bearer =
        format!("Bearer {}", std::fs::read_to_string(bridge.data().join("admin.token")).unwrap().trim());
    let post = |path: &str, key: &str, body: &str| {
        let fields = [
            ("authorization", bearer.as_str()),
            ("idempotency-key", key),
            ("content-type", "application/json"),
        ];
        send(&bridge.address, "POST", path, &fields, body.as_bytes()).unwrap().status
    };
    let kept = || std::fs::read_dir(bridge.data().join("idempotency")).unwrap().count();
    assert_eq!(post(&format!("/api/v1/plan/helpdesk:{number}"), "one", ""), 200);
    assert!(post("/api/v1/refresh/TL-1", "two", "{}") < 300);
    assert!(post("/api/v1/refresh/TL-2", "other", "{}") < 300);
    assert_eq!(kept(), 3);
    let erasing = r#"{"because":"request of 2 May"}"#;
    assert_eq!(post("/api/v1/cases/TL-1/erase", "erase", erasing), 200);
    assert_eq!(kept(), 2, "what is left is about another case, and that this one was erased");
    assert_eq!(post("/api/v1/cases/TL-1/erase", "erase", erasing), 200, "which is told again");
    assert_eq!(post("/api/v1/refresh/TL-1", "two", "{}"), 404);
}

#[test]
fn a_file_that_another_case_holds_stays() {
    let desks = Desks::open(&["helpdesk", "partner"]);
    let bridge = TestBridge::new().start(&desks, &["partner"]);
    linked(&desks, &bridge, "One", SECRET.as_bytes());
    linked(&desks, &bridge, "Two", SECRET.as_bytes());
    let erased = |case: &str| bridge.json(&["erase", case, "--because", "test", "--yes"])["files"].clone();
    assert_eq!(erased("TL-1"), 0);
    assert!(anywhere(&bridge.data(), SECRET.as_bytes()));
    assert_eq!(erased("TL-2"), 1);
    assert!(!anywhere(&bridge.data(), SECRET.as_bytes()));
}

#[test]
fn an_erasure_that_a_crash_interrupted_is_carried_out_by_the_next_start() {
    let desks = Desks::open(&["helpdesk", "partner"]);
    let mut bridge = TestBridge::new().start(&desks, &["partner"]);
    let number = linked(&desks, &bridge, "Kiwi", SECRET.as_bytes());
    bridge.signal("TERM");
    bridge.ended();
    let ticket = TicketRef::new(SystemName::new("helpdesk"), RemoteId::new(number.to_string()));
    decide(&bridge.data(), ticket);
    bridge.start();
    until("it is gone", || bridge.command(&["trace", "TL-1"]).code == 1);
    assert_eq!(bridge.json(&["erase", "--list"])[0]["files"], 1);
    assert!(!anywhere(&bridge.data(), SECRET.as_bytes()));
}

/// Records what the daemon records before it destroys anything, and nothing else.
fn decide(data: &Path, ticket: TicketRef) {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let data = DataDir::existing(data).unwrap();
        let entropy: Arc<dyn Entropy> = Arc::new(SystemEntropy::new());
        let master = data.master_key(None, entropy.as_ref()).unwrap();
        let medium = assemble::medium(&data).unwrap();
        let journal = assemble::journal(&data, medium, master, &entropy).await.unwrap();
        let at = SystemClock::new().now();
        let (by, because) = ("somebody".to_owned(), "a test".to_owned());
        let fact = Fact::Erasing { case: CaseId(1), at, tickets: vec![ticket], by, because };
        journal.commit(Entry { at, case: None, facts: vec![fact] }).await.unwrap();
        journal.close().await.unwrap();
    });
}
