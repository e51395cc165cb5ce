//! What auditors and counterparts take away from a real bridge, and check without it.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::bridge::{Running, Said, TestBridge, run, secret, throughline, until};
use super::desks::Desks;

fn say(arguments: &[&str]) -> Said {
    run(throughline().args(arguments))
}

/// What the small verifier prints; `None` where it finds a fault, or there is no Python.
fn script(arguments: &[&str]) -> Option<String> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/verify.py");
    let output = Command::new("python3").arg(script).args(arguments).output().ok()?;
    output.status.success().then(|| String::from_utf8(output.stdout).unwrap())
}

fn has_python() -> bool {
    Command::new("python3").arg("--version").output().is_ok_and(|output| output.status.success())
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn evidence_is_taken_beside_the_daemon_and_after_it_and_needs_only_a_key() {
    let desks = Desks::open(&["helpdesk", "partner", "vendor"]);
    let mut bridge = TestBridge::new().start(&desks, &["partner", "vendor"]);
    desks.raise("The mail server is down");
    until("both counterparts have the ticket", || {
        ["partner", "vendor"].iter().all(|name| desks.titled(name, "The mail server is down").is_some())
    });
    until("nothing is on the way", || bridge.ask("/readyz").json()["working"] == 0);
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let key = bridge.json(&["ledger", "key"])["key"].as_str().unwrap().to_owned();
    assert!(key.starts_with("contoso/throughline+"), "{key}");
    assert_eq!(bridge.ask("/api/v1/log/key").body.trim(), key);
    fs::write(at("contoso.key"), format!("{key}\n")).unwrap();

    let take = |bridge: &Running, name: &str, more: &[&str]| {
        let file = at(name);
        let said = bridge.command(&[&["evidence", "TL-1", "-o", text(&file)], more].concat());
        assert_eq!(said.code, 0, "{said:?}");
        fs::read(file).unwrap()
    };
    let beside = take(&bridge, "beside.tar", &[]);
    let partners = take(&bridge, "partner.tar", &["--for", "partner"]);
    let stranger = bridge.command(&["evidence", "TL-1", "--for", "nobody", "-o", text(&at("nobody.tar"))]);
    assert_eq!(stranger.code, 1);
    assert!(stranger.err.contains("nobody takes no part"), "{stranger:?}");
    bridge.signal("TERM");
    assert_eq!(bridge.ended().code(), Some(0));
    take(&bridge, "after.tar", &[]);
    let looked = bridge.json(&["ledger", "looked", "--case", "TL-1"]);
    let taken = looked.as_array().unwrap().iter().filter(|line| line["what"] == "evidence");
    assert_eq!(taken.count(), 3, "whoever takes evidence is recorded, with a daemon or without: {looked}");

    for (name, whole) in [("beside.tar", true), ("partner.tar", false), ("after.tar", true)] {
        for given in [key.as_str(), text(&at("contoso.key"))] {
            let said = say(&["evidence", "verify", text(&at(name)), "--key", given, "--json"]);
            assert_eq!(said.code, 0, "{name}: {said:?}");
            let told: serde_json::Value = serde_json::from_str(&said.out).unwrap();
            assert_eq!((told["lines"] != 0, &told["unproven"]), (whole, &serde_json::json!(0)), "{told}");
            assert!(told["items"].as_u64().unwrap() > 3);
        }
        if has_python() {
            let said = script(&["evidence", text(&at(name)), &key]).unwrap();
            assert!(said.contains("of the log contoso/throughline"), "{said}");
        }
    }
    let all = String::from_utf8_lossy(&beside).into_owned();
    assert!(all.contains("The mail server is down") && all.contains("vendor"));
    let own = String::from_utf8_lossy(&partners).into_owned();
    assert!(own.contains("The mail server is down"));
    for others in ["TL-1", "vendor", "helpdesk:", "\"agreed\"", "intended"] {
        // The demo's practice desks name nobody but themselves.
        assert!(!own.contains(others), "{others}: {:?}", own.lines().find(|line| line.contains(others)));
    }
    let mut changed = beside;
    let middle = changed.len() / 2;
    changed[middle] ^= 1;
    fs::write(at("changed.tar"), changed).unwrap();
    let said = say(&["evidence", "verify", text(&at("changed.tar")), "--key", &key]);
    assert_eq!(said.code, 1);
    assert!(said.err.contains("is not what contoso/throughline signed"), "{said:?}");
    assert_eq!(script(&["evidence", text(&at("changed.tar")), &key]), None);
}

#[test]
fn whoever_exports_the_ledger_is_recorded_beside_the_daemon_and_after_it() {
    let desks = Desks::open(&["helpdesk", "partner"]);
    let mut bridge = TestBridge::new().start(&desks, &["partner"]);
    desks.raise("Printed out");
    until("the partner has the ticket", || desks.titled("partner", "Printed out").is_some());
    let exports = |bridge: &Running| -> Vec<String> {
        let looked = bridge.json(&["ledger", "looked"]);
        let exports = looked.as_array().unwrap().iter().filter(|line| line["what"] == "export");
        exports.map(|line| format!("{} {}", line["name"], line["case"])).collect()
    };
    assert_eq!(exports(&bridge), Vec::<String>::new());
    let whole = bridge.command(&["ledger", "export"]);
    assert_eq!(whole.code, 0, "{whole:?}");
    let last = whole.out.lines().last().unwrap();
    assert!(last.contains("\"what\":\"export\""), "its own record is the last one in it: {last}");
    assert_eq!(exports(&bridge), ["\"command line\" null"]);

    bridge.signal("TERM");
    assert_eq!(bridge.ended().code(), Some(0));
    let one = bridge.command(&["ledger", "export", "--case", "TL-1"]);
    assert!(one.code == 0 && one.out.contains("Printed out"), "{one:?}");
    assert_eq!(exports(&bridge), ["\"command line\" \"TL-1\"", "\"command line\" null"]);
    assert_eq!(bridge.command(&["ledger", "verify"]).code, 0);
}

#[test]
fn a_checkpoint_holds_a_ledger_to_what_it_was() {
    let desks = Desks::open(&["helpdesk", "partner"]);
    let mut bridge = TestBridge::new().start(&desks, &["partner"]);
    desks.raise("Signed for");
    until("the partner has the ticket", || desks.titled("partner", "Signed for").is_some());
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let key = bridge.json(&["ledger", "key"])["key"].as_str().unwrap().to_owned();

    // The counterpart watches over the network, with the token that it was given.
    secret(&at("token"), &fs::read_to_string(bridge.data().join("admin.token")).unwrap());
    let source = format!("http://{}/api/v1/log/checkpoint", bridge.address);
    let (kept, token) = (at("watched"), at("token"));
    let watch = |source: &str| {
        say(&[
            "ledger",
            "watch",
            source,
            "--key",
            &key,
            "--keep",
            text(&kept),
            "--token",
            text(&token),
            "--json",
        ])
    };
    let word = |said: &Said| -> String {
        assert_eq!(said.code, 0, "{said:?}");
        let told: serde_json::Value = serde_json::from_str(&said.out).unwrap();
        told["judgement"].as_str().unwrap().to_owned()
    };
    assert_eq!(word(&watch(&source)), "first");
    desks.raise("Signed for as well");
    until("the partner has that too", || desks.titled("partner", "Signed for as well").is_some());
    assert_eq!(word(&watch(&source)), "grown");

    // A proof of one record, and what is handed over as a file.
    let proof = bridge.ask("/api/v1/log/records/2").json();
    let printed = bridge.json(&["ledger", "prove", "2"]);
    assert_eq!(
        (&proof["hash"], &proof["root"], &proof["index"]),
        (&printed["hash"], &printed["root"], &printed["index"])
    );
    assert_eq!(bridge.ask("/api/v1/log/records/0").status, 404);
    let size = bridge.json(&["ledger", "checkpoint"])["size"].as_u64().unwrap();
    bridge.signal("TERM");
    assert_eq!(bridge.ended().code(), Some(0));
    let before: Vec<String> =
        fs::read_to_string(kept.join("checkpoint")).unwrap().lines().map(str::to_owned).collect();
    let handed = bridge.command(&["ledger", "checkpoint", "--since", &before[1]]);
    assert_eq!(handed.code, 0, "{handed:?}");
    assert!(handed.out.starts_with(&format!("old {}\n", before[1])));
    fs::write(at("handed.txt"), &handed.out).unwrap();
    assert_eq!(word(&watch(text(&at("handed.txt")))), "grown");
    let tlog = bridge.command(&["ledger", "prove", "2"]).out;
    assert!(tlog.starts_with("c2sp.org/tlog-proof@v1\nindex 1\n"), "{tlog}");
    assert_eq!(bridge.command(&["ledger", "prove", &(size + 100).to_string()]).code, 1);

    // The directory is held against what was signed.
    fs::write(at("signed"), format!("{}\n", bridge.command(&["ledger", "checkpoint"]).out.trim_end()))
        .unwrap();
    let data = bridge.data();
    if has_python() {
        assert!(script(&["ledger", text(&data), text(&at("signed")), &key]).is_some());
    }

    // Somebody writes the ledger anew: another one, under the same key.
    let master = fs::read(data.join("master.key")).unwrap();
    fs::remove_dir_all(&data).unwrap();
    fs::create_dir(&data).unwrap();
    fs::write(data.join("master.key"), master).unwrap();
    bridge.start();
    bridge.signal("TERM");
    assert_eq!(bridge.ended().code(), Some(0));
    assert_eq!(script(&["ledger", text(&data), text(&at("signed")), &key]), None);
    fs::write(at("anew.txt"), bridge.command(&["ledger", "checkpoint"]).out).unwrap();
    let alarm = watch(text(&at("anew.txt")));
    assert_eq!(alarm.code, 1);
    assert!(alarm.err.contains("was rolled back"), "{alarm:?}");
    let raised: Vec<_> = fs::read_dir(&kept)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.file_name().unwrap().to_string_lossy().starts_with("alarm-"))
        .collect();
    assert_eq!(raised.len(), 2, "what was signed before, and now: {raised:?}");
    assert!(
        fs::read_to_string(kept.join("checkpoint")).unwrap() != fs::read_to_string(at("anew.txt")).unwrap()
    );
}
