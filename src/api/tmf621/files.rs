//! The bytes of attachments: taken out of a body before a ticket is written, and handed out by their id.

use std::collections::BTreeMap;

use axum::http::StatusCode;
use axum::response::Response;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use serde_json::Value;

use super::refusal::Refusal;
use super::visitor::Visitor;
use crate::api::inert::inert;
use crate::desk::{Record, Sort, Stored};

/// Files by their base 64, as it stands in a body.
pub(super) type Decoded = BTreeMap<String, Stored>;

/// Stores the bytes of all attachments in a body, durable on return. What is no base 64 is left alone.
///
/// A ticket then names files by what this body held, and never by a digest that a caller writes: whoever knew one
/// could read another party's file by it.
pub(super) async fn decoded(visitor: &Visitor, body: &Value) -> Result<Decoded, Refusal> {
    let mut files = Decoded::new();
    for content in contents(body) {
        let Ok(bytes) = BASE64_STANDARD.decode(content) else { continue };
        let size = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        let most = visitor.desk.settings().max_file_bytes;
        if size > most {
            return Err(Refusal::bad(format!("an attachment has {size} bytes; at most {most} are taken")));
        }
        let digest = visitor.desk.blobs().write(Bytes::from(bytes)).await.map_err(|error| {
            tracing::error!(%error, "A partner's file could not be stored.");
            Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, "the bridge could not store an attachment")
        })?;
        files.insert(content.to_owned(), Stored { digest, size });
    }
    Ok(files)
}

/// The `content` of each attachment in a ticket, a change of one, or operations of JSON Patch.
fn contents(body: &Value) -> Vec<&str> {
    let attachments: Vec<&Value> = match body.as_array() {
        Some(operations) => {
            let about = |operation: &&Value| {
                let path = operation.get("path").and_then(Value::as_str).unwrap_or_default();
                path.is_empty() || path.starts_with("/attachment")
            };
            let values = operations.iter().filter(about).filter_map(|operation| operation.get("value"));
            values.flat_map(|value| entries(Some(value)).chain(entries(value.get("attachment")))).collect()
        }
        None => entries(body.get("attachment")).collect(),
    };
    attachments.into_iter().filter_map(|one| one.get("content")?.as_str()).collect()
}

/// One value, or each of several.
fn entries(value: Option<&Value>) -> impl Iterator<Item = &Value> {
    let (one, all) = match value {
        Some(Value::Array(all)) => (None, all.as_slice()),
        one => (one, &[][..]),
    };
    one.into_iter().chain(all)
}

/// The bytes of an attachment.
pub(super) async fn hand_out(visitor: &Visitor, number: u64, id: &str) -> Result<Response, Refusal> {
    let missing = || Refusal::missing("attachment");
    let record: Record = visitor.desk.read(Sort::Ticket, number).await?.ok_or_else(missing)?;
    let stored = record.files.get(id).ok_or_else(missing)?;
    let bytes = visitor.desk.blobs().read(&stored.digest).await.map_err(|error| {
        tracing::error!(%error, "A partner's file could not be read.");
        Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, "the bridge could not read this file")
    })?;
    Ok(inert(bytes))
}
