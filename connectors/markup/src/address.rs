//! Addresses of links: which may pass, their one spelling, and where they stand in plain text.

use std::fmt::Write as _;
use std::ops::Range;

use crate::entity;

/// The schemes that lead somewhere for readers of any system and run nothing.
const SCHEMES: [&str; 5] = ["http", "https", "mailto", "ftp", "tel"];

/// Longer addresses are no links.
const LONGEST: usize = 4096;

/// The one spelling of an address; `None` for one that must not or cannot be followed from elsewhere.
///
/// Whatever could end an address in one of the dialects is percent-encoded. Idempotent.
pub(crate) fn normal(raw: &str) -> Option<String> {
    // Browsers drop these before they look at the scheme; so must whoever decides about the scheme.
    let raw: String = raw.trim().chars().filter(|c| !c.is_control()).collect();
    let (scheme, rest) = raw.split_once(':')?;
    let scheme = scheme.to_ascii_lowercase();
    if !SCHEMES.contains(&scheme.as_str()) || raw.len() > LONGEST {
        return None;
    }
    let hosted = matches!(scheme.as_str(), "http" | "https" | "ftp");
    let beyond = if hosted { rest.strip_prefix("//")? } else { rest };
    if beyond.is_empty() || beyond.starts_with('/') {
        return None;
    }
    let mut out = format!("{scheme}:");
    let bytes = rest.as_bytes();
    for (at, byte) in bytes.iter().enumerate() {
        let hex = |further: usize| bytes.get(at + further).is_some_and(u8::is_ascii_hexdigit);
        let kept = byte.is_ascii_alphanumeric()
            || b"-._~:/?#@$&+,;=".contains(byte)
            || (*byte == b'%' && hex(1) && hex(2));
        if kept {
            out.push(char::from(*byte));
        } else {
            // Writing into a `String` cannot fail.
            write!(out, "%{byte:02X}").unwrap_or_default();
        }
    }
    Some(out)
}

/// Whether a text begins with a scheme, and so is an address rather than the name of a file.
pub(crate) fn has_scheme(text: &str) -> bool {
    text.split_once(':').is_some_and(|(scheme, _)| {
        scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            && scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))
    })
}

/// The name of the file that a path or address ends in.
pub(crate) fn file_name(path: &str) -> String {
    let path = path.split(['?', '#']).next().unwrap_or_default();
    path.rsplit(['/', '\\', ':']).find(|part| !part.trim().is_empty()).unwrap_or_default().trim().to_owned()
}

/// Whether the whole text is an address as [`find`] finds it, with this one spelling.
pub(crate) fn is_shown_as(text: &str, address: &str) -> bool {
    text.starts_with("http")
        && find(text).first() == Some(&(0..text.len()))
        && normal(text).as_deref() == Some(address)
}

/// Where web addresses stand in plain text, as mail programs and trackers find them.
pub(crate) fn find(text: &str) -> Vec<Range<usize>> {
    let mut found: Vec<Range<usize>> = Vec::new();
    let mut seen = 0;
    for (start, _) in text.match_indices("http") {
        if start < seen {
            continue;
        }
        let before = text.get(..start).and_then(|before| before.chars().next_back());
        let rest = text.get(start..).unwrap_or_default();
        let Some(host) = rest.strip_prefix("https://").or_else(|| rest.strip_prefix("http://")) else {
            continue;
        };
        if before.is_some_and(char::is_alphanumeric) {
            continue;
        }
        let scheme = rest.len() - host.len();
        let ends = |c: char| c.is_whitespace() || c.is_control() || "<>\"`\\".contains(c);
        let length = scheme + host.find(ends).unwrap_or(host.len());
        // One that is too long is not looked for again inside itself.
        seen = start + length;
        let address = without_punctuation(rest.get(..length).unwrap_or_default());
        if address.len() > scheme && normal(address).is_some() {
            seen = start + address.len();
            found.push(start..seen);
        }
    }
    found
}

/// The part of an address found in `text` before the first of `ends` and before a character reference.
pub(crate) fn alone<'t>(text: &'t str, range: &Range<usize>, ends: &[char]) -> &'t str {
    let found = text.get(range.clone()).unwrap_or_default();
    let mut references = found.match_indices('&');
    // The semicolon of a reference may have been taken for punctuation behind the address.
    let is_one = |at: usize| text.get(range.start + at + 1..).is_some_and(entity::is_one);
    let reference = references.find(|(at, _)| is_one(*at));
    let end = found.find(ends).into_iter().chain(reference.map(|(at, _)| at)).min();
    end.map_or(found, |end| without_punctuation(found.get(..end).unwrap_or_default()))
}

/// Whether the last word of a text holds an address, so that a sign behind it could be taken for its end.
pub(crate) fn ends_in_one(text: &str) -> bool {
    let behind = find(text).last().and_then(|last| text.get(last.end..));
    behind.is_some_and(|behind| !behind.contains(char::is_whitespace))
}

/// An address in running text does not contain the comma, bracket or asterisk behind it.
fn without_punctuation(address: &str) -> &str {
    let opening = address.matches('(').count();
    let mut closing = address.matches(')').count();
    let mut kept = address;
    while let Some(last) = kept.chars().next_back() {
        let dropped = match last {
            ')' if closing > opening => {
                closing -= 1;
                true
            }
            ')' => false,
            last => ".,;:!?'\"]}*_~|".contains(last) || !(last.is_alphanumeric() || last.is_ascii()),
        };
        if !dropped {
            break;
        }
        kept = kept.get(..kept.len() - last.len_utf8()).unwrap_or_default();
    }
    kept
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn only_addresses_that_lead_somewhere_pass() {
        for (raw, wanted) in [
            ("https://a.test/x?y=1&z=%20#q", Some("https://a.test/x?y=1&z=%20#q")),
            (" HTTPS://a.test/a b(c)%zz ", Some("https://a.test/a%20b%28c%29%25zz")),
            ("mailto:a@b.test", Some("mailto:a@b.test")),
            ("https://a.test/ä", Some("https://a.test/%C3%A4")),
            ("javascript:alert(1)", None),
            ("java\nscript:alert(1)", None),
            ("data:text/html,x", None),
            ("/issues/7", None),
            ("#top", None),
            ("https:///x", None),
            ("https:", None),
        ] {
            assert_eq!(normal(raw).as_deref(), wanted, "{raw}");
        }
    }

    #[test]
    fn addresses_are_found_without_the_punctuation_behind_them() {
        for (text, wanted) in [
            ("see https://a.test/x, then", vec!["https://a.test/x"]),
            ("(https://a.test/x_(y))", vec!["https://a.test/x_(y)"]),
            ("xhttps://a.test https:// http://b", vec!["http://b"]),
            ("https://a.test/http://b.test.", vec!["https://a.test/http://b.test"]),
        ] {
            let found: Vec<&str> = find(text).into_iter().map(|range| text.get(range).unwrap()).collect();
            assert_eq!(found, wanted, "{text}");
        }
    }

    proptest! {
        #[test]
        fn the_one_spelling_stays(raw in "(https?|mailto|tel):(//)?[ -~äß]{0,20}") {
            if let Some(once) = normal(&raw) {
                prop_assert_eq!(normal(&once), Some(once.clone()));
            }
        }

        #[test]
        fn a_found_address_is_found_alone(text in "(http|s?://|[a-z().,*_ äß]){0,12}") {
            for range in find(&text) {
                let address = text.get(range).unwrap();
                prop_assert_eq!(find(address), vec![0..address.len()]);
            }
        }
    }
}
