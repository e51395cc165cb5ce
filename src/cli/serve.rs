//! `throughline serve`: the daemon.

use std::io::IsTerminal;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use sd_notify::NotifyState;
use throughline_sdk::{Clock, Entropy};
use tokio::net::TcpListener;

use super::access::load;
use super::stop::{Hangups, told_to_stop};
use super::{Failure, Output};
use crate::api;
use crate::clock::{SystemClock, SystemEntropy};
use crate::config::LogFormat;
use crate::daemon::reload::{Daemon, Refused};
use crate::daemon::{Running, assemble};
use crate::telemetry::logs;

/// Run the bridge until it is told to stop (SIGTERM, SIGINT); SIGHUP has it load its configuration anew.
#[derive(Debug, Args)]
#[command(
    after_help = "Serves /webhooks/SYSTEM, /healthz, /readyz and /metrics where `listen` says. Ends with 0 after \
                        a stop in good order, with 1 when the ledger cannot be written any more: then mend the disk \
                        and start it again.\n\nExamples:\n  \
                        throughline serve --config /etc/throughline/throughline.toml\n  \
                        throughline serve --config throughline.toml --log throughline=debug,warn --log-format json"
)]
pub(super) struct Serve {
    /// The configuration.
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// How logs are written to standard error, instead of what the configuration says.
    #[arg(long, value_enum)]
    log_format: Option<LogFormat>,
    /// Which logs are written, such as `info` or `throughline=debug,warn`, instead of what the configuration says.
    #[arg(long)]
    log: Option<String>,
}

impl Serve {
    pub(super) async fn run(self, output: &Output) -> Result<(), Failure> {
        let config = load(&self.config)?;
        let asked = self.log_format.or(output.json.then_some(LogFormat::Json));
        let form = match asked.unwrap_or(config.log_format) {
            LogFormat::Text => logs::Form::Human,
            LogFormat::Json => logs::Form::Json,
        };
        let wanted = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        let colour = wanted && std::io::stderr().is_terminal();
        let filter = self.log.unwrap_or_else(|| config.log.clone());
        logs::init(&logs::Options { form, filter, colour }).map_err(Failure::Usage)?;
        for warning in config.warnings.warnings() {
            tracing::warn!(setting = %warning.key, "{}", warning.message);
        }
        let listen = config.listen;
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        let entropy: Arc<dyn Entropy> = Arc::new(SystemEntropy::new());
        if !listen.ip().is_loopback() && !config.console.site.is_secure() {
            tracing::warn!(%listen, "The console is not protected by TLS, and others can reach it: let a proxy speak TLS before it, and name its https address by console.public_url.");
        }
        let (foundation, data, identity) =
            assemble::foundation(&config, clock, entropy).await.map_err(Failure::failed)?;
        if data.is_open_to_others() {
            let path = data.root().display();
            tracing::warn!(%path, "Others than its owner may look into the data directory, where files stand as they are; chmod 700 it.");
        }
        let listener = TcpListener::bind(listen)
            .await
            .map_err(|error| Failure::Failed(format!("cannot listen on {listen}: {error}")))?;
        let address = listener.local_addr().map_err(Failure::failed)?;
        let daemon = Daemon::start(self.config, config, foundation, Arc::new(identity)).await;
        let mut daemon = daemon.map_err(Failure::failed)?;
        data.announce(&Running::here(address)).map_err(Failure::failed)?;
        notify(&[NotifyState::Ready]);
        tracing::info!(%address, "The bridge is ready.");
        let router = daemon.doors().router();
        let clock = Arc::clone(&daemon.bridge().shared().clock);
        let stopped = async {
            attend(&mut daemon).await;
            notify(&[NotifyState::Stopping]);
        };
        Box::pin(api::serve(listener, router, api::Bounds::default(), clock, stopped)).await;
        tracing::info!("The bridge is stopping: what is being sent comes to its end.");
        let stopped = daemon.bridge().stop().await;
        data.retire();
        stopped.map_err(Failure::failed)?;
        tracing::info!("The bridge has stopped in good order.");
        Ok(())
    }
}

/// Loads the configuration anew as often as somebody wants it, until the process is told to stop, or the ledger failed
/// and a restart is needed.
async fn attend(daemon: &mut Daemon) {
    let mut asks = daemon.asks();
    let mut hangups = Hangups::new();
    let mut told = std::pin::pin!(told_to_stop());
    loop {
        let bridge = daemon.bridge().clone();
        let failed = async {
            while !bridge.shared().has_failed() {
                bridge.shared().clock.sleep(Duration::from_millis(200)).await;
            }
        };
        let ask = tokio::select! {
            biased;
            () = &mut told => return,
            () = failed => {
                tracing::error!("The ledger cannot be written any more: the daemon ends, so that it can be restarted.");
                return;
            }
            () = hangups.next() => None,
            Some(ask) = asks.recv() => Some(ask),
        };
        let by = ask.as_ref().map_or("SIGHUP", |ask| ask.by.as_str());
        let answer = daemon.reload(by).await;
        match &answer {
            Ok(done) => tracing::info!(by, differed = ?done.differed, "The configuration was loaded anew."),
            Err(refused) => tracing::error!(by, "The configuration was not loaded anew: {refused}"),
        }
        if let Err(Refused::Ledger(_)) = &answer {
            return;
        }
        if let Some(ask) = ask {
            // Whoever asked may have gone.
            ask.answer.send(answer).ok();
        }
    }
}

/// Tells systemd, where there is one.
fn notify(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::debug!(%error, "The service manager could not be told.");
    }
}
