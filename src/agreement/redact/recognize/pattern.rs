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
