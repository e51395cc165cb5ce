//! The connector for GitLab issues, over the REST API.
//!
//! Internal notes stay internal, confidential issues count as internal unless the operator says otherwise, and system
//! notes are no comments. The README says what maps to what, which role the token needs, and what is not covered.

mod api;
mod config;
mod connector;
mod error;
mod feed;
mod fill;
mod map;
mod marker;
mod uploads;
mod webhook;
mod wire;
mod write;

pub use config::{SETTINGS, build};
pub use connector::GitLab;
pub use map::{PRIORITIES, STATUSES};

/// What this connector was run against.
pub const TESTED_AGAINST: &str = "simulated from documentation; the simulation by python-gitlab 8";
