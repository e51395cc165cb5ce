//! A support ticket as a canonical ticket, and back: pure and total.

use std::collections::BTreeMap;

use throughline_markup::{html, plain};
use throughline_sdk::ticket::canonical_text;
use throughline_sdk::{
    Changes, Comment, CommentId, Error, ErrorKind, Marker, Person, RemoteId, Result, Ticket, Timestamp,
    Version, Visibility,
};

use crate::config::Config;
use crate::wire::{self, Communication, Transcript};

/// Azure's words for a status, and what they mean to Throughline.
///
/// `Updating` is what Azure shows while it carries a change out.
pub const STATUSES: &[(&str, &str)] = &[("Open", "open"), ("Updating", "open"), ("Closed", "closed")];

/// Azure's words for a severity, and what they mean to Throughline.
pub const PRIORITIES: &[(&str, &str)] =
    &[("minimal", "low"), ("moderate", "normal"), ("critical", "high"), ("highestcriticalimpact", "urgent")];

/// The resource of the subscription that a technical ticket is about.
pub(crate) const RESOURCE: &str = "Resource";
/// When the problem began.
pub(crate) const PROBLEM_START: &str = "Problem start";
const SERVICE: &str = "Service";
const PROBLEM: &str = "Problem";
const PLAN: &str = "Support plan";
const ENGINEER: &str = "Support engineer";
const RESPONSE_DUE: &str = "Response due";
/// Every field a ticket may have.
pub(crate) const FIELDS: [&str; 7] =
    [SERVICE, PROBLEM, RESOURCE, PROBLEM_START, PLAN, ENGINEER, RESPONSE_DUE];

const UPDATING: &str = "Updating";

/// A ticket with its messages and chats.
///
/// # Errors
///
/// [`ErrorKind::Malformed`] where it does not say when it was raised, or what its status is.
pub(crate) fn ticket(
    ticket: &wire::Ticket,
    messages: &[Communication],
    chats: &[Transcript],
    config: &Config,
) -> Result<Ticket> {
    let read = &ticket.properties;
    let missing = |what: &str| {
        Error::new(ErrorKind::Malformed, format!("the ticket has no {what}"))
            .with_context("ticket", &ticket.name)
    };
    let created = read.created_date.ok_or_else(|| missing("createdDate"))?;
    let marker = marker(&ticket.name);
    let description = read.description.as_deref().unwrap_or_default();
    let mut comments: Vec<Comment> = messages.iter().map(|message| comment(message, created)).collect();
    comments.extend(chats.iter().flat_map(|chat| chat_comments(chat, created)));
    // The order of a list is not promised.
    comments.sort_by(|a, b| (a.created, &a.id).cmp(&(b.created, &b.id)));
    Ok(Ticket {
        id: RemoteId::new(&ticket.name),
        key: text(&read.support_ticket_id).unwrap_or(&ticket.name).to_owned(),
        version: Some(version(ticket)),
        url: ticket.id.as_ref().map(|id| format!("{}#resource{id}", config.portal)),
        title: text(&read.title).unwrap_or_default().to_owned(),
        description: if marker.is_some() { canonical_text(description) } else { read_text(description) },
        status: status(text(&read.status).ok_or_else(|| missing("status"))?),
        priority: text(&read.severity).map(known_severity),
        kind: kind(read, config),
        fields: fields(read),
        requester: requester(read),
        comments,
        // Azure gives no file out, and so none is listed.
        files: Vec::new(),
        references: Vec::new(),
        marker,
        created,
        updated: read.modified_date.unwrap_or(created).max(created),
        lost: Vec::new(),
    })
}

/// What a plan was made on. Messages do not count: they only add.
pub(crate) fn version(ticket: &wire::Ticket) -> Version {
    let read = &ticket.properties;
    let modified = read.modified_date.map_or_else(String::new, |time| time.to_rfc3339());
    let (status, severity) =
        (text(&read.status).unwrap_or_default(), text(&read.severity).unwrap_or_default());
    Version::new(format!("{modified} {status} {severity}"))
}

/// Whether Azure is still carrying out a change of this ticket.
pub(crate) fn is_updating(ticket: &wire::Ticket) -> bool {
    text(&ticket.properties.status).is_some_and(|status| same_word(status, UPDATING))
}

/// Whether a ticket is closed.
pub(crate) fn is_closed(ticket: &wire::Ticket) -> bool {
    text(&ticket.properties.status).is_some_and(|status| same_word(status, "closed"))
}

/// Whether two words of a closed list are the same: their case differs between documentation and service.
pub(crate) fn same_word(left: &str, right: &str) -> bool {
    left.eq_ignore_ascii_case(right)
}

/// A severity as a write takes it.
///
/// # Errors
///
/// [`ErrorKind::Rejected`] for a word that Azure does not know.
pub(crate) fn severity(word: &str) -> Result<String> {
    let known = PRIORITIES.iter().find(|(known, _)| same_word(known, word));
    known.map(|(known, _)| (*known).to_owned()).ok_or_else(|| {
        Error::new(ErrorKind::Rejected, "Azure has no such severity; see what describe lists")
            .with_context("priority", word)
    })
}

/// The severity that changes ask for, which is all that can be changed.
///
/// # Errors
///
/// [`ErrorKind::Rejected`] naming what else is to be changed.
pub(crate) fn severity_of(changes: &Changes) -> Result<String> {
    let Changes { title, description, priority, kind, fields } = changes;
    let others = [
        title.as_ref().map(|_| "title"),
        description.as_ref().map(|_| "description"),
        kind.as_ref().map(|_| "type"),
    ];
    let others: Vec<&str> = others.into_iter().flatten().chain(fields.keys().map(String::as_str)).collect();
    match priority {
        Some(word) if others.is_empty() => severity(word),
        Some(_) | None => Err(Error::new(
            ErrorKind::Rejected,
            format!(
                "of a ticket that exists Azure changes severity and status only, not: {}",
                others.join(", ")
            ),
        )),
    }
}

/// The marker that a name of ours is.
pub(crate) fn marker(name: &str) -> Option<Marker> {
    Marker::find_in(name).filter(|marker| marker.as_str() == name)
}

/// Canonical text as Azure takes it: plain, and so as it is. What is formatted reads well enough, and is kept.
pub(crate) fn write_text(text: &str) -> String {
    canonical_text(text)
}

/// Text that somebody else wrote there. Engineers write with a mail program, so that it may be HTML; nothing says so.
fn read_text(text: &str) -> String {
    if is_html(text) { html::read(text).text } else { plain::read(text).text }
}

/// Whether a text holds an element that only a mail program writes, and not just something in angle brackets.
fn is_html(text: &str) -> bool {
    const ELEMENTS: [&str; 14] =
        ["a", "b", "body", "br", "div", "font", "html", "i", "li", "p", "span", "strong", "table", "ul"];
    let opened = text.split('<').skip(1).filter(|rest| rest.contains('>'));
    opened
        .filter_map(|rest| rest.split(|c: char| !c.is_ascii_alphanumeric()).next())
        .any(|name| ELEMENTS.iter().any(|element| name.eq_ignore_ascii_case(element)))
}

fn comment(message: &Communication, otherwise: Timestamp) -> Comment {
    let read = &message.properties;
    let marker = marker(&message.name);
    let body = text(&read.body).or(text(&read.subject)).unwrap_or_default();
    Comment {
        id: CommentId::new(&message.name),
        author: author(&read.sender),
        body: if marker.is_some() { canonical_text(body) } else { read_text(body) },
        // What the interface shows is between the customer and Microsoft. The direction is no help: Microsoft's examples
        // and its service use inbound and outbound the other way round.
        visibility: Visibility::Public,
        created: read.created_date.unwrap_or(otherwise),
        marker,
    }
}

fn chat_comments(chat: &Transcript, otherwise: Timestamp) -> Vec<Comment> {
    let read = &chat.properties;
    let messages = read.messages.iter().flatten().enumerate();
    messages
        .filter_map(|(place, message)| {
            let body = text(&message.body)?;
            let html =
                text(&message.content_type).is_some_and(|kind| kind.to_ascii_lowercase().contains("html"));
            Some(Comment {
                // Messages of a chat have no id. It only grows, so that the place is one.
                id: CommentId::new(format!("chat:{}:{place}", chat.name)),
                author: author(&message.sender),
                body: if html { read_text(body) } else { canonical_text(body) },
                visibility: Visibility::Public,
                created: message.created_date.or(read.start_time).unwrap_or(otherwise),
                marker: None,
            })
        })
        .collect()
}

fn author(sender: &Option<String>) -> Person {
    Person { name: text(sender).unwrap_or("(sender not told)").to_owned() }
}

fn requester(read: &wire::TicketProperties) -> Option<Person> {
    let contact = read.contact_details.as_ref()?;
    let names = [text(&contact.first_name), text(&contact.last_name)];
    let name = names.into_iter().flatten().collect::<Vec<_>>().join(" ");
    Some(Person { name }).filter(|person| !person.name.is_empty())
}

/// The operator's word for the classification, if the table has one.
fn kind(read: &wire::TicketProperties, config: &Config) -> Option<String> {
    let problem = text(&read.problem_classification_id)?;
    let entry = config.services.iter().find(|(_, classification)| {
        same_word(&classification.problem_id(), problem) || same_word(&classification.problem, problem)
    });
    entry.map(|(kind, _)| kind.clone())
}

fn fields(read: &wire::TicketProperties) -> BTreeMap<String, String> {
    let time = |time: Option<Timestamp>| time.map(|time| time.format("%Y-%m-%dT%H:%M:%SZ").to_string());
    let owned = |value: &Option<String>| text(value).map(str::to_owned);
    let values = [
        (SERVICE, owned(&read.service_display_name).or(owned(&read.service_id))),
        (
            PROBLEM,
            owned(&read.problem_classification_display_name).or(owned(&read.problem_classification_id)),
        ),
        (RESOURCE, read.technical_ticket_details.as_ref().and_then(|details| owned(&details.resource_id))),
        (PROBLEM_START, time(read.problem_start_time)),
        (PLAN, owned(&read.support_plan_display_name)),
        (ENGINEER, read.support_engineer.as_ref().and_then(|engineer| owned(&engineer.email_address))),
        (RESPONSE_DUE, time(read.service_level_agreement.as_ref().and_then(|one| one.expiration_time))),
    ];
    values.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
}

/// The status in the one spelling that is described; an unknown one as it is.
fn status(word: &str) -> String {
    let known = STATUSES.iter().find(|(known, _)| same_word(known, word));
    known.map_or(word, |(known, _)| *known).to_owned()
}

fn known_severity(word: &str) -> String {
    let known = PRIORITIES.iter().find(|(known, _)| same_word(known, word));
    known.map_or(word, |(known, _)| *known).to_owned()
}

fn text(value: &Option<String>) -> Option<&str> {
    value.as_deref().map(str::trim).filter(|text| !text.is_empty())
}

#[cfg(test)]
#[path = "map_tests.rs"]
mod tests;
