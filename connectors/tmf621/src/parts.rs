//! Notes and attachments: entries of arrays, which the standard lets a desk change in more than one way.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};
use throughline_sdk::{
    CommentId, Effect, Error, ErrorKind, FileId, Intent, Marker, MarkerLine, Operation, RemoteId, Result,
    Subject, TookEffect, Visibility,
};

use crate::api::{Answered, Api, Read};
use crate::config::{MarkerPlace, NoteWrites};
use crate::error::not_done;
use crate::map::{note_id, read_text, write_text};
use crate::write::{one_more, typed};

pub(crate) async fn comment(
    api: Api<'_>,
    id: &RemoteId,
    body: &str,
    visibility: Visibility,
    mark: &Marker,
) -> Result<Effect> {
    let sort = match (visibility, &api.config.internal_note_type) {
        (Visibility::Public, _) => "Note",
        (Visibility::Internal, Some(sort)) => sort,
        (Visibility::Internal, None) => {
            let why =
                "the standard has no internal notes; internal_note_type would say how this desk tells them";
            return Err(Error::new(ErrorKind::Unsupported, why));
        }
        (Visibility::Unknown, _) => {
            return Err(Error::new(ErrorKind::Rejected, "nothing is written whose visibility is unknown"));
        }
    };
    let mut note = json!({
        "@type": sort,
        "author": api.config.author,
        "date": now(api),
        "text": write_text(api.config, body),
    });
    bear(api, &mut note, "text", body, mark);
    let after = add(api, id, "note", note, |read| {
        read.ticket.comments.iter().any(|comment| comment.marker.as_ref() == Some(mark))
    });
    let after = after.await?;
    let mine = after.ticket.comments.iter().find(|comment| comment.marker.as_ref() == Some(mark));
    let Some(mine) = mine else { return Err(unmarked("note")) };
    if mine.visibility != visibility {
        return Err(not_done("the note's @type", TookEffect::Unknown));
    }
    Ok(Effect::of(Subject::Comment(mine.id.clone())).seen_in(after.ticket))
}

pub(crate) async fn attach(api: Api<'_>, id: &RemoteId, intent: &Intent) -> Result<Effect> {
    let Operation::Attach { name, media_type, digest, visibility, .. } = &intent.operation else {
        return Err(Error::new(ErrorKind::Unsupported, "this operation attaches nothing"));
    };
    if *visibility != Visibility::Public {
        let why = "whoever sees a ticket there sees its files, so only public ones are attached";
        return Err(Error::new(ErrorKind::Unsupported, why));
    }
    if !api.config.files {
        return Err(Error::new(ErrorKind::Unsupported, "the setting files is false for this desk"));
    }
    let bytes = api.ctx.blobs.read(digest).await?;
    let mark = &intent.marker;
    let mut attachment = json!({
        "@type": "Attachment",
        "attachmentType": "file",
        "name": name,
        "mimeType": media_type,
        "size": { "amount": bytes.len(), "units": "B" },
        "content": BASE64_STANDARD.encode(&bytes),
    });
    bear(api, &mut attachment, "description", "", mark);
    let after = add(api, id, "attachment", attachment, |read| {
        read.ticket.files.iter().any(|file| file.marker.as_ref() == Some(mark))
    });
    let after = after.await?;
    let mine = after.ticket.files.iter().find(|file| file.marker.as_ref() == Some(mark));
    let Some(mine) = mine else { return Err(unmarked("attachment")) };
    Ok(Effect::of(Subject::File(FileId::new(mine.id.as_str()))).seen_in(after.ticket))
}

/// Puts the marker where this desk's entries bear it.
fn bear(api: Api<'_>, entry: &mut Value, key: &str, text: &str, mark: &Marker) {
    let Some(entry) = entry.as_object_mut() else { return };
    match api.config.marker {
        MarkerPlace::Id => entry.insert("id".to_owned(), json!(mark)),
        MarkerPlace::Text => entry
            .insert(key.to_owned(), json!(MarkerLine::BRACKETS.mark(&write_text(api.config, text), mark))),
    };
}

/// Adds one entry to an array of the ticket, and reads the ticket back.
async fn add(
    api: Api<'_>,
    id: &RemoteId,
    name: &str,
    entry: Value,
    is_there: impl Fn(&Read) -> bool,
) -> Result<Read> {
    let answered = match api.config.note_writes {
        NoteWrites::JsonPatch => {
            let before = api.ticket(id).await?;
            if before.raw.get(name).is_some_and(Value::is_array) {
                let operation = json!({ "op": "add", "path": format!("/{name}/-"), "value": entry });
                api.operate(id, &json!([operation]), None).await?
            } else {
                // Nothing can be added to an array that is not there (RFC 6902, section 4.1).
                let operation = json!({ "op": "add", "path": format!("/{name}"), "value": [entry] });
                api.operate(id, &json!([operation]), before.tag.as_deref()).await?
            }
        }
        NoteWrites::Whole => {
            // What somebody adds between this read and the write is lost, unless the desk heeds If-Match.
            let before = api.ticket(id).await?;
            let mut body = typed(api);
            body.insert(name.to_owned(), one_more(&before.raw, name, entry));
            api.merge(id, &Value::Object(body), before.tag.as_deref()).await?
        }
        NoteWrites::Append => {
            let mut body = typed(api);
            body.insert(name.to_owned(), json!([entry]));
            api.merge(id, &Value::Object(body), None).await?
        }
    };
    match answered {
        Answered::Ticket(read) if is_there(&read) => Ok(*read),
        Answered::Ticket(_) | Answered::At(_) => api.ticket(id).await.map_err(Error::with_unknown_effect),
        Answered::Later(_) => api.once(id, |read| is_there(read)).await,
    }
}

/// The desk took an entry and shows none with our marker.
fn unmarked(what: &str) -> Error {
    let message = format!(
        "the desk reported success and shows no {what} with our marker; where it keeps no id it is given, set marker = \
         \"text\", and see note_writes"
    );
    Error::new(ErrorKind::Rejected, message).with_unknown_effect()
}

/// Replaces the text of a note, or takes it back for `None`.
pub(crate) async fn edit(
    api: Api<'_>,
    id: &RemoteId,
    comment: &CommentId,
    text: Option<&String>,
) -> Result<Effect> {
    if api.config.note_writes == NoteWrites::Append {
        let why = "a desk that adds every note it is sent changes none; see note_writes";
        return Err(Error::new(ErrorKind::Unsupported, why));
    }
    let before = api.ticket(id).await?;
    let subject = Subject::Comment(comment.clone());
    let place =
        before.wire.note.iter().enumerate().position(|(at, note)| note_id(note, at) == comment.as_str());
    let was = before.ticket.comments.iter().find(|one| one.id == *comment);
    let (Some(place), Some(was)) = (place, was) else {
        return match text {
            None => Ok(Effect::of(subject).seen_in(before.ticket)),
            Some(_) => {
                Err(Error::new(ErrorKind::Rejected, "the note is no longer there")
                    .with_context("note", comment))
            }
        };
    };
    let words = match (text, &was.marker, api.config.marker) {
        (Some(text), Some(mark), MarkerPlace::Text) => {
            MarkerLine::BRACKETS.mark(&write_text(api.config, text), mark)
        }
        (Some(text), _, _) => write_text(api.config, text),
        (None, _, _) => String::new(),
    };
    let answered = match api.config.note_writes {
        NoteWrites::JsonPatch => {
            let path = format!("/note/{place}");
            // The test keeps another note, moved to this place meanwhile, from being changed.
            let test = json!({ "op": "test", "path": format!("{path}/id"), "value": comment });
            let operation = match text {
                Some(_) => json!({ "op": "replace", "path": format!("{path}/text"), "value": words }),
                None => json!({ "op": "remove", "path": path }),
            };
            api.operate(id, &json!([test, operation]), None).await?
        }
        NoteWrites::Whole | NoteWrites::Append => {
            let mut notes = before.raw.get("note").cloned().unwrap_or_default();
            if let Some(note) = notes.get_mut(place).and_then(Value::as_object_mut) {
                // Emptied rather than left out: desks that add to an array keep what is left out of it.
                note.insert("text".to_owned(), json!(words));
            }
            let mut body = typed(api);
            body.insert("note".to_owned(), notes);
            api.merge(id, &Value::Object(body), before.tag.as_deref()).await?
        }
    };
    let wanted =
        text.map(|text| read_text(api.config, &MarkerLine::BRACKETS.split(&write_text(api.config, text)).0));
    let is_done = |read: &Read| {
        let shown = read.ticket.comments.iter().find(|one| one.id == *comment);
        shown.map(|one| &one.body) == wanted.as_ref()
    };
    let after = match answered {
        Answered::Ticket(read) => *read,
        Answered::At(_) => api.ticket(id).await.map_err(Error::with_unknown_effect)?,
        Answered::Later(_) => api.once(id, |read| is_done(read)).await?,
    };
    match is_done(&after) {
        true => Ok(Effect::of(subject).seen_in(after.ticket)),
        false => Err(not_done("the note", TookEffect::No).with_context("note", comment)),
    }
}

fn now(api: Api<'_>) -> String {
    api.ctx.clock.now().to_rfc3339_opts(chrono::SecondsFormat::Millis, true)
}
