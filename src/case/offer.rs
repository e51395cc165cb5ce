//! An offer: a request was passed to a party that may take it on or not.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use throughline_sdk::{CommentId, SystemName, Timestamp};

use super::{Field, Fingerprint, Item, Role};

/// An offer, on the counterpart's leg whichever side it came from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offer {
    /// The side that has to accept: the counterpart, or home where the counterpart raised the request.
    pub to: Role,
    /// How it stands.
    pub state: OfferState,
    /// Since when.
    pub since: Timestamp,
    /// The question, the reason, or why it was withdrawn.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub words: String,
    /// Until when an answer is due; `None` while no clock runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub respond_by: Option<Timestamp>,
    /// The clock ran out and was not started again.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub lapsed: bool,
    /// How often the clock ran out.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub lapses: u32,
    /// How often it was offered once more, after it was taken back or a person said so.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub again: u32,
    /// What was heard last, so that nothing is heard twice.
    #[serde(default, skip_serializing_if = "is_silence")]
    pub heard: Heard,
    /// What is said by the other side after this moment of its own desk answers the question that was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answers_after: Option<Timestamp>,
    /// The counterpart that did not take the request, whereupon it was offered here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<SystemName>,
    /// It was offered to somebody else instead.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub passed_on: bool,
    /// What is not sent before it is accepted.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub waiting: BTreeSet<Item>,
    /// What the counterpart changed before it accepted, which counts once it does.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub set_before: BTreeSet<Field>,
    /// How often its state changed.
    #[serde(default)]
    pub round: u32,
    /// The round of which the counterpart was told by us.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub told: u32,
}

/// How an offer stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OfferState {
    /// It waits for an answer.
    Offered,
    /// Something was asked before an answer is given.
    InformationRequested,
    /// It was taken on.
    Accepted,
    /// It was not taken on.
    Rejected,
    /// It was taken back by the side that made it.
    Withdrawn,
}

/// What was heard last from the side that has to accept.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Heard {
    /// The desk's word that said something.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub word: Option<String>,
    /// The comment that said something.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<HeardComment>,
}

/// A comment that said something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeardComment {
    /// Its id on the desk of the side that has to accept.
    pub id: CommentId,
    /// When it was written.
    pub written: Timestamp,
    /// Its text as it was heard.
    pub print: Fingerprint,
}

impl Offer {
    /// An offer to `to` that was just decided upon.
    pub fn new(to: Role, at: Timestamp, after: Option<SystemName>) -> Self {
        Self {
            to,
            state: OfferState::Offered,
            since: at,
            words: String::new(),
            respond_by: None,
            lapsed: false,
            lapses: 0,
            again: 0,
            heard: Heard::default(),
            answers_after: None,
            after,
            passed_on: false,
            waiting: BTreeSet::new(),
            set_before: BTreeSet::new(),
            round: 0,
            told: 0,
        }
    }

    /// Whether an answer is still waited for.
    pub fn is_open(&self) -> bool {
        matches!(self.state, OfferState::Offered | OfferState::InformationRequested)
    }

    /// Whether work on the request may pass in both directions.
    pub fn is_settled(&self) -> bool {
        self.state == OfferState::Accepted && !self.is_to_be_told()
    }

    /// Whether the counterpart has to be told by us how it stands.
    pub fn is_to_be_told(&self) -> bool {
        let ours = match (self.to, self.state) {
            (Role::Counterpart, OfferState::Withdrawn)
            | (Role::Home, OfferState::Accepted | OfferState::Rejected | OfferState::InformationRequested) => {
                true
            }
            (Role::Counterpart | Role::Home, _) => false,
        };
        ours && self.told < self.round
    }
}

impl OfferState {
    /// The word in the ledger and for readers.
    pub fn word(self) -> &'static str {
        match self {
            Self::Offered => "offered",
            Self::InformationRequested => "information_requested",
            Self::Accepted => "accepted",
            Self::Rejected => "rejected",
            Self::Withdrawn => "withdrawn",
        }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_zero(number: &u32) -> bool {
    *number == 0
}

fn is_silence(heard: &Heard) -> bool {
    *heard == Heard::default()
}
