//! From facts to index entries: what the records of one group commit, or of one step of a replay, change.
//!
//! Reads see the changes before them. Nothing here does anything but read the index and collect changes to it, so
//! the running daemon and the rebuild from the ledger come to the same entries.

use std::collections::BTreeSet;
use std::sync::Arc;

use throughline_sdk::{IntentId, Operation, SystemName, TicketRef, Timestamp};

use super::fresh::{Fresh, Head, Kept};
use super::{Agreed, Counts, Error, Index, Paused, Reconfigured, Table, codec};
use crate::agreement::Products;
use crate::case::{Case, CaseId, Fact, Reading};
use crate::ledger::Position;

/// Changes on their way into the index.
#[derive(Debug)]
pub struct Changes<'a> {
    pub(super) index: &'a Index,
    fresh: Fresh,
    pub(super) counts: Counts,
    /// The case whose head was looked up last: who asks for it records it next.
    asked: Option<(CaseId, Heads)>,
}

/// What is known of a case without reading it, and what the engine holds of it.
type Heads = (Option<Head>, Option<Head>);

impl<'a> Changes<'a> {
    /// None yet.
    pub fn new(index: &'a Index) -> Result<Self, Error> {
        Ok(Self { index, fresh: Fresh::default(), counts: index.counts()?, asked: None })
    }

    /// How many entries they are.
    pub fn len(&self) -> usize {
        self.fresh.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The position of a case's last record.
    pub fn last_of(&mut self, id: CaseId) -> Result<Option<Position>, Error> {
        let (now, _) = self.heads(id)?;
        Ok(now.and_then(|head| head.last))
    }

    /// Takes a record whose facts are already folded into `case`. `at` and `position` are the record's own.
    pub fn record(
        &mut self,
        facts: &[Fact],
        case: Option<Case>,
        at: Timestamp,
        position: Position,
    ) -> Result<(), Error> {
        for (order, fact) in facts.iter().enumerate() {
            self.standing(fact, facts, position, order)?;
            self.look(fact, position)?;
            self.door(fact, at, position)?;
            self.forget(fact, at, position)?;
            if let Some(case) = &case {
                let created = self.creates(fact, case.id)?;
                self.tickets(fact, case, created)?;
                self.files(fact, case.id);
            }
        }
        if let Some(mut case) = case {
            if facts.iter().any(|fact| matches!(fact, Fact::Concerned { .. })) {
                let before = self.case(case.id)?.map(|case| case.references.products).unwrap_or_default();
                self.concern(case.id, &before, &case.references.products);
            }
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
        let Some(id) = case else { return self.record(facts, None, at, position) };
        let mut case = self.case(id)?.unwrap_or_else(|| Case::new(id, at));
        for fact in facts {
            case.apply(fact, at);
        }
        self.record(facts, Some(case), at, position)
    }

    /// Forgets a case whose key was destroyed, but not that its number was given.
    pub fn erase(&mut self, id: CaseId) -> Result<(), Error> {
        self.counts.highest = self.counts.highest.max(id.0);
        let (now, stored) = self.heads(id)?;
        let Some(case) = self.case(id)? else { return Ok(()) };
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
        for (system, ticket) in &case.former {
            self.unname(&TicketRef::new(system.clone(), ticket.clone()), id)?;
        }
        self.concern(id, &case.references.products, &Products::new());
        self.release_files(id)?;
        self.recount(now, None);
        self.refile(id, now.map(|head| head.filing), None)?;
        self.fresh.keep(id, Kept { now: None, stored });
        Ok(())
    }

    /// What there is to be [absorbed](Index::absorb).
    pub fn finish(mut self) -> Fresh {
        self.fresh.count(self.counts);
        self.fresh
    }

    fn keep(&mut self, case: Case) -> Result<(), Error> {
        let (now, stored) = self.heads(case.id)?;
        self.counts.highest = self.counts.highest.max(case.id.0);
        let head = Head::of(&case);
        self.recount(now, Some(head));
        self.refile(case.id, now.map(|head| head.filing), Some((head.filing, &case)))?;
        self.fresh.keep(case.id, Kept { now: Some(Arc::new(case)), stored });
        Ok(())
    }

    fn recount(&mut self, before: Option<Head>, after: Option<Head>) {
        let of = |head: Option<Head>| {
            let holds = |flag: fn(Head) -> bool| u64::from(head.is_some_and(flag));
            [holds(|_| true), holds(|head| head.working), holds(|head| head.parked)]
        };
        let counts = [&mut self.counts.cases, &mut self.counts.working, &mut self.counts.parked];
        for ((count, before), after) in counts.into_iter().zip(of(before)).zip(of(after)) {
            *count = count.saturating_add(after).saturating_sub(before);
        }
    }

    /// The case as these changes, what came before them, and the engine have it.
    pub(super) fn case(&self, id: CaseId) -> Result<Option<Case>, Error> {
        match self.fresh.case(id) {
            Some(kept) => Ok(kept.now.as_deref().cloned()),
            None => self.index.case(id),
        }
    }

    fn heads(&mut self, id: CaseId) -> Result<Heads, Error> {
        if let Some(kept) = self.fresh.case(id) {
            return Ok((kept.head(), kept.stored));
        }
        if let Some((_, heads)) = self.asked.filter(|(asked, _)| *asked == id) {
            return Ok(heads);
        }
        let heads = self.index.heads(id)?;
        self.asked = Some((id, heads));
        Ok(heads)
    }

    /// Files a case under the products it is about, and no longer under those it was about.
    fn concern(&mut self, case: CaseId, before: &Products, after: &Products) {
        for (products, value) in [(before, None), (after, Some(Vec::new()))] {
            for (system, product) in
                products.iter().flat_map(|(system, all)| all.iter().map(move |one| (system, one)))
            {
                let mut key = codec::product(system, product);
                key.extend(codec::number(case.0));
                self.set(Table::Concerned, key, value.clone());
            }
        }
    }

    /// Files an announcement under the products it is about, and no longer under those it was about.
    fn announce(&mut self, ticket: &TicketRef, after: &BTreeSet<String>) -> Result<(), Error> {
        let (key, id) = (codec::ticket(ticket), ticket.id.as_str().as_bytes());
        let before = self.get(Table::Announced, &key)?;
        let before = before.map(|value| codec::read_texts(&value)).transpose()?.unwrap_or_default();
        for (products, value) in [(&before, None), (after, Some(id.to_vec()))] {
            for product in products {
                let place = [codec::product(&ticket.system, product).as_slice(), id].concat();
                self.set(Table::Standing, place, value.clone());
            }
        }
        let value = if after.is_empty() { None } else { Some(codec::texts(after)?) };
        self.set(Table::Announced, key, value);
        Ok(())
    }

    /// Hints, cursors, versions of agreements and announcements.
    fn standing(
        &mut self,
        fact: &Fact,
        record: &[Fact],
        position: Position,
        order: usize,
    ) -> Result<(), Error> {
        if let Fact::Hinted { ticket, .. } = fact {
            // Hinted and read in one step: the record that tells of the hint also ends it.
            let answered = |fact: &Fact| matches!(fact, Fact::Answered { ticket: of, .. } if of == ticket);
            if !record.iter().any(answered) {
                self.hint(ticket, position, order)?;
            }
        }
        if let Fact::Answered { ticket, through } = fact {
            self.unhint(ticket, *through)?;
        }
        if let Fact::Announced { ticket, products } = fact {
            self.announce(ticket, products)?;
        }
        if let Fact::Advanced { system, cursor } = fact {
            let key = system.as_str().as_bytes().to_vec();
            self.set(Table::Cursors, key, Some(cursor.as_str().as_bytes().to_vec()));
        }
        self.erasures(fact)?;
        if let Fact::Agreed { agreement, version, document } = fact {
            let agreed = Agreed {
                agreement: agreement.clone(),
                version: version.clone(),
                position,
                document: document.clone(),
            };
            let value = serde_json::to_vec(&agreed).map_err(|error| Error::Broken(error.to_string()))?;
            self.set(Table::Agreed, version.0.as_bytes().to_vec(), Some(value));
        }
        self.administered(fact, position)
    }

    /// What admins did to the bridge as a whole.
    fn administered(&mut self, fact: &Fact, position: Position) -> Result<(), Error> {
        let broken = |error: serde_json::Error| Error::Broken(error.to_string());
        if let Fact::Paused { system, by, reason, since } = fact {
            let paused = Paused { by: by.clone(), reason: reason.clone(), since: *since };
            let value = serde_json::to_vec(&paused).map_err(broken)?;
            self.set(Table::Paused, system.as_str().as_bytes().to_vec(), Some(value));
        }
        if let Fact::Resumed { system, .. } = fact {
            self.set(Table::Paused, system.as_str().as_bytes().to_vec(), None);
        }
        if let Fact::Reconfigured { by, at, differed } = fact {
            let one = Reconfigured { by: by.clone(), at: *at, differed: differed.clone() };
            let value = serde_json::to_vec(&one).map_err(broken)?;
            self.set(Table::Reconfigured, codec::number(position.0), Some(value));
        }
        Ok(())
    }

    fn hint(&mut self, ticket: &TicketRef, position: Position, order: usize) -> Result<(), Error> {
        let key = codec::ticket(ticket);
        // The latest counts: only a reading that began after it ends it.
        match self.get(Table::Hinted, &key)? {
            Some(before) => self.set(Table::Hints, before, None),
            None => self.counts.hints += 1,
        }
        let mut place = codec::number(position.0);
        place.extend_from_slice(&u32::try_from(order).unwrap_or(u32::MAX).to_be_bytes());
        let value = serde_json::to_vec(ticket).map_err(|error| Error::Broken(error.to_string()))?;
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

    /// Tickets and their keys, where a fact names or renames one; `created` says that it ends a creation. All others
    /// leave the names as they are, and are most: they cost no look-up.
    fn tickets(&mut self, fact: &Fact, case: &Case, created: bool) -> Result<(), Error> {
        if let Fact::Rekeyed { leg, from, .. } = fact {
            self.unname(&TicketRef::new(leg.clone(), from.clone()), case.id)?;
        }
        // A claimed ticket's names stay: whoever asks by them finds the case.
        if let Fact::Claimed(claim) = fact
            && let Some(ticket) = case.legs.get(&claim.to).and_then(|now| now.ticket.as_ref())
        {
            self.name(&TicketRef::new(claim.to.clone(), ticket.clone()), None, case.id)?;
        }
        if let Fact::Observed { leg, .. } | Fact::Effected { leg, .. } | Fact::Rekeyed { leg, .. } = fact
            && (created || renames(fact))
            && let Some(now) = case.legs.get(leg)
            && let Some(id) = &now.ticket
        {
            self.name(&TicketRef::new(leg.clone(), id.clone()), now.key.as_deref(), case.id)?;
        }
        Ok(())
    }

    fn name(&mut self, ticket: &TicketRef, key: Option<&str>, case: CaseId) -> Result<(), Error> {
        let mut value = codec::number(case.0);
        value.extend_from_slice(key.unwrap_or_default().as_bytes());
        let place = codec::ticket(ticket);
        let before = self.get(Table::Tickets, &place)?;
        if before.as_ref() == Some(&value) {
            return Ok(());
        }
        if let Some(before) = before {
            self.unkey(&ticket.system, &before)?;
        }
        self.set(Table::Tickets, place, Some(value));
        if let Some(key) = key {
            self.set(Table::Keys, codec::name(&ticket.system, key), Some(codec::number(case.0)));
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

    /// Markers of creations: from the intent to its effect. True where a fact ends one.
    fn creates(&mut self, fact: &Fact, case: CaseId) -> Result<bool, Error> {
        if let Fact::Intended { intent, .. } = fact
            && let Operation::Create(_) = &intent.operation
        {
            let marker = intent.marker.as_str().as_bytes().to_vec();
            self.set(Table::Markers, marker.clone(), Some(codec::number(case.0)));
            self.set(Table::Creates, intent.id.as_str().as_bytes().to_vec(), Some(marker));
        }
        if let Fact::Effected { intent, .. } | Fact::Dropped { intent, .. } = fact {
            return self.end_create(intent);
        }
        Ok(false)
    }

    fn end_create(&mut self, intent: &IntentId) -> Result<bool, Error> {
        let key = intent.as_str().as_bytes().to_vec();
        let Some(marker) = self.get(Table::Creates, &key)? else { return Ok(false) };
        self.set(Table::Markers, marker, None);
        self.set(Table::Creates, key, None);
        Ok(true)
    }

    pub(super) fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        match self.fresh.row(table, key) {
            Some(changed) => Ok(changed.clone()),
            None => self.index.get(table, key),
        }
    }

    pub(super) fn set(&mut self, table: Table, key: Vec<u8>, value: Option<Vec<u8>>) {
        self.fresh.set(table, key, value);
    }
}

/// Whether a fact by itself gives a ticket of a leg another id or key.
fn renames(fact: &Fact) -> bool {
    let named = |reading: &Reading| reading.ticket.is_some() || reading.key.is_some();
    matches!(fact, Fact::Observed { reading, .. } if named(reading)) || matches!(fact, Fact::Rekeyed { .. })
}
