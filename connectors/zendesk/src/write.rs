//! Writes: each answer shows the ticket as it is then, and is compared with what was asked.

use std::collections::BTreeMap;

use serde_json::Value;
use throughline_sdk::{
    Changes, CommentId, Effect, Error, ErrorKind, FileId, Found, Intent, Marker, NewFile, NewTicket,
    Operation, RemoteId, Result, Subject, TookEffect,
};

use crate::api::{Api, Created};
use crate::error::not_done;
use crate::map::{self, Purpose};
use crate::wire::{CommentWrite, CustomStatus, Event, Field, FieldValue, Ticket, TicketWrite, Written};
use crate::{fields, read, redact, status};

/// Creates a ticket that bears the marker as its external id and the key of its request.
///
/// The key lives two hours, and a doubt may live longer: the ticket is looked for first, so that after its key's life
/// an old attempt is found and not repeated.
pub(crate) async fn create(api: Api<'_>, new: &NewTicket, marker: &Marker) -> Result<Effect> {
    if let Some(effect) = made(api, marker).await? {
        return Ok(effect);
    }
    let wanted = Changes {
        title: Some(new.title.clone()),
        priority: new.priority.clone(),
        kind: new.kind.clone(),
        fields: new.fields.clone(),
        ..Changes::default()
    };
    let mut ticket = fill(api, &wanted).await?;
    ticket.comment = Some(CommentWrite {
        html_body: map::write_text(&new.description),
        public: true,
        uploads: Vec::new(),
    });
    if let Some(word) = &new.status {
        let target = status_target(api, word).await?;
        (ticket.status, ticket.custom_status_id) = (Some(target.category), target.own);
    }
    ticket.external_id = Some(marker.to_string());
    (ticket.brand_id, ticket.group_id, ticket.ticket_form_id) =
        (api.config.brand, api.config.group, api.config.form);
    match api.create(ticket, marker).await? {
        Created::Ticket(ticket) => Ok(created(&ticket)),
        // An earlier attempt used the key. What it made may be there by now.
        Created::KeyTaken => made(api, marker).await.map_err(Error::with_unknown_effect)?.ok_or_else(|| {
            Error::new(
                ErrorKind::Unavailable,
                "an earlier request to create this ticket still holds its key, and the ticket is not there yet",
            )
            .with_unknown_effect()
        }),
    }
}

/// The tickets that bear a marker.
pub(crate) async fn find_created(api: Api<'_>, marker: &Marker) -> Result<Vec<Found>> {
    let ids = api.marked(marker).await?.into_iter().map(|ticket| RemoteId::new(ticket.id.to_string()));
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
            let comment = CommentWrite {
                html_body: map::write_text(body),
                public: !visibility.is_internal().map_err(|error| error.with_context("ticket", id))?,
                uploads: Vec::new(),
            };
            let event = say(api, id, comment, &intent.marker, Purpose::Comment).await?;
            let made = event.id.ok_or_else(|| nameless(id))?;
            Ok(Effect::of(Subject::Comment(CommentId::new(made.to_string()))))
        }
        Operation::Edit { .. } => {
            Err(Error::new(ErrorKind::Unsupported, "Zendesk lets nobody change a comment")
                .with_context("ticket", id))
        }
        Operation::Retract { comment } => redact::comment(api, id, comment).await,
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

/// The ticket, if it still is as the plan was made on. The write that follows is on the condition that it did not change
/// since this reading; within one second only this comparison sees it.
async fn expected(api: Api<'_>, id: u64, intent: &Intent) -> Result<Ticket> {
    let ticket = api.ticket(id).await?.ticket;
    let stands = map::version(&ticket);
    intent.still_fits(Some(&stands)).map_err(|error| error.with_context("ticket", id))?;
    Ok(ticket)
}

async fn update(api: Api<'_>, before: &Ticket, changes: &Changes) -> Result<Effect> {
    let id = before.id;
    if let Some(description) = &changes.description {
        let parts = read::parts(api, id).await?;
        if map::ticket(&parts, api.config).description != *description {
            return Err(Error::new(
                ErrorKind::Rejected,
                "a ticket's description is its first comment, which Zendesk lets nobody change",
            )
            .with_context("ticket", id));
        }
    }
    let write = fill(api, changes).await.map_err(|error| error.with_context("ticket", id))?;
    if write == TicketWrite::default() {
        return Ok(changed(before));
    }
    let known = if write.custom_fields.is_empty() { Vec::new() } else { api.fields().await? };
    let asked = not_in(changes, before, &known);
    if asked.is_empty() {
        return Ok(changed(before));
    }
    let after = api.update(id, on_condition(write, before)).await?.ticket;
    let refused = not_in(changes, &after, &known);
    if refused.is_empty() {
        return Ok(changed(&after));
    }
    let effect = if refused.len() == asked.len() { TookEffect::No } else { TookEffect::Unknown };
    Err(not_done(&refused, effect).with_context("ticket", id))
}

async fn transition(api: Api<'_>, before: &Ticket, word: &str) -> Result<Effect> {
    let id = before.id;
    let known = statuses_for(api, word, before).await?;
    if status::word(before, &known) == word {
        return Ok(changed(before));
    }
    let target = status::target(word, &known).map_err(|error| error.with_context("ticket", id))?;
    let write =
        TicketWrite { status: Some(target.category), custom_status_id: target.own, ..TicketWrite::default() };
    let after = api.update(id, on_condition(write, before)).await?.ticket;
    if status::word(&after, &known) == word {
        Ok(changed(&after))
    } else {
        Err(not_done(&[format!("the status {word}")], TookEffect::No).with_context("ticket", id))
    }
}

async fn attach(api: Api<'_>, id: u64, file: NewFile<'_>, marker: &Marker) -> Result<Effect> {
    let about = |error: Error| error.with_context("ticket", id).with_context("file", file.name);
    let public = !file.visibility.is_internal().map_err(about)?;
    let bytes = api.ctx.blobs.read(file.digest).await?;
    let token = api.upload(file.name, file.media_type, bytes).await.map_err(about)?;
    // Zendesk takes no comment without a text.
    let comment = CommentWrite { html_body: map::write_name(file.name), public, uploads: vec![token] };
    let event = say(api, id, comment, marker, Purpose::File).await?;
    match event.attachments.first() {
        Some(made) if made.size == file.size => {
            Ok(Effect::of(Subject::File(FileId::new(made.id.to_string()))))
        }
        Some(_) => Err(about(not_done(&["the file's size".to_owned()], TookEffect::Unknown))),
        None => Err(about(not_done(&["the file".to_owned()], TookEffect::Unknown))),
    }
}

/// Adds a comment and gives it as Zendesk's answer tells it.
async fn say(
    api: Api<'_>,
    id: u64,
    comment: CommentWrite,
    marker: &Marker,
    purpose: Purpose,
) -> Result<Event> {
    let public = comment.public;
    let metadata =
        BTreeMap::from([(map::MARKER, marker.to_string()), (map::PURPOSE, purpose.word().to_owned())]);
    let write = TicketWrite { comment: Some(comment), metadata, ..TicketWrite::default() };
    let Written { audit, .. } = api.update(id, write).await?;
    let said = audit.and_then(|audit| audit.events.into_iter().find(|event| event.kind == "Comment"));
    let said =
        said.ok_or_else(|| not_done(&["the comment".to_owned()], TookEffect::No).with_context("ticket", id))?;
    if said.public == Some(public) {
        return Ok(said);
    }
    let about = |error: Error| error.with_context("ticket", id);
    if public {
        // What only staff may read stays; it tells nobody outside anything.
        let words = "Zendesk made an internal note of the public comment; give our account's role the right to comment publicly";
        return Err(about(Error::new(ErrorKind::Rejected, words)));
    }
    let made = said.id.ok_or_else(|| nameless(id))?;
    tracing::error!(
        ticket = id,
        comment = made,
        "Zendesk published an internal comment, which is made private now."
    );
    api.make_private(id, made).await.map_err(|error| about(error).with_unknown_effect())?;
    Ok(said)
}

async fn link_back(api: Api<'_>, id: u64, name: &str, text: &str) -> Result<Effect> {
    let about = |error: Error| error.with_context("ticket", id).with_context("field", name.to_owned());
    let known = api.fields().await?;
    let field = fields::by_name(&known).get(name).map(|field| field.id).ok_or_else(|| {
        about(Error::new(
            ErrorKind::Rejected,
            "the account has no custom ticket field of the name in link_field",
        ))
    })?;
    let stands = |ticket: &Ticket| {
        let value = ticket.custom_fields.iter().find(|value| value.id == field);
        value.and_then(|value| value.value.as_str()) == Some(text)
    };
    let before = api.ticket(id).await?.ticket;
    if stands(&before) {
        return Ok(changed(&before));
    }
    let value = FieldValue { id: field, value: Value::from(text) };
    let write = TicketWrite { custom_fields: vec![value], ..TicketWrite::default() };
    let after = api.update(id, write).await?.ticket;
    if stands(&after) {
        Ok(changed(&after))
    } else {
        Err(about(not_done(&[name.to_owned()], TookEffect::No)))
    }
}

/// Writes changes in Zendesk's own words. A word it does not know is refused here, before anything is sent.
async fn fill(api: Api<'_>, changes: &Changes) -> Result<TicketWrite> {
    let word = |what: &str, word: &str, is_known: bool| {
        let unknown = || format!("Zendesk has no {what} {word:?}; see what describe lists");
        is_known.then(|| word.to_owned()).ok_or_else(|| Error::new(ErrorKind::Rejected, unknown()))
    };
    let mut write = TicketWrite {
        subject: changes.title.as_ref().map(|title| map::harmless(title.trim())),
        ..TicketWrite::default()
    };
    if let Some(priority) = &changes.priority {
        let is_known = map::PRIORITIES.iter().any(|(known, _)| known == priority);
        write.priority = Some(word("priority", priority, is_known)?);
    }
    if let Some(kind) = &changes.kind {
        write.kind = Some(word("type", kind, map::KINDS.contains(&kind.as_str()))?);
    }
    if changes.fields.is_empty() {
        return Ok(write);
    }
    let known = api.fields().await?;
    let named = fields::by_name(&known);
    for (name, text) in &changes.fields {
        match named.get(name) {
            Some(field) => {
                let value = fields::write(name, field, text)?;
                write.custom_fields.push(FieldValue { id: field.id, value });
            }
            None if name == map::DUE_DATE => {
                let date = Some(text.trim()).filter(|date| !date.is_empty());
                write.due_at = Some(date.map_or(Value::Null, Value::from));
            }
            None => {
                let words = "the ticket has no field of this name that we can write";
                return Err(Error::new(ErrorKind::Rejected, words).with_context("field", name));
            }
        }
    }
    Ok(write)
}

/// Which of the asked changes a ticket does not show, by name.
fn not_in(changes: &Changes, ticket: &Ticket, known: &[Field]) -> Vec<String> {
    let shown = fields::values(known, &ticket.custom_fields);
    let title = map::harmful_again(ticket.subject.as_deref().unwrap_or_default());
    let word = |asked: &Option<String>, seen: &Option<String>| asked.is_some() && asked != seen;
    let standard = [
        ("title", changes.title.as_ref().is_some_and(|asked| asked.trim() != title.trim())),
        ("priority", word(&changes.priority, &ticket.priority)),
        ("type", word(&changes.kind, &ticket.kind)),
    ];
    let standard = standard.into_iter().filter(|(_, differs)| *differs).map(|(name, _)| name.to_owned());
    let named = fields::by_name(known);
    let custom = changes.fields.iter().filter(|(name, asked)| match named.get(*name) {
        Some(field) => {
            // What was asked, in the words it is shown in.
            let asked = fields::write(name, field, asked).map(|value| fields::read(field, &value));
            let seen = shown.get(*name).map_or("", String::as_str);
            !asked.is_ok_and(|asked| fields::same(&asked, seen))
        }
        None => !same_time(asked, ticket.due_at.as_deref().unwrap_or_default()),
    });
    standard.chain(custom.map(|(name, _)| name.clone())).collect()
}

fn same_time(asked: &str, seen: &str) -> bool {
    let time = |text: &str| chrono::DateTime::parse_from_rfc3339(text.trim()).ok();
    asked.trim() == seen.trim() || time(asked).is_some_and(|asked| time(seen) == Some(asked))
}

/// The same write, refused if the ticket changed since it was read.
fn on_condition(write: TicketWrite, before: &Ticket) -> TicketWrite {
    TicketWrite { safe_update: Some(true), updated_stamp: Some(map::stamp(before)), ..write }
}

/// The account's own statuses, where telling or setting a status needs them.
async fn statuses_for(api: Api<'_>, word: &str, ticket: &Ticket) -> Result<Vec<CustomStatus>> {
    if status::is_category(word) && ticket.custom_status_id.is_none() {
        return Ok(Vec::new());
    }
    api.custom_statuses().await
}

async fn status_target(api: Api<'_>, word: &str) -> Result<status::Target> {
    let known = if status::is_category(word) { Vec::new() } else { api.custom_statuses().await? };
    status::target(word, &known)
}

/// What an earlier attempt to create made.
async fn made(api: Api<'_>, marker: &Marker) -> Result<Option<Effect>> {
    Ok(api.marked(marker).await?.first().map(created))
}

fn created(ticket: &Ticket) -> Effect {
    changed(ticket)
}

fn changed(ticket: &Ticket) -> Effect {
    Effect::of(Subject::Ticket(RemoteId::new(ticket.id.to_string())))
}

fn nameless(id: u64) -> Error {
    Error::new(ErrorKind::Malformed, "Zendesk made a comment and did not say which")
        .with_unknown_effect()
        .with_context("ticket", id)
}
