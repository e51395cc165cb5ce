//! Sessions: people who are logged in. The secret is with the browser only; here stands its hash.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use throughline_sdk::Timestamp;

use super::secret::Hash;
use crate::case::{Way, Who};

/// Somebody who is logged in.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Session {
    pub(super) hash: Hash,
    /// Whose it is.
    pub account: Who,
    /// How it began.
    pub way: Way,
    /// When it began.
    pub began: Timestamp,
    /// When it was used last.
    pub seen: Timestamp,
}

/// How long a session lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Lasts {
    /// Without being used.
    pub(super) idle: Duration,
    /// At most.
    pub(super) whole: Duration,
}

impl Session {
    /// By what an admin tells it from others.
    pub fn handle(&self) -> String {
        self.hash.handle()
    }

    pub(super) fn has_ended(&self, lasts: Lasts, now: Timestamp) -> bool {
        let over = |since: Timestamp, span: Duration| (now - since).to_std().is_ok_and(|age| age >= span);
        over(self.seen, lasts.idle) || over(self.began, lasts.whole)
    }
}
