//! The logins of systems that take an application only together with a person: one sealed file each.
//!
//! A file `logins/SYSTEM` holds a nonce of 12 bytes, the sealed text, and its tag. Its key is derived from the master
//! key and the system's name. It is no part of the ledger: it says nothing about a case, and an export never has it.

use std::fmt;
use std::io;
use std::sync::Arc;

use futures::future::BoxFuture;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::hmac;
use secrecy::{ExposeSecret, SecretString};
use throughline_sdk::http::TokenStore;
use throughline_sdk::{Entropy, Error, ErrorKind, Result, SystemName};

use crate::ledger::{MasterKey, Medium, Offload, fill};

const FOLDER: &str = "logins";
/// Longer than any token; what is longer was not written by us.
const MAX_BYTES: u64 = 1 << 20;

/// The logins of one data directory.
#[derive(Clone, Debug)]
pub struct Logins {
    medium: Arc<dyn Medium>,
    master: MasterKey,
    entropy: Arc<dyn Entropy>,
    offload: Offload,
}

impl Logins {
    /// The logins that stand in `medium`, sealed under `master`.
    pub fn new(
        medium: Arc<dyn Medium>,
        master: MasterKey,
        entropy: Arc<dyn Entropy>,
        offload: Offload,
    ) -> Self {
        Self { medium, master, entropy, offload }
    }

    /// Where the login of this system is kept.
    ///
    /// # Errors
    ///
    /// When no key can be made, which no system's name brings about.
    pub fn of(&self, system: &SystemName) -> Result<Arc<dyn TokenStore>> {
        let secret = hmac::sign(&self.master.derive(b"throughline logins 1"), system.as_str().as_bytes());
        let key = UnboundKey::new(&AES_256_GCM, secret.as_ref()).map_err(|ring::error::Unspecified| {
            Error::new(ErrorKind::Misconfigured, "the master key makes no key for logins")
        })?;
        let file = File {
            medium: Arc::clone(&self.medium),
            entropy: Arc::clone(&self.entropy),
            key: LessSafeKey::new(key),
            system: system.clone(),
        };
        Ok(Arc::new(Login { file: Arc::new(file), offload: self.offload }))
    }
}

/// The login of one system.
#[derive(Debug)]
struct Login {
    file: Arc<File>,
    offload: Offload,
}

impl Login {
    async fn run<T: Send + 'static>(
        &self,
        job: impl FnOnce(&File) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        match self.offload {
            Offload::Inline => job(&self.file),
            Offload::Threads => {
                let file = Arc::clone(&self.file);
                let done = tokio::task::spawn_blocking(move || job(&file)).await;
                done.map_err(|error| {
                    Error::new(ErrorKind::Unavailable, format!("a login's worker is gone: {error}"))
                })?
            }
        }
    }
}

impl TokenStore for Login {
    fn read(&self) -> BoxFuture<'_, Result<Option<SecretString>>> {
        Box::pin(self.run(File::read))
    }

    fn write(&self, kept: SecretString) -> BoxFuture<'_, Result<()>> {
        Box::pin(self.run(move |file| file.write(&kept)))
    }
}

/// A login's file. Every call blocks.
struct File {
    medium: Arc<dyn Medium>,
    entropy: Arc<dyn Entropy>,
    key: LessSafeKey,
    system: SystemName,
}

impl fmt::Debug for File {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("File").field("system", &self.system).finish_non_exhaustive()
    }
}

impl File {
    fn read(&self) -> Result<Option<SecretString>> {
        let name = self.name();
        let failed = self.failed("read");
        let length = match self.medium.len(&name).map_err(&failed)? {
            None => return Ok(None),
            Some(length) if length > MAX_BYTES => return Err(self.damaged()),
            Some(length) => length,
        };
        let mut bytes = vec![0; usize::try_from(length).unwrap_or_default()];
        if fill(&*self.medium, &name, &mut bytes).map_err(&failed)? < bytes.len() {
            return Err(self.damaged());
        }
        let (nonce, sealed) = bytes.split_at_mut_checked(NONCE_LEN).ok_or_else(|| self.damaged())?;
        let nonce = Nonce::try_assume_unique_for_key(nonce);
        let nonce = nonce.map_err(|ring::error::Unspecified| self.damaged())?;
        let opened = self.key.open_in_place(nonce, self.aad(), sealed);
        let opened = opened.map_err(|ring::error::Unspecified| self.damaged())?;
        std::str::from_utf8(opened).map(|text| Some(text.into())).map_err(|_not_text| self.damaged())
    }

    /// Durable on return.
    fn write(&self, kept: &SecretString) -> Result<()> {
        let (name, failed) = (self.name(), self.failed("kept"));
        let mut nonce = [0; NONCE_LEN];
        self.entropy.fill(&mut nonce);
        let mut sealed = kept.expose_secret().as_bytes().to_vec();
        self.key
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), self.aad(), &mut sealed)
            .map_err(|ring::error::Unspecified| failed(io::Error::other("it cannot be sealed")))?;
        let bytes = [nonce.as_slice(), &sealed].concat();
        let writing = format!("{FOLDER}/.writing-{}", self.system);
        // A crash may have left a longer one.
        if self.medium.len(&writing).map_err(&failed)?.is_some() {
            self.medium.remove(&writing).map_err(&failed)?;
        }
        self.medium.write_at(&writing, 0, &bytes).map_err(&failed)?;
        self.medium.sync(&writing).map_err(&failed)?;
        self.medium.rename(&writing, &name).map_err(&failed)?;
        [FOLDER, ""].into_iter().try_for_each(|folder| self.medium.sync_dir(folder).map_err(&failed))
    }

    fn name(&self) -> String {
        format!("{FOLDER}/{}", self.system)
    }

    /// A file that was given another system's name does not open.
    fn aad(&self) -> Aad<&[u8]> {
        Aad::from(self.system.as_str().as_bytes())
    }

    fn damaged(&self) -> Error {
        let message = "the kept login is damaged or sealed under another master key; stop the bridge and run \
                       `throughline login` again";
        Error::new(ErrorKind::Unauthenticated, message).with_context("file", self.name())
    }

    fn failed(&self, verb: &'static str) -> impl Fn(io::Error) -> Error + use<> {
        let name = self.name();
        move |error| {
            let message = format!("the login could not be {verb}: {error}; free or repair the disk");
            Error::new(ErrorKind::Unavailable, message).with_context("file", &name)
        }
    }
}

/// A login that this process has no right to: using it would take back the token that the daemon has in hand.
#[derive(Debug)]
pub(super) struct Elsewhere;

impl Elsewhere {
    fn error() -> Error {
        let message = "the login is the daemon's, which runs just now; stop it first, or see /readyz";
        Error::new(ErrorKind::Unavailable, message)
    }
}

impl TokenStore for Elsewhere {
    fn read(&self) -> BoxFuture<'_, Result<Option<SecretString>>> {
        Box::pin(std::future::ready(Err(Self::error())))
    }

    fn write(&self, _kept: SecretString) -> BoxFuture<'_, Result<()>> {
        Box::pin(std::future::ready(Err(Self::error())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::SystemEntropy;
    use crate::ledger::{FileMedium, MemoryMedium};

    fn logins(medium: &Arc<dyn Medium>, key: u8) -> Logins {
        let master = MasterKey::new([key; 32]);
        Logins::new(Arc::clone(medium), master, Arc::new(SystemEntropy::new()), Offload::Inline)
    }

    async fn read(logins: &Logins, system: &str) -> Result<Option<String>> {
        let store = logins.of(&SystemName::new(system))?;
        Ok(store.read().await?.map(|kept| kept.expose_secret().to_owned()))
    }

    #[tokio::test]
    async fn the_newest_token_is_read_back_and_nothing_of_it_stands_open() {
        let folder = tempfile::tempdir().unwrap();
        let medium: Arc<dyn Medium> = Arc::new(FileMedium::open(folder.path()).unwrap());
        let logins = logins(&medium, 1);
        assert_eq!(read(&logins, "vendor").await.unwrap(), None);
        let store = logins.of(&SystemName::new("vendor")).unwrap();
        for token in ["a-long-token-of-the-first-login", "second"] {
            store.write(token.into()).await.unwrap();
            assert_eq!(read(&logins, "vendor").await.unwrap().as_deref(), Some(token));
            let sealed = std::fs::read(folder.path().join("logins/vendor")).unwrap();
            assert!(!sealed.windows(token.len()).any(|window| window == token.as_bytes()));
        }
        assert_eq!(medium.list(FOLDER).unwrap(), ["vendor"]);
    }

    #[tokio::test]
    async fn what_is_not_this_systems_login_under_this_key_is_refused_with_what_to_do() {
        let medium: Arc<dyn Medium> = Arc::new(MemoryMedium::new());
        logins(&medium, 1).of(&SystemName::new("vendor")).unwrap().write("token".into()).await.unwrap();
        let other_key = read(&logins(&medium, 2), "vendor").await.unwrap_err();
        medium.rename("logins/vendor", "logins/other").unwrap();
        let other_system = read(&logins(&medium, 1), "other").await.unwrap_err();
        medium.truncate("logins/other", 5).unwrap();
        let short = read(&logins(&medium, 1), "other").await.unwrap_err();
        for error in [other_key, other_system, short] {
            assert_eq!(error.kind(), ErrorKind::Unauthenticated, "{error}");
            assert!(error.to_string().contains("throughline login"), "{error}");
        }
    }
}
