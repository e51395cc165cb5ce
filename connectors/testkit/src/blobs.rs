//! Files by digest, in memory.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use futures::FutureExt;
use futures::future::{BoxFuture, ready};
use ring::digest;
use throughline_sdk::{Blobs, Digest, Error, ErrorKind, Result};

/// Files by digest, in memory.
#[derive(Debug, Default)]
pub struct MemoryBlobs(Mutex<HashMap<Digest, Bytes>>);

impl MemoryBlobs {
    /// Stores bytes and names them.
    pub fn put(&self, bytes: Bytes) -> Digest {
        let hash = digest::digest(&digest::SHA256, &bytes);
        let name = Digest::new(hash.as_ref().iter().map(|byte| format!("{byte:02x}")).collect::<String>());
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(name.clone(), bytes);
        name
    }
}

impl Blobs for MemoryBlobs {
    fn read<'a>(&'a self, digest: &'a Digest) -> BoxFuture<'a, Result<Bytes>> {
        let found = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(digest).cloned();
        let missing = || Error::new(ErrorKind::NotFound, format!("no file with digest {digest} is stored"));
        ready(found.ok_or_else(missing)).boxed()
    }

    fn write(&self, bytes: Bytes) -> BoxFuture<'_, Result<Digest>> {
        ready(Ok(self.put(bytes))).boxed()
    }
}
