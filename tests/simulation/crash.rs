//! Places at which the simulated power goes out: every await of the engine that reaches the outside.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use throughline::ledger::{Medium, MemoryMedium};

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

/// A disk whose every change is a place at which the power may go out, before it and after it.
#[derive(Debug)]
pub(crate) struct PoweredMedium {
    pub(crate) inner: Arc<MemoryMedium>,
    pub(crate) crash: CrashPoints,
}

impl PoweredMedium {
    fn powered(&self, change: impl FnOnce(&MemoryMedium) -> io::Result<()>) -> io::Result<()> {
        self.check()?;
        change(&self.inner)?;
        self.check()
    }

    fn check(&self) -> io::Result<()> {
        if self.crash.falls() { Err(io::Error::other("the power is out")) } else { Ok(()) }
    }
}

impl Medium for PoweredMedium {
    fn read_at(&self, name: &str, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        self.inner.read_at(name, offset, buffer)
    }

    fn write_at(&self, name: &str, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.powered(|medium| medium.write_at(name, offset, bytes))
    }

    fn sync(&self, name: &str) -> io::Result<()> {
        self.powered(|medium| medium.sync(name))
    }

    fn sync_dir(&self, folder: &str) -> io::Result<()> {
        self.powered(|medium| medium.sync_dir(folder))
    }

    fn len(&self, name: &str) -> io::Result<Option<u64>> {
        self.inner.len(name)
    }

    fn truncate(&self, name: &str, len: u64) -> io::Result<()> {
        self.powered(|medium| medium.truncate(name, len))
    }

    fn list(&self, folder: &str) -> io::Result<Vec<String>> {
        self.inner.list(folder)
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.powered(|medium| medium.rename(from, to))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.powered(|medium| medium.remove(name))
    }
}
