//! Who may see what: the sharing rules between the home organization and each party. Pure.

mod grants;
mod handshake;
mod redact;
mod refer;
mod responsibility;
mod route;
mod share;
mod translate;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use throughline_sdk::SystemName;

pub use grants::{Askable, Grants};
pub use handshake::{Answer, AnswerWords, Handshake, OnLapse};
pub use redact::{
    ALPHABET, Account, Action, CODE_CHARS, Class, Leftover, Listed, MAX_LABEL_CHARS, Named, OtherFiles,
    Pattern, Place, PlaceTerms, Pseudonyms, Recognizers, Redacted, Redaction, Refused, Release, Said,
    Unnamed, counted, file_name, label, notice_body, redacted_file, remark_body,
};
pub use refer::{Products, ReferenceRule};
pub use responsibility::{Responsibility, Rule as ResponsibilityRule};
pub use share::{Kind, Sharing};
pub use translate::{Untranslatable, restored};

use crate::case::{AgreementName, Field, PartyName, Priority, Status};

/// All rules of one home organization.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rules {
    /// What is known of each system.
    pub systems: BTreeMap<SystemName, SystemRules>,
    /// The agreements.
    pub agreements: BTreeMap<AgreementName, Agreement>,
    /// Who is to resolve what.
    pub responsibility: Responsibility,
    /// What cases refer to besides their tickets, by the name it has in configuration.
    pub references: BTreeMap<String, ReferenceRule>,
}

/// Whose a system is and what its words mean.
#[derive(Clone, Debug, PartialEq)]
pub struct SystemRules {
    /// Whose it is.
    pub party: PartyName,
    /// The party's name for readers, as authors are shown with it: "Ada (Contoso)".
    pub party_title: String,
    /// What its status words mean.
    pub status: Words<Status>,
    /// What its priority words mean.
    pub priority: Words<Priority>,
}

/// What the words of one system mean, and which word is written for a meaning.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Words<T: Ord> {
    /// Word to meaning. Several words may mean the same.
    pub read: BTreeMap<String, T>,
    /// Meaning to the word that is written for it.
    pub write: BTreeMap<T, String>,
}

/// The sharing rules between the home organization and one party.
#[derive(Clone, Debug, PartialEq)]
pub struct Agreement {
    /// Its name.
    pub name: AgreementName,
    /// The counterpart.
    pub party: PartyName,
    /// The home organization's desk.
    pub home: SystemName,
    /// The counterpart's desk.
    pub counterpart: SystemName,
    /// Which home tickets are offered to the counterpart; `None`: none by themselves.
    pub outbound: Option<Condition>,
    /// Which of the counterpart's tickets are taken in at home; `None`: none by themselves.
    pub inbound: Option<Condition>,
    /// The shared fields. A field that is not here is not shared.
    pub fields: BTreeMap<Field, FieldRule>,
    /// Which way public comments travel.
    pub comments: Direction,
    /// Which way public files travel.
    pub files: Direction,
    /// The other counterparts that this one may know of: their public comments and files are shared with it too,
    /// bearing their names. Of all others it is told nothing.
    pub introduces: BTreeSet<PartyName>,
    /// What becomes of comments and files that only home's own staff may read.
    pub internal: Internal,
    /// Whether a comment or file is read once more at its origin just before it is sent.
    pub recheck: bool,
    /// What the counterpart may be shown beyond that, case by case.
    pub grants: Grants,
    /// The type given to tickets created at the counterpart's desk.
    pub counterpart_type: Option<String>,
    /// The type given to tickets created at home.
    pub home_type: Option<String>,
    /// Whether a request has to be accepted, and how; `None`: whoever gets it has it.
    pub handshake: Option<Handshake>,
    /// Whether a public comment passes the ball to the other side.
    pub reply_passes: bool,
    /// What becomes of personal data on its way to the counterpart; `None`: it is not looked for.
    pub redaction: Option<Redaction>,
}

/// How one field is shared.
#[derive(Clone, Debug, PartialEq)]
pub struct FieldRule {
    /// Which way it travels.
    pub direction: Direction,
    /// Who wins when both sides changed it.
    pub policy: Policy,
    /// What the counterpart is shown instead of a value, in Throughline's words: `urgent` may leave as `high`.
    /// A value that is not here leaves as it is.
    pub outbound: BTreeMap<String, String>,
}

/// What becomes of what is internal at home: the one rule by which it may cross. It is never public anywhere.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Internal {
    /// It stays in its system.
    #[default]
    None,
    /// Internal comments and files travel to the counterpart where public ones do, and are internal there.
    AsInternal,
}

/// Which way something travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// Both ways.
    Both,
    /// From home to the counterpart. The counterpart's own change is put right again.
    Outbound,
    /// From the counterpart to home. Home's own change is put right again.
    Inbound,
    /// Not at all.
    None,
}

/// Who wins when more than one leg changed a field to different values since they last agreed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Policy {
    /// The home organization.
    OwnerHome,
    /// The counterpart.
    OwnerCounterpart,
    /// The change with the later remote time; on a tie, home.
    Latest,
    /// The status or priority that is further on.
    MostAdvanced,
    /// All words of both, for fields that are lists of words separated by commas.
    Union,
    /// Nobody: a person decides, and nothing is written until then.
    Manual,
}

/// When a ticket is routed: every part that is given must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Condition {
    /// The type is one of these; empty: any.
    pub kinds: BTreeSet<String>,
    /// The priority is at least this.
    pub priority_at_least: Option<Priority>,
    /// Each custom field has one of these values.
    pub fields: BTreeMap<String, BTreeSet<String>>,
    /// The title contains this text, in any letter case; empty: any title.
    pub title_contains: String,
}
