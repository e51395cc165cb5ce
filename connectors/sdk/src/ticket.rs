//! The canonical ticket: what every connector reads a record of its system into.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    CommentId, Digest, Error, ErrorKind, FileId, Marker, Reference, RemoteId, Result, Timestamp, Version,
};

/// A ticket as read from its system, in the system's own words for status, priority and type.
///
/// It is complete: a comment or file that is not in it is not visible to our account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ticket {
    /// The immutable id. If it differs from the id asked for, the ticket was merged or moved.
    pub id: RemoteId,
    /// The number people use; often the id.
    pub key: String,
    /// The remote version, where the system has one. Grows or at least changes with each visible change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<Version>,
    /// Where a person opens it in a browser.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// One line.
    pub title: String,
    /// Many lines, in the canonical text form: Markdown as `throughline-markup` defines it where the system formats
    /// text, with `\n` line ends and no trailing white space in any case.
    #[serde(default)]
    pub description: String,
    /// The status in the system's own word, as [`Description`](crate::Description) lists it.
    pub status: String,
    /// The priority in the system's own word.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority: Option<String>,
    /// The type (tracker, queue, category) in the system's own word.
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// Custom fields by the name the system shows; an empty value is left out.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub fields: BTreeMap<String, String>,
    /// Who raised it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requester: Option<Person>,
    /// Oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub comments: Vec<Comment>,
    /// Oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<File>,
    /// Links to records elsewhere.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub references: Vec<Reference>,
    /// Our marker, if this ticket was created by an intent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub marker: Option<Marker>,
    /// When it was raised.
    pub created: Timestamp,
    /// When it last changed, at the system's granularity.
    pub updated: Timestamp,
    /// What of its texts could not be read into canonical form. Mostly empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lost: Vec<Lost>,
}

/// What reading one of a ticket's texts lost.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lost {
    /// The comment; `None` for the description.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<CommentId>,
    /// In words, such as "colour was dropped".
    pub what: String,
}

/// Who may read a comment or file inside its own system.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Visibility {
    /// The system says that the requester may read it.
    Public,
    /// The system says that only its own staff may read it.
    Internal,
    /// The system did not say. Never shared.
    Unknown,
}

impl Visibility {
    /// Whether only the system's own staff may read it.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unsupported`] where nobody said: a desk would show it to whom it shows things by default.
    pub fn is_internal(self) -> Result<bool> {
        match self {
            Self::Public => Ok(false),
            Self::Internal => Ok(true),
            Self::Unknown => Err(Error::new(
                ErrorKind::Unsupported,
                "a comment and its files are public or internal, and nobody said which",
            )),
        }
    }
}

/// A person as a system names them. Never an address to send anything to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    /// The name shown to readers.
    pub name: String,
}

/// One comment of a ticket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Comment {
    /// The immutable id.
    pub id: CommentId,
    /// Who wrote it.
    pub author: Person,
    /// The text in the canonical form, without our marker.
    pub body: String,
    /// Who may read it.
    pub visibility: Visibility,
    /// When it was written.
    pub created: Timestamp,
    /// Our marker, if an intent wrote it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub marker: Option<Marker>,
}

/// One file of a ticket; its bytes are read with [`Connector::download`](crate::Connector::download).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct File {
    /// The immutable id.
    pub id: FileId,
    /// The file name, any Unicode, no path.
    pub name: String,
    /// The media type as the system states it.
    pub media_type: String,
    /// Size in bytes.
    pub size: u64,
    /// The digest, where the system states a SHA-256.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<Digest>,
    /// Who may read it.
    pub visibility: Visibility,
    /// Who attached it.
    pub author: Person,
    /// When it was attached.
    pub created: Timestamp,
    /// Our marker, if an intent attached it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub marker: Option<Marker>,
}

/// Text in the canonical form: `\n` line ends, no white space at the ends of lines, no empty lines at the end.
///
/// Idempotent: `canonical_text(canonical_text(t)) == canonical_text(t)`.
pub fn canonical_text(text: &str) -> String {
    let unified = text.replace("\r\n", "\n").replace('\r', "\n");
    let mut out = String::with_capacity(unified.len());
    for line in unified.split('\n') {
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out.trim_end().to_owned()
}
