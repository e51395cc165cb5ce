//! A record as it stands in an archive: one line of JSON, with everything that proves it.

use serde::{Deserialize, Serialize};
use throughline_sdk::Timestamp;

use super::Error;
use crate::ledger::note::Refused;
use crate::ledger::{Hash, Head, Item, Leaf, Log, Opened, chained, hex, unhex};

/// A record, or what of it is given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Proven {
    /// Its number in the log, from 1: its leaf stands at the index before.
    pub(super) seq: u64,
    /// When it was recorded.
    pub(super) at: Timestamp,
    /// What the log has of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) leaf: Option<LeafProof>,
    /// The hash of the record before it, with which its own was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) previous: Option<String>,
    /// Its line in the ledger, without hash and end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) line: Option<String>,
    /// Its head, its facts, or what of them is given.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) items: Vec<ItemProof>,
    /// What is told of it without a proof, because it was recorded by a daemon that made none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) unproven: Vec<String>,
}

/// A leaf of the log, and the way from it to the checkpoint's root.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LeafProof {
    hash: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    root: Option<String>,
    proof: Vec<String>,
}

/// An item, and the way from it to its record's root.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ItemProof {
    pub(super) item: String,
    salt: String,
    index: u64,
    of: u64,
    proof: Vec<String>,
}

impl Proven {
    /// All of a record.
    pub(super) fn whole(log: &Log, opened: &Opened) -> Result<Self, Error> {
        let items: Vec<ItemProof> = opened.items.iter().map(ItemProof::new).collect::<Result<_, _>>()?;
        let unproven = if items.is_empty() { &opened.facts[..] } else { &[] };
        Ok(Self {
            seq: opened.record.seq,
            at: opened.record.at,
            leaf: Some(LeafProof::new(log, opened)?),
            previous: Some(log.hash_before(opened.record.seq)?),
            line: Some(text(&opened.json)?),
            items,
            unproven: unproven.iter().map(|fact| text(fact)).collect::<Result<_, _>>()?,
        })
    }

    /// Some of its items, and what is told without a proof.
    pub(super) fn some(
        log: &Log,
        opened: &Opened,
        items: &[&Item],
        unproven: &[&[u8]],
    ) -> Result<Self, Error> {
        let leaf = if items.is_empty() { None } else { Some(LeafProof::new(log, opened)?) };
        Ok(Self {
            seq: opened.record.seq,
            at: opened.record.at,
            leaf,
            previous: None,
            line: None,
            items: opened
                .items
                .first()
                .filter(|_| !items.is_empty())
                .into_iter()
                .chain(items.iter().copied())
                .map(ItemProof::new)
                .collect::<Result<_, _>>()?,
            unproven: unproven.iter().map(|part| text(part)).collect::<Result<_, _>>()?,
        })
    }

    /// Checks everything against the head of the log.
    pub(super) fn check(&self, head: &Head) -> Result<(), Refused> {
        let fault = |what: &str| Refused::new(format!("record {}: {what}", self.seq));
        let Some(leaf) = &self.leaf else {
            let nothing = self.previous.is_none() && self.line.is_none() && self.items.is_empty();
            return if nothing { Ok(()) } else { Err(fault("what it holds has no proof")) };
        };
        let (known, proof) = leaf.read().ok_or_else(|| fault("its proof cannot be read"))?;
        if self.seq == 0 || !head.includes(self.seq - 1, &known.data(), &proof) {
            return Err(fault("it does not stand in the log of the checkpoint"));
        }
        if let (Some(line), Some(previous)) = (&self.line, &self.previous) {
            let said: Line =
                serde_json::from_str(line).map_err(|_malformed| fault("its line is no record"))?;
            if chained(previous, line.as_bytes()) != known.hash {
                return Err(fault("its line is not what the log has"));
            }
            if said.root != leaf.root || said.seq != self.seq || said.at != self.at {
                return Err(fault("its line says something else of it"));
            }
        }
        for (number, item) in self.items.iter().enumerate() {
            let root = known.root.ok_or_else(|| fault("it has no root that an item could be proven by"))?;
            let good = item.read().is_some_and(|(item, data)| {
                Head { size: item.of, root }.includes(item.index, &data, &item.proof)
            });
            if !good {
                return Err(fault("an item was not recorded there"));
            }
            if number == 0 {
                let said: Line =
                    serde_json::from_str(&item.item).map_err(|_malformed| fault("its head is missing"))?;
                if said.seq != self.seq || said.at != self.at {
                    return Err(fault("its head says something else of it"));
                }
            }
        }
        Ok(())
    }
}

/// What a line and an item that is a head say.
#[derive(Deserialize)]
struct Line {
    seq: u64,
    at: Timestamp,
    #[serde(default)]
    root: Option<String>,
}

impl LeafProof {
    fn new(log: &Log, opened: &Opened) -> Result<Self, Error> {
        let inclusion = log.proof(opened.record.seq, opened.leaf)?;
        Ok(Self {
            hash: hex(&opened.leaf.hash),
            root: opened.leaf.root.map(|root| hex(&root)),
            proof: inclusion.proof.iter().map(|hash| hex(hash)).collect(),
        })
    }

    fn read(&self) -> Option<(Leaf, Vec<Hash>)> {
        let root = match &self.root {
            Some(root) => Some(unhex(root)?),
            None => None,
        };
        Some((Leaf { hash: unhex(&self.hash)?, root }, hashes(&self.proof)?))
    }
}

impl ItemProof {
    fn new(item: &Item) -> Result<Self, Error> {
        Ok(Self {
            item: text(&item.text)?,
            salt: hex(&item.salt),
            index: item.index,
            of: item.of,
            proof: item.proof.iter().map(|hash| hex(hash)).collect(),
        })
    }

    /// The item, and the bytes of its leaf.
    fn read(&self) -> Option<(Item, Vec<u8>)> {
        let (salt, proof) = (unhex(&self.salt)?, hashes(&self.proof)?);
        let text = self.item.clone().into_bytes();
        let data = [&salt[..], &text].concat();
        Some((Item { text, salt, index: self.index, of: self.of, proof }, data))
    }
}

fn hashes(texts: &[String]) -> Option<Vec<Hash>> {
    texts.iter().map(|text| unhex(text)).collect()
}

fn text(bytes: &[u8]) -> Result<String, Error> {
    String::from_utf8(bytes.to_vec()).map_err(|error| Error::Unwritable(error.to_string()))
}
