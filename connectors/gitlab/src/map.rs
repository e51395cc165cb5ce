//! GitLab's issue as a canonical ticket, and back: pure and total.

use std::collections::BTreeMap;

use throughline_markup::{github, normal, plain};
use throughline_sdk::{
    Changes, Comment, CommentId, File, FileId, Marker, MarkerLine, Person, Reference, RemoteId, Ticket,
    Timestamp, Version, Visibility, labels,
};

use crate::config::Config;
use crate::marker;
use crate::uploads::{self, Upload};
use crate::wire::{self, Issue, Note};

/// GitLab's own words for a status, and what they mean to Throughline.
///
/// The words of labels have no meaning but the one that the configuration gives them.
pub const STATUSES: &[(&str, &str)] = &[(OPENED, "open"), (CLOSED, "closed")];

/// Words for a priority that `priority_labels` may use without giving them a meaning. GitLab itself has none.
pub const PRIORITIES: &[(&str, &str)] =
    &[("low", "low"), ("normal", "normal"), ("high", "high"), ("urgent", "urgent")];

/// The status of an open issue without a status label.
pub(crate) const OPENED: &str = "opened";

/// The status of a closed issue.
pub(crate) const CLOSED: &str = "closed";

/// What an issue can be.
pub(crate) const KINDS: [&str; 4] = ["issue", "incident", "task", "test_case"];

/// The labels that stand for neither status nor priority, one on a line.
pub(crate) const LABELS: &str = "Labels";

/// The day an issue is due, as year, month and day.
pub(crate) const DUE: &str = "Due date";

/// Fields that are read only: whom an issue is assigned to, its milestone, and `yes` for a confidential one.
pub(crate) const READ_ONLY: [&str; 3] = ["Assignees", "Milestone", "Confidential"];

/// Said of files, whose type GitLab does not tell before they are downloaded.
const MEDIA_TYPE: &str = "application/octet-stream";

/// An issue with its notes as a ticket.
pub(crate) fn ticket(issue: &Issue, notes: &[Note], config: &Config) -> Ticket {
    let raw = issue.description.as_deref().unwrap_or_default();
    let (description, marker) = read_text(raw);
    let of_people = |note: &&Note| !note.system && link_of(note).is_none();
    let said: Vec<&Note> = notes.iter().filter(of_people).collect();
    let mut files = Vec::new();
    let own = Origin {
        visibility: of_all(issue, config),
        author: issue.author.as_ref(),
        created: issue.created_at,
        marker: None,
    };
    gather(&mut files, raw, &own);
    for note in &said {
        let raw = note.body.as_deref().unwrap_or_default();
        let (text, marker) = read_text(raw);
        let origin = Origin {
            visibility: visibility(note, issue, config),
            author: note.author.as_ref(),
            created: note.created_at,
            // A note that says nothing but a file was made to attach it.
            marker: marker.filter(|_| text.is_empty()),
        };
        gather(&mut files, raw, &origin);
    }
    let mut ticket = Ticket {
        id: RemoteId::new(issue.iid.to_string()),
        key: format!("#{}", issue.iid),
        version: None,
        url: Some(issue.web_url.clone())
            .filter(|url| url.starts_with("https://") || url.starts_with("http://")),
        title: issue.title.trim().to_owned(),
        description,
        status: status(issue, config),
        priority: labels::said(&config.priorities, &label_names(issue)).map(str::to_owned),
        kind: issue.issue_type.as_ref().map(|kind| kind.to_lowercase()),
        fields: fields(issue, config),
        requester: Some(person(issue.author.as_ref())),
        comments: said.iter().filter_map(|note| comment(note, issue, config)).collect(),
        files,
        references: links(notes),
        marker,
        created: issue.created_at,
        updated: issue.updated_at,
        lost: Vec::new(),
    };
    ticket.version = Some(version(&ticket));
    ticket
}

/// An issue's status: of an open one what its labels say.
pub(crate) fn status(issue: &Issue, config: &Config) -> String {
    match issue.state.as_str() {
        OPENED => labels::said(&config.statuses, &label_names(issue)).unwrap_or(OPENED).to_owned(),
        // A state that GitLab may come to have has no meaning in the configuration, so the ticket is parked.
        other => other.to_owned(),
    }
}

/// Whether GitLab says that a note is internal; `None` if it does not say.
pub(crate) fn is_internal(note: &Note) -> Option<bool> {
    note.internal.or(note.confidential)
}

/// Which of the asked changes a ticket does not show, by name.
pub(crate) fn not_in(changes: &Changes, ticket: &Ticket) -> Vec<String> {
    let word = |asked: &Option<String>, seen: &Option<String>| asked.is_some() && asked != seen;
    let text = |asked: &String| !same_text(asked, &ticket.description);
    let standard = [
        ("title", changes.title.as_ref().is_some_and(|asked| asked.trim() != ticket.title)),
        ("description", changes.description.as_ref().is_some_and(text)),
        ("priority", word(&changes.priority, &ticket.priority)),
        ("type", word(&changes.kind, &ticket.kind)),
    ];
    let standard = standard.into_iter().filter(|(_, differs)| *differs).map(|(name, _)| name.to_owned());
    let seen = |name: &String| ticket.fields.get(name).map_or("", String::as_str);
    let fields = changes.fields.iter().filter(|(name, asked)| folded(asked) != folded(seen(name)));
    standard.chain(fields.map(|(name, _)| name.clone())).collect()
}

/// Canonical text as GitLab's Markdown, where nobody is called and no command acts, with the marker out of sight.
///
/// The files that `old` links to stay linked: the text that people see of them is theirs to take out.
pub(crate) fn write_text(text: &str, old: &str, marker: Option<&Marker>) -> String {
    let files = uploads::linked(old);
    let picture =
        |name: &str| files.iter().find(|file| file.picture && file.stored == name).map(Upload::address);
    let text = uploads::keeping(&MarkerLine::COMMENT.split(old).0, github::write_with(text, &picture).text);
    match marker {
        Some(marker) => MarkerLine::COMMENT.mark(&text, marker),
        None => text,
    }
}

/// GitLab's Markdown as canonical text, and the marker that stood in it. Paragraphs that only link to files are left
/// out: files are carried as files.
pub(crate) fn read_text(text: &str) -> (String, Option<Marker>) {
    let (text, marker) = MarkerLine::COMMENT.split(text);
    let picture = |address: &str| Upload::at(address).map(|(_, stored)| stored);
    (github::read_with(&uploads::without_bare_links(&text), &picture).text, marker)
}

/// Whether a text that was to be written is the one that stands there.
pub(crate) fn same_text(asked: &str, seen: &str) -> bool {
    normal(asked) == normal(seen)
}

/// Where a file stands.
struct Origin<'a> {
    visibility: Visibility,
    author: Option<&'a wire::Person>,
    created: Timestamp,
    marker: Option<Marker>,
}

/// Adds the files that a text links to. One that several texts link to is as visible as the most visible of them.
fn gather(files: &mut Vec<File>, text: &str, origin: &Origin<'_>) {
    let linked = uploads::linked(text);
    let marker = origin.marker.as_ref().filter(|_| linked.len() == 1);
    for upload in linked {
        let id = FileId::new(upload.id());
        if let Some(known) = files.iter_mut().find(|file| file.id == id) {
            known.visibility = known.visibility.min(origin.visibility);
            known.marker = known.marker.take().or_else(|| marker.cloned());
            continue;
        }
        files.push(File {
            id,
            name: upload.name,
            media_type: MEDIA_TYPE.to_owned(),
            // GitLab tells it with the bytes and not before.
            size: 0,
            digest: None,
            visibility: origin.visibility,
            author: person(origin.author),
            created: origin.created,
            marker: marker.cloned(),
        });
    }
}

/// The counterpart that a note of ours shows, and the marker of the note.
pub(crate) fn link_of(note: &Note) -> Option<(Reference, Marker)> {
    let (text, marker) = marker::split_link(note.body.as_deref()?)?;
    Some((Reference::of_line(&plain::write(&github::read_with(&text, &|_| None).text).text), marker))
}

/// The counterparts that are shown, each once.
fn links(notes: &[Note]) -> Vec<Reference> {
    let mut shown: Vec<(Reference, Marker)> = Vec::new();
    for (reference, marker) in notes.iter().filter(|note| !note.system).filter_map(link_of) {
        if shown.iter().all(|(_, known)| *known != marker) {
            shown.push((reference, marker));
        }
    }
    shown.into_iter().map(|(reference, _)| reference).collect()
}

/// How a counterpart is written into a note.
pub(crate) fn link_text(reference: &Reference, marker: &Marker) -> String {
    let line = plain::read(&reference.line(usize::MAX)).text;
    marker::mark_link(&github::write_with(&line, &|_| None).text, marker)
}

/// A note as a comment; `None` for one that says nothing but files.
fn comment(note: &Note, issue: &Issue, config: &Config) -> Option<Comment> {
    let (body, marker) = read_text(note.body.as_deref().unwrap_or_default());
    if body.is_empty() {
        return None;
    }
    Some(Comment {
        id: CommentId::new(note.id.to_string()),
        author: person(note.author.as_ref()),
        body,
        visibility: visibility(note, issue, config),
        created: note.created_at,
        marker,
    })
}

fn visibility(note: &Note, issue: &Issue, config: &Config) -> Visibility {
    match is_internal(note) {
        Some(true) => Visibility::Internal,
        Some(false) => of_all(issue, config),
        None => Visibility::Unknown,
    }
}

/// How visible everything of an issue is that is not internal by itself.
fn of_all(issue: &Issue, config: &Config) -> Visibility {
    match issue.confidential {
        Some(true) if !config.confidential => Visibility::Internal,
        Some(_) | None => Visibility::Public,
    }
}

fn fields(issue: &Issue, config: &Config) -> BTreeMap<String, String> {
    let joined = |mut names: Vec<&str>| {
        names.sort_unstable();
        names.join("\n")
    };
    let [assignees, milestone, confidential] = READ_ONLY;
    [
        (LABELS, joined(other_labels(issue, config))),
        (DUE, issue.due_date.clone().unwrap_or_default()),
        (assignees, joined(issue.assignees.iter().map(|person| person.username.as_str()).collect())),
        (milestone, issue.milestone.as_ref().map(|milestone| milestone.title.clone()).unwrap_or_default()),
        (confidential, if issue.confidential == Some(true) { "yes".to_owned() } else { String::new() }),
    ]
    .into_iter()
    .filter(|(_, value)| !value.is_empty())
    .map(|(name, value)| (name.to_owned(), value))
    .collect()
}

/// The names of an issue's labels, in GitLab's order.
pub(crate) fn label_names(issue: &Issue) -> Vec<&str> {
    issue.labels.iter().map(String::as_str).filter(|name| !name.is_empty()).collect()
}

/// The labels of an issue that stand for neither status nor priority.
pub(crate) fn other_labels<'a>(issue: &'a Issue, config: &Config) -> Vec<&'a str> {
    label_names(issue).into_iter().filter(|name| !is_word(name, config)).collect()
}

pub(crate) fn is_word(label: &str, config: &Config) -> bool {
    labels::word(&config.statuses, label).or_else(|| labels::word(&config.priorities, label)).is_some()
}

/// The lines of a field with several values.
pub(crate) fn lines(value: &str) -> Vec<&str> {
    value.lines().map(str::trim).filter(|line| !line.is_empty()).collect()
}

/// A field's lines for comparing: GitLab keeps an order of its own.
fn folded(value: &str) -> Vec<String> {
    let mut lines: Vec<String> = lines(value).into_iter().map(str::to_lowercase).collect();
    lines.sort_unstable();
    lines
}

fn person(person: Option<&wire::Person>) -> Person {
    let name = person.map(|person| if person.name.is_empty() { &person.username } else { &person.name });
    Person { name: name.map_or("Ghost User", String::as_str).to_owned() }
}

/// `updated_at`, and a hash of all that is visible: that an edited note moves it is not documented.
fn version(ticket: &Ticket) -> Version {
    let visible = serde_json::to_vec(ticket).unwrap_or_default();
    let hash = visible.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    Version::new(format!("{}-{hash:016x}", ticket.updated.format("%Y%m%dT%H%M%S%.3fZ")))
}

#[cfg(test)]
#[path = "map_tests.rs"]
pub(crate) mod tests;
