//! The logins of systems that take an application only together with a person: one sealed file each.
//!
//! The key of a file `logins/SYSTEM` is derived from the master key and the system's name. It is no part of the ledger: it
//! says nothing about a case, and an export never has it.

use std::io;
use std::sync::Arc;

use futures::future::BoxFuture;
use secrecy::{ExposeSecret, SecretString};
use throughline_sdk::http::TokenStore;
use throughline_sdk::{Entropy, Error, ErrorKind, Result, SystemName};

use crate::ledger::{MasterKey, Medium, Offload, SealedFolder, Unread, sealing_key};

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
        let key = sealing_key(&self.master.derive(b"throughline logins 1"), system.as_str().as_bytes());
        let key = key.map_err(|ring::error::Unspecified| {
            Error::new(ErrorKind::Misconfigured, "the master key makes no key for logins")
        })?;
        let files = SealedFolder {
            medium: Arc::clone(&self.medium),
            entropy: Arc::clone(&self.entropy),
            key,
            folder: FOLDER,
            max_bytes: MAX_BYTES,
        };
        let file = File { files, system: system.clone() };
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
#[derive(Debug)]
struct File {
    files: SealedFolder,
    system: SystemName,
}

impl File {
    fn read(&self) -> Result<Option<SecretString>> {
        let opened = self.files.read(self.system.as_str()).map_err(|unread| match unread {
            Unread::Io(error) => self.failed("read", &error),
            Unread::Damaged => self.damaged(),
        })?;
        let text = opened.map(String::from_utf8).transpose().map_err(|_not_text| self.damaged())?;
        Ok(text.map(SecretString::from))
    }

    /// Durable on return.
    fn write(&self, kept: &SecretString) -> Result<()> {
        let bytes = kept.expose_secret().as_bytes().to_vec();
        self.files.write(self.system.as_str(), bytes).map_err(|error| self.failed("kept", &error))
    }

    fn name(&self) -> String {
        self.files.path(self.system.as_str())
    }

    fn damaged(&self) -> Error {
        let message = "the kept login is damaged or sealed under another master key; stop the bridge and run \
                       `throughline login` again";
        Error::new(ErrorKind::Unauthenticated, message).with_context("file", self.name())
    }

    fn failed(&self, verb: &'static str, error: &io::Error) -> Error {
        let message = format!("the login could not be {verb}: {error}; free or repair the disk");
        Error::new(ErrorKind::Unavailable, message).with_context("file", self.name())
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
