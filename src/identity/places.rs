//! How many streams of events may be open: each principal's own, and all together.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::case::Who;

/// How many streams may be open at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Streams {
    /// Of each principal.
    pub each: usize,
    /// Of all together.
    pub all: usize,
}

/// Why there is no place for one more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Full {
    /// The principal has as many open as it may have.
    Own(usize),
    /// All together are as many as there may be.
    All(usize),
}

/// The places there are.
#[derive(Clone, Debug)]
pub(super) struct Places {
    streams: Streams,
    taken: Arc<Mutex<Taken>>,
}

#[derive(Debug, Default)]
struct Taken {
    all: usize,
    by_principal: BTreeMap<Who, usize>,
}

/// A place, as long as its stream is open.
#[derive(Debug)]
pub struct Place {
    taken: Arc<Mutex<Taken>>,
    who: Who,
}

impl Places {
    pub(super) fn new(streams: Streams) -> Self {
        Self { streams, taken: Arc::default() }
    }

    /// A place for one more. The command line is nobody in particular: it counts among all only.
    pub(super) fn take(&self, who: &Who) -> Result<Place, Full> {
        let mut taken = lock(&self.taken);
        let own = taken.by_principal.get(who).copied().unwrap_or_default();
        if own >= self.streams.each && who.0 != Who::COMMAND_LINE {
            return Err(Full::Own(self.streams.each));
        }
        if taken.all >= self.streams.all {
            return Err(Full::All(self.streams.all));
        }
        taken.all += 1;
        taken.by_principal.insert(who.clone(), own + 1);
        Ok(Place { taken: Arc::clone(&self.taken), who: who.clone() })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = lock(&self.taken);
        taken.all = taken.all.saturating_sub(1);
        let own = taken.by_principal.remove(&self.who).unwrap_or_default();
        if own > 1 {
            taken.by_principal.insert(self.who.clone(), own - 1);
        }
    }
}

fn lock(taken: &Mutex<Taken>) -> MutexGuard<'_, Taken> {
    taken.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{prop_assert, prop_assert_eq, proptest};

    use super::*;

    proptest! {
        #[test]
        fn as_many_are_open_as_there_may_be_and_a_place_that_is_left_is_free(
            steps in proptest::collection::vec((0u8..3, proptest::bool::weighted(0.7)), 0..60),
        ) {
            let streams = Streams { each: 3, all: 5 };
            let places = Places::new(streams);
            let mut open: Vec<(u8, Place)> = Vec::new();
            for (who, opens) in steps {
                let own = open.iter().filter(|(one, _)| *one == who).count();
                if !opens {
                    let first = open.iter().position(|(one, _)| *one == who);
                    drop(first.map(|at| open.remove(at)));
                    continue;
                }
                match places.take(&Who(who.to_string())) {
                    Ok(place) => {
                        prop_assert!(own < streams.each && open.len() < streams.all);
                        open.push((who, place));
                    }
                    Err(Full::Own(each)) => prop_assert_eq!((own, each), (streams.each, streams.each)),
                    Err(Full::All(all)) => prop_assert_eq!((open.len(), all), (streams.all, streams.all)),
                }
            }
            drop(open);
            prop_assert!(lock(&places.taken).by_principal.is_empty());
        }
    }
}
