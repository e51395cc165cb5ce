//! Statuses and priorities, and what they mean: Zammad lets operators name them, and knows each status's type.

use throughline_sdk::Choice;

use crate::wire::{Priority, State};

/// Zammad's words for a status as installed, and what they mean to Throughline.
///
/// Of several words with one meaning the first is the one to write.
pub const STATUSES: &[(&str, &str)] = &[
    ("new", "new"),
    ("open", "open"),
    ("pending reminder", "pending"),
    ("pending close", "resolved"),
    ("closed", "closed"),
    ("merged", "closed"),
    ("removed", "closed"),
];

/// Zammad's words for a priority as installed, and what they mean to Throughline.
pub const PRIORITIES: &[(&str, &str)] = &[("1 low", "low"), ("2 normal", "normal"), ("3 high", "high")];

/// The types of a status that Zammad wants a time for.
const PENDING: [&str; 2] = ["pending reminder", "pending action"];

/// The types of a status that nobody sets: Zammad does when it merges or removes a ticket.
const MERGED: &str = "merged";
const REMOVED: &str = "removed";

impl State {
    fn means(&self) -> &str {
        self.state_type.as_deref().unwrap_or(&self.name)
    }

    /// Whether a ticket in it has to say until when.
    pub(crate) fn pends(&self) -> bool {
        PENDING.contains(&self.means())
    }
}

/// The statuses that a ticket can be brought to.
pub(crate) fn choices(states: &[State]) -> Vec<Choice> {
    let settable = |state: &&State| state.active && ![MERGED, REMOVED].contains(&state.means());
    let choice = |state: &State| Choice { word: state.name.clone(), closed: state.means() == "closed" };
    states.iter().filter(settable).map(choice).collect()
}

/// The priorities that a ticket can have.
pub(crate) fn priorities(priorities: &[Priority]) -> Vec<String> {
    priorities.iter().filter(|one| one.active).map(|one| one.name.clone()).collect()
}
