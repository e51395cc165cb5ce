//! The connector passes the suite on a Freshdesk that is simulated from the vendor's documentation.

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
    let (subject, desk) = subject::freshdesk();
    conformance::run(&subject).await.assert();
    let state = desk.lock();
    assert_eq!(state.leaked, 0, "credentials went to the host that keeps the files");
    assert!(state.stored > 0, "no file was read from there");
    assert_eq!(state.overstepped, 0, "a write set a requester or copies");
}
