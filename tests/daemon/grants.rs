//! Grants from outside: asked for, approved, open, over by themselves across a restart, and nothing more than was granted.

use std::fs;

use super::bridge::{Running, TestBridge, until};
use super::desks::Desks;

const TITLE: &str = "Payroll stands still";
const NEVER: &str = "the auditor is coming";

/// A bridge whose partner may be granted something, and whose vendor nothing.
fn start(desks: &Desks) -> Running {
    let mut bridge = TestBridge::new().set_up(desks, &["partner", "vendor"]);
    let text = fs::read_to_string(bridge.config()).unwrap();
    let grants = "[agreements.partner.grants]\nmay_ask = [\"internal comments\", \"environment\"]\n\
                  approved_by = \"service manager\"\nat_once_from = \"urgent\"\n[agreements.partner.fields]\n";
    fs::write(bridge.config(), text.replace("[agreements.partner.fields]\n", grants)).unwrap();
    bridge.start();
    desks.announce_to(&bridge.address);
    bridge
}

fn state(bridge: &Running, grant: usize) -> String {
    let listed = bridge.json(&["grant", "list", "TL-1"]);
    listed[grant - 1]["state"].as_str().unwrap().to_owned()
}

/// Everything that was ever written to a desk.
fn history(desks: &Desks, desk: &str) -> String {
    format!("{:?}", desks.desk(desk).history())
}

#[test]
fn a_grant_shows_what_it_names_until_its_time_and_nothing_else() {
    let desks = Desks::open(&["helpdesk", "partner", "vendor"]);
    let mut bridge = start(&desks);
    let number = desks.raise(TITLE);
    let cause = desks.desk("helpdesk").comment("Ada Agent", number, "a disk is full", true).unwrap();
    desks.desk("helpdesk").comment("Ada Agent", number, NEVER, true).unwrap();
    desks.desk("helpdesk").comment("Ada Agent", number, "We look into it.", false).unwrap();
    until("all have what is shared", || {
        ["partner", "vendor"].iter().all(|desk| desks.times_said(desk, TITLE, "We look into it.") == 1)
    });
    let cause = format!("comment:helpdesk#{cause}");
    let ask = |party: &str, what: &str, more: &[&str]| {
        let asked = ["grant", "ask", "TL-1", party, what, "--purpose", "root cause", "--as", "Paul"];
        bridge.command(&[&asked, more].concat())
    };
    let refused = ask("vendor", &cause, &["--until", "1h"]);
    assert_eq!(refused.code, 1);
    assert!(refused.err.contains("under the agreement vendor: its may_ask names nothing"), "{refused:?}");
    assert_eq!(ask("partner", "files", &["--until", "1h"]).code, 1);
    assert_eq!(ask("partner", &cause, &["--until", "soon"]).code, 2);

    let asked = ask("partner", &cause, &["--until", "15s", "--party-asks"]);
    assert!(asked.out.starts_with("G1 asked: partner, comment:helpdesk#"), "{asked:?}");
    let approve =
        |role: &str| bridge.command(&["grant", "approve", "TL-1", "G1", "--role", role, "--as", "Grace"]);
    let wrong = approve("agent");
    assert!(wrong.err.contains("the role \"service manager\" approves grants, not \"agent\""), "{wrong:?}");
    assert_eq!(approve("service manager").code, 0);
    until("the partner's staff reads it", || desks.times_said("partner", TITLE, "a disk is full") == 1);
    let ticket = desks.titled("partner", TITLE).unwrap();
    assert!(ticket.comments.iter().any(|comment| comment.internal && comment.body.contains("disk")));
    assert_eq!(bridge.json(&["cases"])[0]["grants"][0]["state"], "open");
    assert!(bridge.command(&["cases"]).out.contains("(G1 open: partner, comment:helpdesk#"));

    until("nothing is on the way", || bridge.ask("/readyz").json()["working"] == 0);
    bridge.kill();
    bridge.start();
    until("it is taken back", || desks.times_said("partner", TITLE, "a disk is full") == 0);
    assert_eq!(state(&bridge, 1), "expired");
    assert_eq!(bridge.facts("grant_expired").len(), 1);
    assert!(bridge.json(&["cases"])[0].get("grants").is_none());
    let told = bridge.command(&["trace", "TL-1"]).out;
    for words in [
        "Paul: grant G1 is asked for: to show comment:helpdesk#",
        "for: root cause",
        "Grace: grant G1 is approved in the role \"service manager\"",
        "grant G1 is open",
        "grant G1 is over: its time has come",
    ] {
        assert!(told.contains(words), "{words:?} in\n{told}");
    }
    let late = bridge.command(&["grant", "revoke", "TL-1", "G1", "--reason", "late", "--as", "Grace"]);
    assert!(late.err.contains("grant G1 is expired by now"), "{late:?}");
    assert!(!history(&desks, "partner").contains(NEVER), "what no grant covered");
    for secret in [NEVER, "a disk is full"] {
        assert!(!history(&desks, "vendor").contains(secret), "{secret}");
    }
}

#[test]
fn an_urgent_case_waits_for_nobody_and_a_revoked_grant_is_over_at_once() {
    let desks = Desks::open(&["helpdesk", "partner", "vendor"]);
    let bridge = start(&desks);
    let number = desks.raise(TITLE);
    until("the partner has the ticket", || desks.titled("partner", TITLE).is_some());
    let said = bridge.command(&[
        "grant",
        "ask",
        "TL-1",
        "partner",
        "environment",
        "--purpose",
        "to try a fix",
        "--until",
        "2h",
        "--label",
        "erp-copy",
        "--reference",
        "https://copies.example/erp",
        "--as",
        "Ada",
    ]);
    assert_eq!(said.code, 0, "{said:?}");
    assert_eq!(state(&bridge, 1), "asked");
    desks.desk("helpdesk").set_field("Ada Agent", number, "priority", "Urgent").unwrap();
    let told = || desks.times_said("partner", TITLE, "erp-copy: https://copies.example/erp");
    until("the partner is told of the copy", || told() == 1);
    let listed = bridge.command(&["grant", "list", "TL-1"]).out;
    assert!(listed.contains("approved by the agreement, from priority urgent on"), "{listed}");
    let revoked = bridge.command(&["grant", "revoke", "TL-1", "G1", "--reason", "fixed", "--as", "Ada"]);
    assert!(revoked.out.contains("revoked by Ada: fixed"), "{revoked:?}");
    until("it is taken back", || told() == 0);
    assert_eq!(desks.times_said("vendor", TITLE, "erp-copy"), 0);
}
