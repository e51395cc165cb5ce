//! What a crash, a lost store and a restart must not change.

use std::fs;

use super::bridge::{TestBridge, until};
use super::desks::{Desks, SECRET};

#[test]
fn an_acknowledged_webhook_outlives_a_kill_and_its_comment_arrives_once() {
    let desks = Desks::open(&["helpdesk", "partner"]);
    // Polling is too slow to bring anything: only the durable hint can.
    let mut bridge = TestBridge::new().poll("1d").without_webhooks().start(&desks, &["partner"]);
    let announce = |desks: &Desks| {
        let ticket = serde_json::to_value(desks.titled("helpdesk", "Killed").unwrap()).unwrap();
        serde_json::json!({ "type": "ticket.changed", "ticket": ticket }).to_string()
    };
    let number = desks.raise("Killed");
    assert_eq!(bridge.webhook("helpdesk", SECRET, &announce(&desks)).status, 202);
    until("the partner has the ticket", || desks.titled("partner", "Killed").is_some());
    for round in 1..=5 {
        let words = format!("Said before crash {round}.");
        desks.desk("helpdesk").comment("Ada Agent", number, &words, false).unwrap();
        let taken = bridge.webhook("helpdesk", SECRET, &announce(&desks));
        bridge.kill();
        assert_eq!(taken.status, 202);
        bridge.start();
        until("the partner reads the comment", || desks.times_said("partner", "Killed", &words) > 0);
    }
    until("nothing is on the way", || bridge.json(&["cases"])[0]["legs"][1]["outstanding"] == 0);
    for round in 1..=5 {
        let words = format!("Said before crash {round}.");
        assert_eq!(desks.times_said("partner", "Killed", &words), 1, "{words}");
    }
    assert_eq!(desks.desk("partner").snapshot().tickets.len(), 1);
    assert_eq!(bridge.command(&["ledger", "verify"]).code, 0);
}

#[test]
fn a_store_that_is_lost_or_damaged_is_built_anew_from_the_ledger() {
    let desks = Desks::open(&["helpdesk", "partner"]);
    let mut bridge = TestBridge::new().start(&desks, &["partner"]);
    let number = desks.raise("Rebuilt");
    until("the partner has the ticket", || desks.titled("partner", "Rebuilt").is_some());
    until("nothing is on the way", || bridge.json(&["cases"])[0]["legs"][1]["outstanding"] == 0);
    for (round, damage) in ["lost", "scribbled over", "empty files", "no folder"].into_iter().enumerate() {
        bridge.signal("TERM");
        assert_eq!(bridge.ended().code(), Some(0), "{damage}");
        let before = bridge.json(&["cases"]);
        let store = bridge.data().join("store");
        match damage {
            "lost" => fs::remove_dir_all(&store).unwrap(),
            "no folder" => {
                fs::remove_dir_all(&store).unwrap();
                fs::write(&store, "a file where the folder was").unwrap();
            }
            _ => spoil(&store, damage),
        }
        bridge.start();
        assert_eq!(bridge.json(&["cases"]), before, "{damage}");
        let words = format!("After round {round}.");
        desks.desk("helpdesk").comment("Ada Agent", number, &words, false).unwrap();
        until("the partner reads the comment", || desks.times_said("partner", "Rebuilt", &words) == 1);
        until("nothing is on the way", || bridge.json(&["cases"])[0]["legs"][1]["outstanding"] == 0);
    }
    assert_eq!(desks.desk("partner").snapshot().tickets.len(), 1, "no ticket was created again");
}

/// Writes nonsense into every file of a folder, or nothing at all.
fn spoil(folder: &std::path::Path, damage: &str) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            spoil(&path, damage);
        } else if damage == "empty files" {
            fs::write(&path, b"").unwrap();
        } else {
            let length = fs::metadata(&path).unwrap().len().min(65_536);
            fs::write(&path, vec![0xa5; usize::try_from(length).unwrap()]).unwrap();
        }
    }
}
