//! Shows that no record was changed, moved, put in or taken out, from the first to the last.

use std::fmt;

use super::checkpoint::{self, Mark};
use super::merkle::{self, Hash};
use super::record::{Leaf, chain, parse, split};
use super::segments::{Found, Lines, Segments};
use super::tree::{self, Checking};
use super::{Error, Medium, Position};

/// A whole ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// How many records it has.
    pub records: u64,
    /// How long they are.
    pub bytes: u64,
    /// The hash of the last: kept elsewhere, it proves that the ledger was never written anew.
    pub last_hash: String,
    /// The root of the Merkle tree over all of them.
    pub root: Hash,
}

/// The first thing that is wrong with a ledger.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("record {seq} at byte {position}: {what}")]
pub struct Fault {
    /// Where.
    pub position: Position,
    /// The number of the record that should stand there.
    pub seq: u64,
    /// What is wrong.
    pub what: String,
}

/// Reads the whole ledger, telling `progress` the bytes read so far about once per megabyte.
///
/// A daemon may be writing meanwhile: an unfinished record behind the checkpoint is not a fault.
///
/// # Errors
///
/// The first fault.
pub fn verify(medium: &dyn Medium, progress: &mut dyn FnMut(u64)) -> Result<Verified, Fault> {
    let mut end = Mark::genesis();
    // The checkpoint first: the ledger grows past it while it is read, never the other way round.
    let checkpoint = checkpoint::read(medium).map_err(|error| fault(&end, 0, error))?;
    let segments = Segments::list(medium).map_err(|error| {
        if let Error::Corrupt { position, what } = error {
            Fault { position, seq: 0, what }
        } else {
            fault(&end, 0, error)
        }
    })?;
    let Some(checkpoint) = checkpoint else {
        if segments.end() == 0 {
            return Ok(Verified { records: 0, bytes: 0, last_hash: end.hash, root: merkle::empty() });
        }
        return Err(fault(&end, 0, "the checkpoint is missing, so the last records may be missing too"));
    };
    let (checkpoint, root) = (checkpoint.mark, checkpoint.root);
    // A daemon that knew of no tree wrote none.
    let mut tree = Checking::new(medium, if root.is_some() { checkpoint.seq } else { 0 });
    let mut lines = Lines::new(medium, &segments, 0);
    let mut told = 0;
    loop {
        match lines.next().map_err(|error| fault(&end, end.next, error))? {
            Found::Line(Position(at), line) => {
                let (next, leaf) = follow(&end, at, &line).map_err(|what| fault(&end, at, what))?;
                end = next;
                if !tree.push(&leaf).map_err(|error| fault(&end, at, error))? {
                    return Err(fault(&end, at, tree::broken()));
                }
                if end.next == checkpoint.next {
                    if end != checkpoint {
                        return Err(fault(&end, end.last, "it is not the record that the checkpoint names"));
                    }
                    if root.is_some_and(|root| root != tree.root()) {
                        let what = "the root of the tree up to here is not the one that the checkpoint names";
                        return Err(fault(&end, end.last, what));
                    }
                }
            }
            Found::Unfinished(Position(at)) if at < checkpoint.next => {
                return Err(fault(&end, at, "its end is missing"));
            }
            Found::Unfinished(_) | Found::End => break,
        }
        if end.next - told >= 1024 * 1024 {
            told = end.next;
            progress(told);
        }
    }
    if end.seq < checkpoint.seq || end.next < checkpoint.next {
        let what = format!("the ledger ends here, and its checkpoint after record {}", checkpoint.seq);
        return Err(fault(&end, end.next, what));
    }
    let root = tree.root();
    if !tree.finish().map_err(|error| fault(&end, end.next, error))? {
        return Err(fault(&end, end.next, tree::broken()));
    }
    progress(end.next);
    Ok(Verified { records: end.seq, bytes: end.next, last_hash: end.hash, root })
}

/// The end of the ledger after one more line, and its leaf.
fn follow(end: &Mark, at: u64, line: &[u8]) -> Result<(Mark, Leaf), String> {
    let (stated, json) = split(line).ok_or("it does not begin with a hash and a space")?;
    if chain(&end.hash, json) != stated {
        return Err("it is not what was written after the record before it".into());
    }
    let parsed = parse(line)?;
    if parsed.seq != end.seq + 1 {
        return Err(format!("it says that it is record {}", parsed.seq));
    }
    let length = u64::try_from(line.len()).unwrap_or(u64::MAX);
    let next = at.saturating_add(length).saturating_add(1);
    let leaf = parsed.leaf(line)?;
    Ok((Mark { last: at, next, seq: parsed.seq, hash: stated.to_owned() }, leaf))
}

fn fault(end: &Mark, position: u64, what: impl fmt::Display) -> Fault {
    Fault { position: Position(position), seq: end.seq + 1, what: what.to_string() }
}
