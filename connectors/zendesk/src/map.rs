//! Zendesk's ticket as a canonical ticket, and back: pure and total.

use std::collections::BTreeMap;

use throughline_markup::{html, plain};
use throughline_sdk::{
    Comment, CommentId, File, FileId, Marker, Person, Reference, RemoteId, Ticket, Version, Visibility,
};

use crate::config::Config;
use crate::wire::{self, CustomStatus, Field};
use crate::{fields, status};

/// Zendesk's words for a priority, and what they mean to Throughline.
pub const PRIORITIES: &[(&str, &str)] =
    &[("low", "low"), ("normal", "normal"), ("high", "high"), ("urgent", "urgent")];

/// Zendesk's words for a type.
pub(crate) const KINDS: [&str; 4] = ["question", "incident", "problem", "task"];

/// The names of what every ticket has beside its custom fields. All but the due date are only read.
pub(crate) const ATTRIBUTES: [&str; 4] = ["Assignee", "Due date", "Group", "Tags"];
pub(crate) const DUE_DATE: &str = "Due date";

/// Under this name an update's metadata holds our marker.
pub(crate) const MARKER: &str = "throughline";
/// Under this name it says what the update was for.
pub(crate) const PURPOSE: &str = "throughline_purpose";

/// What an update of ours was for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    Comment,
    /// Zendesk attaches files to comments only, so that each of ours comes with one that says its name.
    File,
}

/// Everything that was read of a ticket.
#[derive(Clone, Debug)]
pub(crate) struct Parts {
    pub(crate) ticket: wire::Ticket,
    pub(crate) users: Vec<wire::User>,
    pub(crate) groups: Vec<wire::Group>,
    pub(crate) statuses: Vec<CustomStatus>,
    pub(crate) fields: Vec<Field>,
    /// Oldest first.
    pub(crate) comments: Vec<wire::Comment>,
    pub(crate) audits: Vec<wire::Audit>,
}

impl Purpose {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Comment => "comment",
            Self::File => "file",
        }
    }
}

/// A ticket.
pub(crate) fn ticket(parts: &Parts, config: &Config) -> Ticket {
    let wire = &parts.ticket;
    let (first, later) = match parts.comments.split_first() {
        // Whoever opens a ticket with an internal note does not describe it to the requester.
        Some((first, later)) if first.public == Some(true) => (Some(first), later),
        Some(_) | None => (None, parts.comments.as_slice()),
    };
    let mut values = attributes(parts);
    values.extend(fields::values(&parts.fields, &wire.custom_fields));
    let link = config.link_field.as_ref().and_then(|name| values.remove(name));
    Ticket {
        id: RemoteId::new(wire.id.to_string()),
        key: wire.id.to_string(),
        version: Some(version(wire)),
        url: config.url.join(&format!("agent/tickets/{}", wire.id)).ok().map(String::from),
        title: harmful_again(wire.subject.as_deref().unwrap_or_default()).trim().to_owned(),
        description: first.map(comment_text).unwrap_or_default(),
        status: status::word(wire, &parts.statuses),
        priority: wire.priority.clone(),
        kind: wire.kind.clone(),
        fields: values,
        requester: wire.requester_id.map(|id| person(&parts.users, Some(id))),
        comments: later.iter().filter_map(|comment| said(parts, comment)).collect(),
        files: parts.comments.iter().flat_map(|comment| files(parts, comment)).collect(),
        references: link.iter().map(|text| Reference::of_line(text)).collect(),
        marker: wire.external_id.as_deref().and_then(whole_marker),
        created: wire.created_at,
        updated: wire.updated_at,
        lost: Vec::new(),
    }
}

/// `updated_at`, which a write names as its condition, and a hash of all that a ticket shows without its comments:
/// two changes within one second have the same `updated_at`.
pub(crate) fn version(ticket: &wire::Ticket) -> Version {
    let visible = serde_json::to_vec(&(
        (&ticket.subject, &ticket.status, ticket.custom_status_id, &ticket.priority, &ticket.kind),
        (ticket.requester_id, ticket.assignee_id, ticket.group_id, &ticket.due_at, &ticket.tags),
        (&ticket.custom_fields, ticket.comment_count, &ticket.external_id),
    ))
    .unwrap_or_default();
    let hash = visible.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    Version::new(format!("{}~{hash:016x}", stamp(ticket)))
}

/// When a ticket last changed, as a write names it.
pub(crate) fn stamp(ticket: &wire::Ticket) -> String {
    ticket.updated_at.format("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// A comment's text in canonical form.
pub(crate) fn comment_text(comment: &wire::Comment) -> String {
    match (&comment.html_body, &comment.body) {
        (Some(html), _) => read_text(html),
        (None, Some(body)) => harmful_again(&plain::read(body).text),
        (None, None) => String::new(),
    }
}

/// The canonical text of a comment's HTML.
pub(crate) fn read_text(html: &str) -> String {
    harmful_again(&html::read(html).text)
}

/// The HTML of a comment for a canonical text.
pub(crate) fn write_text(text: &str) -> String {
    harmless(&html::write(text).text)
}

/// The HTML of a name, in which nothing is formatting.
pub(crate) fn write_name(name: &str) -> String {
    write_text(&plain::read(name).text)
}

/// Keeps Zendesk from filling in placeholders and dynamic content, which in an agent's comment would tell whoever wrote
/// `{{ticket.latest_comment}}` what stands there: a word joiner, which nobody sees, stands between the braces.
///
/// <https://developer.zendesk.com/api-reference/ticketing/tickets/tickets/#requesters-and-submitters>
pub(crate) fn harmless(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        out.push(letter);
        if letter == '{' && matches!(letters.peek(), Some('{' | '%')) {
            out.push('\u{2060}');
        }
    }
    out
}

/// Takes out what [`harmless`] put in.
pub(crate) fn harmful_again(text: &str) -> String {
    text.replace("{\u{2060}", "{")
}

/// Whether all that was said in a comment was redacted.
pub(crate) fn is_redacted(text: &str) -> bool {
    text.contains(REDACTED) && text.chars().all(|letter| letter == REDACTED || letter.is_whitespace())
}

/// What Zendesk puts in place of every letter it redacts.
pub(crate) const REDACTED: char = '\u{2587}';

/// The marker and purpose of the update that wrote a comment, if it was one of ours.
pub(crate) fn mark(parts: &Parts, comment: &wire::Comment) -> Option<(Marker, Purpose)> {
    let audit = parts.audits.iter().find(|audit| {
        comment.audit_id == Some(audit.id)
            || audit.events.iter().any(|event| event.kind == "Comment" && event.id == Some(comment.id))
    })?;
    let noted = |name: &str| audit.metadata.custom.get(name)?.as_str();
    let purpose = match noted(PURPOSE) {
        Some("file") => Purpose::File,
        Some(_) | None => Purpose::Comment,
    };
    Some((whole_marker(noted(MARKER)?)?, purpose))
}

/// A user's name, never an address.
pub(crate) fn person(users: &[wire::User], id: Option<u64>) -> Person {
    let user = users.iter().find(|user| user.id.is_some() && user.id == id);
    let name = user.and_then(|user| user.name.as_deref()).map(str::trim).filter(|name| !name.is_empty());
    let nameless = || id.map_or_else(|| "Zendesk".to_owned(), |id| format!("User {id}"));
    Person { name: name.map_or_else(nameless, str::to_owned) }
}

fn said(parts: &Parts, comment: &wire::Comment) -> Option<Comment> {
    let mark = mark(parts, comment);
    if mark.as_ref().is_some_and(|(_, purpose)| *purpose == Purpose::File) {
        // It says nothing but its file's name; the file itself is listed with its marker.
        return None;
    }
    let body = comment_text(comment);
    if is_redacted(&body) {
        return None;
    }
    Some(Comment {
        id: CommentId::new(comment.id.to_string()),
        author: person(&parts.users, comment.author_id),
        body,
        visibility: visibility(comment),
        created: comment.created_at,
        marker: mark.map(|(marker, _)| marker),
    })
}

fn files(parts: &Parts, comment: &wire::Comment) -> Vec<File> {
    let marker =
        mark(parts, comment).filter(|(_, purpose)| *purpose == Purpose::File).map(|(marker, _)| marker);
    let here = comment.attachments.iter().filter(|attachment| !attachment.deleted);
    here.map(|attachment| File {
        id: FileId::new(attachment.id.to_string()),
        name: attachment.file_name.clone().unwrap_or_else(|| attachment.id.to_string()),
        media_type: attachment
            .content_type
            .clone()
            .filter(|media_type| !media_type.is_empty())
            .unwrap_or_else(|| "application/octet-stream".to_owned()),
        size: attachment.size,
        digest: None,
        visibility: visibility(comment),
        author: person(&parts.users, comment.author_id),
        created: comment.created_at,
        marker: marker.clone(),
    })
    .collect()
}

fn visibility(comment: &wire::Comment) -> Visibility {
    match comment.public {
        Some(true) => Visibility::Public,
        Some(false) => Visibility::Internal,
        None => Visibility::Unknown,
    }
}

fn attributes(parts: &Parts) -> BTreeMap<String, String> {
    let ticket = &parts.ticket;
    let group = ticket.group_id.map(|id| {
        let group = parts.groups.iter().find(|group| group.id == id);
        group.map_or_else(|| format!("Group {id}"), |group| group.name.clone())
    });
    let values = [
        ticket.assignee_id.map(|id| person(&parts.users, Some(id)).name),
        ticket.due_at.clone(),
        group,
        Some(ticket.tags.join("\n")),
    ];
    let named = ATTRIBUTES.iter().zip(values);
    named
        .filter_map(|(name, value)| Some(((*name).to_owned(), value.filter(|value| !value.is_empty())?)))
        .collect()
}

/// A marker that is all there is.
fn whole_marker(text: &str) -> Option<Marker> {
    Marker::find_in(text).filter(|marker| marker.as_str() == text)
}

#[cfg(test)]
#[path = "map_tests.rs"]
mod tests;
