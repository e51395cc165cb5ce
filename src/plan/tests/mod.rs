//! What the planner promises: rules by example, then the invariants under random people and a lossy carrier.

mod canary;
mod custody;
pub(crate) mod desks;
mod examples;
mod grants;
mod handshake;
pub(crate) mod invariants;
mod links;
mod maps;
mod policies;
pub(crate) mod privacy;
mod require;
mod seen;
mod story;
mod story_moved;
mod story_standing;
mod verdicts;
mod visibility;
pub(crate) mod world;
