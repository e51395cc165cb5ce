//! The connector passes the suite on a Zammad that is simulated from the vendor's documentation.

// `cfg(test)` tells clippy that helpers are test code as well.
#[cfg(test)]
mod behaviour;
#[cfg(test)]
mod desk;
#[cfg(test)]
mod rest;
#[cfg(test)]
mod subject;

use throughline_testkit::conformance;

#[tokio::test]
async fn the_connector_conforms() {
    let (subject, desk) = subject::zammad();
    conformance::run(&subject).await.assert();
    assert_eq!(desk.lock().overstepped, 0, "a write set a customer, a recipient or somebody's name");
}
