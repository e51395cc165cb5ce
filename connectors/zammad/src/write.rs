//! Writes: compared before, because Zammad takes no condition, and compared with what Zammad says it made of them.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use chrono::{SubsecRound, TimeDelta};
use serde_json::{Map, Value};
use throughline_sdk::{
    Changes, CommentId, Effect, Error, ErrorKind, Found, Intent, Marker, NewFile, NewTicket, Operation,
    RemoteId, Result, Subject, TookEffect,
};

use crate::api::{Api, number};
use crate::error::not_done;
use crate::wire::{Article, ArticleWrite, AttachmentWrite, Ticket};
use crate::{attribute, map, status};

/// Creates a ticket that bears the marker from its first moment, unless one bears it already.
pub(crate) async fn create(api: Api<'_>, new: &NewTicket, marker: &Marker) -> Result<Effect> {
    if let Some(made) = api.marked(marker).await?.first() {
        return Ok(changed(made));
    }
    // Zammad leaves out what it has no attribute for, and says nothing: another ticket shows what there is.
    let sample = api.newest_change().await?;
    if sample.as_ref().is_some_and(|sample| !attribute::is_there(sample, &api.config.marker_field)) {
        return Err(no_marker_field(api));
    }
    let wanted = Changes {
        title: Some(new.title.clone()),
        description: None,
        priority: new.priority.clone(),
        kind: new.kind.clone(),
        fields: new.fields.clone(),
    };
    let mut ticket = fill(sample.as_ref(), &wanted)?;
    if let Some(word) = &new.status {
        ticket.extend(to_state(api, word).await?);
    }
    if !ticket.contains_key(map::GROUP) {
        ticket.insert(map::GROUP.to_owned(), Value::from(api.config.group.as_str()));
    }
    ticket.insert("customer".to_owned(), Value::from(api.config.customer.as_str()));
    ticket.insert(api.config.marker_field.clone(), Value::from(marker.as_str()));
    let body = match new.description.is_empty() {
        true => "<p>&nbsp;</p>".to_owned(),
        false => map::write_text(&new.description),
    };
    let article = serde_json::to_value(note(None, body, false, marker)).map_err(|error| {
        Error::new(ErrorKind::Malformed, format!("the first article cannot be written: {error}"))
    })?;
    ticket.insert("article".to_owned(), article);
    let made = api.create(&ticket).await?;
    if map::raw(&made, &api.config.marker_field) == Some(marker.as_str()) {
        Ok(changed(&made))
    } else {
        Err(no_marker_field(api).with_context("ticket", made.id).with_unknown_effect())
    }
}

/// The tickets that bear a marker.
pub(crate) async fn find_created(api: Api<'_>, marker: &Marker) -> Result<Vec<Found>> {
    let found = api.marked(marker).await?;
    let ids = found.iter().map(|ticket| RemoteId::new(ticket.id.to_string()));
    Ok(ids.map(Found::made).collect())
}

/// Carries out an operation on a ticket that exists.
pub(crate) async fn into_ticket(api: Api<'_>, id: u64, intent: &Intent) -> Result<Effect> {
    match &intent.operation {
        Operation::Create(new) => create(api, new, &intent.marker).await,
        Operation::Update { changes } => {
            let before = expected(api, id, intent).await?;
            update(api, &before, changes).await
        }
        Operation::Transition { status } => {
            let before = expected(api, id, intent).await?;
            transition(api, &before, status).await
        }
        Operation::Comment { body, visibility } => {
            let internal = visibility.is_internal().map_err(|error| error.with_context("ticket", id))?;
            let note = note(Some(id), map::write_text(body), internal, &intent.marker);
            let made = api.add_article(id, &note).await?;
            as_asked(api, id, &made, internal).await?;
            Ok(Effect::of(Subject::Comment(CommentId::new(made.id.to_string()))))
        }
        Operation::Edit { .. } => {
            Err(Error::new(ErrorKind::Unsupported, "Zammad lets nobody change an article's text")
                .with_context("ticket", id))
        }
        Operation::Retract { comment } => retract(api, id, comment).await,
        Operation::Attach { name, media_type, size, digest, visibility } => {
            let visibility = *visibility;
            let file = NewFile { name, media_type, size: *size, digest, visibility };
            attach(api, id, file, &intent.marker).await
        }
        Operation::LinkBack(reference) => {
            let name = api.config.link_field.as_ref().ok_or_else(|| {
                Error::new(ErrorKind::Unsupported, "a counterpart is shown only where link_field is set")
            })?;
            link_back(api, id, name, &reference.line(api.config.link_chars)).await
        }
    }
}

/// The ticket, if it still is as the plan was made on. What changes between this reading and the write is overwritten.
async fn expected(api: Api<'_>, id: u64, intent: &Intent) -> Result<Ticket> {
    let ticket = api.ticket(id).await?;
    let stands = map::version(&ticket);
    intent.still_fits(Some(&stands)).map_err(|error| error.with_context("ticket", id))?;
    Ok(ticket)
}

async fn update(api: Api<'_>, before: &Ticket, changes: &Changes) -> Result<Effect> {
    let id = before.id;
    let write = fill(Some(before), changes).map_err(|error| error.with_context("ticket", id))?;
    let asked = not_in(changes, before);
    if asked.is_empty() {
        return Ok(changed(before));
    }
    let after = api.update(id, &write).await?;
    let refused = not_in(changes, &after);
    if refused.is_empty() {
        return Ok(changed(&after));
    }
    let effect = if refused.len() == asked.len() { TookEffect::No } else { TookEffect::Unknown };
    Err(not_done(&refused, effect).with_context("ticket", id))
}

async fn transition(api: Api<'_>, before: &Ticket, word: &str) -> Result<Effect> {
    let id = before.id;
    if before.state.as_deref() == Some(word) {
        return Ok(changed(before));
    }
    let write = to_state(api, word).await.map_err(|error| error.with_context("ticket", id))?;
    let after = api.update(id, &write).await?;
    if after.state.as_deref() == Some(word) {
        Ok(changed(&after))
    } else {
        Err(not_done(&[format!("the state {word}")], TookEffect::No).with_context("ticket", id))
    }
}

/// What brings a ticket to a status. One that is pending needs a time until when.
async fn to_state(api: Api<'_>, word: &str) -> Result<Map<String, Value>> {
    let states = api.states().await?;
    let settable = status::choices(&states).iter().any(|choice| choice.word == word);
    let state = states.iter().find(|state| state.name == word).filter(|_| settable).ok_or_else(|| {
        Error::new(
            ErrorKind::Rejected,
            format!("Zammad has no state {word:?} to bring a ticket to; see what describe lists"),
        )
    })?;
    let mut write = Map::from_iter([("state".to_owned(), Value::from(word))]);
    if state.pends() {
        let days = i64::try_from(api.config.pending_days).ok().and_then(TimeDelta::try_days);
        let until = days.and_then(|days| api.ctx.clock.now().trunc_subsecs(0).checked_add_signed(days));
        let until = until.ok_or_else(|| {
            Error::new(ErrorKind::Misconfigured, "pending_days leads beyond the end of the calendar")
        })?;
        let until = until.format("%Y-%m-%dT%H:%M:%S.000Z").to_string();
        write.insert("pending_time".to_owned(), Value::from(until));
    }
    Ok(write)
}

async fn retract(api: Api<'_>, id: u64, comment: &CommentId) -> Result<Effect> {
    let about =
        |error: Error| error.with_context("ticket", id).with_context("article", comment.as_str().to_owned());
    let wanted = number(comment.as_str(), "an article").map_err(about)?;
    let articles = api.articles(id).await?;
    let article = articles.iter().find(|one| one.id == wanted).ok_or_else(|| {
        about(Error::new(ErrorKind::NotFound, "the article is not in this ticket any more"))
    })?;
    if map::marker(article).is_none() {
        return Err(about(Error::new(ErrorKind::Rejected, "only articles that we wrote are taken back")));
    }
    match api.delete_article(wanted).await {
        Ok(()) => Ok(Effect::of(Subject::Comment(comment.clone()))),
        Err(error) if error.kind() == ErrorKind::Forbidden => {
            // Zammad deletes a note only for some minutes. Customers at least need not read on.
            api.hide_article(wanted).await.map_err(about)?;
            let words = format!(
                "Zammad does not delete the article, so that it was hidden from customers instead ({}); the setting \
                 ui_ticket_zoom_article_delete_timeframe says for how long it may be deleted",
                error.message()
            );
            Err(about(Error::new(ErrorKind::Rejected, words)))
        }
        Err(error) => Err(about(error)),
    }
}

async fn attach(api: Api<'_>, id: u64, file: NewFile<'_>, marker: &Marker) -> Result<Effect> {
    let about = |error: Error| error.with_context("ticket", id).with_context("file", file.name);
    let internal = file.visibility.is_internal().map_err(about)?;
    let bytes = api.ctx.blobs.read(file.digest).await?;
    let mut note = note(Some(id), map::write_name(file.name), internal, marker);
    note.attachments.push(AttachmentWrite {
        filename: file.name.to_owned(),
        data: BASE64_STANDARD.encode(&bytes),
        media_type: file.media_type.to_owned(),
    });
    let made = api.add_article(id, &note).await?;
    as_asked(api, id, &made, internal).await?;
    match made.attachments.first() {
        Some(kept) if kept.bytes().is_none_or(|size| size == file.size) => {
            Ok(Effect::of(Subject::File(map::file_id(made.id, kept.id))))
        }
        Some(_) => Err(about(not_done(&["the file's size".to_owned()], TookEffect::Unknown))),
        None => Err(about(not_done(&["the file".to_owned()], TookEffect::Unknown))),
    }
}

async fn link_back(api: Api<'_>, id: u64, name: &str, text: &str) -> Result<Effect> {
    let about = |error: Error| error.with_context("ticket", id).with_context("attribute", name.to_owned());
    let before = api.ticket(id).await?;
    if !attribute::is_there(&before, name) {
        let words = "Zammad has no ticket attribute of the name in link_field";
        return Err(about(Error::new(ErrorKind::Rejected, words)));
    }
    if map::raw(&before, name) == Some(text) {
        return Ok(changed(&before));
    }
    let write = Map::from_iter([(name.to_owned(), Value::from(text))]);
    let after = api.update(id, &write).await?;
    if map::raw(&after, name) == Some(text) {
        Ok(changed(&after))
    } else {
        Err(about(not_done(&[name.to_owned()], TookEffect::No)))
    }
}

/// Takes an article back that others see than were meant, or that could not be found again.
async fn as_asked(api: Api<'_>, id: u64, made: &Article, internal: bool) -> Result<()> {
    let seen_by_others = made.internal != Some(internal);
    if !seen_by_others && map::marker(made).is_some() {
        return Ok(());
    }
    api.delete_article(made.id)
        .await
        .map_err(|error| error.with_context("ticket", id).with_unknown_effect())?;
    let words = match (seen_by_others, internal) {
        (true, true) => "Zammad made the internal article public, so that it was deleted again",
        (true, false) => "Zammad made the public article internal, so that it was deleted again",
        (false, _) => "Zammad did not keep the marker of the article, so that it was deleted again",
    };
    Err(Error::new(ErrorKind::Rejected, words).with_context("ticket", id))
}

/// Writes changes by the names of attributes. What a ticket has no attribute for is refused here, before anything is sent.
fn fill(now: Option<&Ticket>, changes: &Changes) -> Result<Map<String, Value>> {
    if changes.description.is_some() {
        let words = "Zammad lets nobody change the article that a ticket was raised with";
        return Err(Error::new(ErrorKind::Rejected, words));
    }
    let or_null = |text: &str| if text.is_empty() { Value::Null } else { Value::from(text) };
    let mut write = Map::new();
    let standard = [("title", &changes.title), ("priority", &changes.priority), ("type", &changes.kind)];
    for (name, text) in standard {
        if let Some(text) = text {
            write.insert(name.to_owned(), or_null(text.trim()));
        }
    }
    for (name, text) in &changes.fields {
        let value = match (name.as_str(), now) {
            (map::OWNER, _) if text.is_empty() => Value::from(map::NOBODY),
            (map::OWNER | map::GROUP, _) => Value::from(text.as_str()),
            (_, None) => Value::from(text.as_str()),
            (_, Some(now)) if attribute::is_there(now, name) => {
                attribute::write(name, now.rest.get(name).unwrap_or(&Value::Null), text)?
            }
            (_, Some(_)) => {
                let words = "the ticket has no attribute of this name that we can write";
                return Err(Error::new(ErrorKind::Rejected, words).with_context("attribute", name));
            }
        };
        write.insert(name.clone(), value);
    }
    Ok(write)
}

/// Which of the asked changes a ticket does not show, by name.
fn not_in(changes: &Changes, ticket: &Ticket) -> Vec<String> {
    let title = ticket.title.as_deref().unwrap_or_default().trim();
    let word = |asked: &Option<String>, seen: &Option<String>| {
        asked.as_ref().is_some_and(|asked| asked.trim() != seen.as_deref().unwrap_or_default())
    };
    let standard = [
        ("title", changes.title.as_ref().is_some_and(|asked| asked.trim() != title)),
        ("priority", word(&changes.priority, &ticket.priority)),
        ("type", word(&changes.kind, &ticket.kind)),
    ];
    let standard = standard.into_iter().filter(|(_, differs)| *differs).map(|(name, _)| name.to_owned());
    let shown = map::values(ticket);
    let fields = changes.fields.iter().filter(|(name, asked)| {
        let now = ticket.rest.get(*name).unwrap_or(&Value::Null);
        // What was asked, in the words it is shown in.
        let asked = attribute::write(name, now, asked)
            .map_or_else(|_| (*asked).clone(), |value| attribute::read(&value));
        !attribute::same(&asked, shown.get(*name).map_or("", String::as_str))
    });
    standard.chain(fields.map(|(name, _)| name.clone())).collect()
}

/// A note, which is sent to nobody.
fn note(ticket_id: Option<u64>, body: String, internal: bool, marker: &Marker) -> ArticleWrite {
    ArticleWrite {
        ticket_id,
        body,
        content_type: "text/html",
        kind: "note",
        internal,
        preferences: map::marked(marker),
        attachments: Vec::new(),
    }
}

fn no_marker_field(api: Api<'_>) -> Error {
    Error::new(ErrorKind::Misconfigured, "Zammad has no ticket attribute of the name in marker_field")
        .with_context("attribute", &api.config.marker_field)
}

fn changed(ticket: &Ticket) -> Effect {
    Effect::of(Subject::Ticket(RemoteId::new(ticket.id.to_string())))
}
