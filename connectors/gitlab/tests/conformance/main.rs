//! GitLab as its documentation describes it, in process, and what the connector makes of it.
//!
//! The desk shares no type with the connector. `client` has it used by a client of GitLab that nobody here wrote.

// `cfg(test)` tells clippy that helpers are test code as well.
#[cfg(test)]
mod behaviour;
#[cfg(test)]
mod client;
#[cfg(test)]
mod desk;
#[cfg(test)]
mod notes;
#[cfg(test)]
mod rest;
#[cfg(test)]
mod subject;

use subject::{Stage, guarded};
use throughline_testkit::conformance;

#[tokio::test]
async fn the_connector_conforms() {
    for (next_status, keyed) in [("waiting", true), ("closed", false)] {
        let stage = Stage::new();
        stage.desk.mood(|mood| mood.keyed = keyed);
        let report = conformance::run(&stage.subject(next_status)).await;
        assert!(report.failed().is_empty(), "to {next_status}:\n{report}");
    }
}

#[tokio::test]
async fn the_connector_conforms_inside_all_its_layers_and_with_signed_webhooks() {
    let report = conformance::run(&guarded(Stage::new().signing("working"))).await;
    assert!(report.failed().is_empty(), "{report}");
}
