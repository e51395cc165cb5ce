//! A portal that only people reach: they carry over by hand, record what it says, and the bridge forgets nothing.

use std::fs;
use std::io::Write as _;
use std::process::Stdio;

use serde_json::Value;
use throughline_practice::desk::Patch;

use super::bridge::{Running, throughline, until};
use super::desks::{Desks, SECRET, TOKEN};

const TITLE: &str = "Mailbox gone";
const NUMBER: &str = "2611260030001234";

/// A bridge between a helpdesk and a portal.
fn start() -> (Desks, Running) {
    let desks = Desks::open(&["helpdesk", "vendor"]);
    let text = text(&desks);
    let mut bridge = Running::configured(&text, &[("desks.token", TOKEN), ("desks.secret", SECRET)]);
    bridge.start();
    read_once(&bridge);
    (desks, bridge)
}

fn text(desks: &Desks) -> String {
    format!(
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
    )
}

/// A desk is followed from its first page on: what is raised before that is not taken in.
fn read_once(bridge: &Running) {
    until("all desks were read", || {
        let systems = bridge.ask("/api/v1/systems").json()["systems"].clone();
        systems.as_array().unwrap().iter().all(|system| system["well"].is_string())
    });
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

/// The vendor has an interface now: new cases go there, and those that were kept by hand are claimed.
fn with_vendor(desks: &Desks, bridge: &Running) {
    let vendor = format!(
        "[systems.vendor]\nparty = \"vendor\"\npoll = \"1s\"\nsettle = \"1s\"\n[systems.vendor.practice]\n\
         url = \"http://{}/\"\ntoken = {{ file = \"desks.token\" }}\n[agreements.interface]\nparty = \"vendor\"\n\
         home = \"helpdesk\"\ncounterpart = \"vendor\"\nclaims = \"portal\"\ncomments = \"both\"\nfiles = \"both\"\n\
         route.outbound = {{}}\n[agreements.interface.fields]\ntitle = {{ direction = \"outbound\" }}\n\
         status = {{ policy = \"most_advanced\" }}\n",
        desks.address("vendor")
    );
    let config = fs::read_to_string(bridge.config()).unwrap();
    let offering = format!("{config}{vendor}");
    fs::write(bridge.config(), &offering).unwrap();
    let said = throughline().args(["check", "--config"]).arg(bridge.config()).output().unwrap();
    assert!(String::from_utf8_lossy(&said.stderr).contains("each would be raised twice"), "{said:?}");
    fs::write(bridge.config(), offering.replacen("route.outbound = {}\n", "", 1)).unwrap();
}

#[test]
fn a_ticket_kept_by_hand_is_claimed_and_nothing_of_it_is_lost_or_said_twice() {
    let (desks, mut bridge) = start();
    let home = desks.raise(TITLE);
    until("the case waits to be raised", || !listed(&bridge, &[]).is_empty());
    desks.desk("helpdesk").comment("Ada Agent", home, "Please move it back.", false).unwrap();
    until("both wait", || errands(&listed(&bridge, &[])[0]).iter().any(|errand| errand.0 == "comment"));
    let name = format!("portal:{NUMBER}");
    bridge.json(&["reference", "number", "portal:1", NUMBER]);
    paste(&bridge, &name, "Kim, vendor", "We found it.\r\nIt was in the wrong region.\r\n");
    paste(&bridge, &name, "Kim, vendor", "On the telephone: they are sorry.");
    hears(&desks, "they are sorry");

    // What the vendor's desk had all the time, which no program could read.
    let vendor = desks.desk("vendor");
    let patch = Patch { title: Some(TITLE.to_owned()), ..Patch::default() };
    let there = vendor.create("Contoso", patch).unwrap();
    for (who, words) in [
        ("Contoso", "Please move it back."),
        ("Kim", "We found it. It was in the wrong region."),
        ("Kim", "It takes until Monday."),
    ] {
        vendor.comment(who, there, words, false).unwrap();
    }
    vendor.comment("Kim", there, "Customer is always right?", true).unwrap();
    bridge.kill();
    with_vendor(&desks, &bridge);
    bridge.start();
    read_once(&bridge);
    let by = format!("vendor:{there}");
    let refused = |bridge: &Running, arguments: &[&str], words: &str| {
        let said = bridge.command(&[&["reference"], arguments].concat());
        assert!(said.code == 1 && said.err.contains(words), "{arguments:?}: {said:?}");
    };
    desks.desk("helpdesk").comment("Ada Agent", home, "Asked by telephone.", false).unwrap();
    until("it waits to be carried over", || {
        errands(&listed(&bridge, &[])[0]).iter().any(|errand| errand.1.contains("by telephone"))
    });
    assert_eq!(vendor.snapshot().tickets.len(), 1, "a case that is kept by hand is not raised besides");
    refused(&bridge, &["claim", &name, &by], "not marked as carried over");
    let at = listed(&bridge, &[])[0]["at"].to_string();
    bridge.json(&["reference", "passed", &name, "--at", &at]);
    refused(&bridge, &["claim", &name, "helpdesk:1"], "has a ticket at helpdesk already");
    refused(&bridge, &["claim", &name, "vendor:99"], "cannot be read");

    let found = bridge.json(&["reference", "claim", &name, &by]);
    let lines = |what: &str| -> Vec<String> {
        found[what].as_array().unwrap().iter().map(|line| line.as_str().unwrap().to_owned()).collect()
    };
    assert_eq!((lines("same").len(), &found["done"]), (2, &Value::Bool(false)), "{found}");
    assert_eq!(lines("missing").len(), 2, "{found}");
    assert!(lines("missing").iter().any(|line| line.contains("they are sorry")), "{found}");
    assert!(lines("new").len() == 1 && lines("new")[0].contains("until Monday"), "{found}");
    refused(&bridge, &["claim", &name, &by, "--confirm", "12345678"], "look again");
    assert_eq!(
        desks.times_said("helpdesk", TITLE, "until Monday"),
        0,
        "nothing happens before it is confirmed"
    );
    let word = found["confirm"].as_str().unwrap();
    assert_eq!(bridge.json(&["reference", "claim", &name, &by, "--confirm", word])["done"], true);
    hears(&desks, "until Monday");

    vendor.comment("Kim", there, "It is back.", false).unwrap();
    hears(&desks, "It is back.");
    desks.desk("helpdesk").comment("Ada Agent", home, "Thank you.", false).unwrap();
    until("the vendor reads it", || desks.times_said("vendor", TITLE, "Thank you.") == 1);
    refused(&bridge, &["update", &name], "was claimed by vendor:");
    assert_eq!(listed(&bridge, &[]), [Value::Null; 0]);

    // The index is made anew from the ledger, and the case is the same.
    let trace = |bridge: &Running, name: &str| bridge.json(&["trace", name]);
    until("nothing is on the way", || bridge.ask("/readyz").json()["working"] == 0);
    let told = trace(&bridge, &name);
    assert_eq!(told, trace(&bridge, &by));
    bridge.kill();
    fs::remove_dir_all(bridge.data().join("store")).unwrap();
    bridge.start();
    read_once(&bridge);
    let again = trace(&bridge, &name);
    assert_eq!(again["case"], told["case"]);
    let legs: Vec<_> = again["case"]["legs"].as_array().unwrap().iter().map(|leg| &leg["system"]).collect();
    assert_eq!(legs, ["helpdesk", "vendor"]);
    let story = again["events"].to_string();
    for event in ["joined", "portal", "they are sorry", "takes the place of the one at portal"] {
        assert!(story.contains(event), "{event}: {story}");
    }
    desks.raise("Another");
    until("a new case goes to the vendor", || desks.titled("vendor", "Another").is_some());
    until("nothing is on the way", || bridge.ask("/readyz").json()["working"] == 0);
    assert_eq!(listed(&bridge, &["--all"]).len(), 1, "and not by hand besides");
    for words in ["wrong region", "move it back", "until Monday", "It is back", "they are sorry", "Thank you"]
    {
        assert_eq!(desks.times_said("helpdesk", TITLE, words), 1, "{words} at home");
    }
    for words in ["wrong region", "move it back", "until Monday", "It is back", "Thank you"] {
        assert_eq!(desks.times_said("vendor", TITLE, words), 1, "{words} at the vendor");
    }
    for words in ["they are sorry", "by telephone"] {
        assert_eq!(desks.times_said("vendor", TITLE, words), 0, "{words} was never written there");
    }
    assert_eq!(desks.times_said("helpdesk", TITLE, "always right"), 0);
    assert_eq!(desks.desk("vendor").snapshot().tickets.len(), 2);
    assert_eq!(bridge.command(&["ledger", "verify"]).code, 0);
}
