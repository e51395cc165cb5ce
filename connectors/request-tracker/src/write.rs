//! Carries out intents, and finds what a doubtful one left. Every write is read back: RT answers 200 to what it ignores.

use http::Method;
use serde_json::{Map, Value, json};
use throughline_sdk::{
    Changes, CommentId, Digest, Effect, Error, ErrorKind, FileId, Found, Intent, Marker, NewTicket,
    Operation, RemoteId, Result, Subject, Ticket, TookEffect, Version, Visibility,
};

use crate::config::Config;
use crate::rest::{Body, Rest, created, number};
use crate::{error, feed, map, multipart, read, wire};

const MAX_ANSWER_BYTES: u64 = 1024 * 1024;

/// Carries out one intent, once.
pub(crate) async fn apply(config: &Config, rest: &Rest<'_>, intent: &Intent) -> Result<Effect> {
    let writer = Writer { config, rest, marker: &intent.marker, expected: intent.expected.as_ref() };
    match &intent.operation {
        Operation::Create(new) => writer.create(new).await,
        Operation::Update { changes } => writer.update(ticket_of(intent)?, changes).await,
        Operation::Transition { status } => writer.transition(ticket_of(intent)?, status).await,
        Operation::Comment { body, visibility } => {
            writer.comment(ticket_of(intent)?, body, *visibility).await
        }
        Operation::Attach { name, media_type, size, digest, visibility } => {
            let file = NewFile { name, media_type, size: *size, digest };
            writer.attach(ticket_of(intent)?, &file, *visibility).await
        }
        Operation::LinkBack { label, url } => {
            writer.link_back(ticket_of(intent)?, label, url.as_deref()).await
        }
        Operation::Edit { .. } | Operation::Retract { .. } => Err(Error::new(
            ErrorKind::Unsupported,
            "Request Tracker's history cannot be edited, and nothing in it taken back",
        )),
    }
}

/// Everything in RT that bears an intent's marker. All reads here are of committed rows, without an index that lags.
pub(crate) async fn find(config: &Config, rest: &Rest<'_>, intent: &Intent) -> Result<Vec<Found>> {
    match &intent.operation {
        Operation::Create(_) => find_ticket(config, rest, &intent.marker).await,
        Operation::Comment { .. } | Operation::Attach { .. } => {
            find_message(rest, ticket_of(intent)?, &intent.marker).await
        }
        // These leave no marker: what they left is the state of the ticket.
        Operation::Update { .. }
        | Operation::Transition { .. }
        | Operation::LinkBack { .. }
        | Operation::Edit { .. }
        | Operation::Retract { .. } => Ok(Vec::new()),
    }
}

struct Writer<'a> {
    config: &'a Config,
    rest: &'a Rest<'a>,
    marker: &'a Marker,
    expected: Option<&'a Version>,
}

struct NewFile<'a> {
    name: &'a str,
    media_type: &'a str,
    size: u64,
    digest: &'a Digest,
}

impl Writer<'_> {
    async fn create(&self, new: &NewTicket) -> Result<Effect> {
        let queue = new.kind.as_deref().unwrap_or(&self.config.queue);
        let mut body = Map::new();
        body.insert("Queue".to_owned(), json!(queue));
        body.insert("Subject".to_owned(), json!(map::subject(&new.title)));
        body.insert("Content".to_owned(), json!(content(&new.description)));
        body.insert("ContentType".to_owned(), json!(content_type(self.marker)));
        if let Some(word) = &new.priority {
            body.insert("Priority".to_owned(), json!(self.priority(word)?));
        }
        let mut fields = self.fields(&new.fields);
        if let Some(name) = &self.config.marker_field {
            fields.insert(name.clone(), json!(self.marker.as_str()));
        }
        body.insert("CustomFields".to_owned(), Value::Object(fields));
        let id = match &new.status {
            None => self.post_ticket(queue, body).await?,
            Some(status) => {
                let mut with_status = body.clone();
                with_status.insert("Status".to_owned(), json!(status));
                match self.post_ticket(queue, with_status).await {
                    // A lifecycle lets tickets begin in some statuses only. The refusal made nothing, so that this
                    // is no second ticket; whether the status was reached stands in what is read back.
                    Err(error)
                        if error.kind() == ErrorKind::Rejected && error.took_effect() == TookEffect::No =>
                    {
                        let id = self.post_ticket(queue, body).await?;
                        let path = ["ticket", id.as_str()];
                        let sent = Body::json(&json!({ "Status": status }));
                        let _told_by_reading_back =
                            self.rest.raw(Method::PUT, &path, &[], sent, MAX_ANSWER_BYTES).await;
                        id
                    }
                    other => other?,
                }
            }
        };
        // It exists; whether it can be read at once is another matter, and the engine will read it anyway.
        let read_back = read::ticket(self.config, self.rest, &id).await.ok();
        Ok(Effect { subject: Subject::Ticket(id), read_back })
    }

    /// Makes one ticket and gives its id.
    async fn post_ticket(&self, queue: &str, body: Map<String, Value>) -> Result<RemoteId> {
        let sent = Body::json(&Value::Object(body));
        let answer = self.rest.raw(Method::POST, &["ticket"], &[], sent, MAX_ANSWER_BYTES).await?;
        let answer = error::of_create(answer, queue, queue == self.config.queue)?;
        created(&answer).map(RemoteId::new).ok_or_else(|| no_id("a ticket"))
    }

    async fn update(&self, ticket: &RemoteId, changes: &Changes) -> Result<Effect> {
        if changes.description.is_some() {
            return Err(Error::new(
                ErrorKind::Unsupported,
                "a description is the first message of a Request Tracker ticket and cannot be changed",
            )
            .with_context("ticket", ticket));
        }
        let mut body = Map::new();
        if let Some(title) = &changes.title {
            body.insert("Subject".to_owned(), json!(map::subject(title)));
        }
        if let Some(word) = &changes.priority {
            body.insert("Priority".to_owned(), json!(self.priority(word)?));
        }
        if let Some(queue) = &changes.kind {
            body.insert("Queue".to_owned(), json!(queue));
        }
        if !changes.fields.is_empty() {
            body.insert("CustomFields".to_owned(), Value::Object(self.fields(&changes.fields)));
        }
        let (sentences, after) = self.put(ticket, &Value::Object(body)).await?;
        let wrong = differences(changes, &after);
        if wrong.is_empty() {
            return Ok(effect(after));
        }
        let asked = usize::from(changes.title.is_some())
            + usize::from(changes.priority.is_some())
            + usize::from(changes.kind.is_some())
            + changes.fields.len();
        let error = error::not_done(ticket, &wrong.join(", "), &sentences);
        Err(if wrong.len() < asked { error.with_unknown_effect() } else { error })
    }

    async fn transition(&self, ticket: &RemoteId, status: &str) -> Result<Effect> {
        let (sentences, after) = self.put(ticket, &json!({ "Status": status })).await?;
        if after.status == status {
            return Ok(effect(after));
        }
        let (wire, _) = self.rest.ticket(ticket).await?;
        let offered: Vec<_> =
            wire.hyperlinks.iter().filter(|l| l.relation == "lifecycle").map(|l| l.to.as_str()).collect();
        Err(error::not_done(ticket, &format!("the status {status}"), &sentences)
            .with_context("status", &after.status)
            .with_context("offered", offered.join(" ")))
    }

    async fn comment(&self, ticket: &RemoteId, body: &str, visibility: Visibility) -> Result<Effect> {
        let mut message = Map::new();
        message.insert("Content".to_owned(), json!(content(body)));
        message.insert("ContentType".to_owned(), json!(content_type(self.marker)));
        self.prepare(ticket, visibility, &mut message).await?;
        let id = self.message(ticket, visibility, Body::json(&Value::Object(message))).await?;
        Ok(Effect { subject: Subject::Comment(CommentId::new(id)), read_back: None })
    }

    async fn attach(&self, ticket: &RemoteId, file: &NewFile<'_>, visibility: Visibility) -> Result<Effect> {
        let refused = |why: String| {
            Error::new(ErrorKind::Rejected, why)
                .with_context("ticket", ticket)
                .with_context("file", file.name)
        };
        if file.size == 0 {
            return Err(refused("Request Tracker takes no empty files".to_owned()));
        }
        if file.size > self.config.max_file_bytes {
            return Err(refused(format!(
                "the file is larger than max_file_bytes, {}",
                self.config.max_file_bytes
            )));
        }
        let bytes = self.rest.ctx().blobs.read(file.digest).await?;
        let mut message = Map::new();
        self.prepare(ticket, visibility, &mut message).await?;
        let part = multipart::File {
            name: file.name,
            media_type: file.media_type,
            bytes: &bytes,
            marker: self.marker,
        };
        let (body, media_type) = multipart::form(&Value::Object(message), &part);
        let transaction = self.message(ticket, visibility, Body::of(body, media_type)).await?;
        let stored = self.stored(&transaction).await.map_err(Error::with_unknown_effect)?;
        let Some(stored) = stored else {
            return Err(refused("Request Tracker took the message and left out the file".to_owned()));
        };
        if map::size(&stored) != file.size {
            return Err(refused(format!(
                "Request Tracker kept {} of {} bytes; see its options MaxAttachmentSize, TruncateLongAttachments and \
                 DropLongAttachments",
                map::size(&stored),
                file.size
            )));
        }
        Ok(Effect { subject: Subject::File(FileId::new(stored.id)), read_back: None })
    }

    async fn link_back(&self, ticket: &RemoteId, label: &str, url: Option<&str>) -> Result<Effect> {
        let mut body = Map::new();
        if let Some(url) = url {
            body.insert("AddRefersTo".to_owned(), json!(url));
        }
        if let Some(name) = &self.config.link_field {
            body.insert("CustomFields".to_owned(), json!({ name.as_str(): label }));
        }
        if body.is_empty() {
            return Err(Error::new(
                ErrorKind::Unsupported,
                "a counterpart without an address needs the setting link_field to be shown",
            )
            .with_context("ticket", ticket));
        }
        let (sentences, after) = self.put(ticket, &Value::Object(body)).await?;
        let linked = url.is_none_or(|url| after.references.iter().any(|r| r.url.as_deref() == Some(url)));
        let shown = self.config.link_field.is_none() || after.references.iter().any(|r| r.label == label);
        if linked && shown { Ok(effect(after)) } else { Err(error::not_done(ticket, "the link", &sentences)) }
    }

    /// Changes a ticket and reads it back, with what RT said.
    async fn put(&self, ticket: &RemoteId, body: &Value) -> Result<(Vec<String>, Ticket)> {
        let path = ["ticket", number(ticket.as_str())?];
        let sent = Body::json(body).if_match(self.expected);
        let answer = self.rest.raw(Method::PUT, &path, &[], sent, MAX_ANSWER_BYTES).await?;
        let answer = error::of_ticket(answer, &Method::PUT, ticket)?;
        let sentences: Vec<Option<String>> = answer.json(&Method::PUT)?;
        let after = read::ticket(self.config, self.rest, ticket).await.map_err(Error::with_unknown_effect)?;
        Ok((sentences.into_iter().flatten().collect(), after))
    }

    /// Sends a message and gives its transaction's id. The path alone decides who may read it.
    async fn message(&self, ticket: &RemoteId, visibility: Visibility, body: Body) -> Result<String> {
        let verb = match visibility {
            Visibility::Public => "correspond",
            Visibility::Internal => "comment",
            Visibility::Unknown => {
                return Err(Error::new(ErrorKind::Rejected, "nobody said who may read this")
                    .with_context("ticket", ticket));
            }
        };
        let path = ["ticket", number(ticket.as_str())?, verb];
        let answer = self.rest.raw(Method::POST, &path, &[], body, MAX_ANSWER_BYTES).await?;
        let answer = error::of_ticket(answer, &Method::POST, ticket)?;
        created(&answer).ok_or_else(|| no_id("a message"))
    }

    /// Looks at the ticket before a message is added to it, for two things that RT leaves to us.
    ///
    /// A message has no version in RT 5, which therefore refuses any `If-Match` on one, also the right one: the
    /// version is compared here. And a reply makes RT's scrips open a new or closed ticket: the status that is sent
    /// with the message is set after they ran.
    async fn prepare(
        &self,
        ticket: &RemoteId,
        visibility: Visibility,
        message: &mut Map<String, Value>,
    ) -> Result<()> {
        let keep_status = visibility == Visibility::Public && !self.config.replies_reopen;
        if !keep_status && self.expected.is_none() {
            return Ok(());
        }
        let (wire, version) = self.rest.ticket(ticket).await?;
        if self.expected.is_some_and(|expected| version.as_ref() != Some(expected)) {
            return Err(Error::new(ErrorKind::Conflict, "the ticket changed since it was read")
                .with_context("ticket", ticket));
        }
        if keep_status {
            message.insert("Status".to_owned(), json!(wire.status));
        }
        Ok(())
    }

    /// The file among the parts of a transaction's message.
    async fn stored(&self, transaction: &str) -> Result<Option<wire::Attachment>> {
        let transaction: wire::Transaction = self.rest.get(&["transaction", transaction], &[]).await?;
        let parts = read::attachments(self.rest, &[transaction]).await?;
        Ok(parts.into_iter().find(|part| map::marker(part).as_ref() == Some(self.marker)))
    }

    fn priority(&self, word: &str) -> Result<i64> {
        let known = self.config.priorities.iter().find(|(known, _)| known == word);
        known.map(|(_, number)| *number).ok_or_else(|| {
            Error::new(ErrorKind::Rejected, "the priority is none of the words in the setting priorities")
                .with_context("priority", word)
        })
    }

    fn fields(&self, fields: &std::collections::BTreeMap<String, String>) -> Map<String, Value> {
        let value = |name: &String, text: &str| {
            if self.config.lists.contains(name) {
                json!(text.split(',').map(str::trim).filter(|value| !value.is_empty()).collect::<Vec<_>>())
            } else {
                json!(text)
            }
        };
        fields.iter().map(|(name, text)| (name.clone(), value(name, text))).collect()
    }
}

async fn find_ticket(config: &Config, rest: &Rest<'_>, marker: &Marker) -> Result<Vec<Found>> {
    if let Some(name) = &config.marker_field {
        let query = format!("CF.{{{name}}} = {}", feed::quoted(marker.as_str()));
        let tickets: Vec<wire::Ticket> = rest.list(&["tickets"], &[("query", &query)]).await?;
        return Ok(tickets.into_iter().map(|ticket| found_ticket(&ticket.id)).collect());
    }
    let search = json!([{"field": "Headers", "operator": "LIKE", "value": marker.as_str()}]);
    let query = [("fields", "TransactionId"), ("per_page", "100")];
    let parts: Vec<wire::Attachment> = rest.search(&["attachments"], &query, &search).await?;
    let mut found = Vec::new();
    for part in parts {
        let transaction: wire::Transaction =
            rest.get(&["transaction", number(&part.transaction_id.id)?], &[]).await?;
        let ticket = found_ticket(&transaction.object.id);
        if transaction.kind == "Create" && !found.contains(&ticket) {
            found.push(ticket);
        }
    }
    Ok(found)
}

async fn find_message(rest: &Rest<'_>, ticket: &RemoteId, marker: &Marker) -> Result<Vec<Found>> {
    let (survivor, parts) = read::parts(rest, ticket).await?;
    let bearing = parts.into_iter().filter(|part| map::marker(part).as_ref() == Some(marker));
    Ok(bearing
        .map(|part| Found {
            ticket: survivor.clone(),
            subject: if map::is_file(&part) {
                Subject::File(FileId::new(part.id))
            } else {
                Subject::Comment(CommentId::new(part.transaction_id.id))
            },
        })
        .collect())
}

fn found_ticket(id: &str) -> Found {
    Found { ticket: RemoteId::new(id), subject: Subject::Ticket(RemoteId::new(id)) }
}

/// What was asked for and does not stand in the ticket.
fn differences(changes: &Changes, after: &Ticket) -> Vec<String> {
    let mut wrong = Vec::new();
    if changes.title.as_ref().is_some_and(|title| map::subject(title) != map::subject(&after.title)) {
        wrong.push("the subject".to_owned());
    }
    if changes.priority.is_some() && changes.priority != after.priority {
        wrong.push("the priority".to_owned());
    }
    if changes.kind.is_some() && changes.kind != after.kind {
        wrong.push("the queue".to_owned());
    }
    let words = |text: Option<&String>| -> Vec<String> {
        let mut words: Vec<_> =
            text.map(String::as_str).unwrap_or_default().split(',').map(|w| w.trim().to_owned()).collect();
        words.sort();
        words
    };
    for (name, text) in &changes.fields {
        if words(Some(text)) != words(after.fields.get(name)) {
            wrong.push(format!("the custom field {name}"));
        }
    }
    wrong
}

/// RT takes "" and "0" for no message at all, so that every text ends with a line end.
fn content(text: &str) -> String {
    format!("{text}\n")
}

fn content_type(marker: &Marker) -> String {
    format!("text/plain; {}=\"{marker}\"", map::MARKER_PARAMETER)
}

fn effect(after: Ticket) -> Effect {
    Effect { subject: Subject::Ticket(after.id.clone()), read_back: Some(after) }
}

fn ticket_of(intent: &Intent) -> Result<&RemoteId> {
    intent.ticket.as_ref().ok_or_else(|| {
        Error::new(ErrorKind::Rejected, "the intent names no ticket").with_context("intent", &intent.id)
    })
}

fn no_id(what: &str) -> Error {
    Error::new(ErrorKind::Malformed, format!("Request Tracker made {what} and did not say which"))
        .with_unknown_effect()
}
