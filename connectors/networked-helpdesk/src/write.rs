//! Writes: to the partner first, then onto our own desk, which knows from then on that the partner has it.

use bytes::Bytes;
use throughline_sdk::{
    CommentId, Effect, Error, ErrorKind, FileId, Intent, Marker, NewTicket, Operation, RemoteId, Result,
    Subject, TookEffect, Visibility,
};

use crate::connector::Both;
use crate::own::{self, Agreement};
use crate::wire::{Attachment, Comment, Push, moment};
use crate::{agreement, map, uuid};

/// Shares a ticket.
///
/// It is noted before it is sent: what the partner says of it meanwhile then has a place, and a second attempt knows
/// that the partner may have it.
pub(crate) async fn create(both: Both<'_>, new: &NewTicket, marker: &Marker) -> Result<Effect> {
    if new.priority.is_some() || new.kind.is_some() {
        let why = "the protocol has neither priorities nor types; let the agreement share none, or map one to a field";
        return Err(Error::new(ErrorKind::Rejected, why));
    }
    let name = uuid::of(marker);
    let there = both.own.with_uuid(&name).await?;
    if let Some(done) = there.as_ref().filter(|there| !there.offered) {
        return Ok(made(both, done, Vec::new()));
    }
    let standing = agreement::by_which_we_share(both).await?;
    let actor = map::actor(both.config);
    let now = moment(both.own.ctx.clock.now());
    let mut push = Push {
        uuid: name,
        subject: Some(new.title.clone()),
        requested_at: Some(now),
        status: Some(new.status.clone().unwrap_or_else(|| map::first(both.config))),
        requester: Some(actor.clone()),
        current_actor: Some(actor),
        ..Push::default()
    };
    map::set_fields(&mut push, &new.fields, standing.terms)?;
    let mut lost = Vec::new();
    if !new.description.is_empty() {
        let (comment, losses) = comment(both, &uuid::of_description(marker), &new.description, true);
        push.comments.push(comment);
        lost = losses;
    }
    let offered = match &there {
        Some(offered) => offered.clone(),
        None => both.own.offer(&standing.uuid, &push).await?,
    };
    let shared = match there {
        Some(_) => share_again(both, &standing, &push).await,
        None => both.partner.share(&standing.uuid, &push).await,
    };
    if let Err(error) = shared {
        if error.took_effect() == TookEffect::No
            && let Err(kept) = both.own.withdraw(&offered.id).await
        {
            tracing::info!(error = %kept, "An offer that the partner refused stays on our own desk, where nothing shows it.");
        }
        return Err(error);
    }
    let record = Push { uuid: push.uuid.clone(), ..Push::default() };
    let held = both.own.record(&offered.id, &record).await.map_err(Error::with_unknown_effect)?;
    Ok(made(both, &held, lost))
}

/// What may have been shared before is told as news, which makes nothing new; only where that is not known it is shared.
async fn share_again(both: Both<'_>, standing: &Agreement, push: &Push) -> Result<()> {
    match both.partner.update(&standing.uuid, push).await {
        Err(error)
            if error.took_effect() == TookEffect::No
                && matches!(
                    error.kind(),
                    ErrorKind::NotFound | ErrorKind::Rejected | ErrorKind::Unsupported | ErrorKind::Conflict
                ) =>
        {
            both.partner.share(&standing.uuid, push).await
        }
        outcome => outcome,
    }
}

/// Carries out an operation on a ticket that is shared.
pub(crate) async fn into_ticket(both: Both<'_>, id: &RemoteId, intent: &Intent) -> Result<Effect> {
    let held = both.own.ticket(id).await?;
    if held.offered {
        return Err(Error::new(ErrorKind::NotFound, "the partner has not taken this ticket yet"));
    }
    let mut push =
        Push { uuid: held.uuid.clone(), current_actor: Some(map::actor(both.config)), ..Push::default() };
    let (subject, lost) = match &intent.operation {
        Operation::Update { changes } => {
            expect(&held, intent)?;
            if changes.description.is_some() {
                let why =
                    "the protocol takes no change of a ticket's first comment, which is its description";
                return Err(Error::new(ErrorKind::Rejected, why));
            }
            if changes.priority.is_some() || changes.kind.is_some() {
                return Err(Error::new(ErrorKind::Rejected, "the protocol has neither priorities nor types"));
            }
            push.subject.clone_from(&changes.title);
            map::set_fields(&mut push, &changes.fields, held.agreement.terms)?;
            (Subject::Ticket(id.clone()), Vec::new())
        }
        Operation::Transition { status } => {
            expect(&held, intent)?;
            push.status = Some(status.clone());
            (Subject::Ticket(id.clone()), Vec::new())
        }
        Operation::Comment { body, visibility } => {
            let name = uuid::of(&intent.marker);
            let (public, demoted) = shown(&held, *visibility)?;
            let (comment, mut lost) = comment(both, &name, body, public);
            lost.extend(demoted);
            push.comments.push(comment);
            (Subject::Comment(CommentId::new(name)), lost)
        }
        Operation::Attach { name, media_type, digest, visibility, .. } => {
            let (public, demoted) = shown(&held, *visibility)?;
            agreement::in_force(&held.agreement)?;
            let file = File { name, media_type, bytes: both.own.ctx.blobs.read(digest).await?, public };
            push.comments.push(carried(both, &held, &intent.marker, file).await?);
            (Subject::File(FileId::new(uuid::of(&intent.marker))), demoted.into_iter().collect())
        }
        Operation::Create(_)
        | Operation::Edit { .. }
        | Operation::Retract { .. }
        | Operation::LinkBack { .. } => {
            return Err(Error::new(
                ErrorKind::Unsupported,
                "the protocol has no such change of a shared ticket",
            ));
        }
    };
    // What stands on our own desk, the partner has.
    let stands = |comment: &Comment| held.comments.iter().any(|there| there.uuid == comment.uuid);
    if push.comments.iter().any(stands) {
        return Ok(Effect { subject, read_back: Some(map::ticket(both.config, &held)), lost });
    }
    agreement::in_force(&held.agreement)?;
    both.partner.update(&held.agreement.uuid, &push).await?;
    let after = both.own.record(&held.id, &push).await.map_err(Error::with_unknown_effect)?;
    Ok(Effect { subject, read_back: Some(map::ticket(both.config, &after)), lost })
}

/// Refuses a change that was planned on another state.
fn expect(held: &own::Ticket, intent: &Intent) -> Result<()> {
    match &intent.expected {
        Some(expected) if expected.as_str() != held.version => {
            Err(Error::new(ErrorKind::Conflict, "the ticket has changed since the plan was made"))
        }
        Some(_) | None => Ok(()),
    }
}

/// Whether a comment or file of ours is public, and what is lost where the agreement allows no public ones.
fn shown(held: &own::Ticket, visibility: Visibility) -> Result<(bool, Option<String>)> {
    let agreement = &held.agreement;
    match visibility {
        Visibility::Internal => Ok((false, None)),
        Visibility::Public if agreement.sent || agreement.terms.allows_public_comments => Ok((true, None)),
        Visibility::Public => {
            let lost = "it is shown to the partner's staff only: the agreement lets us not comment publicly";
            Ok((false, Some(lost.to_owned())))
        }
        Visibility::Unknown => {
            Err(Error::new(ErrorKind::Rejected, "nothing is written whose visibility is unknown"))
        }
    }
}

fn comment(both: Both<'_>, name: &str, text: &str, public: bool) -> (Comment, Vec<String>) {
    let (body, html) = map::write_text(text);
    let comment = Comment {
        uuid: name.to_owned(),
        author: map::actor(both.config),
        body,
        html_body: html.text,
        authored_at: moment(both.own.ctx.clock.now()),
        public,
        attachments: Vec::new(),
    };
    (comment, html.lost.iter().map(ToString::to_string).collect())
}

struct File<'a> {
    name: &'a str,
    media_type: &'a str,
    bytes: Bytes,
    public: bool,
}

/// A comment that says nothing but a file's name and bears the file: the protocol attaches none otherwise.
async fn carried(both: Both<'_>, held: &own::Ticket, marker: &Marker, file: File<'_>) -> Result<Comment> {
    let name = uuid::of(marker);
    let File { name: called, media_type, bytes, public } = file;
    let url = both.own.lay_out(&held.id, &name, bytes).await?;
    Ok(Comment {
        uuid: name,
        author: map::actor(both.config),
        body: called.to_owned(),
        html_body: String::new(),
        authored_at: moment(both.own.ctx.clock.now()),
        public,
        attachments: vec![Attachment {
            url,
            filename: called.to_owned(),
            display_filename: called.to_owned(),
            content_type: media_type.to_owned(),
        }],
    })
}

fn made(both: Both<'_>, held: &own::Ticket, lost: Vec<String>) -> Effect {
    Effect {
        subject: Subject::Ticket(RemoteId::new(&held.id)),
        read_back: Some(map::ticket(both.config, held)),
        lost,
    }
}
