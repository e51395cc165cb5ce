//! Zendesk's JSON and nothing else, so that its shapes can change in one place.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use throughline_sdk::Timestamp;

/// Answer to one ticket, with what was asked for beside it.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct TicketAnswer {
    pub(crate) ticket: Ticket,
    #[serde(default, deserialize_with = "or_empty")]
    pub(crate) users: Vec<User>,
    #[serde(default, deserialize_with = "or_empty")]
    pub(crate) groups: Vec<Group>,
    #[serde(default, deserialize_with = "or_empty")]
    pub(crate) custom_statuses: Vec<CustomStatus>,
}

/// Answer to a list of tickets.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct TicketList {
    pub(crate) tickets: Vec<Ticket>,
}

/// A ticket, without its comments.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Ticket {
    pub(crate) id: u64,
    pub(crate) subject: Option<String>,
    /// The status category where custom statuses are in use.
    pub(crate) status: String,
    pub(crate) custom_status_id: Option<u64>,
    pub(crate) priority: Option<String>,
    #[serde(rename = "type")]
    pub(crate) kind: Option<String>,
    pub(crate) external_id: Option<String>,
    pub(crate) requester_id: Option<u64>,
    pub(crate) assignee_id: Option<u64>,
    pub(crate) group_id: Option<u64>,
    pub(crate) due_at: Option<String>,
    #[serde(default, deserialize_with = "or_empty")]
    pub(crate) tags: Vec<String>,
    #[serde(default, deserialize_with = "or_empty")]
    pub(crate) custom_fields: Vec<FieldValue>,
    pub(crate) created_at: Timestamp,
    /// In whole seconds.
    pub(crate) updated_at: Timestamp,
    /// Only where it was asked for.
    pub(crate) comment_count: Option<u64>,
}

/// The value of a custom field: a text, a number, a truth, a list of texts, or nothing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct FieldValue {
    pub(crate) id: u64,
    #[serde(default)]
    pub(crate) value: Value,
}

/// One page of a ticket's comments, oldest first.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct CommentPage {
    pub(crate) comments: Vec<Comment>,
    #[serde(default, deserialize_with = "or_empty")]
    pub(crate) users: Vec<User>,
    #[serde(default)]
    pub(crate) meta: Meta,
}

/// Where a list goes on.
#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct Meta {
    #[serde(default)]
    pub(crate) has_more: bool,
    pub(crate) after_cursor: Option<String>,
}

/// A comment. The first one is the ticket's description.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Comment {
    pub(crate) id: u64,
    pub(crate) author_id: Option<u64>,
    pub(crate) body: Option<String>,
    pub(crate) html_body: Option<String>,
    pub(crate) public: Option<bool>,
    #[serde(default, deserialize_with = "or_empty")]
    pub(crate) attachments: Vec<Attachment>,
    pub(crate) audit_id: Option<u64>,
    pub(crate) created_at: Timestamp,
}

/// An attached file.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Attachment {
    pub(crate) id: u64,
    pub(crate) file_name: Option<String>,
    pub(crate) content_type: Option<String>,
    pub(crate) content_url: Option<String>,
    #[serde(default)]
    pub(crate) size: u64,
    #[serde(default)]
    pub(crate) deleted: bool,
    pub(crate) malware_scan_result: Option<String>,
}

/// Answer to one file's data.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct AttachmentAnswer {
    pub(crate) attachment: Attachment,
}

/// One page of a ticket's history, oldest first.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct AuditPage {
    pub(crate) audits: Vec<Audit>,
    #[serde(default)]
    pub(crate) meta: Meta,
}

/// One update of a ticket: what it changed, and what whoever sent it noted beside it.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Audit {
    pub(crate) id: u64,
    #[serde(default)]
    pub(crate) metadata: Metadata,
    #[serde(default, deserialize_with = "or_empty")]
    pub(crate) events: Vec<Event>,
}

/// What is noted beside an update.
#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct Metadata {
    #[serde(default)]
    pub(crate) custom: Value,
}

/// One thing that an update did.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Event {
    pub(crate) id: Option<u64>,
    #[serde(rename = "type", default)]
    pub(crate) kind: String,
    pub(crate) public: Option<bool>,
    #[serde(default, deserialize_with = "or_empty")]
    pub(crate) attachments: Vec<Attachment>,
}

/// Answer to a create or update.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Written {
    pub(crate) ticket: Ticket,
    pub(crate) audit: Option<Audit>,
}

/// A user.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct User {
    pub(crate) id: Option<u64>,
    pub(crate) name: Option<String>,
    pub(crate) email: Option<String>,
    pub(crate) role: Option<String>,
}

/// Answer to who we are.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct UserAnswer {
    pub(crate) user: User,
}

/// A group of agents.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Group {
    pub(crate) id: u64,
    pub(crate) name: String,
}

/// Answer to the list of custom statuses.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct CustomStatusList {
    pub(crate) custom_statuses: Vec<CustomStatus>,
}

/// A status under one of the five categories.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct CustomStatus {
    pub(crate) id: u64,
    pub(crate) status_category: String,
    pub(crate) agent_label: String,
    #[serde(default = "yes")]
    pub(crate) active: bool,
    #[serde(default)]
    pub(crate) default: bool,
}

/// One page of the account's ticket fields.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct FieldPage {
    pub(crate) ticket_fields: Vec<Field>,
    #[serde(default)]
    pub(crate) meta: Meta,
}

/// A ticket field.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct Field {
    pub(crate) id: u64,
    pub(crate) title: String,
    #[serde(rename = "type")]
    pub(crate) kind: String,
    #[serde(default = "yes")]
    pub(crate) active: bool,
    #[serde(default, deserialize_with = "or_empty")]
    pub(crate) custom_field_options: Vec<Choice>,
}

/// One choice of a drop-down field: what people see, and the tag that stands for it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct Choice {
    pub(crate) name: String,
    pub(crate) value: String,
}

/// One page of the incremental export.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Export {
    pub(crate) tickets: Vec<Exported>,
    pub(crate) after_cursor: Option<String>,
    #[serde(default)]
    pub(crate) end_of_stream: bool,
}

/// A ticket of the export: all of it comes, this is read.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Exported {
    pub(crate) id: u64,
    pub(crate) brand_id: Option<u64>,
}

/// Answer to an upload.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct UploadAnswer {
    pub(crate) upload: Upload,
}

/// A file that is stored and not yet attached.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Upload {
    pub(crate) token: String,
}

/// What Zendesk says when it refuses.
#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct Refusal {
    /// A word, or an object with a title and a message.
    #[serde(default)]
    pub(crate) error: Value,
    #[serde(default)]
    pub(crate) description: Value,
    #[serde(default)]
    pub(crate) details: Value,
}

/// Body of a create or update.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct TicketBody {
    pub(crate) ticket: TicketWrite,
}

/// What to write into a ticket; what is left out stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(crate) struct TicketWrite {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) subject: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) comment: Option<CommentWrite>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) status: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) custom_status_id: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) priority: Option<String>,
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub(crate) kind: Option<String>,
    /// Null clears it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) due_at: Option<Value>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) custom_fields: Vec<FieldValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) external_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) brand_id: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) group_id: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) ticket_form_id: Option<u64>,
    /// Comes back as the audit's `metadata.custom`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) metadata: BTreeMap<&'static str, String>,
    /// Refuses the write unless `updated_stamp` is when the ticket last changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) safe_update: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) updated_stamp: Option<String>,
}

/// A comment to add. Who may read it is never left to Zendesk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct CommentWrite {
    pub(crate) html_body: String,
    pub(crate) public: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) uploads: Vec<String>,
}

/// Body of a redaction.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct RedactionBody {
    pub(crate) ticket_id: u64,
    pub(crate) html_body: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) external_attachment_urls: Vec<String>,
}

/// A list that may also be null.
fn or_empty<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Vec<T>, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

fn yes() -> bool {
    true
}
