//! Systems that a person has paused: nothing is read from them or sent to them until they go on. Their webhooks are
//! taken as ever, so that nothing is lost.

use std::collections::BTreeMap;
use std::sync::Arc;

use throughline_sdk::{DynConnector, Error, ErrorKind, SystemName};
use tokio::sync::watch;

use super::{Shared, System};
use crate::case::Fact;
use crate::deliver::Nudge;
use crate::intake;
use crate::ledger;
use crate::store::{Index, Paused};

/// Which systems are paused just now.
#[derive(Debug, Default)]
pub struct Pauses(watch::Sender<BTreeMap<SystemName, Paused>>);

impl Pauses {
    /// Who paused a system and why, if somebody did.
    pub fn of(&self, system: &SystemName) -> Option<Paused> {
        self.0.borrow().get(system).cloned()
    }

    /// Whether a system is paused.
    pub fn holds(&self, system: &SystemName) -> bool {
        self.0.borrow().contains_key(system)
    }

    /// Returns once a system is not paused.
    pub(crate) async fn over(&self, system: &SystemName) {
        let mut pauses = self.0.subscribe();
        // The sender lives as long as `self`: an error is as good as its end.
        drop(pauses.wait_for(|pauses| !pauses.contains_key(system)).await);
    }

    pub(super) fn restore(&self, pauses: BTreeMap<SystemName, Paused>) {
        self.0.send_replace(pauses);
    }

    fn set(&self, system: &SystemName, paused: Option<Paused>) {
        self.0.send_modify(|pauses| match paused {
            Some(paused) => drop(pauses.insert(system.clone(), paused)),
            None => drop(pauses.remove(system)),
        });
    }
}

impl Shared {
    /// The connector of a system, through which it is asked: none while it is paused.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unavailable`] while it is paused, with who paused it and why.
    pub(crate) fn reach<'s>(&self, system: &'s System) -> Result<&'s Arc<dyn DynConnector>, Error> {
        match self.pauses.of(&system.name) {
            None => Ok(&system.connector),
            Some(Paused { by, reason, .. }) => Err(Error::new(
                ErrorKind::Unavailable,
                format!("{} is paused by {by}: {reason}", system.name),
            )),
        }
    }

    /// Pauses a system, durably. What is under way comes to its end.
    ///
    /// # Errors
    ///
    /// When it cannot be recorded.
    pub(crate) async fn pause(
        &self,
        system: &SystemName,
        by: &str,
        reason: &str,
    ) -> Result<Paused, ledger::Error> {
        let since = self.clock.now();
        let (by, reason) = (by.to_owned(), reason.to_owned());
        let paused = Paused { by: by.clone(), reason: reason.clone(), since };
        self.note(Fact::Paused { system: system.clone(), by, reason, since }).await?;
        self.pauses.set(system, Some(paused.clone()));
        tracing::warn!(system.name = %system, by = paused.by, reason = paused.reason, "A system is paused.");
        Ok(paused)
    }

    /// Lets a paused system go on, and takes up what waited for it.
    ///
    /// # Errors
    ///
    /// When it cannot be recorded, or the store cannot be read.
    pub(crate) async fn resume(self: &Arc<Self>, system: &SystemName, by: &str) -> Result<(), ledger::Error> {
        self.note(Fact::Resumed { system: system.clone(), by: by.to_owned() }).await?;
        self.pauses.set(system, None);
        tracing::info!(system.name = %system, by, "A paused system goes on.");
        let outstanding = |index: &Index| Ok((index.working()?, index.hints(usize::MAX)?));
        let (working, hints) = self.journal.read(outstanding).await?;
        for case in working {
            self.lanes.nudge_case(self, case, Nudge::Resume { failures: 0 });
        }
        for ticket in hints.into_iter().filter(|ticket| ticket.system == *system) {
            intake::wake(self, ticket)?;
        }
        Ok(())
    }
}
