//! The one way to record and to read what is recorded: a cheap handle to the one writer.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::Duration;

use throughline_sdk::{Entropy, Timestamp};
use tokio::sync::{broadcast, mpsc, oneshot};

use super::record::{Record, parse};
use super::recover::recover;
use super::segments::{Found, Lines, Segments};
use super::writer::Writer;
use super::{Error, Keyring, Log, MasterKey, Medium, Position, Told, told};
use crate::case::{Case, CaseId, Fact};
use crate::store::{self, Index, Store};

/// Entries that one `fdatasync` may make durable. Their texts are bounded where they come in, so a group is too.
const GROUP: usize = 512;
/// Entries that may wait; whoever comes after that waits for room.
const QUEUE: usize = 1024;

/// News that are kept for a slow listener.
const NEWS: usize = 1024;

/// How long an entry that can wait is kept for another, to share its sync: on a slow disk, syncs that nobody waits for
/// are what the next webhook stands behind.
const MOMENT: Duration = Duration::from_millis(5);

/// What a journal is made of.
#[derive(Debug)]
pub struct Parts {
    /// The data directory.
    pub medium: Arc<dyn Medium>,
    /// The engine of the correlation store.
    pub store: Arc<dyn Store>,
    /// Wraps the keys of the cases.
    pub master: MasterKey,
    /// Makes keys and nonces.
    pub entropy: Arc<dyn Entropy>,
    /// Where blocking work is done.
    pub offload: Offload,
    /// The length at which a segment is followed by a new one; 128 MiB unless a test wants less.
    pub segment_bytes: u64,
}

impl Parts {
    /// The length of a segment unless told otherwise.
    pub const SEGMENT_BYTES: u64 = 128 * 1024 * 1024;
}

/// Where blocking work is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Offload {
    /// A thread of its own for the writer and tokio's blocking threads for readers: production.
    Threads,
    /// Inside the future that asks: no threads and no real time, for simulation.
    Inline,
}

/// What is to be recorded.
#[derive(Clone, Debug)]
pub struct Entry {
    /// When.
    pub at: Timestamp,
    /// The case it is about, after folding `facts`, with `last` still the position of the record before.
    pub case: Option<Case>,
    /// What happened.
    pub facts: Vec<Fact>,
}

impl Entry {
    /// Whether it only says how operations ended. Nobody outside waits for that, only the next step of its own lane,
    /// and a crash in the meantime leaves a doubt, as one before the system's answer does.
    fn can_wait(&self) -> bool {
        let ends = |fact: &Fact| matches!(fact, Fact::Effected { .. });
        let begins = |fact: &Fact| matches!(fact, Fact::Intended { .. } | Fact::Hinted { .. });
        self.facts.iter().any(ends) && !self.facts.iter().any(begins)
    }
}

/// Where an entry was recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Committed {
    /// Where its record begins.
    pub position: Position,
    /// Its number.
    pub seq: u64,
}

/// Something was recorded about a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct News {
    /// The case.
    pub case: CaseId,
    /// The record's number.
    pub seq: u64,
}

/// A handle to the ledger and its index.
#[derive(Clone, Debug)]
pub struct Journal {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    medium: Arc<dyn Medium>,
    index: Index,
    keyring: Arc<Keyring>,
    next_case: AtomicU64,
    end: Arc<AtomicU64>,
    size: Arc<AtomicU64>,
    closed: AtomicBool,
    failure: Arc<OnceLock<String>>,
    news: broadcast::Sender<News>,
    way: Way,
}

#[derive(Debug)]
enum Way {
    Thread(mpsc::Sender<Job>),
    Inline(Box<Mutex<Writer>>),
}

enum Job {
    Commit(Box<Entry>, oneshot::Sender<Result<Committed, Error>>),
    Erase(CaseId, oneshot::Sender<Result<(), Error>>),
    Close(oneshot::Sender<Result<(), Error>>),
}

impl Journal {
    /// Opens the ledger, cuts a torn tail and brings the store up to it. May take long if the store is rebuilt.
    ///
    /// # Errors
    ///
    /// [`Error::Corrupt`] if an acknowledged record is not what was written; [`Error::WrongMasterKey`].
    pub async fn open(parts: Parts) -> Result<Self, Error> {
        let offload = parts.offload;
        let writer = match offload {
            Offload::Threads => blocking(move || recover(parts)).await?,
            Offload::Inline => recover(parts)?,
        };
        let highest = writer.index.counts()?.highest;
        let failure = Arc::new(OnceLock::new());
        let (medium, index) = (Arc::clone(&writer.medium), writer.index.clone());
        let keyring = Arc::clone(&writer.keyring);
        let (end, size) = (Arc::clone(&writer.durable), Arc::clone(&writer.size));
        let way = match offload {
            Offload::Threads => {
                let (sender, queue) = mpsc::channel(QUEUE);
                let failure = Arc::clone(&failure);
                thread::Builder::new()
                    .name("ledger".into())
                    .spawn(move || serve(writer, queue, &failure))
                    .map_err(|error| Error::Worker(error.to_string()))?;
                Way::Thread(sender)
            }
            Offload::Inline => Way::Inline(Box::new(Mutex::new(writer))),
        };
        let next_case = AtomicU64::new(highest + 1);
        let closed = AtomicBool::new(false);
        let (news, _) = broadcast::channel(NEWS);
        let shared = Shared { medium, index, keyring, next_case, end, size, closed, failure, news, way };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// Records an entry: durable and indexed on return. Those who ask at the same time share one sync.
    ///
    /// # Errors
    ///
    /// After a failure of disk or store nothing is recorded any more, see [`is_failed`](Self::is_failed): whether this
    /// entry was is only known after a restart. [`Error::Stale`] and [`Error::Erased`] concern this entry alone,
    /// which then is not recorded.
    pub async fn commit(&self, entry: Entry) -> Result<Committed, Error> {
        self.check()?;
        let case = entry.case.as_ref().map(|case| case.id);
        let committed = self.hand_over(entry).await?;
        if let Some(case) = case {
            // Nobody may be listening.
            drop(self.shared.news.send(News { case, seq: committed.seq }));
        }
        Ok(committed)
    }

    /// What is recorded from now on. Whoever listens too slowly is told that something was left out.
    pub fn news(&self) -> broadcast::Receiver<News> {
        self.shared.news.subscribe()
    }

    async fn hand_over(&self, entry: Entry) -> Result<Committed, Error> {
        match &self.shared.way {
            Way::Thread(queue) => {
                let (answer, answered) = oneshot::channel();
                ask(queue, Job::Commit(Box::new(entry), answer), answered).await
            }
            Way::Inline(writer) => {
                let mut writer = writer.lock().unwrap_or_else(PoisonError::into_inner);
                let outcome = self.note(writer.group(vec![entry]))?.pop();
                // What fails here concerns those who come after.
                drop(self.note(writer.settle()));
                outcome.unwrap_or_else(|| Err(Error::Worker("it did not answer".into())))
            }
        }
    }

    /// Reads from the index.
    pub async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Index) -> Result<T, store::Error> + Send + 'static,
    ) -> Result<T, Error> {
        match &self.shared.way {
            Way::Thread(_) => {
                let index = self.shared.index.clone();
                blocking(move || Ok(read(&index)?)).await
            }
            Way::Inline(_) => Ok(read(&self.shared.index)?),
        }
    }

    /// Looks something up by its key, at once and where the caller stands: what a change of threads costs is several
    /// times what the store's cache does, and a page that is not in it is one short read. Scans go through
    /// [`read`](Self::read).
    pub fn look_up<T>(&self, read: impl FnOnce(&Index) -> Result<T, store::Error>) -> Result<T, Error> {
        Ok(read(&self.shared.index)?)
    }

    /// What was recorded from `from` on, as far as records say so themselves: at most `limit` records.
    ///
    /// # Errors
    ///
    /// [`Error::Corrupt`] also if no record begins there.
    pub async fn told(&self, from: Position, limit: usize) -> Result<Vec<Told>, Error> {
        let (medium, end) = (Arc::clone(&self.shared.medium), self.end());
        let read = move || told::read(&*medium, from, end, limit);
        match &self.shared.way {
            Way::Thread(_) => blocking(read).await,
            Way::Inline(_) => read(),
        }
    }

    /// The end of what is durable: every later record begins here or behind.
    pub fn end(&self) -> Position {
        Position(self.shared.end.load(Ordering::Acquire))
    }

    /// A case number that was never given before.
    pub fn next_case(&self) -> CaseId {
        CaseId(self.shared.next_case.fetch_add(1, Ordering::Relaxed))
    }

    /// A case's records, oldest first.
    pub async fn timeline(&self, case: &Case) -> Result<Vec<Record>, Error> {
        let (medium, keyring) = (Arc::clone(&self.shared.medium), Arc::clone(&self.shared.keyring));
        let last = case.last;
        match &self.shared.way {
            Way::Thread(_) => blocking(move || walk_back(&*medium, &keyring, last)).await,
            Way::Inline(_) => walk_back(&*medium, &keyring, last),
        }
    }

    /// Reads from the log as it is now.
    ///
    /// # Errors
    ///
    /// When the tree cannot be read, and whatever `read` answers.
    pub async fn log<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Log, &Keyring) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let (medium, keyring) = (Arc::clone(&self.shared.medium), Arc::clone(&self.shared.keyring));
        let size = self.shared.size.load(Ordering::Acquire);
        let run = move || read(&Log::at(medium, size)?, &keyring);
        match &self.shared.way {
            Way::Thread(_) => blocking(run).await,
            Way::Inline(_) => run(),
        }
    }

    /// Makes a case's content unreadable for good: its key is destroyed, and the store forgets it. The ledger still
    /// verifies. Files it named are not touched.
    pub async fn erase(&self, case: CaseId) -> Result<(), Error> {
        self.check()?;
        match &self.shared.way {
            Way::Thread(queue) => {
                let (answer, answered) = oneshot::channel();
                ask(queue, Job::Erase(case, answer), answered).await
            }
            Way::Inline(writer) => {
                self.note(writer.lock().unwrap_or_else(PoisonError::into_inner).erase(case))
            }
        }
    }

    /// Finishes what was asked for, flushes the store and writes the checkpoint. Nothing is recorded after that.
    pub async fn close(&self) -> Result<(), Error> {
        self.check()?;
        self.shared.closed.store(true, Ordering::Release);
        match &self.shared.way {
            Way::Thread(queue) => {
                let (answer, answered) = oneshot::channel();
                ask(queue, Job::Close(answer), answered).await
            }
            Way::Inline(writer) => self.note(writer.lock().unwrap_or_else(PoisonError::into_inner).close()),
        }
    }

    /// Whether an earlier failure stopped all writing. It stays so until a restart.
    pub fn is_failed(&self) -> bool {
        self.shared.failure.get().is_some()
    }

    fn check(&self) -> Result<(), Error> {
        if let Some(failure) = self.shared.failure.get() {
            return Err(Error::Failed(failure.clone()));
        }
        if self.shared.closed.load(Ordering::Acquire) { Err(Error::Closed) } else { Ok(()) }
    }

    fn note<T>(&self, outcome: Result<T, Error>) -> Result<T, Error> {
        outcome.inspect_err(|error| note(&self.shared.failure, error))
    }
}

/// The writer's thread: takes whatever waits, commits it as one group, answers all.
fn serve(mut writer: Writer, mut queue: mpsc::Receiver<Job>, failure: &OnceLock<String>) {
    while let Some(first) = queue.blocking_recv() {
        let (mut entries, mut answers, mut other) = (Vec::new(), Vec::new(), None);
        let (mut job, mut has_waited) = (Some(first), false);
        while let Some(next) = job {
            match next {
                Job::Commit(entry, answer) => {
                    entries.push(*entry);
                    answers.push(answer);
                }
                Job::Erase(..) | Job::Close(_) => {
                    other = Some(next);
                    break;
                }
            }
            job = if entries.len() < GROUP { queue.try_recv().ok() } else { break };
            if job.is_none() && !has_waited && entries.iter().all(Entry::can_wait) {
                has_waited = true;
                job = next_soon(&mut queue);
            }
        }
        if !entries.is_empty() {
            let outcomes = unless_failed(failure, || writer.group(entries));
            match outcomes {
                Ok(outcomes) => answers.into_iter().zip(outcomes).for_each(|(to, outcome)| tell(to, outcome)),
                Err(error) => answers.into_iter().for_each(|to| tell(to, Err(error.clone()))),
            }
            // What fails here concerns those who come after.
            drop(unless_failed(failure, || writer.settle()));
        }
        match other {
            Some(Job::Erase(case, answer)) => {
                tell(answer, unless_failed(failure, || writer.erase(case)));
            }
            Some(Job::Close(answer)) => {
                let outcome = unless_failed(failure, || writer.close());
                // Whoever waits for the end may open the data directory again at once.
                drop(writer);
                tell(answer, outcome);
                return;
            }
            Some(Job::Commit(..)) | None => {}
        }
    }
}

/// What comes next, if it comes before [`MOMENT`] is over.
fn next_soon(queue: &mut mpsc::Receiver<Job>) -> Option<Job> {
    struct Unpark(Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    match queue.poll_recv(&mut Context::from_waker(&waker)) {
        Poll::Ready(next) => next,
        Poll::Pending => {
            thread::park_timeout(MOMENT);
            queue.try_recv().ok()
        }
    }
}

fn unless_failed<T>(failure: &OnceLock<String>, run: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
    if let Some(earlier) = failure.get() {
        return Err(Error::Failed(earlier.clone()));
    }
    run().inspect_err(|error| note(failure, error))
}

fn note(failure: &OnceLock<String>, error: &Error) {
    if error.is_sticky() {
        let reason = failure.get_or_init(|| error.to_string());
        tracing::error!(%reason, "The ledger stopped. Nothing is recorded until a restart.");
    }
}

/// Whoever asked may have gone; what was recorded stays recorded.
fn tell<T>(to: oneshot::Sender<T>, outcome: T) {
    drop(to.send(outcome));
}

async fn ask<T>(
    queue: &mpsc::Sender<Job>,
    job: Job,
    answered: oneshot::Receiver<Result<T, Error>>,
) -> Result<T, Error> {
    queue.send(job).await.map_err(|mpsc::error::SendError(_)| Error::Closed)?;
    answered.await.unwrap_or(Err(Error::Closed))
}

async fn blocking<T: Send + 'static>(
    run: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    match tokio::task::spawn_blocking(run).await {
        Ok(outcome) => outcome,
        Err(error) => Err(Error::Worker(error.to_string())),
    }
}

fn walk_back(medium: &dyn Medium, keyring: &Keyring, last: Option<Position>) -> Result<Vec<Record>, Error> {
    let segments = Segments::list(medium)?;
    let mut records = Vec::new();
    let mut next = last;
    while let Some(position) = next {
        let Found::Line(_, line) = Lines::one(medium, &segments, position.0).next()? else {
            let what = "there is no record".to_owned();
            return Err(Error::Corrupt { position, what });
        };
        let parsed = parse(&line).map_err(|what| Error::Corrupt { position, what })?;
        let record = parsed.unseal(position, keyring)?;
        next = record.prev.filter(|prev| *prev < position);
        records.push(record);
    }
    records.reverse();
    Ok(records)
}
