//! What the ledger promises, shown: its bytes, its chain, its keys, its files and its speed.

mod chain;
mod journal;
mod log;
mod pace;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use chrono::TimeZone as _;
use throughline_sdk::{
    Cursor, Entropy, Intent, IntentId, Marker, NewTicket, Operation, RemoteId, SystemName, TicketRef,
    Timestamp,
};

use super::{Entry, Error, Journal, MasterKey, MemoryMedium, Offload, Parts};
use crate::case::{AgreementName, Case, CaseId, Fact, HintSource, Item, PartyName, Reading, Role};
use crate::store::Store;

/// Repeatable, and never the same twice.
#[derive(Debug, Default)]
pub(crate) struct Counting(AtomicU64);

impl Entropy for Counting {
    fn fill(&self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            let next = self.0.fetch_add(1, Ordering::Relaxed).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            let bytes = next.to_be_bytes();
            chunk.copy_from_slice(&bytes[..chunk.len()]);
        }
    }
}

pub(crate) fn at(second: i64) -> Timestamp {
    chrono::Utc.timestamp_opt(1_750_000_000 + second, 123_456_000).unwrap()
}

pub(crate) fn helpdesk() -> SystemName {
    SystemName::new("helpdesk")
}

pub(crate) fn ticket(id: u64) -> TicketRef {
    TicketRef::new(helpdesk(), RemoteId::new(id.to_string()))
}

pub(crate) fn hinted(id: u64) -> Fact {
    Fact::Hinted { ticket: ticket(id), source: HintSource::Poll }
}

pub(crate) fn advanced(to: u64) -> Fact {
    Fact::Advanced { system: helpdesk(), cursor: Cursor::new(to.to_string()) }
}

/// The first facts of a case about this ticket of the helpdesk.
pub(crate) fn opening(id: u64) -> Vec<Fact> {
    vec![Fact::Opened, joined("helpdesk", Role::Home), joined("acme", Role::Counterpart), observed(id)]
}

fn joined(system: &str, role: Role) -> Fact {
    let agreement = (role == Role::Counterpart).then(|| AgreementName("acme".into()));
    Fact::Joined {
        leg: SystemName::new(system),
        party: PartyName(system.into()),
        role,
        agreement,
        version: None,
    }
}

pub(crate) fn observed(id: u64) -> Fact {
    let reading = Reading {
        ticket: Some(RemoteId::new(id.to_string())),
        key: Some(format!("HD-{id}")),
        ..Reading::default()
    };
    Fact::Observed { leg: helpdesk(), reading }
}

pub(crate) fn marker(number: u64) -> Marker {
    let mut hash = [7; 32];
    hash[..8].copy_from_slice(&number.to_be_bytes());
    Marker::from_hash(&hash)
}

pub(crate) fn intended_create(number: u64) -> Fact {
    let new = NewTicket {
        title: "Printer on fire".into(),
        description: "It burns.".into(),
        status: None,
        priority: None,
        kind: None,
        fields: Default::default(),
    };
    let intent = Intent {
        id: IntentId::new(format!("create-{number}")),
        ticket: None,
        operation: Operation::Create(new),
        marker: marker(number),
        expected: None,
    };
    Fact::Intended { leg: SystemName::new("acme"), item: Item::Ticket, value: None, intent }
}

pub(crate) fn fold(case: Option<Case>, id: CaseId, at: Timestamp, facts: &[Fact]) -> Case {
    let mut case = case.unwrap_or_else(|| Case::new(id, at));
    facts.iter().for_each(|fact| case.apply(fact, at));
    case
}

pub(crate) fn parts(medium: &Arc<MemoryMedium>, store: &Arc<dyn Store>, entropy: &Arc<Counting>) -> Parts {
    Parts {
        medium: Arc::<MemoryMedium>::clone(medium),
        store: Arc::clone(store),
        master: MasterKey::new([9; 32]),
        entropy: Arc::<Counting>::clone(entropy),
        offload: Offload::Inline,
        segment_bytes: 4000,
    }
}

/// Records facts about no case.
pub(crate) async fn note(journal: &Journal, facts: Vec<Fact>) -> Result<u64, Error> {
    journal.commit(Entry { at: at(0), case: None, facts }).await.map(|committed| committed.seq)
}

/// Folds facts into the stored case and records them.
pub(crate) async fn tell(journal: &Journal, id: CaseId, facts: Vec<Fact>) -> Result<Case, Error> {
    let stored = journal.read(move |index| index.case(id)).await?;
    let mut case = fold(stored, id, at(1), &facts);
    let committed = journal.commit(Entry { at: at(1), case: Some(case.clone()), facts }).await?;
    case.last = Some(committed.position);
    Ok(case)
}

/// Runs a future that never waits.
pub(crate) fn now<T>(future: impl Future<Output = T>) -> T {
    let mut future = std::pin::pin!(future);
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    match future.as_mut().poll(&mut context) {
        std::task::Poll::Ready(value) => value,
        std::task::Poll::Pending => panic!("it waited, and inline nothing may wait"),
    }
}
