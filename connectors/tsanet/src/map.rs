//! A collaboration request as a canonical ticket, and text back: pure and total.

use std::collections::BTreeMap;

use throughline_markup::{html, plain};
use throughline_sdk::{
    Comment, CommentId, Marker, Person, Reference, RemoteId, Ticket, Timestamp, Version, Visibility,
};

use crate::config::Config;
use crate::marker;
use crate::wire::{Case, CaseResponse, Note};

/// TSANet's words for a status, and what they mean to Throughline.
pub const STATUSES: &[(&str, &str)] = &[
    (OPEN, "new"),
    (INFORMATION, "pending"),
    (ACCEPTED, "open"),
    (REJECTED, "cancelled"),
    (CLOSED, "closed"),
];

/// What TSANet's statuses say to a request that was offered.
pub const ANSWERS: &[(&str, &str)] =
    &[(ACCEPTED, "accepted"), (REJECTED, "rejected"), (INFORMATION, "information_requested")];

/// TSANet's words for a priority, and what they mean to Throughline.
pub const PRIORITIES: &[(&str, &str)] = &[("LOW", "low"), ("MEDIUM", "normal"), ("HIGH", "high")];

pub(crate) const OPEN: &str = "OPEN";
pub(crate) const INFORMATION: &str = "INFORMATION";
pub(crate) const ACCEPTED: &str = "ACCEPTED";
pub(crate) const REJECTED: &str = "REJECTED";
pub(crate) const CLOSED: &str = "CLOSED";

/// Fields that are read only, beside those of the partner's form.
pub(crate) const READ_ONLY: [&str; 3] = ["Partner", "Respond by", "Escalation instructions"];

/// How long a summary may be, in UTF-16 units as its software counts.
pub(crate) const MAX_TITLE: usize = 500;

/// How long a description may be.
pub(crate) const MAX_TEXT: usize = 5000;

/// What a note for the two companies and their customer is called.
pub(crate) const FOR_ALL: &str = "USER_PUBLIC";

/// What a note for the two companies alone is called.
pub(crate) const FOR_PARTNER: &str = "USER_PARTNER";

/// Which side of a request we are on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Submitter,
    Receiver,
}

/// Which side we are on; never guessed.
pub(crate) fn side(case: &Case) -> Option<Side> {
    match case.direction.as_deref() {
        Some("OUTBOUND") => Some(Side::Submitter),
        Some("INBOUND") => Some(Side::Receiver),
        _ => None,
    }
}

/// A request as a ticket.
pub(crate) fn ticket(id: &RemoteId, case: &Case, config: &Config) -> Ticket {
    let (description, marker) = read_text(case.description.as_deref().unwrap_or_default());
    let notes = case.case_notes.iter().flatten().map(|note| comment(note, config));
    let responses = case.case_responses.iter().flatten();
    let responses = responses.filter_map(|response| answer(response, case, config));
    let mut comments: Vec<Comment> = notes.chain(responses).collect();
    comments.sort_by_key(|comment| comment.created);
    let mut ticket = Ticket {
        id: id.clone(),
        key: case.id.to_string(),
        version: None,
        url: None,
        title: case.summary.as_deref().unwrap_or_default().trim().to_owned(),
        description,
        status: case.status.clone(),
        priority: case.priority.clone(),
        kind: None,
        fields: fields(case),
        requester: requester(case),
        comments,
        files: Vec::new(),
        references: numbers(case).map(|label| Reference::new(label, None)).collect(),
        marker: marker.or_else(|| marker::alone(case.submitter_case_number.as_deref()?)),
        created: case.created_at,
        updated: case.touched(),
        lost: Vec::new(),
    };
    ticket.version = Some(version(&ticket));
    ticket
}

/// Whether a note is for the customer too.
pub(crate) fn visibility(audience: Option<&str>, config: &Config) -> Visibility {
    match audience {
        Some(FOR_ALL) => Visibility::Public,
        _ if config.partner_notes_are_public => Visibility::Public,
        Some(FOR_PARTNER) => Visibility::Internal,
        _ => Visibility::Unknown,
    }
}

/// Canonical text as plain text, cut to the room there is, and saying so.
pub(crate) fn write_text(text: &str, room: usize) -> String {
    let text = plain::write(text).text;
    if units(&text) <= room {
        return text;
    }
    // The number is never longer than that of the whole.
    let kept = prefix(&text, room.saturating_sub(units(&cut(text.chars().count())) + 2)).trim_end();
    let missing = text.chars().count().saturating_sub(kept.chars().count());
    format!("{kept}\n\n{}", cut(missing))
}

/// A line, cut to the room there is.
pub(crate) fn cut_line(line: &str, room: usize) -> String {
    if units(line) <= room {
        return line.to_owned();
    }
    format!("{}\u{2026}", prefix(line, room.saturating_sub(1)).trim_end())
}

/// The numbers that the two companies know a request by. What stands there for want of one is none.
pub(crate) fn numbers(case: &Case) -> impl Iterator<Item = &str> {
    let numbers = [&case.submitter_case_number, &case.receiver_case_number].into_iter().flatten();
    numbers.map(|number| number.trim()).filter(|number| !number.is_empty() && marker::alone(number).is_none())
}

fn fields(case: &Case) -> BTreeMap<String, String> {
    let partner = match side(case) {
        Some(Side::Submitter) => case.receive_company_name.clone(),
        Some(Side::Receiver) => case.submit_company_name.clone(),
        None => None,
    };
    let respond_by = case.respond_by.map(|time| time.format("%Y-%m-%dT%H:%M:%SZ").to_string());
    let escalation = case.escalation_instructions.as_deref().map(html_text);
    let own = READ_ONLY.into_iter().map(str::to_owned).zip([partner, respond_by, escalation]);
    let custom = case.custom_fields.iter().flatten();
    let custom = custom.filter_map(|field| Some((field.field_name.clone()?, field.value.clone())));
    let all = custom.chain(own).filter_map(|(name, value)| Some((name, value?.trim().to_owned())));
    all.filter(|(_, value)| !value.is_empty()).collect()
}

fn requester(case: &Case) -> Option<Person> {
    let name = case.submitter_contact_details.as_ref().and_then(|contact| contact.name.as_deref());
    Some(person(name, case.submit_company_name.as_deref())).filter(|person| !person.name.is_empty())
}

fn comment(note: &Note, config: &Config) -> Comment {
    let summary = html_text(note.summary.as_deref().unwrap_or_default());
    let (text, marker) = marker::split(&html_text(note.description.as_deref().unwrap_or_default()));
    // The summary of one of ours says nothing; somebody else's may repeat what follows.
    let body = if marker.is_some() || text.starts_with(&summary) {
        text
    } else if text.is_empty() {
        summary
    } else {
        format!("{summary}\n\n{text}")
    };
    let author = note.creator_name.as_deref().or(note.creator_username.as_deref());
    Comment {
        id: CommentId::new(note.id.to_string()),
        author: person(author, note.company_name.as_deref()),
        body,
        visibility: visibility(note.audience.as_deref(), config),
        created: note.created_at,
        marker,
    }
}

/// What an answer says, unless we gave it or it says nothing. Like other things that engineers tell each other, it is for
/// the two companies.
fn answer(response: &CaseResponse, case: &Case, config: &Config) -> Option<Comment> {
    let ours = |email: &String| email.trim().eq_ignore_ascii_case(&config.engineer.engineer_email);
    if response.engineer_email.as_ref().is_some_and(ours) {
        return None;
    }
    let body = html_text(response.next_steps.as_deref()?);
    let company = match response.kind.as_deref() {
        Some("INFORMATION_RESPONSE") => case.submit_company_name.as_deref(),
        _ => case.receive_company_name.as_deref(),
    };
    Some(Comment {
        id: CommentId::new(format!("response-{}", response.id)),
        author: person(response.engineer_name.as_deref(), company),
        body,
        visibility: visibility(Some(FOR_PARTNER), config),
        created: response.created_at.unwrap_or(case.created_at),
        marker: None,
    })
    .filter(|comment| !comment.body.is_empty())
}

fn person(name: Option<&str>, company: Option<&str>) -> Person {
    let told = |text: Option<&str>| text.map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned);
    let name = match (told(name), told(company)) {
        (Some(name), Some(company)) if name != company => format!("{name} ({company})"),
        (name, company) => name.or(company).unwrap_or_default(),
    };
    Person { name }
}

/// What a submitter wrote: plain text, unless it looks like the HTML of an editor.
fn read_text(text: &str) -> (String, Option<Marker>) {
    let text = if has_blocks(text) { html::read(text).text } else { plain::read(text).text };
    marker::split(&text)
}

/// What TSANet gives as HTML. A text that was kept as it was typed has its lines all the same.
fn html_text(text: &str) -> String {
    if has_blocks(text) {
        return html::read(text).text;
    }
    html::read(&text.trim().replace("\r\n", "\n").replace('\n', "<br>")).text
}

/// Whether a text has the tags of paragraphs, lines or lists.
fn has_blocks(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    ["<p>", "<p ", "</p>", "<br>", "<br/>", "<br />", "<div", "<ul>", "<ol>", "<li>"]
        .iter()
        .any(|tag| text.contains(tag))
}

fn cut(missing: usize) -> String {
    format!("[Cut here: {missing} more characters in the original.]")
}

fn units(text: &str) -> usize {
    text.chars().map(char::len_utf16).sum()
}

/// The longest beginning that fits.
fn prefix(text: &str, room: usize) -> &str {
    let mut taken = 0;
    let end = text.char_indices().find(|(_, letter)| {
        taken += letter.len_utf16();
        taken > room
    });
    end.and_then(|(at, _)| text.get(..at)).unwrap_or(text)
}

/// Changes with everything that can be seen.
fn version(ticket: &Ticket) -> Version {
    let visible = serde_json::to_vec(ticket).unwrap_or_default();
    let hash = visible.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    let updated: Timestamp = ticket.updated;
    Version::new(format!("{}-{hash:016x}", updated.format("%Y%m%dT%H%M%S%.3fZ")))
}

#[cfg(test)]
#[path = "map_tests.rs"]
pub(crate) mod tests;
