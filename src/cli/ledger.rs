//! `throughline ledger`: is the record whole, and what does it say?

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::PathBuf;
use std::sync::Arc;

use clap::{Args, Subcommand};
use serde_json::json;

use super::{Failure, Output, Which};
use crate::clock::SystemEntropy;
use crate::daemon::DataDir;
use crate::ledger;

/// Verify or export the ledger. Both only read, also beside a running daemon.
#[derive(Debug, Args)]
pub(super) struct Ledger {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Check every record from the first: no byte changed, no record missing.
    Verify {
        #[command(flatten)]
        which: Which,
    },
    /// Write the records, unsealed, as JSON lines.
    Export {
        #[command(flatten)]
        which: Which,
        /// Only this case.
        #[arg(long, value_name = "TL-ID")]
        case: Option<String>,
        /// Where to; standard output if not given.
        #[arg(short, long, value_name = "FILE")]
        output: Option<PathBuf>,
    },
}

impl Ledger {
    pub(super) async fn run(self, output: &Output) -> Result<(), Failure> {
        match self.command {
            Command::Verify { which } => verify(which, *output).await,
            Command::Export { which, case, output: file } => export(which, case, file).await,
        }
    }
}

async fn verify(which: Which, output: Output) -> Result<(), Failure> {
    let data = DataDir::existing(&which.directory()?).map_err(Failure::failed)?;
    let verified = blocking(move || {
        let medium = ledger::FileMedium::for_reading(data.root());
        let mut told = 0;
        let mut progress = |bytes: u64| {
            if bytes / 1_000_000_000 > told {
                told = bytes / 1_000_000_000;
                output.progress(&format!("verified {told} GB …"));
            }
        };
        ledger::verify(&medium, &mut progress).map_err(|fault| Failure::Failed(fault.to_string()))
    })
    .await?;
    if output.json {
        output.value(
            &json!({ "records": verified.records, "bytes": verified.bytes, "hash": verified.last_hash }),
        );
    } else {
        output.line(&format!(
            "The ledger is whole: {} records, {} bytes, last hash {}.",
            verified.records, verified.bytes, verified.last_hash
        ));
    }
    Ok(())
}

async fn export(which: Which, case: Option<String>, file: Option<PathBuf>) -> Result<(), Failure> {
    let data = DataDir::existing(&which.directory()?).map_err(Failure::failed)?;
    let case = case.map(|case| case.parse()).transpose().map_err(Failure::Usage)?;
    let scope = case.map_or(ledger::Scope::All, ledger::Scope::Case);
    let configured = which.master_key()?;
    blocking(move || {
        let master = data.master_key(configured.as_ref(), &SystemEntropy::new()).map_err(Failure::failed)?;
        let medium: Arc<dyn ledger::Medium> = Arc::new(ledger::FileMedium::for_reading(data.root()));
        let keyring =
            ledger::Keyring::open(Arc::clone(&medium), Arc::new(SystemEntropy::new()), &master, true);
        let keyring = keyring.map_err(Failure::failed)?;
        let mut out: Box<dyn Write> = match file {
            Some(path) => Box::new(BufWriter::new(File::create(path).map_err(Failure::failed)?)),
            None => Box::new(BufWriter::new(std::io::stdout())),
        };
        ledger::export(medium.as_ref(), &keyring, scope, out.as_mut()).map_err(Failure::failed)?;
        out.flush().map_err(Failure::failed)
    })
    .await
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    tokio::task::spawn_blocking(work).await.map_err(Failure::failed)?
}
