//! What the planner promises: rules by example, then the invariants under random people and a lossy carrier.

mod canary;
mod custody;
mod desks;
mod examples;
mod grants;
mod handshake;
mod invariants;
mod policies;
mod privacy;
mod visibility;
mod world;
