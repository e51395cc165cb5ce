//! Writes: compared before, because Freshdesk takes no condition, and read back after.

use std::collections::BTreeMap;

use serde_json::Value;
use throughline_sdk::{
    Changes, CommentId, Effect, Error, ErrorKind, FileId, Found, Intent, Marker, NewFile, NewTicket,
    Operation, RemoteId, Result, Subject, TookEffect,
};

use crate::api::{Api, number};
use crate::error::not_done;
use crate::fields::Form;
use crate::wire::{Conversation, NoteWrite, Ticket, TicketWrite};
use crate::{map, marker};

/// What a ticket comes from that an API makes: the portal.
const PORTAL: u64 = 2;

/// Creates a ticket that bears the marker from its first moment.
pub(crate) async fn create(api: Api<'_>, new: &NewTicket, marker: &Marker) -> Result<Effect> {
    let form = api.form().await?;
    let wanted = Changes {
        title: Some(new.title.clone()),
        description: Some(new.description.clone()),
        priority: new.priority.clone(),
        kind: new.kind.clone(),
        fields: new.fields.clone(),
    };
    let mut ticket = fill(&form, &wanted)?;
    ticket.custom_fields.insert(marker_name(api, &form)?, Value::from(marker.as_str()));
    if ticket.description.as_deref().is_none_or(str::is_empty) {
        // Freshdesk takes no ticket without a description.
        ticket.description = Some("<p>&nbsp;</p>".to_owned());
    }
    ticket.status = new.status.as_deref().map(|status| form.status_number(status)).transpose()?.or(Some(2));
    ticket.priority = ticket.priority.or(Some(1));
    ticket.source = Some(PORTAL);
    ticket.email = Some(api.config.requester.clone());
    ticket.product_id = api.config.product;
    if ticket.group_id.is_none() {
        ticket.group_id = api.config.group.map(Value::from);
    }
    Ok(changed(&api.create(&ticket).await?))
}

/// The tickets that bear a marker: among our newest, which a list shows at once, and by the search, which lags.
pub(crate) async fn find_created(api: Api<'_>, marker: &Marker) -> Result<Vec<Found>> {
    let name = marker_name(api, &api.form().await?)?;
    let mut rows = api.newest_of_ours().await?;
    rows.extend(api.search(&name, marker).await?);
    rows.retain(|ticket| map::raw(ticket, &name) == Some(marker.as_str()));
    let mut ids: Vec<u64> = rows.iter().map(|ticket| ticket.id).collect();
    ids.sort_unstable();
    ids.dedup();
    let ids = ids.into_iter().map(|id| RemoteId::new(id.to_string()));
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
            let note = NoteWrite {
                body: marker::mark(&map::write_text(body), &intent.marker),
                private: visibility.is_internal().map_err(|error| error.with_context("ticket", id))?,
            };
            let made = api.add_note(id, &note).await?;
            as_asked(api, id, &made, note.private).await?;
            Ok(Effect::of(Subject::Comment(CommentId::new(made.id.to_string()))))
        }
        Operation::Edit { comment, body } => edit(api, id, comment, body).await,
        Operation::Retract { comment } => {
            let (note, _) = ours(api, id, comment).await?;
            api.delete_note(note).await.map_err(|error| error.with_context("ticket", id))?;
            Ok(Effect::of(Subject::Comment(comment.clone())))
        }
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
    let (ticket, _) = api.ticket(id).await?;
    let stands = map::version(&ticket);
    intent.still_fits(Some(&stands)).map_err(|error| error.with_context("ticket", id))?;
    Ok(ticket)
}

async fn update(api: Api<'_>, before: &Ticket, changes: &Changes) -> Result<Effect> {
    let id = before.id;
    let form = api.form().await?;
    let write = fill(&form, changes).map_err(|error| error.with_context("ticket", id))?;
    let asked = not_in(&form, changes, before);
    if asked.is_empty() {
        return Ok(changed(before));
    }
    api.update(id, &write).await?;
    let after = read_back(api, id).await?;
    let refused = not_in(&form, changes, &after);
    if refused.is_empty() {
        return Ok(changed(&after));
    }
    let effect = if refused.len() == asked.len() { TookEffect::No } else { TookEffect::Unknown };
    Err(not_done(&refused, effect).with_context("ticket", id))
}

async fn transition(api: Api<'_>, before: &Ticket, word: &str) -> Result<Effect> {
    let id = before.id;
    let status = api.form().await?.status_number(word).map_err(|error| error.with_context("ticket", id))?;
    if before.status == status {
        return Ok(changed(before));
    }
    api.update(id, &TicketWrite { status: Some(status), ..TicketWrite::default() }).await?;
    let after = read_back(api, id).await?;
    if after.status == status {
        Ok(changed(&after))
    } else {
        Err(not_done(&[format!("the status {word}")], TookEffect::No).with_context("ticket", id))
    }
}

async fn edit(api: Api<'_>, id: u64, comment: &CommentId, body: &str) -> Result<Effect> {
    let about =
        |error: Error| error.with_context("ticket", id).with_context("note", comment.as_str().to_owned());
    let (note, marker) = ours(api, id, comment).await?;
    let html = map::write_text(body);
    let after = api.edit_note(note, marker::mark(&html, &marker)).await.map_err(about)?;
    if map::note(&after).0 == map::read_text(&html) {
        Ok(Effect::of(Subject::Comment(comment.clone())))
    } else {
        Err(about(not_done(&["the note's text".to_owned()], TookEffect::Unknown)))
    }
}

async fn attach(api: Api<'_>, id: u64, file: NewFile<'_>, marker: &Marker) -> Result<Effect> {
    let about = |error: Error| error.with_context("ticket", id).with_context("file", file.name);
    let private = file.visibility.is_internal().map_err(about)?;
    let bytes = api.ctx.blobs.read(file.digest).await?;
    let note = NoteWrite { body: marker::mark(&map::write_name(file.name), marker), private };
    let made = api.add_file(id, &note, (file, &bytes), marker).await?;
    as_asked(api, id, &made, private).await?;
    match made.attachments.first() {
        Some(kept) if kept.size == file.size => {
            Ok(Effect::of(Subject::File(FileId::new(kept.id.to_string()))))
        }
        Some(_) => Err(about(not_done(&["the file's size".to_owned()], TookEffect::Unknown))),
        None => Err(about(not_done(&["the file".to_owned()], TookEffect::Unknown))),
    }
}

/// Takes a note back that Freshdesk shows to others than asked for.
async fn as_asked(api: Api<'_>, id: u64, made: &Conversation, private: bool) -> Result<()> {
    if made.private == Some(private) {
        return Ok(());
    }
    api.delete_note(made.id).await.map_err(|error| error.with_context("ticket", id).with_unknown_effect())?;
    let words = match private {
        true => "Freshdesk made the private note public, so that it was deleted again",
        false => "Freshdesk made the public note private, so that it was deleted again",
    };
    Err(Error::new(ErrorKind::Rejected, words).with_context("ticket", id))
}

/// A note of ours by its id. Nobody else's is changed or deleted.
async fn ours(api: Api<'_>, id: u64, comment: &CommentId) -> Result<(u64, Marker)> {
    let about =
        |error: Error| error.with_context("ticket", id).with_context("note", comment.as_str().to_owned());
    let wanted = number(comment.as_str(), "a note").map_err(about)?;
    let (_, shelf) = api.ticket(id).await?;
    let conversations = api.conversations(id, shelf).await?;
    let note = conversations.iter().find(|one| one.id == wanted && !one.deleted);
    let note = note
        .ok_or_else(|| about(Error::new(ErrorKind::NotFound, "the note is not in this ticket any more")))?;
    let marker = map::note(note).1;
    let marker = marker
        .ok_or_else(|| about(Error::new(ErrorKind::Rejected, "only notes that we wrote are changed")))?;
    Ok((wanted, marker))
}

async fn link_back(api: Api<'_>, id: u64, label: &str, text: &str) -> Result<Effect> {
    let about = |error: Error| error.with_context("ticket", id).with_context("field", label.to_owned());
    let name = custom_name(&api.form().await?, label).ok_or_else(|| {
        about(Error::new(
            ErrorKind::Rejected,
            "the account has no custom ticket field of the label in link_field",
        ))
    })?;
    let (before, _) = api.ticket(id).await?;
    if map::raw(&before, &name) == Some(text) {
        return Ok(changed(&before));
    }
    let custom_fields = BTreeMap::from([(name.clone(), Value::from(text))]);
    api.update(id, &TicketWrite { custom_fields, ..TicketWrite::default() }).await?;
    let after = read_back(api, id).await?;
    if map::raw(&after, &name) == Some(text) {
        Ok(changed(&after))
    } else {
        Err(about(not_done(&[label.to_owned()], TookEffect::No)))
    }
}

/// Writes changes in Freshdesk's own numbers. A word it does not know is refused here, before anything is sent.
fn fill(form: &Form, changes: &Changes) -> Result<TicketWrite> {
    let mut write = TicketWrite {
        subject: changes.title.as_ref().map(|title| title.trim().to_owned()),
        description: changes.description.as_deref().map(map::write_text),
        kind: changes.kind.clone(),
        ..TicketWrite::default()
    };
    if let Some(priority) = &changes.priority {
        write.priority = Some(form.priority_number(priority)?);
    }
    let custom = form.custom();
    for (label, text) in &changes.fields {
        let person =
            |number: Result<u64>| if text.is_empty() { Ok(Value::Null) } else { number.map(Value::from) };
        match custom.get(label) {
            Some(field) => {
                write.custom_fields.insert(field.name.to_owned(), field.write(text)?);
            }
            None if label == map::AGENT => write.responder_id = Some(person(form.agent_number(text))?),
            None if label == map::GROUP => write.group_id = Some(person(form.group_number(text))?),
            None => {
                let words = "the ticket has no field of this label that we can write";
                return Err(Error::new(ErrorKind::Rejected, words).with_context("field", label));
            }
        }
    }
    Ok(write)
}

/// Which of the asked changes a ticket does not show, by name.
fn not_in(form: &Form, changes: &Changes, ticket: &Ticket) -> Vec<String> {
    let text = |html: &Option<String>| html.as_deref().map(map::read_text).unwrap_or_default();
    let asked_text = changes.description.as_deref().map(|asked| map::read_text(&map::write_text(asked)));
    let title = ticket.subject.as_deref().unwrap_or_default().trim();
    let priority = ticket.priority.map(|number| form.priority(number));
    let word = |asked: &Option<String>, seen: &Option<String>| asked.is_some() && asked != seen;
    let standard = [
        ("title", changes.title.as_ref().is_some_and(|asked| asked.trim() != title)),
        ("description", asked_text.is_some_and(|asked| asked != text(&ticket.description))),
        ("priority", word(&changes.priority, &priority)),
        ("type", word(&changes.kind, &ticket.kind)),
    ];
    let standard = standard.into_iter().filter(|(_, differs)| *differs).map(|(name, _)| name.to_owned());
    let shown = map::values(form, ticket);
    let custom = form.custom();
    let fields = changes.fields.iter().filter(|(label, asked)| {
        // What was asked, in the words it is shown in.
        let asked = match custom.get(*label) {
            Some(field) => field.write(asked).map(|value| field.read(&value)).unwrap_or_default(),
            None => (*asked).clone(),
        };
        !map::same_value(&asked, shown.get(*label).map_or("", String::as_str))
    });
    standard.chain(fields.map(|(name, _)| name.clone())).collect()
}

/// The ticket after a write. If it cannot be read, the write may have been carried out all the same.
async fn read_back(api: Api<'_>, id: u64) -> Result<Ticket> {
    api.ticket(id).await.map(|(ticket, _)| ticket).map_err(Error::with_unknown_effect)
}

fn marker_name(api: Api<'_>, form: &Form) -> Result<String> {
    custom_name(form, &api.config.marker_field).ok_or_else(|| {
        Error::new(
            ErrorKind::Misconfigured,
            "the account has no custom ticket field of the label in marker_field",
        )
        .with_context("field", &api.config.marker_field)
    })
}

/// Freshdesk's own name for a custom field.
pub(crate) fn custom_name(form: &Form, label: &str) -> Option<String> {
    form.custom().get(&map::label(form, label)).map(|field| field.name.to_owned())
}

fn changed(ticket: &Ticket) -> Effect {
    Effect::of(Subject::Ticket(RemoteId::new(ticket.id.to_string())))
}
