//! What can go wrong with the ledger, in words that an operator can act on.

use std::io;
use std::sync::Arc;

use super::Position;
use crate::case::CaseId;
use crate::store;

/// A ledger that could not be opened, written or read. One failure may have many waiting callers, hence `Clone`.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// The file system refused.
    #[error("could not {action} {file}: {source}; free or repair the disk, then restart")]
    Io {
        /// What was tried.
        action: &'static str,
        /// On which file, relative to the data directory.
        file: String,
        /// The reason.
        source: Arc<io::Error>,
    },
    /// An earlier failure stopped all writing.
    #[error("the ledger stopped after an earlier failure ({0}); repair its cause, then restart")]
    Failed(String),
    /// The journal was closed.
    #[error("the ledger is closed: the daemon is stopping")]
    Closed,
    /// A record is not what was written.
    #[error(
        "the ledger is damaged at byte {position}: {what}; restore the data directory from a backup, \
         and keep the damaged one for the audit"
    )]
    Corrupt {
        /// Where.
        position: Position,
        /// What was found.
        what: String,
    },
    /// The keyring was written under another master key.
    #[error(
        "the master key does not open the keyring: the configured key is not the one this data was written with"
    )]
    WrongMasterKey,
    /// The key of a case does not open.
    #[error("the key of {case} in the keyring is damaged; restore the file keyring from a backup")]
    Key {
        /// The case.
        case: CaseId,
    },
    /// The case was erased on purpose.
    #[error("{case} was erased: nothing can be recorded for it or read from it any more")]
    Erased {
        /// The case.
        case: CaseId,
    },
    /// The state that was to be committed was not folded onto the case's last record.
    #[error("{case} moved on meanwhile: its last record is {last:?} and not {expected:?}; read it again")]
    Stale {
        /// The case.
        case: CaseId,
        /// The last record the caller knew.
        expected: Option<Position>,
        /// The last record there is.
        last: Option<Position>,
    },
    /// A record cannot be written as JSON.
    #[error("a record could not be written as JSON: {0}")]
    Unwritable(String),
    /// The correlation store refused.
    #[error("{0}")]
    Store(#[from] store::Error),
    /// The thread that was to do it is gone.
    #[error("the ledger's worker is gone: {0}; restart")]
    Worker(String),
}

impl Error {
    /// The same failure of the file system, named for the operator.
    pub(super) fn io(action: &'static str, file: &str) -> impl FnOnce(io::Error) -> Self {
        let file = file.to_owned();
        move |source| Self::Io { action, file, source: Arc::new(source) }
    }

    /// Whether later commits could not be trusted either.
    pub(super) fn is_sticky(&self) -> bool {
        match self {
            Self::Io { .. } | Self::Failed(_) | Self::Corrupt { .. } | Self::Store(_) | Self::Worker(_) => {
                true
            }
            Self::Closed
            | Self::WrongMasterKey
            | Self::Key { .. }
            | Self::Erased { .. }
            | Self::Stale { .. }
            | Self::Unwritable(_) => false,
        }
    }
}
