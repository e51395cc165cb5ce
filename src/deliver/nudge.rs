//! What wakes a lane.

use std::sync::Arc;

use throughline_sdk::{Ticket, TicketRef};
use tokio::sync::oneshot;

use super::claim::{Claimed, Claiming};
use super::erase::ErasureAsked;
use super::refer::Announcement;
use crate::case::{Fact, GrantId, HintSource};
use crate::plan::{GrantAct, Unfit};
use crate::store::Erasure;

/// What wakes a lane.
#[derive(Debug)]
pub enum Nudge {
    /// A ticket may have changed.
    Hint {
        /// The ticket.
        ticket: TicketRef,
        /// What comes with the hint.
        hint: Hinted,
    },
    /// An announcement may concern the case.
    Announced {
        /// What was read.
        announcement: Arc<Announcement>,
        /// Told once it is durable what the case had to be told.
        done: oneshot::Sender<()>,
    },
    /// A person wants another ticket to take the place of one that was kept by hand.
    Claim {
        /// What.
        claiming: Claiming,
        /// Told what was found or done, or why nothing was.
        answer: oneshot::Sender<Result<Claimed, String>>,
    },
    /// The case is to be erased.
    Erase {
        /// Why.
        asked: ErasureAsked,
        /// Told once it is done.
        done: oneshot::Sender<Erasure>,
    },
    /// A timer ran out, or the daemon started: go on with what is outstanding.
    Resume {
        /// How often reading has failed before the timer was set.
        failures: u32,
    },
    /// A person decided something about the case.
    Command {
        /// What is recorded.
        fact: Box<Fact>,
        /// Told once it is durable.
        done: oneshot::Sender<()>,
    },
    /// A person does something about a grant.
    Grant {
        /// What.
        act: Box<GrantAct>,
        /// Told once it is durable, or why it is not done.
        done: oneshot::Sender<Result<GrantId, Unfit>>,
    },
}

/// A hint on its way to a lane, or several for one ticket taken together.
#[derive(Debug, Default)]
pub struct Hinted {
    /// How we came to know, as long as the hint does not stand in the ledger.
    pub unrecorded: Option<HintSource>,
    /// The ticket itself, from a webhook that is signed and complete.
    pub content: Option<Box<Ticket>>,
    /// Told once the hint is durable or known to change nothing.
    pub done: Vec<oneshot::Sender<()>>,
    /// How often reading the ticket has failed already.
    pub failures: u32,
}

impl Hinted {
    /// A hint that stands in the ledger.
    pub fn recorded() -> Self {
        Self::default()
    }

    /// A hint that stands nowhere yet.
    pub fn unrecorded(source: HintSource) -> Self {
        Self { unrecorded: Some(source), ..Self::default() }
    }

    /// Takes another hint for the same ticket in. Which of two contents is the newer one only a reading tells.
    pub(super) fn join(&mut self, other: Self) {
        self.content = None;
        self.unrecorded = self.unrecorded.and(other.unrecorded);
        self.done.extend(other.done);
        self.failures = self.failures.max(other.failures);
    }

    /// What has to be recorded for a ticket that could not be read: the sender is told that the hint is kept, or a
    /// timer has to find it. The reconciliation comes round again by itself.
    pub(super) fn record(&mut self, ticket: &TicketRef) -> Option<Fact> {
        let source = self.unrecorded.take_if(|source| *source != HintSource::Reconciliation)?;
        Some(Fact::Hinted { ticket: ticket.clone(), source })
    }

    /// Tells those who wait that the hint is kept.
    pub(super) fn acknowledge(self) {
        for done in self.done {
            acknowledge(done);
        }
    }
}

/// Tells somebody who may have gone.
pub(super) fn acknowledge(done: oneshot::Sender<()>) {
    done.send(()).ok();
}
