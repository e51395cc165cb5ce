//! One line of the ledger: written once, read back whole or in its readable part only.

use std::io::Write as _;
use std::str::FromStr as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::SecondsFormat;
use ring::aead::{Aad, LessSafeKey, NONCE_LEN, Nonce};
use ring::{digest, hmac};
use serde::{Deserialize, Serialize};
use throughline_sdk::Timestamp;

use super::checkpoint::{hex, unhex};
use super::merkle::Hash;
use super::told::Told;
use super::words::fact_word;
use super::{Error, Keyring, Position};
use super::{items, merkle, packed};
use crate::case::disclosure::{self, Part};
use crate::case::{CaseId, Fact};

/// Characters of a hash in a line.
pub(super) const HASH: usize = 64;
/// The version this daemon writes. Readers refuse a later one. 1 sealed the facts' JSON as it is, 2 packs it, 3 names
/// the root over the record's items.
const VERSION: u32 = 3;
/// The first version that names that root.
const WITH_ROOT: u32 = 3;

/// One record, unsealed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// Where it begins.
    pub position: Position,
    /// Its number, from 1 without a gap.
    pub seq: u64,
    /// When it was recorded.
    pub at: Timestamp,
    /// The case it is about, if any.
    pub case: Option<CaseId>,
    /// The case's record before it.
    pub prev: Option<Position>,
    /// What kinds of facts it holds: readable even after its case was erased.
    pub words: Vec<String>,
    /// The facts; empty once the case was erased.
    pub facts: Vec<Fact>,
    /// Its case was erased.
    pub erased: bool,
}

/// What is written beside the facts.
#[derive(Clone, Copy, Debug)]
pub(super) struct Head {
    pub(super) seq: u64,
    pub(super) at: Timestamp,
    pub(super) case: Option<CaseId>,
    pub(super) prev: Option<Position>,
}

/// The key and the nonce that seal one record.
pub(super) struct Seal<'a> {
    pub(super) key: &'a LessSafeKey,
    pub(super) nonce: [u8; NONCE_LEN],
}

/// What the Merkle tree has of a record: its hash in the chain, and the root over its items where it names one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Leaf {
    /// The hash that its line begins with.
    pub hash: Hash,
    /// The root over its items; `None` in records of versions 1 and 2.
    pub root: Option<Hash>,
}

impl Leaf {
    /// The bytes of the leaf.
    pub fn data(&self) -> Vec<u8> {
        [&self.hash[..], self.root.as_ref().map_or(&[][..], |root| &root[..])].concat()
    }

    pub(super) fn hash(&self) -> Hash {
        merkle::leaf(&[&self.hash, self.root.as_ref().map_or(&[], |root| &root[..])])
    }
}

/// A record with the very bytes that were recorded, and what proves each of them.
#[derive(Clone, Debug)]
pub struct Opened {
    /// The record.
    pub record: Record,
    /// Its leaf.
    pub leaf: Leaf,
    /// Its line without hash and end, as it stands in the ledger.
    pub json: Vec<u8>,
    /// Its head and its facts, in order; empty once the case was erased, and in records of versions 1 and 2.
    pub items: Vec<items::Item>,
    /// What may be given to its counterparts, each with its item where there are items.
    pub parts: Vec<(Part, Option<items::Item>)>,
    /// The bytes of its facts, also where there are no items.
    pub facts: Vec<Vec<u8>>,
}

/// A record as it stands in the ledger.
#[derive(Debug, Deserialize)]
pub(super) struct Line {
    v: u32,
    pub(super) seq: u64,
    at: Timestamp,
    #[serde(default)]
    pub(super) case: Option<String>,
    #[serde(default)]
    prev: Option<Position>,
    facts: Vec<String>,
    #[serde(default)]
    root: Option<String>,
    #[serde(default)]
    open: Option<Vec<Fact>>,
    #[serde(default)]
    sealed: Option<String>,
}

/// Appends one line to `out`, chained to `hash`, which becomes the line's own. `scratch` is reused between calls.
pub(super) fn write_line(
    out: &mut Vec<u8>,
    scratch: &mut Vec<u8>,
    hash: &mut String,
    head: Head,
    facts: &[Fact],
    (salts, seal): (&hmac::Key, Option<Seal<'_>>),
) -> Result<Leaf, Error> {
    let unwritable = |error: std::io::Error| Error::Unwritable(error.to_string());
    let start = out.len();
    out.extend_from_slice(&[b' '; HASH + 1]);
    let at = stamp(head.at);
    write!(out, r#"{{"v":{VERSION},"seq":{},"at":"{at}""#, head.seq).map_err(unwritable)?;
    if let Some(case) = head.case {
        write!(out, r#","case":"{case}""#).map_err(unwritable)?;
    }
    if let Some(prev) = head.prev {
        write!(out, r#","prev":{prev}"#).map_err(unwritable)?;
    }
    out.extend_from_slice(br#","facts":["#);
    for (index, fact) in facts.iter().enumerate() {
        let comma = if index == 0 { "" } else { "," };
        write!(out, r#"{comma}"{}""#, fact_word(fact)).map_err(unwritable)?;
    }
    scratch.clear();
    let ends = write_facts(scratch, facts)?;
    let first = items::head(head.seq, &at);
    let each = ends.iter().scan(1, |begin, end| {
        let item = scratch.get(*begin..*end).unwrap_or_default();
        *begin = end + 1;
        Some(item)
    });
    let parts = disclosure::parts(facts).map_err(|error| Error::Unwritable(error.to_string()))?;
    let parts = parts.iter().map(|part| part.json.as_slice());
    let root = items::root(salts, head.seq, std::iter::once(first.as_slice()).chain(each).chain(parts));
    write!(out, r#"],"root":"{}""#, hex(&root)).map_err(unwritable)?;
    if let Some(seal) = seal {
        packed::pack(scratch);
        let tag = seal
            .key
            .seal_in_place_separate_tag(Nonce::assume_unique_for_key(seal.nonce), aad(&head), scratch)
            .map_err(|ring::error::Unspecified| Error::Unwritable("it could not be sealed".into()))?;
        scratch.extend_from_slice(tag.as_ref());
        scratch.splice(..0, seal.nonce);
        out.extend_from_slice(br#","sealed":""#);
        let length = base64::encoded_len(scratch.len(), true).unwrap_or_default();
        let at = out.len();
        out.resize(at + length, 0);
        let target = out.get_mut(at..).unwrap_or_default();
        STANDARD.encode_slice(scratch, target).map_err(|error| Error::Unwritable(error.to_string()))?;
        out.push(b'"');
    } else {
        out.extend_from_slice(OPEN);
        out.extend_from_slice(scratch);
    }
    out.push(b'}');
    let hashed = chained(hash, out.get(start + HASH + 1..).unwrap_or_default());
    *hash = hex(&hashed);
    if let Some(place) = out.get_mut(start..start + HASH) {
        place.copy_from_slice(hash.as_bytes());
    }
    out.push(b'\n');
    Ok(Leaf { hash: hashed, root: Some(root) })
}

/// What the facts of an open record stand behind.
const OPEN: &[u8] = br#","open":"#;

fn stamp(at: Timestamp) -> String {
    at.to_rfc3339_opts(SecondsFormat::Micros, true)
}

/// Appends the facts as a JSON array, and tells where each of them ends.
fn write_facts(out: &mut Vec<u8>, facts: &[Fact]) -> Result<Vec<usize>, Error> {
    let mut ends = Vec::with_capacity(facts.len());
    out.push(b'[');
    for (index, fact) in facts.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        serde_json::to_writer(&mut *out, fact).map_err(|error| Error::Unwritable(error.to_string()))?;
        ends.push(out.len());
    }
    out.push(b']');
    Ok(ends)
}

/// The hash of a record: of the previous hash as text, then the record's JSON.
pub(super) fn chain(previous: &str, json: &[u8]) -> String {
    hex(&chained(previous, json))
}

pub(crate) fn chained(previous: &str, json: &[u8]) -> Hash {
    let mut context = digest::Context::new(&digest::SHA256);
    context.update(previous.as_bytes());
    context.update(json);
    Hash::try_from(context.finish().as_ref()).unwrap_or_default()
}

/// The stated hash and the JSON of a line without its end.
pub(super) fn split(line: &[u8]) -> Option<(&str, &[u8])> {
    let (hash, json) = line.split_at_checked(HASH)?;
    Some((std::str::from_utf8(hash).ok()?, json.strip_prefix(b" ")?))
}

/// Reads a line, checking only its form.
///
/// # Errors
///
/// What is wrong with it, in words.
pub(super) fn parse(line: &[u8]) -> Result<Line, String> {
    let (_, json) = split(line).ok_or("it does not begin with a hash and a space")?;
    let parsed: Line = serde_json::from_slice(json).map_err(|error| format!("it is no record: {error}"))?;
    if !(1..=VERSION).contains(&parsed.v) {
        return Err(format!("it has version {}, and this daemon reads up to version {VERSION}", parsed.v));
    }
    if (parsed.v >= WITH_ROOT) != parsed.root.as_deref().is_some_and(|root| unhex(root).is_some()) {
        return Err(format!("a record of version {} is not one with such a root over its items", parsed.v));
    }
    Ok(parsed)
}

impl Line {
    /// What the Merkle tree has of the record, which stands in `line`.
    pub(super) fn leaf(&self, line: &[u8]) -> Result<Leaf, String> {
        let stated = split(line).and_then(|(hash, _)| unhex(hash)).ok_or("it does not begin with a hash")?;
        Ok(Leaf { hash: stated, root: self.root.as_deref().and_then(unhex) })
    }

    /// What it says of itself without being unsealed.
    pub(super) fn told(self, position: Position, next: Position) -> Result<Told, String> {
        let case = self.case.as_deref().map(CaseId::from_str).transpose()?;
        Ok(Told { position, next, seq: self.seq, at: self.at, case, words: self.facts })
    }

    /// The record with its facts, unsealed under its case's key.
    pub(super) fn unseal(mut self, position: Position, keyring: &Keyring) -> Result<Record, Error> {
        let corrupt = |what: String| Error::Corrupt { position, what };
        let head = self.head(position)?;
        let facts = match self.open.take().filter(|_| self.sealed.is_none() && head.case.is_none()) {
            Some(facts) => Some(facts),
            None => {
                let json = self.facts(position, &head, &[], keyring)?;
                json.as_deref().map(read_facts).transpose().map_err(corrupt)?
            }
        };
        Ok(self.record(position, head, facts))
    }

    /// The same with the bytes as they were recorded, and what proves each of them. It stands in `line`.
    pub(super) fn open(self, position: Position, line: &[u8], keyring: &Keyring) -> Result<Opened, Error> {
        let corrupt = |what: String| Error::Corrupt { position, what };
        let leaf = self.leaf(line).map_err(corrupt)?;
        let json = split(line).map(|(_, json)| json.to_vec()).unwrap_or_default();
        let head = self.head(position)?;
        let recorded = self.facts(position, &head, &json, keyring)?;
        let facts = recorded.as_deref().map(read_facts).transpose().map_err(corrupt)?;
        let apart =
            recorded.as_deref().map(|array| items::elements(array).unwrap_or_default()).unwrap_or_default();
        let salts = match (head.case, leaf.root) {
            (_, None) => None,
            (Some(case), Some(_)) => keyring.get(case)?.map(|key| key.salts.clone()),
            (None, Some(_)) => Some(keyring.open_salts().clone()),
        };
        let parts = disclosure::parts(facts.as_deref().unwrap_or_default());
        let parts = parts.map_err(|error| corrupt(error.to_string()))?;
        let (mut proven, mut of_parts) = (Vec::new(), Vec::new());
        if let (Some(salts), Some(root)) = (salts, leaf.root) {
            let mut all = vec![items::head(head.seq, &stamp(head.at))];
            all.extend(apart.iter().cloned());
            all.extend(parts.iter().map(|part| part.json.clone()));
            let (items, found) = items::prove(&salts, head.seq, &all);
            if found != root {
                return Err(corrupt("its facts are not those that its root was made over".to_owned()));
            }
            proven = items;
            of_parts = proven.split_off(apart.len() + 1);
        }
        let mut of_parts = of_parts.into_iter();
        let parts = parts.into_iter().map(|part| (part, of_parts.next())).collect();
        Ok(Opened {
            record: self.record(position, head, facts),
            leaf,
            json,
            items: proven,
            parts,
            facts: apart,
        })
    }

    fn head(&self, position: Position) -> Result<Head, Error> {
        let case = self.case.as_deref().map(CaseId::from_str).transpose();
        let case = case.map_err(|what| Error::Corrupt { position, what })?;
        Ok(Head { seq: self.seq, at: self.at, case, prev: self.prev })
    }

    /// The facts' JSON; `None` once the case was erased. Open facts are taken from the line's own JSON.
    fn facts(
        &self,
        position: Position,
        head: &Head,
        json: &[u8],
        keyring: &Keyring,
    ) -> Result<Option<Vec<u8>>, Error> {
        let corrupt = |what: &str| Error::Corrupt { position, what: what.to_owned() };
        match (&self.sealed, head.case) {
            (Some(sealed), Some(case)) => {
                let Some(key) = keyring.get(case)? else { return Ok(None) };
                let packed = open(sealed, &key.seal, head).ok_or_else(|| {
                    corrupt("it cannot be unsealed with the key of its case; is the keyring the right one?")
                })?;
                let facts = packed::unpack(&packed, self.v);
                facts.map(Some).map_err(|error| corrupt(&format!("its facts cannot be read: {error}")))
            }
            (None, None) => {
                let at = json.windows(OPEN.len()).position(|window| window == OPEN);
                let facts = at.and_then(|at| json.get(at + OPEN.len()..)?.strip_suffix(b"}"));
                facts.map(|facts| Some(facts.to_vec())).ok_or_else(|| corrupt("it has no facts"))
            }
            _ => Err(corrupt("it has to be sealed if it is about a case, and open if not")),
        }
    }

    fn record(self, position: Position, head: Head, facts: Option<Vec<Fact>>) -> Record {
        Record {
            position,
            seq: head.seq,
            at: head.at,
            case: head.case,
            prev: head.prev,
            words: self.facts,
            erased: facts.is_none(),
            facts: facts.unwrap_or_default(),
        }
    }
}

fn read_facts(json: &[u8]) -> Result<Vec<Fact>, String> {
    serde_json::from_slice(json).map_err(|error| format!("its facts cannot be read: {error}"))
}

fn open(sealed: &str, key: &LessSafeKey, head: &Head) -> Option<Vec<u8>> {
    let mut bytes = STANDARD.decode(sealed).ok()?;
    let (nonce, rest) = bytes.split_at_mut_checked(NONCE_LEN)?;
    let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
    key.open_in_place(nonce, aad(head), rest).ok().map(|open| open.to_vec())
}

/// A record cannot be moved to another place or case without its key noticing.
fn aad(head: &Head) -> Aad<[u8; 16]> {
    let case = head.case.map_or(0, |case| case.0);
    Aad::from(((u128::from(head.seq) << 64) | u128::from(case)).to_be_bytes())
}
