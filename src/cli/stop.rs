//! How a process that goes on until it is told to stop is told.

use tokio::signal::unix::{Signal, SignalKind, signal};

/// Returns once this process is told to stop: by Ctrl-C, or by SIGTERM from whoever supervises it.
pub(super) async fn told_to_stop() {
    let (Ok(mut term), Ok(mut interrupt)) =
        (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
    else {
        tracing::error!("Signals cannot be received; the process can only be killed.");
        return std::future::pending().await;
    };
    tokio::select! {
        _ = term.recv() => {}
        _ = interrupt.recv() => {}
    }
}

/// How a process that goes on is told to load its configuration anew: by SIGHUP.
#[derive(Debug)]
pub(super) struct Hangups(Option<Signal>);

impl Hangups {
    /// From here on, SIGHUP does not end the process any more.
    pub(super) fn new() -> Self {
        let signal = signal(SignalKind::hangup());
        if let Err(error) = &signal {
            tracing::error!(%error, "SIGHUP cannot be received; use `throughline reload`.");
        }
        Self(signal.ok())
    }

    /// Returns at the next one.
    pub(super) async fn next(&mut self) {
        if let Some(signal) = &mut self.0
            && signal.recv().await.is_some()
        {
            return;
        }
        std::future::pending().await
    }
}
