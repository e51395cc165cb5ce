//! The connector passes the suite on a simulated Partner Center, and keeps its login.

// `cfg(test)` tells clippy that helpers are test code as well.
#[cfg(test)]
mod desk;
#[cfg(test)]
mod requests;
#[cfg(test)]
mod subject;

use std::sync::Arc;

use throughline_sdk::layer;
use throughline_testkit::SeededEntropy;
use throughline_testkit::conformance::{self, Subject};

use subject::partner_center;

/// Runs the suite as if it were many tasks: on a clock that skips every wait, a task that has used up its share of the
/// runtime would find its deadlines passed.
async fn conforms(subject: &Subject) {
    tokio::task::unconstrained(conformance::run(subject)).await.assert();
}

#[tokio::test]
async fn the_connector_conforms_for_the_partner() {
    conforms(&partner_center(&[]).1).await;
}

#[tokio::test]
async fn the_connector_conforms_for_one_customer() {
    conforms(&partner_center(&[("customer", desk::CUSTOMER.into())]).1).await;
}

#[tokio::test]
async fn the_connector_conforms_where_answers_leave_out_the_notes() {
    let (desk, subject) = partner_center(&[]);
    desk.state().brief = true;
    conforms(&subject).await;
}

#[tokio::test]
async fn the_connector_conforms_inside_all_its_layers() {
    let (_desk, subject) = partner_center(&[]);
    let (clock, entropy) = (Arc::clone(&subject.clock), Arc::new(SeededEntropy::new(1)));
    let connector = layer::guarded(Arc::clone(&subject.connector), 1, clock, entropy).connector;
    conforms(&Subject { connector, ..subject }).await;
}
