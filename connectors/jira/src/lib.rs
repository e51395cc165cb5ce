//! The connector for Jira Cloud (REST v3), Jira Data Center (REST v2) and Jira Service Management on either.
//!
//! Jira finds what was just written only after a while, shows of a workflow no more than the next step, and says of a
//! comment in three places for whom it is. The README says what maps to what, which permissions the account needs, and
//! what is not covered.

mod api;
mod comment;
mod config;
mod connector;
mod error;
mod feed;
mod field;
mod file;
mod map;
mod portal;
mod race;
mod text;
mod webhook;
mod wire;
mod workflow;
mod write;

pub use config::{SETTINGS, build};
pub use connector::Jira;
pub use map::{PRIORITIES, STATUSES};

/// What this connector was run against.
pub const TESTED_AGAINST: &str = "simulated from documentation; Cloud: published specification via Prism";
