//! The load process: the desks, and signed webhooks on order.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures::future::{Either, join_all, select};
use secrecy::SecretString;
use throughline_sdk::Clock;
use throughline_sdk::signature::sign_standard;
use tokio::net::TcpListener;

use super::desks::Desks;
use super::protocol::{Order, Outcome, Up};
use super::wire::Connection;
use super::world::HOME;
use crate::cli::{Failure, Output};
use crate::clock::SystemClock;
use crate::daemon::Supervisor;

/// Before anything is counted.
const WARMING: Duration = Duration::from_secs(1);
/// The longest wait for one write.
const PATIENCE: Duration = Duration::from_secs(10);
/// Neighbours in time are no neighbours in the store.
const STRIDE: u64 = 7919;

/// Serves the desks and carries out orders until standard input ends.
pub(super) async fn run(output: &Output) -> Result<(), Failure> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let desks = Desks::new(Arc::clone(&clock));
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.map_err(Failure::failed)?;
    let address = listener.local_addr().map_err(Failure::failed)?.to_string();
    let (supervisor, router) = (Supervisor::default(), desks.router());
    supervisor.spawn(async move {
        use axum::serve::ListenerExt;
        let listener = listener.tap_io(|stream| drop(stream.set_nodelay(true)));
        drop(axum::serve(listener, router).await);
    });
    output.value(&Up { address });
    loop {
        let read = tokio::task::spawn_blocking(|| {
            let mut line = String::new();
            std::io::stdin().read_line(&mut line).map(|_| line)
        });
        let line = read.await.map_err(Failure::failed)?.map_err(Failure::failed)?;
        if line.is_empty() {
            return Ok(());
        }
        let order: Order = serde_json::from_str(&line).map_err(Failure::failed)?;
        output.value(&Run::new(order, &desks, &clock).carry_out().await);
    }
}

/// One order being carried out.
struct Run<'a> {
    order: Order,
    desks: &'a Desks,
    clock: &'a Arc<dyn Clock>,
    secret: SecretString,
    begin: Duration,
    events: AtomicU64,
}

/// What one sender saw.
#[derive(Default)]
struct Tally {
    taken: u32,
    refused: u32,
    lost: u32,
    trouble: Option<String>,
    /// When each write came, and how long after its webhook.
    arrivals: Vec<(Duration, Duration)>,
}

impl<'a> Run<'a> {
    fn new(order: Order, desks: &'a Desks, clock: &'a Arc<dyn Clock>) -> Self {
        let secret = SecretString::from(order.secret.clone());
        Self { secret, begin: clock.monotonic(), order, desks, clock, events: AtomicU64::new(0) }
    }

    async fn carry_out(&self) -> Outcome {
        let senders = (0..self.order.concurrency).map(|_| self.send());
        let tallies = join_all(senders).await;
        // What comes twice comes soon.
        self.clock.sleep(Duration::from_millis(200)).await;
        let (from, to) = (self.begin + WARMING, self.end());
        let (extra, sent) = (self.desks.extra(&self.order.world), self.events.load(Ordering::Relaxed));
        let mut outcome = Outcome { extra, sent, ..Outcome::default() };
        let (mut took, mut count) = (Vec::new(), 0_u32);
        for tally in tallies {
            outcome.taken += tally.taken;
            outcome.refused += tally.refused;
            outcome.lost += tally.lost;
            outcome.trouble = outcome.trouble.or(tally.trouble);
            for (at, latency) in tally.arrivals {
                if (from..to).contains(&at) {
                    count += 1;
                    took.push(latency);
                }
            }
        }
        took.sort_unstable();
        outcome.per_second = f64::from(count) / (to - from).as_secs_f64();
        outcome.p50 = percentile(&took, 500);
        outcome.p99 = percentile(&took, 990);
        outcome.p999 = percentile(&took, 999);
        outcome
    }

    async fn send(&self) -> Tally {
        let mut tally = Tally::default();
        let mut connection = None;
        loop {
            let event = self.events.fetch_add(1, Ordering::Relaxed);
            let due = match self.order.rate {
                Some(rate) => {
                    self.begin
                        + Duration::from_secs(1) * u32::try_from(event).unwrap_or(u32::MAX) / rate.max(1)
                }
                None => self.clock.monotonic(),
            };
            if due >= self.end() {
                return tally;
            }
            let now = self.clock.monotonic();
            let waits = due > now;
            if waits {
                self.clock.sleep(due - now).await;
            }
            let place = self.order.first.wrapping_add(event);
            let number = place.wrapping_mul(self.stride()) % self.order.linked + 1;
            let (body, arrival) = self.desks.change(&self.order.world, number);
            // Late because all senders were busy counts; late because timers are coarse does not.
            let sent = if self.order.rate.is_some() && !waits { due } else { self.clock.monotonic() };
            if let Err(trouble) = self.post(&mut connection, event, &body).await {
                self.desks.give_up(&self.order.world, number);
                tally.refused += 1;
                tally.trouble.get_or_insert(trouble);
                continue;
            }
            tally.taken += 1;
            match select(arrival, self.clock.sleep(PATIENCE)).await {
                Either::Left((Ok(at), _)) => tally.arrivals.push((at, at.saturating_sub(sent))),
                Either::Left((Err(_), _)) | Either::Right(_) => {
                    self.desks.give_up(&self.order.world, number);
                    tally.lost += 1;
                    tally.trouble.get_or_insert_with(|| format!("no write came for ticket {number}"));
                }
            }
        }
    }

    async fn post(&self, connection: &mut Option<Connection>, event: u64, body: &[u8]) -> Result<(), String> {
        let id = format!("msg_{}_{event}", self.begin.as_nanos());
        let fields =
            sign_standard(&self.secret, &id, self.clock.now(), body).map_err(|error| error.to_string())?;
        let mut headers = String::new();
        for (name, value) in &fields {
            headers.push_str(&format!("{name}: {}\r\n", value.to_str().unwrap_or_default()));
        }
        let open = match connection.take() {
            Some(open) => open,
            None => Connection::open(&self.order.target).await.map_err(|error| error.to_string())?,
        };
        let open = connection.insert(open);
        match open.send(&format!("POST /webhooks/{HOME}"), &headers, body).await {
            Ok((200..=299, _)) => Ok(()),
            Ok((status, answer)) => Err(format!("{status}: {}", String::from_utf8_lossy(&answer))),
            Err(error) => {
                *connection = None;
                Err(error.to_string())
            }
        }
    }

    fn end(&self) -> Duration {
        self.begin + WARMING + Duration::from_secs(self.order.seconds.into())
    }

    /// A step that reaches every ticket before it comes back to the first.
    fn stride(&self) -> u64 {
        if self.order.linked.is_multiple_of(STRIDE) { 1 } else { STRIDE }
    }
}

fn percentile(sorted: &[Duration], thousandths: usize) -> f64 {
    let at = (sorted.len() * thousandths / 1000).min(sorted.len().saturating_sub(1));
    sorted.get(at).map_or(0.0, |took| took.as_secs_f64() * 1000.0)
}
