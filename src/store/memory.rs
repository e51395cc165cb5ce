//! The engine for tests and simulation: it keeps everything in a map and forgets it with the process.

use std::collections::BTreeMap;
use std::sync::{PoisonError, RwLock};

use super::{APPLIED, Batch, Error, Row, Store, Table, decode_applied, encode_applied};
use crate::ledger::Mark;

type Map = BTreeMap<(Table, Vec<u8>), Vec<u8>>;

/// A store in memory. A clone of the value behind an `Arc` stands for a reopened store.
#[derive(Debug, Default)]
pub struct MemoryStore {
    map: RwLock<Map>,
}

impl MemoryStore {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    /// A copy of what it holds now: what a crash may bring back later.
    #[must_use]
    pub fn snapshot(&self) -> Self {
        let map = self.map.read().unwrap_or_else(PoisonError::into_inner);
        Self { map: RwLock::new(map.clone()) }
    }
}

impl Store for MemoryStore {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        let map = self.map.read().unwrap_or_else(PoisonError::into_inner);
        Ok(map.get(&(table, key.to_vec())).cloned())
    }

    fn scan(&self, table: Table, from: &[u8], limit: usize) -> Result<Vec<Row>, Error> {
        let map = self.map.read().unwrap_or_else(PoisonError::into_inner);
        let rows = map.range((table, from.to_vec())..).take_while(|((of, _), _)| *of == table);
        Ok(rows.take(limit).map(|((_, key), value)| (key.clone(), value.clone())).collect())
    }

    fn commit(&self, batch: Batch, applied: &Mark) -> Result<(), Error> {
        let applied = encode_applied(applied)?;
        let mut map = self.map.write().unwrap_or_else(PoisonError::into_inner);
        for (key, value) in batch.changes {
            match value {
                Some(value) => map.insert(key, value),
                None => map.remove(&key),
            };
        }
        map.insert((Table::Meta, APPLIED.to_vec()), applied);
        Ok(())
    }

    fn applied(&self) -> Result<Option<Mark>, Error> {
        self.get(Table::Meta, APPLIED)?.as_deref().map(decode_applied).transpose()
    }

    fn flush(&self) -> Result<(), Error> {
        Ok(())
    }

    fn reset(&self) -> Result<(), Error> {
        self.map.write().unwrap_or_else(PoisonError::into_inner).clear();
        Ok(())
    }
}
