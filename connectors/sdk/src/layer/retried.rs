//! Tries again, shortly, where that cannot do a thing twice.

use std::sync::Arc;

use bytes::Bytes;
use futures::future::BoxFuture;

use crate::http::retry::Schedule;
use crate::{
    Capabilities, ChangePage, Class, Clock, Ctx, Cursor, Description, DynConnector, Effect, Entropy, FileId,
    Found, Hint, Identity, Intent, RawWebhook, RemoteId, Result, Ticket, TookEffect,
};

/// How often a call is tried in all.
const TRIES: u32 = 3;

/// Repeats a call whose error is transient and certainly had no effect, up to three tries before the deadline.
///
/// Everything longer is the engine's: recorded waiting that survives a restart.
#[derive(Debug)]
pub struct Retried {
    inner: Arc<dyn DynConnector>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
}

impl Retried {
    /// Retries calls to `inner`.
    pub fn new(inner: Arc<dyn DynConnector>, clock: Arc<dyn Clock>, entropy: Arc<dyn Entropy>) -> Self {
        Self { inner, clock, entropy }
    }

    fn tried<'a, T: Send + 'a>(
        &'a self,
        ctx: &'a Ctx,
        call: impl Fn() -> BoxFuture<'a, Result<T>> + Send + 'a,
    ) -> BoxFuture<'a, Result<T>> {
        Box::pin(async move {
            let mut attempt = 0;
            loop {
                let error = match call().await {
                    Ok(done) => return Ok(done),
                    Err(error) => error,
                };
                let harmless = error.class() == Class::Transient && error.took_effect() == TookEffect::No;
                let wait = Schedule::SHORT.delay(attempt, &*self.entropy);
                let wait = wait.max(error.retry_after().unwrap_or_default());
                let in_time = self.clock.monotonic().saturating_add(wait) < ctx.deadline;
                attempt += 1;
                if !harmless || !in_time || attempt >= TRIES {
                    return Err(error);
                }
                self.clock.sleep(wait).await;
            }
        })
    }
}

#[deny(clippy::missing_trait_methods)]
impl DynConnector for Retried {
    fn kind(&self) -> &'static str {
        self.inner.kind()
    }
    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }
    fn probe<'a>(&'a self, ctx: &'a Ctx) -> BoxFuture<'a, Result<Identity>> {
        self.tried(ctx, || self.inner.probe(ctx))
    }
    fn describe<'a>(&'a self, ctx: &'a Ctx) -> BoxFuture<'a, Result<Description>> {
        self.tried(ctx, || self.inner.describe(ctx))
    }
    fn changes<'a>(&'a self, ctx: &'a Ctx, since: Option<&'a Cursor>) -> BoxFuture<'a, Result<ChangePage>> {
        self.tried(ctx, move || self.inner.changes(ctx, since))
    }
    fn fetch<'a>(&'a self, ctx: &'a Ctx, ticket: &'a RemoteId) -> BoxFuture<'a, Result<Ticket>> {
        self.tried(ctx, || self.inner.fetch(ctx, ticket))
    }
    fn download<'a>(
        &'a self,
        ctx: &'a Ctx,
        ticket: &'a RemoteId,
        file: &'a FileId,
        limit_bytes: u64,
    ) -> BoxFuture<'a, Result<Bytes>> {
        self.tried(ctx, move || self.inner.download(ctx, ticket, file, limit_bytes))
    }
    fn find<'a>(&'a self, ctx: &'a Ctx, intent: &'a Intent) -> BoxFuture<'a, Result<Vec<Found>>> {
        self.tried(ctx, || self.inner.find(ctx, intent))
    }
    fn apply<'a>(&'a self, ctx: &'a Ctx, intent: &'a Intent) -> BoxFuture<'a, Result<Effect>> {
        self.tried(ctx, || self.inner.apply(ctx, intent))
    }
    fn accept(&self, webhook: &RawWebhook) -> Result<Vec<Hint>> {
        self.inner.accept(webhook)
    }
}
