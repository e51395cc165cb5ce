//! The connector for GitHub issues, over the REST API.
//!
//! Status and priority are GitHub's open and closed, refined by labels that the operator names. Every comment on GitHub
//! can be read by whoever can read the repository, so nothing internal is ever written. The README says what maps to
//! what, which permissions the token needs, and what is not covered.

mod api;
mod config;
mod connector;
mod error;
mod feed;
mod map;
mod steps;
mod webhook;
mod wire;
mod write;

pub use config::{SETTINGS, build};
pub use connector::GitHub;
pub use map::{PRIORITIES, STATUSES};

/// What this connector was run against.
pub const TESTED_AGAINST: &str = "simulated from documentation; published specification 23.0.2 via Prism";
