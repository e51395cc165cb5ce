//! Agreements from outside: what a counterpart needs, which version decided, and what two versions differ in.

use std::fs;
use std::io::Write as _;

use super::bridge::{Running, TestBridge, until};
use super::desks::Desks;

const NEEDS_A_CONTACT: &str = "[agreements.partner.fields.\"field:Contact\"]\n\
                               [agreements.partner.require.contact]\n\
                               condition = \"has(ticket.fields.Contact)\"\nmessage = \"whom to call\"\n";

fn append(bridge: &Running, text: &str) {
    let mut file = fs::File::options().append(true).open(bridge.config()).unwrap();
    file.write_all(text.as_bytes()).unwrap();
}

fn replace(bridge: &Running, from: &str, to: &str) {
    let text = fs::read_to_string(bridge.config()).unwrap();
    assert!(text.contains(from), "{text}");
    fs::write(bridge.config(), text.replacen(from, to, 1)).unwrap();
}

fn version(bridge: &Running) -> String {
    let listed = bridge.json(&["agreement", "list"]);
    listed[0]["version"].as_str().unwrap().to_owned()
}

/// A version as people see it.
fn short(version: &str) -> String {
    version.chars().take(12).collect()
}

#[test]
fn a_ticket_waits_for_what_the_counterpart_needs_and_goes_by_itself() {
    let desks = Desks::open(&["helpdesk", "partner"]);
    let mut bridge = TestBridge::new().set_up(&desks, &["partner"]);
    append(&bridge, NEEDS_A_CONTACT);
    bridge.start();
    desks.announce_to(&bridge.address);
    let number = desks.raise("Incomplete");
    until("it is kept back", || !bridge.json(&["parked"]).as_array().unwrap().is_empty());
    let parked = bridge.json(&["parked"]);
    assert_eq!((&parked[0]["system"], &parked[0]["item"]), (&"partner".into(), &"ticket".into()));
    let reason = parked[0]["reason"].as_str().unwrap();
    assert!(reason.contains("whom to call (contact)"), "{reason}");
    desks.desk("helpdesk").comment("Ada Agent", number, "Is anybody there?", false).unwrap();
    until("the comment was read", || bridge.ask("/readyz").json()["working"] == 0);
    assert!(desks.titled("partner", "Incomplete").is_none());

    desks.desk("helpdesk").set_field("Ada Agent", number, "Contact", "Ada, 4711").unwrap();
    until("it goes, with what was said", || {
        desks.times_said("partner", "Incomplete", "Is anybody there?") == 1
    });
    until("nothing waits any more", || bridge.json(&["parked"]) == serde_json::json!([]));
}

#[test]
fn every_case_tells_the_version_that_decided_and_the_ledger_keeps_each_version() {
    let desks = Desks::open(&["helpdesk", "partner"]);
    let mut bridge = TestBridge::new().start(&desks, &["partner"]);
    let number = desks.raise("Versioned");
    until("the partner has it", || desks.titled("partner", "Versioned").is_some());
    let first = version(&bridge);
    let shown = short(&first);
    let told = bridge.command(&["trace", "TL-1"]).out;
    assert!(told.contains(&format!("under the agreement partner, version {shown}")), "{told}");

    bridge.signal("TERM");
    bridge.ended();
    replace(&bridge, "comments = \"both\"", "comments = \"outbound\"");
    bridge.start();
    desks.announce_to(&bridge.address);
    let second = version(&bridge);
    assert_ne!(first, second);
    let told = bridge.command(&["trace", "TL-1"]).out;
    assert!(!told.contains(&short(&second)), "nothing was decided under it yet: {told}");
    desks.desk("helpdesk").comment("Ada Agent", number, "One more thing.", false).unwrap();
    until("the comment crosses", || desks.times_said("partner", "Versioned", "One more thing.") == 1);
    let told = bridge.command(&["trace", "TL-1"]).out;
    let line = format!("decided under version {} of the agreement from here on", &short(&second));
    assert_eq!(told.matches(&line).count(), 1, "{told}");

    let differs = bridge.command(&["agreement", "diff", &shown, "partner"]);
    assert_eq!((differs.code, differs.err.as_str()), (1, ""), "{differs:?}");
    assert!(
        differs
            .out
            .contains("public comments: it was: both ways; it is now: from home to the counterpart only"),
        "{}",
        differs.out
    );
    assert_eq!(bridge.command(&["agreement", "diff", &short(&second), "partner"]).code, 0);
    bridge.signal("TERM");
    bridge.ended();
    bridge.start();
    let agreed = bridge.facts("agreed");
    let versions: Vec<_> = agreed.iter().map(|fact| fact["version"].as_str().unwrap()).collect();
    assert_eq!(versions, [first.as_str(), second.as_str()], "each once, however often the daemon starts");
    assert_eq!(agreed[0]["document"]["agreement"]["comments"], "both");
    let listed = bridge.command(&["agreement", "list"]).out;
    assert!(listed.contains("in the configuration") && listed.contains("in the ledger"), "{listed}");
}

#[test]
fn an_agreement_is_shown_and_compared_with_a_draft() {
    let desks = Desks::open(&["helpdesk", "partner"]);
    let bridge = TestBridge::new().set_up(&desks, &["partner"]);
    let page = bridge.command(&["agreement", "show", "partner", "--format", "html"]);
    assert!(page.code == 0 && page.out.starts_with("<!DOCTYPE html>"), "{page:?}");
    let text = bridge.command(&["agreement", "show", "partner"]).out;
    assert!(text.starts_with("# Agreement “partner” between contoso and partner"), "{text}");
    assert_eq!(bridge.json(&["agreement", "show", "partner"])["agreement"]["name"], "partner");

    let config = fs::read_to_string(bridge.config()).unwrap();
    let (_, agreement) = config.split_once("[agreements.partner]").unwrap();
    let draft = bridge.config().with_file_name("draft.toml");
    fs::write(&draft, format!("[agreements.partner]{agreement}{NEEDS_A_CONTACT}")).unwrap();
    let draft = draft.display().to_string();
    let differs = bridge.command(&["agreement", "diff", "partner", &draft]);
    assert_eq!(differs.code, 1, "{differs:?}");
    assert!(differs.out.contains("what is required, \"contact\": new: whom to call"), "{}", differs.out);
    let json = bridge.command(&["--json", "agreement", "diff", "partner", &draft]);
    let differences: serde_json::Value = serde_json::from_str(&json.out).unwrap();
    assert_eq!((json.code, differences["differences"].as_array().unwrap().len()), (1, 3), "{differences}");
    let unknown = bridge.command(&["agreement", "show", "partnr"]);
    assert_eq!(unknown.code, 1);
    assert_eq!(unknown.err.trim(), "error: no agreement is called \"partnr\"; there is partner");
}
