//! How much of the labelled set is found, and how much is found that is not there, by class.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::ops::Range;

use super::super::folded::{Folded, widened};
use super::super::terms::Class;
use super::{Listed, Recognizers};

const LABELLED: &str = include_str!("labelled.txt");
/// What may not be fallen below, in percent.
const LEAST_PRECISION: usize = 97;
const LEAST_RECALL: usize = 90;

fn recognizers() -> Recognizers {
    let listed = |names: &[&str]| -> Vec<Listed> {
        names.iter().map(|name| Listed { name: (*name).to_owned(), others: Vec::new() }).collect()
    };
    let people = listed(&[
        "Ada Lovelace",
        "Jürgen Müller",
        "Zoë Faßbender",
        "Marie-Claire Dubois",
        "Giuseppe Verdi",
        "Agnieszka Nowak",
        "José García López",
        "Björn Åkesson",
        "李雷",
        "Sinéad O'Connor",
        "Anna de Vries",
        "Heikki Virtanen",
    ]);
    let customers = listed(&[
        "Northwind Traders",
        "Bäckerei Krause",
        "Société Dupont & Fils",
        "Fabrikam",
        "Rossi S.p.A.",
        "Østerbro Apotek",
    ]);
    Recognizers::new(&people, &customers, Vec::new()).unwrap()
}

type Spans = Vec<(String, Range<usize>)>;

/// A labelled line without its labels, and where they stood.
fn parse(line: &str) -> (String, Spans) {
    let (mut text, mut spans) = (String::new(), Vec::new());
    let mut rest = line;
    while let Some((before, label)) = rest.split_once("[[") {
        text.push_str(before);
        let (label, after) = label.split_once("]]").unwrap_or_else(|| panic!("an open label: {line}"));
        let (class, value) = label.split_once(':').unwrap_or_else(|| panic!("no class: {line}"));
        spans.push((class.to_owned(), text.len()..text.len() + value.len()));
        text.push_str(value);
        rest = after;
    }
    (text + rest, spans)
}

fn found(recognizers: &Recognizers, text: &str) -> Spans {
    let folded = Folded::of(text);
    let found = recognizers.find(&folded, |_| true);
    let mut spans: Spans = found
        .into_iter()
        .filter_map(|found| {
            Some((found.class.word().to_owned(), widened(text, folded.source(&found.place)?)))
        })
        .collect();
    spans.sort_by_key(|(class, span)| (class.clone(), span.start, std::cmp::Reverse(span.end)));
    // A part of what was found of the same class is no second finding.
    let mut kept: Spans = Vec::new();
    for (class, span) in spans {
        let part = kept.last().is_some_and(|(other, whole)| *other == class && span.end <= whole.end);
        if !part {
            kept.push((class, span));
        }
    }
    kept
}

#[derive(Default)]
struct Counts {
    labelled: usize,
    recalled: usize,
    found: usize,
    right: usize,
}

#[test]
#[expect(clippy::print_stdout, reason = "the measurement is what the test is for: run it with --nocapture")]
fn precision_and_recall_do_not_fall_below_their_floors() {
    let recognizers = recognizers();
    let mut counts: BTreeMap<String, Counts> = BTreeMap::new();
    let (mut lines, mut misses) = (0, String::new());
    for line in LABELLED.lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
        lines += 1;
        let (text, labels) = parse(line);
        let spans = found(&recognizers, &text);
        for (class, label) in &labels {
            let whole = spans
                .iter()
                .any(|(other, span)| other == class && span.start <= label.start && label.end <= span.end);
            let counts = counts.entry(class.clone()).or_default();
            counts.labelled += 1;
            counts.recalled += usize::from(whole);
            if !whole {
                writeln!(misses, "missed  {class}: {:?} in {text}", text.get(label.clone())).unwrap();
            }
        }
        for (class, span) in &spans {
            let right = labels
                .iter()
                .any(|(other, label)| other == class && label.start < span.end && span.start < label.end);
            let counts = counts.entry(class.clone()).or_default();
            counts.found += 1;
            counts.right += usize::from(right);
            if !right {
                writeln!(misses, "invented {class}: {:?} in {text}", text.get(span.clone())).unwrap();
            }
        }
    }
    let mut table =
        format!("{:<12} {:>8} {:>6} {:>9} {:>7}\n", "class", "labelled", "found", "precision", "recall");
    let percent = |part: usize, whole: usize| (part * 100).checked_div(whole).unwrap_or(100);
    let mut low = Vec::new();
    for (class, Counts { labelled, recalled, found, right }) in &counts {
        let (precision, recall) = (percent(*right, *found), percent(*recalled, *labelled));
        writeln!(table, "{class:<12} {labelled:>8} {found:>6} {precision:>8}% {recall:>6}%").unwrap();
        if precision < LEAST_PRECISION || recall < LEAST_RECALL {
            low.push(class);
        }
    }
    println!("{table}\n{misses}");
    assert!(lines >= 300, "the set has {lines} lines");
    for class in Class::BUILT_IN {
        assert!(
            counts.get(class.word()).is_some_and(|counts| counts.labelled >= 10),
            "{class} is hardly in the set"
        );
    }
    assert!(low.is_empty(), "{low:?} fell below {LEAST_PRECISION}% or {LEAST_RECALL}%:\n{table}\n{misses}");
}
