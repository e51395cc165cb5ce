//! Time and randomness that a test holds in its hand, so that no test sleeps and every run repeats.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use chrono::TimeDelta;
use futures::future::BoxFuture;
use throughline_sdk::{Clock, Entropy, Timestamp};
use tokio::sync::watch;

/// A clock that stands still until the test moves it.
#[derive(Debug)]
pub struct ManualClock {
    epoch: Timestamp,
    elapsed: watch::Sender<Elapsed>,
}

#[derive(Clone, Copy, Debug)]
struct Elapsed {
    monotonic: Duration,
    jumped: TimeDelta,
}

impl ManualClock {
    /// A clock that shows `epoch`, with zero on its monotonic side.
    pub fn new(epoch: Timestamp) -> Self {
        let elapsed = Elapsed { monotonic: Duration::ZERO, jumped: TimeDelta::zero() };
        Self { epoch, elapsed: watch::Sender::new(elapsed) }
    }

    /// Lets time pass on both sides, and wakes whoever slept up to then.
    pub fn advance(&self, by: Duration) {
        self.elapsed.send_modify(|elapsed| elapsed.monotonic = elapsed.monotonic.saturating_add(by));
    }

    /// Sets the wall clock forward or back; the monotonic side and every sleeper do not notice.
    pub fn jump(&self, by: TimeDelta) {
        self.elapsed.send_modify(|elapsed| {
            elapsed.jumped = elapsed.jumped.checked_add(&by).unwrap_or(elapsed.jumped);
        });
    }

    /// How many sleeps are under way. A test waits for one with `yield_now` before it advances.
    pub fn sleepers(&self) -> usize {
        self.elapsed.receiver_count()
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        let elapsed = *self.elapsed.borrow();
        let passed = TimeDelta::from_std(elapsed.monotonic).unwrap_or(TimeDelta::MAX);
        self.epoch
            .checked_add_signed(passed)
            .and_then(|now| now.checked_add_signed(elapsed.jumped))
            .unwrap_or(Timestamp::MAX_UTC)
    }

    fn monotonic(&self) -> Duration {
        self.elapsed.borrow().monotonic
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        let mut elapsed = self.elapsed.subscribe();
        let until = elapsed.borrow().monotonic.saturating_add(duration);
        Box::pin(async move {
            if elapsed.wait_for(|elapsed| elapsed.monotonic >= until).await.is_err() {
                // The clock is gone with its test: its time never comes.
                std::future::pending().await
            }
        })
    }
}

/// Random bytes that are the same in every run with the same seed (`SplitMix64`). Never for keys.
#[derive(Debug)]
pub struct SeededEntropy(AtomicU64);

impl SeededEntropy {
    const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

    /// The sequence that belongs to `seed`.
    pub fn new(seed: u64) -> Self {
        Self(AtomicU64::new(seed))
    }

    fn next(&self) -> u64 {
        let state = self.0.fetch_add(Self::STEP, Ordering::Relaxed).wrapping_add(Self::STEP);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

impl Entropy for SeededEntropy {
    fn fill(&self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            for (target, source) in chunk.iter_mut().zip(self.next().to_le_bytes()) {
                *target = source;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[tokio::test]
    async fn a_sleeper_wakes_when_its_time_has_come_and_not_before() {
        let clock = Arc::new(ManualClock::new(Timestamp::UNIX_EPOCH));
        let mut sleep = clock.sleep(Duration::from_secs(5));
        clock.advance(Duration::from_secs(4));
        assert!(futures::poll!(&mut sleep).is_pending());
        clock.jump(TimeDelta::hours(1));
        assert!(futures::poll!(&mut sleep).is_pending(), "a jump of the wall clock is not time");
        clock.advance(Duration::from_secs(1));
        assert!(futures::poll!(&mut sleep).is_ready());
        assert_eq!(clock.now().timestamp(), 3605);
    }

    #[test]
    fn the_same_seed_gives_the_same_bytes() {
        let draw = |seed| {
            let mut bytes = [0; 13];
            SeededEntropy::new(seed).fill(&mut bytes);
            bytes
        };
        assert_eq!(draw(7), draw(7));
        assert_ne!(draw(7), draw(8));
    }
}
