//! Intents carried out: one mail each, at most once.
//!
//! The mail is kept as a draft among those sent, then sent, then no draft any more. What is still a draft may have been
//! sent or not: nobody but a person can tell, who asks the partner.

use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use throughline_sdk::{
    CommentId, Ctx, Effect, Error, ErrorKind, Found, Intent, Operation, RemoteId, Result, Subject,
    TookEffect, Visibility,
};

use crate::compose::{self, Draft, Outgoing};
use crate::config::Config;
use crate::connector::{OPEN, file_id, not_found, within};
use crate::imap::{Held, Session, header};
use crate::letter::Letter;
use crate::{gather, smtp, thread};

/// What a mail says that only brings a file.
const A_FILE: &str = "Attached file:";

/// Carries out one intent.
pub(crate) async fn apply(config: &Config, ctx: &Ctx, intent: &Intent) -> Result<Effect> {
    refuse_unsupported(&intent.operation)?;
    let committed = AtomicBool::new(false);
    let done = within(ctx, carry_out(config, ctx, intent, &committed)).await;
    done.map_err(|error| {
        // The deadline knows nothing of how far it came.
        let late = error.kind() == ErrorKind::Unavailable && committed.load(Ordering::SeqCst);
        if late { error.with_unknown_effect() } else { error }
    })
}

async fn carry_out(config: &Config, ctx: &Ctx, intent: &Intent, committed: &AtomicBool) -> Result<Effect> {
    let file = match &intent.operation {
        Operation::Attach { name, media_type, size, digest, .. } => {
            if *size > config.max_file_bytes {
                let message = "the file is larger than max_file_bytes; nothing was sent";
                return Err(Error::new(ErrorKind::Rejected, message).with_context("bytes", size));
            }
            Some((name.as_str(), media_type.as_str(), ctx.blobs.read(digest).await?))
        }
        Operation::Create(_)
        | Operation::Comment { .. }
        | Operation::Update { .. }
        | Operation::Transition { .. }
        | Operation::Edit { .. }
        | Operation::Retract { .. }
        | Operation::LinkBack { .. } => None,
    };
    let mut session = Session::open(config, ctx).await?;
    let mail = compose(config, ctx, &mut session, intent, file).await?;
    let effect = Effect::of(subject(intent, &mail.id, &mail.bytes));
    session.enter(&config.sent, true).await?;
    for held in ours(&mut session, &mail.id).await? {
        if !held.is_draft {
            // Somebody asked for it again, and it is sent already.
            session.close().await;
            return Ok(effect);
        }
        session.remove(held.uid).await?;
    }
    session.keep(&config.sent, &mail.bytes).await?;
    if let Err(error) = Box::pin(smtp::send(config, ctx, &mail, committed)).await {
        if error.took_effect() == TookEffect::No {
            committed.store(false, Ordering::SeqCst);
            // What was refused is no doubt; a draft that stays all the same is ignored.
            if let Err(error) = discard(&mut session, &mail.id).await {
                tracing::warn!(%error, "the draft of a mail that was not sent could not be removed");
            }
        }
        return Err(error);
    }
    settle(&mut session, &mail.id).await.map_err(|error| {
        let message = format!("the mail was sent, and cannot be marked as sent: {}", error.message());
        Error::new(ErrorKind::Unavailable, message).with_unknown_effect()
    })?;
    session.close().await;
    Ok(effect)
}

/// Writes the mail of an intent; for a thread, in answer to its latest mail.
async fn compose(
    config: &Config,
    ctx: &Ctx,
    session: &mut Session,
    intent: &Intent,
    file: Option<(&str, &str, Bytes)>,
) -> Result<Outgoing> {
    let now = ctx.clock.now();
    let marker = &intent.marker;
    if let Operation::Create(ticket) = &intent.operation {
        if ticket.status.as_ref().is_some_and(|status| status != OPEN) {
            let message = "a mailbox knows no status but Open; nothing was sent";
            return Err(Error::new(ErrorKind::Rejected, message));
        }
        let (title, text) = (ticket.title.as_str(), ticket.description.as_str());
        return compose::write(config, &Draft { marker, root: None, answers: None, title, text, file, now });
    }
    let id = intent.ticket.as_ref().ok_or_else(|| {
        Error::new(ErrorKind::Malformed, "the intent names no ticket").with_context("intent", &intent.id)
    })?;
    let members = gather::thread(config, session, id.as_str()).await?;
    let (Some(root), Some(latest)) = (members.first(), members.last()) else { return Err(not_found(id)) };
    let title = thread::title(&root.held.letter.subject);
    let text = match (&intent.operation, &file) {
        (Operation::Comment { body, .. }, _) => body.clone(),
        (_, Some((name, _, _))) => format!("{A_FILE} {name}"),
        (_, None) => String::new(),
    };
    let answers = Some(latest.held.letter.id.as_str());
    let root = Some(id.as_str());
    compose::write(config, &Draft { marker, root, answers, title: &title, text: &text, file, now })
}

/// What an earlier attempt certainly sent. A draft proves nothing.
pub(crate) async fn find(config: &Config, ctx: &Ctx, intent: &Intent) -> Result<Vec<Found>> {
    let id = compose::id_of(config, &intent.marker);
    let mut session = Session::open(config, ctx).await?;
    session.enter(&config.sent, false).await?;
    let sent = ours(&mut session, &id).await?.into_iter().find(|held| !held.is_draft);
    let Some(sent) = sent else {
        session.close().await;
        return Ok(Vec::new());
    };
    let raw = match &intent.operation {
        Operation::Attach { .. } => {
            session.read(sent.uid, config.max_mail_bytes()).await?.unwrap_or_default()
        }
        Operation::Create(_)
        | Operation::Comment { .. }
        | Operation::Update { .. }
        | Operation::Transition { .. }
        | Operation::Edit { .. }
        | Operation::Retract { .. }
        | Operation::LinkBack { .. } => Bytes::new(),
    };
    session.close().await;
    let ticket = intent.ticket.clone().unwrap_or_else(|| RemoteId::new(id.clone()));
    Ok(vec![Found { ticket, subject: subject(intent, &id, &raw) }])
}

fn subject(intent: &Intent, id: &str, raw: &[u8]) -> Subject {
    match &intent.operation {
        Operation::Create(_) => Subject::Ticket(RemoteId::new(id)),
        Operation::Attach { .. } => {
            let part = Letter::read(raw).files.first().map(|file| file.part).unwrap_or_default();
            Subject::File(file_id(id, part))
        }
        Operation::Comment { .. }
        | Operation::Update { .. }
        | Operation::Transition { .. }
        | Operation::Edit { .. }
        | Operation::Retract { .. }
        | Operation::LinkBack { .. } => Subject::Comment(CommentId::new(id)),
    }
}

/// The mails with this id in the folder that the session is in.
async fn ours(session: &mut Session, id: &str) -> Result<Vec<Held>> {
    let found = session.search(&header("Message-ID", id)).await?;
    let mut held = session.heads(&found).await?;
    held.retain(|held| held.letter.id == id);
    Ok(held)
}

async fn discard(session: &mut Session, id: &str) -> Result<()> {
    for held in ours(session, id).await? {
        session.remove(held.uid).await?;
    }
    Ok(())
}

/// The draft was sent. Where the server keeps what it sends by itself, its own copy is as good.
async fn settle(session: &mut Session, id: &str) -> Result<()> {
    for held in ours(session, id).await?.into_iter().filter(|held| held.is_draft) {
        session.mark(held.uid, "-FLAGS (\\Draft)").await?;
    }
    match ours(session, id).await?.iter().any(|held| !held.is_draft) {
        true => Ok(()),
        false => Err(Error::new(ErrorKind::Unavailable, "it is not among the mails sent")),
    }
}

fn refuse_unsupported(operation: &Operation) -> Result<()> {
    let unsupported = |message: &str| Err(Error::new(ErrorKind::Unsupported, message));
    match operation {
        Operation::Comment { visibility: Visibility::Public, .. }
        | Operation::Attach { visibility: Visibility::Public, .. }
        | Operation::Create(_) => Ok(()),
        Operation::Comment { .. } | Operation::Attach { .. } => {
            unsupported("whatever is mailed is read by the partner: only what is public is sent")
        }
        Operation::Update { .. } | Operation::Transition { .. } => {
            unsupported("a mailbox has neither statuses nor fields")
        }
        Operation::Edit { .. } | Operation::Retract { .. } => {
            unsupported("a mail that was sent is out of reach")
        }
        Operation::LinkBack { .. } => unsupported("a mailbox shows no link to the counterpart"),
    }
}
