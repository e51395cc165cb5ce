//! A commitment to each fact of a record, so that single ones can be given away with a proof and nothing else.
//!
//! The items of a record are its head, its facts as the very bytes that were recorded, and what of them may be given to
//! counterparts. An item's leaf is a salt and these bytes; the leaves' hashes are sorted, and filled up to a power of two with hashes of nothing, so
//! that neither place nor depth tells how many facts there are, short of the next power of two. Salts and filling are
//! made from the key of the case: who erases that makes the commitments say nothing any more.

use ring::{digest, hmac};

use super::merkle::{self, Hash, Tree};

/// Records with fewer items than this look alike in their proofs.
const LEAST: usize = 8;

/// An item with all that proves it against the root in its record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// The bytes that were recorded: JSON.
    pub text: Vec<u8>,
    /// What its leaf begins with.
    pub salt: Hash,
    /// Its place among the leaves.
    pub index: u64,
    /// The leaves.
    pub of: u64,
    /// From its leaf to the root.
    pub proof: Vec<Hash>,
}

/// The head of a record as an item.
pub(super) fn head(seq: u64, at: &str) -> Vec<u8> {
    format!(r#"{{"seq":{seq},"at":"{at}"}}"#).into_bytes()
}

/// The root over a record's items.
pub(super) fn root<'a>(salts: &hmac::Key, seq: u64, items: impl IntoIterator<Item = &'a [u8]>) -> Hash {
    let salts = Salts::new(salts, seq);
    let mut level = salts.leaves(items);
    salts.fill(&mut level);
    while level.len() > 1 {
        level = level
            .chunks(2)
            .filter_map(|pair| pair.first().zip(pair.get(1)))
            .map(|(left, right)| merkle::parent(left, right))
            .collect();
    }
    level.pop().unwrap_or_default()
}

/// Every item with its proof, in the order of the record, and the root.
pub(super) fn prove(salts: &hmac::Key, seq: u64, items: &[Vec<u8>]) -> (Vec<Item>, Hash) {
    let salts = Salts::new(salts, seq);
    let own = salts.leaves(items.iter().map(Vec::as_slice));
    let mut all = own.clone();
    salts.fill(&mut all);
    let (mut frontier, mut nodes) = (merkle::Frontier::default(), Vec::new());
    all.iter().for_each(|leaf| frontier.push(*leaf, |node| nodes.push(*node)));
    let of = frontier.leaves();
    let read = |place: u64| {
        Ok(usize::try_from(place).ok().and_then(|at| nodes.get(at)).copied().unwrap_or_default())
    };
    let tree = Tree { leaves: of, read: &read };
    let proven = items.iter().zip(&own).enumerate().map(|(number, (text, leaf))| {
        let index = u64::try_from(all.partition_point(|other| other < leaf)).unwrap_or(u64::MAX);
        let proof = tree.inclusion(index).ok().flatten().unwrap_or_default();
        Item { text: text.clone(), salt: salts.salt(number), index, of, proof }
    });
    (proven.collect(), frontier.root())
}

/// The salts of one record: what is made from the key of its case once, and hashed with a number for each.
struct Salts([u8; 40]);

impl Salts {
    fn new(key: &hmac::Key, seq: u64) -> Self {
        let mut secret = [0; 40];
        for (to, from) in secret.iter_mut().zip(hmac::sign(key, &seq.to_be_bytes()).as_ref()) {
            *to = *from;
        }
        Self(secret)
    }

    fn salt(&self, number: usize) -> Hash {
        let mut input = self.0;
        if let Some(place) = input.last_chunk_mut::<8>() {
            *place = u64::try_from(number).unwrap_or(u64::MAX).to_be_bytes();
        }
        Hash::try_from(digest::digest(&digest::SHA256, &input).as_ref()).unwrap_or_default()
    }

    fn leaves<'a>(&self, items: impl IntoIterator<Item = &'a [u8]>) -> Vec<Hash> {
        let leaf = |(number, text): (usize, &[u8])| merkle::leaf(&[&self.salt(number), text]);
        items.into_iter().enumerate().map(leaf).collect()
    }

    /// Hashes of nothing cannot be told from those of items: both are as good as random.
    fn fill(&self, leaves: &mut Vec<Hash>) {
        let own = leaves.len();
        let of = own.next_power_of_two().max(LEAST);
        leaves.extend((own..of).map(|number| self.salt(number)));
        leaves.sort_unstable();
    }
}

/// The elements of a JSON array as they stand, `None` if it is none.
pub(super) fn elements(array: &[u8]) -> Option<Vec<Vec<u8>>> {
    let inner = array.strip_prefix(b"[")?.strip_suffix(b"]")?;
    let mut all = Vec::new();
    let (mut depth, mut in_text, mut escaped, mut begin) = (0_u32, false, false, 0);
    for (at, byte) in inner.iter().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_text => escaped = true,
            b'"' => in_text = !in_text,
            _ if in_text => {}
            b'[' | b'{' => depth += 1,
            b']' | b'}' => depth = depth.checked_sub(1)?,
            b',' if depth == 0 => {
                all.push(inner.get(begin..at)?.to_vec());
                begin = at + 1;
            }
            _ => {}
        }
    }
    if !inner.is_empty() {
        all.push(inner.get(begin..)?.to_vec());
    }
    (depth == 0 && !in_text).then_some(all)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};
    use serde_json::Value;

    use super::*;
    use crate::ledger::merkle::Head;

    fn key(byte: u8) -> hmac::Key {
        hmac::Key::new(hmac::HMAC_SHA256, &[byte; 32])
    }

    proptest! {
        #[test]
        fn each_item_is_proven_and_nothing_else(
            items in proptest::collection::vec(any::<Vec<u8>>(), 1..70),
            seq in any::<u64>(),
        ) {
            let expected = root(&key(1), seq, items.iter().map(Vec::as_slice));
            let (proven, found) = prove(&key(1), seq, &items);
            prop_assert_eq!(found, expected);
            for (item, text) in proven.iter().zip(&items) {
                prop_assert_eq!(&item.text, text);
                let head = Head { size: item.of, root: found };
                let leaf = |text: &[u8]| [&item.salt[..], text].concat();
                prop_assert!(head.includes(item.index, &leaf(text), &item.proof));
                prop_assert!(!head.includes(item.index, &leaf(b"something else"), &item.proof) || text == b"something else");
                prop_assert!(item.of >= 8 && item.of.is_power_of_two());
            }
            prop_assert!(root(&key(2), seq, items.iter().map(Vec::as_slice)) != expected);
            prop_assert!(root(&key(1), seq ^ 1, items.iter().map(Vec::as_slice)) != expected);
        }

        #[test]
        fn an_array_is_taken_apart_as_it_stands(texts in proptest::collection::vec("(?s).{0,12}", 0..6)) {
            let values: Vec<Value> = texts.iter().map(|text| serde_json::json!({ "a": [text, { "b": [] }], text: 1 })).collect();
            let json = serde_json::to_vec(&values).unwrap();
            let parts = elements(&json).unwrap();
            prop_assert_eq!(parts.len(), values.len());
            for (part, value) in parts.iter().zip(&values) {
                prop_assert_eq!(part, &serde_json::to_vec(value).unwrap());
            }
        }
    }

    #[test]
    fn what_is_no_array_is_told() {
        for json in [&b""[..], b"{}", b"[{]", b"[\"]", b"[1"] {
            assert_eq!(elements(json), None, "{}", String::from_utf8_lossy(json));
        }
    }
}
