//! The whole record read once more, by several hands: for whoever wants to know what would have become of it.
//!
//! Only reads, also beside a running daemon, or from an export.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread;

use serde::Deserialize;
use throughline_sdk::Timestamp;

use super::record::{Record, parse, split};
use super::segments::{Found, Lines, Segments};
use super::{Error, Keyring, Medium, Position};
use crate::case::CaseId;

/// Lines that go to a worker together.
const BATCH: usize = 64;
/// Batches that may wait for a worker.
const QUEUE: usize = 16;

/// A record to be read again.
#[derive(Clone, Debug)]
pub enum History {
    /// The ledger of a data directory.
    Ledger(Arc<dyn Medium>, Arc<Keyring>),
    /// A file that `ledger export` wrote.
    Export(PathBuf),
}

/// What a record says of itself without being unsealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Heading {
    /// When it was recorded.
    pub at: Timestamp,
    /// The case it is about.
    pub case: Option<CaseId>,
}

type Batch = Vec<(Position, Vec<u8>)>;

impl History {
    /// Tells every record's heading, oldest first.
    ///
    /// # Errors
    ///
    /// When it cannot be read; what `each` answers with an error ends it too.
    pub fn headings(&self, each: &mut dyn FnMut(Heading)) -> Result<(), Error> {
        self.lines(&mut |position, line| {
            each(self.heading(position, &line)?);
            Ok(())
        })
    }

    /// Hands every wanted record to one of the workers: all records of a case to the same one, in their order, and
    /// those of no case to the first. The workers work side by side.
    ///
    /// # Errors
    ///
    /// When something cannot be read or unsealed.
    pub fn replay<W: FnMut(Record) + Send>(
        &self,
        wanted: &dyn Fn(Heading) -> bool,
        workers: &mut [W],
    ) -> Result<(), Error> {
        let Some(count) = NonZeroUsize::new(workers.len()) else { return Ok(()) };
        thread::scope(|scope| {
            let mut hands: Vec<(SyncSender<Batch>, Batch)> = Vec::new();
            let mut working = Vec::new();
            for worker in workers {
                let (sender, batches) = sync_channel::<Batch>(QUEUE);
                hands.push((sender, Vec::with_capacity(BATCH)));
                working.push(scope.spawn(move || {
                    for (position, line) in batches.into_iter().flatten() {
                        worker(self.record(position, &line)?);
                    }
                    Ok::<(), Error>(())
                }));
            }
            let read = self.lines(&mut |position, line| {
                let heading = self.heading(position, &line)?;
                if !wanted(heading) {
                    return Ok(());
                }
                let number = heading.case.map_or(0, |case| usize::try_from(case.0).unwrap_or_default());
                let Some((sender, batch)) = hands.get_mut(number % count) else { return Ok(()) };
                batch.push((position, line));
                if batch.len() >= BATCH {
                    // A worker that ended tells why when it is joined.
                    sender.send(std::mem::take(batch)).map_err(|_gone| Error::Closed)?;
                }
                Ok(())
            });
            for (sender, batch) in hands {
                drop(sender.send(batch));
            }
            let ended: Vec<Result<(), Error>> = working
                .into_iter()
                .map(|hand| {
                    hand.join().unwrap_or_else(|_panic| Err(Error::Worker("a reader ended early".into())))
                })
                .collect();
            ended.into_iter().collect::<Result<(), Error>>().and(read)
        })
    }

    fn lines(&self, each: &mut dyn FnMut(Position, Vec<u8>) -> Result<(), Error>) -> Result<(), Error> {
        match self {
            Self::Ledger(medium, _) => {
                let segments = Segments::list(&**medium)?;
                let mut lines = Lines::new(&**medium, &segments, 0);
                // An unfinished line is one that is being written just now.
                while let Found::Line(position, line) = lines.next()? {
                    each(position, line)?;
                }
                Ok(())
            }
            Self::Export(path) => {
                let name = path.display().to_string();
                let mut file = BufReader::new(File::open(path).map_err(Error::io("read", &name))?);
                let mut at = 0;
                loop {
                    let mut line = Vec::new();
                    let count = file.read_until(b'\n', &mut line).map_err(Error::io("read", &name))?;
                    if count == 0 {
                        return Ok(());
                    }
                    if !line.trim_ascii().is_empty() {
                        each(Position(at), line)?;
                    }
                    at = at.saturating_add(u64::try_from(count).unwrap_or_default());
                }
            }
        }
    }

    fn heading(&self, position: Position, line: &[u8]) -> Result<Heading, Error> {
        #[derive(Deserialize)]
        struct Sealed<'a> {
            at: Timestamp,
            #[serde(default, borrow)]
            case: Option<&'a str>,
        }
        #[derive(Deserialize)]
        struct Exported {
            at: Timestamp,
            case: Option<CaseId>,
        }
        let corrupt = |what: String| Error::Corrupt { position, what };
        let unreadable = |error: serde_json::Error| corrupt(format!("it is no record: {error}"));
        match self {
            Self::Ledger(..) => {
                let (_, json) = split(line)
                    .ok_or_else(|| corrupt("it does not begin with a hash and a space".to_owned()))?;
                let sealed: Sealed<'_> = serde_json::from_slice(json).map_err(unreadable)?;
                let case = sealed.case.map(str::parse).transpose().map_err(corrupt)?;
                Ok(Heading { at: sealed.at, case })
            }
            Self::Export(_) => {
                let Exported { at, case } = serde_json::from_slice(line).map_err(unreadable)?;
                Ok(Heading { at, case })
            }
        }
    }

    fn record(&self, position: Position, line: &[u8]) -> Result<Record, Error> {
        let corrupt = |what: String| Error::Corrupt { position, what };
        match self {
            Self::Ledger(_, keyring) => parse(line).map_err(corrupt)?.unseal(position, keyring),
            Self::Export(_) => serde_json::from_slice(line)
                .map_err(|error| corrupt(format!("it is no record of an export: {error}"))),
        }
    }
}
