//! GitLab's JSON and nothing else, so that its shapes can change in one place.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use throughline_sdk::Timestamp;

/// An issue.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Issue {
    /// Its number in the project, which people use; the one across projects is of no use to us.
    pub(crate) iid: u64,
    pub(crate) state: String,
    pub(crate) title: String,
    pub(crate) description: Option<String>,
    pub(crate) author: Option<Person>,
    #[serde(default)]
    pub(crate) labels: Vec<String>,
    #[serde(default)]
    pub(crate) assignees: Vec<Person>,
    pub(crate) milestone: Option<Titled>,
    pub(crate) due_date: Option<String>,
    pub(crate) issue_type: Option<String>,
    /// Null counts as false in GitLab's answers.
    pub(crate) confidential: Option<bool>,
    pub(crate) discussion_locked: Option<bool>,
    /// Set once the issue was moved: it lives on in another project under this number across projects.
    pub(crate) moved_to_id: Option<u64>,
    pub(crate) web_url: String,
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Timestamp,
}

/// A person, or the account of a token.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Person {
    pub(crate) id: u64,
    pub(crate) username: String,
    #[serde(default)]
    pub(crate) name: String,
}

/// Anything with a title.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Titled {
    pub(crate) title: String,
}

/// Anything with a name.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Named {
    pub(crate) name: String,
}

/// A note: what somebody said, or what GitLab says has been done.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Note {
    pub(crate) id: u64,
    pub(crate) body: Option<String>,
    pub(crate) author: Option<Person>,
    pub(crate) created_at: Timestamp,
    #[serde(default)]
    pub(crate) system: bool,
    pub(crate) internal: Option<bool>,
    /// What `internal` was called before GitLab 15.5.
    pub(crate) confidential: Option<bool>,
}

/// A project.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Project {
    pub(crate) path_with_namespace: String,
    #[serde(default)]
    pub(crate) archived: bool,
    /// `disabled`, `private` or `enabled`.
    pub(crate) issues_access_level: Option<String>,
}

/// Somebody's place in a project.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Member {
    pub(crate) access_level: u64,
}

/// What GitLab is.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Product {
    pub(crate) version: String,
}

/// A stored file.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Uploaded {
    /// `/uploads/SECRET/NAME`.
    pub(crate) url: String,
}

/// What GitLab says when it refuses: texts, lists and objects by turns.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Refusal {
    #[serde(default)]
    pub(crate) message: Value,
    #[serde(default)]
    pub(crate) error: Value,
    #[serde(default)]
    pub(crate) error_description: Value,
    #[serde(default)]
    pub(crate) needs_captcha_response: bool,
}

/// A webhook's payload, as far as it says which issue it is about.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Payload {
    pub(crate) object_kind: Option<String>,
    pub(crate) project: Option<HintedProject>,
    pub(crate) object_attributes: Option<Hinted>,
    /// Of a note on an issue.
    pub(crate) issue: Option<Hinted>,
}

/// What a payload is about.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Hinted {
    pub(crate) iid: Option<u64>,
}

/// The project of a payload.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct HintedProject {
    pub(crate) id: u64,
    pub(crate) path_with_namespace: String,
}

/// Body of a create or an update; what is left out stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct IssueWrite {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) title: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) description: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) issue_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) due_date: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) confidential: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) state_event: Option<&'static str>,
    /// Of a new issue only: on an old one it would replace what others set.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) labels: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) add_labels: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) remove_labels: String,
}

/// Body of a new note.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct NewNote {
    pub(crate) body: String,
    pub(crate) internal: bool,
}

/// Body of a note's edit.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct NoteBody {
    pub(crate) body: String,
}
