//! The built daemon between a real Request Tracker and a real Redmine, with people at work in both.
//!
//! `THROUGHLINE_DESKS` names a directory with `request-tracker/desk.env` and `redmine/desk.env`, as the scripts of
//! `tests/desks/` make them. Without it every test here says that it was skipped.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    clippy::unwrap_used,
    reason = "a test binary: what is asserted here ends the test"
)]

mod bridge;
mod conflict;
mod conformance;
mod crossing;
mod desks;
mod four_legs;
mod gate;
mod kills;
mod outage;
mod people;
mod redmine;
mod request_tracker;
mod setup;
mod stage;
mod together;
mod vendor;
mod webhooks;
