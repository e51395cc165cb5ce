//! A small ticket desk of our own, and the connector that speaks it: for demo, rehearsal, simulation and load.
//!
//! [`desk`] and the connector share no types: the connector knows the desk only by its JSON, as it would know a
//! stranger's.

pub mod desk;

mod config;
mod connector;
mod error;
mod map;
mod webhook;
mod wire;

pub use config::{Practice, SETTINGS, build};

/// The versions the connector is tested against.
pub const TESTED_AGAINST: &str = "the desk of this very crate";

/// The desk's default status words and what they mean in Throughline's words.
pub const STATUSES: &[(&str, &str)] = &[
    ("New", "new"),
    ("In progress", "open"),
    ("Waiting", "pending"),
    ("On hold", "on_hold"),
    ("Solved", "resolved"),
    ("Closed", "closed"),
    ("Cancelled", "cancelled"),
];

/// The desk's default priority words, lowest first, and what they mean in Throughline's words.
pub const PRIORITIES: &[(&str, &str)] =
    &[("Low", "low"), ("Normal", "normal"), ("High", "high"), ("Urgent", "urgent")];
