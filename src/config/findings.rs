//! Collects mistakes while files are read, and turns byte ranges into lines that may be shown.

use std::ops::Range;
use std::path::PathBuf;

use super::problem::{Problem, Problems, Severity, Spot};

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

/// How much of the source line may be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Show {
    /// All of it.
    Line,
    /// Up to the end of the place: what follows may be a secret.
    Through,
    /// Up to the start of the place: it may itself be a secret.
    Before,
}

/// A mistake being described.
#[derive(Debug)]
pub(super) struct Mistake {
    place: Place,
    show: Show,
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
    pub sources: Vec<Source>,
    /// Whether a file had a mistake of syntax, so that what seems to be missing may be there.
    pub incomplete: bool,
    /// Keys that hold secrets, for lines that could not be parsed.
    pub secret_keys: Vec<&'static str>,
    found: Vec<(Place, Problem)>,
}

impl Mistake {
    pub(super) fn new(place: Place, key: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            place,
            show: Show::Line,
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

    pub(super) fn show(mut self, show: Show) -> Self {
        self.show = show;
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
    pub(super) fn new(sources: Vec<Source>, secret_keys: Vec<&'static str>) -> Self {
        Self { sources, incomplete: false, secret_keys, found: Vec::new() }
    }

    /// Records a mistake.
    pub(super) fn report(&mut self, mistake: Mistake) {
        let source = self.sources.get(mistake.place.file);
        let problem = Problem {
            severity: mistake.severity,
            message: mistake.message,
            key: mistake.key,
            found: mistake.found,
            expected: mistake.expected,
            nearest: mistake.nearest,
            file: source.map(|source| source.path.clone()).unwrap_or_default(),
            spot: source.map(|source| spot(&source.text, mistake.place, mistake.show)),
        };
        self.found.push((mistake.place, problem));
    }

    /// Records a mistake that may only be the consequence of one of syntax.
    pub(super) fn report_if_complete(&mut self, mistake: Mistake) {
        if !self.incomplete {
            self.report(mistake);
        }
    }

    /// Records what the parser said. The line is shown without what may be a secret.
    pub(super) fn syntax(&mut self, file: usize, span: Option<Range<usize>>, message: &str) {
        self.incomplete = true;
        let span = span.unwrap_or(0..0);
        let place = Place { file, start: span.start, end: span.end };
        self.report(Mistake::new(place, "", format!("this is no TOML: {message}")));
        let secret_keys = &self.secret_keys;
        if let Some(spot) = self.found.last_mut().and_then(|(_, problem)| problem.spot.as_mut()) {
            cut_secret(spot, secret_keys);
        }
    }

    /// The problems in the order of files and lines, each line with a mistake of syntax only with that one.
    pub(super) fn finish(mut self, unreadable: Vec<Problem>) -> Problems {
        self.found.sort_by_key(|(place, _)| *place);
        let unparsed: Vec<(usize, usize)> = self
            .found
            .iter()
            .filter(|(_, problem)| is_syntax(problem))
            .filter_map(|(place, problem)| Some((place.file, problem.spot.as_ref()?.line)))
            .collect();
        let kept = self.found.into_iter().filter(|(place, problem)| {
            let line = problem.spot.as_ref().map_or(0, |spot| spot.line);
            is_syntax(problem) || !unparsed.contains(&(place.file, line))
        });
        let mut list = unreadable;
        list.extend(kept.map(|(_, problem)| problem));
        list.dedup();
        Problems { list }
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

fn is_syntax(problem: &Problem) -> bool {
    problem.key.is_empty() && problem.spot.is_some()
}

fn spot(text: &str, place: Place, show: Show) -> Spot {
    let start = floor(text, place.start);
    let end = floor(text, place.end.max(place.start));
    let before = text.get(..start).unwrap_or_default();
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    let rest = text.get(start..).unwrap_or_default();
    let line_end = rest.find(['\n', '\r']).map_or(text.len(), |at| start + at);
    let shown_to = match show {
        Show::Line => line_end,
        Show::Through => end.min(line_end),
        Show::Before => start,
    };
    let mut source = text.get(line_start..shown_to).unwrap_or_default().to_owned();
    match show {
        Show::Line => {}
        Show::Through => source.push_str(" …"),
        Show::Before => source.push('…'),
    }
    let width = match show {
        Show::Before => 1,
        Show::Line | Show::Through => {
            text.get(start..end.min(line_end)).unwrap_or_default().chars().count().max(1)
        }
    };
    Spot {
        line: before.matches('\n').count() + 1,
        column: text.get(line_start..start).unwrap_or_default().chars().count() + 1,
        width,
        source,
    }
}

/// The last border between characters that is not after `at`.
fn floor(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// Leaves out what follows a key that holds a secret.
fn cut_secret(spot: &mut Spot, secret_keys: &[&'static str]) {
    let first = secret_keys.iter().filter_map(|key| spot.source.find(key)).min();
    let cut = first.and_then(|at| spot.source.get(at..)?.find('=').map(|equals| at + equals + 1));
    if let Some(cut) = cut {
        spot.source.truncate(floor(&spot.source, cut));
        spot.source.push_str(" …");
        let length = spot.source.chars().count();
        spot.column = spot.column.min(length);
        spot.width = 1;
    }
}
