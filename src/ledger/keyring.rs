//! The keys of the cases, wrapped under the daemon's master key: destroying one erases its case (I15).
//!
//! The file `keyring` has one slot of 64 bytes for each case number: a nonce of 12, the wrapped key of 32, its tag
//! of 16, and 4 bytes that say what the slot holds. Slot 0 belongs to no case: it tells whether the master key is
//! the right one. A slot is written and synced before the first record sealed with its key.

use std::collections::HashMap;
use std::fmt;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::hmac;
use throughline_sdk::Entropy;

use super::{Error, Medium, fill};
use crate::case::CaseId;

const FILE: &str = "keyring";
const SLOT: usize = 64;
const KEY: usize = 32;
const MAGIC_AT: usize = 60;
const LIVE: &[u8; 4] = b"TLk1";
const DESTROYED: &[u8; 4] = b"TLx0";
/// Unwrapped keys kept in memory; all are forgotten when one more is needed.
const MAX_CACHED: usize = 4096;
/// Slot 0 proves the master key.
const PROOF: CaseId = CaseId(0);

/// The key that wraps all others. Never shown, never written.
#[derive(Clone)]
pub struct MasterKey([u8; KEY]);

impl MasterKey {
    /// Takes 32 random bytes.
    pub fn new(bytes: [u8; KEY]) -> Self {
        Self(bytes)
    }

    /// A key for another purpose, from which this one cannot be told.
    pub fn derive(&self, purpose: &[u8]) -> hmac::Key {
        hmac::Key::new(hmac::HMAC_SHA256, self.derived(purpose).as_ref())
    }

    /// The same as 32 bytes, for another kind of key.
    pub(super) fn derived(&self, purpose: &[u8]) -> hmac::Tag {
        hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &self.0), purpose)
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MasterKey")
    }
}

/// The keys of all cases.
pub struct Keyring {
    medium: Arc<dyn Medium>,
    entropy: Arc<dyn Entropy>,
    master: LessSafeKey,
    /// What salts the items of records about no case.
    open_salts: hmac::Key,
    cached: Mutex<HashMap<CaseId, Arc<CaseKey>>>,
}

/// The key of one case.
pub(super) struct CaseKey {
    /// What its records are sealed with.
    pub(super) seal: LessSafeKey,
    /// What salts the items of its records.
    pub(super) salts: hmac::Key,
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Keyring")
    }
}

/// What a slot holds.
enum Slot {
    Empty,
    Destroyed,
    Key([u8; KEY]),
    Damaged,
}

impl Keyring {
    /// Opens the keyring of a data directory.
    ///
    /// # Errors
    ///
    /// [`Error::WrongMasterKey`] if it was written under another key, or is missing although `has_records`.
    pub fn open(
        medium: Arc<dyn Medium>,
        entropy: Arc<dyn Entropy>,
        master_key: &MasterKey,
        has_records: bool,
    ) -> Result<Self, Error> {
        let master = key(&master_key.0)?;
        let open_salts = master_key.derive(b"throughline open items 1");
        let ring = Self { medium, entropy, master, open_salts, cached: Mutex::default() };
        match (ring.slot(PROOF)?, has_records) {
            (Slot::Key(_), _) => {}
            (Slot::Empty | Slot::Destroyed | Slot::Damaged, true) => return Err(Error::WrongMasterKey),
            (Slot::Empty | Slot::Destroyed | Slot::Damaged, false) => {
                ring.write_new(PROOF)?;
                ring.sync()?;
                ring.medium.sync_dir("").map_err(Error::io("sync the folder of", FILE))?;
            }
        }
        Ok(ring)
    }

    /// The key of a case; `None` if it was erased.
    ///
    /// # Errors
    ///
    /// [`Error::Key`] if there is none or it does not open.
    pub(super) fn get(&self, case: CaseId) -> Result<Option<Arc<CaseKey>>, Error> {
        if let Some(known) = self.cached().get(&case) {
            return Ok(Some(Arc::clone(known)));
        }
        match self.slot(case)? {
            Slot::Key(bytes) => self.remember(case, &bytes).map(Some),
            Slot::Destroyed => Ok(None),
            Slot::Empty | Slot::Damaged => Err(Error::Key { case }),
        }
    }

    /// The key of a case that has no record yet, made if need be. The second part says that
    /// [`sync`](Self::sync) has to come before its first use is written.
    pub(super) fn get_or_create(&self, case: CaseId) -> Result<(Arc<CaseKey>, bool), Error> {
        match self.slot(case)? {
            Slot::Key(bytes) => Ok((self.remember(case, &bytes)?, false)),
            Slot::Destroyed => Err(Error::Erased { case }),
            // A power cut may leave half a slot; nothing was sealed with it, because it was never synced.
            Slot::Empty | Slot::Damaged => {
                let bytes = self.write_new(case)?;
                Ok((self.remember(case, &bytes)?, true))
            }
        }
    }

    /// What salts the items of records about no case.
    pub(super) fn open_salts(&self) -> &hmac::Key {
        &self.open_salts
    }

    /// Returns when every slot written so far is durable.
    pub(super) fn sync(&self) -> Result<(), Error> {
        self.medium.sync(FILE).map_err(Error::io("sync", FILE))
    }

    /// Destroys the key of a case, durably: its records cannot be read any more, by anybody.
    pub fn destroy(&self, case: CaseId) -> Result<(), Error> {
        let mut slot = [0; SLOT];
        set(&mut slot, MAGIC_AT, DESTROYED);
        self.medium.write_at(FILE, offset(case), &slot).map_err(Error::io("write", FILE))?;
        self.cached().remove(&case);
        self.sync()
    }

    fn slot(&self, case: CaseId) -> Result<Slot, Error> {
        let mut slot = [0; SLOT];
        match fill(&*self.medium, FILE, offset(case), &mut slot) {
            Ok(_filled) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(Error::io("read", FILE)(error)),
        }
        let (nonce, rest) = slot.split_at(NONCE_LEN);
        let (sealed, magic) = rest.split_at(MAGIC_AT - NONCE_LEN);
        if slot == [0; SLOT] {
            return Ok(Slot::Empty);
        }
        if magic == DESTROYED {
            return Ok(Slot::Destroyed);
        }
        let Ok(nonce) = Nonce::try_assume_unique_for_key(nonce) else { return Ok(Slot::Damaged) };
        let mut sealed = sealed.to_vec();
        let opened = self.master.open_in_place(nonce, aad(case), &mut sealed);
        Ok(match opened.ok().and_then(|bytes| <[u8; KEY]>::try_from(&*bytes).ok()) {
            Some(bytes) if magic == LIVE => Slot::Key(bytes),
            Some(_) | None => Slot::Damaged,
        })
    }

    fn write_new(&self, case: CaseId) -> Result<[u8; KEY], Error> {
        let mut bytes = [0; KEY];
        self.entropy.fill(&mut bytes);
        let mut nonce = [0; NONCE_LEN];
        self.entropy.fill(&mut nonce);
        let mut sealed = bytes.to_vec();
        self.master
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), aad(case), &mut sealed)
            .map_err(|ring::error::Unspecified| Error::Key { case })?;
        let mut slot = [0; SLOT];
        set(&mut slot, 0, &nonce);
        set(&mut slot, NONCE_LEN, &sealed);
        set(&mut slot, MAGIC_AT, LIVE);
        self.medium.write_at(FILE, offset(case), &slot).map_err(Error::io("write", FILE))?;
        Ok(bytes)
    }

    fn remember(&self, case: CaseId, bytes: &[u8; KEY]) -> Result<Arc<CaseKey>, Error> {
        let salts = MasterKey(*bytes).derive(b"throughline items 1");
        let made = Arc::new(CaseKey { seal: key(bytes)?, salts });
        let mut cached = self.cached();
        if cached.len() >= MAX_CACHED {
            cached.clear();
        }
        cached.insert(case, Arc::clone(&made));
        Ok(made)
    }

    fn cached(&self) -> std::sync::MutexGuard<'_, HashMap<CaseId, Arc<CaseKey>>> {
        self.cached.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn key(bytes: &[u8; KEY]) -> Result<LessSafeKey, Error> {
    let unbound = UnboundKey::new(&AES_256_GCM, bytes);
    unbound.map(LessSafeKey::new).map_err(|ring::error::Unspecified| Error::WrongMasterKey)
}

fn aad(case: CaseId) -> Aad<[u8; 8]> {
    Aad::from(case.0.to_be_bytes())
}

fn offset(case: CaseId) -> u64 {
    case.0.saturating_mul(64)
}

fn set(slot: &mut [u8; SLOT], at: usize, bytes: &[u8]) {
    for (to, from) in slot.iter_mut().skip(at).zip(bytes) {
        *to = *from;
    }
}
