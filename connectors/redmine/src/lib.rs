//! The connector for Redmine 5 and 6, over its REST API.
//!
//! Redmine answers most writes with 204 and no body, also those it did not carry out, so every write is read back.
//! The README says what maps to what, which permissions the account needs, and what is not covered.

mod api;
mod attribute;
mod config;
mod connector;
mod error;
mod feed;
mod map;
mod race;
mod text;
mod webhook;
mod wire;
mod workflow;
mod write;

pub use config::{SETTINGS, build};
pub use connector::Redmine;
pub use map::{PRIORITIES, STATUSES};

/// The versions this connector was run against.
pub const TESTED_AGAINST: &str = "Redmine 5.0.4 (Debian 12)";
