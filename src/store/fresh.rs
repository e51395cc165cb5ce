//! What the ledger says and the engine does not hold yet.
//!
//! A commit of an engine costs several times what recording its changes does, and a case changes again as soon as its
//! intent has had its effect. So changes are collected here, where every read sees them, and written out many records
//! at a time. Nothing rests on them: the ledger holds what they say, and a start takes up what the engine has missed.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::filing::Filing;
use super::index::COUNTS;
use super::{Batch, Counts, Error, Table, codec};
use crate::case::{Case, CaseId};
use crate::ledger::Position;

/// Changes over what an engine holds: of records on their way into the index, or of those that are in it already.
#[derive(Debug, Default)]
pub struct Fresh {
    rows: BTreeMap<Table, BTreeMap<Vec<u8>, Option<Vec<u8>>>>,
    cases: BTreeMap<CaseId, Kept>,
    counts: Option<Counts>,
}

/// A case that changed.
#[derive(Clone, Debug)]
pub(super) struct Kept {
    /// As it is now; `None` once it was erased.
    pub(super) now: Option<Arc<Case>>,
    /// What the engine still holds of it.
    pub(super) stored: Option<Head>,
}

/// What the writer has to know of a case without reading it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Head {
    /// The position of its last record.
    pub(super) last: Option<Position>,
    /// Whether it has something left to do.
    pub(super) working: bool,
    /// Whether it waits for a person.
    pub(super) parked: bool,
    /// Whether a response clock of it runs.
    pub(super) clock: bool,
    /// What it is filed under.
    pub(super) filing: Filing,
}

impl Head {
    pub(super) fn of(case: &Case) -> Self {
        Self {
            last: case.last,
            working: case.has_work(),
            parked: case.is_parked(),
            clock: case.next_clock().is_some(),
            filing: Filing::of(case),
        }
    }

    /// Whether a case with this head stands in a table of flags.
    pub(super) fn stands_in(self, table: Table) -> bool {
        match table {
            Table::Working => self.working,
            Table::Parked => self.parked,
            Table::Clocks => self.clock,
            Table::Meta
            | Table::Cases
            | Table::Tickets
            | Table::Keys
            | Table::Markers
            | Table::Creates
            | Table::Cursors
            | Table::Hints
            | Table::Hinted
            | Table::Concerned
            | Table::Standing
            | Table::Announced
            | Table::Agreed
            | Table::Filed
            | Table::Changed
            | Table::Hours
            | Table::Due
            | Table::Erased
            | Table::Erasures
            | Table::Erasing
            | Table::FilesOf
            | Table::HoldersOf
            | Table::Paused
            | Table::Reconfigured
            | Table::Looked
            | Table::Entered
            | Table::Forgotten => false,
        }
    }
}

impl Kept {
    pub(super) fn head(&self) -> Option<Head> {
        self.now.as_deref().map(Head::of)
    }
}

impl Fresh {
    /// How many entries there are to write out.
    pub(super) fn len(&self) -> usize {
        self.cases.len() + self.rows.values().map(BTreeMap::len).sum::<usize>()
    }

    /// What is known of a key; an inner `None` says that it has no value any more.
    pub(super) fn row(&self, table: Table, key: &[u8]) -> Option<&Option<Vec<u8>>> {
        self.rows.get(&table)?.get(key)
    }

    /// What is known of a table's keys from `from` on.
    pub(super) fn rows(
        &self,
        table: Table,
        from: &[u8],
    ) -> impl Iterator<Item = (&Vec<u8>, &Option<Vec<u8>>)> {
        self.rows.get(&table).into_iter().flat_map(move |rows| rows.range(from.to_vec()..))
    }

    pub(super) fn case(&self, id: CaseId) -> Option<&Kept> {
        self.cases.get(&id)
    }

    /// The changed cases with a number above `after`.
    pub(super) fn cases(&self, after: CaseId) -> impl Iterator<Item = (CaseId, &Kept)> {
        self.cases.range(CaseId(after.0.saturating_add(1))..).map(|(id, kept)| (*id, kept))
    }

    pub(super) fn counts(&self) -> Option<Counts> {
        self.counts
    }

    pub(super) fn set(&mut self, table: Table, key: Vec<u8>, value: Option<Vec<u8>>) {
        self.rows.entry(table).or_default().insert(key, value);
    }

    pub(super) fn keep(&mut self, id: CaseId, kept: Kept) {
        self.cases.insert(id, kept);
    }

    pub(super) fn count(&mut self, counts: Counts) {
        self.counts = Some(counts);
    }

    /// Takes up later changes.
    pub(super) fn absorb(&mut self, later: Self) {
        for (table, rows) in later.rows {
            self.rows.entry(table).or_default().extend(rows);
        }
        self.cases.extend(later.cases);
        self.counts = later.counts.or(self.counts);
    }

    /// All of it, for an engine.
    pub(super) fn batch(&self) -> Result<Batch, Error> {
        let mut batch = Batch::default();
        for (table, rows) in &self.rows {
            batch.changes.extend(rows.iter().map(|(key, value)| ((*table, key.clone()), value.clone())));
        }
        let mut json = Vec::new();
        for (id, Kept { now, stored }) in &self.cases {
            let (key, head) = (codec::number(id.0), now.as_deref().map(Head::of));
            for table in [Table::Working, Table::Parked, Table::Clocks] {
                let stands = |head: Head| head.stands_in(table);
                let is = head.is_some_and(stands);
                if is != stored.is_some_and(stands) {
                    batch.changes.insert((table, key.clone()), is.then(Vec::new));
                }
            }
            let value = now.as_deref().map(|case| codec::encode_case(case, &mut json)).transpose()?;
            if value.is_some() || stored.is_some() {
                batch.changes.insert((Table::Cases, key), value);
            }
        }
        if let Some(counts) = &self.counts {
            let value = serde_json::to_vec(counts).map_err(|error| Error::Broken(error.to_string()))?;
            batch.changes.insert((Table::Meta, COUNTS.to_vec()), Some(value));
        }
        Ok(batch)
    }
}

/// The first `limit` of `stored` with `changes` made to it, where `None` takes a row away.
///
/// Both begin at the same key; `stored` ends with the engine, or is longer than `limit` by the number of `changes`
/// that take away.
pub(super) fn over<K: Ord, V>(
    stored: impl IntoIterator<Item = (K, V)>,
    changes: impl IntoIterator<Item = (K, Option<V>)>,
    limit: usize,
) -> Vec<(K, V)> {
    let mut rows: BTreeMap<K, V> = stored.into_iter().collect();
    for (key, value) in changes {
        match value {
            Some(value) => rows.insert(key, value),
            None => rows.remove(&key),
        };
    }
    rows.into_iter().take(limit).collect()
}

#[cfg(test)]
mod tests {
    use proptest::collection::btree_map;
    use proptest::prelude::{any, prop_assert_eq, proptest};

    use super::*;

    proptest! {
        #[test]
        fn a_page_is_what_the_changed_rows_begin_with(
            stored in btree_map(0u8..20, 0u8..3, 0..20),
            changes in btree_map(0u8..20, proptest::option::of(0u8..3), 0..20),
            limit in 0usize..25,
            generous in any::<bool>(),
        ) {
            let mut whole = stored.clone();
            for (key, value) in &changes {
                match value {
                    Some(value) => whole.insert(*key, *value),
                    None => whole.remove(key),
                };
            }
            let taken_away = changes.values().filter(|value| value.is_none()).count();
            let read = limit + if generous { changes.len() } else { taken_away };
            let page = over(stored.into_iter().take(read), changes, limit);
            prop_assert_eq!(page, whole.into_iter().take(limit).collect::<Vec<_>>());
        }
    }
}
