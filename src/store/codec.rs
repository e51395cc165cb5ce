//! Keys and values as bytes: keys in the order they are read, cases compressed.

use std::collections::BTreeSet;

use throughline_sdk::{SystemName, TicketRef};

use super::Error;
use super::filing::{FILING, Filing};
use super::fresh::Head;
use crate::case::{Case, CaseId, Fingerprint};
use crate::ledger::Position;

/// What cases have in common, so that a short value compresses too. Another text needs another layout number.
const DICTIONARY: &[u8] = br#"{"id":1,"opened":"2026-01-01T00:00:00Z","changed":"2026-01-01T00:00:00Z","document":{"fields":{"description":{"value":"","from":"","at":"2026-01-01T00:00:00Z"},"priority":{"value":"normal","from":"helpdesk","at":"2026-"},"status":{"value":"open","from":"","at":"2026-"},"title":{"value":"","from":""},"type":{"value":""}},"remarks":{"":{"author":"","written":"2026-01-01T00:00:00Z","print":"","body":"","version":1},"":{"author":"","withdrawn":true}},"attachments":{"":{"name":"","media_type":"application/octet-stream","size":1,"digest":"","author":"","written":"2026-"}}},"legs":{"helpdesk":{"ticket":"1","key":"1","url":"https://","party":"home","role":"home","shadow":{"version":"1","updated":"2026-01-01T00:00:00Z","fields":{"description":{"seen":"","agreed":""},"priority":{"seen":"","agreed":""},"status":{"seen":"","agreed":""},"title":{"seen":"","agreed":""},"type":{"seen":"","agreed":"","written":{"sent":"","value":""}}},"comments":{"":{"origin":"","seen":"","version":1},"":{"origin":"","seen":"","version":1}},"files":{"":{"origin":""}},"withheld":["comment:"]},"health":"well"},"":{"ticket":"","key":"","url":"https://","party":"","role":"counterpart","agreement":"","shadow":{"version":"","updated":"2026-"},"health":"well","outstanding":[{"intent":{"id":"","operation":{"do":"update","changes":{}},"marker":"tl-"},"item":"ticket","phase":{"is":"ready"},"attempts":0}],"dirty":true,"linked":[""],"parked":{"":{"want":"","kind":"rejected","reason":"","since":"2026-"}}}},"last":1}"#;

/// Bytes before a case's compressed JSON: its last position, its flags, what it is filed under, and the length of the
/// JSON.
const HEAD: usize = 8 + 1 + FILING + 4;
const WORKING: u8 = 1;
const PARKED: u8 = 2;
const CLOCK: u8 = 4;

/// A case as it is stored: its head in clear, then its JSON, compressed.
pub(super) fn encode_case(case: &Case, json: &mut Vec<u8>) -> Result<Vec<u8>, Error> {
    json.clear();
    serde_json::to_writer(&mut *json, case)
        .map_err(|error| Error::Broken(format!("{} cannot be written as JSON: {error}", case.id)))?;
    let packed = lz4_flex::block::compress_with_dict(json, DICTIONARY);
    let head = Head::of(case);
    let mut value = Vec::with_capacity(packed.len() + HEAD);
    value.extend_from_slice(&head.last.map_or(u64::MAX, |last| last.0).to_be_bytes());
    let flags = [(head.working, WORKING), (head.parked, PARKED), (head.clock, CLOCK)];
    value.push(flags.into_iter().map(|(is, flag)| u8::from(is) * flag).sum());
    value.extend_from_slice(&head.filing.encode());
    value.extend_from_slice(&u32::try_from(json.len()).unwrap_or(u32::MAX).to_be_bytes());
    value.extend_from_slice(&packed);
    Ok(value)
}

/// The case in what [`encode_case`] wrote.
pub(super) fn decode_case(value: &[u8]) -> Result<Case, Error> {
    let broken = |what: String| Error::Broken(format!("a case cannot be read: {what}"));
    let (_, rest) =
        value.split_first_chunk::<{ 9 + FILING }>().ok_or_else(|| broken("it is too short".into()))?;
    let (length, packed) = rest.split_first_chunk::<4>().ok_or_else(|| broken("it is too short".into()))?;
    let length = usize::try_from(u32::from_be_bytes(*length)).unwrap_or_default();
    let json = lz4_flex::block::decompress_with_dict(packed, length, DICTIONARY)
        .map_err(|error| broken(error.to_string()))?;
    serde_json::from_slice(&json).map_err(|error| broken(error.to_string()))
}

/// What stands before a stored case, without reading the case.
pub(super) fn head_of(value: &[u8]) -> Result<Head, Error> {
    let too_short = || Error::Broken("a case is too short".into());
    let Some((last, [flags, rest @ ..])) = value.split_first_chunk::<8>() else { return Err(too_short()) };
    let filing = Filing::decode(rest.first_chunk().ok_or_else(too_short)?);
    let last = Some(u64::from_be_bytes(*last)).filter(|last| *last != u64::MAX).map(Position);
    let [working, parked, clock] = [WORKING, PARKED, CLOCK].map(|flag| flags & flag != 0);
    Ok(Head { last, working, parked, clock, filing })
}

/// Numbers sort as they count.
pub(super) fn number(number: u64) -> Vec<u8> {
    number.to_be_bytes().to_vec()
}

/// The number in the first eight bytes.
pub(super) fn read_number(bytes: &[u8]) -> Result<u64, Error> {
    let first = bytes.split_first_chunk::<8>().map(|(first, _)| u64::from_be_bytes(*first));
    first.ok_or_else(|| Error::Broken("a number is too short".into()))
}

/// The case in the first eight bytes.
pub(super) fn read_case_id(bytes: &[u8]) -> Result<CaseId, Error> {
    read_number(bytes).map(CaseId)
}

/// A name inside a system. System names have no zero byte.
pub(super) fn name(system: &SystemName, name: &str) -> Vec<u8> {
    let mut key = Vec::with_capacity(system.as_str().len() + 1 + name.len());
    key.extend_from_slice(system.as_str().as_bytes());
    key.push(0);
    key.extend_from_slice(name.as_bytes());
    key
}

/// A ticket's key.
pub(super) fn ticket(ticket: &TicketRef) -> Vec<u8> {
    name(&ticket.system, ticket.id.as_str())
}

/// What stands under a product of a system begins like this; all are of the same length for one system.
pub(super) fn product(system: &SystemName, product: &str) -> Vec<u8> {
    name(system, Fingerprint::of(product).as_str())
}

/// A text that was stored as it is.
pub(super) fn read_text(bytes: &[u8]) -> Result<String, Error> {
    let text = std::str::from_utf8(bytes);
    text.map(str::to_owned).map_err(|error| Error::Broken(format!("a text cannot be read: {error}")))
}

/// Texts, as a value.
pub(super) fn texts(texts: &BTreeSet<String>) -> Result<Vec<u8>, Error> {
    serde_json::to_vec(texts).map_err(|error| Error::Broken(error.to_string()))
}

/// The texts in what [`texts`] wrote.
pub(super) fn read_texts(bytes: &[u8]) -> Result<BTreeSet<String>, Error> {
    serde_json::from_slice(bytes).map_err(|error| Error::Broken(format!("texts cannot be read: {error}")))
}
