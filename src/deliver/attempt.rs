//! One attempt to carry out an intent, and what follows from how it ended.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use throughline_sdk::{
    Class, Error, ErrorKind, Operation, Subject, SystemName, Ticket, Timestamp, TookEffect,
};

use super::lane::Lane;
use crate::case::{Fact, Health, Item, Outstanding};
use crate::plan;

/// How long a system is left alone that refused our credentials, before one call asks again.
const AUTHORITY_WAIT: Duration = Duration::from_secs(60);

/// What an attempt, or the settling of a doubt, brought: facts that are not folded yet, and tickets read back.
#[derive(Debug, Default)]
pub(super) struct Attempted {
    pub(super) facts: Vec<Fact>,
    pub(super) observations: BTreeMap<SystemName, Ticket>,
}

impl Lane<'_> {
    /// Sends an intent once.
    pub(super) async fn attempt(&mut self, leg: &SystemName, due: &Outstanding) -> Attempted {
        let shared = Arc::clone(self.shared);
        let Some(system) = shared.systems.get(leg) else {
            let reason = "its system is not configured any more";
            return self.end_by(leg, due, Error::new(ErrorKind::Misconfigured, reason)).await;
        };
        if self.objection(leg, due).is_some() {
            // It could not be dropped: an earlier attempt may have brought it there. That is looked into first.
            return self.doubt_again(leg, due);
        }
        let mut intent = due.intent.clone();
        // What was last read, also when that is younger than the plan: an intent before this one moved it on.
        if let Some(shadow) = self.case.legs.get(leg).map(|leg| &leg.shadow)
            && matches!(intent.operation, Operation::Update { .. } | Operation::Transition { .. })
        {
            intent.expected.clone_from(&shadow.version);
        }
        if intent.ticket.is_none() {
            intent.ticket = self.case.legs.get(leg).and_then(|leg| leg.ticket.clone());
        }
        let ctx = system.ctx(&shared.clock, &shared.entropy, &shared.blobs, self.urgency());
        let connector = match shared.reach(system) {
            Ok(connector) => connector,
            Err(paused) => return self.end_by(leg, due, paused).await,
        };
        shared.sent(&intent.id);
        let result = connector.apply(&ctx, &intent).await;
        system.state.note(&result, shared.clock.now());
        match result {
            Ok(effect) => {
                let mut attempted = Attempted::default();
                attempted.facts.push(Fact::Effected {
                    leg: leg.clone(),
                    intent: intent.id.clone(),
                    subject: effect.subject,
                    found: false,
                    lost: effect.lost,
                });
                if let Some(read_back) = effect.read_back {
                    attempted.observations.insert(leg.clone(), read_back);
                }
                shared.metrics.intent(leg, "effected");
                attempted
            }
            Err(error) => self.end_by(leg, due, error).await,
        }
    }

    /// What follows from an error: see the classes of [`Class`].
    async fn end_by(&mut self, leg: &SystemName, due: &Outstanding, error: Error) -> Attempted {
        let now = self.shared.clock.now();
        let outcome = outcome(&error);
        self.shared.metrics.intent(leg, outcome);
        if outcome == PARKED {
            tracing::warn!(case.id = %self.case.id, system.name = %leg, intent.id = %due.intent.id, %error,
                "What could not be delivered is parked: a person has to look at it.");
        } else {
            tracing::info!(case.id = %self.case.id, system.name = %leg, intent.id = %due.intent.id, %error,
                "An attempt to deliver had no success.");
        }
        if error.took_effect() == TookEffect::Unknown {
            // A first doubt is looked into at once; one that comes again waits by the schedule.
            let wait =
                if due.attempts == 0 { Duration::ZERO } else { self.shared.wait_after(due.attempts, None) };
            let standing = Standing { doubtful: true, counted: true, not_before: later(now, wait) };
            return attempted(leg, due, &error, standing);
        }
        let standing = |counted, wait| Standing { doubtful: false, counted, not_before: later(now, wait) };
        match error.class() {
            Class::Transient => {
                self.shared.unsent(&due.intent.id);
                let wait = self.shared.wait_after(due.attempts, error.retry_after());
                attempted(leg, due, &error, standing(true, wait))
            }
            Class::Wait => {
                self.shared.unsent(&due.intent.id);
                let wait = error.retry_after().unwrap_or_else(|| self.shared.wait_after(due.attempts, None));
                attempted(leg, due, &error, standing(false, wait))
            }
            Class::Authority => {
                self.shared.unsent(&due.intent.id);
                tracing::error!(system.name = %leg, %error,
                    "A system refused our credentials. Nothing is lost; check its account and permissions.");
                attempted(leg, due, &error, standing(false, AUTHORITY_WAIT))
            }
            Class::Reread if self.may_reread() => self.read_again(leg, due, &error).await,
            Class::Changed => match &due.intent.operation {
                Operation::Retract { comment } => {
                    let comment = Subject::Comment(comment.clone());
                    self.already_taken_back(leg, due, comment).await
                }
                Operation::Create(_)
                | Operation::Update { .. }
                | Operation::Transition { .. }
                | Operation::Comment { .. }
                | Operation::Edit { .. }
                | Operation::Attach { .. }
                | Operation::LinkBack { .. } => self.look_whether_gone(leg, due, &error).await,
            },
            Class::Reread => {
                let message = format!("somebody was faster each time: {error}");
                park(leg, due, &Error::new(ErrorKind::Rejected, message))
            }
            Class::Park => self.park_or_give_up(leg, due, &error),
        }
    }

    /// A link that stands and cannot be renewed, as on a ticket that is closed for good, is no matter for a person: the
    /// next thing that it has to tell is tried anew.
    fn park_or_give_up(&self, leg: &SystemName, due: &Outstanding, error: &Error) -> Attempted {
        let mut attempted = park(leg, due, error);
        let stands =
            |other: &SystemName| self.case.legs.get(leg).is_some_and(|leg| leg.linked.contains(other));
        if let Item::LinkBack(other) = &due.item
            && stands(other)
        {
            let (leg, item) = (leg.clone(), due.item.clone());
            attempted.facts.push(Fact::Unparked {
                leg,
                item,
                discarded: true,
                by: String::new(),
                reason: String::new(),
            });
        }
        attempted
    }

    /// Somebody was faster: the intent ends, the ticket is read and the plan made again.
    async fn read_again(&mut self, leg: &SystemName, due: &Outstanding, error: &Error) -> Attempted {
        let mut attempted = Attempted::default();
        let dropped =
            Fact::Dropped { leg: leg.clone(), intent: due.intent.id.clone(), reason: error.to_string() };
        attempted.facts.push(dropped);
        self.read_into(leg, &mut attempted).await;
        attempted
    }

    /// What was to be taken back is not there: by an attempt whose answer was lost, or by somebody else.
    async fn already_taken_back(
        &mut self,
        leg: &SystemName,
        due: &Outstanding,
        subject: Subject,
    ) -> Attempted {
        let intent = due.intent.id.clone();
        let fact = Fact::Effected { leg: leg.clone(), intent, subject, found: true, lost: Vec::new() };
        let mut attempted = Attempted { facts: vec![fact], ..Attempted::default() };
        self.read_into(leg, &mut attempted).await;
        attempted
    }

    /// The ticket, or only what the intent was about, is not there any more.
    async fn look_whether_gone(&mut self, leg: &SystemName, due: &Outstanding, error: &Error) -> Attempted {
        let mut attempted = park(leg, due, error);
        self.read_into(leg, &mut attempted).await;
        attempted
    }

    /// Reads a leg's ticket for the plan that follows an attempt. A failure costs only time.
    pub(super) async fn read_into(&mut self, leg: &SystemName, attempted: &mut Attempted) -> bool {
        let Some(ticket) = self.case.legs.get(leg).and_then(|leg| leg.ticket.clone()) else { return false };
        let shared = Arc::clone(self.shared);
        let Some(system) = shared.systems.get(leg) else { return false };
        match shared.fetch(system, &ticket, self.urgency()).await {
            Ok(read) if read.id == ticket => {
                attempted.observations.insert(leg.clone(), read);
                true
            }
            Ok(_) => false,
            Err(error) if error.class() == Class::Changed => {
                let health = Health::Gone;
                attempted.facts.push(Fact::Ailed { leg: leg.clone(), health, reason: error.to_string() });
                true
            }
            Err(error) => {
                self.wait(error.retry_after());
                false
            }
        }
    }
}

const PARKED: &str = "parked";

/// The word under which a failure is counted.
fn outcome(error: &Error) -> &'static str {
    match (error.took_effect(), error.class()) {
        (TookEffect::Unknown, _) => "doubtful",
        (TookEffect::No, Class::Transient | Class::Wait) => "postponed",
        (TookEffect::No, Class::Authority) => "unauthorized",
        (TookEffect::No, Class::Reread) => "overtaken",
        (TookEffect::No, Class::Changed | Class::Park) => PARKED,
    }
}

#[derive(Clone, Copy)]
struct Standing {
    doubtful: bool,
    counted: bool,
    not_before: Timestamp,
}

fn attempted(leg: &SystemName, due: &Outstanding, error: &Error, standing: Standing) -> Attempted {
    let fact = Fact::Attempted {
        leg: leg.clone(),
        intent: due.intent.id.clone(),
        kind: error.kind(),
        reason: error.to_string(),
        doubtful: standing.doubtful,
        counted: standing.counted,
        not_before: standing.not_before,
    };
    Attempted { facts: vec![fact], ..Attempted::default() }
}

/// Ends an intent for good: a person, or another value, has to come.
pub(super) fn park(leg: &SystemName, due: &Outstanding, error: &Error) -> Attempted {
    let fact = Fact::Parked {
        leg: leg.clone(),
        item: due.item.clone(),
        want: plan::want(due),
        kind: error.kind(),
        reason: error.to_string(),
        intent: Some(due.intent.id.clone()),
    };
    Attempted { facts: vec![fact], ..Attempted::default() }
}

pub(super) fn later(now: Timestamp, wait: Duration) -> Timestamp {
    chrono::Duration::from_std(wait).ok().and_then(|wait| now.checked_add_signed(wait)).unwrap_or(now)
}
