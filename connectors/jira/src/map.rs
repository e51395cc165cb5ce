//! Jira's issue as a canonical ticket: pure and total.

use std::collections::BTreeMap;

use serde_json::Value;
use throughline_sdk::{
    Changes, Comment, CommentId, File, FileId, Marker, Person, Reference, RemoteId, Ticket, Version,
    Visibility,
};

use crate::config::{Config, Edition};
use crate::portal::{Carried, Portal, carried, carrier, said_internal};
use crate::wire::{self, Attachment, Issue, RemoteLink, User};
use crate::{field, file, text};

/// Jira's usual words for a status, and what they mean to Throughline.
///
/// Of several words with one meaning the first is the one to write.
pub const STATUSES: &[(&str, &str)] = &[
    ("To Do", "new"),
    ("Open", "new"),
    ("Backlog", "new"),
    ("In Progress", "open"),
    ("Reopened", "open"),
    ("Waiting for support", "open"),
    ("Work in progress", "open"),
    ("In Review", "open"),
    ("Waiting for customer", "pending"),
    ("Pending", "pending"),
    ("Resolved", "resolved"),
    ("Done", "closed"),
    ("Closed", "closed"),
    ("Canceled", "cancelled"),
];

/// Jira's usual words for a priority, and what they mean to Throughline.
///
/// Of several words with one meaning the first is the one to write.
pub const PRIORITIES: &[(&str, &str)] = &[
    ("Low", "low"),
    ("Lowest", "low"),
    ("Minor", "low"),
    ("Trivial", "low"),
    ("Medium", "normal"),
    ("High", "high"),
    ("Major", "high"),
    ("Highest", "urgent"),
    ("Critical", "urgent"),
    ("Blocker", "urgent"),
];

/// The comment property that holds our marker.
pub(crate) const MARKER: &str = "throughline";
/// The comment property by which Service Management keeps a comment off the portal.
pub(crate) const PORTAL: &str = "sd.public.comment";

/// An issue with all that belongs to it.
#[derive(Clone, Debug)]
pub(crate) struct Whole {
    pub(crate) issue: Issue,
    pub(crate) comments: Vec<wire::Comment>,
    pub(crate) links: Vec<RemoteLink>,
    pub(crate) portal: Portal,
}

/// The canonical ticket.
pub(crate) fn ticket(whole: &Whole, config: &Config) -> Ticket {
    let Whole { issue, comments, links, portal } = whole;
    let fields = &issue.fields;
    let own = config.browse(&issue.key);
    let carried = carried(whole);
    let mut ticket = Ticket {
        id: RemoteId::new(&issue.id),
        key: issue.key.clone(),
        version: None,
        url: own.clone(),
        title: fields.summary.as_deref().unwrap_or_default().trim().to_owned(),
        description: text::read(&fields.description),
        status: fields.status.name.clone(),
        priority: fields.priority.as_ref().map(|priority| priority.name.clone()),
        kind: fields.issuetype.as_ref().map(|kind| kind.name.clone()),
        fields: others(issue),
        requester: fields.reporter.as_ref().map(|reporter| person(Some(reporter))),
        comments: comments
            .iter()
            .filter(|one| portal.comment(&one.id).and_then(carrier).is_none())
            .filter_map(|one| comment(one, portal))
            .collect(),
        files: fields
            .attachment
            .iter()
            .map(|one| attached(one, whole, carried.get(one.id.as_str())))
            .collect(),
        references: links.iter().map(|link| reference(link, own.as_deref())).collect(),
        marker: fields.labels.iter().find_map(|label| marker_label(label)),
        created: fields.created,
        updated: fields.updated,
        lost: Vec::new(),
    };
    ticket.files.sort_by(|a, b| (a.created, &a.id).cmp(&(b.created, &b.id)));
    ticket.version = Some(version(&ticket));
    ticket
}

/// The marker that a label is.
pub(crate) fn marker_label(label: &str) -> Option<Marker> {
    Marker::find_in(label).filter(|marker| marker.as_str() == label)
}

/// For whom a comment is: every place that says so is asked, and one that says "staff" is enough.
pub(crate) fn visibility(comment: &wire::Comment, portal: &Portal) -> Visibility {
    let property = comment.properties.iter().find(|property| property.key == PORTAL);
    let property = property.and_then(|property| said_internal(&property.value)).map(|internal| !internal);
    let said = [property, comment.jsd_public, portal.comment(&comment.id).and_then(|one| one.public)];
    if comment.visibility.is_some() || said.contains(&Some(false)) {
        return Visibility::Internal;
    }
    match portal {
        Portal::None => Visibility::Public,
        Portal::NotShown | Portal::Shown(_) if said.contains(&Some(true)) => Visibility::Public,
        Portal::NotShown | Portal::Shown(_) => Visibility::Unknown,
    }
}

/// Which of the asked changes a ticket does not show, by name.
pub(crate) fn not_in(changes: &Changes, ticket: &Ticket, edition: Edition) -> Vec<String> {
    let word = |asked: &Option<String>, seen: &Option<String>| asked.is_some() && asked != seen;
    let described =
        |asked: &String| *asked != ticket.description && text::through(edition, asked) != ticket.description;
    let standard = [
        ("title", changes.title.as_ref().is_some_and(|asked| asked.trim() != ticket.title)),
        ("description", changes.description.as_ref().is_some_and(described)),
        ("priority", word(&changes.priority, &ticket.priority)),
        ("type", word(&changes.kind, &ticket.kind)),
    ];
    let standard = standard.into_iter().filter(|(_, differs)| *differs).map(|(name, _)| name.to_owned());
    let seen = |name: &String| ticket.fields.get(name).map_or("", String::as_str);
    let fields = changes.fields.iter().filter(|(name, asked)| {
        !field::same(asked, seen(name)) && !field::same(&text::through(edition, asked), seen(name))
    });
    standard.chain(fields.map(|(name, _)| name.clone())).collect()
}

fn others(issue: &Issue) -> BTreeMap<String, String> {
    let named = |id: &str| issue.names.get(id).cloned().unwrap_or_else(|| id.to_owned());
    let labels: Vec<Value> = issue
        .fields
        .labels
        .iter()
        .filter(|label| marker_label(label).is_none())
        .map(|label| Value::from(label.as_str()))
        .collect();
    let labels = ("labels".to_owned(), Value::from(labels));
    let shown = |id: &str| id.starts_with("customfield_") || field::SYSTEM.contains(&id);
    let others = issue.fields.other.iter().filter(|(id, _)| shown(id));
    others
        .map(|(id, value)| (id.clone(), value.clone()))
        .chain([labels])
        .map(|(id, value)| (named(&id), field::read(issue.schema.get(&id), &value)))
        .filter(|(_, value)| !value.is_empty())
        .collect()
}

/// A comment; `None` for one without words.
fn comment(comment: &wire::Comment, portal: &Portal) -> Option<Comment> {
    let body = text::read(&comment.body);
    let marker = comment.properties.iter().find(|property| property.key == MARKER);
    let marker = marker.and_then(|property| property.value.get("marker")?.as_str()).and_then(marker_label);
    if body.is_empty() && marker.is_none() {
        return None;
    }
    Some(Comment {
        id: CommentId::new(&comment.id),
        author: person(comment.author.as_ref()),
        body,
        visibility: visibility(comment, portal),
        created: comment.created,
        marker,
    })
}

fn attached(attachment: &Attachment, whole: &Whole, carried: Option<&Carried>) -> File {
    let by_requester = attachment.author.is_some() && attachment.author == whole.issue.fields.reporter;
    let visibility = match (&whole.portal, carried) {
        // Whoever sees an issue sees its files.
        (Portal::None, _) => Visibility::Public,
        (Portal::NotShown | Portal::Shown(_), Some(carried)) if carried.public => Visibility::Public,
        // What came with the request stands in no comment.
        (Portal::Shown(_), None) if by_requester => Visibility::Public,
        (Portal::NotShown | Portal::Shown(_), _) => Visibility::Internal,
    };
    File {
        id: FileId::new(&attachment.id),
        name: attachment.filename.clone(),
        media_type: attachment
            .mime_type
            .clone()
            .filter(|media_type| !media_type.is_empty())
            .unwrap_or_else(|| "application/octet-stream".to_owned()),
        size: attachment.size,
        digest: None,
        visibility,
        author: person(attachment.author.as_ref()),
        created: attachment.created,
        marker: carried
            .and_then(|carried| carried.marker.clone())
            .or_else(|| file::marker_of(&whole.issue, attachment)),
    }
}

fn person(user: Option<&User>) -> Person {
    let named = |user: &User| user.display_name.clone().or_else(|| user.name.clone());
    Person { name: user.and_then(named).unwrap_or_else(|| "Anonymous".to_owned()) }
}

fn reference(link: &RemoteLink, own: Option<&str>) -> Reference {
    let url = Some(link.object.url.clone()).filter(|url| !url.is_empty() && Some(url.as_str()) != own);
    let summary = link.object.summary.clone().filter(|summary| !summary.trim().is_empty());
    Reference { label: link.object.title.clone(), url, summary }
}

/// `updated` and a hash of all that is visible: not everything that changes a ticket moves the time.
fn version(ticket: &Ticket) -> Version {
    let visible = serde_json::to_vec(ticket).unwrap_or_default();
    let hash = visible.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    Version::new(format!("{}-{hash:016x}", ticket.updated.format("%Y%m%dT%H%M%S%.3fZ")))
}

#[cfg(test)]
#[path = "map_tests.rs"]
mod tests;
