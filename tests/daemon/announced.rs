//! What a vendor announces: shown with the cases about the same product, before and after, and sent to nobody.

use std::collections::BTreeMap;

use serde_json::Value;
use throughline_practice::desk::{Faults, Patch};

use super::bridge::{Running, until};
use super::desks::{Desks, SECRET, TOKEN};

/// A bridge between a helpdesk and a partner, beside a vendor's board that is only referred to.
fn start() -> (Desks, Running) {
    let desks = Desks::open(&["helpdesk", "partner", "board"]);
    let system = |name: &str, party: &str| {
        format!(
            "[parties.{party}]\n[systems.{name}]\nparty = \"{party}\"\npoll = \"1s\"\nsettle = \"1s\"\n\
             [systems.{name}.practice]\nurl = \"http://{}/\"\ntoken = {{ file = \"desks.token\" }}\n\
             webhook_secret = {{ file = \"desks.secret\" }}\n",
            desks.address(name)
        )
    };
    let text = format!(
        "[bridge]\nhome = \"contoso\"\ndata = \"data\"\nlisten = \"127.0.0.1:0\"\n{}{}{}\
         [agreements.partner]\nparty = \"fabrikam\"\nhome = \"helpdesk\"\ncounterpart = \"partner\"\n\
         comments = \"both\"\nfiles = \"both\"\nroute.outbound = \"true\"\n[agreements.partner.fields]\n\
         title = {{ direction = \"outbound\" }}\nstatus = {{ policy = \"most_advanced\" }}\n\
         [references.outages]\nsystem = \"board\"\nhome = \"helpdesk\"\nfield = \"field:Product\"\n\
         products = {{ E-mail = \"Incident\" }}\n",
        system("helpdesk", "contoso"),
        system("partner", "fabrikam"),
        system("board", "vendor"),
    );
    let mut bridge = Running::configured(&text, &[("desks.token", TOKEN), ("desks.secret", SECRET)]);
    bridge.start();
    until("all desks were read", || {
        let systems = bridge.ask("/api/v1/systems").json()["systems"].clone();
        systems.as_array().unwrap().iter().all(|system| system["well"].is_string())
    });
    (desks, bridge)
}

fn raise(desks: &Desks, title: &str, product: &str) -> u64 {
    let fields = BTreeMap::from([("Product".to_owned(), product.to_owned())]);
    let patch = Patch { title: Some(title.to_owned()), fields, ..Patch::default() };
    desks.desk("helpdesk").create("Ada Agent", patch).unwrap()
}

fn outage(desks: &Desks, title: &str, kind: &str) -> u64 {
    let patch = Patch { title: Some(title.to_owned()), kind: Some(kind.to_owned()), ..Patch::default() };
    desks.desk("board").create("Vendor", patch).unwrap()
}

fn trace(bridge: &Running, number: u64) -> Option<Value> {
    let name = format!("helpdesk:{number}");
    (bridge.command(&["trace", &name]).code == 0).then(|| bridge.json(&["trace", &name]))
}

/// What a case refers to, as title and status.
fn refers(bridge: &Running, number: u64) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let case = trace(bridge, number).map(|trace| trace["case"].clone()).unwrap_or_default();
    let references = case["references"].as_array().cloned().unwrap_or_default();
    references.iter().map(|one| (text(&one["title"]), text(&one["status"]))).collect()
}

/// How often these words stand in a case's timeline as told.
fn told(bridge: &Running, number: u64, words: &str) -> usize {
    let events = trace(bridge, number).map(|trace| trace["events"].clone()).unwrap_or_default();
    let events = events.as_array().cloned().unwrap_or_default();
    let is_told = |event: &&Value| {
        event["what"] == "told" && event["text"].as_str().is_some_and(|text| text.contains(words))
    };
    events.iter().filter(is_told).count()
}

fn idle(bridge: &Running) {
    until("nothing is on the way", || {
        let ready = bridge.ask("/readyz").json();
        ready["working"] == 0 && ready["hints"].as_u64().unwrap_or_default() == 0
    });
}

#[test]
fn an_outage_is_told_to_the_cases_about_its_product_before_and_after_it_was_announced() {
    let (desks, mut bridge) = start();
    let before = raise(&desks, "Mail is gone", "E-mail");
    let other = raise(&desks, "Paper is gone", "Printer");
    until("both are cases", || trace(&bridge, before).is_some() && trace(&bridge, other).is_some());

    let number = outage(&desks, "Mail is late everywhere", "Incident");
    desks.desk("board").comment("Vendor", number, "We are looking.", false).unwrap();
    desks.desk("board").comment("Vendor", number, "For administrators only.", true).unwrap();
    until("the case was told", || told(&bridge, before, "For administrators only.") == 1);
    assert_eq!(refers(&bridge, before), [("Mail is late everywhere".to_owned(), "New".to_owned())]);
    assert_eq!(told(&bridge, before, "We are looking."), 1);

    let after = raise(&desks, "Mail still gone", "E-mail");
    until("a case that comes later is told too", || told(&bridge, after, "We are looking.") == 1);

    bridge.kill();
    desks.desk("board").comment("Vendor", number, "It is back.", false).unwrap();
    desks.desk("board").set_status("Vendor", number, "Solved").unwrap();
    desks.desk("helpdesk").set_status("Ada Agent", before, "Closed").unwrap();
    bridge.start();
    until("it is over", || {
        refers(&bridge, after) == [("Mail is late everywhere".to_owned(), "Solved".to_owned())]
    });
    idle(&bridge);
    for words in ["We are looking.", "For administrators only.", "It is back."] {
        assert_eq!(told(&bridge, after, words), 1, "{words}");
    }
    let late = raise(&desks, "Mail was gone", "E-mail");
    until("it is a case", || trace(&bridge, late).is_some());
    outage(&desks, "Chat is late", "Request");
    outage(&desks, "Mail is late again", "Incident");
    let again = ("Mail is late again".to_owned(), "New".to_owned());
    until("the latest case was told", || refers(&bridge, late) == [again.clone()]);
    assert_eq!(refers(&bridge, other), []);
    let readable = bridge.command(&["trace", &format!("helpdesk:{after}")]).out;
    assert!(readable.contains("refers to board:"), "{readable}");

    assert_eq!(desks.desk("board").snapshot().tickets.len(), 3);
    for desk in ["helpdesk", "partner"] {
        for ticket in &desks.desk(desk).snapshot().tickets {
            assert_eq!(ticket.comments.len(), 0, "{desk}: {ticket:?}");
        }
    }
    assert_eq!(bridge.json(&["cases"]).as_array().unwrap().len(), 4);
    assert_eq!(bridge.command(&["ledger", "verify"]).code, 0);
}

#[test]
fn an_announcement_that_cannot_be_read_is_read_later_and_holds_nothing_up() {
    let (desks, mut bridge) = start();
    outage(&desks, "Mail is late everywhere", "Incident");
    let witness = raise(&desks, "Mail is gone", "E-mail");
    until("the outage is known", || refers(&bridge, witness).len() == 1);

    desks.desk("board").set_faults(Faults { unavailable: 100, ..Faults::default() });
    let later = raise(&desks, "Mail is gone too", "E-mail");
    until("it crosses all the same", || desks.titled("partner", "Mail is gone too").is_some());
    until("it has something left to read", || bridge.ask("/readyz").json()["working"] == 1);
    assert_eq!(refers(&bridge, later), []);
    bridge.kill();
    bridge.start();
    desks.desk("board").set_faults(Faults::default());
    until("it is told in the end", || refers(&bridge, later).len() == 1);
    idle(&bridge);
    assert_eq!(refers(&bridge, witness).len(), 1);
}
