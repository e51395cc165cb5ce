//! The connector for partners that speak Networked Help Desk 1.0, which Zendesk calls ticket sharing.
//!
//! The protocol only pushes: each side `POST`s and `PUT`s to the other, and nobody is asked for anything. So this kind
//! stands on two legs. What the partner pushed, and what it was pushed, stands on a desk of the bridge's own, which is
//! read in process ([`own`]); what is written goes to the partner first and onto that desk once the partner took it.
//!
//! Names are ours to choose: a ticket, a comment and a file bear a uuid made of the marker ([`uuid`]), so that the same
//! again makes nothing new.

mod agreement;
mod config;
mod connector;
mod error;
mod map;
pub mod own;
mod partner;
pub mod uuid;
mod wire;
mod write;

pub use config::{KIND, SETTINGS, Sharing, build, sharing};
pub use connector::NetworkedHelpDesk;
pub use map::{PRIORITIES, STATUSES};

/// What the connector was run against.
pub const TESTED_AGAINST: &str =
    "simulated from Zendesk's ticket_sharing and Request Tracker's extension; Throughline's own face";
