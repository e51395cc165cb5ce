//! Zammad's JSON and nothing else, so that its shapes can change in one place.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use throughline_sdk::Timestamp;

/// A ticket as `expand=true` shows it: with the names of what its numbers stand for.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Ticket {
    pub(crate) id: u64,
    pub(crate) number: Option<String>,
    pub(crate) title: Option<String>,
    pub(crate) state: Option<String>,
    pub(crate) priority: Option<String>,
    #[serde(rename = "type")]
    pub(crate) kind: Option<String>,
    pub(crate) group: Option<String>,
    /// A login.
    pub(crate) owner: Option<String>,
    pub(crate) customer_id: Option<u64>,
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Timestamp,
    /// Everything else, the attributes of the operator's own among it.
    #[serde(flatten)]
    pub(crate) rest: BTreeMap<String, Value>,
}

/// An entry of a ticket: mail, note, call, chat.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Article {
    pub(crate) id: u64,
    pub(crate) from: Option<String>,
    pub(crate) body: Option<String>,
    pub(crate) content_type: Option<String>,
    pub(crate) internal: Option<bool>,
    /// `Agent`, `Customer` or `System`.
    pub(crate) sender: Option<String>,
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) preferences: Preferences,
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) attachments: Vec<Attachment>,
    pub(crate) created_at: Timestamp,
}

/// What Zammad and others keep with an article, apart from its text.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(crate) struct Preferences {
    /// Our marker.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) throughline: Option<Value>,
}

/// An attached file.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Attachment {
    pub(crate) id: u64,
    pub(crate) filename: Option<String>,
    /// In digits, quoted.
    #[serde(default)]
    pub(crate) size: Value,
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) preferences: BTreeMap<String, Value>,
}

/// A status.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct State {
    pub(crate) name: String,
    /// What it means to Zammad: `new`, `open`, `pending reminder`, `pending action`, `closed`, `merged`, `removed`.
    pub(crate) state_type: Option<String>,
    #[serde(default = "yes")]
    pub(crate) active: bool,
}

/// A priority.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Priority {
    pub(crate) name: String,
    #[serde(default = "yes")]
    pub(crate) active: bool,
}

/// A person.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct User {
    pub(crate) id: u64,
    pub(crate) login: Option<String>,
    pub(crate) firstname: Option<String>,
    pub(crate) lastname: Option<String>,
    pub(crate) email: Option<String>,
}

/// What an attribute is.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Attribute {
    pub(crate) object: Option<String>,
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) data_option: Value,
    #[serde(default = "yes")]
    pub(crate) active: bool,
}

/// What a ticket is linked to.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Links {
    #[serde(default)]
    pub(crate) links: Vec<Link>,
}

/// One link, as the asked ticket's: `parent` names its parent.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Link {
    pub(crate) link_type: String,
    pub(crate) link_object: String,
    pub(crate) link_object_value: u64,
}

/// What Zammad says when it refuses.
#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct Refusal {
    pub(crate) error: Option<String>,
    pub(crate) error_human: Option<String>,
}

/// A new article.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct ArticleWrite {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) ticket_id: Option<u64>,
    pub(crate) body: String,
    pub(crate) content_type: &'static str,
    #[serde(rename = "type")]
    pub(crate) kind: &'static str,
    pub(crate) internal: bool,
    pub(crate) preferences: Preferences,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) attachments: Vec<AttachmentWrite>,
}

/// A file of a new article.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct AttachmentWrite {
    pub(crate) filename: String,
    /// In base 64.
    pub(crate) data: String,
    #[serde(rename = "mime-type")]
    pub(crate) media_type: String,
}

impl Attachment {
    /// Its size, where Zammad says one.
    pub(crate) fn bytes(&self) -> Option<u64> {
        self.size.as_u64().or_else(|| self.size.as_str()?.parse().ok())
    }
}

fn yes() -> bool {
    true
}

/// Null is as good as nothing, and so is a list where a table was expected: Ruby writes empty ones either way.
fn or_default<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(from: D) -> Result<T, D::Error> {
    let value = Value::deserialize(from)?;
    let empty = value.is_null() || value.as_array().is_some_and(Vec::is_empty);
    if empty { Ok(T::default()) } else { T::deserialize(value).map_err(serde::de::Error::custom) }
}
