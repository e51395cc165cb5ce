//! One line of the ledger: written once, read back whole or in its readable part only.

use std::io::Write as _;
use std::str::FromStr as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::SecondsFormat;
use ring::aead::{Aad, LessSafeKey, NONCE_LEN, Nonce};
use ring::digest;
use serde::{Deserialize, Serialize};
use throughline_sdk::Timestamp;

use super::checkpoint::hex;
use super::packed;
use super::{Error, Keyring, Position};
use crate::case::{CaseId, Fact};

/// Characters of a hash in a line.
pub(super) const HASH: usize = 64;
/// The version this daemon writes. Readers refuse a later one. 1 sealed the facts' JSON as it is, 2 packs it.
const VERSION: u32 = 2;

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
    seal: Option<Seal<'_>>,
) -> Result<(), Error> {
    let unwritable = |error: std::io::Error| Error::Unwritable(error.to_string());
    let start = out.len();
    out.extend_from_slice(&[b' '; HASH + 1]);
    let at = head.at.to_rfc3339_opts(SecondsFormat::Micros, true);
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
    out.push(b']');
    if let Some(seal) = seal {
        scratch.clear();
        packed::write(scratch, facts).map_err(|error| Error::Unwritable(error.to_string()))?;
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
        out.extend_from_slice(br#","open":"#);
        serde_json::to_writer(&mut *out, facts).map_err(|error| Error::Unwritable(error.to_string()))?;
    }
    out.push(b'}');
    *hash = chain(hash, out.get(start + HASH + 1..).unwrap_or_default());
    if let Some(place) = out.get_mut(start..start + HASH) {
        place.copy_from_slice(hash.as_bytes());
    }
    out.push(b'\n');
    Ok(())
}

/// The hash of a record: of the previous hash as text, then the record's JSON.
pub(super) fn chain(previous: &str, json: &[u8]) -> String {
    let mut context = digest::Context::new(&digest::SHA256);
    context.update(previous.as_bytes());
    context.update(json);
    hex(context.finish().as_ref())
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
    Ok(parsed)
}

impl Line {
    /// The record with its facts, unsealed under its case's key.
    pub(super) fn unseal(self, position: Position, keyring: &Keyring) -> Result<Record, Error> {
        let corrupt = |what: &str| Error::Corrupt { position, what: what.to_owned() };
        let case = match self.case.as_deref().map(CaseId::from_str) {
            Some(Ok(case)) => Some(case),
            Some(Err(error)) => return Err(corrupt(&error)),
            None => None,
        };
        let head = Head { seq: self.seq, at: self.at, case, prev: self.prev };
        let facts = match (self.open, self.sealed, case) {
            (Some(facts), None, None) => Some(facts),
            (None, Some(sealed), Some(id)) => {
                match keyring.get(id)? {
                    Some(key) => {
                        let open = open(&sealed, &key, &head).ok_or_else(|| {
                        corrupt("it cannot be unsealed with the key of its case; is the keyring the right one?")
                    })?;
                        let facts = packed::read(&open, self.v);
                        Some(facts.map_err(|error| corrupt(&format!("its facts cannot be read: {error}")))?)
                    }
                    None => None,
                }
            }
            _ => return Err(corrupt("it has to be sealed if it is about a case, and open if not")),
        };
        Ok(Record {
            position,
            seq: head.seq,
            at: head.at,
            case,
            prev: head.prev,
            words: self.facts,
            erased: facts.is_none(),
            facts: facts.unwrap_or_default(),
        })
    }
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

/// The word a fact is tagged with in the ledger.
pub fn fact_word(fact: &Fact) -> &'static str {
    match fact {
        Fact::Hinted { .. } => "hinted",
        Fact::Answered { .. } => "answered",
        Fact::Ignored { .. } => "ignored",
        Fact::Advanced { .. } => "advanced",
        Fact::Opened => "opened",
        Fact::Joined { .. } => "joined",
        Fact::Observed { .. } => "observed",
        Fact::Changed { .. } => "changed",
        Fact::Disputed { .. } => "disputed",
        Fact::Settled { .. } => "settled",
        Fact::Remarked { .. } => "remarked",
        Fact::RemarkWithdrawn { .. } => "remark_withdrawn",
        Fact::RemarkServed { .. } => "remark_served",
        Fact::Attached { .. } => "attached",
        Fact::Stored { .. } => "stored",
        Fact::AttachmentWithdrawn { .. } => "attachment_withdrawn",
        Fact::Withheld { .. } => "withheld",
        Fact::Intended { .. } => "intended",
        Fact::Attempted { .. } => "attempted",
        Fact::Absolved { .. } => "absolved",
        Fact::Effected { .. } => "effected",
        Fact::Dropped { .. } => "dropped",
        Fact::Parked { .. } => "parked",
        Fact::Unparked { .. } => "unparked",
        Fact::Postponed { .. } => "postponed",
        Fact::Planned { .. } => "planned",
        Fact::Ailed { .. } => "ailed",
        Fact::Rekeyed { .. } => "rekeyed",
        Fact::Claimed(_) => "claimed",
        Fact::Announced { .. } => "announced",
        Fact::Concerned { .. } => "concerned",
        Fact::Consulted { .. } => "consulted",
        Fact::Referred { .. } => "referred",
        Fact::ReferencePost { .. } => "reference_post",
        Fact::Unreferred { .. } => "unreferred",
        Fact::Started { .. } => "started",
        Fact::Stopped => "stopped",
        Fact::Amended { .. } => "amended",
        Fact::Agreed { .. } => "agreed",

        Fact::Offering { .. } => "offering",
        Fact::Handshake { .. } => "handshake",
        Fact::OfferLapsed { .. } => "offer_lapsed",
        Fact::PassedOn { .. } => "passed_on",
        Fact::Waits { .. } => "waits",
        Fact::SetBefore { .. } => "set_before",
        Fact::Told { .. } => "told",
        Fact::Owned { .. } => "owned",
        Fact::Entrusted { .. } => "entrusted",
        Fact::Holds { .. } => "holds",
        Fact::Leaked { .. } => "leaked",
        Fact::RetractionDue { .. } => "retraction_due",
        Fact::Recalled { .. } => "recalled",
        Fact::Redacted { .. } => "redacted",
        Fact::Prepared { .. } => "prepared",
        Fact::Held { .. } => "held",

        Fact::GrantAsked { .. } => "grant_asked",
        Fact::GrantApproved { .. } => "grant_approved",
        Fact::GrantRefused { .. } => "grant_refused",
        Fact::GrantOpened { .. } => "grant_opened",
        Fact::GrantRevoked { .. } => "grant_revoked",
        Fact::GrantExpired { .. } => "grant_expired",

        Fact::Reconfigured { .. } => "reconfigured",
        Fact::Paused { .. } => "paused",
        Fact::Resumed { .. } => "resumed",
        Fact::Edited { .. } => "edited",
    }
}
