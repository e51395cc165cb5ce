//! A system that a person pauses stands still, over a restart too, and nothing that was meant for it is lost.

use super::bridge::{TestBridge, until};
use super::desks::{Desks, SECRET};
use super::web;

#[test]
fn a_paused_system_stands_still_over_a_restart_and_goes_on_where_it_stood() {
    let desks = Desks::open(&["helpdesk", "partner", "vendor"]);
    let mut bridge = TestBridge::new().start(&desks, &["partner", "vendor"]);
    desks.raise("Before");
    until("the partner has the ticket", || desks.titled("partner", "Before").is_some());
    let nameless = bridge.command(&["system", "pause", "elsewhere", "--reason", "x"]);
    assert_eq!(nameless.code, 1);
    assert!(
        nameless
            .err
            .contains("no system is called elsewhere; these are configured: helpdesk, partner, vendor")
    );
    let unsaid = bridge.command(&["system", "pause", "partner", "--reason", " "]);
    assert!(unsaid.err.contains("say why"), "{unsaid:?}");
    let paused = bridge.command(&["system", "pause", "partner", "--reason", "their upgrade"]);
    assert_eq!(paused.code, 0, "{paused:?}");
    let twice = bridge.command(&["system", "pause", "partner", "--reason", "mine too"]);
    assert!(twice.err.contains("paused already, by command line: their upgrade"), "{twice:?}");

    desks.raise("Meanwhile");
    until("the vendor has the ticket, for the others go on", || {
        desks.titled("vendor", "Meanwhile").is_some()
    });
    let line = |bridge: &super::bridge::Running| bridge.ask("/api/v1/systems/partner").json();
    until("it waits for the partner", || line(&bridge)["outstanding"] == 1);
    let seen = line(&bridge);
    assert_eq!((&seen["health"], &seen["paused"]["reason"]), (&"paused".into(), &"their upgrade".into()));
    assert!(seen["lag"]["oldest_outstanding"].is_string(), "{seen}");
    let body = serde_json::to_value(desks.titled("partner", "Before").unwrap()).unwrap();
    let body = serde_json::json!({ "type": "ticket.changed", "ticket": body }).to_string();
    assert_eq!(bridge.webhook("partner", SECRET, &body).status, 202, "its webhooks are kept");
    assert!(bridge.command(&["system", "list"]).out.contains("their upgrade"));

    bridge.signal("TERM");
    assert!(bridge.ended().success());
    bridge.start();
    until("the helpdesk is asked again", || {
        bridge.ask("/api/v1/systems/helpdesk").json()["well"].is_string()
    });
    let seen = line(&bridge);
    assert_eq!(seen["paused"]["by"], "command line");
    assert_eq!(seen["well"], serde_json::Value::Null, "it was not asked since");
    assert!(desks.titled("partner", "Meanwhile").is_none());

    assert_eq!(bridge.command(&["system", "resume", "partner"]).code, 0);
    until("the partner has the ticket", || desks.titled("partner", "Meanwhile").is_some());
    until("nothing waits any more", || {
        let ready = web::get(&bridge.address, "/readyz").json();
        ready["working"] == 0 && ready["hints"] == 0
    });
    assert_eq!(desks.desk("partner").snapshot().tickets.len(), 2);
    assert_eq!(line(&bridge)["health"], "well");
    let again = bridge.command(&["system", "resume", "partner"]);
    assert!(again.err.contains("partner is not paused"), "{again:?}");
    assert_eq!(bridge.facts("paused").len(), 1);
    assert_eq!(bridge.facts("resumed")[0]["by"], "command line");
}
