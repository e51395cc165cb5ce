//! An entry of the vault: how it is sealed, read and erased.

use std::io;

use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use throughline_sdk::Entropy;

use super::Error;
use crate::agreement::Named;
use crate::ledger::{Medium, fill};

const LIVE: &[u8; 4] = b"TLv1";
const ERASED: &[u8; 4] = b"TLx0";
const PROOF: &[u8; 4] = b"TLp1";
const KEY: usize = 32;
const TAG: usize = 16;
const WRAPPED: usize = NONCE_LEN + KEY + TAG;
const MARK: usize = 4;
const HEAD: usize = 8;
/// The slot at the beginning: four bytes and a sealed text of nothing.
const PROOF_BYTES: usize = 4 + NONCE_LEN + TAG;
/// Longer than any entry; what is longer was not written by us.
const MAX_TEXT_BYTES: usize = 64 << 20;

/// What was read, and where the next begins.
pub(super) enum Read {
    Proof { after: u64 },
    Named { named: Named, after: u64 },
    Erased { after: u64 },
}

/// All bytes of the file; none where it is not there.
pub(super) fn whole(medium: &dyn Medium, name: &str) -> Result<Vec<u8>, Error> {
    let failed = |source| Error::Io { action: "read", source };
    let Some(length) = medium.len(name).map_err(failed)? else { return Ok(Vec::new()) };
    let mut bytes = vec![0; usize::try_from(length).unwrap_or_default()];
    if fill(medium, name, 0, &mut bytes).map_err(failed)? < bytes.len() {
        return Err(failed(io::ErrorKind::UnexpectedEof.into()));
    }
    Ok(bytes)
}

/// Writes entries so that a power cut leaves all of them or none: the mark of the first comes last. Durable on return.
pub(super) fn write(
    medium: &dyn Medium,
    name: &str,
    from: u64,
    first: usize,
    bytes: &mut [u8],
) -> io::Result<()> {
    if let Some(mark) = bytes.get_mut(first..first + MARK) {
        mark.fill(0);
    }
    medium.write_at(name, from, bytes)?;
    medium.sync(name)?;
    medium.write_at(name, from + u64::try_from(first).unwrap_or_default(), LIVE)?;
    medium.sync(name)
}

/// The slot that proves the key.
pub(super) fn prove(key: &LessSafeKey, entropy: &dyn Entropy, out: &mut Vec<u8>) -> Result<(), Error> {
    out.extend(PROOF);
    sealed(key, 0, &[], entropy, out)
}

/// Seals a pseudonym as an entry that begins behind `out`, which itself goes to `from`.
pub(super) fn seal(
    named: &Named,
    from: u64,
    key: &LessSafeKey,
    entropy: &dyn Entropy,
    out: &mut Vec<u8>,
) -> Result<(), Error> {
    let text = serde_json::to_vec(named).map_err(|_unwritable| Error::Unsealable)?;
    let at = from + u64::try_from(out.len()).unwrap_or(u64::MAX);
    let length = u32::try_from(text.len()).map_err(|_too_long| Error::Unsealable)?;
    let mut own = [0; KEY];
    entropy.fill(&mut own);
    out.extend(LIVE);
    out.extend(length.to_be_bytes());
    sealed(key, at, &own, entropy, out)?;
    sealed(&opened_by(&own)?, at, &text, entropy, out)
}

/// Overwrites the key of the entry that begins at `at`.
pub(super) fn erase(medium: &dyn Medium, name: &str, at: u64) -> io::Result<()> {
    let head = u64::try_from(HEAD).unwrap_or_default();
    medium.write_at(name, at + head, &[0; WRAPPED])?;
    medium.write_at(name, at, ERASED)
}

/// The entries of a file, up to what a power cut left of one that was never synced.
pub(super) fn read<'b>(
    bytes: &'b [u8],
    key: &'b LessSafeKey,
) -> impl Iterator<Item = Result<Read, Error>> + 'b {
    let mut at = 0;
    std::iter::from_fn(move || {
        let rest = bytes.get(at..).filter(|rest| !rest.is_empty())?;
        let begins = u64::try_from(at).unwrap_or(u64::MAX);
        // Its mark is written once all the rest is durable: without it, nothing was ever sent with it or what follows.
        let committed = |rest: &[u8]| rest.get(..MARK).is_some_and(|mark| !mark.contains(&0));
        let first = if at == 0 { rest.get(PROOF_BYTES..).unwrap_or_default() } else { rest };
        if !committed(first) {
            at = bytes.len();
            return None;
        }
        if at == 0 {
            at = PROOF_BYTES;
            let after = u64::try_from(at).unwrap_or(u64::MAX);
            let proof = rest.strip_prefix(PROOF).and_then(|rest| rest.get(..NONCE_LEN + TAG));
            let opens = proof.is_some_and(|proof| open(key, 0, proof).is_some());
            return Some(if opens { Ok(Read::Proof { after }) } else { Err(Error::WrongMasterKey) });
        }
        let length =
            rest.get(4..HEAD).and_then(|length| <[u8; 4]>::try_from(length).ok()).map(u32::from_be_bytes);
        let length = length.and_then(|length| usize::try_from(length).ok()).unwrap_or_default();
        let end = HEAD + WRAPPED + NONCE_LEN + length + TAG;
        let one = one(rest, end, length, begins, key);
        at += end;
        let after = u64::try_from(at).unwrap_or(u64::MAX);
        Some(match one {
            Some(Some(named)) => Ok(Read::Named { named, after }),
            Some(None) => Ok(Read::Erased { after }),
            None => Err(Error::Damaged { at: begins }),
        })
    })
}

/// One entry: `None` where it is none, `Some(None)` where it was erased.
fn one(rest: &[u8], end: usize, length: usize, at: u64, key: &LessSafeKey) -> Option<Option<Named>> {
    let entry = rest.get(..end).filter(|_| length <= MAX_TEXT_BYTES)?;
    if entry.starts_with(ERASED) {
        return Some(None);
    }
    let (wrapped, text) = entry.strip_prefix(LIVE)?.get(4..)?.split_at_checked(WRAPPED)?;
    // A crash while it was erased may have left this much.
    if wrapped.iter().all(|byte| *byte == 0) {
        return Some(None);
    }
    let own = <[u8; KEY]>::try_from(open(key, at, wrapped)?).ok()?;
    let text = open(&opened_by(&own).ok()?, at, text)?;
    serde_json::from_slice(&text).ok().map(Some)
}

fn opened_by(key: &[u8; KEY]) -> Result<LessSafeKey, Error> {
    let unbound = UnboundKey::new(&AES_256_GCM, key);
    unbound.map(LessSafeKey::new).map_err(|ring::error::Unspecified| Error::Unsealable)
}

/// An entry that was moved to another place does not open.
fn aad(at: u64) -> Aad<[u8; 8]> {
    Aad::from(at.to_be_bytes())
}

fn sealed(
    key: &LessSafeKey,
    at: u64,
    text: &[u8],
    entropy: &dyn Entropy,
    out: &mut Vec<u8>,
) -> Result<(), Error> {
    let mut nonce = [0; NONCE_LEN];
    entropy.fill(&mut nonce);
    let mut sealed = text.to_vec();
    key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), aad(at), &mut sealed)
        .map_err(|ring::error::Unspecified| Error::Unsealable)?;
    out.extend(nonce);
    out.extend(sealed);
    Ok(())
}

fn open(key: &LessSafeKey, at: u64, sealed: &[u8]) -> Option<Vec<u8>> {
    let (nonce, sealed) = sealed.split_at_checked(NONCE_LEN)?;
    let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
    let mut sealed = sealed.to_vec();
    key.open_in_place(nonce, aad(at), &mut sealed).ok().map(|text| text.to_vec())
}
