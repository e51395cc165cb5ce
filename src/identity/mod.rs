//! Who somebody is and what they may do here: principals, roles, and the rights that routes ask for.
//!
//! A route asks for a right by the type of its argument [`May`](crate::api::May); there is no other way to a principal,
//! so that no route can forget to ask. A guest is a person of one party and sees only that party's own view.
//!
//! Accounts and tokens stand in one sealed file of the data directory, sessions in another. The ledger names their ids
//! only: an account that is removed can be told by nobody any more.

mod account;
mod door;
mod error;
mod oidc;
mod pace;
mod password;
mod places;
mod register;
mod right;
mod sealed;
mod secret;
mod session;
mod site;
#[cfg(test)]
mod tests;
mod token;

use std::fmt;

use serde::{Deserialize, Serialize};

pub use account::{Account, Change, NewAccount};
pub use door::{Identity, Parts, Settings};
pub use error::Error;
pub use oidc::{Arrival, Departure, OidcSettings, Rules};
pub use pace::{Left, Pace};
pub use places::{Full, Place, Streams};
pub use right::{Administer, Audit, Look, Operate, Prove, Right, RightName, Visit};
pub use secret::Secret;
pub(crate) use secret::{csrf, same};
pub use session::Session;
pub use site::{Peer, Site};
pub use token::{NewToken, Token};

use crate::case::{PartyName, Who};

/// What somebody is here.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "RoleWords", into = "RoleWords")]
pub enum Role {
    /// A person of one party: sees that party's own view of its own cases, and nothing else.
    Guest(PartyName),
    /// A helpdesk agent of home: sees cases, and mends what is parked.
    Agent,
    /// Sees everything, changes nothing, and leaves with evidence.
    Auditor,
    /// A connector admin: may do everything.
    Admin,
}

/// A role as it is written: a word, and the party of a guest.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct RoleWords {
    /// guest, agent, auditor or admin.
    pub(crate) role: String,
    /// The party of a guest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) party: Option<PartyName>,
}

impl Role {
    /// The words that configuration, API and pages know.
    pub const WORDS: [&'static str; 4] = ["guest", "agent", "auditor", "admin"];

    /// The role of this word; a guest needs a party and nobody else has one.
    ///
    /// # Errors
    ///
    /// What is wrong with it, in words.
    pub fn of(word: &str, party: Option<PartyName>) -> Result<Self, String> {
        match (word, party) {
            ("guest", Some(party)) => Ok(Self::Guest(party)),
            ("guest", None) => Err("a guest is one of a party: say of which".to_owned()),
            ("agent", None) => Ok(Self::Agent),
            ("auditor", None) => Ok(Self::Auditor),
            ("admin", None) => Ok(Self::Admin),
            ("agent" | "auditor" | "admin", Some(_)) => Err("only a guest has a party".to_owned()),
            (other, _) => {
                Err(format!("there is no role {other:?}; the roles are {}", Self::WORDS.join(", ")))
            }
        }
    }

    /// Its word in configuration, API and pages.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Guest(_) => "guest",
            Self::Agent => "agent",
            Self::Auditor => "auditor",
            Self::Admin => "admin",
        }
    }

    /// The party to whose own view it is bound, for a guest.
    pub fn party(&self) -> Option<&PartyName> {
        match self {
            Self::Guest(party) => Some(party),
            Self::Agent | Self::Auditor | Self::Admin => None,
        }
    }
}

impl TryFrom<RoleWords> for Role {
    type Error = String;

    fn try_from(words: RoleWords) -> Result<Self, String> {
        Self::of(&words.role, words.party)
    }
}

impl From<Role> for RoleWords {
    fn from(role: Role) -> Self {
        Self { role: role.word().to_owned(), party: role.party().cloned() }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Guest(party) => write!(f, "guest of {party}"),
            Self::Agent | Self::Auditor | Self::Admin => f.write_str(self.word()),
        }
    }
}

/// Who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal {
    /// What the ledger names it by.
    pub id: Who,
    /// The account's or token's name, as pages show it.
    pub name: String,
    /// What it is here.
    pub role: Role,
    /// The rights that it was narrowed to; `None`: all of its role.
    pub rights: Option<Vec<RightName>>,
    /// What every form of its session has to send along; `None` for whoever bears a token.
    pub csrf: Option<String>,
}

impl Principal {
    /// Whoever can read the data directory.
    pub fn command_line() -> Self {
        let name = "command line".to_owned();
        Self { id: Who::command_line(), name, role: Role::Admin, rights: None, csrf: None }
    }

    /// The party to whose own view it is bound, for a guest.
    pub fn party(&self) -> Option<&PartyName> {
        self.role.party()
    }

    /// Whether it has the right `R`.
    pub fn may<R: Right>(&self) -> bool {
        let narrowed = self.rights.as_ref().is_none_or(|rights| rights.contains(&R::NAME));
        narrowed && R::has(&self.role)
    }
}
