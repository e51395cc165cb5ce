//! Writes, each of them read back: Redmine answers 204 also where it did nothing.

use throughline_sdk::{
    Changes, CommentId, Ctx, Digest, Effect, Error, ErrorKind, FileId, Found, Intent, Marker, MarkerLine,
    NewTicket, Operation, RemoteId, Result, Subject, Ticket, TookEffect, Visibility,
};

use crate::api::{Api, number};
use crate::attribute::{self, List, Write};
use crate::error::not_done;
use crate::wire::{CustomField, Issue, IssueWrite, JournalBody, JournalWrite, Named, UploadWrite};
use crate::{map, race, workflow};

/// Creates an issue that bears the marker from its first moment.
///
/// Once the issue exists this does not fail any more: what Redmine left out of it shows in the ticket read back.
pub(crate) async fn create(api: Api<'_>, new: &NewTicket, marker: &Marker) -> Result<Effect> {
    let wanted = Changes {
        title: Some(new.title.clone()),
        description: Some(new.description.clone()),
        priority: new.priority.clone(),
        kind: new.kind.clone().or_else(|| api.config.tracker.clone()),
        fields: new.fields.clone(),
    };
    let project = &api.config.project;
    let known = api.custom_fields(None).await?;
    // A project without issues does not tell the numbers of its fields: those wait for the issue itself.
    let (first, later) = if known.is_empty() {
        (Changes { fields: Default::default(), ..wanted.clone() }, wanted.fields)
    } else {
        (wanted, Default::default())
    };
    let mut issue = fill(api, project, &known, &first).await?;
    issue.attributes.insert("project_id", project.clone());
    if let Some(status) = &new.status {
        let statuses = api.statuses().await?;
        issue.attributes.insert("status_id", number_of(&statuses, status, "status")?.to_string());
    }
    let field = api.config.marker_field.as_ref();
    match field.and_then(|field| map::field_write(&known, field, marker.as_str())) {
        Some(field) => issue.custom_fields.push(field),
        None => {
            issue.attributes.insert(
                "description",
                MarkerLine::BRACKETS.mark(&api.config.text.write(&new.description).text, marker),
            );
        }
    }
    let created = api.create(issue).await?.id;
    let finished =
        finish(api, created, new.status.as_deref(), Changes { fields: later, ..Changes::default() });
    let read_back = finished
        .await
        .inspect_err(|error| {
            tracing::warn!(issue = created, %error, "Redmine created an issue that lacks something we asked for.");
        })
        .ok();
    Ok(Effect::of(Subject::Ticket(RemoteId::new(created.to_string()))).seen_in(read_back))
}

/// The issues that bear a marker, in the custom field or in the description.
pub(crate) async fn created(api: Api<'_>, marker: &Marker) -> Result<Vec<Found>> {
    let mut filters = vec![("description".to_owned(), format!("~{marker}"))];
    if let Some(name) = &api.config.marker_field {
        let known = api.custom_fields(None).await?;
        filters.extend(
            known
                .iter()
                .find(|field| &field.name == name)
                .map(|field| (format!("cf_{}", field.id), marker.to_string())),
        );
    }
    let mut numbers = Vec::new();
    for (name, value) in filters {
        // No project: an issue that was moved since is still the one we made.
        let query = [
            (name.as_str(), value),
            ("status_id", "*".to_owned()),
            ("sort", "id:desc".to_owned()),
            ("limit", "100".to_owned()),
        ];
        // Redmine leaves out a filter it does not know and lists everything, so each row is looked at.
        let issues = api.issues(&query).await?;
        let ours =
            issues.iter().filter(|issue| map::ticket(issue, api.config).marker.as_ref() == Some(marker));
        numbers.extend(ours.map(|issue| issue.id));
    }
    numbers.sort_unstable();
    numbers.dedup();
    Ok(numbers.into_iter().map(|id| RemoteId::new(id.to_string())).map(Found::made).collect())
}

/// Carries out an operation on an issue that exists.
pub(crate) async fn into_issue(api: Api<'_>, id: u64, intent: &Intent) -> Result<Effect> {
    match &intent.operation {
        Operation::Create(new) => create(api, new, &intent.marker).await,
        Operation::Update { changes } => {
            let before = expected(api, id, intent).await?;
            update(api, before, changes).await.map(|issue| changed(api, &issue))
        }
        Operation::Transition { status } => {
            let before = expected(api, id, intent).await?;
            workflow::walk(api, before, status).await.map(|issue| changed(api, &issue))
        }
        Operation::Comment { body, visibility } => comment(api, id, body, *visibility, &intent.marker).await,
        Operation::Edit { comment, body } => edit(api, id, comment, Some(body)).await,
        Operation::Retract { comment } => edit(api, id, comment, None).await,
        Operation::Attach { name, media_type, digest, visibility, .. } => {
            if *visibility != Visibility::Public {
                return Err(Error::new(
                    ErrorKind::Unsupported,
                    "whoever sees a Redmine issue sees its files, so only public ones are attached",
                )
                .with_context("issue", id));
            }
            let upload = UploadWrite {
                token: String::new(),
                filename: name.clone(),
                content_type: media_type.clone(),
                description: intent.marker.to_string(),
            };
            attach(api, id, upload, digest, &intent.marker).await
        }
        Operation::LinkBack(reference) => {
            let field = api.config.link_field.as_ref().ok_or_else(|| {
                Error::new(ErrorKind::Unsupported, "a counterpart is shown only where link_field is set")
            })?;
            let changes = Changes {
                fields: [(field.clone(), reference.line(api.config.link_chars))].into(),
                ..Changes::default()
            };
            link_back(api, id, field, &changes).await
        }
    }
}

/// The issue, if it still is as the plan was made on. Redmine cannot check that in the write itself: what changes
/// between this read and the write is overwritten.
async fn expected(api: Api<'_>, id: u64, intent: &Intent) -> Result<Issue> {
    let issue = api.issue(id).await?;
    let stands = map::ticket(&issue, api.config).version;
    intent.still_fits(stands.as_ref()).map_err(|error| error.with_context("issue", id))?;
    Ok(issue)
}

async fn finish(api: Api<'_>, id: u64, status: Option<&str>, later: Changes) -> Result<Ticket> {
    let mut issue = api.issue(id).await?;
    if !later.fields.is_empty() {
        issue = update(api, issue, &later).await?;
    }
    if let Some(status) = status {
        issue = workflow::walk(api, issue, status).await?;
    }
    Ok(map::ticket(&issue, api.config))
}

async fn update(api: Api<'_>, before: Issue, changes: &Changes) -> Result<Issue> {
    let id = before.id;
    let asked = map::not_in(changes, &map::ticket(&before, api.config), api.config.text);
    if asked.is_empty() {
        // A write that changes nothing would still move updated_on.
        return Ok(before);
    }
    let mut write = fill(api, &before.project.id.to_string(), &before.custom_fields, changes).await?;
    if let Some(description) = &changes.description {
        // The marker that stands in the text stays there.
        let (_, marker) = MarkerLine::BRACKETS.split(before.description.as_deref().unwrap_or_default());
        let text = api.config.text.write(description).text;
        let text = marker.map_or_else(|| text.clone(), |marker| MarkerLine::BRACKETS.mark(&text, &marker));
        write.attributes.insert("description", text);
    }
    let after = race::write(api, &before, write).await?;
    let refused = map::not_in(changes, &map::ticket(&after, api.config), api.config.text);
    if refused.is_empty() {
        return Ok(after);
    }
    let effect = if refused.len() == asked.len() { TookEffect::No } else { TookEffect::Unknown };
    Err(not_done(&refused, effect).with_context("issue", id))
}

async fn comment(
    api: Api<'_>,
    id: u64,
    body: &str,
    visibility: Visibility,
    marker: &Marker,
) -> Result<Effect> {
    let private = match visibility {
        Visibility::Public => false,
        Visibility::Internal => true,
        Visibility::Unknown => {
            return Err(Error::new(ErrorKind::Unsupported, "a note is public or private, nothing else")
                .with_context("issue", id));
        }
    };
    if private {
        // Without the permission Redmine leaves the flag out and publishes the note.
        let issue = api.issue(id).await?;
        may_write_private_notes(api, &issue.project)
            .await
            .map_err(|error| error.with_context("issue", id))?;
    }
    let notes = MarkerLine::BRACKETS.mark(&api.config.text.write(body).text, marker);
    let write = IssueWrite {
        attributes: [("notes", notes)].into(),
        private_notes: Some(private),
        ..IssueWrite::default()
    };
    api.put(id, write).await?;
    let ticket = map::ticket(&read_back(api, id).await?, api.config);
    let Some(made) = ticket.comments.iter().find(|comment| comment.marker.as_ref() == Some(marker)) else {
        return Err(not_done(&["notes".to_owned()], TookEffect::No).with_context("issue", id));
    };
    if made.visibility != visibility {
        let note = number(made.id.as_str(), "a note")?;
        api.put_note(note, &note_body(String::new())).await.map_err(Error::with_unknown_effect)?;
        return Err(not_done(&["private_notes".to_owned()], TookEffect::No).with_context("issue", id));
    }
    Ok(Effect::of(Subject::Comment(made.id.clone())).seen_in(ticket))
}

/// Replaces the text of a note, or deletes it for `None`.
async fn edit(api: Api<'_>, id: u64, comment: &CommentId, body: Option<&String>) -> Result<Effect> {
    let shown = |ticket: Ticket| ticket.comments.into_iter().find(|one| one.id == *comment);
    let before = map::ticket(&api.issue(id).await?, api.config);
    let subject = Subject::Comment(comment.clone());
    let Some(was) = shown(before.clone()) else {
        return match body {
            None => Ok(Effect::of(subject).seen_in(before)),
            Some(_) => Err(Error::new(ErrorKind::Rejected, "the note is no longer there")
                .with_context("issue", id)
                .with_context("note", comment)),
        };
    };
    let notes = match (body.map(|body| api.config.text.write(body).text), &was.marker) {
        (Some(text), Some(marker)) => MarkerLine::BRACKETS.mark(&text, marker),
        (Some(text), None) => text,
        (None, _) => String::new(),
    };
    let wanted = body.map(|body| api.config.text.through(&MarkerLine::BRACKETS.split(body).0));
    api.put_note(number(comment.as_str(), "a note")?, &note_body(notes)).await?;
    let after = map::ticket(&read_back(api, id).await?, api.config);
    if shown(after.clone()).map(|one| one.body) == wanted {
        Ok(Effect::of(subject).seen_in(after))
    } else {
        Err(not_done(&["notes".to_owned()], TookEffect::No)
            .with_context("issue", id)
            .with_context("note", comment))
    }
}

async fn attach(
    api: Api<'_>,
    id: u64,
    mut upload: UploadWrite,
    digest: &Digest,
    marker: &Marker,
) -> Result<Effect> {
    let Ctx { blobs, .. } = api.ctx;
    let bytes = blobs.read(digest).await?;
    let size = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    upload.token =
        api.upload(&upload.filename, bytes).await.map_err(|error| error.with_context("issue", id))?;
    api.put(id, IssueWrite { uploads: vec![upload], ..IssueWrite::default() }).await?;
    let ticket = map::ticket(&read_back(api, id).await?, api.config);
    let made = ticket.files.iter().find(|file| file.marker.as_ref() == Some(marker));
    match made {
        Some(file) if file.size == size => {
            Ok(Effect::of(Subject::File(FileId::new(file.id.as_str()))).seen_in(ticket))
        }
        Some(_) => {
            Err(not_done(&["the file's size".to_owned()], TookEffect::Unknown).with_context("issue", id))
        }
        None => Err(not_done(&["uploads".to_owned()], TookEffect::No).with_context("issue", id)),
    }
}

async fn link_back(api: Api<'_>, id: u64, field: &str, changes: &Changes) -> Result<Effect> {
    let wanted = changes.fields.get(field).map(String::as_str).unwrap_or_default();
    let stands = |issue: &Issue| {
        issue.custom_fields.iter().any(|one| one.name == field && one.value.as_str() == Some(wanted))
    };
    let before = api.issue(id).await?;
    if stands(&before) {
        return Ok(changed(api, &before));
    }
    let write = map::field_write(&before.custom_fields, field, wanted).ok_or_else(|| {
        Error::new(ErrorKind::Rejected, "the issue's tracker or project does not have the link_field")
            .with_context("issue", id)
            .with_context("field", field)
    })?;
    api.put(id, IssueWrite { custom_fields: vec![write], ..IssueWrite::default() }).await?;
    let after = read_back(api, id).await?;
    if stands(&after) {
        Ok(changed(api, &after))
    } else {
        Err(not_done(&[field.to_owned()], TookEffect::No).with_context("issue", id))
    }
}

/// Writes changes in Redmine's own numbers. A word it does not know is refused here, before anything is sent.
async fn fill(api: Api<'_>, project: &str, known: &[CustomField], changes: &Changes) -> Result<IssueWrite> {
    let mut write = IssueWrite::default();
    if let Some(title) = &changes.title {
        write.attributes.insert("subject", title.trim().to_owned());
    }
    if let Some(description) = &changes.description {
        write.attributes.insert("description", api.config.text.write(description).text);
    }
    if let Some(priority) = &changes.priority {
        let number = number_of(&api.priorities().await?, priority, "priority")?;
        write.attributes.insert("priority_id", number.to_string());
    }
    if let Some(kind) = &changes.kind {
        let number = number_of(&api.project(project).await?.trackers, kind, "tracker of the project")?;
        write.attributes.insert("tracker_id", number.to_string());
    }
    for (name, value) in &changes.fields {
        if let Some(field) = map::field_write(known, name, value) {
            write.custom_fields.push(field);
            continue;
        }
        let (key, text) = match attribute::named(name).map(|attribute| attribute.write) {
            Some(Write::Text(key)) => (key, value.clone()),
            Some(Write::Zero(key)) if value.is_empty() => (key, "0".to_owned()),
            Some(Write::Zero(key)) => (key, value.clone()),
            Some(Write::Number(key, _)) if value.is_empty() => (key, String::new()),
            Some(Write::Number(key, list)) => {
                let names = match list {
                    List::Categories => api.project(project).await?.issue_categories,
                    List::Versions => api.versions(project).await?,
                    List::Members => api.members(project).await?,
                };
                (key, number_of(&names, value, name)?.to_string())
            }
            Some(Write::Never) | None => {
                return Err(Error::new(
                    ErrorKind::Rejected,
                    "the issue has no field of this name that we can write",
                )
                .with_context("field", name));
            }
        };
        write.attributes.insert(key, text);
    }
    Ok(write)
}

async fn may_write_private_notes(api: Api<'_>, project: &Named) -> Result<()> {
    let user = api.user().await?;
    if user.admin {
        return Ok(());
    }
    for role in user.memberships.iter().filter(|one| one.project.id == project.id).flat_map(|one| &one.roles)
    {
        if api.permissions(role.id).await?.iter().any(|permission| permission == "set_notes_private") {
            return Ok(());
        }
    }
    Err(Error::new(
        ErrorKind::Rejected,
        "Redmine would publish this private note: give our account's role the permission \"Set notes as private\"",
    )
    .with_context("project", &project.name))
}

/// The issue after a write. If it cannot be read, the write may have been carried out all the same.
pub(crate) async fn read_back(api: Api<'_>, id: u64) -> Result<Issue> {
    api.issue(id).await.map_err(Error::with_unknown_effect)
}

/// The number that stands for a word.
pub(crate) fn number_of(list: &[Named], word: &str, what: &str) -> Result<u64> {
    list.iter().find(|named| named.name == word).map(|named| named.id).ok_or_else(|| {
        Error::new(ErrorKind::Rejected, format!("Redmine has no {what} {word:?}; see what describe lists"))
    })
}

fn changed(api: Api<'_>, issue: &Issue) -> Effect {
    let ticket = map::ticket(issue, api.config);
    Effect::of(Subject::Ticket(ticket.id.clone())).seen_in(ticket)
}

fn note_body(notes: String) -> JournalBody {
    JournalBody { journal: JournalWrite { notes } }
}
