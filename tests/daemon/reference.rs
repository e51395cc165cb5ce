//! A portal that only people reach: they carry over by hand, record what it says, and the bridge forgets nothing.

use std::io::Write as _;
use std::process::Stdio;

use serde_json::Value;

use super::bridge::{Running, throughline, until};
use super::desks::{Desks, SECRET, TOKEN};

const TITLE: &str = "Mailbox gone";
const NUMBER: &str = "2611260030001234";

/// A bridge between a helpdesk and a portal.
fn start() -> (Desks, Running) {
    let desks = Desks::open(&["helpdesk"]);
    let text = format!(
        "[bridge]\nhome = \"contoso\"\ndata = \"data\"\nlisten = \"127.0.0.1:0\"\n\n[parties.contoso]\n\
         [parties.vendor]\ntitle = \"Vendor\"\n[systems.helpdesk]\nparty = \"contoso\"\npoll = \"1s\"\nsettle = \"1s\"\n\
         [systems.helpdesk.practice]\nurl = \"http://{}/\"\ntoken = {{ file = \"desks.token\" }}\n\
         webhook_secret = {{ file = \"desks.secret\" }}\n[systems.portal]\nparty = \"vendor\"\npoll = \"1s\"\n\
         settle = \"1s\"\n[systems.portal.reference]\nsilent_after = \"3s\"\n[agreements.vendor]\nparty = \"vendor\"\n\
         home = \"helpdesk\"\ncounterpart = \"portal\"\ncomments = \"both\"\nfiles = \"both\"\nroute.outbound = \"true\"\n\
         [agreements.vendor.fields]\ntitle = {{ direction = \"outbound\" }}\n\
         description = {{ direction = \"outbound\" }}\npriority = {{ policy = \"owner_home\" }}\n\
         status = {{ policy = \"most_advanced\" }}\n",
        desks.address("helpdesk")
    );
    let mut bridge = Running::configured(&text, &[("desks.token", TOKEN), ("desks.secret", SECRET)]);
    bridge.start();
    // A desk is followed from its first page on: what is raised before that is not taken in.
    until("both desks were read", || {
        let systems = bridge.ask("/api/v1/systems").json()["systems"].clone();
        systems.as_array().unwrap().iter().all(|system| system["well"].is_string())
    });
    (desks, bridge)
}

/// The tickets that are listed, once nothing is on the way.
fn listed(bridge: &Running, arguments: &[&str]) -> Vec<Value> {
    until("nothing is on the way", || bridge.ask("/readyz").json()["working"] == 0);
    let lines = bridge.json(&[&["reference", "list"], arguments].concat());
    lines.as_array().unwrap().clone()
}

fn errands(line: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let all = line["errands"].as_array().unwrap().iter();
    all.map(|errand| (text(&errand["what"]), text(&errand["text"]))).collect()
}

/// Runs `reference update` with this text on standard input.
fn paste(bridge: &Running, ticket: &str, by: &str, text: &str) {
    let mut command = throughline();
    command.args(["reference", "update", ticket, "--by", by, "--config"]).arg(bridge.config());
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    assert!(child.wait().unwrap().success());
}

fn hears(desks: &Desks, words: &str) {
    until(&format!("the helpdesk reads {words:?}"), || desks.times_said("helpdesk", TITLE, words) > 0);
}

#[test]
fn people_carry_a_case_into_a_portal_and_its_answers_back() {
    let (desks, mut bridge) = start();
    let home = desks.raise(TITLE);
    until("the case waits to be raised", || !listed(&bridge, &[]).is_empty());
    let line = listed(&bridge, &[]).remove(0);
    assert_eq!((&line["ticket"], &line["number"]), (&"portal:1".into(), &Value::Null));
    let first = errands(&line);
    assert_eq!(first.first().unwrap().0, "raise");
    assert!(first.contains(&("title".to_owned(), TITLE.to_owned())), "{first:?}");

    let at = line["at"].to_string();
    let line = bridge.json(&["reference", "number", "portal:1", NUMBER, "--at", &at]);
    assert_eq!((line["number"].as_str(), errands(&line)), (Some(NUMBER), Vec::new()));
    let name = format!("portal:{NUMBER}");
    until("the case is known by the portal's number", || bridge.command(&["trace", &name]).code == 0);

    paste(&bridge, &name, "Kim, vendor", "We found it.\r\nIt was in the wrong region.\r\n");
    hears(&desks, "It was in the wrong region.");
    bridge.json(&["reference", "status", &name, "inProgress"]);
    until("the helpdesk is in progress", || desks.titled("helpdesk", TITLE).unwrap().status == "In progress");
    assert_eq!(errands(&listed(&bridge, &[])[0]), [], "what comes from the portal stands there");

    desks.desk("helpdesk").comment("Ada Agent", home, "Please move it back.", false).unwrap();
    until("it waits to be carried over", || !errands(&listed(&bridge, &[])[0]).is_empty());
    let line = listed(&bridge, &[]).remove(0);
    let waiting = errands(&line);
    assert_eq!(waiting.len(), 1, "{waiting:?}");
    assert!(waiting[0].0 == "comment" && waiting[0].1.contains("Please move it back."), "{waiting:?}");
    let late = bridge.command(&["reference", "passed", &name, "--at", &at]);
    assert!(late.code == 1 && late.err.contains("has changed since"), "{late:?}");
    let at = line["at"].to_string();
    assert_eq!(errands(&bridge.json(&["reference", "passed", &name, "--at", &at])), []);

    bridge.kill();
    bridge.start();
    let line = listed(&bridge, &[]).remove(0);
    assert_eq!((line["number"].as_str(), errands(&line)), (Some(NUMBER), Vec::new()));
    paste(&bridge, &name, "Kim, vendor", "It is back.");
    hears(&desks, "It is back.");
    bridge.json(&["reference", "status", &name, "closed"]);
    until("the helpdesk has closed it", || desks.titled("helpdesk", TITLE).unwrap().status == "Closed");
    assert_eq!(listed(&bridge, &[]), [Value::Null; 0]);
    assert_eq!(errands(&listed(&bridge, &["--all"])[0]), []);
    for words in ["wrong region", "move it back", "It is back"] {
        assert_eq!(desks.times_said("helpdesk", TITLE, words), 1, "{words}");
    }
    assert_eq!(bridge.json(&["cases"]).as_array().unwrap().len(), 1);
    assert_eq!(bridge.command(&["ledger", "verify"]).code, 0);
}

#[test]
fn a_portal_that_falls_silent_is_told_of_until_it_speaks() {
    let (desks, bridge) = start();
    desks.raise(TITLE);
    until("the case waits to be raised", || !listed(&bridge, &[]).is_empty());
    until("the portal is silent", || !listed(&bridge, &["--silent"]).is_empty());
    let metrics = || bridge.ask("/metrics").body;
    until("a metric says so", || metrics().contains("throughline_silent_tickets{system=\"portal\"} 1"));
    assert!(metrics().contains("throughline_tickets_to_carry_over{system=\"portal\"} 1"));
    until("the log says so", || bridge.log().contains("A portal is silent"));
    let legs = bridge.json(&["trace", "TL-1"])["case"]["legs"].clone();
    let silent = legs.as_array().unwrap().iter().filter(|leg| leg["silent_since"].is_string());
    assert_eq!(silent.map(|leg| leg["system"].as_str().unwrap()).collect::<Vec<_>>(), ["portal"]);
    bridge.json(&["reference", "status", "portal:1", "resolved"]);
    assert_eq!(listed(&bridge, &["--silent"]), [Value::Null; 0]);
}

#[test]
fn what_cannot_be_recorded_is_said_and_changes_nothing() {
    let (desks, mut bridge) = start();
    desks.raise(TITLE);
    desks.raise("Another");
    until("both wait to be raised", || listed(&bridge, &[]).len() == 2);
    bridge.json(&["reference", "number", "portal:1", NUMBER]);
    for (arguments, words) in [
        (&["status", "portal:9", "resolved"][..], "portal has no ticket"),
        (&["status", "helpdesk:1", "resolved"], "no system"),
        (&["status", "1", "resolved"], "SYSTEM:KEY"),
        (&["status", "portal:1", "Resolved"], "inProgress"),
        (&["number", "portal:2", NUMBER], "already"),
        (&["number", "portal:2", "1"], "already"),
        (&["number", "portal:2", " "], "1 to 200 characters"),
        (&["update", "portal:1"], "empty"),
    ] {
        let said = bridge.command(&[&["reference"], arguments].concat());
        assert!(said.code == 1 && said.err.contains(words), "{arguments:?}: {said:?}");
    }
    let lines = listed(&bridge, &[]);
    let numbers: Vec<_> = lines.iter().map(|line| line["number"].as_str()).collect();
    assert_eq!(numbers, [Some(NUMBER), None]);
    bridge.kill();
    let said = bridge.command(&["reference", "list"]);
    assert!(said.code == 1 && said.err.contains("throughline serve"), "{said:?}");
}
