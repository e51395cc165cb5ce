//! `throughline demo`: three practice desks and a bridge on loopback, and a request that crosses all three.

mod script;
mod stage;

use std::path::PathBuf;

use clap::Args;

use super::{Failure, Output, trace};

/// Run three practice desks (helpdesk, partner, vendor) and a bridge on loopback, and play a request that crosses
/// all three. Needs no configuration, no network and no service.
#[derive(Debug, Args)]
pub(super) struct Demo {
    /// Play the script, print the trace and end: exit code 0 only if all three desks converged.
    #[arg(long)]
    script_only: bool,
    /// Keep ledger, store and configuration here instead of in a temporary directory.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
}

impl Demo {
    pub(super) async fn run(self, output: &Output) -> Result<(), Failure> {
        let temporary = tempfile::tempdir().map_err(Failure::failed)?;
        let directory = self.data.clone().unwrap_or_else(|| temporary.path().to_owned());
        let stage = stage::Stage::set(&directory, !self.script_only).await?;
        if !output.json {
            for desk in &stage.desks {
                output.line(&format!("{:10} {}", desk.name, desk.address));
            }
            output.line(&format!("{:10} http://{}/readyz", "bridge", stage.bridge_address));
            output.line(&format!("{:10} {}\n", "data", directory.display()));
        }
        let played = script::play(&stage).await;
        let story = stage.trace().await?;
        if output.json {
            output.value(&story);
        } else {
            trace::print(&story, output);
            output.line("");
        }
        let verdict = played.map_err(|stuck| Failure::Failed(stuck.to_string()));
        if verdict.is_ok() && !output.json {
            output.line("All three desks agree.");
        }
        if !self.script_only && verdict.is_ok() {
            output.line("The desks stay open: comment, change a status, attach a file, and watch it cross.");
            output.line(&format!(
                "The story, any time:  throughline trace {} --data {}",
                story.case.case,
                directory.display()
            ));
            output.line("Ctrl-C ends it.");
            tokio::signal::ctrl_c().await.map_err(Failure::failed)?;
        }
        stage.strike().await?;
        verdict
    }
}
