//! The connector for any desk that speaks JSON over HTTP, described by a manifest.
//!
//! A manifest is a TOML file: requests, and where in their answers things stand. It needs no code and no rebuild. The
//! README teaches how to write one; what each key means is generated from the types of `manifest.rs` and `manifest/`.

mod attach;
mod changes;
mod check;
mod config;
mod connector;
mod dates;
mod desk;
mod expression;
mod feed;
mod find;
mod manifest;
mod pagination;
mod read;
mod request;
mod sequence;
mod session;
mod source;
mod text;
mod webhook;
mod words;
mod write;

pub use config::{SETTINGS, build};
pub use connector::Rest;
pub use source::{About, EXAMPLE, INCLUDED, about};

/// Words for a status in the manifests that come with Throughline, and what they mean to it.
pub const STATUSES: &[(&str, &str)] = &[
    ("New", "new"),
    ("Open", "open"),
    ("Reopened", "open"),
    ("Pending", "pending"),
    ("Resolved", "resolved"),
    ("Closed", "closed"),
    ("Duplicate", "cancelled"),
];

/// Words for a priority in the manifests that come with Throughline, and what they mean to it.
pub const PRIORITIES: &[(&str, &str)] =
    &[("Very low", "low"), ("Low", "low"), ("Normal", "normal"), ("High", "high"), ("Critical", "urgent")];

/// The versions this connector was run against.
pub const TESTED_AGAINST: &str = "django-helpdesk 2.6.1, Znuny 6.5 (by manifest)";

#[cfg(test)]
mod reference_tests;
