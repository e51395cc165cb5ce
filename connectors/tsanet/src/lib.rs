//! The connector for collaboration requests in TSANet Connect, over its REST API.
//!
//! A request is a case that two member companies share: one submits it, the other accepts, questions or rejects it, and
//! the first closes it. The README says what maps to what, who may do what, and what is not covered.

mod api;
mod config;
mod connector;
mod error;
mod feed;
mod form;
mod map;
mod marker;
mod steps;
mod webhook;
mod wire;
mod write;

pub use config::{SETTINGS, build};
pub use connector::TsaNet;
pub use map::{ANSWERS, PRIORITIES, STATUSES};

/// What this connector was run against.
pub const TESTED_AGAINST: &str = "simulated from documentation";
