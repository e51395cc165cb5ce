//! The configuration loaded anew while the daemon runs: all of it or nothing, and no work is dropped.
//!
//! A reload is checked whole before anything happens: files, connectors, desks. Then the bridge in force lets its lanes
//! come to their end while webhooks are still recorded, and a new one takes its place over the same ledger, taking up
//! what is outstanding as a start does. Whoever else changes something meanwhile waits before the [`Doors`].

use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};

use super::Bridge;
use super::assemble::{self, AssemblyError, Connected, Foundation};
use crate::api::{self, Doors, Shut};
use crate::case::Fact;
use crate::config::{self, Config, Problems, ProcessEnvironment};
use crate::identity::Identity;
use crate::ledger;
use crate::store::Reconfigured;

/// What is decided when the process starts. A start with other values is another bridge.
const FIXED: [&str; 7] = [
    "bridge.data",
    "bridge.home",
    "bridge.listen",
    "bridge.log",
    "bridge.log_format",
    "bridge.master_key",
    "console",
];

/// How long those who change something just now have to end that.
const PATIENCE: Duration = Duration::from_secs(30);

/// Why the configuration in force stays.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// The files.
    #[error("the configuration is wrong, so that the one before stays in force:\n{0}")]
    Wrong(Problems),
    /// Settings that a process has for its life.
    #[error(
        "{0} cannot change while the bridge runs: restart it, or put the setting back; all stays as it was"
    )]
    Fixed(Names),
    /// A connector or desk.
    #[error("{0}; all stays as it was")]
    Assembly(#[from] AssemblyError),
    /// Somebody is in the midst of changing something.
    #[error("requests that change something did not end within {} s; all stays as it was, try again", PATIENCE.as_secs())]
    Busy,
    /// The ledger: the daemon ends.
    #[error("the ledger cannot be written: {0}; the daemon ends, so that it can be restarted")]
    Ledger(#[from] ledger::Error),
}

/// Names in one sentence.
#[derive(Debug)]
pub struct Names(Vec<String>);

impl fmt::Display for Names {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join(", "))
    }
}

/// Somebody wants the configuration loaded anew.
#[derive(Debug)]
pub struct Ask {
    /// Who.
    pub by: String,
    /// Told what came of it.
    pub answer: oneshot::Sender<Result<Reconfigured, Refused>>,
}

/// The way from whoever wants a reload to the daemon that does it. Outlives a bridge.
#[derive(Clone, Debug, Default)]
pub(crate) struct Reloads(Arc<Mutex<Option<Way>>>);

#[derive(Clone, Debug)]
struct Way {
    path: PathBuf,
    asks: mpsc::Sender<Ask>,
}

impl Reloads {
    fn listen(&self, path: PathBuf) -> mpsc::Receiver<Ask> {
        let (asks, heard) = mpsc::channel(8);
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Way { path, asks });
        heard
    }

    /// The configuration file, if the daemon was started with one.
    pub(crate) fn path(&self) -> Option<PathBuf> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).as_ref().map(|way| way.path.clone())
    }

    /// Has the configuration loaded anew; `None` where nobody does that: the daemon stops, or was started without a file.
    pub(crate) async fn ask(&self, by: String) -> Option<Result<Reconfigured, Refused>> {
        let asks = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()?.asks;
        let (answer, answered) = oneshot::channel();
        asks.send(Ask { by, answer }).await.ok()?;
        answered.await.ok()
    }
}

/// The daemon: the bridge in force, and all it takes to put another one in its place.
#[derive(Debug)]
pub struct Daemon {
    path: PathBuf,
    config: Config,
    foundation: Foundation,
    identity: Arc<Identity>,
    bridge: Bridge,
    doors: Doors,
}

impl Daemon {
    /// A bridge of this configuration, which stands at `path`, to callers whom `identity` knows.
    ///
    /// # Errors
    ///
    /// When it cannot be put together or started.
    pub async fn start(
        path: PathBuf,
        config: Config,
        foundation: Foundation,
        identity: Arc<Identity>,
    ) -> Result<Self, AssemblyError> {
        let parts = assemble::furnish(&config, &foundation, None).await?;
        let bridge = Bridge::start(parts).await?;
        let known = Arc::clone(&identity);
        let doors = Doors::new(bridge.clone(), move |bridge| api::router(bridge, Arc::clone(&known)));
        Ok(Self { path, config, foundation, identity, bridge, doors })
    }

    /// The bridge in force.
    pub fn bridge(&self) -> &Bridge {
        &self.bridge
    }

    /// What callers are served.
    pub fn doors(&self) -> &Doors {
        &self.doors
    }

    /// Where those are heard who want a reload.
    pub fn asks(&self) -> mpsc::Receiver<Ask> {
        self.bridge.shared().reloads.listen(self.path.clone())
    }

    /// Loads the configuration anew and puts a bridge of it in the place of the one in force.
    ///
    /// # Errors
    ///
    /// See [`Refused`]: whatever it is, the bridge in force goes on, unless the ledger failed.
    pub async fn reload(&mut self, by: &str) -> Result<Reconfigured, Refused> {
        let config = config::load(&self.path, &ProcessEnvironment, &assemble::kind_settings())
            .map_err(Refused::Wrong)?;
        let moved = self.config.listing.moved(&config.listing, &FIXED);
        if !moved.is_empty() {
            return Err(Refused::Fixed(Names(moved)));
        }
        // Tried before anything is touched, and dropped: it changes nothing.
        drop(assemble::furnish(&config, &self.foundation, None).await?);
        let shared = Arc::clone(self.bridge.shared());
        let shut = self.doors.shut(PATIENCE, shared.clock.as_ref()).await.ok_or(Refused::Busy)?;
        self.bridge.leave().await;
        let connected = Connected { config: &self.config, systems: &shared.systems };
        let parts = match assemble::furnish(&config, &self.foundation, Some(connected)).await {
            Ok(parts) => parts,
            Err(error) => return self.go_on(shut, error).await,
        };
        let done =
            Reconfigured { by: by.to_owned(), at: shared.clock.now(), differed: self.differences(&config) };
        let Reconfigured { by, at, differed } = done.clone();
        let next = self.bridge.succeed(parts, Fact::Reconfigured { by, at, differed }).await;
        self.bridge = next.inspect_err(|_| shared.fail())?;
        self.identity.know(config.console.parties.clone());
        shut.open(self.bridge.clone());
        self.config = config;
        for warning in self.config.warnings.warnings() {
            tracing::warn!(setting = %warning.key, "{}", warning.message);
        }
        Ok(done)
    }

    /// What went well a moment ago did not any more: a disk that fails, say. What was in force goes on, or, where not even
    /// that can be put together, the daemon ends.
    async fn go_on(&mut self, shut: Shut, error: AssemblyError) -> Result<Reconfigured, Refused> {
        let shared = Arc::clone(self.bridge.shared());
        let connected = Connected { config: &self.config, systems: &shared.systems };
        let parts = assemble::furnish(&self.config, &self.foundation, Some(connected)).await;
        let parts = parts.inspect_err(|_| shared.fail())?;
        let started = Fact::Started { version: env!("CARGO_PKG_VERSION").to_owned() };
        let next = self.bridge.succeed(parts, started).await;
        self.bridge = next.inspect_err(|_| shared.fail())?;
        shut.open(self.bridge.clone());
        Err(error.into())
    }

    /// What another configuration has different, in words. What agreements read from other files is not among their
    /// settings: it shows in their version.
    fn differences(&self, after: &Config) -> Vec<String> {
        let mut words = self.config.listing.differences(&after.listing);
        for (name, agreement) in &after.rules.agreements {
            let before = self.config.rules.agreements.get(name);
            let mentioned = words.iter().any(|words| words.starts_with(&format!("agreements.{name}")));
            if !mentioned && before.is_some_and(|before| before.version != agreement.version) {
                words.push(format!("agreements.{name} has another version, by what it refers to"));
            }
        }
        words
    }
}
