//! The ledger as a Merkle log: RFC 6962 hashing, what one more leaf adds to the tree, and proofs.
//!
//! The nodes of complete subtrees stand in the order in which they become complete: a leaf, then every subtree that it
//! completes, from the smallest. So a leaf adds a constant number of nodes on average, none is ever changed, and where
//! one stands is a matter of arithmetic. What is not complete yet is hashed when it is asked for.

use ct_merkle::{ConsistencyProof, InclusionProof, RootHash};
use ring::digest;
use sha2::Sha256;

use super::Error;

/// A SHA-256.
pub type Hash = [u8; 32];

/// Bytes of a hash.
pub(super) const HASH: usize = 32;
/// `ct-merkle` counts nodes in 64 bits, two to a leaf, and refuses more by a panic.
const MOST: u64 = u64::MAX / 4;

/// How large a Merkle tree is, and its root.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// Its leaves.
    pub size: u64,
    /// Its root.
    pub root: Hash,
}

impl Head {
    /// Whether `leaf` is the leaf at `index`, counted from 0.
    pub fn includes(&self, index: u64, leaf: &[u8], proof: &[Hash]) -> bool {
        if self.size > MOST {
            return false;
        }
        let Ok(proof) = InclusionProof::<Sha256>::try_from_bytes(proof.concat()) else { return false };
        RootHash::new(self.root.into(), self.size).verify_inclusion(&leaf, index, &proof).is_ok()
    }

    /// Whether this tree is `earlier` with leaves appended. Every tree is the empty one with leaves appended.
    pub fn extends(&self, earlier: &Self, proof: &[Hash]) -> bool {
        if earlier.size == 0 {
            return proof.is_empty() && earlier.root == empty() && (self.size > 0 || self == earlier);
        }
        if self.size > MOST || earlier.size > self.size {
            return false;
        }
        let Ok(proof) = ConsistencyProof::<Sha256>::try_from_bytes(proof.concat()) else { return false };
        let earlier = RootHash::new(earlier.root.into(), earlier.size);
        RootHash::<Sha256>::new(self.root.into(), self.size).verify_consistency(&earlier, &proof).is_ok()
    }
}

/// The hash of a leaf, given in parts.
pub(super) fn leaf(parts: &[&[u8]]) -> Hash {
    hash(0, parts)
}

/// The hash of a node over two others.
pub(super) fn parent(left: &Hash, right: &Hash) -> Hash {
    hash(1, &[left, right])
}

/// The root of a tree without leaves.
pub(super) fn empty() -> Hash {
    finish(digest::Context::new(&digest::SHA256))
}

fn hash(prefix: u8, parts: &[&[u8]]) -> Hash {
    let mut context = digest::Context::new(&digest::SHA256);
    context.update(&[prefix]);
    parts.iter().for_each(|part| context.update(part));
    finish(context)
}

fn finish(context: digest::Context) -> Hash {
    // A SHA-256 has as many bytes as a hash.
    Hash::try_from(context.finish().as_ref()).unwrap_or_default()
}

/// How many nodes the complete subtrees of a tree of so many leaves have.
pub(super) fn nodes(leaves: u64) -> u64 {
    leaves.saturating_mul(2).saturating_sub(u64::from(leaves.count_ones()))
}

/// The roots of the complete subtrees of a tree, the largest first: all that is needed to append to it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Frontier {
    leaves: u64,
    roots: Vec<Hash>,
}

impl Frontier {
    /// Where the roots of the complete subtrees of a tree of so many leaves stand among the nodes.
    pub(super) fn places(leaves: u64) -> impl Iterator<Item = u64> {
        let levels = (0..u64::BITS).rev().filter(move |level| leaves >> level & 1 == 1);
        levels.map(move |level| place(level, (leaves >> level) - 1))
    }

    /// A tree of so many leaves, from what stands at [`places`](Self::places).
    pub(super) fn new(leaves: u64, roots: Vec<Hash>) -> Self {
        Self { leaves, roots }
    }

    pub(super) fn leaves(&self) -> u64 {
        self.leaves
    }

    /// Appends a leaf, telling every node that becomes complete.
    pub(super) fn push(&mut self, leaf: Hash, mut each: impl FnMut(&Hash)) {
        each(&leaf);
        let mut node = leaf;
        for _ in 0..self.leaves.trailing_ones() {
            let Some(left) = self.roots.pop() else { break };
            node = parent(&left, &node);
            each(&node);
        }
        self.roots.push(node);
        self.leaves += 1;
    }

    pub(super) fn root(&self) -> Hash {
        let from_the_right = self.roots.iter().rev().copied();
        from_the_right.reduce(|right, left| parent(&left, &right)).unwrap_or_else(empty)
    }
}

/// Where a complete subtree stands among the nodes: the `nth` of its level, the leaves being level 0.
fn place(level: u32, nth: u64) -> u64 {
    let last_leaf = ((nth + 1) << level) - 1;
    nodes(last_leaf) + u64::from(level)
}

/// A tree of so many leaves whose nodes are read one by one.
pub(super) struct Tree<'a> {
    pub(super) leaves: u64,
    /// Reads the node at a place.
    pub(super) read: &'a dyn Fn(u64) -> Result<Hash, Error>,
}

impl Tree<'_> {
    pub(super) fn head(&self) -> Result<Head, Error> {
        let root = match self.leaves {
            0 => empty(),
            leaves => self.subtree(leaves.next_power_of_two().trailing_zeros(), 0)?,
        };
        Ok(Head { size: self.leaves, root })
    }

    /// The proof that a leaf stands at `index`; `None` if the tree has no such leaf.
    pub(super) fn inclusion(&self, index: u64) -> Result<Option<Vec<Hash>>, Error> {
        if index >= self.leaves || self.leaves > MOST {
            return Ok(None);
        }
        let needed = ct_merkle::indices_for_inclusion_proof(self.leaves, index);
        needed.into_iter().map(|node| self.node(node)).collect::<Result<_, _>>().map(Some)
    }

    /// The proof that the first `size` leaves are a tree that this one was appended to; `None` if it is smaller.
    pub(super) fn consistency(&self, size: u64) -> Result<Option<Vec<Hash>>, Error> {
        if size > self.leaves || self.leaves > MOST {
            return Ok(None);
        }
        if size == 0 {
            return Ok(Some(Vec::new()));
        }
        let needed = ct_merkle::indices_for_consistency_proof(size, self.leaves - size);
        needed.into_iter().map(|node| self.node(node)).collect::<Result<_, _>>().map(Some)
    }

    /// The node with a number of RFC 9420, in which levels alternate.
    fn node(&self, number: u64) -> Result<Hash, Error> {
        let level = number.trailing_ones();
        self.subtree(level, number >> level >> 1)
    }

    fn subtree(&self, level: u32, nth: u64) -> Result<Hash, Error> {
        if (nth + 1) << level <= self.leaves {
            return (self.read)(place(level, nth));
        }
        let below = level.saturating_sub(1);
        let left = self.subtree(below, 2 * nth)?;
        if (2 * nth + 1) << below >= self.leaves {
            return Ok(left);
        }
        Ok(parent(&left, &self.subtree(below, 2 * nth + 1)?))
    }
}

#[cfg(test)]
mod tests {
    use ct_merkle::mem_backed_tree::MemoryBackedTree;
    use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};

    use super::*;

    fn grown(leaves: &[Vec<u8>]) -> (Frontier, Vec<Hash>) {
        let (mut frontier, mut stored) = (Frontier::default(), Vec::new());
        for data in leaves {
            frontier.push(leaf(&[data]), |node| stored.push(*node));
        }
        (frontier, stored)
    }

    fn data(count: usize) -> Vec<Vec<u8>> {
        (0..count).map(|number| format!("record {number}").into_bytes()).collect()
    }

    /// Against the crate's own tree, at every size up to some powers of two, for every pair.
    #[test]
    fn all_small_trees_are_those_of_the_standard() {
        let all = data(70);
        let (_, stored) = grown(&all);
        let read = |place: u64| Ok(stored[usize::try_from(place).unwrap()]);
        let mut known = MemoryBackedTree::<Sha256, Vec<u8>>::new();
        let mut heads = vec![Tree { leaves: 0, read: &read }.head().unwrap()];
        for (count, data) in all.iter().enumerate() {
            known.push(data.clone());
            let tree = Tree { leaves: u64::try_from(count + 1).unwrap(), read: &read };
            let head = tree.head().unwrap();
            assert_eq!(head.root[..], known.root().as_bytes()[..]);
            heads.push(head);
            for index in 0..=count {
                let proof = tree.inclusion(u64::try_from(index).unwrap()).unwrap().unwrap();
                assert_eq!(proof.concat(), known.prove_inclusion(index).as_bytes());
            }
            for earlier in &heads {
                let proof = tree.consistency(earlier.size).unwrap().unwrap();
                assert!(head.extends(earlier, &proof), "{} of {}", earlier.size, head.size);
            }
        }
        assert_eq!(Tree { leaves: 3, read: &read }.inclusion(3).unwrap(), None);
        assert_eq!(Tree { leaves: 3, read: &read }.consistency(4).unwrap(), None);
    }

    proptest! {
        #[test]
        fn any_tree_proves_its_leaves_and_its_past(
            size in 1usize..600,
            at in any::<proptest::sample::Index>(),
            before in any::<proptest::sample::Index>(),
            flip in any::<(proptest::sample::Index, u8)>(),
        ) {
            let all = data(size);
            let (frontier, stored) = grown(&all);
            let read = |place: u64| Ok(stored[usize::try_from(place).unwrap()]);
            prop_assert_eq!(nodes(frontier.leaves()), u64::try_from(stored.len()).unwrap());
            let tree = Tree { leaves: frontier.leaves(), read: &read };
            let head = tree.head().unwrap();
            prop_assert_eq!(head.root, frontier.root());
            let roots = Frontier::places(frontier.leaves()).map(|place| read(place).unwrap()).collect();
            prop_assert_eq!(&Frontier::new(frontier.leaves(), roots), &frontier);

            let index = at.index(size);
            let (number, mut proof) = (u64::try_from(index).unwrap(), tree.inclusion(u64::try_from(index).unwrap()).unwrap().unwrap());
            prop_assert!(head.includes(number, &all[index], &proof));
            prop_assert!(!head.includes(number, b"forged", &proof));
            prop_assert!(!head.includes(number + 1, &all[index], &proof));
            if !proof.is_empty() {
                let place = flip.0.index(proof.len());
                proof[place][0] ^= flip.1 | 1;
                prop_assert!(!head.includes(number, &all[index], &proof));
            }

            let earlier = u64::try_from(before.index(size + 1)).unwrap();
            let old = Tree { leaves: earlier, read: &read }.head().unwrap();
            let proof = tree.consistency(earlier).unwrap().unwrap();
            prop_assert!(head.extends(&old, &proof));
            let forked = Head { root: leaf(&[b"another"]), ..old };
            prop_assert!(!head.extends(&forked, &proof));
            prop_assert!(!forked.extends(&head, &proof) || forked.size == head.size && forked.root == head.root);
        }
    }

    #[test]
    fn the_empty_tree_is_the_beginning_of_every_tree() {
        let none = Frontier::default();
        assert_eq!(
            super::super::checkpoint::hex(&none.root()),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        );
        let start = Head { size: 0, root: empty() };
        assert!(start.extends(&start, &[]));
        assert!(!start.extends(&start, &[empty()]));
        assert!(!Head { size: 0, root: [1; 32] }.extends(&start, &[]));
    }
}
