//! Announcements: read once, and handed to the lane of each open case that is about the same product.

use std::sync::Arc;

use throughline_sdk::{Class, SystemName, Ticket, TicketRef};
use tokio::sync::oneshot;

use super::lane::Lane;
use super::lanes::LaneKey;
use super::nudge::{Hinted, Nudge};
use crate::case::{CaseId, Fact, References};
use crate::daemon::Shared;
use crate::ledger::{self, Entry, Position};
use crate::plan;

/// How many cases are told at a time.
const PAGE: usize = 64;

/// An announcement as it was read.
#[derive(Debug)]
pub struct Announcement {
    /// The system it stands in.
    pub system: SystemName,
    /// What it says.
    pub ticket: Ticket,
}

/// Tells every case that an announcement concerns. The hint stands until all of them have recorded it; the lane does
/// not wait for that, because each of those lanes needs a place among those that run.
pub(super) async fn announce(
    shared: &Arc<Shared>,
    ticket: &TicketRef,
    read: Ticket,
    hint: Hinted,
    through: Position,
) -> Result<(), ledger::Error> {
    let stands = match shared.rules.is_over(&ticket.system, &read.status) {
        true => None,
        false => Some(&read),
    };
    // Before the cases are looked up: one that comes to be about it meanwhile finds it standing.
    stand(shared, ticket, stands).await?;
    let announcement = Arc::new(Announcement { system: ticket.system.clone(), ticket: read });
    let (following, ticket) = (Arc::clone(shared), ticket.clone());
    shared.supervisor.spawn(async move {
        if let Err(error) = follow(&following, &ticket, announcement, hint, through).await {
            tracing::error!(%ticket, %error, "An announcement could not be recorded.");
            following.fail();
        }
    });
    Ok(())
}

/// Keeps what an announcement is about for cases to come, as long as it stands: `None` ends that.
pub(super) async fn stand(
    shared: &Arc<Shared>,
    ticket: &TicketRef,
    read: Option<&Ticket>,
) -> Result<(), ledger::Error> {
    let products = read.map(|read| shared.rules.announced(read)).unwrap_or_default();
    if shared.journal.look_up(|index| index.announced(ticket))? != products {
        let facts = vec![Fact::Announced { ticket: ticket.clone(), products }];
        shared.journal.commit(Entry { at: shared.clock.now(), case: None, facts }).await?;
    }
    Ok(())
}

async fn follow(
    shared: &Arc<Shared>,
    ticket: &TicketRef,
    announcement: Arc<Announcement>,
    mut hint: Hinted,
    through: Position,
) -> Result<(), ledger::Error> {
    let is_told = tell(shared, &announcement).await?;
    let mut facts: Vec<Fact> = Vec::new();
    if !is_told {
        facts.extend(hint.record(ticket));
    } else if hint.unrecorded.is_none() {
        facts.push(Fact::Answered { ticket: ticket.clone(), through });
    }
    if !facts.is_empty() && !shared.supervisor.is_stopping() {
        shared.journal.commit(Entry { at: shared.clock.now(), case: None, facts }).await?;
    }
    if !is_told {
        let wait = shared.wait_after(hint.failures, None);
        let again = Hinted { failures: hint.failures + 1, ..Hinted::recorded() };
        let nudge = Nudge::Hint { ticket: ticket.clone(), hint: again };
        shared.lanes.nudge_later(shared, LaneKey::Ticket(ticket.clone()), nudge, wait);
    }
    hint.acknowledge();
    Ok(())
}

/// Whether every case recorded what was new to it.
async fn tell(shared: &Arc<Shared>, announcement: &Arc<Announcement>) -> Result<bool, ledger::Error> {
    let mut is_told = true;
    for product in shared.rules.announced(&announcement.ticket) {
        let mut after = CaseId(0);
        loop {
            if shared.supervisor.is_stopping() {
                return Ok(false);
            }
            let (system, about) = (announcement.system.clone(), product.clone());
            let page =
                shared.journal.read(move |index| index.concerned(&system, &about, after, PAGE)).await?;
            let Some(last) = page.last() else { break };
            after = *last;
            let mut answers = Vec::with_capacity(page.len());
            for case in page {
                let (done, recorded) = oneshot::channel();
                let announcement = Arc::clone(announcement);
                shared.lanes.nudge_case(shared, case, Nudge::Announced { announcement, done });
                answers.push(recorded);
            }
            for recorded in answers {
                is_told &= recorded.await.is_ok();
            }
        }
    }
    Ok(is_told)
}

impl Lane<'_> {
    /// Adds what an announcement has to tell the case.
    pub(super) fn refer(&mut self, system: &SystemName, ticket: &Ticket, facts: &mut Vec<Fact>) {
        for fact in plan::refer(&self.case, &self.shared.rules, system, ticket) {
            self.case.apply(&fact, self.shared.clock.now());
            facts.push(fact);
        }
    }

    /// Looks up or reads the next thing the case has to refer to. False when there is nothing, or nothing now.
    pub(super) async fn consult(&mut self) -> Result<bool, ledger::Error> {
        if self.case.references.unasked {
            let found = self.shared.journal.look_up(|index| {
                let mut found = Vec::new();
                for (system, products) in &self.case.references.products {
                    for product in products {
                        found.extend(index.standing(system, product, References::MOST)?);
                    }
                }
                found.sort();
                found.dedup();
                found.truncate(References::MOST);
                Ok(found)
            })?;
            self.conclude(Fact::Consulted { found }).await?;
            return Ok(true);
        }
        while let Some(reference) = self.next_unread() {
            let shared = Arc::clone(self.shared);
            let Some(system) = shared.systems.get(&reference.system) else {
                let reason = "its system is not configured any more".to_owned();
                self.conclude(Fact::Unreferred { reference, reason }).await?;
                return Ok(true);
            };
            let Some(_inside) = self.enter(&reference.system) else { continue };
            match shared.fetch(system, &reference.id, self.urgency()).await {
                Ok(read) if read.id == reference.id => {
                    let mut facts = Vec::new();
                    self.refer(&reference.system, &read, &mut facts);
                    self.record(facts, shared.clock.now()).await?;
                    return Ok(true);
                }
                Ok(read) => {
                    let reason = format!("it is {} now", read.id);
                    self.conclude(Fact::Unreferred { reference, reason }).await?;
                    return Ok(true);
                }
                Err(error) if error.class() == Class::Changed => {
                    self.conclude(Fact::Unreferred { reference, reason: error.to_string() }).await?;
                    return Ok(true);
                }
                Err(error) => {
                    tracing::debug!(case.id = %self.case.id, system.name = %reference.system, %error,
                        "An announcement could not be read; it is tried again.");
                    self.silent.insert(reference.system.clone());
                    self.wait(error.retry_after());
                }
            }
        }
        Ok(false)
    }

    fn next_unread(&self) -> Option<TicketRef> {
        let open = |system: &SystemName| !self.full.contains(system) && !self.silent.contains(system);
        self.case.references.unread.iter().find(|reference| open(&reference.system)).cloned()
    }

    async fn conclude(&mut self, fact: Fact) -> Result<(), ledger::Error> {
        let now = self.shared.clock.now();
        self.case.apply(&fact, now);
        self.record(vec![fact], now).await
    }
}
