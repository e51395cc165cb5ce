//! The names that things of ours bear at the partner: a marker, written as the 40 hexadecimal digits that the protocol's
//! implementations take for a uuid (Request Tracker's refuses any other).

use throughline_sdk::Marker;

/// What a uuid of ours begins with: `tl-` in ASCII.
const OURS: &str = "746c2d";
/// What that of a new ticket's first comment begins with: `tld`. It is no marker of anything.
const DESCRIPTION: &str = "746c64";
/// The digits of a marker, five bits each.
const ALPHABET: &str = "abcdefghijklmnopqrstuvwxyz234567";
const PREFIX: &str = "tl-";

/// The uuid of what an intent makes.
pub fn of(marker: &Marker) -> String {
    format!("{OURS}{}", digits(marker))
}

/// The uuid of the first comment of a ticket that an intent makes, which says what the ticket is about.
pub fn of_description(marker: &Marker) -> String {
    format!("{DESCRIPTION}{}", digits(marker))
}

/// The marker that a uuid was made of; `None` for every uuid that was made otherwise.
pub fn marker(uuid: &str) -> Option<Marker> {
    let hex = uuid.strip_prefix(OURS)?;
    let value = |digit: char| digit.to_digit(16).filter(|_| !digit.is_ascii_uppercase());
    let nibbles: Vec<u32> = hex.chars().map(value).collect::<Option<_>>()?;
    let bits: Vec<bool> =
        nibbles.iter().flat_map(|nibble| [8, 4, 2, 1].map(|bit| nibble & bit != 0)).collect();
    // 26 digits of five bits, and six bits that are always zero.
    let (marker, rest) = bits.split_at_checked(130)?;
    if rest.len() != 6 || rest.contains(&true) {
        return None;
    }
    let letter = |five: &[bool]| {
        let at = five.iter().fold(0, |sum, bit| sum * 2 + usize::from(*bit));
        ALPHABET.chars().nth(at)
    };
    let text: String = marker.chunks(5).map(letter).collect::<Option<_>>()?;
    Marker::find_in(&format!("{PREFIX}{text}"))
}

fn digits(marker: &Marker) -> String {
    let letters = marker.as_str().chars().skip(PREFIX.len());
    let values = letters.map(|letter| ALPHABET.find(letter).unwrap_or_default());
    let mut bits: Vec<bool> = values.flat_map(|five| [16, 8, 4, 2, 1].map(|bit| five & bit != 0)).collect();
    bits.resize(136, false);
    let nibble = |four: &[bool]| four.iter().fold(0, |sum, bit| sum * 2 + u32::from(*bit));
    bits.chunks(4).filter_map(|four| char::from_digit(nibble(four), 16)).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_marker_is_read_out_of_the_uuid_that_was_made_of_it(hash: [u8; 32]) {
            let made = Marker::from_hash(&hash);
            let uuid = of(&made);
            prop_assert_eq!(uuid.len(), 40);
            prop_assert!(uuid.chars().all(|digit| digit.is_ascii_hexdigit()));
            prop_assert_eq!(marker(&uuid), Some(made.clone()));
            prop_assert_eq!(marker(&of_description(&made)), None);
        }

        #[test]
        fn any_text_is_looked_at(text in "(746c2d)?[0-9a-fA-F]{0,40}|.{0,50}") {
            if let Some(made) = marker(&text) {
                prop_assert_eq!(of(&made), text);
            }
        }
    }
}
