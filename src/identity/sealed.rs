//! A small file that is kept whole and sealed: written beside, synced, renamed.

use std::fmt;
use std::sync::Arc;

use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::hmac;
use serde::Serialize;
use serde::de::DeserializeOwned;
use throughline_sdk::Entropy;

use super::Error;
use crate::ledger::{MasterKey, Medium, Offload, fill};

const FOLDER: &str = "identity";
/// Tens of thousands of accounts; what is longer was not written by us.
const MAX_BYTES: u64 = 64 << 20;

/// One file of the folder `identity`.
#[derive(Clone)]
pub(super) struct Sealed {
    medium: Arc<dyn Medium>,
    entropy: Arc<dyn Entropy>,
    key: LessSafeKey,
    name: &'static str,
    offload: Offload,
}

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sealed").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Sealed {
    pub(super) fn new(
        medium: Arc<dyn Medium>,
        entropy: Arc<dyn Entropy>,
        master: &MasterKey,
        name: &'static str,
        offload: Offload,
    ) -> Result<Self, Error> {
        let secret = hmac::sign(&master.derive(b"throughline identity 1"), name.as_bytes());
        let key = UnboundKey::new(&AES_256_GCM, secret.as_ref()).map_err(Error::broken)?;
        Ok(Self { medium, entropy, key: LessSafeKey::new(key), name, offload })
    }

    /// What was written last; `None` if nothing was.
    pub(super) fn read<T: DeserializeOwned>(&self) -> Result<Option<T>, Error> {
        let path = self.path();
        let length = match self.medium.len(&path).map_err(|error| self.failed("read", error))? {
            None => return Ok(None),
            Some(length) if length > MAX_BYTES => return Err(self.damaged()),
            Some(length) => length,
        };
        let mut bytes = vec![0; usize::try_from(length).unwrap_or_default()];
        if fill(&*self.medium, &path, &mut bytes).map_err(|error| self.failed("read", error))? < bytes.len() {
            return Err(self.damaged());
        }
        let (nonce, sealed) = bytes.split_at_mut_checked(NONCE_LEN).ok_or_else(|| self.damaged())?;
        let nonce = Nonce::try_assume_unique_for_key(nonce);
        let nonce = nonce.map_err(|ring::error::Unspecified| self.damaged())?;
        let opened = self.key.open_in_place(nonce, self.aad(), sealed);
        let opened = opened.map_err(|ring::error::Unspecified| self.damaged())?;
        serde_json::from_slice(opened).map(Some).map_err(|_unreadable| self.damaged())
    }

    /// Durable on return.
    pub(super) async fn write<T: Serialize + Sync>(&self, kept: &T) -> Result<(), Error> {
        let bytes = serde_json::to_vec(kept).map_err(Error::broken)?;
        match self.offload {
            Offload::Inline => self.put(bytes),
            Offload::Threads => {
                let file = self.clone();
                tokio::task::spawn_blocking(move || file.put(bytes)).await.map_err(Error::broken)?
            }
        }
    }

    fn put(&self, mut sealed: Vec<u8>) -> Result<(), Error> {
        let mut nonce = [0; NONCE_LEN];
        self.entropy.fill(&mut nonce);
        self.key
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), self.aad(), &mut sealed)
            .map_err(Error::broken)?;
        let bytes = [nonce.as_slice(), &sealed].concat();
        let writing = format!("{FOLDER}/.writing-{}", self.name);
        let failed = |error| self.failed("written", error);
        // A crash may have left a longer one.
        if self.medium.len(&writing).map_err(failed)?.is_some() {
            self.medium.remove(&writing).map_err(failed)?;
        }
        self.medium.write_at(&writing, 0, &bytes).map_err(failed)?;
        self.medium.sync(&writing).map_err(failed)?;
        self.medium.rename(&writing, &self.path()).map_err(failed)?;
        [FOLDER, ""].into_iter().try_for_each(|folder| self.medium.sync_dir(folder).map_err(failed))
    }

    fn path(&self) -> String {
        format!("{FOLDER}/{}", self.name)
    }

    /// A file that was given the other's name does not open.
    fn aad(&self) -> Aad<&[u8]> {
        Aad::from(self.name.as_bytes())
    }

    fn damaged(&self) -> Error {
        Error::Damaged { file: self.path() }
    }

    fn failed(&self, verb: &'static str, source: std::io::Error) -> Error {
        Error::Io { file: self.path(), verb, source }
    }
}
