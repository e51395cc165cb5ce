//! The connector for desks that speak TM Forum's TMF621 Trouble Ticket Management, v4.0.0 and v5.0.1.
//!
//! The standard leaves open what a desk does with arrays in a `PATCH`, whether it keeps ids that a client gives, and
//! which filters it knows: those are settings, each write is read back, and each row of a list is looked at.
//!
//! The kind `tmf621-server` is the same connector on the bridge's own northbound face: see [`face`]. The kind
//! `reference` is that face without a partner, for a portal that only people reach: see [`reference`].

mod api;
mod config;
mod connector;
mod error;
pub mod face;
mod feed;
mod hub;
mod lifecycle;
mod map;
mod parts;
pub mod reference;
mod webhook;
mod wire;
mod write;

pub use config::{SETTINGS, build};
pub use connector::Tmf621;
pub use map::{ANSWERS, PRIORITIES, REASON_FIELD, STATUSES};

/// What the connector was run against.
pub const TESTED_AGAINST: &str =
    "simulated from the specifications v4.0.0 and v5.0.1; Throughline's own face";
