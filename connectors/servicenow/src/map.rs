//! A record with its journal and files as a canonical ticket: pure and total.

use std::collections::BTreeMap;

use throughline_sdk::{
    Changes, Comment, CommentId, Digest, File, FileId, Marker, MarkerLine, Person, Reference, RemoteId,
    Ticket, Timestamp, Version, Visibility, overflow, ticket::canonical_text,
};

use crate::config::Config;
use crate::text;
use crate::wire::Row;

/// The labels of a status as ServiceNow comes, for incidents and tasks, and what they mean to Throughline.
///
/// Of several words with one meaning the first is the one to write.
pub const STATUSES: &[(&str, &str)] = &[
    ("New", "new"),
    ("In Progress", "open"),
    ("Work in Progress", "open"),
    ("Open", "open"),
    ("On Hold", "pending"),
    ("Pending", "pending"),
    ("Resolved", "resolved"),
    ("Closed", "closed"),
    ("Closed Complete", "closed"),
    ("Closed Incomplete", "closed"),
    ("Closed Skipped", "cancelled"),
    ("Canceled", "cancelled"),
];

/// The labels of a priority as ServiceNow comes, and what they mean to Throughline.
pub const PRIORITIES: &[(&str, &str)] = &[
    ("4 - Low", "low"),
    ("5 - Planning", "low"),
    ("3 - Moderate", "normal"),
    ("2 - High", "high"),
    ("1 - Critical", "urgent"),
];

/// A record as a ticket. `whole` is the file that its description says the rest is in.
pub(crate) fn ticket(
    record: &Row,
    journal: &[Row],
    files: &[Row],
    whole: Option<&[u8]>,
    config: &Config,
) -> Ticket {
    let id = record.value("sys_id");
    let link = canonical_text(record.value(&config.link_field));
    let created = record.time("sys_created_on").unwrap_or_default();
    let changes =
        files.iter().filter_map(|file| file.time("sys_created_on")).chain(record.time("sys_updated_on"));
    Ticket {
        id: RemoteId::new(id),
        key: Some(record.value("number")).filter(|key| !key.is_empty()).unwrap_or(id).to_owned(),
        version: Some(version(record, journal, files)),
        url: page(id, config),
        title: record.value("short_description").trim().to_owned(),
        description: description(record, whole),
        status: record.display(&config.state_field).to_owned(),
        priority: word(record, "priority"),
        kind: config.type_field.as_ref().and_then(|field| word(record, field)),
        fields: fields(record, config),
        requester: ["caller_id", "opened_by"]
            .iter()
            .map(|field| record.display(field))
            .find(|name| !name.is_empty())
            .map(|name| Person { name: name.to_owned() }),
        comments: journal.iter().filter_map(comment).collect(),
        files: files.iter().filter_map(file).collect(),
        references: Some(link)
            .filter(|link| !link.is_empty())
            .iter()
            .map(|link| Reference::of_line(link))
            .collect(),
        marker: Marker::find_in(record.value(&config.marker_field)),
        created,
        updated: changes.fold(created, Timestamp::max),
        lost: Vec::new(),
    }
}

/// The name of the file that has the rest of a record's description.
pub(crate) fn rest_of_description(record: &Row) -> Option<String> {
    overflow::cut(&canonical_text(record.value("description"))).map(|cut| cut.file())
}

fn description(record: &Row, whole: Option<&[u8]>) -> String {
    let shown = canonical_text(record.value("description"));
    text::read(&whole.and_then(|whole| overflow::cut(&shown)?.joined(whole)).unwrap_or(shown))
}

/// What of a version is the record's own, without its files.
pub(crate) fn of_record(version: &Version) -> &str {
    version.as_str().split_once('-').map_or(version.as_str(), |(record, _)| record)
}

/// Whether two values of a field say the same: a date may come with a time, a number with zeros.
pub(crate) fn same_value(asked: &str, seen: &str) -> bool {
    let number = |text: &str| text.trim().parse::<f64>().ok().filter(|number| number.is_finite());
    let date = |text: &str| text.trim().strip_suffix(" 00:00:00").unwrap_or(text.trim()).to_owned();
    canonical_text(asked) == seen
        || number(asked).is_some_and(|asked| number(seen) == Some(asked))
        || (!asked.trim().is_empty() && date(asked) == date(seen))
}

/// Which of the asked changes a ticket does not show, by name.
pub(crate) fn not_in(changes: &Changes, ticket: &Ticket) -> Vec<String> {
    let word = |asked: &Option<String>, seen: &Option<String>| asked.is_some() && asked != seen;
    let described = |asked: &String| text::read(&text::write(asked)) != ticket.description;
    let standard = [
        ("title", changes.title.as_ref().is_some_and(|asked| asked.trim() != ticket.title)),
        ("description", changes.description.as_ref().is_some_and(described)),
        ("priority", word(&changes.priority, &ticket.priority)),
        ("type", word(&changes.kind, &ticket.kind)),
    ];
    let standard = standard.into_iter().filter(|(_, differs)| *differs).map(|(name, _)| name.to_owned());
    let seen = |name: &String| ticket.fields.get(name).map_or("", String::as_str);
    let fields = changes.fields.iter().filter(|(name, asked)| !same_value(asked, seen(name)));
    standard.chain(fields.map(|(name, _)| name.clone())).collect()
}

fn fields(record: &Row, config: &Config) -> BTreeMap<String, String> {
    let plain = config.columns.iter().map(|(name, field)| (name, canonical_text(record.value(field))));
    let choices = config.choice_columns.iter().map(|(name, field)| (name, record.display(field).to_owned()));
    plain
        .chain(choices)
        .filter(|(_, text)| !text.is_empty())
        .map(|(name, text)| (name.clone(), text))
        .collect()
}

fn word(record: &Row, field: &str) -> Option<String> {
    Some(record.display(field)).filter(|word| !word.is_empty()).map(str::to_owned)
}

fn comment(entry: &Row) -> Option<Comment> {
    let (body, marker) = MarkerLine::BRACKETS.split(entry.value("value"));
    let body = text::read_entry(&body);
    if body.is_empty() && marker.is_none() {
        return None;
    }
    Some(Comment {
        id: CommentId::new(entry.value("sys_id")),
        author: Person { name: author(entry) },
        body,
        visibility: match entry.value("element") {
            "comments" => Visibility::Public,
            "work_notes" => Visibility::Internal,
            _ => Visibility::Unknown,
        },
        created: entry.time("sys_created_on").unwrap_or_default(),
        marker,
    })
}

fn file(row: &Row) -> Option<File> {
    let name = row.value("file_name");
    if name.is_empty() || overflow::is_whole(name) {
        return None;
    }
    Some(File {
        id: FileId::new(row.value("sys_id")),
        name: name.to_owned(),
        media_type: Some(row.value("content_type"))
            .filter(|media_type| !media_type.is_empty())
            .unwrap_or("application/octet-stream")
            .to_owned(),
        size: size(row),
        digest: hash(row),
        // Whoever sees a record sees its files.
        visibility: Visibility::Public,
        author: Person { name: author(row) },
        created: row.time("sys_created_on").unwrap_or_default(),
        // Nothing of an upload could bear one: a file of ours is known by its id, and in doubt by its content.
        marker: None,
    })
}

/// How many bytes a file has.
pub(crate) fn size(file: &Row) -> u64 {
    file.value("size_bytes").parse().unwrap_or_default()
}

/// The SHA-256 of a file, where the instance states one.
pub(crate) fn hash(file: &Row) -> Option<Digest> {
    let hash = file.value("hash").to_ascii_lowercase();
    (hash.len() == 64 && hash.bytes().all(|byte| byte.is_ascii_hexdigit())).then(|| Digest::new(hash))
}

/// Journals and files name the login of who made them, and no more.
fn author(row: &Row) -> String {
    Some(row.value("sys_created_by")).filter(|name| !name.is_empty()).unwrap_or("Unknown").to_owned()
}

fn page(id: &str, config: &Config) -> Option<String> {
    config.url.join(&format!("{}.do?sys_id={id}", config.table)).ok().map(String::from)
}

/// The record's count of changes and its time, and a hash of what belongs to it: a file does not move the record.
fn version(record: &Row, journal: &[Row], files: &[Row]) -> Version {
    let mut hash = 0;
    for row in journal.iter().chain(files) {
        hash ^= overflow::fnv(row.value("sys_id").as_bytes());
    }
    let time = record.time("sys_updated_on").unwrap_or_default().format("%Y%m%dT%H%M%SZ");
    Version::new(format!("{}.{time}-{hash:016x}", record.value("sys_mod_count")))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;
    use crate::config::tests::config;

    const ID: &str = "5054b6f8c0a800060056addcf551ecf8";

    fn row(value: Value) -> Row {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn a_record_reads_in_the_words_of_its_instance() {
        let config = config(&[
            ("columns", json!({ "Serial": "u_serial" })),
            ("choice_columns", json!({ "Contact type": "contact_type" })),
        ]);
        let record = row(json!({
            "sys_id": { "value": ID, "display_value": ID }, "number": { "value": "INC0010001", "display_value": "INC0010001" },
            "short_description": { "value": " Printer ", "display_value": " Printer " },
            "description": { "value": "smokes\r\n", "display_value": "smokes" },
            "state": { "value": "2", "display_value": "In Progress" },
            "priority": { "value": "5", "display_value": "5 - Planning" }, "category": { "value": "", "display_value": "" },
            "u_serial": { "value": "A-1", "display_value": "A-1" }, "contact_type": { "value": "phone", "display_value": "Phone" },
            "caller_id": { "value": ID, "display_value": "Abel Tuter" },
            "correlation_id": { "value": "tl-aaaaaaaaaaaaaaaaaaaaaaaaaa", "display_value": "" },
            "correlation_display": { "value": "TL-7 https://desk.example/7", "display_value": "" },
            "sys_created_on": { "value": "2026-01-01 10:00:00", "display_value": "01.01.2026 11:00" },
            "sys_updated_on": { "value": "2026-01-02 10:00:00", "display_value": "02.01.2026 11:00" },
            "sys_mod_count": { "value": "7", "display_value": "7" },
        }));
        let entry = |element: &str, value: &str| {
            row(
                json!({ "sys_id": element, "element": element, "value": value, "sys_created_by": "ada", "sys_created_on": "2026-01-02 10:00:00" }),
            )
        };
        let journal = [
            entry("comments", "thanks\n\n[tl-aaaaaaaaaaaaaaaaaaaaaaaaaa]"),
            entry("work_notes", "for staff"),
            entry("other", "?"),
        ];
        let file = row(
            json!({ "sys_id": ID, "file_name": "log.txt", "size_bytes": "462", "content_type": "", "hash": "AB".repeat(32), "sys_created_on": "2026-01-03 10:00:00" }),
        );
        let ticket = ticket(&record, &journal, &[file], None, &config);
        assert_eq!(
            (ticket.title.as_str(), ticket.description.as_str(), ticket.key.as_str()),
            ("Printer", "smokes", "INC0010001")
        );
        assert_eq!(
            (ticket.status.as_str(), ticket.priority.as_deref(), ticket.kind),
            ("In Progress", Some("5 - Planning"), None)
        );
        let fields: Vec<_> = ticket.fields.iter().map(|(name, text)| format!("{name}={text}")).collect();
        assert_eq!(fields, ["Contact type=Phone", "Serial=A-1"]);
        let visibilities: Vec<_> = ticket.comments.iter().map(|comment| comment.visibility).collect();
        assert_eq!(visibilities, [Visibility::Public, Visibility::Internal, Visibility::Unknown]);
        assert!(ticket.comments[0].body == "thanks" && ticket.comments[0].marker == ticket.marker);
        assert_eq!(
            (ticket.files[0].size, ticket.files[0].digest.clone()),
            (462, Some(Digest::new("ab".repeat(32))))
        );
        assert_eq!(ticket.references[0].url.as_deref(), Some("https://desk.example/7"));
        assert_eq!(of_record(ticket.version.as_ref().unwrap()), "7.20260102T100000Z");
        assert_eq!(ticket.updated.to_rfc3339(), "2026-01-03T10:00:00+00:00");
    }

    proptest! {
        #[test]
        fn no_row_is_too_odd(
            keys in proptest::collection::vec("sys_id|description|state|sys_created_on|element|value|file_name|size_bytes", 0..8),
            values in proptest::collection::vec("\\PC{0,20}|\\[tl-[a-z]{26}\\]|[0-9 :-]{0,20}", 8),
        ) {
            let fields: serde_json::Map<String, Value> = keys.into_iter().zip(values.into_iter().map(Value::from)).collect();
            let row = Row(fields);
            let rows = std::slice::from_ref(&row);
            drop(ticket(&row, rows, rows, Some(b"\xff"), &config(&[])));
        }
    }
}
