//! `throughline ledger watch`: is the log of another organization still the one that it was?

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use secrecy::SecretString;
use serde_json::json;
use throughline_sdk::Clock;
use url::Url;

use super::evidence::read_key;
use super::{Failure, Output};
use crate::clock::SystemClock;
use crate::daemon::watcher::{Kept, Watched, Watcher};
use crate::egress::{AddressPolicy, Egress};
use crate::ledger::note::Verifier;
use crate::ledger::watch::Judgement;
use crate::ledger::{FileMedium, hex};

/// Hold the log of another organization to what it said before.
#[derive(Debug, Args)]
#[command(
    after_help = "The first time the checkpoint is kept. Every later time the log has to prove that it only appended to \
                        that one, which is then replaced. Where it cannot (a fork: it says something else about the same \
                        records; or a rollback: it has fewer), both are kept beside it, as evidence that their operator signed, \
                        and the exit code is 1. Run it from a timer, or have the daemon do it: [watched.NAME] in its \
                        configuration.\n\n\
                        SOURCE is the address of the other side's checkpoint, or a file that it handed over: what `throughline \
                        ledger checkpoint --since SIZE` printed there, SIZE being that of the checkpoint kept here.\n\n\
                        Exit codes: 0 the log only grew · 1 it did not, or could not be asked · 2 the command line is wrong.\n\n\
                        Examples:\n  \
                        throughline ledger watch https://bridge.contoso.example/api/v1/log/checkpoint \\\n    \
                        --key contoso.example/throughline+0f3a… --keep /var/lib/watched/contoso --token contoso.token\n  \
                        throughline ledger watch handed-over.txt --key contoso.key --keep watched/contoso"
)]
pub(super) struct Watch {
    /// Where the other side's checkpoint stands: an address or a file.
    source: String,
    /// The other side's public key, or a file with it. It comes from its operator, once.
    #[arg(long, value_name = "KEY")]
    key: String,
    /// The folder in which the last checkpoint is kept, and what an alarm was raised about.
    #[arg(long, value_name = "FOLDER")]
    keep: PathBuf,
    /// A file with the bearer token that the other side gave you.
    #[arg(long, value_name = "FILE")]
    token: Option<PathBuf>,
}

impl Watch {
    pub(super) async fn run(self, output: Output) -> Result<(), Failure> {
        let key = read_key(&self.key)?;
        let name = key.name().to_owned();
        let medium = FileMedium::open(&self.keep);
        let medium = medium.map_err(|error| Failure::Failed(format!("{}: {error}", self.keep.display())))?;
        let kept = Kept { medium: Arc::new(medium), folder: String::new() };
        let found = match Url::parse(&self.source) {
            Ok(url) if matches!(url.scheme(), "http" | "https") => self.watcher(url, key, kept)?.look().await,
            Ok(_) | Err(_) => {
                let told = |error| Failure::Failed(format!("{} cannot be read: {error}", self.source));
                kept.judge(&std::fs::read_to_string(&self.source).map_err(told)?, &key)
            }
        };
        let found = found.map_err(|trouble| Failure::Failed(format!("{}: {trouble}", self.source)))?;
        let word = match found.judgement {
            Judgement::First => "first",
            Judgement::Same => "same",
            Judgement::Grown { .. } => "grown",
            Judgement::Unproven => return Err(Failure::Failed(found.words(&name))),
            Judgement::Forked | Judgement::RolledBack => {
                return Err(Failure::Failed(format!(
                    "ALARM: {} ({})",
                    found.words(&name),
                    self.keep.display()
                )));
            }
        };
        if output.json {
            let (size, root) = (found.head.size, hex(&found.head.root));
            output.value(&json!({ "log": name, "size": size, "root": root, "judgement": word }));
        } else {
            output.line(&format!("It is well: {}.", found.words(&name)));
        }
        Ok(())
    }

    fn watcher(&self, source: Url, key: Verifier, kept: Kept) -> Result<Watcher, Failure> {
        let token = self.token.as_ref().map(|path| {
            let text = std::fs::read_to_string(path);
            text.map_err(|error| Failure::Failed(format!("{} cannot be read: {error}", path.display())))
        });
        let token = token.transpose()?.map(SecretString::from);
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        // Whoever runs this named the address: it may be one of the own network.
        let allow = source.host_str().and_then(|host| host.parse().ok()).into_iter().collect();
        let way = Egress::new(AddressPolicy::of_system(&source, allow), Arc::clone(&clock));
        let watched = Watched { name: String::new(), source, key, token, every: Duration::MAX };
        Ok(Watcher { watched, way: way.map_err(Failure::failed)?, clock, kept })
    }
}
