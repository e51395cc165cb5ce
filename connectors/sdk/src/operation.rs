//! Operations as data: the one value that ledger, retry, replay, simulation and connectors speak of.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    CommentId, Digest, Error, ErrorKind, FileId, IntentId, Marker, Reference, RemoteId, Result, Ticket,
    Version, Visibility,
};

/// One change to make in a system. Every connector matches every variant by name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub enum Operation {
    /// Create a ticket.
    Create(NewTicket),
    /// Set fields of a ticket, all of them or an error.
    Update {
        /// What becomes of which field.
        changes: Changes,
    },
    /// Bring the ticket to a status, by however many steps the system's workflow needs.
    Transition {
        /// The status in the system's own word.
        status: String,
    },
    /// Add a comment.
    Comment {
        /// The text in canonical form, already bearing its author's name.
        body: String,
        /// Set explicitly in the write: a desk's default is often public.
        visibility: Visibility,
    },
    /// Replace the text of a comment that an intent wrote earlier.
    Edit {
        /// The comment.
        comment: CommentId,
        /// Its new text.
        body: String,
    },
    /// Take back a comment that an intent wrote earlier: delete it, or empty it where that is all there is.
    Retract {
        /// The comment.
        comment: CommentId,
    },
    /// Attach a file.
    Attach {
        /// The file name, any Unicode.
        name: String,
        /// The media type.
        media_type: String,
        /// Size in bytes.
        size: u64,
        /// Its bytes, by digest, from [`Blobs`](crate::Blobs).
        digest: Digest,
        /// Who may read it there.
        visibility: Visibility,
    },
    /// Show the counterpart where that desk shows such things: its number, an address, and how it stands.
    ///
    /// Each intent about one counterpart of a ticket bears the same marker. A later one takes the place of what an
    /// earlier one wrote, and the same again changes nothing. Nothing of it is ever read as a comment, nor as a change
    /// by people.
    LinkBack(Reference),
}

impl Operation {
    /// The texts in canonical form that it carries: a description, the body of a comment.
    pub fn formatted(&self) -> Vec<&str> {
        match self {
            Self::Create(new) => vec![&new.description],
            Self::Update { changes } => changes.description.as_deref().into_iter().collect(),
            Self::Comment { body, .. } | Self::Edit { body, .. } => vec![body],
            Self::Transition { .. } | Self::Retract { .. } | Self::Attach { .. } | Self::LinkBack { .. } => {
                Vec::new()
            }
        }
    }
}

/// A file to attach, as [`Operation::Attach`] names it.
#[derive(Clone, Copy, Debug)]
pub struct NewFile<'a> {
    /// The file name, any Unicode.
    pub name: &'a str,
    /// The media type.
    pub media_type: &'a str,
    /// Size in bytes.
    pub size: u64,
    /// Its bytes, by digest, from [`Blobs`](crate::Blobs).
    pub digest: &'a Digest,
    /// Who may read it there.
    pub visibility: Visibility,
}

/// The content of a ticket to be created, in the target system's own words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewTicket {
    /// One line.
    pub title: String,
    /// Many lines, canonical text.
    pub description: String,
    /// The status to create it in, if other than the system's first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// The priority.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority: Option<String>,
    /// The type.
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// Custom fields.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub fields: BTreeMap<String, String>,
}

/// Fields to set, in the target system's own words. `None` leaves a field as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Changes {
    /// The new title.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// The new description.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The new priority.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority: Option<String>,
    /// The new type.
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// Custom fields; an empty text clears one.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub fields: BTreeMap<String, String>,
}

/// An operation for one leg, recorded before it is sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Intent {
    /// Its name in the ledger.
    pub id: IntentId,
    /// The ticket it is for; `None` when it creates one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ticket: Option<RemoteId>,
    /// What to do.
    pub operation: Operation,
    /// How its result is recognized, and the idempotency key where the desk takes one.
    /// The same for every attempt, also across restarts.
    pub marker: Marker,
    /// The version the plan was made on, for systems with conditional writes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected: Option<Version>,
}

impl Intent {
    /// The ticket in which what this intent makes is found again by its marker: a comment or a file. `None` for one that
    /// makes a ticket, and for one that sets a value, which bears no marker: a doubt about that is settled by reading.
    pub fn marked_in(&self) -> Option<&RemoteId> {
        let bears = matches!(self.operation, Operation::Comment { .. } | Operation::Attach { .. });
        self.ticket.as_ref().filter(|_| bears)
    }

    /// Refuses to write into a ticket that is not as the plan was made on; `stands` is its version now. An intent that
    /// expects no version may be carried out on any.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Conflict`] where it has another version.
    pub fn still_fits(&self, stands: Option<&Version>) -> Result<()> {
        if self.expected.is_some() && self.expected.as_ref() != stands {
            return Err(Error::new(ErrorKind::Conflict, "the ticket has changed since the plan was made"));
        }
        Ok(())
    }

    /// What bears its marker in that ticket, as it was read.
    pub fn left_in(&self, read: Ticket) -> Vec<Found> {
        let Some(ticket) = self.marked_in() else { return Vec::new() };
        let ours = |marker: Option<&Marker>| marker == Some(&self.marker);
        let subjects: Vec<Subject> = if let Operation::Attach { .. } = self.operation {
            let files = read.files.into_iter().filter(|file| ours(file.marker.as_ref()));
            files.map(|file| Subject::File(file.id)).collect()
        } else {
            let comments = read.comments.into_iter().filter(|comment| ours(comment.marker.as_ref()));
            comments.map(|comment| Subject::Comment(comment.id)).collect()
        };
        subjects.into_iter().map(|subject| Found { ticket: ticket.clone(), subject }).collect()
    }
}

/// What an intent made or changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Subject {
    /// The ticket itself, created or changed.
    Ticket(RemoteId),
    /// A comment.
    Comment(CommentId),
    /// A file.
    File(FileId),
}

/// What the remote system said, recorded after the call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Effect {
    /// What was made or changed.
    pub subject: Subject,
    /// The ticket as read back after the write, where the answer or the connector's own check gave it whole.
    /// `None` makes the engine fetch it.
    pub read_back: Option<Ticket>,
    /// What of the operation's text the system could not be told, in words such as "a table was kept as lines of
    /// text". Mostly empty.
    pub lost: Vec<String>,
}

impl Effect {
    /// What was made or changed, with nothing read back and nothing lost.
    pub fn of(subject: Subject) -> Self {
        Self { subject, read_back: None, lost: Vec::new() }
    }

    /// The same effect, with the ticket as it was read back, if it was.
    #[must_use]
    pub fn seen_in(self, ticket: impl Into<Option<Ticket>>) -> Self {
        Self { read_back: ticket.into(), ..self }
    }

    /// The same effect, with what of `operation`'s formatted text was lost, as `write` says of each text.
    #[must_use]
    pub fn with_lost<L: ToString>(mut self, operation: &Operation, write: impl Fn(&str) -> Vec<L>) -> Self {
        for loss in operation.formatted().into_iter().flat_map(write) {
            let loss = loss.to_string();
            if !self.lost.contains(&loss) {
                self.lost.push(loss);
            }
        }
        self
    }
}

/// What an earlier write with this marker left behind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The ticket it is in (or is).
    pub ticket: RemoteId,
    /// What was found.
    pub subject: Subject,
}

impl Found {
    /// A ticket that the write made.
    pub fn made(ticket: RemoteId) -> Self {
        Self { ticket: ticket.clone(), subject: Subject::Ticket(ticket) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_intent_fits_the_version_it_was_planned_on_and_any_where_it_names_none() {
        let version = |text: &str| Version::new(text);
        let mut intent = Intent {
            id: IntentId::new("one"),
            ticket: Some(RemoteId::new("7")),
            operation: Operation::Transition { status: "open".to_owned() },
            marker: Marker::from_hash(&[7; 32]),
            expected: None,
        };
        assert!(intent.still_fits(None).is_ok() && intent.still_fits(Some(&version("2"))).is_ok());
        intent.expected = Some(version("1"));
        assert!(intent.still_fits(Some(&version("1"))).is_ok());
        for stands in [None, Some(version("2"))] {
            assert_eq!(intent.still_fits(stands.as_ref()).unwrap_err().kind(), ErrorKind::Conflict);
        }
    }
}
