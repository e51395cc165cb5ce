//! `throughline system`: how the connected systems are, and letting one stand still for a while.

use clap::{Args, Subcommand};

use super::access::Access;
use super::{Failure, Output, Which};

/// See how the connected systems are, pause one, or let it go on.
#[derive(Debug, Args)]
#[command(
    after_help = "While a system is paused nothing is read from it or sent to it, also over a restart. Its webhooks are \
                        kept, the other systems go on, and nothing is lost: what waited is done once it goes on.\n\n\
                        Examples:\n  \
                        throughline system list --config throughline.toml\n  \
                        throughline system pause partner --reason 'their upgrade until 14:00' --config throughline.toml\n  \
                        throughline system resume partner --config throughline.toml"
)]
pub(super) struct System {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    which: Which,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List the systems: how each is, what waits, and what went wrong last.
    List,
    /// Let a system stand still.
    Pause {
        /// The system.
        system: String,
        /// Why, for those who wonder.
        #[arg(long, value_name = "WORDS")]
        reason: String,
    },
    /// Let a paused system go on.
    Resume {
        /// The system.
        system: String,
    },
}

impl System {
    pub(super) async fn run(self, output: &Output) -> Result<(), Failure> {
        let access = Access::open(&self.which).await?;
        let daemon = access.daemon()?;
        match self.command.unwrap_or(Command::List) {
            Command::List => {
                let systems = daemon.systems().await?;
                if output.json {
                    output.value(&systems);
                    return Ok(());
                }
                let row = |line: &crate::api::systems::SystemLine| {
                    let last = line.error.as_ref().map(|error| error.message.clone());
                    vec![
                        line.name.to_string(),
                        line.kind.clone(),
                        line.health.word().to_owned(),
                        line.outstanding.to_string(),
                        line.parked.to_string(),
                        line.paused.as_ref().map(|paused| paused.reason.clone()).or(last).unwrap_or_default(),
                    ]
                };
                let rows: Vec<Vec<String>> = systems.iter().map(row).collect();
                output.table(&["system", "kind", "is", "on their way", "parked", "why"], &rows);
            }
            Command::Pause { system, reason } => {
                let paused = daemon.pause(&system, &reason).await?;
                if output.json {
                    output.value(&paused);
                } else {
                    output.line(&format!(
                        "{system} is paused; `throughline system resume {system}` lets it go on."
                    ));
                }
            }
            Command::Resume { system } => {
                let resumed = daemon.resume(&system).await?;
                if output.json {
                    output.value(&resumed);
                } else {
                    output.line(&format!("{system} goes on."));
                }
            }
        }
        Ok(())
    }
}
