//! Grants: a party is shown more of one case than its agreement shares, for a purpose and until a moment.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use throughline_sdk::{SystemName, Timestamp};

use super::{Field, Origin, Priority};

/// A grant's number in its case, written `G3`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct GrantId(pub u32);

/// A grant, from its being asked for to its end. One that ended stays: it tells which copies have to be taken back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// The counterpart's leg: to whom it is shown, and where.
    pub leg: SystemName,
    /// What is shown.
    pub what: Granted,
    /// What for, in words.
    pub purpose: String,
    /// Until when.
    pub until: Timestamp,
    /// Who asked for it, as they said.
    pub by: String,
    /// The counterpart asked for it itself; else home offers it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub party_asks: bool,
    /// Where the counterpart's desk has nothing that only its staff may read, it is shown in public there.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub public_if_must: bool,
    /// The copy of an environment that is meant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<Environment>,
    /// How it stands.
    pub state: GrantState,
    /// It was open once: something may have been shown.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub opened: bool,
    /// By what it was approved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval: Option<Approval>,
    /// Why it was refused or revoked, and by whom.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<Ended>,
}

/// What a grant shows.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum Granted {
    /// One field.
    Field(Field),
    /// All comments that only home's staff may read.
    InternalComments,
    /// One of them.
    Comment(Origin),
    /// All public files of home's.
    Files,
    /// One file of home's, public or internal.
    File(Origin),
    /// An anonymized copy of an environment, by a reference in words.
    Environment,
}

/// An anonymized copy of an environment that stands somewhere else: what it is called, and how one gets there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Environment {
    /// What it is called.
    pub label: String,
    /// How one gets there, in words or as an address.
    pub reference: String,
}

/// How a grant stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum GrantState {
    /// It waits to be approved.
    Asked,
    /// It opens as soon as what it shows can be read.
    Approved,
    /// What it names is shown.
    Open,
    /// It was not approved.
    Refused,
    /// It was ended before its time.
    Revoked,
    /// Its time is over.
    Expired,
}

/// By what a grant was approved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", tag = "is")]
pub enum Approval {
    /// A person did, in the role that the agreement names.
    Role {
        /// The role.
        role: String,
        /// Who, as they said.
        by: String,
    },
    /// The agreement did: the request is as urgent as it asks for.
    Policy {
        /// Its priority is at least this.
        from: Priority,
    },
}

/// Why a grant was ended by somebody.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Ended {
    /// Who, as they said.
    pub by: String,
    /// Why.
    pub reason: String,
}

impl Grant {
    /// The key of the notice that tells of an environment.
    pub fn notice_key(id: GrantId) -> String {
        format!("{NOTICE}{}", id.0)
    }

    /// The grant that a notice tells of, if it tells of one.
    pub fn of_notice(key: &str) -> Option<GrantId> {
        key.strip_prefix(NOTICE)?.parse().ok().map(GrantId)
    }

    /// Whether what it names is shown at this moment.
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.state == GrantState::Open && now < self.until
    }
}

const NOTICE: &str = "grant-";

impl GrantState {
    /// The word in the ledger and for readers.
    pub fn word(self) -> &'static str {
        match self {
            Self::Asked => "asked",
            Self::Approved => "approved",
            Self::Open => "open",
            Self::Refused => "refused",
            Self::Revoked => "revoked",
            Self::Expired => "expired",
        }
    }

    /// Whether nothing follows any more.
    pub fn is_over(self) -> bool {
        matches!(self, Self::Refused | Self::Revoked | Self::Expired)
    }
}

impl fmt::Display for GrantId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "G{}", self.0)
    }
}

impl FromStr for GrantId {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits = text.strip_prefix(['G', 'g']).and_then(|digits| digits.parse().ok());
        digits.map(Self).ok_or_else(|| format!("{text:?} is no grant; one looks like G3"))
    }
}

impl fmt::Display for Granted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Field(field) => write!(f, "{field}"),
            Self::InternalComments => f.write_str("internal comments"),
            Self::Comment(origin) => write!(f, "comment:{origin}"),
            Self::Files => f.write_str("files"),
            Self::File(origin) => write!(f, "file:{origin}"),
            Self::Environment => f.write_str("environment"),
        }
    }
}

impl FromStr for Granted {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Some(origin) = text.strip_prefix("comment:") {
            return origin.to_owned().try_into().map(Self::Comment);
        }
        if let Some(origin) = text.strip_prefix("file:") {
            return origin.to_owned().try_into().map(Self::File);
        }
        Ok(match text {
            "internal comments" => Self::InternalComments,
            "files" => Self::Files,
            "environment" => Self::Environment,
            field => Self::Field(field.parse().map_err(|_why: String| {
                format!(
                    "{text:?} is nothing that can be granted; write a field (title, field:NAME), internal comments, \
                     comment:SYSTEM#ID, files, file:SYSTEM#ID or environment"
                )
            })?),
        })
    }
}

impl From<Granted> for String {
    fn from(granted: Granted) -> Self {
        granted.to_string()
    }
}

impl TryFrom<String> for Granted {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}
