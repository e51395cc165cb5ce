//! One ticket's place in a case: the ticket, its shadow, its role, its health and what is on its way to it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use throughline_sdk::{
    CommentId, Digest, ErrorKind, FileId, Intent, IntentId, RemoteId, SystemName, Timestamp, Version,
};

use super::{AgreementName, AgreementVersion, Field, Fingerprint, Item, Offer, Origin, PartyName};

/// One ticket's place in a case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Leg {
    /// The ticket's immutable id; `None` until its creation has its effect.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ticket: Option<RemoteId>,
    /// The number people use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// Where a person opens it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Whose ticket it is.
    pub party: PartyName,
    /// Home or counterpart.
    pub role: Role,
    /// The agreement under which it takes part; `None` for the home leg.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agreement: Option<AgreementName>,
    /// The version of that agreement under which it was last decided for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<AgreementVersion>,
    /// What the ticket looked like when both sides last agreed.
    #[serde(default)]
    pub shadow: Shadow,
    /// Whether it can take part.
    #[serde(default)]
    pub health: Health,
    /// Intents without their effect, in the order they have to be sent.
    #[serde(default, skip_serializing_if = "VecDeque::is_empty")]
    pub outstanding: VecDeque<Outstanding>,
    /// The document moved on while intents were outstanding: plan again once they are done.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub dirty: bool,
    /// The systems whose tickets this ticket already links to.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub linked: BTreeSet<SystemName>,
    /// What was last shown beside those links, by the fingerprint of all that it tells of.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub shown: BTreeMap<SystemName, Fingerprint>,
    /// What failed for good and waits for a person, or for the value to change.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub parked: BTreeMap<Item, Parked>,
    /// The offer that the counterpart, or home, has to accept; `None` where nobody has to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offer: Option<Offer>,
    /// The notices of ours that stand on the ticket.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub notices: BTreeSet<String>,
    /// The files that were looked through for it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub prepared: BTreeMap<Origin, Prepared>,
    /// What a person let through, by the fingerprint of what was held.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub approved: BTreeMap<Item, Fingerprint>,
    /// What a person has sent in the place of what the document says.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub edited: BTreeMap<Item, Edited>,
}

impl Leg {
    /// What a person has sent in the place of this value of an item.
    pub fn instead(&self, item: &Item, want: &Fingerprint) -> Option<&str> {
        self.edited.get(item).filter(|edited| edited.want == *want).map(|edited| edited.text.as_str())
    }

    /// Whether something took effect on the ticket that was not read back yet.
    pub fn awaits_reading(&self) -> bool {
        let unread =
            self.shadow.updated.is_none() || self.shadow.fields.values().any(|field| field.written.is_some());
        self.health == Health::Well && self.ticket.is_some() && (unread || self.is_unproven())
    }

    /// Whether something was sent as internal and not read back since.
    pub fn is_unproven(&self) -> bool {
        let comments = self.shadow.comments.values().any(|seen| seen.unproven && !seen.gone);
        comments || self.shadow.files.values().any(|seen| seen.unproven && !seen.gone)
    }

    /// Whether the desk showed something that was sent as internal, and nobody has looked into it yet: until then it is
    /// given nothing internal.
    pub fn leaks(&self) -> bool {
        self.parked.iter().any(|(item, parked)| matches!(item, Item::Leak(_)) && !parked.discarded)
    }
}

impl Shadow {
    /// Whether a copy of this comment was put on the ticket, in this version or a later one. What its people delete
    /// is not put there again.
    pub fn has_remark(&self, origin: &Origin, version: u32) -> bool {
        self.comments.values().any(|seen| seen.origin == *origin && seen.version >= version)
    }
}

/// Whose side a leg is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// The home organization's own desk.
    Home,
    /// Another party's desk, under an agreement.
    Counterpart,
}

/// Whether a leg can take part.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Health {
    /// It takes part.
    #[default]
    Well,
    /// Its ticket was deleted or is not visible to us any more.
    Gone,
    /// Its ticket was merged into one that belongs to another case.
    Merged {
        /// The surviving ticket's id.
        into: RemoteId,
    },
}

/// The base of the three-way merge. Set only from what was read or read back.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shadow {
    /// The remote version last read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<Version>,
    /// The remote time of change last read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub updated: Option<Timestamp>,
    /// Fields as last read.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub fields: BTreeMap<Field, SeenField>,
    /// Comments as last read, public ones and our own.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub comments: BTreeMap<CommentId, SeenComment>,
    /// Files as last read, public ones and our own.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub files: BTreeMap<FileId, SeenFile>,
    /// What was seen and goes to nobody: `comment:ID`, `file:ID` or a field's name.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub withheld: BTreeSet<String>,
}

/// One field as last read from a leg.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeenField {
    /// The system's own value as last read; `None` if it was never read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen: Option<Fingerprint>,
    /// The document's value with which the leg last agreed. If the document has another one, the leg is behind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agreed: Option<Fingerprint>,
    /// What was written and not yet read back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub written: Option<Written>,
}

/// A field's value that took effect and was not yet read back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Written {
    /// The value as it was sent, in the system's own words.
    pub sent: String,
    /// The document's value it stands for.
    pub value: Fingerprint,
}

/// One comment as last read from a leg.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeenComment {
    /// Where it was first written: this leg, or the one it was copied from.
    pub origin: Origin,
    /// Its text as last read.
    pub seen: Fingerprint,
    /// The version of the remark it carries.
    pub version: u32,
    /// Sent as internal.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub internal: bool,
    /// Sent as internal, and not read back since.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unproven: bool,
    /// It was there and is not any more.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub gone: bool,
}

/// One file as last read from a leg.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeenFile {
    /// Where it was first attached.
    pub origin: Origin,
    /// Sent as internal.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub internal: bool,
    /// Sent as internal, and not read back since.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unproven: bool,
    /// It was there and is not any more.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub gone: bool,
}

/// An intent without its effect.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outstanding {
    /// What is to be done.
    pub intent: Intent,
    /// What of the document it carries.
    pub item: Item,
    /// For a field: the fingerprint of the document's value it stands for. For a comment: that of its text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<Fingerprint>,
    /// How far it is.
    pub phase: Phase,
    /// Attempts so far that count.
    #[serde(default)]
    pub attempts: u32,
    /// Not before this moment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_before: Option<Timestamp>,
    /// While it was in doubt the ticket was seen to get another value than the one that was sent.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub overtaken: bool,
    /// Some attempt was once in doubt: by its own words it may be there already.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub doubted: bool,
    /// When it was recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
}

/// How far an intent without effect is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "is")]
pub enum Phase {
    /// No byte of it has left since it was recorded, or every attempt certainly had no effect.
    /// After a restart a `Ready` intent may nevertheless have been sent: it is treated as doubtful then.
    Ready,
    /// An attempt may have taken effect.
    Doubtful {
        /// When that attempt was made.
        since: Timestamp,
    },
}

/// What failed for good on a leg.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parked {
    /// The fingerprint of what should have been written: another value is tried anew.
    pub want: Fingerprint,
    /// What kind of failure.
    pub kind: ErrorKind,
    /// Why, in the system's words.
    pub reason: String,
    /// Since when.
    pub since: Timestamp,
    /// The intent that failed, if one was sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub intent: Option<IntentId>,
    /// A person gave it up: it is not tried again until its value changes.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub discarded: bool,
    /// It is held until a person lets it through: trying it again does so.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub held: bool,
}

/// What a person has sent in the place of what the document says, for one value of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Edited {
    /// The fingerprint of the document's value that it stands in for: another value goes out as it is.
    pub want: Fingerprint,
    /// What is sent instead, in Throughline's words, before the agreement is applied.
    pub text: String,
    /// Who it was.
    pub by: String,
}

/// A file that was looked through for one leg.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Prepared {
    /// The fingerprint of the file and of the terms under which it was looked through.
    pub terms: Fingerprint,
    /// The redacted copy; `None` where it is no text that could be looked into.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub copy: Option<FileCopy>,
    /// What may be left in the copy: counts by class.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub left: BTreeMap<String, u32>,
}

/// A redacted copy of a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileCopy {
    /// The digest of its bytes.
    pub digest: Digest,
    /// Size in bytes.
    pub size: u64,
}

impl Parked {
    /// The system's own value has no meaning in Throughline's words: nothing failed on the way out.
    pub fn is_untranslatable(&self) -> bool {
        self.intent.is_none() && self.kind == ErrorKind::Malformed
    }
}
