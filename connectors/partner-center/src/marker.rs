//! The marker as Partner Center's calls are named.

use throughline_sdk::Marker;

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
        fn each_marker_has_a_request_id_of_its_own(one: [u8; 32], other: [u8; 32]) {
            let (one, other) = (Marker::from_hash(&one), Marker::from_hash(&other));
            prop_assert_eq!(request_id(&one).len(), 36);
            // All but the first two of 130 bits.
            let same = one.as_str().get(4..) == other.as_str().get(4..);
            prop_assert!(same || request_id(&one) != request_id(&other));
        }
    }
}
