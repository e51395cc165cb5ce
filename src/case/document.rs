//! The canonical document of a case: one value per field, comments and files as grow-only sets keyed by origin.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use ring::digest;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use throughline_sdk::{Digest, SystemName, Timestamp, Visibility};

/// What a request is, merged from all its legs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Document {
    /// The value of each field.
    #[serde(default)]
    pub fields: BTreeMap<Field, FieldValue>,
    /// Comments by where they were first written. Never removed: a deleted one is a tombstone.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub remarks: BTreeMap<Origin, Remark>,
    /// Files by where they were first attached.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub attachments: BTreeMap<Origin, Attachment>,
    /// Fields on which the legs disagree and a person has to decide (`policy = "manual"`).
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub conflicts: BTreeMap<Field, Conflict>,
}

/// A field's value and where it came from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldValue {
    /// The value in Throughline's own words: a status is a [`Status`] word, a priority a [`Priority`] word.
    pub value: String,
    /// The leg it came from.
    pub from: SystemName,
    /// The remote time of the ticket it was read from.
    pub at: Timestamp,
}

/// A field of a ticket, written `title`, `description`, `status`, `priority`, `type` or `field:NAME`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum Field {
    /// One line.
    Title,
    /// Many lines.
    Description,
    /// A [`Status`].
    Status,
    /// A [`Priority`].
    Priority,
    /// The type.
    Kind,
    /// A custom field.
    Custom(String),
}

/// Where a comment or file was first written: a system, and its id there.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Origin {
    /// The system.
    pub system: SystemName,
    /// The comment's or file's id there.
    pub id: String,
}

/// A shared comment of the request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remark {
    /// Who wrote it.
    pub author: String,
    /// When.
    pub written: Timestamp,
    /// The fingerprint of the text of the current version.
    pub print: Fingerprint,
    /// The text, kept only while some leg may still need it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// What it begins with, kept instead of the text of what a system said last, to be told beside links to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub beginning: Option<String>,
    /// 1 for the text first written; each edit, and each change of who may read it, adds one.
    pub version: u32,
    /// Only the staff of its origin may read it, and a rule lets it cross.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub internal: bool,
    /// Deleted, or turned internal, at its origin.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub withdrawn: bool,
}

/// A shared file of the request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attachment {
    /// The file name.
    pub name: String,
    /// The media type.
    pub media_type: String,
    /// Size in bytes.
    pub size: u64,
    /// The digest of its bytes, once they were read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<Digest>,
    /// Who attached it.
    pub author: String,
    /// When.
    pub written: Timestamp,
    /// Only the staff of its origin may read it, and a rule lets it cross.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub internal: bool,
    /// Deleted, or turned internal, at its origin.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub withdrawn: bool,
}

/// Values of one field that only a person can choose between.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conflict {
    /// What each leg wants, in Throughline's words.
    pub wanted: BTreeMap<SystemName, String>,
    /// When it was noticed.
    pub since: Timestamp,
}

/// The status of a request, in order of progress.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Raised, nobody works on it yet.
    New,
    /// Somebody works on it.
    Open,
    /// Waiting for information.
    Pending,
    /// Deliberately not worked on.
    OnHold,
    /// A solution was offered.
    Resolved,
    /// Over.
    Closed,
    /// Given up or refused.
    Cancelled,
}

/// The priority of a request, lowest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Priority {
    /// Low.
    Low,
    /// Normal.
    Normal,
    /// High.
    High,
    /// Urgent.
    Urgent,
}

impl Document {
    /// Lets go of a comment's text, but for the beginning of what its system said last in public.
    pub(super) fn serve(&mut self, origin: &Origin) {
        let Some(remark) = self.remarks.get_mut(origin) else { return };
        let text = remark.body.take();
        if remark.internal || remark.withdrawn {
            return;
        }
        remark.beginning = text.as_deref().map(beginning).or_else(|| remark.beginning.take());
        let last = (remark.written, origin.place());
        for (other, remark) in &mut self.remarks {
            if other.system == origin.system && (remark.written, other.place()) < last {
                remark.beginning = None;
            }
        }
    }
}

/// The beginning of a text, up to a space where there is one: half a word might not be recognized as personal.
fn beginning(text: &str) -> String {
    const LONGEST: usize = 300;
    let Some((at, _)) = text.char_indices().nth(LONGEST) else { return text.to_owned() };
    let cut = text.get(..at).unwrap_or_default();
    cut.rsplit_once(char::is_whitespace).map_or(cut, |(whole, _)| whole).to_owned()
}

impl Remark {
    /// Its text, or what is kept of it.
    pub fn words(&self) -> Option<&str> {
        self.body.as_deref().or(self.beginning.as_deref())
    }

    /// Who may read it at its origin.
    pub fn visibility(&self) -> Visibility {
        audience(self.internal)
    }
}

impl Attachment {
    /// Who may read it at its origin.
    pub fn visibility(&self) -> Visibility {
        audience(self.internal)
    }
}

fn audience(internal: bool) -> Visibility {
    if internal { Visibility::Internal } else { Visibility::Public }
}

impl Status {
    /// All, in order of progress.
    pub const ALL: [Self; 7] =
        [Self::New, Self::Open, Self::Pending, Self::OnHold, Self::Resolved, Self::Closed, Self::Cancelled];

    /// The word in configuration and ledger.
    pub fn word(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Open => "open",
            Self::Pending => "pending",
            Self::OnHold => "on_hold",
            Self::Resolved => "resolved",
            Self::Closed => "closed",
            Self::Cancelled => "cancelled",
        }
    }

    /// The status with this word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.word() == word)
    }
}

impl Priority {
    /// All, lowest first.
    pub const ALL: [Self; 4] = [Self::Low, Self::Normal, Self::High, Self::Urgent];

    /// The word in configuration and ledger.
    pub fn word(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Normal => "normal",
            Self::High => "high",
            Self::Urgent => "urgent",
        }
    }

    /// The priority with this word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|priority| priority.word() == word)
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Title => f.write_str("title"),
            Self::Description => f.write_str("description"),
            Self::Status => f.write_str("status"),
            Self::Priority => f.write_str("priority"),
            Self::Kind => f.write_str("type"),
            Self::Custom(name) => write!(f, "field:{name}"),
        }
    }
}

impl FromStr for Field {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(match text {
            "title" => Self::Title,
            "description" => Self::Description,
            "status" => Self::Status,
            "priority" => Self::Priority,
            "type" => Self::Kind,
            other => match other.strip_prefix("field:") {
                Some(name) if !name.is_empty() => Self::Custom(name.to_owned()),
                _ => {
                    return Err(format!(
                        "{other:?} is no field; write title, description, status, priority, type or field:NAME"
                    ));
                }
            },
        })
    }
}

impl From<Field> for String {
    fn from(field: Field) -> Self {
        field.to_string()
    }
}

impl TryFrom<String> for Field {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl Origin {
    /// What a notice of ours counts as: no system is called so.
    pub fn notice(key: &str) -> Self {
        Self { system: SystemName::new(""), id: key.to_owned() }
    }

    /// Where it stands among others of the same moment: systems count up, so a longer id is a later one.
    pub fn place(&self) -> (&SystemName, usize, &str) {
        (&self.system, self.id.len(), &self.id)
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}#{}", self.system, self.id)
    }
}

impl From<Origin> for String {
    fn from(origin: Origin) -> Self {
        origin.to_string()
    }
}

impl TryFrom<String> for Origin {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let (system, id) = text.split_once('#').ok_or_else(|| format!("{text:?} is no origin"))?;
        Ok(Self { system: SystemName::new(system), id: id.to_owned() })
    }
}

/// The first 96 bits of the SHA-256 of a text: enough to see that it changed, nothing to read.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Fingerprint(String);

impl Fingerprint {
    /// Its digits.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// The fingerprint of a text.
    pub fn of(text: &str) -> Self {
        let hash = digest::digest(&digest::SHA256, text.as_bytes());
        let nibbles = hash.as_ref().iter().take(12).flat_map(|byte| [byte >> 4, byte & 15]);
        // Room at once: a plan makes dozens of these.
        let mut digits = String::with_capacity(24);
        digits.extend(nibbles.filter_map(|nibble| char::from_digit(u32::from(nibble), 16)));
        Self(digits)
    }
}
