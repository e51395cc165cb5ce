//! What the store is asked: cases by ticket, key and marker, cursors, hints, and what is left to do.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use throughline_sdk::{Cursor, Marker, SystemName, TicketRef};

use super::{Error, Store, Table, codec};
use crate::case::{Case, CaseId, HintSource};

/// Typed reads over an engine.
#[derive(Clone, Debug)]
pub struct Index {
    store: Arc<dyn Store>,
}

/// How many there are, kept with every change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Cases that can be read.
    pub cases: u64,
    /// Cases that wait for a person.
    pub parked: u64,
    /// Cases with something left to do.
    pub working: u64,
    /// Tickets with a standing hint.
    pub hints: u64,
    /// The highest case number ever given, erased cases included.
    pub highest: u64,
}

pub(super) const COUNTS: &[u8] = b"counts";

/// A standing hint as it is stored.
#[derive(Serialize, Deserialize)]
pub(super) struct StandingHint {
    pub(super) ticket: TicketRef,
    pub(super) source: HintSource,
}

impl Index {
    /// The reads of this engine.
    pub fn new(store: Arc<dyn Store>) -> Self {
        Self { store }
    }

    /// The case with this number; `None` also if it was erased.
    pub fn case(&self, id: CaseId) -> Result<Option<Case>, Error> {
        self.get(Table::Cases, &codec::number(id.0))?.map(|value| codec::decode_case(&value)).transpose()
    }

    /// The case a ticket is a leg of.
    pub fn case_of_ticket(&self, ticket: &TicketRef) -> Result<Option<CaseId>, Error> {
        self.case_id(Table::Tickets, &codec::ticket(ticket))
    }

    /// The case of the ticket that people of a system know under this number.
    pub fn case_of_key(&self, system: &SystemName, key: &str) -> Result<Option<CaseId>, Error> {
        self.case_id(Table::Keys, &codec::name(system, key))
    }

    /// The case for which a ticket with this marker is being created: its intent has no effect yet, or was parked,
    /// since when it may have been replaced by a later one. An intent that had its effect or was dropped is not found.
    pub fn case_of_marker(&self, marker: &Marker) -> Result<Option<CaseId>, Error> {
        self.case_id(Table::Markers, marker.as_str().as_bytes())
    }

    /// How far a system's change feed was read.
    pub fn cursor(&self, system: &SystemName) -> Result<Option<Cursor>, Error> {
        let value = self.get(Table::Cursors, system.as_str().as_bytes())?;
        value.map(|value| codec::read_text(&value).map(Cursor::new)).transpose()
    }

    /// Hints whose ticket was not read since, each ticket once, the longest standing first.
    pub fn hints(&self, limit: usize) -> Result<Vec<(TicketRef, HintSource)>, Error> {
        let rows = self.store.scan(Table::Hints, &[], limit)?.into_iter();
        let hints = rows.map(|(_, value)| {
            let hint: StandingHint = serde_json::from_slice(&value)
                .map_err(|error| Error::Broken(format!("a hint cannot be read: {error}")))?;
            Ok((hint.ticket, hint.source))
        });
        hints.collect()
    }

    /// Whether a hint for this ticket stands: it was not read since.
    pub fn is_hinted(&self, ticket: &TicketRef) -> Result<bool, Error> {
        Ok(self.get(Table::Hinted, &codec::ticket(ticket))?.is_some())
    }

    /// The cases with something left to do, lowest number first.
    pub fn working(&self) -> Result<Vec<CaseId>, Error> {
        self.ids(Table::Working, &[], usize::MAX)
    }

    /// Cases that wait for a person, those with a number above `after`, lowest first.
    pub fn parked(&self, after: CaseId, limit: usize) -> Result<Vec<CaseId>, Error> {
        self.ids(Table::Parked, &codec::number(after.0.saturating_add(1)), limit)
    }

    /// Cases with a number above `after`, lowest first.
    pub fn cases(&self, after: CaseId, limit: usize) -> Result<Vec<Case>, Error> {
        let rows = self.store.scan(Table::Cases, &codec::number(after.0.saturating_add(1)), limit)?;
        rows.iter().map(|(_, value)| codec::decode_case(value)).collect()
    }

    /// How many there are of what. Costs the same however many there are.
    pub fn counts(&self) -> Result<Counts, Error> {
        let Some(value) = self.get(Table::Meta, COUNTS)? else { return Ok(Counts::default()) };
        serde_json::from_slice(&value).map_err(|error| Error::Broken(format!("the counts: {error}")))
    }

    /// The engine below.
    pub(crate) fn store(&self) -> &Arc<dyn Store> {
        &self.store
    }

    pub(super) fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        self.store.get(table, key)
    }

    fn case_id(&self, table: Table, key: &[u8]) -> Result<Option<CaseId>, Error> {
        self.get(table, key)?.map(|value| codec::read_case_id(&value)).transpose()
    }

    fn ids(&self, table: Table, from: &[u8], limit: usize) -> Result<Vec<CaseId>, Error> {
        self.store.scan(table, from, limit)?.iter().map(|(key, _)| codec::read_case_id(key)).collect()
    }
}
