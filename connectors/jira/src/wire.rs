//! Jira's JSON and nothing else, so that its shapes can change in one place.
//!
//! What may be missing in one edition or by a field configuration is optional here; numbers that are ids are text.

use std::collections::BTreeMap;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};
use throughline_sdk::Timestamp;

/// An issue with all its fields but its comments.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Issue {
    pub(crate) id: String,
    pub(crate) key: String,
    pub(crate) fields: Fields,
    /// What the fields are called, by id.
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) names: BTreeMap<String, String>,
    /// What the fields hold, by id.
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) schema: BTreeMap<String, Schema>,
    /// Entity properties by key.
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) properties: BTreeMap<String, Value>,
    /// The fields that our account may write; only where asked for.
    pub(crate) editmeta: Option<EditMeta>,
    /// Its latest changes; only where asked for.
    pub(crate) changelog: Option<Changelog>,
}

/// The latest changes of an issue, in an order that differs between the editions.
#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct Changelog {
    #[serde(default)]
    pub(crate) histories: Vec<History>,
}

/// Changes that were made at once.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct History {
    pub(crate) id: String,
    pub(crate) author: Option<User>,
    #[serde(deserialize_with = "time")]
    pub(crate) created: Timestamp,
    #[serde(default)]
    pub(crate) items: Vec<Changed>,
}

/// One field's change: ids where it has them, and words.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Changed {
    #[serde(default)]
    pub(crate) field: String,
    /// Only Cloud tells it.
    pub(crate) field_id: Option<String>,
    pub(crate) from: Option<String>,
    pub(crate) from_string: Option<String>,
}

/// An issue's fields: those with a place in the canonical ticket, and the others.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Fields {
    pub(crate) summary: Option<String>,
    #[serde(default)]
    pub(crate) description: Value,
    pub(crate) status: Status,
    pub(crate) priority: Option<Named>,
    pub(crate) issuetype: Option<Named>,
    pub(crate) reporter: Option<User>,
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) labels: Vec<String>,
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) attachment: Vec<Attachment>,
    #[serde(deserialize_with = "time")]
    pub(crate) created: Timestamp,
    #[serde(deserialize_with = "time")]
    pub(crate) updated: Timestamp,
    #[serde(flatten)]
    pub(crate) other: BTreeMap<String, Value>,
}

/// Anything with a name.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Named {
    pub(crate) name: String,
}

/// A status. Names may repeat on a site, ids do not.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub(crate) struct Status {
    pub(crate) id: String,
    pub(crate) name: String,
    #[serde(rename = "statusCategory")]
    pub(crate) category: Option<StatusCategory>,
}

/// What kind of status it is: `new`, `indeterminate`, `done`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub(crate) struct StatusCategory {
    #[serde(default)]
    pub(crate) key: String,
}

/// What a field holds.
#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct Schema {
    #[serde(default, rename = "type")]
    pub(crate) kind: String,
    pub(crate) items: Option<String>,
    pub(crate) system: Option<String>,
    pub(crate) custom: Option<String>,
}

/// The fields that can be edited.
#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct EditMeta {
    #[serde(default)]
    pub(crate) fields: BTreeMap<String, FieldMeta>,
}

/// A field on a screen.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct FieldMeta {
    /// Given where fields come as a list.
    pub(crate) field_id: Option<String>,
    #[serde(default)]
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) required: bool,
    #[serde(default)]
    pub(crate) has_default_value: bool,
    #[serde(default)]
    pub(crate) schema: Schema,
}

/// A person. Cloud has account ids, Data Center has keys.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct User {
    pub(crate) account_id: Option<String>,
    pub(crate) key: Option<String>,
    pub(crate) name: Option<String>,
    pub(crate) display_name: Option<String>,
}

/// An attached file.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Attachment {
    #[serde(deserialize_with = "id")]
    pub(crate) id: String,
    pub(crate) filename: String,
    pub(crate) size: u64,
    pub(crate) mime_type: Option<String>,
    pub(crate) author: Option<User>,
    #[serde(deserialize_with = "time")]
    pub(crate) created: Timestamp,
}

/// One page of comments.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct CommentPage {
    #[serde(default = "untold")]
    pub(crate) total: u64,
    #[serde(default)]
    pub(crate) comments: Vec<Comment>,
}

/// A comment.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Comment {
    pub(crate) id: String,
    pub(crate) author: Option<User>,
    #[serde(default)]
    pub(crate) body: Value,
    #[serde(deserialize_with = "time")]
    pub(crate) created: Timestamp,
    /// The role or group to which it is restricted.
    pub(crate) visibility: Option<Value>,
    /// What Cloud says of the portal.
    pub(crate) jsd_public: Option<bool>,
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) properties: Vec<Property>,
}

/// An entity property.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub(crate) struct Property {
    pub(crate) key: String,
    #[serde(default)]
    pub(crate) value: Value,
}

/// A comment to write.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct CommentWrite {
    pub(crate) body: Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) visibility: Option<Value>,
    pub(crate) properties: Vec<Property>,
}

/// What a write made.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Made {
    #[serde(deserialize_with = "id")]
    pub(crate) id: String,
}

/// An issue to create, edit or bring on.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct IssueWrite {
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub(crate) fields: Map<String, Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) transition: Option<TransitionRef>,
}

/// A transition by its id.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct TransitionRef {
    pub(crate) id: String,
}

/// The transitions that may come next.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct TransitionList {
    #[serde(default)]
    pub(crate) transitions: Vec<Transition>,
}

/// One step of the workflow.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Transition {
    pub(crate) id: String,
    #[serde(default)]
    pub(crate) name: String,
    pub(crate) to: Status,
    pub(crate) is_available: Option<bool>,
    /// The fields of its screen, by id.
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) fields: BTreeMap<String, FieldMeta>,
}

/// A link to something elsewhere.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RemoteLink {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) global_id: Option<String>,
    pub(crate) object: RemoteObject,
}

/// What a link leads to.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct RemoteObject {
    #[serde(default)]
    pub(crate) url: String,
    #[serde(default)]
    pub(crate) title: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) summary: Option<String>,
}

/// Answer to a search, of either edition.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SearchPage {
    #[serde(default)]
    pub(crate) issues: Vec<FoundIssue>,
    /// Data Center: how many there are in all.
    pub(crate) total: Option<u64>,
    /// Cloud: how the next page is asked for.
    pub(crate) next_page_token: Option<String>,
    pub(crate) is_last: Option<bool>,
}

/// An issue as the search index has it.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct FoundIssue {
    pub(crate) id: String,
    pub(crate) fields: FoundFields,
}

/// The fields asked of the search.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct FoundFields {
    #[serde(deserialize_with = "time")]
    pub(crate) updated: Timestamp,
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) labels: Vec<String>,
}

/// An issue of which only the status was asked for.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct StatusOnly {
    pub(crate) fields: StatusField,
}

/// See [`StatusOnly`].
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct StatusField {
    pub(crate) status: Status,
}

/// What the server says of itself.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ServerInfo {
    #[serde(default)]
    pub(crate) version: String,
    pub(crate) deployment_type: Option<String>,
    #[serde(default, deserialize_with = "maybe_time")]
    pub(crate) server_time: Option<Timestamp>,
}

/// A type of issue with the statuses of its workflow.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct TypeStatuses {
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) subtask: bool,
    #[serde(default)]
    pub(crate) statuses: Vec<Status>,
}

/// A field of the site.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct FieldDetails {
    pub(crate) id: String,
    #[serde(default)]
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) custom: bool,
    pub(crate) schema: Option<Schema>,
}

/// One page of types that can be created. Data Center calls the list `values`.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct CreateTypes {
    #[serde(default = "untold")]
    pub(crate) total: u64,
    #[serde(default, rename = "issueTypes", alias = "values")]
    pub(crate) types: Vec<CreateType>,
}

/// A type that can be created.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct CreateType {
    pub(crate) id: String,
    pub(crate) name: String,
}

/// One page of the fields of a create screen. Data Center calls the list `values`.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct CreateFields {
    #[serde(default = "untold")]
    pub(crate) total: u64,
    #[serde(default, alias = "values")]
    pub(crate) fields: Vec<FieldMeta>,
}

/// One page of what the portal shows of a request's comments.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RequestCommentPage {
    #[serde(default)]
    pub(crate) is_last_page: bool,
    #[serde(default)]
    pub(crate) values: Vec<RequestComment>,
}

/// A comment as the portal has it.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct RequestComment {
    #[serde(deserialize_with = "id")]
    pub(crate) id: String,
    #[serde(default)]
    pub(crate) body: String,
    pub(crate) public: Option<bool>,
    pub(crate) attachments: Option<RequestAttachments>,
}

/// The files of a comment.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct RequestAttachments {
    #[serde(default)]
    pub(crate) values: Vec<RequestAttachment>,
}

/// A file as the portal has it: only its addresses bear its id.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct RequestAttachment {
    #[serde(default, rename = "_links", deserialize_with = "or_default")]
    pub(crate) links: BTreeMap<String, Value>,
}

/// A file to show on the portal.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RequestAttach {
    pub(crate) temporary_attachment_ids: Vec<String>,
    pub(crate) public: bool,
    pub(crate) additional_comment: AdditionalComment,
}

/// The comment that carries it.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct AdditionalComment {
    pub(crate) body: String,
}

/// Answer to an upload that nobody sees yet.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TemporaryFiles {
    #[serde(default)]
    pub(crate) temporary_attachments: Vec<TemporaryFile>,
}

/// A file that is not attached yet.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TemporaryFile {
    pub(crate) temporary_attachment_id: String,
}

/// What Jira, or Service Management, says when it refuses.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Refusal {
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) error_messages: Vec<String>,
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) errors: BTreeMap<String, Value>,
    pub(crate) error_message: Option<String>,
}

/// A time as Jira writes it: `2026-01-02T03:04:05.678+0000`, the offset being the reader's own.
pub(crate) fn parse_time(text: &str) -> Option<Timestamp> {
    let parsed = chrono::DateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f%z");
    parsed.or_else(|_| chrono::DateTime::parse_from_rfc3339(text)).ok().map(|time| time.to_utc())
}

fn time<'de, D: Deserializer<'de>>(from: D) -> Result<Timestamp, D::Error> {
    let text = String::deserialize(from)?;
    parse_time(&text).ok_or_else(|| D::Error::custom("expected a time such as 2026-01-02T03:04:05.678+0000"))
}

fn maybe_time<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Timestamp>, D::Error> {
    let text: Option<String> = Option::deserialize(from)?;
    Ok(text.as_deref().and_then(parse_time))
}

/// An id, which one resource writes as text and another as a number.
fn id<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    match Value::deserialize(from)? {
        Value::String(text) => Ok(text),
        Value::Number(number) => Ok(number.to_string()),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => {
            Err(D::Error::custom("expected an id"))
        }
    }
}

/// A list that does not say how long it is ends with an empty page.
fn untold() -> u64 {
    u64::MAX
}

/// Null for nothing.
fn or_default<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(from: D) -> Result<T, D::Error> {
    Option::deserialize(from).map(Option::unwrap_or_default)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_read_in_whatever_zone_it_is_told() {
        for text in
            ["2026-01-02T03:04:05.678+0000", "2026-01-02T14:34:05.678+1130", "2026-01-02T03:04:05.678Z"]
        {
            assert_eq!(parse_time(text).unwrap().timestamp_millis(), 1_767_323_045_678, "{text}");
        }
        assert!(parse_time("02/Jan/26 3:04 AM").is_none());
    }
}
