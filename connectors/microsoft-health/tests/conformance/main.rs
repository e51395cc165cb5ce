//! The connector passes the suite on simulated service communications, and tells of nothing twice.

// `cfg(test)` tells clippy that helpers are test code as well.
#[cfg(test)]
mod desk;
#[cfg(test)]
mod subject;
#[cfg(test)]
mod told;

use std::sync::Arc;

use throughline_sdk::{Clock, layer};
use throughline_testkit::conformance::{self, Subject};
use throughline_testkit::{ManualClock, RouterTransport, SeededEntropy};

use desk::Desk;
use subject::with_base;

/// The connector with messages, on a desk of its own that is called without a socket.
fn health() -> (Desk, Subject) {
    let clock: Arc<dyn Clock> = Arc::new(ManualClock::auto_advance());
    let desk = Desk::new(Arc::clone(&clock));
    let base = Arc::new(RouterTransport(desk.router()));
    let subject = with_base(&desk, base, clock, &[("messages", true.into())]);
    (desk, subject)
}

/// Runs the suite as if it were many tasks: on a clock that skips every wait, a task that has used up its share of the
/// runtime would find its deadlines passed.
async fn conforms(subject: &Subject) {
    tokio::task::unconstrained(conformance::run(subject)).await.assert();
}

#[tokio::test]
async fn the_connector_conforms() {
    conforms(&health().1).await;
}

#[tokio::test]
async fn the_connector_conforms_inside_all_its_layers() {
    let (_desk, subject) = health();
    let (clock, entropy) = (Arc::clone(&subject.clock), Arc::new(SeededEntropy::new(1)));
    let connector = layer::guarded(Arc::clone(&subject.connector), 1, clock, entropy).connector;
    conforms(&Subject { connector, ..subject }).await;
}
