//! Who came in, who was not let in, and what changed about who may: filed for auditors, the latest first.

use serde::{Deserialize, Serialize};
use throughline_sdk::Timestamp;

use super::look::{earlier, place};
use super::{Changes, Error, Index, Table};
use crate::case::{Door, Fact};
use crate::ledger::Position;

/// Something about who may enter, and where it was recorded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entered {
    /// Where it was recorded.
    pub position: Position,
    /// When.
    pub at: Timestamp,
    /// What.
    pub door: Door,
}

impl Index {
    /// Who came in and what changed about who may, the latest first, from those on that were recorded before `before`.
    ///
    /// # Errors
    ///
    /// When the store cannot be read.
    pub fn entered(&self, before: Option<Position>, limit: usize) -> Result<Vec<Entered>, Error> {
        let rows = self.under(Table::Entered, &[], &earlier(before), limit)?;
        let read = |value: &[u8]| {
            serde_json::from_slice(value)
                .map_err(|error| Error::Broken(format!("what happened at the door cannot be read: {error}")))
        };
        rows.iter().map(|(_, value)| read(value)).collect()
    }
}

impl Changes<'_> {
    /// Files what happened at the door.
    pub(super) fn door(&mut self, fact: &Fact, at: Timestamp, position: Position) -> Result<(), Error> {
        let Fact::Door(door) = fact else { return Ok(()) };
        let entered = Entered { position, at, door: door.clone() };
        let value = serde_json::to_vec(&entered).map_err(|error| Error::Broken(error.to_string()))?;
        self.set(Table::Entered, place(position), Some(value));
        Ok(())
    }
}
