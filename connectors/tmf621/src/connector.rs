//! The contract as a desk of the standard fulfils it.

use std::time::Duration;

use bytes::Bytes;
use http::Method;
use throughline_sdk::{
    Capabilities, ChangePage, Choice, Completeness, ConditionalWrite, Connector, CreateClass, Ctx, Cursor,
    Description, Effect, Error, ErrorKind, Feed, FileId, Found, Hint, Identity, Intent, Linking, Operation,
    RawWebhook, RemoteId, Result, Ticket,
};
use url::Url;

use crate::api::Api;
use crate::config::{Config, LinkBack, NoteWrites};
use crate::error::check;
use crate::map::{self, ATTRIBUTES};
use crate::{feed, lifecycle, webhook, write};

/// The longest a request may still be at work inside a desk after its answer was lost.
const SETTLE: Duration = Duration::from_secs(60);

/// A desk that speaks TMF621, as its settings describe it.
#[derive(Clone, Debug)]
pub struct Tmf621 {
    config: Config,
}

impl Tmf621 {
    pub(crate) fn new(config: Config) -> Self {
        Self { config }
    }

    fn api<'a>(&'a self, ctx: &'a Ctx) -> Api<'a> {
        Api { ctx, config: &self.config }
    }
}

impl Connector for Tmf621 {
    fn kind(&self) -> &'static str {
        self.config.kind
    }

    fn capabilities(&self) -> Capabilities {
        let config = &self.config;
        // Found by a filter on the external identifier, or in the ticket itself, once it is there.
        let class = config.later.map_or(CreateClass::C2, |lag| CreateClass::C3 { lag });
        Capabilities {
            create: Some(class),
            comment: Some(class),
            attach: config.files.then_some(class),
            settle: SETTLE,
            update: true,
            transition: true,
            internal_comments: config.internal_note_type.is_some(),
            edit: config.note_writes != NoteWrites::Append,
            retract: config.note_writes != NoteWrites::Append,
            link_back: match config.link_back {
                LinkBack::Nowhere => Linking::None,
                LinkBack::ExternalIdentifier => Linking::Link,
                // What is sent again stands there twice.
                LinkBack::RelatedEntity if config.note_writes == NoteWrites::Append => Linking::Link,
                LinkBack::RelatedEntity => Linking::Field,
            },
            conditional_write: match config.conditional {
                true => ConditionalWrite::Atomic,
                // The ticket is read and compared before each change.
                false => ConditionalWrite::Racy,
            },
            feed: Feed { granularity: Duration::from_secs(1), lag: config.lag },
            webhooks: config.webhook_token.as_ref().map(|_| Completeness::Hint),
            max_file_bytes: config.max_file_bytes,
        }
    }

    async fn probe(&self, ctx: &Ctx) -> Result<Identity> {
        let api = self.api(ctx);
        let query: &[(&str, String)] = if self.config.narrow { &[("fields", "id".to_owned())] } else { &[] };
        let page = api.list(query, 0, 1).await?;
        Ok(Identity {
            // The standard has no way to ask who we are.
            account: self.config.author.clone(),
            product: format!("TMF621 {}", if api.is_v5() { "v5" } else { "v4" }),
            time: page.at,
        })
    }

    async fn describe(&self, ctx: &Ctx) -> Result<Description> {
        // One request, so that what is described is at least there.
        self.probe(ctx).await?;
        let config = &self.config;
        let open = |word: &String| Choice { word: word.clone(), closed: false };
        let mut kinds = vec![config.ticket_type.clone()];
        kinds.extend(config.ticket_types.iter().filter(|kind| **kind != config.ticket_type).cloned());
        Ok(Description {
            statuses: lifecycle::STATUSES
                .iter()
                .map(|word| Choice { word: (*word).to_owned(), closed: lifecycle::is_final(word) })
                .collect(),
            priorities: config.priorities.iter().map(open).collect(),
            kinds: kinds.iter().map(open).collect(),
            fields: ATTRIBUTES.iter().map(|(name, _)| (*name).to_owned()).collect(),
        })
    }

    async fn changes(&self, ctx: &Ctx, since: Option<&Cursor>) -> Result<ChangePage> {
        feed::changes(self.api(ctx), since).await
    }

    async fn fetch(&self, ctx: &Ctx, ticket: &RemoteId) -> Result<Ticket> {
        let read =
            self.api(ctx).ticket(ticket).await.map_err(|error| error.with_context("ticket", ticket))?;
        Ok(read.ticket)
    }

    async fn download(&self, ctx: &Ctx, ticket: &RemoteId, file: &FileId, limit_bytes: u64) -> Result<Bytes> {
        let about = |error: Error| error.with_context("ticket", ticket).with_context("file", file);
        let api = self.api(ctx);
        let read = api.ticket(ticket).await.map_err(about)?;
        let attachment = read.wire.attachment.iter().find(|one| map::file_id(one) == file.as_str());
        let attachment = attachment.ok_or_else(|| {
            about(Error::new(ErrorKind::NotFound, "the ticket has no such attachment any more"))
        })?;
        let too_large = || {
            about(Error::new(
                ErrorKind::Rejected,
                format!("the file is larger than the {limit_bytes} bytes allowed"),
            ))
        };
        if attachment.size.is_some_and(|size| size > limit_bytes) {
            return Err(too_large());
        }
        if let Some(bytes) = map::content(attachment) {
            let fits = u64::try_from(bytes.len()).is_ok_and(|size| size <= limit_bytes);
            return if fits { Ok(Bytes::from(bytes)) } else { Err(too_large()) };
        }
        if attachment.url.is_empty() && attachment.size == Some(0) {
            return Ok(Bytes::new());
        }
        let url = self.config.url.join(&attachment.url).map_err(|error| {
            about(Error::new(ErrorKind::Malformed, format!("the attachment's url is no address: {error}")))
        })?;
        let url = here(&self.config.url, url);
        let answer = ctx.get(url).max_answer_bytes(limit_bytes).send_any().await;
        let answer = answer.and_then(|answer| check(answer, &Method::GET, "hand out the file"));
        Ok(answer.map_err(about)?.body)
    }

    async fn find(&self, ctx: &Ctx, intent: &Intent) -> Result<Vec<Found>> {
        if let Operation::Create(_) = intent.operation {
            return write::created(self.api(ctx), &intent.marker).await;
        }
        match intent.marked_in() {
            Some(id) => Ok(intent.left_in(self.fetch(ctx, id).await?)),
            None => Ok(Vec::new()),
        }
    }

    async fn apply(&self, ctx: &Ctx, intent: &Intent) -> Result<Effect> {
        let api = self.api(ctx);
        if let Operation::Create(new) = &intent.operation {
            return write::create(api, new, &intent.marker).await;
        }
        let id = intent.ticket.as_ref().ok_or_else(|| {
            Error::new(ErrorKind::Malformed, "the intent names no ticket").with_context("intent", &intent.id)
        })?;
        write::into_ticket(api, id, intent).await.map_err(|error| error.with_context("ticket", id))
    }

    fn accept(&self, webhook: &RawWebhook) -> Result<Vec<Hint>> {
        webhook::accept(webhook, self.config.webhook_token.as_ref())
    }
}

/// The address of a file, under the name by which we reach the desk: one behind a gateway may know itself by another.
fn here(ours: &Url, theirs: Url) -> Url {
    if theirs.path().starts_with(ours.path()) && theirs.origin() != ours.origin() {
        let mut url = ours.clone();
        url.set_path(theirs.path());
        url.set_query(theirs.query());
        return url;
    }
    theirs
}
