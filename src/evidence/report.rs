//! The pages in an archive that people read: how to check it, and what it says. Self-contained, without any script.

use std::fmt::Write as _;

use maud::html;
use serde_json::Value;
use throughline_sdk::Timestamp;

use super::proven::Proven;
use crate::api::view::{Event, Trace};
use crate::case::{Case, PartyName};
use crate::ledger::note::Verifier;
use crate::ledger::{Head, Opened, Record, hex};

const STYLE: &str = "\
:root{color-scheme:light dark;--line:#8886;--soft:#8881;--dim:#666}\
@media(prefers-color-scheme:dark){:root{--dim:#aaa}}\
body{font:1rem/1.55 system-ui,sans-serif;max-width:72rem;margin:0 auto;padding:2rem 1rem 4rem}\
h1{font-size:1.6rem;line-height:1.25;margin:0 0 .25rem}h2{font-size:1.15rem;margin:2.5rem 0 .5rem}\
p{max-width:46rem}.dim{color:var(--dim)}\
dl{display:grid;grid-template-columns:max-content 1fr;gap:.25rem 1rem;margin:1rem 0}dt{color:var(--dim)}dd{margin:0;overflow-wrap:anywhere}\
table{border-collapse:collapse;width:100%;font-size:.925rem}th,td{text-align:left;vertical-align:top;padding:.4rem .6rem .4rem 0;border-bottom:1px solid var(--line)}\
th{color:var(--dim);font-weight:600}td{overflow-wrap:anywhere}td.at,td.no{white-space:nowrap;font-variant-numeric:tabular-nums}\
code,pre{font:.85rem/1.5 ui-monospace,monospace}pre{white-space:pre-wrap;overflow-wrap:anywhere;background:var(--soft);padding:.6rem;margin:.4rem 0;border-radius:.3rem}\
details{margin:.25rem 0}summary{cursor:pointer}\
@media(max-width:40rem){dl{grid-template-columns:1fr;gap:0}dd{margin-bottom:.5rem}table,tbody,tr,td{display:block}thead{display:none}td{border:0;padding:.1rem 0}tr{border-bottom:1px solid var(--line);padding:.5rem 0;display:block}}";

/// The report about all of a case.
pub(super) fn whole(case: &Case, opened: &[Opened], key: &Verifier, head: &Head, now: Timestamp) -> String {
    let records: Vec<Record> = opened.iter().map(|opened| opened.record.clone()).collect();
    let trace = Trace::of(case, &records);
    let line = &trace.case;
    let mut page = Page::new(&format!("{} · {}", line.case, line.title));
    page.text(&format!("{}, priority {}, opened {}.", line.status, line.priority, stamp(line.opened)));
    page.facts(&about(key, head, now, opened.len()));
    page.heading("Tickets");
    let rows = line.legs.iter().map(|leg| {
        let key = leg.key.clone().unwrap_or_else(|| "being created".to_owned());
        vec![
            leg.party.clone(),
            format!("{}:{key}", leg.system),
            leg.health.clone(),
            leg.url.clone().unwrap_or_default(),
        ]
    });
    page.table(&["party", "ticket", "health", "address"], rows);
    page.heading("What happened");
    page.table(&["when", "record", "where", "what", ""], trace.events.iter().map(event));
    page.heading("Records, as they were recorded");
    page.text("Each fact below is proven by records.jsonl, unless it says otherwise there.");
    for opened in opened {
        let record = &opened.record;
        let mut inner = String::new();
        for fact in &opened.facts {
            inner.push_str(&pre(&String::from_utf8_lossy(fact)));
        }
        let summary = format!("{} · {} · {}", record.seq, stamp(record.at), record.words.join(", "));
        page.details(&summary, &inner);
    }
    page.end()
}

/// The report about what one party was shown and said.
pub(super) fn party(
    proven: &[Proven],
    party: &PartyName,
    key: &Verifier,
    head: &Head,
    now: Timestamp,
) -> String {
    let mut page = Page::new(&format!("What {party} was shown, and what it said"));
    page.text("One request, as it crossed between two organizations. Nothing else about it is in this file.");
    page.facts(&about(key, head, now, proven.len()));
    page.heading("What crossed");
    let items = proven.iter().flat_map(|record| {
        let proven = record.items.iter().skip(1).map(|item| (item.item.as_str(), "proven"));
        let told = record.unproven.iter().map(|part| (part.as_str(), "told"));
        proven.chain(told).map(move |(part, how)| (record, part, how))
    });
    let rows = items.map(|(record, part, how)| {
        let (what, content) = in_words(part);
        vec![stamp(record.at), record.seq.to_string(), what, content, how.to_owned()]
    });
    page.table(&["when", "record", "what", "", ""], rows);
    page.end()
}

fn about(key: &Verifier, head: &Head, now: Timestamp, records: usize) -> [(&'static str, String); 5] {
    [
        ("made", stamp(now)),
        ("log", key.name().to_owned()),
        ("key", key.to_string()),
        ("checkpoint", format!("{} records, root {}", head.size, hex(&head.root))),
        ("records here", records.to_string()),
    ]
}

fn event(event: &Event) -> Vec<String> {
    let who = event.who.as_ref().map(|who| format!("{who}: ")).unwrap_or_default();
    let system = event.system.as_ref().map(ToString::to_string).unwrap_or_default();
    vec![stamp(event.at), event.seq.to_string(), system, event.what.clone(), format!("{who}{}", event.text)]
}

/// A part in words: what it is, and the rest of it.
fn in_words(part: &str) -> (String, String) {
    let Ok(Value::Object(mut object)) = serde_json::from_str(part) else {
        return (String::new(), part.to_owned());
    };
    let word = object.remove("part");
    let word = word.as_ref().and_then(Value::as_str).unwrap_or_default();
    let what = match word {
        "sent" => "sent to its desk",
        "answered" => "its desk answered",
        "read" => "read at its desk",
        "wrote" => "its people wrote",
        "attached" | "bytes" => "its people attached",
        "withdrew" => "withdrawn at its desk",
        "offered" => "the request was offered",
        "offer" => "the offer",
        "asked" => "it asked to be shown more",
        "grant" => "what it was shown beyond that",
        other => other,
    };
    let mut lines = String::new();
    told(&Value::Object(object), "", &mut lines);
    (what.to_owned(), lines.trim_end().to_owned())
}

fn told(value: &Value, name: &str, lines: &mut String) {
    match value {
        Value::Object(members) => {
            for (member, value) in members {
                let name = if name.is_empty() { member.clone() } else { format!("{name} {member}") };
                told(value, &name, lines);
            }
        }
        Value::Array(all) => all.iter().for_each(|value| told(value, name, lines)),
        Value::String(text) => drop(writeln!(lines, "{name}: {text}")),
        Value::Null => {}
        Value::Bool(_) | Value::Number(_) => drop(writeln!(lines, "{name}: {value}")),
    }
}

struct Page(String);

impl Page {
    fn new(title: &str) -> Self {
        let title = escaped(title);
        Self(format!(
            "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n\
             <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
             <title>{title}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>\n<h1>{title}</h1>\n"
        ))
    }

    fn heading(&mut self, text: &str) {
        self.0.push_str(&format!("<h2>{}</h2>\n", escaped(text)));
    }

    fn text(&mut self, text: &str) {
        self.0.push_str(&format!("<p>{}</p>\n", escaped(text)));
    }

    fn facts(&mut self, facts: &[(&str, String)]) {
        self.0.push_str("<dl>\n");
        for (name, value) in facts {
            self.0.push_str(&format!("<dt>{}</dt><dd>{}</dd>\n", escaped(name), escaped(value)));
        }
        self.0.push_str("</dl>\n");
    }

    fn table(&mut self, head: &[&str], rows: impl Iterator<Item = Vec<String>>) {
        let mut body = String::new();
        for row in rows {
            let cells = row.iter().enumerate().map(|(at, cell)| {
                let class = if at == 0 && head.first() == Some(&"when") { " class=\"at\"" } else { "" };
                format!("<td{class}>{}</td>", escaped(cell).replace('\n', "<br>"))
            });
            body.push_str(&format!("<tr>{}</tr>\n", cells.collect::<String>()));
        }
        if body.is_empty() {
            return self.text("Nothing.");
        }
        let cells: String =
            head.iter().map(|cell| format!("<th scope=\"col\">{}</th>", escaped(cell))).collect();
        self.0.push_str(&format!(
            "<table>\n<thead><tr>{cells}</tr></thead>\n<tbody>\n{body}</tbody>\n</table>\n"
        ));
    }

    /// `inner` is markup already.
    fn details(&mut self, summary: &str, inner: &str) {
        self.0.push_str(&format!("<details><summary>{}</summary>{inner}</details>\n", escaped(summary)));
    }

    fn end(mut self) -> String {
        self.0.push_str("</main>\n</body>\n</html>\n");
        self.0
    }
}

fn pre(text: &str) -> String {
    format!("<pre>{}</pre>\n", escaped(text))
}

fn stamp(at: Timestamp) -> String {
    at.format("%Y-%m-%d %H:%M:%S UTC").to_string()
}

/// Text as HTML. What commands the direction of writing or a terminal is shown as its number.
fn escaped(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '\n' => shown.push('\n'),
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => shown.extend(letter.escape_unicode()),
            _ if letter.is_control() => shown.extend(letter.escape_unicode()),
            _ => shown.push(letter),
        }
    }
    html! { (shown) }.into_string()
}

pub(super) fn readme(key: &Verifier, case: &Case) -> String {
    format!(
        "Evidence about {}, from the log {}.\n\n{CHECK}\n\
         What is here\n\n\
         \x20 report.html       the case, to be read in any browser\n\
         \x20 records.jsonl     every record about the case, one in a line, with proofs\n\
         \x20 agreements.jsonl  the records of the agreements under which it was decided, with proofs\n\
         \x20 agreement-*.html  these agreements, to be read\n{COMMON}{HOW}{LINE}",
        case.id,
        key.name()
    )
}

pub(super) fn party_readme(key: &Verifier, party: &PartyName) -> String {
    format!(
        "What {party} was shown of one request, and what it said itself, from the log {}.\n\n{CHECK}\n\
         What is here\n\n\
         \x20 report.html    what crossed, to be read in any browser\n\
         \x20 records.jsonl  the parts of records that are given, with proofs for exactly these\n{COMMON}{HOW}",
        key.name()
    )
}

const CHECK: &str = "\
How to check it

  throughline evidence verify FILE --key KEY
  python3 verify.py evidence FILE KEY       (tests/verify.py of Throughline: nothing but Python is needed)

KEY is the public key of the log. Take it from its operator by another way than this file: who could forge the file
could forge the key in it too.
";
const COMMON: &str = "  checkpoint        size and root of the log, signed (c2sp.org/tlog-checkpoint)
  key               the public key that is meant
  signature         an Ed25519 signature over every other byte of this file

";
const HOW: &str = "\
How it is proven

The signature stands at bytes 512 to 599 of the archive, in base64. It signs the text \"throughline evidence 1\" with a
line's end, followed by the SHA-256 of the archive with the character 0 in the place of these 88.

The log is a Merkle tree by RFC 6962. The leaf of a record is the 32 bytes of `hash` followed by those of `root`, if it
has one; `proof` leads from the leaf at the index `seq` - 1 to the root in the checkpoint. `root` is the root of a tree
of its own over the items of the record; the leaf of an item is the 32 bytes of its `salt` followed by its text, and its
`proof` leads from the leaf at `index` of `of` to that root. What stands under `unproven` was recorded before records
had such roots: the signature shows that we said it, and nothing more.
";
const LINE: &str = "\
`hash` is the SHA-256 of `previous`, which is the hash of the record before, and of `line`, as texts.
";
