//! The connector passes the suite on a Dataverse simulated from its documentation, and what only Dataverse has holds.

// `cfg(test)` tells clippy that helpers are test code as well.
#[cfg(test)]
mod cases;
#[cfg(test)]
mod desk;
#[cfg(test)]
mod feeds;
#[cfg(test)]
mod subject;
#[cfg(test)]
mod texts;

use std::sync::Arc;

use throughline_sdk::layer;
use throughline_testkit::SeededEntropy;
use throughline_testkit::conformance::{self, Subject};

use subject::stand;

#[tokio::test]
async fn the_connector_conforms_with_rich_and_with_plain_notes() {
    for format in ["rich", "plain"] {
        let report = conformance::run(&stand(&[("note_format", format.into())]).subject).await;
        assert!(report.failed().is_empty(), "{format}:\n{report}");
    }
}

#[tokio::test]
async fn the_connector_conforms_with_a_marker_column_and_a_webhook_header() {
    let settings = [("marker_column", "new_marker".into()), ("webhook_header", "x-throughline-key".into())];
    let report = conformance::run(&stand(&settings).subject).await;
    assert!(report.failed().is_empty(), "{report}");
}

#[tokio::test]
async fn the_connector_conforms_inside_all_its_layers() {
    let subject = stand(&[]).subject;
    let entropy = Arc::new(SeededEntropy::new(1));
    let guarded = layer::guarded(Arc::clone(&subject.connector), 1, Arc::clone(&subject.clock), entropy);
    let report = conformance::run(&Subject { connector: guarded.connector, ..subject }).await;
    assert!(report.failed().is_empty(), "{report}");
}
