//! The desk's JSON as the connector reads and writes it, and nothing else.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use throughline_sdk::Timestamp;

#[derive(Debug, Deserialize)]
pub(crate) struct Ticket {
    pub(crate) number: u64,
    pub(crate) version: u64,
    pub(crate) title: String,
    pub(crate) description: String,
    pub(crate) status: String,
    pub(crate) priority: Option<String>,
    #[serde(rename = "type")]
    pub(crate) kind: Option<String>,
    #[serde(default)]
    pub(crate) fields: BTreeMap<String, String>,
    pub(crate) requester: Option<String>,
    pub(crate) comments: Vec<Comment>,
    pub(crate) files: Vec<File>,
    #[serde(default)]
    pub(crate) references: Vec<Reference>,
    pub(crate) marker: Option<String>,
    pub(crate) created: Timestamp,
    pub(crate) updated: Timestamp,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Comment {
    pub(crate) id: u64,
    pub(crate) author: String,
    pub(crate) body: String,
    pub(crate) internal: Option<bool>,
    pub(crate) marker: Option<String>,
    pub(crate) created: Timestamp,
}

#[derive(Debug, Deserialize)]
pub(crate) struct File {
    pub(crate) id: u64,
    pub(crate) name: String,
    pub(crate) media_type: String,
    pub(crate) size: u64,
    pub(crate) internal: Option<bool>,
    pub(crate) author: String,
    pub(crate) marker: Option<String>,
    pub(crate) created: Timestamp,
}

#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct Reference {
    pub(crate) name: Option<String>,
    pub(crate) label: String,
    pub(crate) url: Option<String>,
    pub(crate) summary: Option<String>,
}

/// The answer to every write.
#[derive(Debug, Deserialize)]
pub(crate) struct Written {
    pub(crate) id: Option<String>,
    pub(crate) ticket: Ticket,
}

#[derive(Debug, Default, Serialize)]
pub(crate) struct Patch<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) title: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) description: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) status: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) priority: Option<&'a str>,
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub(crate) kind: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) fields: Option<&'a BTreeMap<String, String>>,
}

#[derive(Debug, Serialize)]
pub(crate) struct NewTicket<'a> {
    pub(crate) ticket: Patch<'a>,
    pub(crate) marker: Option<&'a str>,
}

#[derive(Debug, Serialize)]
pub(crate) struct NewComment<'a> {
    pub(crate) body: &'a str,
    pub(crate) internal: bool,
    pub(crate) marker: Option<&'a str>,
}

#[derive(Debug, Serialize)]
pub(crate) struct Rewritten<'a> {
    pub(crate) body: &'a str,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Changes {
    pub(crate) changes: Vec<Change>,
    pub(crate) last: u64,
    pub(crate) more: bool,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Change {
    pub(crate) sequence: u64,
    pub(crate) ticket: u64,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Search {
    pub(crate) found: Vec<Row>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Row {
    pub(crate) ticket: u64,
    pub(crate) what: String,
    pub(crate) id: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Whoami {
    pub(crate) account: String,
    pub(crate) product: String,
    pub(crate) time: Timestamp,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Described {
    pub(crate) statuses: Vec<Status>,
    pub(crate) priorities: Vec<String>,
    pub(crate) types: Vec<String>,
    pub(crate) fields: Vec<String>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Status {
    pub(crate) word: String,
    pub(crate) closed: bool,
}

/// The body of a refusal.
#[derive(Debug, Deserialize)]
pub(crate) struct Problem {
    pub(crate) error: String,
}

/// The body of a webhook.
#[derive(Debug, Deserialize)]
pub(crate) struct Announcement {
    pub(crate) ticket: Ticket,
}
