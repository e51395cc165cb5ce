//! The organization's own patterns: regular expressions, in any letter case, bounded in size.

use regex::{Regex, RegexBuilder};

use super::super::folded::{fold, widened};
use super::super::terms::Class;
use super::Match;

/// How large a compiled pattern may be.
const MAX_BYTES: usize = 1 << 20;

/// One of the organization's own patterns.
#[derive(Clone, Debug)]
pub struct Pattern {
    class: Class,
    regex: Regex,
}

impl Pattern {
    /// Compiles a pattern. What it matches is widened to whole words: half a word would tell the rest.
    ///
    /// # Errors
    ///
    /// When it is no regular expression, matches where nothing stands, or is too large.
    pub fn new(name: &str, text: &str) -> Result<Self, String> {
        let regex = RegexBuilder::new(text)
            .case_insensitive(true)
            .size_limit(MAX_BYTES)
            .dfa_size_limit(MAX_BYTES)
            .build()
            .map_err(|error| {
                if matches!(error, regex::Error::CompiledTooBig(_)) {
                    return "this pattern is too large".to_owned();
                }
                // The last line says what is wrong; those before it draw where.
                error.to_string().lines().next_back().unwrap_or_default().trim().to_owned()
            })?;
        if regex.is_match("") {
            return Err("this pattern matches where nothing stands".to_owned());
        }
        Ok(Self { class: Class::Pattern(name.to_owned()), regex })
    }

    pub(super) fn class(&self) -> &Class {
        &self.class
    }

    pub(super) fn source(&self) -> (&Class, &str) {
        (&self.class, self.regex.as_str())
    }

    pub(super) fn find(&self, text: &str, found: &mut Vec<Match>) {
        let mut done = 0;
        for place in self.regex.find_iter(text).filter(|place| !place.is_empty()) {
            if place.end() <= done {
                continue;
            }
            let place = widened(text, place.range());
            done = place.end;
            let key = fold(text.get(place.clone()).unwrap_or_default());
            found.push(Match { place, class: self.class.clone(), key, value: None });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_that_cannot_be_used_is_refused_with_its_reason() {
        for (text, expected) in [
            ("AT-(", "error: unclosed group"),
            ("x*", "this pattern matches where nothing stands"),
            ("[a-z]{1000}{1000}", "this pattern is too large"),
        ] {
            assert_eq!(Pattern::new("asset", text).unwrap_err(), expected, "{text}");
        }
    }

    #[test]
    fn a_pattern_claims_whole_words_once_and_never_nothing() {
        for (pattern, text, expected) in [
            ("at-[0-9]{4}", "see AT-12345, at-4711.", &["AT-12345", "at-4711"][..]),
            ("[a-z][0-9]", "a1b2c3 d4", &["a1b2c3", "d4"]),
            (r"\b(at-[0-9]+)?", "see at-4711 there", &["at-4711"]),
            ("at-[0-9]", "at home", &[]),
        ] {
            let mut found = Vec::new();
            Pattern::new("asset", pattern).unwrap().find(text, &mut found);
            let words: Vec<_> = found.iter().map(|it| text.get(it.place.clone()).unwrap()).collect();
            assert_eq!(words, expected, "{pattern} in {text}");
        }
    }
}
