//! The door of a bridge, for the command line: through its daemon where one runs, else in its data directory.

use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde_json::Value;
use throughline_sdk::{Clock, Entropy};

use super::access::{load, owner};
use super::client::Client;
use super::{Failure, Which};
use crate::clock::{SystemClock, SystemEntropy};
use crate::daemon::{DataDir, assemble};
use crate::identity::{Identity, Settings};
use crate::ledger::Journal;

/// A door that can be worked on.
#[derive(Debug)]
pub(super) enum Door {
    /// Through its daemon.
    Daemon(Client),
    /// In its data directory, which no daemon owns just now.
    Directory(Box<Identity>, Journal),
}

impl Door {
    /// Works on the door of the bridge that is meant, and ends that in good order whatever came of it.
    pub(super) async fn work<T>(
        which: &Which,
        work: impl AsyncFnOnce(&Self) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let door = Self::open(which).await?;
        let done = work(&door).await;
        door.close().await?;
        done
    }

    /// A bridge that is configured need not have run yet.
    async fn open(which: &Which) -> Result<Self, Failure> {
        let (data, key, settings) = match &which.config {
            Some(path) => {
                let config = load(path)?;
                let data = DataDir::create(&config.data_dir).map_err(Failure::failed)?;
                (data, config.master_key, config.console)
            }
            None => (which.data()?, None, Settings::default()),
        };
        if let Some(client) = owner(&data).await? {
            return Ok(Self::Daemon(client));
        }
        // Made by another user, its files would keep the daemon out.
        data.check_owner().map_err(Failure::failed)?;
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        let entropy: Arc<dyn Entropy> = Arc::new(SystemEntropy::new());
        let medium = assemble::medium(&data).map_err(Failure::failed)?;
        let master = data.master_key(key.as_ref(), entropy.as_ref()).map_err(Failure::failed)?;
        let journal = assemble::journal(&data, Arc::clone(&medium), master.clone(), &entropy)
            .await
            .map_err(Failure::failed)?;
        let keys = (medium, master);
        let identity = assemble::door(&data, keys, journal.clone(), (settings, None), (&clock, &entropy))
            .map_err(Failure::failed)?;
        Ok(Self::Directory(Box::new(identity), journal))
    }

    async fn close(self) -> Result<(), Failure> {
        match self {
            Self::Daemon(_) => Ok(()),
            Self::Directory(_, journal) => journal.close().await.map_err(Failure::failed),
        }
    }
}

/// Has the daemon do something to one of them.
pub(super) async fn told<T: DeserializeOwned>(
    client: &Client,
    [what, which, verb]: [&str; 3],
    body: &Value,
) -> Result<T, Failure> {
    client.post(&[what, which, verb], body).await
}
