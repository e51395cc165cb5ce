//! The connector for incidents, and other tables that extend the task, in ServiceNow.
//!
//! It speaks the Table, Attachment and Import Set APIs. ServiceNow answers a write with success also where an access
//! rule kept it from doing it, so every write is read back. The README says what maps to what, what the account needs,
//! and what is not covered.

mod api;
mod choice;
mod config;
mod connector;
mod error;
mod feed;
mod map;
mod text;
mod webhook;
mod wire;
mod write;

pub use config::{SETTINGS, build};
pub use connector::ServiceNow;
pub use map::{PRIORITIES, STATUSES};

/// What this connector was run against.
pub const TESTED_AGAINST: &str = "simulated from documentation (Australia, Zurich)";
