//! The connector for Request Tracker 5, so that an RT queue can take part in a case over REST 2.0.
//!
//! Where things are: [`config`] holds what an operator writes, `wire` RT's own JSON, `map` its meaning, `read` and
//! `feed` what is asked of RT, `write` what is changed there, `find` and `race` what became of it, `error` where RT's statuses mislead.

mod attribute;
pub mod config;
mod connector;
mod describe;
mod error;
mod feed;
mod find;
mod map;
mod multipart;
mod race;
mod read;
mod rest;
mod webhook;
mod wire;
mod write;

pub use config::{KIND, PRIORITIES, SETTINGS, STATUSES, TESTED_AGAINST, build};
pub use connector::RequestTracker;
