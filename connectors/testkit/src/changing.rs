//! A list of tickets that changes while a feed reads it: late commits, ties, rows that change pages.
//!
//! What a feed over change time promises, as one play: a connector's test says how its desk lists and how its place
//! advances, and the play says what is still owed.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use chrono::{DateTime, Utc};
use proptest::prelude::*;
use proptest::test_runner::TestCaseError;

const SECOND: i64 = 1_000_000;

/// How many pages a reading of a list at rest may take.
const MOST_PAGES: usize = 100;

/// What happens at the desk, or a page that the feed reads.
#[derive(Clone, Debug)]
pub enum Step {
    /// A ticket changes; a late change is committed later than the time it carries.
    Change {
        /// The ticket.
        id: u64,
        /// Whether its commit is still on its way.
        late: bool,
    },
    /// Many tickets change at one moment.
    Bulk {
        /// The first of them.
        first: u64,
        /// How many.
        count: u64,
    },
    /// What is on its way is committed.
    Commit,
    /// Time passes.
    Wait {
        /// So many microseconds.
        micros: i64,
    },
    /// The feed reads a page.
    Page,
}

/// Tickets with the moment of their last change, and those whose commit is still on its way.
#[derive(Clone, Debug)]
pub struct ChangingList {
    /// The desk's clock, in microseconds.
    now: i64,
    lag: i64,
    shown: BTreeMap<u64, i64>,
    late: Vec<(u64, i64)>,
    owed: BTreeSet<u64>,
}

/// What a page brought.
#[derive(Clone, Debug)]
pub struct Brought {
    /// The tickets that the feed hints at.
    pub ids: Vec<u64>,
    /// Whether the feed says that another page is ready.
    pub more: bool,
}

/// Any steps: `page` is how many rows fill a page, so that some moments fill several.
pub fn steps(page: u64) -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => (1..page * 4, any::<bool>()).prop_map(|(id, late)| Step::Change { id, late }),
        1 => (1..page * 2, page - 1..page * 3).prop_map(|(first, count)| Step::Bulk { first, count }),
        2 => Just(Step::Commit),
        3 => (0..9 * SECOND).prop_map(|micros| Step::Wait { micros }),
        1 => (0..40 * SECOND).prop_map(|micros| Step::Wait { micros }),
        1 => (0..1500_i64).prop_map(|micros| Step::Wait { micros }),
        6 => Just(Step::Page),
    ];
    proptest::collection::vec(step, 1..60)
}

impl ChangingList {
    /// An empty list whose commits come no later than `lag` after the time they carry.
    pub fn new(lag: Duration) -> Self {
        Self {
            now: 1_000_000 * SECOND,
            lag: i64::try_from(lag.as_micros()).unwrap_or(i64::MAX),
            shown: BTreeMap::new(),
            late: Vec::new(),
            owed: BTreeSet::new(),
        }
    }

    /// The desk's clock.
    pub fn now(&self) -> DateTime<Utc> {
        DateTime::from_timestamp_micros(self.now).unwrap_or_default()
    }

    /// The microsecond of each ticket's last change, and the ticket: the longest ago first.
    pub fn rows(&self) -> Vec<(i64, u64)> {
        let mut rows: Vec<(i64, u64)> = self.shown.iter().map(|(id, micros)| (*micros, *id)).collect();
        rows.sort_unstable();
        rows
    }

    /// The microsecond of a ticket's last change.
    pub fn changed(&self, id: u64) -> Option<i64> {
        self.shown.get(&id).copied()
    }

    /// Lets something happen at the desk.
    pub fn happen(&mut self, step: &Step) {
        match *step {
            Step::Change { id, late: true } => self.late.push((id, self.now)),
            Step::Change { id, late: false } => {
                self.now += 1;
                self.show(id, self.now);
            }
            Step::Bulk { first, count } => (first..first + count).for_each(|id| self.show(id, self.now)),
            Step::Commit => self.commit(i64::MAX),
            Step::Wait { micros } => {
                self.now += micros;
                self.commit(self.now - self.lag);
            }
            Step::Page => {}
        }
    }

    /// Plays the steps, `read` reading a page for each [`Step::Page`]. Then the desk rests.
    ///
    /// # Errors
    ///
    /// When a change was not hinted at after it happened, a reading has no end, or the feed is not silent in the end.
    pub fn play(
        mut self,
        steps: &[Step],
        mut read: impl FnMut(&Self) -> Result<Brought, TestCaseError>,
    ) -> Result<(), TestCaseError> {
        for step in steps {
            self.happen(step);
            if matches!(step, Step::Page) {
                let brought = read(&self)?;
                self.forgive(&brought);
            }
        }
        self.happen(&Step::Commit);
        // The first reading ends one that was under way, the second is the first to begin after all is over.
        for _ in 0..3 {
            self.happen(&Step::Wait { micros: self.lag + 3 * SECOND });
            self.read_on(&mut read)?;
        }
        prop_assert!(self.owed.is_empty(), "never hinted at: {:?}", self.owed);
        let again = self.read_on(&mut read)?;
        prop_assert!(again.is_empty(), "hinted at again, though nothing happened: {again:?}");
        Ok(())
    }

    /// Reads until the feed says that nothing more is ready.
    fn read_on(
        &mut self,
        read: &mut impl FnMut(&Self) -> Result<Brought, TestCaseError>,
    ) -> Result<Vec<u64>, TestCaseError> {
        let mut all = Vec::new();
        for _ in 0..MOST_PAGES {
            let brought = read(self)?;
            self.forgive(&brought);
            all.extend(brought.ids);
            if !brought.more {
                return Ok(all);
            }
        }
        Err(TestCaseError::fail(format!("a reading has no end after {MOST_PAGES} pages")))
    }

    fn forgive(&mut self, brought: &Brought) {
        for id in &brought.ids {
            self.owed.remove(id);
        }
    }

    /// Commits what is late and carries a time up to this one.
    fn commit(&mut self, until: i64) {
        for (id, micros) in std::mem::take(&mut self.late) {
            if micros <= until { self.show(id, micros) } else { self.late.push((id, micros)) }
        }
    }

    /// A commit that was overtaken changes the ticket and leaves the later time.
    fn show(&mut self, id: u64, micros: i64) {
        let shown = self.shown.entry(id).or_insert(micros);
        *shown = micros.max(*shown);
        self.owed.insert(id);
    }
}
