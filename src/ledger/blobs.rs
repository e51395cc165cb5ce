//! Attached files by the digest of their bytes: durable before a record names them.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use futures::future::BoxFuture;
use ring::digest;
use throughline_sdk::{Blobs, Digest, Error, ErrorKind, Result};

use super::checkpoint::hex;
use super::journal::Offload;
use super::medium::{Medium, fill, folder_of};

/// The folder `files/` of a data directory: a file's name is its digest, after two characters a slash.
#[derive(Clone, Debug)]
pub struct BlobFolder {
    medium: Arc<dyn Medium>,
    offload: Offload,
    /// Tells apart the temporary names of writes that run at the same time.
    writes: Arc<AtomicU64>,
}

impl BlobFolder {
    /// The folder of this data directory.
    pub fn new(medium: Arc<dyn Medium>, offload: Offload) -> Self {
        Self { medium, offload, writes: Arc::default() }
    }

    /// Deletes a file for good; false if there was none.
    ///
    /// # Errors
    ///
    /// When the disk refuses.
    pub async fn remove(&self, digest: &Digest) -> Result<bool> {
        let digest = digest.clone();
        self.run(move |medium| remove(medium, &digest)).await
    }

    async fn run<T: Send + 'static>(
        &self,
        job: impl FnOnce(&dyn Medium) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        match self.offload {
            Offload::Inline => job(&*self.medium),
            Offload::Threads => {
                let medium = Arc::clone(&self.medium);
                let done = tokio::task::spawn_blocking(move || job(&*medium)).await;
                done.map_err(|error| {
                    Error::new(ErrorKind::Unavailable, format!("a file's worker is gone: {error}"))
                })?
            }
        }
    }
}

impl Blobs for BlobFolder {
    fn read<'a>(&'a self, digest: &'a Digest) -> BoxFuture<'a, Result<Bytes>> {
        let digest = digest.clone();
        Box::pin(self.run(move |medium| read(medium, &digest)))
    }

    fn write(&self, bytes: Bytes) -> BoxFuture<'_, Result<Digest>> {
        let turn = self.writes.fetch_add(1, Ordering::Relaxed);
        Box::pin(self.run(move |medium| write(medium, &bytes, turn)))
    }
}

fn read(medium: &dyn Medium, digest: &Digest) -> Result<Bytes> {
    let name = name_of(digest)?;
    let failed = failed("read", digest);
    let length = medium.len(&name).map_err(&failed)?.ok_or_else(|| {
        Error::new(
            ErrorKind::NotFound,
            "an attached file is not in the data directory; restore files/ from a backup",
        )
        .with_context("digest", digest)
    })?;
    let mut bytes = vec![0; usize::try_from(length).unwrap_or_default()];
    fill(medium, &name, 0, &mut bytes).map_err(&failed)?;
    if digest_of(&bytes) == *digest {
        return Ok(bytes.into());
    }
    let message = "an attached file in the data directory is damaged; restore files/ from a backup";
    Err(Error::new(ErrorKind::Malformed, message).with_context("digest", digest))
}

fn write(medium: &dyn Medium, bytes: &[u8], turn: u64) -> Result<Digest> {
    let digest = digest_of(bytes);
    let name = name_of(&digest)?;
    let failed = failed("write", &digest);
    if medium.len(&name).map_err(&failed)?.is_none() {
        let folder = folder_of(&name);
        let temporary = format!("{folder}/writing-{digest}-{turn}");
        // A crash may have left a longer file under this name.
        if medium.len(&temporary).map_err(&failed)?.is_some() {
            medium.remove(&temporary).map_err(&failed)?;
        }
        medium.write_at(&temporary, 0, bytes).map_err(&failed)?;
        medium.sync(&temporary).map_err(&failed)?;
        medium.rename(&temporary, &name).map_err(&failed)?;
    }
    // Also for one that is there: whoever wrote it may not have come this far.
    let folders = [folder_of(&name), "files", ""];
    folders.into_iter().try_for_each(|folder| medium.sync_dir(folder).map_err(&failed))?;
    Ok(digest)
}

fn remove(medium: &dyn Medium, digest: &Digest) -> Result<bool> {
    let name = name_of(digest)?;
    let failed = failed("delete", digest);
    if medium.len(&name).map_err(&failed)?.is_none() {
        return Ok(false);
    }
    medium.remove(&name).map_err(&failed)?;
    medium.sync_dir(folder_of(&name)).map_err(&failed)?;
    Ok(true)
}

fn name_of(digest: &Digest) -> Result<String> {
    let text = digest.as_str();
    let is_digest = text.len() == 64 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    match text.split_at_checked(2).filter(|_| is_digest) {
        Some((folder, rest)) => Ok(format!("files/{folder}/{rest}")),
        None => Err(Error::new(ErrorKind::Malformed, "a digest is not 64 hexadecimal characters")),
    }
}

fn digest_of(bytes: &[u8]) -> Digest {
    Digest::new(hex(digest::digest(&digest::SHA256, bytes).as_ref()))
}

fn failed(action: &'static str, digest: &Digest) -> impl Fn(io::Error) -> Error + use<> {
    let digest = digest.clone();
    move |error| {
        let message = format!("could not {action} an attached file: {error}; free or repair the disk");
        Error::new(ErrorKind::Unavailable, message).with_context("digest", &digest)
    }
}
