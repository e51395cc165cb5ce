//! Writes of a ticket's own attributes, each of them read back.

use serde_json::{Map, Value, json};
use throughline_sdk::{
    Changes, Effect, Error, ErrorKind, Found, Intent, Marker, NewTicket, Operation, Reference, RemoteId,
    Result, Subject, TookEffect,
};

use crate::api::{Answered, Api, Read};
use crate::config::{LinkBack, NoteWrites};
use crate::error::not_done;
use crate::map::{self, ATTRIBUTES, LINK_ROLE, LINK_TYPE, MARKER_TYPE, write_text};
use crate::{lifecycle, parts};

/// Pages looked through for a marker on a desk that knows no filter.
const MAX_PAGES: usize = 50;

/// Creates a ticket that bears the marker from its first moment.
///
/// Once it exists this does not fail any more: what the desk left out shows in the ticket read back.
pub(crate) async fn create(api: Api<'_>, new: &NewTicket, marker: &Marker) -> Result<Effect> {
    let id = match api.create(&new_body(api, new, marker)?).await? {
        Answered::Ticket(read) => read.ticket.id,
        Answered::At(Some(id)) => id,
        Answered::At(None) => appeared(api, None, marker).await?,
        Answered::Later(place) => appeared(api, place.as_ref(), marker).await?,
    };
    let finished = async {
        let read = api.ticket(&id).await?;
        match &new.status {
            Some(status) => walk(api, read, status).await,
            None => Ok(read),
        }
    };
    let read_back = finished.await.inspect_err(|error| {
        tracing::warn!(ticket = %id, %error, "The desk created a ticket that lacks something we asked for.");
    });
    Ok(Effect::of(Subject::Ticket(id)).seen_in(read_back.ok().map(|read| read.ticket)))
}

/// The tickets that bear a marker. A desk leaves out a filter it does not know, so each row is looked at.
pub(crate) async fn created(api: Api<'_>, marker: &Marker) -> Result<Vec<Found>> {
    let name = if api.is_v5() { "externalIdentifier.id" } else { "externalId" };
    let query = [(name, marker.to_string())];
    let mut found: Vec<RemoteId> = Vec::new();
    let mut seen = 0;
    for _ in 0..MAX_PAGES {
        let page = api.list(&query, seen, api.config.page).await?;
        let whole = page.is_last(seen, api.config.page);
        seen += page.rows.len();
        for row in page.rows {
            let read = api.read(row, &http::HeaderMap::new(), &http::Method::GET)?;
            if read.ticket.marker.as_ref() == Some(marker) && !found.contains(&read.ticket.id) {
                found.push(read.ticket.id);
            }
        }
        // The newest stand last on some desks and first on others, so none is left out.
        if whole {
            let found = found.into_iter();
            return Ok(found.map(Found::made).collect());
        }
    }
    let message =
        "the desk does not filter its list by external identifier, and the list is too long to look through";
    Err(Error::new(ErrorKind::Unsupported, message).with_context("rows", seen))
}

/// A ticket that the desk accepted, once it is there: at the place it named, or where its marker is found.
async fn appeared(api: Api<'_>, place: Option<&RemoteId>, marker: &Marker) -> Result<RemoteId> {
    loop {
        let found = match place {
            Some(id) => api.ticket(id).await.map(|read| Some(read.ticket.id)),
            None => created(api, marker).await.map(|mut found| found.pop().map(|found| found.ticket)),
        };
        match found {
            Ok(Some(id)) => return Ok(id),
            Ok(None) => {}
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(error.with_unknown_effect()),
        }
        api.pause().await?;
    }
}

/// Carries out an operation on a ticket that exists.
pub(crate) async fn into_ticket(api: Api<'_>, id: &RemoteId, intent: &Intent) -> Result<Effect> {
    match &intent.operation {
        Operation::Create(new) => create(api, new, &intent.marker).await,
        Operation::Update { changes } => {
            let before = expected(api, id, intent).await?;
            update(api, before, changes).await.map(changed)
        }
        Operation::Transition { status } => {
            let before = expected(api, id, intent).await?;
            walk(api, before, status).await.map(changed)
        }
        Operation::Comment { body, visibility } => {
            parts::comment(api, id, body, *visibility, &intent.marker).await
        }
        Operation::Edit { comment, body } => parts::edit(api, id, comment, Some(body)).await,
        Operation::Retract { comment } => parts::edit(api, id, comment, None).await,
        Operation::Attach { .. } => parts::attach(api, id, intent).await,
        Operation::LinkBack(link) => link_back(api, id, link).await,
    }
}

/// The ticket, if it still is as the plan was made on.
async fn expected(api: Api<'_>, id: &RemoteId, intent: &Intent) -> Result<Read> {
    let read = api.ticket(id).await?;
    intent.still_fits(read.ticket.version.as_ref())?;
    Ok(read)
}

async fn update(api: Api<'_>, before: Read, changes: &Changes) -> Result<Read> {
    let asked = map::not_in(api.config, changes, &before.ticket);
    if asked.is_empty() {
        return Ok(before);
    }
    let body = change_body(api, &before, changes)?;
    let after = merged(api, &before, body).await?;
    let refused = map::not_in(api.config, changes, &after.ticket);
    if refused.is_empty() {
        return Ok(after);
    }
    let effect = if refused.len() == asked.len() { TookEffect::No } else { TookEffect::Unknown };
    Err(not_done(&refused.join(", "), effect))
}

/// Changes a ticket that was just read, and reads it back.
async fn merged(api: Api<'_>, before: &Read, body: Map<String, Value>) -> Result<Read> {
    let id = &before.ticket.id;
    match api.merge(id, &Value::Object(body), before.tag.as_deref()).await? {
        Answered::Ticket(read) => Ok(*read),
        Answered::At(_) => api.ticket(id).await.map_err(Error::with_unknown_effect),
        Answered::Later(_) => {
            // What it will be is not known: whatever is other than before is taken for it.
            let version = &before.ticket.version;
            api.once(id, |now| now.ticket.version != *version).await
        }
    }
}

/// Brings a ticket to a status, one step of the standard's lifecycle after the other.
async fn walk(api: Api<'_>, read: Read, status: &str) -> Result<Read> {
    let start = read.ticket.status.clone();
    let mut read = read;
    if start == status {
        return Ok(read);
    }
    for step in lifecycle::way(&start, status) {
        let moved = read.ticket.status != start;
        let mut body = typed(api);
        body.insert("status".to_owned(), json!(step));
        let after = match merged(api, &read, body).await {
            Ok(after) => after,
            Err(error) if error.kind() == ErrorKind::Conflict => {
                let error = refused_or_stale(api, &read, error).await;
                return Err(if moved { error.with_unknown_effect() } else { error });
            }
            // A refusal of this step does not undo the steps before it.
            Err(error) => return Err(if moved { error.with_unknown_effect() } else { error }),
        };
        if after.ticket.status != step {
            let effect =
                if moved || after.ticket.status != start { TookEffect::Unknown } else { TookEffect::No };
            return Err(not_done("the status", effect).with_context("status now", &after.ticket.status));
        }
        read = after;
    }
    Ok(read)
}

/// 409 stands for a step that the lifecycle does not have as well as for somebody who was faster.
async fn refused_or_stale(api: Api<'_>, before: &Read, error: Error) -> Error {
    match api.ticket(&before.ticket.id).await {
        Ok(now) if now.ticket.version == before.ticket.version => {
            Error::new(ErrorKind::Rejected, error.message()).with_effect(error.took_effect())
        }
        Ok(_) | Err(_) => error,
    }
}

/// An external identifier is a number and nothing else. A related entity has a name besides, which holds how the
/// counterpart stands; its id stays the number, by which the entry is known.
async fn link_back(api: Api<'_>, id: &RemoteId, link: &Reference) -> Result<Effect> {
    let unsupported = |why| Err(Error::new(ErrorKind::Unsupported, why));
    let entity = match api.config.link_back {
        LinkBack::Nowhere => return unsupported("a counterpart is shown only where link_back says where"),
        LinkBack::ExternalIdentifier if link.summary.is_some() => {
            return unsupported(
                "an external identifier is a number, and says nothing of how a counterpart stands",
            );
        }
        LinkBack::RelatedEntity if link.summary.is_some() && api.config.note_writes == NoteWrites::Append => {
            return unsupported("a desk that adds whatever it is sent keeps every line about a counterpart");
        }
        LinkBack::ExternalIdentifier => None,
        LinkBack::RelatedEntity => Some(entity(api, link)),
    };
    let before = api.ticket(id).await?;
    let stands = |read: &Read| {
        let mut all = read.ticket.references.iter();
        all.any(|one| one.label == link.label && (entity.is_none() || one.summary == link.summary))
    };
    if stands(&before) {
        return Ok(changed(before));
    }
    let mut body = typed(api);
    match &entity {
        None => {
            let name = "externalIdentifier";
            body.insert(
                name.to_owned(),
                one_more(&before.raw, name, identifier(api, LINK_TYPE, &link.label)),
            );
        }
        Some(entity) => {
            let name = "relatedEntity";
            body.insert(name.to_owned(), in_place(&before.raw, name, entity.clone(), &link.label));
        }
    }
    let after = merged(api, &before, body).await?;
    if stands(&after) { Ok(changed(after)) } else { Err(not_done("the link", TookEffect::No)) }
}

/// The standard bounds no name; this is what a line holds.
const LONGEST_NAME: usize = 255;

/// All that stands in an array, and one entry more.
pub(crate) fn one_more(raw: &Value, name: &str, entry: Value) -> Value {
    let mut all = raw.get(name).and_then(Value::as_array).cloned().unwrap_or_default();
    all.push(entry);
    Value::Array(all)
}

/// All that stands in an array, with this entry in the place of the one about the same counterpart.
fn in_place(raw: &Value, name: &str, entry: Value, id: &str) -> Value {
    let mut all = raw.get(name).and_then(Value::as_array).cloned().unwrap_or_default();
    let about = |one: &Value| {
        let what = one.get("entity").unwrap_or(one);
        let role = one.get("role").or_else(|| what.get("role"));
        role.and_then(Value::as_str) == Some(LINK_ROLE) && what.get("id").and_then(Value::as_str) == Some(id)
    };
    match all.iter_mut().find(|one| about(one)) {
        Some(standing) => *standing = entry,
        None => all.push(entry),
    }
    Value::Array(all)
}

fn identifier(api: Api<'_>, sort: &str, id: &str) -> Value {
    let owner = &api.config.author;
    json!({ "@type": "ExternalIdentifier", "owner": owner, "externalIdentifierType": sort, "id": id })
}

fn entity(api: Api<'_>, link: &Reference) -> Value {
    let name = Reference { url: None, ..link.clone() }.line(LONGEST_NAME);
    let mut what =
        json!({ "id": link.label, "name": name, "@type": "EntityRef", "@referredType": "TroubleTicket" });
    if let (Some(url), Some(what)) = (&link.url, what.as_object_mut()) {
        what.insert("href".to_owned(), json!(url));
    }
    if api.is_v5() {
        return json!({ "@type": "RelatedEntity", "role": LINK_ROLE, "entity": what });
    }
    if let Some(what) = what.as_object_mut() {
        what.insert("role".to_owned(), json!(LINK_ROLE));
        what.insert("@type".to_owned(), json!("RelatedEntity"));
    }
    what
}

fn new_body(api: Api<'_>, new: &NewTicket, marker: &Marker) -> Result<Value> {
    let config = api.config;
    let wanted = Changes {
        title: Some(new.title.clone()),
        description: Some(new.description.clone()),
        priority: new.priority.clone(),
        kind: Some(new.kind.clone().unwrap_or_else(|| config.ticket_type.clone())),
        fields: new.fields.clone(),
    };
    let mut body = typed(api);
    fill(api, &mut body, None, &wanted, &new.title)?;
    body.entry("severity").or_insert_with(|| json!(config.severity));
    match api.is_v5() {
        true => body
            .insert("externalIdentifier".to_owned(), json!([identifier(api, MARKER_TYPE, marker.as_str())])),
        false => body.insert("externalId".to_owned(), json!(marker)),
    };
    if let Some(party) = &config.party {
        let who = json!({ "id": party.id, "@type": "PartyRef", "@referredType": "Organization" });
        let role = &party.role;
        let related = match api.is_v5() {
            true => {
                json!({ "@type": "RelatedPartyRefOrPartyRoleRef", "role": role, "partyOrPartyRole": who })
            }
            false => json!({ "id": party.id, "role": role, "@referredType": "Organization" }),
        };
        body.insert("relatedParty".to_owned(), json!([related]));
    }
    Ok(Value::Object(body))
}

fn change_body(api: Api<'_>, before: &Read, changes: &Changes) -> Result<Map<String, Value>> {
    let mut body = typed(api);
    let title = changes.title.as_ref().unwrap_or(&before.ticket.title);
    fill(api, &mut body, Some(&before.raw), changes, title)?;
    Ok(body)
}

/// Writes changes in the standard's attributes. What it has no place for is refused before anything is sent.
fn fill(
    api: Api<'_>,
    body: &mut Map<String, Value>,
    before: Option<&Value>,
    changes: &Changes,
    title: &str,
) -> Result<()> {
    let mut set = |name: &str, value: &str| body.insert(name.to_owned(), json!(value));
    if let Some(title) = &changes.title {
        set("name", title);
    }
    if let Some(description) = &changes.description {
        // The standard demands one.
        let text = if description.is_empty() { title } else { description };
        set("description", &write_text(api.config, text));
    }
    if let Some(priority) = &changes.priority {
        set("priority", priority);
    }
    if let Some(kind) = &changes.kind {
        set("ticketType", kind);
    }
    let mut characteristics = None;
    for (name, value) in &changes.fields {
        match ATTRIBUTES.iter().find(|(attribute, _)| attribute == name) {
            Some((_, true)) if value.is_empty() => _ = body.insert(name.clone(), Value::Null),
            Some((_, true)) => _ = body.insert(name.clone(), json!(value)),
            None if api.is_v5() => {
                let all = characteristics.get_or_insert_with(|| {
                    let all = before.and_then(|raw| raw.get("troubleTicketCharacteristic"));
                    all.and_then(Value::as_array).cloned().unwrap_or_default()
                });
                set_characteristic(all, name, value);
            }
            Some((_, false)) | None => {
                let why = "the standard has no attribute of this name that we can write";
                return Err(Error::new(ErrorKind::Rejected, why).with_context("field", name));
            }
        }
    }
    if let Some(all) = characteristics {
        body.insert("troubleTicketCharacteristic".to_owned(), Value::Array(all));
    }
    Ok(())
}

fn set_characteristic(all: &mut Vec<Value>, name: &str, value: &str) {
    all.retain(|one| one.get("name").and_then(Value::as_str) != Some(name));
    if !value.is_empty() {
        all.push(
            json!({ "@type": "StringCharacteristic", "name": name, "valueType": "string", "value": value }),
        );
    }
}

/// The beginning of every body: version 5 asks for a type in each object.
pub(crate) fn typed(api: Api<'_>) -> Map<String, Value> {
    let mut body = Map::new();
    if api.is_v5() {
        body.insert("@type".to_owned(), json!("TroubleTicket"));
    }
    body
}

fn changed(read: Read) -> Effect {
    Effect::of(Subject::Ticket(read.ticket.id.clone())).seen_in(read.ticket)
}
