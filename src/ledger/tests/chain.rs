//! The bytes of a record, and that nobody can change one unseen.

use std::process::Command;
use std::sync::Arc;

use proptest::prelude::{ProptestConfig, any, prop_assert, proptest};
use serde_json::Value;
use throughline_sdk::{Blobs as _, Entropy};

use super::{Counting, advanced, hinted, note, now, opening, parts, tell};
use crate::case::{CaseId, Fact};
use crate::ledger::segments::{Segment, Segments};
use crate::ledger::{
    BlobFolder, Error, FileMedium, Journal, Keyring, MasterKey, Medium, MemoryMedium, Offload, Parts, Scope,
    Verified, export, fact_word, verify,
};
use crate::store::memory::MemoryStore;
use crate::store::{Index, Store};

/// A closed ledger of several segments, with what was recorded.
fn ledger() -> (Arc<MemoryMedium>, Verified) {
    let medium = Arc::new(MemoryMedium::new());
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    now(async {
        let journal = Journal::open(parts(&medium, &store, &Arc::default())).await.unwrap();
        note(&journal, vec![Fact::Started { version: "0.1.0".into() }]).await.unwrap();
        for number in 1..=8 {
            note(&journal, vec![hinted(number), advanced(number)]).await.unwrap();
            tell(&journal, CaseId(number), opening(number)).await.unwrap();
        }
        journal.close().await.unwrap();
    });
    let verified = verify(&*medium, &mut |_| {}).unwrap();
    assert_eq!(verified.records, 17);
    (medium, verified)
}

fn segment_names(medium: &dyn Medium) -> Vec<String> {
    let names = medium.list("ledger").unwrap();
    names.into_iter().map(|name| format!("ledger/{name}")).collect()
}

fn content(medium: &dyn Medium, name: &str) -> Vec<u8> {
    let mut bytes = vec![0; usize::try_from(medium.len(name).unwrap().unwrap()).unwrap()];
    let count = medium.read_at(name, 0, &mut bytes).unwrap();
    assert_eq!(count, bytes.len());
    bytes
}

#[test]
fn a_record_keeps_its_bytes() {
    let (medium, _) = ledger();
    let first = content(&*medium, &Segment::name(0));
    let lines: Vec<_> = String::from_utf8(first).unwrap().lines().take(3).map(str::to_owned).collect();
    insta::assert_snapshot!(lines.join("\n"));
}

#[test]
fn each_word_is_the_tag_of_its_fact() {
    for fact in
        opening(1).into_iter().chain([hinted(1), advanced(1), Fact::Stopped, super::intended_create(1)])
    {
        assert_eq!(serde_json::to_value(&fact).unwrap()["fact"], Value::from(fact_word(&fact)));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_changed_byte_is_noticed(at in any::<proptest::sample::Index>(), flip in 1u8..=255) {
        let (medium, whole) = ledger();
        let mut place = at.index(usize::try_from(whole.bytes).unwrap());
        for name in segment_names(&*medium) {
            let length = content(&*medium, &name).len();
            if place < length {
                medium.tamper(&name, |bytes| bytes[place] ^= flip);
                break;
            }
            place -= length;
        }
        let found = verify(&*medium, &mut |_| {});
        prop_assert!(found.is_err(), "unseen");
    }

    #[test]
    fn a_removed_or_moved_record_is_noticed(at in any::<proptest::sample::Index>(), swap in any::<bool>()) {
        let (medium, _) = ledger();
        let names = segment_names(&*medium);
        let name = &names[at.index(names.len())];
        let bytes = content(&*medium, name);
        let mut lines: Vec<_> = bytes.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
        let line = at.index(lines.len());
        if swap && line + 1 < lines.len() {
            lines.swap(line, line + 1);
        } else {
            lines.remove(line);
        }
        medium.tamper(name, |bytes| *bytes = lines.concat());
        let found = verify(&*medium, &mut |_| {});
        prop_assert!(found.is_err(), "unseen");
    }
}

#[test]
fn a_missing_segment_is_noticed() {
    for index in 0..segment_names(&*ledger().0).len() {
        let (medium, _) = ledger();
        medium.remove(&segment_names(&*medium)[index]).unwrap();
        verify(&*medium, &mut |_| {}).unwrap_err();
    }
}

#[test]
fn records_before_the_checkpoint_are_never_cut() {
    let (medium, _) = ledger();
    let segments = Segments::list(&*medium).unwrap();
    let last = Segment::name(segments.last().unwrap().start);
    medium.tamper(&last, |bytes| bytes.truncate(bytes.len() - 1));
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let error = now(Journal::open(parts(&medium, &store, &Arc::default()))).unwrap_err();
    assert!(matches!(error, Error::Corrupt { .. }), "{error}");
}

#[test]
fn an_erased_case_cannot_be_read_and_the_chain_verifies() {
    let (medium, before) = ledger();
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let entropy = Arc::new(Counting::default());
    now(async {
        let journal = Journal::open(parts(&medium, &store, &entropy)).await.unwrap();
        let case = journal.read(|index| index.case(CaseId(3))).await.unwrap().unwrap();
        journal.erase(CaseId(3)).await.unwrap();
        assert_eq!(journal.read(|index| index.case(CaseId(3))).await.unwrap(), None);
        assert_eq!(journal.read(|index| index.case_of_ticket(&super::ticket(3))).await.unwrap(), None);
        let timeline = journal.timeline(&case).await.unwrap();
        assert!(timeline.iter().all(|record| record.erased && record.facts.is_empty()));
        assert_eq!(timeline[0].words, ["opened", "joined", "joined", "observed"]);
        let again = tell(&journal, CaseId(3), opening(3)).await.unwrap_err();
        assert!(matches!(again, Error::Erased { .. }), "{again}");
        assert!(!journal.is_failed());
        journal.close().await.unwrap();
        // A rebuild does not bring it back, and its number is not given again.
        let empty: Arc<dyn Store> = Arc::new(MemoryStore::new());
        let journal = Journal::open(parts(&medium, &empty, &entropy)).await.unwrap();
        assert_eq!(journal.read(|index| index.case(CaseId(3))).await.unwrap(), None);
        assert_eq!(journal.read(Index::counts).await.unwrap().cases, 7);
        assert_eq!(journal.next_case(), CaseId(9));
    });
    assert_eq!(verify(&*medium, &mut |_| {}).unwrap(), before);
}

#[test]
fn another_master_key_is_refused() {
    let (medium, _) = ledger();
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let other = Parts { master: MasterKey::new([1; 32]), ..parts(&medium, &store, &Arc::default()) };
    assert!(matches!(now(Journal::open(other)).unwrap_err(), Error::WrongMasterKey));
}

#[test]
fn an_export_has_the_facts_and_no_key() {
    let (medium, _) = ledger();
    let medium: Arc<dyn Medium> = medium;
    let entropy: Arc<dyn Entropy> = Arc::new(Counting::default());
    let keyring = Keyring::open(Arc::clone(&medium), entropy, &MasterKey::new([9; 32]), true).unwrap();
    let mut out = Vec::new();
    assert_eq!(export(&*medium, &keyring, Scope::Case(CaseId(2)), &mut out).unwrap(), 1);
    let record: Value = serde_json::from_slice(&out).unwrap();
    assert_eq!(record["facts"][3]["reading"]["key"], "HD-2");
    assert_eq!(export(&*medium, &keyring, Scope::All, &mut out).unwrap(), 17);
}

#[test]
fn the_script_agrees() {
    let folder = tempfile::tempdir().unwrap();
    let (memory, whole) = ledger();
    let disk = FileMedium::open(folder.path()).unwrap();
    for name in segment_names(&*memory).into_iter().chain(["checkpoint".to_owned(), "tree".to_owned()]) {
        disk.write_at(&name, 0, &content(&*memory, &name)).unwrap();
    }
    assert_eq!(verify(&disk, &mut |_| {}).unwrap(), whole);
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/verify.py");
    let run = || Command::new("python3").arg(script).arg("ledger").arg(folder.path()).output().unwrap();
    let said = String::from_utf8(run().stdout).unwrap();
    assert_eq!(said.trim(), format!("17 records, {} bytes, last hash {}", whole.bytes, whole.last_hash));
    disk.write_at(&Segment::name(0), 100, b"#").unwrap();
    assert!(!run().status.success());
}

#[test]
fn a_file_is_found_by_its_digest_after_a_power_cut() {
    let medium = Arc::new(MemoryMedium::new());
    let blobs = BlobFolder::new(Arc::<MemoryMedium>::clone(&medium), Offload::Inline);
    now(async {
        let digest = blobs.write(bytes::Bytes::from_static(b"a log file")).await.unwrap();
        medium.crash(&mut |_| 0);
        assert_eq!(blobs.read(&digest).await.unwrap(), "a log file");
        medium.tamper(&medium_name(&digest), |bytes| bytes[0] ^= 1);
        blobs.read(&digest).await.unwrap_err();
        blobs.read(&throughline_sdk::Digest::new("../../etc/passwd")).await.unwrap_err();
    });
}

fn medium_name(digest: &throughline_sdk::Digest) -> String {
    let (folder, rest) = digest.as_str().split_at(2);
    format!("files/{folder}/{rest}")
}
