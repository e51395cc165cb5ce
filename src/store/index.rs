//! What the store is asked: cases by ticket, key and marker, cursors, hints, and what is left to do.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use throughline_sdk::{Cursor, Marker, RemoteId, SystemName, TicketRef, Timestamp};

use super::fresh::{Fresh, Head, over};
use super::{Error, Row, Standing, Store, Table, codec};
use crate::case::{AgreementName, AgreementVersion, Case, CaseId};
use crate::ledger::{Mark, Position};

/// Typed reads over an engine and what it does not hold yet. Clones share both.
#[derive(Clone, Debug)]
pub struct Index {
    store: Arc<dyn Store>,
    fresh: Arc<RwLock<Fresh>>,
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
    /// Cases in each view.
    pub standing: Standing,
}

/// A version of an agreement, as the ledger has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Agreed {
    /// The agreement.
    pub agreement: AgreementName,
    /// The version.
    pub version: AgreementVersion,
    /// Where it was recorded.
    pub position: Position,
    /// Its terms in full.
    pub document: Json,
}

/// Who paused a system, why and since when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Paused {
    /// Who.
    pub by: String,
    /// Why.
    pub reason: String,
    /// Since when.
    pub since: Timestamp,
}

/// One reload of the configuration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Reconfigured {
    /// Who had it loaded.
    pub by: String,
    /// When.
    pub at: Timestamp,
    /// What differed from the configuration before, one setting each.
    pub differed: Vec<String>,
}

pub(super) const COUNTS: &[u8] = b"counts";
/// Rows of a range that are read at first.
const FEW: usize = 8;

impl Index {
    /// The reads of this engine.
    pub fn new(store: Arc<dyn Store>) -> Self {
        Self { store, fresh: Arc::default() }
    }

    /// The case with this number; `None` also if it was erased.
    pub fn case(&self, id: CaseId) -> Result<Option<Case>, Error> {
        let known = self.fresh().case(id).map(|kept| kept.now.clone());
        match known {
            Some(now) => Ok(now.map(Arc::unwrap_or_clone)),
            None => self.stored_case(id)?.map(|value| codec::decode_case(&value)).transpose(),
        }
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

    /// Whether the terms of this version of an agreement are kept.
    pub fn is_agreed(&self, version: &AgreementVersion) -> Result<bool, Error> {
        Ok(self.get(Table::Agreed, version.0.as_bytes())?.is_some())
    }

    /// Every version of an agreement that was ever in force, in the order in which they were recorded.
    pub fn agreed(&self) -> Result<Vec<Agreed>, Error> {
        let all = self.under(Table::Agreed, &[], &[], usize::MAX)?.into_iter().map(|(_, value)| {
            serde_json::from_slice(&value)
                .map_err(|error| Error::Broken(format!("a version of an agreement cannot be read: {error}")))
        });
        let mut all = all.collect::<Result<Vec<Agreed>, Error>>()?;
        all.sort_by_key(|agreed| agreed.position);
        Ok(all)
    }

    /// Hints whose ticket was not read since, each ticket once, the longest standing first.
    pub fn hints(&self, limit: usize) -> Result<Vec<TicketRef>, Error> {
        let hints = self.under(Table::Hints, &[], &[], limit)?.into_iter().map(|(_, value)| {
            serde_json::from_slice(&value)
                .map_err(|error| Error::Broken(format!("a hint cannot be read: {error}")))
        });
        hints.collect()
    }

    /// Whether a hint for this ticket stands: it was not read since.
    pub fn is_hinted(&self, ticket: &TicketRef) -> Result<bool, Error> {
        Ok(self.get(Table::Hinted, &codec::ticket(ticket))?.is_some())
    }

    /// The cases with something left to do, lowest number first.
    pub fn working(&self) -> Result<Vec<CaseId>, Error> {
        self.flagged(Table::Working, CaseId(0), usize::MAX)
    }

    /// The cases with a response clock that runs, lowest number first.
    pub fn clocks(&self) -> Result<Vec<CaseId>, Error> {
        self.flagged(Table::Clocks, CaseId(0), usize::MAX)
    }

    /// Cases that wait for a person, those with a number above `after`, lowest first.
    pub fn parked(&self, after: CaseId, limit: usize) -> Result<Vec<CaseId>, Error> {
        self.flagged(Table::Parked, after, limit)
    }

    /// Cases with a number above `after`, lowest first.
    pub fn cases(&self, after: CaseId, limit: usize) -> Result<Vec<Case>, Error> {
        enum Found {
            Stored(Vec<u8>),
            Fresh(Arc<Case>),
        }
        let fresh = self.fresh();
        let erased = fresh.cases(after).filter(|(_, kept)| kept.now.is_none()).count();
        let stored = self.store.scan(Table::Cases, &from(after), limit.saturating_add(erased))?;
        let stored =
            stored.into_iter().map(|(key, value)| Ok((codec::read_case_id(&key)?, Found::Stored(value))));
        let stored = stored.collect::<Result<Vec<_>, Error>>()?;
        let changes = fresh.cases(after).map(|(id, kept)| (id, kept.now.clone().map(Found::Fresh)));
        let cases = over(stored, changes, limit).into_iter().map(|(_, found)| match found {
            Found::Stored(value) => codec::decode_case(&value),
            Found::Fresh(case) => Ok(Arc::unwrap_or_clone(case)),
        });
        cases.collect()
    }

    /// The cases that are about a product of an announcing system, those with a number above `after`, lowest first.
    pub fn concerned(
        &self,
        system: &SystemName,
        product: &str,
        after: CaseId,
        limit: usize,
    ) -> Result<Vec<CaseId>, Error> {
        let under = codec::product(system, product);
        let rows = self.under(Table::Concerned, &under, &from(after), limit)?;
        rows.iter().map(|(key, _)| codec::read_case_id(key.get(under.len()..).unwrap_or_default())).collect()
    }

    /// What stands announced about a product.
    pub fn standing(
        &self,
        system: &SystemName,
        product: &str,
        limit: usize,
    ) -> Result<Vec<TicketRef>, Error> {
        let rows = self.under(Table::Standing, &codec::product(system, product), &[], limit)?;
        let ticket = |value: &Vec<u8>| {
            let id = codec::read_text(value)?;
            Ok(TicketRef::new(system.clone(), RemoteId::new(id)))
        };
        rows.iter().map(|(_, value)| ticket(value)).collect()
    }

    /// The products about which this ticket stands announced.
    pub fn announced(&self, ticket: &TicketRef) -> Result<BTreeSet<String>, Error> {
        let value = self.get(Table::Announced, &codec::ticket(ticket))?;
        value.map_or_else(|| Ok(BTreeSet::new()), |value| codec::read_texts(&value))
    }

    /// The systems that stand still until a person lets them go on.
    pub fn paused(&self) -> Result<BTreeMap<SystemName, Paused>, Error> {
        let rows = self.under(Table::Paused, &[], &[], usize::MAX)?.into_iter();
        let paused = rows.map(|(key, value)| {
            let paused = serde_json::from_slice(&value)
                .map_err(|error| Error::Broken(format!("a pause cannot be read: {error}")))?;
            Ok((SystemName::new(codec::read_text(&key)?), paused))
        });
        paused.collect()
    }

    /// Every reload of the configuration, the oldest first.
    pub fn reconfigured(&self) -> Result<Vec<Reconfigured>, Error> {
        let rows = self.under(Table::Reconfigured, &[], &[], usize::MAX)?.into_iter().map(|(_, value)| {
            serde_json::from_slice(&value)
                .map_err(|error| Error::Broken(format!("a reload cannot be read: {error}")))
        });
        rows.collect()
    }

    /// How many there are of what. Costs the same however many there are.
    pub fn counts(&self) -> Result<Counts, Error> {
        if let Some(counts) = self.fresh().counts() {
            return Ok(counts);
        }
        let Some(value) = self.store.get(Table::Meta, COUNTS)? else { return Ok(Counts::default()) };
        serde_json::from_slice(&value).map_err(|error| Error::Broken(format!("the counts: {error}")))
    }

    /// Makes changes seen by every read. The ledger has to hold what they say.
    pub fn absorb(&self, changes: Fresh) {
        self.fresh.write().unwrap_or_else(PoisonError::into_inner).absorb(changes);
    }

    /// How many entries the engine does not hold yet.
    pub fn pending(&self) -> usize {
        self.fresh().len()
    }

    /// Brings the engine up to `applied`, to where the ledger was absorbed. Only one at a time may absorb and write out.
    pub fn write_out(&self, applied: &Mark) -> Result<(), Error> {
        let batch = self.fresh().batch()?;
        self.store.commit(batch, applied)?;
        *self.fresh.write().unwrap_or_else(PoisonError::into_inner) = Fresh::default();
        Ok(())
    }

    /// Empties the engine and forgets what it did not hold yet.
    pub(crate) fn reset(&self) -> Result<(), Error> {
        *self.fresh.write().unwrap_or_else(PoisonError::into_inner) = Fresh::default();
        self.store.reset()
    }

    /// All rows of a table, for those who compare.
    #[cfg(test)]
    pub(crate) fn rows(&self, table: Table) -> Result<Vec<Row>, Error> {
        self.under(table, &[], &[], usize::MAX)
    }

    /// The engine below.
    pub(crate) fn store(&self) -> &Arc<dyn Store> {
        &self.store
    }

    pub(super) fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        let known = self.fresh().row(table, key).cloned();
        match known {
            Some(value) => Ok(value),
            None => self.store.get(table, key),
        }
    }

    /// What is known of a case without reading it, and what the engine holds of it.
    pub(super) fn heads(&self, id: CaseId) -> Result<(Option<Head>, Option<Head>), Error> {
        if let Some(kept) = self.fresh().case(id) {
            return Ok((kept.head(), kept.stored));
        }
        let stored = self.stored_case(id)?.as_deref().map(codec::head_of).transpose()?;
        Ok((stored, stored))
    }

    fn fresh(&self) -> RwLockReadGuard<'_, Fresh> {
        self.fresh.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn stored_case(&self, id: CaseId) -> Result<Option<Vec<u8>>, Error> {
        self.store.get(Table::Cases, &codec::number(id.0))
    }

    fn flagged(&self, table: Table, after: CaseId, limit: usize) -> Result<Vec<CaseId>, Error> {
        let fresh = self.fresh();
        let changes: Vec<_> = fresh
            .cases(after)
            .map(|(id, kept)| (id, kept.head().filter(|head| head.stands_in(table)).map(|_| ())))
            .collect();
        let stored = self.store.scan(table, &from(after), limit.saturating_add(changes.len()))?;
        let stored = stored.iter().map(|(key, _)| Ok((codec::read_case_id(key)?, ())));
        let stored = stored.collect::<Result<Vec<_>, Error>>()?;
        Ok(over(stored, changes, limit).into_iter().map(|(id, ())| id).collect())
    }

    /// The rows whose keys begin with `prefix`, from the one on that goes on with `from`.
    pub(super) fn under(
        &self,
        table: Table,
        prefix: &[u8],
        from: &[u8],
        limit: usize,
    ) -> Result<Vec<Row>, Error> {
        let first = [prefix, from].concat();
        // Held over the scan, so that nothing is written out in the middle of it; the same elsewhere.
        let fresh = self.fresh();
        let changes: Vec<_> =
            fresh.rows(table, &first).take_while(|(key, _)| key.starts_with(prefix)).collect();
        let mut stored = self.store.scan(table, &first, limit.saturating_add(changes.len()))?;
        stored.retain(|(key, _)| key.starts_with(prefix));
        let changes = changes.into_iter().map(|(key, value)| (key.clone(), value.clone()));
        Ok(over(stored, changes, limit))
    }

    /// The rows from one key on to before another, at most so many.
    pub(super) fn between(
        &self,
        table: Table,
        from: &[u8],
        to: &[u8],
        limit: usize,
    ) -> Result<Vec<Row>, Error> {
        let fresh = self.fresh();
        let changes: Vec<_> = fresh.rows(table, from).take_while(|(key, _)| key.as_slice() < to).collect();
        let wanted = limit.saturating_add(changes.len());
        let mut stored: Vec<Row> = Vec::new();
        let (mut next, mut step) = (from.to_vec(), FEW);
        while stored.len() < wanted {
            // An engine does not know where to end: most lists are short, so that little is read beyond it.
            let step_now = step.min(wanted - stored.len());
            let rows = self.store.scan(table, &next, step_now)?;
            let is_last = rows.len() < step_now || rows.last().is_some_and(|(key, _)| key.as_slice() >= to);
            stored.extend(rows.into_iter().take_while(|(key, _)| key.as_slice() < to));
            if is_last {
                break;
            }
            next = stored.last().map(|(key, _)| [key.as_slice(), &[0]].concat()).unwrap_or_default();
            step = step.saturating_mul(8);
        }
        let changes = changes.into_iter().map(|(key, value)| (key.clone(), value.clone()));
        Ok(over(stored, changes, limit))
    }

    pub(super) fn case_id(&self, table: Table, key: &[u8]) -> Result<Option<CaseId>, Error> {
        self.get(table, key)?.map(|value| codec::read_case_id(&value)).transpose()
    }
}

/// The first key above a case's.
pub(super) fn from(after: CaseId) -> Vec<u8> {
    codec::number(after.0.saturating_add(1))
}
