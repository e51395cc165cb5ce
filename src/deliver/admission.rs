//! How many lanes may deal with one system at a time. A lane that finds it full waits outside and holds no place
//! among those that run: however many wait for a slow system, the others' lanes go on.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use throughline_sdk::{SystemName, Urgency};

use super::lanes::LaneKey;
use crate::daemon::{Shared, System};

/// The places of one system, and the line before it: the more urgent first, then who came first.
#[derive(Debug)]
pub struct Admission {
    places: usize,
    line: Mutex<Line>,
}

#[derive(Debug, Default)]
struct Line {
    inside: usize,
    arrivals: u64,
    waiting: BTreeMap<Place, LaneKey>,
    places: BTreeMap<LaneKey, Place>,
}

type Place = (Reverse<Urgency>, u64);

impl Admission {
    /// A quarter of the lanes that run at the same time: three systems that hang leave room for a fourth.
    pub const PLACES: usize = 128;

    /// Lets `places` lanes in at the same time; zero counts as one.
    pub fn new(places: usize) -> Self {
        Self { places: places.max(1), line: Mutex::default() }
    }

    /// Lets a lane in. Otherwise it stands in line until it is let in or gives up.
    fn enter(&self, key: &LaneKey, urgency: Urgency) -> bool {
        let mut line = self.line();
        let free = self.places.saturating_sub(line.inside);
        if free > line.waiting.len() {
            line.remove(key);
            line.inside += 1;
            return true;
        }
        let place = line.join(key, urgency);
        let admitted = line.waiting.keys().take(free).any(|before| *before == place);
        if admitted {
            line.remove(key);
            line.inside += 1;
        }
        admitted
    }

    /// A lane comes out; answers the lane that may come in for it.
    fn leave(&self) -> Option<LaneKey> {
        let mut line = self.line();
        line.inside = line.inside.saturating_sub(1);
        self.last_admissible(&line)
    }

    /// A lane does not want in any more; answers the lane that moves up.
    fn give_up(&self, key: &LaneKey) -> Option<LaneKey> {
        let mut line = self.line();
        if line.remove(key) { self.last_admissible(&line) } else { None }
    }

    /// Those before it were called when their place became free.
    fn last_admissible(&self, line: &Line) -> Option<LaneKey> {
        let free = self.places.saturating_sub(line.inside);
        line.waiting.values().nth(free.checked_sub(1)?).cloned()
    }

    fn line(&self) -> MutexGuard<'_, Line> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Line {
    /// Whoever stands in line keeps the place, unless the matter became more urgent.
    fn join(&mut self, key: &LaneKey, urgency: Urgency) -> Place {
        match self.places.get(key) {
            Some(place) if place.0 <= Reverse(urgency) => *place,
            _ => {
                self.remove(key);
                self.arrivals += 1;
                let place = (Reverse(urgency), self.arrivals);
                self.waiting.insert(place, key.clone());
                self.places.insert(key.clone(), place);
                place
            }
        }
    }

    fn remove(&mut self, key: &LaneKey) -> bool {
        let place = self.places.remove(key);
        place.is_some_and(|place| self.waiting.remove(&place).is_some())
    }
}

/// A lane's place at a system, until it is dropped.
#[derive(Debug)]
pub(super) struct Inside {
    shared: Arc<Shared>,
    system: SystemName,
}

impl Drop for Inside {
    fn drop(&mut self) {
        let next = self.shared.systems.get(&self.system).and_then(|system| system.admission.leave());
        if let Some(key) = next {
            self.shared.lanes.call(&self.shared, key);
        }
    }
}

impl Shared {
    /// A place at the system, or none: then the lane is called when there is one.
    pub(super) fn enter(
        self: &Arc<Self>,
        system: &System,
        key: &LaneKey,
        urgency: Urgency,
    ) -> Option<Inside> {
        let admitted = system.admission.enter(key, urgency);
        admitted.then(|| Inside { shared: Arc::clone(self), system: system.name.clone() })
    }

    /// Takes a lane out of every line but those before the systems that `still` names.
    pub(super) fn give_up(self: &Arc<Self>, key: &LaneKey, still: impl Fn(&SystemName) -> bool) {
        for system in self.systems.values().filter(|system| !still(&system.name)) {
            if let Some(next) = system.admission.give_up(key) {
                self.lanes.call(self, next);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::CaseId;

    fn case(number: u64) -> LaneKey {
        LaneKey::Case(CaseId(number))
    }

    #[test]
    fn whoever_finds_it_full_is_called_in_turn_and_the_urgent_first() {
        let admission = Admission::new(2);
        assert!(admission.enter(&case(1), Urgency(1)) && admission.enter(&case(2), Urgency(1)));
        for (number, urgency) in [(3, 1), (4, 1), (5, 3)] {
            assert!(!admission.enter(&case(number), Urgency(urgency)));
        }
        assert_eq!(admission.leave(), Some(case(5)));
        assert!(!admission.enter(&case(6), Urgency(1)), "nobody overtakes the one who was called");
        assert!(admission.enter(&case(5), Urgency(3)));
        assert_eq!(admission.leave(), Some(case(3)));
        assert_eq!(admission.leave(), Some(case(4)));
        assert!(admission.enter(&case(4), Urgency(1)) && admission.enter(&case(3), Urgency(1)));
    }

    #[test]
    fn who_gives_up_lets_the_next_move_up() {
        let admission = Admission::new(1);
        assert!(admission.enter(&case(1), Urgency(1)));
        assert!(!admission.enter(&case(2), Urgency(1)) && !admission.enter(&case(3), Urgency(1)));
        assert_eq!(admission.give_up(&case(3)), None, "nobody moves up while it is full");
        assert!(!admission.enter(&case(4), Urgency(1)));
        assert_eq!(admission.leave(), Some(case(2)));
        assert_eq!(admission.give_up(&case(2)), Some(case(4)));
        assert!(admission.enter(&case(4), Urgency(1)));
        assert_eq!(admission.give_up(&case(4)), None, "inside is not in line");
    }

    #[test]
    fn a_matter_that_becomes_urgent_moves_up_and_no_other_does() {
        let admission = Admission::new(1);
        assert!(admission.enter(&case(1), Urgency(1)));
        assert!(!admission.enter(&case(2), Urgency(1)) && !admission.enter(&case(3), Urgency(1)));
        assert!(!admission.enter(&case(2), Urgency(0)), "and keeps its place");
        assert!(!admission.enter(&case(3), Urgency(3)));
        assert_eq!(admission.leave(), Some(case(3)));
        assert!(admission.enter(&case(3), Urgency(3)));
        assert_eq!(admission.leave(), Some(case(2)));
    }
}
