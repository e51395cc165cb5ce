//! The connector for service requests in Microsoft Partner Center, which partners file for their customers.
//!
//! Its interface takes an application only together with a person, who logs in once. It reads requests, adds notes and
//! sets the status; raising a request is not documented any more and so refused. The README says what maps to what.

mod api;
mod config;
mod connector;
mod error;
mod feed;
mod map;
mod marker;
mod wire;
mod write;

pub use config::{SETTINGS, build};
pub use connector::PartnerCenter;
pub use map::{PRIORITIES, STATUSES};

/// What this connector was run against.
pub const TESTED_AGAINST: &str = "Partner Center v1: simulated from documentation";
