//! Leaves a system alone that does not answer, and asks it again with one call at a time.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures::future::BoxFuture;

use crate::http::retry::Schedule;
use crate::{
    Capabilities, ChangePage, Clock, Ctx, Cursor, Description, DynConnector, Effect, Entropy, Error,
    ErrorKind, FileId, Found, Hint, Identity, Intent, RawWebhook, RemoteId, Result, Ticket,
};

/// How many calls in a row have to fail before the circuit opens.
const FAILURES: u32 = 5;
/// How long it stays open: longer each time the one call that asks again fails too.
const PAUSES: Schedule = Schedule::new(Duration::from_secs(10), Duration::from_secs(120));

/// Whether calls go through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CircuitState {
    /// They do.
    Closed,
    /// They do not; one will be let through after this long.
    Open {
        /// How long until then.
        retry_in: Duration,
    },
    /// One call is under way to see whether the system is back.
    HalfOpen,
}

/// The circuit of one system, shared between its layer and whoever reports health.
#[derive(Debug)]
pub struct Circuit {
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    phase: Mutex<Phase>,
}

#[derive(Clone, Copy, Debug)]
enum Phase {
    Closed { failures: u32 },
    Open { until: Duration, times: u32 },
    HalfOpen { times: u32 },
}

/// What a call told about the system.
#[derive(Clone, Copy, Debug)]
enum Verdict {
    Alive,
    Dead,
    /// Nothing: the call was refused on our side, or dropped.
    Silent,
}

impl Circuit {
    /// A closed circuit.
    pub fn new(clock: Arc<dyn Clock>, entropy: Arc<dyn Entropy>) -> Self {
        Self { clock, entropy, phase: Mutex::new(Phase::Closed { failures: 0 }) }
    }

    /// Whether calls go through at this moment.
    pub fn state(&self) -> CircuitState {
        match *self.phase() {
            Phase::Closed { .. } => CircuitState::Closed,
            Phase::HalfOpen { .. } => CircuitState::HalfOpen,
            Phase::Open { until, .. } => {
                CircuitState::Open { retry_in: until.saturating_sub(self.clock.monotonic()) }
            }
        }
    }

    fn enter(&self) -> Result<Call<'_>> {
        let now = self.clock.monotonic();
        let mut phase = self.phase();
        let wait = match *phase {
            Phase::Closed { .. } => return Ok(Call { circuit: self, asks: false, verdict: Verdict::Silent }),
            Phase::Open { until, times } if until <= now => {
                *phase = Phase::HalfOpen { times };
                return Ok(Call { circuit: self, asks: true, verdict: Verdict::Silent });
            }
            Phase::Open { until, .. } => until.saturating_sub(now),
            // Whoever asks may take a while; this is only when to look again.
            Phase::HalfOpen { .. } => Duration::from_secs(1),
        };
        Err(Error::new(
            ErrorKind::Unavailable,
            "the system did not answer several calls in a row and is left alone for a while",
        )
        .with_retry_after(Some(wait)))
    }

    fn leave(&self, asks: bool, verdict: Verdict) {
        let now = self.clock.monotonic();
        let mut phase = self.phase();
        *phase = match (*phase, verdict) {
            (Phase::HalfOpen { .. }, Verdict::Alive) if asks => {
                tracing::info!("A system answers again; its lanes go on.");
                Phase::Closed { failures: 0 }
            }
            (Phase::HalfOpen { times }, Verdict::Dead) if asks => {
                Phase::Open { until: now.saturating_add(self.pause(times)), times: times.saturating_add(1) }
            }
            (Phase::HalfOpen { times }, Verdict::Silent) if asks => Phase::Open { until: now, times },
            (Phase::Closed { .. }, Verdict::Alive) => Phase::Closed { failures: 0 },
            (Phase::Closed { failures }, Verdict::Dead) if failures + 1 >= FAILURES => {
                tracing::warn!("A system does not answer; its lanes wait.");
                Phase::Open { until: now.saturating_add(self.pause(0)), times: 1 }
            }
            (Phase::Closed { failures }, Verdict::Dead) => Phase::Closed { failures: failures + 1 },
            // A call from before the circuit opened says nothing new.
            (unchanged, Verdict::Alive | Verdict::Dead | Verdict::Silent) => unchanged,
        };
    }

    fn pause(&self, times: u32) -> Duration {
        PAUSES.delay(times, &*self.entropy)
    }

    fn phase(&self) -> MutexGuard<'_, Phase> {
        self.phase.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A call under way. Dropped without a verdict, it lets the next one ask.
struct Call<'a> {
    circuit: &'a Circuit,
    asks: bool,
    verdict: Verdict,
}

impl Drop for Call<'_> {
    fn drop(&mut self) {
        self.circuit.leave(self.asks, self.verdict);
    }
}

impl Verdict {
    fn of<T>(result: &Result<T>) -> Self {
        match result.as_ref().map_err(Error::kind) {
            Err(ErrorKind::Unavailable) => Self::Dead,
            // These are said on our side too: by the pace, by the guard, by a check of settings.
            Err(ErrorKind::RateLimited | ErrorKind::Misconfigured | ErrorKind::Unsupported) => Self::Silent,
            Ok(_)
            | Err(
                ErrorKind::Unauthenticated
                | ErrorKind::Forbidden
                | ErrorKind::Conflict
                | ErrorKind::NotFound
                | ErrorKind::Moved
                | ErrorKind::Rejected
                | ErrorKind::Malformed,
            ) => Self::Alive,
        }
    }
}

/// Opens the [`Circuit`] after five calls in a row that found the system unavailable; then nothing is sent
/// until a pause is over, and one call asks whether it is back.
#[derive(Debug)]
pub struct Breaker {
    inner: Arc<dyn DynConnector>,
    circuit: Arc<Circuit>,
}

impl Breaker {
    /// Lets calls to `inner` through while `circuit` is closed.
    pub fn new(inner: Arc<dyn DynConnector>, circuit: Arc<Circuit>) -> Self {
        Self { inner, circuit }
    }

    fn through<'a, T: Send + 'a>(&'a self, call: BoxFuture<'a, Result<T>>) -> BoxFuture<'a, Result<T>> {
        Box::pin(async move {
            let mut under_way = self.circuit.enter()?;
            let result = call.await;
            under_way.verdict = Verdict::of(&result);
            result
        })
    }
}

#[deny(clippy::missing_trait_methods)]
impl DynConnector for Breaker {
    fn kind(&self) -> &'static str {
        self.inner.kind()
    }
    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }
    fn probe<'a>(&'a self, ctx: &'a Ctx) -> BoxFuture<'a, Result<Identity>> {
        self.through(self.inner.probe(ctx))
    }
    fn describe<'a>(&'a self, ctx: &'a Ctx) -> BoxFuture<'a, Result<Description>> {
        self.through(self.inner.describe(ctx))
    }
    fn changes<'a>(&'a self, ctx: &'a Ctx, since: Option<&'a Cursor>) -> BoxFuture<'a, Result<ChangePage>> {
        self.through(self.inner.changes(ctx, since))
    }
    fn fetch<'a>(&'a self, ctx: &'a Ctx, ticket: &'a RemoteId) -> BoxFuture<'a, Result<Ticket>> {
        self.through(self.inner.fetch(ctx, ticket))
    }
    fn download<'a>(
        &'a self,
        ctx: &'a Ctx,
        ticket: &'a RemoteId,
        file: &'a FileId,
        limit_bytes: u64,
    ) -> BoxFuture<'a, Result<Bytes>> {
        self.through(self.inner.download(ctx, ticket, file, limit_bytes))
    }
    fn find<'a>(&'a self, ctx: &'a Ctx, intent: &'a Intent) -> BoxFuture<'a, Result<Vec<Found>>> {
        self.through(self.inner.find(ctx, intent))
    }
    fn apply<'a>(&'a self, ctx: &'a Ctx, intent: &'a Intent) -> BoxFuture<'a, Result<Effect>> {
        self.through(self.inner.apply(ctx, intent))
    }
    fn accept(&self, webhook: &RawWebhook) -> Result<Vec<Hint>> {
        self.inner.accept(webhook)
    }
}
