//! What Request Tracker's records mean: pure, total, and strict about who may read what.

use std::collections::{BTreeMap, BTreeSet};

use chrono::DateTime;
use serde_json::Value;
use throughline_markup::{Loss, Text, html};
use throughline_sdk::ticket::canonical_text;
use throughline_sdk::{
    Comment, CommentId, Error, ErrorKind, File, FileId, Lost, Marker, Person, Reference, RemoteId, Result,
    Ticket, Timestamp, Version, Visibility,
};

use crate::attribute::{self, ATTRIBUTES};
use crate::config::Config;
use crate::wire;

/// Everything read about one ticket.
#[derive(Debug)]
pub(crate) struct Parts {
    pub(crate) ticket: wire::Ticket,
    pub(crate) version: Option<Version>,
    /// The requestor's name, where RT told it.
    pub(crate) requester: Option<String>,
    /// The transactions with messages, oldest first.
    pub(crate) transactions: Vec<wire::Transaction>,
    /// The parts of their messages, oldest first.
    pub(crate) attachments: Vec<wire::Attachment>,
    /// The texts among the parts, by id.
    pub(crate) texts: BTreeMap<String, String>,
}

/// The parameter of `Content-Type` that carries our marker: RT keeps it with the message and shows it to nobody.
pub(crate) const MARKER_PARAMETER: &str = "throughline";

/// A ticket in canonical form.
pub(crate) fn ticket(config: &Config, parts: &Parts) -> Result<Ticket> {
    let wire = &parts.ticket;
    let mut of_transaction: BTreeMap<&str, Vec<&wire::Attachment>> = BTreeMap::new();
    for attachment in &parts.attachments {
        of_transaction.entry(&attachment.transaction_id.id).or_default().push(attachment);
    }
    let mut description = None;
    let mut marker = None;
    let mut comments = Vec::new();
    let mut files = Vec::new();
    let mut lost = Vec::new();
    for transaction in &parts.transactions {
        let Some(visibility) = visibility(transaction) else { continue };
        let attachments = of_transaction.get(transaction.id.as_str()).map_or(&[][..], Vec::as_slice);
        let message = message(attachments, &parts.texts);
        // A merged ticket's own beginning is a reply in the history of the one that survived.
        if transaction.kind == "Create" && transaction.object_id == wire.id && description.is_none() {
            description = message.text;
            marker = message.marker;
            lost.extend(message.lost.iter().map(|loss| Lost { comment: None, what: loss.to_string() }));
        } else if let Some(body) = message.text.filter(|text| !text.is_empty()) {
            let id = CommentId::new(transaction.id.clone());
            let said = |loss: &Loss| Lost { comment: Some(id.clone()), what: loss.to_string() };
            lost.extend(message.lost.iter().map(said));
            comments.push(Comment {
                id: CommentId::new(transaction.id.clone()),
                author: author(&transaction.creator),
                body,
                visibility,
                created: time(&transaction.created)?,
                marker: message.marker,
            });
        }
        for attachment in attachments.iter().filter(|attachment| is_file(attachment)) {
            files.push(file(attachment, transaction, visibility)?);
        }
    }
    let mut fields = fields(wire);
    let of_field = config.marker_field.as_ref().and_then(|name| fields.remove(name));
    Ok(Ticket {
        id: RemoteId::new(wire.id.clone()),
        key: wire.id.clone(),
        version: parts.version.clone(),
        url: Some(address(config, &wire.id)),
        title: wire.subject.clone(),
        description: description.unwrap_or_default(),
        status: wire.status.clone(),
        priority: priority_word(&config.priorities, &wire.priority)?,
        kind: Some(wire.queue.name.clone()).filter(|name| !name.is_empty()),
        references: references(config, wire, &mut fields),
        fields,
        requester: parts.requester.clone().map(|name| Person { name }),
        comments,
        files,
        marker: marker.or_else(|| of_field.as_deref().and_then(Marker::find_in)),
        created: time(&wire.created)?,
        updated: time(&wire.last_updated)?,
        lost,
    })
}

/// Who may read a transaction's message; `None` for one that is no person's message.
///
/// Outgoing mail and RT's own records are neither comment nor file.
pub(crate) fn visibility(transaction: &wire::Transaction) -> Option<Visibility> {
    match transaction.kind.as_str() {
        "Create" | "Correspond" => Some(Visibility::Public),
        "Comment" => Some(Visibility::Internal),
        _ => None,
    }
}

/// Whether a part is a file rather than a message's text or the box around them.
pub(crate) fn is_file(attachment: &wire::Attachment) -> bool {
    let named = !attachment.filename.is_empty();
    let boxed = attachment.content_type.starts_with("multipart/");
    let text = is_text(attachment);
    let empty = size(attachment) == 0;
    named || !(boxed || text || empty)
}

/// Whether a part is text that belongs to the message itself.
pub(crate) fn is_text(attachment: &wire::Attachment) -> bool {
    attachment.filename.is_empty() && matches!(attachment.content_type.as_str(), "text/plain" | "text/html")
}

/// Size in bytes as RT keeps it.
pub(crate) fn size(attachment: &wire::Attachment) -> u64 {
    attachment.content_length.parse().unwrap_or_default()
}

/// The marker in a part's header fields.
pub(crate) fn marker(attachment: &wire::Attachment) -> Option<Marker> {
    let (_, after) = attachment.headers.split_once(&format!("{MARKER_PARAMETER}=\""))?;
    Marker::find_in(after.split('"').next()?)
}

/// The word for a priority number: the nearest one, the higher in the middle.
pub(crate) fn priority_word(words: &[(String, i64)], number: &str) -> Result<Option<String>> {
    if number.is_empty() {
        return Ok(None);
    }
    let number: i64 = number.parse().map_err(|error| {
        malformed(format!("a priority is no number: {error}")).with_context("priority", number)
    })?;
    let nearest = words.iter().rev().min_by_key(|(_, of_word)| of_word.abs_diff(number));
    Ok(nearest.map(|(word, _)| word.clone()))
}

/// A time as RT writes it; unset ones are the beginning of 1970.
pub(crate) fn time(text: &str) -> Result<Timestamp> {
    DateTime::parse_from_rfc3339(text)
        .map(|time| time.to_utc())
        .map_err(|error| malformed(format!("a time is not in RFC 3339: {error}")).with_context("time", text))
}

/// One line as RT takes it for a subject: it drops line ends, and databases cut after 200 characters.
pub(crate) fn subject(title: &str) -> String {
    let line = title.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= 200 {
        return line;
    }
    let mut cut: String = line.chars().take(199).collect();
    cut.push('…');
    cut
}

/// Attributes and custom fields by name; several values separated by commas.
fn fields(ticket: &wire::Ticket) -> BTreeMap<String, String> {
    let custom = ticket.custom_fields.iter().map(|field| {
        let values: Vec<_> = field.values.iter().filter_map(value).collect();
        (field.name.clone(), values.join(", "))
    });
    let attributes = ATTRIBUTES.iter().map(|attribute| (attribute.name.to_owned(), attribute.read(ticket)));
    custom
        .filter(|(name, _)| attribute::named(name).is_none())
        .chain(attributes)
        .filter(|(_, value)| !value.is_empty())
        .collect()
}

fn value(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(canonical_text(text)),
        Value::Number(number) => Some(number.to_string()),
        // A picture: its bytes are no field value, its name is.
        Value::Object(file) => file.get("filename").and_then(Value::as_str).map(str::to_owned),
        Value::Null | Value::Bool(_) | Value::Array(_) => None,
    }
}

fn references(config: &Config, wire: &wire::Ticket, fields: &mut BTreeMap<String, String>) -> Vec<Reference> {
    let shown = config.link_field.as_ref().and_then(|name| fields.remove(name));
    let mut urls: Vec<_> = wire
        .hyperlinks
        .iter()
        .filter(|link| link.relation == "refers-to" && link.target == "external" && !link.url.is_empty())
        .map(|link| link.url.clone())
        .collect();
    urls.sort();
    let mut references: Vec<_> = urls.into_iter().map(|url| Reference::new(url.clone(), Some(url))).collect();
    if let Some(line) = shown {
        references.insert(0, Reference::of_line(&line));
    }
    references
}

#[derive(Default)]
struct Message {
    text: Option<String>,
    lost: Vec<Loss>,
    marker: Option<Marker>,
}

/// A message's text in canonical form: its plain parts, or its HTML parts where there is no plain one.
fn message(attachments: &[&wire::Attachment], texts: &BTreeMap<String, String>) -> Message {
    let of_type = |media_type: &str| -> Vec<&wire::Attachment> {
        let all = attachments.iter().copied();
        all.filter(|a| is_text(a) && a.content_type == media_type).collect()
    };
    let (plain, rich) = (of_type("text/plain"), of_type("text/html"));
    let chosen = if plain.is_empty() { &rich } else { &plain };
    let bodies: BTreeSet<_> = chosen.iter().map(|a| a.id.as_str()).collect();
    let mut lost = Vec::new();
    let mut read = Vec::new();
    for text in chosen.iter().filter_map(|a| texts.get(&a.id)) {
        let Text { text, lost: more } =
            if plain.is_empty() { html::read(text) } else { throughline_markup::plain::read(text) };
        lost.extend(more);
        read.push(text);
    }
    Message {
        text: (!bodies.is_empty()).then(|| canonical_text(&read.join("\n\n"))),
        lost,
        marker: chosen.iter().find_map(|a| marker(a)),
    }
}

fn file(
    attachment: &wire::Attachment,
    transaction: &wire::Transaction,
    visibility: Visibility,
) -> Result<File> {
    let base = attachment.filename.rsplit(['/', '\\']).next().unwrap_or_default();
    Ok(File {
        id: FileId::new(attachment.id.clone()),
        name: if base.is_empty() { format!("attachment-{}", attachment.id) } else { base.to_owned() },
        media_type: attachment.content_type.clone(),
        size: size(attachment),
        digest: None,
        visibility,
        author: author(&transaction.creator),
        created: time(&transaction.created)?,
        marker: marker(attachment),
    })
}

/// A name for readers. Accounts of mail correspondents are named by their address, which stays inside.
pub(crate) fn person(real_name: &str, account: &str) -> String {
    if !real_name.is_empty() && !real_name.contains('@') {
        return real_name.to_owned();
    }
    account.split('@').next().unwrap_or_default().to_owned()
}

fn author(creator: &wire::Pointer) -> Person {
    let account = if creator.name.is_empty() { &creator.id } else { &creator.name };
    Person { name: person(&creator.real_name, account) }
}

fn address(config: &Config, id: &str) -> String {
    format!("{}Ticket/Display.html?id={id}", config.url)
}

fn malformed(message: String) -> Error {
    Error::new(ErrorKind::Malformed, message)
}

#[cfg(test)]
#[path = "map_tests.rs"]
mod tests;
