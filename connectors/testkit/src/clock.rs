//! Time that tests move by hand, and randomness that repeats.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::DateTime;
use futures::FutureExt;
use futures::future::BoxFuture;
use throughline_sdk::{Clock, Entropy, Timestamp};
use tokio::sync::watch;

/// 2026-01-01T00:00:00Z, where every manual clock starts.
const START_SECONDS: i64 = 1_767_225_600;

/// A clock that stands still until a test moves it.
#[derive(Clone)]
pub struct ManualClock {
    elapsed: Arc<watch::Sender<Duration>>,
    auto_advance: bool,
}

impl ManualClock {
    /// A clock that only [`advance`](Self::advance) moves; sleepers wake when it has passed their time.
    pub fn new() -> Self {
        Self { elapsed: Arc::new(watch::Sender::new(Duration::ZERO)), auto_advance: false }
    }

    /// A clock on which every sleep returns at once and moves the time by its length.
    pub fn auto_advance() -> Self {
        Self { auto_advance: true, ..Self::new() }
    }

    /// Moves the time on and wakes the sleepers that are due.
    pub fn advance(&self, by: Duration) {
        self.elapsed.send_modify(|elapsed| *elapsed += by);
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
        *self.elapsed.borrow()
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        if self.auto_advance {
            // When it is polled, not before: a sleep that loses a race at once must not move the time.
            let clock = self.clone();
            return async move { clock.advance(duration) }.boxed();
        }
        let due = self.monotonic() + duration;
        let mut elapsed = self.elapsed.subscribe();
        async move {
            if elapsed.wait_for(|elapsed| *elapsed >= due).await.is_err() {
                // Nobody is left who could move the clock: this sleep never ends.
                futures::future::pending::<()>().await;
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
