//! The interface as programs use it: pages, tags, keys, the stream of events, webhooks of ours, and its description.

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use base64::Engine as _;
use serde_json::{Value, json};
use throughline::clock::SystemClock;
use throughline_sdk::{Clock as _, Timestamp};

use super::bridge::{Running, TestBridge, run, throughline, until};
use super::desks::Desks;
use super::web::{self, Answer};

fn token(bridge: &Running) -> String {
    format!("Bearer {}", fs::read_to_string(bridge.data().join("admin.token")).unwrap())
}

/// Asks as the admin, with more header fields.
fn ask(bridge: &Running, method: &str, path: &str, fields: &[(&str, &str)], body: &str) -> Answer {
    let token = token(bridge);
    let fields: Vec<_> =
        [("authorization", token.as_str())].into_iter().chain(fields.iter().copied()).collect();
    web::send(&bridge.address, method, &format!("/api/v1{path}"), &fields, body.as_bytes()).unwrap()
}

fn header<'a>(answer: &'a Answer, name: &str) -> Option<&'a str> {
    answer.head.lines().find_map(|line| line.strip_prefix(&format!("{name}: ")))
}

/// A moment until which a grant may last.
fn tomorrow() -> Timestamp {
    SystemClock::new().now() + Duration::from_secs(86_400)
}

/// A stream of events, line by line.
struct Stream(BufReader<TcpStream>);

impl Stream {
    fn open(bridge: &Running, path: &str, last: Option<&str>) -> Self {
        let mut socket = TcpStream::connect(&bridge.address).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let last = last.map(|last| format!("last-event-id: {last}\r\n")).unwrap_or_default();
        let head = format!(
            "GET /api/v1/events{path} HTTP/1.1\r\nhost: x\r\nauthorization: {}\r\n{last}\r\n",
            token(bridge)
        );
        socket.write_all(head.as_bytes()).unwrap();
        let mut stream = Self(BufReader::new(socket));
        while !stream.line().contains("listening") {}
        stream
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        assert!(self.0.read_line(&mut line).unwrap() > 0, "the stream ended");
        line.trim().to_owned()
    }

    /// The next event: its id, its sort and its data.
    fn next(&mut self) -> (String, String, Value) {
        let (mut id, mut sort) = (String::new(), String::new());
        loop {
            let line = self.line();
            if let Some(rest) = line.strip_prefix("id: ") {
                rest.clone_into(&mut id);
            } else if let Some(rest) = line.strip_prefix("event: ") {
                rest.clone_into(&mut sort);
            } else if let Some(rest) = line.strip_prefix("data: ") {
                return (id, sort, serde_json::from_str(rest).unwrap());
            }
        }
    }
}

#[test]
fn what_is_published_is_what_is_printed_and_takes_no_token() {
    let desks = Desks::open(&["helpdesk", "partner"]);
    let bridge = TestBridge::new().start(&desks, &["partner"]);
    let printed = run(throughline().arg("openapi"));
    assert_eq!(printed.code, 0, "{printed:?}");
    let printed: Value = serde_json::from_str(&printed.out).unwrap();
    assert_eq!(printed["openapi"], "3.1.0");
    assert_eq!(web::get(&bridge.address, "/api/v1/openapi.json").json(), printed);
    for (path, methods) in printed["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            if operation.get("x-right").is_none() {
                continue;
            }
            let path = path.replace(['{', '}'], "");
            let stranger = web::send(&bridge.address, &method.to_uppercase(), &path, &[], b"").unwrap();
            assert_eq!(stranger.status, 401, "{method} {path}");
        }
    }
}

#[test]
fn a_list_is_read_page_by_page_and_what_does_not_fit_is_named() {
    let desks = Desks::open(&["helpdesk", "partner"]);
    let bridge = TestBridge::new().start(&desks, &["partner"]);
    for number in 1..=5 {
        desks.raise(&format!("Request {number}"));
    }
    until("all are cases", || bridge.ask("/api/v1/cases").json()["items"].as_array().unwrap().len() == 5);
    let (mut path, mut seen) = ("/cases?limit=2".to_owned(), Vec::new());
    loop {
        let page = ask(&bridge, "GET", &path, &[], "");
        let items = page.json()["items"].as_array().unwrap().clone();
        seen.extend(items.iter().map(|case| case["case"].as_str().unwrap().to_owned()));
        let Some(link) = header(&page, "link") else { break };
        let next = page.json()["next"].as_str().unwrap().to_lowercase();
        assert_eq!(link, format!("</api/v1/cases?limit=2&cursor={next}>; rel=\"next\""));
        path = format!("/cases?limit=2&cursor={}", page.json()["next"].as_str().unwrap());
    }
    assert_eq!(seen, ["TL-5", "TL-4", "TL-3", "TL-2", "TL-1"], "the newest first");

    for (path, kind, parameter) in [
        ("/cases?limit=0", "bad-parameter", "limit"),
        ("/cases?limt=5", "bad-parameter", "limt"),
        ("/cases?cursor=x", "bad-cursor", "cursor"),
        ("/cases?after=x", "bad-parameter", "after"),
    ] {
        let refused = ask(&bridge, "GET", path, &[], "");
        assert_eq!(refused.status, 400, "{path}");
        let problem = refused.json();
        assert_eq!(problem["type"], format!("/problems/{kind}"), "{path}: {problem}");
        assert_eq!(problem["errors"][0]["parameter"], parameter, "{path}: {problem}");
        assert_eq!(problem["instance"], "/api/v1/cases");
        assert_eq!(web::get(&bridge.address, &format!("/problems/{kind}")).status, 200);
    }
    let json_body = [("content-type", "application/json")];
    for (body, status, pointer) in [
        (json!({ "case": "TL-1", "system": "partner", "item": "title", "more": 1 }), 422, "/more"),
        (json!({ "case": "TL-1", "system": 7, "item": "title" }), 422, "/system"),
        (json!({ "case": "TL-1", "system": "partner" }), 422, "/item"),
    ] {
        let refused = ask(&bridge, "POST", "/parked/retry", &json_body, &body.to_string());
        assert_eq!(refused.status, status, "{body}");
        assert_eq!(refused.json()["errors"][0]["pointer"], pointer, "{}", refused.body);
    }
    assert_eq!(ask(&bridge, "POST", "/parked/retry", &json_body, "{").status, 400);
    assert_eq!(ask(&bridge, "POST", "/parked/retry", &[], "{}").status, 415);
    let large = "x".repeat(300 * 1024);
    assert_eq!(ask(&bridge, "POST", "/parked/retry", &json_body, &large).status, 413);
}

#[test]
fn a_tag_spares_the_answer_until_the_case_moves_on_and_then_keeps_a_write_back() {
    let desks = Desks::open(&["helpdesk", "partner"]);
    let bridge = TestBridge::new().start(&desks, &["partner"]);
    let number = desks.raise("Tagged");
    until("both have it", || desks.titled("partner", "Tagged").is_some());
    until("nothing is under way", || {
        let ready = web::get(&bridge.address, "/readyz").json();
        ready["lanes"] == 0 && ready["working"] == 0 && ready["hints"] == 0
    });
    for path in ["/cases/TL-1", "/trace/TL-1", "/explain/TL-1"] {
        let first = ask(&bridge, "GET", path, &[], "");
        assert_eq!(first.status, 200, "{path}");
        let tag = header(&first, "etag").unwrap();
        let again = ask(&bridge, "GET", path, &[("if-none-match", tag)], "");
        assert_eq!((again.status, again.body.as_str()), (304, ""), "{path}");
    }
    let tomorrow = tomorrow();
    let shown = ask(&bridge, "GET", "/cases/TL-1", &[], "");
    let tag = header(&shown, "etag").unwrap();
    let body = json!({ "party": "partner", "what": "files", "purpose": "p", "until": tomorrow, "by": "x" });
    let write = || {
        let fields = [("content-type", "application/json"), ("if-match", tag)];
        ask(&bridge, "POST", "/cases/TL-1/grants", &fields, &body.to_string())
    };
    // The agreement grants nothing: that is another question, and is asked only while the case is as it was.
    assert_eq!(write().status, 403);
    desks.desk("helpdesk").comment("Ada Agent", number, "It moves on.", false).unwrap();
    until("the comment is there", || desks.times_said("partner", "Tagged", "It moves on.") == 1);
    let late = write();
    assert_eq!(late.status, 412, "{late:?}");
    assert_eq!(late.json()["type"], "/problems/moved-on");
    assert_eq!(ask(&bridge, "GET", "/cases/TL-1", &[("if-none-match", tag)], "").status, 200);
}

#[test]
fn a_write_with_a_key_is_done_once_across_a_restart() {
    let desks = Desks::open(&["helpdesk", "partner"]);
    let mut bridge = TestBridge::new().set_up(&desks, &["partner"]);
    let text = fs::read_to_string(bridge.config()).unwrap();
    let grants = "[agreements.partner.grants]\nmay_ask = [\"files\"]\napproved_by = \"service manager\"\n\
                  [agreements.partner.fields]\n";
    fs::write(bridge.config(), text.replace("[agreements.partner.fields]\n", grants)).unwrap();
    bridge.start();
    desks.announce_to(&bridge.address);
    desks.raise("Keyed");
    until("both have it", || desks.titled("partner", "Keyed").is_some());
    let tomorrow = tomorrow();
    let write = |bridge: &Running, key: &str, purpose: &str| {
        let fields = [("content-type", "application/json"), ("idempotency-key", key)];
        let body = json!({
            "party": "partner", "what": "files", "purpose": purpose, "until": tomorrow, "by": "Paul",
        });
        ask(bridge, "POST", "/cases/TL-1/grants", &fields, &body.to_string())
    };
    let first = write(&bridge, "\"k-1\"", "root cause");
    assert_eq!(first.status, 201, "{first:?}");
    let again = write(&bridge, "k-1", "root cause");
    assert_eq!((again.status, again.json()), (201, first.json()));
    let other = write(&bridge, "k-1", "curiosity");
    assert_eq!(other.status, 422, "{other:?}");
    assert_eq!(other.json()["type"], "/problems/key-reused");
    bridge.signal("TERM");
    assert!(bridge.ended().success());
    bridge.start();
    assert_eq!(write(&bridge, "k-1", "root cause").json(), first.json());
    assert_eq!(write(&bridge, "k-2", "root cause").json()["grant"], "G2");
    assert_eq!(bridge.json(&["grant", "list", "TL-1"]).as_array().unwrap().len(), 2);
    // What is refused may come again with what was wrong put right.
    let refused = write(&bridge, "k-3", " ");
    let mended = write(&bridge, "k-3", "root cause");
    assert_eq!(mended.status, 201, "{refused:?} {mended:?}");
    for entry in fs::read_dir(bridge.data().join("idempotency")).unwrap() {
        let kept = fs::read(entry.unwrap().path()).unwrap();
        assert!(!String::from_utf8_lossy(&kept).contains("root cause"), "what is kept is sealed");
    }
}

#[test]
fn events_come_as_they_happen_and_go_on_where_they_were_left() {
    let desks = Desks::open(&["helpdesk", "partner"]);
    let bridge = TestBridge::new().start(&desks, &["partner"]);
    let mut all = Stream::open(&bridge, "", None);
    let number = desks.raise("Followed");
    let (first, sort, data) = all.next();
    assert_eq!((sort.as_str(), &data["case"]), ("recorded", &json!("TL-1")));
    until("both have it", || desks.titled("partner", "Followed").is_some());
    until("nothing is under way", || web::get(&bridge.address, "/readyz").json()["working"] == 0);
    // Everything behind the first, as often as it is asked for.
    let told = |after: &str| {
        let mut stream = Stream::open(&bridge, "?case=TL-1", Some(after));
        desks.desk("helpdesk").comment("Ada Agent", number, "Once more.", false).unwrap();
        let mut seen = Vec::new();
        loop {
            let (id, _, data) = stream.next();
            seen.push((id, data["seq"].as_u64().unwrap()));
            let kinds = data["kinds"].as_array().unwrap();
            if kinds.iter().any(|kind| kind == "remarked") {
                return seen;
            }
        }
    };
    let seen = told(&first);
    assert!(seen.len() > 1, "{seen:?}");
    assert!(seen.windows(2).all(|pair| pair[0].1 < pair[1].1), "in their order: {seen:?}");
    let begin: Vec<_> = std::iter::repeat_with(|| all.next()).take(seen.len()).map(|(id, ..)| id).collect();
    let ids: Vec<_> = seen.into_iter().map(|(id, _)| id).collect();
    assert_eq!(begin, ids, "what comes live is what is taken up");
    let (_, sort, _) = Stream::open(&bridge, "", Some("999999999")).next();
    assert_eq!(sort, "reset", "what is not known here is not guessed");
    assert_eq!(ask(&bridge, "GET", "/events?case=TL-99", &[], "").status, 404);
}

#[test]
fn a_webhook_of_ours_is_told_in_order_across_restarts_signed_and_without_what_a_ticket_says() {
    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    let desks = Desks::open(&["helpdesk", "partner"]);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut bridge = TestBridge::new().set_up(&desks, &["partner"]);
    let mut text = fs::read_to_string(bridge.config()).unwrap();
    text.push_str(&format!(
        "\n[webhooks.watcher]\nurl = \"http://{}/hook\"\nsecret = {{ file = \"hook.secret\" }}\nevents = [\"opened\", \"remarked\"]\n",
        listener.local_addr().unwrap()
    ));
    fs::write(bridge.config(), text).unwrap();
    super::bridge::secret(&bridge.config().with_file_name("hook.secret"), SECRET);
    bridge.start();
    desks.announce_to(&bridge.address);
    let number = desks.raise("Watched");
    let (head, body) = web::heard(&listener);
    assert_eq!(body["type"], "case.recorded");
    assert_eq!(body["data"]["case"], "TL-1");
    assert!(body["data"]["kinds"].as_array().unwrap().iter().any(|kind| kind == "opened"), "{body}");
    assert!(!body.to_string().contains("Watched"), "{body}");
    let field = |name: &str| {
        let found = head.lines().find_map(|line| {
            let (field, value) = line.split_once(": ")?;
            (field.eq_ignore_ascii_case(name)).then(|| value.to_owned())
        });
        found.unwrap_or_else(|| panic!("{name}: {head}"))
    };
    // Checked as the standard says, and by no code of ours.
    let key = base64::engine::general_purpose::STANDARD.decode(SECRET.trim_start_matches("whsec_")).unwrap();
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, &key);
    let signed = format!("{}.{}.{body}", field("webhook-id"), field("webhook-timestamp"));
    let tag = base64::engine::general_purpose::STANDARD.encode(ring::hmac::sign(&key, signed.as_bytes()));
    assert_eq!(field("webhook-signature"), format!("v1,{tag}"));
    until("both have it", || desks.titled("partner", "Watched").is_some());

    bridge.signal("TERM");
    assert!(bridge.ended().success());
    desks.desk("helpdesk").comment("Ada Agent", number, "Meanwhile.", false).unwrap();
    bridge.start();
    desks.announce_to(&bridge.address);
    desks.raise("Another");
    let mut seen = BTreeSet::new();
    let mut last = body["data"]["seq"].as_u64().unwrap();
    while !(seen.contains("TL-1") && seen.contains("TL-2")) {
        let (_, body) = web::heard(&listener);
        let seq = body["data"]["seq"].as_u64().unwrap();
        assert!(seq >= last, "in their order: {seq} after {last}");
        last = seq;
        seen.insert(body["data"]["case"].as_str().unwrap().to_owned());
    }
    let listed = ask(&bridge, "GET", "/webhooks", &[], "").json();
    assert_eq!(listed["items"][0]["name"], "watcher");
    assert_eq!(listed["items"][0]["failing_since"], Value::Null);
    assert_eq!(ask(&bridge, "POST", "/webhooks/watcher/enable", &[], "").status, 200);
    assert_eq!(ask(&bridge, "POST", "/webhooks/nobody/enable", &[], "").status, 404);
}
