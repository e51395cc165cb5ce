//! The log of another organization, watched: does it still hold everything that it said before?
//!
//! Whoever keeps one checkpoint notices when the log is written anew: every later one has to come with a proof that it
//! only appended. What is handed over is text in the form that witnesses of logs take
//! (<https://c2sp.org/tlog-witness>): `old SIZE`, the proof's hashes in base64, an empty line, the checkpoint.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::merkle::{Hash, Head};
use super::note::{Refused, Verifier};

/// The most hashes a proof has: two to a level of the tree.
const MOST: usize = 128;

/// What a log says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// The size of the checkpoint before, and what proves that this one only appended to it.
    pub since: Option<(u64, Vec<Hash>)>,
    /// The signed checkpoint.
    pub checkpoint: String,
}

impl Told {
    /// Writes it.
    pub fn write(since: u64, proof: &[Hash], checkpoint: &str) -> String {
        let mut text = format!("old {since}\n");
        for hash in proof {
            text.push_str(&STANDARD.encode(hash));
            text.push('\n');
        }
        format!("{text}\n{checkpoint}")
    }

    /// Reads it, or a checkpoint by itself.
    ///
    /// # Errors
    ///
    /// When it is neither.
    pub fn read(text: &str) -> Result<Self, Refused> {
        let Some(rest) = text.strip_prefix("old ") else {
            return Ok(Self { since: None, checkpoint: text.to_owned() });
        };
        let malformed = || Refused::new("what proves the checkpoint cannot be read");
        let (proof, checkpoint) = rest.split_once("\n\n").ok_or_else(malformed)?;
        let mut lines = proof.split('\n');
        let size = lines.next().and_then(|size| size.parse().ok()).ok_or_else(malformed)?;
        let hashes =
            lines.map(|line| STANDARD.decode(line).ok().and_then(|bytes| Hash::try_from(bytes).ok()));
        let hashes: Vec<Hash> = hashes.take(MOST + 1).collect::<Option<_>>().ok_or_else(malformed)?;
        if hashes.len() > MOST {
            return Err(malformed());
        }
        Ok(Self { since: Some((size, hashes)), checkpoint: checkpoint.to_owned() })
    }
}

/// How a checkpoint stands to the one that was kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Judgement {
    /// None was kept: this one is what all later ones are held against.
    First,
    /// It is the one that was kept.
    Same,
    /// It only appended: it may be kept in its place.
    Grown {
        /// How many records.
        by: u64,
    },
    /// It has more records and came without what proves the rest: that has to be asked for.
    Unproven,
    /// It says something else about the same records. The log was written anew, or shows different people different logs.
    Forked,
    /// It has fewer records than the log had.
    RolledBack,
}

/// Judges what a log says against the checkpoint of it that was kept.
///
/// # Errors
///
/// When either is not signed by the log's key.
pub fn judge(kept: Option<&str>, told: &Told, key: &Verifier) -> Result<(Judgement, Head), Refused> {
    let head = key.checkpoint(&told.checkpoint)?;
    let Some(kept) = kept else { return Ok((Judgement::First, head)) };
    let before = key.checkpoint(kept)?;
    let judgement = match (&told.since, head.size.cmp(&before.size)) {
        (_, std::cmp::Ordering::Less) => Judgement::RolledBack,
        (_, std::cmp::Ordering::Equal) if head.root == before.root => Judgement::Same,
        (_, std::cmp::Ordering::Equal) => Judgement::Forked,
        (Some((size, proof)), std::cmp::Ordering::Greater) if *size == before.size => {
            if head.extends(&before, proof) {
                Judgement::Grown { by: head.size - before.size }
            } else {
                Judgement::Forked
            }
        }
        (_, std::cmp::Ordering::Greater) => Judgement::Unproven,
    };
    Ok((judgement, head))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};

    use super::*;
    use crate::ledger::MasterKey;
    use crate::ledger::merkle::{Frontier, Tree, leaf};
    use crate::ledger::note::Signer;

    fn signer() -> Signer {
        Signer::new("contoso.example/throughline", &MasterKey::new([9; 32])).unwrap()
    }

    /// A log of so many records; from `forked` on they are others.
    struct Grown(u64, Vec<Hash>);

    impl Grown {
        fn new(size: u64, forked: u64) -> Self {
            let (mut frontier, mut nodes) = (Frontier::default(), Vec::new());
            for seq in 0..size {
                let text = format!("{}{seq}", if seq >= forked { "other " } else { "" });
                frontier.push(leaf(&[text.as_bytes()]), |node| nodes.push(*node));
            }
            Self(size, nodes)
        }

        fn tells(&self, since: u64) -> String {
            let read = |place: u64| Ok(self.1[usize::try_from(place).unwrap()]);
            let tree = Tree { leaves: self.0, read: &read };
            let note = signer().checkpoint(&tree.head().unwrap());
            tree.consistency(since).unwrap().map_or(note.clone(), |proof| Told::write(since, &proof, &note))
        }
    }

    fn judged(kept: &str, told: &str) -> Judgement {
        let kept = Told::read(kept).unwrap().checkpoint;
        judge(Some(&kept), &Told::read(told).unwrap(), &signer().verifier()).unwrap().0
    }

    proptest! {
        #[test]
        fn whatever_a_log_does_is_called_by_its_name(before in 0u64..80, now in 0u64..80, forked in 0u64..80) {
            let kept = Grown::new(before, u64::MAX).tells(0);
            let honest = Grown::new(now, u64::MAX).tells(before);
            let expected = match now.cmp(&before) {
                std::cmp::Ordering::Less => Judgement::RolledBack,
                std::cmp::Ordering::Equal => Judgement::Same,
                std::cmp::Ordering::Greater => Judgement::Grown { by: now - before },
            };
            prop_assert_eq!(judged(&kept, &honest), expected);
            if now >= before && forked < before {
                prop_assert_eq!(judged(&kept, &Grown::new(now, forked).tells(before)), Judgement::Forked);
            }
        }

        #[test]
        fn what_is_handed_over_is_read_back_and_nothing_panics(size in 1u64..80, since in 0u64..80, noise in any::<String>()) {
            let text = Grown::new(size, u64::MAX).tells(since.min(size));
            let told = Told::read(&text).unwrap();
            let (since, proof) = told.since.clone().unwrap();
            prop_assert_eq!(Told::write(since, &proof, &told.checkpoint), text);
            drop(Told::read(&noise));
            drop(Told::read(&format!("old {noise}")));
            prop_assert!(signer().verifier().checkpoint(&noise).is_err());
        }
    }

    #[test]
    fn the_first_checkpoint_is_kept_and_growth_without_a_proof_is_no_growth() {
        let text = Grown::new(5, u64::MAX).tells(0);
        let first = judge(None, &Told::read(&text).unwrap(), &signer().verifier()).unwrap();
        assert_eq!(first.0, Judgement::First);
        let bare = Told::read(&Grown::new(9, u64::MAX).tells(0)).unwrap().checkpoint;
        assert_eq!(judged(&text, &bare), Judgement::Unproven);
        // A proof from another size proves nothing here.
        assert_eq!(judged(&text, &Grown::new(9, u64::MAX).tells(4)), Judgement::Unproven);
    }
}
