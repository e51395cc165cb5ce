//! Writes, each of them read back: GitLab answers with success also where it left out what our role may not set.

use throughline_sdk::http::multipart::{self, Part};
use throughline_sdk::{
    CommentId, Effect, Error, ErrorKind, FileId, Intent, Marker, MarkerLine, NewTicket, Operation, Reference,
    RemoteId, Result, Subject, Ticket, TookEffect, Visibility,
};

use crate::api::Api;
use crate::error::not_done;
use crate::uploads::{self, Upload};
use crate::wire::{Issue, IssueWrite, NewNote, Note};
use crate::{fill, map};

/// Creates an issue that bears the marker from its first moment.
///
/// Once the issue exists this does not fail any more: what GitLab left out of it shows in the ticket read back.
pub(crate) async fn create(api: Api<'_>, new: &NewTicket, marker: &Marker) -> Result<Effect> {
    let body = fill::create(new, marker, api.config)?;
    api.has_labels(&body.labels).await?;
    let created = api.create(&body).await?;
    let iid = created.iid;
    let read_back = finish(api, created, new.status.as_deref()).await.inspect_err(|error| {
        tracing::warn!(issue = iid, %error, "GitLab created an issue that lacks something we asked for.");
    });
    Ok(Effect::of(Subject::Ticket(RemoteId::new(iid.to_string()))).seen_in(read_back.ok()))
}

/// Carries out an operation on an issue that exists.
pub(crate) async fn into_issue(api: Api<'_>, iid: u64, intent: &Intent) -> Result<Effect> {
    let marker = &intent.marker;
    match &intent.operation {
        Operation::Create(new) => create(api, new, marker).await,
        Operation::Update { changes } => {
            let (issue, before) = expected(api, iid, intent).await?;
            let Some(write) = fill::update(&issue, changes, api.config)? else { return Ok(changed(before)) };
            let asked = map::not_in(changes, &before).len();
            let after = put(api, iid, &write).await?;
            let refused = map::not_in(changes, &after);
            if refused.is_empty() {
                return Ok(changed(after));
            }
            let effect = if refused.len() == asked { TookEffect::No } else { TookEffect::Unknown };
            Err(not_done(&refused, effect).with_context("issue", iid))
        }
        Operation::Transition { status } => {
            let (issue, before) = expected(api, iid, intent).await?;
            let Some(write) = fill::transition(&issue, status, api.config)? else {
                return Ok(changed(before));
            };
            let after = put(api, iid, &write).await?;
            if after.status == *status {
                return Ok(changed(after));
            }
            let effect = if after.status == before.status { TookEffect::No } else { TookEffect::Unknown };
            Err(not_done(&["status".to_owned()], effect)
                .with_context("issue", iid)
                .with_context("status now", &after.status))
        }
        Operation::Comment { body, visibility } => {
            let body = map::write_text(body, "", Some(marker));
            let (note, ticket) = say(api, iid, body, *visibility).await?;
            let held = ticket
                .comments
                .iter()
                .any(|comment| comment.id == note && comment.marker.as_ref() == Some(marker));
            if !held {
                return Err(not_kept(iid, &note));
            }
            Ok(Effect::of(Subject::Comment(note)).seen_in(ticket))
        }
        Operation::Edit { comment, body } => edit(api, iid, comment, body).await,
        Operation::Retract { comment } => retract(api, iid, comment).await,
        Operation::Attach { name, media_type, digest, visibility, .. } => {
            // Nothing is stored that cannot be attached afterwards.
            let internal = visibility.is_internal().map_err(|error| error.with_context("issue", iid))?;
            if internal {
                api.may_write_internal_notes().await.map_err(|error| error.with_context("issue", iid))?;
            }
            let bytes = api.ctx.blobs.read(digest).await?;
            let part =
                Part { name: "file", file_name: Some(name), media_type: Some(media_type), bytes: &bytes };
            let (form, form_type) = multipart::form(&[part], marker);
            let stored = api
                .upload(&form_type, form.into())
                .await
                .map_err(|error| error.with_context("issue", iid))?;
            attach(api, iid, name, &stored.url, *visibility, marker).await
        }
        Operation::LinkBack(reference) if api.config.link_note => {
            link_back(api, iid, reference, marker).await.map_err(|error| error.with_context("issue", iid))
        }
        Operation::LinkBack(_) => {
            let message = "a counterpart is shown only where link_note is set: an issue has no field for it";
            Err(Error::new(ErrorKind::Unsupported, message).with_context("issue", iid))
        }
    }
}

/// Shows the counterpart in one internal note, which is edited from then on. Where an answer was lost and a replica did
/// not know of the note yet there may be two: the first one stays.
async fn link_back(api: Api<'_>, iid: u64, reference: &Reference, marker: &Marker) -> Result<Effect> {
    let text = map::link_text(reference, marker);
    let told = Reference::of_line(&reference.line(usize::MAX));
    let (_, notes) = api.whole(iid).await?;
    let ours = notes.iter().filter(|note| map::link_of(note).is_some_and(|(_, of)| of == *marker));
    let mut ours = ours.map(|note| (note.id.to_string(), note));
    let stands = |ticket: &Ticket| ticket.references.contains(&told);
    match ours.next() {
        None => {
            say(api, iid, text, Visibility::Internal).await?;
        }
        Some((id, note)) if map::is_internal(note) == Some(true) => {
            let current = map::link_of(note).is_some_and(|(shown, _)| shown == told);
            if !current {
                api.edit_note(iid, &id, text).await?;
            }
        }
        // Whoever published it decided who reads it.
        Some(_) => {
            let message = "the note that shows the counterpart is not internal any more: delete it";
            return Err(Error::new(ErrorKind::Rejected, message));
        }
    }
    for (id, _) in ours {
        api.delete_note(iid, &id).await.map_err(Error::with_unknown_effect)?;
    }
    let after = read_back(api, iid).await?;
    if stands(&after) {
        return Ok(changed(after));
    }
    Err(not_done(&["the note that shows the counterpart".to_owned()], TookEffect::Unknown))
}

/// Links to a stored file from a note of its own.
async fn attach(
    api: Api<'_>,
    iid: u64,
    name: &str,
    address: &str,
    visibility: Visibility,
    marker: &Marker,
) -> Result<Effect> {
    let (secret, stored) = Upload::at(address).ok_or_else(|| {
        Error::new(ErrorKind::Malformed, "GitLab stored the file under an address that we cannot read")
            .with_context("issue", iid)
    })?;
    let upload = Upload { secret, stored, name: name.to_owned(), picture: false };
    let body = MarkerLine::COMMENT.mark(&uploads::link(name, &upload.address()), marker);
    let (note, ticket) = say(api, iid, body, visibility).await?;
    let id = FileId::new(upload.id());
    if !ticket.files.iter().any(|file| file.id == id && file.marker.as_ref() == Some(marker)) {
        return Err(not_kept(iid, &note));
    }
    Ok(Effect::of(Subject::File(id)).seen_in(ticket))
}

/// Adds a note with its visibility, and makes sure that it has it.
async fn say(api: Api<'_>, iid: u64, body: String, visibility: Visibility) -> Result<(CommentId, Ticket)> {
    let internal = visibility.is_internal().map_err(|error| error.with_context("issue", iid))?;
    if internal {
        api.may_write_internal_notes().await.map_err(|error| error.with_context("issue", iid))?;
    }
    let made: Note = api.add_note(iid, &NewNote { body, internal }).await?;
    let id = CommentId::new(made.id.to_string());
    if map::is_internal(&made) != Some(internal) {
        // Better nothing there than something that the wrong people read.
        api.delete_note(iid, id.as_str()).await.map_err(Error::with_unknown_effect)?;
        return Err(not_done(&["internal".to_owned()], TookEffect::No).with_context("issue", iid));
    }
    Ok((id, read_back(api, iid).await?))
}

async fn edit(api: Api<'_>, iid: u64, comment: &CommentId, body: &str) -> Result<Effect> {
    let gone = || {
        Error::new(ErrorKind::Rejected, "the note is no longer there")
            .with_context("issue", iid)
            .with_context("note", comment)
    };
    let (_, notes) = api.whole(iid).await?;
    let was = notes.iter().find(|note| note.id.to_string() == comment.as_str()).ok_or_else(gone)?;
    let old = was.body.as_deref().unwrap_or_default();
    let text = map::write_text(body, old, MarkerLine::COMMENT.split(old).1.as_ref());
    match api.edit_note(iid, comment.as_str(), text).await {
        Ok(()) => {}
        Err(error) if error.kind() == ErrorKind::NotFound => return Err(gone()),
        Err(error) => return Err(error),
    }
    let after = read_back(api, iid).await?;
    if shown(&after, comment).is_some_and(|one| map::same_text(body, &one.body)) {
        return Ok(Effect::of(Subject::Comment(comment.clone())).seen_in(after));
    }
    Err(not_done(&["the note".to_owned()], TookEffect::No)
        .with_context("issue", iid)
        .with_context("note", comment))
}

async fn retract(api: Api<'_>, iid: u64, comment: &CommentId) -> Result<Effect> {
    let before = read(api, iid).await?;
    let subject = Subject::Comment(comment.clone());
    if shown(&before, comment).is_none() {
        return Ok(Effect::of(subject).seen_in(before));
    }
    match api.delete_note(iid, comment.as_str()).await {
        Ok(()) => {}
        // Somebody else deleted it first.
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    let after = read_back(api, iid).await?;
    if shown(&after, comment).is_none() {
        return Ok(Effect::of(subject).seen_in(after));
    }
    Err(not_done(&["the note".to_owned()], TookEffect::No)
        .with_context("issue", iid)
        .with_context("note", comment))
}

fn shown<'t>(ticket: &'t Ticket, comment: &CommentId) -> Option<&'t throughline_sdk::Comment> {
    ticket.comments.iter().find(|one| one.id == *comment)
}

/// The issue, if it still is as the plan was made on. GitLab cannot check that in the write itself: what changes between
/// this read and the write is overwritten, except labels, which are added and removed one by one.
async fn expected(api: Api<'_>, iid: u64, intent: &Intent) -> Result<(Issue, Ticket)> {
    let (issue, notes) = api.whole(iid).await?;
    let ticket = map::ticket(&issue, &notes, api.config);
    intent.still_fits(ticket.version.as_ref()).map_err(|error| error.with_context("issue", iid))?;
    Ok((issue, ticket))
}

async fn put(api: Api<'_>, iid: u64, write: &IssueWrite) -> Result<Ticket> {
    api.has_labels(&write.add_labels).await.map_err(|error| error.with_context("issue", iid))?;
    api.put(iid, write).await?;
    read_back(api, iid).await
}

async fn finish(api: Api<'_>, issue: Issue, status: Option<&str>) -> Result<Ticket> {
    let mut write = match status.filter(|status| *status == map::CLOSED) {
        Some(status) => fill::transition(&issue, status, api.config)?.unwrap_or_default(),
        None => IssueWrite::default(),
    };
    // Guests may ask for confidential issues and get open ones.
    write.confidential =
        Some(api.config.confidential).filter(|asked| issue.confidential.unwrap_or_default() != *asked);
    if write != IssueWrite::default() {
        api.put(issue.iid, &write).await?;
    }
    read(api, issue.iid).await
}

async fn read(api: Api<'_>, iid: u64) -> Result<Ticket> {
    let (issue, notes) = api.whole(iid).await?;
    Ok(map::ticket(&issue, &notes, api.config))
}

/// The ticket after a write. If it cannot be read, the write may have been carried out all the same.
async fn read_back(api: Api<'_>, iid: u64) -> Result<Ticket> {
    read(api, iid).await.map_err(Error::with_unknown_effect)
}

fn not_kept(iid: u64, note: &CommentId) -> Error {
    Error::new(ErrorKind::Rejected, "GitLab took the note and does not show it as it was written")
        .with_unknown_effect()
        .with_context("issue", iid)
        .with_context("note", note)
}

fn changed(ticket: Ticket) -> Effect {
    Effect::of(Subject::Ticket(ticket.id.clone())).seen_in(ticket)
}
