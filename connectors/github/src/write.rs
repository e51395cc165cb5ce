//! Writes, each of them read back: GitHub answers with success also where it left out what our role may not set.

use throughline_sdk::{
    CommentId, Effect, Error, ErrorKind, Intent, Marker, MarkerLine, NewTicket, Operation, RemoteId, Result,
    Subject, Ticket, TookEffect, Visibility,
};

use crate::api::Api;
use crate::error::not_done;
use crate::map;
use crate::steps::{self, Step};
use crate::wire::Issue;

/// Creates an issue that bears the marker from its first moment.
///
/// Once the issue exists this does not fail any more: what GitHub left out of it shows in the ticket read back.
pub(crate) async fn create(api: Api<'_>, new: &NewTicket, marker: &Marker) -> Result<Effect> {
    let body = steps::create(new, marker, api.config)?;
    for label in &body.labels {
        api.has_label(label).await?;
    }
    let created = api.create(&body).await?;
    let number = created.number;
    let closing = new.status.as_deref().filter(|status| map::closing_reason(status).is_some());
    let read_back = finish(api, created, closing).await;
    let read_back = read_back.inspect_err(|error| {
        tracing::warn!(issue = number, %error, "GitHub created an issue that lacks something we asked for.");
    });
    Ok(Effect::of(Subject::Ticket(RemoteId::new(number.to_string()))).seen_in(read_back.ok()))
}

/// Carries out an operation on an issue that exists.
pub(crate) async fn into_issue(api: Api<'_>, number: u64, intent: &Intent) -> Result<Effect> {
    match &intent.operation {
        Operation::Create(new) => create(api, new, &intent.marker).await,
        Operation::Update { changes } => {
            let (issue, before) = expected(api, number, intent).await?;
            let asked = map::not_in(changes, &before);
            let steps = steps::update(&issue, changes, api.config)?;
            if steps.is_empty() {
                return Ok(changed(before));
            }
            carry_out(api, number, &steps).await?;
            let after = read_back(api, number).await?;
            let refused = map::not_in(changes, &after);
            if refused.is_empty() {
                return Ok(changed(after));
            }
            let effect = if refused.len() == asked.len() { TookEffect::No } else { TookEffect::Unknown };
            Err(not_done(&refused, effect).with_context("issue", number))
        }
        Operation::Transition { status } => {
            let (issue, before) = expected(api, number, intent).await?;
            let steps = steps::transition(&issue, status, api.config)?;
            if steps.is_empty() {
                return Ok(changed(before));
            }
            carry_out(api, number, &steps).await?;
            let after = read_back(api, number).await?;
            if after.status == *status {
                return Ok(changed(after));
            }
            let effect = if after.status == before.status { TookEffect::No } else { TookEffect::Unknown };
            Err(not_done(&["status".to_owned()], effect)
                .with_context("issue", number)
                .with_context("status now", &after.status))
        }
        Operation::Comment { body, visibility } => {
            comment(api, number, body, *visibility, &intent.marker).await
        }
        Operation::Edit { comment, body } => edit(api, number, comment, body).await,
        Operation::Retract { comment } => retract(api, number, comment).await,
        Operation::Attach { .. } => Err(unsupported("GitHub's interface takes no files for issues", number)),
        Operation::LinkBack { .. } => {
            Err(unsupported("an issue has no place to show a counterpart's number", number))
        }
    }
}

async fn comment(
    api: Api<'_>,
    number: u64,
    body: &str,
    visibility: Visibility,
    marker: &Marker,
) -> Result<Effect> {
    if visibility != Visibility::Public {
        let message = "whoever sees a GitHub issue sees its comments, so only public ones are written";
        return Err(unsupported(message, number));
    }
    let made = api.comment(number, map::write_text(body, Some(marker))).await?;
    let id = CommentId::new(made.id.to_string());
    let ticket = read_back(api, number).await?;
    let held = ticket.comments.iter().find(|comment| comment.id == id);
    if held.is_none_or(|held| held.marker.as_ref() != Some(marker)) {
        let message = "GitHub took the comment and does not show it as it was written";
        return Err(Error::new(ErrorKind::Rejected, message)
            .with_unknown_effect()
            .with_context("issue", number)
            .with_context("comment", id));
    }
    Ok(Effect::of(Subject::Comment(id)).seen_in(ticket))
}

async fn edit(api: Api<'_>, number: u64, comment: &CommentId, body: &str) -> Result<Effect> {
    let gone = || {
        Error::new(ErrorKind::Rejected, "the comment is no longer there")
            .with_context("issue", number)
            .with_context("comment", comment)
    };
    let before = read(api, number).await?;
    let was = shown(&before, comment).ok_or_else(gone)?;
    let text = map::write_text(body, was.marker.as_ref());
    match api.edit_comment(comment, text).await {
        Ok(()) => {}
        Err(error) if error.kind() == ErrorKind::NotFound => return Err(gone()),
        Err(error) => return Err(error.with_context("issue", number)),
    }
    let after = read_back(api, number).await?;
    if shown(&after, comment).is_some_and(|one| map::same_text(body, &one.body)) {
        return Ok(Effect::of(Subject::Comment(comment.clone())).seen_in(after));
    }
    Err(not_done(&["the comment".to_owned()], TookEffect::No)
        .with_context("issue", number)
        .with_context("comment", comment))
}

async fn retract(api: Api<'_>, number: u64, comment: &CommentId) -> Result<Effect> {
    let before = read(api, number).await?;
    let subject = Subject::Comment(comment.clone());
    if shown(&before, comment).is_none() {
        return Ok(Effect::of(subject).seen_in(before));
    }
    match api.delete_comment(comment).await {
        Ok(()) => {}
        // Somebody else deleted it first.
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => return Err(error.with_context("issue", number)),
    }
    let after = read_back(api, number).await?;
    if shown(&after, comment).is_none() {
        return Ok(Effect::of(subject).seen_in(after));
    }
    Err(not_done(&["the comment".to_owned()], TookEffect::No)
        .with_context("issue", number)
        .with_context("comment", comment))
}

fn shown<'t>(ticket: &'t Ticket, comment: &CommentId) -> Option<&'t throughline_sdk::Comment> {
    ticket.comments.iter().find(|one| one.id == *comment)
}

/// The issue, if it still is as the plan was made on. GitHub cannot check that in the write itself: what changes between
/// this read and the write is overwritten, except labels and assignees, which are added and removed one by one.
async fn expected(api: Api<'_>, number: u64, intent: &Intent) -> Result<(Issue, Ticket)> {
    let (issue, comments) = api.whole(number).await?;
    let ticket = map::ticket(&issue, &comments, api.config);
    intent.still_fits(ticket.version.as_ref()).map_err(|error| error.with_context("issue", number))?;
    Ok((issue, ticket))
}

/// Carries out steps in their order. After the first one, whatever fails leaves a part done.
async fn carry_out(api: Api<'_>, number: u64, steps: &[Step]) -> Result<()> {
    for label in steps::added(steps) {
        api.has_label(&label).await.map_err(|error| error.with_context("issue", number))?;
    }
    for (done, step) in steps.iter().enumerate() {
        api.step(number, step)
            .await
            .map_err(|error| if done == 0 { error } else { error.with_unknown_effect() })?;
    }
    Ok(())
}

async fn finish(api: Api<'_>, issue: Issue, closing: Option<&str>) -> Result<Ticket> {
    if let Some(status) = closing {
        carry_out(api, issue.number, &steps::transition(&issue, status, api.config)?).await?;
    }
    read(api, issue.number).await
}

async fn read(api: Api<'_>, number: u64) -> Result<Ticket> {
    let (issue, comments) = api.whole(number).await?;
    Ok(map::ticket(&issue, &comments, api.config))
}

/// The ticket after a write. If it cannot be read, the write may have been carried out all the same.
async fn read_back(api: Api<'_>, number: u64) -> Result<Ticket> {
    read(api, number).await.map_err(Error::with_unknown_effect)
}

fn changed(ticket: Ticket) -> Effect {
    Effect::of(Subject::Ticket(ticket.id.clone())).seen_in(ticket)
}

fn unsupported(message: &str, number: u64) -> Error {
    Error::new(ErrorKind::Unsupported, message).with_context("issue", number)
}

/// The marker of an issue's raw text.
pub(crate) fn marker_of(issue: &Issue) -> Option<Marker> {
    MarkerLine::COMMENT.split(issue.body.as_deref().unwrap_or_default()).1
}
