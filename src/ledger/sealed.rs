//! Small files that are kept whole and sealed, beside the ledger: written beside, synced, renamed.
//!
//! A file holds a nonce of 12 bytes, the sealed bytes, and their tag. A file that was given another one's name does not
//! open.

use std::fmt;
use std::io;
use std::sync::Arc;

use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::hmac;
use throughline_sdk::Entropy;

use super::{Medium, fill};

/// A folder of sealed files under one key. Every call blocks. Cheap to clone.
#[derive(Clone)]
pub(crate) struct SealedFolder {
    pub(crate) medium: Arc<dyn Medium>,
    pub(crate) entropy: Arc<dyn Entropy>,
    pub(crate) key: LessSafeKey,
    /// The folder, directly under the data directory.
    pub(crate) folder: &'static str,
    /// What is longer was not written by us.
    pub(crate) max_bytes: u64,
}

/// Why a file could not be read.
#[derive(Debug)]
pub(crate) enum Unread {
    /// The disk.
    Io(io::Error),
    /// It is not what was written, or was under another key or name.
    Damaged,
}

/// A key for one purpose, from the master key's key for a kind of file.
///
/// # Errors
///
/// When no key can be made, which no name brings about.
pub(crate) fn sealing_key(of_kind: &hmac::Key, name: &[u8]) -> Result<LessSafeKey, ring::error::Unspecified> {
    UnboundKey::new(&AES_256_GCM, hmac::sign(of_kind, name).as_ref()).map(LessSafeKey::new)
}

impl fmt::Debug for SealedFolder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SealedFolder").field("folder", &self.folder).finish_non_exhaustive()
    }
}

impl SealedFolder {
    /// What was written last; `None` if nothing was.
    ///
    /// # Errors
    ///
    /// When it cannot be read, or is not what was written.
    pub(crate) fn read(&self, name: &str) -> Result<Option<Vec<u8>>, Unread> {
        let path = self.path(name);
        let length = match self.medium.len(&path).map_err(Unread::Io)? {
            None => return Ok(None),
            Some(length) if length > self.max_bytes => return Err(Unread::Damaged),
            Some(length) => length,
        };
        let mut bytes = vec![0; usize::try_from(length).unwrap_or_default()];
        if fill(&*self.medium, &path, 0, &mut bytes).map_err(Unread::Io)? < bytes.len() {
            return Err(Unread::Damaged);
        }
        let (nonce, sealed) = bytes.split_at_mut_checked(NONCE_LEN).ok_or(Unread::Damaged)?;
        let damaged = |ring::error::Unspecified| Unread::Damaged;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(damaged)?;
        let opened = self.key.open_in_place(nonce, Aad::from(name.as_bytes()), sealed);
        opened.map(|opened| Some(opened.to_vec())).map_err(damaged)
    }

    /// Durable on return.
    ///
    /// # Errors
    ///
    /// When it cannot be written.
    pub(crate) fn write(&self, name: &str, mut bytes: Vec<u8>) -> io::Result<()> {
        let mut nonce = [0; NONCE_LEN];
        self.entropy.fill(&mut nonce);
        let aad = Aad::from(name.as_bytes());
        self.key
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), aad, &mut bytes)
            .map_err(|ring::error::Unspecified| io::Error::other("it cannot be sealed"))?;
        let bytes = [nonce.as_slice(), &bytes].concat();
        let writing = self.path(&format!(".writing-{name}"));
        // A crash may have left a longer one.
        if self.medium.len(&writing)?.is_some() {
            self.medium.remove(&writing)?;
        }
        self.medium.write_at(&writing, 0, &bytes)?;
        self.medium.sync(&writing)?;
        self.medium.rename(&writing, &self.path(name))?;
        [self.folder, ""].into_iter().try_for_each(|folder| self.medium.sync_dir(folder))
    }

    /// Durable on return, also of a file that is not there.
    ///
    /// # Errors
    ///
    /// When it cannot be removed.
    pub(crate) fn remove(&self, name: &str) -> io::Result<()> {
        let path = self.path(name);
        if self.medium.len(&path)?.is_some() {
            self.medium.remove(&path)?;
            self.medium.sync_dir(self.folder)?;
        }
        Ok(())
    }

    /// Where a file stands.
    pub(crate) fn path(&self, name: &str) -> String {
        format!("{}/{name}", self.folder)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::SystemEntropy;
    use crate::ledger::{MasterKey, MemoryMedium};

    fn sealed(medium: &Arc<MemoryMedium>, master: u8) -> SealedFolder {
        let key = sealing_key(&MasterKey::new([master; 32]).derive(b"test"), b"files").unwrap();
        let medium: Arc<dyn Medium> = Arc::<MemoryMedium>::clone(medium);
        let entropy = Arc::new(SystemEntropy::new());
        SealedFolder { medium, entropy, key, folder: "sealed", max_bytes: 100 }
    }

    #[test]
    fn a_file_is_read_back_whole_and_every_changed_byte_of_it_is_damage() {
        let medium = Arc::new(MemoryMedium::new());
        let files = sealed(&medium, 1);
        assert!(files.read("one").unwrap().is_none());
        for text in ["a long text, which stood there first", "short"] {
            files.write("one", text.into()).unwrap();
            medium.crash(&mut |_| 0);
            assert_eq!(files.read("one").unwrap().unwrap(), text.as_bytes(), "what is written is durable");
        }
        assert_eq!(medium.list("sealed").unwrap(), ["one"]);
        let length = medium.len("sealed/one").unwrap().unwrap();
        for at in 0..length {
            let mut byte = [0];
            fill(&*medium, "sealed/one", at, &mut byte).unwrap();
            medium.write_at("sealed/one", at, &[byte[0] ^ 1]).unwrap();
            assert!(matches!(files.read("one"), Err(Unread::Damaged)), "byte {at}");
            medium.write_at("sealed/one", at, &byte).unwrap();
        }
        assert!(files.read("one").unwrap().is_some());
        assert!(matches!(sealed(&medium, 2).read("one"), Err(Unread::Damaged)), "under another key");
        medium.rename("sealed/one", "sealed/two").unwrap();
        assert!(matches!(files.read("two"), Err(Unread::Damaged)), "under another name");
        files.write("two", vec![7; 90]).unwrap();
        assert!(matches!(files.read("two"), Err(Unread::Damaged)), "longer than any that we write");
        files.remove("two").unwrap();
        files.remove("two").unwrap();
        assert!(files.read("two").unwrap().is_none());
    }
}
