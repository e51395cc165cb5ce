//! One bridge of the bench: a data directory with linked tickets, and the daemon that owns it.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use throughline_sdk::{Clock, Entropy};

use super::parts::Part;
use super::preload;
use crate::cli::Failure;
use crate::cli::access::load;

/// A bridge that can be started and stopped.
#[derive(Debug)]
pub(super) struct Bridge {
    /// The name of its desks' world.
    pub(super) world: String,
    pub(super) linked: u64,
    folder: PathBuf,
    address: String,
    running: Option<Part>,
}

/// What every bridge is made with.
#[derive(Clone, Debug)]
pub(super) struct Surroundings {
    pub(super) root: PathBuf,
    /// Where the desks are.
    pub(super) desks: String,
    pub(super) secret: String,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) entropy: Arc<dyn Entropy>,
}

impl Bridge {
    /// Makes a data directory with linked tickets.
    pub(super) async fn make(around: &Surroundings, linked: u64) -> Result<Self, Failure> {
        let world = format!("linked-{linked}");
        let folder = around.root.join(&world);
        fs::create_dir(&folder).map_err(|error| {
            Failure::Failed(format!(
                "{} cannot be made: {error}; the bench wants a directory of its own",
                folder.display()
            ))
        })?;
        let address = free_address()?;
        let base = format!("http://{}/{world}", around.desks);
        let config = folder.join("throughline.toml");
        for (name, text) in [
            ("throughline.toml", preload::configuration(&base, &address).as_str()),
            ("practice.token", "bench"),
            ("practice.webhook-secret", around.secret.as_str()),
        ] {
            fs::write(folder.join(name), text).map_err(Failure::failed)?;
        }
        preload::fill(&load(&config)?, linked, &base, &around.clock, &around.entropy).await?;
        Ok(Self { world, linked, folder, address, running: None })
    }

    /// Starts the daemon; returns how long it took until webhooks are taken.
    pub(super) async fn start(&mut self, clock: &dyn Clock) -> Result<Duration, Failure> {
        let config = self.folder.join("throughline.toml");
        let (part, took) = Part::serve(&config, &self.address, &self.folder.join("serve.log"), clock).await?;
        self.running = Some(part);
        Ok(took)
    }

    /// Stops the daemon in good order.
    pub(super) fn stop(&mut self) -> Result<(), Failure> {
        self.running.take().map_or(Ok(()), Part::stop)
    }

    /// The daemon's process.
    pub(super) fn process(&self) -> Result<&Part, Failure> {
        self.running.as_ref().ok_or_else(|| Failure::failed("the bridge does not run"))
    }

    /// What ledger, keys and store take on disk, in MiB.
    pub(super) fn disk(&self) -> [f64; 3] {
        ["ledger", "keyring", "store"].map(|name| mebibytes(&self.folder.join(name)))
    }

    /// Runs `throughline trace` for one case beside the daemon, and returns how long the whole command took.
    pub(super) fn trace(&self, case: u64, clock: &dyn Clock) -> Result<Duration, Failure> {
        let program = std::env::current_exe().map_err(Failure::failed)?;
        let begin = clock.monotonic();
        let mut command = Command::new(program);
        command.args(["trace", &format!("TL-{case}"), "--json", "--data"]).arg(&self.folder);
        let status = command.stdout(Stdio::null()).status().map_err(Failure::failed)?;
        if status.success() {
            Ok(clock.monotonic() - begin)
        } else {
            Err(Failure::Failed(format!("the trace of TL-{case} failed")))
        }
    }
}

/// An address that was free just now.
fn free_address() -> Result<String, Failure> {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).map_err(Failure::failed)?;
    listener.local_addr().map(|address| address.to_string()).map_err(Failure::failed)
}

/// Blocks in use, because keyrings and segments may have holes.
fn mebibytes(path: &Path) -> f64 {
    let Ok(found) = fs::metadata(path) else { return 0.0 };
    if found.is_dir() {
        let Ok(entries) = fs::read_dir(path) else { return 0.0 };
        return entries.flatten().map(|entry| mebibytes(&entry.path())).sum();
    }
    u32::try_from(found.blocks()).map_or(f64::NAN, |blocks| f64::from(blocks) / 2048.0)
}
