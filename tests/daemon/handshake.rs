//! Offers from outside: a partner's agents accept or refuse by comment, silence has a consequence, home takes back.

use serde_json::Value;

use super::bridge::{Running, until};
use super::desks::{Desks, SECRET, TOKEN};

const TITLE: &str = "Payroll stands still";

/// A bridge that offers what is raised at home to the partner, and to the vendor what the partner does not take.
fn start(desks: &Desks, handshake: &str) -> Running {
    let mut text = "[bridge]\nhome = \"contoso\"\ndata = \"data\"\nlisten = \"127.0.0.1:0\"\n".to_owned();
    for (name, party) in [("helpdesk", "contoso"), ("partner", "fabrikam"), ("vendor", "litware")] {
        let level = if name == "vendor" { "level = \"vendor\"\n" } else { "" };
        text.push_str(&format!(
            "[parties.{party}]\n{level}[systems.{name}]\nparty = \"{party}\"\npoll = \"1s\"\nsettle = \"1s\"\n\
             [systems.{name}.practice]\nurl = \"http://{}/\"\ntoken = {{ file = \"desks.token\" }}\n\
             webhook_secret = {{ file = \"desks.secret\" }}\n",
            desks.address(name)
        ));
    }
    for (name, party, more) in [
        (
            "partner",
            "fabrikam",
            format!("route.outbound = \"true\"\n[agreements.partner.handshake]\n{handshake}"),
        ),
        ("vendor", "litware", "[agreements.vendor.handshake]\ntell_home = \"internal\"\n".to_owned()),
    ] {
        text.push_str(&format!(
            "[agreements.{name}]\nparty = \"{party}\"\nhome = \"helpdesk\"\ncounterpart = \"{name}\"\n\
             comments = \"both\"\nfiles = \"both\"\n{more}\n[agreements.{name}.fields]\n\
             title = {{ direction = \"outbound\" }}\ndescription = {{ direction = \"outbound\" }}\n\
             status = {{ policy = \"most_advanced\" }}\n",
        ));
    }
    let mut bridge = Running::configured(&text, &[("desks.token", TOKEN), ("desks.secret", SECRET)]);
    bridge.start();
    // A desk is followed from its first page on: what is raised before that is not taken in.
    until("all desks were read", || {
        let systems = bridge.ask("/api/v1/systems").json()["systems"].clone();
        systems.as_array().unwrap().iter().all(|system| system["well"].is_string())
    });
    bridge
}

/// Raises a request at home and waits until this desk has it.
fn offer(desks: &Desks, to: &str) -> u64 {
    let home = desks.raise(TITLE);
    arrives(desks, to);
    home
}

fn arrives(desks: &Desks, at: &str) {
    until(&format!("{at} has the ticket"), || desks.titled(at, TITLE).is_some());
}

fn says(desks: &Desks, desk: &str, text: &str) {
    let number = desks.titled(desk, TITLE).unwrap().number;
    desks.desk(desk).comment("Paul", number, text, false).unwrap();
}

/// The leg of the first case in this system.
fn leg(bridge: &Running, system: &str) -> Value {
    let case = bridge.json(&["cases"])[0].clone();
    let legs = case["legs"].as_array().unwrap().clone();
    legs.into_iter().find(|leg| leg["system"] == system).unwrap_or_default()
}

fn stands(bridge: &Running, system: &str, state: &str) {
    until(&format!("the offer to {system} is {state}"), || leg(bridge, system)["offer"]["state"] == state);
}

#[test]
fn an_offer_is_accepted_by_comment_and_only_then_work_on_it_crosses() {
    let desks = Desks::open(&["helpdesk", "partner", "vendor"]);
    let bridge = start(&desks, "respond_within = \"4h\"\n");
    let home = offer(&desks, "partner");
    desks.desk("helpdesk").comment("Ada Agent", home, "Try the other printer.", false).unwrap();
    until("the comment waits", || {
        let waiting = leg(&bridge, "partner")["offer"]["waiting"].clone();
        waiting
            .as_array()
            .is_some_and(|items| items.iter().any(|item| item.as_str().unwrap().starts_with("comment:")))
    });
    assert!(desks.titled("partner", TITLE).unwrap().comments.is_empty());
    let offer = leg(&bridge, "partner")["offer"].clone();
    assert!(offer["respond_by"].is_string(), "{offer}");
    let holder = bridge.json(&["cases"])[0]["holder"].clone();
    assert_eq!((&holder["party"], &holder["level"]), (&"fabrikam".into(), &"partner".into()));

    says(&desks, "partner", "NEED INFO: which printer?");
    until("home has the ball", || bridge.json(&["cases"])[0]["holder"]["party"] == "contoso");
    desks.desk("helpdesk").comment("Ada Agent", home, "The one on floor three.", false).unwrap();
    until("the answer crosses", || desks.times_said("partner", TITLE, "floor three") == 1);
    assert_eq!(desks.times_said("partner", TITLE, "Try the other"), 0, "what was not asked for waits");
    stands(&bridge, "partner", "offered");

    says(&desks, "partner", "ACCEPT");
    until("the comment crosses", || desks.times_said("partner", TITLE, "Try the other printer.") == 1);
    stands(&bridge, "partner", "accepted");
    let told = bridge.command(&["trace", "TL-1"]).out;
    for words in [
        "contoso answers for it; fabrikam (partner) has the ball since",
        "the request is offered here: more than it follows once it is accepted",
        "waits until the offer is accepted",
        "the offer waits for an answer; due by",
        "before an answer something is asked: “which printer?”",
        "the offer is accepted",
    ] {
        assert!(told.contains(words), "{words:?} in\n{told}");
    }
    let listed = bridge.command(&["cases"]).out;
    assert!(listed.contains("fabrikam (partner)"), "{listed}");
    let metrics = bridge.ask("/metrics").body;
    assert!(
        metrics.contains("throughline_offers_total{system=\"partner\",state=\"accepted\"} 1"),
        "{metrics}"
    );
    assert!(
        metrics.contains("throughline_cases_held_seconds_total{party=\"contoso\",level=\"helpdesk\"}"),
        "{metrics}"
    );
    assert!(desks.titled("vendor", TITLE).is_none());
}

#[test]
fn a_rejected_request_goes_on_and_then_to_a_person_who_has_it_offered_again() {
    let desks = Desks::open(&["helpdesk", "partner", "vendor"]);
    let bridge = start(&desks, "route_on = [\"vendor\"]\n");
    offer(&desks, "partner");
    says(&desks, "partner", "REJECT: not ours");
    arrives(&desks, "vendor");
    stands(&bridge, "partner", "rejected");
    assert_eq!(bridge.json(&["parked"]), serde_json::json!([]));
    says(&desks, "vendor", "REJECT: out of support");
    until("a person is asked", || !bridge.json(&["parked"]).as_array().unwrap().is_empty());
    let parked = bridge.json(&["parked"])[0].clone();
    assert_eq!((&parked["system"], &parked["item"]), (&"vendor".into(), &"offer".into()));
    assert_eq!(parked["reason"], "litware rejected the offer: out of support");
    until("home is told", || desks.times_said("helpdesk", TITLE, "litware rejected the offer") == 1);
    let home = desks.titled("helpdesk", TITLE).unwrap();
    assert!(home.comments.iter().any(|comment| comment.internal && comment.body.contains("out of support")));
    assert_eq!(home.status, "New", "a refusal is no status of the request");
    assert_eq!(
        desks.times_said("partner", TITLE, "out of support"),
        0,
        "the first is told nothing of the second"
    );
    assert_eq!(bridge.json(&["cases"])[0]["holder"]["party"], "contoso");

    assert_eq!(bridge.command(&["parked", "retry", "TL-1", "vendor", "offer"]).code, 0);
    stands(&bridge, "vendor", "offered");
    says(&desks, "vendor", "ACCEPT, since you ask");
    stands(&bridge, "vendor", "accepted");
    assert_eq!(bridge.json(&["cases"])[0]["holder"]["level"], "vendor");
}

#[test]
fn an_offer_that_nobody_answers_lapses_also_across_a_restart() {
    let desks = Desks::open(&["helpdesk", "partner", "vendor"]);
    let mut bridge = start(&desks, "respond_within = \"4s\"\n");
    offer(&desks, "partner");
    until("the clock runs", || leg(&bridge, "partner")["offer"]["respond_by"].is_string());
    until("nothing is on the way", || bridge.ask("/readyz").json()["working"] == 0);
    bridge.kill();
    bridge.start();
    until("a person is asked", || !bridge.json(&["parked"]).as_array().unwrap().is_empty());
    let parked = bridge.json(&["parked"])[0].clone();
    assert_eq!(parked["reason"], "fabrikam has not answered the offer within 4s");
    assert_eq!(leg(&bridge, "partner")["offer"]["lapsed"], true);
    assert_eq!(bridge.facts("offer_lapsed").len(), 1);
    assert!(bridge.command(&["cases"]).out.contains("(offered, lapsed)"));
}

#[test]
fn what_home_closes_is_taken_back() {
    let desks = Desks::open(&["helpdesk", "partner", "vendor"]);
    let bridge = start(&desks, "");
    let home = offer(&desks, "partner");
    desks.desk("helpdesk").set_status("Ada Agent", home, "Closed").unwrap();
    stands(&bridge, "partner", "withdrawn");
    until("the partner's ticket is over", || {
        ["Closed", "Cancelled", "Rejected"].contains(&desks.titled("partner", TITLE).unwrap().status.as_str())
    });
}
