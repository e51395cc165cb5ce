//! What the planner promises: rules by example, then the invariants under random people and a lossy carrier.

pub(crate) mod desks;
mod examples;
pub(crate) mod invariants;
mod policies;
mod verdicts;
pub(crate) mod world;
