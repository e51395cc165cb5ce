//! The log for reading, as it stands at one moment: its head, its proofs, its records.

use std::cmp::Ordering;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::merkle::{Hash, Head};
use super::record::{Leaf, Opened, parse};
use super::segments::{Found, Lines, Segments};
use super::{Error, FileMedium, Keyring, Mark, Medium, Position, checkpoint, tree};

/// How many bytes are read through when a record is looked for.
const NEAR: u64 = 16 * 1024;

/// The log at one size.
#[derive(Clone, Debug)]
pub struct Log {
    ledger: Arc<dyn Medium>,
    /// Where the file `tree` stands: beside the segments, or elsewhere where it had to be grown for reading.
    nodes: Arc<dyn Medium>,
    head: Head,
}

/// That a record stands in a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inclusion {
    /// Its number, from 1.
    pub seq: u64,
    /// What the tree has of it.
    pub leaf: Leaf,
    /// From the leaf to the root.
    pub proof: Vec<Hash>,
}

impl Inclusion {
    /// The proof as <https://c2sp.org/tlog-proof> writes it, with a signed checkpoint.
    pub fn text(&self, checkpoint: &str) -> String {
        let mut text = format!("c2sp.org/tlog-proof@v1\nindex {}\n", self.seq.saturating_sub(1));
        for hash in &self.proof {
            text.push_str(&STANDARD.encode(hash));
            text.push('\n');
        }
        format!("{text}\n{checkpoint}")
    }
}

impl Log {
    /// The log of the first `size` records.
    pub(super) fn at(ledger: Arc<dyn Medium>, size: u64) -> Result<Self, Error> {
        let head = tree::with(&*ledger, size, head_of)?;
        Ok(Self { nodes: Arc::clone(&ledger), ledger, head })
    }

    /// The log of a data directory that a daemon may own, up to its checkpoint. Where the tree there does not fit, it is
    /// grown in a temporary place.
    ///
    /// # Errors
    ///
    /// When it cannot be read, or the ledger has no checkpoint.
    pub fn for_reading(ledger: Arc<dyn Medium>) -> Result<Self, Error> {
        let Some(checkpoint) = checkpoint::read(&*ledger)? else {
            let what = "the checkpoint is missing, so the last records may be missing too".to_owned();
            return Err(Error::Corrupt { position: Position(0), what });
        };
        let found = Self::at(Arc::clone(&ledger), checkpoint.mark.seq);
        match (found, checkpoint.root) {
            (Ok(log), Some(root)) if log.head.root == root => Ok(log),
            (_, root) => Self::grown(ledger, &checkpoint.mark, root),
        }
    }

    fn grown(ledger: Arc<dyn Medium>, end: &Mark, root: Option<Hash>) -> Result<Self, Error> {
        let nodes: Arc<dyn Medium> =
            Arc::new(FileMedium::temporary().map_err(Error::io("make", "a temporary folder"))?);
        tree::grow_elsewhere(&*ledger, end, &*nodes)?;
        let head = tree::with(&*nodes, end.seq, head_of)?;
        if root.is_some_and(|root| root != head.root) {
            let what = "the records are not those that its checkpoint was made over".to_owned();
            return Err(Error::Corrupt { position: Position(end.last), what });
        }
        Ok(Self { ledger, nodes, head })
    }

    /// How many records it has, and the root over them.
    pub fn head(&self) -> Head {
        self.head
    }

    /// The proof that this log is its first `size` records with others appended; `None` if it has fewer.
    ///
    /// # Errors
    ///
    /// When the tree cannot be read, or is not that of the ledger.
    pub fn consistency(&self, size: u64) -> Result<Option<(Head, Vec<Hash>)>, Error> {
        if size > self.head.size {
            return Ok(None);
        }
        let earlier = tree::with(&*self.nodes, size, head_of)?;
        let proof = tree::with(&*self.nodes, self.head.size, |tree| tree.consistency(size))?;
        let proof = proof.filter(|proof| self.head.extends(&earlier, proof)).ok_or_else(tree::broken)?;
        Ok(Some((earlier, proof)))
    }

    /// The proof that a record stands in it; `None` if it has no record of that number.
    ///
    /// # Errors
    ///
    /// When it cannot be read, or the tree is not that of the ledger.
    pub fn inclusion(&self, seq: u64) -> Result<Option<Inclusion>, Error> {
        self.leaf(seq)?.map(|leaf| self.proof(seq, leaf)).transpose()
    }

    fn leaf(&self, seq: u64) -> Result<Option<Leaf>, Error> {
        let Some((position, line)) = self.line(seq)? else { return Ok(None) };
        let leaf = parse(&line).and_then(|parsed| parsed.leaf(&line));
        leaf.map(Some).map_err(|what| Error::Corrupt { position, what })
    }

    /// The proof for a record whose leaf is known.
    ///
    /// # Errors
    ///
    /// When the tree cannot be read, or does not have this leaf there.
    pub fn proof(&self, seq: u64, leaf: Leaf) -> Result<Inclusion, Error> {
        let index = seq.wrapping_sub(1);
        let proof = tree::with(&*self.nodes, self.head.size, |tree| tree.inclusion(index))?;
        let good = |proof: &Vec<Hash>| self.head.includes(index, &leaf.data(), proof);
        let proof = proof.filter(good).ok_or_else(tree::broken)?;
        Ok(Inclusion { seq, leaf, proof })
    }

    /// The hash that the record with a number was chained to, as it stands in the chain.
    ///
    /// # Errors
    ///
    /// When the record before it cannot be read.
    pub fn hash_before(&self, seq: u64) -> Result<String, Error> {
        if seq <= 1 {
            return Ok(Mark::genesis().hash);
        }
        let before = self.leaf(seq - 1)?.ok_or_else(tree::broken)?;
        Ok(checkpoint::hex(&before.hash))
    }

    /// The record at a position, with what proves its items.
    ///
    /// # Errors
    ///
    /// When none is there, or it cannot be read or unsealed.
    pub fn record(&self, keyring: &Keyring, position: Position) -> Result<Opened, Error> {
        let segments = Segments::list(&*self.ledger)?;
        self.opened(&segments, keyring, position)
    }

    fn opened(&self, segments: &Segments, keyring: &Keyring, position: Position) -> Result<Opened, Error> {
        let Found::Line(_, line) = Lines::one(&*self.ledger, segments, position.0).next()? else {
            let what = "there is no record".to_owned();
            return Err(Error::Corrupt { position, what });
        };
        let parsed = parse(&line).map_err(|what| Error::Corrupt { position, what })?;
        parsed.open(position, &line, keyring)
    }

    /// A case's records up to the one at `last`, oldest first, with what proves their items.
    ///
    /// # Errors
    ///
    /// When they cannot be read or unsealed.
    pub fn story(&self, keyring: &Keyring, last: Option<Position>) -> Result<Vec<Opened>, Error> {
        let segments = Segments::list(&*self.ledger)?;
        let (mut records, mut next) = (Vec::new(), last);
        while let Some(position) = next {
            let opened = self.opened(&segments, keyring, position)?;
            next = opened.record.prev.filter(|prev| *prev < position);
            // What came after this log's end has no proof in it.
            if opened.record.seq <= self.head.size {
                records.push(opened);
            }
        }
        records.reverse();
        Ok(records)
    }

    /// The line of the record with a number: halved down to it, because numbers rise with places.
    fn line(&self, seq: u64) -> Result<Option<(Position, Vec<u8>)>, Error> {
        if seq == 0 || seq > self.head.size {
            return Ok(None);
        }
        let segments = Segments::list(&*self.ledger)?;
        let (mut low, mut high) = (0, segments.end());
        while high.saturating_sub(low) > NEAR {
            let middle = low + (high - low) / 2;
            let mut lines = Lines::one(&*self.ledger, &segments, middle);
            // What is left of the line in the middle, then a whole one.
            let after = match lines.next()? {
                Found::Line(..) => lines.next()?,
                end @ (Found::Unfinished(_) | Found::End) => end,
            };
            match after {
                Found::Line(position, line) if position.0 < high => {
                    let parsed = parse(&line).map_err(|what| Error::Corrupt { position, what })?;
                    match parsed.seq.cmp(&seq) {
                        Ordering::Less => low = position.0,
                        Ordering::Equal => return Ok(Some((position, line))),
                        Ordering::Greater => high = middle,
                    }
                }
                Found::Line(..) | Found::Unfinished(_) | Found::End => high = middle,
            }
        }
        let mut lines = Lines::new(&*self.ledger, &segments, low);
        while let Found::Line(position, line) = lines.next()? {
            let parsed = parse(&line).map_err(|what| Error::Corrupt { position, what })?;
            match parsed.seq.cmp(&seq) {
                Ordering::Less => {}
                Ordering::Equal => return Ok(Some((position, line))),
                Ordering::Greater => break,
            }
        }
        Ok(None)
    }
}

/// A function, since the method is bound to one lifetime of the tree.
fn head_of(tree: &super::merkle::Tree<'_>) -> Result<Head, Error> {
    tree.head()
}
