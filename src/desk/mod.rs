//! The bridge's own desk for one partner: the tickets of its northbound face, durable in the data directory. Without a
//! partner it is kept by our own agents for a portal ([`reference`]).
//!
//! To the rest of the house it is a desk like any other. The ledger records what the engine read of it and wrote into
//! it; what stands in it, it keeps itself, one file for each ticket under `desks/SYSTEM/` of the data directory:
//! written whole under another name, synced, renamed, and only then acknowledged. In memory are a few words of each
//! ticket, so that what is asked for most is found without reading them all.

mod folder;
mod index;
mod record;
pub mod reference;
mod subscription;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use chrono::TimeDelta;
use serde_json::Map;
use throughline_sdk::{Blobs, Clock, Digest, SystemName, Timestamp};
use tokio::sync::watch;

use crate::ledger::{Medium, Offload};
use folder::Folder;
use index::Index;

pub use index::Narrow;
pub use record::{Change, Event, NewEvent, Record, Sort, Stored};
pub use subscription::{Due, Subscription};

/// The most events of one ticket that wait for their subscribers; older ones are dropped.
const MOST_EVENTS: usize = 64;

/// The most subscriptions of one partner.
pub const MOST_SUBSCRIPTIONS: usize = 32;

/// Why a desk could not do something.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The disk.
    #[error("the desk's file {name} cannot be {verb}: {source}; mend the disk and restart")]
    Disk {
        /// The file, in the data directory.
        name: String,
        /// What was tried.
        verb: &'static str,
        /// Why not.
        source: std::io::Error,
    },
    /// What stands in a file.
    #[error("the desk's file {name} is damaged: {what}; restore it from a backup")]
    Damaged {
        /// The file, in the data directory.
        name: String,
        /// What is wrong, and where.
        what: String,
    },
    /// A write failed before, so that what stands on disk is not known.
    #[error("an earlier write of this desk failed; restart")]
    Failed,
    /// The thread that does blocking work is gone.
    #[error("a worker ended: {0}")]
    Worker(String),
}

/// What a desk is made of.
#[derive(Clone, Debug)]
pub struct Parts {
    /// The system's name.
    pub name: SystemName,
    /// What it is like to its partner.
    pub settings: Settings,
    /// The data directory.
    pub medium: Arc<dyn Medium>,
    /// Where blocking work is done.
    pub offload: Offload,
    /// Files by digest.
    pub blobs: Arc<dyn Blobs>,
    /// Time.
    pub clock: Arc<dyn Clock>,
}

/// What a desk is like to its partner.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The partner's name for readers.
    pub party: String,
    /// Whether `fields=X` is answered with X only, under version 4 and 5.
    pub only: [bool; 2],
    /// The largest file taken, in bytes.
    pub max_file_bytes: u64,
    /// Our own agents keep it for a portal; `None`: a partner reaches it.
    pub reference: Option<reference::Terms>,
}

/// A desk. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Desk {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    name: SystemName,
    settings: Settings,
    folder: Folder,
    offload: Offload,
    blobs: Arc<dyn Blobs>,
    clock: Arc<dyn Clock>,
    /// Held while something is written. Never while a reader waits.
    writing: Mutex<()>,
    index: RwLock<Index>,
    failed: AtomicBool,
    /// The number of the last change, or a subscription: who announces changes waits for it.
    changed: watch::Sender<u64>,
}

/// What a change is made on.
#[derive(Clone, Copy, Debug)]
pub struct Before<'a> {
    /// The number that it has, or is given now.
    pub number: u64,
    /// What stands there; `None` where it is made now.
    pub record: Option<&'a Record>,
    /// The moment of the change: later than that of every change before.
    pub now: Timestamp,
}

/// What became of a change.
#[derive(Clone, Debug)]
pub struct Changed {
    /// The number of what was changed.
    pub number: u64,
    /// How it stands now.
    pub record: Record,
}

impl Desk {
    /// Opens the desk of a system: reads what it holds. Blocks.
    ///
    /// # Errors
    ///
    /// When a file cannot be read, or is damaged.
    pub fn open(parts: Parts) -> Result<Self, Error> {
        let Parts { name, settings, medium, offload, blobs, clock } = parts;
        let folder = Folder::open(medium, &name)?;
        let mut index = Index::default();
        for sort in Sort::ALL {
            for number in folder.numbers(sort.folder())? {
                if let Some(record) = folder.read::<Record>(sort.folder(), number)? {
                    index.put(sort, number, &record);
                }
            }
        }
        for id in folder.numbers(Subscription::FOLDER)? {
            if let Some(subscription) = folder.read::<Subscription>(Subscription::FOLDER, id)? {
                index.subscribe(id, subscription);
            }
        }
        let changed = watch::Sender::new(index.change());
        let inner = Inner {
            name,
            settings,
            folder,
            offload,
            blobs,
            clock,
            writing: Mutex::default(),
            index: RwLock::new(index),
            failed: AtomicBool::new(false),
            changed,
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// The system's name.
    pub fn name(&self) -> &SystemName {
        &self.inner.name
    }

    /// What it is like to its partner.
    pub fn settings(&self) -> &Settings {
        &self.inner.settings
    }

    /// Files by digest.
    pub fn blobs(&self) -> &Arc<dyn Blobs> {
        &self.inner.blobs
    }

    /// Time.
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.inner.clock
    }

    /// The moment of the last change: whatever changes from now on changes later.
    pub(crate) fn last(&self) -> Timestamp {
        self.inner.index.read().unwrap_or_else(PoisonError::into_inner).last()
    }

    /// Tells of changes and subscriptions.
    pub(crate) fn watch(&self) -> watch::Receiver<u64> {
        self.inner.changed.subscribe()
    }

    /// What stands under a number.
    ///
    /// # Errors
    ///
    /// When it cannot be read.
    pub async fn read(&self, sort: Sort, number: u64) -> Result<Option<Record>, Error> {
        self.run(move |inner| inner.read(sort, number)).await
    }

    /// Goes through everything of a sort, by number, as far as `narrow` does not rule it out; `visit` may see more than
    /// what `narrow` says.
    ///
    /// # Errors
    ///
    /// When something cannot be read.
    pub async fn scan<T: Send + 'static>(
        &self,
        sort: Sort,
        narrow: Narrow,
        start: T,
        mut visit: impl FnMut(&mut T, u64, Record) + Send + 'static,
    ) -> Result<T, Error> {
        self.run(move |inner| {
            let numbers = inner.index.read().unwrap_or_else(PoisonError::into_inner).numbers(sort, &narrow);
            let mut state = start;
            for number in numbers {
                if let Some(record) = inner.read(sort, number)? {
                    visit(&mut state, number, record);
                }
            }
            Ok(state)
        })
        .await
    }

    /// Makes something (`number` is `None`) or changes it; durable on return. Once begun it comes to its end, whether
    /// or not the caller waits for it. `Ok(Ok(None))`: there is nothing under this number.
    ///
    /// # Errors
    ///
    /// When the disk fails; whether the change was made is then known after a restart only. Inside, what `change` says.
    pub async fn change<E: Send + 'static>(
        &self,
        sort: Sort,
        number: Option<u64>,
        change: impl FnOnce(Before<'_>) -> Result<Change, E> + Send + 'static,
    ) -> Result<Result<Option<Changed>, E>, Error> {
        self.run(move |inner| inner.change(sort, number, change)).await
    }

    /// Empties what stands under a number, for good: nothing of what it said is kept, and no subscriber is told of it.
    ///
    /// # Errors
    ///
    /// When the disk fails.
    pub async fn forget(&self, sort: Sort, number: u64) -> Result<(), Error> {
        self.run(move |inner| inner.forget(sort, number)).await
    }

    /// Whether anything that stands here has this file.
    ///
    /// # Errors
    ///
    /// When something cannot be read.
    pub async fn holds(&self, digest: &Digest) -> Result<bool, Error> {
        let digest = digest.clone();
        let visit = move |held: &mut bool, _, record: Record| {
            *held |= record.files.values().any(|file| file.digest == digest);
        };
        self.scan(Sort::Ticket, Narrow::default(), false, visit).await
    }

    async fn run<T: Send + 'static>(
        &self,
        job: impl FnOnce(&Inner) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        match self.inner.offload {
            Offload::Inline => job(&self.inner),
            Offload::Threads => {
                let inner = Arc::clone(&self.inner);
                let done = tokio::task::spawn_blocking(move || job(&inner)).await;
                done.map_err(|error| Error::Worker(error.to_string()))?
            }
        }
    }
}

impl Inner {
    fn read(&self, sort: Sort, number: u64) -> Result<Option<Record>, Error> {
        let read: Option<Record> = self.folder.read(sort.folder(), number)?;
        Ok(read.filter(|record| !record.deleted))
    }

    fn change<E>(
        &self,
        sort: Sort,
        number: Option<u64>,
        change: impl FnOnce(Before<'_>) -> Result<Change, E>,
    ) -> Result<Result<Option<Changed>, E>, Error> {
        let _writing = self.begin()?;
        let before = match number {
            Some(number) => match self.read(sort, number)? {
                None => return Ok(Ok(None)),
                record => record,
            },
            None => None,
        };
        let (number, next, last, heard) = {
            let index = self.index.read().unwrap_or_else(PoisonError::into_inner);
            let number = number.unwrap_or_else(|| index.next(sort));
            (number, index.change() + 1, index.last(), index.heard())
        };
        // A moment of its own for each change, so that a list by time leaves none out.
        let now = self.clock.now();
        let now = Timestamp::from_timestamp_millis(now.timestamp_millis()).unwrap_or(now);
        let now = now.max(last.checked_add_signed(TimeDelta::milliseconds(1)).unwrap_or(last));
        let change = match change(Before { number, record: before.as_ref(), now }) {
            Ok(change) => change,
            Err(refused) => return Ok(Err(refused)),
        };
        let (created, standing, carried) = match before {
            Some(before) => (before.created, before.events, before.carried),
            None => (now, Vec::new(), None),
        };
        let record = Record {
            v: Record::VERSION,
            change: next,
            created,
            updated: now,
            document: change.document,
            files: change.files,
            parts: change.parts,
            carried: change.carried.or(carried),
            events: events(standing, change.events, next, now, heard),
            deleted: change.deleted,
        };
        self.write(|folder| folder.write(sort.folder(), number, &record))?;
        self.index.write().unwrap_or_else(PoisonError::into_inner).put(sort, number, &record);
        self.changed.send_replace(next);
        Ok(Ok(Some(Changed { number, record })))
    }

    fn forget(&self, sort: Sort, number: u64) -> Result<(), Error> {
        let _writing = self.begin()?;
        let Some(before) = self.folder.read::<Record>(sort.folder(), number)? else { return Ok(()) };
        let change = self.index.read().unwrap_or_else(PoisonError::into_inner).change() + 1;
        let record = Record {
            change,
            document: Map::default(),
            files: BTreeMap::new(),
            carried: None,
            events: Vec::new(),
            deleted: true,
            ..before
        };
        self.write(|folder| folder.write(sort.folder(), number, &record))?;
        self.index.write().unwrap_or_else(PoisonError::into_inner).put(sort, number, &record);
        self.changed.send_replace(change);
        Ok(())
    }

    fn begin(&self) -> Result<std::sync::MutexGuard<'_, ()>, Error> {
        let writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        if self.failed.load(Ordering::Relaxed) { Err(Error::Failed) } else { Ok(writing) }
    }

    fn write(&self, write: impl FnOnce(&Folder) -> Result<(), Error>) -> Result<(), Error> {
        write(&self.folder).inspect_err(|error| {
            tracing::error!(system.name = %self.name, %error, "The desk of a partner cannot be written any more.");
            self.failed.store(true, Ordering::Relaxed);
        })
    }
}

/// The events that still wait, and the new ones. `heard` is how far every subscriber has come, `None` without any.
fn events(
    standing: Vec<Event>,
    new: Vec<NewEvent>,
    change: u64,
    time: Timestamp,
    heard: Option<u64>,
) -> Vec<Event> {
    let Some(heard) = heard else { return Vec::new() };
    let mut all: Vec<Event> = standing.into_iter().filter(|event| event.change > heard).collect();
    all.extend(new.into_iter().enumerate().map(|(at, new)| Event {
        change,
        at,
        time,
        name: new.name,
        document: new.document,
    }));
    let surplus = all.len().saturating_sub(MOST_EVENTS);
    all.split_off(surplus)
}
