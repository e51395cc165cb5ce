//! The connector passes the suite on a ServiceNow simulated from its documentation, and what only ServiceNow has holds.

// `cfg(test)` tells clippy that helpers are test code as well.
#[cfg(test)]
mod desk;
#[cfg(test)]
mod feeds;
#[cfg(test)]
mod records;
#[cfg(test)]
mod subject;

use std::sync::Arc;

use throughline_sdk::layer;
use throughline_testkit::SeededEntropy;
use throughline_testkit::conformance::{self, Subject};

use subject::stand;

#[tokio::test]
async fn the_connector_conforms() {
    let report = conformance::run(&stand(&[]).subject).await;
    assert!(report.failed().is_empty(), "{report}");
}

#[tokio::test]
async fn the_connector_conforms_through_an_import_set() {
    let report = conformance::run(&stand(&[("import_table", "u_throughline_incident".into())]).subject).await;
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
