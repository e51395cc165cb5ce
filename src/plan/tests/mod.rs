//! What the planner promises: rules by example, then the invariants under random people and a lossy carrier.

mod desks;
mod examples;
mod invariants;
mod maps;
mod policies;
mod require;
mod world;
