//! Why something about accounts, tokens or sessions could not be done.

use std::time::Duration;

use crate::ledger;

/// Why it could not be done.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// What was asked is wrong, in words.
    #[error("{0}")]
    Unfit(String),
    /// There is no such account or token.
    #[error("there is no {what} {name}")]
    Unknown {
        /// An account or a token.
        what: &'static str,
        /// How it was named.
        name: String,
    },
    /// Somebody else has the name.
    #[error("the name {name} is taken: choose another one, or remove the other first")]
    Taken {
        /// The name.
        name: String,
    },
    /// Name or password is wrong, or the account may not enter. It is not told which.
    #[error("name or password is not right, or the account may not enter")]
    Refused,
    /// The organization's own login did not tell who it is, in words for the person.
    #[error("{0}")]
    Provider(String),
    /// The organization's own login cannot be reached or understood.
    #[error("the organization's login cannot be asked: {0}")]
    Unreachable(String),
    /// The organization's own login knows somebody who has no role here.
    #[error("{0} has no role here: ask an admin of the bridge for one")]
    NoRole(String),
    /// Too many tries.
    #[error("too many tries; wait {} s", .0.as_secs().max(1))]
    Slowed(Duration),
    /// This bridge keeps no accounts.
    #[error("this bridge keeps no accounts")]
    None,
    /// The file is not what was written.
    #[error(
        "{file} is damaged or sealed under another master key; restore it from a backup, or remove it and make the \
         accounts anew"
    )]
    Damaged {
        /// The file.
        file: String,
    },
    /// The file system refused.
    #[error("{file} could not be {verb}: {source}; free or repair the disk")]
    Io {
        /// The file.
        file: String,
        /// What was tried.
        verb: &'static str,
        /// Why not.
        source: std::io::Error,
    },
    /// It could not be recorded, and so was not done.
    #[error(transparent)]
    Ledger(#[from] ledger::Error),
    /// Something that does not happen, in words.
    #[error("{0}")]
    Broken(String),
}

impl Error {
    pub(super) fn broken(what: impl std::fmt::Display) -> Self {
        Self::Broken(what.to_string())
    }
}
