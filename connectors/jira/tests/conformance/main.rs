//! The connector passes the suite on Jira Cloud with Service Management and on Jira Data Center without, and keeps what
//! it promises beyond it, on a Jira simulated from documentation.

// `cfg(test)` tells clippy that helpers are test code as well.
#[cfg(test)]
mod beyond;
#[cfg(test)]
mod desk;
#[cfg(test)]
mod specification;
#[cfg(test)]
mod subject;

use desk::Plays;
use subject::subject;
use throughline_testkit::conformance;

#[tokio::test]
async fn the_connector_conforms_on_cloud_with_service_management() {
    conformance::run(&subject(Plays::CloudWithPortal)).await.assert();
}

#[tokio::test]
async fn the_connector_conforms_on_cloud() {
    conformance::run(&subject(Plays::Cloud)).await.assert();
}

#[tokio::test]
async fn the_connector_conforms_on_data_center_with_service_management() {
    conformance::run(&subject(Plays::DataCenterWithPortal)).await.assert();
}

#[tokio::test]
async fn the_connector_conforms_on_data_center() {
    conformance::run(&subject(Plays::DataCenter)).await.assert();
}
