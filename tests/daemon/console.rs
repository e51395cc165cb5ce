//! The console's pages on a running bridge: what guests of one party can tell, and what reaches an open page.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use bytes::Bytes;

use super::bridge::{Running, TestBridge, run, throughline, until};
use super::desks::Desks;
use super::web::{Answer, send};

const TITLE: &str = "Printer on fire";
const INTERNAL: &str = "kanarie0000000001q";
const OF_VENDOR: &str = "kanarie0000000002q";

/// A bridge on which one request stands at home, at the partner and at the vendor.
fn with_request() -> (Desks, Running) {
    let desks = Desks::open(&["helpdesk", "partner", "vendor"]);
    // The desks' numbers differ, so that one can be taken for another's.
    for title in ["one", "two"] {
        desks.desk("vendor").create("Vera", named(title)).unwrap();
    }
    let bridge = TestBridge::new().start(&desks, &["partner", "vendor"]);
    let home = desks.raise(TITLE);
    for desk in ["partner", "vendor"] {
        until(&format!("{desk} has the ticket"), || desks.titled(desk, TITLE).is_some());
    }
    desks.desk("helpdesk").comment("Ada", home, &format!("Between us: {INTERNAL}"), true).unwrap();
    desks.desk("helpdesk").comment("Ada", home, "Which log do you need?", false).unwrap();
    desks
        .desk("helpdesk")
        .attach("Ada", home, "<b>log</b>.html", Bytes::from_static(b"<script>1</script>"), false)
        .unwrap();
    let at_vendor = desks.titled("vendor", TITLE).unwrap().number;
    desks.desk("vendor").comment("Vera", at_vendor, &format!("We know: {OF_VENDOR}"), false).unwrap();
    until("all is said", || {
        desks.times_said("partner", TITLE, "Which log") == 1
            && desks.times_said("helpdesk", TITLE, OF_VENDOR) == 1
    });
    until("the file crossed", || desks.titled("partner", TITLE).unwrap().files.len() == 1);
    until("nothing is on the way", || {
        let cases = bridge.json(&["cases"]);
        cases[0]["legs"].as_array().unwrap().iter().all(|leg| leg["outstanding"] == 0)
    });
    (desks, bridge)
}

fn named(title: &str) -> throughline_practice::desk::Patch {
    throughline_practice::desk::Patch { title: Some(title.to_owned()), ..Default::default() }
}

fn token(bridge: &Running, role: &[&str]) -> String {
    let issued = bridge.json(&[&["token", "create", &role.concat(), "--role"], role].concat());
    issued["secret"].as_str().unwrap().to_owned()
}

fn read(bridge: &Running, token: &str, path: &str) -> Answer {
    send(&bridge.address, "GET", path, &[("authorization", &format!("Bearer {token}"))], b"").unwrap()
}

#[test]
fn a_guest_of_one_party_can_tell_nothing_of_another() {
    let (desks, bridge) = with_request();
    let guest = token(&bridge, &["guest", "--party", "partner"]);
    let number = desks.titled("partner", TITLE).unwrap().number;
    let strangers = desks.titled("vendor", TITLE).unwrap().number;
    assert_ne!(number, strangers);
    let own = format!("/console/requests/{number}");
    let page = read(&bridge, &guest, &own);
    assert_eq!(page.status, 200, "{}", page.body);
    assert!(page.body.contains("Which log do you need?"), "{}", page.body);
    let list = read(&bridge, &guest, "/console/");
    assert!(list.status == 200 && list.body.contains(&format!("href=\"{own}\"")), "{}", list.body);
    for page in [&page, &list] {
        assert!(page.body.contains(TITLE));
        for stranger in ["TL-", INTERNAL, OF_VENDOR, "endor", "Vera", "helpdesk"] {
            assert!(!page.body.contains(stranger), "{stranger}: {}", page.body);
        }
    }
    // What is another's is answered as what is not there.
    for place in ["/console/requests/", "/console/?after="] {
        let foreign = read(&bridge, &guest, &format!("{place}{strangers}"));
        let nobodys = read(&bridge, &guest, &format!("{place}4711"));
        assert_eq!((foreign.status, nobodys.status), (404, 404), "{place}");
        assert_eq!(foreign.body.replace(&strangers.to_string(), "#"), nobodys.body.replace("4711", "#"));
    }
    for path in ["TL-1", "TL-2", "TL-1?as=partner", "TL-1/live", "TL-1/files/00", "partner:1"] {
        assert_eq!(read(&bridge, &guest, &format!("/console/cases/{path}")).status, 403, "{path}");
    }
    for end in ["live", "files/00"] {
        assert_eq!(
            read(&bridge, &guest, &format!("/console/requests/{strangers}/{end}")).status,
            404,
            "{end}"
        );
    }
}

#[test]
fn the_switch_shows_what_the_guest_sees_and_files_are_only_ever_saved() {
    let (desks, bridge) = with_request();
    let agent = token(&bridge, &["agent"]);
    let ours = read(&bridge, &agent, "/console/cases/TL-1");
    assert_eq!(ours.status, 200, "{}", ours.body);
    assert!(
        ours.body.contains(OF_VENDOR) && !ours.body.contains(INTERNAL),
        "internal words are not recorded"
    );
    assert!(ours.body.contains("internal comments stay in their system"));
    let theirs = read(&bridge, &agent, "/console/cases/TL-1?as=partner").body;
    let theirs = theirs.split_once("id=\"seen\"").unwrap().1;
    assert!(theirs.contains("Which log do you need?") && !theirs.contains(OF_VENDOR));
    assert_eq!(read(&bridge, &agent, "/console/cases/TL-1?as=nobody").status, 404);

    let guest = token(&bridge, &["guest", "--party", "partner"]);
    let number = desks.titled("partner", TITLE).unwrap().number;
    let page = read(&bridge, &guest, &format!("/console/requests/{number}")).body;
    let (_, rest) = page.split_once("/files/").unwrap();
    let digest = rest.split('"').next().unwrap();
    for (who, path) in [
        (&guest, format!("/console/requests/{number}/files/{digest}")),
        (&agent, format!("/console/cases/TL-1/files/{digest}")),
    ] {
        let file = read(&bridge, who, &path);
        assert_eq!((file.status, file.body.as_str()), (200, "<script>1</script>"), "{path}");
        assert_eq!(file.exact("content-type"), Some("application/octet-stream"));
        assert_eq!(file.exact("x-content-type-options"), Some("nosniff"));
        assert_eq!(file.exact("content-disposition"), Some("attachment; filename*=UTF-8''b%3E.html"));
    }
    let other = format!("/console/cases/TL-1/files/{}", "0".repeat(64));
    assert_eq!(read(&bridge, &agent, &other).status, 404);
}

/// Whatever an open page is told, with the moment until which it waited.
fn listen(bridge: &Running, token: &str, path: &str) -> TcpStream {
    let mut socket = TcpStream::connect(&bridge.address).unwrap();
    let head =
        format!("GET {path} HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer {token}\r\n\r\n", bridge.address);
    socket.write_all(head.as_bytes()).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(3))).unwrap();
    let mut head = [0; 12];
    socket.read_exact(&mut head).unwrap();
    assert_eq!(&head, b"HTTP/1.1 200", "{path}");
    socket
}

fn hears(socket: &mut TcpStream) -> bool {
    let mut heard = String::new();
    let mut part = [0; 1024];
    while let Ok(count @ 1..) = socket.read(&mut part) {
        heard.push_str(&String::from_utf8_lossy(&part[..count]));
        if heard.contains("data: news") {
            return true;
        }
    }
    false
}

#[test]
fn an_open_page_hears_of_a_change_and_a_guests_of_its_own_only() {
    let (desks, bridge) = with_request();
    let agent = token(&bridge, &["agent"]);
    let guest = token(&bridge, &["guest", "--party", "partner"]);
    let number = desks.titled("partner", TITLE).unwrap().number;
    let (mut ours, mut theirs) = (
        listen(&bridge, &agent, "/console/cases/TL-1/live"),
        listen(&bridge, &guest, &format!("/console/requests/{number}/live")),
    );
    let at_vendor = desks.titled("vendor", TITLE).unwrap().number;
    desks.desk("vendor").comment("Vera", at_vendor, "Version 7.3 mends it.", false).unwrap();
    assert!(hears(&mut ours), "we hear of the vendor's word");
    assert!(!hears(&mut theirs), "a guest hears nothing of it, not even that something happened");
    let home = desks.titled("helpdesk", TITLE).unwrap().number;
    desks.desk("helpdesk").comment("Ada", home, "Please try again.", false).unwrap();
    assert!(hears(&mut theirs), "a guest hears of what it is told");
}

#[test]
fn an_auditor_leaves_with_evidence_that_holds_and_reads_who_looked_and_what_was_erased() {
    let (_desks, bridge) = with_request();
    let auditor = token(&bridge, &["auditor"]);
    let evidence = "/console/cases/TL-1/evidence";
    for role in [&["agent"][..], &["guest", "--party", "partner"]] {
        let who = token(&bridge, role);
        for path in [evidence, "/console/cases/TL-1/evidence?for=partner", "/console/record"] {
            assert_eq!(read(&bridge, &who, path).status, 403, "{role:?} {path}");
        }
        let case = read(&bridge, &who, "/console/cases/TL-1");
        assert!(!case.body.contains("/evidence"), "nobody is led where they may not: {}", case.body);
    }
    for (path, link) in [
        ("/console/cases/TL-1", format!("href=\"{evidence}\"")),
        ("/console/cases/TL-1?as=partner", format!("href=\"{evidence}?for=partner\"")),
    ] {
        let page = read(&bridge, &auditor, path);
        assert!(page.status == 200 && page.body.contains(&link), "{path}: {}", page.body);
    }

    let folder = tempfile::tempdir().unwrap();
    let key = bridge.json(&["ledger", "key"])["key"].as_str().unwrap().to_owned();
    for (query, name, is_whole) in [("", "evidence-TL-1.tar", true), ("?for=partner", "evidence.tar", false)]
    {
        let taken = read(&bridge, &auditor, &format!("{evidence}{query}"));
        assert_eq!(taken.status, 200, "{}", taken.body);
        assert_eq!(taken.exact("content-type"), Some("application/x-tar"));
        let saved = format!("attachment; filename=\"{name}\"");
        assert_eq!(taken.exact("content-disposition"), Some(saved.as_str()));
        assert_eq!(taken.body.contains(OF_VENDOR), is_whole, "what it holds is whose view it is");
        let file = folder.path().join(name);
        fs::write(&file, &taken.body).unwrap();
        let said = run(throughline().args(["evidence", "verify"]).arg(&file).args(["--key", &key]));
        assert_eq!(said.code, 0, "{said:?}");
    }
    for nothing in ["/console/cases/TL-9/evidence", "/console/cases/TL-1/evidence?for=nobody"] {
        assert_eq!(read(&bridge, &auditor, nothing).status, 404, "{nothing}");
    }

    let record = |query: &str| {
        let page = read(&bridge, &auditor, &format!("/console/record{query}"));
        assert_eq!(page.status, 200, "{}", page.body);
        page.body
    };
    let page = record("?case=TL-1");
    for told in [key.as_str(), "<bdi>auditor</bdi>", ">evidence<", "<bdi>partner</bdi>", "Nothing was erased"]
    {
        assert!(page.contains(told), "{told}: {page}");
    }
    let copied = page.split("<pre>").nth(2).unwrap().split("</pre>").next().unwrap();
    let (checkpoint, kept) = (folder.path().join("checkpoint.txt"), folder.path().join("kept"));
    fs::write(&checkpoint, copied).unwrap();
    let watch = ["--key", key.as_str(), "--json", "--keep"];
    let said = run(throughline().args(["ledger", "watch"]).arg(&checkpoint).args(watch).arg(&kept));
    assert!(said.code == 0 && said.out.contains("first"), "the copied text is signed: {copied:?} {said:?}");
    assert!(record("?case=TL-2").contains("Nobody looked"));
    assert!(record("?case=4711").contains("one looks like TL-1042"));
    let erased = bridge.command(&["erase", "TL-1", "--because", "the request of 2 May", "--yes"]);
    assert_eq!(erased.code, 0, "{erased:?}");
    let page = record("");
    assert!(page.contains("the request of 2 May") && page.contains("command line"), "{page}");
    assert_eq!(read(&bridge, &auditor, evidence).status, 404, "what is erased is not given out");
}
