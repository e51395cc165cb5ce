//! What the vault promises: kept, sealed, durable, and one person erasable.

use std::sync::Arc;

use proptest::prelude::*;
use throughline_testkit::clock::SeededEntropy;

use super::{Error, FILE, Vault};
use crate::agreement::Unnamed;
use crate::case::AgreementName;
use crate::ledger::tests::now;
use crate::ledger::{MasterKey, Medium, MemoryMedium, Offload};

fn open(medium: &Arc<MemoryMedium>, key: u8) -> Result<Vault, Error> {
    let medium: Arc<dyn Medium> = Arc::<MemoryMedium>::clone(medium);
    Vault::open(medium, Arc::new(SeededEntropy::new(7)), &MasterKey::new([key; 32]), Offload::Inline)
}

fn acme() -> AgreementName {
    AgreementName("acme".to_owned())
}

fn unnamed(value: &str) -> Unnamed {
    let (key, value) = (value.to_lowercase(), value.to_owned());
    Unnamed { agreement: acme(), label: "PERSON".to_owned(), key, value }
}

fn of(vault: &Vault, key: &str) -> Option<String> {
    vault.names().of(&acme(), "PERSON", key).map(str::to_owned)
}

#[test]
fn a_pseudonym_is_given_once_and_kept() {
    let medium = Arc::new(MemoryMedium::new());
    let vault = open(&medium, 1).unwrap();
    now(vault.mint(vec![unnamed("Ada Lovelace"), unnamed("ADA LOVELACE"), unnamed("Bob")])).unwrap();
    assert_eq!(vault.count(&acme()), 2);
    let ada = of(&vault, "ada lovelace").unwrap();
    let code = ada.strip_prefix("PERSON-").unwrap();
    assert!(code.len() == 4 && code.bytes().any(|byte| byte.is_ascii_digit()), "{code}");
    now(vault.mint(vec![unnamed("Ada Lovelace")])).unwrap();
    let vault = open(&medium, 1).unwrap();
    assert_eq!(of(&vault, "ada lovelace"), Some(ada.clone()));
    assert_eq!(vault.names().behind(&acme(), &ada), Some("Ada Lovelace"));
    assert!(vault.names().behind(&AgreementName("other".to_owned()), &ada).is_none());
    medium.tamper(FILE, |bytes| {
        for secret in [b"Lovelace".as_slice(), b"lovelace", b"PERSON"] {
            assert!(!bytes.windows(secret.len()).any(|window| window == secret));
        }
    });
    assert!(matches!(open(&medium, 2), Err(Error::WrongMasterKey)));
}

#[test]
fn whoever_is_erased_is_behind_no_pseudonym_any_more() {
    let medium = Arc::new(MemoryMedium::new());
    let vault = open(&medium, 1).unwrap();
    now(vault.mint(vec![unnamed("Ada"), unnamed("Bob"), unnamed("Cy")])).unwrap();
    let bob = of(&vault, "bob").unwrap();
    assert_eq!(now(vault.forget("BOB ")).unwrap(), 1);
    assert_eq!(now(vault.forget("Bob")).unwrap(), 0);
    for vault in [vault, open(&medium, 1).unwrap()] {
        assert_eq!((of(&vault, "bob"), vault.names().behind(&acme(), &bob)), (None, None));
        assert!(of(&vault, "ada").is_some() && of(&vault, "cy").is_some());
    }
}

#[test]
fn a_pseudonym_names_the_person_who_is_to_be_forgotten() {
    let medium = Arc::new(MemoryMedium::new());
    let vault = open(&medium, 1).unwrap();
    let elsewhere = Unnamed { agreement: AgreementName("globex".to_owned()), ..unnamed("Bob") };
    now(vault.mint(vec![unnamed("Ada"), unnamed("Bob"), elsewhere])).unwrap();
    let bob = of(&vault, "bob").unwrap();
    assert_eq!(now(vault.forget(&bob)).unwrap(), 2);
    assert!(of(&vault, "bob").is_none() && of(&vault, "ada").is_some());
}

#[test]
fn damage_is_told_and_never_taken_for_an_empty_vault() {
    let medium = Arc::new(MemoryMedium::new());
    now(open(&medium, 1).unwrap().mint(vec![unnamed("Ada"), unnamed("Bob")])).unwrap();
    medium.tamper(FILE, |bytes| bytes[90] ^= 1);
    assert!(matches!(open(&medium, 1), Err(Error::Damaged { at: 32 })));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    /// Whatever a power cut leaves of a write, what was minted before is there and the vault opens.
    #[test]
    fn what_was_minted_survives_a_power_cut(operations in 0..8_u64, cuts in proptest::collection::vec(any::<u64>(), 16)) {
        let medium = Arc::new(MemoryMedium::new());
        now(open(&medium, 1).unwrap().mint(vec![unnamed("Ada"), unnamed("Bob")])).unwrap();
        let vault = open(&medium, 1).unwrap();
        medium.fail_after(operations);
        let minted = now(vault.mint(vec![unnamed("Cy"), unnamed("Di")])).is_ok();
        let mut cuts = cuts.into_iter();
        medium.crash(&mut |below| cuts.next().unwrap_or_default() % below.max(1));
        medium.fail_after(u64::MAX);
        let again = open(&medium, 1).unwrap();
        prop_assert!(of(&again, "ada").is_some() && of(&again, "bob").is_some());
        let (cy, di) = (of(&again, "cy"), of(&again, "di"));
        prop_assert_eq!(cy.is_some(), di.is_some());
        prop_assert!(!minted || cy.is_some());
        now(again.mint(vec![unnamed("Di"), unnamed("Ed")])).unwrap();
        prop_assert!(of(&open(&medium, 1).unwrap(), "ed").is_some());
    }
}
