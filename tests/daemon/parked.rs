//! What a desk refuses or loses concerns that alone: the field, the comment, the leg.

use std::fs;
use std::time::Duration;

use throughline_practice::desk::Faults;

use super::bridge::{Running, TestBridge, until};
use super::desks::Desks;

/// A workflow that does not let a new ticket be solved at once.
fn strict() -> Faults {
    let step = |to: &str| ("New".to_owned(), to.to_owned());
    Faults { refused_transitions: vec![step("Solved"), step("Closed")], ..Faults::default() }
}

/// A ticket on both sides, whose solution the partner's workflow refuses.
fn refused(desks: &Desks, title: &str) -> (Running, u64) {
    let bridge = TestBridge::new().start(desks, &["partner"]);
    desks.desk("partner").set_faults(strict());
    let number = desks.raise(title);
    until("the partner has the ticket", || desks.titled("partner", title).is_some());
    desks.desk("helpdesk").set_status("Ada Agent", number, "Solved").unwrap();
    until("the status is parked", || !bridge.json(&["parked"]).as_array().unwrap().is_empty());
    (bridge, number)
}

#[test]
fn a_refused_status_waits_alone_and_is_tried_again_when_a_person_says_so() {
    let desks = Desks::open(&["helpdesk", "partner"]);
    let (bridge, number) = refused(&desks, "Strict");
    desks.desk("helpdesk").comment("Ada Agent", number, "Solved, by the way.", false).unwrap();
    until("the comment crosses all the same", || {
        desks.times_said("partner", "Strict", "Solved, by the way.") == 1
    });
    let listed = bridge.json(&["parked", "list"]);
    assert_eq!(listed.as_array().unwrap().len(), 1, "{listed}");
    assert_eq!((&listed[0]["system"], &listed[0]["item"]), (&"partner".into(), &"status".into()));
    let words = "a ticket does not go from New to Solved here";
    assert!(listed[0]["reason"].as_str().unwrap().contains(words), "{listed}");
    assert!(bridge.command(&["parked"]).out.contains(words));
    assert_eq!(bridge.json(&["trace", "TL-1"])["case"]["legs"][1]["parked"], 1);

    let misnamed = bridge.command(&["parked", "retry", "TL-1", "partner", "priority"]);
    assert_eq!(misnamed.code, 1);
    assert_eq!(misnamed.err.trim(), "error: nothing named priority is parked in TL-1 on partner");
    desks.desk("partner").set_faults(Faults::default());
    let retried = bridge.command(&["parked", "retry", "TL-1", "partner", "status"]);
    assert_eq!((retried.code, retried.out.trim()), (0, "status of TL-1 on partner is tried again."));
    until("the partner has the status", || desks.titled("partner", "Strict").unwrap().status == "Solved");
    until("nothing is parked", || bridge.json(&["parked"]) == serde_json::json!([]));
}

#[test]
fn what_a_person_gives_up_stays_given_up_until_its_value_changes() {
    let desks = Desks::open(&["helpdesk", "partner"]);
    let (bridge, number) = refused(&desks, "Given up");
    let discarded = bridge.command(&["parked", "discard", "TL-1", "partner", "status"]);
    assert_eq!(discarded.code, 0, "{discarded:?}");
    until("it waits for nobody any more", || bridge.json(&["parked"]) == serde_json::json!([]));
    let leg = bridge.json(&["trace", "TL-1"])["case"]["legs"][1].clone();
    assert_eq!((&leg["parked"], &leg["given_up"]), (&0.into(), &1.into()), "but it is still told: {leg}");
    assert!(bridge.command(&["trace", "TL-1"]).out.contains(", 1 given up"));
    desks.desk("partner").set_faults(Faults::default());
    desks.desk("helpdesk").comment("Ada Agent", number, "Another matter.", false).unwrap();
    until("a comment crosses", || desks.times_said("partner", "Given up", "Another matter.") == 1);
    assert_eq!(desks.titled("partner", "Given up").unwrap().status, "New", "it was not tried again");
    desks.desk("helpdesk").set_status("Ada Agent", number, "Closed").unwrap();
    until("a new value crosses", || desks.titled("partner", "Given up").unwrap().status == "Closed");
    let given_up = || bridge.json(&["trace", "TL-1"])["case"]["legs"][1]["given_up"].clone();
    until("nothing is given up any more", || given_up() == 0);
}

#[test]
fn a_ticket_that_is_deleted_or_merged_ails_its_own_leg_and_stops_nothing_else() {
    let desks = Desks::open(&["helpdesk", "partner", "vendor"]);
    let bridge = TestBridge::new().start(&desks, &["partner", "vendor"]);
    let (first, second) = (desks.raise("First"), desks.raise("Second"));
    let at = |name: &str, title: &str| desks.titled(name, title).map(|ticket| ticket.number);
    until("all are everywhere", || {
        ["partner", "vendor"].iter().all(|name| at(name, "First").is_some() && at(name, "Second").is_some())
    });
    until("nothing is on the way", || bridge.ask("/readyz").json()["working"] == 0);
    let health = |key: String, system: &str| {
        let trace = bridge.json(&["trace", &key]);
        let legs = trace["case"]["legs"].as_array().unwrap().clone();
        let leg = legs.into_iter().find(|leg| leg["system"] == system).unwrap();
        leg["health"].as_str().unwrap().to_owned()
    };
    let (deleted, merged) = (at("partner", "First").unwrap(), at("vendor", "First").unwrap());
    let into = at("vendor", "Second").unwrap();
    desks.desk("partner").delete_ticket("Paul", deleted).unwrap();
    desks.desk("vendor").merge("Vera", merged, into).unwrap();
    until("the deleted one is gone", || health(format!("helpdesk:{first}"), "partner") == "gone");
    until("the merged one is told", || {
        health(format!("helpdesk:{first}"), "vendor") == format!("merged into {into}")
    });
    desks.desk("helpdesk").comment("Ada Agent", first, "Anybody there?", false).unwrap();
    let told = bridge.command(&["trace", &format!("helpdesk:{first}")]).out;
    assert!(told.contains(&format!("partner:{deleted} (partner), gone")), "{told}");

    desks.desk("helpdesk").comment("Ada Agent", second, "You are not concerned.", false).unwrap();
    until("the other case goes on", || {
        ["partner", "vendor"]
            .iter()
            .all(|name| desks.times_said(name, "Second", "You are not concerned.") == 1)
    });
    assert_eq!(health(format!("helpdesk:{second}"), "vendor"), "well");
    assert_eq!(
        desks.times_said("vendor", "Second", "Anybody there?"),
        0,
        "a merged ticket gets no other case's comments"
    );
    assert!(desks.titled("partner", "First").is_none(), "what a person deleted is not created again");
}

#[test]
fn what_a_person_sends_instead_goes_out_once_and_changes_nothing_elsewhere() {
    let desks = Desks::open(&["helpdesk", "partner"]);
    let (bridge, number) = refused(&desks, "Rewritten");
    let shown = bridge.json(&["parked", "show", "TL-1", "partner", "status"]);
    assert_eq!(shown["sent"][0]["text"], "Solved", "{shown}");
    assert_eq!(shown["there"]["text"], "New", "{shown}");
    let choices = shown["edits"][0]["choices"].as_array().unwrap();
    let open = choices.iter().find(|choice| choice["word"] == "open").unwrap();
    let wrong = bridge.command(&["parked", "edit", "TL-1", "partner", "status", "--text", "mended"]);
    assert_eq!(wrong.code, 1);
    assert!(wrong.err.contains("\"mended\" is none of the words for status: new, open"), "{wrong:?}");
    let missing = bridge.command(&["parked", "edit", "TL-1", "partner", "title", "--text", "Other"]);
    assert!(missing.err.contains("nothing named title is parked in TL-1 on partner"), "{missing:?}");

    let edited = bridge.command(&["parked", "edit", "TL-1", "partner", "status", "--text", "open"]);
    assert_eq!(edited.code, 0, "{edited:?}");
    until("the partner has what was written instead", || {
        desks.titled("partner", "Rewritten").unwrap().status == open["shown"].as_str().unwrap()
    });
    until("nothing is parked or on its way", || {
        let ready = super::web::get(&bridge.address, "/readyz").json();
        ready["parked"] == 0 && ready["working"] == 0 && ready["hints"] == 0
    });
    assert_eq!(desks.titled("helpdesk", "Rewritten").unwrap().status, "Solved", "home stays as it is");
    let fact = &bridge.facts("edited")[0];
    assert_eq!((&fact["by"], &fact["text"]), (&"command line".into(), &"open".into()));
    assert!(bridge.command(&["trace", "TL-1"]).out.contains("as a person wrote it"));

    desks.desk("partner").set_faults(Faults::default());
    desks.desk("helpdesk").set_status("Ada Agent", number, "Closed").unwrap();
    until("the next value goes out as it is", || {
        desks.titled("partner", "Rewritten").unwrap().status == "Closed"
    });
}

#[test]
fn why_something_was_given_up_stands_in_the_record() {
    let desks = Desks::open(&["helpdesk", "partner"]);
    let (bridge, _) = refused(&desks, "Let be");
    let why = "the partner closes it by itself";
    let discarded = bridge.command(&["parked", "discard", "TL-1", "partner", "status", "--reason", why]);
    assert_eq!(discarded.code, 0, "{discarded:?}");
    let fact = bridge.facts("unparked").into_iter().find(|fact| fact["discarded"] == true).unwrap();
    assert_eq!((&fact["by"], &fact["reason"]), (&"command line".into(), &why.into()));
    assert!(bridge.command(&["trace", "TL-1"]).out.contains(why));
}

#[test]
fn where_nothing_bears_a_marker_a_person_is_asked_about_what_does_not_stand_there_alone() {
    let desks = Desks::open(&["helpdesk", "partner"]);
    let mut bridge = TestBridge::new().without_webhooks().set_up(&desks, &["partner"]);
    let text = fs::read_to_string(bridge.config()).unwrap();
    let there = "[systems.partner.practice]\n";
    assert!(text.contains(there));
    let settings = format!("{there}create_class = \"c4\"\n");
    fs::write(bridge.config(), text.replace(there, &settings)).unwrap();
    bridge.start();
    bridge.polled();
    let number = desks.raise("Unmarked");
    until("the partner has the ticket", || desks.titled("partner", "Unmarked").is_some());
    let says = |text: &str, faults: Faults| {
        desks.desk("partner").set_faults(faults);
        desks.desk("helpdesk").comment("Ada Agent", number, text, false).unwrap();
        let doubts = bridge.facts("attempted").len();
        until("its answer is lost", || bridge.facts("attempted").len() > doubts);
        desks.desk("partner").set_faults(Faults::default());
    };
    says("Done, and not heard of.", Faults { drop_reply: 100, ..Faults::default() });
    until("it is found there", || bridge.facts("effected").iter().any(|fact| fact["found"] == true));
    assert_eq!(bridge.json(&["parked"]), serde_json::json!([]));
    let late = Faults { late_commit: 100, commit_delay: Duration::from_secs(3600), ..Faults::default() };
    says("Lost on the way.", late);
    until("a person is asked", || bridge.json(&["parked"]).as_array().unwrap().len() == 1);
    let reason = bridge.json(&["parked"])[0]["reason"].as_str().unwrap().to_owned();
    assert!(reason.contains("nothing like it stands there"), "{reason}");
    for (text, there) in [("Done, and not heard of.", 1), ("Lost on the way.", 0)] {
        assert_eq!(desks.times_said("partner", "Unmarked", text), there, "{text}");
        assert_eq!(desks.times_said("helpdesk", "Unmarked", text), 1, "{text} comes back to nobody");
    }
}
