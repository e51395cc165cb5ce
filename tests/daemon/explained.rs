//! What the command line tells of a case's items for each party, and of what the bridge would do, without doing it.

use std::fs;

use throughline_practice::desk::Patch;

use super::bridge::{TestBridge, until};
use super::desks::{Desks, SECRET};

/// The line about an item for a system.
fn line<'v>(told: &'v serde_json::Value, system: &str, item: &str) -> &'v serde_json::Value {
    let parties = told["parties"].as_array().unwrap();
    let party = parties.iter().find(|party| party["system"] == system).unwrap();
    let items = party["items"].as_array().unwrap();
    items
        .iter()
        .find(|line| line["item"] == item)
        .unwrap_or_else(|| panic!("no {item} for {system}: {told:#}"))
}

#[test]
fn everything_in_a_case_is_explained_for_each_party_beside_the_daemon_and_after_it() {
    let desks = Desks::open(&["helpdesk", "partner", "vendor"]);
    let mut bridge = TestBridge::new().start(&desks, &["partner", "vendor"]);
    let number = desks.raise("Explained");
    let helpdesk = desks.desk("helpdesk");
    helpdesk.comment("Ada Agent", number, "A word to all.", false).unwrap();
    helpdesk.comment("Ada Agent", number, "The SECRET of the house.", true).unwrap();
    for name in ["partner", "vendor"] {
        until("the comment is there", || desks.times_said(name, "Explained", "A word to all.") == 1);
    }
    let at_partner = desks.titled("partner", "Explained").unwrap().number;
    desks.desk("partner").comment("Paul", at_partner, "A word to home.", false).unwrap();
    until("home has it", || desks.times_said("helpdesk", "Explained", "A word to home.") == 1);
    until("nothing is on the way", || bridge.ask("/readyz").json()["working"] == 0);

    let told = bridge.json(&["explain", "TL-1"]);
    let title = line(&told, "partner", "title");
    assert_eq!((&title["outcome"], &title["agreement"]), (&"passed".into(), &"partner".into()));
    assert_eq!(title["rule"], "the field title travels outbound only");
    assert_eq!(title["recorded"]["what"], "effected");
    let status = line(&told, "partner", "status");
    let mapped = (&status["outcome"], &status["from"], &status["to"]);
    assert_eq!(mapped, (&"mapped".into(), &"new".into(), &"New".into()), "{status}");
    assert_eq!(line(&told, "partner", "type")["rule"], "the agreement does not name the field type");
    let comments = desks.titled("helpdesk", "Explained").unwrap().comments;
    let place = |words: &str| {
        let comment = comments.iter().find(|comment| comment.body.contains(words)).unwrap();
        format!("comment:helpdesk#{}", comment.id)
    };
    let word = line(&told, "vendor", &place("A word to all."));
    assert_eq!((&word["outcome"], &word["about"]), (&"passed".into(), &"Ada Agent".into()));
    let secret = line(&told, "vendor", &place("SECRET"));
    assert_eq!((&secret["outcome"], &secret["about"]), (&"withheld".into(), &serde_json::Value::Null));
    assert_eq!(secret["rule"], "internal comments stay in their system");
    assert_eq!(secret["recorded"]["what"], "withheld");
    let vendors = told["parties"].as_array().unwrap().iter().find(|party| party["system"] == "vendor");
    let relayed = vendors.unwrap()["items"].as_array().unwrap();
    let relayed = relayed.iter().find(|line| line["source"] == "partner").unwrap();
    assert_eq!(relayed["outcome"], "not_shared");
    assert_eq!(relayed["rule"], "the two counterparts are not introduced to each other");
    assert!(!told.to_string().contains("SECRET"));

    let one = bridge.json(&["explain", "helpdesk:1", "--to", "vendor"]);
    assert_eq!(one["parties"].as_array().unwrap().len(), 1);
    let page = bridge.command(&["explain", "TL-1", "--to", "partner"]).out;
    assert!(page.contains("partner: the field title travels outbound only"), "{page}");
    assert!(page.contains("new → New") && !page.contains("SECRET"), "{page}");
    let version = told["parties"][1]["version"].as_str().unwrap();
    assert_eq!(version.len(), 64, "{version}");
    assert!(told["parties"][1].get("in_force").is_none() && told["parties"][0].get("version").is_none());
    assert!(
        page.contains(&format!("under the agreement partner, version {}", version.split_at(12).0)),
        "{page}"
    );
    let nobody = bridge.command(&["explain", "TL-1", "--to", "fabrikam"]);
    assert_eq!(nobody.code, 1);
    assert!(nobody.err.contains("no party or system \"fabrikam\" takes part in TL-1"), "{nobody:?}");

    bridge.signal("TERM");
    assert_eq!(bridge.ended().code(), Some(0));
    assert_eq!(bridge.json(&["explain", "TL-1"]), told);
    let config = fs::read_to_string(bridge.config()).unwrap();
    let amended = config.replacen("[agreements.partner]\n", "[agreements.partner]\nreply_passes = true\n", 1);
    assert_ne!(amended, config);
    fs::write(bridge.config(), amended).unwrap();
    let partner = &bridge.json(&["explain", "TL-1"])["parties"][1];
    assert_eq!(partner["version"], version, "the last decision keeps its version");
    let in_force = partner["in_force"].as_str().unwrap();
    assert!(in_force.len() == 64 && in_force != version);
    let page = bridge.command(&["explain", "TL-1", "--to", "partner"]).out;
    let both = [version, in_force].map(|version| version.split_at(12).0.to_owned());
    let words = format!("version {}; judged here by version {}, now in force", both[0], both[1]);
    assert!(page.contains(&words), "{page}");
    let data = bridge.data();
    let said = super::bridge::run(super::bridge::throughline().args(["explain", "TL-1", "--data"]).arg(data));
    assert_eq!(said.code, 2);
    assert!(said.err.contains("name it by --config FILE"), "{said:?}");
}

#[test]
fn a_plan_is_told_and_nothing_is_recorded_or_written() {
    let desks = Desks::open(&["helpdesk", "partner"]);
    // Polling is too slow to bring anything: after one webhook, what happens only a plan sees.
    let bridge = TestBridge::new().without_webhooks().poll("1d").start(&desks, &["partner"]);
    let number = desks.raise("Planned");
    let ticket = serde_json::to_value(desks.titled("helpdesk", "Planned").unwrap()).unwrap();
    let body = serde_json::json!({ "type": "ticket.changed", "ticket": ticket }).to_string();
    assert_eq!(bridge.webhook("helpdesk", SECRET, &body).status, 202);
    until("the partner has the ticket", || desks.titled("partner", "Planned").is_some());
    until("nothing is on the way", || bridge.ask("/readyz").json()["working"] == 0);
    let helpdesk = desks.desk("helpdesk");
    helpdesk.set_field("Ada Agent", number, "title", "Planned anew").unwrap();
    helpdesk.comment("Ada Agent", number, "Would be said.", false).unwrap();
    helpdesk.comment("Ada Agent", number, "The SECRET of the house.", true).unwrap();
    let second = desks.raise("Not seen yet");
    let unrouted = desks
        .desk("partner")
        .create("Paul", Patch { title: Some("Ours".to_owned()), ..Patch::default() })
        .unwrap();

    let before = (bridge.json(&["ledger", "verify"]), desks.desk("partner").snapshot().tickets);
    let planned = bridge.json(&["plan", &format!("helpdesk:{number}")]);
    let steps: Vec<String> = planned["steps"]
        .as_array()
        .unwrap()
        .iter()
        .map(|step| format!("{} {} {}", step["system"], step["what"], step["text"]).replace('"', ""))
        .collect();
    let says = |words: &str| assert!(steps.iter().any(|step| step.contains(words)), "{words}: {steps:#?}");
    says("helpdesk decided title of the request is now “Planned anew”");
    says("partner intended set title");
    says("partner intended comment “Ada Agent");
    says("stays: internal comments stay in their system");
    assert_eq!(planned["case"], "TL-1");
    let title = line(&planned, "partner", "title");
    assert_eq!((&title["outcome"], &title["to"]), (&"due".into(), &"Planned anew".into()));
    assert!(!planned.to_string().contains("SECRET"), "{planned}");
    assert_eq!(bridge.json(&["plan", &format!("helpdesk:{number}")]), planned, "and again the same");

    let opened = bridge.json(&["plan", &format!("helpdesk:{second}")]);
    assert_eq!((&opened["case"], &opened["opened_by"][0]), (&serde_json::Value::Null, &"partner".into()));
    assert_eq!(line(&opened, "partner", "ticket")["outcome"], "due");
    let stays = bridge.json(&["plan", &format!("partner:{unrouted}")]);
    assert_eq!((&stays["opened_by"], &stays["steps"]), (&serde_json::json!([]), &serde_json::json!([])));
    assert_eq!(stays["unrouted"][0]["reason"], "it routes no ticket of that system by itself");
    let page = bridge.command(&["plan", &format!("helpdesk:{second}")]).out;
    assert!(page.contains("one would be opened by: partner"), "{page}");
    let nothing = bridge.command(&["plan", "helpdesk:4711"]);
    assert_eq!(nothing.code, 1);
    assert!(nothing.err.contains("helpdesk:4711 is not there"), "{nothing:?}");

    let after = (bridge.json(&["ledger", "verify"]), desks.desk("partner").snapshot().tickets);
    assert_eq!(before.0, after.0, "the ledger ends where it ended");
    assert_eq!(format!("{:?}", before.1), format!("{:?}", after.1), "and the partner's desk got no write");
}
