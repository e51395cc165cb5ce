//! Where keys and their answers are kept: a sealed file each, named by the hour, so that old ones go without being read.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::http::StatusCode;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::digest::{SHA256, digest};
use ring::hmac;
use serde::{Deserialize, Serialize};
use throughline_sdk::{Entropy, Timestamp};

use crate::api::problem::Problem;
use crate::ledger::{MasterKey, Medium, Offload, fill};

const FOLDER: &str = "idempotency";
/// How long a key is known, in hours.
const HOURS: i64 = 24;
/// Keys that are kept of all principals together, and of each.
const MOST: usize = 20_000;
const MOST_OF_ONE: usize = 5_000;
/// Longer than any answer that is kept.
const MAX_BYTES: u64 = 1 << 20;

/// What a key is kept under: who sent it, and which it is, as hashes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Name {
    who: String,
    key: String,
}

/// The answer that a request got.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Kept {
    pub(super) status: u16,
    pub(super) media: Option<String>,
    pub(super) body: String,
}

/// What a file holds.
#[derive(Debug, Serialize, Deserialize)]
struct Entry {
    request: String,
    answer: Option<Kept>,
}

/// What is known of a key when it comes.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Begun {
    /// Nothing: it is noted now, and the request is to be done.
    Anew,
    /// Its answer.
    Answered(Kept),
    /// It came with another request.
    Other,
    /// It is being dealt with.
    InProgress,
    /// It was begun, and how it ended is not known.
    InDoubt,
}

/// The keys of one data directory. Cheap to clone.
#[derive(Clone)]
pub struct Keys {
    inner: Arc<Inner>,
}

struct Inner {
    medium: Arc<dyn Medium>,
    entropy: Arc<dyn Entropy>,
    sealing: LessSafeKey,
    offload: Offload,
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    /// In which hour each came.
    hours: BTreeMap<Name, i64>,
    /// Those that are being dealt with by this process.
    busy: BTreeSet<Name>,
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keys").field("kept", &self.inner.known().hours.len()).finish_non_exhaustive()
    }
}

impl Name {
    pub(super) fn of(who: &str, key: &str) -> Self {
        let short = |text: &str| hex(digest(&SHA256, text.as_bytes()).as_ref()).chars().take(32).collect();
        Self { who: short(who), key: short(key) }
    }

    fn file(&self, hour: i64) -> String {
        format!("{hour:012}-{}-{}", self.who, self.key)
    }

    fn read(file: &str) -> Option<(i64, Self)> {
        let mut parts = file.split('-');
        let (hour, who, key) = (parts.next()?, parts.next()?, parts.next()?);
        let name = Self { who: who.to_owned(), key: key.to_owned() };
        Some((hour.parse().ok()?, name)).filter(|_| parts.next().is_none())
    }
}

impl Keys {
    /// The keys that stand in `medium`, sealed under `master`.
    ///
    /// # Errors
    ///
    /// When the folder cannot be read.
    pub fn open(
        medium: Arc<dyn Medium>,
        master: &MasterKey,
        entropy: Arc<dyn Entropy>,
        offload: Offload,
    ) -> std::io::Result<Self> {
        let secret = hmac::sign(&master.derive(b"throughline idempotency 1"), b"answers");
        let sealing = UnboundKey::new(&AES_256_GCM, secret.as_ref()).map_err(unsealed)?;
        let files = medium.list(FOLDER)?;
        let hours =
            files.iter().filter_map(|file| Name::read(file)).map(|(hour, name)| (name, hour)).collect();
        let known = Mutex::new(Known { hours, busy: BTreeSet::new() });
        let sealing = LessSafeKey::new(sealing);
        Ok(Self { inner: Arc::new(Inner { medium, entropy, sealing, offload, known }) })
    }

    /// Looks a key up, and notes it if it is new: durable on return.
    pub(super) async fn begin(&self, name: &Name, request: &str, now: Timestamp) -> Result<Begun, Problem> {
        let hour = now.timestamp().div_euclid(3600);
        let (old, there) = {
            let mut known = self.inner.known();
            let old: Vec<(Name, i64)> = known
                .hours
                .iter()
                .filter(|(name, at)| **at < hour - HOURS && !known.busy.contains(*name))
                .map(|(name, at)| (name.clone(), *at))
                .collect();
            for (name, _) in &old {
                known.hours.remove(name);
            }
            let there = known.hours.get(name).copied();
            if known.busy.contains(name) {
                // The same key with another request is told so as soon as the first one has ended.
                return Ok(Begun::InProgress);
            }
            if there.is_none() {
                let of_one = known.hours.keys().filter(|kept| kept.who == name.who).count();
                if known.hours.len() >= MOST || of_one >= MOST_OF_ONE {
                    let detail = format!(
                        "{MOST_OF_ONE} idempotency keys are kept for a day; come back when some are old"
                    );
                    return Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, detail).retry_after(3600));
                }
                known.hours.insert(name.clone(), hour);
            }
            known.busy.insert(name.clone());
            (old, there)
        };
        let (inner, place, request) = (Arc::clone(&self.inner), name.clone(), request.to_owned());
        let outcome = self
            .run(move || {
                for (name, hour) in old {
                    inner.remove(&name.file(hour))?;
                }
                let Some(hour) = there else {
                    inner.write(&place.file(hour), &Entry { request, answer: None })?;
                    return Ok(Begun::Anew);
                };
                let entry = inner.read(&place.file(hour))?;
                Ok(match entry {
                    Some(entry) if entry.request != request => Begun::Other,
                    Some(Entry { answer: Some(kept), .. }) => Begun::Answered(kept),
                    _ => Begun::InDoubt,
                })
            })
            .await;
        if !matches!(outcome, Ok(Begun::Anew)) {
            let mut known = self.inner.known();
            known.busy.remove(name);
            if outcome.is_err() && there.is_none() {
                known.hours.remove(name);
            }
        }
        outcome
    }

    /// Keeps the answer, durable on return.
    pub(super) async fn finish(&self, name: &Name, answer: Kept) -> Result<(), Problem> {
        let Some(hour) = self.inner.known().hours.get(name).copied() else { return Ok(()) };
        let (inner, file) = (Arc::clone(&self.inner), name.file(hour));
        self.run(move || {
            let Some(entry) = inner.read(&file)? else { return Ok(()) };
            inner.write(&file, &Entry { answer: Some(answer), ..entry })
        })
        .await
    }

    /// Leaves the key as it stands: it is not being dealt with any more.
    pub(super) fn leave(&self, name: &Name) {
        self.inner.known().busy.remove(name);
    }

    /// Forgets the key: nothing was done.
    pub(super) async fn forget(&self, name: &Name) -> Result<(), Problem> {
        let hour = self.inner.known().hours.get(name).copied();
        if let Some(hour) = hour {
            let (inner, file) = (Arc::clone(&self.inner), name.file(hour));
            self.run(move || inner.remove(&file)).await?;
        }
        let mut known = self.inner.known();
        known.hours.remove(name);
        known.busy.remove(name);
        Ok(())
    }

    async fn run<T: Send + 'static>(
        &self,
        job: impl FnOnce() -> std::io::Result<T> + Send + 'static,
    ) -> Result<T, Problem> {
        let done = match self.inner.offload {
            Offload::Inline => job(),
            Offload::Threads => match tokio::task::spawn_blocking(job).await {
                Ok(done) => done,
                Err(error) => return Err(Problem::internal(&error)),
            },
        };
        done.map_err(|error| Problem::internal(&error))
    }
}

impl Inner {
    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn read(&self, file: &str) -> std::io::Result<Option<Entry>> {
        let path = format!("{FOLDER}/{file}");
        let Some(length) = self.medium.len(&path)? else { return Ok(None) };
        let mut bytes = vec![0; usize::try_from(length.min(MAX_BYTES)).unwrap_or_default()];
        fill(&*self.medium, &path, &mut bytes)?;
        // What a crash left half written, or was sealed under another key, is a request that may have been begun.
        let opened = bytes.split_at_mut_checked(NONCE_LEN).and_then(|(nonce, sealed)| {
            let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
            let opened = self.sealing.open_in_place(nonce, Aad::from(file.as_bytes()), sealed).ok()?;
            serde_json::from_slice(opened).ok()
        });
        Ok(opened)
    }

    fn write(&self, file: &str, entry: &Entry) -> std::io::Result<()> {
        let mut sealed = serde_json::to_vec(entry)?;
        let mut nonce = [0; NONCE_LEN];
        self.entropy.fill(&mut nonce);
        self.sealing
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(file.as_bytes()),
                &mut sealed,
            )
            .map_err(unsealed)?;
        let bytes = [nonce.as_slice(), &sealed].concat();
        let (path, writing) = (format!("{FOLDER}/{file}"), format!("{FOLDER}/.{file}"));
        if self.medium.len(&writing)?.is_some() {
            self.medium.remove(&writing)?;
        }
        self.medium.write_at(&writing, 0, &bytes)?;
        self.medium.sync(&writing)?;
        self.medium.rename(&writing, &path)?;
        [FOLDER, ""].into_iter().try_for_each(|folder| self.medium.sync_dir(folder))
    }

    fn remove(&self, file: &str) -> std::io::Result<()> {
        let path = format!("{FOLDER}/{file}");
        if self.medium.len(&path)?.is_some() {
            self.medium.remove(&path)?;
            self.medium.sync_dir(FOLDER)?;
        }
        Ok(())
    }
}

fn unsealed(_: ring::error::Unspecified) -> std::io::Error {
    std::io::Error::other("an answer cannot be sealed")
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use chrono::{TimeDelta, TimeZone as _, Utc};

    use super::*;
    use crate::clock::SystemEntropy;
    use crate::ledger::MemoryMedium;

    struct Place {
        medium: Arc<MemoryMedium>,
        now: Timestamp,
    }

    impl Place {
        fn new() -> Self {
            Self { medium: Arc::default(), now: Utc.with_ymd_and_hms(2026, 11, 26, 12, 0, 0).unwrap() }
        }

        /// As a daemon finds them that starts now.
        fn keys(&self) -> Keys {
            let entropy = Arc::new(SystemEntropy::new());
            let master = MasterKey::new([7; 32]);
            let medium: Arc<dyn Medium> = Arc::<MemoryMedium>::clone(&self.medium);
            Keys::open(medium, &master, entropy, Offload::Inline).unwrap()
        }

        async fn begin(&self, keys: &Keys, request: &str) -> Begun {
            keys.begin(&Name::of("agent", "k"), request, self.now).await.unwrap()
        }
    }

    fn kept() -> Kept {
        Kept { status: 201, media: Some("application/json".to_owned()), body: "{}".to_owned() }
    }

    #[tokio::test]
    async fn a_key_is_answered_the_same_after_a_restart_and_stands_for_one_request() {
        let place = Place::new();
        let keys = place.keys();
        assert_eq!(place.begin(&keys, "a").await, Begun::Anew);
        assert_eq!(place.begin(&keys, "a").await, Begun::InProgress);
        let name = Name::of("agent", "k");
        keys.finish(&name, kept()).await.unwrap();
        keys.leave(&name);
        for keys in [keys, place.keys()] {
            assert_eq!(place.begin(&keys, "a").await, Begun::Answered(kept()));
            assert_eq!(place.begin(&keys, "b").await, Begun::Other);
            let other = keys.begin(&Name::of("another", "k"), "a", place.now).await.unwrap();
            assert_eq!(other, Begun::Anew, "a key is its sender's own");
            keys.forget(&Name::of("another", "k")).await.unwrap();
        }
    }

    #[tokio::test]
    async fn what_was_begun_before_a_crash_is_not_begun_again() {
        let place = Place::new();
        assert_eq!(place.begin(&place.keys(), "a").await, Begun::Anew);
        assert_eq!(place.begin(&place.keys(), "a").await, Begun::InDoubt);
    }

    #[tokio::test]
    async fn a_key_is_forgotten_after_a_day_and_when_nothing_was_done() {
        let mut place = Place::new();
        let keys = place.keys();
        assert_eq!(place.begin(&keys, "a").await, Begun::Anew);
        keys.forget(&Name::of("agent", "k")).await.unwrap();
        assert_eq!(place.begin(&keys, "b").await, Begun::Anew);
        keys.leave(&Name::of("agent", "k"));
        place.now += TimeDelta::hours(26);
        assert_eq!(place.begin(&keys, "c").await, Begun::Anew);
        assert_eq!(place.medium.list(FOLDER).unwrap().len(), 1, "the old one is gone");
    }
}
