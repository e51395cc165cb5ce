//! Reading tickets: what a webhook brought judged by its version, the rest read afresh, and tickets that went away.

use std::collections::BTreeMap;
use std::sync::Arc;

use throughline_sdk::{
    Class, Error, ErrorKind, RemoteId, SystemName, Ticket, TicketRef, Timestamp, Urgency, Version,
};

use super::attempt::later;
use super::lane::Lane;
use super::nudge::Hinted;
use crate::case::{Case, CaseId, Fact, Health, Item, Phase};
use crate::daemon::{Shared, System};
use crate::ledger::{self, Entry, Position};
use crate::plan;

/// How content that came with a webhook stands to what was read before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Seen {
    /// Older than the shadow, or the same: a replay, a reordering, or our own echo.
    Stale,
    /// Newer than the shadow.
    Newer,
    /// Not to be told: read afresh.
    Unclear,
}

impl Lane<'_> {
    /// Judges content by the remote version. Only counting versions have an order.
    pub(super) fn judge(&self, ticket: &TicketRef, content: &Ticket) -> Seen {
        let Some(leg) = self.case.legs.get(&ticket.system) else { return Seen::Unclear };
        if content.id != ticket.id || leg.ticket.as_ref() != Some(&ticket.id) || leg.health != Health::Well {
            return if leg.ticket.is_none() { Seen::Newer } else { Seen::Unclear };
        }
        // In doubt about a write only a reading whose moment we know shows what came of it.
        if leg.outstanding.iter().any(|standing| standing.phase != Phase::Ready) {
            return Seen::Unclear;
        }
        match (count(leg.shadow.version.as_ref()), count(content.version.as_ref())) {
            (Some(before), Some(now)) if now > before => Seen::Newer,
            (Some(_), Some(_)) => Seen::Stale,
            _ => Seen::Unclear,
        }
    }

    /// Reads a leg's ticket into `observations`. False if it could not be read now and is tried again.
    pub(super) async fn observe(
        &mut self,
        name: &SystemName,
        ticket: &RemoteId,
        observations: &mut BTreeMap<SystemName, Ticket>,
        facts: &mut Vec<Fact>,
    ) -> Result<bool, ledger::Error> {
        let shared = Arc::clone(self.shared);
        let Some(system) = shared.systems.get(name) else { return Ok(true) };
        if shared.pauses.holds(name) {
            // Whoever lets it go on wakes this lane.
            self.silent.insert(name.clone());
            return Ok(false);
        }
        let Some(_inside) = self.enter(name) else { return Ok(false) };
        let asked = shared.clock.now();
        match shared.fetch(system, ticket, self.urgency()).await {
            Ok(read) => {
                self.note_settled(name, system, asked);
                self.note_identity(name, &read, facts)?;
                observations.insert(name.clone(), read);
                self.read.insert(name.clone(), asked);
                Ok(true)
            }
            Err(error) if error.class() == Class::Changed || shared.is_only_hidden(system, &error).await => {
                self.ail(name, Health::Gone, &error.to_string(), facts);
                Ok(true)
            }
            Err(error) if error.class() == Class::Park => {
                // Often an answer that broke off. Whatever it is, the hint stands: what was not read is not answered.
                tracing::warn!(case.id = %self.case.id, system.name = %name, %error,
                    "A ticket's answer could not be understood; it is read again.");
                self.silent.insert(name.clone());
                self.wait(error.retry_after());
                Ok(false)
            }
            Err(error) => {
                tracing::debug!(case.id = %self.case.id, system.name = %name, %error,
                    "A ticket could not be read; it is tried again.");
                self.silent.insert(name.clone());
                self.wait(error.retry_after());
                Ok(false)
            }
        }
    }

    /// What is read from now on shows of a doubtful write whether it took effect: it cannot do so any more.
    pub(super) fn note_settled(&mut self, name: &SystemName, system: &System, asked: Timestamp) {
        let Some(leg) = self.case.legs.get(name) else { return };
        let settled = leg.outstanding.iter().filter(|standing| match standing.phase {
            Phase::Doubtful { since } => later(since, system.capabilities.settle) <= asked,
            Phase::Ready => false,
        });
        self.settled.extend(settled.map(|standing| standing.intent.id.clone()));
    }

    /// Notes who a ticket that was read is by now.
    fn note_identity(
        &mut self,
        name: &SystemName,
        read: &Ticket,
        facts: &mut Vec<Fact>,
    ) -> Result<(), ledger::Error> {
        for fact in self.shared.identity(&self.case, name, read)? {
            if let Fact::Ailed { leg, health, reason } = fact {
                self.ail(&leg, health, &reason, facts);
            } else {
                self.case.apply(&fact, self.shared.clock.now());
                facts.push(fact);
            }
        }
        Ok(())
    }

    /// Records a leg's new health, if it is new.
    pub(super) fn ail(&mut self, name: &SystemName, health: Health, reason: &str, facts: &mut Vec<Fact>) {
        if self.case.legs.get(name).is_none_or(|leg| leg.health == health) {
            return;
        }
        tracing::warn!(case.id = %self.case.id, system.name = %name, reason, "A leg's health changed.");
        let fact = Fact::Ailed { leg: name.clone(), health, reason: reason.to_owned() };
        self.case.apply(&fact, self.shared.clock.now());
        facts.push(fact);
    }
}

impl Shared {
    /// Reads a ticket, and notes how its system answered.
    pub(super) async fn fetch(
        &self,
        system: &System,
        ticket: &RemoteId,
        urgency: Urgency,
    ) -> Result<Ticket, Error> {
        let ctx = system.ctx(&self.clock, &self.entropy, &self.blobs, urgency);
        let result = self.reach(system)?.fetch(&ctx, ticket).await;
        // A missing ticket is an answer too.
        if !matches!(&result, Err(error) if error.class() == Class::Changed) {
            system.state.note(&result, self.clock.now());
        }
        result
    }

    /// What a reading says of who the ticket is: it may answer under another id, moved, or merged into one that may
    /// belong to another case; and it may be there again.
    pub(super) fn identity(
        &self,
        case: &Case,
        name: &SystemName,
        read: &Ticket,
    ) -> Result<Vec<Fact>, ledger::Error> {
        let Some(leg) = case.legs.get(name) else { return Ok(Vec::new()) };
        let mut facts = Vec::new();
        if let Some(before) = leg.ticket.clone().filter(|before| *before != read.id) {
            let survivor = TicketRef::new(name.clone(), read.id.clone());
            if let Some(other) = self.case_of(&survivor)?.filter(|other| *other != case.id) {
                let reason = format!("merged into {survivor}, which belongs to {other}");
                let health = Health::Merged { into: read.id.clone() };
                return Ok(vec![Fact::Ailed { leg: name.clone(), health, reason }]);
            }
            facts.push(Fact::Rekeyed { leg: name.clone(), from: before, to: read.id.clone() });
        }
        if leg.health == Health::Gone {
            let reason = "the ticket can be read again".to_owned();
            facts.push(Fact::Ailed { leg: name.clone(), health: Health::Well, reason });
        }
        Ok(facts)
    }

    /// Whether only this ticket is hidden from us, while our account is still good.
    async fn is_only_hidden(&self, system: &System, error: &Error) -> bool {
        if error.kind() != ErrorKind::Forbidden {
            return false;
        }
        let ctx = system.ctx(&self.clock, &self.entropy, &self.blobs, Urgency::default());
        match self.reach(system) {
            Ok(connector) => connector.probe(&ctx).await.is_ok(),
            Err(_paused) => false,
        }
    }

    /// The case a ticket belongs to.
    pub(crate) fn case_of(&self, ticket: &TicketRef) -> Result<Option<CaseId>, ledger::Error> {
        self.journal.look_up(|index| index.case_of_ticket(ticket))
    }

    /// The case of a ticket that was read: by its own id, by the id it answers under, or by the marker of an
    /// intent that created it and whose effect we have not heard yet.
    pub(super) fn case_of_read(
        &self,
        ticket: &TicketRef,
        read: &Ticket,
    ) -> Result<Option<CaseId>, ledger::Error> {
        let survivor = TicketRef::new(ticket.system.clone(), read.id.clone());
        self.journal.look_up(|index| {
            if let Some(case) = index.case_of_ticket(&survivor)? {
                return Ok(Some(case));
            }
            match &read.marker {
                // A marker is made for one leg: whoever quotes that of another creates nothing with it.
                Some(marker) => Ok(index.case_of_marker(marker)?.filter(|case| {
                    let own = plan::marker(&self.markers, *case, &ticket.system, &Item::Ticket, 1);
                    own == *marker
                })),
                None => Ok(None),
            }
        })
    }

    /// Ends the hint for a ticket that goes nowhere.
    pub(super) async fn ignore(
        &self,
        ticket: &TicketRef,
        through: Position,
        hint: &Hinted,
        reason: &str,
    ) -> Result<(), ledger::Error> {
        tracing::debug!(%ticket, reason, "A ticket goes nowhere.");
        if hint.unrecorded.is_some() {
            return Ok(());
        }
        let facts = vec![
            Fact::Ignored { ticket: ticket.clone(), reason: reason.to_owned() },
            Fact::Answered { ticket: ticket.clone(), through },
        ];
        self.journal.commit(Entry { at: self.clock.now(), case: None, facts }).await?;
        Ok(())
    }
}

fn count(version: Option<&Version>) -> Option<u64> {
    version?.as_str().parse().ok()
}
