//! An issue or announcement as a canonical ticket: pure and total.

use std::collections::BTreeMap;

use throughline_markup::{html, plain};
use throughline_sdk::{
    Comment, CommentId, Error, ErrorKind, Person, Reference, RemoteId, Result, Ticket, Timestamp, Version,
    Visibility,
};

use crate::api::List;
use crate::config::Config;
use crate::wire::{Announced, Body, Issue, Message, Post};

/// Microsoft's words for the status of an issue, and what they mean to Throughline.
///
/// An announcement, which has none, is `published`: said once, and nobody works on it.
/// <https://learn.microsoft.com/graph/api/resources/servicehealthissue#servicehealthstatus-values>
pub const STATUSES: &[(&str, &str)] = &[
    ("reported", "new"),
    ("investigating", "open"),
    ("confirmed", "open"),
    ("serviceDegradation", "open"),
    ("serviceInterruption", "open"),
    ("restoringService", "open"),
    ("verifyingService", "open"),
    ("extendedRecovery", "open"),
    ("investigationSuspended", "on_hold"),
    ("mitigated", "resolved"),
    ("mitigatedExternal", "resolved"),
    ("resolved", "resolved"),
    ("resolvedExternal", "resolved"),
    ("serviceRestored", "resolved"),
    ("postIncidentReviewPublished", "closed"),
    ("published", "closed"),
    ("serviceOperational", "closed"),
    ("falsePositive", "cancelled"),
];

/// The classification of an issue and the severity of an announcement, lowest first, and what they mean.
pub const PRIORITIES: &[(&str, &str)] = &[
    ("normal", "normal"),
    ("advisory", "normal"),
    ("high", "high"),
    ("incident", "high"),
    ("critical", "urgent"),
];

/// The status of an announcement, which Microsoft gives none.
const PUBLISHED: &str = "published";
const MICROSOFT: &str = "Microsoft";
/// Every field that an issue or announcement may have.
pub(crate) const FIELDS: [&str; 10] = [
    "Feature",
    "Feature group",
    "Origin",
    "Services",
    "Category",
    "Tags",
    "Major change",
    "Action required by",
    "Start",
    "End",
];

/// The id of an entry: its list and its number there.
pub(crate) fn remote_id(list: List, number: &str) -> RemoteId {
    RemoteId::new(format!("{}/{number}", list.segment()))
}

/// The list and number in an id that we once gave out.
pub(crate) fn parse_id(id: &RemoteId) -> Option<(List, &str)> {
    let (list, number) = id.as_str().split_once('/')?;
    let list = [List::Issues, List::Messages].into_iter().find(|one| one.segment() == list)?;
    (!number.is_empty()).then_some((list, number))
}

/// An issue with its posts.
///
/// # Errors
///
/// [`ErrorKind::Malformed`] where it does not say when it began, or what its status is.
pub(crate) fn issue(issue: &Issue, config: &Config) -> Result<Ticket> {
    let status = text(&issue.status).ok_or_else(|| missing(&issue.announced, "status"))?;
    let mut ticket = announced(&issue.announced, List::Issues, known(STATUSES, status), config)?;
    ticket.description = plain::read(text(&issue.impact_description).unwrap_or_default()).text;
    ticket.priority = text(&issue.classification).map(|word| known(PRIORITIES, word));
    ticket.kind = text(&issue.announced.service).map(str::to_owned);
    let fields = [
        ("Feature", text(&issue.feature)),
        ("Feature group", text(&issue.feature_group)),
        ("Origin", text(&issue.origin)),
    ];
    ticket.fields.extend(named(fields));
    ticket.comments = posts(issue.posts.as_deref().unwrap_or_default(), ticket.created, config);
    let modified = ticket.updated.to_rfc3339();
    ticket.version = Some(Version::new(format!("{modified} {status} {}", ticket.comments.len())));
    Ok(ticket)
}

/// An announcement, whose text is its description.
///
/// # Errors
///
/// [`ErrorKind::Malformed`] where it does not say when it begins.
pub(crate) fn message(message: &Message, config: &Config) -> Result<Ticket> {
    let mut ticket = announced(&message.announced, List::Messages, PUBLISHED.to_owned(), config)?;
    ticket.description = message.body.as_ref().map(body).unwrap_or_default();
    ticket.priority = text(&message.severity).map(|word| known(PRIORITIES, word));
    let services = services(&message.announced).join(", ");
    ticket.kind = Some(services.clone()).filter(|services| !services.is_empty());
    let tags: Vec<&str> = message.tags.iter().flatten().filter_map(text).collect();
    let tags = tags.join(", ");
    let due = message.action_required_by_date_time.map(moment);
    let fields = [
        ("Services", Some(services.as_str())),
        ("Category", text(&message.category)),
        ("Tags", Some(tags.as_str())),
        ("Major change", message.is_major_change.filter(|major| *major).map(|_| "yes")),
        ("Action required by", due.as_deref()),
    ];
    ticket.fields.extend(named(fields));
    Ok(ticket)
}

/// The services that an entry is about.
pub(crate) fn services(entry: &Announced) -> Vec<&str> {
    let many = entry.services.iter().flatten().filter_map(text);
    text(&entry.service).into_iter().chain(many).collect()
}

fn announced(entry: &Announced, list: List, status: String, config: &Config) -> Result<Ticket> {
    let modified = entry.last_modified_date_time.ok_or_else(|| missing(entry, "lastModifiedDateTime"))?;
    // An announcement may begin in the future.
    let created = entry.start_date_time.map_or(modified, |start| start.min(modified));
    let (start, end) = (entry.start_date_time.map(moment), entry.end_date_time.map(moment));
    let page = match list {
        List::Issues => format!("Adminportal/Home#/servicehealth/:/alerts/{}", entry.id),
        List::Messages => format!("Adminportal/Home#/MessageCenter/:/messages/{}", entry.id),
    };
    Ok(Ticket {
        id: remote_id(list, &entry.id),
        key: entry.id.clone(),
        version: Some(Version::new(modified.to_rfc3339())),
        url: config.admin.join(&page).ok().map(String::from),
        title: text(&entry.title).unwrap_or_default().to_owned(),
        description: String::new(),
        status,
        priority: None,
        kind: None,
        fields: named([("Start", start.as_deref()), ("End", end.as_deref())]).collect(),
        requester: Some(Person { name: MICROSOFT.to_owned() }),
        comments: Vec::new(),
        files: Vec::new(),
        references: entry.details.iter().flatten().filter_map(reference).collect(),
        marker: None,
        created,
        updated: modified,
        lost: Vec::new(),
    })
}

fn posts(posts: &[Post], otherwise: Timestamp, config: &Config) -> Vec<Comment> {
    let visibility = if config.share_posts { Visibility::Public } else { Visibility::Internal };
    let mut seen: BTreeMap<&str, u32> = BTreeMap::new();
    let mut comments: Vec<Comment> = posts
        .iter()
        .map(|post| {
            // Posts have no id but the moment at which they were published.
            let moment = text(&post.created_date_time).unwrap_or("?");
            let number = seen.entry(moment).and_modify(|count| *count += 1).or_insert(1);
            let id = if *number == 1 { moment.to_owned() } else { format!("{moment}#{number}") };
            let created =
                chrono::DateTime::parse_from_rfc3339(moment).map_or(otherwise, |time| time.to_utc());
            Comment {
                id: CommentId::new(id),
                author: Person { name: MICROSOFT.to_owned() },
                body: post.description.as_ref().map(body).unwrap_or_default(),
                visibility,
                created,
                marker: None,
            }
        })
        .collect();
    comments.sort_by_key(|comment| comment.created);
    comments
}

fn body(body: &Body) -> String {
    let content = body.content.as_deref().unwrap_or_default();
    let is_text = text(&body.content_type).is_some_and(|kind| kind.eq_ignore_ascii_case("text"));
    // What is said to be HTML is often plain lines, which an HTML reader would run together.
    let has_elements =
        content.contains("</") || content.contains("/>") || content.to_lowercase().contains("<br");
    if is_text || !has_elements { plain::read(content).text } else { html::read(content).text }
}

/// A detail that leads somewhere.
fn reference(detail: &crate::wire::Detail) -> Option<Reference> {
    let url = text(&detail.value).filter(|value| value.starts_with("https://"))?;
    Some(Reference::new(text(&detail.name).unwrap_or(url), Some(url.to_owned())))
}

fn named<'n>(
    fields: impl IntoIterator<Item = (&'n str, Option<&'n str>)>,
) -> impl Iterator<Item = (String, String)> {
    let set =
        fields.into_iter().filter_map(|(name, value)| Some((name, value.filter(|one| !one.is_empty())?)));
    set.map(|(name, value)| (name.to_owned(), value.to_owned())).collect::<Vec<_>>().into_iter()
}

/// A word of a list in its one spelling; an unknown one as it is.
fn known(list: &[(&str, &str)], word: &str) -> String {
    let known = list.iter().find(|(known, _)| known.eq_ignore_ascii_case(word));
    known.map_or(word, |(known, _)| *known).to_owned()
}

fn moment(time: Timestamp) -> String {
    time.format("%Y-%m-%dT%H:%M:%SZ").to_string()
}

fn missing(entry: &Announced, what: &str) -> Error {
    Error::new(ErrorKind::Malformed, format!("the entry has no {what}")).with_context("entry", &entry.id)
}

fn text(value: &Option<String>) -> Option<&str> {
    value.as_deref().map(str::trim).filter(|text| !text.is_empty())
}

#[cfg(test)]
#[path = "map_tests.rs"]
mod tests;
