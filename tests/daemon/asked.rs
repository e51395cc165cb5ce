//! What the command line tells of a bridge: after its end, beside it, and when somebody changed its record.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::bridge::{Said, TestBridge, run, throughline, until};
use super::desks::Desks;

fn demo(data: &Path) -> Said {
    run(throughline().args(["demo", "--script-only", "--json", "--data"]).arg(data))
}

fn on(data: &Path, arguments: &[&str]) -> Said {
    run(throughline().args(arguments).arg("--data").arg(data))
}

fn json(said: &Said) -> serde_json::Value {
    assert_eq!(said.code, 0, "{said:?}");
    serde_json::from_str(&said.out).unwrap_or_else(|error| panic!("{error}: {said:?}"))
}

#[test]
fn the_demo_converges_and_what_it_kept_tells_the_story() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("kept");
    let told = json(&demo(&data));
    assert_eq!(told["case"]["case"], "TL-1");
    assert_eq!(told["case"]["status"], "resolved");
    assert_eq!(told["case"]["legs"].as_array().unwrap().len(), 3);

    let cases = json(&on(&data, &["cases", "--json"]));
    assert_eq!(cases[0], told["case"]);
    for name in ["TL-1", "helpdesk:1", "partner:1", "vendor:1"] {
        let trace = json(&on(&data, &["trace", name, "--json"]));
        assert_eq!(trace["case"]["case"], "TL-1", "{name}");
        // The demo tells the story before it stops; nothing about the case happens after that.
        assert_eq!(trace["events"], told["events"], "{name}");
    }
    let nobody = on(&data, &["trace", "helpdesk:4711"]);
    assert_eq!((nobody.code, nobody.err.trim()), (1, "error: no case has the id or ticket helpdesk:4711"));
    assert_eq!(json(&on(&data, &["parked", "--json"])), serde_json::json!([]));
    assert_eq!(on(&data, &["parked", "list"]).out.trim(), "Nothing is parked.");

    let verified = json(&on(&data, &["ledger", "verify", "--json"]));
    let script = Command::new("python3")
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/verify-ledger.py"))
        .arg(&data)
        .output();
    let script = String::from_utf8(script.unwrap().stdout).unwrap();
    let agreed = format!(
        "{} records, {} bytes, last hash {}",
        verified["records"],
        verified["bytes"],
        verified["hash"].as_str().unwrap()
    );
    assert_eq!(script.trim(), agreed);
    let exported = on(&data, &["ledger", "export"]);
    assert_eq!(exported.out.lines().count().to_string(), verified["records"].to_string());
    assert!(exported.out.contains("Invoices do not print"), "an export is readable");
    let file = folder.path().join("one.jsonl");
    assert_eq!(on(&data, &["ledger", "export", "--case", "TL-1", "-o", file.to_str().unwrap()]).code, 0);
    let one = fs::read_to_string(file).unwrap();
    assert!(one.lines().all(|line| line.contains("\"case\":1,")) && !one.is_empty());
    let raw = fs::read_to_string(segments(&data).remove(0)).unwrap();
    assert!(!raw.contains("Invoices"), "the ledger itself is sealed");
}

#[test]
fn a_bridge_is_asked_beside_its_daemon_and_after_it_with_the_same_answer() {
    let desks = Desks::open(&["helpdesk", "partner"]);
    let mut bridge = TestBridge::new().start(&desks, &["partner"]);
    desks.raise("Asked twice");
    until("the partner has the ticket", || desks.titled("partner", "Asked twice").is_some());
    until("nothing is on the way", || bridge.json(&["cases"])[0]["legs"][1]["outstanding"] == 0);
    let ask = |arguments: &[&str]| bridge.json(arguments);
    let questions: [&[&str]; 4] = [&["cases"], &["trace", "TL-1"], &["trace", "partner:1"], &["parked"]];
    let beside = questions.map(ask);
    assert_eq!(beside[1], beside[2]);
    assert_eq!(bridge.command(&["ledger", "verify"]).code, 0, "verify reads beside the daemon");
    bridge.signal("TERM");
    assert_eq!(bridge.ended().code(), Some(0));
    for (question, beside) in questions.iter().zip(beside) {
        assert_eq!(bridge.json(question), beside, "{question:?}");
    }
    let decide = bridge.command(&["parked", "retry", "TL-1", "partner", "status"]);
    assert_eq!(decide.code, 1);
    assert!(decide.err.contains("this needs the running daemon"), "{decide:?}");
}

#[test]
fn a_changed_byte_and_a_missing_record_are_noticed() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(demo(folder.path()).code, 0);
    let path = segments(folder.path()).remove(0);
    let whole = fs::read(&path).unwrap();
    let verdict = |bytes: &[u8]| {
        fs::write(&path, bytes).unwrap();
        on(folder.path(), &["ledger", "verify"])
    };
    // Some forty places in all kinds of neighbourhoods: hashes, braces, sealed text, line ends.
    let stride = whole.len() / 37;
    let line_end = whole.iter().position(|byte| *byte == b'\n').unwrap();
    for at in (0..whole.len()).step_by(stride).chain([64, 65, line_end, whole.len() - 1]) {
        let mut bytes = whole.clone();
        bytes[at] ^= 1;
        let said = verdict(&bytes);
        assert_eq!(said.code, 1, "byte {at}: {said:?}");
        assert!(said.err.contains("record "), "byte {at}: {said:?}");
    }
    let lines: Vec<&[u8]> = whole.split_inclusive(|byte| *byte == b'\n').collect();
    for gone in [0, 1, lines.len() / 2, lines.len() - 2, lines.len() - 1] {
        let rest: Vec<u8> = lines
            .iter()
            .enumerate()
            .filter(|(at, _)| *at != gone)
            .flat_map(|(_, line)| *line)
            .copied()
            .collect();
        assert_eq!(verdict(&rest).code, 1, "record {} of {}", gone + 1, lines.len());
    }
    assert_eq!(verdict(&[]).code, 1);
    assert_eq!(verdict(&whole).code, 0);
    fs::remove_file(&path).unwrap();
    assert_eq!(on(folder.path(), &["ledger", "verify"]).code, 1);
}

#[test]
fn a_reader_that_leaves_early_is_no_error() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(demo(folder.path()).code, 0);
    for command in ["trace TL-1", "ledger export", "cases", "trace TL-1 --json"] {
        let script = format!("\"$0\" {command} --data \"$1\" | head -1; exit ${{PIPESTATUS[0]}}");
        let mut shell = Command::new("bash");
        shell.arg("-c").arg(script).arg(env!("CARGO_BIN_EXE_throughline")).arg(folder.path());
        let output = shell.stdin(Stdio::null()).output().unwrap();
        let err = String::from_utf8(output.stderr).unwrap();
        assert!(
            !err.contains("panicked") && output.status.code().is_some_and(|code| code <= 1),
            "{command}: {err}"
        );
    }
}

/// The ledger's segments, in order.
fn segments(data: &Path) -> Vec<PathBuf> {
    let files = fs::read_dir(data.join("ledger")).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = files.filter(|path| path.extension().is_some_and(|is| is == "log")).collect();
    files.sort();
    files
}
