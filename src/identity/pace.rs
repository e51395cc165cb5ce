//! How often somebody may ask or try: tries to log in by account and by address, requests by whoever asks.

use std::hash::Hash;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use governor::clock::Clock as GovernorClock;
use governor::middleware::StateInformationMiddleware;
use governor::state::keyed::HashMapStateStore;
use governor::{Quota, RateLimiter};
use throughline_sdk::Clock;

/// More keys than that are looked through for those that nobody has used for a while.
const MANY: usize = 10_000;

/// How much is allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// How many in a minute in the long run. Zero counts as one.
    pub per_minute: u32,
    /// How many at once after a quiet time. Zero counts as one.
    pub burst: u32,
}

/// How much is left after a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Left {
    /// How many more at once.
    pub now: u32,
    /// How many at once after a quiet time.
    pub burst: u32,
    /// How long until it is that many again, once all are used.
    pub refilled: Duration,
}

/// Governor's view of our clock: it must not read time of its own.
#[derive(Clone, Debug)]
struct Monotonic(Arc<dyn Clock>);

impl GovernorClock for Monotonic {
    type Instant = Duration;

    fn now(&self) -> Duration {
        self.0.monotonic()
    }
}

/// Paces each key by itself.
#[derive(Debug)]
pub(super) struct Paced<K: Hash + Eq + Clone> {
    limiter: RateLimiter<K, HashMapStateStore<K>, Monotonic, StateInformationMiddleware>,
    clock: Monotonic,
}

impl<K: Hash + Eq + Clone> Paced<K> {
    pub(super) fn new(pace: Pace, clock: Arc<dyn Clock>) -> Self {
        let at_least_one = |count| NonZeroU32::new(count).unwrap_or(NonZeroU32::MIN);
        let quota = Quota::per_minute(at_least_one(pace.per_minute)).allow_burst(at_least_one(pace.burst));
        let clock = Monotonic(clock);
        let limiter = RateLimiter::new(quota, HashMapStateStore::default(), clock.clone());
        Self { limiter, clock }
    }

    /// Counts one, and says how many are left; how long to wait if it is too many.
    pub(super) fn count(&self, key: &K) -> Result<Left, Duration> {
        if self.limiter.len() > MANY {
            self.limiter.retain_recent();
        }
        let counted = self.limiter.check_key(key);
        let state = counted.map_err(|early| early.wait_time_from(self.clock.now()))?;
        let quota = state.quota();
        Ok(Left {
            now: state.remaining_burst_capacity(),
            burst: quota.burst_size().get(),
            refilled: quota.burst_size_replenished_in(),
        })
    }
}
