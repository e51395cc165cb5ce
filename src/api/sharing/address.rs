//! The addresses under which files of ours are fetched: nobody guesses one, and each ends of itself.

use chrono::TimeDelta;
use ring::hmac;
use throughline_sdk::Timestamp;
use url::Url;

use super::agreement::Agreement;

/// How long a file can be fetched. Partners fetch at once; one that was down comes back within this time.
const LIFE: TimeDelta = TimeDelta::days(7);

/// What an address is for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted<'a> {
    pub(super) number: u64,
    pub(super) uuid: &'a str,
}

/// Why an address leads nowhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Closed {
    /// It was never given out.
    Unknown,
    /// It has run out.
    Ended,
}

/// An address for a file of a ticket that is shared by this agreement.
pub(super) fn given(here: &Url, agreement: &Agreement, wanted: Wanted<'_>, now: Timestamp) -> String {
    let until = now.checked_add_signed(LIFE).unwrap_or(now).timestamp();
    let signature = hmac::sign(&key(agreement), &signed(wanted, until));
    let hex: String = signature.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    let (here, Wanted { number, uuid }) = (here.as_str().trim_end_matches('/'), wanted);
    format!("{here}/files/{number}/{uuid}/{until}/{hex}")
}

/// Whether an address was given out and still leads somewhere.
pub(super) fn check(
    agreement: &Agreement,
    wanted: Wanted<'_>,
    until: i64,
    signature: &str,
    now: Timestamp,
) -> Result<(), Closed> {
    let digits: Option<Vec<u32>> = signature.chars().map(|digit| digit.to_digit(16)).collect();
    let digits = digits.filter(|digits| digits.len() == 64).ok_or(Closed::Unknown)?;
    let bytes: Option<Vec<u8>> = digits
        .chunks(2)
        .map(|pair| match pair {
            [high, low] => u8::try_from(high * 16 + low).ok(),
            _ => None,
        })
        .collect();
    let bytes = bytes.ok_or(Closed::Unknown)?;
    hmac::verify(&key(agreement), &signed(wanted, until), &bytes)
        .map_err(|ring::error::Unspecified| Closed::Unknown)?;
    if until < now.timestamp() { Err(Closed::Ended) } else { Ok(()) }
}

fn key(agreement: &Agreement) -> hmac::Key {
    hmac::Key::new(hmac::HMAC_SHA256, agreement.key().as_bytes())
}

fn signed(wanted: Wanted<'_>, until: i64) -> Vec<u8> {
    let Wanted { number, uuid } = wanted;
    format!("networked help desk file\n{number}\n{uuid}\n{until}").into_bytes()
}
