//! The file `tree`: the nodes of the Merkle tree over the records, appended as the records are.
//!
//! It is made from the segments and can be thrown away. It is synced before a checkpoint is, so that what a synced
//! checkpoint covers is whole; what came after it is grown again at a start, and all of it where the root is not the
//! one that the checkpoint names.

use std::io;

use super::medium::fill;
use super::merkle::{self, Frontier, HASH, Hash, Tree};
use super::record::{self, parse};
use super::segments::{Found, Lines, Segments};
use super::{Error, Mark, Medium, Position};

pub(super) const FILE: &str = "tree";
/// Nodes that are written together while the tree is grown from records.
const BATCH: usize = 256 * 1024;
/// Leaves between two lines of progress in the log.
const PROGRESS: u64 = 1_000_000;

/// The end of the tree, to be grown.
#[derive(Debug, Default)]
pub(super) struct Growing {
    frontier: Frontier,
    /// Where in the file `unwritten` begins.
    written: u64,
    unwritten: Vec<u8>,
}

impl Growing {
    /// The tree that the last synced checkpoint names, grown to the end of the ledger.
    pub(super) fn recover(
        medium: &dyn Medium,
        segments: &Segments,
        synced: Option<(&Mark, Hash)>,
        end: &Mark,
    ) -> Result<Self, Error> {
        if let Some((mark, root)) = synced.filter(|(mark, _)| mark.seq <= end.seq)
            && let Some(frontier) = stored(medium, mark.seq)?
            && frontier.root() == root
        {
            let mut tree = Self { written: merkle::nodes(mark.seq), frontier, unwritten: Vec::new() };
            tree.grow(medium, segments, mark.next, end.seq, medium)?;
            return Ok(tree);
        }
        if end.seq > 0 {
            tracing::info!(
                records = end.seq,
                "The Merkle tree does not fit the ledger. It is grown from the first record."
            );
        }
        let mut tree = Self::default();
        tree.grow(medium, segments, 0, end.seq, medium)?;
        Ok(tree)
    }

    /// Appends the records from a position on, up to the one with the number `last`, and writes to `place`.
    fn grow(
        &mut self,
        ledger: &dyn Medium,
        segments: &Segments,
        from: u64,
        last: u64,
        place: &dyn Medium,
    ) -> Result<(), Error> {
        let mut lines = Lines::new(ledger, segments, from);
        while self.frontier.leaves() < last
            && let Found::Line(position, line) = lines.next()?
        {
            let parsed = parse(&line).map_err(|what| Error::Corrupt { position, what })?;
            self.push(parsed.leaf(&line).map_err(|what| Error::Corrupt { position, what })?.hash());
            if self.unwritten.len() >= BATCH * HASH {
                self.write(place)?;
            }
            if self.frontier.leaves().is_multiple_of(PROGRESS) {
                tracing::info!(records = self.frontier.leaves(), "The Merkle tree is growing.");
            }
        }
        self.write(place)
    }

    pub(super) fn push(&mut self, leaf: Hash) {
        let unwritten = &mut self.unwritten;
        self.frontier.push(leaf, |node| unwritten.extend_from_slice(node));
    }

    pub(super) fn root(&self) -> Hash {
        self.frontier.root()
    }

    /// Writes what was appended; durable some time later.
    pub(super) fn write(&mut self, medium: &dyn Medium) -> Result<(), Error> {
        if self.unwritten.is_empty() {
            return Ok(());
        }
        let at = self.written.saturating_mul(to_u64(HASH));
        medium.write_at(FILE, at, &self.unwritten).map_err(Error::io("write", FILE))?;
        self.written = merkle::nodes(self.frontier.leaves());
        self.unwritten.clear();
        Ok(())
    }

    /// Returns when what was written is durable, its name apart.
    pub(super) fn sync(&self, medium: &dyn Medium) -> Result<(), Error> {
        // Without a leaf there is no file yet.
        if self.written == 0 {
            return Ok(());
        }
        medium.sync(FILE).map_err(Error::io("sync", FILE))
    }
}

/// Grows the whole tree of `ledger` in another place, for whoever may only read there.
pub(super) fn grow_elsewhere(ledger: &dyn Medium, end: &Mark, place: &dyn Medium) -> Result<(), Error> {
    Growing::default().grow(ledger, &Segments::list(ledger)?, 0, end.seq, place)
}

/// The complete subtrees of the first leaves, as they stand in the file; `None` if it is too short for them.
fn stored(medium: &dyn Medium, leaves: u64) -> Result<Option<Frontier>, Error> {
    let mut roots = Vec::new();
    for place in Frontier::places(leaves) {
        match node(medium, place)? {
            Some(root) => roots.push(root),
            None => return Ok(None),
        }
    }
    Ok(Some(Frontier::new(leaves, roots)))
}

/// The node at a place of the file, if it is that long.
fn node(medium: &dyn Medium, place: u64) -> Result<Option<Hash>, Error> {
    let mut hash = [0; HASH];
    Ok(filled(medium, place.saturating_mul(to_u64(HASH)), &mut hash)?.then_some(hash))
}

/// Fills `bytes` from a place of the file on: false if it is not that long.
fn filled(medium: &dyn Medium, from: u64, bytes: &mut [u8]) -> Result<bool, Error> {
    match fill(medium, FILE, from, bytes) {
        Ok(count) => Ok(count == bytes.len()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(bytes.is_empty()),
        Err(error) => Err(Error::io("read", FILE)(error)),
    }
}

/// Reads from the tree of the first `leaves` records.
pub(super) fn with<T>(
    medium: &dyn Medium,
    leaves: u64,
    read: impl FnOnce(&Tree<'_>) -> Result<T, Error>,
) -> Result<T, Error> {
    let one = |place: u64| node(medium, place)?.ok_or_else(broken);
    read(&Tree { leaves, read: &one })
}

/// The tree is not that of the ledger.
pub(super) fn broken() -> Error {
    let what =
        "the file tree is not that of the ledger; remove that file, and a start grows it again".to_owned();
    Error::Corrupt { position: Position(0), what }
}

/// Compares the file with the records while they are read.
#[derive(Debug)]
pub(super) struct Checking<'a> {
    medium: &'a dyn Medium,
    frontier: Frontier,
    /// Nodes that were not compared yet, and where they begin.
    nodes: Vec<u8>,
    compared: u64,
    /// Leaves that the file has to have.
    covered: u64,
}

impl<'a> Checking<'a> {
    /// A file that covers so many records.
    pub(super) fn new(medium: &'a dyn Medium, covered: u64) -> Self {
        Self { medium, frontier: Frontier::default(), nodes: Vec::new(), compared: 0, covered }
    }

    /// One more record. False if the file does not have it as it is.
    pub(super) fn push(&mut self, leaf: &record::Leaf) -> Result<bool, Error> {
        let nodes = &mut self.nodes;
        let counts = self.frontier.leaves() < self.covered;
        self.frontier.push(leaf.hash(), |node| {
            if counts {
                nodes.extend_from_slice(node)
            }
        });
        if self.nodes.len() >= BATCH { self.compare() } else { Ok(true) }
    }

    /// The root over the records so far.
    pub(super) fn root(&self) -> Hash {
        self.frontier.root()
    }

    /// The end: false if the file is too short or differs.
    pub(super) fn finish(mut self) -> Result<bool, Error> {
        self.compare()
    }

    fn compare(&mut self) -> Result<bool, Error> {
        let mut found = vec![0; self.nodes.len()];
        if !filled(self.medium, self.compared, &mut found)? {
            return Ok(false);
        }
        self.compared = self.compared.saturating_add(to_u64(found.len()));
        let same = found == self.nodes;
        self.nodes.clear();
        Ok(same)
    }
}

fn to_u64(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}
