//! Freshdesk's ticket as a canonical ticket, and back: pure and total.

use std::collections::BTreeMap;

use serde_json::Value;
use throughline_markup::{html, plain};
use throughline_sdk::{
    Comment, CommentId, File, FileId, Marker, Person, Reference, RemoteId, Ticket, Version, Visibility,
};

use crate::config::Config;
use crate::fields::Form;
use crate::marker;
use crate::wire;

/// The names of what every ticket has beside its custom fields. Tags are only read.
pub(crate) const ATTRIBUTES: [&str; 3] = [AGENT, GROUP, "Tags"];
pub(crate) const AGENT: &str = "Agent";
pub(crate) const GROUP: &str = "Group";

/// What a conversation came from: a note of an agent, or a mail to somebody who is neither agent nor requester.
const NOTE: u64 = 2;
const FORWARDED: u64 = 8;

/// Everything that was read of a ticket.
#[derive(Clone, Debug)]
pub(crate) struct Parts {
    pub(crate) ticket: wire::Ticket,
    /// Oldest first.
    pub(crate) conversations: Vec<wire::Conversation>,
    pub(crate) form: Form,
    /// The names of people outside, by number.
    pub(crate) contacts: BTreeMap<u64, String>,
}

/// A ticket.
pub(crate) fn ticket(parts: &Parts, config: &Config) -> Ticket {
    let wire = &parts.ticket;
    let values = values(&parts.form, wire);
    let named = |name: &str| values.get(&label(&parts.form, name)).cloned();
    let mut fields = values.clone();
    for own in [Some(&config.marker_field), config.link_field.as_ref()].into_iter().flatten() {
        fields.remove(&label(&parts.form, own));
    }
    let described = wire.attachments.iter().map(|one| file(parts, one, Whose::of_ticket(wire), None));
    let said = parts.conversations.iter().filter(|one| !one.deleted);
    Ticket {
        id: RemoteId::new(wire.id.to_string()),
        key: wire.id.to_string(),
        version: Some(version(wire)),
        url: config.url.join(&format!("a/tickets/{}", wire.id)).ok().map(String::from),
        title: wire.subject.as_deref().unwrap_or_default().trim().to_owned(),
        description: wire.description.as_deref().map(read_text).unwrap_or_default(),
        status: parts.form.status(wire.status),
        priority: wire.priority.map(|number| parts.form.priority(number)),
        kind: wire.kind.clone().filter(|kind| !kind.is_empty()),
        fields,
        requester: wire.requester_id.map(|id| outside(parts, id)),
        comments: said.clone().filter_map(|one| comment(parts, one)).collect(),
        files: described.chain(said.flat_map(|one| files(parts, one))).collect(),
        references: config
            .link_field
            .iter()
            .filter_map(|name| named(name))
            .map(|text| Reference::of_line(&text))
            .collect(),
        marker: named(&config.marker_field).and_then(|text| Marker::find_in(&text)),
        created: wire.created_at,
        updated: wire.updated_at,
        lost: Vec::new(),
    }
}

/// `updated_at`, and a hash of what a ticket shows without its conversations: times are in whole seconds.
pub(crate) fn version(ticket: &wire::Ticket) -> Version {
    let visible = serde_json::to_vec(&(
        (&ticket.subject, &ticket.description, ticket.status, ticket.priority, &ticket.kind),
        (ticket.requester_id, ticket.responder_id, ticket.group_id, &ticket.tags, &ticket.custom_fields),
        ticket.attachments.iter().map(|file| file.id).collect::<Vec<_>>(),
    ))
    .unwrap_or_default();
    let hash = visible.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    Version::new(format!("{}~{hash:016x}", ticket.updated_at.format("%Y-%m-%dT%H:%M:%SZ")))
}

/// The values of a ticket's fields, by the labels people see.
pub(crate) fn values(form: &Form, ticket: &wire::Ticket) -> BTreeMap<String, String> {
    let agent = ticket.responder_id.map(|id| form.agent(id).unwrap_or_else(|| format!("Agent {id}")));
    let built_in = [agent, ticket.group_id.map(|id| form.group(id)), Some(ticket.tags.join("\n"))];
    let built_in =
        ATTRIBUTES.iter().zip(built_in).filter_map(|(name, value)| Some(((*name).to_owned(), value?)));
    let custom = form.custom().into_iter().filter_map(|(label, field)| {
        let value = ticket.custom_fields.get(field.name)?;
        Some((label, field.read(value)))
    });
    // Custom fields come last: one that bears the name of an attribute is what people see under that name.
    built_in.chain(custom).filter(|(_, value)| !value.is_empty()).collect()
}

/// The label of a field that an operator named by its label or by Freshdesk's own name for it.
pub(crate) fn label(form: &Form, name: &str) -> String {
    let custom = form.custom();
    let by_name = || custom.iter().find(|(_, field)| field.name == name).map(|(label, _)| label.clone());
    if custom.contains_key(name) { name.to_owned() } else { by_name().unwrap_or_else(|| name.to_owned()) }
}

/// The canonical text of HTML.
pub(crate) fn read_text(html: &str) -> String {
    html::read(html).text
}

/// The HTML of a canonical text. Placeholders of Freshdesk's are broken by a word joiner, which nobody sees and which
/// reading leaves out.
pub(crate) fn write_text(text: &str) -> String {
    let written = html::write(text).text;
    let mut out = String::with_capacity(written.len());
    let mut letters = written.chars().peekable();
    while let Some(letter) = letters.next() {
        out.push(letter);
        if letter == '{' && matches!(letters.peek(), Some('{' | '%')) {
            out.push('\u{2060}');
        }
    }
    out
}

/// The HTML of a name, in which nothing is formatting.
pub(crate) fn write_name(name: &str) -> String {
    write_text(&plain::read(name).text)
}

/// A note's text without its marker, and the marker.
///
/// A mail that quotes a note of ours quotes its marker too. It is somebody else's: only agents' notes bear markers.
pub(crate) fn note(conversation: &wire::Conversation) -> (String, Option<Marker>) {
    let text = match (&conversation.body, &conversation.body_text) {
        (Some(html), _) => read_text(html),
        (None, Some(text)) => plain::read(text).text,
        (None, None) => String::new(),
    };
    if conversation.incoming || conversation.source.is_some_and(|source| source != NOTE) {
        return (text, None);
    }
    marker::split(&text)
}

/// Whether a note is one of ours that only carries a file: Freshdesk attaches files to notes only.
fn carries_file(text: &str, marker: Option<&Marker>, conversation: &wire::Conversation) -> bool {
    let name = conversation.attachments.first().and_then(|file| file.name.as_deref());
    marker.is_some() && name.is_some_and(|name| read_text(&write_name(name)) == text)
}

/// Whether two field values say the same: numbers are written in several ways.
pub(crate) fn same_value(asked: &str, seen: &str) -> bool {
    let number = |text: &str| text.trim().parse::<f64>().ok().filter(|number| number.is_finite());
    asked.trim_end() == seen.trim_end() || number(asked).is_some_and(|asked| number(seen) == Some(asked))
}

/// What stands in a field of a ticket, as text.
pub(crate) fn raw<'a>(ticket: &'a wire::Ticket, name: &str) -> Option<&'a str> {
    ticket.custom_fields.get(name).and_then(Value::as_str)
}

fn comment(parts: &Parts, conversation: &wire::Conversation) -> Option<Comment> {
    let (body, marker) = note(conversation);
    if carries_file(&body, marker.as_ref(), conversation) {
        return None;
    }
    let whose = Whose::of_conversation(conversation);
    Some(Comment {
        id: CommentId::new(conversation.id.to_string()),
        author: author(parts, whose),
        body,
        visibility: whose.visibility,
        created: conversation.created_at,
        marker,
    })
}

fn files(parts: &Parts, conversation: &wire::Conversation) -> Vec<File> {
    let (text, marker) = note(conversation);
    let marker = marker.filter(|marker| carries_file(&text, Some(marker), conversation));
    let whose = Whose::of_conversation(conversation);
    conversation.attachments.iter().map(|one| file(parts, one, whose, marker.clone())).collect()
}

fn file(parts: &Parts, attachment: &wire::Attachment, whose: Whose, marker: Option<Marker>) -> File {
    File {
        id: FileId::new(attachment.id.to_string()),
        name: attachment.name.clone().unwrap_or_else(|| attachment.id.to_string()),
        media_type: attachment
            .content_type
            .clone()
            .filter(|media_type| !media_type.is_empty())
            .unwrap_or_else(|| "application/octet-stream".to_owned()),
        size: attachment.size,
        digest: None,
        visibility: whose.visibility,
        author: author(parts, whose),
        created: attachment.created_at.unwrap_or(whose.created),
        marker,
    }
}

/// Who wrote something, for whom and when.
#[derive(Clone, Copy, Debug)]
struct Whose {
    user: Option<u64>,
    outside: bool,
    visibility: Visibility,
    created: throughline_sdk::Timestamp,
}

impl Whose {
    /// The description and its files are the requester's own.
    fn of_ticket(ticket: &wire::Ticket) -> Self {
        Self {
            user: ticket.requester_id,
            outside: true,
            visibility: Visibility::Public,
            created: ticket.created_at,
        }
    }

    fn of_conversation(conversation: &wire::Conversation) -> Self {
        let visibility = match conversation.private {
            // What goes to a third party is not for the requester, whatever else it says.
            _ if conversation.source == Some(FORWARDED) => Visibility::Internal,
            Some(true) => Visibility::Internal,
            Some(false) => Visibility::Public,
            None => Visibility::Unknown,
        };
        Self {
            user: conversation.user_id,
            outside: conversation.incoming,
            visibility,
            created: conversation.created_at,
        }
    }
}

fn author(parts: &Parts, whose: Whose) -> Person {
    let Some(id) = whose.user else { return Person { name: "Freshdesk".to_owned() } };
    match parts.form.agent(id).filter(|_| !whose.outside) {
        Some(name) => Person { name },
        None => outside(parts, id),
    }
}

fn outside(parts: &Parts, id: u64) -> Person {
    let requester = parts.ticket.requester.as_ref().filter(|one| one.id == Some(id));
    let name = requester.and_then(|one| one.name.clone()).or_else(|| parts.contacts.get(&id).cloned());
    let agent = || parts.form.agent(id);
    Person { name: name.or_else(agent).unwrap_or_else(|| format!("Contact {id}")) }
}

#[cfg(test)]
#[path = "map_tests.rs"]
mod tests;
