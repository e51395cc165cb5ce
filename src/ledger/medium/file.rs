//! The real file system, with a lock so that one data directory has one daemon.

use std::collections::HashMap;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use tempfile::TempDir;

use super::Medium;

/// How many files are kept open; all are closed when one more is needed.
const MAX_OPEN: usize = 64;

/// A data directory on disk.
#[derive(Debug)]
pub struct FileMedium {
    root: PathBuf,
    open: Mutex<HashMap<String, Arc<File>>>,
    /// Held until the medium is dropped; `None` for readers.
    lock: Option<File>,
    /// Removed when the medium is dropped.
    temporary: Option<TempDir>,
}

impl FileMedium {
    /// Takes a data directory for writing, making it if it is not there.
    ///
    /// # Errors
    ///
    /// `WouldBlock` if another process owns it.
    pub fn open(root: impl Into<PathBuf>) -> io::Result<Self> {
        let root = root.into();
        fs::create_dir_all(&root)?;
        let lock = OpenOptions::new().create(true).truncate(false).write(true).open(root.join("lock"))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let owned =
                    format!("another process owns the data directory {}; stop it first", root.display());
                return Err(io::Error::new(io::ErrorKind::WouldBlock, owned));
            }
            Err(TryLockError::Error(error)) => return Err(error),
        }
        Ok(Self { root, open: Mutex::default(), lock: Some(lock), temporary: None })
    }

    /// A directory that is gone when this is dropped.
    ///
    /// # Errors
    ///
    /// When none can be made.
    pub fn temporary() -> io::Result<Self> {
        let folder = tempfile::tempdir()?;
        let mut medium = Self::open(folder.path())?;
        medium.temporary = Some(folder);
        Ok(medium)
    }

    /// Looks into a data directory that a daemon may own, to verify or export it. Nothing may be written with it.
    pub fn for_reading(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into(), open: Mutex::default(), lock: None, temporary: None }
    }

    /// The data directory.
    pub fn root(&self) -> &Path {
        &self.root
    }

    fn file(&self, name: &str, or_create: bool) -> io::Result<Arc<File>> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(file) = open.get(name) {
            return Ok(Arc::clone(file));
        }
        let path = self.root.join(name);
        let mut options = OpenOptions::new();
        options.read(true).write(self.lock.is_some());
        if or_create {
            if let Some(folder) = path.parent() {
                fs::create_dir_all(folder)?;
            }
            options.create(true);
        }
        let file = Arc::new(options.open(path)?);
        if open.len() >= MAX_OPEN {
            open.clear();
        }
        open.insert(name.to_owned(), Arc::clone(&file));
        Ok(file)
    }

    fn forget(&self, name: &str) {
        self.open.lock().unwrap_or_else(PoisonError::into_inner).remove(name);
    }
}

impl Medium for FileMedium {
    fn read_at(&self, name: &str, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let file = self.file(name, false)?;
        loop {
            match file.read_at(buffer, offset) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                other => return other,
            }
        }
    }

    fn write_at(&self, name: &str, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.file(name, true)?.write_all_at(bytes, offset)
    }

    fn sync(&self, name: &str) -> io::Result<()> {
        self.file(name, false)?.sync_data()
    }

    fn sync_dir(&self, folder: &str) -> io::Result<()> {
        File::open(self.root.join(folder))?.sync_all()
    }

    fn len(&self, name: &str) -> io::Result<Option<u64>> {
        match fs::metadata(self.root.join(name)) {
            Ok(meta) => Ok(Some(meta.len())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn truncate(&self, name: &str, len: u64) -> io::Result<()> {
        self.file(name, false)?.set_len(len)
    }

    fn list(&self, folder: &str) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        let entries = match fs::read_dir(self.root.join(folder)) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(names),
            Err(error) => return Err(error),
        };
        for entry in entries {
            let entry = entry?;
            if entry.file_type()?.is_file() {
                names.push(entry.file_name().to_string_lossy().into_owned());
            }
        }
        names.sort();
        Ok(names)
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.forget(from);
        self.forget(to);
        fs::rename(self.root.join(from), self.root.join(to))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.forget(name);
        fs::remove_file(self.root.join(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_data_directory_has_one_owner() {
        let folder = tempfile::tempdir().unwrap();
        let owner = FileMedium::open(folder.path()).unwrap();
        let second = FileMedium::open(folder.path()).unwrap_err();
        assert_eq!(second.kind(), io::ErrorKind::WouldBlock);
        drop(owner);
        FileMedium::open(folder.path()).unwrap();
    }
}
