//! The configuration loaded anew while the daemon runs: all of it or nothing, and no work is dropped.

use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};

use super::bridge::{Running, TestBridge, until};
use super::desks::{Desks, SECRET};
use super::web;

fn rewrite(bridge: &Running, from: &str, to: &str) {
    let text = fs::read_to_string(bridge.config()).unwrap();
    assert!(text.contains(from), "{text}");
    fs::write(bridge.config(), text.replace(from, to)).unwrap();
}

#[test]
fn a_reload_under_load_loses_no_webhook_and_doubles_no_ticket() {
    let desks = Desks::open(&["helpdesk", "partner"]);
    let bridge = TestBridge::new().poll("1d").without_webhooks().start(&desks, &["partner"]);
    let done = AtomicBool::new(false);
    let mut titles = Vec::new();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            // Every other time the connections are made anew.
            for [from, to] in [
                ["settle = \"1s\"", "settle = \"2s\""],
                ["settle = \"2s\"", "settle = \"2s\"\nlimits.burst = 7"],
                ["poll = \"1d\"", "poll = \"20h\""],
                ["burst = 7", "burst = 9"],
                ["comments = \"both\"", "comments = \"outbound\""],
            ] {
                rewrite(&bridge, from, to);
                let reloaded = bridge.command(&["reload"]);
                assert_eq!(reloaded.code, 0, "{reloaded:?}");
            }
            done.store(true, Ordering::Release);
        });
        while !done.load(Ordering::Acquire) || titles.len() < 20 {
            let title = format!("Under load {}", titles.len());
            desks.raise(&title);
            let ticket = serde_json::to_value(desks.titled("helpdesk", &title).unwrap()).unwrap();
            let body = serde_json::json!({ "type": "ticket.changed", "ticket": ticket }).to_string();
            let taken = bridge.webhook("helpdesk", SECRET, &body);
            assert_eq!(taken.status, 202, "{taken:?}");
            assert_eq!(web::get(&bridge.address, "/readyz").status, 200);
            titles.push(title);
        }
    });
    for title in &titles {
        until("the partner has the ticket", || desks.titled("partner", title).is_some());
    }
    until("nothing is on the way", || {
        let ready = web::get(&bridge.address, "/readyz").json();
        ready["lanes"] == 0 && ready["working"] == 0 && ready["hints"] == 0
    });
    assert_eq!(desks.desk("partner").snapshot().tickets.len(), titles.len());
    let sent = |fact: &&serde_json::Value| fact["phase"] != "dropped";
    let created =
        bridge.facts("intended").iter().filter(sent).filter(|fact| fact["item"] == "ticket").count();
    assert_eq!(created, titles.len(), "each was made once, and no doubt arose");
    assert_eq!(bridge.facts("attempted"), Vec::<serde_json::Value>::new());
    assert_eq!(bridge.facts("reconfigured").len(), 5);
    assert_eq!(bridge.command(&["ledger", "verify"]).code, 0);
}

#[test]
fn a_changed_agreement_is_in_force_and_the_ledger_says_who_when_and_what_differed() {
    let desks = Desks::open(&["helpdesk", "partner"]);
    let bridge = TestBridge::new().start(&desks, &["partner"]);
    let number = desks.raise("Talked about");
    until("the partner has the ticket", || desks.titled("partner", "Talked about").is_some());
    desks.desk("helpdesk").comment("Ada Agent", number, "Before.", false).unwrap();
    until("the comment crosses", || desks.times_said("partner", "Talked about", "Before.") == 1);

    rewrite(&bridge, "comments = \"both\"", "comments = \"inbound\"");
    let reloaded = bridge.json(&["reload"]);
    assert_eq!(reloaded["by"], "command line");
    assert_eq!(
        reloaded["differed"],
        serde_json::json!(["agreements.partner.comments is \"inbound\", was \"both\""])
    );
    desks.desk("helpdesk").comment("Ada Agent", number, "After.", false).unwrap();
    desks.desk("helpdesk").set_status("Ada Agent", number, "Solved").unwrap();
    until("the status crosses", || desks.titled("partner", "Talked about").unwrap().status == "Solved");
    assert_eq!(desks.times_said("partner", "Talked about", "After."), 0);
    let history = bridge.ask("/api/v1/reload").json();
    assert_eq!(history["items"], serde_json::json!([reloaded]));
    let facts = bridge.facts("reconfigured");
    assert_eq!((&facts[0]["by"], &facts[0]["differed"]), (&reloaded["by"], &reloaded["differed"]));

    rewrite(&bridge, "comments = \"inbound\"", "comments = \"both\"");
    bridge.signal("HUP");
    until("the signal is heard", || bridge.facts("reconfigured").len() == 2);
    assert_eq!(bridge.facts("reconfigured")[1]["by"], "SIGHUP");
}

#[test]
fn a_reload_that_bears_a_key_is_done_once() {
    let desks = Desks::open(&["helpdesk", "partner"]);
    let bridge = TestBridge::new().start(&desks, &["partner"]);
    rewrite(&bridge, "comments = \"both\"", "comments = \"inbound\"");
    let token = fs::read_to_string(bridge.data().join("admin.token")).unwrap();
    let bearer = format!("Bearer {token}");
    let fields = [("authorization", bearer.as_str()), ("idempotency-key", "the-new-terms")];
    let reload = || web::send(&bridge.address, "POST", "/api/v1/reload", &fields, b"").unwrap();
    let (first, again) = (reload(), reload());
    assert_eq!(first.status, 200, "{first:?}");
    assert_eq!((first.status, &first.body), (again.status, &again.body));
    assert_eq!(bridge.facts("reconfigured").len(), 1);
}

#[test]
fn a_secret_that_differs_is_named_and_never_shown() {
    let desks = Desks::open(&["helpdesk", "partner"]);
    let bridge = TestBridge::new().start(&desks, &["partner"]);
    super::bridge::secret(
        &bridge.config().with_file_name("other.secret"),
        "whsec_b3RoZXIgc2VjcmV0IG9mIHRoZSBkZXNr",
    );
    rewrite(
        &bridge,
        "webhook_secret = { file = \"desks.secret\" }",
        "webhook_secret = { file = \"other.secret\" }",
    );
    let reloaded = bridge.json(&["reload"]);
    let differed = reloaded["differed"].to_string();
    assert!(differed.contains("systems.helpdesk.practice.webhook_secret holds another secret"), "{differed}");
    assert!(!differed.contains("b3RoZXIg") && !bridge.log().contains("b3RoZXIg"));
    assert_eq!(bridge.webhook("helpdesk", SECRET, "{}").status, 401, "the old one opens nothing any more");
}

#[test]
fn what_is_wrong_or_fixed_is_refused_whole_and_all_goes_on_as_before() {
    let desks = Desks::open(&["helpdesk", "partner"]);
    let bridge = TestBridge::new().start(&desks, &["partner"]);
    let good = fs::read_to_string(bridge.config()).unwrap();
    let wrong = good.replace("comments = \"both\"", "comments = \"sometimes\"");
    let line = 1 + wrong.lines().position(|line| line.contains("sometimes")).unwrap();
    fs::write(bridge.config(), wrong).unwrap();
    // The command has the data directory's name from the same file: it is told where that is.
    let refused =
        super::bridge::run(super::bridge::throughline().args(["reload", "--data"]).arg(bridge.data()));
    assert_eq!(refused.code, 1, "{refused:?}");
    assert!(refused.err.contains(&format!("throughline.toml:{line}:")), "{refused:?}");
    assert!(refused.err.contains("the one before stays in force"), "{refused:?}");

    fs::write(bridge.config(), good.replace("listen = \"127.0.0.1:0\"", "listen = \"127.0.0.1:1\"")).unwrap();
    let refused = bridge.command(&["reload"]);
    assert_eq!(refused.code, 1);
    assert!(
        refused.err.contains("bridge.listen cannot change while the bridge runs: restart it"),
        "{refused:?}"
    );

    fs::write(bridge.config(), good).unwrap();
    assert_eq!(bridge.facts("reconfigured"), Vec::<serde_json::Value>::new());
    desks.raise("Goes on");
    until("the partner has the ticket", || desks.titled("partner", "Goes on").is_some());
}

#[test]
fn a_guest_of_a_party_that_a_reload_brought_can_be_made_at_once() {
    let desks = Desks::open(&["helpdesk", "partner"]);
    let bridge = TestBridge::new().start(&desks, &["partner"]);
    let guest = |name: &str, party: &str| {
        bridge.command(&["token", "create", name, "--role", "guest", "--party", party])
    };
    let early = guest("early", "newcomer");
    assert!(early.code != 0 && early.err.contains("there is no party newcomer"), "{early:?}");
    rewrite(&bridge, "[parties.partner]", "[parties.newcomer]\n[parties.partner]");
    let reloaded = bridge.command(&["reload"]);
    assert_eq!(reloaded.code, 0, "{reloaded:?}");
    let made = guest("made", "newcomer");
    assert_eq!(made.code, 0, "{made:?}");
    // One that went with a reload is a party no more; a reload that was refused changes nothing about it.
    rewrite(&bridge, "[parties.newcomer]\n", "");
    rewrite(&bridge, "listen = \"127.0.0.1:0\"", "listen = \"127.0.0.1:1\"");
    assert_ne!(bridge.command(&["reload"]).code, 0);
    assert_eq!(guest("still", "newcomer").code, 0);
    rewrite(&bridge, "listen = \"127.0.0.1:1\"", "listen = \"127.0.0.1:0\"");
    assert_eq!(bridge.command(&["reload"]).code, 0);
    assert!(guest("late", "newcomer").code != 0 && guest("more", "partner").code == 0);
}
