//! Where a marker stands in a note: a last line of its own, `[tl-…]`, that no reader of the canonical ticket sees.

use throughline_sdk::{Marker, ticket::canonical_text};

/// The text with the marker as its last line.
pub(crate) fn mark(text: &str, marker: &Marker) -> String {
    let text = canonical_text(text);
    if text.is_empty() { format!("[{marker}]") } else { format!("{text}\n\n[{marker}]") }
}

/// The text without the marker that its last line is, and the marker. Nobody can write below it: notes are not changed.
pub(crate) fn split(text: &str) -> (String, Option<Marker>) {
    let text = canonical_text(text);
    let (above, last) = text.rsplit_once('\n').unwrap_or(("", &text));
    let inner = last.strip_prefix('[').and_then(|last| last.strip_suffix(']'));
    match inner.and_then(|inner| Marker::find_in(inner).filter(|marker| marker.as_str() == inner)) {
        Some(marker) => (canonical_text(above), Some(marker)),
        None => (text, None),
    }
}

/// The marker as a GUID: the name of the call by which Partner Center tells a repetition.
pub(crate) fn request_id(marker: &Marker) -> String {
    let bits = marker.as_str().trim_start_matches("tl-").bytes().fold(0_u128, |bits, digit| {
        let digit = match digit {
            b'a'..=b'z' => digit - b'a',
            _ => digit.saturating_sub(b'2').saturating_add(26),
        };
        (bits << 5) | u128::from(digit & 31)
    });
    guid(bits.to_be_bytes())
}

/// Sixteen bytes as a GUID.
pub(crate) fn guid(bytes: [u8; 16]) -> String {
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let part = |from: usize, to: usize| hex.get(from..to).unwrap_or_default();
    format!("{}-{}-{}-{}-{}", part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_was_marked_is_split_again(text in "(.|\n|\r\n|\\[tl-[a-z]{26}\\]\n){0,40}", hash: [u8; 32]) {
            let marker = Marker::from_hash(&hash);
            prop_assert_eq!(split(&mark(&text, &marker)), (canonical_text(&text), Some(marker)));
        }

        #[test]
        fn each_marker_has_a_request_id_of_its_own(one: [u8; 32], other: [u8; 32]) {
            let (one, other) = (Marker::from_hash(&one), Marker::from_hash(&other));
            prop_assert_eq!(request_id(&one).len(), 36);
            // All but the first two of 130 bits.
            let same = one.as_str().get(4..) == other.as_str().get(4..);
            prop_assert!(same || request_id(&one) != request_id(&other));
        }
    }

    #[test]
    fn a_marker_inside_a_text_is_text() {
        let quoted = format!("see [{}]\nabove", Marker::from_hash(&[7; 32]));
        assert_eq!(split(&quoted), (quoted.clone(), None));
    }
}
