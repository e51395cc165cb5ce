//! Engines as a crash finds them: kept, behind, deleted or broken.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use tempfile::TempDir;

use super::Fate;
use crate::store::Store;
use crate::store::memory::MemoryStore;
use crate::store::sled::SledStore;

/// An engine that outlives its process.
pub(super) trait Engine {
    fn open(&mut self) -> Arc<dyn Store>;
    /// Called between two openings.
    fn snapshot(&mut self);
    /// Called between two openings.
    fn suffer(&mut self, fate: Fate);
}

pub(super) struct Memory {
    now: Arc<MemoryStore>,
    before: Arc<MemoryStore>,
}

impl Memory {
    pub(super) fn new() -> Self {
        Self { now: Arc::new(MemoryStore::new()), before: Arc::new(MemoryStore::new()) }
    }
}

impl Engine for Memory {
    fn open(&mut self) -> Arc<dyn Store> {
        Arc::<MemoryStore>::clone(&self.now)
    }

    fn snapshot(&mut self) {
        self.before = Arc::new(self.now.snapshot());
    }

    fn suffer(&mut self, fate: Fate) {
        match fate {
            Fate::Kept => {}
            Fate::Behind => self.now = Arc::new(self.before.snapshot()),
            Fate::Deleted | Fate::Broken => self.now = Arc::new(MemoryStore::new()),
        }
    }
}

pub(super) struct Disk {
    folder: TempDir,
}

impl Disk {
    pub(super) fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }
}

impl Engine for Disk {
    fn open(&mut self) -> Arc<dyn Store> {
        Arc::new(SledStore::open(self.folder.path().join("store"), 1 << 20).unwrap())
    }

    fn snapshot(&mut self) {
        copy(&self.folder.path().join("store"), &self.folder.path().join("before"));
    }

    fn suffer(&mut self, fate: Fate) {
        let (store, before) = (self.folder.path().join("store"), self.folder.path().join("before"));
        match fate {
            Fate::Kept => {}
            Fate::Behind if before.exists() => copy(&before, &store),
            Fate::Behind | Fate::Deleted => fs::remove_dir_all(store).unwrap(),
            Fate::Broken => fs::write(store.join("conf"), b"nonsense").unwrap(),
        }
    }
}

fn copy(from: &Path, to: &Path) {
    if to.exists() {
        fs::remove_dir_all(to).unwrap();
    }
    fs::create_dir(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}
