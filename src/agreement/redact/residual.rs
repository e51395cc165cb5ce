//! What personal data may be left in a text that was let through: counted by class, never repeated.
//!
//! Counted are the classes that the agreement lets pass, and three shapes for which there is no rule: what looks like the
//! name of a person (`possible_name`), a number of seven digits or more (`long_number`), and a name behind an `@`
//! (`handle`). A shape is a reason to look, not a finding.

use std::collections::BTreeMap;
use std::ops::Range;

use super::folded::{Folded, fold};
use super::recognize::Match;
use super::terms::{Action, Place, Redaction};

/// Words that begin with a capital at the start of a sentence, or in every German noun phrase, and are part of no name.
const NO_NAMES: &[&str] = &[
    "a", "aber", "after", "all", "alle", "als", "also", "an", "and", "auch", "auf", "aus", "bei", "bitte",
    "but", "can", "das", "de", "dear", "dem", "den", "der", "des", "die", "dies", "diese", "dieser", "ein",
    "eine", "einen", "einer", "el", "en", "er", "es", "et", "for", "from", "für", "ha", "hallo", "has",
    "hat", "he", "hello", "here", "hi", "hier", "how", "i", "ich", "if", "il", "im", "in", "is", "ist", "it",
    "je", "kein", "keine", "la", "las", "le", "les", "los", "mein", "meine", "mit", "my", "nach", "nicht",
    "no", "not", "nous", "nur", "on", "our", "please", "por", "pour", "re", "seit", "she", "sie", "since",
    "sind", "so", "the", "their", "there", "they", "this", "to", "um", "un", "una", "und", "une", "unser",
    "unsere", "user", "von", "vous", "wann", "was", "we", "wenn", "when", "where", "why", "wie", "wir",
    "with", "wo", "you", "your", "zu", "zum", "zur",
];

/// Counts what may be left in a part of a text.
pub(super) fn count(redaction: &Redaction, place: &Place, text: &str, left: &mut BTreeMap<String, u32>) {
    let folded = Folded::of(text);
    let mut add = |what: &str, count: usize| {
        if let Some(count) = u32::try_from(count).ok().filter(|count| *count > 0) {
            *left.entry(what.to_owned()).or_default() += count;
        }
    };
    let passed = redaction.recognizers.find(&folded, |class| redaction.action(place, class) == Action::Pass);
    for found in &passed {
        add(found.class.word(), 1);
    }
    let known = Known::of(&passed);
    add("long_number", long_numbers(folded.text(), &known));
    add("handle", handles(folded.text(), &known));
    add("possible_name", possible_names(text));
}

/// Where something was recognized: looked up by halves.
struct Known(Vec<Range<usize>>);

impl Known {
    fn of(found: &[Match]) -> Self {
        let mut places: Vec<_> = found.iter().map(|found| found.place.clone()).collect();
        places.sort_by_key(|place| place.start);
        // None reaches behind the next, so that the last that begins before a place is the one to ask.
        let mut apart: Vec<Range<usize>> = Vec::new();
        for place in places {
            match apart.last_mut() {
                Some(before) if place.start < before.end => before.end = before.end.max(place.end),
                _ => apart.push(place),
            }
        }
        Self(apart)
    }

    fn covers(&self, at: usize) -> bool {
        let behind = self.0.partition_point(|place| place.start <= at);
        behind.checked_sub(1).and_then(|last| self.0.get(last)).is_some_and(|place| place.contains(&at))
    }
}

/// Numbers of seven digits or more, with spaces, points or hyphens between their groups.
fn long_numbers(text: &str, known: &Known) -> usize {
    let (mut count, mut digits, mut gap) = (0, 0, 0);
    let mut counted = false;
    for (at, char) in text.char_indices() {
        match char {
            '0'..='9' => {
                (digits, gap) = (digits + 1, 0);
                if digits >= 7 && !counted {
                    counted = true;
                    count += usize::from(!known.covers(at));
                }
            }
            ' ' | '.' | '-' | '/' if gap == 0 => gap = 1,
            _ => (digits, gap, counted) = (0, 0, false),
        }
    }
    count
}

fn handles(text: &str, known: &Known) -> usize {
    let is_handle = |at: usize| {
        let before = text.get(..at).and_then(|before| before.chars().next_back());
        let after = text.get(at + 1..).and_then(|after| after.chars().next());
        before.is_none_or(|char| !char.is_alphanumeric()) && after.is_some_and(char::is_alphabetic)
    };
    let handles = text.match_indices('@').map(|(at, _)| at);
    handles.filter(|at| is_handle(*at) && !known.covers(*at)).count()
}

/// Two or more words in a row that begin with a capital and go on in small letters.
fn possible_names(text: &str) -> usize {
    let (mut count, mut row) = (0, 0);
    for word in text.split_inclusive(char::is_whitespace) {
        let bare = word.trim_matches(|char: char| !char.is_alphanumeric());
        let mut chars = bare.chars();
        let capital = chars.next().is_some_and(char::is_uppercase);
        let named = capital
            && bare.chars().count() > 1
            && chars.all(|char| {
                char.is_lowercase()
                    || matches!(char, '-' | '\'' | '’')
                    || char.is_uppercase() && bare.contains(['-', '\''])
            })
            && NO_NAMES.binary_search(&fold(bare).as_str()).is_err();
        row = if named { row + 1 } else { 0 };
        count += usize::from(row == 2);
        // A name does not go on behind the end of a sentence.
        if word.trim_end().ends_with(['.', '!', '?', ':', ';', ',']) || word.contains('\n') {
            row = 0;
        }
    }
    count
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::terms::Class;
    use super::*;

    proptest! {
        /// However they lie: within, over, beside and before each other.
        #[test]
        fn what_was_recognized_is_known_and_nothing_else(
            places in proptest::collection::vec((0_usize..30, 1_usize..12), 0..6),
        ) {
            let places: Vec<Range<usize>> = places.into_iter().map(|(at, length)| at..at + length).collect();
            let found: Vec<Match> = places
                .iter()
                .map(|place| Match { place: place.clone(), class: Class::Email, key: String::new(), value: None })
                .collect();
            let known = Known::of(&found);
            for at in 0..45 {
                let expected = places.iter().any(|place| place.contains(&at));
                prop_assert_eq!(known.covers(at), expected, "{} of {:?}", at, places);
            }
        }
    }

    #[test]
    fn shapes_are_counted() {
        let none = Known::of(&[]);
        assert!(NO_NAMES.is_sorted(), "looked up by halves");
        for (text, names) in [
            ("ask Grace Hopper or Jean-Luc Picard", 2),
            ("Der Drucker brennt. The Printer burns", 0),
            ("Hallo Frau Müller, Bitte Warten", 1),
            ("Hopper. Grace", 0),
            ("thanks, Grace\nHopper", 0),
            ("O'Connor Anne-Marie or Grace", 1),
            // Abbreviations, brands, rooms and single letters.
            ("SQL Server, Grace HOPPER", 0),
            ("GitHub Desktop, Windows11 Pro2", 0),
            ("Raum-12 Haus-3", 0),
            ("Vitamin C, Plan B", 0),
        ] {
            assert_eq!(possible_names(text), names, "{text}");
        }
        for (text, numbers) in [
            ("12 34-56.78, 123456, 2024-01-02 10", 2),
            ("1234567", 1),
            ("123456", 0),
            ("12345678901234, 12/34/567", 2),
            ("1234--567, 1234 -567, 1234_567", 0),
        ] {
            assert_eq!(long_numbers(text, &none), numbers, "{text}");
        }
        assert_eq!(handles("ask @grace, not g@h @1", &none), 1);
    }
}
