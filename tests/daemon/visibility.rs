//! Who may read what, from outside: what is withdrawn while it waits, what must be internal and is not, what was sent
//! before it was withdrawn.

use std::fs;
use std::time::Duration;

use serde_json::json;
use throughline_practice::desk::Faults;

use super::bridge::{Running, TestBridge, until};
use super::desks::{Desks, SECRET};
use super::web;

/// A bridge with more lines in the partner's agreement.
fn agreed(bridge: &TestBridge, desks: &Desks, lines: &str) -> Running {
    let mut running = bridge.set_up(desks, &["partner"]);
    let text = fs::read_to_string(running.config()).unwrap();
    let text = text.replace("[agreements.partner]\n", &format!("[agreements.partner]\n{lines}\n"));
    fs::write(running.config(), text).unwrap();
    running.start();
    running.polled();
    running
}

/// Posts a desk's ticket as it is now.
fn announce(bridge: &Running, desks: &Desks, desk: &str, title: &str) {
    let ticket = serde_json::to_value(desks.titled(desk, title).unwrap()).unwrap();
    let body = json!({ "type": "ticket.changed", "ticket": ticket }).to_string();
    assert_eq!(bridge.webhook(desk, SECRET, &body).status, 202);
}

#[test]
fn what_turns_internal_while_it_waits_is_read_again_and_never_sent() {
    // Without the second reading it is sent: nobody told the bridge that it turned internal.
    for (recheck, copies) in [(true, 0), (false, 1)] {
        let desks = Desks::open(&["helpdesk", "partner"]);
        let bridge = TestBridge::new().poll("1d").without_webhooks();
        let bridge = agreed(&bridge, &desks, &format!("recheck = {recheck}"));
        let number = desks.raise("Waiting");
        announce(&bridge, &desks, "helpdesk", "Waiting");
        until("nothing is on the way", || bridge.ask("/readyz").json()["working"] == 0);
        assert!(desks.titled("partner", "Waiting").is_some());
        let busy = Faults { rate_limit: 100, retry_after: Duration::from_secs(1), ..Faults::default() };
        desks.desk("partner").set_faults(busy);
        let comment = desks.desk("helpdesk").comment("Ada Agent", number, "for staff", false).unwrap();
        announce(&bridge, &desks, "helpdesk", "Waiting");
        until("the comment waits", || !bridge.facts("attempted").is_empty());
        desks.desk("helpdesk").show_comment("Ada Agent", number, comment, true).unwrap();
        desks.desk("partner").set_faults(Faults::default());
        until("nothing is on the way", || bridge.ask("/readyz").json()["working"] == 0);
        assert_eq!(desks.times_said("partner", "Waiting", "for staff"), copies, "recheck = {recheck}");
        assert_eq!(bridge.facts("dropped").len(), 1 - copies);
    }
}

#[test]
fn what_is_taken_out_of_a_text_while_it_waits_never_leaves() {
    let desks = Desks::open(&["helpdesk", "partner"]);
    let bridge = agreed(&TestBridge::new().poll("1d").without_webhooks(), &desks, "recheck = true");
    let busy = || Faults { rate_limit: 100, retry_after: Duration::from_secs(1), ..Faults::default() };
    let idle = || until("nothing is on the way", || bridge.ask("/readyz").json()["working"] == 0);
    let number = desks.raise("Waiting");
    announce(&bridge, &desks, "helpdesk", "Waiting");
    idle();
    desks.desk("partner").set_faults(busy());
    let comment = desks.desk("helpdesk").comment("Ada Agent", number, "It is hunter2.", false).unwrap();
    desks.desk("helpdesk").comment("Ada Agent", number, "Thanks.", false).unwrap();
    announce(&bridge, &desks, "helpdesk", "Waiting");
    until("the comments wait", || !bridge.facts("attempted").is_empty());
    desks.desk("helpdesk").edit_comment("Ada Agent", number, comment, "It is on its way.").unwrap();
    desks.desk("partner").set_faults(Faults::default());
    idle();
    let told = desks.titled("partner", "Waiting").unwrap();
    let bodies: Vec<_> = told.comments.iter().map(|comment| comment.body.as_str()).collect();
    assert!(bodies[0].contains("It is on its way.") && bodies[1].contains("Thanks."), "{bodies:?}");
    let effects = bridge.facts("effected");
    let written = effects.iter().filter(|fact| fact["subject"].get("comment").is_some());
    assert_eq!(written.count(), 2, "neither was written and edited then: {effects:#?}");
}

#[test]
fn what_is_not_internal_although_it_was_sent_so_is_an_alarm_and_is_taken_back() {
    let desks = Desks::open(&["helpdesk", "partner"]);
    let bridge = agreed(&TestBridge::new(), &desks, "internal = \"as_internal\"");
    let number = desks.raise("Confided");
    desks.desk("helpdesk").comment("Ada Agent", number, "for staff", true).unwrap();
    until("the partner's staff reads it", || desks.times_said("partner", "Confided", "for staff") == 1);
    let copy = desks.titled("partner", "Confided").unwrap().comments[0].clone();
    assert!(copy.internal);
    let leaks = || {
        web::get(&bridge.address, "/metrics").body.contains("throughline_leaks_total{system=\"partner\"} 1")
    };
    assert!(!leaks());
    desks.desk("partner").show_comment("Paul", 1, copy.id, false).unwrap();
    until("it is taken back", || desks.times_said("partner", "Confided", "for staff") == 0);
    until("a metric says so", leaks);
    let parked = bridge.json(&["parked"]);
    assert_eq!(parked[0]["item"], format!("leak:comment:{}", copy.id), "{parked}");
    assert!(bridge.log().contains("What was sent as internal is not internal there"));
    assert!(!bridge.facts("leaked")[0].to_string().contains("for staff"));

    desks.desk("helpdesk").comment("Ada Agent", number, "more for staff", true).unwrap();
    desks.desk("helpdesk").comment("Ada Agent", number, "for all", false).unwrap();
    until("the rest goes on", || desks.times_said("partner", "Confided", "for all") == 1);
    assert_eq!(desks.times_said("partner", "Confided", "more for staff"), 0);
    let item = parked[0]["item"].as_str().unwrap();
    assert_eq!(bridge.command(&["parked", "discard", "TL-1", "partner", item]).code, 0);
    until("it goes on", || desks.times_said("partner", "Confided", "more for staff") == 1);
    assert_eq!(bridge.json(&["parked"]), json!([]));
}

#[test]
fn a_webhook_that_tells_all_is_reading_enough() {
    let desks = Desks::open(&["helpdesk", "partner"]);
    let bridge = agreed(&TestBridge::new().poll("1d").without_webhooks(), &desks, "");
    let number = desks.raise("Told");
    announce(&bridge, &desks, "helpdesk", "Told");
    until("nothing is on the way", || bridge.ask("/readyz").json()["working"] == 0);
    let asked = || -> Vec<String> {
        let metrics = web::get(&bridge.address, "/metrics").body;
        let lines = metrics.lines().filter(|line| line.starts_with("throughline_remote_requests_total"));
        lines.filter(|line| line.contains("\"helpdesk\"")).map(str::to_owned).collect()
    };
    let before = asked();
    desks.desk("helpdesk").comment("Ada Agent", number, "for all", false).unwrap();
    announce(&bridge, &desks, "helpdesk", "Told");
    until("it arrives", || desks.times_said("partner", "Told", "for all") == 1);
    assert_eq!(asked(), before, "the helpdesk was not asked once more");
}
