//! When to try again: delays that grow, scatter and stay bounded.
//!
//! The only file that names `backoff`, which is no longer maintained (RUSTSEC-2025-0012): replacing it means
//! replacing this file.

use std::time::Duration;

use backoff::backoff::Backoff;
use backoff::{ExponentialBackoff, SystemClock, exponential};

use crate::Entropy;

/// Delays that double from `first` up to `cap`, each scattered over its upper half.
///
/// A schedule is data: the delay depends on the attempt's number and the entropy only, so that waiting can be
/// recorded and survives a restart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Schedule {
    first: Duration,
    cap: Duration,
}

impl Schedule {
    /// Between attempts to deliver an intent, across restarts: from five seconds up to five minutes.
    pub const DURABLE: Self = Self::new(Duration::from_secs(5), Duration::from_secs(300));

    /// Inside one operation, for a hiccup: from a fifth of a second up to two seconds.
    pub const SHORT: Self = Self::new(Duration::from_millis(200), Duration::from_secs(2));

    /// A schedule from `first` up to `cap`.
    pub const fn new(first: Duration, cap: Duration) -> Self {
        Self { first, cap }
    }

    /// How long to wait after the failed attempt with this number, the first being 0.
    ///
    /// Between half and the whole of `first · 2^attempt`, never above `cap`, in whole milliseconds.
    pub fn delay(&self, attempt: u32, entropy: &dyn Entropy) -> Duration {
        let full = self.full(attempt);
        let mut bytes = [0; 4];
        entropy.fill(&mut bytes);
        let share = f64::from(u32::from_le_bytes(bytes)) / f64::from(u32::MAX);
        whole_millis(full.mul_f64(0.5 + share / 2.0))
    }

    fn full(&self, attempt: u32) -> Duration {
        let still = ExponentialBackoff {
            initial_interval: self.first.min(self.cap),
            current_interval: self.first.min(self.cap),
            max_interval: self.cap,
            multiplier: 2.0,
            // Its own jitter comes from the thread's generator, ours from the injected one.
            randomization_factor: 0.0,
            max_elapsed_time: None,
            ..ExponentialBackoff::default()
        };
        let mut delays = Still::stop(&still);
        // 64 doublings pass any cap.
        let mut full = self.first.min(self.cap);
        for _ in 0..=attempt.min(64) {
            full = delays.next_backoff().unwrap_or(self.cap);
        }
        whole_millis(full.min(self.cap))
    }
}

/// A clock for `backoff` that shows one moment for ever: no delay may depend on ambient time.
#[derive(Clone, Debug)]
struct Still(std::time::Instant);

impl Still {
    /// The same delays on a stopped clock. The moment is the one that `backoff` took when it was built.
    fn stop(running: &exponential::ExponentialBackoff<SystemClock>) -> exponential::ExponentialBackoff<Self> {
        exponential::ExponentialBackoff {
            current_interval: running.current_interval,
            initial_interval: running.initial_interval,
            randomization_factor: running.randomization_factor,
            multiplier: running.multiplier,
            max_interval: running.max_interval,
            start_time: running.start_time,
            max_elapsed_time: running.max_elapsed_time,
            clock: Self(running.start_time),
        }
    }
}

impl backoff::Clock for Still {
    fn now(&self) -> std::time::Instant {
        self.0
    }
}

/// Cuts what is below a millisecond: `backoff` adds up to a nanosecond of its own chance.
fn whole_millis(duration: Duration) -> Duration {
    Duration::from_millis(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Always(u8);

    impl Entropy for Always {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(self.0);
        }
    }

    #[test]
    fn delays_double_scatter_over_their_upper_half_and_stop_at_the_cap() {
        let seconds = |attempt, chance| Schedule::DURABLE.delay(attempt, &Always(chance)).as_secs_f64();
        let longest: Vec<f64> = (0..8).map(|attempt| seconds(attempt, 0xff)).collect();
        assert_eq!(longest, [5.0, 10.0, 20.0, 40.0, 80.0, 160.0, 300.0, 300.0]);
        let shortest: Vec<f64> = (0..3).map(|attempt| seconds(attempt, 0)).collect();
        assert_eq!(shortest, [2.5, 5.0, 10.0]);
        assert_eq!(seconds(u32::MAX, 0xff), 300.0);
    }
}
