//! Writes, each of them read back: a plug-in or a business rule may undo what Dataverse accepted.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Map, Value, json};
use throughline_markup::plain;
use throughline_sdk::overflow::{self, Stored, Whole};
use throughline_sdk::{
    Changes, CommentId, Digest, Effect, Error, ErrorKind, FileId, Intent, Marker, MarkerLine, NewTicket,
    Operation, RemoteId, Result, Subject, TookEffect, Version, Visibility,
};

use crate::api::{Api, Inserted, Set};
use crate::config::LongText;
use crate::error::not_done;
use crate::guid::Guid;
use crate::read::{self, Case};
use crate::{choice, column, map, note, status};

/// Takes a case whose columns cannot be written for what it is.
const READ_ONLY: &str = "a resolved or cancelled case is read-only; bring it to an active status first";

/// Creates a case under an id made of the marker.
///
/// Once the case exists this does not fail any more: what is missing in it shows in the ticket read back.
pub(crate) async fn create(api: Api<'_>, new: &NewTicket, marker: &Marker) -> Result<Effect> {
    let id = Guid::from_marker(marker);
    let changes = Changes {
        title: None,
        description: None,
        priority: new.priority.clone(),
        kind: new.kind.clone(),
        fields: new.fields.clone(),
    };
    let mut columns = fill(api, &changes).await?;
    let customer = api.config.customer;
    columns.insert(customer.binding.to_owned(), format!("/{}({})", customer.table, customer.id).into());
    columns.insert("title".to_owned(), cut_title(new.title.trim(), api.config.max_title).into());
    let stored = describe(api, &new.description, Some(marker), &mut columns)?;
    let later = match &new.status {
        None => None,
        Some(word) => {
            let statuses = choice::statuses(api).await?;
            let status = choice::find(&statuses, word, "status")?;
            match status.state {
                Some(0) => columns.insert("statuscode".to_owned(), status.value.into()).and(None),
                // No case is created closed.
                Some(_) | None => Some(word),
            }
        }
    };
    let inserted = api.insert(Set::Cases, id, &Value::Object(columns)).await?;
    // People may have moved on what an earlier attempt created.
    let later = later.filter(|_| inserted == Inserted::Now);
    let finished = async {
        if let Some(whole) = &stored.whole {
            attach_whole(api, id, whole).await?;
        }
        let case = read::case(api, id).await?;
        match later {
            Some(word) => status::bring(api, case, word, None).await,
            None => Ok(case),
        }
    };
    let read_back = finished
        .await
        .inspect_err(|error| {
            tracing::warn!(case = %id, %error, "Dataverse created a case that lacks something we asked for.");
        })
        .ok();
    let subject = Subject::Ticket(RemoteId::new(id.to_string()));
    Ok(Effect::of(subject).seen_in(read_back.map(|case| case.ticket)))
}

/// Carries out an operation on a case that exists.
pub(crate) async fn into_case(api: Api<'_>, id: Guid, intent: &Intent) -> Result<Effect> {
    let expected = intent.expected.as_ref();
    match &intent.operation {
        Operation::Create(new) => create(api, new, &intent.marker).await,
        Operation::Update { changes } => update(api, id, changes, expected).await.map(changed),
        Operation::Transition { status } => {
            let case = unchanged(read::case(api, id).await?, expected)?;
            status::bring(api, case, status, expected).await.map(changed)
        }
        Operation::Comment { body, visibility } => {
            let text = note::write(body, *visibility, api.config).map_err(|e| e.with_context("case", id))?;
            comment(api, id, text, *visibility, &intent.marker).await
        }
        Operation::Edit { comment, body } => edit(api, id, comment, body).await,
        Operation::Retract { comment } => {
            let note = Guid::of(comment.as_str(), "note")?;
            if api.note(id, note).await?.is_some() {
                api.delete_note(note).await?;
            }
            let ticket = read::back(api, id).await?.ticket;
            Ok(Effect::of(Subject::Comment(comment.clone())).seen_in(ticket))
        }
        Operation::Attach { name, media_type, digest, visibility, .. } => {
            let text = note::write("", *visibility, api.config).map_err(|e| e.with_context("case", id))?;
            let columns = json!({
                "subject": MarkerLine::BRACKETS.line(&intent.marker),
                "notetext": text,
                "filename": name,
                "mimetype": media_type,
                "isdocument": true,
            });
            attach(api, id, columns, digest, (*visibility, &intent.marker)).await
        }
        Operation::LinkBack(reference) => {
            let column = api.config.link_column.as_ref().ok_or_else(|| {
                Error::new(ErrorKind::Unsupported, "a counterpart is shown only where link_column is set")
            })?;
            link_back(api, id, column, &reference.line(api.config.link_chars)).await.map(changed)
        }
    }
}

async fn update(api: Api<'_>, id: Guid, changes: &Changes, expected: Option<&Version>) -> Result<Case> {
    let before = unchanged(read::case(api, id).await?, expected)?;
    let asked = map::not_in(changes, &before.ticket);
    if asked.is_empty() {
        return Ok(before);
    }
    let about = |error: Error| error.with_context("case", id);
    if before.row.number("statecode") != Some(0) {
        return Err(about(Error::new(ErrorKind::Rejected, READ_ONLY)));
    }
    let mut columns = fill(api, changes).await.map_err(about)?;
    if let Some(title) = &changes.title {
        let (title, most) = (title.trim(), api.config.max_title);
        if overflow::units(title) > most {
            let message =
                format!("the title has more than the {most} characters of max_title; it was not changed");
            return Err(about(Error::new(ErrorKind::Rejected, message)));
        }
        columns.insert("title".to_owned(), title.into());
    }
    let mut whole = None;
    if let Some(description) = &changes.description {
        // The marker that stands in the text stays there.
        let marker = MarkerLine::BRACKETS.split(before.row.text("description")).1;
        whole = describe(api, description, marker.as_ref(), &mut columns).map_err(about)?.whole;
    }
    if let Some(whole) = &whole {
        // First the file, then the sentence that names it: a reader finds both or neither.
        attach_whole(api, id, whole).await?;
    }
    let condition = expected.map_or(before.row.etag(), map::condition).to_owned();
    api.update(Set::Cases, id, &condition, &Value::Object(columns)).await?;
    let after = read::back(api, id).await?;
    let refused = map::not_in(changes, &after.ticket);
    if refused.is_empty() {
        if changes.description.is_some() {
            drop_old_wholes(api, &after).await;
        }
        return Ok(after);
    }
    let effect = if refused.len() == asked.len() { TookEffect::No } else { TookEffect::Unknown };
    Err(about(not_done(&refused, effect)))
}

async fn comment(
    api: Api<'_>,
    id: Guid,
    text: String,
    visibility: Visibility,
    marker: &Marker,
) -> Result<Effect> {
    let note = Guid::from_marker(marker);
    let mut columns =
        json!({ "subject": MarkerLine::BRACKETS.line(marker), "notetext": text, "isdocument": false });
    bind(&mut columns, id);
    api.insert(Set::Notes, note, &columns).await?;
    let ticket = read::back(api, id).await?.ticket;
    let name = note.to_string();
    match ticket.comments.iter().find(|comment| comment.id.as_str() == name) {
        Some(made) if made.visibility == visibility => {
            Ok(Effect::of(Subject::Comment(CommentId::new(name))).seen_in(ticket))
        }
        Some(_) => Err(withdrawn(api, note, "notetext").await.with_context("case", id)),
        None => Err(not_done(&["the note".to_owned()], TookEffect::Unknown).with_context("case", id)),
    }
}

async fn attach(
    api: Api<'_>,
    id: Guid,
    mut columns: Value,
    digest: &Digest,
    (visibility, marker): (Visibility, &Marker),
) -> Result<Effect> {
    let bytes = api.ctx.blobs.read(digest).await?;
    if bytes.is_empty() {
        let message = "Dataverse keeps no file without content: a note with an empty one has none";
        return Err(Error::new(ErrorKind::Rejected, message).with_context("case", id));
    }
    let note = Guid::from_marker(marker);
    bind(&mut columns, id);
    put(&mut columns, "documentbody", BASE64_STANDARD.encode(&bytes));
    api.insert(Set::Notes, note, &columns).await?;
    let ticket = read::back(api, id).await?.ticket;
    let (name, size) = (note.to_string(), u64::try_from(bytes.len()).ok());
    match ticket.files.iter().find(|file| file.id.as_str() == name) {
        Some(made) if made.visibility != visibility => {
            Err(withdrawn(api, note, "notetext").await.with_context("case", id))
        }
        Some(made) if Some(made.size) == size => {
            Ok(Effect::of(Subject::File(FileId::new(name))).seen_in(ticket))
        }
        Some(_) | None => {
            Err(not_done(&["the file".to_owned()], TookEffect::Unknown).with_context("case", id))
        }
    }
}

/// Takes back a note that others read than it was for.
async fn withdrawn(api: Api<'_>, note: Guid, what: &str) -> Error {
    match api.delete_note(note).await {
        Ok(_) => not_done(&[what.to_owned()], TookEffect::No),
        Err(error) => error.with_unknown_effect(),
    }
}

/// Replaces the text of a note, if nobody changed it meanwhile. For whom it is stays as it is.
async fn edit(api: Api<'_>, id: Guid, comment: &CommentId, body: &str) -> Result<Effect> {
    let about = |error: Error| error.with_context("case", id).with_context("note", comment);
    let note = Guid::of(comment.as_str(), "note").map_err(about)?;
    let row = api.note(id, note).await.map_err(about)?;
    let row = row.ok_or_else(|| about(Error::new(ErrorKind::Rejected, "the note is no longer there")))?;
    let visibility = note::read(row.text("notetext"), api.config).1;
    let text = note::write(body, visibility, api.config).map_err(about)?;
    let wanted = note::read(&text, api.config);
    api.update(Set::Notes, note, row.etag(), &json!({ "notetext": text })).await.map_err(about)?;
    let ticket = read::back(api, id).await?.ticket;
    let stands = ticket.comments.iter().find(|one| one.id == *comment);
    if stands.is_some_and(|one| (one.body.as_str(), one.visibility) == (wanted.0.as_str(), wanted.1)) {
        Ok(Effect::of(Subject::Comment(comment.clone())).seen_in(ticket))
    } else {
        Err(about(not_done(&["notetext".to_owned()], TookEffect::Unknown)))
    }
}

async fn link_back(api: Api<'_>, id: Guid, column: &str, text: &str) -> Result<Case> {
    let before = read::case(api, id).await?;
    if before.row.text(column) == text {
        return Ok(before);
    }
    if before.row.number("statecode") != Some(0) {
        return Err(Error::new(ErrorKind::Rejected, READ_ONLY).with_context("case", id));
    }
    let condition = before.row.etag().to_owned();
    api.update(Set::Cases, id, &condition, &json!({ column: text })).await?;
    let after = read::back(api, id).await?;
    if after.row.text(column) == text {
        Ok(after)
    } else {
        Err(not_done(&[column.to_owned()], TookEffect::No).with_context("case", id))
    }
}

/// The columns for changes other than title and description. A word that the organization does not know is refused
/// here, before anything is sent.
async fn fill(api: Api<'_>, changes: &Changes) -> Result<Map<String, Value>> {
    let mut columns = Map::new();
    for (column, word) in [("prioritycode", &changes.priority), ("casetypecode", &changes.kind)] {
        if let Some(word) = word {
            let choices = choice::of(api, column).await?;
            columns.insert(column.to_owned(), choice::find(&choices, word, column)?.value.into());
        }
    }
    for (name, text) in &changes.fields {
        let (column, value) = column::write(api, name, text).await?;
        columns.insert(column, value);
    }
    Ok(columns)
}

/// Adds the description, with the marker at its end where it has no column of its own.
fn describe(
    api: Api<'_>,
    description: &str,
    marker: Option<&Marker>,
    columns: &mut Map<String, Value>,
) -> Result<Stored> {
    let in_text = match (&api.config.marker_column, marker) {
        (Some(column), Some(marker)) => {
            columns.insert(column.clone(), marker.as_str().into());
            None
        }
        (_, marker) => marker,
    };
    let end = in_text.map_or(0, |marker| overflow::units(&MarkerLine::BRACKETS.mark("x", marker)) - 1);
    let stored =
        overflow::store(&plain::write(description).text, api.config.max_description.saturating_sub(end));
    if stored.whole.is_some() && api.config.long_text == LongText::Refuse {
        let most = api.config.max_description;
        return Err(Error::new(
            ErrorKind::Rejected,
            format!(
                "the description has more than the {most} characters of max_description, and long_text is refuse"
            ),
        ));
    }
    let text =
        in_text.map_or_else(|| stored.text.clone(), |marker| MarkerLine::BRACKETS.mark(&stored.text, marker));
    columns.insert("description".to_owned(), text.into());
    Ok(stored)
}

fn cut_title(title: &str, most: usize) -> String {
    if overflow::units(title) <= most {
        return title.to_owned();
    }
    format!("{}\u{2026}", overflow::prefix(title, most.saturating_sub(1)).trim_end())
}

/// Puts a whole description into a note of the case, for whoever may read the case.
async fn attach_whole(api: Api<'_>, id: Guid, whole: &Whole) -> Result<()> {
    let mut columns = json!({
        "subject": map::WHOLE,
        "notetext": note::write("", Visibility::Public, api.config)?,
        "filename": whole.name(),
        "mimetype": "text/plain",
        "isdocument": true,
        "documentbody": BASE64_STANDARD.encode(&whole.bytes),
    });
    bind(&mut columns, id);
    // Nobody sees a change of the ticket before the sentence that names the file.
    let inserted = api.insert(Set::Notes, id.derived(whole.hash), &columns).await;
    inserted.map(drop).map_err(|error| error.with_context("case", id))
}

/// Takes away what earlier descriptions left. If one stays, nobody reads it.
async fn drop_old_wholes(api: Api<'_>, case: &Case) {
    let current = map::rest_of_description(&case.row);
    for note in &case.notes {
        let (title, file) = (note.text("subject").trim(), note.text("filename"));
        if !map::is_whole(title, file) || current.as_deref() == Some(file) {
            continue;
        }
        if let Some(id) = Guid::parse(note.text("annotationid"))
            && let Err(error) = api.delete_note(id).await
        {
            tracing::info!(case = %case.id, note = %id, %error, "The whole of an earlier description stays in the case.");
        }
    }
}

/// The case, if it still is as the plan was made on. The write itself bears the same condition: this only spares it.
fn unchanged(case: Case, expected: Option<&Version>) -> Result<Case> {
    if expected.is_some_and(|expected| map::condition(expected) != case.row.etag()) {
        return Err(Error::new(ErrorKind::Conflict, "the case has changed since the plan was made")
            .with_context("case", case.id));
    }
    Ok(case)
}

fn bind(columns: &mut Value, case: Guid) {
    put(columns, "objectid_incident@odata.bind", format!("/incidents({case})"));
}

fn put(columns: &mut Value, column: &str, value: String) {
    if let Some(columns) = columns.as_object_mut() {
        columns.insert(column.to_owned(), value.into());
    }
}

fn changed(case: Case) -> Effect {
    Effect::of(Subject::Ticket(case.ticket.id.clone())).seen_in(case.ticket)
}
