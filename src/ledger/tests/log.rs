//! The log over the records: proofs of any record and any past, whatever crash came between, and single facts.

use std::sync::Arc;

use proptest::prelude::{
    Just, ProptestConfig, Strategy, any, prop_assert, prop_assert_eq, prop_oneof, proptest,
};
use proptest::sample as prop;

use super::{Counting, advanced, hinted, note, now, observed, opening, parts, tell};
use crate::case::CaseId;
use crate::ledger::segments::Segment;
use crate::ledger::{Head, Journal, Log, Medium, MemoryMedium, Record, checkpoint, tree, verify};
use crate::store::Store;
use crate::store::memory::MemoryStore;

#[derive(Clone, Debug)]
enum Step {
    Note(u64),
    Case(u64),
    Close,
    /// The power fails after so many more writes.
    Crash(u64, u64),
    Lose,
    Damage(prop::Index),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        6 => (1..50u64).prop_map(Step::Note),
        6 => (1..6u64).prop_map(Step::Case),
        1 => Just(Step::Close),
        3 => (0..12u64, any::<u64>()).prop_map(|(after, seed)| Step::Crash(after, seed)),
        1 => Just(Step::Lose),
        1 => any::<prop::Index>().prop_map(Step::Damage),
    ];
    proptest::collection::vec(step, 1..60)
}

struct Ledger {
    medium: Arc<MemoryMedium>,
    store: Arc<dyn Store>,
    entropy: Arc<Counting>,
}

impl Ledger {
    fn new() -> Self {
        Self {
            medium: Arc::new(MemoryMedium::new()),
            store: Arc::new(MemoryStore::new()),
            entropy: Arc::default(),
        }
    }

    fn open(&self) -> Journal {
        now(Journal::open(parts(&self.medium, &self.store, &self.entropy))).unwrap()
    }
}

fn bytes(medium: &dyn Medium, name: &str) -> Vec<u8> {
    let mut bytes = vec![0; usize::try_from(medium.len(name).unwrap().unwrap_or(0)).unwrap()];
    if !bytes.is_empty() {
        medium.read_at(name, 0, &mut bytes).unwrap();
    }
    bytes
}

/// The tree as it is grown from the records alone.
fn regrown(medium: &dyn Medium) -> Vec<u8> {
    let elsewhere = MemoryMedium::new();
    let end = checkpoint::read(medium).unwrap().unwrap().mark;
    tree::grow_elsewhere(medium, &end, &elsewhere).unwrap();
    bytes(&elsewhere, tree::FILE)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn no_crash_lets_the_log_forget_or_change_what_it_said(steps in steps()) {
        let ledger = Ledger::new();
        let mut journal = ledger.open();
        let mut heads: Vec<Head> = Vec::new();
        for step in steps {
            match step {
                Step::Note(number) => drop(now(note(&journal, vec![hinted(number), advanced(number)])).unwrap()),
                Step::Case(number) => {
                    let known = now(journal.read(move |index| index.case(CaseId(number)))).unwrap();
                    let facts = if known.is_some() { vec![observed(number)] } else { opening(number) };
                    now(tell(&journal, CaseId(number), facts)).unwrap();
                }
                Step::Close => {
                    now(journal.close()).unwrap();
                    journal = ledger.open();
                }
                Step::Crash(after, seed) => {
                    ledger.medium.fail_after(after);
                    for number in 1..=6 {
                        drop(now(note(&journal, vec![hinted(number)])));
                    }
                    let mut state = seed;
                    ledger.medium.crash(&mut |bound| {
                        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                        (state >> 33) % bound
                    });
                    journal = ledger.open();
                }
                Step::Lose => {
                    now(journal.close()).unwrap();
                    drop(ledger.medium.remove(tree::FILE));
                    journal = ledger.open();
                }
                Step::Damage(at) => {
                    now(journal.close()).unwrap();
                    ledger.medium.tamper(tree::FILE, |bytes| {
                        let whole = bytes.len();
                        bytes.truncate(if whole == 0 { 0 } else { at.index(whole) });
                    });
                    journal = ledger.open();
                }
            }
            let head = now(journal.log(|log, _| Ok(log.head()))).unwrap();
            // What was said about the first records, before any crash, is true of them still.
            for earlier in heads.iter().rev().take(4).chain(heads.first()).copied() {
                let (then, proof) = now(journal.log(move |log, _| log.consistency(earlier.size))).unwrap().unwrap();
                prop_assert_eq!(then, earlier);
                prop_assert!(head.extends(&earlier, &proof));
            }
            heads.push(head);
        }
        let whole = regrown(&*ledger.medium);
        prop_assert_eq!(&bytes(&*ledger.medium, tree::FILE)[..whole.len()], &whole);
        let verified = verify(&*ledger.medium, &mut |_| {}).unwrap();
        let reader = Log::for_reading(Arc::<MemoryMedium>::clone(&ledger.medium)).unwrap();
        prop_assert_eq!(reader.head(), Head { size: verified.records, root: verified.root });
        for seq in 1..=verified.records {
            let inclusion = reader.inclusion(seq).unwrap().unwrap();
            prop_assert!(reader.head().includes(seq - 1, &inclusion.leaf.data(), &inclusion.proof));
        }
        prop_assert!(reader.inclusion(0).unwrap().is_none() && reader.inclusion(verified.records + 1).unwrap().is_none());
    }

    #[test]
    fn a_changed_byte_of_the_tree_or_checkpoint_is_noticed(at in any::<prop::Index>(), flip in 1u8..=255) {
        let ledger = filled(12);
        let length = bytes(&*ledger.medium, tree::FILE).len();
        ledger.medium.tamper(tree::FILE, |bytes| bytes[at.index(length)] ^= flip);
        let fault = verify(&*ledger.medium, &mut |_| {}).unwrap_err();
        prop_assert!(fault.to_string().contains("the file tree"), "{fault}");
        // Whoever only reads grows it elsewhere.
        let log = Log::for_reading(Arc::<MemoryMedium>::clone(&ledger.medium));
        prop_assert!(log.is_err() || log.unwrap().head().size == 13);
    }
}

fn filled(cases: u64) -> Ledger {
    let ledger = Ledger::new();
    let journal = ledger.open();
    now(note(&journal, vec![hinted(1)])).unwrap();
    for number in 1..=cases {
        now(tell(&journal, CaseId(number), opening(number))).unwrap();
    }
    now(journal.close()).unwrap();
    ledger
}

#[test]
fn one_fact_is_proven_to_somebody_who_has_nothing_else() {
    let ledger = filled(5);
    let journal = ledger.open();
    now(tell(&journal, CaseId(3), vec![observed(3), observed(4)])).unwrap();
    let case = now(journal.read(|index| index.case(CaseId(3)))).unwrap().unwrap();
    now(journal.log(move |log, keyring| {
        let story = log.story(keyring, case.last)?;
        assert_eq!(story.len(), 2);
        for opened in story {
            let Record { seq, facts, .. } = &opened.record;
            let inclusion = log.proof(*seq, opened.leaf)?;
            assert!(log.head().includes(seq - 1, &opened.leaf.data(), &inclusion.proof));
            let root = Head { size: opened.items[0].of, root: opened.leaf.root.unwrap() };
            assert_eq!(opened.items.len(), facts.len() + 1);
            for (item, fact) in opened.items[1..].iter().zip(facts) {
                assert_eq!(item.text, serde_json::to_vec(fact).unwrap());
                assert!(root.includes(item.index, &[&item.salt[..], &item.text].concat(), &item.proof));
            }
        }
        Ok(())
    }))
    .unwrap();
}

#[test]
fn without_the_key_of_its_case_no_commitment_can_be_guessed() {
    let ledger = filled(3);
    let journal = ledger.open();
    let last = now(journal.read(|index| index.case(CaseId(2)))).unwrap().unwrap().last;
    let salts = |journal: &Journal| {
        now(journal.log(move |log, keyring| {
            Ok(log
                .story(keyring, last)?
                .into_iter()
                .flat_map(|opened| opened.items)
                .map(|item| item.salt)
                .collect())
        }))
        .unwrap()
    };
    let before: Vec<_> = salts(&journal);
    assert_eq!(before.len(), 5);
    now(journal.erase(CaseId(2))).unwrap();
    assert_eq!(salts(&journal), Vec::<crate::ledger::Hash>::new());
    now(journal.close()).unwrap();
    let on_disk: Vec<u8> = ["ledger/00000000000000000000.log", "keyring", "tree", "checkpoint"]
        .iter()
        .flat_map(|name| bytes(&*ledger.medium, name))
        .collect();
    for salt in before {
        assert!(!on_disk.windows(32).any(|window| window == salt));
    }
    verify(&*ledger.medium, &mut |_| {}).unwrap();
}

/// What a daemon of version 2 wrote, under the same keys: it knew of no tree.
fn older() -> Ledger {
    let ledger = filled(1);
    let lines = include_bytes!("version-2.log");
    ledger.medium.tamper(&Segment::name(0), |bytes| *bytes = lines.to_vec());
    let starts: Vec<usize> =
        lines.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at + 1).collect();
    assert_eq!(starts.len(), 3);
    let mark = serde_json::json!({
        "last": starts[1], "next": starts[2], "seq": 3,
        "hash": std::str::from_utf8(&lines[starts[1]..starts[1] + 64]).unwrap(),
    });
    let json = mark.to_string();
    let hash = checkpoint::hex(ring::digest::digest(&ring::digest::SHA256, json.as_bytes()).as_ref());
    ledger.medium.tamper("checkpoint", |bytes| *bytes = format!("{hash} {json}\n").into_bytes());
    ledger.medium.remove(tree::FILE).unwrap();
    Ledger { store: Arc::new(MemoryStore::new()), ..ledger }
}

#[test]
fn a_ledger_of_an_older_version_is_read_and_becomes_a_log() {
    let ledger = older();
    // As it stands, before a daemon of this version has opened it.
    assert_eq!(verify(&*ledger.medium, &mut |_| {}).unwrap().records, 3);
    let before = Log::for_reading(Arc::<MemoryMedium>::clone(&ledger.medium)).unwrap().head();
    assert_eq!(before.size, 3);

    let journal = ledger.open();
    let case = now(journal.read(|index| index.case(CaseId(1)))).unwrap().unwrap();
    let timeline = now(journal.timeline(&case)).unwrap();
    assert_eq!(timeline[0].facts, opening(1));
    let (leaf, items, facts) = now(journal.log(move |log, keyring| {
        assert_eq!(log.head(), before);
        let story = log.story(keyring, case.last)?;
        Ok((story[0].leaf, story[0].items.len(), story[0].facts.len()))
    }))
    .unwrap();
    assert_eq!((leaf.root, items, facts), (None, 0, 4));
    now(note(&journal, vec![hinted(9)])).unwrap();
    now(tell(&journal, CaseId(1), vec![observed(1)])).unwrap();
    now(journal.close()).unwrap();
    let after = verify(&*ledger.medium, &mut |_| {}).unwrap();
    let log = Log::for_reading(Arc::<MemoryMedium>::clone(&ledger.medium)).unwrap();
    let (then, proof) = log.consistency(3).unwrap().unwrap();
    assert_eq!((then, log.head().size, after.records), (before, 5, 5));
    assert!(log.head().extends(&before, &proof));
}

#[test]
fn a_record_is_found_by_its_number_in_a_ledger_of_many_segments() {
    let ledger = filled(200);
    let log = Log::for_reading(Arc::<MemoryMedium>::clone(&ledger.medium)).unwrap();
    assert!(ledger.medium.list("ledger").unwrap().len() > 10);
    for seq in 1..=201 {
        assert_eq!(log.inclusion(seq).unwrap().unwrap().seq, seq);
    }
}
