//! Writes as the manifest describes them, each of them read back: many desks answer success and do nothing.

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json, json};
use throughline_sdk::{
    Changes, Comment, CommentId, Effect, Error, ErrorKind, Intent, Marker, NewTicket, Operation, Reference,
    RemoteId, Result, Subject, Ticket, TookEffect, Version, Visibility, ticket::canonical_text,
};

use crate::expression::{Scope, Value, value_of};
use crate::manifest::{Transition, VisibilityRule};
use crate::read::{self, Read};
use crate::request::{Answer, Api};
use crate::text::Dialect;
use crate::{attach, words};

/// Raises a ticket that bears the marker from its first moment.
///
/// Once the ticket exists this does not fail any more: what the desk left out of it shows in the ticket read back.
pub(crate) async fn create(api: Api<'_>, new: &NewTicket, marker: &Marker) -> Result<Effect> {
    let says = &api.desk.manifest.create;
    let listed = &api.desk.manifest.words;
    let dialect = api.desk.manifest.text.dialect;
    let value = |list, word: &Option<String>, what| {
        word.as_ref().map(|word| words::write(list, word, what)).transpose()
    };
    let mut fields = content(
        dialect,
        &Changes {
            title: Some(new.title.clone()),
            description: Some(new.description.clone()),
            priority: None,
            kind: None,
            fields: new.fields.clone(),
        },
    );
    put(&mut fields, "status", value(&listed.status, &new.status, "status")?);
    put(&mut fields, "priority", value(&listed.priority, &new.priority, "priority")?);
    put(&mut fields, "type", value(&listed.kind, &new.kind, "type")?);
    put(&mut fields, "marked", Some(dialect.mark(&new.description, marker).into()));
    let scope = api.desk.scope().with("new", value_of(&Json::Object(fields))).with("marker", marker.as_str());
    let answer = api.write(&says.request, &says.headers, Some(&says.body), &scope).await?;
    let id = RemoteId::new(answer.required(api, &says.id)?);
    let read_back = finish(api, &id, new.status.as_deref()).await;
    let read_back = read_back.inspect_err(|error| {
        tracing::warn!(ticket = %id, %error, "The desk created a ticket that lacks something we asked for.");
    });
    Ok(Effect::of(Subject::Ticket(id)).seen_in(read_back.ok()))
}

/// The ticket that was just raised, brought to its status where the desk did not take that at once.
async fn finish(api: Api<'_>, id: &RemoteId, status: Option<&str>) -> Result<Ticket> {
    let read = read::ticket(api, id).await?;
    match (status, &api.desk.manifest.transition) {
        (Some(status), Some(says)) if read.ticket.status != status => {
            transition(api, says, read, status, None).await.map(|read| read.ticket)
        }
        _ => Ok(read.ticket),
    }
}

/// Carries out an operation on a ticket that exists.
pub(crate) async fn into_ticket(api: Api<'_>, id: &RemoteId, intent: &Intent) -> Result<Effect> {
    let manifest = &api.desk.manifest;
    let outcome = match &intent.operation {
        Operation::Create(new) => create(api, new, &intent.marker).await,
        Operation::Update { changes } => match &manifest.update {
            Some(_) => update(api, expected(api, id, intent).await?, changes).await.map(changed),
            None => Err(unsupported("update")),
        },
        Operation::Transition { status } => match &manifest.transition {
            Some(says) => {
                let read = expected(api, id, intent).await?;
                transition(api, says, read, status, intent.expected.as_ref().map(Version::as_str))
                    .await
                    .map(changed)
            }
            None => Err(unsupported("transition")),
        },
        Operation::Comment { body, visibility } => comment(api, id, body, *visibility, &intent.marker).await,
        Operation::Edit { comment, body } => edit(api, id, comment, body).await,
        Operation::Retract { comment } => retract(api, id, comment).await,
        Operation::Attach { name, media_type, size, digest, visibility } => {
            let file = attach::Sent { name, media_type, size: *size, digest, visibility: *visibility };
            attach::attach(api, id, &file, &intent.marker).await
        }
        Operation::LinkBack(link) => link_back(api, id, link).await,
    };
    outcome.map_err(|error| error.with_context("ticket", id))
}

/// The ticket, if it still is as the plan was made on. Where the desk takes no condition, what changes between this
/// read and the write is overwritten.
async fn expected(api: Api<'_>, id: &RemoteId, intent: &Intent) -> Result<Read> {
    let read = read::ticket(api, id).await?;
    intent.still_fits(read.ticket.version.as_ref())?;
    Ok(read)
}

async fn update(api: Api<'_>, before: Read, changes: &Changes) -> Result<Read> {
    let Some(says) = &api.desk.manifest.update else { return Err(unsupported("update")) };
    let dialect = api.desk.manifest.text.dialect;
    let asked = not_in(dialect, changes, &before.ticket);
    if asked.is_empty() {
        return Ok(before);
    }
    let listed = &api.desk.manifest.words;
    let mut fields = content(dialect, changes);
    let value = |list, word: &Option<String>, what| {
        word.as_ref().map(|word| words::write(list, word, what)).transpose()
    };
    put(&mut fields, "priority", value(&listed.priority, &changes.priority, "priority")?);
    put(&mut fields, "type", value(&listed.kind, &changes.kind, "type")?);
    if let Some(description) = &changes.description {
        // The marker that stands in the text stays there.
        let marked = match &before.ticket.marker {
            Some(marker) => dialect.mark(description, marker),
            None => dialect.write(description),
        };
        put(&mut fields, "marked", Some(marked.into()));
    }
    let scope = about(api, &before).with("changes", value_of(&Json::Object(fields)));
    let body = says.body.json(&scope).map_err(|failed| api.failed(&failed))?;
    if !body.as_ref().is_some_and(says_something) {
        let message = format!("the manifest's update does not say how to write: {}", asked.join(", "));
        return Err(Error::new(ErrorKind::Rejected, message));
    }
    api.write(&says.request, &says.headers, Some(&says.body), &scope).await?;
    let after = read_back(api, &before.ticket.id).await?;
    let refused = not_in(dialect, changes, &after.ticket);
    if refused.is_empty() {
        return Ok(after);
    }
    let effect = if refused.len() == asked.len() { TookEffect::No } else { TookEffect::Unknown };
    Err(not_done(&refused.join(", "), effect))
}

async fn transition(
    api: Api<'_>,
    says: &Transition,
    before: Read,
    status: &str,
    expected: Option<&str>,
) -> Result<Read> {
    if before.ticket.status == status {
        return Ok(before);
    }
    let value = words::write(&api.desk.manifest.words.status, status, "status")?;
    let mut scope = about(api, &before).with("status", value_of(&value));
    if let Some(expected) = expected {
        scope = scope.with("expected", expected);
    }
    if let Some(choices) = &says.choices {
        let answer = api.read(&choices.request, None, &scope).await?;
        let mut chosen = None;
        for row in answer.list(api, &choices.list)? {
            let row = answer.scope.clone().with("row", row);
            let text = |expression: &crate::expression::Expression| {
                expression.text(&row).map_err(|failed| answer.unreadable(api, &failed))
            };
            if text(&choices.to)?.is_some_and(|to| to == words::text(&value)) {
                chosen = text(&choices.id)?;
                break;
            }
        }
        let chosen = chosen.ok_or_else(|| {
            Error::new(
                ErrorKind::Rejected,
                format!("no transition leads from {:?} to {status:?} for our account", before.ticket.status),
            )
        })?;
        scope = scope.with("transition", chosen);
    }
    api.write(&says.request, &says.headers, Some(&says.body), &scope).await?;
    let after = read_back(api, &before.ticket.id).await?;
    if after.ticket.status == status {
        return Ok(after);
    }
    // Somewhere else than before: a rule of the desk's own may have taken it further.
    let effect =
        if after.ticket.status == before.ticket.status { TookEffect::No } else { TookEffect::Unknown };
    Err(not_done("the status", effect))
}

async fn comment(
    api: Api<'_>,
    id: &RemoteId,
    body: &str,
    visibility: Visibility,
    marker: &Marker,
) -> Result<Effect> {
    let says = &api.desk.manifest.comment;
    let dialect = api.desk.manifest.text.dialect;
    let shown = shown_as(&api.desk.manifest.comments.visibility, visibility)?;
    let scope = api
        .desk
        .scope()
        .with("id", id.as_str())
        .with("text", dialect.write(body))
        .with("marked", dialect.mark(body, marker))
        .with("marker", marker.as_str())
        .with("visibility", shown);
    let answer = api.write(&says.request, &says.headers, Some(&says.body), &scope).await?;
    let named = match &says.id {
        Some(expression) => Some(answer.required(api, expression)?),
        None => None,
    };
    let ticket = read_back(api, id).await?.ticket;
    let ours = |one: &&Comment| match &named {
        Some(named) => one.id.as_str() == named,
        None => one.marker.as_ref() == Some(marker),
    };
    let Some(made) = ticket.comments.iter().find(ours) else {
        return Err(not_there(&answer, "the comment"));
    };
    if made.visibility != visibility {
        let made = made.id.clone();
        take_back(api, id, &made).await;
        return Err(not_done("who may read the comment", TookEffect::Unknown).with_context("comment", made));
    }
    Ok(Effect::of(Subject::Comment(made.id.clone())).seen_in(ticket))
}

/// A comment that everybody can read and nobody should: taken back where the desk can, else a person has to.
async fn take_back(api: Api<'_>, id: &RemoteId, comment: &CommentId) {
    if let Err(error) = retract(api, id, comment).await {
        tracing::error!(ticket = %id, comment = %comment, %error,
            "A comment can be read by others than it was meant for, and was not taken back: delete it at the desk.");
    }
}

async fn edit(api: Api<'_>, id: &RemoteId, comment: &CommentId, body: &str) -> Result<Effect> {
    let Some(says) = &api.desk.manifest.edit else { return Err(unsupported("edit")) };
    let subject = Subject::Comment(comment.clone());
    let before = read::ticket(api, id).await?.ticket;
    let Some(was) = before.comments.iter().find(|one| one.id == *comment) else {
        return Err(Error::new(ErrorKind::Rejected, "the comment is no longer there")
            .with_context("comment", comment));
    };
    let dialect = api.desk.manifest.text.dialect;
    let kept = dialect.kept(body);
    if was.body == kept {
        return Ok(Effect::of(subject).seen_in(before));
    }
    let marked = was.marker.as_ref().map_or_else(|| dialect.write(body), |marker| dialect.mark(body, marker));
    let scope = api
        .desk
        .scope()
        .with("id", id.as_str())
        .with("comment_id", comment.as_str())
        .with("text", dialect.write(body))
        .with("marked", marked);
    api.write(&says.request, &BTreeMap::new(), Some(&says.body), &scope).await?;
    let after = read_back(api, id).await?.ticket;
    if after.comments.iter().any(|one| one.id == *comment && one.body == kept) {
        Ok(Effect::of(subject).seen_in(after))
    } else {
        Err(not_done("the comment's text", TookEffect::No).with_context("comment", comment))
    }
}

async fn retract(api: Api<'_>, id: &RemoteId, comment: &CommentId) -> Result<Effect> {
    let Some(says) = &api.desk.manifest.retract else { return Err(unsupported("retract")) };
    let subject = Subject::Comment(comment.clone());
    let stands = |ticket: &Ticket| ticket.comments.iter().any(|one| one.id == *comment);
    let before = read::ticket(api, id).await?.ticket;
    if !stands(&before) {
        return Ok(Effect::of(subject).seen_in(before));
    }
    let scope = api.desk.scope().with("id", id.as_str()).with("comment_id", comment.as_str());
    api.write(&says.request, &BTreeMap::new(), says.body.as_ref(), &scope).await?;
    let after = read_back(api, id).await?.ticket;
    if stands(&after) {
        return Err(not_done("the comment", TookEffect::No).with_context("comment", comment));
    }
    Ok(Effect::of(subject).seen_in(after))
}

async fn link_back(api: Api<'_>, id: &RemoteId, link: &Reference) -> Result<Effect> {
    let Some(says) = &api.desk.manifest.link_back else { return Err(unsupported("link_back")) };
    let summarizes = api.desk.manifest.ticket.summarizes();
    if link.summary.is_some() && !summarizes {
        return Err(unsupported("link_summary or link_line in [ticket]"));
    }
    let line = link.line(says.chars);
    // In one line there is less room for a summary.
    let told = match &api.desk.manifest.ticket.link_line {
        Some(_) => Reference::of_line(&line),
        None => link.cut(says.chars),
    };
    let Reference { label, url, summary } = &told;
    let stands = |ticket: &Ticket| {
        let about = |one: &Reference| one.label == *label || (url.is_some() && one.url == *url);
        let mut all = ticket.references.iter();
        all.any(|one| about(one) && (!summarizes || one.summary == *summary))
    };
    let before = read::ticket(api, id).await?;
    if stands(&before.ticket) {
        return Ok(changed(before));
    }
    let mut scope = about(api, &before).with("label", label.as_str()).with("line", line.as_str());
    if let Some(url) = url {
        scope = scope.with("url", url.as_str());
    }
    if let Some(summary) = summary {
        scope = scope.with("summary", summary.as_str());
    }
    api.write(&says.request, &BTreeMap::new(), Some(&says.body), &scope).await?;
    let after = read_back(api, id).await?;
    if stands(&after.ticket) { Ok(changed(after)) } else { Err(not_done("the counterpart", TookEffect::No)) }
}

/// The desk's value for who may read what is written.
pub(crate) fn shown_as(rule: &VisibilityRule, visibility: Visibility) -> Result<Value> {
    let none = |what: &str| Error::new(ErrorKind::Unsupported, what);
    let first = |list: &[Json], what| list.first().map(value_of).ok_or_else(|| none(what));
    match (visibility, rule.always) {
        (Visibility::Unknown, _) => Err(none("nobody said for whom this is, so it is not written")),
        (wanted, Some(always)) if wanted == always => Ok(Value::UNDEFINED),
        (Visibility::Public, Some(_)) => Err(none("this desk shows it to staff only")),
        (Visibility::Internal, Some(_)) => Err(none("this desk shows it to everybody")),
        (Visibility::Public, None) => first(&rule.public, "the manifest lists no value that is public"),
        (Visibility::Internal, None) => first(&rule.internal, "the manifest lists no value that is internal"),
    }
}

/// The ticket after a write. If it cannot be read, the write may have been carried out all the same.
pub(crate) async fn read_back(api: Api<'_>, id: &RemoteId) -> Result<Read> {
    read::ticket(api, id).await.map_err(Error::with_unknown_effect)
}

/// The desk accepted a write and did not do it.
pub(crate) fn not_done(what: &str, effect: TookEffect) -> Error {
    let message =
        format!("the desk accepted the write and left as it was: {what}; check our account's permissions");
    Error::new(ErrorKind::Rejected, message).with_effect(effect)
}

/// What was to be made is not there, though the desk said that it was.
pub(crate) fn not_there(answer: &Answer, what: &str) -> Error {
    let code = answer.response.status.as_u16();
    not_done(&format!("{what}, which does not show after its {code}"), TookEffect::Unknown)
}

pub(crate) fn unsupported(table: &str) -> Error {
    Error::new(ErrorKind::Unsupported, format!("the manifest has no [{table}]"))
}

/// What the requests about a ticket see of it.
fn about(api: Api<'_>, read: &Read) -> Scope {
    let scope = api.desk.scope().with("id", read.ticket.id.as_str()).with("ticket", read.raw.clone());
    match &read.ticket.version {
        Some(version) => scope.with("expected", version.as_str()),
        None => scope,
    }
}

/// The fields of a ticket in the names of [create] and [update], but for those with words of the desk's own.
fn content(dialect: Dialect, changes: &Changes) -> Map<String, Json> {
    let mut fields = Map::new();
    put(&mut fields, "title", changes.title.as_ref().map(|title| title.trim().into()));
    put(&mut fields, "text", changes.description.as_ref().map(|text| dialect.write(text).into()));
    put(&mut fields, "fields", Some(json!(changes.fields)));
    fields
}

fn put(fields: &mut Map<String, Json>, name: &str, value: Option<Json>) {
    if let Some(value) = value {
        fields.insert(name.to_owned(), value);
    }
}

/// Whether a body holds anything but empty objects.
fn says_something(body: &Json) -> bool {
    match body {
        Json::Object(members) => members.values().any(says_something),
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) | Json::Array(_) => true,
    }
}

fn changed(read: Read) -> Effect {
    Effect::of(Subject::Ticket(read.ticket.id.clone())).seen_in(read.ticket)
}

/// Which of the asked changes a ticket does not show, by name.
fn not_in(dialect: Dialect, changes: &Changes, ticket: &Ticket) -> Vec<String> {
    let word = |asked: &Option<String>, seen: &Option<String>| asked.is_some() && asked != seen;
    let standard = [
        ("title", changes.title.as_ref().is_some_and(|asked| asked.trim() != ticket.title)),
        (
            "description",
            changes.description.as_ref().is_some_and(|asked| dialect.kept(asked) != ticket.description),
        ),
        ("priority", word(&changes.priority, &ticket.priority)),
        ("type", word(&changes.kind, &ticket.kind)),
    ];
    let standard = standard.into_iter().filter(|(_, differs)| *differs).map(|(name, _)| name.to_owned());
    let seen = |name: &String| ticket.fields.get(name).map_or("", String::as_str);
    let fields = changes.fields.iter().filter(|(name, asked)| canonical_text(asked) != seen(name));
    standard.chain(fields.map(|(name, _)| name.clone())).collect()
}
