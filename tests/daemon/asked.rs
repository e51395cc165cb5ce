//! What the command line tells of a bridge: after its end, beside it, and when somebody changed its record.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::PermissionsExt as _;
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
    let story = on(&data, &["trace", "TL-1"]).out;
    let mut rest = story.as_str();
    // On a busy machine it is not the first grant that is shown in time.
    for words in [
        "Paul Partner: grant G1",
        " is asked for: to show comment:helpdesk#",
        " is approved in the role \"service manager\"",
        " is open",
        "is over: its time has come",
    ] {
        let at = rest.find(words).unwrap_or_else(|| panic!("{words:?} in its turn in\n{story}"));
        rest = rest.split_at(at).1;
    }
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
    let agreed = format!(
        "{} records, {} bytes, last hash {}",
        verified["records"],
        verified["bytes"],
        verified["hash"].as_str().unwrap()
    );
    script_says(&data, &[], Some(&agreed));
    let exported = on(&data, &["ledger", "export"]);
    // Who exports is recorded first, and stands in what is exported.
    let records = verified["records"].as_u64().unwrap() + 1;
    assert_eq!(exported.out.lines().count().to_string(), records.to_string());
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
fn a_daemon_is_asked_wherever_it_listens() {
    let desks = Desks::open(&["helpdesk", "partner"]);
    // Every address of this machine, and one that is not the usual loopback.
    for address in ["0.0.0.0:0", "127.0.0.7:0"] {
        let bridge = TestBridge::new().listen(address).without_webhooks().start(&desks, &["partner"]);
        assert_eq!(bridge.json(&["cases"]), serde_json::json!([]), "{address}");
    }
}

#[test]
fn a_command_leaves_its_token_with_nobody_who_listens_where_a_daemon_was() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(demo(folder.path()).code, 0);
    let stranger = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    stranger.set_nonblocking(true).unwrap();
    let left = serde_json::json!({ "pid": 1, "address": stranger.local_addr().unwrap().to_string() });
    fs::write(folder.path().join("daemon.json"), left.to_string()).unwrap();
    assert_eq!(json(&on(folder.path(), &["cases", "--json"]))[0]["case"], "TL-1");
    assert_eq!(stranger.accept().unwrap_err().kind(), std::io::ErrorKind::WouldBlock, "nobody called");
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
        script_says(folder.path(), &[], None);
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
        script_says(folder.path(), &[], None);
    }
    assert_eq!(verdict(&[]).code, 1);
    assert_eq!(verdict(&whole).code, 0);
    fs::remove_file(&path).unwrap();
    assert_eq!(on(folder.path(), &["ledger", "verify"]).code, 1);
}

#[test]
fn a_hash_that_was_seen_has_to_stand_there_still() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(demo(folder.path()).code, 0);
    let path = segments(folder.path()).remove(0);
    let whole = fs::read_to_string(&path).unwrap();
    let verify = |seen: &str| on(folder.path(), &["ledger", "verify", "--seen", seen]);
    let hashes: Vec<&str> = whole.lines().filter_map(|line| line.get(..64)).collect();
    for hash in [hashes[0], hashes[hashes.len() / 2], hashes[hashes.len() - 1]] {
        assert_eq!(verify(hash).code, 0, "{hash}");
    }
    let foreign = verify(&"ab".repeat(32));
    assert_eq!(foreign.code, 1);
    assert!(foreign.err.contains("was taken out or written anew"), "{foreign:?}");

    // Somebody who may write everything cuts the ledger and the checkpoint at the same record.
    let lines: Vec<&str> = whole.split_inclusive('\n').collect();
    let kept: String = lines[..lines.len() - 1].concat();
    fs::write(&path, &kept).unwrap();
    assert_eq!(on(folder.path(), &["ledger", "verify"]).code, 1, "the checkpoint remembers the end");
    fs::write(folder.path().join("checkpoint"), checkpoint(&kept)).unwrap();
    assert_eq!(on(folder.path(), &["ledger", "verify"]).code, 0, "which by itself nobody can see");
    assert_eq!(verify(hashes[hashes.len() - 1]).code, 1, "but who kept the hash sees it");
    script_says(folder.path(), &[hashes[hashes.len() - 1]], None);
    let told =
        format!("{} records, {} bytes, last hash {}", lines.len() - 1, kept.len(), hashes[lines.len() - 2]);
    script_says(folder.path(), &[hashes[0]], Some(&told));
}

/// A checkpoint for a ledger of one segment, as the daemon writes it.
fn checkpoint(ledger: &str) -> String {
    let last = ledger.lines().next_back().unwrap();
    let (hash, record) = last.split_once(' ').unwrap();
    let record: serde_json::Value = serde_json::from_str(record).unwrap();
    let mark = serde_json::json!({
        "last": ledger.len() - last.len() - 1, "next": ledger.len(), "seq": record["seq"], "hash": hash,
    });
    let sha = |text: &str| -> String {
        let digest = ring::digest::digest(&ring::digest::SHA256, text.as_bytes());
        digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
    };
    format!("{} {mark}\n", sha(&mark.to_string()))
}

#[test]
fn a_folder_without_a_ledger_is_told_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    for question in
        [&["cases"][..], &["trace", "TL-1"], &["parked"], &["ledger", "verify"], &["ledger", "export"]]
    {
        let said = on(folder.path(), question);
        assert_eq!((said.code, said.out.as_str()), (1, ""), "{question:?}");
        assert!(said.err.contains("holds no ledger: no bridge has run there"), "{said:?}");
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "nothing was made there");
}

#[test]
fn a_lost_master_key_is_missed_and_not_made_anew() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(demo(folder.path()).code, 0);
    fs::remove_file(folder.path().join("master.key")).unwrap();
    let said = on(folder.path(), &["cases"]);
    assert_eq!(said.code, 1);
    assert!(said.err.contains("the ledger here is sealed under it; restore it"), "{said:?}");
    assert!(!folder.path().join("master.key").exists());
}

#[test]
fn names_that_cannot_be_found_are_told_and_options_may_stand_anywhere() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(demo(folder.path()).code, 0);
    let data = folder.path().to_str().unwrap();
    for arguments in [
        ["parked", "--data", data, "list"],
        ["--json", "parked", "--data", data],
        ["parked", "list", "--data", data],
        ["ledger", "--data", data, "verify"],
        ["ledger", "verify", "--data", data],
    ] {
        assert_eq!(run(throughline().args(arguments)).code, 0, "{arguments:?}");
    }
    let nothing = on(folder.path(), &["trace", "4711"]);
    assert_eq!(nothing.code, 2);
    assert!(nothing.err.contains("names neither a case (TL-1042) nor a ticket"), "{nothing:?}");
    let nowhere = run(throughline().args(["cases"]));
    assert_eq!(
        (nowhere.code, nowhere.err.trim()),
        (2, "error: say which bridge: --data DIR or --config FILE")
    );
    let both = run(throughline().args(["cases", "--data", data, "--config", "x.toml"]));
    assert_eq!(both.code, 2, "{both:?}");
    let exported = folder.path().join("records.jsonl");
    assert_eq!(on(folder.path(), &["ledger", "export", "-o", exported.to_str().unwrap()]).code, 0);
    let mode = fs::metadata(exported).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600, "what is unsealed is its owner's");
}

#[test]
fn a_demo_does_not_mix_with_what_an_earlier_one_kept() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(demo(folder.path()).code, 0);
    let before = fs::read(folder.path().join("throughline.toml")).unwrap();
    let again = demo(folder.path());
    assert_eq!(again.code, 2);
    assert!(again.err.contains("holds a ledger already"), "{again:?}");
    assert_eq!(fs::read(folder.path().join("throughline.toml")).unwrap(), before);
}

#[test]
fn a_demo_that_is_told_to_stop_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let mut demo = throughline();
    demo.arg("demo")
        .env("TMPDIR", folder.path())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    let mut child = demo.spawn().unwrap();
    let mut said = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    assert!(said.any(|line| line.contains("Ctrl-C ends it")), "the demo ended too early");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "its data stand in a temporary folder");
    let killed = Command::new("kill").args(["-s", "TERM", &child.id().to_string()]).status().unwrap();
    assert!(killed.success());
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
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

/// The script that needs no Throughline agrees: it prints this, or finds a fault.
#[expect(clippy::print_stderr, reason = "whoever runs the tests has to know what was not run")]
fn script_says(data: &Path, arguments: &[&str], expected: Option<&str>) {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/verify.py");
    let output = match Command::new("python3").arg(script).arg("ledger").arg(data).args(arguments).output() {
        Ok(output) => output,
        // The tests ask for Rust and a C compiler and nothing else; the gate has a Python.
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return eprintln!("there is no python3: tests/verify.py was not run");
        }
        Err(error) => panic!("{error}"),
    };
    let said = output.status.success().then(|| String::from_utf8(output.stdout.clone()).unwrap());
    assert_eq!(said.as_deref().map(str::trim), expected, "{data:?} {arguments:?}: {output:?}");
}

/// The ledger's segments, in order.
fn segments(data: &Path) -> Vec<PathBuf> {
    let files = fs::read_dir(data.join("ledger")).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = files.filter(|path| path.extension().is_some_and(|is| is == "log")).collect();
    files.sort();
    files
}
