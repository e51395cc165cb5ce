//! Time and randomness as the rest of the house sees them: injected, so that it runs under simulation.

use std::fmt::Debug;
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures::future::BoxFuture;

/// A moment in UTC.
pub type Timestamp = DateTime<Utc>;

/// Where time comes from.
pub trait Clock: Debug + Send + Sync + 'static {
    /// The wall clock, in UTC. It may jump.
    fn now(&self) -> Timestamp;

    /// Time since some fixed point; it never goes back.
    fn monotonic(&self) -> Duration;

    /// Returns after `duration` has passed on the monotonic clock.
    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()>;
}

/// Where randomness comes from.
pub trait Entropy: Debug + Send + Sync + 'static {
    /// Fills `bytes` with random bytes, fit for keys in production and repeatable under simulation.
    fn fill(&self, bytes: &mut [u8]);
}
