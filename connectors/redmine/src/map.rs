//! Redmine's issue as a canonical ticket, and back: pure and total.

use std::collections::BTreeMap;

use serde_json::Value;
use throughline_markup::{Loss, Text};
use throughline_sdk::{
    Changes, Comment, CommentId, File, FileId, Lost, Marker, MarkerLine, Person, Reference, RemoteId, Ticket,
    Version, Visibility,
};

use crate::attribute::{self, ATTRIBUTES, Write};
use crate::config::Config;
use crate::text::Dialect;
use crate::wire::{Attachment, CustomField, FieldWrite, Issue, Journal, Named};

/// Redmine's default words for a status, and what they mean to Throughline.
pub const STATUSES: &[(&str, &str)] = &[
    ("New", "new"),
    ("In Progress", "open"),
    ("Feedback", "pending"),
    ("Resolved", "resolved"),
    ("Closed", "closed"),
    ("Rejected", "cancelled"),
];

/// Redmine's default words for a priority, and what they mean to Throughline.
///
/// Of several words with one meaning the first is the one to write.
pub const PRIORITIES: &[(&str, &str)] =
    &[("Low", "low"), ("Normal", "normal"), ("High", "high"), ("Urgent", "urgent"), ("Immediate", "urgent")];

/// An issue, read with journals and attachments, as a ticket.
pub(crate) fn ticket(issue: &Issue, config: &Config) -> Ticket {
    let (description, in_text) = MarkerLine::BRACKETS.split(issue.description.as_deref().unwrap_or_default());
    let description = config.text.read(&description);
    let mut lost = said(None, &description.lost);
    let mut comments = Vec::new();
    for (comment, losses) in issue.journals.iter().filter_map(|journal| comment(journal, config.text)) {
        lost.extend(said(Some(&comment.id), &losses));
        comments.push(comment);
    }
    let named = |wanted: &Option<String>| {
        let field = issue.custom_fields.iter().find(|field| Some(&field.name) == wanted.as_ref())?;
        Some(value_text(&field.value)).filter(|text| !text.is_empty())
    };
    let in_field = named(&config.marker_field).and_then(|text| Marker::find_in(&text));
    let mut ticket = Ticket {
        id: RemoteId::new(issue.id.to_string()),
        key: issue.id.to_string(),
        version: None,
        url: config.url.join(&format!("issues/{}", issue.id)).ok().map(String::from),
        title: issue.subject.as_deref().unwrap_or_default().trim().to_owned(),
        description: description.text,
        status: issue.status.name.clone(),
        priority: issue.priority.as_ref().map(|priority| priority.name.clone()),
        kind: Some(issue.tracker.name.clone()),
        fields: fields(issue, config),
        requester: issue.author.as_ref().map(|author| person(Some(author))),
        comments,
        files: issue.attachments.iter().map(file).collect(),
        references: named(&config.link_field).iter().map(|text| Reference::of_line(text)).collect(),
        marker: in_field.or(in_text),
        created: issue.created_on,
        updated: issue.updated_on,
        lost,
    };
    ticket.version = Some(version(&ticket));
    ticket
}

/// The ticket's custom field `name` with a new value, `None` if the issue has no such field.
pub(crate) fn field_write(known: &[CustomField], name: &str, value: &str) -> Option<FieldWrite> {
    let field = known.iter().find(|field| field.name == name)?;
    let value = if field.multiple {
        value.split('\n').filter(|one| !one.is_empty()).map(Value::from).collect()
    } else {
        Value::from(value)
    };
    Some(FieldWrite { id: field.id, value })
}

/// Whether two field values say the same: Redmine keeps the members of a list in an order of its own, and numbers
/// without trailing zeros.
pub(crate) fn same_value(asked: &str, seen: &str) -> bool {
    let sorted = |text: &str| {
        let mut lines: Vec<String> =
            text.replace("\r\n", "\n").split('\n').map(|line| line.trim_end().to_owned()).collect();
        lines.retain(|line| !line.is_empty());
        lines.sort_unstable();
        lines
    };
    let number = |text: &str| text.trim().parse::<f64>().ok().filter(|number| number.is_finite());
    sorted(asked) == sorted(seen) || number(asked).is_some_and(|asked| number(seen) == Some(asked))
}

/// Which of the asked changes a ticket does not show, by name.
pub(crate) fn not_in(changes: &Changes, ticket: &Ticket, dialect: Dialect) -> Vec<String> {
    let text = |asked: &str| dialect.through(&MarkerLine::BRACKETS.split(asked).0);
    let word = |asked: &Option<String>, seen: &Option<String>| asked.is_some() && asked != seen;
    let standard = [
        ("title", changes.title.as_ref().is_some_and(|asked| asked.trim() != ticket.title)),
        ("description", changes.description.as_ref().is_some_and(|asked| text(asked) != ticket.description)),
        ("priority", word(&changes.priority, &ticket.priority)),
        ("type", word(&changes.kind, &ticket.kind)),
    ];
    let standard = standard.into_iter().filter(|(_, differs)| *differs).map(|(name, _)| name.to_owned());
    let seen = |name: &String| ticket.fields.get(name).map_or("", String::as_str);
    let zero = |name: &str| attribute::named(name).is_some_and(|one| matches!(one.write, Write::Zero(_)));
    let fields = changes.fields.iter().filter(|(name, asked)| {
        let asked = if asked.is_empty() && zero(name) { "0" } else { asked.as_str() };
        !same_value(asked, seen(name))
    });
    standard.chain(fields.map(|(name, _)| name.clone())).collect()
}

/// The next status on the way to `target` where the workflow does not go there at once.
///
/// Only open statuses are walked through: closing has consequences of its own. One that lies between the two in
/// Redmine's own order comes first, then the one nearest to the target.
pub(crate) fn step<'a>(
    current: u64,
    target: u64,
    allowed: &'a [Named],
    order: &[Named],
    visited: &[u64],
) -> Option<&'a Named> {
    let place = |id: u64| order.iter().position(|status| status.id == id);
    let (from, to) = (place(current)?, place(target)?);
    allowed
        .iter()
        .filter(|status| !status.is_closed && status.id != current && !visited.contains(&status.id))
        .filter_map(|status| {
            let at = place(status.id)?;
            let between = (from.min(to)..=from.max(to)).contains(&at);
            Some(((!between, at.abs_diff(to)), status))
        })
        .min_by_key(|(rank, _)| *rank)
        .map(|(_, status)| status)
}

fn fields(issue: &Issue, config: &Config) -> BTreeMap<String, String> {
    let own = |name: &String| {
        Some(name) == config.marker_field.as_ref() || Some(name) == config.link_field.as_ref()
    };
    let built_in = ATTRIBUTES.iter().map(|attribute| (attribute.name.to_owned(), (attribute.read)(issue)));
    let custom = issue.custom_fields.iter().map(|field| (field.name.clone(), value_text(&field.value)));
    // Custom fields come last: one that bears the name of an attribute is what people see under that name.
    built_in.chain(custom).filter(|(name, value)| !value.is_empty() && !own(name)).collect()
}

/// A field's value as text, one line for each member of a list.
pub(crate) fn value_text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.replace("\r\n", "\n").trim_end().to_owned(),
        Value::Array(values) => {
            values.iter().map(value_text).filter(|text| !text.is_empty()).collect::<Vec<_>>().join("\n")
        }
        Value::Bool(_) | Value::Number(_) | Value::Object(_) => value.to_string(),
    }
}

/// A journal as a comment; `None` for one that only says which fields changed.
fn comment(journal: &Journal, dialect: Dialect) -> Option<(Comment, Vec<Loss>)> {
    let (body, marker) = MarkerLine::BRACKETS.split(journal.notes.as_deref().unwrap_or_default());
    if body.is_empty() && marker.is_none() {
        return None;
    }
    let Text { text: body, lost } = dialect.read(&body);
    let comment = Comment {
        id: CommentId::new(journal.id.to_string()),
        author: person(journal.user.as_ref()),
        body,
        visibility: match journal.private_notes {
            Some(true) => Visibility::Internal,
            Some(false) => Visibility::Public,
            None => Visibility::Unknown,
        },
        created: journal.created_on,
        marker,
    };
    Some((comment, lost))
}

fn said(comment: Option<&CommentId>, losses: &[Loss]) -> Vec<Lost> {
    losses.iter().map(|loss| Lost { comment: comment.cloned(), what: loss.to_string() }).collect()
}

fn file(attachment: &Attachment) -> File {
    File {
        id: FileId::new(attachment.id.to_string()),
        name: attachment.filename.clone(),
        media_type: attachment
            .content_type
            .clone()
            .filter(|media_type| !media_type.is_empty())
            .unwrap_or_else(|| "application/octet-stream".to_owned()),
        size: attachment.filesize,
        digest: None,
        // Whoever sees an issue sees its files: Redmine has no private ones.
        visibility: Visibility::Public,
        author: person(attachment.author.as_ref()),
        created: attachment.created_on,
        marker: attachment.description.as_deref().and_then(Marker::find_in),
    }
}

fn person(named: Option<&Named>) -> Person {
    Person { name: named.map_or_else(|| "Anonymous".to_owned(), |named| named.name.clone()) }
}

/// `updated_on`, the last journal, and a hash of all that is visible: an edited note moves neither of the first two.
fn version(ticket: &Ticket) -> Version {
    let visible = serde_json::to_vec(ticket).unwrap_or_default();
    let hash = visible.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    let last = ticket.comments.last().map_or("0", |comment| comment.id.as_str());
    Version::new(format!("{}-{last}-{hash:016x}", ticket.updated.format("%Y%m%dT%H%M%SZ")))
}

#[cfg(test)]
#[path = "map_tests.rs"]
mod tests;
