//! API tokens: programs that may enter.

use serde::{Deserialize, Serialize};
use throughline_sdk::Timestamp;

use super::secret::Hash;
use super::{Principal, RightName, Role};
use crate::case::Who;

/// How every token begins, so that scanners of source code find one that was left there.
pub(super) const PREFIX: &str = "tlk_";

/// A program that may enter.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Token {
    /// What the ledger names it by.
    pub id: Who,
    /// What it is called.
    pub name: String,
    /// What it may.
    pub role: Role,
    /// The rights that it was narrowed to; `None`: all of its role.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rights: Option<Vec<RightName>>,
    /// When it was made.
    pub made: Timestamp,
    /// When it ends; `None`: when it is revoked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// When it was used last, to the hour.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub used: Option<Timestamp>,
    pub(super) hash: Hash,
}

impl Token {
    /// Whether its time is over.
    pub fn has_ended(&self, now: Timestamp) -> bool {
        self.until.is_some_and(|until| until <= now)
    }

    pub(super) fn principal(&self) -> Principal {
        Principal {
            id: self.id.clone(),
            name: self.name.clone(),
            role: self.role.clone(),
            rights: self.rights.clone(),
            csrf: None,
        }
    }
}

/// A token to be made.
#[derive(Debug)]
pub struct NewToken {
    /// What it is called.
    pub name: String,
    /// What it may.
    pub role: Role,
    /// The rights that it is narrowed to; `None`: all of its role.
    pub rights: Option<Vec<RightName>>,
    /// When it ends; `None`: when it is revoked.
    pub until: Option<Timestamp>,
}
