//! Evidence: one file about one case that can be checked without us, or with only what one party was shown and said.
//!
//! The file is a tar archive without compression, made by one recipe: every tool lists it, nothing in it has to be
//! unpacked to be hashed, and the same case at the same moment gives the same bytes. Its first entry is a signature
//! over all its other bytes, headers and padding too. In it stand the records with their proofs, the signed checkpoint
//! that the proofs lead to, and pages to read.

mod archive;
mod party;
mod proven;
mod report;
mod verify;

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use throughline_sdk::Timestamp;

use crate::agreement::{Format, Terms, render};
use crate::case::{AgreementVersion, Case, Fact, PartyName};
use crate::ledger::note::Signer;
use crate::ledger::{self, Journal, Keyring, Log, Opened, Position};
use crate::store::Index;
use archive::File;
use proven::Proven;

pub use verify::{Verified, verify};

/// Why there is no evidence.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The ledger cannot be read.
    #[error(transparent)]
    Ledger(#[from] ledger::Error),
    /// The party has nothing to do with the case.
    #[error("{party} takes no part in this case, so there is nothing that it was shown or said")]
    Stranger {
        /// The party.
        party: PartyName,
    },
    /// It cannot be put together.
    #[error("the evidence cannot be put together: {0}")]
    Unwritable(String),
}

impl From<serde_json::Error> for Error {
    fn from(error: serde_json::Error) -> Self {
        Self::Unwritable(error.to_string())
    }
}

/// What the log has about a case.
struct Told {
    records: Vec<Opened>,
    agreements: Vec<Opened>,
    proven: Vec<Proven>,
    agreed: Vec<Proven>,
    checkpoint: String,
    head: ledger::Head,
}

/// The evidence about a case: all of it, or what one party was shown and said.
///
/// # Errors
///
/// See [`Error`].
pub async fn evidence(
    journal: &Journal,
    signer: &Signer,
    case: &Case,
    whose: Option<&PartyName>,
    now: Timestamp,
) -> Result<Vec<u8>, Error> {
    let agreed = journal.read(Index::agreed).await?;
    let (last, whose) = (case.last, whose.cloned());
    let for_party = whose.clone();
    let told = journal.log(move |log, keyring| {
        let records = log.story(keyring, last)?;
        let in_force = versions(&records);
        let places = agreed.iter().filter(|agreed| in_force.contains(&agreed.version));
        let places: Vec<Position> = places.map(|agreed| agreed.position).collect();
        Ok(tell(log, keyring, records, &places, for_party.as_ref()))
    });
    let told = told.await??;
    let checkpoint = signer.checkpoint(&told.head);
    let told = Told { checkpoint, ..told };
    let files = match &whose {
        Some(party) => {
            let mut files = vec![
                File::text("README.txt", report::party_readme(&signer.verifier(), party)),
                File::text(
                    "report.html",
                    report::party(&told.proven, party, &signer.verifier(), &told.head, now),
                ),
            ];
            files.extend(common(&told, signer)?);
            files
        }
        None => {
            let mut files = vec![
                File::text("README.txt", report::readme(&signer.verifier(), case)),
                File::text(
                    "report.html",
                    report::whole(case, &told.records, &signer.verifier(), &told.head, now),
                ),
            ];
            files.extend(common(&told, signer)?);
            files.push(File::text("agreements.jsonl", lines(&told.agreed)?));
            files.extend(told.agreements.iter().flat_map(|opened| &opened.record.facts).filter_map(terms));
            files
        }
    };
    archive::pack(&files, signer)
}

fn common(told: &Told, signer: &Signer) -> Result<[File; 3], Error> {
    Ok([
        File::text("checkpoint", told.checkpoint.clone()),
        File::text("key", format!("{}\n", signer.verifier())),
        File::text("records.jsonl", lines(&told.proven)?),
    ])
}

fn tell(
    log: &Log,
    keyring: &Keyring,
    records: Vec<Opened>,
    agreements: &[Position],
    whose: Option<&PartyName>,
) -> Result<Told, Error> {
    let (mut proven, mut agreed, mut documents) = (Vec::new(), Vec::new(), Vec::new());
    match whose {
        Some(party) => proven = party::shown(log, &records, party)?,
        None => {
            for opened in &records {
                proven.push(Proven::whole(log, opened)?);
            }
            for position in agreements {
                let opened = log.record(keyring, *position)?;
                if opened.record.seq <= log.head().size {
                    agreed.push(Proven::whole(log, &opened)?);
                    documents.push(opened);
                }
            }
        }
    }
    let head = log.head();
    Ok(Told { records, agreements: documents, proven, agreed, checkpoint: String::new(), head })
}

/// The versions of agreements under which something of the case was decided.
fn versions(records: &[Opened]) -> BTreeSet<AgreementVersion> {
    let facts = records.iter().flat_map(|opened| &opened.record.facts);
    let named = facts.filter_map(|fact| {
        if let Fact::Joined { version: Some(version), .. } | Fact::Amended { version, .. } = fact {
            return Some(version.clone());
        }
        None
    });
    named.collect()
}

/// The terms of an agreement as a page.
fn terms(fact: &Fact) -> Option<File> {
    let Fact::Agreed { version, document, .. } = fact else { return None };
    let short: String = version.0.chars().filter(char::is_ascii_hexdigit).take(12).collect();
    let terms = Terms::read(document).ok()?;
    Some(File::text(&format!("agreement-{short}.html"), render(&terms, Format::Html)))
}

fn lines(proven: &[Proven]) -> Result<String, Error> {
    let mut text = String::new();
    for record in proven {
        text.push_str(&serde_json::to_string(record)?);
        text.push('\n');
    }
    Ok(text)
}
