//! Who is served next where many wait for one system: the more urgent first, and nobody in vain.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::Notify;

use crate::Urgency;

/// One turn in this many belongs to the least urgent who wait, so that they are slow and never starve.
const SHARE: u64 = 4;

/// Those who wait. A turn is taken by [`take`](Self::take), and whoever may take one is called.
#[derive(Debug, Default)]
pub(crate) struct Line {
    waiting: BTreeMap<Place, Arc<Notify>>,
    arrivals: u64,
    turns: u64,
}

/// A place in the line: the more urgent first, then who came first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    urgency: Reverse<Urgency>,
    arrival: u64,
}

impl Line {
    /// Joins the line; what is returned is told when it is worth looking again.
    pub(crate) fn join(&mut self, urgency: Urgency) -> (Place, Arc<Notify>) {
        self.arrivals += 1;
        let place = Place { urgency: Reverse(urgency), arrival: self.arrivals };
        let called = Arc::new(Notify::new());
        self.waiting.insert(place, Arc::clone(&called));
        (place, called)
    }

    /// Whether the next turn belongs to `place`.
    pub(crate) fn is_next(&self, place: Place) -> bool {
        self.next().is_some_and(|(next, _)| *next == place)
    }

    /// How many more urgent ones, or equals who came earlier, stand before `place`.
    pub(crate) fn ahead(&self, place: Place) -> usize {
        self.waiting.range(..place).count()
    }

    /// Takes the turn of `place`.
    pub(crate) fn take(&mut self, place: Place) {
        if self.waiting.remove(&place).is_some() {
            self.turns += 1;
        }
    }

    /// Leaves the line without a turn; answers whether it still stood there.
    pub(crate) fn leave(&mut self, place: Place) -> bool {
        self.waiting.remove(&place).is_some()
    }

    /// Tells whoever is next to look.
    pub(crate) fn call_next(&self) {
        if let Some((_, called)) = self.next() {
            called.notify_one();
        }
    }

    /// Tells everybody to look.
    pub(crate) fn call_all(&self) {
        for called in self.waiting.values() {
            called.notify_one();
        }
    }

    fn next(&self) -> Option<(&Place, &Arc<Notify>)> {
        if self.turns % SHARE != SHARE - 1 {
            return self.waiting.first_key_value();
        }
        let (last, _) = self.waiting.last_key_value()?;
        self.waiting.range(Place { urgency: last.urgency, arrival: 0 }..).next()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lets a fresh urgent one arrive with every turn and answers in which turn the low ones were served.
    fn turns_of_the_low(low: usize, turns: usize) -> Vec<usize> {
        let mut line = Line::default();
        let mut waiting: Vec<Place> = (0..low).map(|_| line.join(Urgency(0)).0).collect();
        let mut served = Vec::new();
        for turn in 0..turns {
            let mut places = vec![line.join(Urgency(3)).0];
            places.append(&mut waiting);
            let next = places.iter().position(|place| line.is_next(*place)).expect("somebody is next");
            let place = places.remove(next);
            line.take(place);
            if place.urgency == Reverse(Urgency(0)) {
                served.push(turn);
            }
            waiting = places;
        }
        served
    }

    #[test]
    fn the_urgent_go_first_and_the_low_keep_their_share() {
        assert_eq!(turns_of_the_low(3, 16), [3, 7, 11]);
    }

    #[test]
    fn among_equals_who_came_first_goes_first() {
        let mut line = Line::default();
        let places: Vec<Place> = (0..9).map(|_| line.join(Urgency(1)).0).collect();
        for place in places {
            assert!(line.is_next(place));
            line.take(place);
        }
    }
}
