//! `throughline ledger`: is the record whole, and what does it say?

use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::sync::Arc;

use clap::{Args, Subcommand};
use serde_json::json;

use super::door::Door;
use super::output::printable;
use super::{Failure, Output, Which};
use crate::api::looked::LookedLine;
use crate::case::CaseId;
use crate::clock::SystemEntropy;
use crate::daemon::DataDir;
use crate::ledger;

const VERIFY_HELP: &str = "\
What is noticed: any changed byte, any record taken out, put in or moved, and a missing end, which the checkpoint \
beside the ledger remembers. What is not: a ledger and a checkpoint that somebody wrote anew together, or cut at the \
same record. Against that keep the last hash elsewhere, out of reach of who can write here, and hand it back by --seen.

Examples:
  throughline ledger verify --config throughline.toml
  throughline ledger verify --data /var/lib/throughline --seen 9c0f… (64 hexadecimal digits)";

/// Verify or export the ledger. Both only read, also beside a running daemon.
#[derive(Debug, Args)]
pub(super) struct Ledger {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    which: Which,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Check every record from the first: no byte changed, no record missing.
    #[command(after_help = VERIFY_HELP)]
    Verify {
        /// The hash that an earlier verification told: it has to stand in the record still.
        #[arg(long, value_name = "HASH")]
        seen: Option<String>,
    },
    /// Tell who looked at what, the latest first.
    #[command(
        after_help = "Told of a person once within five minutes. Who stands behind an id is told as long as there is an \
                            account.\n\nExamples:\n  \
                            throughline ledger looked --case TL-1042 --config throughline.toml"
    )]
    Looked {
        /// Only at this case.
        #[arg(long, value_name = "TL-ID")]
        case: Option<String>,
        /// How many at most.
        #[arg(long, value_name = "COUNT", default_value_t = 100, value_parser = clap::value_parser!(u16).range(1..=1000))]
        limit: u16,
    },
    /// Write the records, unsealed, as JSON lines.
    #[command(
        after_help = "What is exported can be read by everybody: a file of it is made for its owner alone.\n\n\
                            Examples:\n  \
                            throughline ledger export --config throughline.toml -o records.jsonl\n  \
                            throughline ledger export --data /var/lib/throughline --case TL-1042 | jq ."
    )]
    Export {
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
            Command::Verify { seen } => verify(&self.which, seen, *output).await,
            Command::Looked { case, limit } => looked(&self.which, case, limit, *output).await,
            Command::Export { case, output: file } => export(&self.which, case, file).await,
        }
    }
}

async fn looked(which: &Which, case: Option<String>, limit: u16, output: Output) -> Result<(), Failure> {
    let case: Option<CaseId> = case.as_deref().map(str::parse).transpose().map_err(Failure::Usage)?;
    let door = Door::open(which).await?;
    let lines = match &door {
        Door::Daemon(client) => {
            client.looked(case.map(|case| case.to_string()).as_deref(), limit.into()).await
        }
        Door::Directory(identity, journal) => {
            let looked = journal.read(move |index| index.looked(case, None, limit.into())).await;
            looked
                .map_err(Failure::failed)
                .map(|looked| looked.iter().map(|looked| LookedLine::of(looked, identity)).collect())
        }
    };
    door.close().await?;
    let lines = lines?;
    if output.json {
        output.value(&lines);
        return Ok(());
    }
    if lines.is_empty() {
        output.line("Nobody looked.");
    }
    for line in &lines {
        let name = line.name.as_deref().map(|name| format!(" ({})", printable(name))).unwrap_or_default();
        let case = line.case.as_deref().map(|case| format!(" of {case}")).unwrap_or_default();
        let party = line.party.as_ref().map(|party| format!(", as {party} sees it")).unwrap_or_default();
        let (at, what) = (line.at.format("%Y-%m-%d %H:%M:%S UTC"), line.what.word());
        output.line(&format!("{at}  {}{name}  {what}{case}{party}", line.who));
    }
    Ok(())
}

async fn verify(which: &Which, seen: Option<String>, output: Output) -> Result<(), Failure> {
    let data = which.data()?;
    let verified = blocking(move || {
        let medium = ledger::FileMedium::for_reading(data.root());
        let mut told = 0;
        let mut progress = |bytes: u64| {
            if bytes / 1_000_000_000 > told {
                told = bytes / 1_000_000_000;
                output.progress(&format!("verified {told} GB …"));
            }
        };
        let verified = ledger::verify(&medium, &mut progress).map_err(Failure::failed)?;
        match seen {
            Some(hash) if !stands(&data, &hash).map_err(Failure::failed)? => Err(Failure::Failed(format!(
                "no record has the hash {hash}: what was seen then was taken out or written anew"
            ))),
            Some(_) | None => Ok(verified),
        }
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

/// Whether a record of the ledger, which has been verified, has this hash.
fn stands(data: &DataDir, hash: &str) -> std::io::Result<bool> {
    let wanted = hash.trim().to_ascii_lowercase();
    for entry in std::fs::read_dir(data.root().join("ledger"))? {
        let path = entry?.path();
        if path.extension().is_none_or(|extension| extension != "log") {
            continue;
        }
        let mut lines = BufReader::new(File::open(path)?);
        let mut line = Vec::new();
        while lines.read_until(b'\n', &mut line)? > 0 {
            if line.split(|byte| *byte == b' ').next() == Some(wanted.as_bytes()) {
                return Ok(true);
            }
            line.clear();
        }
    }
    Ok(false)
}

async fn export(which: &Which, case: Option<String>, file: Option<PathBuf>) -> Result<(), Failure> {
    let data = which.data()?;
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
            Some(path) => {
                let mut options = File::options();
                let file = options.write(true).create(true).truncate(true).mode(0o600).open(&path);
                let told = |error| Failure::Failed(format!("{} cannot be written: {error}", path.display()));
                Box::new(BufWriter::new(file.map_err(told)?))
            }
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
