//! A medium that forgets: it keeps synced and unsynced bytes apart and can crash at any byte.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::{Medium, folder_of};

/// Files in memory. [`crash`](Self::crash) does to unsynced writes what a power cut may do.
#[derive(Debug, Default)]
pub struct MemoryMedium {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    files: BTreeMap<String, File>,
    /// Writes and syncs until the next failure, if one is wanted.
    until_failure: Option<u64>,
}

#[derive(Clone, Debug, Default)]
struct File {
    /// What a power cut cannot take.
    durable: Vec<u8>,
    /// What a reader sees.
    current: Vec<u8>,
    /// What happened since the last sync, in order.
    unsynced: Vec<Change>,
    /// The name itself was synced.
    named: bool,
    /// What a renaming put this in the place of: under an unsynced name stands the one or the other after a power cut.
    replaced: Option<Box<File>>,
}

#[derive(Clone, Debug)]
enum Change {
    Write { offset: u64, bytes: Vec<u8> },
    Truncate { len: u64 },
}

impl MemoryMedium {
    /// An empty data directory.
    pub fn new() -> Self {
        Self::default()
    }

    /// The power fails. Each unsynced write is kept, dropped or torn at some byte, each unsynced name kept or lost,
    /// as `below(n)`, a number from 0 to n - 1, decides.
    pub fn crash(&self, below: &mut dyn FnMut(u64) -> u64) {
        let mut state = self.state();
        state.until_failure = None;
        state.files.retain(|_, file| {
            while !file.named && below(2) != 0 {
                match file.replaced.take() {
                    Some(before) => *file = *before,
                    None => return false,
                }
            }
            file.replaced = None;
            true
        });
        for file in state.files.values_mut() {
            let mut kept = std::mem::take(&mut file.durable);
            for change in file.unsynced.drain(..) {
                match change {
                    Change::Write { offset, bytes } => {
                        let length = to_u64(bytes.len());
                        let torn = match below(3) {
                            0 => 0,
                            1 => length,
                            _ => below(length + 1),
                        };
                        if torn > 0 {
                            write(&mut kept, offset, bytes.get(..to_usize(torn)).unwrap_or(&bytes));
                        }
                    }
                    Change::Truncate { len } => {
                        if below(2) == 0 {
                            kept.truncate(to_usize(len));
                        }
                    }
                }
            }
            file.current.clone_from(&kept);
            file.durable = kept;
            file.named = true;
        }
    }

    /// The disk fails at the write or sync after `operations` more of them, and at each one after that.
    pub fn fail_after(&self, operations: u64) {
        self.state().until_failure = Some(operations);
    }

    /// Changes a file behind everybody's back, as a disk fault or a forger would; nothing if it is not there.
    pub fn tamper(&self, name: &str, change: impl FnOnce(&mut Vec<u8>)) {
        if let Some(file) = self.state().files.get_mut(name) {
            change(&mut file.current);
            file.durable.clone_from(&file.current);
            file.unsynced.clear();
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn spend(&mut self) -> io::Result<()> {
        match &mut self.until_failure {
            Some(0) => Err(io::Error::new(io::ErrorKind::StorageFull, "the disk is full")),
            Some(left) => {
                *left -= 1;
                Ok(())
            }
            None => Ok(()),
        }
    }

    fn file(&mut self, name: &str) -> io::Result<&mut File> {
        self.files.get_mut(name).ok_or_else(|| missing(name))
    }
}

impl Medium for MemoryMedium {
    fn read_at(&self, name: &str, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let mut state = self.state();
        let current = &state.file(name)?.current;
        let rest = current.get(to_usize(offset)..).unwrap_or_default();
        let count = rest.len().min(buffer.len());
        for (to, from) in buffer.iter_mut().zip(rest) {
            *to = *from;
        }
        Ok(count)
    }

    fn write_at(&self, name: &str, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let mut state = self.state();
        state.spend()?;
        let file = state.files.entry(name.to_owned()).or_default();
        write(&mut file.current, offset, bytes);
        file.unsynced.push(Change::Write { offset, bytes: bytes.to_vec() });
        Ok(())
    }

    fn sync(&self, name: &str) -> io::Result<()> {
        let mut state = self.state();
        state.spend()?;
        let file = state.file(name)?;
        for change in std::mem::take(&mut file.unsynced) {
            match change {
                Change::Write { offset, bytes } => write(&mut file.durable, offset, &bytes),
                Change::Truncate { len } => file.durable.truncate(to_usize(len)),
            }
        }
        Ok(())
    }

    fn sync_dir(&self, folder: &str) -> io::Result<()> {
        let mut state = self.state();
        state.spend()?;
        for (name, file) in &mut state.files {
            if folder_of(name) == folder {
                file.named = true;
                file.replaced = None;
            }
        }
        Ok(())
    }

    fn len(&self, name: &str) -> io::Result<Option<u64>> {
        Ok(self.state().files.get(name).map(|file| to_u64(file.current.len())))
    }

    fn truncate(&self, name: &str, len: u64) -> io::Result<()> {
        let mut state = self.state();
        state.spend()?;
        let file = state.file(name)?;
        file.current.truncate(to_usize(len));
        file.unsynced.push(Change::Truncate { len });
        Ok(())
    }

    fn list(&self, folder: &str) -> io::Result<Vec<String>> {
        let state = self.state();
        let inside = state.files.keys().filter(|name| folder_of(name) == folder);
        Ok(inside.map(|name| name.rsplit('/').next().unwrap_or(name).to_owned()).collect())
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let mut state = self.state();
        let mut file = state.files.remove(from).ok_or_else(|| missing(from))?;
        file.named = false;
        file.replaced = state.files.remove(to).map(Box::new);
        state.files.insert(to.to_owned(), file);
        Ok(())
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.state().files.remove(name).map(|_| ()).ok_or_else(|| missing(name))
    }
}

fn write(content: &mut Vec<u8>, offset: u64, bytes: &[u8]) {
    let offset = to_usize(offset);
    let end = offset.saturating_add(bytes.len());
    if content.len() < end {
        content.resize(end, 0);
    }
    if let Some(target) = content.get_mut(offset..end) {
        target.copy_from_slice(bytes);
    }
}

fn missing(name: &str) -> io::Error {
    io::Error::new(io::ErrorKind::NotFound, format!("there is no file {name}"))
}

fn to_u64(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

fn to_usize(length: u64) -> usize {
    usize::try_from(length).unwrap_or(usize::MAX)
}
