//! How a process that goes on until it is told to stop is told.

use tokio::signal::unix::{SignalKind, signal};

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
