//! The data directory, opened: what outlives a reload of the configuration, and the door.

use std::sync::Arc;
use std::time::Duration;

use throughline_sdk::http::Transport;
use throughline_sdk::{Clock, Entropy};

use super::AssemblyError;
use crate::api::Keys;
use crate::config::Config;
use crate::daemon::data::{DataDir, marker_key};
use crate::daemon::logins::Logins;
use crate::egress::{AddressPolicy, Egress};
use crate::identity::{self, Identity};
use crate::ledger::note::Signer;
use crate::ledger::{self, BlobFolder, FileMedium, Journal, MasterKey, Medium, Offload};
use crate::plan::MarkerKey;
use crate::store::sled::SledStore;
use crate::telemetry::metrics::Metrics;
use crate::vault::Vault;

/// How long a command that reads the data directory may keep a daemon from starting.
const PATIENCE: Duration = Duration::from_secs(5);
const GLANCE: Duration = Duration::from_millis(100);

/// What a data directory holds, open: all that outlives a reload of the configuration. Clones share it.
#[derive(Clone, Debug)]
pub struct Foundation {
    pub(super) medium: Arc<dyn Medium>,
    pub(super) folder: BlobFolder,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) entropy: Arc<dyn Entropy>,
    pub(super) logins: Logins,
    pub(super) markers: MarkerKey,
    pub(super) vault: Vault,
    pub(super) journal: Journal,
    pub(super) metrics: Arc<Metrics>,
    pub(super) keys: Keys,
    pub(super) signer: Arc<Signer>,
}

/// Opens the data directory of a configuration, and its door.
///
/// # Errors
///
/// See [`AssemblyError`].
pub async fn foundation(
    config: &Config,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
) -> Result<(Foundation, DataDir, Identity), AssemblyError> {
    let data = DataDir::create(&config.data_dir)?;
    let medium = taken(&data, &clock).await?;
    let master = data.master_key(config.master_key.as_ref(), entropy.as_ref())?;
    let foundation = Foundation {
        folder: BlobFolder::new(Arc::clone(&medium), Offload::Threads),
        logins: Logins::new(Arc::clone(&medium), master.clone(), Arc::clone(&entropy), Offload::Threads),
        markers: marker_key(&master),
        vault: Vault::open(Arc::clone(&medium), Arc::clone(&entropy), &master, Offload::Threads)?,
        journal: journal(&data, Arc::clone(&medium), master.clone(), &entropy).await?,
        metrics: Arc::new(Metrics::new()),
        keys: Keys::open(Arc::clone(&medium), &master, Arc::clone(&entropy), Offload::Threads)
            .map_err(AssemblyError::Keys)?,
        signer: Arc::new(Signer::new(&config.ledger_name, &master)?),
        medium: Arc::clone(&medium),
        clock: Arc::clone(&clock),
        entropy: Arc::clone(&entropy),
    };
    data.keep_ledger_name(&config.ledger_name)?;
    let way = way_to_provider(config, &clock)?;
    let settings = (config.console.clone(), way);
    let journal = foundation.journal.clone();
    let identity = door(&data, (medium, master), journal, settings, (&clock, &entropy))?;
    Ok((foundation, data, identity))
}

/// A data directory's files, owned by this process alone.
///
/// # Errors
///
/// When another process owns it.
pub fn medium(data: &DataDir) -> Result<Arc<dyn Medium>, AssemblyError> {
    let medium = FileMedium::open(data.root());
    Ok(Arc::new(medium.map_err(|source| AssemblyError::Owned { path: data.root().to_owned(), source })?))
}

/// The ledger of a data directory with its store.
///
/// # Errors
///
/// When it is damaged, or the key is not its own.
pub async fn journal(
    data: &DataDir,
    medium: Arc<dyn Medium>,
    master: MasterKey,
    entropy: &Arc<dyn Entropy>,
) -> Result<Journal, AssemblyError> {
    let store =
        Arc::new(SledStore::open(data.store(), SledStore::DEFAULT_CACHE_BYTES).map_err(ledger::Error::from)?);
    let parts = ledger::Parts {
        medium,
        store,
        master,
        entropy: Arc::clone(entropy),
        offload: Offload::Threads,
        segment_bytes: ledger::Parts::SEGMENT_BYTES,
    };
    Ok(Journal::open(parts).await?)
}

/// The door of a data directory.
///
/// # Errors
///
/// When what is kept of accounts cannot be read.
pub fn door(
    data: &DataDir,
    (medium, master): (Arc<dyn Medium>, MasterKey),
    journal: Journal,
    (settings, way): (identity::Settings, Option<Arc<dyn Transport>>),
    (clock, entropy): (&Arc<dyn Clock>, &Arc<dyn Entropy>),
) -> Result<Identity, AssemblyError> {
    Ok(Identity::open(identity::Parts {
        admin: data.admin_token(entropy.as_ref())?,
        medium,
        master,
        journal,
        clock: Arc::clone(clock),
        entropy: Arc::clone(entropy),
        offload: Offload::Threads,
        way,
        settings,
    })?)
}

/// A data directory's files for a daemon that starts. A command that reads them just now is waited for; another
/// daemon is not.
async fn taken(data: &DataDir, clock: &Arc<dyn Clock>) -> Result<Arc<dyn Medium>, AssemblyError> {
    let end = clock.monotonic() + PATIENCE;
    loop {
        match medium(data) {
            Err(AssemblyError::Owned { source, .. })
                if source.kind() == std::io::ErrorKind::WouldBlock
                    && !data.has_living_daemon()
                    && clock.monotonic() < end =>
            {
                clock.sleep(GLANCE).await;
            }
            answer => return answer,
        }
    }
}

/// The guarded way to the organization's own login, if there is one.
fn way_to_provider(
    config: &Config,
    clock: &Arc<dyn Clock>,
) -> Result<Option<Arc<dyn Transport>>, AssemblyError> {
    let Some(oidc) = &config.console.oidc else { return Ok(None) };
    let policy = AddressPolicy::of_system(&oidc.issuer, config.allow.clone());
    let way = Egress::new(policy, Arc::clone(clock));
    way.map(Some).map_err(|error| AssemblyError::System { name: "console.oidc".to_owned(), error })
}
