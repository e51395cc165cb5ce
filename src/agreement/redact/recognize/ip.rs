//! IP addresses of either version that may be somebody's: not loopback, not unspecified, no masks, no versions.
//!
//! Parsed by the standard library, after RFC 791 and RFC 4291, 2.2.

use core::net::{Ipv4Addr, Ipv6Addr};
use std::ops::Range;

use super::super::folded::is_whole;
use super::super::terms::Class;
use super::Match;
use super::groups::announced;

/// Words behind which four numbers with points are a version.
const VERSIONS: &[&str] = &[
    "version", "versions", "ver", "release", "build", "firmware", "v", "rev", "versión", "versione",
    "wersja", "versie",
];

pub(super) fn find(text: &str, found: &mut Vec<Match>) {
    for word in words(text) {
        let signs = text.get(word.clone()).unwrap_or_default();
        // A label may stand before an address: `ip:2001:db8::1`.
        let unlabelled = signs.find(':').map_or(word.end, |colon| word.start + colon + 1);
        match [word.start, unlabelled].into_iter().find_map(|start| sixth(text, start..word.end)) {
            Some(address) => found.push(address),
            // Before the shorter ones a label may stand, and a port behind them.
            None => found.extend(parts(signs, word.start).filter_map(|part| fourth(text, part))),
        }
    }
}

fn fourth(text: &str, place: Range<usize>) -> Option<Match> {
    let address: Ipv4Addr = text.get(place.clone())?.parse().ok()?;
    let nobodys = address.is_loopback() || address.is_unspecified() || address.octets().starts_with(&[255]);
    (!nobodys && is_whole(text, &place) && !announced(text, place.start, VERSIONS)).then(|| Match {
        place,
        class: Class::Ip,
        key: address.to_string(),
        value: None,
    })
}

fn sixth(text: &str, place: Range<usize>) -> Option<Match> {
    let word = text.get(place.clone())?;
    let address: Ipv6Addr = word.parse().ok()?;
    // Two colons also part the names of programmers: without a digit it is no address.
    let digit = word.bytes().any(|byte| byte.is_ascii_digit());
    let nobodys = address.is_loopback() || address.is_unspecified();
    (digit && !nobodys && is_whole(text, &place)).then(|| Match {
        place,
        class: Class::Ip,
        key: address.to_string(),
        value: None,
    })
}

/// Runs of the signs that addresses are made of, without points at their ends and a single colon behind them.
fn words(text: &str) -> impl Iterator<Item = Range<usize>> {
    let sign = |byte: u8| byte.is_ascii_hexdigit() || byte == b':' || byte == b'.';
    let mut at = 0;
    let bytes = text.as_bytes();
    std::iter::from_fn(move || {
        let run = at + bytes.get(at..)?.iter().position(|byte| sign(*byte))?;
        at = run + bytes.get(run..)?.iter().take_while(|byte| sign(**byte)).count();
        let word = text.get(run..at)?.trim_start_matches('.');
        let start = at - word.len();
        let word = word.trim_end_matches('.');
        let word = word.strip_suffix(':').filter(|rest| !rest.ends_with(':')).unwrap_or(word);
        Some(start..start + word.trim_end_matches('.').len())
    })
}

/// Where what is between the colons of a word stands.
fn parts(word: &str, mut start: usize) -> impl Iterator<Item = Range<usize>> {
    word.split(':').map(move |part| {
        let place = start..start + part.len();
        start = place.end + 1;
        place
    })
}
