//! The connector for Freshdesk, over its API version 2.
//!
//! Freshdesk takes no condition and no idempotency key. A ticket bears its marker in a custom field, which a search finds
//! after some minutes; a note bears it in its last line. The README says what maps to what, which permissions the account
//! needs, and what is not covered.

mod api;
mod config;
mod connector;
mod error;
mod feed;
mod fields;
mod map;
mod marker;
mod read;
mod webhook;
mod wire;
mod write;

pub use config::{SETTINGS, build};
pub use connector::Freshdesk;
pub use fields::{PRIORITIES, STATUSES};

/// What this connector was run against.
pub const TESTED_AGAINST: &str = "simulated from documentation";
