//! A ticket or specification as a caller sees it.

use serde_json::{Map, Value, json};

use super::edition::{Edition, told};
use super::ticket::written_time;
use crate::desk::{Record, Sort};

/// The name of a sort in addresses and events.
pub(super) fn name(sort: Sort) -> &'static str {
    match sort {
        Sort::Ticket => "troubleTicket",
        Sort::Specification => "troubleTicketSpecification",
    }
}

/// Where it stands.
pub(super) fn address(base: &str, sort: Sort, number: u64) -> String {
    format!("{base}/{}/{number}", name(sort))
}

/// A record as the caller sees it.
pub(super) fn seen(
    record: &Record,
    sort: Sort,
    number: u64,
    edition: Edition,
    base: &str,
) -> Map<String, Value> {
    let mut document = record.document.clone();
    let href = address(base, sort, number);
    if let Some(Value::Array(attachments)) = document.get_mut("attachment") {
        for attachment in attachments.iter_mut().filter_map(Value::as_object_mut) {
            let id = attachment.get("id").and_then(Value::as_str);
            let Some(id) = id.filter(|id| record.files.contains_key(*id)) else { continue };
            let url = format!("{href}/attachment/{}", escaped(id));
            attachment.insert("url".to_owned(), json!(url));
        }
    }
    document.insert("id".to_owned(), json!(number.to_string()));
    document.insert("href".to_owned(), json!(href));
    document.insert("creationDate".to_owned(), json!(written_time(record.created)));
    document.insert("lastUpdate".to_owned(), json!(written_time(record.updated)));
    match sort {
        Sort::Ticket => told(edition, document),
        Sort::Specification => document,
    }
}

/// The entity tag of a record: the number of its last change.
pub(super) fn tag(record: &Record) -> String {
    format!("\"{}\"", record.change)
}

/// A segment of a path, whatever it contains.
pub(super) fn escaped(segment: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~');
    let escape = |byte: u8| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    segment.bytes().map(escape).collect()
}
