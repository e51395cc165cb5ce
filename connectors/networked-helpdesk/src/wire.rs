//! The protocol's JSON as it is written: what a push says, and nothing of what it leaves as it is.

use std::collections::BTreeMap;

use chrono::Utc;
use serde::Serialize;
use serde_json::Value;
use throughline_sdk::Timestamp;

/// A ticket as it is pushed. What is not there stays as it is: an update lists what is new.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Push {
    pub(crate) uuid: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) subject: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) requested_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) status: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) custom_status: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) requester: Option<Actor>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) current_actor: Option<Actor>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) comments: Vec<Comment>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) tags: Option<Vec<String>>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) custom_fields: BTreeMap<String, Value>,
}

/// Somebody.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Actor {
    pub(crate) uuid: String,
    pub(crate) name: String,
}

/// A comment.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Comment {
    pub(crate) uuid: String,
    pub(crate) author: Actor,
    pub(crate) body: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) html_body: String,
    pub(crate) authored_at: String,
    pub(crate) public: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) attachments: Vec<Attachment>,
}

/// A file of a comment.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Attachment {
    pub(crate) url: String,
    pub(crate) filename: String,
    pub(crate) display_filename: String,
    pub(crate) content_type: String,
}

/// What changes of an agreement.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct AgreementChange {
    pub(crate) uuid: String,
    pub(crate) status: &'static str,
    /// Who deactivated it: `sender` or `receiver`; empty when it is taken up again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) deactivated_by: Option<&'static str>,
    pub(crate) current_actor: Actor,
}

/// A moment as the protocol writes it, such as `2010-11-24 22:13:54 +0000`.
pub(crate) fn moment(time: Timestamp) -> String {
    time.with_timezone(&Utc).format("%Y-%m-%d %H:%M:%S +0000").to_string()
}
