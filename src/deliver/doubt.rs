//! A write whose answer was lost: settled by what its desk offers, never by sending it blindly again.

use std::sync::Arc;
use std::time::Duration;

use throughline_sdk::{Class, CreateClass, Error, ErrorKind, Operation, Subject, SystemName, Timestamp};

use super::attempt::{Attempted, later, park};
use super::lane::Lane;
use crate::case::{Fact, Item, Outstanding};
use crate::daemon::System;
use crate::plan;

/// What may be done about a doubt.
enum Protocol {
    /// The same again: the desk recognizes it, or doing it twice is doing it once.
    Again,
    /// Read the ticket once nothing can change any more, and compare.
    Compare,
    /// Look for the marker; if it is not there after `wait`, send again.
    Look { wait: Duration },
    /// Read whether it stands there word for word; if not, a person decides.
    Ask,
}

impl Lane<'_> {
    /// Looks into a doubtful intent.
    pub(super) async fn settle(
        &mut self,
        leg: &SystemName,
        due: &Outstanding,
        since: Timestamp,
    ) -> Attempted {
        let shared = Arc::clone(self.shared);
        let Some(system) = shared.systems.get(leg) else {
            return park(
                leg,
                due,
                &Error::new(ErrorKind::Misconfigured, "its system is not configured any more"),
            );
        };
        let now = shared.clock.now();
        let settled_at = |extra: Duration| later(since, system.capabilities.settle + extra);
        let unwanted = self.objection(leg, due).is_some();
        match protocol(&due.intent.operation, system) {
            // Sending it once more to learn of its end is out of the question by now.
            Protocol::Again if unwanted => self.look(leg, due, system, settled_at(Duration::ZERO)).await,
            Protocol::Again => self.absolve(leg, due),
            Protocol::Compare if now < settled_at(Duration::ZERO) => self.stand(
                leg,
                due,
                settled_at(Duration::ZERO),
                "waiting until the write cannot take effect any more",
            ),
            Protocol::Compare => {
                let mut attempted = Attempted::default();
                if self.read_into(leg, &mut attempted).await {
                    self.note_settled(leg, system, now);
                    return attempted;
                }
                self.stand_unread(leg, due, now)
            }
            Protocol::Look { wait } => self.look(leg, due, system, settled_at(wait)).await,
            Protocol::Ask => self.ask(leg, due, system, settled_at(Duration::ZERO)).await,
        }
    }

    /// Has a person decide, unless what may have been written stands on the ticket word for word.
    async fn ask(
        &mut self,
        leg: &SystemName,
        due: &Outstanding,
        system: &System,
        settled_at: Timestamp,
    ) -> Attempted {
        // Taken before reading: what did not stand there did not at this moment at the latest.
        let now = self.shared.clock.now();
        let mut attempted = Attempted::default();
        if self.case.legs.get(leg).is_some_and(|leg| leg.ticket.is_some()) {
            if !self.read_into(leg, &mut attempted).await {
                return self.stand_unread(leg, due, now);
            }
            let standing = self.case.legs.get(leg);
            let stands = attempted.observations.get(leg).zip(standing).is_some_and(|(read, standing)| {
                plan::stands_unmarked(standing, &system.capabilities, &due.intent.id, read)
            });
            if stands || attempted.observations.is_empty() {
                return attempted;
            }
            if now < settled_at {
                return self.stand(leg, due, settled_at, "it does not stand there yet");
            }
        }
        let reason = "the answer was lost, this desk has no marker to look for, and nothing like it stands there: \
                      look in the desk, then discard this if it is there, or retry it";
        attempted.facts.extend(park(leg, due, &Error::new(ErrorKind::Unavailable, reason)).facts);
        attempted
    }

    /// Looks for the marker: at once, since most lost answers were carried out, and again when the doubt is settled.
    async fn look(
        &mut self,
        leg: &SystemName,
        due: &Outstanding,
        system: &System,
        settled_at: Timestamp,
    ) -> Attempted {
        let shared = Arc::clone(self.shared);
        let ctx = system.ctx(&shared.clock, &shared.entropy, &shared.blobs, self.urgency());
        let mut intent = due.intent.clone();
        if intent.ticket.is_none() {
            intent.ticket = self.case.legs.get(leg).and_then(|leg| leg.ticket.clone());
        }
        // Taken before looking: what was found missing was missing at this moment at the latest.
        let now = shared.clock.now();
        let result = match shared.reach(system) {
            Ok(connector) => connector.find(&ctx, &intent).await,
            Err(paused) => Err(paused),
        };
        system.state.note(&result, now);
        let found = match result {
            Ok(found) => found,
            // An answer that broke off is asked for again.
            Err(error)
                if error.class() == Class::Park
                    && error.kind() != ErrorKind::Malformed
                    && self.objection(leg, due).is_some() =>
            {
                let reason = format!(
                    "it must not be sent any more, and whether an attempt brought it there cannot be found out \
                     ({error}): look in the desk, take it back there, then discard this"
                );
                return park(leg, due, &Error::new(ErrorKind::Unavailable, reason));
            }
            Err(error) => {
                let wait = shared.wait_after(due.attempts, error.retry_after());
                return self.stand(
                    leg,
                    due,
                    later(now, wait),
                    &format!("the marker cannot be looked for: {error}"),
                );
            }
        };
        if found.len() > 1 {
            tracing::error!(case.id = %self.case.id, system.name = %leg, marker = %intent.marker, count = found.len(),
                "A write stands more than once in a system: somebody copied it, or the desk doubled it.");
        }
        let fits = |subject: &Subject| {
            matches!(
                (subject, &due.item),
                (Subject::Ticket(_), Item::Ticket)
                    | (Subject::Comment(_), Item::Remark(_) | Item::Notice(_))
                    | (Subject::File(_), Item::Attachment(_))
            )
        };
        if let Some(found) = found.into_iter().find(|found| fits(&found.subject)) {
            let fact = Fact::Effected {
                leg: leg.clone(),
                intent: due.intent.id.clone(),
                subject: found.subject,
                found: true,
                lost: Vec::new(),
            };
            return Attempted { facts: vec![fact], ..Attempted::default() };
        }
        if now < settled_at {
            return self.stand(leg, due, settled_at, "the marker is not there yet");
        }
        if let Some(reason) = self.objection(leg, due) {
            let (leg, intent) = (leg.clone(), due.intent.id.clone());
            let fact = Fact::Dropped { leg, intent, reason: reason.to_owned() };
            return Attempted { facts: vec![fact], ..Attempted::default() };
        }
        self.absolve(leg, due)
    }

    /// No attempt so far took effect, or doing it again is doing it once: it may be sent.
    fn absolve(&self, leg: &SystemName, due: &Outstanding) -> Attempted {
        self.shared.unsent(&due.intent.id);
        let fact = Fact::Absolved { leg: leg.clone(), intent: due.intent.id.clone() };
        Attempted { facts: vec![fact], ..Attempted::default() }
    }

    /// The doubt stands until the ticket can be read.
    fn stand_unread(&self, leg: &SystemName, due: &Outstanding, now: Timestamp) -> Attempted {
        let wait = self.shared.wait_after(due.attempts, None);
        self.stand(leg, due, later(now, wait), "the ticket cannot be read yet")
    }

    /// The doubt stands until `not_before`. Said once for each wait, so that a case's record stays short.
    fn stand(&self, leg: &SystemName, due: &Outstanding, not_before: Timestamp, reason: &str) -> Attempted {
        let fact = Fact::Attempted {
            leg: leg.clone(),
            intent: due.intent.id.clone(),
            kind: ErrorKind::Unavailable,
            reason: reason.to_owned(),
            doubtful: false,
            counted: true,
            not_before,
        };
        Attempted { facts: vec![fact], ..Attempted::default() }
    }
}

fn protocol(operation: &Operation, system: &System) -> Protocol {
    let capabilities = &system.capabilities;
    let class = match operation {
        Operation::Create(_) => capabilities.create.unwrap_or(CreateClass::C4),
        Operation::Comment { .. } => capabilities.comment.unwrap_or(CreateClass::C4),
        Operation::Attach { .. } => capabilities.attach.unwrap_or(CreateClass::C4),
        // Sent again at once, a first attempt that comes late would put an older text over a newer one.
        Operation::Update { .. } | Operation::Transition { .. } | Operation::Edit { .. } => {
            return Protocol::Compare;
        }
        Operation::Retract { .. } | Operation::LinkBack { .. } => return Protocol::Again,
    };
    match class {
        CreateClass::C0 | CreateClass::C1 => Protocol::Again,
        CreateClass::C2 => Protocol::Look { wait: Duration::ZERO },
        CreateClass::C3 { lag } => Protocol::Look { wait: lag },
        CreateClass::C4 => Protocol::Ask,
    }
}
