//! Row ids: the ones Dataverse gives, and the ones we choose so that a create can be repeated.

use std::fmt;

use throughline_sdk::{Error, ErrorKind, Marker, Result};

/// The id of a row, in lower case with hyphens.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Guid([u8; 16]);

impl Guid {
    /// Reads an id as Dataverse writes it; in any case, with or without braces.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let text = text.strip_prefix('{').and_then(|text| text.strip_suffix('}')).unwrap_or(text);
        let bytes = text.as_bytes();
        let hyphens = [8, 13, 18, 23];
        if bytes.len() != 36 || hyphens.iter().any(|at| bytes.get(*at) != Some(&b'-')) {
            return None;
        }
        let mut digits = text.chars().filter(|c| *c != '-').map(|c| c.to_digit(16));
        let mut id = [0; 16];
        for byte in &mut id {
            let (high, low) = (digits.next()??, digits.next()??);
            *byte = u8::try_from(high << 4 | low).ok()?;
        }
        digits.next().is_none().then_some(Self(id))
    }

    /// Reads the id of a row of this connector's, as the engine keeps it.
    pub(crate) fn of(text: &str, what: &str) -> Result<Self> {
        Self::parse(text).ok_or_else(|| {
            Error::new(ErrorKind::NotFound, format!("Dataverse has no {what} with this id: it is no GUID"))
                .with_context("id", text)
        })
    }

    /// The id that a row created under this marker gets: the same for every attempt, and nobody else's, because a marker
    /// is a keyed hash.
    ///
    /// A marker has 130 bits and an id of version 8 (RFC 9562: "custom") has room for 122 of them.
    pub(crate) fn from_marker(marker: &Marker) -> Self {
        let mut id = [0; 16];
        let (mut bits, mut held) = (0u32, 0u32);
        let mut bytes = id.iter_mut();
        for digit in marker.as_str().bytes().skip("tl-".len()) {
            let value = match digit {
                b'a'..=b'z' => u32::from(digit - b'a'),
                b'2'..=b'7' => u32::from(digit - b'2') + 26,
                _ => 0,
            };
            bits = (bits << 5 | value) & 0xfff;
            held += 5;
            if held >= 8 {
                held -= 8;
                if let Some(byte) = bytes.next() {
                    *byte = u8::try_from(bits >> held & 0xff).unwrap_or_default();
                }
            }
        }
        Self(id).custom()
    }

    /// The id of a row that belongs to this one and to a 64-bit hash.
    pub(crate) fn derived(self, hash: u64) -> Self {
        let mut id = self.0;
        for (byte, mask) in id.iter_mut().zip(hash.to_be_bytes().into_iter().cycle()) {
            *byte ^= mask;
        }
        Self(id).custom()
    }

    fn custom(self) -> Self {
        let mut id = self.0;
        if let Some(byte) = id.get_mut(6) {
            *byte = *byte & 0x0f | 0x80;
        }
        if let Some(byte) = id.get_mut(8) {
            *byte = *byte & 0x3f | 0x80;
        }
        Self(id)
    }
}

impl fmt::Display for Guid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, byte) in self.0.iter().enumerate() {
            if matches!(at, 4 | 6 | 8 | 10) {
                f.write_str("-")?;
            }
            write!(f, "{byte:02x}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Guid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn an_id_reads_as_it_is_written(bytes: [u8; 16]) {
            let id = Guid(bytes);
            prop_assert_eq!(Guid::parse(&id.to_string()), Some(id));
            prop_assert_eq!(Guid::parse(&format!("{{{}}}", id.to_string().to_uppercase())), Some(id));
        }

        #[test]
        fn no_text_is_too_odd_to_be_refused(text in ".{0,40}") {
            let read = Guid::parse(&text);
            prop_assert!(read.is_none() || text.len() >= 36);
        }

        #[test]
        fn two_markers_have_two_ids(one: [u8; 32], other: [u8; 32]) {
            let [one, other] = [one, other].map(|hash| Marker::from_hash(&hash));
            let same = Guid::from_marker(&one) == Guid::from_marker(&other);
            prop_assert_eq!(same, one == other);
        }
    }

    #[test]
    fn an_id_of_ours_is_of_version_8() {
        let id = Guid::from_marker(&Marker::from_hash(&[0xff; 32])).to_string();
        assert_eq!(id, "ffffffff-ffff-8fff-bfff-ffffffffffff");
        let id = Guid::from_marker(&Marker::from_hash(&[0x12; 32]));
        assert_eq!(id.to_string(), "12121212-1212-8212-9212-121212121212");
        assert_ne!(id.derived(1), id.derived(2));
        assert_eq!(id.derived(1), id.derived(1));
    }
}
