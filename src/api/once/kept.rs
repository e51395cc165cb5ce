//! Where keys and their answers are kept: a sealed file each, named by the hour and by the case that it is about, so that
//! old ones, and those about a case that is erased, go without being read.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::http::StatusCode;
use ring::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};
use throughline_sdk::{Entropy, Timestamp};

use crate::api::problem::Problem;
use crate::case::CaseId;
use crate::ledger::{MasterKey, Medium, Offload, SealedFolder, Unread, sealing_key};

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

/// Where a key is kept: in which hour it came, and which case its request named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Place {
    hour: i64,
    case: Option<CaseId>,
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
    files: SealedFolder,
    offload: Offload,
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    /// Where each is kept.
    places: BTreeMap<Name, Place>,
    /// Those that are being dealt with by this process.
    busy: BTreeSet<Name>,
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keys").field("kept", &self.inner.known().places.len()).finish_non_exhaustive()
    }
}

impl Name {
    pub(super) fn of(who: &str, key: &str) -> Self {
        let short = |text: &str| hex(digest(&SHA256, text.as_bytes()).as_ref()).chars().take(32).collect();
        Self { who: short(who), key: short(key) }
    }

    fn file(&self, Place { hour, case }: Place) -> String {
        let case = case.map(|case| format!("-{}", case.0)).unwrap_or_default();
        format!("{hour:012}-{}-{}{case}", self.who, self.key)
    }

    fn read(file: &str) -> Option<(Self, Place)> {
        let mut parts = file.split('-');
        let (hour, who, key) = (parts.next()?.parse().ok()?, parts.next()?, parts.next()?);
        let name = Self { who: who.to_owned(), key: key.to_owned() };
        let case = match parts.next() {
            Some(number) => Some(CaseId(number.parse().ok()?)),
            None => None,
        };
        Some((name, Place { hour, case })).filter(|_| parts.next().is_none())
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
        let key = sealing_key(&master.derive(b"throughline idempotency 1"), b"answers").map_err(unsealed)?;
        let files = medium.list(FOLDER)?;
        let places = files.iter().filter_map(|file| Name::read(file)).collect();
        let known = Mutex::new(Known { places, busy: BTreeSet::new() });
        let files = SealedFolder { medium, entropy, key, folder: FOLDER, max_bytes: MAX_BYTES };
        Ok(Self { inner: Arc::new(Inner { files, offload, known }) })
    }

    /// Looks a key up, and notes it if it is new: durable on return. `about` is the case that its request names.
    pub(super) async fn begin(
        &self,
        name: &Name,
        request: &str,
        about: Option<CaseId>,
        now: Timestamp,
    ) -> Result<Begun, Problem> {
        let hour = now.timestamp().div_euclid(3600);
        let anew = Place { hour, case: about };
        let (old, there) = {
            let mut known = self.inner.known();
            let old = known.take(|place| place.hour < hour - HOURS);
            let there = known.places.get(name).copied();
            if known.busy.contains(name) {
                // The same key with another request is told so as soon as the first one has ended.
                return Ok(Begun::InProgress);
            }
            if there.is_none() {
                let of_one = known.places.keys().filter(|kept| kept.who == name.who).count();
                if known.places.len() >= MOST || of_one >= MOST_OF_ONE {
                    let detail = format!(
                        "{MOST_OF_ONE} idempotency keys are kept for a day; come back when some are old"
                    );
                    return Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, detail).retry_after(3600));
                }
                known.places.insert(name.clone(), anew);
            }
            known.busy.insert(name.clone());
            (old, there)
        };
        let (inner, own, request) = (Arc::clone(&self.inner), name.clone(), request.to_owned());
        let outcome = self
            .run(move || {
                old.iter().try_for_each(|file| inner.files.remove(file))?;
                let Some(place) = there else {
                    inner.write(&own.file(anew), &Entry { request, answer: None })?;
                    return Ok(Begun::Anew);
                };
                let entry = inner.read(&own.file(place))?;
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
                known.places.remove(name);
            }
        }
        outcome.map_err(|error| Problem::internal(&error))
    }

    /// Keeps the answer, durable on return.
    pub(super) async fn finish(&self, name: &Name, answer: Kept) -> Result<(), Problem> {
        let Some(place) = self.inner.known().places.get(name).copied() else { return Ok(()) };
        let (inner, file) = (Arc::clone(&self.inner), name.file(place));
        let kept = self.run(move || {
            let Some(entry) = inner.read(&file)? else { return Ok(()) };
            inner.write(&file, &Entry { answer: Some(answer), ..entry })
        });
        kept.await.map_err(|error| Problem::internal(&error))
    }

    /// Forgets every key whose request named a case that is erased, durable on return. Those that are being dealt with
    /// stay: the request to erase it is one.
    ///
    /// # Errors
    ///
    /// When one cannot be removed.
    pub(crate) async fn erase(&self, case: CaseId) -> std::io::Result<()> {
        let files = self.inner.known().take(|place| place.case == Some(case));
        let inner = Arc::clone(&self.inner);
        self.run(move || files.iter().try_for_each(|file| inner.files.remove(file))).await
    }

    /// Leaves the key as it stands: it is not being dealt with any more.
    pub(super) fn leave(&self, name: &Name) {
        self.inner.known().busy.remove(name);
    }

    /// Forgets the key: nothing was done.
    pub(super) async fn forget(&self, name: &Name) -> Result<(), Problem> {
        let place = self.inner.known().places.get(name).copied();
        if let Some(place) = place {
            let (inner, file) = (Arc::clone(&self.inner), name.file(place));
            let removed = self.run(move || inner.files.remove(&file));
            removed.await.map_err(|error| Problem::internal(&error))?;
        }
        let mut known = self.inner.known();
        known.places.remove(name);
        known.busy.remove(name);
        Ok(())
    }

    async fn run<T: Send + 'static>(
        &self,
        job: impl FnOnce() -> std::io::Result<T> + Send + 'static,
    ) -> std::io::Result<T> {
        match self.inner.offload {
            Offload::Inline => job(),
            Offload::Threads => tokio::task::spawn_blocking(job).await.map_err(std::io::Error::other)?,
        }
    }
}

impl Known {
    /// Takes out the keys whose place is meant, but for those that are being dealt with; answers their files.
    fn take(&mut self, is_meant: impl Fn(Place) -> bool) -> Vec<String> {
        let busy = &self.busy;
        let meant = self.places.extract_if(.., |name, place| is_meant(*place) && !busy.contains(name));
        meant.map(|(name, place)| name.file(place)).collect()
    }
}

impl Inner {
    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What a crash left half written, or was sealed under another key, is a request that may have been begun.
    fn read(&self, file: &str) -> std::io::Result<Option<Entry>> {
        match self.files.read(file) {
            Ok(opened) => Ok(opened.and_then(|opened| serde_json::from_slice(&opened).ok())),
            Err(Unread::Damaged) => Ok(None),
            Err(Unread::Io(error)) => Err(error),
        }
    }

    fn write(&self, file: &str, entry: &Entry) -> std::io::Result<()> {
        self.files.write(file, serde_json::to_vec(entry)?)
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

    struct House {
        medium: Arc<MemoryMedium>,
        now: Timestamp,
    }

    impl House {
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
            keys.begin(&Name::of("agent", "k"), request, None, self.now).await.unwrap()
        }
    }

    fn kept() -> Kept {
        Kept { status: 201, media: Some("application/json".to_owned()), body: "{}".to_owned() }
    }

    #[tokio::test]
    async fn a_key_is_answered_the_same_after_a_restart_and_stands_for_one_request() {
        let place = House::new();
        let keys = place.keys();
        assert_eq!(place.begin(&keys, "a").await, Begun::Anew);
        assert_eq!(place.begin(&keys, "a").await, Begun::InProgress);
        let name = Name::of("agent", "k");
        keys.finish(&name, kept()).await.unwrap();
        keys.leave(&name);
        for keys in [keys, place.keys()] {
            assert_eq!(place.begin(&keys, "a").await, Begun::Answered(kept()));
            assert_eq!(place.begin(&keys, "b").await, Begun::Other);
            let other = keys.begin(&Name::of("another", "k"), "a", None, place.now).await.unwrap();
            assert_eq!(other, Begun::Anew, "a key is its sender's own");
            keys.forget(&Name::of("another", "k")).await.unwrap();
        }
    }

    #[tokio::test]
    async fn what_was_begun_before_a_crash_is_not_begun_again() {
        let place = House::new();
        assert_eq!(place.begin(&place.keys(), "a").await, Begun::Anew);
        assert_eq!(place.begin(&place.keys(), "a").await, Begun::InDoubt);
    }

    #[tokio::test]
    async fn a_key_is_forgotten_after_a_day_and_when_nothing_was_done() {
        let mut place = House::new();
        let keys = place.keys();
        assert_eq!(place.begin(&keys, "a").await, Begun::Anew);
        keys.forget(&Name::of("agent", "k")).await.unwrap();
        assert_eq!(place.begin(&keys, "b").await, Begun::Anew);
        keys.leave(&Name::of("agent", "k"));
        place.now += TimeDelta::hours(26);
        assert_eq!(place.begin(&keys, "c").await, Begun::Anew);
        assert_eq!(place.medium.list(FOLDER).unwrap().len(), 1, "the old one is gone");
    }
    #[tokio::test]
    async fn what_is_kept_about_a_case_goes_with_it_and_nothing_else_does() {
        let place = House::new();
        let keys = place.keys();
        let begin = async |keys: &Keys, key: &str, case| {
            keys.begin(&Name::of("agent", key), "a", case, place.now).await.unwrap()
        };
        for (key, case) in [("one", Some(CaseId(1))), ("two", Some(CaseId(2))), ("none", None)] {
            assert_eq!(begin(&keys, key, case).await, Begun::Anew);
            keys.finish(&Name::of("agent", key), kept()).await.unwrap();
        }
        keys.erase(CaseId(1)).await.unwrap();
        assert_eq!(begin(&keys, "one", None).await, Begun::InProgress, "the request to erase it is answered");
        for key in ["one", "two", "none"] {
            keys.leave(&Name::of("agent", key));
        }
        // As a daemon finds them that starts now.
        let keys = place.keys();
        keys.erase(CaseId(1)).await.unwrap();
        assert_eq!(place.medium.list(FOLDER).unwrap().len(), 2);
        assert_eq!(begin(&keys, "two", Some(CaseId(2))).await, Begun::Answered(kept()));
        assert_eq!(begin(&keys, "none", None).await, Begun::Answered(kept()));
        assert_eq!(begin(&keys, "one", None).await, Begun::Anew);
    }
}
