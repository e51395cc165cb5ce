//! The correlation store: what the ledger says, indexed. It can be thrown away and rebuilt at any time.
//!
//! An engine stores bytes under bytes and knows nothing of cases; [`Index`] gives them meaning, and holds what was not
//! written out to the engine yet.

mod changes;
mod codec;
mod entered;
mod erasure;
mod filing;
mod fresh;
mod index;
mod look;
pub mod memory;
pub mod sled;

#[cfg(test)]
pub(crate) mod tests;

use std::collections::BTreeMap;
use std::fmt::Debug;

use serde::{Deserialize, Serialize};

pub use changes::Changes;
pub use entered::Entered;
pub use erasure::{Erasure, Forgetting};
pub(crate) use filing::{
    Blocks, Members, SPAN, Term, block, breached_from, folded, hour, is_in_word, is_over_in, numbers, title,
    words, words_in_order,
};
pub use filing::{Standing, View};
pub use fresh::Fresh;
pub use index::{Agreed, Counts, Index, Paused, Reconfigured};
pub use look::Looked;

use crate::ledger::Mark;

/// An engine.
///
/// Every call may block and none waits for another process. After a failed call a store is done for: the daemon
/// restarts, and the ledger tells the rest.
pub trait Store: Debug + Send + Sync + 'static {
    /// The value under `key`.
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, Error>;

    /// Up to `limit` keys from `from` on, with their values, in the order of the keys.
    fn scan(&self, table: Table, from: &[u8], limit: usize) -> Result<Vec<Row>, Error>;

    /// Makes all changes and notes how far the ledger is applied: all of it or nothing, also in a crash.
    /// A later crash may forget it, together with everything after it.
    fn commit(&self, batch: Batch, applied: &Mark) -> Result<(), Error>;

    /// How far the ledger is applied; `None` if the store is empty.
    fn applied(&self) -> Result<Option<Mark>, Error>;

    /// Writes out what is held back.
    fn flush(&self) -> Result<(), Error>;

    /// Sets aside what there is and begins empty.
    fn reset(&self) -> Result<(), Error>;
}

/// What a key belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Table {
    /// Counters, the applied mark and the format's number.
    Meta,
    /// Cases by number.
    Cases,
    /// Ticket to case.
    Tickets,
    /// A ticket's number as people use it, to case.
    Keys,
    /// Marker of a `Create` to case.
    Markers,
    /// Intent of a `Create` to marker.
    Creates,
    /// System to cursor.
    Cursors,
    /// Standing hints, oldest first.
    Hints,
    /// Ticket to its standing hint.
    Hinted,
    /// Cases with something left to do.
    Working,
    /// Cases that wait for a person.
    Parked,
    /// Cases with a response clock that runs.
    Clocks,
    /// A product of an announcing system to the cases that are about it.
    Concerned,
    /// A product of an announcing system to what stands announced about it.
    Standing,
    /// An announcement that stands, to its products.
    Announced,
    /// Version of an agreement to its terms.
    Agreed,
    /// System to who paused it, why and since when.
    Paused,
    /// Reloads of the configuration, by the place of their record.
    Reconfigured,
    /// What cases are filed under, and a block of cases, to those of them that are.
    Filed,
    /// An hour, and a block of cases, to those open ones that last changed in it.
    Changed,
    /// An hour to how many open cases last changed in it.
    Hours,
    /// The moment at which a clock runs out, and a block of cases, to those of them whose clock that is.
    Due,
    /// Tickets of cases that were erased: under the ticket, the number of its case.
    Erased,
    /// What was erased, by the number of the case.
    Erasures,
    /// Cases that are being erased just now.
    Erasing,
    /// Files that a case holds: its number and the digest.
    FilesOf,
    /// Cases that hold a file: the digest and the number of the case.
    HoldersOf,
    /// Who looked at what, the latest first: of all cases, and of each.
    Looked,
    /// Who came in, and what changed about who may, the latest first.
    Entered,
    /// That people were forgotten, the latest first.
    Forgotten,
}

impl Table {
    /// The first byte of a key on engines with one tree. Never changes its meaning.
    pub fn byte(self) -> u8 {
        match self {
            Self::Meta => 1,
            Self::Cases => 2,
            Self::Tickets => 3,
            Self::Keys => 4,
            Self::Markers => 5,
            Self::Creates => 6,
            Self::Cursors => 7,
            Self::Hints => 8,
            Self::Hinted => 9,
            Self::Working => 10,
            Self::Parked => 11,
            Self::Concerned => 12,
            Self::Standing => 13,
            Self::Announced => 14,
            Self::Agreed => 15,
            Self::Clocks => 16,
            Self::Paused => 40,
            Self::Reconfigured => 41,
            Self::Filed => 17,
            Self::Changed => 18,
            Self::Hours => 19,
            Self::Due => 20,
            Self::Erased => 32,
            Self::Erasures => 33,
            Self::Erasing => 34,
            Self::FilesOf => 35,
            Self::HoldersOf => 36,
            Self::Forgotten => 37,
            Self::Looked => 48,
            Self::Entered => 49,
        }
    }
}

/// A key and its value.
pub type Row = (Vec<u8>, Vec<u8>);

/// Changes to be made together: a key and its new value, `None` to remove it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    /// By table and key.
    pub changes: BTreeMap<(Table, Vec<u8>), Option<Vec<u8>>>,
}

/// The key under [`Table::Meta`] where an engine keeps the applied mark.
pub(crate) const APPLIED: &[u8] = b"applied";
/// The number of the layout of tables and values; a store with another number is rebuilt.
const FORMAT: u32 = 7;

#[derive(Serialize, Deserialize)]
struct Applied {
    format: u32,
    mark: Mark,
}

/// A mark as engines keep it.
pub(crate) fn encode_applied(mark: &Mark) -> Result<Vec<u8>, Error> {
    let applied = Applied { format: FORMAT, mark: mark.clone() };
    serde_json::to_vec(&applied).map_err(|error| Error::Broken(error.to_string()))
}

/// The mark in what [`encode_applied`] wrote.
pub(crate) fn decode_applied(bytes: &[u8]) -> Result<Mark, Error> {
    let applied: Applied =
        serde_json::from_slice(bytes).map_err(|error| Error::Broken(format!("the applied mark: {error}")))?;
    if applied.format == FORMAT {
        Ok(applied.mark)
    } else {
        Err(Error::Broken(format!("its layout is number {}, not {FORMAT}", applied.format)))
    }
}

/// A store that could not be opened, read or written.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// The engine failed.
    #[error("the correlation store failed to {action}: {reason}; free or repair the disk, then restart")]
    Engine {
        /// What was tried.
        action: &'static str,
        /// The engine's words.
        reason: String,
    },
    /// What it holds cannot be read.
    #[error("the correlation store cannot be read: {0}; restart to rebuild it from the ledger")]
    Broken(String),
}
