//! The systems of a configuration, each behind its guard, its budget and its credentials.

use std::collections::BTreeMap;
use std::sync::Arc;

use secrecy::ExposeSecret;
use throughline_sdk::http::{Authentication, Limits, Reach, Transport, plane};
use throughline_sdk::{Capabilities, Clock, Entropy, Linking, SystemName, layer};

use super::{AssemblyError, Own};
use crate::api::sharing;
use crate::api::tmf621::Face;
use crate::api::tmf621::inside::Inside;
use crate::config::{self, Config};
use crate::daemon::budget::{Budget, Budgeted};
use crate::daemon::logins::{Elsewhere, Logins};
use crate::daemon::{Credentials, State, System};
use crate::deliver::Admission;
use crate::egress::{AddressPolicy, Egress, GuardedDial};
use crate::registry;
use crate::telemetry::metrics::{Counted, Metrics};

/// Systems that are connected already, and the configuration that says how.
#[derive(Clone, Copy, Debug)]
pub struct Connected<'a> {
    /// The configuration.
    pub config: &'a Config,
    /// The systems.
    pub systems: &'a BTreeMap<SystemName, System>,
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
            state: State::default(),
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

impl<'a> Connected<'a> {
    /// The system of this name, if another configuration connects it in the same way: at the same place, with the same
    /// credentials and limits. One whose desk stands in this process is connected anew with its desk.
    pub(super) fn same(self, after: &Config, name: &SystemName) -> Option<&'a System> {
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
