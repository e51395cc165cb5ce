//! The cursor: where a page ended, opaque to whoever hands it back.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::{Query, Sort};
use crate::case::Fingerprint;

/// Where the next page begins: a place in an order, not a row, so that what is opened meanwhile moves nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cursor {
    /// The hour behind or in which it goes on, where the order is one of changes.
    pub(super) hour: u32,
    /// Behind this number, in the direction of the order.
    pub(super) number: u64,
    /// The hour in which the first page was asked for: silence is counted from one moment for all pages.
    pub(super) now: u32,
}

const VERSION: u8 = 1;
const BYTES: usize = 1 + 4 + 4 + 8 + 8;

impl Cursor {
    /// As it is handed out.
    pub(super) fn write(self, query: &Query, sort: Sort) -> String {
        let mut bytes = Vec::with_capacity(BYTES);
        bytes.push(VERSION);
        bytes.extend_from_slice(&self.hour.to_be_bytes());
        bytes.extend_from_slice(&self.now.to_be_bytes());
        bytes.extend_from_slice(&self.number.to_be_bytes());
        bytes.extend_from_slice(&of(query, sort));
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// The cursor in what [`write`](Self::write) made for the same query in the same order.
    pub(super) fn read(text: &str, query: &Query, sort: Sort) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let ([VERSION], rest) = bytes.split_first_chunk::<1>()? else { return None };
        let (hour, rest) = rest.split_first_chunk::<4>()?;
        let (now, rest) = rest.split_first_chunk::<4>()?;
        let (number, rest) = rest.split_first_chunk::<8>()?;
        (rest == of(query, sort)).then(|| Self {
            hour: u32::from_be_bytes(*hour),
            number: u64::from_be_bytes(*number),
            now: u32::from_be_bytes(*now),
        })
    }
}

/// What a cursor belongs to.
fn of(query: &Query, sort: Sort) -> [u8; 8] {
    let print = Fingerprint::of(&format!("{} {query:?}", sort.word()));
    let mut bytes = [0; 8];
    bytes.iter_mut().zip(print.as_str().bytes()).for_each(|(byte, digit)| *byte = digit);
    bytes
}
