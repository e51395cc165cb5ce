//! The standard's JSON to the canonical ticket, total and without any request.

use std::collections::BTreeMap;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use chrono::{DateTime, NaiveDateTime, Utc};
use ring::digest;
use throughline_markup::{normal, plain};
use throughline_sdk::ticket::canonical_text;
use throughline_sdk::{
    Changes, Comment, CommentId, File, FileId, Marker, MarkerLine, Person, Reference, RemoteId, Ticket,
    Timestamp, Version, Visibility,
};

use crate::config::Config;
use crate::reference;
use crate::wire::{self, Attachment, Note};

/// The standard's statuses and what they mean in Throughline's words.
pub const STATUSES: &[(&str, &str)] = &[
    ("acknowledged", "new"),
    ("inProgress", "open"),
    ("pending", "pending"),
    ("held", "on_hold"),
    ("resolved", "resolved"),
    ("closed", "closed"),
    ("cancelled", "cancelled"),
    ("rejected", "cancelled"),
];

/// What the standard's statuses say to a ticket that was offered.
pub const ANSWERS: &[(&str, &str)] = &[
    ("inProgress", "accepted"),
    ("held", "accepted"),
    ("resolved", "accepted"),
    ("closed", "accepted"),
    ("pending", "information_requested"),
    ("rejected", "rejected"),
];

/// The custom field that says why a ticket got its status.
pub const REASON_FIELD: &str = "statusChangeReason";

/// The priorities of the standard's examples, lowest first, and what they mean in Throughline's words.
pub const PRIORITIES: &[(&str, &str)] =
    &[("Low", "low"), ("Medium", "normal"), ("High", "high"), ("Critical", "urgent")];

/// The names under which attributes of the standard are custom fields, and whether they can be written.
pub(crate) const ATTRIBUTES: &[(&str, bool)] = &[
    ("severity", true),
    ("requestedResolutionDate", true),
    ("expectedResolutionDate", true),
    ("resolutionDate", false),
    ("statusChangeReason", false),
];

/// What sort the identifiers and entities are that we give a ticket.
pub(crate) const MARKER_TYPE: &str = "marker";
pub(crate) const LINK_TYPE: &str = "ticket";
pub(crate) const LINK_ROLE: &str = "counterpart";

/// A title made from a description is cut here.
const TITLE_CHARACTERS: usize = 120;

pub(crate) fn ticket(config: &Config, read: &wire::Ticket, tag: Option<&str>) -> Ticket {
    let created =
        time(&read.creation_date).or_else(|| time(&read.last_update)).unwrap_or(DateTime::UNIX_EPOCH);
    let updated = time(&read.last_update).unwrap_or(created).max(created);
    let description = read_text(config, &read.description);
    let title = match read.name.trim() {
        "" => headline(&canonical_text(&read.description)),
        name => name.to_owned(),
    };
    let identifiers = read.external_identifier.iter().map(|one| one.id.as_str());
    let mut ticket = Ticket {
        id: RemoteId::new(&read.id),
        key: number(config, read).unwrap_or_else(|| read.id.clone()),
        version: None,
        // An address of the interface is nothing a person opens.
        url: None,
        // The standard demands a description, so where there is none the title stands in for it.
        description: match canonical_text(&read.description) == title {
            true => String::new(),
            false => description,
        },
        title,
        status: read.status.clone(),
        priority: some(&read.priority),
        kind: some(&read.ticket_type),
        fields: fields(read),
        requester: requester(read),
        comments: comments(config, read, created),
        files: if config.files { files(read, created) } else { Vec::new() },
        references: references(config, read),
        marker: identifiers.chain([read.external_id.as_str()]).find_map(whole_marker),
        created,
        updated,
        lost: Vec::new(),
    };
    ticket.version = Some(match tag {
        Some(tag) => Version::new(tag),
        None => Version::new(print_of(&ticket)),
    });
    ticket
}

/// What a person would see of it: two readings with the same print differ in nothing that we know of.
fn print_of(ticket: &Ticket) -> String {
    let text = serde_json::to_vec(ticket).unwrap_or_default();
    let hash = digest::digest(&digest::SHA256, &text);
    hash.as_ref().iter().take(12).map(|byte| format!("{byte:02x}")).collect()
}

fn fields(read: &wire::Ticket) -> BTreeMap<String, String> {
    let characteristics = read.trouble_ticket_characteristic.iter();
    let mut fields: BTreeMap<String, String> =
        characteristics.map(|one| (one.name.clone(), wire::plain(&one.value))).collect();
    for (name, _) in ATTRIBUTES {
        let value = match *name {
            "severity" => &read.severity,
            "requestedResolutionDate" => &read.requested_resolution_date,
            "expectedResolutionDate" => &read.expected_resolution_date,
            "resolutionDate" => &read.resolution_date,
            _ => &read.status_change_reason,
        };
        fields.insert((*name).to_owned(), value.clone());
    }
    fields.retain(|name, value| !name.is_empty() && !value.is_empty());
    fields
}

fn requester(read: &wire::Ticket) -> Option<Person> {
    const ROLES: [&str; 5] = ["originator", "requestor", "requester", "reporter", "customer"];
    let named = |role: &str| {
        let party = read.related_party.iter().find(|party| party.role.eq_ignore_ascii_case(role))?;
        some(&party.what().name).map(|name| Person { name })
    };
    ROLES.into_iter().find_map(named)
}

/// Oldest first where every note has a date; else as they stand.
fn comments(config: &Config, read: &wire::Ticket, created: Timestamp) -> Vec<Comment> {
    let dates: Vec<Option<Timestamp>> = read.note.iter().map(|note| time(&note.date)).collect();
    let dated = dates.iter().all(Option::is_some);
    let mut comments: Vec<Comment> = read
        .note
        .iter()
        .zip(dates)
        .enumerate()
        .filter_map(|(at, (note, date))| comment(config, note, at, date.unwrap_or(created)))
        .collect();
    if dated {
        comments.sort_by_key(|comment| comment.created);
    }
    comments
}

/// A note without a text is one that was taken back.
fn comment(config: &Config, note: &Note, at: usize, created: Timestamp) -> Option<Comment> {
    let (body, in_text) = MarkerLine::BRACKETS.split(&note.text);
    if body.is_empty() {
        return None;
    }
    let internal = config.internal_note_type.as_ref().is_some_and(|sort| *sort == note.sort);
    Some(Comment {
        id: CommentId::new(note_id(note, at)),
        author: Person { name: some(&note.author).unwrap_or_else(|| "Unknown".to_owned()) },
        body: read_text(config, &body),
        visibility: if internal { Visibility::Internal } else { Visibility::Public },
        created,
        marker: whole_marker(&note.id).or(in_text),
    })
}

/// The note's id; its place where the desk gives none.
pub(crate) fn note_id(note: &Note, at: usize) -> String {
    some(&note.id).unwrap_or_else(|| format!("#{at}"))
}

fn files(read: &wire::Ticket, created: Timestamp) -> Vec<File> {
    let readable =
        |file: &&Attachment| !file.url.is_empty() || !file.content.is_empty() || file.size == Some(0);
    let files = read.attachment.iter().filter(readable).map(|file| File {
        id: FileId::new(file_id(file)),
        name: some(&file.name).unwrap_or_else(|| "attachment".to_owned()),
        media_type: some(&file.mime_type).unwrap_or_else(|| "application/octet-stream".to_owned()),
        size: file
            .size
            .or_else(|| content(file).and_then(|bytes| u64::try_from(bytes.len()).ok()))
            .unwrap_or(0),
        digest: None,
        // Whoever sees the ticket sees its files.
        visibility: Visibility::Public,
        author: Person { name: "Unknown".to_owned() },
        created,
        marker: whole_marker(&file.id).or_else(|| MarkerLine::BRACKETS.split(&file.description).1),
    });
    files.collect()
}

/// The attachment's id; where it stands, where the desk gives none.
pub(crate) fn file_id(file: &Attachment) -> String {
    some(&file.id).or_else(|| some(&file.url)).unwrap_or_else(|| file.name.clone())
}

/// The bytes of an attachment that stand in the ticket itself.
pub(crate) fn content(file: &Attachment) -> Option<Vec<u8>> {
    some(&file.content).and_then(|text| BASE64_STANDARD.decode(text.trim()).ok())
}

/// The number that a portal gave the ticket, once one of our agents recorded it.
fn number(config: &Config, read: &wire::Ticket) -> Option<String> {
    let mut identifiers = read.external_identifier.iter();
    identifiers.find(|one| is_number(config, one)).and_then(|one| some(&one.id))
}

fn is_number(config: &Config, identifier: &wire::ExternalIdentifier) -> bool {
    config.kind == reference::KIND && identifier.external_identifier_type == reference::NUMBER_TYPE
}

fn references(config: &Config, read: &wire::Ticket) -> Vec<Reference> {
    let identifiers = read.external_identifier.iter();
    let identifiers = identifiers
        .filter(|one| whole_marker(&one.id).is_none() && !one.id.is_empty() && !is_number(config, one))
        .map(|one| Reference::new(one.id.clone(), None));
    let entities = read.related_entity.iter().map(|entity| {
        let what = entity.what();
        let label = some(&what.name).unwrap_or_else(|| what.id.clone());
        let line = Reference::of_line(&label);
        Reference { url: some(&what.href).or(line.url), ..line }
    });
    let number = some(&read.external_id).filter(|id| whole_marker(id).is_none());
    identifiers.chain(entities).chain(number.map(|label| Reference::new(label, None))).collect()
}

/// What of the changes the ticket does not show.
pub(crate) fn not_in(config: &Config, changes: &Changes, ticket: &Ticket) -> Vec<String> {
    let differs =
        |wanted: &Option<String>, is: &str| wanted.as_ref().is_some_and(|wanted| !same_words(wanted, is));
    let mut names = Vec::new();
    let mut note = |name: &str, differs: bool| {
        if differs {
            names.push(name.to_owned());
        }
    };
    note("name", differs(&changes.title, &ticket.title));
    // As it reads once it was written: plain text has no styles.
    let description = changes.description.as_ref().map(|text| read_text(config, &write_text(config, text)));
    note("description", differs(&description, &ticket.description));
    note("priority", differs(&changes.priority, ticket.priority.as_deref().unwrap_or_default()));
    note("ticketType", differs(&changes.kind, ticket.kind.as_deref().unwrap_or_default()));
    for (name, wanted) in &changes.fields {
        let is = ticket.fields.get(name).map(String::as_str).unwrap_or_default();
        // A date may come back in another spelling.
        let same_time = time(wanted).is_some_and(|wanted| time(is) == Some(wanted));
        note(name, !same_time && !same_words(wanted, is));
    }
    names
}

/// Whether a text that was read is the one that was written, whatever the desk made of its white space.
fn same_words(written: &str, read: &str) -> bool {
    written.split_whitespace().eq(read.split_whitespace())
}

/// The desk's text in the canonical form.
pub(crate) fn read_text(config: &Config, text: &str) -> String {
    let text = canonical_text(text);
    if config.markdown { normal(&text) } else { plain::read(&text).text }
}

/// The canonical text as the desk takes it: the standard says nothing of a form.
pub(crate) fn write_text(config: &Config, text: &str) -> String {
    if config.markdown { text.to_owned() } else { plain::write(text).text }
}

/// A moment as the standard writes it, or nearly.
pub(crate) fn time(text: &str) -> Option<Timestamp> {
    let with_offset = DateTime::parse_from_rfc3339(text)
        .or_else(|_other| DateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f%z"))
        .map(|time| time.with_timezone(&Utc));
    let bare = || NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f").map(|time| time.and_utc());
    with_offset.or_else(|_other| bare()).ok()
}

fn headline(description: &str) -> String {
    let line = description.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
    line.chars().take(TITLE_CHARACTERS).collect()
}

/// The marker, if the text is one and nothing else.
fn whole_marker(text: &str) -> Option<Marker> {
    Marker::find_in(text).filter(|marker| marker.as_str() == text)
}

fn some(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}
