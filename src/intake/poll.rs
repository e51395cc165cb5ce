//! The change feeds: a page's hints and the cursor behind it stand in one record.

use std::sync::Arc;

use throughline_sdk::{Class, SystemName, TicketRef, Urgency};

use crate::case::{Fact, HintSource};
use crate::daemon::Shared;
use crate::ledger::{self, Entry};

/// Reads the change feed of one system until the daemon stops.
pub(super) async fn run(shared: Arc<Shared>, name: SystemName) {
    let Some(system) = shared.systems.get(&name) else { return };
    let mut failures = 0;
    while !shared.supervisor.is_stopping() && !shared.has_failed() {
        tokio::select! {
            biased;
            () = shared.supervisor.stopping() => return,
            () = shared.pauses.over(&name) => {}
        }
        let wait = match page(&shared, &name).await {
            Ok(Page { more: true }) => {
                failures = 0;
                continue;
            }
            Ok(Page { more: false }) => {
                failures = 0;
                system.poll
            }
            Err(Failure::Remote(error)) => {
                failures += 1;
                if error.class() == Class::Authority {
                    tracing::error!(system.name = %name, %error, "A change feed refused our credentials.");
                } else {
                    tracing::info!(system.name = %name, %error, "A change feed could not be read.");
                }
                shared.wait_after(failures, error.retry_after()).max(system.poll)
            }
            Err(Failure::Ledger(error)) => {
                tracing::error!(system.name = %name, %error, "A page of changes could not be recorded.");
                shared.fail();
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

struct Page {
    more: bool,
}

enum Failure {
    Remote(throughline_sdk::Error),
    Ledger(ledger::Error),
}

impl From<ledger::Error> for Failure {
    fn from(error: ledger::Error) -> Self {
        Self::Ledger(error)
    }
}

async fn page(shared: &Arc<Shared>, name: &SystemName) -> Result<Page, Failure> {
    let Some(system) = shared.systems.get(name) else { return Ok(Page { more: false }) };
    let wanted = name.clone();
    let since = shared.journal.read(move |index| index.cursor(&wanted)).await?;
    let ctx = system.ctx(&shared.clock, &shared.entropy, &shared.blobs, Urgency::default());
    let connector = shared.reach(system).map_err(Failure::Remote)?;
    let result = connector.changes(&ctx, since.as_ref()).await;
    system.state.note(&result, shared.clock.now());
    let page = result.map_err(Failure::Remote)?;
    let (now, moved) = (shared.clock.now(), since.as_ref() != Some(&page.next));
    system.state.came(|traffic| {
        traffic.polled = Some(now);
        traffic.moved = if moved { Some(now) } else { traffic.moved };
    });
    let mut facts: Vec<Fact> = Vec::with_capacity(page.hints.len() + 1);
    let mut tickets = Vec::with_capacity(page.hints.len());
    for hint in page.hints {
        let ticket = TicketRef::new(name.clone(), hint.ticket);
        if !tickets.contains(&ticket) {
            facts.push(Fact::Hinted { ticket: ticket.clone(), source: HintSource::Poll });
            tickets.push(ticket);
        }
    }
    if moved {
        facts.push(Fact::Advanced { system: name.clone(), cursor: page.next });
    }
    if !facts.is_empty() {
        shared.journal.commit(Entry { at: shared.clock.now(), case: None, facts }).await?;
    }
    for ticket in tickets {
        shared.metrics.hint("poll");
        super::wake(shared, ticket)?;
    }
    Ok(Page { more: page.more })
}
