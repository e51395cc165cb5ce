//! Intents carried out: notes and states, each change under a name by which Partner Center tells a repetition.

use throughline_sdk::{
    Effect, Error, ErrorKind, Found, Intent, Marker, MarkerLine, Operation, RemoteId, Result, Subject,
    Timestamp, Visibility,
};

use crate::api::Api;
use crate::map;
use crate::marker::request_id;
use crate::wire::{NewNote, Patch, ServiceRequest};

/// Carries out one intent.
pub(crate) async fn apply(api: Api<'_>, intent: &Intent) -> Result<Effect> {
    match &intent.operation {
        Operation::Comment { body, visibility } => note(api, intent, body, *visibility).await,
        Operation::Transition { status } => transition(api, intent, status).await,
        Operation::Create(_) => Err(unsupported(
            "raising a request through the interface is not documented any more; raise it by hand",
        )),
        Operation::Update { .. } => Err(unsupported("of a request only notes and the status are changed")),
        Operation::Edit { .. } | Operation::Retract { .. } => Err(unsupported("notes are not changed")),
        Operation::Attach { .. } => Err(unsupported("it takes no files through the interface")),
        Operation::LinkBack { .. } => Err(unsupported("it shows no link to the counterpart")),
    }
}

/// The note that an earlier attempt of this intent left.
pub(crate) async fn find(api: Api<'_>, intent: &Intent) -> Result<Vec<Found>> {
    let (Operation::Comment { .. }, Some(ticket)) = (&intent.operation, &intent.ticket) else {
        return Ok(Vec::new());
    };
    let request = api.request(ticket.as_str()).await?;
    let found = written(&request, &intent.marker).map(|subject| Found { ticket: ticket.clone(), subject });
    Ok(found.into_iter().collect())
}

async fn note(api: Api<'_>, intent: &Intent, body: &str, visibility: Visibility) -> Result<Effect> {
    if visibility != Visibility::Public {
        return Err(unsupported(
            "it knows no internal notes: whatever is written there is read by Microsoft",
        ));
    }
    let id = existing(intent)?;
    let text = MarkerLine::BRACKETS.mark(body, &intent.marker);
    let patch = Patch { new_note: Some(NewNote { text: &text }), ..Patch::default() };
    let answer = api.patch(id.as_str(), &patch, &request_id(&intent.marker)).await?;
    if let Some(subject) = written(&answer, &intent.marker) {
        return Ok(Effect::of(subject));
    }
    // The answer may be without its notes, as lists are.
    let after = api.request(id.as_str()).await.map_err(Error::with_unknown_effect)?;
    let subject = written(&after, &intent.marker).ok_or_else(|| {
        Error::new(ErrorKind::Rejected, "Partner Center accepted the note and does not show it")
            .with_context("request", id)
    })?;
    Ok(Effect::of(subject))
}

/// Reads, compares with what the plan was made on, writes, and looks at what stands there afterwards.
async fn transition(api: Api<'_>, intent: &Intent, status: &str) -> Result<Effect> {
    let id = existing(intent)?;
    let wanted = map::status_to_write(status)?;
    let before = api.request(id.as_str()).await?;
    if intent.expected.as_ref().is_some_and(|expected| *expected != map::version(&before)) {
        let message = "the request changed since it was read; nothing was written";
        return Err(Error::new(ErrorKind::Conflict, message).with_context("request", id));
    }
    let done = || Effect::of(Subject::Ticket(id.clone()));
    if map::status(&before) == wanted {
        return Ok(done());
    }
    let patch = Patch { status: Some(wanted), ..Patch::default() };
    let after = api.patch(id.as_str(), &patch, &request_id(&intent.marker)).await?;
    if map::status(&after) == wanted {
        return Ok(done());
    }
    let message = "Partner Center accepted the change and left the status as it was";
    Err(Error::new(ErrorKind::Rejected, message)
        .with_context("request", id)
        .with_context("status now", map::status(&after)))
}

/// The note that bears a marker.
fn written(request: &ServiceRequest, marker: &Marker) -> Option<Subject> {
    let comments = map::comments(request.notes.as_deref().unwrap_or_default(), Timestamp::default());
    let comment = comments.into_iter().find(|comment| comment.marker.as_ref() == Some(marker))?;
    Some(Subject::Comment(comment.id))
}

fn existing(intent: &Intent) -> Result<&RemoteId> {
    intent.ticket.as_ref().ok_or_else(|| {
        Error::new(ErrorKind::Malformed, "the intent names no ticket").with_context("intent", &intent.id)
    })
}

fn unsupported(what: &str) -> Error {
    Error::new(ErrorKind::Unsupported, format!("Partner Center: {what}"))
}
