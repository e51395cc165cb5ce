//! The manifest as it is written: what stands in which table, in the words of the reference that is made from here.

mod duration;
mod reading;
mod webhook;
mod writing;

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;
use serde_json::Value as Json;

pub(crate) use reading::{Changes, Comments, Files, Find, Pages, Ticket, VisibilityRule};
pub(crate) use webhook::{Signature, Webhook};
pub(crate) use writing::{
    AddComment, Attach, Class, Condition, Create, Edit, LinkBack, Retract, Transition, Update,
};

use self::duration::optional_duration;
use crate::expression::Expression;
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

impl Default for Dates {
    fn default() -> Self {
        Self { format: "rfc3339".to_owned(), zone: utc() }
    }
}

fn utc() -> String {
    "UTC".to_owned()
}
