//! From a checked configuration to the parts of a running bridge.

mod desks;

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use secrecy::ExposeSecret;
use throughline_sdk::http::{Authentication, Limits, Reach, Transport, plane};
use throughline_sdk::{Blobs, Capabilities, Clock, Entropy, Linking, SystemName, layer};

pub use desks::{Own, faces, references, sharing};

use super::budget::{Budget, Budgeted};
use super::data::{DataDir, DataError, marker_key};
use super::logins::{Elsewhere, Logins};
use super::watcher::{Kept, Watcher};
use super::{Credentials, Parts, System};
use crate::api::sharing;
use crate::api::tmf621::inside::Inside;
use crate::api::tmf621::{Face, Northbound};
use crate::api::{Keys, Subscriber, outgoing};
use crate::config::{self, Config, KindSettings};
use crate::deliver::Admission;
use crate::desk;
use crate::egress::{AddressPolicy, Egress, GuardedDial};
use crate::identity::{self, Identity};
use crate::ledger::note::Signer;
use crate::ledger::{self, BlobFolder, FileMedium, Journal, MasterKey, Medium, Offload};
use crate::plan::MarkerKey;
use crate::registry;
use crate::store::sled::SledStore;
use crate::telemetry::metrics::{Counted, Metrics};
use crate::vault::{self, Vault};

/// How long a command that reads the data directory may keep a daemon from starting.
const PATIENCE: Duration = Duration::from_secs(5);
const GLANCE: Duration = Duration::from_millis(100);

/// Why a bridge could not be put together.
#[derive(Debug, thiserror::Error)]
pub enum AssemblyError {
    /// The data directory.
    #[error(transparent)]
    Data(#[from] DataError),
    /// The ledger or its store.
    #[error("the ledger cannot be opened: {0}")]
    Ledger(#[from] ledger::Error),
    /// The pseudonyms.
    #[error("the pseudonyms cannot be used: {0}")]
    Vault(#[from] vault::Error),
    /// Accounts, tokens or sessions.
    #[error("what is kept of accounts cannot be used: {0}")]
    Identity(#[from] identity::Error),
    /// Another process.
    #[error("the data directory cannot be taken: {source}")]
    Owned {
        /// The directory.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// The idempotency keys.
    #[error("the folder idempotency of the data directory cannot be read: {0}")]
    Keys(std::io::Error),
    /// A partner's desk.
    #[error(transparent)]
    Desk(#[from] desk::Error),
    /// Who is told what happens.
    #[error("the webhook {name} cannot be set up: {error}")]
    Webhook {
        /// Its name.
        name: String,
        /// Why not.
        error: throughline_sdk::Error,
    },
    /// A system's settings.
    #[error("the system {name} cannot be set up: {error}")]
    System {
        /// Its name.
        name: String,
        /// What its connector says.
        error: throughline_sdk::Error,
    },
}

/// What configuration has to know about the kinds of system.
pub fn kind_settings() -> Vec<KindSettings> {
    registry::KINDS
        .iter()
        .map(|kind| KindSettings {
            kind: kind.name,
            settings: kind.settings,
            statuses: kind.statuses,
            priorities: kind.priorities,
            answers: kind.answers,
            check: kind.check,
            needs: registry::needs(kind.name),
        })
        .collect()
}

/// Who is told what happens, and how far each was told.
///
/// # Errors
///
/// When that cannot be read, or no HTTP client can be built.
pub async fn subscribers(
    config: &Config,
    kept: &Logins,
    clock: &Arc<dyn Clock>,
) -> Result<Vec<Subscriber>, AssemblyError> {
    let mut subscribers = Vec::new();
    for (name, webhook) in &config.webhooks {
        let fail = |error| AssemblyError::Webhook { name: name.clone(), error };
        let policy = AddressPolicy::of_system(&webhook.url, config.allow.clone());
        let parts = outgoing::Parts {
            name: name.clone(),
            url: webhook.url.clone(),
            secret: webhook.secret.clone(),
            events: webhook.events.clone(),
            way: Egress::new(policy, Arc::clone(clock)).map_err(fail)?,
            // No system's name has a dot.
            kept: kept.of(&SystemName::new(format!("webhook.{name}"))).map_err(fail)?,
        };
        subscribers.push(Subscriber::open(parts).await.map_err(fail)?);
    }
    Ok(subscribers)
}

/// Whether a person has logged in to one of the systems, or has to.
pub fn has_login(config: &Config) -> bool {
    config.systems.values().any(|system| {
        let built = registry::kind(&system.kind).and_then(|kind| (kind.build)(&system.settings).ok());
        built.is_some_and(|built| matches!(built.authentication, Authentication::Login { .. }))
    })
}

/// How a person logs in to a system: the guarded way there, and what is asked for, with the place where it is kept.
///
/// # Errors
///
/// When there is no such system, or its connector refuses its settings.
pub fn way_to_log_in(
    config: &Config,
    name: &SystemName,
    logins: &Logins,
    clock: &Arc<dyn Clock>,
) -> Result<(Arc<dyn Transport>, Authentication), AssemblyError> {
    let fail = |error| AssemblyError::System { name: name.to_string(), error };
    let built = config.systems.get(name).and_then(|system| {
        let kind = registry::kind(&system.kind)?;
        Some((kind.build)(&system.settings))
    });
    let built = built.ok_or_else(|| {
        fail(throughline_sdk::Error::new(throughline_sdk::ErrorKind::Misconfigured, "it is not configured"))
    })?;
    let built = built.map_err(fail)?;
    let policy = AddressPolicy::of_system(&built.address, config.allow.clone());
    let way = Egress::new(policy, Arc::clone(clock)).map_err(fail)?;
    Ok((way, built.authentication.keeping(logins.of(name).map_err(fail)?)))
}

/// The systems of a configuration, ready to be called.
///
/// Without `logins`, systems that a person logged in to cannot be called:
/// their logins are in the hands of the daemon.
///
/// # Errors
///
/// When a connector refuses its settings.
pub fn systems(
    config: &Config,
    own: Own<'_>,
    clock: &Arc<dyn Clock>,
    entropy: &Arc<dyn Entropy>,
    metrics: &Arc<Metrics>,
    logins: Option<&Logins>,
) -> Result<Vec<System>, AssemblyError> {
    let inside: BTreeMap<&SystemName, &Face> =
        own.faces.iter().map(|face| (face.desk.name(), face)).collect();
    let pushed: BTreeMap<&SystemName, &sharing::Face> =
        own.sharing.iter().map(|face| (face.desk.name(), face)).collect();
    let mut systems = Vec::new();
    for (name, system) in &config.systems {
        let fail = |error| AssemblyError::System { name: name.to_string(), error };
        let kind = registry::kind(&system.kind).ok_or_else(|| {
            let message = format!("there is no kind {}", system.kind);
            fail(throughline_sdk::Error::new(throughline_sdk::ErrorKind::Misconfigured, message))
        })?;
        let built = (kind.build)(&system.settings).map_err(fail)?;
        // Of two addresses, the one that is not in this process.
        let address = pushed.get(name).map_or(&built.address, |face| &face.sharing.partner);
        let policy = AddressPolicy::of_system(address, config.allow.clone());
        let dial = Arc::new(GuardedDial::new(policy.clone(), Arc::clone(clock)));
        let base: Arc<dyn Transport> = match (inside.get(name), pushed.get(name)) {
            (Some(face), _) => Arc::new(Inside::new((*face).clone())),
            (None, Some(face)) => {
                let out = Egress::new(policy, Arc::clone(clock)).map_err(fail)?;
                Arc::new(sharing::inside::Inside::new((*face).clone(), out))
            }
            (None, None) => Egress::new(policy, Arc::clone(clock)).map_err(fail)?,
        };
        let base = Arc::new(Counted::new(base, name.clone(), Arc::clone(metrics), Arc::clone(clock)));
        let limits = Limits {
            per_second: system.limits.per_second,
            burst: system.limits.burst,
            concurrency: system.limits.concurrency,
        };
        let budget = Arc::new(Budget::new(limits));
        let base = Budgeted { inner: base, budget: Arc::clone(&budget), clock: Arc::clone(clock) };
        let base: Arc<dyn Transport> = Arc::new(base);
        let credentials = Credentials::of(&built.authentication, system.credentials_expire);
        let reach = Reach { address: &built.address, further: &built.further };
        let authentication = match (&built.authentication, logins) {
            (Authentication::Login { .. }, Some(logins)) => {
                built.authentication.keeping(logins.of(name).map_err(fail)?)
            }
            (Authentication::Login { .. }, None) => built.authentication.keeping(Arc::new(Elsewhere)),
            _ => built.authentication,
        };
        let http = plane(base, reach, authentication, limits, Arc::clone(clock), Arc::clone(entropy));
        let capabilities = able(built.connector.capabilities(), system);
        let guarded =
            layer::guarded(built.connector, limits.concurrency, Arc::clone(clock), Arc::clone(entropy));
        systems.push(System {
            name: name.clone(),
            party: system.party.clone(),
            connector: guarded.connector,
            circuit: guarded.circuit,
            http,
            dial,
            capabilities,
            poll: system.poll,
            timeout: system.timeout,
            admission: Admission::new(Admission::PLACES),
            state: super::State::default(),
            budget,
            credentials,
        });
    }
    Ok(systems)
}

/// What each system of a configuration can do.
///
/// # Errors
///
/// When a connector refuses its settings.
pub fn capabilities(config: &Config) -> Result<BTreeMap<SystemName, Capabilities>, AssemblyError> {
    let able = config.systems.iter().filter_map(|(name, system)| {
        let built = (registry::kind(&system.kind)?.build)(&system.settings);
        let built = built.map_err(|error| AssemblyError::System { name: name.to_string(), error });
        Some(built.map(|built| (name.clone(), able(built.connector.capabilities(), system))))
    });
    able.collect()
}

/// What a kind can do, within this system's own bounds.
fn able(mut capabilities: Capabilities, system: &config::System) -> Capabilities {
    if let Some(settle) = system.settle {
        capabilities.settle = settle;
    }
    if let Some(bytes) = system.max_file_bytes {
        capabilities.max_file_bytes = capabilities.max_file_bytes.min(bytes);
    }
    if !system.summary {
        capabilities.link_back = match capabilities.link_back {
            Linking::Field | Linking::Link => Linking::Link,
            // A comment that is never renewed is one that nobody asked for.
            Linking::Comment | Linking::None => Linking::None,
        };
    }
    capabilities
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

/// What a data directory holds, open: all that outlives a reload of the configuration. Clones share it.
#[derive(Clone, Debug)]
pub struct Foundation {
    medium: Arc<dyn Medium>,
    folder: BlobFolder,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    logins: Logins,
    markers: MarkerKey,
    vault: Vault,
    journal: Journal,
    metrics: Arc<Metrics>,
    keys: Keys,
    signer: Arc<Signer>,
}

/// Systems that are connected already, and the configuration that says how.
#[derive(Clone, Copy, Debug)]
pub struct Connected<'a> {
    /// The configuration.
    pub config: &'a Config,
    /// The systems.
    pub systems: &'a BTreeMap<SystemName, System>,
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

/// Everything a bridge needs, from its configuration, over what is open already.
///
/// A system that is connected as it would be keeps its connection: with it its tokens, its pace, and the pauses it
/// asked for.
///
/// # Errors
///
/// See [`AssemblyError`]. Nothing is changed by trying.
pub async fn furnish(
    config: &Config,
    foundation: &Foundation,
    connected: Option<Connected<'_>>,
) -> Result<Parts, AssemblyError> {
    let Foundation { medium, folder, clock, entropy, logins, markers, vault, journal, metrics, keys, signer } =
        foundation.clone();
    let blobs: Arc<dyn Blobs> = Arc::new(folder.clone());
    let faces = faces(config, &medium, Offload::Threads, &blobs, &clock)?;
    let references = references(config, &medium, Offload::Threads, &blobs, &clock)?;
    let own = [faces.as_slice(), references.as_slice()].concat();
    let keeping = (&entropy, Some(&logins));
    let sharing = sharing(config, &medium, Offload::Threads, &blobs, &clock, keeping).await?;
    let own = Own { faces: &own, sharing: &sharing };
    let mut systems = systems(config, own, &clock, &entropy, &metrics, Some(&logins))?;
    let subscribers = subscribers(config, &logins, &clock).await?;
    for system in &mut systems {
        if let Some(before) = connected.and_then(|connected| connected.same(config, &system.name)) {
            system.stay_connected(before);
        }
    }
    let watchers = watchers(config, &medium, &clock)?;
    let policy = AddressPolicy { allow: config.allow.clone(), ..AddressPolicy::default() };
    let callbacks = match faces.is_empty() {
        true => None,
        false => Some(
            Egress::new(policy.clone(), Arc::clone(&clock))
                .map_err(|error| AssemblyError::System { name: "of the first partner".to_owned(), error })?,
        ),
    };
    let references = references.into_iter().map(|face| face.desk).collect();
    Ok(Parts {
        systems,
        rules: config.rules.clone(),
        journal,
        blobs: folder,
        clock,
        entropy,
        markers,
        reconcile: config.reconcile,
        signer,
        watchers,
        vault,
        metrics,
        northbound: Northbound {
            faces,
            references,
            sharing,
            callbacks,
            policy,
            subscribers,
            keys: Some(keys),
        },
    })
}

/// Everything a bridge needs, from its configuration, and its door.
///
/// # Errors
///
/// See [`AssemblyError`].
pub async fn parts(
    config: Config,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
) -> Result<(Parts, DataDir, Identity), AssemblyError> {
    let (foundation, data, identity) = foundation(&config, clock, entropy).await?;
    Ok((furnish(&config, &foundation, None).await?, data, identity))
}

impl<'a> Connected<'a> {
    /// The system of this name, if another configuration connects it in the same way: at the same place, with the same
    /// credentials and limits. One whose desk stands in this process is connected anew with its desk.
    fn same(self, after: &Config, name: &SystemName) -> Option<&'a System> {
        let (old, new) = (self.config.systems.get(name)?, after.systems.get(name)?);
        let inside = registry::face(&new.kind, &new.settings).is_some()
            || registry::reference(&new.kind, &new.settings).is_some()
            || registry::sharing(&new.kind, &new.settings).is_some();
        let secrets = |system: &config::System| -> BTreeMap<String, String> {
            let secrets = system.settings.secrets.iter();
            secrets.map(|(key, secret)| (key.clone(), secret.expose_secret().to_owned())).collect()
        };
        let same = !inside
            && old.kind == new.kind
            && old.limits == new.limits
            && old.settings.values == new.settings.values
            && secrets(old) == secrets(new)
            && self.config.allow == after.allow;
        self.systems.get(name).filter(|_| same)
    }
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

/// Who asks the logs of others, each on a guarded way of its own.
fn watchers(
    config: &Config,
    medium: &Arc<dyn Medium>,
    clock: &Arc<dyn Clock>,
) -> Result<Vec<Watcher>, AssemblyError> {
    let watchers = config.watched.iter().map(|watched| {
        let fail = |error| AssemblyError::System { name: watched.name.clone(), error };
        let policy = AddressPolicy::of_system(&watched.source, config.allow.clone());
        let way = Egress::new(policy, Arc::clone(clock)).map_err(fail)?;
        let kept = Kept { medium: Arc::clone(medium), folder: format!("watched/{}", watched.name) };
        Ok(Watcher { watched: watched.clone(), way, clock: Arc::clone(clock), kept })
    });
    watchers.collect()
}

/// An egress that reaches this machine only.
///
/// # Errors
///
/// When no HTTP client can be built.
pub fn loopback_egress(clock: &Arc<dyn Clock>) -> throughline_sdk::Result<Arc<dyn Transport>> {
    Egress::new(AddressPolicy { loopback: true, ..AddressPolicy::default() }, Arc::clone(clock))
}

/// An egress that reaches this machine, and `ip`, which is one of its addresses.
///
/// # Errors
///
/// When no HTTP client can be built.
pub fn egress_to(ip: IpAddr, clock: &Arc<dyn Clock>) -> throughline_sdk::Result<Arc<dyn Transport>> {
    let allow = ip.to_string().parse().into_iter().collect();
    Egress::new(AddressPolicy { loopback: true, allow, ..AddressPolicy::default() }, Arc::clone(clock))
}
