//! What of a document is sent, parked or taken back: its names as they stand in the ledger and on pages.

use std::fmt;

use serde::{Deserialize, Serialize};
use throughline_sdk::SystemName;

use super::{Field, Origin};

/// What of a document an intent carries, and so what is parked when it fails.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum Item {
    /// The ticket's creation.
    Ticket,
    /// One field.
    Field(Field),
    /// One comment.
    Remark(Origin),
    /// One file.
    Attachment(Origin),
    /// The link to the case's ticket in another system.
    LinkBack(SystemName),
    /// The offer itself: what waits for a person when nobody takes it on.
    Offer,
    /// A notice of ours, by its key.
    Notice(String),
    /// The taking back of a copy: `comment:ID` or `file:ID` on the leg.
    Recall(String),
    /// Something that was sent as internal and is not: `comment:ID` or `file:ID` on the leg.
    Leak(String),
}

impl fmt::Display for Item {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ticket => f.write_str("ticket"),
            Self::LinkBack(system) => write!(f, "link:{system}"),
            Self::Field(field) => write!(f, "{field}"),
            Self::Remark(origin) => write!(f, "comment:{origin}"),
            Self::Attachment(origin) => write!(f, "file:{origin}"),
            Self::Offer => f.write_str("offer"),
            Self::Notice(key) => write!(f, "notice:{key}"),
            Self::Recall(what) => write!(f, "recall:{what}"),
            Self::Leak(what) => write!(f, "leak:{what}"),
        }
    }
}

impl From<Item> for String {
    fn from(item: Item) -> Self {
        item.to_string()
    }
}

impl TryFrom<String> for Item {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        if let Some(origin) = text.strip_prefix("comment:") {
            return origin.to_owned().try_into().map(Self::Remark);
        }
        if let Some(origin) = text.strip_prefix("file:") {
            return origin.to_owned().try_into().map(Self::Attachment);
        }
        if let Some(system) = text.strip_prefix("link:") {
            return Ok(Self::LinkBack(SystemName::new(system)));
        }
        if let Some(key) = text.strip_prefix("notice:") {
            return Ok(Self::Notice(key.to_owned()));
        }
        if let Some(what) = text.strip_prefix("recall:") {
            return Ok(Self::Recall(what.to_owned()));
        }
        if let Some(what) = text.strip_prefix("leak:") {
            return Ok(Self::Leak(what.to_owned()));
        }
        match text.as_str() {
            "ticket" => Ok(Self::Ticket),
            "offer" => Ok(Self::Offer),
            field => field.parse().map(Self::Field),
        }
    }
}
