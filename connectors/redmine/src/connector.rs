//! The contract as Redmine fulfils it.

use std::collections::BTreeSet;
use std::time::Duration;

use bytes::Bytes;
use throughline_sdk::paged::Row;
use throughline_sdk::{
    Capabilities, ChangePage, Choice, Completeness, ConditionalWrite, Connector, CreateClass, Ctx, Cursor,
    Description, Effect, Error, ErrorKind, FileId, Found, Hint, Identity, Intent, Linking, Moments,
    Operation, RawWebhook, RemoteId, Result, Ticket,
};

use crate::api::{Api, issue_number, number};
use crate::attribute::ATTRIBUTES;
use crate::config::Config;
use crate::feed::{FEED, PAGE, Place};
use crate::wire::Named;
use crate::{map, webhook, write};

/// The longest a request may still be at work inside Redmine after its answer was lost.
const SETTLE: Duration = Duration::from_secs(60);

/// A Redmine, as its settings describe it.
#[derive(Clone, Debug)]
pub struct Redmine {
    config: Config,
}

impl Redmine {
    pub(crate) fn new(config: Config) -> Self {
        Self { config }
    }

    fn api<'a>(&'a self, ctx: &'a Ctx) -> Api<'a> {
        Api { ctx, config: &self.config }
    }
}

impl Connector for Redmine {
    fn kind(&self) -> &'static str {
        "redmine"
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            // A marker is found by a filter of the database that also holds the issue, so it never lags.
            create: Some(CreateClass::C2),
            comment: Some(CreateClass::C2),
            attach: Some(CreateClass::C2),
            settle: SETTLE,
            update: true,
            transition: true,
            internal_comments: true,
            edit: true,
            retract: true,
            link_back: if self.config.link_field.is_some() { Linking::Field } else { Linking::None },
            conditional_write: ConditionalWrite::None,
            feed: FEED,
            webhooks: self.config.webhook_token.as_ref().map(|_| Completeness::Hint),
            max_file_bytes: self.config.max_file_bytes,
        }
    }

    async fn probe(&self, ctx: &Ctx) -> Result<Identity> {
        let api = self.api(ctx);
        let user = api.user().await?;
        api.project(&self.config.project).await.map_err(|error| match error.kind() {
            ErrorKind::NotFound | ErrorKind::Forbidden => Error::new(
                ErrorKind::Misconfigured,
                "the setting project names no project that our account can see; check it and the membership",
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
        let name = format!("{} {}", user.firstname, user.lastname).trim().to_owned();
        Ok(Identity {
            account: user.login.map(|login| format!("{name} ({login})")).unwrap_or(name),
            product: "Redmine".to_owned(),
            // The interface tells neither its version nor its time.
            time: None,
        })
    }

    async fn describe(&self, ctx: &Ctx) -> Result<Description> {
        let api = self.api(ctx);
        let choice = |named: Named| Choice { word: named.name, closed: named.is_closed };
        let trackers = api.project(&self.config.project).await?.trackers;
        let mut fields: BTreeSet<String> = ATTRIBUTES.iter().map(|one| one.name.to_owned()).collect();
        // Each tracker shows fields of its own.
        for tracker in &trackers {
            fields.extend(api.custom_fields(Some(tracker.id)).await?.into_iter().map(|field| field.name));
        }
        for own in [&self.config.marker_field, &self.config.link_field].into_iter().flatten() {
            fields.remove(own);
        }
        Ok(Description {
            statuses: api.statuses().await?.into_iter().map(choice).collect(),
            priorities: api.priorities().await?.into_iter().map(choice).collect(),
            kinds: trackers.into_iter().map(choice).collect(),
            fields: fields.into_iter().collect(),
        })
    }

    async fn changes(&self, ctx: &Ctx, since: Option<&Cursor>) -> Result<ChangePage> {
        let api = self.api(ctx);
        let of_project = |more: &[(&'static str, String)]| {
            let mut query = vec![
                ("project_id", self.config.project.clone()),
                // Redmine lists open issues only unless told otherwise.
                ("status_id", "*".to_owned()),
            ];
            query.extend_from_slice(more);
            query
        };
        let asked = ctx.clock.now();
        let Some(since) = since else {
            let newest = [("sort", "updated_on:desc".to_owned()), ("limit", "1".to_owned())];
            let newest = api.issues(&of_project(&newest)).await?;
            let newest = newest.first().map_or(chrono::DateTime::UNIX_EPOCH, |issue| issue.updated_on);
            return Ok(ChangePage {
                hints: Vec::new(),
                next: Cursor::write(&Place::after(newest, ctx.clock.now()))?,
                more: false,
            });
        };
        let place: Place = since.read("the Redmine connector")?;
        let mut query = of_project(&place.query());
        query.push(("limit", PAGE.to_string()));
        let issues = api.issues(&query).await?;
        let rows: Vec<Row> =
            issues.iter().map(|issue| Row { id: issue.id, changed: issue.updated_on }).collect();
        let (next, more) = place.advance(&rows, Moments { asked, answered: ctx.clock.now() });
        Ok(ChangePage {
            hints: rows
                .iter()
                .filter(|row| place.wants(row))
                .map(|row| Hint::new(RemoteId::new(row.id.to_string())))
                .collect(),
            next: Cursor::write(&next)?,
            more,
        })
    }

    async fn fetch(&self, ctx: &Ctx, ticket: &RemoteId) -> Result<Ticket> {
        let issue = self.api(ctx).issue(issue_number(ticket)?).await?;
        Ok(map::ticket(&issue, &self.config))
    }

    async fn download(&self, ctx: &Ctx, ticket: &RemoteId, file: &FileId, limit_bytes: u64) -> Result<Bytes> {
        let api = self.api(ctx);
        let id = number(file.as_str(), "a file")?;
        let about = |error: Error| error.with_context("issue", ticket).with_context("file", id);
        let size = api.attachment(id).await.map_err(about)?.filesize;
        if size > limit_bytes {
            return Err(about(Error::new(
                ErrorKind::Rejected,
                format!("the file has {size} bytes, more than the {limit_bytes} allowed"),
            )));
        }
        let bytes = api.bytes(id, limit_bytes).await.map_err(about)?;
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
        let lost = |text: &str| self.config.text.lost(text);
        if let Operation::Create(new) = &intent.operation {
            let effect = write::create(api, new, &intent.marker).await?;
            return Ok(effect.with_lost(&intent.operation, lost));
        }
        let id = intent.ticket.as_ref().ok_or_else(|| {
            Error::new(ErrorKind::Malformed, "the intent names no issue").with_context("intent", &intent.id)
        })?;
        let effect = write::into_issue(api, issue_number(id)?, intent).await?;
        Ok(effect.with_lost(&intent.operation, lost))
    }

    fn accept(&self, webhook: &RawWebhook) -> Result<Vec<Hint>> {
        webhook::accept(webhook, self.config.webhook_token.as_ref())
    }
}
