//! Which lane a hint belongs to, and which lanes are running.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use throughline_sdk::TicketRef;
use tokio::sync::Semaphore;

use super::lane;
use super::nudge::{Hinted, Nudge};
use crate::case::CaseId;
use crate::daemon::Shared;

/// Whether a nudge found its lane idle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Submitted {
    /// The lane starts with this nudge.
    Started,
    /// The lane is busy; the nudge waits in it.
    Queued,
}

/// What a lane is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum LaneKey {
    /// A case.
    Case(CaseId),
    /// A ticket that belongs to no case yet.
    Ticket(TicketRef),
}

/// All lanes. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Lanes {
    waiting: Arc<Mutex<BTreeMap<LaneKey, Vec<Nudge>>>>,
    /// When the lane of a case is woken next: one timer each, or they would add up.
    timers: Arc<Mutex<BTreeMap<CaseId, Duration>>>,
    running: Arc<Semaphore>,
}

impl Lanes {
    /// Lanes of which at most `at_once` run at the same time.
    pub fn new(at_once: usize) -> Self {
        Self { waiting: Arc::default(), timers: Arc::default(), running: Arc::new(Semaphore::new(at_once)) }
    }

    /// How many lanes have something to do just now.
    pub fn busy(&self) -> usize {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Wakes the lane of a case.
    pub(crate) fn nudge_case(&self, shared: &Arc<Shared>, case: CaseId, nudge: Nudge) -> Submitted {
        self.submit(shared, LaneKey::Case(case), nudge)
    }

    /// Hands a hint to the lane of its ticket's case, or of the ticket itself while it belongs to none.
    pub(crate) fn nudge(
        &self,
        shared: &Arc<Shared>,
        case: Option<CaseId>,
        ticket: TicketRef,
        hint: Hinted,
    ) -> Submitted {
        let key = case.map_or_else(|| LaneKey::Ticket(ticket.clone()), LaneKey::Case);
        self.submit(shared, key, Nudge::Hint { ticket, hint })
    }

    /// Whether the lane that a hint would go to is busy.
    pub(crate) fn is_busy(&self, case: Option<CaseId>, ticket: &TicketRef) -> bool {
        let key = case.map_or_else(|| LaneKey::Ticket(ticket.clone()), LaneKey::Case);
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).contains_key(&key)
    }

    /// Wakes the lane of a case after `wait`.
    pub(super) fn nudge_later(&self, shared: &Arc<Shared>, key: LaneKey, nudge: Nudge, wait: Duration) {
        let due = shared.clock.monotonic() + wait;
        let case = match (&key, &nudge) {
            (LaneKey::Case(case), Nudge::Resume { .. }) => Some(*case),
            _ => None,
        };
        if let Some(case) = case {
            let mut timers = self.timers.lock().unwrap_or_else(PoisonError::into_inner);
            if timers.get(&case).is_some_and(|before| *before <= due) {
                return;
            }
            timers.insert(case, due);
        }
        let lanes = self.clone();
        let weak: Weak<Shared> = Arc::downgrade(shared);
        let sleep = shared.clock.sleep(wait);
        let supervisor = shared.supervisor.clone();
        shared.supervisor.spawn(async move {
            tokio::select! {
                biased;
                () = supervisor.stopping() => {}
                () = sleep => if let Some(shared) = weak.upgrade() {
                    if let Some(case) = case {
                        lanes.forget_timer(case, due);
                    }
                    lanes.submit(&shared, key, nudge);
                }
            }
        });
    }

    fn forget_timer(&self, case: CaseId, due: Duration) {
        let mut timers = self.timers.lock().unwrap_or_else(PoisonError::into_inner);
        if timers.get(&case) == Some(&due) {
            timers.remove(&case);
        }
    }

    fn submit(&self, shared: &Arc<Shared>, key: LaneKey, nudge: Nudge) -> Submitted {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(queue) = waiting.get_mut(&key) {
            queue.push(nudge);
            return Submitted::Queued;
        }
        waiting.insert(key.clone(), vec![nudge]);
        drop(waiting);
        let (lanes, shared_for_lane, known) = (self.clone(), Arc::clone(shared), key.clone());
        if !shared.supervisor.spawn(async move { lanes.run(shared_for_lane, key).await }) {
            // Whoever waits for an answer hears that none comes.
            self.waiting.lock().unwrap_or_else(PoisonError::into_inner).remove(&known);
        }
        Submitted::Started
    }

    /// Wakes a lane that waited outside a system: there is a place for it now.
    pub(super) fn call(&self, shared: &Arc<Shared>, key: LaneKey) {
        let nudge = match &key {
            LaneKey::Case(_) => Nudge::Resume { failures: 0 },
            LaneKey::Ticket(ticket) => Nudge::Hint { ticket: ticket.clone(), hint: Hinted::recorded() },
        };
        self.submit(shared, key, nudge);
    }

    async fn run(self, shared: Arc<Shared>, key: LaneKey) {
        // The semaphore is never closed: an error means that the process is going down.
        let Ok(_permit) = Arc::clone(&self.running).acquire_owned().await else { return };
        let _release = Release { lanes: &self, shared: &shared, key: &key };
        while let Some(nudges) = self.take(&key, shared.supervisor.is_stopping()) {
            let inbox = Inbox { lanes: &self, key: &key };
            lane::run(&shared, &key, nudges, &inbox).await;
        }
    }

    /// The nudges that wait for `key`; `None` ends the lane.
    fn take(&self, key: &LaneKey, stopping: bool) -> Option<Vec<Nudge>> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        match waiting.get_mut(key) {
            Some(queue) if !queue.is_empty() && !stopping => Some(std::mem::take(queue)),
            _ => {
                waiting.remove(key);
                None
            }
        }
    }
}

/// Frees a lane whose run panicked: the next hint, or a restart, takes it up again.
struct Release<'a> {
    lanes: &'a Lanes,
    shared: &'a Arc<Shared>,
    key: &'a LaneKey,
}

impl Drop for Release<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.lanes.waiting.lock().unwrap_or_else(PoisonError::into_inner).remove(self.key);
            self.shared.give_up(self.key, |_| false);
        }
    }
}

/// What has come for a running lane in the meantime.
#[derive(Debug)]
pub(super) struct Inbox<'a> {
    lanes: &'a Lanes,
    key: &'a LaneKey,
}

impl Inbox<'_> {
    /// Takes what has come.
    pub(super) fn drain(&self) -> Vec<Nudge> {
        let mut waiting = self.lanes.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.get_mut(self.key).map(std::mem::take).unwrap_or_default()
    }
}
