//! From a checked configuration to the parts of a running bridge.

mod desks;
mod foundation;
mod systems;

use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;

use throughline_sdk::http::Transport;
use throughline_sdk::{Blobs, Clock, Entropy, SystemName};

pub use desks::{Ground, Own};
pub use foundation::{Foundation, door, foundation, journal, medium};
pub use systems::{Connected, capabilities, has_login, systems, way_to_log_in};

use super::Parts;
use super::data::{DataDir, DataError};
use super::logins::Logins;
use super::watcher::{Kept, Watcher};
use crate::api::tmf621::Northbound;
use crate::api::{Subscriber, outgoing};
use crate::config::{Config, KindSettings};
use crate::desk;
use crate::egress::{AddressPolicy, Egress};
use crate::identity::{self, Identity};
use crate::ledger::{self, Medium, Offload};
use crate::registry;
use crate::vault;

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
    let ground = Ground { config, medium: &medium, offload: Offload::Threads, blobs: &blobs, clock: &clock };
    let faces = ground.faces()?;
    let references = ground.references()?;
    let own = [faces.as_slice(), references.as_slice()].concat();
    let sharing = ground.sharing(&entropy, Some(&logins)).await?;
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

/// Who is told what happens, and how far each was told.
///
/// # Errors
///
/// When that cannot be read, or no HTTP client can be built.
async fn subscribers(
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
