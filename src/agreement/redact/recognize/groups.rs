//! Numbers as people write them: groups of letters and digits with single signs between them.

use std::ops::Range;

use super::super::folded::is_whole;

/// A maximal run of ASCII letters and digits.
#[derive(Clone, Debug)]
pub(super) struct Group {
    /// Where.
    pub(super) place: Range<usize>,
}

/// Some neighbouring groups taken for one number.
#[derive(Debug)]
pub(super) struct Number {
    /// Where.
    pub(super) place: Range<usize>,
    /// Its letters, small, and digits.
    pub(super) signs: String,
    /// How long each group is.
    pub(super) lengths: Vec<usize>,
    /// What stands between them.
    pub(super) between: Vec<char>,
}

/// The groups of a folded text.
pub(super) fn groups(text: &str) -> Vec<Group> {
    let mut groups = Vec::new();
    let mut begins = None;
    for (at, byte) in text.bytes().enumerate().chain([(text.len(), b' ')]) {
        match (byte.is_ascii_alphanumeric(), begins) {
            (true, None) => begins = Some(at),
            (false, Some(start)) => {
                groups.push(Group { place: start..at });
                begins = None;
            }
            (true, Some(_)) | (false, None) => {}
        }
    }
    groups
}

/// What a number is at most, and what stands between two of its groups.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    pub(super) signs: usize,
    pub(super) groups: usize,
    pub(super) between: &'static [char],
}

/// Shows every number within the bounds that begins with the first group: one group, two, and so on. Each begins and
/// ends at the border of a word.
pub(super) fn each_number(text: &str, groups: &[Group], bounds: &Bounds, mut show: impl FnMut(&Number)) {
    let mut number: Option<Number> = None;
    for group in groups.iter().take(bounds.groups) {
        let Some(next) = text.get(group.place.clone()) else { return };
        let begun = number.get_or_insert_with(|| Number {
            place: group.place.start..group.place.start,
            signs: String::new(),
            lengths: Vec::new(),
            between: Vec::new(),
        });
        if begun.signs.len() + next.len() > bounds.signs {
            return;
        }
        if !begun.lengths.is_empty() {
            let mut gap = text.get(begun.place.end..group.place.start).unwrap_or_default().chars();
            let (Some(sign), None) = (gap.next(), gap.next()) else { return };
            if !bounds.between.contains(&sign) {
                return;
            }
            begun.between.push(sign);
        }
        begun.place.end = group.place.end;
        begun.signs.push_str(next);
        begun.lengths.push(next.len());
        if is_whole(text, &begun.place) {
            show(begun);
        }
    }
}

/// The digits of a text that has nothing else.
pub(super) fn digits(text: &str) -> Option<Vec<u32>> {
    text.chars().map(|char| char.to_digit(10)).collect()
}

/// Whether one of these words stands shortly before a place.
pub(super) fn announced(text: &str, at: usize, words: &[&str]) -> bool {
    const NEAR_CHARS: usize = 32;
    let before = text.get(..at).unwrap_or_default();
    let near: usize = before.chars().rev().take(NEAR_CHARS).map(char::len_utf8).sum();
    let near = before.get(before.len() - near..).unwrap_or_default();
    near.split(|char: char| !char.is_alphanumeric()).any(|word| words.contains(&word))
}

/// The Luhn sum of ISO/IEC 7812-1, annex B: every second digit from the right counts twice.
pub(super) fn luhn(digits: &[u32]) -> bool {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(place, digit)| if place % 2 == 0 { *digit } else { digit * 2 / 10 + digit * 2 % 10 })
        .sum();
    sum.is_multiple_of(10)
}

/// The remainder of a long decimal number.
pub(super) fn remainder(digits: &[u32], by: u32) -> u32 {
    digits.iter().fold(0, |rest, digit| (rest * 10 + digit) % by)
}
