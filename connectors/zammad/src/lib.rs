//! The connector for Zammad, over its REST API.
//!
//! Zammad takes no condition and no idempotency key. A ticket bears its marker in an attribute of the operator's own, by which
//! its database finds it at once; an article bears it in its preferences, which no reader sees. The README says what maps
//! to what, which permissions the account needs, and what is not covered.

mod api;
mod attribute;
mod config;
mod connector;
mod error;
mod feed;
mod map;
mod read;
mod status;
mod webhook;
mod wire;
mod write;

pub use config::{SETTINGS, build};
pub use connector::Zammad;
pub use status::{PRIORITIES, STATUSES};

/// What this connector was run against.
pub const TESTED_AGAINST: &str = "simulated from documentation";
