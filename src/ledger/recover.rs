//! From what a crash left to a writer: verify what lies behind the checkpoint, cut a torn tail, catch the store up.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use super::checkpoint::{self, Mark};
use super::journal::{Offload, Parts};
use super::record::{chain, parse, split};
use super::segments::{FOLDER, Found, Lines, Segment, Segments};
use super::tree::Growing;
use super::writer::Writer;
use super::{Error, Keyring, Medium, Position, merkle};
use crate::store::{Changes, Index};

/// Index entries per batch of a replay.
const BATCH: usize = 4096;
/// Index entries that wait while the daemon runs: what a start after a crash may have to take up again, and what one
/// pause of the writer writes out.
const PENDING: usize = 512;
/// Few enough that a simulated crash finds the store up to date, behind, and far behind.
const PENDING_INLINE: usize = 6;
/// Records between two lines of progress in the log.
const PROGRESS: u64 = 100_000;

pub(super) fn recover(parts: Parts) -> Result<Writer, Error> {
    let Parts { medium, store, master, entropy, offload, segment_bytes } = parts;
    let segments = Segments::list(&*medium)?;
    let (begin, synced, turn) = match checkpoint::read(&*medium)? {
        Some(found) => (found.mark, found.synced, found.turn),
        None if segments.end() == 0 => {
            // Before the first record, so that a ledger without a checkpoint is always a damaged one.
            checkpoint::write_synced(&*medium, &Mark::genesis(), &merkle::empty(), 0)?;
            (Mark::genesis(), None, 1)
        }
        None => {
            let what = "there are records and the file checkpoint is missing or broken".to_owned();
            return Err(Error::Corrupt { position: Position(0), what });
        }
    };
    check_begin(&*medium, &segments, &begin)?;
    let end = scan(&*medium, &segments, begin)?;
    cut(&*medium, &segments, &end)?;
    let segments = Segments::list(&*medium)?;
    let synced = synced.as_ref().map(|(mark, root)| (mark, *root));
    let tree = Growing::recover(&*medium, &segments, synced, &end)?;
    let has_records = end.seq > 0;
    let keyring = Keyring::open(Arc::clone(&medium), Arc::clone(&entropy), &master, has_records)?;
    let index = Index::new(store);
    catch_up(&*medium, &segments, &index, &keyring, &end)?;
    let mut writer = Writer {
        medium,
        index,
        keyring: Arc::new(keyring),
        entropy,
        segment_bytes,
        pending: match offload {
            Offload::Threads => PENDING,
            Offload::Inline => PENDING_INLINE,
        },
        segment: segments.last().map_or(0, |segment| segment.start),
        durable: Arc::new(AtomicU64::new(end.next)),
        size: Arc::new(AtomicU64::new(end.seq)),
        end,
        tree,
        turn,
        lines: Vec::new(),
        scratch: Vec::new(),
    };
    writer.checkpoint()?;
    Ok(writer)
}

/// The checkpoint's own record has to be there, unchanged at least in its hash.
fn check_begin(medium: &dyn Medium, segments: &Segments, mark: &Mark) -> Result<(), Error> {
    if segments.end() < mark.next {
        let what = format!("the ledger ends here, and its checkpoint at byte {}", mark.next);
        return Err(Error::Corrupt { position: Position(segments.end()), what });
    }
    if ends_at(medium, segments, mark)? {
        Ok(())
    } else {
        let what = "the last record before the checkpoint is not the one that was written".to_owned();
        Err(Error::Corrupt { position: Position(mark.last), what })
    }
}

/// Whether the record before `mark` is the one it names.
fn ends_at(medium: &dyn Medium, segments: &Segments, mark: &Mark) -> Result<bool, Error> {
    if mark.seq == 0 {
        return Ok(*mark == Mark::genesis());
    }
    Ok(match Lines::one(medium, segments, mark.last).next()? {
        Found::Line(Position(at), line) => {
            let length = u64::try_from(line.len()).unwrap_or(u64::MAX);
            let states_it = split(&line).is_some_and(|(hash, _)| hash == mark.hash);
            states_it && at.saturating_add(length).saturating_add(1) == mark.next
        }
        Found::Unfinished(_) | Found::End => false,
    })
}

/// The end of the last whole, chained record.
fn scan(medium: &dyn Medium, segments: &Segments, begin: Mark) -> Result<Mark, Error> {
    let mut end = begin;
    let mut lines = Lines::new(medium, segments, end.next);
    while let Found::Line(Position(at), line) = lines.next()? {
        let Some((stated, json)) = split(&line) else { break };
        if chain(&end.hash, json) != stated || parse(&line).is_ok_and(|parsed| parsed.seq != end.seq + 1) {
            break;
        }
        // Chained and unreadable is no torn tail: a later version wrote it.
        parse(&line).map_err(|what| Error::Corrupt { position: Position(at), what })?;
        let length = u64::try_from(line.len()).unwrap_or(u64::MAX);
        let next = at.saturating_add(length).saturating_add(1);
        end = Mark { last: at, next, seq: end.seq + 1, hash: stated.to_owned() };
    }
    Ok(end)
}

fn cut(medium: &dyn Medium, segments: &Segments, end: &Mark) -> Result<(), Error> {
    let torn = segments.end().saturating_sub(end.next);
    let Some(last) = segments.last().filter(|_| torn > 0) else { return Ok(()) };
    if end.next < last.start {
        let what = "a record is broken, and whole segments follow it".to_owned();
        return Err(Error::Corrupt { position: Position(end.next), what });
    }
    let name = Segment::name(last.start);
    tracing::warn!(
        ledger.position = end.next,
        torn.bytes = torn,
        "The ledger ends in a record that was not finished. It was never acknowledged and is cut off."
    );
    medium.truncate(&name, end.next - last.start).map_err(Error::io("cut", &name))?;
    medium.sync(&name).map_err(Error::io("sync", &name))?;
    medium.sync_dir(FOLDER).map_err(Error::io("sync the folder of", &name))
}

fn catch_up(
    medium: &dyn Medium,
    segments: &Segments,
    index: &Index,
    keyring: &Keyring,
    end: &Mark,
) -> Result<(), Error> {
    let from = match index.store().applied() {
        Ok(Some(mark)) if mark.next <= end.next && ends_at(medium, segments, &mark)? => mark,
        Ok(None) if end.seq == 0 => return Ok(()),
        unusable => {
            tracing::info!(
                records = end.seq,
                found = ?unusable,
                "The correlation store does not fit the ledger. It is rebuilt from the first record."
            );
            index.reset()?;
            Mark::genesis()
        }
    };
    let begun_at = from.seq;
    // The counts are read also where nothing is missing: a store that cannot tell them is broken.
    let mut outcome = index.counts().map(drop).map_err(Error::from);
    if outcome.is_ok() && from.next < end.next {
        outcome = replay(medium, segments, index, keyring, from);
    }
    match outcome {
        Err(Error::Store(error)) if begun_at > 0 => {
            tracing::warn!(%error, "The correlation store cannot be read. It is rebuilt from the first record.");
            index.reset()?;
            replay(medium, segments, index, keyring, Mark::genesis())?;
        }
        other => other?,
    }
    Ok(index.store().flush()?)
}

fn replay(
    medium: &dyn Medium,
    segments: &Segments,
    index: &Index,
    keyring: &Keyring,
    from: Mark,
) -> Result<(), Error> {
    let mut lines = Lines::new(medium, segments, from.next);
    let mut done = from;
    let mut changes = Changes::new(index)?;
    while let Found::Line(position, line) = lines.next()? {
        let hash = split(&line).map(|(hash, _)| hash.to_owned()).unwrap_or_default();
        let parsed = parse(&line).map_err(|what| Error::Corrupt { position, what })?;
        let record = parsed.unseal(position, keyring)?;
        match record.case.filter(|_| record.erased) {
            Some(erased) => changes.erase(erased)?,
            None => changes.replay(&record.facts, record.case, record.at, position)?,
        }
        let length = u64::try_from(line.len()).unwrap_or(u64::MAX);
        let next = position.0.saturating_add(length).saturating_add(1);
        done = Mark { last: position.0, next, seq: record.seq, hash };
        if changes.len() >= BATCH {
            index.absorb(changes.finish());
            index.write_out(&done)?;
            changes = Changes::new(index)?;
        }
        if done.seq.is_multiple_of(PROGRESS) {
            tracing::info!(records = done.seq, "The correlation store is catching up with the ledger.");
        }
    }
    index.absorb(changes.finish());
    Ok(index.write_out(&done)?)
}
