//! What becomes of one item on one leg, decided in one place: the planner acts on it, the verdict tells it.

use throughline_sdk::{Class, ErrorKind, Operation, SystemName};

use super::planner::print_of;
use super::project::{Target, Write};
use crate::case::{Fingerprint, Item};

/// What becomes of an item on a leg.
#[derive(Debug)]
pub(super) enum Decision {
    /// It goes there by no rule, or there is nothing to go.
    Unshared,
    /// The legs disagree, and a person decides.
    Disputed,
    /// The leg has it.
    Has,
    /// The leg shows it already, without a write of ours.
    Agrees(Fingerprint),
    /// An intent for it is outstanding.
    UnderWay,
    /// Withdrawn while a copy is under way: that is taken back once it is there.
    Outrun,
    /// Another comment has to go first, whose text has to be read.
    Behind,
    /// This system has to be read first.
    Unread(SystemName),
    /// Its bytes have to be read and stored first.
    Unstored,
    /// What was parked stands in its way.
    Parked,
    /// It cannot be sent, and is parked.
    Refused { want: Fingerprint, kind: ErrorKind, reason: String },
    /// A copy of it stays there although it was withdrawn.
    Stays {
        /// The copy.
        what: String,
        rule: &'static str,
    },
    /// It is sent.
    Send(Box<Write>),
}

impl Target<'_> {
    /// A write, unless the same is under way or parked.
    pub(super) fn want(&self, write: Write) -> Decision {
        let under_way = self.leg.outstanding.iter();
        let mut under_way = under_way.filter(|standing| standing.item == write.item);
        if under_way.any(|standing| standing.intent.operation == write.operation) {
            return Decision::UnderWay;
        }
        if self.blocked(&write.item, &print_of(&write.operation)) {
            return Decision::Parked;
        }
        Decision::Send(Box::new(write))
    }

    /// Refuses an operation of this kind, unless what was parked says so already.
    pub(super) fn refuse(&self, item: &Item, want: Fingerprint, kind: ErrorKind, reason: String) -> Decision {
        if self.blocked(item, &want) { Decision::Parked } else { Decision::Refused { want, kind, reason } }
    }

    /// Whether something parked stands in the way of wanting this.
    pub(super) fn blocked(&self, item: &Item, want: &Fingerprint) -> bool {
        self.leg.parked.get(item).is_some_and(|parked| {
            // Whatever was parked in doubt may be there: another text must not make a second one of it.
            let doubtful = parked.kind.class() != Class::Park;
            parked.want == *want || (!parked.discarded && (doubtful || parked.is_untranslatable()))
        })
    }
}

/// Whether an operation takes something back rather than sending it.
pub(super) fn takes_back(operation: &Operation) -> bool {
    matches!(operation, Operation::Retract { .. })
}
