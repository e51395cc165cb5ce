//! Who came in, who was let in by whom, and who looked at what. Names nobody: what stands behind an id is kept elsewhere,
//! so that a person can be forgotten and the record still holds.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use throughline_sdk::Timestamp;

use super::{CaseId, PartyName};

/// The id of an account (`acc-…`), of a token (`tok-…`), or [`COMMAND_LINE`](Self::COMMAND_LINE).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Who(pub String);

impl Who {
    /// Whoever can read the data directory.
    pub const COMMAND_LINE: &'static str = "command-line";

    /// Whoever can read the data directory.
    pub fn command_line() -> Self {
        Self(Self::COMMAND_LINE.to_owned())
    }
}

impl fmt::Display for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Something about who may enter. New variants may be added; a variant's meaning never changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "door", rename_all = "snake_case")]
pub enum Door {
    /// Somebody logged in.
    LoggedIn {
        /// The account.
        who: Who,
        /// How.
        way: Way,
    },
    /// Somebody was not let in.
    Refused {
        /// The account; none: no such account. What was typed is kept nowhere, it may be a password.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        who: Option<Who>,
        /// How it was tried.
        way: Way,
    },
    /// A session ended before its time.
    LoggedOut {
        /// The account.
        who: Who,
        /// By whom, if not by itself.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        by: Option<Who>,
    },
    /// There is a new account.
    Added {
        /// The account.
        who: Who,
        /// By whom.
        by: Who,
        /// Its role.
        role: String,
        /// Its party, for a guest.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        party: Option<PartyName>,
    },
    /// An account has another role.
    RoleChanged {
        /// The account.
        who: Who,
        /// By whom.
        by: Who,
        /// Its role from now on.
        role: String,
        /// Its party, for a guest.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        party: Option<PartyName>,
    },
    /// An account has another password.
    PasswordChanged {
        /// The account.
        who: Who,
        /// By whom.
        by: Who,
    },
    /// An account may not enter any more.
    Disabled {
        /// The account.
        who: Who,
        /// By whom.
        by: Who,
    },
    /// An account may enter again.
    Enabled {
        /// The account.
        who: Who,
        /// By whom.
        by: Who,
    },
    /// An account is not there any more: nobody can tell who it was.
    Removed {
        /// The account.
        who: Who,
        /// By whom.
        by: Who,
    },
    /// A token was given out.
    Issued {
        /// The token.
        who: Who,
        /// By whom.
        by: Who,
        /// Its role.
        role: String,
        /// Its party, for a guest.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        party: Option<PartyName>,
        /// When it ends.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        until: Option<Timestamp>,
    },
    /// A token was taken back.
    Revoked {
        /// The token.
        who: Who,
        /// By whom.
        by: Who,
    },
}

/// What happened at the door, taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Happened<'a> {
    /// Its word, which is that of the record.
    pub what: &'static str,
    /// Whom it was about, if that is known.
    pub who: Option<&'a Who>,
    /// By whom, if not by themselves.
    pub by: Option<&'a Who>,
    /// How it was tried to log in.
    pub way: Option<Way>,
    /// The role that was given.
    pub role: Option<&'a str>,
    /// The party of a guest.
    pub party: Option<&'a PartyName>,
    /// When what was given ends.
    pub until: Option<Timestamp>,
}

impl Door {
    /// It taken apart, for lists.
    pub fn happened(&self) -> Happened<'_> {
        let of = |what, who, by| Happened { what, who, by, way: None, role: None, party: None, until: None };
        match self {
            Self::LoggedIn { who, way } => Happened { way: Some(*way), ..of("logged_in", Some(who), None) },
            Self::Refused { who, way } => Happened { way: Some(*way), ..of("refused", who.as_ref(), None) },
            Self::LoggedOut { who, by } => of("logged_out", Some(who), by.as_ref()),
            Self::Added { who, by, role, party } => {
                Happened { role: Some(role), party: party.as_ref(), ..of("added", Some(who), Some(by)) }
            }
            Self::RoleChanged { who, by, role, party } => Happened {
                role: Some(role),
                party: party.as_ref(),
                ..of("role_changed", Some(who), Some(by))
            },
            Self::PasswordChanged { who, by } => of("password_changed", Some(who), Some(by)),
            Self::Disabled { who, by } => of("disabled", Some(who), Some(by)),
            Self::Enabled { who, by } => of("enabled", Some(who), Some(by)),
            Self::Removed { who, by } => of("removed", Some(who), Some(by)),
            Self::Issued { who, by, role, party, until } => Happened {
                role: Some(role),
                party: party.as_ref(),
                until: *until,
                ..of("issued", Some(who), Some(by))
            },
            Self::Revoked { who, by } => of("revoked", Some(who), Some(by)),
        }
    }
}

/// How somebody logs in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Way {
    /// By a password of this bridge.
    Password,
    /// Through the organization's own login.
    Oidc,
}

impl Way {
    /// What it is, for people.
    pub fn words(self) -> &'static str {
        match self {
            Self::Password => "by password",
            Self::Oidc => "through the organization's login",
        }
    }
}

/// Somebody looked at something. Once for each person, case and kind of thing within a few minutes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Look {
    /// When.
    pub at: Timestamp,
    /// Who.
    pub who: Who,
    /// What it was.
    pub what: Seen,
    /// The case, if it was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub case: Option<CaseId>,
    /// As whose view, if not home's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub party: Option<PartyName>,
}

/// What can be looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Seen {
    /// A case.
    Case,
    /// Its story.
    Trace,
    /// What became of everything in it, and why.
    Explanation,
    /// A file of it.
    File,
    /// Evidence of it.
    Evidence,
    /// What leaves the bridge as a whole.
    Export,
}

impl Seen {
    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Case => "case",
            Self::Trace => "trace",
            Self::Explanation => "explanation",
            Self::File => "file",
            Self::Evidence => "evidence",
            Self::Export => "export",
        }
    }
}
