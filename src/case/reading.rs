//! What was read of a ticket: its difference to the shadow, and the shadow that it makes.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use throughline_sdk::{CommentId, FileId, RemoteId, Timestamp, Version};

use super::{
    Field, Fingerprint, Item, Leg, Origin, Phase, SeenComment, SeenField, SeenFile, WrittenValue as _,
};

/// What of a ticket differs from the shadow: values as read, in the system's own words.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reading {
    /// The ticket's id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ticket: Option<RemoteId>,
    /// The number people use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// Where a person opens it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// The remote version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<Version>,
    /// The remote time of change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub updated: Option<Timestamp>,
    /// Fields that differ from the shadow, as read.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub fields: BTreeMap<Field, String>,
    /// Fields on which the leg now agrees with the document: the fingerprint of the document's value.
    /// A field that is in `fields` and not here is one on which it does not agree.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub agreed: BTreeMap<Field, Fingerprint>,
    /// What of a description that differs from the shadow could not be read, in words.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lost: Vec<String>,
    /// Comments that are new or changed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub comments: Vec<ReadingComment>,
    /// Comments that are not there any more.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lost_comments: Vec<CommentId>,
    /// Comments that were sent as internal, and were read back.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub read_back_comments: Vec<CommentId>,
    /// Files that are new.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<ReadingFile>,
    /// Files that are not there any more.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lost_files: Vec<FileId>,
    /// Files that were sent as internal, and were read back.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub read_back_files: Vec<FileId>,
}

/// A comment that is new or changed on a leg.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadingComment {
    /// Its id there.
    pub id: CommentId,
    /// Where it was first written.
    pub origin: Origin,
    /// The fingerprint of its text; the text itself stands in `remarked`.
    pub print: Fingerprint,
    /// The version of the remark it carries.
    pub version: u32,
    /// A copy that was sent as internal.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub internal: bool,
    /// What of its text could not be read, in words.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lost: Vec<String>,
}

/// A file that is new on a leg.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadingFile {
    /// Its id there.
    pub id: FileId,
    /// Where it was first attached.
    pub origin: Origin,
    /// A copy that was sent as internal.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub internal: bool,
}

impl Leg {
    /// Takes in what was read of its ticket.
    pub(super) fn read(&mut self, reading: &Reading) {
        if let Some(ticket) = &reading.ticket {
            self.ticket = Some(ticket.clone());
        }
        if let Some(key) = &reading.key {
            self.key = Some(key.clone());
        }
        if let Some(url) = &reading.url {
            self.url = Some(url.clone());
        }
        if let Some(version) = &reading.version {
            self.shadow.version = Some(version.clone());
        }
        if let Some(updated) = reading.updated {
            self.shadow.updated = Some(updated);
        }
        for standing in self.outstanding.iter_mut().filter(|standing| standing.phase != Phase::Ready) {
            let Item::Field(field) = &standing.item else { continue };
            let (sent, seen) = (standing.intent.operation.value(field), reading.fields.get(field));
            standing.overtaken |= seen.is_some_and(|seen| sent != Some(seen.as_str()));
        }
        for (field, value) in &reading.fields {
            let seen = Some(Fingerprint::of(value));
            self.shadow.fields.insert(field.clone(), SeenField { seen, agreed: None, written: None });
        }
        for (field, value) in &reading.agreed {
            let seen = self.shadow.fields.entry(field.clone()).or_default();
            seen.agreed = Some(value.clone());
            seen.written = None;
            self.parked.remove(&Item::Field(field.clone()));
        }
        for comment in &reading.comments {
            let seen = SeenComment {
                origin: comment.origin.clone(),
                seen: comment.print.clone(),
                version: comment.version,
                internal: comment.internal,
                unproven: comment.internal,
                gone: false,
            };
            self.shadow.comments.insert(comment.id.clone(), seen);
        }
        for id in &reading.read_back_comments {
            if let Some(seen) = self.shadow.comments.get_mut(id) {
                seen.unproven = false;
            }
        }
        for id in &reading.lost_comments {
            if let Some(seen) = self.shadow.comments.get_mut(id) {
                seen.gone = true;
            }
        }
        for file in &reading.files {
            let internal = file.internal;
            let seen = SeenFile { origin: file.origin.clone(), internal, unproven: internal, gone: false };
            self.shadow.files.insert(file.id.clone(), seen);
        }
        for id in &reading.read_back_files {
            if let Some(seen) = self.shadow.files.get_mut(id) {
                seen.unproven = false;
            }
        }
        for id in &reading.lost_files {
            if let Some(seen) = self.shadow.files.get_mut(id) {
                seen.gone = true;
            }
        }
    }
}
