//! One lane at work: a ticket that may open a case, or a case from its nudges until nothing is left to do now.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use throughline_sdk::{Class, ErrorKind, RemoteId, SystemName, Ticket, TicketRef, Timestamp, Urgency};
use tokio::sync::oneshot;

use super::attempt::Attempted;
use super::lanes::{Inbox, LaneKey, Nudge};
use super::observe::Seen;
use crate::case::{Case, CaseId, Fact, Health, Outstanding, Phase, Priority};
use crate::daemon::Shared;
use crate::ledger::{self, Entry, Position};
use crate::plan::{self, Plan, View};

/// How often one lane run re-reads and plans again because a desk answered with a conflict.
const REREADS: u32 = 8;
/// How many facts one lane run may plan before it lets others have their turn.
const ROUNDS: u32 = 10_000;

/// Runs a lane with the nudges that woke it.
pub(super) async fn run(shared: &Arc<Shared>, key: &LaneKey, nudges: Vec<Nudge>, inbox: &Inbox<'_>) {
    let result = match key {
        LaneKey::Ticket(ticket) => open(shared, ticket, nudges).await,
        LaneKey::Case(case) => follow(shared, *case, nudges, inbox).await,
    };
    if let Err(error) = result {
        // The journal's errors are sticky: the daemon notices and stops, and the next start takes everything up.
        tracing::error!(lane = ?key, %error, "A lane stopped because the ledger could not be written or read.");
        shared.fail();
    }
}

/// A ticket that belongs to no case yet: opens one if an agreement routes it.
async fn open(shared: &Arc<Shared>, ticket: &TicketRef, nudges: Vec<Nudge>) -> Result<(), ledger::Error> {
    for nudge in nudges {
        let Nudge::Hint { source, content, durable, done, failures, .. } = nudge else { continue };
        if let Some(case) = shared.case_of(ticket)? {
            let nudge = Nudge::Hint { ticket: ticket.clone(), source, content, durable, done, failures };
            shared.lanes.nudge_case(shared, case, nudge);
            continue;
        }
        let Some(system) = shared.systems.get(&ticket.system) else { continue };
        let through = shared.journal.end();
        let read = match content {
            Some(content) => Ok(*content),
            None => shared.fetch(system, &ticket.id, Urgency::default()).await,
        };
        let read = match read {
            Ok(read) => read,
            Err(error) if error.class() == Class::Changed => {
                shared.ignore(ticket, through, durable, &error.to_string()).await?;
                acknowledge(done);
                continue;
            }
            Err(error) => {
                tracing::debug!(%ticket, %error, "A ticket could not be read; it is tried again.");
                let wait = shared.wait_after(failures, error.retry_after());
                let nudge = Nudge::Hint {
                    ticket: ticket.clone(),
                    source,
                    content: None,
                    durable,
                    done,
                    failures: failures + 1,
                };
                shared.lanes.nudge_later(shared, LaneKey::Ticket(ticket.clone()), nudge, wait);
                continue;
            }
        };
        if let Some(case) = shared.case_of_read(ticket, &read)? {
            let nudge = Nudge::Hint {
                ticket: ticket.clone(),
                source,
                content: Some(Box::new(read)),
                durable,
                done,
                failures,
            };
            shared.lanes.nudge_case(shared, case, nudge);
            continue;
        }
        if shared.rules.routes(&ticket.system, &read).is_empty() {
            shared.ignore(ticket, through, durable, "no agreement routes it").await?;
            acknowledge(done);
            continue;
        }
        let now = shared.clock.now();
        let mut case = Case::new(shared.journal.next_case(), now);
        let observations = BTreeMap::from([(ticket.system.clone(), read)]);
        let plan = shared.plan(&mut case, &observations, &BTreeSet::new(), now);
        let mut facts = vec![Fact::Hinted { ticket: ticket.clone(), source }];
        facts.extend(plan.facts);
        facts.push(Fact::Answered { ticket: ticket.clone(), through });
        shared.mark_unsent(&facts);
        let id = case.id;
        shared.journal.commit(Entry { at: now, case: Some(case), facts }).await?;
        tracing::info!(case.id = %id, %ticket, "Opened a case for a ticket.");
        acknowledge(done);
        shared.lanes.nudge_case(shared, id, Nudge::Resume { failures: 0 });
    }
    Ok(())
}

async fn follow(
    shared: &Arc<Shared>,
    id: CaseId,
    mut nudges: Vec<Nudge>,
    inbox: &Inbox<'_>,
) -> Result<(), ledger::Error> {
    let Some(case) = shared.journal.look_up(|index| index.case(id))? else {
        tracing::warn!(case.id = %id, "A lane was woken for a case that is not in the store.");
        return Ok(());
    };
    let mut lane = Lane {
        shared,
        case,
        acknowledgements: Vec::new(),
        failures: 0,
        rereads: 0,
        wait: None,
        last_plan: None,
        asked: BTreeSet::new(),
    };
    let doubts = lane.doubt_what_may_have_been_sent();
    lane.record(doubts, shared.clock.now()).await?;
    for _ in 0..ROUNDS {
        lane.take_in(std::mem::take(&mut nudges)).await?;
        let worked = !shared.supervisor.is_stopping() && lane.work().await?;
        nudges = inbox.drain();
        if !worked && nudges.is_empty() {
            break;
        }
    }
    lane.rest();
    Ok(())
}

/// A running case lane.
#[derive(Debug)]
pub(super) struct Lane<'a> {
    pub(super) shared: &'a Arc<Shared>,
    pub(super) case: Case,
    acknowledgements: Vec<oneshot::Sender<()>>,
    failures: u32,
    pub(super) rereads: u32,
    wait: Option<Duration>,
    /// What the last plan asked to be read or stored; its facts were recorded.
    last_plan: Option<Plan>,
    /// Legs that were read for a text that is kept nowhere else.
    asked: BTreeSet<SystemName>,
}

impl Lane<'_> {
    /// Reads what the nudges hint at, plans, and records all of it in one commit.
    async fn take_in(&mut self, nudges: Vec<Nudge>) -> Result<(), ledger::Error> {
        let through = self.shared.journal.end();
        let mut facts = Vec::new();
        let mut observations = BTreeMap::new();
        let mut fetch: BTreeMap<SystemName, RemoteId> = BTreeMap::new();
        let mut answered: Vec<(TicketRef, bool)> = Vec::new();
        for nudge in nudges {
            match nudge {
                Nudge::Resume { failures } => self.failures = self.failures.max(failures),
                Nudge::Command { fact, done } => {
                    self.acknowledgements.push(done);
                    self.case.apply(&fact, self.shared.clock.now());
                    facts.push(*fact);
                }
                Nudge::Hint { ticket, source, content, durable, done, failures } => {
                    self.acknowledgements.extend(done);
                    self.failures = self.failures.max(failures);
                    if let Some(content) = content {
                        match self.judge(&ticket, &content) {
                            Seen::Stale => {}
                            Seen::Newer => {
                                if !durable {
                                    facts.push(Fact::Hinted { ticket: ticket.clone(), source });
                                }
                                fetch.remove(&ticket.system);
                                observations.insert(ticket.system.clone(), *content);
                            }
                            Seen::Unclear => {
                                fetch.insert(ticket.system.clone(), ticket.id.clone());
                            }
                        }
                    } else {
                        fetch.insert(ticket.system.clone(), ticket.id.clone());
                    }
                    answered.push((ticket, durable));
                }
            }
        }
        for (system, leg) in &self.case.legs {
            if leg.awaits_reading() && leg.outstanding.is_empty() && !observations.contains_key(system) {
                let Some(ticket) = &leg.ticket else { continue };
                fetch.entry(system.clone()).or_insert_with(|| ticket.clone());
            }
        }
        for (system, ticket) in fetch {
            if !self.observe(&system, &ticket, &mut observations, &mut facts).await? {
                answered.retain(|(ticket, _)| ticket.system != system);
            }
        }
        self.plan_and_record(facts, observations, &answered, through).await?;
        for done in self.acknowledgements.drain(..) {
            acknowledge(Some(done));
        }
        Ok(())
    }

    /// Sends the next thing that is due. False when nothing is.
    async fn work(&mut self) -> Result<bool, ledger::Error> {
        let now = self.shared.clock.now();
        if let Some((leg, due)) = self.next_due(now) {
            let Attempted { facts, observations, settled } = match due.phase {
                Phase::Doubtful { since } => self.settle(&leg, &due, since).await,
                Phase::Ready => self.attempt(&leg, &due).await,
            };
            let now = self.shared.clock.now();
            for fact in &facts {
                self.case.apply(fact, now);
            }
            self.plan_settled(facts, observations, settled).await?;
            return Ok(true);
        }
        let Some(plan) = self.last_plan.take() else { return Ok(false) };
        if let Some(origin) = plan.unstored.first() {
            return self.store_file(origin).await;
        }
        // Once each in a run: what a fresh reading does not bring, another one will not either.
        let unread = plan.unread.iter().find(|system| !self.asked.contains(*system)).cloned();
        if let Some(system) = unread
            && self.asked.insert(system.clone())
            && let Some(ticket) = self.case.legs.get(&system).and_then(|leg| leg.ticket.clone())
        {
            let (mut observations, mut facts) = (BTreeMap::new(), Vec::new());
            let through = self.shared.journal.end();
            let seen = self.observe(&system, &ticket, &mut observations, &mut facts).await?;
            self.plan_and_record(facts, observations, &[], through).await?;
            return Ok(seen);
        }
        Ok(false)
    }

    /// The first intent of some leg whose time has come. Inside a leg nothing overtakes.
    fn next_due(&self, now: Timestamp) -> Option<(SystemName, Outstanding)> {
        self.case.legs.iter().find_map(|(name, leg)| {
            let first = leg.outstanding.front()?;
            let due = leg.health == Health::Well && first.not_before.is_none_or(|at| at <= now);
            due.then(|| (name.clone(), first.clone()))
        })
    }

    pub(super) async fn plan_and_record(
        &mut self,
        facts: Vec<Fact>,
        observations: BTreeMap<SystemName, Ticket>,
        answered: &[(TicketRef, bool)],
        through: Position,
    ) -> Result<(), ledger::Error> {
        let now = self.shared.clock.now();
        let mut facts = facts;
        self.decide(&mut facts, &observations, &BTreeSet::new(), now);
        for (ticket, durable) in answered {
            if *durable || !facts.is_empty() {
                facts.push(Fact::Answered { ticket: ticket.clone(), through });
            }
        }
        self.record(facts, now).await
    }

    /// Plans and records what follows from an attempt, which may have settled doubts.
    async fn plan_settled(
        &mut self,
        mut facts: Vec<Fact>,
        observations: BTreeMap<SystemName, Ticket>,
        settled: BTreeSet<throughline_sdk::IntentId>,
    ) -> Result<(), ledger::Error> {
        let now = self.shared.clock.now();
        self.decide(&mut facts, &observations, &settled, now);
        self.record(facts, now).await
    }

    /// Adds what the planner decides to `facts`, and keeps what it asks to be read or stored.
    fn decide(
        &mut self,
        facts: &mut Vec<Fact>,
        observations: &BTreeMap<SystemName, Ticket>,
        settled: &BTreeSet<throughline_sdk::IntentId>,
        now: Timestamp,
    ) {
        let mut plan = self.shared.plan(&mut self.case, observations, settled, now);
        facts.append(&mut plan.facts);
        self.last_plan = Some(plan);
    }

    /// Records facts that were already folded into the case.
    pub(super) async fn record(&mut self, facts: Vec<Fact>, at: Timestamp) -> Result<(), ledger::Error> {
        if facts.is_empty() {
            return Ok(());
        }
        self.shared.mark_unsent(&facts);
        let entry = Entry { at, case: Some(self.case.clone()), facts };
        let committed = self.shared.journal.commit(entry).await?;
        self.case.last = Some(committed.position);
        Ok(())
    }

    /// An intent that this process did not record itself, or sent without hearing the end, may have taken effect.
    fn doubt_what_may_have_been_sent(&mut self) -> Vec<Fact> {
        let now = self.shared.clock.now();
        let mut facts = Vec::new();
        for (name, leg) in &self.case.legs {
            // Inside a leg only the first can have been sent.
            if let Some(first) = leg.outstanding.front()
                && first.phase == Phase::Ready
                && !self.shared.is_unsent(&first.intent.id)
            {
                facts.push(Fact::Attempted {
                    leg: name.clone(),
                    intent: first.intent.id.clone(),
                    kind: ErrorKind::Unavailable,
                    reason: "the daemon stopped before the answer was recorded".to_owned(),
                    doubtful: true,
                    counted: false,
                    not_before: now,
                });
            }
            for later in leg.outstanding.iter().skip(1) {
                self.shared.unsent(&later.intent.id);
            }
        }
        for fact in &facts {
            self.case.apply(fact, now);
        }
        facts
    }

    /// Remembers that something has to be tried again after `wait`.
    pub(super) fn wait(&mut self, wait: Option<Duration>) {
        let wait = self.shared.wait_after(self.failures, wait);
        self.failures += 1;
        self.wait = Some(self.wait.map_or(wait, |before| before.min(wait)));
    }

    pub(super) fn may_reread(&mut self) -> bool {
        self.rereads += 1;
        self.rereads <= REREADS
    }

    pub(super) fn urgency(&self) -> Urgency {
        let priority = self.case.document.fields.get(&crate::case::Field::Priority);
        match priority.and_then(|field| Priority::from_word(&field.value)) {
            Some(Priority::Urgent) => Urgency(3),
            Some(Priority::High) => Urgency(2),
            Some(Priority::Normal) | None => Urgency(1),
            Some(Priority::Low) => Urgency(0),
        }
    }

    /// Leaves a timer behind for what is not due yet.
    fn rest(&mut self) {
        let now = self.shared.clock.now();
        let due = self
            .case
            .legs
            .values()
            .filter(|leg| leg.health == Health::Well)
            .filter_map(|leg| leg.outstanding.front()?.not_before)
            .min()
            .map(|at| (at - now).to_std().unwrap_or_default());
        let wait = match (due, self.wait) {
            (Some(due), Some(wait)) => Some(due.min(wait)),
            (due, wait) => due.or(wait),
        };
        if let Some(wait) = wait {
            let nudge = Nudge::Resume { failures: self.failures };
            // A millisecond more, so that the timer never comes just before the moment.
            let wait = wait + Duration::from_millis(1);
            self.shared.lanes.nudge_later(self.shared, LaneKey::Case(self.case.id), nudge, wait);
        }
    }
}

impl Shared {
    /// Plans, and folds what was decided into the case.
    fn plan(
        &self,
        case: &mut Case,
        observations: &BTreeMap<SystemName, Ticket>,
        settled: &BTreeSet<throughline_sdk::IntentId>,
        now: Timestamp,
    ) -> Plan {
        let view = View {
            rules: &self.rules,
            capabilities: &self.capabilities,
            observations,
            markers: &self.markers,
            settled,
            now,
        };
        plan::plan(case, &view)
    }
}

fn acknowledge(done: Option<oneshot::Sender<()>>) {
    if let Some(done) = done {
        // The one who asked may have gone.
        done.send(()).ok();
    }
}
