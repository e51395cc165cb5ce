//! The response clocks of all cases: one task that sleeps until the first of them, however many there are.
//!
//! Nothing rests on it but punctuality: when a case is due stands in the case, and which cases have a clock in the store.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use throughline_sdk::Timestamp;
use tokio::sync::Notify;

use super::nudge::Nudge;
use crate::case::CaseId;
use crate::daemon::Shared;

/// When each case with a clock is due.
#[derive(Debug, Default)]
pub struct Alarm {
    due: Mutex<Due>,
    earlier: Notify,
}

#[derive(Debug, Default)]
struct Due {
    by_case: BTreeMap<CaseId, Timestamp>,
    by_time: BTreeSet<(Timestamp, CaseId)>,
}

impl Alarm {
    /// Sets the clock of a case, in place of the one before; `None`: it has none any more.
    pub(super) fn set(&self, case: CaseId, at: Option<Timestamp>) {
        let mut due = self.due();
        let first = due.by_time.first().copied();
        let before = match at {
            Some(at) => due.by_case.insert(case, at),
            None => due.by_case.remove(&case),
        };
        if before == at {
            return;
        }
        if let Some(before) = before {
            due.by_time.remove(&(before, case));
        }
        if let Some(at) = at {
            due.by_time.insert((at, case));
        }
        if due.by_time.first() != first.as_ref() {
            self.earlier.notify_one();
        }
    }

    /// Takes out the cases that are due.
    fn ring(&self, now: Timestamp) -> Vec<CaseId> {
        let mut due = self.due();
        let mut cases = Vec::new();
        while let Some((_, case)) = due.by_time.first().copied().filter(|(at, _)| *at <= now) {
            due.by_time.pop_first();
            due.by_case.remove(&case);
            cases.push(case);
        }
        cases
    }

    /// How long until the first.
    fn wait(&self, now: Timestamp) -> Option<Duration> {
        let (at, _) = self.due().by_time.first().copied()?;
        // A millisecond more, so that it never rings just before the moment.
        Some((at - now).to_std().unwrap_or_default() + Duration::from_millis(1))
    }

    fn due(&self) -> MutexGuard<'_, Due> {
        self.due.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Wakes the lane of each case whose clock runs out, until the bridge stops.
pub(crate) fn start(shared: &Arc<Shared>) {
    let (weak, supervisor) = (Arc::downgrade(shared), shared.supervisor.clone());
    shared.supervisor.spawn(async move {
        tokio::select! {
            biased;
            () = supervisor.stopping() => {}
            () = keep(weak) => {}
        }
    });
}

async fn keep(weak: Weak<Shared>) {
    while let Some(shared) = weak.upgrade() {
        let now = shared.clock.now();
        for case in shared.alarm.ring(now) {
            shared.lanes.nudge_case(&shared, case, Nudge::Resume { failures: 0 });
        }
        match shared.alarm.wait(now) {
            None => shared.alarm.earlier.notified().await,
            Some(wait) => {
                let sleep = shared.clock.sleep(wait);
                tokio::select! {
                    () = shared.alarm.earlier.notified() => {}
                    () = sleep => {}
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use proptest::collection::vec;
    use proptest::option::of;
    use proptest::prelude::{prop_assert_eq, proptest};

    use super::*;

    fn at(second: i64) -> Timestamp {
        DateTime::from_timestamp(second, 0).unwrap()
    }

    proptest! {
        #[test]
        fn each_case_rings_once_at_the_last_moment_that_was_set(
            settings in vec((0u64..5, of(0i64..20)), 0..30),
            now in 0i64..20,
        ) {
            let alarm = Alarm::default();
            let mut last = BTreeMap::new();
            for (case, second) in settings {
                alarm.set(CaseId(case), second.map(at));
                last.insert(CaseId(case), second);
            }
            let expected: BTreeSet<CaseId> = last
                .iter()
                .filter(|(_, second)| second.is_some_and(|second| second <= now))
                .map(|(case, _)| *case)
                .collect();
            let rung = alarm.ring(at(now));
            prop_assert_eq!(rung.len(), expected.len());
            prop_assert_eq!(rung.into_iter().collect::<BTreeSet<_>>(), expected);
            let next = last.values().filter_map(|second| *second).filter(|second| *second > now).min();
            let wait = next.map(|next| Duration::from_millis((next - now).unsigned_abs() * 1000 + 1));
            prop_assert_eq!(alarm.wait(at(now)), wait);
            prop_assert_eq!(alarm.ring(at(now)), Vec::new());
        }
    }
}
