//! What the planner promises: rules by example, then the invariants under random people and a lossy carrier.

mod canary;
mod copies;
mod custody;
pub(crate) mod desks;
mod examples;
mod files;
mod grants;
mod handshake;
pub(crate) mod invariants;
mod links;
mod maps;
mod originals;
mod outdated;
mod policies;
pub(crate) mod privacy;
mod recalls;
mod require;
mod seen;
mod sending;
mod story;
mod story_moved;
mod story_standing;
mod unmarked;
mod verdicts;
mod visibility;
pub(crate) mod world;
