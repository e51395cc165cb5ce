//! A small file of the folder `identity`, kept whole and sealed.

use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;
use throughline_sdk::Entropy;

use super::Error;
use crate::ledger::{MasterKey, Medium, Offload, SealedFolder, Unread, sealing_key};

const FOLDER: &str = "identity";
/// Tens of thousands of accounts; what is longer was not written by us.
const MAX_BYTES: u64 = 64 << 20;

/// One file of the folder `identity`.
#[derive(Clone, Debug)]
pub(super) struct Sealed {
    files: SealedFolder,
    name: &'static str,
    offload: Offload,
}

impl Sealed {
    pub(super) fn new(
        medium: Arc<dyn Medium>,
        entropy: Arc<dyn Entropy>,
        master: &MasterKey,
        name: &'static str,
        offload: Offload,
    ) -> Result<Self, Error> {
        let key = sealing_key(&master.derive(b"throughline identity 1"), name.as_bytes());
        let key = key.map_err(Error::broken)?;
        let files = SealedFolder { medium, entropy, key, folder: FOLDER, max_bytes: MAX_BYTES };
        Ok(Self { files, name, offload })
    }

    /// What was written last; `None` if nothing was.
    pub(super) fn read<T: DeserializeOwned>(&self) -> Result<Option<T>, Error> {
        let damaged = || Error::Damaged { file: self.files.path(self.name) };
        let opened = self.files.read(self.name).map_err(|unread| match unread {
            Unread::Io(source) => self.failed("read", source),
            Unread::Damaged => damaged(),
        })?;
        let read = opened.map(|opened| serde_json::from_slice(&opened)).transpose();
        read.map_err(|_unreadable| damaged())
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

    fn put(&self, bytes: Vec<u8>) -> Result<(), Error> {
        self.files.write(self.name, bytes).map_err(|error| self.failed("written", error))
    }

    fn failed(&self, verb: &'static str, source: std::io::Error) -> Error {
        Error::Io { file: self.files.path(self.name), verb, source }
    }
}
