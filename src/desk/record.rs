//! What is kept of one ticket or specification, and how a change of it is written down.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use throughline_sdk::{Digest, Timestamp};

use super::reference::Carried;

/// What a record is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Sort {
    /// A trouble ticket.
    Ticket,
    /// A specification of trouble tickets (version 5).
    Specification,
}

impl Sort {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Ticket, Self::Specification];

    /// Where its files stand, in the desk's folder.
    pub(super) fn folder(self) -> &'static str {
        match self {
            Self::Ticket => "tickets",
            Self::Specification => "specifications",
        }
    }
}

/// One ticket or specification.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// The form of this file.
    pub v: u8,
    /// The number of its last change; the desk counts its changes.
    pub change: u64,
    /// When it was made.
    pub created: Timestamp,
    /// When it was last changed.
    pub updated: Timestamp,
    /// What the partner sees of it, as version 5 of TMF621 writes it, without id, addresses and files' bytes; on a desk of
    /// the kind `networked-helpdesk`, as that protocol does.
    pub document: Map<String, Value>,
    /// Files by the id of their attachment.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub files: BTreeMap<String, Stored>,
    /// How many notes and attachments were given an id by the desk.
    #[serde(default)]
    pub parts: u64,
    /// How far a portal that only people reach has been brought up to this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub carried: Option<Carried>,
    /// What subscribers have not all been told yet, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<Event>,
    /// It was deleted; its number is never given again.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub deleted: bool,
}

impl Record {
    pub(super) const VERSION: u8 = 1;
}

/// A file that the bridge holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stored {
    /// Its bytes, by digest.
    pub digest: Digest,
    /// How many there are.
    pub size: u64,
}

/// Something that subscribers are told.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// The change it belongs to.
    pub change: u64,
    /// Its place among the events of that change.
    pub at: usize,
    /// When it happened.
    pub time: Timestamp,
    /// What it is called in the standard, such as `TroubleTicketStatusChangeEvent`.
    pub name: String,
    /// What of the ticket or specification it tells.
    pub document: Map<String, Value>,
}

/// An event to be.
#[derive(Clone, Debug, PartialEq)]
pub struct NewEvent {
    /// What it is called in the standard.
    pub name: String,
    /// What it tells.
    pub document: Map<String, Value>,
}

/// What a record becomes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Change {
    /// What the partner sees.
    pub document: Map<String, Value>,
    /// Files by the id of their attachment.
    pub files: BTreeMap<String, Stored>,
    /// How many notes and attachments were given an id by the desk.
    pub parts: u64,
    /// How far the portal is, where that changes.
    pub carried: Option<Carried>,
    /// What subscribers are told.
    pub events: Vec<NewEvent>,
    /// It is deleted.
    pub deleted: bool,
}
