//! The practice connector passes the suite with each create class, and broken connectors fail where they should.

// `cfg(test)` tells clippy that helpers are test code as well.
#[cfg(test)]
mod broken;
#[cfg(test)]
mod desk;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod subject;

use subject::{guarded, practice};
use throughline_testkit::conformance;

#[tokio::test]
async fn the_connector_conforms_with_each_create_class() {
    for class in ["c0", "c1", "c2", "c3", "c4"] {
        let report = conformance::run(&practice(class)).await;
        assert!(report.failed().is_empty(), "with {class}:\n{report}");
    }
}

#[tokio::test]
async fn the_connector_conforms_inside_all_its_layers() {
    for class in ["c0", "c1", "c2", "c3", "c4"] {
        let report = conformance::run(&guarded(class)).await;
        assert!(report.failed().is_empty(), "with {class}:\n{report}");
    }
}
