//! TSANet Connect as its documentation describes it, in process, and what the connector makes of it.
//!
//! The desk shares no type with the connector.

// `cfg(test)` tells clippy that helpers are test code as well.
#[cfg(test)]
mod behaviour;
#[cfg(test)]
mod desk;
#[cfg(test)]
mod rest;
#[cfg(test)]
mod subject;

use subject::{Stage, guarded};
use throughline_testkit::conformance;

#[tokio::test]
async fn the_connector_conforms_as_the_receiver_of_requests() {
    let stage = Stage::new();
    // Notes do not move their request, and what is deleted is shown as deleted.
    stage.desk.mood(|mood| (mood.notes_move, mood.shows_deleted) = (false, true));
    let report = conformance::run(&stage.subject("INBOUND", "INFORMATION")).await;
    assert!(report.failed().is_empty(), "{report}");
}

#[tokio::test]
async fn the_connector_conforms_as_the_submitter_inside_all_its_layers() {
    let stage = Stage::new();
    let report = conformance::run(&guarded(stage.subject("OUTBOUND", "CLOSED"))).await;
    assert!(report.failed().is_empty(), "{report}");
}
