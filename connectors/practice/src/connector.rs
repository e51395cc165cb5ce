//! The connector contract, spoken to a practice desk.

use std::time::Duration;

use ::http::Method;
use ::http::header::{HeaderName, IF_MATCH};
use bytes::Bytes;
use serde::de::DeserializeOwned;
use throughline_sdk::http::{Call, join};
use throughline_sdk::{
    Capabilities, ChangePage, Changes, CommentId, Completeness, ConditionalWrite, Connector, CreateClass,
    Ctx, Cursor, Description, Effect, Error, ErrorKind, Feed, FileId, Found, Hint, Identity, Intent, Linking,
    NewTicket, Operation, RawWebhook, Reference, RemoteId, Result, Subject, Ticket, Visibility,
};
use url::Url;

use crate::config::Practice;
use crate::{error, map, webhook, wire};

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
const PAGE: &str = "200";

impl Connector for Practice {
    fn kind(&self) -> &'static str {
        "practice"
    }

    fn capabilities(&self) -> Capabilities {
        // Comments and files have no external id to be upserted under.
        let part = if self.class == CreateClass::C1 { CreateClass::C2 } else { self.class };
        Capabilities {
            create: Some(self.class),
            comment: Some(part),
            attach: Some(part),
            settle: self.settle,
            update: true,
            transition: true,
            internal_comments: true,
            edit: true,
            retract: true,
            link_back: Linking::Field,
            conditional_write: ConditionalWrite::Atomic,
            feed: Feed { granularity: Duration::ZERO, lag: self.lag },
            webhooks: Some(Completeness::Complete),
            max_file_bytes: 64 * 1024 * 1024,
        }
    }

    async fn probe(&self, ctx: &Ctx) -> Result<Identity> {
        let who: wire::Whoami = read(ctx.get(self.at(&["whoami"])), "say who we are").await?;
        Ok(Identity { account: who.account, product: who.product, time: Some(who.time) })
    }

    async fn describe(&self, ctx: &Ctx) -> Result<Description> {
        let described = read(ctx.get(self.at(&["describe"])), "describe itself").await?;
        Ok(map::description(described))
    }

    async fn changes(&self, ctx: &Ctx, since: Option<&Cursor>) -> Result<ChangePage> {
        let call = ctx.get(self.at(&["changes"])).query("limit", PAGE);
        let Some(since) = since else {
            let page: wire::Changes =
                read(call.query("after", &u64::MAX.to_string()), "list changes").await?;
            let next = Cursor::new(page.last.to_string());
            return Ok(ChangePage { hints: Vec::new(), next, more: false });
        };
        let page: wire::Changes = read(call.query("after", since.as_str()), "list changes").await?;
        let next = page.changes.last().map(|change| Cursor::new(change.sequence.to_string()));
        let hints = page.changes.iter().map(|change| Hint::new(RemoteId::new(change.ticket.to_string())));
        Ok(ChangePage {
            hints: hints.collect(),
            next: next.unwrap_or_else(|| since.clone()),
            more: page.more,
        })
    }

    async fn fetch(&self, ctx: &Ctx, ticket: &RemoteId) -> Result<Ticket> {
        let call = ctx.get(self.at(&["tickets", ticket.as_str()]));
        let read =
            read(call, "show the ticket").await.map_err(|error| error.with_context("ticket", ticket))?;
        Ok(map::ticket(&self.url, read))
    }

    async fn download(&self, ctx: &Ctx, ticket: &RemoteId, file: &FileId, limit_bytes: u64) -> Result<Bytes> {
        let url = self.at(&["tickets", ticket.as_str(), "files", file.as_str()]);
        let answer = ctx.get(url).max_answer_bytes(limit_bytes).send_any().await;
        let answer = answer.and_then(|answer| error::checked(answer, &Method::GET, "hand out the file"));
        let whole =
            answer.map_err(|error| error.with_context("ticket", ticket).with_context("file", file))?;
        Ok(whole.body)
    }

    async fn find(&self, ctx: &Ctx, intent: &Intent) -> Result<Vec<Found>> {
        if self.class == CreateClass::C4 {
            return Err(Error::new(ErrorKind::Unsupported, "with create_class c4 nothing bears a marker"));
        }
        let call = ctx.get(self.at(&["find"])).query("marker", intent.marker.as_str());
        let search: wire::Search = read(call, "search").await?;
        search.found.into_iter().map(map::found).collect()
    }

    async fn apply(&self, ctx: &Ctx, intent: &Intent) -> Result<Effect> {
        let done = match &intent.operation {
            Operation::Create(new) => self.create(ctx, intent, new).await,
            Operation::Update { changes } => self.update(ctx, intent, changes).await,
            Operation::Transition { status } => self.transition(ctx, intent, status).await,
            Operation::Comment { body, visibility } => self.comment(ctx, intent, body, *visibility).await,
            Operation::Edit { comment, body } => self.edit(ctx, intent, comment, body).await,
            Operation::Retract { comment } => self.retract(ctx, intent, comment).await,
            Operation::Attach { .. } => self.attach(ctx, intent).await,
            Operation::LinkBack(reference) => self.link(ctx, intent, reference).await,
        };
        done.map_err(|error| match &intent.ticket {
            Some(ticket) => error.with_context("ticket", ticket),
            None => error,
        })
    }

    fn accept(&self, webhook: &RawWebhook) -> Result<Vec<Hint>> {
        let secret = self.webhook_secret.as_ref().ok_or_else(|| {
            Error::new(ErrorKind::Unsupported, "set webhook_secret to take webhooks of this desk")
        })?;
        let ticket = map::ticket(&self.url, webhook::verified(secret, webhook)?.ticket);
        Ok(vec![Hint { ticket: ticket.id.clone(), content: Some(Box::new(ticket)) }])
    }
}

impl Practice {
    async fn create(&self, ctx: &Ctx, intent: &Intent, new: &NewTicket) -> Result<Effect> {
        let ticket = wire::Patch {
            title: Some(&new.title),
            description: Some(&new.description),
            status: new.status.as_deref(),
            priority: new.priority.as_deref(),
            kind: new.kind.as_deref(),
            fields: Some(&new.fields),
        };
        if self.class == CreateClass::C1 {
            let url = self.at(&["external", intent.marker.as_str()]);
            let call = ctx.call(Method::PUT, url).json(&ticket);
            let (_, ticket) = self.write(call, Method::PUT, "create or change the ticket").await?;
            return Ok(effect(Subject::Ticket(ticket.id.clone()), ticket));
        }
        let body = wire::NewTicket { ticket, marker: self.marker(intent) };
        let call = self.once(ctx.post(self.at(&["tickets"])).json(&body), intent);
        let (_, ticket) = self.write(call, Method::POST, "create the ticket").await?;
        Ok(effect(Subject::Ticket(ticket.id.clone()), ticket))
    }

    async fn update(&self, ctx: &Ctx, intent: &Intent, changes: &Changes) -> Result<Effect> {
        let patch = wire::Patch {
            title: changes.title.as_deref(),
            description: changes.description.as_deref(),
            status: None,
            priority: changes.priority.as_deref(),
            kind: changes.kind.as_deref(),
            fields: Some(&changes.fields),
        };
        let ticket = self.patch(ctx, intent, &patch).await?;
        let took = |wanted: Option<&str>, is: Option<&str>| {
            wanted.is_none_or(|wanted| map::same_words(wanted, is.unwrap_or_default()))
        };
        let kept = took(patch.title, Some(&ticket.title))
            && took(patch.description, Some(&ticket.description))
            && took(patch.priority, ticket.priority.as_deref())
            && took(patch.kind, ticket.kind.as_deref())
            && changes
                .fields
                .iter()
                .all(|(name, wanted)| took(Some(wanted), ticket.fields.get(name).map(String::as_str)));
        done(kept, "the fields", Subject::Ticket(ticket.id.clone()), ticket)
    }

    async fn transition(&self, ctx: &Ctx, intent: &Intent, status: &str) -> Result<Effect> {
        let patch = wire::Patch { status: Some(status), ..wire::Patch::default() };
        let ticket = self.patch(ctx, intent, &patch).await?;
        done(ticket.status == status, "the status", Subject::Ticket(ticket.id.clone()), ticket)
    }

    async fn patch(&self, ctx: &Ctx, intent: &Intent, patch: &wire::Patch<'_>) -> Result<Ticket> {
        let url = self.at(&["tickets", named(intent)?.as_str()]);
        let mut call = ctx.call(Method::PATCH, url).json(patch);
        if let Some(version) = &intent.expected {
            call = call.header(IF_MATCH, &format!("\"{version}\""));
        }
        Ok(self.write(self.traced(call, intent), Method::PATCH, "change the ticket").await?.1)
    }

    async fn comment(
        &self,
        ctx: &Ctx,
        intent: &Intent,
        body: &str,
        visibility: Visibility,
    ) -> Result<Effect> {
        let new = wire::NewComment { body, internal: internal(visibility)?, marker: self.marker(intent) };
        let url = self.at(&["tickets", named(intent)?.as_str(), "comments"]);
        let call = self.once(ctx.post(url).json(&new), intent);
        let (id, ticket) = self.write(call, Method::POST, "add the comment").await?;
        let id = CommentId::new(id.ok_or_else(nameless)?);
        Ok(effect(Subject::Comment(id), ticket))
    }

    async fn edit(&self, ctx: &Ctx, intent: &Intent, comment: &CommentId, body: &str) -> Result<Effect> {
        let url = self.at(&["tickets", named(intent)?.as_str(), "comments", comment.as_str()]);
        let call = self.traced(ctx.call(Method::PUT, url).json(&wire::Rewritten { body }), intent);
        let (_, ticket) = self.write(call, Method::PUT, "rewrite the comment").await?;
        let kept = ticket.comments.iter().any(|c| c.id == *comment && map::same_words(body, &c.body));
        done(kept, "the comment", Subject::Comment(comment.clone()), ticket)
    }

    async fn retract(&self, ctx: &Ctx, intent: &Intent, comment: &CommentId) -> Result<Effect> {
        let url = self.at(&["tickets", named(intent)?.as_str(), "comments", comment.as_str()]);
        let call = self.traced(ctx.call(Method::DELETE, url), intent);
        let (_, ticket) = self.write(call, Method::DELETE, "delete the comment").await?;
        let kept = !ticket.comments.iter().any(|other| other.id == *comment);
        done(kept, "the comment", Subject::Comment(comment.clone()), ticket)
    }

    async fn attach(&self, ctx: &Ctx, intent: &Intent) -> Result<Effect> {
        let Operation::Attach { name, media_type, digest, visibility, size: _ } = &intent.operation else {
            return Err(Error::new(ErrorKind::Unsupported, "this operation attaches nothing"));
        };
        let internal = if internal(*visibility)? { "true" } else { "false" };
        let bytes = ctx.blobs.read(digest).await?;
        let url = self.at(&["tickets", named(intent)?.as_str(), "files"]);
        let mut call = ctx.post(url).query("name", name).query("internal", internal).body(media_type, bytes);
        if let Some(marker) = self.marker(intent) {
            call = call.query("marker", marker);
        }
        let (id, ticket) = self.write(self.once(call, intent), Method::POST, "attach the file").await?;
        let id = FileId::new(id.ok_or_else(nameless)?);
        Ok(effect(Subject::File(id), ticket))
    }

    async fn link(&self, ctx: &Ctx, intent: &Intent, link: &Reference) -> Result<Effect> {
        let to = self.at(&["tickets", named(intent)?.as_str(), "references"]);
        let Reference { label, url, summary } = link.clone();
        let reference = wire::Reference { name: Some(intent.marker.to_string()), label, url, summary };
        let call = self.traced(ctx.post(to).json(&reference), intent);
        let (_, ticket) = self.write(call, Method::POST, "link the ticket").await?;
        let kept = ticket.references.contains(link);
        done(kept, "the link", Subject::Ticket(ticket.id.clone()), ticket)
    }

    /// Sends a write once; answers the id of what it made, if anything, and the ticket.
    async fn write(
        &self,
        call: Call<'_>,
        method: Method,
        doing: &'static str,
    ) -> Result<(Option<String>, Ticket)> {
        let answer = error::checked(call.send_any().await?, &method, doing)?;
        let written: wire::Written = answer.json(&method)?;
        Ok((written.id, map::ticket(&self.url, written.ticket)))
    }

    fn at(&self, path: &[&str]) -> Url {
        join(&join(&self.url, &["api"]), path)
    }

    fn marker<'a>(&self, intent: &'a Intent) -> Option<&'a str> {
        (self.class != CreateClass::C4).then(|| intent.marker.as_str())
    }

    /// With an idempotency key where the class rests on one.
    fn once<'a>(&self, call: Call<'a>, intent: &Intent) -> Call<'a> {
        if self.class == CreateClass::C0 {
            call.header(IDEMPOTENCY_KEY, intent.marker.as_str())
        } else {
            call
        }
    }

    /// With the marker in the address, so that the desk's history tells whose write it was.
    fn traced<'a>(&self, call: Call<'a>, intent: &Intent) -> Call<'a> {
        match self.marker(intent) {
            Some(marker) => call.query("marker", marker),
            None => call,
        }
    }
}

async fn read<T: DeserializeOwned>(call: Call<'_>, doing: &'static str) -> Result<T> {
    error::checked(call.send_any().await?, &Method::GET, doing)?.json(&Method::GET)
}

fn effect(subject: Subject, ticket: Ticket) -> Effect {
    Effect::of(subject).seen_in(ticket)
}

fn done(kept: bool, what: &str, subject: Subject, ticket: Ticket) -> Result<Effect> {
    if kept {
        return Ok(effect(subject, ticket));
    }
    Err(Error::new(ErrorKind::Rejected, format!("the desk reported success and left {what} as it was")))
}

fn named(intent: &Intent) -> Result<&RemoteId> {
    let missing = || Error::new(ErrorKind::Rejected, "this operation needs a ticket and names none");
    intent.ticket.as_ref().ok_or_else(missing)
}

fn internal(visibility: Visibility) -> Result<bool> {
    match visibility {
        Visibility::Public => Ok(false),
        Visibility::Internal => Ok(true),
        Visibility::Unknown => {
            Err(Error::new(ErrorKind::Rejected, "nothing is written whose visibility is unknown"))
        }
    }
}

fn nameless() -> Error {
    Error::new(ErrorKind::Malformed, "the desk did not say under which id it keeps what was written")
        .with_unknown_effect()
}
