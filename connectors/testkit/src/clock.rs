//! Time that tests move by hand, and randomness that repeats.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::DateTime;
use futures::FutureExt;
use futures::future::BoxFuture;
use throughline_sdk::{Clock, Entropy, Timestamp};
use tokio::sync::Notify;

/// 2026-01-01T00:00:00Z, where every manual clock starts.
const START_SECONDS: i64 = 1_767_225_600;

/// A clock that stands still until a test moves it. Sleepers wake in the order in which they fell asleep.
#[derive(Clone)]
pub struct ManualClock {
    moved: Arc<Moved>,
    auto_advance: bool,
}

// Not a `watch` channel: that wakes whoever waits in an order of chance.
#[derive(Default)]
struct Moved {
    elapsed: Mutex<Duration>,
    sleepers: Notify,
}

impl Moved {
    fn to(&self, at: impl FnOnce(Duration) -> Duration) {
        {
            let mut elapsed = self.elapsed.lock().unwrap_or_else(PoisonError::into_inner);
            *elapsed = at(*elapsed);
        }
        self.sleepers.notify_waiters();
    }

    fn elapsed(&self) -> Duration {
        *self.elapsed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ManualClock {
    /// A clock that only [`advance`](Self::advance) moves; sleepers wake when it has passed their time.
    pub fn new() -> Self {
        Self { moved: Arc::default(), auto_advance: false }
    }

    /// A clock on which every sleep is over at once and moves the time to its end.
    pub fn auto_advance() -> Self {
        Self { auto_advance: true, ..Self::new() }
    }

    /// Moves the time on and wakes the sleepers that are due.
    pub fn advance(&self, by: Duration) {
        self.moved.to(|elapsed| elapsed + by);
    }
}

impl Default for ManualClock {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for ManualClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ManualClock").field("elapsed", &self.monotonic()).finish_non_exhaustive()
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        DateTime::from_timestamp(START_SECONDS, 0).unwrap_or_default() + self.monotonic()
    }

    fn monotonic(&self) -> Duration {
        self.moved.elapsed()
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        let due = self.monotonic() + duration;
        let (moved, auto_advance) = (Arc::clone(&self.moved), self.auto_advance);
        async move {
            if auto_advance {
                // When it is polled, not before: a sleep that loses a race at once must not move the time.
                moved.to(|elapsed| elapsed.max(due));
            }
            loop {
                let woken = moved.sleepers.notified();
                if moved.elapsed() >= due {
                    return;
                }
                woken.await;
            }
        }
        .boxed()
    }
}

/// Random bytes that are the same for the same seed.
#[derive(Debug)]
pub struct SeededEntropy(Mutex<u64>);

impl SeededEntropy {
    /// Starts from `seed`.
    pub fn new(seed: u64) -> Self {
        Self(Mutex::new(seed))
    }
}

impl Entropy for SeededEntropy {
    fn fill(&self, bytes: &mut [u8]) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for chunk in bytes.chunks_mut(8) {
            // SplitMix64.
            *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut word = *state;
            word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            word ^= word >> 31;
            for (byte, random) in chunk.iter_mut().zip(word.to_le_bytes()) {
                *byte = random;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::StreamExt;
    use futures::stream::FuturesUnordered;

    use super::*;

    #[tokio::test]
    async fn sleepers_wake_in_the_order_in_which_they_fell_asleep() {
        for _ in 0..20 {
            let clock = ManualClock::new();
            let mut all: FuturesUnordered<_> =
                (0..20).map(|name| clock.sleep(Duration::from_secs(1)).map(move |()| name)).collect();
            assert!(futures::poll!(all.next()).is_pending());
            clock.advance(Duration::from_secs(1));
            assert!((all.collect::<Vec<i32>>().await).is_sorted());
        }
    }
}
