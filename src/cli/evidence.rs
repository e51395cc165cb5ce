//! `throughline evidence`: one file that proves a case, for an auditor or for one party; and its check.

use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use serde_json::json;

use super::access::Access;
use super::explain::check_name;
use super::{Failure, Output, Which};
use crate::evidence;
use crate::ledger::note::Verifier;

/// Write what proves a case into one file, or verify such a file.
#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true,
    after_help = "The file is a tar archive: the case's records with proofs that they stand in the ledger, the agreements under \
                  which it was decided, a signed checkpoint, a report to read, and a signature over every byte. Who has it \
                  needs only the public key to check it (`throughline ledger key`), and no Throughline: its README says how.\n\n\
                  It can be read by everybody. With --for it holds what that party was shown and what it said itself, and \
                  nothing else: no word of others, no number of the case, no internal note.\n\n\
                  Examples:\n  \
                  throughline evidence TL-1042 --config throughline.toml -o TL-1042.tar\n  \
                  throughline evidence helpdesk:4711 --for fabrikam --data /var/lib/throughline -o fabrikam.tar\n  \
                  throughline evidence verify TL-1042.tar --key contoso.example/throughline+0f3a…"
)]
pub(super) struct Evidence {
    #[command(subcommand)]
    command: Option<Command>,
    /// A case (TL-1042) or any of its tickets (helpdesk:4711).
    #[arg(value_name = "TL-ID | SYSTEM:KEY", required = true)]
    name: Option<String>,
    /// Only what this party was shown and said itself.
    #[arg(long = "for", value_name = "PARTY")]
    whose: Option<String>,
    /// The file to write.
    #[arg(short, long, value_name = "FILE", required = true)]
    output: Option<PathBuf>,
    #[command(flatten)]
    which: Which,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Check every byte of such a file, with nothing but the public key.
    #[command(
        after_help = "Exit codes: 0 it is whole and true · 1 it is not · 2 the command line is wrong.\n\n\
                            Examples:\n  \
                            throughline evidence verify TL-1042.tar --key contoso.example/throughline+0f3a…\n  \
                            throughline evidence verify TL-1042.tar --key contoso.key --json"
    )]
    Verify {
        /// The file.
        file: PathBuf,
        /// The public key of the log, or a file with it. Take it from the log's operator, not from the file.
        #[arg(long, value_name = "KEY")]
        key: String,
    },
}

impl Evidence {
    pub(super) async fn run(self, output: &Output) -> Result<(), Failure> {
        match (self.command, self.name, self.output) {
            (Some(Command::Verify { file, key }), ..) => verify(&file, &key, output),
            (None, Some(name), Some(file)) => {
                check_name(&name)?;
                let access = Access::open(&self.which).await?;
                let archive = access.evidence(&self.which, &name, self.whose.as_deref()).await?;
                write(&file, &archive)?;
                let bytes = archive.len();
                if output.json {
                    output.value(&json!({ "file": file, "bytes": bytes }));
                } else {
                    output.line(&format!("Wrote {}, {bytes} bytes.", file.display()));
                }
                Ok(())
            }
            (None, ..) => Err(Failure::Usage("name a case, and the file to write by -o FILE".to_owned())),
        }
    }
}

fn verify(file: &Path, key: &str, output: &Output) -> Result<(), Failure> {
    let key = read_key(key)?;
    let told = |error| Failure::Failed(format!("{} cannot be read: {error}", file.display()));
    let archive = std::fs::read(file).map_err(told)?;
    let refused =
        |why| Failure::Failed(format!("{} is not what {} signed: {why}", file.display(), key.name()));
    let verified = evidence::verify(&archive, &key).map_err(refused)?;
    if output.json {
        output.value(&verified);
        return Ok(());
    }
    output.line(&format!(
        "The file is whole. {} records stand in the log {} of {} records, {} of them with their whole line, and {} heads \
         and facts are what was recorded.",
        verified.records, verified.log, verified.size, verified.lines, verified.items
    ));
    if verified.unproven > 0 {
        output.line(&format!(
            "{} facts are told under its signature and not proven: their records are older than such proofs.",
            verified.unproven
        ));
    }
    Ok(())
}

/// A key as it was given: itself, or a file with it.
pub(super) fn read_key(given: &str) -> Result<Verifier, Failure> {
    let text = match std::fs::read_to_string(given) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => given.to_owned(),
        // A key may hold slashes, and so name something that no file can be in.
        Err(_unreadable) if given.contains('+') => given.to_owned(),
        Err(error) => return Err(Failure::Failed(format!("{given} cannot be read: {error}"))),
    };
    text.parse().map_err(Failure::Usage)
}

/// Writes a file that its owner alone can read, whole or not at all.
fn write(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let told = |error| Failure::Failed(format!("{} cannot be written: {error}", path.display()));
    let mut options = std::fs::File::options();
    let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(path).map_err(told)?;
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(told)
}
