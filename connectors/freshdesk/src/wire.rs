//! Freshdesk's JSON and nothing else, so that its shapes can change in one place.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use throughline_sdk::Timestamp;

/// A ticket. Description, requester and attachments are not in lists.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Ticket {
    pub(crate) id: u64,
    pub(crate) subject: Option<String>,
    pub(crate) description: Option<String>,
    pub(crate) status: u64,
    pub(crate) priority: Option<u64>,
    #[serde(rename = "type")]
    pub(crate) kind: Option<String>,
    pub(crate) requester_id: Option<u64>,
    pub(crate) responder_id: Option<u64>,
    pub(crate) group_id: Option<u64>,
    #[serde(default, deserialize_with = "or_empty")]
    pub(crate) tags: Vec<String>,
    /// By the fields' names, not by their labels.
    #[serde(default, deserialize_with = "or_none")]
    pub(crate) custom_fields: BTreeMap<String, Value>,
    #[serde(default, deserialize_with = "or_empty")]
    pub(crate) attachments: Vec<Attachment>,
    /// Only where it was asked for.
    pub(crate) requester: Option<Contact>,
    /// In the bin.
    #[serde(default)]
    pub(crate) deleted: bool,
    #[serde(default)]
    pub(crate) spam: bool,
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Timestamp,
}

/// A reply or note.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Conversation {
    pub(crate) id: u64,
    pub(crate) body: Option<String>,
    pub(crate) body_text: Option<String>,
    pub(crate) private: Option<bool>,
    #[serde(default)]
    pub(crate) incoming: bool,
    pub(crate) source: Option<u64>,
    pub(crate) user_id: Option<u64>,
    #[serde(default, deserialize_with = "or_empty")]
    pub(crate) attachments: Vec<Attachment>,
    #[serde(default)]
    pub(crate) deleted: bool,
    pub(crate) created_at: Timestamp,
}

/// An attached file.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Attachment {
    pub(crate) id: u64,
    pub(crate) name: Option<String>,
    pub(crate) content_type: Option<String>,
    /// Some answers of the documentation say `file_size`.
    #[serde(default, alias = "file_size")]
    pub(crate) size: u64,
    /// Signed, and good for a while.
    pub(crate) attachment_url: Option<String>,
    pub(crate) created_at: Option<Timestamp>,
}

/// A person outside.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Contact {
    pub(crate) id: Option<u64>,
    pub(crate) name: Option<String>,
    pub(crate) email: Option<String>,
}

/// An agent, whose name stands in a contact of its own.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Agent {
    pub(crate) id: u64,
    pub(crate) contact: Option<Contact>,
}

/// A field of a ticket's form, with its choices in the form that its type has.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Field {
    pub(crate) name: String,
    pub(crate) label: String,
    #[serde(rename = "type")]
    pub(crate) kind: String,
    #[serde(default)]
    pub(crate) choices: Value,
    #[serde(default, deserialize_with = "or_empty")]
    pub(crate) nested_ticket_fields: Vec<Nested>,
}

/// A field that depends on another.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Nested {
    pub(crate) name: String,
    pub(crate) label: String,
}

/// Answer to a search.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Found {
    pub(crate) results: Vec<Ticket>,
}

/// What Freshdesk says when it refuses.
#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct Refusal {
    pub(crate) description: Option<String>,
    pub(crate) message: Option<String>,
    #[serde(default, deserialize_with = "or_empty")]
    pub(crate) errors: Vec<Fault>,
}

/// One thing that is wrong with a request.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Fault {
    pub(crate) field: Option<String>,
    pub(crate) message: Option<String>,
}

/// What to write into a ticket; what is left out stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(crate) struct TicketWrite {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) subject: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) description: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) status: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) priority: Option<u64>,
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub(crate) kind: Option<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) custom_fields: BTreeMap<String, Value>,
    /// Null takes the ticket from whoever has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) responder_id: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) group_id: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) product_id: Option<u64>,
    /// Of a create only: the operator's own contact.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) email: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) source: Option<u64>,
}

/// A note to add. Without `private` Freshdesk takes it for private.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct NoteWrite {
    pub(crate) body: String,
    pub(crate) private: bool,
}

/// A note's new text.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct NoteEdit {
    pub(crate) body: String,
}

/// A list that may also be null.
fn or_empty<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Vec<T>, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// A table that may also be null.
fn or_none<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeMap<String, Value>, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}
