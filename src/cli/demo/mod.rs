//! `throughline demo`: three practice desks and a bridge on loopback, and a request that crosses all three.

mod script;
mod stage;

use std::path::{Path, PathBuf};
use std::pin::pin;

use clap::Args;

use super::{Failure, Output, stop, trace};
use crate::daemon::DataDir;

/// Run three practice desks (helpdesk, partner, vendor) and a bridge on loopback, and play a request that crosses
/// all three. Needs no configuration, no network and no service.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
                        throughline demo                          play, print the story, keep the desks open\n  \
                        throughline demo --script-only            play and end: 0 only if all three desks agree\n  \
                        throughline demo --data /tmp/throughline  keep the record, for `trace`, `cases`, `ledger`")]
pub(super) struct Demo {
    /// Play the script, print the trace and end: exit code 0 only if all three desks converged.
    #[arg(long)]
    script_only: bool,
    /// Keep ledger, store and configuration here instead of in a temporary directory. The desks live in memory, so
    /// each demo begins with a directory of its own.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Add the settings of this file to the demo's own, such as `[console.oidc]`.
    #[arg(long, value_name = "FILE")]
    with: Option<PathBuf>,
}

impl Demo {
    pub(super) async fn run(self, output: &Output) -> Result<(), Failure> {
        let temporary =
            tempfile::Builder::new().prefix("throughline-demo-").tempdir().map_err(Failure::failed)?;
        let directory = self.data.clone().unwrap_or_else(|| temporary.path().to_owned());
        self.check_unused(&directory)?;
        let stage = stage::Stage::set(&directory, !self.script_only, self.with.as_deref()).await?;
        let mut interrupted = pin!(stop::told_to_stop());
        if !output.json {
            for desk in &stage.desks {
                output.line(&format!("{:10} {}", desk.name, desk.address));
            }
            output.line(&format!("{:10} http://{}/console/", "console", stage.bridge_address));
            if let Some(password) = &stage.password {
                let names = stage::ACCOUNTS.map(|(name, _)| name).join(", ");
                output.line(&format!("{:10} {names}; the password of each is {password}", ""));
            }
            output.line(&format!("{:10} {}\n", "data", directory.display()));
        }
        let played = tokio::select! {
            played = script::play(&stage) => played,
            () = interrupted.as_mut() => {
                stage.strike().await?;
                return Err(Failure::failed("the demo was stopped before its end"));
            }
        };
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
            if !output.json {
                invite(&story.case.case, &directory, output);
            }
            interrupted.await;
        }
        stage.strike().await?;
        verdict
    }

    /// A ledger tells of desks that are not there any more: their tickets are not those of the new desks.
    fn check_unused(&self, directory: &Path) -> Result<(), Failure> {
        let used = DataDir::existing(directory).is_ok_and(|data| data.holds_ledger());
        if !used {
            return Ok(());
        }
        let at = directory.display();
        Err(Failure::Usage(format!(
            "{at} holds a ledger already, and the desks of a new demo know nothing of it; \
             take another directory, or read that one: {} cases --data {at}",
            program()
        )))
    }
}

fn invite(case: &str, directory: &Path, output: &Output) {
    output.line("The desks stay open: comment, change a status, attach a file, and watch it cross.");
    output.line(&format!("The story, any time:  {} trace {case} --data {}", program(), directory.display()));
    output.line("Ctrl-C ends it.");
}

/// This program as it was called, so that what is printed can be pasted.
fn program() -> String {
    std::env::args().next().unwrap_or_else(|| "throughline".to_owned())
}
