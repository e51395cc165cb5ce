//! What a running daemon serves, and how it stands beside dead desks, systemd and a second one of itself.

use std::os::unix::net::UnixDatagram;
use std::time::Duration;

use throughline_testkit::ReservedAddress;

use super::bridge::{TestBridge, run, throughline, until};
use super::desks::{Desks, SECRET};
use super::web;

#[test]
fn health_metrics_and_the_interface_are_served_and_the_interface_asks_for_its_token() {
    let desks = Desks::open(&["helpdesk", "partner"]);
    let bridge = TestBridge::new().start(&desks, &["partner"]);
    desks.raise("Counted");
    until("the partner has the ticket", || desks.titled("partner", "Counted").is_some());
    let health = web::get(&bridge.address, "/healthz");
    assert_eq!((health.status, health.json()), (200, serde_json::json!({ "status": "well" })));
    until("the counters show it", || {
        let text = web::get(&bridge.address, "/metrics").body;
        text.contains("throughline_intents_total{system=\"partner\"")
    });
    let metrics = web::get(&bridge.address, "/metrics");
    assert!(
        metrics.head.contains("content-type: application/openmetrics-text")
            || metrics.head.contains("content-type: text/plain"),
        "{}",
        metrics.head
    );
    let samples = prometheus(&metrics.body);
    for name in ["throughline_hints_total", "throughline_intents_total", "throughline_remote_requests_total"]
    {
        assert!(
            samples.iter().any(|(sample, value)| sample == name && *value > 0.0),
            "{name}: {}",
            metrics.body
        );
    }

    let nothing = web::get(&bridge.address, "/nowhere");
    assert!(nothing.head.contains("content-type: application/problem+json"), "{}", nothing.head);
    insta::assert_snapshot!("problem_nothing_there", nothing.body);
    let stranger = web::get(&bridge.address, "/api/v1/cases");
    assert_eq!(stranger.status, 401);
    insta::assert_snapshot!("problem_without_token", stranger.body);
    let wrong =
        web::send(&bridge.address, "GET", "/api/v1/cases", &[("authorization", "Bearer x")], b"").unwrap();
    assert_eq!(wrong.status, 401);
    for path in ["cases", "cases/TL-1", "trace/partner:1", "parked", "systems"] {
        assert_eq!(bridge.ask(&format!("/api/v1/{path}")).status, 200, "{path}");
        assert_eq!(web::get(&bridge.address, &format!("/api/v1/{path}")).status, 401, "{path}");
    }
    let unknown = bridge.ask("/api/v1/trace/TL-4711");
    assert_eq!(unknown.status, 404);
    insta::assert_snapshot!("problem_no_such_case", unknown.body);
    assert!(stranger.head.contains("www-authenticate: bearer"), "{}", stranger.head);
    for path in ["/api/v1/trace/%ff", "/api/v1/cases/%ff"] {
        let unreadable = bridge.ask(path);
        assert_eq!(unreadable.status, 400, "{path}");
        assert!(unreadable.head.contains("application/problem+json"), "{unreadable:?}");
    }
    let misspelt = bridge.ask("/api/v1/cases?limt=5");
    assert_eq!(misspelt.status, 400);
    assert!(misspelt.head.contains("application/problem+json"), "{misspelt:?}");
}

#[test]
fn a_webhook_counts_only_with_its_signature() {
    let desks = Desks::open(&["helpdesk", "partner"]);
    let bridge = TestBridge::new().poll("1d").without_webhooks().start(&desks, &["partner"]);
    desks.raise("Signed");
    let ticket = serde_json::to_value(desks.titled("helpdesk", "Signed").unwrap()).unwrap();
    let body = serde_json::json!({ "type": "ticket.changed", "ticket": ticket }).to_string();
    let forged = bridge.webhook("helpdesk", "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", &body);
    assert_eq!(forged.status, 401);
    insta::assert_snapshot!("problem_forged_webhook", forged.body);
    let unsigned = web::send(&bridge.address, "POST", "/webhooks/helpdesk", &[], body.as_bytes()).unwrap();
    assert_eq!(unsigned.status, 401);
    let elsewhere = bridge.webhook("elsewhere", SECRET, &body);
    assert_eq!(elsewhere.status, 401, "nobody learns which systems there are");
    assert_eq!(elsewhere.body, forged.body);
    assert_eq!(bridge.webhook("helpdesk", SECRET, "{").status, 400);
    let large = bridge.webhook("helpdesk", SECRET, &" ".repeat(4 * 1024 * 1024 + 1));
    assert_eq!(large.status, 413);
    assert!(large.head.contains("application/problem+json"), "{large:?}");
    assert_eq!(web::get(&bridge.address, "/webhooks/helpdesk").status, 405);
    let unreadable = bridge.webhook("%ff", SECRET, &body);
    assert_eq!(unreadable.status, 400);
    assert!(unreadable.head.contains("application/problem+json"), "{unreadable:?}");
    assert_eq!(bridge.facts("hinted").len(), 0, "nothing that was refused is remembered");
    assert_eq!(bridge.json(&["cases"]), serde_json::json!([]));

    let taken = bridge.webhook("helpdesk", SECRET, &body);
    assert_eq!((taken.status, taken.json()), (202, serde_json::json!({ "hints": 1 })));
    until("the partner has the ticket", || desks.titled("partner", "Signed").is_some());
    assert_eq!(bridge.webhook("helpdesk", SECRET, &body).status, 202, "a replay is taken");
    until("nothing is on the way", || bridge.json(&["cases"])[0]["legs"][1]["outstanding"] == 0);
    assert_eq!(desks.desk("partner").snapshot().tickets.len(), 1, "and changes nothing");
}

#[test]
fn a_second_daemon_on_the_same_data_refuses() {
    let desks = Desks::open(&["helpdesk", "partner"]);
    let bridge = TestBridge::new().start(&desks, &["partner"]);
    let second = run(throughline().args(["serve", "--config"]).arg(bridge.config()));
    assert_eq!(second.code, 1);
    assert!(second.err.contains("another process owns the data directory"), "{second:?}");
    assert_eq!(web::get(&bridge.address, "/readyz").status, 200, "the first one goes on");
    assert_eq!(bridge.json(&["cases"]), serde_json::json!([]), "and is still found");
}

#[test]
fn a_dead_desk_leaves_the_others_working() {
    let desks = Desks::open(&["helpdesk", "partner", "vendor"]);
    let bridge = TestBridge::new().set_up(&desks, &["partner", "vendor"]);
    // An address at which nobody listens.
    let dead = ReservedAddress::new().unwrap();
    let text = std::fs::read_to_string(bridge.config()).unwrap();
    std::fs::write(bridge.config(), text.replace(&desks.address("vendor").to_string(), &dead.to_string()))
        .unwrap();
    let mut bridge = bridge;
    bridge.start();
    desks.announce_to(&bridge.address);
    let number = desks.raise("One of three");
    desks.desk("helpdesk").comment("Ada Agent", number, "Still there?", false).unwrap();
    until("the partner reads the comment", || {
        desks.times_said("partner", "One of three", "Still there?") == 1
    });
    desks.desk("partner").comment("Paul", 1, "Still here.", false).unwrap();
    until("the helpdesk reads the answer", || {
        desks.times_said("helpdesk", "One of three", "Still here.") == 1
    });
    until("the vendor is known to be silent", || {
        let systems = bridge.ask("/api/v1/systems").json();
        let systems = systems["systems"].as_array().unwrap();
        systems.iter().all(|system| (system["name"] == "vendor") != system["error"].is_null())
    });
    let legs = bridge.json(&["trace", "TL-1"])["case"]["legs"].clone();
    assert!(legs[2]["outstanding"].as_u64().unwrap() > 0 && legs[2]["parked"] == 0, "it waits: {legs}");
    assert_eq!(bridge.json(&["parked"]), serde_json::json!([]));
    bridge.signal("TERM");
    assert_eq!(bridge.ended().code(), Some(0), "and the daemon stops in good order");
}

#[test]
fn a_service_manager_is_told_of_start_and_stop() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notify");
    let socket = UnixDatagram::bind(&path).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let desks = Desks::open(&["helpdesk", "partner"]);
    let told = TestBridge::new().environment("NOTIFY_SOCKET", path.to_str().unwrap());
    let mut bridge = told.start(&desks, &["partner"]);
    let mut buffer = [0; 256];
    let mut next = || {
        let length = socket.recv(&mut buffer).unwrap();
        String::from_utf8_lossy(&buffer[..length]).trim().to_owned()
    };
    assert_eq!(next(), "READY=1");
    bridge.signal("TERM");
    assert_eq!(next(), "STOPPING=1");
    assert_eq!(bridge.ended().code(), Some(0));
}

#[test]
fn a_client_that_never_ends_its_request_does_not_hold_the_daemon_up() {
    use std::io::Write as _;
    let desks = Desks::open(&["helpdesk", "partner"]);
    let mut bridge = TestBridge::new().start(&desks, &["partner"]);
    let mut slow = std::net::TcpStream::connect(&bridge.address).unwrap();
    slow.write_all(b"POST /webhooks/helpdesk HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{").unwrap();
    assert_eq!(web::get(&bridge.address, "/healthz").status, 200);
    bridge.signal("TERM");
    assert_eq!(bridge.ended().code(), Some(0));
    drop(slow);
}

#[test]
fn stopping_lets_what_is_being_sent_come_to_its_end() {
    let desks = Desks::open(&["helpdesk", "partner"]);
    let mut bridge = TestBridge::new().start(&desks, &["partner"]);
    for number in 0..30 {
        desks.raise(&format!("Of many {number}"));
    }
    until("something arrived", || !desks.desk("partner").snapshot().tickets.is_empty());
    bridge.signal("TERM");
    assert_eq!(bridge.ended().code(), Some(0));
    assert_eq!(bridge.facts("stopped").len(), 1);
    assert_eq!(bridge.command(&["ledger", "verify"]).code, 0);
    bridge.start();
    until("all thirty are there", || desks.desk("partner").snapshot().tickets.len() >= 30);
    until("nothing is on the way", || bridge.ask("/readyz").json()["working"] == 0);
    let mut titles: Vec<String> =
        desks.desk("partner").snapshot().tickets.iter().map(|ticket| ticket.title.clone()).collect();
    titles.sort();
    titles.dedup();
    assert_eq!(titles.len(), 30);
    assert_eq!(desks.desk("partner").snapshot().tickets.len(), 30, "and each once");
}

/// Samples of the Prometheus text format by name; panics at a line that is none.
fn prometheus(text: &str) -> Vec<(String, f64)> {
    let mut samples = Vec::new();
    for line in text.lines() {
        if let Some(comment) = line.strip_prefix('#') {
            let words: Vec<&str> = comment.split_whitespace().collect();
            assert!(matches!(words.first(), Some(&("HELP" | "TYPE" | "UNIT" | "EOF"))), "{line}");
            continue;
        }
        let (sample, value) = line.rsplit_once(' ').unwrap_or_else(|| panic!("no sample: {line}"));
        let name = sample.split('{').next().unwrap();
        assert!(
            name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b':'),
            "{line}"
        );
        assert_eq!(sample.contains('{'), sample.ends_with('}'), "{line}");
        samples.push((name.to_owned(), value.parse().unwrap_or_else(|_| panic!("no number: {line}"))));
    }
    samples
}
