//! `check`: every mistake with its place, and a configuration that fits the systems or does not.

use std::fs;

use super::bridge::{TestBridge, run, secret, throughline};
use super::desks::Desks;
use super::web;

const BROKEN: &str = r#"[bridge]
home = "contosso"
listen = "localhost"

[parties.contoso]

[systems.helpdesk]
party = "contoso"
pol = "5s"

[systems.helpdesk.redmine]
url = "https://redmine.example/"
api_key = "hunter2-is-no-reference"
"#;

#[test]
fn every_mistake_is_told_at_once_with_its_place() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("throughline.toml"), BROKEN).unwrap();
    let mut check = throughline();
    let said = run(check.current_dir(folder.path()).args(["check", "--config", "throughline.toml"]));
    assert_eq!((said.code, said.out.as_str()), (2, ""));
    insta::assert_snapshot!("check_broken", said.err);
    for place in ["throughline.toml:2:", "throughline.toml:3:", "throughline.toml:9:", "throughline.toml:13:"]
    {
        assert!(said.err.contains(place), "{place}: {}", said.err);
    }
    assert!(!said.err.contains("hunter2"), "a secret in the wrong place is not repeated");
    let mut check = throughline();
    let json =
        run(check.current_dir(folder.path()).args(["check", "--json", "--config", "throughline.toml"]));
    assert_eq!(json.code, 2);
    let problems: serde_json::Value = serde_json::from_str(&json.out).unwrap();
    assert!(
        problems["problems"].to_string().contains("\"line\":9") && !problems.to_string().contains("hunter2"),
        "{problems}"
    );
}

#[test]
fn what_only_the_connector_knows_to_be_wrong_has_its_place_too_and_warnings_are_shown() {
    let folder = tempfile::tempdir().unwrap();
    secret(&folder.path().join("token"), "not-a-token-of-rt");
    let text = r#"[bridge]
home = "contoso"
log = "throughline=dbug"

[parties.contoso]

[systems.helpdesk]
party = "contoso"

[systems.helpdesk.request-tracker]
url = "https://rt.example/"
token = { file = "token" }
queue = "General"
priorities = { Low = "low" }

[systems.other]
party = "contoso"

[systems.other.redmine]
url = "https://redmine.example/"
api_key = { file = "token" }
project = "x"
marker_field = "One"
link_field = "One"
"#;
    fs::write(folder.path().join("throughline.toml"), text).unwrap();
    let check = || {
        let mut check = throughline();
        run(check.current_dir(folder.path()).args(["check", "--config", "throughline.toml"]))
    };
    let said = check();
    assert_eq!((said.code, said.out.as_str()), (2, ""));
    insta::assert_snapshot!("check_refused_by_connectors", said.err);
    assert!(!said.err.contains("not-a-token-of-rt"), "{said:?}");

    secret(&folder.path().join("token"), "1-23-0123456789abcdef");
    let right =
        text.replace("dbug", "debug").replace("link_field = \"One\"\n", "").replace("\"low\"", "\"0\"");
    fs::write(folder.path().join("throughline.toml"), right).unwrap();
    let said = check();
    assert_eq!(said.code, 0, "{said:?}");
    assert!(
        said.err.contains("warning: no agreement uses this system") && !said.err.contains("error:"),
        "{said:?}"
    );
}

#[test]
fn a_configuration_is_compared_with_what_the_systems_really_have() {
    let desks = Desks::open(&["helpdesk", "partner"]);
    let right = TestBridge::new().set_up(&desks, &["partner"]);
    let said = right.command(&["check"]);
    assert_eq!(said.code, 0, "{said:?}");
    assert!(said.out.contains("is right: 2 systems, 1 agreement."), "{said:?}");
    let said = right.command(&["check", "--online"]);
    assert_eq!(said.code, 0, "{said:?}");
    assert_eq!(said.out.matches(" well").count(), 2, "{said:?}");
    let json = right.json(&["check", "--online"]);
    let helpdesk = &json["systems"][0];
    assert_eq!((&helpdesk["system"], &helpdesk["problems"]), (&"helpdesk".into(), &serde_json::json!([])));
    assert_eq!(
        (&helpdesk["words"][0]["word"], &helpdesk["words"][0]["means"]),
        (&"New".into(), &"new".into())
    );

    let wrong = TestBridge::new().system("status = { Stuck = \"pending\" }").set_up(&desks, &["partner"]);
    let said = wrong.command(&["check", "--online"]);
    assert_eq!(said.code, 1);
    assert!(said.err.ends_with("error: 2 problems found\n"), "{said:?}");
    insta::assert_snapshot!("check_online", said.out);
    assert!(!right.data().exists() && !wrong.data().exists(), "a check leaves nothing behind");

    secret(&right.config().with_file_name("desks.token"), "another-token");
    let said = right.command(&["check", "--online"]);
    assert_eq!(said.code, 1);
    assert!(said.out.contains("cannot log in") && !said.out.contains("another-token"), "{said:?}");
}

#[test]
fn the_readme_names_every_command_and_no_metric_that_is_not_there() {
    let readme = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).unwrap();
    let help = run(throughline().arg("--help")).out;
    let commands: Vec<&str> = help
        .lines()
        .skip_while(|line| !line.starts_with("Commands:"))
        .skip(1)
        .take_while(|line| !line.is_empty())
        .filter_map(|line| line.strip_prefix("  ")?.split_once(' ').map(|(name, _)| name))
        .filter(|name| !name.is_empty() && *name != "help")
        .collect();
    assert!(commands.contains(&"serve") && commands.len() > 5, "{commands:?}");
    for command in commands {
        let named = [format!("throughline {command}"), format!("-- {command}")];
        assert!(named.iter().any(|name| readme.contains(name)), "README.md does not name `{command}`");
    }
    let desks = Desks::open(&["helpdesk", "partner"]);
    let watched = "[watched.NAME]\nsource = \"https://bridge.partner.example/api/v1/log/checkpoint\"\n\
                   key = \"example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k\"\n";
    let bridge = TestBridge::new().agreement(watched).start(&desks, &["partner"]);
    let metrics = web::get(&bridge.address, "/metrics").body;
    let words = readme.split(|letter: char| !(letter.is_ascii_alphanumeric() || letter == '_'));
    let named: Vec<&str> = words.filter(|word| word.starts_with("throughline_")).collect();
    assert!(named.len() > 2, "{named:?}");
    for name in named {
        assert!(metrics.contains(&format!("\n{name}{{")), "README.md speaks of {name}, which is not served");
    }
}

#[test]
fn the_quickstart_of_the_readme_is_right() {
    let readme = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).unwrap();
    let block = readme.split("```toml\n").nth(1).unwrap().split("```").next().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    secret(&at("rt-token"), "1-23-0123456789abcdef\n");
    secret(&at("redmine-key"), "0123456789abcdef\n");
    let text: String = block.lines().map(|line| format!("{}\n", line.trim_start())).collect();
    let text = text.replace("/etc/throughline", folder.path().to_str().unwrap());
    fs::write(at("throughline.toml"), text).unwrap();
    let said = run(throughline().args(["check", "--config"]).arg(at("throughline.toml")));
    assert_eq!(said.code, 0, "{said:?}");
    assert_eq!(said.err, "", "without a warning");
}
