//! The contract as Jira fulfils it.

use std::collections::BTreeSet;
use std::time::Duration;

use bytes::Bytes;
use throughline_sdk::{
    Capabilities, ChangePage, Choice, Completeness, ConditionalWrite, Connector, CreateClass, Ctx, Cursor,
    Description, Effect, Error, ErrorKind, Feed, FileId, Found, Hint, Identity, Intent, Linking, Moments,
    Operation, RawWebhook, RemoteId, Result, Ticket,
};

use crate::api::{Api, Extent, MAX_RECONCILED, Search, issue_id, number};
use crate::config::{Config, Edition};
use crate::feed::{self, Place, Row};
use crate::wire::{SearchPage, Status};
use crate::{field, map, webhook, write};

/// The longest a request may still be at work inside Jira after its answer was lost.
const SETTLE: Duration = Duration::from_secs(60);
/// Jira compares dates to the minute.
const MINUTE: Duration = Duration::from_secs(60);

/// A Jira, as its settings describe it.
#[derive(Clone, Debug)]
pub struct Jira {
    config: Config,
}

impl Jira {
    pub(crate) fn new(config: Config) -> Self {
        Self { config }
    }

    fn api<'a>(&'a self, ctx: &'a Ctx) -> Api<'a> {
        Api { ctx, config: &self.config }
    }
}

impl Connector for Jira {
    fn kind(&self) -> &'static str {
        "jira"
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            // The label is found by the search, which lags behind.
            create: Some(CreateClass::C3 { lag: self.config.search_lag }),
            // These are read from the issue itself, which does not.
            comment: Some(CreateClass::C2),
            attach: Some(CreateClass::C2),
            settle: SETTLE,
            update: true,
            transition: true,
            internal_comments: self.config.service_desk || self.config.internal.is_some(),
            edit: true,
            retract: true,
            link_back: Linking::Field,
            conditional_write: ConditionalWrite::None,
            feed: Feed { granularity: MINUTE, lag: self.config.search_lag },
            webhooks: self.config.webhook_secret.as_ref().map(|_| Completeness::Hint),
            max_file_bytes: self.config.max_file_bytes,
        }
    }

    async fn probe(&self, ctx: &Ctx) -> Result<Identity> {
        let api = self.api(ctx);
        let user = api.myself().await?;
        let server = api.server().await?;
        let cloud = server.deployment_type.as_deref().map(|kind| kind.eq_ignore_ascii_case("cloud"));
        let edition = match (cloud, self.config.edition) {
            (Some(true), Edition::DataCenter) => Some("cloud"),
            (Some(false), Edition::Cloud) => Some("data-center"),
            (Some(_) | None, _) => None,
        };
        if let Some(edition) = edition {
            let message = format!("this Jira says of itself that the setting edition has to be {edition:?}");
            return Err(Error::new(ErrorKind::Misconfigured, message));
        }
        api.types().await.map_err(|error| match error.kind() {
            ErrorKind::NotFound | ErrorKind::Forbidden => Error::new(
                ErrorKind::Misconfigured,
                "the setting project names no project that our account can see; check the key and its permissions",
            )
            .with_context("project", &self.config.project),
            ErrorKind::Unavailable
            | ErrorKind::RateLimited
            | ErrorKind::Unauthenticated
            | ErrorKind::Conflict
            | ErrorKind::Moved
            | ErrorKind::Rejected
            | ErrorKind::Unsupported
            | ErrorKind::Malformed
            | ErrorKind::Misconfigured => error,
        })?;
        let account = user.display_name.or(user.name).or(user.account_id).unwrap_or_default();
        let product = match self.config.edition {
            Edition::Cloud => "Jira Cloud".to_owned(),
            Edition::DataCenter => format!("Jira {}", server.version).trim_end().to_owned(),
        };
        Ok(Identity { account, product, time: server.server_time })
    }

    async fn describe(&self, ctx: &Ctx) -> Result<Description> {
        let api = self.api(ctx);
        let types = api.types().await?;
        let mut statuses: Vec<Choice> = Vec::new();
        for status in types.iter().flat_map(|kind| &kind.statuses) {
            if !statuses.iter().any(|known| known.word == status.name) {
                statuses.push(Choice { word: status.name.clone(), closed: done(status) });
            }
        }
        let open = |word: String| Choice { word, closed: false };
        let fields = api.fields().await?;
        let shown = fields.into_iter().filter(|one| one.custom || field::SYSTEM.contains(&one.id.as_str()));
        let fields: BTreeSet<String> = shown.map(|field| field.name).collect();
        Ok(Description {
            statuses,
            // Jira tells them from the highest down.
            priorities: api
                .priorities()
                .await?
                .into_iter()
                .rev()
                .map(|priority| open(priority.name))
                .collect(),
            kinds: types.into_iter().filter(|kind| !kind.subtask).map(|kind| open(kind.name)).collect(),
            fields: fields.into_iter().collect(),
        })
    }

    async fn changes(&self, ctx: &Ctx, since: Option<&Cursor>) -> Result<ChangePage> {
        let api = self.api(ctx);
        let asked = ctx.clock.now();
        let Some(since) = since else {
            let server = api.server().await?.server_time.unwrap_or(asked);
            let minutes = feed::back(self.config.search_lag);
            let jql = feed::jql(&self.config.project, minutes);
            let (page, _) = api.search(&Search { jql, from: None, reconcile: &[] }).await?;
            let next = Cursor::write(&Place::after(&rows(&page), asked, server))?;
            return Ok(ChangePage { hints: Vec::new(), next, more: false });
        };
        let place = Place::parse(since)?;
        let reading = place.reading(asked, self.config.search_lag);
        let search = Search {
            jql: feed::jql(&self.config.project, reading.minutes),
            from: reading.from.as_deref(),
            reconcile: &place.recent(MAX_RECONCILED),
        };
        let (page, next) = api.search(&search).await?;
        let more = next.is_some();
        let moments = Moments { asked, answered: ctx.clock.now() };
        let (hinted, place) = place.advance(&rows(&page), &reading, next, moments);
        let hints = hinted.into_iter().map(|id| Hint::new(RemoteId::new(id))).collect();
        Ok(ChangePage { hints, next: Cursor::write(&place)?, more })
    }

    async fn fetch(&self, ctx: &Ctx, ticket: &RemoteId) -> Result<Ticket> {
        let whole = self.api(ctx).whole(issue_id(ticket)?, Extent::Reading).await?;
        Ok(map::ticket(&whole, &self.config))
    }

    async fn download(&self, ctx: &Ctx, ticket: &RemoteId, file: &FileId, limit_bytes: u64) -> Result<Bytes> {
        let api = self.api(ctx);
        let id = number(file.as_str(), "a file")?;
        let about = |error: Error| error.with_context("issue", ticket).with_context("file", id);
        let attachment = api.attachment(id).await.map_err(about)?;
        let size = attachment.size;
        if size > limit_bytes {
            return Err(about(Error::new(
                ErrorKind::Rejected,
                format!("the file has {size} bytes, more than the {limit_bytes} allowed"),
            )));
        }
        let bytes = api.bytes(&attachment, limit_bytes).await.map_err(about)?;
        if u64::try_from(bytes.len()).ok() != Some(size) {
            return Err(about(Error::new(
                ErrorKind::Unavailable,
                format!("{} of the file's {size} bytes came", bytes.len()),
            )));
        }
        Ok(bytes)
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
            Error::new(ErrorKind::Malformed, "the intent names no issue").with_context("intent", &intent.id)
        })?;
        write::into_issue(api, issue_id(id)?, intent).await
    }

    fn accept(&self, webhook: &RawWebhook) -> Result<Vec<Hint>> {
        webhook::accept(webhook, self.config.webhook_secret.as_ref())
    }
}

/// Whether a ticket with this status counts as closed.
pub(crate) fn done(status: &Status) -> bool {
    status.category.as_ref().is_some_and(|category| category.key == "done")
}

fn rows(page: &SearchPage) -> Vec<Row> {
    page.issues.iter().map(|issue| Row { id: issue.id.clone(), updated: issue.fields.updated }).collect()
}
