//! What the desk keeps: tickets, what can be done to them, and who did it.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use throughline_sdk::{Clock, Timestamp};

/// What a desk is opened with.
#[derive(Clone, Debug)]
pub struct Settings {
    /// A short name, such as `helpdesk`. Its colour is derived from it.
    pub name: String,
    /// What people read at the top of each page.
    pub title: String,
    /// The token that opens the REST interface.
    pub token: String,
    /// Status words; a new ticket has the first. `true`: counts as closed.
    pub statuses: Vec<(String, bool)>,
    /// Priority words, lowest first; a new ticket has the second, or the first of one.
    pub priorities: Vec<String>,
    /// Types; a new ticket has the first.
    pub types: Vec<String>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Decides which requests meet a fault.
    pub seed: u64,
}

impl Settings {
    /// A desk with the default words.
    pub fn new(name: &str, title: &str, token: &str, clock: Arc<dyn Clock>) -> Self {
        let closed = |meaning: &str| matches!(meaning, "resolved" | "closed" | "cancelled");
        Self {
            name: name.to_owned(),
            title: title.to_owned(),
            token: token.to_owned(),
            statuses: crate::STATUSES
                .iter()
                .map(|(word, means)| ((*word).to_owned(), closed(means)))
                .collect(),
            priorities: crate::PRIORITIES.iter().map(|(word, _)| (*word).to_owned()).collect(),
            types: vec!["Incident".to_owned(), "Request".to_owned()],
            clock,
            seed: 1,
        }
    }
}

/// A ticket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Ticket {
    /// Its number.
    pub number: u64,
    /// One more with each change.
    pub version: u64,
    /// One line.
    pub title: String,
    /// Many lines.
    pub description: String,
    /// One of the desk's statuses.
    pub status: String,
    /// One of the desk's priorities.
    pub priority: String,
    /// One of the desk's types.
    #[serde(rename = "type")]
    pub kind: String,
    /// Custom fields.
    pub fields: BTreeMap<String, String>,
    /// Who raised it.
    pub requester: String,
    /// Oldest first.
    pub comments: Vec<Comment>,
    /// Oldest first.
    pub files: Vec<File>,
    /// Links to records elsewhere.
    pub references: Vec<Reference>,
    /// The token of the request that created it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub marker: Option<String>,
    /// When it was raised.
    pub created: Timestamp,
    /// When it last changed.
    pub updated: Timestamp,
}

/// A comment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Comment {
    /// Its id, unique in the desk.
    pub id: u64,
    /// Who wrote it.
    pub author: String,
    /// The text.
    pub body: String,
    /// For staff only.
    pub internal: bool,
    /// When.
    pub created: Timestamp,
    /// The token of the request that wrote it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub marker: Option<String>,
}

/// A file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct File {
    /// Its id, unique in the desk.
    pub id: u64,
    /// Its name.
    pub name: String,
    /// Its media type.
    pub media_type: String,
    /// Size in bytes.
    pub size: usize,
    /// For staff only.
    pub internal: bool,
    /// Who attached it.
    pub author: String,
    /// When.
    pub created: Timestamp,
    /// The token of the request that attached it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub marker: Option<String>,
    /// The bytes.
    #[serde(skip)]
    pub bytes: Bytes,
}

/// A link to a record elsewhere.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reference {
    /// Its name on the ticket: another one of this name takes its place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What it is called.
    pub label: String,
    /// Where it leads.
    #[serde(default)]
    pub url: Option<String>,
    /// How it stands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub summary: Option<String>,
}

/// Fields to set, of a new ticket or of one that is there.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Patch {
    /// The title.
    pub title: Option<String>,
    /// The description.
    pub description: Option<String>,
    /// The status.
    pub status: Option<String>,
    /// The priority.
    pub priority: Option<String>,
    /// The type.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// Custom fields; an empty text clears one.
    pub fields: BTreeMap<String, String>,
}

/// One thing done to the desk.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are those of the record each variant is about")]
pub enum Action {
    /// Raises a ticket.
    Create(Patch),
    /// Sets fields, only if the ticket's version is still `expected`.
    Patch { ticket: u64, patch: Patch, expected: Option<u64> },
    /// Comments.
    Comment { ticket: u64, body: String, internal: bool },
    /// Rewrites a comment.
    Edit { ticket: u64, comment: u64, body: String },
    /// Changes who may read a comment.
    Show { ticket: u64, comment: u64, internal: bool },
    /// Deletes a comment.
    Retract { ticket: u64, comment: u64 },
    /// Attaches a file.
    Attach { ticket: u64, name: String, media_type: String, bytes: Bytes, internal: bool },
    /// Links to a record elsewhere; a reference that is there already is left alone.
    Link { ticket: u64, reference: Reference },
    /// Deletes a ticket.
    Delete { ticket: u64 },
    /// Merges a ticket into another.
    Merge { ticket: u64, into: u64 },
}

/// Who did something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Actor {
    /// A person, by name.
    Person(String),
    /// The account of the REST interface.
    Api,
}

impl Actor {
    /// The name that readers see.
    pub fn name(&self) -> &str {
        match self {
            Self::Person(name) => name,
            Self::Api => "Throughline",
        }
    }
}

/// One write that took effect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Write {
    /// Its place in the order of all writes.
    pub sequence: u64,
    /// When it took effect.
    pub at: Timestamp,
    /// Who did it.
    pub who: Actor,
    /// The token the request bore.
    pub marker: Option<String>,
    /// The ticket.
    pub ticket: u64,
    /// What was done. The bytes of a file are shared, not copied.
    pub action: Action,
}

/// What a write made.
#[derive(Clone, Debug)]
pub struct Made {
    /// The ticket, as it is after the write.
    pub ticket: Arc<Ticket>,
    /// The comment's or file's id, if that is what was made.
    pub id: Option<u64>,
}

/// Why a write was not done.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// No such ticket, comment or file.
    #[error("{0} is not there")]
    Missing(String),
    /// A word that is not one of the desk's, or a rule against it.
    #[error("{0}")]
    Invalid(String),
    /// The ticket's version is another one.
    #[error("ticket {ticket} is at version {version} by now")]
    Stale {
        /// The ticket.
        ticket: u64,
        /// Its version.
        version: u64,
    },
}

/// The whole desk at one moment.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// All tickets by number.
    pub tickets: Vec<Arc<Ticket>>,
}

impl Snapshot {
    /// The ticket with this number.
    pub fn ticket(&self, number: u64) -> Option<&Ticket> {
        self.tickets.iter().find(|ticket| ticket.number == number).map(AsRef::as_ref)
    }
}
