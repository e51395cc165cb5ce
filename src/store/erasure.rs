//! What was erased, who was forgotten, whose tickets are not taken up again, and which files nobody holds any more.

use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use throughline_sdk::{Digest, TicketRef, Timestamp};

use super::index::from;
use super::look::{earlier, place};
use super::{Changes, Error, Index, Table, codec};
use crate::case::{CaseId, Fact};
use crate::ledger::Position;

/// A case that was erased, or is being erased.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Erasure {
    /// The case.
    pub case: CaseId,
    /// When that was decided.
    pub at: Timestamp,
    /// Who wanted it.
    pub by: String,
    /// Why.
    pub because: String,
    /// How many files were deleted with it; `None` as long as it is not done.
    pub files: Option<u32>,
}

/// That a person was forgotten. Never who it was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Forgetting {
    /// When.
    pub at: Timestamp,
    /// Who wanted it.
    pub by: String,
    /// Why.
    pub because: String,
    /// How many pseudonyms stand for nobody since.
    pub pseudonyms: u32,
    /// Where it was recorded.
    pub record: u64,
}

impl Index {
    /// The case that had this ticket, if it was erased.
    ///
    /// # Errors
    ///
    /// When the store cannot be read.
    pub fn erased_with(&self, ticket: &TicketRef) -> Result<Option<CaseId>, Error> {
        self.case_id(Table::Erased, &codec::ticket(ticket))
    }

    /// What was erased, by case number, after `after`.
    ///
    /// # Errors
    ///
    /// When the store cannot be read.
    pub fn erasures(&self, after: CaseId, limit: usize) -> Result<Vec<Erasure>, Error> {
        let rows = self.under(Table::Erasures, &[], &from(after), limit)?;
        rows.iter().map(|(_, value)| read(value)).collect()
    }

    /// That people were forgotten, the latest first, from those on that were recorded before `before`.
    ///
    /// # Errors
    ///
    /// When the store cannot be read.
    pub fn forgotten(&self, before: Option<Position>, limit: usize) -> Result<Vec<Forgetting>, Error> {
        let rows = self.under(Table::Forgotten, &[], &earlier(before), limit)?;
        rows.iter().map(|(_, value)| read(value)).collect()
    }

    /// The cases that are being erased just now.
    ///
    /// # Errors
    ///
    /// When the store cannot be read.
    pub fn erasing(&self) -> Result<Vec<CaseId>, Error> {
        let rows = self.under(Table::Erasing, &[], &[], usize::MAX)?;
        rows.iter().map(|(key, _)| codec::read_case_id(key)).collect()
    }

    /// The files that a case holds or held.
    ///
    /// # Errors
    ///
    /// When the store cannot be read.
    pub fn files_of(&self, case: CaseId) -> Result<Vec<Digest>, Error> {
        let prefix = codec::number(case.0);
        let rows = self.under(Table::FilesOf, &prefix, &[], usize::MAX)?;
        let digest = |key: &[u8]| codec::read_text(key.get(prefix.len()..).unwrap_or_default());
        rows.iter().map(|(key, _)| digest(key).map(Digest::new)).collect()
    }

    /// Whether another case than this one holds a file.
    ///
    /// # Errors
    ///
    /// When the store cannot be read.
    pub fn is_held_elsewhere(&self, digest: &Digest, case: CaseId) -> Result<bool, Error> {
        let prefix = digest.as_str().as_bytes();
        // Two: one of them may be the case itself.
        let rows = self.under(Table::HoldersOf, prefix, &[], 2)?;
        let holder = |key: &[u8]| codec::read_case_id(key.get(prefix.len()..).unwrap_or_default());
        let holders = rows.iter().map(|(key, _)| holder(key)).collect::<Result<Vec<_>, Error>>()?;
        Ok(holders.iter().any(|holder| *holder != case))
    }
}

impl Changes<'_> {
    /// Erasures that begin and end.
    pub(super) fn erasures(&mut self, fact: &Fact) -> Result<(), Error> {
        if let Fact::Erasing { case, at, tickets, by, because } = fact {
            let (by, because) = (by.clone(), because.clone());
            self.keep_erasure(&Erasure { case: *case, at: *at, by, because, files: None })?;
            self.set(Table::Erasing, codec::number(case.0), Some(Vec::new()));
            for ticket in tickets {
                self.set(Table::Erased, codec::ticket(ticket), Some(codec::number(case.0)));
            }
        }
        if let Fact::Erased { case, files } = fact {
            self.set(Table::Erasing, codec::number(case.0), None);
            if let Some(before) = self.get(Table::Erasures, &codec::number(case.0))? {
                self.keep_erasure(&Erasure { files: Some(*files), ..read::<Erasure>(&before)? })?;
            }
        }
        Ok(())
    }

    /// A person who was forgotten.
    pub(super) fn forget(&mut self, fact: &Fact, at: Timestamp, position: Position) -> Result<(), Error> {
        let Fact::Forgotten { pseudonyms, by, because } = fact else { return Ok(()) };
        let (by, because) = (by.clone(), because.clone());
        let forgetting = Forgetting { at, by, because, pseudonyms: *pseudonyms, record: position.0 };
        let value = serde_json::to_vec(&forgetting).map_err(|error| Error::Broken(error.to_string()))?;
        self.set(Table::Forgotten, place(position), Some(value));
        Ok(())
    }

    fn keep_erasure(&mut self, erasure: &Erasure) -> Result<(), Error> {
        let value = serde_json::to_vec(erasure).map_err(|error| Error::Broken(error.to_string()))?;
        self.set(Table::Erasures, codec::number(erasure.case.0), Some(value));
        Ok(())
    }

    /// Files that a case holds from here on.
    pub(super) fn files(&mut self, fact: &Fact, case: CaseId) {
        let copy = if let Fact::Prepared { prepared, .. } = fact { prepared.copy.as_ref() } else { None };
        let stored = if let Fact::Stored { digest, .. } = fact { Some(digest) } else { None };
        if let Some(digest) = stored.or_else(|| copy.map(|copy| &copy.digest)) {
            let [of, by] = places(case, digest);
            self.set(Table::FilesOf, of, Some(Vec::new()));
            self.set(Table::HoldersOf, by, Some(Vec::new()));
        }
    }

    /// A case that is erased holds no file any more.
    pub(super) fn release_files(&mut self, case: CaseId) -> Result<(), Error> {
        for digest in self.index.files_of(case)? {
            let [of, by] = places(case, &digest);
            self.set(Table::FilesOf, of, None);
            self.set(Table::HoldersOf, by, None);
        }
        Ok(())
    }
}

fn places(case: CaseId, digest: &Digest) -> [Vec<u8>; 2] {
    let (case, digest) = (codec::number(case.0), digest.as_str().as_bytes());
    [[case.as_slice(), digest].concat(), [digest, case.as_slice()].concat()]
}

fn read<T: DeserializeOwned>(value: &[u8]) -> Result<T, Error> {
    serde_json::from_slice(value)
        .map_err(|error| Error::Broken(format!("an erasure cannot be read: {error}")))
}
