//! Checks an archive with nothing but the public key of the log.

use serde::Serialize;

use super::archive::{File, unpack};
use super::proven::Proven;
use crate::ledger::note::{Refused, Verifier};

/// What an archive proves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Verified {
    /// The log.
    pub log: String,
    /// How many records the log had.
    pub size: u64,
    /// Records that are shown to stand in it.
    pub records: u64,
    /// Of these, those whose whole line is here.
    pub lines: u64,
    /// Heads, facts and parts of facts that are shown to be what was recorded.
    pub items: u64,
    /// What is told and not proven.
    pub unproven: u64,
}

/// Checks every byte.
///
/// # Errors
///
/// The first thing that is wrong.
pub fn verify(archive: &[u8], verifier: &Verifier) -> Result<Verified, Refused> {
    let files = unpack(archive, verifier)?;
    let checkpoint = text(&files, "checkpoint")?;
    let head = verifier.checkpoint(checkpoint)?;
    let mut verified = Verified {
        log: verifier.name().to_owned(),
        size: head.size,
        records: 0,
        lines: 0,
        items: 0,
        unproven: 0,
    };
    let agreements =
        if files.iter().any(|file| file.name == "agreements.jsonl") { "agreements.jsonl" } else { "" };
    for name in ["records.jsonl", agreements].into_iter().filter(|name| !name.is_empty()) {
        for line in text(&files, name)?.lines() {
            let record: Proven = serde_json::from_str(line)
                .map_err(|error| Refused::new(format!("a record in {name} cannot be read: {error}")))?;
            record.check(&head)?;
            let count = |length: usize| u64::try_from(length).unwrap_or(u64::MAX);
            verified.records += u64::from(record.leaf.is_some());
            verified.lines += u64::from(record.line.is_some());
            verified.items += count(record.items.len());
            verified.unproven += count(record.unproven.len());
        }
    }
    Ok(verified)
}

fn text<'f>(files: &'f [File], name: &str) -> Result<&'f str, Refused> {
    let file = files.iter().find(|file| file.name == name);
    let content = file.and_then(|file| std::str::from_utf8(&file.content).ok());
    content.ok_or_else(|| Refused::new(format!("the archive has no {name}")))
}
