//! How far the ledger is known to be whole, so that a start need not verify all of it and a missing end is noticed.
//!
//! The file `checkpoint` has three slots, each a line of JSON with its own SHA-256. Two are written in turn and
//! synced, so that a power cut leaves one of them; the third is overwritten after each group commit and never
//! synced by itself. The furthest whole slot counts. The ledger is always synced first, so none is ahead of it.

use std::io;

use ring::digest;
use serde::{Deserialize, Serialize};

use super::merkle::Hash;
use super::{Error, Medium, fill};

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

/// What the file says.
#[derive(Clone, Debug)]
pub(super) struct Read {
    /// The furthest whole slot.
    pub(super) mark: Mark,
    /// The root of the Merkle tree there; `None` where a daemon wrote it that knew of none.
    pub(super) root: Option<Hash>,
    /// The furthest of the slots that were synced, with its root.
    pub(super) synced: Option<(Mark, Hash)>,
    /// Which of the synced ones is to be written next.
    pub(super) turn: u64,
}

/// One slot.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Slot {
    last: u64,
    next: u64,
    seq: u64,
    hash: String,
    #[serde(default)]
    root: Option<String>,
}

pub(super) fn read(medium: &dyn Medium) -> Result<Option<Read>, Error> {
    let mut bytes = vec![0; 3 * usize::try_from(SLOT).unwrap_or_default()];
    match fill(medium, FILE, 0, &mut bytes) {
        Ok(_filled) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Error::io("read", FILE)(error)),
    }
    let slots: Vec<_> = bytes.chunks(usize::try_from(SLOT).unwrap_or(1)).map(parse).collect();
    let seq = |slot: usize| slots.get(slot).and_then(Option::as_ref).map(|(mark, _)| mark.seq);
    // The older of the two synced slots, or the broken one, is the one to overwrite.
    let turn = u64::from(seq(0) > seq(1));
    let synced = slots.iter().take(2).flatten().max_by_key(|(mark, _)| mark.seq).cloned();
    let synced = synced.and_then(|(mark, root)| Some((mark, root?)));
    let furthest = slots.into_iter().flatten().max_by_key(|(mark, _)| mark.seq);
    Ok(furthest.map(|(mark, root)| Read { mark, root, synced, turn }))
}

/// Writes the running slot; durable some time later.
pub(super) fn write_running(medium: &dyn Medium, mark: &Mark, root: &Hash) -> Result<(), Error> {
    write(medium, mark, root, RUNNING)
}

/// Writes one of the two synced slots, durable on return.
pub(super) fn write_synced(medium: &dyn Medium, mark: &Mark, root: &Hash, turn: u64) -> Result<(), Error> {
    write(medium, mark, root, turn)?;
    medium.sync(FILE).map_err(Error::io("sync", FILE))?;
    medium.sync_dir("").map_err(Error::io("sync the folder of", FILE))
}

fn write(medium: &dyn Medium, mark: &Mark, root: &Hash, slot: u64) -> Result<(), Error> {
    let Mark { last, next, seq, hash } = mark.clone();
    let content = Slot { last, next, seq, hash, root: Some(hex(root)) };
    let json = serde_json::to_string(&content).map_err(|error| Error::Unwritable(error.to_string()))?;
    let line = format!("{} {json}\n", hex(digest::digest(&digest::SHA256, json.as_bytes()).as_ref()));
    medium.write_at(FILE, slot * SLOT, line.as_bytes()).map_err(Error::io("write", FILE))
}

/// A longer line that stood in the slot before may still follow; it is behind the first line's end.
fn parse(slot: &[u8]) -> Option<(Mark, Option<Hash>)> {
    let line = slot.split(|byte| *byte == b'\n').next()?;
    let (stated, json) = line.split_at_checked(64)?;
    let json = json.strip_prefix(b" ")?;
    let hash = hex(digest::digest(&digest::SHA256, json).as_ref());
    if hash.as_bytes() != stated {
        return None;
    }
    let Slot { last, next, seq, hash, root } = serde_json::from_slice(json).ok()?;
    Some((Mark { last, next, seq, hash }, root.as_deref().and_then(unhex)))
}

/// Bytes in lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    push_hex(&mut text, bytes);
    text
}

/// The hash that 64 hexadecimal digits stand for.
pub(crate) fn unhex(text: &str) -> Option<Hash> {
    let digits = text.as_bytes();
    let mut hash = Hash::default();
    if digits.len() != 2 * hash.len()
        || !digits.iter().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'))
    {
        return None;
    }
    for (byte, pair) in hash.iter_mut().zip(digits.chunks(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(hash)
}

fn push_hex(text: &mut String, bytes: &[u8]) {
    for byte in bytes {
        for nibble in [byte >> 4, byte & 15] {
            text.push(char::from_digit(u32::from(nibble), 16).unwrap_or('0'));
        }
    }
}
