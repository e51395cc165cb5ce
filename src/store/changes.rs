//! From facts to index entries: what the records of one group commit, or of one step of a replay, change.
//!
//! Reads see the changes before them. Nothing here does anything but read the store and collect a batch, so the
//! running daemon and the rebuild from the ledger come to the same entries.

use std::collections::BTreeMap;

use throughline_sdk::{IntentId, Operation, SystemName, TicketRef, Timestamp};

use super::index::{COUNTS, StandingHint};
use super::{Batch, Counts, Error, Index, Table, codec};
use crate::case::{Case, CaseId, Fact, HintSource};
use crate::ledger::Position;

/// Changes on their way into a store.
#[derive(Debug)]
pub struct Changes<'a> {
    index: &'a Index,
    batch: Batch,
    cases: BTreeMap<CaseId, Case>,
    counts: Counts,
}

impl<'a> Changes<'a> {
    /// None yet.
    pub fn new(index: &'a Index) -> Result<Self, Error> {
        Ok(Self { index, batch: Batch::default(), cases: BTreeMap::new(), counts: index.counts()? })
    }

    /// How many entries there are to write.
    pub fn len(&self) -> usize {
        self.batch.changes.len() + self.cases.len()
    }

    /// Whether there is nothing to write.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The position of a case's last record.
    pub fn last_of(&self, id: CaseId) -> Result<Option<Position>, Error> {
        if let Some(case) = self.cases.get(&id) {
            return Ok(case.last);
        }
        Ok(self.index.get(Table::Cases, &codec::number(id.0))?.and_then(|value| codec::last_of(&value)))
    }

    /// Takes a record whose facts are already folded into `case`. `position` is the record's own.
    pub fn record(&mut self, facts: &[Fact], case: Option<Case>, position: Position) -> Result<(), Error> {
        for (order, fact) in facts.iter().enumerate() {
            self.standing(fact, facts, position, order)?;
            if let Some(case) = &case {
                self.tickets(fact, case)?;
                self.creates(fact, case.id)?;
            }
        }
        if let Some(mut case) = case {
            case.last = Some(position);
            self.keep(case)?;
        }
        Ok(())
    }

    /// Folds the facts of a record into the stored case, then takes it.
    pub fn replay(
        &mut self,
        facts: &[Fact],
        case: Option<CaseId>,
        at: Timestamp,
        position: Position,
    ) -> Result<(), Error> {
        let Some(id) = case else { return self.record(facts, None, position) };
        let stored = match self.cases.get(&id) {
            Some(case) => Some(case.clone()),
            None => self.index.case(id)?,
        };
        let mut case = stored.unwrap_or_else(|| Case::new(id, at));
        for fact in facts {
            case.apply(fact, at);
        }
        self.record(facts, Some(case), position)
    }

    /// Forgets a case whose key was destroyed, but not that its number was given.
    pub fn erase(&mut self, id: CaseId) -> Result<(), Error> {
        self.counts.highest = self.counts.highest.max(id.0);
        let stored = match self.cases.remove(&id) {
            Some(case) => Some(case),
            None => self.index.case(id)?,
        };
        let Some(case) = stored else { return Ok(()) };
        for (system, leg) in &case.legs {
            if let Some(ticket) = &leg.ticket {
                self.unname(&TicketRef::new(system.clone(), ticket.clone()), id)?;
            }
            let intents = leg.outstanding.iter().map(|standing| &standing.intent.id);
            let parked = leg.parked.values().filter_map(|parked| parked.intent.as_ref());
            for intent in intents.chain(parked) {
                self.end_create(intent)?;
            }
        }
        let key = codec::number(id.0);
        self.flag(Table::Working, &key, false)?;
        self.flag(Table::Parked, &key, false)?;
        if self.get(Table::Cases, &key)?.is_some() {
            self.counts.cases = self.counts.cases.saturating_sub(1);
        }
        self.set(Table::Cases, key, None);
        Ok(())
    }

    /// Everything as one batch.
    pub fn finish(mut self) -> Result<Batch, Error> {
        let mut json = Vec::new();
        for (id, case) in &self.cases {
            let value = codec::encode_case(case, &mut json)?;
            self.batch.changes.insert((Table::Cases, codec::number(id.0)), Some(value));
        }
        let counts = serde_json::to_vec(&self.counts).map_err(|error| Error::Broken(error.to_string()))?;
        self.batch.changes.insert((Table::Meta, COUNTS.to_vec()), Some(counts));
        Ok(self.batch)
    }

    fn keep(&mut self, case: Case) -> Result<(), Error> {
        let key = codec::number(case.id.0);
        self.flag(Table::Working, &key, case.has_work())?;
        self.flag(Table::Parked, &key, case.is_parked())?;
        self.counts.highest = self.counts.highest.max(case.id.0);
        if !self.cases.contains_key(&case.id) && self.get(Table::Cases, &key)?.is_none() {
            self.counts.cases += 1;
        }
        self.cases.insert(case.id, case);
        Ok(())
    }

    /// Hints and cursors.
    fn standing(
        &mut self,
        fact: &Fact,
        record: &[Fact],
        position: Position,
        order: usize,
    ) -> Result<(), Error> {
        if let Fact::Hinted { ticket, source } = fact {
            // Hinted and read in one step: the record that tells of the hint also ends it.
            let answered = |fact: &Fact| matches!(fact, Fact::Answered { ticket: of, .. } if of == ticket);
            if !record.iter().any(answered) {
                self.hint(ticket, *source, position, order)?;
            }
        }
        if let Fact::Answered { ticket, through } = fact {
            self.unhint(ticket, *through)?;
        }
        if let Fact::Advanced { system, cursor } = fact {
            let key = system.as_str().as_bytes().to_vec();
            self.set(Table::Cursors, key, Some(cursor.as_str().as_bytes().to_vec()));
        }
        Ok(())
    }

    fn hint(
        &mut self,
        ticket: &TicketRef,
        source: HintSource,
        position: Position,
        order: usize,
    ) -> Result<(), Error> {
        let key = codec::ticket(ticket);
        // The latest counts: only a reading that began after it ends it.
        match self.get(Table::Hinted, &key)? {
            Some(before) => self.set(Table::Hints, before, None),
            None => self.counts.hints += 1,
        }
        let mut place = codec::number(position.0);
        place.extend_from_slice(&u32::try_from(order).unwrap_or(u32::MAX).to_be_bytes());
        let hint = StandingHint { ticket: ticket.clone(), source };
        let value = serde_json::to_vec(&hint).map_err(|error| Error::Broken(error.to_string()))?;
        self.set(Table::Hints, place.clone(), Some(value));
        self.set(Table::Hinted, key, Some(place));
        Ok(())
    }

    fn unhint(&mut self, ticket: &TicketRef, through: Position) -> Result<(), Error> {
        let key = codec::ticket(ticket);
        if let Some(place) = self.get(Table::Hinted, &key)?
            && place < codec::number(through.0)
        {
            self.set(Table::Hints, place, None);
            self.set(Table::Hinted, key, None);
            self.counts.hints = self.counts.hints.saturating_sub(1);
        }
        Ok(())
    }

    /// Tickets and their keys, wherever a fact may have named or renamed one.
    fn tickets(&mut self, fact: &Fact, case: &Case) -> Result<(), Error> {
        if let Fact::Observed { leg, .. } | Fact::Effected { leg, .. } | Fact::Rekeyed { leg, .. } = fact {
            let Some(now) = case.legs.get(leg) else { return Ok(()) };
            if let Fact::Rekeyed { from, .. } = fact {
                self.unname(&TicketRef::new(leg.clone(), from.clone()), case.id)?;
            }
            let Some(id) = &now.ticket else { return Ok(()) };
            let ticket = TicketRef::new(leg.clone(), id.clone());
            self.name(&ticket, now.key.as_deref(), case.id)?;
        }
        Ok(())
    }

    fn name(&mut self, ticket: &TicketRef, key: Option<&str>, case: CaseId) -> Result<(), Error> {
        let mut value = codec::number(case.0);
        value.extend_from_slice(key.unwrap_or_default().as_bytes());
        let place = codec::ticket(ticket);
        let before = self.get(Table::Tickets, &place)?;
        if before.as_ref() != Some(&value) {
            if let Some(before) = before {
                self.unkey(&ticket.system, &before)?;
            }
            self.set(Table::Tickets, place, Some(value));
        }
        if let Some(key) = key {
            let (place, value) = (codec::name(&ticket.system, key), codec::number(case.0));
            if self.get(Table::Keys, &place)?.as_ref() != Some(&value) {
                self.set(Table::Keys, place, Some(value));
            }
        }
        Ok(())
    }

    fn unname(&mut self, ticket: &TicketRef, case: CaseId) -> Result<(), Error> {
        let place = codec::ticket(ticket);
        let Some(before) = self.get(Table::Tickets, &place)? else { return Ok(()) };
        if codec::read_case_id(&before)? == case {
            self.unkey(&ticket.system, &before)?;
            self.set(Table::Tickets, place, None);
        }
        Ok(())
    }

    /// Takes away the key that stands in a ticket's entry, if it is still that case's.
    fn unkey(&mut self, system: &SystemName, entry: &[u8]) -> Result<(), Error> {
        let Some((case, key)) = entry.split_first_chunk::<8>().filter(|(_, key)| !key.is_empty()) else {
            return Ok(());
        };
        let place = codec::name(system, &codec::read_text(key)?);
        if self.get(Table::Keys, &place)?.as_deref() == Some(case.as_slice()) {
            self.set(Table::Keys, place, None);
        }
        Ok(())
    }

    /// Markers of creations: from the intent to its effect.
    fn creates(&mut self, fact: &Fact, case: CaseId) -> Result<(), Error> {
        if let Fact::Intended { intent, .. } = fact
            && let Operation::Create(_) = &intent.operation
        {
            let marker = intent.marker.as_str().as_bytes().to_vec();
            self.set(Table::Markers, marker.clone(), Some(codec::number(case.0)));
            self.set(Table::Creates, intent.id.as_str().as_bytes().to_vec(), Some(marker));
        }
        if let Fact::Effected { intent, .. } | Fact::Dropped { intent, .. } = fact {
            self.end_create(intent)?;
        }
        Ok(())
    }

    fn end_create(&mut self, intent: &IntentId) -> Result<(), Error> {
        let key = intent.as_str().as_bytes().to_vec();
        if let Some(marker) = self.get(Table::Creates, &key)? {
            self.set(Table::Markers, marker, None);
            self.set(Table::Creates, key, None);
        }
        Ok(())
    }

    fn flag(&mut self, table: Table, key: &[u8], wanted: bool) -> Result<(), Error> {
        let is = self.get(table, key)?.is_some();
        if is == wanted {
            return Ok(());
        }
        self.set(table, key.to_vec(), wanted.then(Vec::new));
        let count = if table == Table::Working { &mut self.counts.working } else { &mut self.counts.parked };
        *count = if wanted { *count + 1 } else { count.saturating_sub(1) };
        Ok(())
    }

    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        match self.batch.changes.get(&(table, key.to_vec())) {
            Some(changed) => Ok(changed.clone()),
            None => self.index.get(table, key),
        }
    }

    fn set(&mut self, table: Table, key: Vec<u8>, value: Option<Vec<u8>>) {
        self.batch.changes.insert((table, key), value);
    }
}
