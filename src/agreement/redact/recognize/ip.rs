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
/// The longest spelling of an address.
const MAX_CHARS: usize = 45;

pub(super) fn find(text: &str, found: &mut Vec<Match>) {
    for place in words(text) {
        let Some(word) = text.get(place.clone()) else { continue };
        let key = match word.matches(':').count() {
            0 => fourth(text, &place, word),
            // A port may stand behind.
            1 => {
                let Some((host, _)) = word.split_once(':') else { continue };
                let host_place = place.start..place.start + host.len();
                if let Some(key) = fourth(text, &host_place, host) {
                    found.push(Match { place: host_place, class: Class::Ip, key, value: None });
                }
                continue;
            }
            _ => sixth(text, &place, word),
        };
        if let Some(key) = key {
            found.push(Match { place, class: Class::Ip, key, value: None });
        }
    }
}

fn fourth(text: &str, place: &Range<usize>, word: &str) -> Option<String> {
    let address: Ipv4Addr = word.parse().ok()?;
    let nobodys = address.is_loopback() || address.is_unspecified() || address.octets().starts_with(&[255]);
    (!nobodys && is_whole(text, place) && !announced(text, place.start, VERSIONS))
        .then(|| address.to_string())
}

fn sixth(text: &str, place: &Range<usize>, word: &str) -> Option<String> {
    let address: Ipv6Addr = word.parse().ok()?;
    // Two colons also part the names of programmers: without a digit it is no address.
    let digit = word.bytes().any(|byte| byte.is_ascii_digit());
    let nobodys = address.is_loopback() || address.is_unspecified();
    (digit && !nobodys && is_whole(text, place)).then(|| address.to_string())
}

/// Runs of the signs that addresses are made of, without points and single colons at their ends.
fn words(text: &str) -> impl Iterator<Item = Range<usize>> {
    let sign = |byte: u8| byte.is_ascii_hexdigit() || byte == b':' || byte == b'.';
    let mut at = 0;
    let bytes = text.as_bytes();
    std::iter::from_fn(move || {
        while at < bytes.len() {
            let start = at + bytes.get(at..)?.iter().position(|byte| sign(*byte))?;
            let length = bytes.get(start..)?.iter().take_while(|byte| sign(**byte)).count();
            at = start + length;
            let word = text.get(start..at)?;
            let body = word.trim_matches('.');
            let body = match body.strip_suffix(':') {
                Some(rest) if !rest.ends_with(':') => rest.trim_end_matches('.'),
                _ => body,
            };
            let lead = word.len() - word.trim_start_matches('.').len();
            if (3..=MAX_CHARS).contains(&body.len()) {
                return Some(start + lead..start + lead + body.len());
            }
        }
        None
    })
}
