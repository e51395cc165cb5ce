//! What people see on the command line: help, a trace, and no colour where none is wanted.

use std::process::Command;

use super::bridge::{TestBridge, run, throughline, until};
use super::desks::Desks;

#[test]
fn every_command_explains_itself() {
    let commands = [
        "",
        "demo",
        "serve",
        "reload",
        "check",
        "login",
        "trace",
        "explain",
        "plan",
        "agreement",
        "agreement try",
        "cases",
        "parked",
        "parked list",
        "parked show",
        "parked retry",
        "parked edit",
        "parked discard",
        "system",
        "system pause",
        "drift",
        "drift repair",
        "reference",
        "reference list",
        "reference number",
        "reference update",
        "reference status",
        "reference passed",
        "ledger",
        "ledger verify",
        "ledger export",
        "ledger checkpoint",
        "ledger key",
        "ledger prove",
        "ledger looked",
        "ledger entered",
        "erase",
        "ledger watch",
        "evidence",
        "evidence verify",
        "connectors",
        "connector",
        "connector new",
        "connector try",
    ];
    let mut pages = String::new();
    for command in commands {
        let mut asked = throughline();
        asked.env("COLUMNS", "100").args(command.split_whitespace()).arg("--help");
        let said = run(&mut asked);
        assert_eq!(said.code, 0, "{command}: {said:?}");
        pages.push_str(&format!("$ throughline {command} --help\n{}\n", said.out));
    }
    insta::assert_snapshot!("help", pages.replace("  --help", " --help"));
    let nonsense = run(throughline().arg("serv"));
    assert_eq!(nonsense.code, 2);
    assert!(nonsense.err.contains("serve"), "the nearest command is named: {nonsense:?}");
}

#[test]
fn a_trace_tells_the_story() {
    let desks = Desks::open(&["helpdesk", "partner"]);
    let bridge = TestBridge::new().poll("1d").start(&desks, &["partner"]);
    let number = desks.raise("A story");
    until("the partner has the ticket", || desks.titled("partner", "A story").is_some());
    until("nothing is on the way", || bridge.ask("/readyz").json()["working"] == 0);
    desks.desk("helpdesk").comment("Ada Agent", number, "Once upon a time.\nThe end.", false).unwrap();
    until("the partner reads it", || desks.times_said("partner", "A story", "Once upon") == 1);
    until("nothing is on the way", || bridge.ask("/readyz").json()["working"] == 0);
    let trace = bridge.command(&["trace", "TL-1"]);
    let steady: Vec<String> =
        trace.out.lines().map(redacted).filter(|line| !line.contains("  hinted ")).collect();
    insta::assert_snapshot!("trace", steady.join("\n"));
}

/// Without times and ports, which differ from run to run.
fn redacted(line: &str) -> String {
    let mut out = String::new();
    let mut words = line.split(' ').peekable();
    while let Some(word) = words.next() {
        let time = word.len() == 24 && word.ends_with('Z') && word.starts_with("20");
        let took = word.starts_with('(') && words.peek() == Some(&"ms)");
        let url = word.starts_with("http://127.0.0.1:");
        let is_day = word.len() == 10 && word.starts_with("20") && word.matches('-').count() == 2;
        if time {
            out.push_str("<TIME>");
        } else if is_day {
            out.push_str("<DAY>");
            words.next();
            out.push_str(" <MINUTE>");
        } else if took {
            out.push_str("(<TOOK>");
        } else if url {
            out.push_str("http://<DESK>/");
            out.push_str(word.splitn(4, '/').nth(3).unwrap());
        } else {
            out.push_str(word);
        }
        if words.peek().is_some() {
            out.push(' ');
        }
    }
    out
}

#[test]
fn colour_goes_to_terminals_that_want_it_only() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(run(throughline().args(["demo", "--script-only", "--data"]).arg(folder.path())).code, 0);
    // `script` gives the command a terminal.
    let on_terminal = |colour: &str| {
        let line = format!(
            "{colour} {} cases --data {}",
            env!("CARGO_BIN_EXE_throughline"),
            folder.path().display()
        );
        let output =
            Command::new("script").args(["-qec", &line, "/dev/null"]).env_remove("NO_COLOR").output();
        String::from_utf8(output.unwrap().stdout).unwrap()
    };
    assert!(on_terminal("").contains("\u{1b}["), "bold headings on a terminal");
    assert!(!on_terminal("NO_COLOR=1").contains('\u{1b}'));
    assert!(
        !run(throughline().args(["cases", "--data"]).arg(folder.path())).out.contains('\u{1b}'),
        "none in a pipe"
    );
}
