//! Who looked at what: filed for auditors, by case and as a whole, the latest first.

use serde::{Deserialize, Serialize};

use super::{Changes, Error, Index, Table, codec};
use crate::case::{CaseId, Fact, Look};
use crate::ledger::Position;

/// A look, and where it was recorded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Looked {
    /// Where it was recorded.
    pub position: Position,
    /// Who looked at what.
    #[serde(flatten)]
    pub look: Look,
}

/// Under what the looks at one case stand, and those at anything.
fn prefix(case: Option<CaseId>) -> Vec<u8> {
    match case {
        Some(case) => [b"c".as_slice(), &codec::number(case.0)].concat(),
        None => b"a".to_vec(),
    }
}

/// Where something stands in a list whose latest comes first.
pub(super) fn place(position: Position) -> Vec<u8> {
    codec::number(u64::MAX - position.0)
}

/// Where those begin that were recorded before `before`; all of them without it.
pub(super) fn earlier(before: Option<Position>) -> Vec<u8> {
    before.map(|before| codec::number((u64::MAX - before.0).saturating_add(1))).unwrap_or_default()
}

impl Index {
    /// Who looked at a case, or at anything, the latest first, from those on that were recorded before `before`.
    ///
    /// # Errors
    ///
    /// When the store cannot be read.
    pub fn looked(
        &self,
        case: Option<CaseId>,
        before: Option<Position>,
        limit: usize,
    ) -> Result<Vec<Looked>, Error> {
        let rows = self.under(Table::Looked, &prefix(case), &earlier(before), limit)?;
        let read = |value: &[u8]| {
            serde_json::from_slice(value)
                .map_err(|error| Error::Broken(format!("a look cannot be read: {error}")))
        };
        rows.iter().map(|(_, value)| read(value)).collect()
    }
}

impl Changes<'_> {
    /// Files a look.
    pub(super) fn look(&mut self, fact: &Fact, position: Position) -> Result<(), Error> {
        let Fact::Looked(look) = fact else { return Ok(()) };
        let looked = Looked { position, look: look.clone() };
        let value = serde_json::to_vec(&looked).map_err(|error| Error::Broken(error.to_string()))?;
        for prefix in [Some(prefix(None)), look.case.map(|case| prefix(Some(case)))].into_iter().flatten() {
            self.set(Table::Looked, [prefix, place(position)].concat(), Some(value.clone()));
        }
        Ok(())
    }
}
