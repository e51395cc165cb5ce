//! Accounts: people who may enter.

use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use throughline_sdk::Timestamp;

use super::{Error, Role};
use crate::case::Who;

/// The longest name.
const MAX_CHARS: usize = 100;

/// A person who may enter.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Account {
    /// What the ledger names it by; says nothing.
    pub id: Who,
    /// What it is called. Stands nowhere else.
    pub name: String,
    /// What it may.
    pub role: Role,
    /// Whether it may not enter just now.
    #[serde(default)]
    pub disabled: bool,
    /// When it was made.
    pub made: Timestamp,
    /// When it logged in last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entered: Option<Timestamp>,
    /// The hash of its password, for a local account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) password: Option<String>,
    /// Who it is to the organization's own login.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) subject: Option<Subject>,
}

/// Who somebody is to the organization's own login: the two claims that are together unique and never given again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Subject {
    /// The login.
    pub(crate) issuer: String,
    /// The person there.
    pub(crate) subject: String,
}

impl Account {
    /// Whether it enters by a password of this bridge.
    pub fn is_local(&self) -> bool {
        self.password.is_some()
    }

    /// Whether this is its name or its id.
    pub(super) fn is_called(&self, name: &str) -> bool {
        self.id.0 == name || same_name(&self.name, name)
    }
}

/// A local account to be made.
#[derive(Debug)]
pub struct NewAccount {
    /// What it is called.
    pub name: String,
    /// What it may.
    pub role: Role,
    /// Its password.
    pub password: SecretString,
}

/// What is to become of an account.
#[derive(Debug)]
pub enum Change {
    /// It gets another password, and its sessions end.
    Password(SecretString),
    /// It gets another role, and its sessions end.
    Role(Role),
    /// It may not enter any more, and its sessions end.
    Disable,
    /// It may enter again.
    Enable,
    /// It is forgotten, and its sessions end.
    Remove,
}

/// People do not remember whether they wrote a name with a capital.
pub(super) fn same_name(one: &str, other: &str) -> bool {
    one.trim().to_lowercase() == other.trim().to_lowercase()
}

/// A name as it is kept.
pub(super) fn name(given: &str) -> Result<String, Error> {
    let name = given.trim();
    if name.is_empty() || name.chars().count() > MAX_CHARS || name.chars().any(char::is_control) {
        let why = format!("a name has 1 to {MAX_CHARS} characters and no control characters");
        return Err(Error::Unfit(why));
    }
    Ok(name.to_owned())
}
