//! Lets a system's operations in one after the other, and starts the time of each when its turn has come.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures::future::{BoxFuture, Either, select};
use tokio::sync::Notify;

use crate::line::{Line, Place};
use crate::{
    Capabilities, ChangePage, Clock, Ctx, Cursor, Description, DynConnector, Effect, Error, ErrorKind,
    FileId, Found, Hint, Identity, Intent, RawWebhook, RemoteId, Result, Ticket, Urgency,
};

/// A permit for a whole operation, the more urgent first.
///
/// Where the requests of many operations wait side by side, each waits before each of its requests, and one whose
/// time runs out between its write and the reading back is left in doubt. Here the waiting is done before the first
/// request, and the deadline moves by as much: an operation that has begun has its whole time. Whoever's turn does
/// not come within the time that the operation itself may take is refused without effect; that is the system's pace
/// and no failure.
#[derive(Debug)]
pub struct Turnstile {
    inner: Arc<dyn DynConnector>,
    clock: Arc<dyn Clock>,
    at_once: usize,
    queue: Mutex<Queue>,
}

#[derive(Debug, Default)]
struct Queue {
    line: Line,
    under_way: usize,
}

impl Turnstile {
    /// Lets `at_once` operations in at the same time; zero counts as one.
    pub fn new(inner: Arc<dyn DynConnector>, at_once: usize, clock: Arc<dyn Clock>) -> Self {
        Self { inner, clock, at_once: at_once.max(1), queue: Mutex::default() }
    }

    /// Waits for the turn; answers it with a context whose time begins now.
    async fn enter(&self, ctx: &Ctx) -> Result<(Turn<'_>, Ctx)> {
        let came = self.clock.monotonic();
        let turn = self.turn(ctx.urgency, ctx.deadline).await?;
        let waited = self.clock.monotonic().saturating_sub(came);
        Ok((turn, Ctx { deadline: ctx.deadline.saturating_add(waited), ..ctx.clone() }))
    }

    async fn turn(&self, urgency: Urgency, until: Duration) -> Result<Turn<'_>> {
        let (place, called) = self.queue().line.join(urgency);
        let waiting = Waiting { turnstile: self, place, called };
        loop {
            if self.try_take(waiting.place) {
                return Ok(Turn(self));
            }
            let left = until.saturating_sub(self.clock.monotonic());
            if left.is_zero() {
                let message =
                    "the call was not begun: so many are waiting for this system that its turn did not come";
                return Err(Error::new(ErrorKind::RateLimited, message));
            }
            match select(Box::pin(waiting.called.notified()), self.clock.sleep(left)).await {
                Either::Left(_) | Either::Right(_) => {}
            }
        }
    }

    fn try_take(&self, place: Place) -> bool {
        let mut queue = self.queue();
        let free = queue.under_way < self.at_once && queue.line.is_next(place);
        if free {
            queue.line.take(place);
            queue.under_way += 1;
            queue.line.call_next();
        }
        free
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A place in the line, given back if whoever held it went away.
struct Waiting<'a> {
    turnstile: &'a Turnstile,
    place: Place,
    called: Arc<Notify>,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let mut queue = self.turnstile.queue();
        if queue.line.leave(self.place) {
            queue.line.call_next();
        }
    }
}

/// An operation that is under way.
struct Turn<'a>(&'a Turnstile);

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let mut queue = self.0.queue();
        queue.under_way = queue.under_way.saturating_sub(1);
        queue.line.call_next();
    }
}

#[deny(clippy::missing_trait_methods)]
impl DynConnector for Turnstile {
    fn kind(&self) -> &'static str {
        self.inner.kind()
    }
    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }
    fn probe<'a>(&'a self, ctx: &'a Ctx) -> BoxFuture<'a, Result<Identity>> {
        Box::pin(async move {
            let (_turn, ctx) = self.enter(ctx).await?;
            self.inner.probe(&ctx).await
        })
    }
    fn describe<'a>(&'a self, ctx: &'a Ctx) -> BoxFuture<'a, Result<Description>> {
        Box::pin(async move {
            let (_turn, ctx) = self.enter(ctx).await?;
            self.inner.describe(&ctx).await
        })
    }
    fn changes<'a>(&'a self, ctx: &'a Ctx, since: Option<&'a Cursor>) -> BoxFuture<'a, Result<ChangePage>> {
        Box::pin(async move {
            let (_turn, ctx) = self.enter(ctx).await?;
            self.inner.changes(&ctx, since).await
        })
    }
    fn fetch<'a>(&'a self, ctx: &'a Ctx, ticket: &'a RemoteId) -> BoxFuture<'a, Result<Ticket>> {
        Box::pin(async move {
            let (_turn, ctx) = self.enter(ctx).await?;
            self.inner.fetch(&ctx, ticket).await
        })
    }
    fn download<'a>(
        &'a self,
        ctx: &'a Ctx,
        ticket: &'a RemoteId,
        file: &'a FileId,
        limit_bytes: u64,
    ) -> BoxFuture<'a, Result<Bytes>> {
        Box::pin(async move {
            let (_turn, ctx) = self.enter(ctx).await?;
            self.inner.download(&ctx, ticket, file, limit_bytes).await
        })
    }
    fn find<'a>(&'a self, ctx: &'a Ctx, intent: &'a Intent) -> BoxFuture<'a, Result<Vec<Found>>> {
        Box::pin(async move {
            let (_turn, ctx) = self.enter(ctx).await?;
            self.inner.find(&ctx, intent).await
        })
    }
    fn apply<'a>(&'a self, ctx: &'a Ctx, intent: &'a Intent) -> BoxFuture<'a, Result<Effect>> {
        Box::pin(async move {
            let (_turn, ctx) = self.enter(ctx).await?;
            self.inner.apply(&ctx, intent).await
        })
    }
    fn accept(&self, webhook: &RawWebhook) -> Result<Vec<Hint>> {
        self.inner.accept(webhook)
    }
}
