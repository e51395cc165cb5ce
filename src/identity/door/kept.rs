//! What the door knows of accounts, tokens and sessions: in memory as in the files, and nothing of it before its record.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard};
use std::time::Duration;

use throughline_sdk::{Clock, Entropy, Timestamp};

use crate::case::{CaseId, Door, Fact, PartyName, Seen, Who};
use crate::identity::Error;
use crate::identity::oidc::Oidc;
use crate::identity::pace::Paced;
use crate::identity::password::Passwords;
use crate::identity::register::{Register, Sessions};
use crate::identity::sealed::Sealed;
use crate::identity::secret::Hash;
use crate::identity::session::{Lasts, Session};
use crate::ledger::{Entry, Journal};

#[derive(Debug)]
pub(super) struct Kept {
    pub(super) journal: Journal,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) entropy: Arc<dyn Entropy>,
    pub(super) passwords: Passwords,
    pub(super) oidc: Option<Oidc>,
    pub(super) lasts: Lasts,
    pub(super) parties: RwLock<Option<Vec<PartyName>>>,
    pub(super) register_file: Sealed,
    pub(super) sessions_file: Sealed,
    pub(super) register: RwLock<Register>,
    pub(super) sessions: RwLock<BTreeMap<Hash, Session>>,
    /// Held while something changes, from what it is decided on to the file.
    pub(super) writing: tokio::sync::Mutex<()>,
    pub(super) by_account: Paced<Hash>,
    pub(super) by_address: Paced<IpAddr>,
    pub(super) requests: Paced<Who>,
    pub(super) looked: Mutex<BTreeMap<OneLook, Duration>>,
}

/// What is the same look: who, at what, of which case, as whom.
pub(super) type OneLook = (Who, Seen, Option<CaseId>, Option<PartyName>);

impl Kept {
    pub(super) fn register(&self) -> RwLockReadGuard<'_, Register> {
        self.register.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn sessions(&self) -> RwLockReadGuard<'_, BTreeMap<Hash, Session>> {
        self.sessions.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn looked(&self) -> MutexGuard<'_, BTreeMap<OneLook, Duration>> {
        self.looked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) async fn record(&self, said: Door) -> Result<(), Error> {
        self.commit(Fact::Door(said)).await
    }

    pub(super) async fn commit(&self, fact: Fact) -> Result<(), Error> {
        let entry = Entry { at: self.clock.now(), case: None, facts: vec![fact] };
        Ok(self.journal.commit(entry).await.map(drop)?)
    }

    /// What is known counts only once it is durable.
    pub(super) async fn keep(&self, register: Register) -> Result<(), Error> {
        self.register_file.write(&register).await?;
        *self.register.write().unwrap_or_else(PoisonError::into_inner) = register;
        Ok(())
    }

    pub(super) async fn keep_sessions(&self, sessions: BTreeMap<Hash, Session>) -> Result<(), Error> {
        self.sessions_file.write(&Sessions::of(&sessions)).await?;
        *self.sessions.write().unwrap_or_else(PoisonError::into_inner) = sessions;
        Ok(())
    }

    /// Ended in this process whatever the disk says; on the disk as far as it takes it.
    pub(super) async fn end(&self, ended: &[Hash]) -> Result<(), Error> {
        if ended.is_empty() {
            return Ok(());
        }
        let mut sessions = self.sessions().clone();
        sessions.retain(|hash, _| !ended.contains(hash));
        self.sessions.write().unwrap_or_else(PoisonError::into_inner).clone_from(&sessions);
        self.keep_sessions(sessions).await
    }

    pub(super) async fn note_sight(&self, hash: &Hash, now: Timestamp) {
        let _writing = self.writing.lock().await;
        let mut sessions = self.sessions().clone();
        let Some(session) = sessions.get_mut(hash) else { return };
        session.seen = now;
        if let Err(error) = self.keep_sessions(sessions).await {
            tracing::warn!(%error, "When a session was used last could not be written; it may end too early.");
        }
    }

    pub(super) async fn note_use(&self, hash: &Hash, now: Timestamp) {
        let _writing = self.writing.lock().await;
        let mut register = self.register().clone();
        let Some(token) = register.tokens.iter_mut().find(|token| token.hash == *hash) else { return };
        token.used = Some(now);
        if let Err(error) = self.keep(register).await {
            tracing::warn!(%error, "When a token was used last could not be written.");
        }
    }
}
