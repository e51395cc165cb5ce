//! The vault: which pseudonym stands for whom, in a sealed file of its own beside the keyring.
//!
//! The file `vault` begins with a slot that proves the master key, and goes on with one entry for each pseudonym:
//!
//! | bytes | what |
//! |---|---|
//! | 4 | `TLv1`, or `TLx0` once it was erased; zeros while it is being written |
//! | 4 | how long the sealed text is, big end first |
//! | 12, 32, 16 | nonce, the entry's own key wrapped under the vault's, tag |
//! | 12, …, 16 | nonce, the sealed text, tag |
//!
//! Erasing an entry overwrites its key: its text cannot be read any more, by anybody. An entry is durable before
//! [`Vault::mint`] returns, and so before the first intent that bears its pseudonym. It is no part of the ledger, and an
//! export never has it.

mod entry;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::io;
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard};

use ring::aead::{AES_256_GCM, LessSafeKey, UnboundKey};
use ring::hmac;
use throughline_sdk::Entropy;

use crate::agreement::{ALPHABET, CODE_CHARS, Named, Pseudonyms, Unnamed, known_as};
use crate::case::AgreementName;
use crate::ledger::{MasterKey, Medium, Offload};
use entry::Read;

const FILE: &str = "vault";
/// How many pseudonyms of an agreement have codes of one length, before they get one character longer: a guess hits
/// one in a hundred at most.
const BY_LENGTH: usize = 8_000;

/// The pseudonyms of all agreements, kept. Clones share them.
#[derive(Clone, Debug)]
pub struct Vault {
    kept: Arc<Kept>,
    offload: Offload,
}

#[derive(Debug)]
struct Kept {
    medium: Arc<dyn Medium>,
    entropy: Arc<dyn Entropy>,
    key: LessSafeKey,
    names: RwLock<Pseudonyms>,
    /// Where the next entry goes; held while one is written.
    end: Mutex<u64>,
}

/// Why the vault cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file system refused.
    #[error("could not {action} the file vault: {source}; free or repair the disk")]
    Io {
        /// What was tried.
        action: &'static str,
        /// The reason.
        source: io::Error,
    },
    /// It was written under another key.
    #[error(
        "the master key does not open the file vault: the configured key is not the one it was written with"
    )]
    WrongMasterKey,
    /// It is not what was written.
    #[error("the file vault is damaged at byte {at}; restore it from a backup")]
    Damaged {
        /// Where.
        at: u64,
    },
    /// Nothing can be sealed.
    #[error("an entry of the file vault cannot be sealed")]
    Unsealable,
    /// The thread that was to do it is gone.
    #[error("the vault's worker is gone: {0}; restart")]
    Worker(String),
}

impl Vault {
    /// Opens the vault of a data directory. What a power cut left of an entry that nothing was sent with is passed over.
    ///
    /// # Errors
    ///
    /// When it cannot be read, was written under another key, or is damaged.
    pub fn open(
        medium: Arc<dyn Medium>,
        entropy: Arc<dyn Entropy>,
        master: &MasterKey,
        offload: Offload,
    ) -> Result<Self, Error> {
        let secret = hmac::sign(&master.derive(b"throughline vault 1"), b"keys of entries");
        let key = UnboundKey::new(&AES_256_GCM, secret.as_ref())
            .map(LessSafeKey::new)
            .map_err(|ring::error::Unspecified| Error::Unsealable)?;
        let (mut names, mut end) = (Pseudonyms::default(), 0);
        let bytes = entry::whole(&*medium, FILE)?;
        for read in entry::read(&bytes, &key) {
            match read? {
                Read::Named { named, after } => {
                    names.insert(&named);
                    end = after;
                }
                Read::Proof { after } | Read::Erased { after } => end = after,
            }
        }
        let kept = Kept { medium, entropy, key, names: RwLock::new(names), end: Mutex::new(end) };
        Ok(Self { kept: Arc::new(kept), offload })
    }

    /// The pseudonyms there are. Not to be held over anything that waits.
    pub fn names(&self) -> RwLockReadGuard<'_, Pseudonyms> {
        self.kept.names.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives each value a pseudonym, unless it has one. Durable on return.
    ///
    /// # Errors
    ///
    /// When it cannot be written: then none was given.
    pub async fn mint(&self, unnamed: Vec<Unnamed>) -> Result<(), Error> {
        let kept = Arc::clone(&self.kept);
        self.run(move || kept.mint(&unnamed)).await
    }

    /// Erases every pseudonym that stands for a person, named as the list of people has them or by one of their
    /// pseudonyms, durably: nobody can tell any more whom they stood for. How many there were.
    ///
    /// # Errors
    ///
    /// When it cannot be written.
    pub async fn forget(&self, person: &str) -> Result<usize, Error> {
        let (kept, person) = (Arc::clone(&self.kept), person.to_owned());
        self.run(move || kept.erase(&kept.standing_for(&person)?)).await
    }

    /// How many pseudonyms stand for a person, named like that.
    ///
    /// # Errors
    ///
    /// When it cannot be read.
    pub async fn known(&self, person: &str) -> Result<usize, Error> {
        let (kept, person) = (Arc::clone(&self.kept), person.to_owned());
        self.run(move || Ok(kept.standing_for(&person)?.len())).await
    }

    async fn run<T: Send + 'static>(
        &self,
        job: impl FnOnce() -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        match self.offload {
            Offload::Inline => job(),
            Offload::Threads => {
                let done = tokio::task::spawn_blocking(job).await;
                done.map_err(|error| Error::Worker(error.to_string()))?
            }
        }
    }
}

impl Kept {
    fn mint(&self, unnamed: &[Unnamed]) -> Result<(), Error> {
        let mut end = self.end.lock().unwrap_or_else(PoisonError::into_inner);
        let mut made: Vec<Named> = Vec::new();
        {
            let names = self.names.read().unwrap_or_else(PoisonError::into_inner);
            for Unnamed { agreement, label, key, value } in unnamed {
                let twice = made.iter().any(|named| {
                    named.agreement == *agreement
                        && named.key == *key
                        && named.pseudonym.rsplit_once('-').is_some_and(|(other, _)| other == label)
                });
                if twice || names.of(agreement, label, key).is_some() {
                    continue;
                }
                let taken = |name: &str| {
                    names.behind(agreement, name).is_some()
                        || made.iter().any(|named| named.agreement == *agreement && named.pseudonym == name)
                };
                let pseudonym = self.draw(label, names.count(agreement) + made.len(), taken);
                let (agreement, key, value) = (agreement.clone(), key.clone(), value.clone());
                made.push(Named { agreement, pseudonym, key, value });
            }
        }
        if made.is_empty() {
            return Ok(());
        }
        let from = *end;
        let mut bytes = Vec::new();
        if from == 0 {
            entry::prove(&self.key, &*self.entropy, &mut bytes)?;
        }
        let first = bytes.len();
        for named in &made {
            entry::seal(named, from, &self.key, &*self.entropy, &mut bytes)?;
        }
        let failed = |action| move |source| Error::Io { action, source };
        // What a crash left behind the last entry must not be taken for one behind these.
        if self.medium.len(FILE).map_err(failed("read"))?.is_some_and(|len| len > from) {
            self.medium.truncate(FILE, from).map_err(failed("shorten"))?;
        }
        entry::write(&*self.medium, FILE, from, first, &mut bytes).map_err(failed("write"))?;
        if from == 0 {
            self.medium.sync_dir("").map_err(failed("sync the folder of"))?;
        }
        *end = from + u64::try_from(bytes.len()).unwrap_or_default();
        let mut names = self.names.write().unwrap_or_else(PoisonError::into_inner);
        made.iter().for_each(|named| names.insert(named));
        Ok(())
    }

    /// A pseudonym that nobody can guess, with at least one letter and one digit, so that it is no word.
    fn draw(&self, label: &str, count: usize, taken: impl Fn(&str) -> bool) -> String {
        let longer = (count / BY_LENGTH).checked_ilog(30).map_or(0, |more| more + 1);
        let length =
            (*CODE_CHARS.start() + usize::try_from(longer).unwrap_or_default()).min(*CODE_CHARS.end());
        loop {
            let mut code = String::with_capacity(length);
            while code.len() < length {
                let mut byte = [0];
                self.entropy.fill(&mut byte);
                // 240 is a multiple of the alphabet's length: no character is likelier than another.
                let [byte] = byte;
                if let Some(char) = ALPHABET.get(usize::from(byte) % ALPHABET.len()).filter(|_| byte < 240) {
                    code.push(char::from(*char));
                }
            }
            let mixed = code.bytes().any(|byte| byte.is_ascii_digit())
                && code.bytes().any(|byte| byte.is_ascii_uppercase());
            let pseudonym = format!("{label}-{code}");
            if mixed && !taken(&pseudonym) {
                return pseudonym;
            }
        }
    }

    /// Every entry that was not erased, with its place.
    fn read_all(&self) -> Result<Vec<(u64, Named)>, Error> {
        let end = self.end.lock().unwrap_or_else(PoisonError::into_inner);
        let mut bytes = entry::whole(&*self.medium, FILE)?;
        bytes.truncate(usize::try_from(*end).unwrap_or(usize::MAX));
        let (mut all, mut at) = (Vec::new(), 0);
        for read in entry::read(&bytes, &self.key) {
            match read? {
                Read::Named { named, after } => {
                    all.push((at, named));
                    at = after;
                }
                Read::Proof { after } | Read::Erased { after } => at = after,
            }
        }
        Ok(all)
    }

    /// Entries are never moved, so that their places hold.
    /// The pseudonyms of a person, with their places.
    fn standing_for(&self, person: &str) -> Result<Vec<(u64, Named)>, Error> {
        let (said, folded) = (person.trim(), known_as(person));
        let mut all = self.read_all()?;
        let is_meant = |named: &Named| {
            named.key == folded || named.pseudonym == said || known_as(&named.value) == folded
        };
        // One person has a pseudonym under each agreement: one of them names all.
        let keys: BTreeSet<String> =
            all.iter().filter(|(_, named)| is_meant(named)).map(|(_, named)| named.key.clone()).collect();
        all.retain(|(_, named)| keys.contains(&named.key));
        Ok(all)
    }

    fn erase(&self, entries: &[(u64, Named)]) -> Result<usize, Error> {
        let failed = |action| move |source| Error::Io { action, source };
        let _end = self.end.lock().unwrap_or_else(PoisonError::into_inner);
        let mut erased = Vec::new();
        for (at, named) in entries {
            entry::erase(&*self.medium, FILE, *at).map_err(failed("write"))?;
            erased.push(named);
        }
        if !erased.is_empty() {
            self.medium.sync(FILE).map_err(failed("sync"))?;
        }
        let mut names = self.names.write().unwrap_or_else(PoisonError::into_inner);
        erased.iter().for_each(|named| names.remove(named));
        Ok(erased.len())
    }
}

impl Vault {
    /// How many pseudonyms an agreement has.
    pub fn count(&self, agreement: &AgreementName) -> usize {
        self.names().count(agreement)
    }
}
