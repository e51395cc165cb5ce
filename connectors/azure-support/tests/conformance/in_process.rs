//! The connector on a desk that is called without a socket, on a clock that skips every wait.

use std::sync::Arc;

use serde_json::Value;
use throughline_sdk::Clock;
use throughline_testkit::conformance::Subject;
use throughline_testkit::{ManualClock, RouterTransport};

use crate::desk::Desk;
use crate::subject::with_base;

/// The connector on a desk, with these settings beside the usual ones.
pub(crate) fn on(desk: &Desk, clock: Arc<dyn Clock>, more: &[(&str, Value)]) -> Subject {
    with_base(desk, Arc::new(RouterTransport(desk.router())), clock, more)
}

/// A desk of its own, and the connector on it.
pub(crate) fn azure(more: &[(&str, Value)]) -> (Desk, Subject) {
    let clock: Arc<dyn Clock> = Arc::new(ManualClock::auto_advance());
    let desk = Desk::new(Arc::clone(&clock));
    let subject = on(&desk, clock, more);
    (desk, subject)
}
