//! What becomes of one item on one leg, decided in one place: the planner acts on it, the verdict tells it.

use throughline_sdk::{Class, ErrorKind, SystemName};

use super::planner::print_of;
use super::project::{Target, Write};
use crate::agreement::{Refused, Unnamed};
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
    /// Not to be there any more while a copy is under way: that is taken back once it is there.
    Outrun,
    /// Another comment has to go first.
    Behind,
    /// This system has to be read first.
    Unread(SystemName),
    /// Its bytes have to be read and stored first.
    Unstored,
    /// Its text has to be looked through for this leg first.
    Unprepared,
    /// Values in it need a pseudonym first.
    Unnamed(Vec<Unnamed>),
    /// Something internal that was sent there before is public: nothing internal follows.
    Leaks,
    /// The request has to be accepted first, or was not taken on; `tell`: that it waits is not recorded yet.
    NotAccepted { tell: bool },
    /// What was parked stands in its way.
    Parked,
    /// It cannot be sent, and is parked.
    Refused { want: Fingerprint, kind: ErrorKind, reason: String },
    /// It waits for a person to let it through.
    Held { want: Fingerprint, reason: String },
    /// The agreement keeps it back.
    Kept { what: String, rule: &'static str },
    /// A copy has to be taken back by a person, who is told so once.
    ByHand { what: String, reason: String, told: bool },
    /// A copy that had to be taken back is not there any more, or may stay.
    Recalled { what: String },
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

    /// What follows where an item may not leave, unless what was parked says so already: it waits for pseudonyms, or for
    /// a person.
    pub(super) fn refuse(&self, item: &Item, want: Fingerprint, refused: Refused) -> Decision {
        if self.blocked(item, &want) {
            return Decision::Parked;
        }
        let reason = refused.to_string();
        match refused {
            Refused::Unnamed(unnamed) => Decision::Unnamed(unnamed),
            Refused::Left(_) => Decision::Held { want, reason },
            Refused::Untranslatable(_) => Decision::Refused { want, kind: ErrorKind::Misconfigured, reason },
            Refused::Undecided(_) => Decision::Refused { want, kind: ErrorKind::Rejected, reason },
        }
    }

    /// What follows where the system cannot take an item.
    pub(super) fn cannot(&self, item: &Item, want: Fingerprint, reason: String) -> Decision {
        if self.blocked(item, &want) {
            return Decision::Parked;
        }
        Decision::Refused { want, kind: ErrorKind::Unsupported, reason }
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
