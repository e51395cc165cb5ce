//! The rolling reconciliation: every linked ticket is read once in a period, whatever hints were lost.

use std::sync::Arc;
use std::time::Duration;

use throughline_sdk::TicketRef;
use tokio::sync::oneshot;

use crate::case::{CaseId, Health, HintSource};
use crate::daemon::Shared;
use crate::deliver::{ErasureAsked, Hinted, Nudge};
use crate::ledger;

/// Cases read from the store at a time.
const PAGE: usize = 50;

/// Walks over all cases, evenly over the period, until the daemon stops.
pub(super) async fn run(shared: Arc<Shared>) {
    let mut after = CaseId(0);
    while !shared.supervisor.is_stopping() && !shared.has_failed() {
        let wait = match page(&shared, &mut after).await {
            Ok(wait) => wait,
            Err(error) => {
                tracing::error!(%error, "The reconciliation could not read the store.");
                return;
            }
        };
        tokio::select! {
            biased;
            () = shared.supervisor.stopping() => return,
            () = shared.clock.sleep(wait) => {}
        }
    }
}

/// Wakes the lanes of one page of cases; returns how long to wait for the next.
async fn page(shared: &Arc<Shared>, after: &mut CaseId) -> Result<Duration, ledger::Error> {
    let from = *after;
    let (cases, total) =
        shared.journal.read(move |index| Ok((index.cases(from, PAGE)?, index.counts()?.cases))).await?;
    *after = cases.last().map_or(CaseId(0), |case| case.id);
    if cases.is_empty() && from != CaseId(0) {
        // A round is over: the next one begins in the time of its own first page.
        return Ok(Duration::ZERO);
    }
    let share = u32::try_from(total.div_ceil(PAGE.try_into().unwrap_or(1)).max(1)).unwrap_or(u32::MAX);
    let wait = shared.reconcile / share;
    // The first round waits as well: what stood at the start was taken up from the ledger.
    tokio::select! {
        biased;
        () = shared.supervisor.stopping() => return Ok(Duration::ZERO),
        () = shared.clock.sleep(wait) => {}
    }
    let now = shared.clock.now();
    for case in cases {
        if let Some(due) = shared.rules.kept_until(&case).filter(|due| due.at <= now) {
            let because = format!(
                "[retention.{}]: it was over for {} days",
                due.rule.name,
                due.rule.keep.as_secs() / 86_400
            );
            let asked = ErasureAsked { by: "retention".to_owned(), because, unless_needed: true };
            // Nobody waits for it.
            let (done, _) = oneshot::channel();
            shared.lanes.nudge_case(shared, case.id, Nudge::Erase { asked, done });
            continue;
        }
        for (system, leg) in &case.legs {
            let Some(ticket) = leg.ticket.clone() else { continue };
            if matches!(leg.health, Health::Merged { .. }) {
                continue;
            }
            let ticket = TicketRef::new(system.clone(), ticket);
            let hint = Hinted::unrecorded(HintSource::Reconciliation);
            shared.lanes.nudge(shared, Some(case.id), ticket, hint);
        }
    }
    Ok(Duration::ZERO)
}

#[cfg(test)]
mod tests;
