//! The standard's JSON as the connector reads it, both versions in one: they differ in a few names only.
//!
//! Desks write numbers where the standard has texts, and null where it has lists: both are read.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// A trouble ticket.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Ticket {
    #[serde(deserialize_with = "text")]
    pub(crate) id: String,
    #[serde(deserialize_with = "text")]
    pub(crate) href: String,
    #[serde(deserialize_with = "text")]
    pub(crate) name: String,
    #[serde(deserialize_with = "text")]
    pub(crate) description: String,
    #[serde(deserialize_with = "text")]
    pub(crate) status: String,
    #[serde(deserialize_with = "text")]
    pub(crate) status_change_reason: String,
    #[serde(deserialize_with = "text")]
    pub(crate) priority: String,
    #[serde(deserialize_with = "text")]
    pub(crate) severity: String,
    #[serde(deserialize_with = "text")]
    pub(crate) ticket_type: String,
    #[serde(deserialize_with = "text")]
    pub(crate) creation_date: String,
    #[serde(deserialize_with = "text")]
    pub(crate) last_update: String,
    #[serde(deserialize_with = "text")]
    pub(crate) requested_resolution_date: String,
    #[serde(deserialize_with = "text")]
    pub(crate) expected_resolution_date: String,
    #[serde(deserialize_with = "text")]
    pub(crate) resolution_date: String,
    /// Version 4.
    #[serde(deserialize_with = "text")]
    pub(crate) external_id: String,
    /// Version 5.
    #[serde(deserialize_with = "list")]
    pub(crate) external_identifier: Vec<ExternalIdentifier>,
    #[serde(deserialize_with = "list")]
    pub(crate) note: Vec<Note>,
    #[serde(deserialize_with = "list")]
    pub(crate) attachment: Vec<Attachment>,
    #[serde(deserialize_with = "list")]
    pub(crate) related_entity: Vec<Related>,
    #[serde(deserialize_with = "list")]
    pub(crate) related_party: Vec<Related>,
    /// Version 5.
    #[serde(deserialize_with = "list")]
    pub(crate) trouble_ticket_characteristic: Vec<Characteristic>,
}

/// A number or name that another system has for the ticket.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct ExternalIdentifier {
    #[serde(deserialize_with = "text")]
    pub(crate) owner: String,
    #[serde(deserialize_with = "text")]
    pub(crate) external_identifier_type: String,
    #[serde(deserialize_with = "text")]
    pub(crate) id: String,
}

/// A note.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Note {
    #[serde(deserialize_with = "text")]
    pub(crate) id: String,
    #[serde(deserialize_with = "text")]
    pub(crate) author: String,
    #[serde(deserialize_with = "text")]
    pub(crate) date: String,
    #[serde(deserialize_with = "text")]
    pub(crate) text: String,
    #[serde(rename = "@type", deserialize_with = "text")]
    pub(crate) sort: String,
}

/// A file, as bytes or as an address.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Attachment {
    #[serde(deserialize_with = "text")]
    pub(crate) id: String,
    #[serde(deserialize_with = "text")]
    pub(crate) name: String,
    #[serde(deserialize_with = "text")]
    pub(crate) description: String,
    #[serde(deserialize_with = "text")]
    pub(crate) mime_type: String,
    #[serde(deserialize_with = "text")]
    pub(crate) url: String,
    /// Base 64.
    #[serde(deserialize_with = "text")]
    pub(crate) content: String,
    #[serde(deserialize_with = "size")]
    pub(crate) size: Option<u64>,
}

/// An entity or party: flat in version 4, inside another object in version 5.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Related {
    #[serde(deserialize_with = "text")]
    pub(crate) role: String,
    #[serde(deserialize_with = "text")]
    pub(crate) id: String,
    #[serde(deserialize_with = "text")]
    pub(crate) name: String,
    #[serde(deserialize_with = "text")]
    pub(crate) href: String,
    pub(crate) entity: Option<Box<Related>>,
    pub(crate) party_or_party_role: Option<Box<Related>>,
}

impl Related {
    /// Whom or what it is about.
    pub(crate) fn what(&self) -> &Self {
        self.entity.as_deref().or(self.party_or_party_role.as_deref()).unwrap_or(self)
    }
}

/// A named value.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Characteristic {
    #[serde(deserialize_with = "text")]
    pub(crate) name: String,
    pub(crate) value: Value,
}

/// A row of a list: what the feed needs.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Row {
    #[serde(deserialize_with = "text")]
    pub(crate) id: String,
    #[serde(deserialize_with = "text")]
    pub(crate) last_update: String,
    #[serde(deserialize_with = "text")]
    pub(crate) creation_date: String,
}

/// What the hub answers.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Subscription {
    #[serde(deserialize_with = "text")]
    pub(crate) id: String,
}

/// A refusal.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Refusal {
    #[serde(deserialize_with = "text")]
    pub(crate) code: String,
    #[serde(deserialize_with = "text")]
    pub(crate) reason: String,
    #[serde(deserialize_with = "text")]
    pub(crate) message: String,
}

/// An event, as far as it is believed.
#[derive(Debug, Deserialize)]
pub(crate) struct Event {
    pub(crate) event: Payload,
}

/// What an event is about.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Payload {
    pub(crate) trouble_ticket: Row,
}

fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Ok(plain(&Value::deserialize(deserializer)?))
}

/// A value as a text: a list or object as JSON.
pub(crate) fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other @ (Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_)) => other.to_string(),
    }
}

fn list<'de, D: Deserializer<'de>, T: DeserializeOwned>(deserializer: D) -> Result<Vec<T>, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// `{amount, units}` in bytes, or a bare number.
fn size<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    let value = Value::deserialize(deserializer)?;
    let units = value.get("units").map(plain).unwrap_or_default().to_lowercase();
    let Some(amount) = value.get("amount").unwrap_or(&value).as_u64() else { return Ok(None) };
    Ok(match units.as_str() {
        "" | "b" | "byte" | "bytes" | "octet" | "octets" => Some(amount),
        // What is rounded to kilobytes is no size in bytes.
        _ => None,
    })
}
