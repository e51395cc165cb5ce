//! A case and its notes as a canonical ticket: pure and total.

use throughline_markup::plain;
use throughline_sdk::{
    Changes, Comment, CommentId, File, FileId, Marker, MarkerLine, Person, Reference, RemoteId, Ticket,
    Timestamp, Version, overflow, ticket::canonical_text,
};

use crate::config::Config;
use crate::wire::Row;
use crate::{column, note};

/// The labels of a case's status as Dynamics 365 comes, and what they mean to Throughline.
///
/// Of several words with one meaning the first is the one to write.
pub const STATUSES: &[(&str, &str)] = &[
    ("In Progress", "open"),
    ("Researching", "open"),
    ("Waiting for Details", "pending"),
    ("On Hold", "pending"),
    ("Problem Solved", "resolved"),
    ("Information Provided", "resolved"),
    ("Cancelled", "cancelled"),
    ("Merged", "cancelled"),
];

/// The labels of a case's priority as Dynamics 365 comes, and what they mean to Throughline.
pub const PRIORITIES: &[(&str, &str)] = &[("Low", "low"), ("Normal", "normal"), ("High", "high")];

/// A case with its notes as a ticket. `whole` is the file that its description says the rest is in.
pub(crate) fn ticket(id: &str, case: &Row, notes: &[Row], whole: Option<&[u8]>, config: &Config) -> Ticket {
    let (description, in_text) = description(case, whole);
    let in_column = named(case, config.marker_column.as_ref()).and_then(|text| Marker::find_in(&text));
    let created = case.time("createdon").unwrap_or_default();
    let changes = notes.iter().filter_map(|note| note.time("modifiedon")).chain(case.time("modifiedon"));
    Ticket {
        id: RemoteId::new(id),
        key: Some(case.text("ticketnumber")).filter(|key| !key.is_empty()).unwrap_or(id).to_owned(),
        version: Some(version(case, notes)),
        url: page(id, config),
        title: case.text("title").trim().to_owned(),
        description,
        status: word(case, "statuscode").unwrap_or_default(),
        priority: word(case, "prioritycode"),
        kind: word(case, "casetypecode"),
        fields: column::read(case, config),
        requester: case
            .label("_primarycontactid_value")
            .or_else(|| case.label("_customerid_value"))
            .map(|name| Person { name: name.to_owned() }),
        comments: notes.iter().filter_map(|note| comment(note, config)).collect(),
        files: notes.iter().filter_map(|note| file(note, config)).collect(),
        references: named(case, config.link_column.as_ref())
            .iter()
            .map(|text| Reference::of_line(text))
            .collect(),
        marker: in_column.or(in_text),
        created,
        updated: changes.fold(created, Timestamp::max),
        lost: Vec::new(),
    }
}

/// The description in canonical form without our marker, and the marker.
fn description(case: &Row, whole: Option<&[u8]>) -> (String, Option<Marker>) {
    let (shown, marker) = MarkerLine::BRACKETS.split(case.text("description"));
    let joined = whole.and_then(|whole| overflow::cut(&shown)?.joined(whole));
    (plain::read(&joined.unwrap_or(shown)).text, marker)
}

/// The name of the file that has the rest of a case's description.
pub(crate) fn rest_of_description(case: &Row) -> Option<String> {
    overflow::cut(&MarkerLine::BRACKETS.split(case.text("description")).0).map(|cut| cut.file())
}

/// What of a version `If-Match` takes: the case's own, without that of its notes.
pub(crate) fn condition(version: &Version) -> &str {
    version.as_str().split_once(' ').map_or(version.as_str(), |(case, _)| case)
}

/// Which of the asked changes a ticket does not show, by name.
pub(crate) fn not_in(changes: &Changes, ticket: &Ticket) -> Vec<String> {
    let word = |asked: &Option<String>, seen: &Option<String>| asked.is_some() && asked != seen;
    // What is formatted in it is plain there.
    let described = |asked: &String| {
        plain::read(&MarkerLine::BRACKETS.split(&plain::write(asked).text).0).text != ticket.description
    };
    let standard = [
        ("title", changes.title.as_ref().is_some_and(|asked| asked.trim() != ticket.title)),
        ("description", changes.description.as_ref().is_some_and(described)),
        ("priority", word(&changes.priority, &ticket.priority)),
        ("type", word(&changes.kind, &ticket.kind)),
    ];
    let standard = standard.into_iter().filter(|(_, differs)| *differs).map(|(name, _)| name.to_owned());
    let seen = |name: &String| ticket.fields.get(name).map_or("", String::as_str);
    let fields = changes.fields.iter().filter(|(name, asked)| !column::same(asked, seen(name)));
    standard.chain(fields.map(|(name, _)| name.clone())).collect()
}

/// A case's label for a column with choices; the number itself where no label came.
fn word(case: &Row, column: &str) -> Option<String> {
    let number = || case.number(column).map(|number| number.to_string());
    case.label(column).map(str::to_owned).or_else(number)
}

fn named(case: &Row, column: Option<&String>) -> Option<String> {
    column.map(|column| canonical_text(case.text(column))).filter(|text| !text.is_empty())
}

/// What a note says; `None` for one that only holds a file.
fn comment(note: &Row, config: &Config) -> Option<Comment> {
    let (title, file) = (note.text("subject").trim(), note.text("filename"));
    let marker = MarkerLine::BRACKETS.alone(title);
    let (text, visibility) = note::read(note.text("notetext"), config);
    let titled = marker.is_none() && !title.is_empty() && title != file;
    let body = match (titled, text.is_empty()) {
        (true, true) => title.to_owned(),
        (true, false) => format!("{title}\n\n{text}"),
        (false, _) => text,
    };
    if is_whole(title, file) || (body.is_empty() && (marker.is_none() || !file.is_empty())) {
        return None;
    }
    Some(Comment {
        id: CommentId::new(note.text("annotationid")),
        author: author(note),
        body,
        visibility,
        created: note.time("createdon").unwrap_or_default(),
        marker,
    })
}

/// A note's file.
fn file(note: &Row, config: &Config) -> Option<File> {
    let (title, name) = (note.text("subject").trim(), note.text("filename"));
    if name.is_empty() || is_whole(title, name) {
        return None;
    }
    Some(File {
        id: FileId::new(note.text("annotationid")),
        name: name.to_owned(),
        media_type: Some(note.text("mimetype"))
            .filter(|media_type| !media_type.is_empty())
            .unwrap_or("application/octet-stream")
            .to_owned(),
        size: size(note),
        digest: None,
        visibility: note::read(note.text("notetext"), config).1,
        author: author(note),
        created: note.time("createdon").unwrap_or_default(),
        marker: MarkerLine::BRACKETS.alone(title),
    })
}

/// The title of the note that holds a whole description.
pub(crate) const WHOLE: &str = "The whole description";

/// Whether a note holds a whole description, of now or of before.
pub(crate) fn is_whole(title: &str, file: &str) -> bool {
    title == WHOLE && overflow::is_whole(file)
}

/// How many bytes a note's file has.
pub(crate) fn size(note: &Row) -> u64 {
    note.number("filesize").and_then(|size| u64::try_from(size).ok()).unwrap_or_default()
}

fn author(note: &Row) -> Person {
    Person { name: note.label("_createdby_value").unwrap_or("Unknown").to_owned() }
}

fn page(id: &str, config: &Config) -> Option<String> {
    config.url.join(&format!("main.aspx?pagetype=entityrecord&etn=incident&id={id}")).ok().map(String::from)
}

/// The case's version, and a hash of those of its notes: neither moves the other.
fn version(case: &Row, notes: &[Row]) -> Version {
    let mut hash = 0;
    for note in notes {
        let id = format!("{} {}", note.text("annotationid"), note.etag());
        hash ^= overflow::fnv(id.as_bytes());
    }
    Version::new(format!("{} {hash:016x}", case.etag()))
}

#[cfg(test)]
#[path = "map_tests.rs"]
mod tests;
