//! The data directory: where ledger, store, files and keys of one bridge stand.

use std::io::Write;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use throughline_sdk::Entropy;

use crate::ledger::MasterKey;
use crate::plan::MarkerKey;

/// A bridge's data directory.
#[derive(Clone, Debug)]
pub struct DataDir {
    root: PathBuf,
}

/// How a running daemon is reached, for the command line beside it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Running {
    /// Its process.
    pub pid: u32,
    /// Where it is reached from this machine.
    pub address: SocketAddr,
}

impl Running {
    /// This process, which listens at `listens`.
    pub fn here(listens: SocketAddr) -> Self {
        let ip = match listens.ip() {
            // Every address of this machine: the nearest of them is as good as any.
            IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
            ip @ (IpAddr::V4(_) | IpAddr::V6(_)) => ip,
        };
        Self { pid: std::process::id(), address: SocketAddr::new(ip, listens.port()) }
    }
}

/// Why the data directory cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{path} cannot be {verb}: {source}")]
pub struct DataError {
    path: String,
    verb: &'static str,
    source: std::io::Error,
}

impl DataDir {
    /// The directory at `root`, made if it is not there, readable by its owner only.
    ///
    /// # Errors
    ///
    /// When it cannot be made.
    pub fn create(root: &Path) -> Result<Self, DataError> {
        use std::os::unix::fs::DirBuilderExt;
        let mut builder = std::fs::DirBuilder::new();
        let made = builder.recursive(true).mode(0o700).create(root);
        made.map_err(|source| fault(root, "made", source))?;
        Ok(Self { root: root.to_owned() })
    }

    /// The directory at `root`, which has to be there.
    ///
    /// # Errors
    ///
    /// When it is not.
    pub fn existing(root: &Path) -> Result<Self, DataError> {
        std::fs::metadata(root).map_err(|source| fault(root, "read", source))?;
        Ok(Self { root: root.to_owned() })
    }

    /// Whether a bridge has written here.
    pub fn holds_ledger(&self) -> bool {
        self.root.join("ledger").is_dir() || self.root.join("checkpoint").is_file()
    }

    /// Whether a process owns it just now.
    ///
    /// # Errors
    ///
    /// When that cannot be told.
    pub fn is_owned(&self) -> Result<bool, DataError> {
        let path = self.root.join("lock");
        let lock = match std::fs::File::open(&path) {
            Ok(lock) => lock,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(false),
            Err(source) => return Err(fault(&path, "read", source)),
        };
        match lock.try_lock_shared() {
            Ok(()) => Ok(false),
            Err(std::fs::TryLockError::WouldBlock) => Ok(true),
            Err(std::fs::TryLockError::Error(source)) => Err(fault(&path, "locked", source)),
        }
    }

    /// Whether what this process writes here will belong to the directory's owner.
    ///
    /// # Errors
    ///
    /// When it belongs to another user.
    pub fn check_owner(&self) -> Result<(), DataError> {
        use std::os::unix::fs::MetadataExt;
        // The owner of /proc/self is this process's effective user; without /proc nothing can be told.
        let Ok(ours) = std::fs::metadata("/proc/self") else { return Ok(()) };
        let theirs = std::fs::metadata(&self.root).map_err(|source| fault(&self.root, "read", source))?;
        if theirs.uid() == ours.uid() {
            return Ok(());
        }
        let why = format!("it belongs to the user {}; run this command as that user", theirs.uid());
        Err(fault(&self.root, "opened", std::io::Error::other(why)))
    }

    /// Whether others than its owner may list or enter it.
    pub fn is_open_to_others(&self) -> bool {
        use std::os::unix::fs::PermissionsExt;
        std::fs::metadata(&self.root).is_ok_and(|found| found.permissions().mode() & 0o077 != 0)
    }

    /// Where it is.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Where the store stands.
    pub fn store(&self) -> PathBuf {
        self.root.join("store")
    }

    /// The master key: the configured one, else the one of the file `master.key`, which is made if no ledger is there
    /// either.
    ///
    /// # Errors
    ///
    /// When the file cannot be read or made, is no key, or is not there though a ledger is sealed under it.
    pub fn master_key(
        &self,
        configured: Option<&SecretString>,
        entropy: &dyn Entropy,
    ) -> Result<MasterKey, DataError> {
        let text = match configured {
            Some(secret) => secret.expose_secret().trim().to_owned(),
            None => {
                let path = self.root.join("master.key");
                if self.holds_ledger() && !path.exists() {
                    let why = "the ledger here is sealed under it; restore it, or name it by `master_key`";
                    return Err(fault(&path, "found", std::io::Error::other(why)));
                }
                self.secret_file("master.key", entropy)?
            }
        };
        let bytes = parse_key(&text).ok_or_else(|| {
            let why = std::io::Error::new(std::io::ErrorKind::InvalidData, "it is not 64 hexadecimal digits");
            fault(&self.root.join("master.key"), "used", why)
        })?;
        Ok(MasterKey::new(bytes))
    }

    /// The token that the interface under `/api/` asks for.
    ///
    /// # Errors
    ///
    /// When the file cannot be read or made.
    pub fn admin_token(&self, entropy: &dyn Entropy) -> Result<SecretString, DataError> {
        self.secret_file("admin.token", entropy).map(SecretString::from)
    }

    /// Keeps what the ledger is called, for commands that do not see the configuration.
    ///
    /// # Errors
    ///
    /// When the file cannot be written.
    pub fn keep_ledger_name(&self, name: &str) -> Result<(), DataError> {
        let path = self.root.join("ledger.name");
        std::fs::write(&path, format!("{name}\n")).map_err(|source| fault(&path, "written", source))
    }

    /// What the ledger was called when a daemon started here last.
    pub fn ledger_name(&self) -> Option<String> {
        std::fs::read_to_string(self.root.join("ledger.name")).ok().map(|text| text.trim().to_owned())
    }

    /// Says where the running daemon is reached.
    ///
    /// # Errors
    ///
    /// When the file cannot be written.
    pub fn announce(&self, running: &Running) -> Result<(), DataError> {
        let path = self.root.join("daemon.json");
        let text = serde_json::to_vec(running).unwrap_or_default();
        std::fs::write(&path, text).map_err(|source| fault(&path, "written", source))
    }

    /// Takes the announcement back.
    pub fn retire(&self) {
        if let Err(error) = std::fs::remove_file(self.root.join("daemon.json")) {
            tracing::debug!(%error, "There was no announcement to take back.");
        }
    }

    /// The daemon that was announced last, whether or not it still runs.
    pub fn announced(&self) -> Option<Running> {
        serde_json::from_slice(&std::fs::read(self.root.join("daemon.json")).ok()?).ok()
    }

    /// Whether the daemon that was announced last is still a process of this machine.
    pub fn has_living_daemon(&self) -> bool {
        self.announced().is_some_and(|running| {
            running.pid != std::process::id() && Path::new("/proc").join(running.pid.to_string()).exists()
        })
    }

    /// The admin token of a daemon that was started here before.
    pub fn known_admin_token(&self) -> Option<SecretString> {
        std::fs::read_to_string(self.root.join("admin.token"))
            .ok()
            .map(|text| SecretString::from(text.trim()))
    }

    fn secret_file(&self, name: &str, entropy: &dyn Entropy) -> Result<String, DataError> {
        use std::os::unix::fs::OpenOptionsExt;
        let path = self.root.join(name);
        match std::fs::read_to_string(&path) {
            Ok(text) => Ok(text.trim().to_owned()),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let mut bytes = [0; 32];
                entropy.fill(&mut bytes);
                let text: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
                let file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path);
                let mut file = file.map_err(|source| fault(&path, "made", source))?;
                let written = file.write_all(text.as_bytes()).and_then(|()| file.sync_all());
                written.map_err(|source| fault(&path, "written", source))?;
                Ok(text)
            }
            Err(source) => Err(fault(&path, "read", source)),
        }
    }
}

/// The key of the markers, derived from the master key.
pub fn marker_key(master: &MasterKey) -> MarkerKey {
    MarkerKey(master.derive(b"throughline markers 1"))
}

/// A key written as 64 hexadecimal digits.
pub(crate) fn parse_key(text: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    for (at, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(at * 2..at * 2 + 2)?, 16).ok()?;
    }
    Some(bytes)
}

fn fault(path: &Path, verb: &'static str, source: std::io::Error) -> DataError {
    DataError { path: path.display().to_string(), verb, source }
}
