//! The connector for Azure Support requests (Microsoft.Support), over the Azure Resource Manager.
//!
//! Tickets, messages and files are named by us, after the intent's marker: the same name again is the same thing.
//! Creating is asynchronous there and followed to its end. There are no webhooks, and no list of what changed: the open
//! tickets are compared with what they were. The README says what maps to what, and what is not covered.

mod api;
mod classify;
mod config;
mod connector;
mod create;
mod error;
mod feed;
mod file;
mod map;
mod running;
mod wire;
mod write;

pub use config::{SETTINGS, build};
pub use connector::AzureSupport;
pub use map::{PRIORITIES, STATUSES};

/// What this connector was run against.
pub const TESTED_AGAINST: &str =
    "Microsoft.Support 2026-06-01: simulated from documentation, and its published specification via Prism";
