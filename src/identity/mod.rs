//! Who somebody is and what they may do here: principals, roles, and the rights that routes ask for.
//!
//! A route asks for a right by the type of its argument [`May`](crate::api::May); there is no other way to a principal,
//! so that no route can forget to ask. A guest is a person of one party and sees only that party's own view.

mod right;

use std::fmt;

use secrecy::{ExposeSecret, SecretString};

pub use right::{Administer, Audit, Look, Operate, Right, Visit};

use crate::case::PartyName;

/// What somebody is here.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
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

impl Role {
    /// Its word in configuration, API and pages.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Guest(_) => "guest",
            Self::Agent => "agent",
            Self::Auditor => "auditor",
            Self::Admin => "admin",
        }
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
    /// The account's or token's name, as records and pages show it.
    pub name: String,
    /// What it is here.
    pub role: Role,
}

impl Principal {
    /// The party to whose own view it is bound, for a guest.
    pub fn party(&self) -> Option<&PartyName> {
        match &self.role {
            Role::Guest(party) => Some(party),
            Role::Agent | Role::Auditor | Role::Admin => None,
        }
    }
}

/// Knows principals by their credentials.
#[derive(Debug)]
pub struct Identity {
    /// The token of the data directory: whoever can read it owns the daemon.
    admin: SecretString,
}

impl Identity {
    /// Knows the bearer of `admin` only.
    pub fn new(admin: SecretString) -> Self {
        Self { admin }
    }

    /// Whose bearer token this is.
    pub fn bearer(&self, token: &str) -> Option<Principal> {
        // Comparing through a keyed hash takes the same time whatever the token begins with.
        let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, b"admin token");
        let expected = ring::hmac::sign(&key, self.admin.expose_secret().as_bytes());
        let same = ring::hmac::verify(&key, token.as_bytes(), expected.as_ref()).is_ok();
        same.then(|| Principal { name: "command line".to_owned(), role: Role::Admin })
    }
}
