//! What happened: the append-only, hash-chained record of everything, and the only thing that must be durable.

use serde::{Deserialize, Serialize};

/// Where a record begins: bytes since the beginning of the ledger, all segments counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Position(pub u64);
