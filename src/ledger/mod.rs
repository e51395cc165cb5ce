//! What happened: the append-only, hash-chained record of everything, and the only thing that must be durable.
//!
//! Under the data directory stand
//!
//! - `ledger/<first byte offset, 20 digits>.log`: the segments, one record per line, each line
//!   `<hexadecimal SHA-256 of the previous hash and this record> <record as JSON>`; the hash before the first
//!   record is 64 zeros;
//! - `keyring`: the key of each case, wrapped under the daemon's master key (see [`keyring`]);
//! - `checkpoint`: how far the ledger is known to be whole, so that a missing end is noticed;
//! - `files/`: attached files by digest.
//!
//! Anybody can check the chain without this program: `tests/verify-ledger.py DATA_DIRECTORY` does so with
//! nothing but Python's own library. It takes no key, because what is hashed is the sealed record; erasing a case
//! (destroying its key) leaves the chain as it was.
//!
//! The chain shows that a record was changed, moved, put in or taken out. Somebody who can rewrite every later
//! record *and* the checkpoint can forge all of it: keep the last hash that [`verify`](verify::verify) tells
//! somewhere else if that matters.

pub mod blobs;
mod checkpoint;
mod error;
pub mod export;
pub mod history;
pub mod journal;
pub mod keyring;
pub mod medium;
mod packed;
mod record;
mod recover;
mod segments;
mod told;
pub mod verify;
mod writer;

#[cfg(test)]
pub(crate) mod tests;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use blobs::BlobFolder;
pub use checkpoint::Mark;
pub use error::Error;
pub use export::{Scope, export};
pub use history::{Heading, History};
pub use journal::{Committed, Entry, Journal, News, Offload, Parts};
pub use keyring::{Keyring, MasterKey};
pub use medium::{FileMedium, Medium, MemoryMedium};
pub use record::{FACT_WORDS, Record, fact_word};
pub use told::Told;
pub use verify::{Fault, Verified, verify};

/// Where a record begins: bytes since the beginning of the ledger, all segments counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Position(pub u64);

impl std::fmt::Display for Position {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}
