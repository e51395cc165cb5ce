//! GitHub's JSON and nothing else, so that its shapes can change in one place.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use throughline_sdk::Timestamp;

/// An issue, or a pull request, which GitHub lists among issues.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Issue {
    pub(crate) number: u64,
    pub(crate) state: String,
    pub(crate) state_reason: Option<String>,
    pub(crate) title: String,
    pub(crate) body: Option<String>,
    /// Null for a deleted account.
    pub(crate) user: Option<Account>,
    #[serde(default)]
    pub(crate) labels: Vec<Label>,
    pub(crate) assignees: Option<Vec<Account>>,
    pub(crate) milestone: Option<Titled>,
    #[serde(rename = "type")]
    pub(crate) kind: Option<Named>,
    #[serde(default)]
    pub(crate) locked: bool,
    #[serde(default)]
    pub(crate) comments: usize,
    /// Only pull requests have it.
    pub(crate) pull_request: Option<Value>,
    pub(crate) html_url: String,
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Timestamp,
}

/// A label: older answers hold the bare name.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub(crate) enum Label {
    Name(String),
    Object { name: Option<String> },
}

/// A person, an app or an organization.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Account {
    pub(crate) login: String,
}

/// Anything with a name.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Named {
    pub(crate) name: String,
}

/// Anything with a title.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Titled {
    pub(crate) title: String,
}

/// A comment of an issue.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Comment {
    pub(crate) id: u64,
    pub(crate) body: Option<String>,
    pub(crate) user: Option<Account>,
    pub(crate) created_at: Timestamp,
}

/// A repository.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Repository {
    pub(crate) full_name: String,
    #[serde(default)]
    pub(crate) has_issues: bool,
    #[serde(default)]
    pub(crate) archived: bool,
}

/// What GitHub says when it refuses.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Refusal {
    pub(crate) message: String,
    /// Objects, or bare texts in some answers.
    #[serde(default)]
    pub(crate) errors: Vec<Value>,
}

/// A webhook's payload, as far as it says which issue it is about.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Payload {
    pub(crate) issue: Option<HintedIssue>,
    pub(crate) repository: Option<HintedRepository>,
}

/// The issue of a payload.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct HintedIssue {
    pub(crate) number: u64,
    pub(crate) pull_request: Option<Value>,
}

/// The repository of a payload.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct HintedRepository {
    pub(crate) full_name: String,
}

/// Body of a create.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct NewIssue {
    pub(crate) title: String,
    pub(crate) body: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) labels: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) assignees: Vec<String>,
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub(crate) kind: Option<String>,
}

/// Body of an update; what is left out stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Patch {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) title: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) body: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) state: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) state_reason: Option<&'static str>,
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub(crate) kind: Option<String>,
}

/// Body of a comment, new or edited.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct CommentBody {
    pub(crate) body: String,
}

/// Labels to add.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct LabelsBody<'a> {
    pub(crate) labels: &'a [String],
}

/// People to add or to remove.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct AssigneesBody<'a> {
    pub(crate) assignees: &'a [String],
}

impl Label {
    /// The label's name, empty where GitHub leaves it out.
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Name(name) => name,
            Self::Object { name } => name.as_deref().unwrap_or_default(),
        }
    }
}
