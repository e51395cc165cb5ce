//! Webhooks: the sender is verified over the raw bytes, and the answer comes once the hint is durable.

use std::sync::Arc;

use throughline_sdk::{Completeness, Error, ErrorKind, Hint, RawWebhook, SystemName, TicketRef};
use tokio::sync::oneshot;

use crate::case::{Fact, HintSource};
use crate::daemon::{Course, Shared};
use crate::deliver::Hinted;
use crate::ledger::{self, Entry};

/// Why a webhook was not taken.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// No system of this name is configured.
    #[error("no system named {0} is configured")]
    UnknownSystem(SystemName),
    /// The connector refused it.
    #[error("{0}")]
    Connector(#[from] Error),
    /// It could not be made durable: the sender has to send it again.
    #[error("the hint could not be recorded")]
    Ledger(#[from] ledger::Error),
    /// The daemon is going down.
    #[error("the bridge is stopping")]
    Stopping,
}

/// Takes a webhook for `system`; returns once everything it hints at is durable.
///
/// # Errors
///
/// See [`Refusal`]. Nothing of a refused webhook is remembered.
pub async fn webhook(
    shared: &Arc<Shared>,
    system: &SystemName,
    webhook: &RawWebhook,
) -> Result<usize, Refusal> {
    let mut shared = Arc::clone(shared);
    loop {
        match accept(&shared, system, webhook).await {
            // While the configuration is loaded anew, nobody is sent away.
            Err(Refusal::Stopping) => shared = shared.successor().await.ok_or(Refusal::Stopping)?,
            answer => return answer,
        }
    }
}

async fn accept(shared: &Arc<Shared>, system: &SystemName, webhook: &RawWebhook) -> Result<usize, Refusal> {
    if !shared.takes_webhooks().await {
        return Err(Refusal::Stopping);
    }
    let connected = shared.systems.get(system).ok_or_else(|| Refusal::UnknownSystem(system.clone()))?;
    let complete = connected.capabilities.webhooks == Some(Completeness::Complete);
    let hints = connected.connector.accept(webhook)?;
    connected.state.came(|traffic| traffic.webhook = Some(webhook.received));
    let count = hints.len();
    for hint in hints {
        let content = hint.content.filter(|_| complete);
        shared.metrics.hint("webhook");
        take(shared, system, Hint { ticket: hint.ticket, content }).await?;
    }
    Ok(count)
}

async fn take(shared: &Arc<Shared>, system: &SystemName, hint: Hint) -> Result<(), Refusal> {
    let ticket = TicketRef::new(system.clone(), hint.ticket);
    // Held until the lane is woken: who takes the place of this bridge finds the hint, or has not begun to look.
    let course = shared.course.read().await;
    let leaving = match &*course {
        Course::Running if shared.supervisor.is_stopping() => return Err(Refusal::Stopping),
        Course::Running => false,
        Course::Leaving => true,
        Course::Left(_) => return Err(Refusal::Stopping),
    };
    let case = shared.case_of(&ticket)?;
    let source = HintSource::Webhook;
    // A complete webhook for an idle lane is planned first, so that hint, plan and intents share one commit. Behind
    // others in a busy lane its content may be overtaken by then: the ticket is read afresh.
    let content = hint.content.filter(|_| !leaving && !shared.lanes.is_busy(case, &ticket));
    let (done, durable) = oneshot::channel();
    let plan_first = content.is_some();
    if !plan_first {
        let facts = vec![Fact::Hinted { ticket: ticket.clone(), source }];
        shared.journal.commit(Entry { at: shared.clock.now(), case: None, facts }).await?;
    }
    let hint = match content {
        Some(_) => Hinted { content, done: vec![done], ..Hinted::unrecorded(source) },
        None => Hinted::recorded(),
    };
    if !leaving {
        shared.lanes.nudge(shared, case, ticket, hint);
    }
    drop(course);
    if plan_first {
        // The lane drops its end when it could not record: then the sender has to come again.
        durable.await.map_err(|_closed| Refusal::Stopping)?;
    }
    Ok(())
}

impl Refusal {
    /// Whether the sender is at fault, as opposed to us.
    pub fn kind(&self) -> Option<ErrorKind> {
        match self {
            Self::Connector(error) => Some(error.kind()),
            Self::UnknownSystem(_) => Some(ErrorKind::NotFound),
            Self::Ledger(_) | Self::Stopping => None,
        }
    }
}
