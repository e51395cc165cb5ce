//! A ticket that belongs to no case yet: opens one if an agreement routes it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use throughline_sdk::{Class, Error, Ticket, TicketRef, Urgency};

use super::lanes::LaneKey;
use super::nudge::{Hinted, Nudge};
use super::refer;
use crate::case::{Case, Fact};
use crate::daemon::{Shared, System};
use crate::ledger::{self, Entry, Position};

/// How far a ticket's lane came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Opened {
    /// It is done, or leaves a timer behind.
    Done,
    /// Its system is full: it is called when there is a place.
    Waits,
}

/// Reads a ticket that was hinted at, and opens a case for it if an agreement routes it.
pub(super) async fn open(
    shared: &Arc<Shared>,
    ticket: &TicketRef,
    nudges: Vec<Nudge>,
) -> Result<Opened, ledger::Error> {
    let hints = nudges.into_iter().filter_map(|nudge| match nudge {
        Nudge::Hint { hint, .. } => Some(hint),
        Nudge::Announced { .. }
        | Nudge::Claim { .. }
        | Nudge::Erase { .. }
        | Nudge::Resume { .. }
        | Nudge::Command { .. }
        | Nudge::Grant { .. } => None,
    });
    let Some(mut hint) = hints.reduce(|mut one, other| {
        one.join(other);
        one
    }) else {
        return Ok(Opened::Done);
    };
    if let Some(case) = shared.case_of(ticket)? {
        shared.lanes.nudge_case(shared, case, Nudge::Hint { ticket: ticket.clone(), hint });
        return Ok(Opened::Done);
    }
    let Some(system) = shared.systems.get(&ticket.system) else { return Ok(Opened::Done) };
    let through = shared.journal.end();
    if let Some(case) = shared.journal.look_up(|index| index.erased_with(ticket))? {
        shared.ignore(ticket, through, &hint, &format!("its case {case} was erased")).await?;
        hint.acknowledge();
        return Ok(Opened::Done);
    }
    let read = match shared.content(ticket, &mut hint)? {
        Some(content) => content,
        None => {
            let key = LaneKey::Ticket(ticket.clone());
            let Some(inside) = shared.enter(system, &key, Urgency::default()) else {
                shared.keep(ticket, hint).await?;
                return Ok(Opened::Waits);
            };
            let read = shared.fetch(system, &ticket.id, Urgency::default()).await;
            drop(inside);
            match read {
                Ok(read) => read,
                Err(error) => {
                    if error.class() == Class::Changed {
                        refer::stand(shared, ticket, None).await?;
                    }
                    shared.unread(system, ticket, hint, through, error).await?;
                    return Ok(Opened::Done);
                }
            }
        }
    };
    if shared.rules.announces(&ticket.system) {
        refer::announce(shared, ticket, read, hint, through).await?;
        return Ok(Opened::Done);
    }
    if let Some(case) = shared.case_of_read(ticket, &read)? {
        // Read once more in its lane: what was recorded since must not be taken for read.
        shared.lanes.nudge_case(shared, case, Nudge::Hint { ticket: ticket.clone(), hint });
        return Ok(Opened::Done);
    }
    if shared.rules.routes(&ticket.system, &read).is_empty() {
        shared.ignore(ticket, through, &hint, &shared.rules.unrouted(&ticket.system, &read)).await?;
        hint.acknowledge();
        return Ok(Opened::Done);
    }
    let now = shared.clock.now();
    let mut case = Case::new(shared.journal.next_case(), now);
    let observations = BTreeMap::from([(ticket.system.clone(), read)]);
    let plan = shared.plan(&mut case, &observations, &BTreeSet::new(), now);
    let mut facts: Vec<Fact> = hint.record(ticket).into_iter().collect();
    facts.extend(plan.facts);
    facts.push(Fact::Answered { ticket: ticket.clone(), through });
    shared.metrics.decided(None, &facts);
    shared.mark_unsent(&facts);
    let id = case.id;
    shared.journal.commit(Entry { at: now, case: Some(case), facts }).await?;
    tracing::info!(case.id = %id, %ticket, "Opened a case for a ticket.");
    hint.acknowledge();
    shared.lanes.nudge_case(shared, id, Nudge::Resume { failures: 0 });
    Ok(Opened::Done)
}

impl Shared {
    /// What came with a hint, if nothing else is to be read of the ticket: a hint that stands may tell of more.
    pub(super) fn content(
        &self,
        ticket: &TicketRef,
        hint: &mut Hinted,
    ) -> Result<Option<Ticket>, ledger::Error> {
        let Some(content) = hint.content.take() else { return Ok(None) };
        let stands = self.journal.look_up(|index| index.is_hinted(ticket))?;
        Ok((!stands).then_some(*content))
    }

    /// A ticket of no case could not be read: it is not there, or it is tried again.
    async fn unread(
        self: &Arc<Self>,
        system: &System,
        ticket: &TicketRef,
        hint: Hinted,
        through: Position,
        error: Error,
    ) -> Result<(), ledger::Error> {
        if error.class() == Class::Changed {
            self.ignore(ticket, through, &hint, &error.to_string()).await?;
            hint.acknowledge();
            return Ok(());
        }
        tracing::debug!(%ticket, system.name = %system.name, %error, "A ticket could not be read; it is tried again.");
        let failures = hint.failures;
        self.keep(ticket, hint).await?;
        let wait = self.wait_after(failures, error.retry_after());
        let hint = Hinted { failures: failures + 1, ..Hinted::recorded() };
        let nudge = Nudge::Hint { ticket: ticket.clone(), hint };
        self.lanes.nudge_later(self, LaneKey::Ticket(ticket.clone()), nudge, wait);
        Ok(())
    }
    /// Records a hint that has to wait, and tells its sender.
    async fn keep(&self, ticket: &TicketRef, mut hint: Hinted) -> Result<(), ledger::Error> {
        if let Some(fact) = hint.record(ticket) {
            self.journal.commit(Entry { at: self.clock.now(), case: None, facts: vec![fact] }).await?;
        }
        hint.acknowledge();
        Ok(())
    }
}
