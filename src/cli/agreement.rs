//! `throughline agreement`: what is shared with whom, tried before it acts.

use clap::{Args, Subcommand};

use super::agreement_try::Try;
use super::{Failure, Output};

/// Try an agreement on what happened before it acts.
#[derive(Debug, Args)]
pub(super) struct Agreement {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Replay the ledger's history through a draft, and list every difference that it makes.
    Try(Try),
}

impl Agreement {
    pub(super) async fn run(self, output: &Output) -> Result<(), Failure> {
        match self.command {
            Command::Try(trial) => trial.run(output).await,
        }
    }
}
