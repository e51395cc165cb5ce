//! The embedded engine. The only place that names sled.
//!
//! All tables share one tree, each key led by its table's byte: `apply_batch` on one tree is atomic by itself. The
//! alternative, one tree per table and a transaction over them, takes sled's process-wide lock and rereads each key
//! it touches, for nothing that a single writer needs.

use std::fs;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError, RwLock};

use super::{APPLIED, Batch, Error, Row, Store, Table, decode_applied, encode_applied};
use crate::ledger::Mark;

/// What sled's pages take without trouble.
const CHUNK: usize = 12 * 1024;
/// Leads the keys of further chunks; no table has this byte.
const CHUNKS: u8 = 0xff;
/// Leads a value that is whole, and one of which this is the first chunk.
const WHOLE: u8 = 0;
const SPLIT: u8 = 1;

/// A store in a folder.
#[derive(Debug)]
pub struct SledStore {
    folder: PathBuf,
    cache_bytes: u64,
    /// `None` while it is being set aside, and after that failed.
    db: RwLock<Option<sled::Db>>,
    /// The first failure: sled's state is unknown from then on, until a reset.
    failed: Mutex<Option<Error>>,
}

impl SledStore {
    /// What the page cache takes unless told otherwise.
    pub const DEFAULT_CACHE_BYTES: u64 = 64 * 1024 * 1024;

    /// Opens the store in `folder`. One that cannot be opened is set aside, and an empty one takes its place.
    pub fn open(folder: impl Into<PathBuf>, cache_bytes: u64) -> Result<Self, Error> {
        let folder = folder.into();
        let db = match open(&folder, cache_bytes) {
            Ok(db) => db,
            Err(error) => {
                tracing::warn!(%error, "The correlation store does not open. It is set aside and rebuilt.");
                set_aside(&folder)?;
                open(&folder, cache_bytes)?
            }
        };
        Ok(Self { folder, cache_bytes, db: RwLock::new(Some(db)), failed: Mutex::default() })
    }

    fn with<T>(
        &self,
        action: &'static str,
        run: impl FnOnce(&sled::Db) -> Result<T, sled::Error>,
    ) -> Result<T, Error> {
        if let Some(earlier) = &*self.failed.lock().unwrap_or_else(PoisonError::into_inner) {
            return Err(earlier.clone());
        }
        let db = self.db.read().unwrap_or_else(PoisonError::into_inner);
        let Some(db) = db.as_ref() else {
            return Err(Error::Engine { action, reason: "it was set aside".into() });
        };
        run(db).map_err(|error| {
            let mut failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
            failed.get_or_insert_with(|| engine(action, &error)).clone()
        })
    }
}

impl Store for SledStore {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        let key = tree_key(table, key);
        let (head, rest) = self.with("read", |db| {
            let Some(head) = db.get(&key)? else { return Ok((None, Vec::new())) };
            let mut rest = Vec::new();
            for index in 1..chunk_count(&head) {
                rest.push(db.get(chunk_key(&key, index))?);
            }
            Ok((Some(head), rest))
        })?;
        head.map(|head| join(&head, rest)).transpose()
    }

    fn scan(&self, table: Table, from: &[u8], limit: usize) -> Result<Vec<Row>, Error> {
        let range = tree_key(table, from)..vec![table.byte() + 1];
        let rows = self.with("scan", |db| {
            let mut rows = Vec::new();
            for row in db.range(range).take(limit) {
                let (key, head) = row?;
                let mut rest = Vec::new();
                for index in 1..chunk_count(&head) {
                    rest.push(db.get(chunk_key(&key, index))?);
                }
                rows.push((key, head, rest));
            }
            Ok(rows)
        })?;
        let joined = rows
            .into_iter()
            .map(|(key, head, rest)| Ok((key.get(1..).unwrap_or_default().to_vec(), join(&head, rest)?)));
        joined.collect()
    }

    fn commit(&self, batch: Batch, applied: &Mark) -> Result<(), Error> {
        let applied = encode_applied(applied)?;
        self.with("write", |db| {
            let mut changes = sled::Batch::default();
            for ((table, key), value) in batch.changes {
                let key = tree_key(table, &key);
                // Only cases, terms, and perhaps lists of products, are ever long: the others have no chunks to take away.
                let before = match table {
                    Table::Cases
                    | Table::Announced
                    | Table::Agreed
                    | Table::Erasures
                    | Table::Reconfigured => db.get(&key)?.map_or(1, |head| chunk_count(&head)),
                    Table::Meta
                    | Table::Tickets
                    | Table::Keys
                    | Table::Markers
                    | Table::Creates
                    | Table::Cursors
                    | Table::Hints
                    | Table::Hinted
                    | Table::Working
                    | Table::Parked
                    | Table::Clocks
                    | Table::Concerned
                    | Table::Paused
                    | Table::Standing
                    | Table::Filed
                    | Table::Changed
                    | Table::Hours
                    | Table::Due
                    | Table::Erased
                    | Table::Erasing
                    | Table::FilesOf
                    | Table::HoldersOf
                    | Table::Looked
                    | Table::Entered
                    | Table::Forgotten => 1,
                };
                let after = match value {
                    Some(value) => put(&mut changes, &key, &value),
                    None => {
                        changes.remove(key.clone());
                        1
                    }
                };
                for index in after..before {
                    changes.remove(chunk_key(&key, index));
                }
            }
            put(&mut changes, &tree_key(Table::Meta, APPLIED), &applied);
            db.apply_batch(changes)
        })
    }

    fn applied(&self) -> Result<Option<Mark>, Error> {
        self.get(Table::Meta, APPLIED)?.as_deref().map(decode_applied).transpose()
    }

    fn flush(&self) -> Result<(), Error> {
        self.with("flush", |db| db.flush().map(|_| ()))
    }

    fn reset(&self) -> Result<(), Error> {
        let mut db = self.db.write().unwrap_or_else(PoisonError::into_inner);
        // Dropped first: sled holds a lock on its files.
        *db = None;
        set_aside(&self.folder)?;
        *db = Some(open(&self.folder, self.cache_bytes)?);
        *self.failed.lock().unwrap_or_else(PoisonError::into_inner) = None;
        Ok(())
    }
}

fn open(folder: &Path, cache_bytes: u64) -> Result<sled::Db, Error> {
    remove_torn_snapshots(folder).map_err(|error| engine("remove torn snapshots", &error))?;
    let config = sled::Config::new()
        .path(folder)
        .cache_capacity(cache_bytes)
        .mode(sled::Mode::HighThroughput)
        // What is not on the disk yet is in the ledger. Written in the background, it only delays the ledger's syncs.
        .flush_every_ms(None);
    // sled 0.34 panics on some damaged files where it should return an error. Nothing of ours is shared with it.
    match catch_unwind(AssertUnwindSafe(|| config.open())) {
        Ok(opened) => opened.map_err(|error| engine("open", &error)),
        Err(_) => Err(Error::Broken("sled panicked while opening it".into())),
    }
}

/// A kill while sled writes a snapshot leaves a file on which every later open fails.
fn remove_torn_snapshots(folder: &Path) -> io::Result<()> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    for entry in entries {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name.starts_with("snap.") && name.ends_with(".generating") {
            fs::remove_file(&path)?;
        }
    }
    Ok(())
}

/// Keeps one broken store beside the new one, for whoever wants to know why.
fn set_aside(folder: &Path) -> Result<(), Error> {
    let mut aside = folder.as_os_str().to_owned();
    aside.push(".set-aside");
    let moved = match fs::remove_dir_all(&aside) {
        // What was set aside before was no folder.
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => {
            fs::remove_file(&aside).and_then(|()| fs::rename(folder, &aside))
        }
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => fs::rename(folder, &aside),
    };
    match moved {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(engine("be set aside", &error)),
        Ok(()) | Err(_) => Ok(()),
    }
}

fn tree_key(table: Table, key: &[u8]) -> Vec<u8> {
    let mut whole = Vec::with_capacity(1 + key.len());
    whole.push(table.byte());
    whole.extend_from_slice(key);
    whole
}

fn chunk_key(key: &[u8], index: u16) -> Vec<u8> {
    let mut whole = Vec::with_capacity(3 + key.len());
    whole.push(CHUNKS);
    whole.extend_from_slice(key);
    whole.extend_from_slice(&index.to_be_bytes());
    whole
}

/// How many chunks there are, the one that begins with `head` included.
fn chunk_count(head: &[u8]) -> u16 {
    match head {
        [SPLIT, high, low, ..] => u16::from_be_bytes([*high, *low]),
        _ => 1,
    }
}

fn put(changes: &mut sled::Batch, key: &[u8], value: &[u8]) -> u16 {
    let mut head = Vec::with_capacity(value.len().min(CHUNK) + 3);
    if value.len() <= CHUNK {
        head.push(WHOLE);
        head.extend_from_slice(value);
        changes.insert(key, head);
        return 1;
    }
    let count = u16::try_from(value.len().div_ceil(CHUNK)).unwrap_or(u16::MAX);
    head.push(SPLIT);
    head.extend_from_slice(&count.to_be_bytes());
    for (index, chunk) in (0..count).zip(value.chunks(CHUNK)) {
        if index == 0 {
            head.extend_from_slice(chunk);
        } else {
            changes.insert(chunk_key(key, index), chunk);
        }
    }
    changes.insert(key, head);
    count
}

fn join(head: &[u8], rest: Vec<Option<sled::IVec>>) -> Result<Vec<u8>, Error> {
    let mut value = match head {
        [WHOLE, value @ ..] | [SPLIT, _, _, value @ ..] => value.to_vec(),
        _ => return Err(Error::Broken("a value does not tell whether it is whole".into())),
    };
    for chunk in rest {
        value.extend_from_slice(&chunk.ok_or_else(|| Error::Broken("a part of a value is missing".into()))?);
    }
    Ok(value)
}

fn engine(action: &'static str, error: &dyn std::fmt::Display) -> Error {
    Error::Engine { action, reason: error.to_string() }
}
