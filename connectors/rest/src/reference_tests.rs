//! The reference in the README is made from the types of the manifest, so that it says what they say.

use std::fmt::Write as _;
use std::path::PathBuf;

/// In the order in which a manifest is written.
const SOURCES: [&str; 4] = [
    include_str!("manifest.rs"),
    include_str!("manifest/reading.rs"),
    include_str!("manifest/writing.rs"),
    include_str!("manifest/webhook.rs"),
];
const BEGIN: &str = "<!-- reference: generated -->\n";
const END: &str = "<!-- reference: end -->";

/// What was read of the current item: its documentation and its attributes.
#[derive(Default)]
struct Pending {
    doc: Vec<String>,
    attributes: String,
}

/// The tables with their keys, as Markdown.
fn reference() -> String {
    let (mut out, mut pending) = (String::new(), Pending::default());
    let types = |source: &'static str| source.lines().take_while(|line| !line.starts_with("impl "));
    for line in SOURCES.into_iter().flat_map(types) {
        let bare = line.trim();
        if let Some(doc) = bare.strip_prefix("///") {
            pending.doc.push(doc.trim().to_owned());
        } else if bare.starts_with("#[") {
            pending.attributes.push_str(bare);
        } else if bare.starts_with("pub(crate) struct ") || bare.starts_with("pub(crate) enum ") {
            table(&mut out, &std::mem::take(&mut pending));
        } else if let Some((name, kind)) = field(bare) {
            key(&mut out, name, kind, &std::mem::take(&mut pending), line.starts_with("        "));
        } else if !pending.doc.is_empty() && bare.ends_with(['{', ',', '}']) {
            // A variant: what it says stands in its documentation.
            let doc = std::mem::take(&mut pending).doc.join(" ");
            writeln!(out, "* {doc}").unwrap();
        } else {
            pending = Pending::default();
        }
    }
    out
}

/// `name: Type,` of a struct or of a variant.
fn field(line: &str) -> Option<(&str, &str)> {
    let (name, kind) = line.strip_prefix("pub(crate) ").unwrap_or(line).split_once(": ")?;
    let is_name = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    is_name.then(|| (name, kind.trim_end_matches(',')))
}

fn table(out: &mut String, pending: &Pending) {
    let doc: Vec<String> = pending.doc.join("\n").split("\n\n").map(|part| part.replace('\n', " ")).collect();
    let first = doc.first().map(String::as_str).unwrap_or_default();
    let (heading, rest) = match first.split_once(": ") {
        Some((heading, rest)) if heading.starts_with('`') => (heading, rest),
        _ => ("The manifest", first),
    };
    write!(out, "\n### {heading}\n\n").unwrap();
    let mut letters = rest.chars();
    let sentence: String = letters.next().into_iter().flat_map(char::to_uppercase).chain(letters).collect();
    write!(out, "{sentence}\n\n").unwrap();
    for part in doc.iter().skip(1) {
        write!(out, "{part}\n\n").unwrap();
    }
}

fn key(out: &mut String, name: &str, kind: &str, pending: &Pending, nested: bool) {
    let renamed = pending.attributes.split("rename = \"").nth(1).and_then(|rest| rest.split('"').next());
    let optional = kind.starts_with("Option<") || pending.attributes.contains("default");
    let needed = if optional { "" } else { " (needed)" };
    let indent = if nested { "  " } else { "" };
    writeln!(out, "{indent}* `{}`{needed}: {}", renamed.unwrap_or(name), pending.doc.join(" ")).unwrap();
}

#[test]
fn the_readme_says_what_the_types_say() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let readme = std::fs::read_to_string(&path).unwrap();
    let (before, rest) = readme.split_once(BEGIN).expect("the README has a place for the reference");
    let (there, after) = rest.split_once(END).expect("the reference ends");
    let reference = reference();
    assert!(reference.matches("\n* ").count() > 100, "{reference}");
    if there != reference {
        if std::env::var_os("UPDATE").is_some() {
            std::fs::write(&path, format!("{before}{BEGIN}{reference}{END}{after}")).unwrap();
            return;
        }
        panic!("the README's reference is stale; UPDATE=1 cargo test -p throughline-rest writes it anew");
    }
}

#[test]
fn every_key_is_explained() {
    for line in reference().lines().filter(|line| line.trim_start().starts_with("* ")) {
        let said = line.split_once(": ").map(|(_, said)| said.trim()).unwrap_or_default();
        assert!(said.ends_with(['.', '`']) && said.len() > 8, "{line}");
    }
}
