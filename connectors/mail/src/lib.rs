//! The connector for a partner who has only a mailbox: IMAP to read, SMTP to send.
//!
//! A ticket is a thread of mails, found again by the ids of its mails and by a tag in the subject. The mailbox itself is
//! the store: what we sent lies in its folder of sent mails. The README says what maps to what, and what is not covered.

mod compose;
mod config;
mod connector;
mod error;
mod imap;
mod letter;
mod quote;
mod smtp;
mod thread;
mod write;

pub use config::{SETTINGS, build};
pub use connector::Mail;

/// A mailbox has no statuses: every thread is open.
pub const STATUSES: &[(&str, &str)] = &[("Open", "in_progress")];
/// A mailbox has no priorities.
pub const PRIORITIES: &[(&str, &str)] = &[];

/// What this connector was run against.
pub const TESTED_AGAINST: &str = "simulated from the standards (RFC 3501, 5321, 5322)";
