//! `throughline login`: a person logs in once, for a system that takes an application only together with somebody.

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use serde_json::json;
use throughline_sdk::http::{Invitation, log_in};
use throughline_sdk::{Clock, Entropy, ErrorKind, SystemName};

use super::access::load;
use super::output::printable;
use super::{Failure, Output};
use crate::clock::{SystemClock, SystemEntropy};
use crate::config::Config;
use crate::daemon::{DataDir, Logins, assemble};
use crate::ledger;

/// Log in to a system as a person, once, with a code that is entered in a browser.
#[derive(Debug, Args)]
#[command(
    after_help = "For kinds that take an application only together with a person, such as partner-center. The daemon must \
                  not run meanwhile. What comes of it is kept in the data directory, sealed under the master key, and \
                  renewed by the daemon; log in again when it says that the login has ended.\n\nExample:\n  \
                  throughline login partnercenter --config throughline.toml"
)]
pub(super) struct Login {
    /// The system's name in the configuration.
    #[arg(value_name = "SYSTEM")]
    system: String,
    /// The configuration.
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
}

impl Login {
    pub(super) async fn run(self, output: &Output) -> Result<(), Failure> {
        let config = load(&self.config)?;
        let name = SystemName::new(&self.system);
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        let entropy: Arc<dyn Entropy> = Arc::new(SystemEntropy::new());
        if !config.systems.contains_key(&name) {
            let known: Vec<&str> = config.systems.keys().map(SystemName::as_str).collect();
            let message = format!("there is no system {name}; the configuration has {}", known.join(", "));
            return Err(Failure::Usage(message));
        }
        // Taken before anybody logs in, so that nobody does so in vain.
        let logins = logins(&config, &entropy)?;
        let (way, login) =
            assemble::way_to_log_in(&config, &name, &logins, &clock).map_err(Failure::failed)?;
        let invite = |invitation: &Invitation| {
            let minutes = invitation.life.as_secs() / 60;
            if output.json {
                output.value(
                    &json!({ "address": invitation.address, "code": invitation.code, "minutes": minutes }),
                );
            } else {
                output.line(&format!(
                    "Open {} in any browser, enter the code {} within {minutes} minutes, and log in as the account that \
                     Throughline is to act as.",
                    printable(&invitation.address),
                    printable(&invitation.code)
                ));
            }
        };
        if let Err(error) = log_in(way.as_ref(), &login, clock.as_ref(), invite).await {
            let ours = matches!(error.kind(), ErrorKind::Unsupported | ErrorKind::Misconfigured);
            return Err(match ours {
                true => Failure::Usage(format!("{name}: {error}")),
                false => Failure::Failed(format!("nobody is logged in to {name}: {error}")),
            });
        }
        if output.json {
            output.value(&json!({ "system": name.as_str(), "logged_in": true }));
        } else {
            output.line(&format!("Logged in to {name}. The bridge uses it from its next start on."));
        }
        Ok(())
    }
}

/// The logins of the configured data directory, which no daemon may own.
fn logins(config: &Config, entropy: &Arc<dyn Entropy>) -> Result<Logins, Failure> {
    let data = DataDir::create(&config.data_dir).map_err(Failure::failed)?;
    data.check_owner().map_err(Failure::failed)?;
    let medium = assemble::medium(&data).map_err(Failure::failed)?;
    let master = data.master_key(config.master_key.as_ref(), entropy.as_ref()).map_err(Failure::failed)?;
    if data.holds_ledger() {
        // What is sealed under a wrong key could not be opened by the daemon.
        ledger::Keyring::open(Arc::clone(&medium), Arc::clone(entropy), &master, true)
            .map_err(Failure::failed)?;
    }
    Ok(Logins::new(medium, master, Arc::clone(entropy), ledger::Offload::Threads))
}
