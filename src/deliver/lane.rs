//! One lane at work: a case from its nudges until nothing is left to do now.

use std::collections::btree_map::Entry as Place;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use throughline_sdk::layer::CircuitState;
use throughline_sdk::{ErrorKind, IntentId, RemoteId, SystemName, Ticket, TicketRef, Timestamp, Urgency};
use tokio::sync::oneshot;

use super::admission::Inside;
use super::attempt::Attempted;
use super::erase::{self, ErasureAsked};
use super::lanes::{Inbox, LaneKey};
use super::nudge::{Hinted, Nudge, acknowledge};
use super::observe::Seen;
use super::open::{self, Opened};
use crate::agreement::Pseudonyms;
use crate::case::{Case, CaseId, Fact, GrantId, Health, Leg, Outstanding, Phase, Priority};
use crate::daemon::Shared;
use crate::ledger::{self, Entry, Position};
use crate::plan::{self, GrantAct, Plan, Unfit, View};
use crate::store::Erasure;

/// How often one lane run re-reads and plans again because a desk answered with a conflict.
const REREADS: u32 = 8;
/// How many facts one lane run may plan before it lets others have their turn.
const ROUNDS: u32 = 10_000;

/// Runs a lane with the nudges that woke it.
pub(super) async fn run(shared: &Arc<Shared>, key: &LaneKey, nudges: Vec<Nudge>, inbox: &Inbox<'_>) {
    let result = match key {
        LaneKey::Ticket(ticket) => open::open(shared, ticket, nudges).await.map(|opened| {
            shared.give_up(key, |_| opened == Opened::Waits);
        }),
        LaneKey::Case(case) => follow(shared, *case, nudges, inbox).await,
    };
    if let Err(error) = result {
        // The journal's errors are sticky: the daemon notices and stops, and the next start takes everything up.
        tracing::error!(lane = ?key, %error, "A lane stopped because the ledger could not be written or read.");
        shared.fail();
    }
}

async fn follow(
    shared: &Arc<Shared>,
    id: CaseId,
    mut nudges: Vec<Nudge>,
    inbox: &Inbox<'_>,
) -> Result<(), ledger::Error> {
    let Some(case) = shared.journal.look_up(|index| index.case(id))? else {
        return erase::follow_erased(shared, id, nudges).await;
    };
    let mut lane = Lane {
        shared,
        case,
        acknowledgements: Vec::new(),
        decided: Vec::new(),
        failures: 0,
        rereads: 0,
        wait: None,
        last_plan: None,
        asked: BTreeSet::new(),
        settled: BTreeSet::new(),
        full: BTreeSet::new(),
        silent: BTreeSet::new(),
        resumed: false,
        read: BTreeMap::new(),
        erasing: None,
    };
    let doubts = lane.doubt_what_may_have_been_sent();
    lane.record(doubts, shared.clock.now()).await?;
    for _ in 0..ROUNDS {
        lane.take_in(std::mem::take(&mut nudges)).await?;
        if let Some((asked, done)) = lane.erasing.take()
            && lane.is_to_be_erased(&asked)
        {
            return lane.erase(asked, done).await;
        }
        let worked = !shared.supervisor.is_stopping() && lane.work().await?;
        nudges = inbox.drain();
        if !worked && nudges.is_empty() {
            break;
        }
    }
    lane.rest();
    // Only a run that took up all standing hints knows before which systems it need not wait.
    if lane.resumed {
        shared.give_up(&LaneKey::Case(id), |system| lane.full.contains(system));
    }
    Ok(())
}

/// What became of what a person did about a grant.
type Decided = Result<GrantId, Unfit>;

/// A running case lane.
#[derive(Debug)]
pub(super) struct Lane<'a> {
    pub(super) shared: &'a Arc<Shared>,
    pub(super) case: Case,
    acknowledgements: Vec<oneshot::Sender<()>>,
    /// What became of what people did about grants, to be told once it is durable.
    decided: Vec<(oneshot::Sender<Decided>, Decided)>,
    failures: u32,
    pub(super) rereads: u32,
    wait: Option<Duration>,
    /// What the last plan asked to be read or stored; its facts were recorded.
    last_plan: Option<Plan>,
    /// Legs that were read for a text that is kept nowhere else.
    asked: BTreeSet<SystemName>,
    /// Doubtful intents that the readings since the last plan may decide.
    pub(super) settled: BTreeSet<IntentId>,
    /// Systems without a place for this lane: it is called when there is one.
    pub(super) full: BTreeSet<SystemName>,
    /// Systems that could not be read: asked again when the lane is woken, not in each round before.
    pub(super) silent: BTreeSet<SystemName>,
    /// The standing hints of all legs were taken up in this run.
    resumed: bool,
    /// When a system's ticket was last known to be as this run read it.
    pub(super) read: BTreeMap<SystemName, Timestamp>,
    /// The case is to be erased: nothing else is done any more.
    erasing: Option<(ErasureAsked, oneshot::Sender<Erasure>)>,
}

/// What is known of the tickets without asking, and which have to be read.
#[derive(Default)]
struct Sight {
    observations: BTreeMap<SystemName, Ticket>,
    fetch: BTreeMap<SystemName, RemoteId>,
}

impl Lane<'_> {
    /// Reads what the nudges hint at, plans, and records all of it in one commit.
    async fn take_in(&mut self, nudges: Vec<Nudge>) -> Result<(), ledger::Error> {
        let through = self.shared.journal.end();
        let nothing_came = nudges.is_empty();
        let mut facts = Vec::new();
        let mut hints: BTreeMap<TicketRef, Hinted> = BTreeMap::new();
        let mut claims = Vec::new();
        for nudge in nudges {
            match nudge {
                Nudge::Resume { failures } => {
                    self.failures = self.failures.max(failures);
                    self.full.clear();
                    self.silent.clear();
                    self.resumed = true;
                    self.take_up_hints(&mut hints)?;
                }
                Nudge::Announced { announcement, done } => {
                    self.acknowledgements.push(done);
                    self.refer(&announcement.system, &announcement.ticket, &mut facts);
                }
                Nudge::Claim { claiming, answer } => claims.push((claiming, answer)),
                Nudge::Erase { asked, done } => self.erasing = Some((asked, done)),
                Nudge::Command { fact, done } => {
                    self.acknowledgements.push(done);
                    self.case.apply(&fact, self.shared.clock.now());
                    facts.push(*fact);
                }
                Nudge::Grant { act, done } => {
                    let decided = self.act_on_grant(&act, &mut facts);
                    self.decided.push((done, decided));
                }
                Nudge::Hint { ticket, hint } => match hints.entry(ticket) {
                    Place::Vacant(place) => drop(place.insert(hint)),
                    Place::Occupied(mut before) => before.get_mut().join(hint),
                },
            }
        }
        let Sight { mut observations, fetch } = self.see(&mut hints, &mut facts)?;
        if nothing_came && fetch.is_empty() && self.last_plan.is_some() {
            // What the last step planned still holds.
            return Ok(());
        }
        let mut unread = BTreeSet::new();
        for (system, ticket) in fetch {
            let asked = !self.silent.contains(&system);
            if !(asked && self.observe(&system, &ticket, &mut observations, &mut facts).await?) {
                unread.insert(system);
            }
        }
        let mut answered = Vec::new();
        for (ticket, mut hint) in hints {
            if unread.contains(&ticket.system) {
                facts.extend(hint.record(&ticket));
            } else {
                answered.push((ticket, hint.unrecorded.is_none()));
            }
            self.acknowledgements.extend(hint.done);
        }
        self.plan_and_record(facts, observations, &answered, through).await?;
        for done in self.acknowledgements.drain(..) {
            acknowledge(done);
        }
        for (done, decided) in self.decided.drain(..) {
            // Who asked may have gone.
            done.send(decided).ok();
        }
        for (claiming, answer) in claims {
            // Whoever asked may have gone.
            answer.send(self.claim(&claiming).await?).ok();
        }
        Ok(())
    }

    fn act_on_grant(&mut self, act: &GrantAct, facts: &mut Vec<Fact>) -> Decided {
        let now = self.shared.clock.now();
        let (grant, fact) = plan::act_on_grant(&self.case, &self.shared.rules, act, now)?;
        self.case.apply(&fact, now);
        facts.push(fact);
        Ok(grant)
    }

    /// The hints that stand for the case's tickets: those whose ticket could not be read before.
    fn take_up_hints(&self, hints: &mut BTreeMap<TicketRef, Hinted>) -> Result<(), ledger::Error> {
        for (system, leg) in &self.case.legs {
            let Some(ticket) = &leg.ticket else { continue };
            let ticket = TicketRef::new(system.clone(), ticket.clone());
            if self.shared.journal.look_up(|index| index.is_hinted(&ticket))? {
                hints.entry(ticket).or_default().join(Hinted::recorded());
            }
        }
        Ok(())
    }

    /// What the hints brought with them, and what is to be read.
    fn see(
        &mut self,
        hints: &mut BTreeMap<TicketRef, Hinted>,
        facts: &mut Vec<Fact>,
    ) -> Result<Sight, ledger::Error> {
        let Sight { mut observations, mut fetch } = Sight::default();
        for (ticket, hint) in hints {
            self.failures = self.failures.max(hint.failures);
            let content = self.shared.content(ticket, hint)?;
            match content.map(|content| (self.judge(ticket, &content), content)) {
                Some((Seen::Stale, _)) => {}
                Some((Seen::Newer, content)) => {
                    facts.extend(hint.record(ticket));
                    self.note_content(&content, &ticket.system);
                    observations.insert(ticket.system.clone(), content);
                }
                Some((Seen::Unclear, _)) | None => {
                    fetch.insert(ticket.system.clone(), ticket.id.clone());
                }
            }
        }
        for (system, leg) in &self.case.legs {
            let awaits = leg.awaits_reading() && leg.outstanding.is_empty();
            if awaits && !self.silent.contains(system) && !observations.contains_key(system) {
                let Some(ticket) = &leg.ticket else { continue };
                fetch.entry(system.clone()).or_insert_with(|| ticket.clone());
            }
        }
        Ok(Sight { observations, fetch })
    }

    /// Sends the next thing that is due. False when nothing is.
    async fn work(&mut self) -> Result<bool, ledger::Error> {
        let now = self.shared.clock.now();
        let rings = |case: &Case| case.next_clock().is_some_and(|at| at <= now);
        if rings(&self.case) {
            // What is over ends what was planned while it was not.
            let through = self.shared.journal.end();
            self.plan_and_record(Vec::new(), BTreeMap::new(), &[], through).await?;
            if !rings(&self.case) {
                return Ok(true);
            }
        }
        while let Some((leg, due)) = self.next_due(now) {
            if let Some(stale) = self.stale(&leg, &due, now) {
                self.read_again_before_sending(&stale).await?;
                return Ok(true);
            }
            let inside = self.enter(&leg);
            if self.full.contains(&leg) {
                continue;
            }
            let Attempted { facts, observations } = match due.phase {
                Phase::Doubtful { since } => self.settle(&leg, &due, since).await,
                Phase::Ready => self.attempt(&leg, &due).await,
            };
            drop(inside);
            for system in observations.keys() {
                self.read.insert(system.clone(), now);
            }
            if observations.is_empty() {
                // What a write left has not been read.
                self.read.remove(&leg);
            }
            let now = self.shared.clock.now();
            for fact in &facts {
                self.case.apply(fact, now);
                if matches!(fact, Fact::Effected { .. }) {
                    self.asked.clear();
                }
            }
            self.plan_and_record(facts, observations, &[], self.shared.journal.end()).await?;
            return Ok(true);
        }
        if self.case.references.has_work() && self.consult().await? {
            return Ok(true);
        }
        let Some(plan) = self.last_plan.take() else { return Ok(false) };
        if !plan.unnamed.is_empty() {
            return self.give_names(plan.unnamed).await;
        }
        if let Some((leg, origin)) = plan.unprepared.first() {
            return self.prepare_file(leg, origin).await;
        }
        if let Some(origin) = plan.unstored.first() {
            return self.store_file(origin).await;
        }
        // Once each until something took effect: what a fresh reading does not bring, another one will not either.
        let unread: Vec<SystemName> = plan
            .unread
            .into_iter()
            .filter(|system| !self.silent.contains(system) && self.asked.insert(system.clone()))
            .collect();
        if unread.is_empty() {
            return Ok(false);
        }
        let (mut observations, mut facts) = (BTreeMap::new(), Vec::new());
        let through = self.shared.journal.end();
        for system in unread {
            let Some(ticket) = self.case.legs.get(&system).and_then(|leg| leg.ticket.clone()) else {
                continue;
            };
            self.observe(&system, &ticket, &mut observations, &mut facts).await?;
        }
        let seen = !observations.is_empty() || !facts.is_empty();
        self.plan_and_record(facts, observations, &[], through).await?;
        Ok(seen)
    }

    pub(super) fn is_full(&self, system: &SystemName) -> bool {
        self.full.contains(system)
    }

    /// A place at a leg's system; none where it is full, which is remembered, or not configured.
    pub(super) fn enter(&mut self, leg: &SystemName) -> Option<Inside> {
        let system = self.shared.systems.get(leg)?;
        let inside = self.shared.enter(system, &LaneKey::Case(self.case.id), self.urgency());
        // Whoever was let in stands in no line any more, and is not called.
        match inside {
            Some(_) => self.full.remove(leg),
            None => self.full.insert(leg.clone()),
        };
        inside
    }

    /// The first intent of some leg whose time has come. Inside a leg nothing overtakes.
    fn next_due(&self, now: Timestamp) -> Option<(SystemName, Outstanding)> {
        self.case.legs.iter().find_map(|(name, leg)| {
            let first = leg.outstanding.front()?;
            let due = self.is_open(name, leg)
                && first.not_before.is_none_or(|at| at <= now)
                && !self.waits_for_reading(name, first, now);
            due.then(|| (name.clone(), first.clone()))
        })
    }

    /// Whether something may be sent to a leg in this run. A system that is left alone refuses without a call: standing
    /// in line for a place again would only hand the places round.
    fn is_open(&self, name: &SystemName, leg: &Leg) -> bool {
        let left_alone = || {
            let system = self.shared.systems.get(name);
            system.is_some_and(|system| system.circuit.state() != CircuitState::Closed)
        };
        let held = self.full.contains(name) || self.shared.pauses.holds(name);
        leg.health == Health::Well && !held && !(self.silent.contains(name) && left_alone())
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
        self.decide(&mut facts, &observations, now);
        for (ticket, durable) in answered {
            if *durable || !facts.is_empty() {
                facts.push(Fact::Answered { ticket: ticket.clone(), through });
            }
        }
        self.record(facts, now).await
    }

    /// Adds what the planner decides to `facts`, and keeps what it asks to be read or stored.
    fn decide(&mut self, facts: &mut Vec<Fact>, observations: &BTreeMap<SystemName, Ticket>, now: Timestamp) {
        let settled = std::mem::take(&mut self.settled);
        let before = self.case.custody.holder.clone();
        let mut plan = self.shared.plan(&mut self.case, observations, &settled, now);
        self.shared.metrics.decided(before.as_ref(), &plan.facts);
        facts.append(&mut plan.facts);
        self.last_plan = Some(plan);
    }

    /// Records facts that were already folded into the case.
    pub(super) async fn record(&mut self, facts: Vec<Fact>, at: Timestamp) -> Result<(), ledger::Error> {
        if facts.is_empty() {
            return Ok(());
        }
        self.shared.mark_unsent(&facts);
        self.sound_alarms(&facts);
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
        self.shared.alarm.set(self.case.id, self.case.next_clock());
        let now = self.shared.clock.now();
        let due = self
            .case
            .legs
            .iter()
            .filter(|(name, leg)| self.is_open(name, leg))
            .filter_map(|(_, leg)| leg.outstanding.front()?.not_before)
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
    pub(super) fn plan(
        &self,
        case: &mut Case,
        observations: &BTreeMap<SystemName, Ticket>,
        settled: &BTreeSet<IntentId>,
        now: Timestamp,
    ) -> Plan {
        plan::plan(case, &self.view(observations, settled, &self.vault.names(), now))
    }

    /// What the planner is told of the world.
    pub(super) fn view<'a>(
        &'a self,
        observations: &'a BTreeMap<SystemName, Ticket>,
        settled: &'a BTreeSet<IntentId>,
        names: &'a Pseudonyms,
        now: Timestamp,
    ) -> View<'a> {
        View {
            rules: &self.rules,
            capabilities: &self.capabilities,
            observations,
            markers: &self.markers,
            settled,
            names,
            now,
        }
    }
}
