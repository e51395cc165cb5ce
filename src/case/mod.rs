//! One request followed across systems: the canonical document, its legs, and the facts both are folded from.
//!
//! A [`Case`] is never changed directly: [`Case::apply`] folds one [`Fact`] into it, and the same fold serves the
//! running daemon and the rebuild of the store from the ledger.

mod claim;
mod custody;
pub mod disclosure;
mod document;
mod door;
mod fact;
mod fold;
mod grant;
mod item;
mod leg;
mod news;
mod offer;
mod reading;
mod reference;

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use throughline_sdk::{RemoteId, SystemName, Timestamp};

pub use claim::{Claim, Twin};
pub use custody::{Custody, Holder, Level, Resolver};
pub use document::{
    Attachment, Conflict, Document, Field, FieldValue, Fingerprint, Origin, Priority, Remark, Status,
};
pub use door::{Door, Happened, Look, Seen, Way, Who};
pub use fact::{Fact, HintSource};
pub(crate) use fold::WrittenValue;
pub use grant::{Approval, Ended, Environment, Grant, GrantId, GrantState, Granted};
pub use item::Item;
pub use leg::{
    Edited, FileCopy, Health, Leg, Outstanding, Parked, Phase, Prepared, Role, SeenComment, SeenField,
    SeenFile, Shadow, Written,
};
pub use offer::{Heard, HeardComment, Offer, OfferState};
pub use reading::{Reading, ReadingComment, ReadingFile};
pub use reference::{Reference, References};

use crate::ledger::Position;

/// A case's number, written `TL-1042`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct CaseId(pub u64);

/// An organization's configured name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct PartyName(pub String);

/// An agreement's configured name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct AgreementName(pub String);

/// The version of an agreement's terms: the SHA-256 of their canonical JSON, in hexadecimal digits. Twelve are shown.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct AgreementVersion(pub String);

/// One request: its canonical document and its legs, one for each system that holds a ticket about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Case {
    /// Its number.
    pub id: CaseId,
    /// When it was opened.
    pub opened: Timestamp,
    /// When somebody last did something about it.
    #[serde(default)]
    pub changed: Timestamp,
    /// What the request is, in Throughline's own words.
    pub document: Document,
    /// Its tickets, by system. A system holds at most one ticket of a case.
    pub legs: BTreeMap<SystemName, Leg>,
    /// Who answers for it and who has the ball.
    #[serde(default, skip_serializing_if = "Custody::is_empty")]
    pub custody: Custody,
    /// What counterparts are, were or may be shown beyond what is shared.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub grants: BTreeMap<GrantId, Grant>,
    /// Tickets whose place another system's has taken: they are still found by their names.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub former: BTreeMap<SystemName, RemoteId>,
    /// What it refers to besides its tickets.
    #[serde(default, skip_serializing_if = "References::is_empty")]
    pub references: References,
    /// How many intents were ever recorded for it; the next one's id is counted from here.
    #[serde(default)]
    pub intents: u32,
    /// Where its last record stands in the ledger; each record points to the one before it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<Position>,
}

impl Case {
    /// A case with nothing in it yet.
    pub fn new(id: CaseId, opened: Timestamp) -> Self {
        Self {
            id,
            opened,
            changed: opened,
            document: Document::default(),
            legs: BTreeMap::new(),
            custody: Custody::default(),
            grants: BTreeMap::new(),
            former: BTreeMap::new(),
            references: References::default(),
            intents: 0,
            last: None,
        }
    }

    /// Whether any leg has something left to do: an intent without its effect, a plan to be made again, or a write
    /// that was not read back. Or something that it refers to has to be read.
    pub fn has_work(&self) -> bool {
        self.references.has_work()
            || self.legs.values().any(|leg| !leg.outstanding.is_empty() || leg.dirty || leg.awaits_reading())
    }

    /// The moment at which the clock of an answer that is waited for runs out, or ran out and was not dealt with yet.
    pub fn answer_due(&self) -> Option<Timestamp> {
        self.legs.values().filter_map(|leg| leg.offer.as_ref()?.respond_by).min()
    }

    /// The moment at which the next clock runs out: that of an answer that is waited for, or of a grant.
    pub fn next_clock(&self) -> Option<Timestamp> {
        let answers = self.answer_due().into_iter();
        let grants = self.grants.values().filter(|grant| !grant.state.is_over()).map(|grant| grant.until);
        answers.chain(grants).min()
    }

    /// Whether anything of it waits for a person. What a person gave up does not.
    pub fn is_parked(&self) -> bool {
        let waits = |leg: &Leg| leg.parked.values().any(|parked| !parked.discarded);
        !self.document.conflicts.is_empty() || self.legs.values().any(waits)
    }
}

impl fmt::Display for CaseId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TL-{}", self.0)
    }
}

impl FromStr for CaseId {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.strip_prefix("TL-")
            .or_else(|| text.strip_prefix("tl-"))
            .and_then(|digits| digits.parse().ok())
            .map(Self)
            .ok_or_else(|| format!("{text:?} is no case id; one looks like TL-1042"))
    }
}

impl fmt::Display for PartyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for AgreementName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for AgreementVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.get(..12).unwrap_or(&self.0))
    }
}
