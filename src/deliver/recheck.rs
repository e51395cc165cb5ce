//! Just before something is sent: whether it may still be read by those it goes to, and whether what went there before
//! is as internal as it was meant to be.

use std::collections::BTreeMap;
use std::time::Duration;

use throughline_sdk::{ErrorKind, Operation, SystemName, Ticket, Timestamp, Visibility};

use super::attempt::{Attempted, later};
use super::lane::Lane;
use crate::agreement::Sharing;
use crate::case::{Fact, Item, Outstanding, Phase};
use crate::ledger;
use crate::plan;

/// How old a reading may be by which something is sent. So a lane reads an origin at most this often, however many
/// comments it sends.
const FRESH: Duration = Duration::from_secs(5);

impl Lane<'_> {
    /// The system that has to be read before this is sent, if any: its origin, and the leg itself where it was given
    /// something internal before that was not read back.
    pub(super) fn stale(&self, leg: &SystemName, due: &Outstanding, now: Timestamp) -> Option<SystemName> {
        if due.phase != Phase::Ready {
            return None;
        }
        let visibility = match &due.intent.operation {
            Operation::Comment { visibility, .. } | Operation::Attach { visibility, .. } => *visibility,
            Operation::Edit { .. } => Visibility::Public,
            Operation::Create(_)
            | Operation::Update { .. }
            | Operation::Transition { .. }
            | Operation::Retract { .. }
            | Operation::LinkBack { .. } => return None,
        };
        let origin = &due.item.origin()?.system;
        let rechecks = || Sharing::of(&self.shared.rules, &self.case, now).rechecks(origin, leg);
        if !self.is_fresh(origin, now) && rechecks() {
            return Some(origin.clone());
        }
        let unproven = self.case.legs.get(leg).is_some_and(crate::case::Leg::is_unproven);
        (visibility == Visibility::Internal && unproven && !self.is_fresh(leg, now)).then(|| leg.clone())
    }

    /// Whether an intent stands behind a reading that is not to be had just now.
    pub(super) fn waits_for_reading(&self, leg: &SystemName, due: &Outstanding, now: Timestamp) -> bool {
        let unheard = |system: &SystemName| self.silent.contains(system) || self.is_full(system);
        self.stale(leg, due, now).is_some_and(|system| unheard(&system))
    }

    /// Reads a ticket and plans with it: what must not be sent any more is dropped by that.
    pub(super) async fn read_again_before_sending(
        &mut self,
        system: &SystemName,
    ) -> Result<(), ledger::Error> {
        let through = self.shared.journal.end();
        let (mut observations, mut facts) = (BTreeMap::new(), Vec::new());
        if let Some(ticket) = self.case.legs.get(system).and_then(|leg| leg.ticket.clone()) {
            self.observe(system, &ticket, &mut observations, &mut facts).await?;
        }
        if observations.is_empty()
            && facts.is_empty()
            && !self.silent.contains(system)
            && !self.is_full(system)
        {
            // Nothing came and nothing says why: whoever cannot be asked has not agreed.
            self.silent.insert(system.clone());
            self.wait(None);
        }
        self.plan_and_record(facts, observations, &[], through).await
    }

    /// Content that came with a webhook shows the ticket as it was at its last change.
    pub(super) fn note_content(&mut self, content: &Ticket, system: &SystemName) {
        self.read.insert(system.clone(), content.updated);
    }

    /// Why an intent must not be carried out any more, if so.
    pub(super) fn objection(&self, leg: &SystemName, due: &Outstanding) -> Option<&'static str> {
        let standing = self.case.legs.get(leg)?;
        // What was made and may be there already is found by its marker, whatever it carries.
        if due.item.origin().is_none() && !matches!(due.item, Item::Notice(_)) {
            return None;
        }
        let sharing = Sharing::of(&self.shared.rules, &self.case, self.shared.clock.now());
        plan::objection(&self.case, &sharing, leg, standing, due)
    }

    /// An intent that must not be sent, and may have been before.
    pub(super) fn doubt_again(&self, leg: &SystemName, due: &Outstanding) -> Attempted {
        let fact = Fact::Attempted {
            leg: leg.clone(),
            intent: due.intent.id.clone(),
            kind: ErrorKind::Unavailable,
            reason: "it must not be sent any more, and an earlier attempt may have brought it there"
                .to_owned(),
            doubtful: true,
            counted: false,
            not_before: self.shared.clock.now(),
        };
        Attempted { facts: vec![fact], ..Attempted::default() }
    }

    /// Tells of what is in the open that was not to be.
    pub(super) fn sound_alarms(&self, facts: &[Fact]) {
        for fact in facts {
            let Fact::Leaked { leg, what } = fact else { continue };
            self.shared.metrics.leak(leg);
            tracing::error!(case.id = %self.case.id, system.name = %leg, what,
                "What was sent as internal is not internal there: look into `throughline parked` at once.");
        }
    }

    fn is_fresh(&self, system: &SystemName, now: Timestamp) -> bool {
        let read = self.read.get(system);
        // A desk whose clock is ahead says nothing about how old its words are.
        read.is_some_and(|read| now <= later(*read, FRESH) && *read <= later(now, FRESH))
    }
}
