//! Pseudonyms: which name stands for whom under which agreement, looked up both ways.

use std::collections::HashMap;
use std::fmt;
use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::folded::{Folded, LINE, is_whole};
use super::terms::Class;
use crate::case::AgreementName;

/// Letters and digits that nobody takes for one another.
pub const ALPHABET: &[u8; 30] = b"23456789ABCDEFGHJKMNPQRSTVWXYZ";
/// The fewest and the most characters behind the hyphen.
pub const CODE_CHARS: std::ops::RangeInclusive<usize> = 4..=10;
/// The longest label: as long as the name of a pattern may be, of which it is made.
pub const MAX_LABEL_CHARS: usize = 64;

/// A value that has no pseudonym under an agreement yet.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Unnamed {
    /// The agreement.
    pub agreement: AgreementName,
    /// The first part of its pseudonym.
    pub label: String,
    /// The form by which it is known again.
    pub key: String,
    /// The spelling in which it comes back.
    pub value: String,
}

/// A pseudonym and what it stands for.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Named {
    /// The agreement under which it is used.
    pub agreement: AgreementName,
    /// The pseudonym.
    pub pseudonym: String,
    /// The form by which the value is known again.
    pub key: String,
    /// The value.
    pub value: String,
}

/// The pseudonyms of all agreements.
#[derive(Clone, Default)]
pub struct Pseudonyms {
    books: HashMap<AgreementName, Book>,
}

/// The pseudonyms of one agreement.
#[derive(Clone, Default)]
struct Book {
    /// Label and key to pseudonym.
    of: HashMap<(String, String), String>,
    /// Pseudonym to value.
    behind: HashMap<String, String>,
}

impl Unnamed {
    /// A pseudonym for a trial, by a number: nobody keeps it, and nothing is sent with it.
    pub fn provisional(&self, number: usize) -> Named {
        let base = ALPHABET.len();
        let mut code = Vec::new();
        let mut rest = number;
        while code.len() < *CODE_CHARS.start() || rest > 0 {
            code.push(ALPHABET.get(rest % base).copied().map_or('2', char::from));
            rest /= base;
        }
        let code: String = code.into_iter().rev().collect();
        Named {
            agreement: self.agreement.clone(),
            pseudonym: format!("{}-{code}", self.label),
            key: self.key.clone(),
            value: self.value.clone(),
        }
    }
}

impl Pseudonyms {
    /// How many there are, of all agreements.
    pub fn given(&self) -> usize {
        self.books.values().map(|book| book.behind.len()).sum()
    }

    /// The pseudonym of a value under an agreement.
    pub fn of(&self, agreement: &AgreementName, label: &str, key: &str) -> Option<&str> {
        let book = self.books.get(agreement)?;
        book.of.get(&(label.to_owned(), key.to_owned())).map(String::as_str)
    }

    /// What a pseudonym stands for under an agreement.
    pub fn behind(&self, agreement: &AgreementName, pseudonym: &str) -> Option<&str> {
        self.books.get(agreement)?.behind.get(pseudonym).map(String::as_str)
    }

    /// How many pseudonyms an agreement has.
    pub fn count(&self, agreement: &AgreementName) -> usize {
        self.books.get(agreement).map_or(0, |book| book.behind.len())
    }

    /// Takes in a pseudonym.
    pub fn insert(&mut self, named: &Named) {
        let label = named.pseudonym.rsplit_once('-').map_or("", |(label, _)| label);
        let book = self.books.entry(named.agreement.clone()).or_default();
        book.of.insert((label.to_owned(), named.key.clone()), named.pseudonym.clone());
        book.behind.insert(named.pseudonym.clone(), named.value.clone());
    }

    /// Forgets a pseudonym.
    pub fn remove(&mut self, named: &Named) {
        if let Some(book) = self.books.get_mut(&named.agreement) {
            book.of.retain(|_, pseudonym| *pseudonym != named.pseudonym);
            book.behind.remove(&named.pseudonym);
        }
    }

    /// The text with the values in place of this agreement's pseudonyms, in whatever letter case they came back and
    /// however a desk wrapped them. Everything else stays as it is.
    pub fn restore(&self, agreement: &AgreementName, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        let mut done = 0;
        for (place, value) in self.find(agreement, text) {
            out.push_str(text.get(done..place.start).unwrap_or_default());
            out.push_str(value);
            done = place.end;
        }
        out.push_str(text.get(done..).unwrap_or_default());
        out
    }

    /// The text with this agreement's pseudonyms in place of whatever stands behind them: what [`restore`](Self::restore)
    /// did is undone.
    pub fn conceal(&self, agreement: &AgreementName, text: &str) -> String {
        let Some(book) = self.books.get(agreement) else { return text.to_owned() };
        let mut known: Vec<(&String, &String)> = book
            .behind
            .iter()
            .filter(|(_, value)| !value.is_empty() && text.contains(value.as_str()))
            .collect();
        // The longer value is the one that was meant.
        known.sort_by_key(|(pseudonym, value)| (std::cmp::Reverse(value.len()), *pseudonym));
        let mut parts = vec![Piece::Plain(text)];
        for (pseudonym, value) in known {
            let split = |part| match part {
                Piece::Pseudonym(_) => vec![part],
                Piece::Plain(plain) => {
                    let pieces = plain
                        .split(value.as_str())
                        .flat_map(|it| [Piece::Pseudonym(pseudonym), Piece::Plain(it)]);
                    pieces.skip(1).collect()
                }
            };
            parts = parts.into_iter().flat_map(split).collect();
        }
        let text = |part| match part {
            Piece::Plain(text) | Piece::Pseudonym(text) => text,
        };
        parts.into_iter().map(text).collect()
    }

    /// Where this agreement's pseudonyms stand in a text, and what is behind them.
    pub(super) fn find<'n>(&'n self, agreement: &AgreementName, text: &str) -> Vec<(Range<usize>, &'n str)> {
        // Most texts have none, and most agreements neither.
        if !self.books.contains_key(agreement) {
            return Vec::new();
        }
        let mut found = self.find_in(agreement, &Folded::of(text));
        if let Some(decoded) = Folded::decoded(text) {
            found.extend(self.find_in(agreement, &decoded));
            found.sort_by_key(|(place, _)| place.start);
            let mut done = 0;
            found.retain(|(place, _)| {
                place.start >= done && {
                    done = place.end;
                    true
                }
            });
        }
        found
    }

    fn find_in<'n>(&'n self, agreement: &AgreementName, folded: &Folded) -> Vec<(Range<usize>, &'n str)> {
        let mut found = Vec::new();
        let mut done = 0;
        for (hyphen, _) in folded.text().match_indices('-') {
            let Some((place, pseudonym)) =
                around(folded.text(), hyphen).filter(|(place, _)| place.start >= done)
            else {
                continue;
            };
            if let (Some(value), Some(source)) = (self.behind(agreement, &pseudonym), folded.source(&place)) {
                done = place.end;
                found.push((source, value));
            }
        }
        found
    }
}

/// A part of a text that is being concealed.
#[derive(Clone, Copy)]
enum Piece<'t> {
    Plain(&'t str),
    Pseudonym(&'t str),
}

/// What looks like a pseudonym around a hyphen of a folded text.
fn around(text: &str, hyphen: usize) -> Option<(Range<usize>, String)> {
    let (before, after) = (text.get(..hyphen)?, text.get(hyphen + 1..)?);
    let label = before.bytes().rev().take(MAX_LABEL_CHARS).take_while(u8::is_ascii_alphanumeric).count();
    // A desk may have broken the line behind the hyphen.
    let broken = usize::from(after.starts_with([LINE, ' ']));
    let code = after.bytes().skip(broken).take_while(u8::is_ascii_alphanumeric).count();
    let place = hyphen.checked_sub(label)?..hyphen + 1 + broken + code;
    if !is_whole(text, &place) {
        return None;
    }
    let pseudonym = text.get(place.clone())?.replace([LINE, ' '], "").to_ascii_uppercase();
    Some((place, pseudonym))
}

impl fmt::Debug for Pseudonyms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pseudonyms of {} agreements", self.books.len())
    }
}

/// Shows whose pseudonym is asked for, never the value.
impl fmt::Debug for Unnamed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Unnamed {} of {}", self.label, self.agreement)
    }
}

/// Shows the pseudonym, never the value.
impl fmt::Debug for Named {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Named {} of {}", self.pseudonym, self.agreement)
    }
}

impl Class {
    /// What is asked for where a value of this class has no pseudonym.
    pub(super) fn unnamed(&self, agreement: &AgreementName, key: String, value: String) -> Unnamed {
        Unnamed { agreement: agreement.clone(), label: self.label(), key, value }
    }
}

#[cfg(test)]
mod tests;
