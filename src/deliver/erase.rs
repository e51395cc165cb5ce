//! Erasing a case in its own lane: decided in the ledger, then its files, its tickets at our own desks and its key.
//!
//! What is decided is carried out whatever happens: a start takes up what a crash left.

use std::sync::Arc;

use throughline_sdk::TicketRef;
use tokio::sync::oneshot;

use super::lane::Lane;
use super::nudge::Nudge;
use super::open;
use crate::case::{Case, CaseId, Fact};
use crate::daemon::Shared;
use crate::desk::Sort;
use crate::ledger::{self, Entry};
use crate::store::Erasure;

/// Why a case is to be erased.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ErasureAsked {
    /// Who wants it.
    pub by: String,
    /// Why.
    pub because: String,
    /// Not if the case is needed again by then: no rule of retention lets it go any more.
    pub unless_needed: bool,
}

impl Lane<'_> {
    /// Whether it is still to be done, as the case is by now.
    pub(super) fn is_to_be_erased(&self, asked: &ErasureAsked) -> bool {
        let now = self.shared.clock.now();
        !asked.unless_needed || self.shared.rules.kept_until(&self.case).is_some_and(|due| due.at <= now)
    }

    /// Erases the lane's case. What was under way for it is left as it is: nobody can tell any more what it was.
    pub(super) async fn erase(
        self,
        asked: ErasureAsked,
        done: oneshot::Sender<Erasure>,
    ) -> Result<(), ledger::Error> {
        let (shared, case) = (Arc::clone(self.shared), &self.case);
        let at = shared.clock.now();
        let ErasureAsked { by, because, .. } = asked;
        let fact = Fact::Erasing {
            case: case.id,
            at,
            tickets: tickets(case),
            by: by.clone(),
            because: because.clone(),
        };
        shared.journal.commit(Entry { at, case: None, facts: vec![fact] }).await?;
        let files = carry_out(&shared, case.id).await?;
        tracing::info!(case.id = %case.id, files, "A case was erased.");
        // Who asked may have gone.
        done.send(Erasure { case: case.id, at, by, because, files: Some(files) }).ok();
        Ok(())
    }
}

/// Carries out what was decided; also what a crash interrupted. Answers how many files were deleted.
pub(crate) async fn carry_out(shared: &Arc<Shared>, id: CaseId) -> Result<u32, ledger::Error> {
    let mut files = 0;
    if let Some(case) = shared.journal.look_up(|index| index.case(id))? {
        for (system, leg) in &case.legs {
            let desk = shared.northbound.desks().find(|desk| desk.name() == system);
            let number = leg.ticket.as_ref().and_then(|ticket| ticket.as_str().parse().ok());
            if let (Some(desk), Some(number)) = (desk, number) {
                desk.forget(Sort::Ticket, number).await.map_err(|error| left(id, &error))?;
            }
        }
        if let Some(keys) = &shared.northbound.keys {
            keys.erase(id).await.map_err(|error| left(id, &error))?;
        }
        let digests = shared.journal.look_up(|index| index.files_of(id))?;
        // Nobody begins to hold a file meanwhile.
        let filing = shared.filing.write().await;
        for digest in digests {
            if shared.journal.look_up(|index| index.is_held_elsewhere(&digest, id))? {
                continue;
            }
            let mut held = false;
            for desk in shared.northbound.desks() {
                held |= desk.holds(&digest).await.map_err(|error| left(id, &error))?;
            }
            if !held {
                let removed = shared.folder.remove(&digest).await.map_err(|error| left(id, &error))?;
                files += u32::from(removed);
            }
        }
        shared.journal.erase(id).await?;
        drop(filing);
    }
    let facts = vec![Fact::Erased { case: id, files }];
    shared.journal.commit(Entry { at: shared.clock.now(), case: None, facts }).await?;
    Ok(files)
}

/// Nudges for a case that is not there any more: its tickets are looked at as any others are.
pub(super) async fn follow_erased(
    shared: &Arc<Shared>,
    id: CaseId,
    nudges: Vec<Nudge>,
) -> Result<(), ledger::Error> {
    for nudge in nudges {
        match nudge {
            Nudge::Hint { ticket, hint } => {
                open::open(shared, &ticket.clone(), vec![Nudge::Hint { ticket, hint }]).await?;
            }
            Nudge::Announced { .. }
            | Nudge::Claim { .. }
            | Nudge::Erase { .. }
            | Nudge::Resume { .. }
            | Nudge::Command { .. }
            | Nudge::Grant { .. } => {
                tracing::debug!(case.id = %id, "A lane was woken for a case that is not in the store.");
            }
        }
    }
    Ok(())
}

fn tickets(case: &Case) -> Vec<TicketRef> {
    let legs = case.legs.iter().filter_map(|(system, leg)| Some((system, leg.ticket.as_ref()?)));
    let all = legs.chain(&case.former);
    all.map(|(system, ticket)| TicketRef::new(system.clone(), ticket.clone())).collect()
}

/// A disk that fails here is as good as one that fails the ledger: the next start takes the erasure up.
fn left(case: CaseId, error: &dyn std::fmt::Display) -> ledger::Error {
    ledger::Error::Worker(format!(
        "{case} could not be erased whole: {error}; restart once the disk is mended"
    ))
}
