//! The connector for Zendesk Support, over its Ticketing API.
//!
//! Tickets are created under an idempotency key, changed on the condition that nobody changed them first, and commented
//! with a marker in the metadata of the change, where no reader sees it. The README says what maps to what, which
//! permissions the account needs, and what is not covered.

mod api;
mod config;
mod connector;
mod error;
mod feed;
mod fields;
mod map;
mod merge;
mod read;
mod redact;
mod status;
mod webhook;
mod wire;
mod write;

pub use config::{SETTINGS, build};
pub use connector::Zendesk;
pub use map::PRIORITIES;
pub use status::STATUSES;

/// What this connector was run against.
pub const TESTED_AGAINST: &str = "simulated from documentation";
