//! Collects mistakes while files are read, and turns byte ranges into lines that may be shown.

use std::collections::BTreeSet;
use std::ops::Range;
use std::path::PathBuf;

use super::problem::{Problem, Problems, Severity, Spot};
use super::redact::Keys;

/// A file as it was read.
#[derive(Clone, Debug)]
pub(super) struct Source {
    /// Its path as it is shown.
    pub path: PathBuf,
    /// Its text.
    pub text: String,
}

/// A range of bytes in one of the files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    /// The file, by its number among the sources.
    pub file: usize,
    /// The first byte.
    pub start: usize,
    /// The byte after the last.
    pub end: usize,
}

/// A mistake being described.
#[derive(Debug)]
pub(super) struct Mistake {
    place: Place,
    unparsed: bool,
    severity: Severity,
    message: String,
    key: String,
    found: Option<String>,
    expected: Option<String>,
    nearest: Option<String>,
}

/// The mistakes so far.
#[derive(Debug)]
pub(super) struct Findings {
    /// The files.
    sources: Vec<Source>,
    /// Whether a file had a mistake of syntax, so that what seems to be missing may be there.
    incomplete: bool,
    /// For lines that could not be parsed.
    keys: Keys,
    /// Places that may hold a secret and are shown in no line.
    hidden: Vec<Place>,
    mistakes: Vec<Mistake>,
}

impl Mistake {
    pub(super) fn new(place: Place, key: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            place,
            unparsed: false,
            severity: Severity::Error,
            message: message.into(),
            key: key.into(),
            found: None,
            expected: None,
            nearest: None,
        }
    }

    pub(super) fn warning(mut self) -> Self {
        self.severity = Severity::Warning;
        self
    }

    pub(super) fn found(mut self, found: impl Into<String>) -> Self {
        self.found = Some(found.into());
        self
    }

    pub(super) fn expected(mut self, expected: impl Into<String>) -> Self {
        self.expected = Some(expected.into());
        self
    }

    /// Names the valid words, and the one that is closest to `word`.
    pub(super) fn words<'w>(mut self, word: &str, valid: impl IntoIterator<Item = &'w str>) -> Self {
        let valid: Vec<&str> = valid.into_iter().collect();
        self.nearest = nearest(word, &valid);
        self.expected = Some(match valid.as_slice() {
            [] => "nothing: there is none".to_owned(),
            [only] => (*only).to_owned(),
            more => format!("one of {}", more.join(", ")),
        });
        self
    }
}

impl Findings {
    pub(super) fn new(sources: Vec<Source>, keys: Keys) -> Self {
        Self { sources, incomplete: false, keys, hidden: Vec::new(), mistakes: Vec::new() }
    }

    /// Records a mistake.
    pub(super) fn report(&mut self, mistake: Mistake) {
        self.mistakes.push(mistake);
    }

    /// Records a mistake that may only be the consequence of one of syntax.
    pub(super) fn report_if_complete(&mut self, mistake: Mistake) {
        if !self.incomplete {
            self.report(mistake);
        }
    }

    /// Keeps a place out of every line that is shown, also of those about other mistakes.
    pub(super) fn hide(&mut self, place: Place) {
        self.hidden.push(place);
    }

    /// A part of a text that stands at a place, given in bytes of what the quotes hold. Where the file writes the text
    /// otherwise, with escapes, it is the whole of it.
    pub(super) fn within(&self, place: Place, text: &str, part: &Range<usize>) -> Place {
        let source = self.sources.get(place.file).and_then(|source| source.text.get(place.start..place.end));
        match source.and_then(|source| source.find(text)) {
            Some(at) => {
                let start = place.start + at;
                Place { file: place.file, start: start + part.start, end: start + part.end }
            }
            None => place,
        }
    }

    /// Records what the parser said.
    pub(super) fn syntax(&mut self, file: usize, span: Option<Range<usize>>, message: &str) {
        self.incomplete = true;
        let span = span.unwrap_or(0..0);
        let place = Place { file, start: span.start, end: span.end };
        let mistake = Mistake::new(place, "", format!("this is no TOML: {message}"));
        self.report(Mistake { unparsed: true, ..mistake });
    }

    /// The problems in the order of files and lines, each line with a mistake of syntax only with that one.
    pub(super) fn finish(mut self, unreadable: Vec<Problem>) -> Problems {
        let mut mistakes = std::mem::take(&mut self.mistakes);
        mistakes.sort_by_key(|mistake| mistake.place);
        let mut unparsed_lines = BTreeSet::new();
        let mut problems = Vec::new();
        for mistake in mistakes {
            let (file, unparsed) = (mistake.place.file, mistake.unparsed);
            let problem = self.problem(mistake);
            let line = (file, problem.spot.as_ref().map_or(0, |spot| spot.line));
            if unparsed {
                unparsed_lines.insert(line);
            }
            problems.push((line, unparsed, problem));
        }
        problems.retain(|(line, unparsed, _)| *unparsed || !unparsed_lines.contains(line));
        let mut list = unreadable;
        list.extend(problems.into_iter().map(|(_, _, problem)| problem));
        list.dedup();
        Problems { list }
    }

    fn problem(&self, mistake: Mistake) -> Problem {
        let source = self.sources.get(mistake.place.file);
        Problem {
            severity: mistake.severity,
            message: mistake.message,
            key: mistake.key,
            found: mistake.found,
            expected: mistake.expected,
            nearest: mistake.nearest,
            file: source.map(|source| source.path.clone()).unwrap_or_default(),
            spot: source.map(|source| self.spot(&source.text, mistake.place, mistake.unparsed)),
        }
    }

    fn spot(&self, text: &str, place: Place, unparsed: bool) -> Spot {
        let start = floor(text, place.start);
        let before = text.get(..start).unwrap_or_default();
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        let line = text.get(line_start..).unwrap_or_default().split(['\n', '\r']).next().unwrap_or_default();
        let line_end = line_start + line.len();
        // A comment may hold the secret that stood there before.
        let after = if place.end > line_end { start } else { place.end };
        let comment = text.get(after..line_end).and_then(|rest| rest.find('#')).map(|at| after + at);
        let secret_from =
            if unparsed { line_start + self.keys.shown(line) } else { comment.unwrap_or(line_end) };
        let hides = |at: usize| {
            let covers =
                |hidden: &Place| hidden.file == place.file && (hidden.start..hidden.end).contains(&at);
            at >= secret_from || self.hidden.iter().any(covers)
        };
        // What is hidden becomes one sign, so that not even its length is told; the caret follows.
        let mut spot = Spot {
            line: before.matches('\n').count() + 1,
            column: text.get(line_start..start).unwrap_or_default().chars().count() + 1,
            source: String::new(),
            caret: 0,
            width: 0,
        };
        let mut after_hidden = false;
        for (at, letter) in line.char_indices().map(|(at, letter)| (line_start + at, letter)) {
            let hidden = hides(at);
            let shown = !(hidden && after_hidden);
            if shown {
                spot.source.push(if hidden { '…' } else { letter });
                spot.caret += usize::from(at < start);
                spot.width += usize::from((start..place.end).contains(&at));
            }
            after_hidden = hidden;
        }
        spot.width = spot.width.max(1);
        spot
    }
}

/// The closest of the valid words, if any is close enough to be meant.
pub(super) fn nearest(word: &str, valid: &[&str]) -> Option<String> {
    let lower = word.to_lowercase();
    valid
        .iter()
        .map(|candidate| (strsim::jaro_winkler(&lower, &candidate.to_lowercase()), candidate))
        .filter(|(likeness, candidate)| *likeness > 0.75 && **candidate != word)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, candidate)| (*candidate).to_owned())
}

/// The last border between characters that is not after `at`.
fn floor(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}
