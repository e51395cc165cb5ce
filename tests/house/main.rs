//! Habits of the house that a compiler cannot see.

#![expect(clippy::unwrap_used, reason = "helpers of tests, outside a test function")]

use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn sources(folder: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                if path.file_name().is_some_and(|name| name != "target") {
                    folders.push(path);
                }
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let name = path.strip_prefix(root()).unwrap().display().to_string();
                found.push((name, fs::read_to_string(&path).unwrap()));
            }
        }
    }
    assert!(!found.is_empty(), "{folder} holds sources");
    found
}

/// The folders below `connectors/` that connect a kind of system, as opposed to what all of them share.
fn connectors() -> Vec<String> {
    const SHARED: [&str; 3] = ["markup", "sdk", "testkit"];
    let entries = fs::read_dir(root().join("connectors")).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.filter(|name| !SHARED.contains(&name.as_str())).collect();
    names.sort();
    names
}

/// Fails with every offender, not with the first.
fn none(what: &str, offenders: &[String]) {
    assert!(offenders.is_empty(), "{what}:\n  {}", offenders.join("\n  "));
}

#[test]
fn every_file_says_why_it_exists() {
    let offenders: Vec<String> = ["src", "connectors", "tests"]
        .into_iter()
        .flat_map(sources)
        .filter(|(_, text)| !text.starts_with("//! "))
        .map(|(name, _)| name)
        .collect();
    none("files without a module doc on their first line", &offenders);
}

#[test]
fn a_connector_stands_on_the_sdk_alone() {
    let mut offenders = Vec::new();
    for folder in connectors() {
        let manifest =
            fs::read_to_string(root().join("connectors").join(&folder).join("Cargo.toml")).unwrap();
        let dependencies = manifest.split("[dependencies]").nth(1).unwrap().split("\n[").next().unwrap();
        for line in dependencies.lines() {
            // Text is not foreign knowledge: the dialects stand beside the connectors, for all of them.
            let shared = ["throughline-sdk", "throughline-markup"].iter().any(|name| line.starts_with(name));
            let ours = line.starts_with("throughline") && !shared;
            let forbidden = ["reqwest", "sled", "rustls"].iter().any(|name| line.starts_with(name));
            if ours || forbidden {
                offenders.push(format!("{folder}: {line}"));
            }
        }
    }
    none("connectors that depend on more than the SDK and the markup", &offenders);
}

#[test]
fn each_foreign_thing_has_one_home() {
    let mut homes: Vec<(String, &str)> = [
        ("reqwest::", "src/egress"),
        ("tokio_rustls::", "src/egress"),
        ("sled::", "src/store/sled"),
        ("cel::", "src/agreement/expression"),
        ("ct_merkle::", "src/ledger/merkle.rs"),
        ("backoff::", "connectors/sdk/src/http/retry.rs"),
    ]
    .map(|(what, home)| (what.to_owned(), home))
    .to_vec();
    // The demo and the bench have practice desks of their own.
    for folder in connectors().into_iter().filter(|folder| folder != "practice") {
        homes.push((format!("throughline_{}::", folder.replace('-', "_")), "src/registry.rs"));
    }
    let mut offenders = Vec::new();
    for folder in ["src", "connectors"] {
        for (name, text) in sources(folder) {
            let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
            // Our own module of that name is not the crate.
            for line in code.map(|line| line.replace("store::sled::", "store::")) {
                for (what, home) in &homes {
                    let own_crate = what.strip_prefix("throughline_").is_some_and(|rest| {
                        let folder = rest.trim_end_matches("::").replace('_', "-");
                        name.starts_with(&format!("connectors/{folder}/"))
                    });
                    // A test that speaks TLS to a server of its own has no guard to go through.
                    let tls_in_a_test = what == "tokio_rustls::" && name.contains("/tests/");
                    if line.contains(what)
                        && !name.starts_with(home)
                        && !tls_in_a_test
                        && !own_crate
                        && !line.contains(&format!("_{what}"))
                    {
                        offenders.push(format!("{name}: {}", line.trim()));
                    }
                }
            }
        }
    }
    none("foreign names outside their home", &offenders);
}

#[test]
fn agreement_and_plan_are_pure() {
    let mut offenders = Vec::new();
    for folder in ["src/agreement", "src/plan"] {
        for (name, text) in sources(folder) {
            for word in [
                "async ",
                ".await",
                "tokio::",
                "std::fs",
                "std::net",
                "::now(",
                "crate::daemon",
                "crate::store",
            ] {
                if text.contains(word) {
                    offenders.push(format!("{name}: {word}"));
                }
            }
        }
    }
    none("impure words in pure rooms", &offenders);
}

#[test]
fn wire_types_never_leave_their_crate() {
    let mut offenders = Vec::new();
    for (name, text) in sources("connectors") {
        if name.ends_with("/lib.rs") && text.contains("pub mod wire") {
            offenders.push(name);
        }
    }
    none("crates that show their wire types", &offenders);
}

#[test]
fn the_readme_lists_the_connectors_of_the_registry() {
    let path = root().join("README.md");
    let readme = fs::read_to_string(&path).unwrap();
    let (begin, end) = ("<!-- connectors: generated -->\n", "<!-- connectors: end -->");
    let (before, rest) = readme.split_once(begin).expect("the README has a place for the table");
    let (there, after) = rest.split_once(end).expect("the README's table ends");
    let table = throughline::registry::table();
    if there != table {
        if std::env::var_os("UPDATE").is_some() {
            fs::write(&path, format!("{before}{begin}{table}{end}{after}")).unwrap();
            return;
        }
        panic!("the README's table of connectors is stale; UPDATE=1 cargo test --test house writes it anew");
    }
}

#[test]
fn the_architecture_page_names_every_room() {
    let page = fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    let mut offenders = Vec::new();
    for (parent, prefix) in [("src", "src/"), ("connectors", "connectors/")] {
        for entry in fs::read_dir(root().join(parent)).unwrap() {
            let path: PathBuf = entry.unwrap().path();
            let name = Path::new(&path).file_name().unwrap().to_string_lossy().into_owned();
            let vendor = parent == "connectors" && connectors().contains(&name);
            if path.is_dir() && !vendor && !page.contains(&format!("{prefix}{name}")) {
                offenders.push(format!("{prefix}{name}"));
            }
        }
    }
    none("rooms that ARCHITECTURE.md does not name", &offenders);
}

/// A route that is made otherwise is on no list, and no test asks whether it asks for a right.
#[test]
fn routes_of_people_and_programs_are_made_in_one_way() {
    // Partners of other standards have doors of their own; the tests of the server and its patience serve nobody.
    let other = ["src/api/tmf621/", "src/api/sharing", "src/api/serve.rs", "src/api/patience.rs"];
    let outside = ["/webhooks/", "/healthz\"", "/readyz\"", "/metrics\"", "/problems/"];
    let mut offenders = Vec::new();
    for (name, text) in ["src/api", "src/console"].into_iter().flat_map(sources) {
        if other.iter().any(|place| name.starts_with(place)) {
            continue;
        }
        for made in text.split(".route(").skip(1).filter_map(|rest| rest.trim_start().strip_prefix('"')) {
            if !outside.iter().any(|place| made.starts_with(place)) {
                offenders.push(format!("{name}: {}", made.lines().next().unwrap()));
            }
        }
    }
    none("routes that were not made by `Routes`", &offenders);
}
