//! The desk's JSON to the canonical ticket, total and without any request.

use throughline_sdk::ticket::canonical_text;
use throughline_sdk::{
    Choice, Comment, CommentId, Description, Error, ErrorKind, File, FileId, Found, Marker, Person,
    Reference, RemoteId, Result, Subject, Ticket, Version, Visibility, http,
};
use url::Url;

use crate::wire;

pub(crate) fn ticket(base: &Url, ticket: wire::Ticket) -> Ticket {
    let number = ticket.number.to_string();
    Ticket {
        url: Some(http::join(base, &["tickets", &number]).into()),
        id: RemoteId::new(number.clone()),
        key: number,
        version: Some(Version::new(ticket.version.to_string())),
        title: ticket.title,
        description: canonical_text(&ticket.description),
        status: ticket.status,
        priority: ticket.priority,
        kind: ticket.kind,
        fields: ticket.fields.into_iter().filter(|(_, value)| !value.is_empty()).collect(),
        requester: ticket.requester.map(|name| Person { name }),
        comments: ticket.comments.into_iter().map(comment).collect(),
        files: ticket.files.into_iter().map(file).collect(),
        references: ticket
            .references
            .into_iter()
            .map(|it| Reference { label: it.label, url: it.url, summary: it.summary })
            .collect(),
        marker: ticket.marker.as_deref().and_then(Marker::find_in),
        created: ticket.created,
        updated: ticket.updated,
        lost: Vec::new(),
    }
}

fn comment(comment: wire::Comment) -> Comment {
    Comment {
        id: CommentId::new(comment.id.to_string()),
        author: Person { name: comment.author },
        body: canonical_text(&comment.body),
        visibility: visibility(comment.internal),
        created: comment.created,
        marker: comment.marker.as_deref().and_then(Marker::find_in),
    }
}

fn file(file: wire::File) -> File {
    File {
        id: FileId::new(file.id.to_string()),
        name: file.name,
        media_type: file.media_type,
        size: file.size,
        digest: None,
        visibility: visibility(file.internal),
        author: Person { name: file.author },
        created: file.created,
        marker: file.marker.as_deref().and_then(Marker::find_in),
    }
}

fn visibility(internal: Option<bool>) -> Visibility {
    match internal {
        Some(true) => Visibility::Internal,
        Some(false) => Visibility::Public,
        None => Visibility::Unknown,
    }
}

pub(crate) fn description(described: wire::Described) -> Description {
    let open = |word| Choice { word, closed: false };
    Description {
        statuses: described
            .statuses
            .into_iter()
            .map(|status| Choice { word: status.word, closed: status.closed })
            .collect(),
        priorities: described.priorities.into_iter().map(open).collect(),
        kinds: described.types.into_iter().map(open).collect(),
        fields: described.fields,
    }
}

pub(crate) fn found(row: wire::Row) -> Result<Found> {
    let ticket = RemoteId::new(row.ticket.to_string());
    let subject = match (row.what.as_str(), row.id) {
        ("ticket", None) => Subject::Ticket(ticket.clone()),
        ("comment", Some(id)) => Subject::Comment(CommentId::new(id)),
        ("file", Some(id)) => Subject::File(FileId::new(id)),
        (other, _) => {
            return Err(Error::new(ErrorKind::Malformed, "the search found something of an unknown sort")
                .with_context("ticket", ticket)
                .with_context("sort", other));
        }
    };
    Ok(Found { ticket, subject })
}

/// Whether a text that was read is the one that was written, whatever the desk made of its white space.
pub(crate) fn same_words(written: &str, read: &str) -> bool {
    written.split_whitespace().eq(read.split_whitespace())
}
