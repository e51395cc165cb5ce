//! What is kept of accounts and tokens, as one value.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::account::{Account, Subject};
use super::secret::Hash;
use super::{Error, Session, Token};
use crate::case::Who;

/// The version of the files; what has another one was written by a later daemon.
const VERSION: u32 = 1;

/// All accounts and tokens.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Register {
    v: u32,
    pub(super) accounts: Vec<Account>,
    pub(super) tokens: Vec<Token>,
}

/// All sessions, by what is kept of their secret.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Sessions {
    v: u32,
    sessions: Vec<Session>,
}

impl Default for Register {
    fn default() -> Self {
        Self { v: VERSION, accounts: Vec::new(), tokens: Vec::new() }
    }
}

impl Register {
    /// Refuses what a later daemon wrote, of which this one would lose a part.
    pub(super) fn check(&self) -> Result<(), Error> {
        let message =
            || format!("the file identity/register has version {}, and this daemon reads {VERSION}", self.v);
        if self.v == VERSION { Ok(()) } else { Err(Error::Broken(message())) }
    }

    /// The account of this name or id.
    pub(super) fn account(&self, name: &str) -> Option<&Account> {
        self.accounts.iter().find(|account| account.is_called(name))
    }

    /// The account of this name or id, to be changed.
    pub(super) fn account_mut(&mut self, name: &str) -> Result<&mut Account, Error> {
        let found = self.accounts.iter_mut().find(|account| account.is_called(name));
        found.ok_or_else(|| Error::Unknown { what: "account", name: name.to_owned() })
    }

    /// The account of this person of the organization's own login.
    pub(super) fn of_subject(&self, subject: &Subject) -> Option<&Account> {
        self.accounts.iter().find(|account| account.subject.as_ref() == Some(subject))
    }

    /// The token whose secret has this hash.
    pub(super) fn token(&self, hash: &Hash) -> Option<&Token> {
        self.tokens.iter().find(|token| token.hash == *hash)
    }

    /// The token of this name or id.
    pub(super) fn token_called(&self, name: &str) -> Result<&Token, Error> {
        let found = self.tokens.iter().find(|token| token.id.0 == name || token.name == name);
        found.ok_or_else(|| Error::Unknown { what: "token", name: name.to_owned() })
    }
}

impl Sessions {
    pub(super) fn of(sessions: &BTreeMap<Hash, Session>) -> Self {
        Self { v: VERSION, sessions: sessions.values().cloned().collect() }
    }

    /// Sessions of another version are over: logging in again is all it takes.
    pub(super) fn by_hash(self) -> BTreeMap<Hash, Session> {
        let sessions = self.sessions.into_iter().filter(|_| self.v == VERSION);
        sessions.map(|session| (session.hash.clone(), session)).collect()
    }
}

/// The sessions of one account.
pub(super) fn of_account(sessions: &BTreeMap<Hash, Session>, account: &Who) -> Vec<Hash> {
    sessions
        .values()
        .filter(|session| session.account == *account)
        .map(|session| session.hash.clone())
        .collect()
}
