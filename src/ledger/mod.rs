//! What happened: the append-only, hash-chained record of everything, and the only thing that must be durable.
//!
//! Under the data directory stand
//!
//! - `ledger/<first byte offset, 20 digits>.log`: the segments, one record per line, each line
//!   `<hexadecimal SHA-256 of the previous hash and this record> <record as JSON>`; the hash before the first
//!   record is 64 zeros;
//! - `tree`: the Merkle tree over the records, made from them (see [`log`]);
//! - `keyring`: the key of each case, wrapped under the daemon's master key (see [`keyring`]);
//! - `checkpoint`: how far the ledger is known to be whole, so that a missing end is noticed;
//! - `files/`: attached files by digest.
//!
//! Anybody can check the chain without this program: `tests/verify.py ledger DATA_DIRECTORY` does so with
//! nothing but Python's own library. It takes no key, because what is hashed is the sealed record; erasing a case
//! (destroying its key) leaves the chain as it was.
//!
//! The chain shows that a record was changed, moved, put in or taken out. Somebody who can rewrite every later
//! record *and* the checkpoint can forge all of it. Therefore the records are also the leaves of a Merkle tree by
//! RFC 6962, whose size and root are given away as signed checkpoints (see [`note`]): whoever holds one can be shown
//! by a short proof that a record stands in the log, or that a later checkpoint only appended to it, and needs
//! neither the log nor us for that. A leaf is the record's hash in the chain and the root over its items, so that
//! single facts can be proven to somebody who sees nothing else of the record.

pub mod blobs;
mod checkpoint;
mod error;
pub mod export;
pub mod history;
mod items;
pub mod journal;
pub mod keyring;
pub mod log;
pub mod medium;
mod merkle;
pub mod note;
mod packed;
mod record;
mod recover;
mod sealed;
mod segments;
mod told;
mod tree;
pub mod verify;
pub mod watch;
mod words;
mod writer;

#[cfg(test)]
pub(crate) mod tests;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use blobs::BlobFolder;
pub use checkpoint::Mark;
pub(crate) use checkpoint::{hex, unhex};
pub use error::Error;
pub use export::{Scope, export};
pub use history::{Heading, History};
pub use items::Item;
pub use journal::{Committed, Entry, Journal, News, Offload, Parts};
pub use keyring::{Keyring, MasterKey};
pub use log::Log;
pub(crate) use medium::fill;
pub use medium::{FileMedium, Medium, MemoryMedium};
pub use merkle::{Hash, Head};
pub(crate) use record::chained;
pub use record::{Leaf, Opened, Record};
pub(crate) use sealed::{SealedFolder, Unread, sealing_key};
pub use told::Told;
pub use verify::{Fault, Verified, verify};
pub use words::{FACT_WORDS, fact_word};

/// Where a record begins: bytes since the beginning of the ledger, all segments counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Position(pub u64);

impl std::fmt::Display for Position {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}
