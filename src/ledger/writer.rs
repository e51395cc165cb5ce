//! The one writer: seals, appends, syncs and indexes a group of entries, all of them or none.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use throughline_sdk::Entropy;

use super::checkpoint::{self, Mark};
use super::journal::{Committed, Entry};
use super::keyring::CaseKey;
use super::record::{self, Head, Seal};
use super::segments::{FOLDER, Segment};
use super::tree::Growing;
use super::{Error, Keyring, Medium, Position};
use crate::case::CaseId;
use crate::store::{Changes, Index};

/// The end of the ledger and everything needed to move it on.
#[derive(Debug)]
pub(super) struct Writer {
    pub(super) medium: Arc<dyn Medium>,
    pub(super) index: Index,
    pub(super) keyring: Arc<Keyring>,
    pub(super) entropy: Arc<dyn Entropy>,
    pub(super) segment_bytes: u64,
    /// Entries of the index that may wait to be written out to the store.
    pub(super) pending: usize,
    /// The end of the ledger, all of it durable.
    pub(super) end: Mark,
    /// The same, for those who may not ask the writer.
    pub(super) durable: Arc<AtomicU64>,
    /// How many records are durable and stand in the tree, for those who may not ask the writer.
    pub(super) size: Arc<AtomicU64>,
    /// The Merkle tree over the records.
    pub(super) tree: Growing,
    /// Where the segment being written begins.
    pub(super) segment: u64,
    /// Which slot of the checkpoint is synced next.
    pub(super) turn: u64,
    pub(super) lines: Vec<u8>,
    pub(super) scratch: Vec<u8>,
}

impl Writer {
    /// Commits a group. The outer error is everybody's and final; an inner one is that entry's own.
    pub(super) fn group(&mut self, entries: Vec<Entry>) -> Result<Vec<Result<Committed, Error>>, Error> {
        self.rotate_if_full()?;
        self.lines.clear();
        let index = self.index.clone();
        let mut changes = Changes::new(&index)?;
        let mut end = self.end.clone();
        let mut new_keys = false;
        let mut outcomes = Vec::with_capacity(entries.len());
        for entry in entries {
            match self.write(&entry, &mut end, &mut changes, &mut new_keys) {
                Ok(committed) => {
                    changes.record(&entry.facts, entry.case, entry.at, committed.position)?;
                    outcomes.push(Ok(committed));
                }
                Err(error) if error.is_sticky() => return Err(error),
                Err(error) => outcomes.push(Err(error)),
            }
        }
        if self.lines.is_empty() {
            return Ok(outcomes);
        }
        if new_keys {
            self.keyring.sync()?;
        }
        self.append()?;
        self.tree.write(&*self.medium)?;
        self.index.absorb(changes.finish());
        self.end = end;
        self.durable.store(self.end.next, Ordering::Release);
        self.size.store(self.end.seq, Ordering::Release);
        checkpoint::write_running(&*self.medium, &self.end, &self.tree.root())?;
        Ok(outcomes)
    }

    /// Writes the index out to the store if enough waits. Comes after a group was answered: nobody waits for it.
    pub(super) fn settle(&mut self) -> Result<(), Error> {
        if self.index.pending() >= self.pending {
            self.index.write_out(&self.end)?;
        }
        Ok(())
    }

    /// Destroys a case's key and forgets what the store knows of it.
    pub(super) fn erase(&mut self, case: CaseId) -> Result<(), Error> {
        self.keyring.destroy(case)?;
        let index = self.index.clone();
        let mut changes = Changes::new(&index)?;
        changes.erase(case)?;
        self.index.absorb(changes.finish());
        Ok(self.index.write_out(&self.end)?)
    }

    /// Leaves everything as a start wants to find it.
    pub(super) fn close(&mut self) -> Result<(), Error> {
        self.index.write_out(&self.end)?;
        self.index.store().flush()?;
        self.checkpoint()
    }

    fn write(
        &mut self,
        entry: &Entry,
        end: &mut Mark,
        changes: &mut Changes<'_>,
        new_keys: &mut bool,
    ) -> Result<Committed, Error> {
        let head = Head {
            seq: end.seq + 1,
            at: entry.at,
            case: entry.case.as_ref().map(|case| case.id),
            prev: entry.case.as_ref().and_then(|case| case.last),
        };
        let key = match head.case {
            Some(case) => Some(self.key(case, head.prev, changes, new_keys)?),
            None => None,
        };
        let seal = key.as_ref().map(|key| {
            let mut nonce = [0; ring::aead::NONCE_LEN];
            self.entropy.fill(&mut nonce);
            Seal { key: &key.seal, nonce }
        });
        let salts = key.as_ref().map_or(self.keyring.open_salts(), |key| &key.salts);
        let before = self.lines.len();
        let (lines, scratch) = (&mut self.lines, &mut self.scratch);
        match record::write_line(lines, scratch, &mut end.hash, head, &entry.facts, (salts, seal)) {
            Ok(leaf) => self.tree.push(leaf.hash()),
            Err(error) => {
                self.lines.truncate(before);
                return Err(error);
            }
        }
        let length = u64::try_from(self.lines.len() - before).unwrap_or(u64::MAX);
        let position = Position(end.next);
        end.last = end.next;
        end.next = end.next.saturating_add(length);
        end.seq = head.seq;
        Ok(Committed { position, seq: head.seq })
    }

    fn key(
        &self,
        case: CaseId,
        expected: Option<Position>,
        changes: &mut Changes<'_>,
        new_keys: &mut bool,
    ) -> Result<Arc<CaseKey>, Error> {
        let last = changes.last_of(case)?;
        // An erased case is not in the store: then the keyring tells.
        if last.is_some() && last != expected {
            return Err(Error::Stale { case, expected, last });
        }
        if expected.is_some() {
            return self.keyring.get(case)?.ok_or(Error::Erased { case });
        }
        let (key, is_new) = self.keyring.get_or_create(case)?;
        *new_keys |= is_new;
        Ok(key)
    }

    fn append(&mut self) -> Result<(), Error> {
        let name = Segment::name(self.segment);
        let offset = self.end.next - self.segment;
        self.medium.write_at(&name, offset, &self.lines).map_err(Error::io("write", &name))?;
        self.medium.sync(&name).map_err(Error::io("sync", &name))?;
        if offset == 0 {
            self.medium.sync_dir(FOLDER).map_err(Error::io("sync the folder of", &name))?;
            self.medium.sync_dir("").map_err(Error::io("sync the folder of", FOLDER))?;
        }
        Ok(())
    }

    fn rotate_if_full(&mut self) -> Result<(), Error> {
        if self.end.next - self.segment >= self.segment_bytes {
            self.segment = self.end.next;
            self.checkpoint()?;
        }
        Ok(())
    }

    pub(super) fn checkpoint(&mut self) -> Result<(), Error> {
        // First, so that what a synced checkpoint covers of the tree is whole.
        self.tree.sync(&*self.medium)?;
        checkpoint::write_synced(&*self.medium, &self.end, &self.tree.root(), self.turn)?;
        self.turn = 1 - self.turn.min(1);
        Ok(())
    }
}
