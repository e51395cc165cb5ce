//! GitHub as its documentation describes it, in process, and what the connector makes of it.
//!
//! The desk shares no type with the connector. `specification` has the connector's requests and the desk's answers
//! checked by a tool that nobody here wrote, against the document that GitHub publishes.

// `cfg(test)` tells clippy that helpers are test code as well.
#[cfg(test)]
mod behaviour;
#[cfg(test)]
mod desk;
#[cfg(test)]
mod render;
#[cfg(test)]
mod rest;
#[cfg(test)]
mod specification;
#[cfg(test)]
mod subject;

use subject::{Stage, guarded};
use throughline_testkit::conformance;

#[tokio::test]
async fn the_connector_conforms() {
    for next_status in ["waiting", "not planned"] {
        let report = conformance::run(&Stage::new().subject(next_status)).await;
        assert!(report.failed().is_empty(), "to {next_status}:\n{report}");
    }
}

#[tokio::test]
async fn the_connector_conforms_inside_all_its_layers() {
    let report = conformance::run(&guarded(Stage::new().subject("working"))).await;
    assert!(report.failed().is_empty(), "{report}");
}
