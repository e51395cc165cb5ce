//! E-mail addresses: a local part of at most 64 characters, an `@`, and a domain of at least two labels.
//!
//! After RFC 5321, 4.5.3.1 (lengths), RFC 5322, 3.4.1 (the dot-atom form), RFC 1123, 2.1 (labels) and RFC 6531 (letters of
//! any script). Of the signs that a local part may have, those are claimed that people use: `=`, `&` and the like stand between
//! addresses and other things far more often. Quoted local parts and addresses in brackets are not claimed.

use super::super::folded::is_whole;
use super::super::terms::Class;
use super::Match;

const MAX_LOCAL_CHARS: usize = 64;
const MAX_DOMAIN_CHARS: usize = 253;
const MAX_LABEL_CHARS: usize = 63;

pub(super) fn find(text: &str, found: &mut Vec<Match>) {
    for (at, _) in text.match_indices('@') {
        let (before, after) = (text.get(..at).unwrap_or_default(), text.get(at + 1..).unwrap_or_default());
        let Some(domain) = domain(after) else { continue };
        let place = at - local(before)..at + 1 + domain;
        if place.start < at && is_whole(text, &place) {
            let key = text.get(place.clone()).unwrap_or_default().to_owned();
            found.push(Match { place, class: Class::Email, key, value: None });
        }
    }
}

/// How many bytes before the `@` are the local part.
fn local(before: &str) -> usize {
    let sign = |char: char| char.is_alphanumeric() || "'+-_.".contains(char);
    let chars = before.chars().rev().take(MAX_LOCAL_CHARS).take_while(|char| sign(*char));
    let length: usize = chars.map(char::len_utf8).sum();
    let local = before.get(before.len() - length..).unwrap_or_default();
    // What stands around an address in running text is not part of it.
    local.trim_start_matches(|char: char| !char.is_alphanumeric()).len()
}

/// How many bytes behind the `@` are the domain, if they are one.
fn domain(after: &str) -> Option<usize> {
    let sign = |char: char| char.is_alphanumeric() || char == '-' || char == '.';
    let length: usize =
        after.chars().take(MAX_DOMAIN_CHARS).take_while(|char| sign(*char)).map(char::len_utf8).sum();
    let domain = after.get(..length)?.trim_end_matches(['.', '-']);
    // A sentence may go on behind a full stop without a space, but never with an empty label.
    let domain = domain.split_once("..").map_or(domain, |(domain, _)| domain);
    let (_, top) = domain.rsplit_once('.')?;
    let right = |label: &str| {
        (1..=MAX_LABEL_CHARS).contains(&label.chars().count())
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let letters = top.starts_with(char::is_alphabetic) && top.chars().count() >= 2;
    (domain.split('.').all(right) && letters).then_some(domain.len())
}
