//! Redmine's JSON and nothing else, so that its shapes can change in one place.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use throughline_sdk::Timestamp;

/// Answer to one issue.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct IssueAnswer {
    pub(crate) issue: Issue,
}

/// Answer to a list of issues. `total_count` is left out: it may be stale before the page is read.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct IssueList {
    pub(crate) issues: Vec<Issue>,
}

/// An issue; journals, attachments and allowed statuses only where they were asked for.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Issue {
    pub(crate) id: u64,
    pub(crate) project: Named,
    pub(crate) tracker: Named,
    pub(crate) status: Named,
    pub(crate) priority: Option<Named>,
    pub(crate) author: Option<Named>,
    pub(crate) assigned_to: Option<Named>,
    pub(crate) category: Option<Named>,
    pub(crate) fixed_version: Option<Named>,
    pub(crate) subject: Option<String>,
    pub(crate) description: Option<String>,
    pub(crate) start_date: Option<String>,
    pub(crate) due_date: Option<String>,
    pub(crate) done_ratio: Option<u64>,
    pub(crate) estimated_hours: Option<f64>,
    #[serde(default)]
    pub(crate) is_private: bool,
    #[serde(default)]
    pub(crate) custom_fields: Vec<CustomField>,
    pub(crate) created_on: Timestamp,
    pub(crate) updated_on: Timestamp,
    #[serde(default)]
    pub(crate) attachments: Vec<Attachment>,
    #[serde(default)]
    pub(crate) journals: Vec<Journal>,
    /// Missing before Redmine 5.0.
    pub(crate) allowed_statuses: Option<Vec<Named>>,
}

/// Anything with a number and a name; a status also says whether it closes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub(crate) struct Named {
    pub(crate) id: u64,
    #[serde(default)]
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) is_closed: bool,
    /// Priorities can be switched off; everything else has no such word.
    pub(crate) active: Option<bool>,
}

/// A custom field with its value: text, a list of texts if `multiple`, or null.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct CustomField {
    pub(crate) id: u64,
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) multiple: bool,
    #[serde(default)]
    pub(crate) value: Value,
}

/// One entry of an issue's history: a note, changed fields, or both.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Journal {
    pub(crate) id: u64,
    pub(crate) user: Option<Named>,
    pub(crate) notes: Option<String>,
    pub(crate) private_notes: Option<bool>,
    pub(crate) created_on: Timestamp,
    #[serde(default)]
    pub(crate) details: Vec<Detail>,
}

/// One change that a journal tells of. Values are numbers where an attribute is a choice, and null where it was empty.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Detail {
    /// `attr`, `cf`, or something that is no field of the issue.
    pub(crate) property: String,
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) old_value: Value,
    #[serde(default)]
    pub(crate) new_value: Value,
}

/// An attached file.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Attachment {
    pub(crate) id: u64,
    pub(crate) filename: String,
    pub(crate) filesize: u64,
    pub(crate) content_type: Option<String>,
    pub(crate) description: Option<String>,
    pub(crate) author: Option<Named>,
    pub(crate) created_on: Timestamp,
}

/// Answer to one attachment's data.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct AttachmentAnswer {
    pub(crate) attachment: Attachment,
}

/// Answer to an upload.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct UploadAnswer {
    pub(crate) upload: Uploaded,
}

/// The token of a file that is stored and not yet attached.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Uploaded {
    pub(crate) token: String,
}

/// Answer to the list of statuses.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct StatusList {
    pub(crate) issue_statuses: Vec<Named>,
}

/// Answer to the list of priorities, lowest first.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct PriorityList {
    pub(crate) issue_priorities: Vec<Named>,
}

/// Answer to one project.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct ProjectAnswer {
    pub(crate) project: Project,
}

/// The words that belong to a project.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Project {
    #[serde(default)]
    pub(crate) trackers: Vec<Named>,
    #[serde(default)]
    pub(crate) issue_categories: Vec<Named>,
}

/// Answer to a project's versions.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct VersionList {
    pub(crate) versions: Vec<Named>,
}

/// Answer to a project's members.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct MemberList {
    pub(crate) memberships: Vec<Member>,
}

/// A person or a group in a project.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Member {
    pub(crate) user: Option<Named>,
    pub(crate) group: Option<Named>,
}

/// Answer to who we are.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct UserAnswer {
    pub(crate) user: User,
}

/// Our account.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct User {
    pub(crate) login: Option<String>,
    #[serde(default)]
    pub(crate) firstname: String,
    #[serde(default)]
    pub(crate) lastname: String,
    #[serde(default)]
    pub(crate) admin: bool,
    #[serde(default)]
    pub(crate) memberships: Vec<Membership>,
}

/// Our roles in one project.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Membership {
    pub(crate) project: Named,
    #[serde(default)]
    pub(crate) roles: Vec<Named>,
}

/// Answer to one role.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct RoleAnswer {
    pub(crate) role: Role,
}

/// What a role may do.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Role {
    #[serde(default)]
    pub(crate) permissions: Vec<String>,
}

/// What Redmine says when it refuses. May be empty: a stale write.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Refusal {
    pub(crate) errors: Vec<String>,
}

/// Body of a create or update.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct IssueBody {
    pub(crate) issue: IssueWrite,
}

/// What to write into an issue; what is left out stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct IssueWrite {
    /// Attributes by Redmine's own names; an empty text clears one.
    #[serde(flatten)]
    pub(crate) attributes: BTreeMap<&'static str, String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) custom_fields: Vec<FieldWrite>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) private_notes: Option<bool>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) uploads: Vec<UploadWrite>,
}

/// A custom field's new value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct FieldWrite {
    pub(crate) id: u64,
    pub(crate) value: Value,
}

/// A stored file to attach.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct UploadWrite {
    pub(crate) token: String,
    pub(crate) filename: String,
    pub(crate) content_type: String,
    pub(crate) description: String,
}

/// Body of a journal's edit.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct JournalBody {
    pub(crate) journal: JournalWrite,
}

/// A note's new text; an empty one deletes a journal that holds nothing else.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct JournalWrite {
    pub(crate) notes: String,
}
