//! How far the ledger is known to be whole, so that a start need not verify all of it and a missing end is noticed.
//!
//! The file `checkpoint` has three slots, each a line of JSON with its own SHA-256. Two are written in turn and
//! synced, so that a power cut leaves one of them; the third is overwritten after each group commit and never
//! synced by itself. The furthest whole slot counts. The ledger is always synced first, so none is ahead of it.

use std::io;

use ring::digest;
use serde::{Deserialize, Serialize};

use super::{Error, Medium};

const FILE: &str = "checkpoint";
const SLOT: u64 = 512;
const RUNNING: u64 = 2;
/// The hash before the first record.
const GENESIS: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// The end of the ledger, or of what a store has applied of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mark {
    /// Where the last record begins; 0 if there is none.
    pub last: u64,
    /// Where the next record begins.
    pub next: u64,
    /// The number of the last record, counted from 1; 0 if there is none.
    pub seq: u64,
    /// The hash of the last record.
    pub hash: String,
}

impl Mark {
    /// Before the first record.
    pub fn genesis() -> Self {
        Self { last: 0, next: 0, seq: 0, hash: GENESIS.to_owned() }
    }
}

/// The furthest whole slot, and which of the synced ones is to be written next.
pub(super) fn read(medium: &dyn Medium) -> Result<Option<(Mark, u64)>, Error> {
    let mut bytes = vec![0; 3 * usize::try_from(SLOT).unwrap_or_default()];
    let mut filled = 0;
    while let Some(rest) = bytes.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match medium.read_at(FILE, u64::try_from(filled).unwrap_or(u64::MAX), rest) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(Error::io("read", FILE)(error)),
        }
    }
    let slots: Vec<_> = bytes.chunks(usize::try_from(SLOT).unwrap_or(1)).map(parse).collect();
    let seq = |slot: usize| slots.get(slot).and_then(Option::as_ref).map(|mark| mark.seq);
    // The older of the two synced slots, or the broken one, is the one to overwrite.
    let turn = u64::from(seq(0) > seq(1));
    Ok(slots.into_iter().flatten().max_by_key(|mark| mark.seq).map(|mark| (mark, turn)))
}

/// Writes the running slot; durable some time later.
pub(super) fn write_running(medium: &dyn Medium, mark: &Mark) -> Result<(), Error> {
    write(medium, mark, RUNNING)
}

/// Writes one of the two synced slots, durable on return.
pub(super) fn write_synced(medium: &dyn Medium, mark: &Mark, turn: u64) -> Result<(), Error> {
    write(medium, mark, turn)?;
    medium.sync(FILE).map_err(Error::io("sync", FILE))?;
    medium.sync_dir("").map_err(Error::io("sync the folder of", FILE))
}

fn write(medium: &dyn Medium, mark: &Mark, slot: u64) -> Result<(), Error> {
    let json = serde_json::to_string(mark).map_err(|error| Error::Unwritable(error.to_string()))?;
    let line = format!("{} {json}\n", hex(digest::digest(&digest::SHA256, json.as_bytes()).as_ref()));
    medium.write_at(FILE, slot * SLOT, line.as_bytes()).map_err(Error::io("write", FILE))
}

/// A longer line that stood in the slot before may still follow; it is behind the first line's end.
fn parse(slot: &[u8]) -> Option<Mark> {
    let line = slot.split(|byte| *byte == b'\n').next()?;
    let (stated, json) = line.split_at_checked(64)?;
    let json = json.strip_prefix(b" ")?;
    let hash = hex(digest::digest(&digest::SHA256, json).as_ref());
    (hash.as_bytes() == stated).then(|| serde_json::from_slice(json).ok()).flatten()
}

/// Bytes in lower-case hexadecimal.
pub(super) fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    push_hex(&mut text, bytes);
    text
}

fn push_hex(text: &mut String, bytes: &[u8]) {
    for byte in bytes {
        for nibble in [byte >> 4, byte & 15] {
            text.push(char::from_digit(u32::from(nibble), 16).unwrap_or('0'));
        }
    }
}
