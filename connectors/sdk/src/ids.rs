//! Names that must not be swapped for one another, each a type of its own.

use std::fmt;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::{Error, ErrorKind, Result};

macro_rules! text_id {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// Takes the text as it is.
            pub fn new(text: impl Into<String>) -> Self {
                Self(text.into())
            }

            /// The text itself.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    )*};
}

text_id! {
    /// The configured name of one ticket system, such as `helpdesk`.
    SystemName;
    /// A ticket's immutable id inside its system. Always text: large integers lose digits in JSON.
    RemoteId;
    /// A comment's immutable id inside its ticket.
    CommentId;
    /// A file's immutable id inside its ticket.
    FileId;
    /// A remote version of a ticket, as its system writes it (an `ETag`, a counter, a time).
    Version;
    /// A connector's own place in its change feed. Opaque to everybody else.
    Cursor;
    /// The name under which an intent stands in the ledger.
    IntentId;
    /// The SHA-256 of a file's bytes, in lower-case hexadecimal: its name in the content-addressed folder.
    Digest;
}

impl Cursor {
    /// Writes a place in a feed.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Malformed`] for a place that JSON cannot hold.
    pub fn write(place: &impl Serialize) -> Result<Self> {
        serde_json::to_string(place).map(Self).map_err(|error| {
            Error::new(ErrorKind::Malformed, format!("the cursor cannot be written: {error}"))
        })
    }

    /// Reads what [`write`](Self::write) wrote. `whose` names the feed to whoever reads the error.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Malformed`] for what somebody else wrote.
    pub fn read<P: DeserializeOwned>(&self, whose: &str) -> Result<P> {
        serde_json::from_str(&self.0).map_err(|error| {
            let fault = crate::http::json_fault(&error);
            Error::new(ErrorKind::Malformed, format!("this is no cursor of {whose}: {fault}"))
        })
    }
}

/// An opaque token that lets a write be recognized afterwards: a keyed hash, without names or numbers.
///
/// Written as `tl-` and 26 characters of lower-case base 32, so that it survives subjects, headers and e-mail.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Marker(String);

impl Marker {
    const ALPHABET: &'static [u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
    const DIGITS: usize = 26;
    const PREFIX: &'static str = "tl-";

    /// Writes the first 130 bits of a keyed hash as a marker.
    pub fn from_hash(hash: &[u8; 32]) -> Self {
        let mut text = String::from(Self::PREFIX);
        let (mut bits, mut held) = (0u32, 0u32);
        // 17 bytes hold 130 bits and a few over; more would overflow the shift below.
        for byte in hash.iter().take(17) {
            bits = (bits << 8) | u32::from(*byte);
            held += 8;
            while held >= 5 && text.len() < Self::PREFIX.len() + Self::DIGITS {
                held -= 5;
                let digit = usize::try_from((bits >> held) & 31).unwrap_or_default();
                text.push(char::from(Self::ALPHABET.get(digit).copied().unwrap_or(b'a')));
            }
            bits &= (1 << held) - 1;
        }
        Self(text)
    }

    /// The first marker that stands in a text, whoever put it there. Cost grows with the text only.
    pub fn find_in(text: &str) -> Option<Self> {
        text.match_indices(Self::PREFIX).find_map(|(at, _)| {
            let digits = text.get(at + Self::PREFIX.len()..at + Self::PREFIX.len() + Self::DIGITS)?;
            let after = text.get(at + Self::PREFIX.len() + Self::DIGITS..)?.bytes().next();
            let ends = after.is_none_or(|b| !b.is_ascii_alphanumeric());
            (ends && digits.bytes().all(|b| Self::ALPHABET.contains(&b)))
                .then(|| Self(format!("{}{digits}", Self::PREFIX)))
        })
    }

    /// The token as it is written into a remote system.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Marker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A ticket's full name: its system and its immutable id there.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct TicketRef {
    /// The system that holds the ticket.
    pub system: SystemName,
    /// The ticket's id inside it.
    pub id: RemoteId,
}

impl TicketRef {
    /// Names the ticket `id` of `system`.
    pub fn new(system: SystemName, id: RemoteId) -> Self {
        Self { system, id }
    }
}

impl fmt::Display for TicketRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.system, self.id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_marker_is_found_where_it_was_written() {
        let marker = Marker::from_hash(&[0xa7; 32]);
        assert_eq!(marker.as_str().len(), 29);
        assert_eq!(Marker::find_in(&format!("Hallo\n\n[{marker}]")), Some(marker.clone()));
        assert_eq!(Marker::find_in(&format!("{marker}x")), None, "a longer word is no marker");
        assert_eq!(Marker::find_in("tl-short tl-äöü"), None);
    }
}
