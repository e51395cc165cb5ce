//! Files: attached so that a doubtful upload is found again, although Jira's attachments can bear no mark.
//!
//! On a portal a file comes with a comment, and the comment bears the marker. Elsewhere a property of the issue, which
//! nobody sees, holds a note for each file of ours: before the upload it says which files are there and what comes; a file
//! that was not there, of that name and size, is the one. Afterwards the note names it.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use throughline_sdk::http::multipart::{self, Part};
use throughline_sdk::{
    Effect, Error, ErrorKind, FileId, Marker, NewFile, Result, Subject, Ticket, TookEffect, Visibility,
};

use crate::api::{Api, Extent};
use crate::error::not_done;
use crate::map::{self, Whole, marker_label};
use crate::portal::Portal;
use crate::wire::{Attachment, Issue};
use crate::write::read_back;

/// The property with the notes.
pub(crate) const NOTES: &str = "throughline.files";

/// The notes of an issue, by marker.
type Notes = BTreeMap<String, Note>;

/// What is noted of an upload.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Note {
    /// What is about to come.
    Coming {
        name: String,
        size: u64,
        /// The files that were there before.
        before: BTreeSet<String>,
    },
    /// Which one it became.
    Came { id: String },
}

/// The marker of the intent that attached a file, by the notes of its issue.
pub(crate) fn marker_of(issue: &Issue, file: &Attachment) -> Option<Marker> {
    let notes = notes(issue);
    let came = notes.iter().find(|(_, note)| matches!(note, Note::Came { id } if *id == file.id));
    let coming = || {
        notes.iter().find(|(_, note)| match note {
            Note::Coming { name, size, before } => {
                *name == file.filename && *size == file.size && !before.contains(&file.id)
            }
            Note::Came { .. } => false,
        })
    };
    came.or_else(coming).and_then(|(marker, _)| marker_label(marker))
}

/// The notes of an issue; those that are none of ours are left out.
fn notes(issue: &Issue) -> Notes {
    let property = issue.properties.get(NOTES).and_then(serde_json::Value::as_object);
    let noted = property.into_iter().flatten();
    noted
        .filter_map(|(marker, note)| Some((marker.clone(), serde_json::from_value(note.clone()).ok()?)))
        .collect()
}

/// Attaches a file.
pub(crate) async fn attach(api: Api<'_>, id: &str, new: &NewFile<'_>, marker: &Marker) -> Result<Effect> {
    let public = match (new.visibility, api.config.service_desk) {
        (Visibility::Public, _) => true,
        (Visibility::Internal, true) => false,
        (Visibility::Internal, false) => {
            return Err(Error::new(
                ErrorKind::Unsupported,
                "whoever sees an issue sees its files, so only public ones are attached",
            )
            .with_context("issue", id));
        }
        (Visibility::Unknown, _) => {
            return Err(Error::new(ErrorKind::Unsupported, "a file is public or internal, nothing else")
                .with_context("issue", id));
        }
    };
    let bytes = api.ctx.blobs.read(new.digest).await?;
    let (name, media_type) = (file_name(new.name), multipart::plain_type(new.media_type));
    // https://developer.atlassian.com/cloud/jira/platform/rest/v3/api-group-issue-attachments/
    let part = Part {
        name: "file",
        file_name: Some(&name),
        media_type: Some(media_type.as_deref().unwrap_or(multipart::BYTES)),
        bytes: &bytes,
    };
    let form = multipart::form(&[part], marker);
    if api.config.service_desk {
        on_portal(api, id, form, public, marker).await?;
    } else {
        into_issue(api, id, new, form, marker).await?;
    }
    let after = read_back(api, id).await?;
    let ticket = map::ticket(&after, api.config);
    let made = ticket.files.iter().find(|file| file.marker.as_ref() == Some(marker));
    let Some(made) = made else {
        return Err(not_done(&["the file".to_owned()], TookEffect::Unknown).with_context("issue", id));
    };
    if made.visibility != new.visibility {
        return Err(hidden(&after, new.visibility, made.visibility).with_context("issue", id));
    }
    if made.size != new.size {
        return Err(not_done(&["the file's size".to_owned()], TookEffect::Unknown).with_context("issue", id));
    }
    Ok(effect(FileId::new(made.id.as_str()), ticket))
}

async fn on_portal(
    api: Api<'_>,
    id: &str,
    form: (Vec<u8>, String),
    public: bool,
    marker: &Marker,
) -> Result<()> {
    // Nobody sees a stored file, and Service Management sweeps up what is never attached.
    let unseen = |error: Error| error.with_effect(TookEffect::No).with_context("issue", id);
    let stored = api.store(form).await.map_err(unseen)?;
    api.show(id, stored, public, marker).await.map_err(|error| match error.kind() {
        ErrorKind::NotFound => Error::new(
            ErrorKind::Rejected,
            "the issue is not on the portal, so no customer could see the file; give it a request type",
        )
        .with_context("issue", id),
        ErrorKind::Unavailable
        | ErrorKind::RateLimited
        | ErrorKind::Unauthenticated
        | ErrorKind::Forbidden
        | ErrorKind::Conflict
        | ErrorKind::Moved
        | ErrorKind::Rejected
        | ErrorKind::Unsupported
        | ErrorKind::Malformed
        | ErrorKind::Misconfigured => error,
    })
}

async fn into_issue(
    api: Api<'_>,
    id: &str,
    new: &NewFile<'_>,
    form: (Vec<u8>, String),
    marker: &Marker,
) -> Result<()> {
    let issue = api.issue(id, Extent::Reading).await?;
    let files = &issue.fields.attachment;
    if files.iter().any(|file| marker_of(&issue, file).as_ref() == Some(marker)) {
        // An earlier attempt came through after all.
        return Ok(());
    }
    let mut notes = notes(&issue);
    // A property has room for some five hundred notes: those of files that are gone make way.
    notes.retain(|_, note| match note {
        Note::Came { id } => files.iter().any(|file| file.id == *id),
        Note::Coming { .. } => true,
    });
    let key = marker.to_string();
    if !notes.contains_key(&key) {
        let before = files.iter().map(|file| file.id.clone()).collect();
        notes.insert(key.clone(), Note::Coming { name: file_name(new.name), size: new.size, before });
        // Nobody sees it, so nothing has happened if it fails.
        write(api, &issue.id, &notes).await.map_err(|error| error.with_effect(TookEffect::No))?;
    }
    let made = api.attach(&issue.id, form).await?;
    if let Some(made) = made.into_iter().next() {
        notes.insert(key, Note::Came { id: made.id });
        // Without it the file is still known by name and size.
        if let Err(error) = write(api, &issue.id, &notes).await {
            tracing::info!(issue.id = issue.id, error.kind = ?error.kind(), "A file's note was not completed.");
        }
    }
    Ok(())
}

async fn write(api: Api<'_>, id: &str, notes: &Notes) -> Result<()> {
    let value = serde_json::to_value(notes).map_err(|error| {
        Error::new(ErrorKind::Malformed, format!("the note of a file cannot be written: {error}"))
    })?;
    api.set_property(id, NOTES, &value).await
}

fn hidden(whole: &Whole, asked: Visibility, seen: Visibility) -> Error {
    let why = match whole.portal {
        Portal::NotShown => "the issue is not on the portal",
        Portal::None | Portal::Shown(_) => "check the account's licence and role",
    };
    Error::new(ErrorKind::Rejected, format!("Jira made a file {seen:?} that was to be {asked:?}: {why}"))
        .with_unknown_effect()
}

/// A name that Jira takes: it refuses one that is blank.
fn file_name(name: &str) -> String {
    let plain = multipart::plain_name(name);
    if plain.trim().is_empty() { "file".to_owned() } else { plain }
}

fn effect(file: FileId, ticket: Ticket) -> Effect {
    Effect::of(Subject::File(file)).seen_in(ticket)
}
