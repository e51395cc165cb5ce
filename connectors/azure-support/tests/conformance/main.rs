//! The connector passes the suite on a simulated Azure, and does what is Azure's own.

// `cfg(test)` tells clippy that helpers are test code as well.
#[cfg(test)]
mod choice;
#[cfg(test)]
mod desk;
#[cfg(test)]
mod in_process;
#[cfg(test)]
mod polled;
#[cfg(test)]
mod reading;
#[cfg(test)]
mod running;
#[cfg(test)]
mod subject;

use std::sync::Arc;

use serde_json::Value;
use throughline_sdk::{Clock, layer};
use throughline_testkit::conformance::{self, Subject};
use throughline_testkit::{ManualClock, SeededEntropy};

use desk::Desk;
use in_process::{azure, on};

/// Runs the suite as if it were many tasks: on a clock that skips every wait, a task that has used up its share of the
/// runtime would find its deadlines passed.
async fn conforms(subject: &Subject) {
    tokio::task::unconstrained(conformance::run(subject)).await.assert();
}

#[tokio::test]
async fn the_connector_conforms_in_a_subscription() {
    let (_desk, subject) = azure(&[]);
    conforms(&subject).await;
}

#[tokio::test]
async fn the_connector_conforms_without_a_subscription() {
    let clock: Arc<dyn Clock> = Arc::new(ManualClock::auto_advance());
    let desk = Desk::of_the_tenant(Arc::clone(&clock));
    conforms(&on(&desk, clock, &[("subscription", Value::Null)])).await;
}

#[tokio::test]
async fn the_connector_conforms_inside_all_its_layers() {
    let (_desk, subject) = azure(&[]);
    let (clock, entropy) = (Arc::clone(&subject.clock), Arc::new(SeededEntropy::new(1)));
    let connector = layer::guarded(Arc::clone(&subject.connector), 1, clock, entropy).connector;
    conforms(&Subject { connector, ..subject }).await;
}
