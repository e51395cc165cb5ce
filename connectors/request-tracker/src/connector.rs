//! The contract, each method handed to the module that keeps it.

use std::time::Duration;

use bytes::Bytes;
use throughline_sdk::{
    Capabilities, ChangePage, Completeness, ConditionalWrite, Connector, CreateClass, Ctx, Cursor,
    Description, Effect, Feed, FileId, Found, Hint, Identity, Intent, Linking, RawWebhook, RemoteId, Result,
    Ticket,
};

use crate::config::{Config, KIND};
use crate::rest::Rest;
use crate::{describe, feed, find, read, webhook, write};

/// One Request Tracker queue.
#[derive(Debug)]
pub struct RequestTracker {
    config: Config,
}

impl RequestTracker {
    pub(crate) fn new(config: Config) -> Self {
        Self { config }
    }

    fn rest<'a>(&'a self, ctx: &'a Ctx) -> Rest<'a> {
        Rest::new(&self.config.url, ctx)
    }
}

impl Connector for RequestTracker {
    fn kind(&self) -> &'static str {
        KIND
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            // Markers stand in rows of the database itself, not in an index that lags.
            create: Some(CreateClass::C2),
            comment: Some(CreateClass::C2),
            attach: Some(CreateClass::C2),
            // A web server before RT gives up long before; scrips that send mail run inside the request.
            settle: Duration::from_secs(120),
            update: true,
            transition: true,
            internal_comments: true,
            edit: false,
            retract: false,
            link_back: if self.config.link_field.is_some() { Linking::Field } else { Linking::Link },
            conditional_write: ConditionalWrite::Racy,
            feed: Feed { granularity: Duration::ZERO, lag: Duration::ZERO },
            webhooks: Some(Completeness::Hint),
            max_file_bytes: self.config.max_file_bytes,
        }
    }

    async fn probe(&self, ctx: &Ctx) -> Result<Identity> {
        describe::probe(&self.config, &self.rest(ctx)).await
    }

    async fn describe(&self, ctx: &Ctx) -> Result<Description> {
        describe::describe(&self.config, &self.rest(ctx)).await
    }

    async fn changes(&self, ctx: &Ctx, since: Option<&Cursor>) -> Result<ChangePage> {
        feed::changes(&self.config, &self.rest(ctx), since).await
    }

    async fn fetch(&self, ctx: &Ctx, ticket: &RemoteId) -> Result<Ticket> {
        read::ticket(&self.config, &self.rest(ctx), ticket).await
    }

    async fn download(&self, ctx: &Ctx, ticket: &RemoteId, file: &FileId, limit_bytes: u64) -> Result<Bytes> {
        read::file(&self.rest(ctx), ticket, file, limit_bytes).await
    }

    async fn find(&self, ctx: &Ctx, intent: &Intent) -> Result<Vec<Found>> {
        find::find(&self.config, &self.rest(ctx), intent).await
    }

    async fn apply(&self, ctx: &Ctx, intent: &Intent) -> Result<Effect> {
        let effect = write::apply(&self.config, &self.rest(ctx), intent).await?;
        Ok(effect.with_lost(&intent.operation, |text| throughline_markup::html::write(text).lost))
    }

    fn accept(&self, webhook: &RawWebhook) -> Result<Vec<Hint>> {
        webhook::accept(self.config.webhook_token.as_ref(), webhook)
    }
}
