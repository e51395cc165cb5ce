//! What a desk is read by: its tickets with their comments and files, what changed, and what bears our marker.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;
use serde_json::Value as Json;

use super::Dates;
use super::duration::duration;
use crate::expression::{Expression, Template};
use crate::request::Line;

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

impl Ticket {
    /// Whether a summary of the counterpart is read back.
    pub(crate) fn summarizes(&self) -> bool {
        self.link_summary.is_some() || self.link_line.is_some()
    }
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
