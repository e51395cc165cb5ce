//! What a desk is written by: one table for each kind of write.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::expression::Expression;
use crate::request::Line;

/// `class`: what keeps a write from being doubled when its answer was lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Class {
    /// `"c0"`: the desk knows the same request again by a key, which is our marker.
    C0,
    /// `"c1"`: the desk creates or updates by an id of ours, which is our marker.
    C1,
    /// `"c2"`: the marker is found by reading, at once.
    C2,
    /// `"c3"`: the marker is found by a search that lags, as `[find]` says.
    C3,
    /// `"c4"`: nothing: after a lost answer a person decides.
    C4,
}

/// `[create]`: how a ticket is raised.
///
/// Names: `new.title`, `new.text` (the description), `new.marked` (with our marker as its last line), `new.status`,
/// `new.priority`, `new.type` (the desk's values; absent where nobody decided), `new.fields`, `marker`, `settings`,
/// `user`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Create {
    /// How a lost answer is settled; see `class`.
    pub(crate) class: Class,
    /// Method and path.
    pub(crate) request: Line,
    /// Header fields: a table from name to expression. One that is absent is not sent.
    #[serde(default)]
    pub(crate) headers: BTreeMap<String, Expression>,
    /// The body. A key whose value is absent is left out.
    pub(crate) body: Expression,
    /// The new ticket's id. Names: those of an answer.
    pub(crate) id: Expression,
}

/// `[update]`: how fields of a ticket are set.
///
/// Names: `changes.title`, `changes.text` (the description), `changes.marked` (with the marker that stands there),
/// `changes.priority`, `changes.type` (the desk's values), `changes.fields`; absent is what stays as it is. And `id`,
/// `ticket` (as it was read just before), `expected` (its version), `settings`, `user`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Update {
    /// Method and path.
    pub(crate) request: Line,
    /// Header fields, such as `If-Match = "expected"`. One that is absent is not sent.
    #[serde(default)]
    pub(crate) headers: BTreeMap<String, Expression>,
    /// The body. A key whose value is absent is left out.
    pub(crate) body: Expression,
    /// Whether the desk refuses a write on an older version; see `condition`. Without it: `"none"`, and the ticket is
    /// compared before and after.
    #[serde(default)]
    pub(crate) condition: Condition,
}

/// `condition`: what the condition of a write is worth.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Condition {
    /// `"none"`: nothing; the version is ignored.
    #[default]
    None,
    /// `"racy"`: a stale version is refused, but two at once may both pass.
    Racy,
    /// `"atomic"`: a stale version is always refused.
    Atomic,
}

/// `[transition]`: how a ticket is brought to a status.
///
/// Names: `status` (the desk's value), `transition` (see `[transition.choices]`), `id`, `ticket`, `expected`,
/// `settings`, `user`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Transition {
    /// Method and path.
    pub(crate) request: Line,
    /// Header fields. One that is absent is not sent.
    #[serde(default)]
    pub(crate) headers: BTreeMap<String, Expression>,
    /// The body.
    pub(crate) body: Expression,
    /// See `[transition.choices]`. Without it the status is a field like any other.
    pub(crate) choices: Option<Choices>,
}

/// `[transition.choices]`: for desks where a status is reached by a named transition. Names of its expressions: those of
/// an answer, and `row`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Choices {
    /// Method and path of the list of transitions that are open now. Names: `id`, `ticket`, `settings`, `user`.
    pub(crate) request: Line,
    /// The list.
    pub(crate) list: Expression,
    /// The transition's id: the name `transition`.
    pub(crate) id: Expression,
    /// The status that it leads to, as the desk's value.
    pub(crate) to: Expression,
}

/// `[comment]`: how a comment is written.
///
/// Names: `text`, `marked` (with our marker as its last line), `visibility` (the desk's value for who may read it, from
/// `[comments.visibility]`), `marker`, `id`, `settings`, `user`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AddComment {
    /// How a lost answer is settled; see `class`.
    pub(crate) class: Class,
    /// Method and path.
    pub(crate) request: Line,
    /// Header fields. One that is absent is not sent.
    #[serde(default)]
    pub(crate) headers: BTreeMap<String, Expression>,
    /// The body.
    pub(crate) body: Expression,
    /// The new comment's id. Names: those of an answer. Without it: the one that bears the marker.
    pub(crate) id: Option<Expression>,
}

/// `[edit]`: how a comment's text is replaced. Names: `text`, `marked` (with the marker that stands there), `comment_id`,
/// `id`, `settings`, `user`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Edit {
    /// Method and path.
    pub(crate) request: Line,
    /// The body.
    pub(crate) body: Expression,
}

/// `[retract]`: how a comment is taken back. Names: `comment_id`, `id`, `settings`, `user`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Retract {
    /// Method and path.
    pub(crate) request: Line,
    /// The body, where it takes one.
    pub(crate) body: Option<Expression>,
}

/// `[attach]`: how a file is attached: by one of `body`, `form` and `raw`.
///
/// Names: `file.name`, `file.media_type`, `file.size`, `file.base64`, `visibility` (the desk's value), `marked` (our
/// marker on a line of its own), `marker`, `id`, `settings`, `user`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Attach {
    /// How a lost answer is settled; see `class`.
    pub(crate) class: Class,
    /// Method and path.
    pub(crate) request: Line,
    /// Header fields. One that is absent is not sent.
    #[serde(default)]
    pub(crate) headers: BTreeMap<String, Expression>,
    /// A JSON body with the content in base 64, `file.base64`.
    pub(crate) body: Option<Expression>,
    /// A form (`multipart/form-data`): a table from field to expression. One that is absent is not sent.
    pub(crate) form: Option<BTreeMap<String, Expression>>,
    /// The form's field for the file itself. Without it: `file`.
    pub(crate) part: Option<String>,
    /// Whether the body is the content as it is.
    #[serde(default)]
    pub(crate) raw: bool,
    /// The largest file that the desk takes, in bytes. Without it: 10 MiB. The setting `max_file_bytes` goes before it.
    pub(crate) max_bytes: Option<u64>,
    /// The new file's id. Names: those of an answer. Without it: the one that bears the marker.
    pub(crate) id: Option<Expression>,
}

/// `[link_back]`: how the counterpart's number and address are shown, and how it stands. Names: `label`, `url` and `summary`
/// (may be absent), `line` (all three in one), `id`, `ticket`, `settings`, `user`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LinkBack {
    /// Method and path.
    pub(crate) request: Line,
    /// The body.
    pub(crate) body: Expression,
    /// The most characters of `summary`, or of `line`. Without it: 255.
    #[serde(default = "usual_chars")]
    pub(crate) chars: usize,
}

fn usual_chars() -> usize {
    255
}
