//! The manifest as it is written: what stands in which table, in the words of the reference that is made from here.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;
use serde::de::{Deserializer, Error as _};
use serde_json::Value as Json;

use crate::expression::{Expression, Template};
use crate::request::Line;
use crate::text::Dialect;

/// The manifest's top. These keys stand above the first table.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Manifest {
    /// What is connected, as people call it.
    pub(crate) product: String,
    /// The versions that this manifest was run against.
    pub(crate) tested: Option<String>,
    /// The path that every request begins with, below the setting `url`. Without it: nothing.
    #[serde(default)]
    pub(crate) base: String,
    /// See `[settings.NAME]`.
    #[serde(default)]
    pub(crate) settings: BTreeMap<String, OwnSetting>,
    /// See `[authentication]`.
    pub(crate) authentication: Authentication,
    /// See `[dates]`.
    #[serde(default)]
    pub(crate) dates: Dates,
    /// See `[text]`.
    #[serde(default)]
    pub(crate) text: Text,
    /// See `[errors]`.
    #[serde(default)]
    pub(crate) errors: Errors,
    /// See `[probe]`.
    pub(crate) probe: Probe,
    /// See `[words]`.
    #[serde(default)]
    pub(crate) words: Words,
    /// See `[ticket]`.
    pub(crate) ticket: Ticket,
    /// See `[comments]`.
    pub(crate) comments: Comments,
    /// See `[files]`. Without it no files are carried.
    pub(crate) files: Option<Files>,
    /// See `[changes]`.
    pub(crate) changes: Changes,
    /// See `[find]`.
    pub(crate) find: Option<Find>,
    /// See `[create]`.
    pub(crate) create: Create,
    /// See `[update]`. Without it no field is changed.
    pub(crate) update: Option<Update>,
    /// See `[transition]`. Without it no status is changed.
    pub(crate) transition: Option<Transition>,
    /// See `[comment]`.
    pub(crate) comment: AddComment,
    /// See `[edit]`. Without it comments are not edited.
    pub(crate) edit: Option<Edit>,
    /// See `[retract]`. Without it comments are not taken back.
    pub(crate) retract: Option<Retract>,
    /// See `[attach]`. Without it files are read and none is written.
    pub(crate) attach: Option<Attach>,
    /// See `[link_back]`. Without it the counterpart is not shown.
    pub(crate) link_back: Option<LinkBack>,
    /// See `[webhook]`. Without it changes are found by polling alone.
    pub(crate) webhook: Option<Webhook>,
}

/// `[settings.NAME]`: a value that the operator gives in the system's `settings`; `settings.NAME` in every expression.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct OwnSetting {
    /// What it is, for the operator.
    pub(crate) doc: String,
    /// What it is without the operator's word. Without a default the operator has to give it.
    pub(crate) default: Option<String>,
}

/// `[authentication]`: one of these tables says how each request shows who we are.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub(crate) enum Authentication {
    /// `[authentication.none]`: not at all.
    None {},
    /// `[authentication.header]`: the setting `secret` in a header field.
    Header {
        /// The field's name.
        name: String,
        /// What stands before the secret, such as `"Token "`.
        #[serde(default)]
        prefix: String,
    },
    /// `[authentication.bearer]`: `Authorization: Bearer` with the setting `secret`.
    Bearer {},
    /// `[authentication.basic]`: `Authorization: Basic` with the settings `user` and `secret`.
    Basic {},
    /// `[authentication.client_credentials]`: OAuth 2.0 client credentials, with the settings `client_id` and
    /// `client_secret`.
    ClientCredentials {
        /// The token endpoint's path below the setting `url`.
        token: String,
        /// The scopes asked for.
        #[serde(default)]
        scopes: Vec<String>,
    },
    /// `[authentication.password]`: OAuth 2.0 with `user` and `secret`, renewed by rotating refresh tokens, with the
    /// settings `client_id` and `client_secret`.
    Password {
        /// The token endpoint's path below the setting `url`.
        token: String,
        /// The scopes asked for.
        #[serde(default)]
        scopes: Vec<String>,
    },
    /// `[authentication.login]`: a request that begins a session.
    Login(Box<Login>),
}

/// `[authentication.login]`: asked once, again when the session has ended, and by one request at a time.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Login {
    /// Method and path.
    pub(crate) request: Line,
    /// The body. Names: `user`, `secret`, `settings`.
    pub(crate) body: Expression,
    /// The session's token. Names: those of an answer.
    pub(crate) token: Expression,
    /// How long it is good. Without it: until the desk refuses it.
    #[serde(default, deserialize_with = "optional_duration")]
    pub(crate) lifetime: Option<Duration>,
    /// The header field that shows the token.
    pub(crate) header: String,
    /// What stands before the token in that field.
    #[serde(default)]
    pub(crate) prefix: String,
}

/// `[dates]`: how the desk writes a time.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Dates {
    /// `"rfc3339"`, `"seconds"` or `"milliseconds"` since 1970, or a pattern such as `"%Y-%m-%d %H:%M:%S"`.
    pub(crate) format: String,
    /// Where a time without a zone of its own was read: `"UTC"` or an offset such as `"+02:00"`. Without it: UTC.
    #[serde(default = "utc")]
    pub(crate) zone: String,
}

/// `[text]`: how the desk writes descriptions and comments. Titles and fields are plain text everywhere.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Text {
    /// `"plain"`, `"markdown"`, `"github"` (Markdown in which `@name`, `#7` and commands act), `"html"` or `"jira"`.
    /// Without it: plain.
    #[serde(default)]
    pub(crate) dialect: Dialect,
}

/// `[errors]`: what refusals look like. Names of all its expressions: those of an answer.
///
/// A status of 400 and more is a refusal by itself (401 unauthenticated, 403 forbidden, 404 and 410 not found, 409 and
/// 412 a conflict, 429 a rate limit, 408, 423, 425 and 5xx unavailable, others rejected). Rules come before that table,
/// and are also asked where the status says success.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Errors {
    /// The desk's own words about a refusal, shown to people.
    pub(crate) message: Option<Expression>,
    /// What else is a refusal, and of which kind; the first that holds counts. See `[[errors.rules]]`.
    #[serde(default)]
    pub(crate) rules: Vec<Rule>,
}

/// `[[errors.rules]]`: one rule.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Rule {
    /// Whether the answer is this refusal.
    pub(crate) when: Expression,
    /// `"unavailable"`, `"rate_limited"`, `"unauthenticated"`, `"forbidden"`, `"conflict"`, `"not_found"`, `"moved"`,
    /// `"rejected"`, `"unsupported"`, `"malformed"` or `"misconfigured"`.
    pub(crate) kind: throughline_sdk::ErrorKind,
    /// Whether a write so answered may have been carried out all the same. Without it: only of `"unavailable"` and
    /// `"malformed"`.
    pub(crate) may_have_happened: Option<bool>,
}

/// `[probe]`: a request that shows that the desk can be reached and knows us.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Probe {
    /// Method and path, such as `"GET me"`.
    pub(crate) request: Line,
    /// The body. Names: `settings`, `user`.
    pub(crate) body: Option<Expression>,
    /// Our account's name. Names: those of an answer.
    pub(crate) account: Expression,
    /// The desk's product and version. Names: those of an answer. Without it: the manifest's `product`.
    pub(crate) version: Option<Expression>,
}

/// `[words]`: the desk's values, and the words that people use for them. A value that is not listed is its own word.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Words {
    /// All statuses: a list of `{ desk = 1, word = "Open", closed = false }`.
    #[serde(default)]
    pub(crate) status: Vec<Word>,
    /// All priorities, the lowest first: a list of `{ desk = 1, word = "High" }`.
    #[serde(default)]
    pub(crate) priority: Vec<Word>,
    /// All types: a list of `{ desk = "incident", word = "Incident" }`.
    #[serde(default, rename = "type")]
    pub(crate) kind: Vec<Word>,
}

/// `[[words.status]]`: a word, in the lists `status`, `priority` and `type`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Word {
    /// The value as the desk reads and writes it: text, a number, true or false. Compared as text.
    pub(crate) desk: Json,
    /// The word for it. Without it: the value itself.
    pub(crate) word: Option<String>,
    /// Whether a ticket with this status counts as closed.
    #[serde(default)]
    pub(crate) closed: bool,
}

/// `[ticket]`: how a ticket is read. Names of its expressions: those of an answer, `ticket` and `id`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Ticket {
    /// Method and path. Names: `id`, `settings`, `user`.
    pub(crate) request: Line,
    /// The body. Names: `id`, `settings`, `user`.
    pub(crate) body: Option<Expression>,
    /// Where in the answer the ticket is: what `ticket` means below. Without it: the whole answer.
    pub(crate) at: Option<Expression>,
    /// The immutable id, as text or number.
    pub(crate) id: Expression,
    /// The number that people use. Without it: the id.
    pub(crate) key: Option<Expression>,
    /// The page for people, below the setting `url`. Names: `id`, `key`.
    pub(crate) page: Option<Template>,
    /// The title.
    pub(crate) title: Expression,
    /// The description.
    pub(crate) description: Expression,
    /// The status, as the desk's value.
    pub(crate) status: Expression,
    /// The priority, as the desk's value.
    pub(crate) priority: Option<Expression>,
    /// The type, as the desk's value.
    #[serde(rename = "type")]
    pub(crate) kind: Option<Expression>,
    /// Who raised it.
    pub(crate) requester: Option<Expression>,
    /// When it was raised.
    pub(crate) created: Expression,
    /// When it last changed. A desk that does not tell: the time of its last comment.
    pub(crate) updated: Expression,
    /// A version that changes with each change, such as an `ETag`. Without it: a hash of all that is read.
    pub(crate) version: Option<Expression>,
    /// The id of the ticket that this one was merged into.
    pub(crate) merged_into: Option<Expression>,
    /// Where our marker stands. Without it: in the description's last line, as `new.marked` puts it there.
    pub(crate) marker: Option<Expression>,
    /// The counterpart's number, as `[link_back]` wrote it.
    pub(crate) link_label: Option<Expression>,
    /// The counterpart's address, as `[link_back]` wrote it.
    pub(crate) link_url: Option<Expression>,
    /// How the counterpart stands, as `[link_back]` wrote it. Without it and `link_line` no more than number and address is
    /// shown.
    pub(crate) link_summary: Option<Expression>,
    /// Number, address and summary where they stand in one field: what `[link_back]` wrote as `line`.
    pub(crate) link_line: Option<Expression>,
    /// More fields by the names that people know: a table from name to expression.
    #[serde(default)]
    pub(crate) fields: BTreeMap<String, Expression>,
}

/// `[comments]`: how comments are read. Names of its expressions: those of an answer, `ticket`, `id`, `comment`, and
/// `index`, which is 0 for the first.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Comments {
    /// Method and path, where comments are apart from their ticket. Names: `id`, `ticket`, `settings`, `user`, and
    /// those of `pages`.
    pub(crate) request: Option<Line>,
    /// How pages of that request follow one another.
    #[serde(default)]
    pub(crate) pages: Pages,
    /// The list, oldest first.
    pub(crate) list: Expression,
    /// Whether the list is newest first.
    #[serde(default)]
    pub(crate) newest_first: bool,
    /// Whether a member of the list is a comment. Without it: each whose text is not empty.
    #[serde(rename = "where")]
    pub(crate) filter: Option<Expression>,
    /// The immutable id.
    pub(crate) id: Expression,
    /// Who wrote it.
    pub(crate) author: Expression,
    /// The text.
    pub(crate) body: Expression,
    /// When it was written.
    pub(crate) created: Expression,
    /// Who may read it.
    pub(crate) visibility: VisibilityRule,
}

/// `visibility`: who may read a comment or file. What neither list names is unknown and never shared.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct VisibilityRule {
    /// The desk's value. Without it: `always`.
    pub(crate) value: Option<Expression>,
    /// Values that mean the requester may read it. The first is the one to write.
    #[serde(default)]
    pub(crate) public: Vec<Json>,
    /// Values that mean staff only. The first is the one to write. Without any, nothing internal is written.
    #[serde(default)]
    pub(crate) internal: Vec<Json>,
    /// `"public"` or `"internal"`, where the desk knows no difference.
    pub(crate) always: Option<throughline_sdk::Visibility>,
}

/// `[files]`: how files are read. Names of its expressions: those of an answer, `ticket`, `id`, `file`, and `comment`
/// where files belong to comments.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Files {
    /// Method and path, where files are apart from their ticket. Names: `id`, `ticket`, `settings`, `user`, and those of
    /// `pages`.
    pub(crate) request: Option<Line>,
    /// How pages of that request follow one another.
    #[serde(default)]
    pub(crate) pages: Pages,
    /// Whether files belong to comments: then `list` is asked of each one, `comment` being it.
    #[serde(default)]
    pub(crate) in_comments: bool,
    /// The list.
    pub(crate) list: Expression,
    /// The immutable id, unique within the ticket.
    pub(crate) id: Expression,
    /// The file name.
    pub(crate) name: Expression,
    /// The media type. Without it: `application/octet-stream`.
    pub(crate) media_type: Option<Expression>,
    /// The size in bytes.
    pub(crate) size: Expression,
    /// Who attached it.
    pub(crate) author: Expression,
    /// When it was attached.
    pub(crate) created: Expression,
    /// Who may read it. Without it: who may read its comment.
    pub(crate) visibility: Option<VisibilityRule>,
    /// A text that holds our marker.
    pub(crate) marker: Option<Expression>,
    /// See `[files.download]`.
    pub(crate) download: Download,
}

/// `[files.download]`: how a file's bytes are read. Its ticket is read first, so that all names of `[files]` are known.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Download {
    /// Method and path. Names: `id`, `file`, `comment`, `ticket`, `settings`, `user`.
    pub(crate) request: Option<Line>,
    /// In place of `request`: the address that the desk itself gives. It has to be on the desk's own host.
    pub(crate) url: Option<Expression>,
    /// Where in a JSON answer the content stands, in base 64. Names: those of an answer, and those of `request`. Without
    /// it: the answer is the content.
    pub(crate) content: Option<Expression>,
}

/// `[changes]`: how tickets that have changed are found. Names of its expressions: those of an answer, and `row`.
///
/// Either by time (`changed`, and `since` in the request) or by a number that grows (`sequence`).
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Changes {
    /// Method and path. Names: `since` by time, `after` by sequence, `settings`, `user`, and those of `pages`.
    pub(crate) request: Line,
    /// The body. Names: those of the request.
    pub(crate) body: Option<Expression>,
    /// How pages follow one another.
    #[serde(default)]
    pub(crate) pages: Pages,
    /// The list of rows: by time the least recently changed first, by sequence the lowest first.
    pub(crate) list: Expression,
    /// The id of a row's ticket.
    pub(crate) ticket: Expression,
    /// By time: when a row's ticket last changed. Where rows do not tell, the last row's ticket is read for it.
    pub(crate) changed: Option<Expression>,
    /// By sequence: the row's number.
    pub(crate) sequence: Option<Expression>,
    /// How the desk writes `since`. Without it: as `[dates]` says.
    pub(crate) format: Option<Dates>,
    /// Whether the desk leaves out what changed at `since` itself.
    #[serde(default)]
    pub(crate) exclusive: bool,
    /// The smallest step of the desk's clock, as in `"1s"`. By sequence it is not asked. Without it: a second.
    #[serde(default = "second", deserialize_with = "duration")]
    pub(crate) granularity: Duration,
    /// How late a change may show after it was made. Without it: five seconds.
    #[serde(default = "five_seconds", deserialize_with = "duration")]
    pub(crate) lag: Duration,
}

/// `pages`: how the pages of a list follow one another, one of these. Without it there is one page.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub(crate) enum Pages {
    #[default]
    #[serde(skip)]
    One,
    /// `pages.number`: by the name `page`.
    Number {
        /// The first page's number. Without it: 1.
        #[serde(default = "one")]
        first: u64,
        /// The rows of a full page; the name `size`.
        size: u64,
        /// Whether another page follows. Names: those of an answer. Without it: where this one is full.
        more: Option<Expression>,
    },
    /// `pages.offset`: by the name `offset`, counted in rows from 0.
    Offset {
        /// The rows of a full page; the name `size`.
        size: u64,
        /// Whether another page follows. Names: those of an answer. Without it: where this one is full.
        more: Option<Expression>,
    },
    /// `pages.limit`: the desk takes nothing but the most rows to give, the name `size`. Where an answer is full it is
    /// asked again for twice as many.
    Limit {
        /// The rows asked for at first.
        size: u64,
        /// The most that it gives.
        most: u64,
    },
    /// `pages.cursor`: by the name `cursor`, which is absent in the first request.
    Cursor {
        /// The next one; absent or empty in the last answer. Names: those of an answer.
        next: Expression,
    },
    /// `pages.next_link`: each answer holds the address of the next.
    NextLink {
        /// That address; absent or empty in the last answer. Names: those of an answer.
        next: Expression,
    },
    /// `pages.link_header`: the header field `Link` holds the address of the next (RFC 8288, `rel="next"`).
    LinkHeader {},
}

/// `[find]`: how the ticket that bears our marker is found. Names of its expressions: those of an answer, and `row`.
///
/// Each ticket found is read and has to bear the marker itself: a desk that ignores the filter does no harm.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Find {
    /// Method and path. Names: `marker`, `settings`, `user`, and those of `pages`.
    pub(crate) request: Line,
    /// The body. Names: those of the request.
    pub(crate) body: Option<Expression>,
    /// How pages follow one another. At most 100 are read: where more follow, a person has to look.
    #[serde(default)]
    pub(crate) pages: Pages,
    /// The list of rows.
    pub(crate) list: Expression,
    /// Whether a row may be the one, for desks that cannot filter; it knows `marker` too. Without it: each may.
    #[serde(rename = "where")]
    pub(crate) filter: Option<Expression>,
    /// The id of a row's ticket.
    pub(crate) ticket: Expression,
    /// How far the search lags behind a write, for class `"c3"`. Without it: not at all.
    #[serde(default, deserialize_with = "duration")]
    pub(crate) lag: Duration,
}

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

/// `[webhook]`: what the desk posts to `/webhooks/SYSTEM`. The setting `webhook_secret` is what it signs or shows.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Webhook {
    /// How the sender is known; see `signature`.
    pub(crate) signature: Signature,
    /// The id of the ticket it is about, or a list of them. Names: `body` (the JSON), `settings`. Absent where it is
    /// about none.
    pub(crate) ticket: Expression,
}

/// `signature`: how the sender of a webhook is known, one of these.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub(crate) enum Signature {
    /// `signature.standard = {}`: Standard Webhooks, the secret being `whsec_…`.
    Standard {},
    /// `signature.hub`: `sha256=` and the HMAC of the body in hexadecimal.
    Hub {
        /// The header field, such as `"X-Hub-Signature-256"`.
        header: String,
    },
    /// `signature.header`: the secret itself, in a header field.
    Header {
        /// The header field.
        name: String,
    },
    /// `signature.query`: the secret itself, in the address, for desks that can set nothing else.
    Query {
        /// The parameter.
        name: String,
    },
}

impl Ticket {
    /// Whether a summary of the counterpart is read back.
    pub(crate) fn summarizes(&self) -> bool {
        self.link_summary.is_some() || self.link_line.is_some()
    }
}

fn usual_chars() -> usize {
    255
}

impl Default for Dates {
    fn default() -> Self {
        Self { format: "rfc3339".to_owned(), zone: utc() }
    }
}

fn utc() -> String {
    "UTC".to_owned()
}

fn one() -> u64 {
    1
}

fn second() -> Duration {
    Duration::from_secs(1)
}

fn five_seconds() -> Duration {
    Duration::from_secs(5)
}

/// A length of time such as `"250ms"`, `"5s"`, `"10m"`, `"8h"`.
fn duration<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let text = String::deserialize(deserializer)?;
    let digits = text.chars().take_while(char::is_ascii_digit).count();
    let (number, unit) = text.split_at_checked(digits).unwrap_or(("", &text));
    let millis = match unit {
        "ms" => 1,
        "s" => 1000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => 0,
    };
    let length =
        number.parse::<u64>().ok().filter(|_| millis > 0).and_then(|number| number.checked_mul(millis));
    length.map(Duration::from_millis).ok_or_else(|| {
        D::Error::custom("a length of time is a number and a unit: \"250ms\", \"5s\", \"10m\" or \"8h\"")
    })
}

fn optional_duration<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
    duration(deserializer).map(Some)
}
