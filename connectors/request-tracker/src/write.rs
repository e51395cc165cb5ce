//! Carries out intents, and finds what a doubtful one left. Every write is read back: RT answers 200 to what it ignores.

use std::collections::BTreeMap;

use http::Method;
use serde_json::{Map, Value, json};
use throughline_markup::html;
use throughline_sdk::{
    Changes, CommentId, Digest, Effect, Error, ErrorKind, FileId, Intent, Marker, NewTicket, Operation,
    Reference, RemoteId, Result, Subject, Ticket, TookEffect, Version, Visibility,
};

use crate::config::Config;
use crate::race::{self, Outcome};
use crate::read::Whole;
use crate::rest::{Body, Rest, created, number};
use crate::{attribute, error, feed, map, multipart, read, wire};

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
        Operation::LinkBack(reference) => writer.link_back(ticket_of(intent)?, reference).await,
        Operation::Edit { .. } | Operation::Retract { .. } => Err(Error::new(
            ErrorKind::Unsupported,
            "Request Tracker's history cannot be edited, and nothing in it taken back",
        )),
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
        self.content(&new.description, &mut body);
        if let Some(word) = &new.priority {
            body.insert("Priority".to_owned(), json!(self.priority(word)?));
        }
        self.fields(&new.fields, &mut body)?;
        if let Some(name) = &self.config.marker_field {
            let fields = body.entry("CustomFields").or_insert_with(|| json!({}));
            if let Some(fields) = fields.as_object_mut() {
                fields.insert(name.clone(), json!(self.marker.as_str()));
            }
        }
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
        Ok(Effect::of(Subject::Ticket(id)).seen_in(read_back))
    }

    /// A message's text: plain where it is plain, else HTML.
    ///
    /// RT takes "" and "0" for no message at all, so that every text ends with a line end.
    fn content(&self, text: &str, message: &mut Map<String, Value>) {
        let plain = throughline_markup::plain::write(text);
        let (text, media_type) = if plain.lost.is_empty() {
            (plain.text, "text/plain")
        } else {
            (html::write(text).text, "text/html")
        };
        let media_type = format!("{media_type}; {}=\"{}\"", map::MARKER_PARAMETER, self.marker);
        message.insert("Content".to_owned(), json!(format!("{text}\n")));
        message.insert("ContentType".to_owned(), json!(media_type));
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
        self.fields(&changes.fields, &mut body)?;
        let (sentences, after) = self.put(ticket, &body).await?;
        let wrong = differences(changes, &after.ticket);
        self.alone(ticket, &body, wrong.is_empty(), &after).await?;
        if wrong.is_empty() {
            return Ok(effect(after.ticket));
        }
        let asked = usize::from(changes.title.is_some())
            + usize::from(changes.priority.is_some())
            + usize::from(changes.kind.is_some())
            + changes.fields.len();
        let error = error::not_done(ticket, &wrong.join(", "), &sentences);
        Err(if wrong.len() < asked { error.with_unknown_effect() } else { error })
    }

    async fn transition(&self, ticket: &RemoteId, status: &str) -> Result<Effect> {
        let body = Map::from_iter([("Status".to_owned(), json!(status))]);
        let (sentences, after) = self.put(ticket, &body).await?;
        self.alone(ticket, &body, after.ticket.status == status, &after).await?;
        let after = after.ticket;
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
        self.content(body, &mut message);
        let before = self.prepare(ticket, visibility, &mut message).await?;
        let id = self.message(ticket, visibility, Body::json(&Value::Object(message))).await?;
        self.leave_status(ticket, &id, before.as_ref()).await;
        Ok(Effect::of(Subject::Comment(CommentId::new(id))))
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
        let before = self.prepare(ticket, visibility, &mut message).await?;
        let part = multipart::File {
            name: file.name,
            media_type: file.media_type,
            bytes: &bytes,
            marker: self.marker,
        };
        let (body, media_type) = multipart::form(&Value::Object(message), &part);
        let transaction = self.message(ticket, visibility, Body::of(body, media_type)).await?;
        self.leave_status(ticket, &transaction, before.as_ref()).await;
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
        Ok(Effect::of(Subject::File(FileId::new(stored.id))))
    }

    /// The address is a link of the kind *Refers to*; number and summary stand in the custom field, which holds one
    /// value, so that a later one takes its place.
    async fn link_back(&self, ticket: &RemoteId, reference: &Reference) -> Result<Effect> {
        let url = reference.url.as_deref();
        // A link holds an address and nothing beside it.
        if self.config.link_field.is_none() && (url.is_none() || reference.summary.is_some()) {
            return Err(Error::new(
                ErrorKind::Unsupported,
                "what is no address of a counterpart needs the setting link_field to be shown",
            )
            .with_context("ticket", ticket));
        }
        let line = Reference { url: None, ..reference.clone() }.line(self.config.link_chars);
        let told = Reference::of_line(&line);
        let is_linked = |ticket: &Ticket| {
            url.is_none_or(|url| ticket.references.iter().any(|one| one.url.as_deref() == Some(url)))
        };
        let is_shown =
            |ticket: &Ticket| self.config.link_field.is_none() || ticket.references.contains(&told);
        let before = read::whole(self.config, self.rest, ticket).await?.ticket;
        let mut body = Map::new();
        if let Some(url) = url.filter(|_| !is_linked(&before)) {
            body.insert("AddRefersTo".to_owned(), json!(url));
        }
        if let Some(name) = self.config.link_field.as_ref().filter(|_| !is_shown(&before)) {
            body.insert("CustomFields".to_owned(), json!({ name.as_str(): line }));
        }
        if body.is_empty() {
            return Ok(effect(before));
        }
        let (sentences, after) = self.put(ticket, &body).await?;
        let after = after.ticket;
        if is_linked(&after) && is_shown(&after) {
            Ok(effect(after))
        } else {
            Err(error::not_done(ticket, "the link", &sentences))
        }
    }

    /// Changes a ticket and reads it back, with what RT said.
    async fn put(&self, ticket: &RemoteId, body: &Map<String, Value>) -> Result<(Vec<String>, Whole)> {
        let path = ["ticket", number(ticket.as_str())?];
        let sent = Body::json(&Value::Object(body.clone())).if_match(self.expected);
        let answer = self.rest.raw(Method::PUT, &path, &[], sent, MAX_ANSWER_BYTES).await?;
        let answer = error::of_ticket(answer, &Method::PUT, ticket)?;
        let sentences: Vec<Option<String>> = answer.json(&Method::PUT)?;
        let after = read::whole(self.config, self.rest, ticket).await.map_err(Error::with_unknown_effect)?;
        Ok((sentences.into_iter().flatten().collect(), after))
    }

    /// Fails as a conflict where somebody set the same in the same moment; what they set stands then.
    async fn alone(
        &self,
        ticket: &RemoteId,
        sent: &Map<String, Value>,
        holds: bool,
        after: &Whole,
    ) -> Result<()> {
        let Some(expected) = self.expected else { return Ok(()) };
        let lost = match race::of_write(sent, expected, holds, &after.fields, &after.history) {
            Outcome::Alone => return Ok(()),
            Outcome::Overtaken => Map::new(),
            Outcome::Overwritten(lost) => lost,
        };
        if !lost.is_empty() {
            tracing::info!(%ticket, "A write went over one of the same moment, which is set again.");
            self.set_again(ticket, lost).await.map_err(Error::with_unknown_effect)?;
        }
        Err(Error::new(ErrorKind::Conflict, "somebody set the same at the same moment")
            .with_context("ticket", ticket))
    }

    /// Sets again the status that somebody set while our message, which keeps the status, was on its way.
    ///
    /// The message is there whatever becomes of this: a failure is told and is none of the message's.
    async fn leave_status(&self, ticket: &RemoteId, message: &str, before: Option<&Version>) {
        let Some(before) = before else { return };
        let look = async {
            let history = feed::since(self.rest, ticket, before).await?;
            let message = message.parse().unwrap_or_default();
            match race::of_message(message, before, &history) {
                Some(status) => {
                    tracing::info!(%ticket, status, "A reply went over a status of the same moment, which is set again.");
                    self.set_again(ticket, Map::from_iter([("Status".to_owned(), json!(status))])).await
                }
                None => Ok(()),
            }
        };
        if let Err(error) = look.await {
            tracing::warn!(%ticket, %error, "Whether our reply changed the status could not be looked up.");
        }
    }

    async fn set_again(&self, ticket: &RemoteId, lost: Map<String, Value>) -> Result<()> {
        let path = ["ticket", number(ticket.as_str())?];
        let sent = Body::json(&Value::Object(lost));
        let answer = self.rest.raw(Method::PUT, &path, &[], sent, MAX_ANSWER_BYTES).await?;
        error::of_ticket(answer, &Method::PUT, ticket).map(drop)
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
    /// with the message is set after they ran. Gives the version on which that status was read.
    async fn prepare(
        &self,
        ticket: &RemoteId,
        visibility: Visibility,
        message: &mut Map<String, Value>,
    ) -> Result<Option<Version>> {
        let keep_status = visibility == Visibility::Public && !self.config.replies_reopen;
        if !keep_status && self.expected.is_none() {
            return Ok(None);
        }
        let (wire, version) = self.rest.ticket(ticket).await?;
        if self.expected.is_some_and(|expected| version.as_ref() != Some(expected)) {
            return Err(Error::new(ErrorKind::Conflict, "the ticket changed since it was read")
                .with_context("ticket", ticket));
        }
        if !keep_status {
            return Ok(None);
        }
        message.insert("Status".to_owned(), json!(wire.status));
        Ok(version)
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

    /// Puts fields into a ticket's body: attributes under RT's own names, everything else among the custom fields.
    fn fields(&self, fields: &BTreeMap<String, String>, body: &mut Map<String, Value>) -> Result<()> {
        let value = |name: &String, text: &str| {
            if self.config.lists.contains(name) {
                json!(text.split(',').map(str::trim).filter(|value| !value.is_empty()).collect::<Vec<_>>())
            } else {
                json!(text)
            }
        };
        let mut custom = Map::new();
        for (name, text) in fields {
            match attribute::named(name) {
                Some(attribute) => body.insert(attribute.key.to_owned(), attribute.write(text)?),
                None => custom.insert(name.clone(), value(name, text)),
            };
        }
        if !custom.is_empty() {
            body.insert("CustomFields".to_owned(), Value::Object(custom));
        }
        Ok(())
    }
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
        let seen = after.fields.get(name);
        let holds = match attribute::named(name) {
            Some(attribute) => attribute.holds(text, seen.map_or("", String::as_str)),
            None => words(Some(text)) == words(seen),
        };
        if !holds {
            wrong.push(format!("the field {name}"));
        }
    }
    wrong
}

fn effect(after: Ticket) -> Effect {
    Effect::of(Subject::Ticket(after.id.clone())).seen_in(after)
}

pub(crate) fn ticket_of(intent: &Intent) -> Result<&RemoteId> {
    intent.ticket.as_ref().ok_or_else(|| {
        Error::new(ErrorKind::Rejected, "the intent names no ticket").with_context("intent", &intent.id)
    })
}

fn no_id(what: &str) -> Error {
    Error::new(ErrorKind::Malformed, format!("Request Tracker made {what} and did not say which"))
        .with_unknown_effect()
}
