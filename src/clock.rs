//! The only place that reads the machine's time and randomness; everything else is given them.

use std::time::{Duration, Instant};

use chrono::SubsecRound;
use futures::future::BoxFuture;
use ring::rand::{SecureRandom, SystemRandom};
use throughline_sdk::{Clock, Entropy, Timestamp};

/// The machine's clocks.
#[derive(Clone, Copy, Debug)]
pub struct SystemClock {
    started: Instant,
}

impl SystemClock {
    /// The machine's clocks; the monotonic one starts here at zero.
    #[expect(clippy::disallowed_methods, reason = "this is where time is injected")]
    pub fn new() -> Self {
        Self { started: Instant::now() }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is where time is injected")]
    fn now(&self) -> Timestamp {
        // As exact as the ledger writes it: what is folded live and what is read back are the same.
        chrono::Utc::now().trunc_subsecs(6)
    }

    fn monotonic(&self) -> Duration {
        self.started.elapsed()
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        Box::pin(tokio::time::sleep(duration))
    }
}

/// The operating system's generator, fit for keys.
#[derive(Clone, Debug)]
pub struct SystemEntropy(SystemRandom);

impl SystemEntropy {
    /// The operating system's generator.
    pub fn new() -> Self {
        Self(SystemRandom::new())
    }
}

impl Default for SystemEntropy {
    fn default() -> Self {
        Self::new()
    }
}

impl Entropy for SystemEntropy {
    fn fill(&self, bytes: &mut [u8]) {
        if self.0.fill(bytes).is_err() {
            // A key of zeros would look like a key. Linux fails this call only where it does not exist.
            tracing::error!("The operating system gives no random bytes; the daemon stops.");
            std::process::abort();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn random_bytes_are_filled_and_differ() {
        let entropy = SystemEntropy::new();
        let draw = || {
            let mut bytes = [0; 32];
            entropy.fill(&mut bytes);
            bytes
        };
        assert_ne!(draw(), draw());
        assert_ne!(draw(), [0; 32]);
    }

    #[test]
    fn the_monotonic_clock_does_not_go_back() {
        let clock = SystemClock::new();
        let before = clock.monotonic();
        assert!(clock.monotonic() >= before);
    }
}
