//! Every task of the daemon is spawned here, so that a shutdown can join it and a panic is seen.

use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::watch;
use tokio::task::JoinSet;

/// Spawns tasks and waits for them. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Supervisor {
    tasks: Arc<Mutex<JoinSet<()>>>,
    stopping: Arc<watch::Sender<bool>>,
}

impl Default for Supervisor {
    fn default() -> Self {
        Self { tasks: Arc::default(), stopping: Arc::new(watch::Sender::new(false)) }
    }
}

impl Supervisor {
    /// Runs `task` until it ends. After a shutdown has begun nothing new is started, and it is false.
    pub fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) -> bool {
        let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        // Under the lock: what is spawned before the shutdown is joined by it.
        if self.is_stopping() {
            return false;
        }
        while let Some(ended) = tasks.try_join_next() {
            report(ended);
        }
        tasks.spawn(task);
        true
    }

    /// Whether a shutdown has begun.
    pub fn is_stopping(&self) -> bool {
        *self.stopping.borrow()
    }

    /// Returns once a shutdown has begun.
    pub async fn stopping(&self) {
        let mut stopping = self.stopping.subscribe();
        // The sender lives as long as `self`: an error is as good as a stop.
        drop(stopping.wait_for(|stopping| *stopping).await);
    }

    /// Begins the shutdown and waits until every task has ended.
    pub async fn stop(&self) {
        self.stopping.send_replace(true);
        let mut tasks = std::mem::take(&mut *self.tasks.lock().unwrap_or_else(PoisonError::into_inner));
        while let Some(ended) = tasks.join_next().await {
            report(ended);
        }
    }
}

fn report(ended: Result<(), tokio::task::JoinError>) {
    if let Err(error) = ended
        && error.is_panic()
    {
        tracing::error!(%error, "A task panicked; its lane is taken up again at the next hint or restart.");
    }
}
