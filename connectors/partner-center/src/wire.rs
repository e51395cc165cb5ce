//! Partner Center's JSON, as far as it is read or written here, and nothing else.
//!
//! Words of closed lists come as texts or as numbers, times with and without their zone, and the first moment of all
//! stands for none: the samples show each of it.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A list.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Collection<T> {
    #[serde(default)]
    pub(crate) total_count: Option<u64>,
    pub(crate) items: Vec<T>,
}

/// A service request. In a list it comes without its notes.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct ServiceRequest {
    pub(crate) id: String,
    pub(crate) title: Option<String>,
    pub(crate) description: Option<String>,
    pub(crate) severity: Option<Value>,
    pub(crate) status: Option<Value>,
    pub(crate) support_topic_name: Option<String>,
    pub(crate) organization: Option<Organization>,
    pub(crate) primary_contact: Option<Contact>,
    pub(crate) product_name: Option<String>,
    pub(crate) product_id: Option<String>,
    pub(crate) country_code: Option<String>,
    pub(crate) created_date: Option<String>,
    pub(crate) last_modified_date: Option<String>,
    pub(crate) last_closed_date: Option<String>,
    pub(crate) notes: Option<Vec<Note>>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Organization {
    pub(crate) name: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Contact {
    pub(crate) first_name: Option<String>,
    pub(crate) last_name: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Note {
    pub(crate) created_by_name: Option<String>,
    /// As text, for it names the note.
    pub(crate) created_date: Option<String>,
    pub(crate) text: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Topic {
    pub(crate) name: Option<String>,
}

/// What is changed of a request: what is left out stays as it is.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Patch<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) status: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) new_note: Option<NewNote<'a>>,
    pub(crate) attributes: Attributes,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct NewNote<'a> {
    pub(crate) text: &'a str,
}

/// What kind of thing a body is about.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Attributes {
    object_type: &'static str,
}

impl Default for Attributes {
    fn default() -> Self {
        Self { object_type: "ServiceRequest" }
    }
}

/// The body of a refusal.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Refusal {
    pub(crate) code: Option<Value>,
    pub(crate) description: Option<String>,
}
