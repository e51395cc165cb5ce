//! The connector for cases (`incident`) in Dynamics 365, over the Dataverse Web API.
//!
//! Every row is created under an id of our choosing, so that a create whose answer was lost can be sent again. A note
//! does not move its case, so cases and notes are two change feeds under one cursor. The README says what maps to what,
//! what the application user needs, and what is not covered.

mod api;
mod choice;
mod column;
mod config;
mod connector;
mod error;
mod feed;
mod guid;
mod map;
mod note;
mod read;
mod rich;
mod status;
mod webhook;
mod wire;
mod write;

pub use config::{SETTINGS, build};
pub use connector::Dynamics365;
pub use map::{PRIORITIES, STATUSES};

/// What this connector was run against.
pub const TESTED_AGAINST: &str = "simulated from documentation (Web API 9.2)";
