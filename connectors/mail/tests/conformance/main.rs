//! The connector passes the suite on a simulated mail server, and does what is a mailbox's own.

// `cfg(test)` tells clippy that helpers are test code as well.
#[cfg(test)]
mod hand;
#[cfg(test)]
mod mailbox;
#[cfg(test)]
mod own;
#[cfg(test)]
mod server;
#[cfg(test)]
mod subject;

use std::sync::Arc;

use throughline_sdk::layer;
use throughline_testkit::SeededEntropy;
use throughline_testkit::conformance::{self, Subject};

use subject::mailbox;

#[tokio::test(start_paused = true)]
async fn the_connector_conforms() {
    let (_mailbox, subject) = mailbox();
    let report = conformance::run(&subject).await;
    report.assert();
    let passed = report.cases.iter().filter(|(_, outcome)| *outcome == conformance::Outcome::Passed);
    assert!(passed.count() >= 25, "{report}");
}

#[tokio::test(start_paused = true)]
async fn the_connector_conforms_inside_all_its_layers() {
    let (_mailbox, subject) = mailbox();
    let (clock, entropy) = (Arc::clone(&subject.clock), Arc::new(SeededEntropy::new(1)));
    let connector = layer::guarded(Arc::clone(&subject.connector), 1, clock, entropy).connector;
    conformance::run(&Subject { connector, ..subject }).await.assert();
}
