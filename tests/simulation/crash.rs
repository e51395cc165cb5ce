//! Places at which the simulated power goes out: every await of the engine that reaches the outside.

use std::sync::{Arc, Mutex, PoisonError};

/// Counts down to the next power cut. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(crate) struct CrashPoints(Arc<Mutex<Power>>);

#[derive(Debug, Default)]
struct Power {
    left: Option<u64>,
    out: bool,
    points: u64,
}

impl CrashPoints {
    /// The power is on, and goes out at the `count`th point from now; never, for `None`.
    pub(crate) fn arm(&self, count: Option<u64>) {
        let mut power = self.power();
        power.left = count;
        power.out = false;
    }

    /// Whether the power is out: the host has to be crashed.
    pub(crate) fn is_out(&self) -> bool {
        self.power().out
    }

    /// How many points were passed so far.
    pub(crate) fn points(&self) -> u64 {
        self.power().points
    }

    /// Passes, or never returns.
    pub(crate) async fn point(&self) {
        if self.falls() {
            std::future::pending::<()>().await;
        }
    }

    /// Whether the power is out from here on, for code that cannot wait.
    pub(crate) fn falls(&self) -> bool {
        let mut power = self.power();
        power.points += 1;
        if !power.out {
            power.left = power.left.map(|left| left.saturating_sub(1));
            power.out = power.left == Some(0);
        }
        power.out
    }

    fn power(&self) -> std::sync::MutexGuard<'_, Power> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
