//! The connector for the service health of Microsoft 365 and its message centre, over Microsoft Graph.
//!
//! It only tells of what Microsoft publishes: issues with their posts, and announcements. Nothing can be written there,
//! so that it never holds a leg of a case; what it reads is what a case can refer to. The README says what maps to what.

mod api;
mod config;
mod connector;
mod error;
mod feed;
mod map;
mod wire;

pub use config::{SETTINGS, build};
pub use connector::MicrosoftHealth;
pub use map::{PRIORITIES, STATUSES};

/// What this connector was run against.
pub const TESTED_AGAINST: &str =
    "Microsoft Graph v1.0: simulated from documentation, and its published specification via Prism";
