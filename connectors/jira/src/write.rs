//! Writes to issues, each of them read back: what Jira answers says less than what stands there afterwards.

use serde_json::{Map, Value, json};
use throughline_sdk::{
    Changes, Effect, Error, ErrorKind, Found, Intent, Marker, NewFile, NewTicket, Operation, Reference,
    RemoteId, Result, Subject, Ticket, TookEffect,
};

use crate::api::{Api, Extent, Search};
use crate::error::not_done;
use crate::map::{Whole, marker_label};
use crate::wire::{FieldMeta, IssueWrite, RemoteLink, RemoteObject};
use crate::{comment, field, file, map, race, text, workflow};

/// Creates an issue that bears the marker from its first moment.
///
/// Once the issue exists this does not fail any more: what Jira left out of it shows in the ticket read back.
pub(crate) async fn create(api: Api<'_>, new: &NewTicket, marker: &Marker) -> Result<Effect> {
    let config = api.config;
    let kind = new.kind.as_ref().unwrap_or(&config.issue_type);
    let mut fields = Map::new();
    if !new.fields.is_empty() {
        let known = api.create_fields(kind).await?;
        let known: Vec<(&str, &FieldMeta)> =
            known.iter().filter_map(|one| Some((one.field_id.as_deref()?, one))).collect();
        for (name, value) in &new.fields {
            let (id, field) = named(&known, name)?;
            fields.insert(id.to_owned(), field::write(config.edition, field, value)?);
        }
    }
    if let Some(request_type) = &config.request_type {
        fields.insert(request_type_field(api).await?, request_type.as_str().into());
    }
    fields.insert("project".to_owned(), json!({ "key": config.project }));
    fields.insert("issuetype".to_owned(), json!({ "name": kind }));
    fields.insert("summary".to_owned(), new.title.trim().into());
    if !new.description.is_empty() {
        fields.insert("description".to_owned(), text::write(config.edition, &new.description));
    }
    if let Some(priority) = &new.priority {
        fields.insert("priority".to_owned(), json!({ "name": priority }));
    }
    label(&mut fields, std::slice::from_ref(marker));
    let created = api.create(&IssueWrite { fields, transition: None }).await?.id;
    let read_back = finish(api, &created, new.status.as_deref())
        .await
        .inspect_err(|error| {
            // Its words may quote the ticket.
            tracing::warn!(
                issue.id = created,
                error.kind = ?error.kind(),
                "Jira created an issue that does not have the status asked for, or cannot be read."
            );
        })
        .ok();
    Ok(Effect::of(Subject::Ticket(RemoteId::new(created))).seen_in(read_back))
}

/// The issues that bear a marker as their label, as far as the search has got.
pub(crate) async fn created(api: Api<'_>, marker: &Marker) -> Result<Vec<Found>> {
    // No project: an issue that was moved since is still the one we made.
    let jql = format!("labels = \"{marker}\" ORDER BY key ASC");
    let (page, _) = api.search(&Search { jql, from: None, reconcile: &[] }).await?;
    let ours = page
        .issues
        .into_iter()
        .filter(|issue| issue.fields.labels.iter().any(|label| label == marker.as_str()));
    Ok(ours.map(|issue| RemoteId::new(issue.id)).map(Found::made).collect())
}

/// Carries out an operation on an issue that exists.
pub(crate) async fn into_issue(api: Api<'_>, id: &str, intent: &Intent) -> Result<Effect> {
    match &intent.operation {
        Operation::Create(new) => create(api, new, &intent.marker).await,
        Operation::Update { changes } => {
            let before = expected(api, id, intent, Extent::Editing).await?;
            update(api, before, changes).await.map(|whole| changed(api, &whole))
        }
        Operation::Transition { status } => {
            let before = expected(api, id, intent, Extent::Reading).await?;
            let id = before.issue.id.clone();
            if before.issue.fields.status.name == *status {
                return Ok(changed(api, &before));
            }
            workflow::walk(api, &before.issue, status).await?;
            Ok(changed(api, &read_back(api, &id).await?))
        }
        Operation::Comment { body, visibility } => {
            comment::add(api, id, body, *visibility, &intent.marker).await
        }
        Operation::Edit { comment, body } => comment::edit(api, id, comment, body).await,
        Operation::Retract { comment } => comment::retract(api, id, comment).await,
        Operation::Attach { name, media_type, size, digest, visibility } => {
            let new = NewFile { name, media_type, size: *size, digest, visibility: *visibility };
            file::attach(api, id, &new, &intent.marker).await
        }
        Operation::LinkBack(link) => link_back(api, id, link, &intent.marker).await,
    }
}

/// The issue, if it still is as the plan was made on. Jira cannot check that in the write itself: what changes between
/// this read and the write shows afterwards, see `race.rs`.
async fn expected(api: Api<'_>, id: &str, intent: &Intent, extent: Extent) -> Result<Whole> {
    let whole = api.whole(id, extent).await?;
    let stands = map::ticket(&whole, api.config).version;
    intent.still_fits(stands.as_ref()).map_err(|error| error.with_context("issue", id))?;
    Ok(whole)
}

async fn finish(api: Api<'_>, id: &str, status: Option<&str>) -> Result<Ticket> {
    if let Some(status) = status {
        let issue = api.issue(id, Extent::Reading).await?;
        if issue.fields.status.name != status {
            workflow::walk(api, &issue, status).await?;
        }
    }
    Ok(map::ticket(&api.whole(id, Extent::Reading).await?, api.config))
}

async fn update(api: Api<'_>, before: Whole, changes: &Changes) -> Result<Whole> {
    let config = api.config;
    let shown = map::ticket(&before, config);
    let asked = map::not_in(changes, &shown, config.edition);
    if asked.is_empty() {
        // A write that changes nothing would still mail everybody who watches the issue.
        return Ok(before);
    }
    let id = before.issue.id.clone();
    let wants = |name: &str| asked.iter().any(|one| one == name);
    let mut fields = Map::new();
    if let Some(title) = changes.title.as_ref().filter(|_| wants("title")) {
        fields.insert("summary".to_owned(), title.trim().into());
    }
    if let Some(description) = changes.description.as_ref().filter(|_| wants("description")) {
        let empty = description.is_empty();
        let value = if empty { Value::Null } else { text::write(config.edition, description) };
        fields.insert("description".to_owned(), value);
    }
    for (name, id, value) in
        [("priority", "priority", &changes.priority), ("type", "issuetype", &changes.kind)]
    {
        if let Some(value) = value.as_ref().filter(|_| wants(name)) {
            fields.insert(id.to_owned(), json!({ "name": value }));
        }
    }
    let others: Vec<(&String, &String)> = changes.fields.iter().filter(|(name, _)| wants(name)).collect();
    if !others.is_empty() {
        let known = before.issue.editmeta.iter().flat_map(|meta| &meta.fields);
        let known: Vec<(&str, &FieldMeta)> = known.map(|(id, field)| (id.as_str(), field)).collect();
        for (name, value) in others {
            let (field_id, field) = named(&known, name).map_err(|error| error.with_context("issue", &id))?;
            fields.insert(field_id.to_owned(), field::write(config.edition, field, value)?);
        }
    }
    if fields.contains_key("labels") {
        let markers: Vec<Marker> =
            before.issue.fields.labels.iter().filter_map(|one| marker_label(one)).collect();
        label(&mut fields, &markers);
    }
    let after = race::write(api, &before.issue, fields).await?;
    let refused = map::not_in(changes, &map::ticket(&after, config), config.edition);
    if refused.is_empty() {
        return Ok(after);
    }
    let effect = if refused.len() == asked.len() { TookEffect::No } else { TookEffect::Unknown };
    Err(not_done(&refused, effect).with_context("issue", id))
}

/// Links the issue to its counterpart. The global id makes a later link a change of the one that is there
/// ([Remote issue links](https://developer.atlassian.com/cloud/jira/platform/rest/v3/api-group-issue-remote-links/)), and
/// Jira shows its summary beside the title
/// ([fields](https://developer.atlassian.com/server/jira/platform/using-fields-in-remote-issue-links/)).
async fn link_back(api: Api<'_>, id: &str, wanted: &Reference, marker: &Marker) -> Result<Effect> {
    let global_id = Some(format!("throughline={marker}"));
    let title = wanted.label.split_whitespace().collect::<Vec<_>>().join(" ");
    let summary = wanted.summary.clone();
    let before = api.whole(id, Extent::Reading).await?;
    let id = &before.issue.id;
    // A link has to lead somewhere: where the counterpart's address is not shown, to the issue itself.
    let own = api.config.browse(&before.issue.key).unwrap_or_default();
    let url = wanted.url.clone().unwrap_or(own);
    let stands = |whole: &Whole| {
        let ours = whole.links.iter().find(|link| link.global_id == global_id);
        ours.is_some_and(|link| {
            let object = &link.object;
            object.title == title && object.url == url && object.summary == summary
        })
    };
    if stands(&before) {
        return Ok(changed(api, &before));
    }
    let object = RemoteObject { url: url.clone(), title: title.clone(), summary: summary.clone() };
    api.link(id, &RemoteLink { global_id: global_id.clone(), object }).await?;
    let after = read_back(api, id).await?;
    if stands(&after) {
        Ok(changed(api, &after))
    } else {
        Err(not_done(&["the link to the counterpart".to_owned()], TookEffect::Unknown)
            .with_context("issue", id))
    }
}

/// Adds markers to the labels that are to be written.
fn label(fields: &mut Map<String, Value>, markers: &[Marker]) {
    let mut labels = match fields.remove("labels") {
        Some(Value::Array(labels)) => labels,
        Some(_) | None => Vec::new(),
    };
    labels.extend(markers.iter().map(|marker| Value::from(marker.as_str())));
    fields.insert("labels".to_owned(), labels.into());
}

/// The field with this name among those of a screen.
fn named<'f>(known: &[(&'f str, &'f FieldMeta)], name: &str) -> Result<(&'f str, &'f FieldMeta)> {
    known.iter().find(|(_, field)| field.name == name).copied().ok_or_else(|| {
        Error::new(
            ErrorKind::Rejected,
            format!("the field {name:?} is not on the screen on which our account writes it"),
        )
    })
}

async fn request_type_field(api: Api<'_>) -> Result<String> {
    let fields = api.fields().await?;
    let kind =
        |field: &crate::wire::FieldDetails| field.schema.as_ref().and_then(|schema| schema.custom.clone());
    let found = fields.into_iter().find(|field| kind(field).as_deref() == Some(field::REQUEST_TYPE));
    found.map(|field| field.id).ok_or_else(|| {
        Error::new(
            ErrorKind::Misconfigured,
            "request_type is set, and this Jira has no field for request types",
        )
    })
}

/// The issue after a write. If it cannot be read, the write may have been carried out all the same.
pub(crate) async fn read_back(api: Api<'_>, id: &str) -> Result<Whole> {
    api.whole(id, Extent::Reading).await.map_err(Error::with_unknown_effect)
}

fn changed(api: Api<'_>, whole: &Whole) -> Effect {
    let ticket = map::ticket(whole, api.config);
    Effect::of(Subject::Ticket(ticket.id.clone())).seen_in(ticket)
}
