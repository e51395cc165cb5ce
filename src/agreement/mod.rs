//! Who may see what: the sharing rules between the home organization and each party. Pure.

mod expression;
mod grants;
mod handshake;
mod prose;
mod redact;
mod refer;
mod responsibility;
mod retention;
mod route;
mod share;
mod terms;
#[cfg(test)]
mod tests;
mod translate;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use throughline_sdk::SystemName;

pub use expression::{Asked, Expression, Mistake, Subject, Unevaluated};
pub use grants::{Askable, Grants};
pub use handshake::{Answer, AnswerWords, Handshake, OnLapse};
pub use prose::{Difference, Format, differences, render};
pub use redact::{
    ALPHABET, Account, Action, CODE_CHARS, Class, LastWord, Leftover, Listed, MAX_LABEL_CHARS, Named,
    OtherFiles, Pattern, Place, PlaceTerms, Pseudonyms, Recognizers, Redacted, Redaction, Refused, Release,
    Said, Standing, Unnamed, counted, file_name, known_as, label, notice_body, redacted_file, remark_body,
    retold, standing,
};
pub use refer::{Products, ReferenceRule};
pub use responsibility::{Responsibility, Rule as ResponsibilityRule};
pub use retention::{Due, Retention};
pub use route::Routed;
pub use share::{Kind, Rule, Ruling, Sharing};
pub use terms::{RedactionTerms, Terms};
pub use translate::{Untranslatable, restored};

use crate::case::{AgreementName, AgreementVersion, Field, PartyName, Priority, Status};

/// All rules of one home organization.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rules {
    /// What is known of each system.
    pub systems: BTreeMap<SystemName, SystemRules>,
    /// The agreements.
    pub agreements: BTreeMap<AgreementName, Agreement>,
    /// Who is to resolve what.
    pub responsibility: Responsibility,
    /// Systems that may take over tickets kept by hand, and which desk's.
    pub claims: BTreeMap<SystemName, SystemName>,
    /// What cases refer to besides their tickets, by the name it has in configuration.
    pub references: BTreeMap<String, ReferenceRule>,
    /// How long cases are kept once they are over.
    pub retention: Vec<Retention>,
    /// Where people open the console, without a slash at the end; `None`: no ticket links to its case.
    pub console: Option<String>,
}

/// Whose a system is and what its words mean.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
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
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Words<T: Ord> {
    /// Word to meaning. Several words may mean the same.
    pub read: BTreeMap<String, T>,
    /// Meaning to the word that is written for it.
    pub write: BTreeMap<T, String>,
}

/// The sharing rules between the home organization and one party.
///
/// What is serialized of it, together with the words of both systems, is what its [version](Terms::version) is made
/// of: a new member leaves out its neutral value, so that agreements that do not use it keep their version.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
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
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outbound: Option<Expression>,
    /// Which of the counterpart's tickets are taken in at home; `None`: none by themselves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inbound: Option<Expression>,
    /// The shared fields. A field that is not here is not shared.
    pub fields: BTreeMap<Field, FieldRule>,
    /// Which way public comments travel.
    pub comments: Direction,
    /// Which way public files travel.
    pub files: Direction,
    /// The other counterparts that this one may know of: their public comments and files are shared with it too,
    /// bearing their names. Of all others it is told nothing.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub introduces: BTreeSet<PartyName>,
    /// What becomes of comments and files that only home's own staff may read.
    #[serde(default, skip_serializing_if = "Internal::stays")]
    pub internal: Internal,
    /// Whether a comment or file is read once more at its origin just before it is sent.
    #[serde(default = "yes", skip_serializing_if = "Clone::clone")]
    pub recheck: bool,
    /// What the counterpart may be shown beyond that, case by case.
    #[serde(default, skip_serializing_if = "Grants::are_none")]
    pub grants: Grants,
    /// The type given to tickets created at the counterpart's desk.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counterpart_type: Option<String>,
    /// The type given to tickets created at home.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub home_type: Option<String>,
    /// Whether a request has to be accepted, and how; `None`: whoever gets it has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub handshake: Option<Handshake>,
    /// Whether a public comment passes the ball to the other side.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub reply_passes: bool,
    /// Whether the counterpart's ticket bears a link to the case in the console.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub guest_link: bool,
    /// What becomes of personal data on its way to the counterpart; `None`: it is not looked for. [`Terms`] have it in
    /// words: the lists of people and customers are the organization's own.
    #[serde(skip)]
    pub redaction: Option<Redaction>,
    /// What a ticket must have before it is created at the counterpart's desk.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub require: Vec<Requirement>,
    /// The version of these terms, once [`Rules::new`] has seen them.
    #[serde(skip)]
    pub version: Option<AgreementVersion>,
}

/// Something that a ticket must have before it is created at the counterpart's desk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Requirement {
    /// Its name.
    pub name: String,
    /// What must hold of the ticket as the counterpart would be shown it.
    pub condition: Expression,
    /// What is missing otherwise, for people.
    pub message: String,
}

/// How one field is shared.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FieldRule {
    /// Which way it travels.
    pub direction: Direction,
    /// Who wins when both sides changed it.
    pub policy: Policy,
    /// What the counterpart is shown instead of a value, in Throughline's words: `urgent` may leave as `high`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub outbound: BTreeMap<String, String>,
    /// What a value of the counterpart becomes at home, in Throughline's words.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub inbound: BTreeMap<String, String>,
    /// What becomes of a value that the map of its direction does not name, and of a status or priority that the
    /// other side has no word for. `None`: without a map it leaves as it is, else it is parked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub otherwise: Option<Otherwise>,
}

/// What becomes of a value that is not named.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Otherwise {
    /// It goes nowhere, and a person sees it.
    Park,
    /// It travels as it is.
    AsItIs,
    /// This one stands for it.
    Default(String),
}

impl FieldRule {
    /// A field that travels as it is.
    pub fn plain(direction: Direction, policy: Policy) -> Self {
        Self { direction, policy, outbound: BTreeMap::new(), inbound: BTreeMap::new(), otherwise: None }
    }
}

impl Rules {
    /// All rules, each agreement with the version of its terms.
    pub fn new(
        systems: BTreeMap<SystemName, SystemRules>,
        agreements: BTreeMap<AgreementName, Agreement>,
    ) -> Self {
        let mut rules = Self { systems, agreements, ..Self::default() };
        let versions: Vec<_> =
            rules.agreements.keys().map(|name| rules.terms(name).map(|terms| terms.version())).collect();
        for (agreement, version) in rules.agreements.values_mut().zip(versions) {
            agreement.version = version;
        }
        rules
    }
}

fn yes() -> bool {
    true
}

impl Internal {
    fn stays(&self) -> bool {
        *self == Self::None
    }
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
