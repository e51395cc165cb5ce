//! In: whatever says that a ticket may have changed becomes a hint, and only a durable hint is acknowledged.

mod poll;
mod reconcile;
mod webhook;

use std::sync::Arc;

use throughline_sdk::TicketRef;

use crate::case::{Fact, HintSource};
use crate::daemon::Shared;
use crate::deliver::Hinted;
use crate::ledger::{self, Entry};

pub use webhook::{Refusal, webhook};

/// Starts the pollers and the rolling reconciliation.
pub(crate) fn start(shared: &Arc<Shared>) {
    for name in shared.systems.keys() {
        shared.supervisor.spawn(poll::run(Arc::clone(shared), name.clone()));
    }
    shared.supervisor.spawn(reconcile::run(Arc::clone(shared)));
}

/// Wakes the lane of a ticket whose hint already stands in the ledger.
pub(crate) fn wake(shared: &Arc<Shared>, ticket: TicketRef) -> Result<(), ledger::Error> {
    let case = shared.case_of(&ticket)?;
    shared.lanes.nudge(shared, case, ticket, Hinted::recorded());
    Ok(())
}

/// Wakes the lane of a ticket because a person asked for it, after recording that.
pub(crate) async fn operator(
    shared: &Arc<Shared>,
    ticket: TicketRef,
    source: HintSource,
) -> Result<(), ledger::Error> {
    let facts = vec![Fact::Hinted { ticket: ticket.clone(), source }];
    shared.journal.commit(Entry { at: shared.clock.now(), case: None, facts }).await?;
    wake(shared, ticket)
}
