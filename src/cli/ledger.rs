//! `throughline ledger`: is the record whole, and what does it say?

use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::sync::Arc;

use clap::{Args, Subcommand};
use serde::Serialize;
use serde_json::json;

use super::access::Access;
use super::door::Door;
use super::ledger_watch::Watch;
use super::output::printable;
use super::{Failure, Output, Which};
use crate::api::entered::EnteredLine;
use crate::api::looked::LookedLine;
use crate::case::CaseId;
use crate::clock::SystemEntropy;
use crate::daemon::DataDir;
use crate::ledger::watch::Told;
use crate::ledger::{self, Log, hex};

const VERIFY_HELP: &str = "\
What is noticed: any changed byte, any record taken out, put in or moved, and a missing end, which the checkpoint \
beside the ledger remembers; and a tree that is not the records' own. What is not: a ledger and a checkpoint that \
somebody wrote anew together, or cut at the same record. Against that keep a signed checkpoint elsewhere, out of reach \
of who can write here (`throughline ledger checkpoint`), or the last hash, and hand it back by --seen.

Examples:
  throughline ledger verify --config throughline.toml
  throughline ledger verify --data /var/lib/throughline --seen 9c0f… (64 hexadecimal digits)";

const CHECKPOINT_HELP: &str = "\
A checkpoint tells how many records the ledger has and the root of the Merkle tree over them, signed: whoever keeps one \
notices when the ledger is written anew. Its format is that of https://c2sp.org/tlog-checkpoint. Hand it to your \
counterparts and to auditors; the next one has to prove that it only appended, which --since adds for them \
(`throughline ledger watch` checks it).

Examples:
  throughline ledger checkpoint --config throughline.toml
  throughline ledger checkpoint --since 1042 --data /var/lib/throughline > for-fabrikam.txt";

const PROVE_HELP: &str = "\
What is printed is a proof in the format of https://c2sp.org/tlog-proof: the record's index, the hashes that lead from \
it to the root, and a signed checkpoint. The leaf is the hash that the record's line begins with, followed by the root \
that the line names, both as bytes; with --json they stand beside the proof. What the record says is not shown: for \
that there is `throughline evidence`.

Examples:
  throughline ledger prove 1042 --config throughline.toml
  throughline ledger prove 1042 --data /var/lib/throughline --json";

/// Verify or export the ledger, sign checkpoints, prove records, watch another's log. All only read, also beside a
/// running daemon, but that an export is recorded.
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
    /// Print a signed checkpoint.
    #[command(after_help = CHECKPOINT_HELP)]
    Checkpoint {
        /// The size of a checkpoint that was handed over before: prints what proves that nothing of it was changed, too.
        #[arg(long, value_name = "SIZE")]
        since: Option<u64>,
    },
    /// Print the public key with which checkpoints and evidence are verified.
    #[command(
        after_help = "Hand it to whoever is to check, by a way that they trust: on paper, or read to them.\n\n\
                            Examples:\n  \
                            throughline ledger key --config throughline.toml\n  \
                            throughline ledger key --data /var/lib/throughline > contoso.key"
    )]
    Key,
    /// Print the proof that a record stands in the ledger.
    #[command(after_help = PROVE_HELP)]
    Prove {
        /// The record's number, as `trace` and `explain --json` tell it.
        #[arg(value_name = "NUMBER")]
        seq: u64,
    },
    /// Hold the log of another organization to what it said before, and raise an alarm if it does not.
    Watch(Watch),
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
    /// Tell who came in, who was not let in, and what changed about who may, the latest first.
    #[command(
        after_help = "Who stands behind an id is told as long as there is an account or token.\n\nExamples:\n  \
                            throughline ledger entered --config throughline.toml\n  \
                            throughline ledger entered --data /var/lib/throughline --limit 1000 --json"
    )]
    Entered {
        /// How many at most.
        #[arg(long, value_name = "COUNT", default_value_t = 100, value_parser = clap::value_parser!(u16).range(1..=1000))]
        limit: u16,
    },
    /// Write the records, unsealed, as JSON lines. That this was done stands in the ledger.
    #[command(
        after_help = "What is exported can be read by everybody: a file of it is made for its owner alone. The export is \
                            recorded as a look before anything is written, so that its own record is the last one in \
                            it.\n\n\
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
            Command::Checkpoint { since } => checkpoint(&self.which, since, *output).await,
            Command::Key => key(&self.which, output),
            Command::Prove { seq } => prove(&self.which, seq, *output).await,
            Command::Watch(watch) => watch.run(*output).await,
            Command::Looked { case, limit } => looked(&self.which, case, limit, *output).await,
            Command::Entered { limit } => entered(&self.which, limit, *output).await,
            Command::Export { case, output: file } => export(&self.which, case, file).await,
        }
    }
}

async fn looked(which: &Which, case: Option<String>, limit: u16, output: Output) -> Result<(), Failure> {
    let case: Option<CaseId> = case.as_deref().map(str::parse).transpose().map_err(Failure::Usage)?;
    let lines = Door::work(which, async |door| match door {
        Door::Daemon(client) => {
            client.looked(case.map(|case| case.to_string()).as_deref(), limit.into()).await
        }
        Door::Directory(identity, journal) => {
            let looked = journal.read(move |index| index.looked(case, None, limit.into())).await;
            looked
                .map_err(Failure::failed)
                .map(|looked| looked.iter().map(|looked| LookedLine::of(looked, identity)).collect())
        }
    })
    .await?;
    let Some(lines) = in_words(lines, "Nobody looked.", output) else { return Ok(()) };
    for line in &lines {
        let name = line.name.as_deref().map(|name| format!(" ({})", printable(name))).unwrap_or_default();
        let case = line.case.as_deref().map(|case| format!(" of {case}")).unwrap_or_default();
        let party = line.party.as_ref().map(|party| format!(", as {party} sees it")).unwrap_or_default();
        let (at, what) = (line.at.format("%Y-%m-%d %H:%M:%S UTC"), line.what.word());
        output.line(&format!("{at}  {}{name}  {what}{case}{party}", line.who));
    }
    Ok(())
}

/// What is to be told in words: nothing where JSON was asked for, which is then printed. `none` is said where nothing is.
fn in_words<T: Serialize>(lines: Vec<T>, none: &str, output: Output) -> Option<Vec<T>> {
    if output.json {
        output.value(&lines);
        return None;
    }
    if lines.is_empty() {
        output.line(none);
    }
    Some(lines)
}

async fn entered(which: &Which, limit: u16, output: Output) -> Result<(), Failure> {
    let lines = Door::work(which, async |door| match door {
        Door::Daemon(client) => client.entered(limit.into()).await,
        Door::Directory(identity, journal) => {
            let entered = journal.read(move |index| index.entered(None, limit.into())).await;
            entered
                .map_err(Failure::failed)
                .map(|entered| entered.iter().map(|entered| EnteredLine::of(entered, identity)).collect())
        }
    })
    .await?;
    let Some(lines) = in_words(lines, "Nobody came.", output) else { return Ok(()) };
    let called = |id: &Option<String>, name: &Option<String>| {
        let id = id.as_deref().unwrap_or("nobody known here");
        let name = name.as_deref().map(|name| format!(" ({})", printable(name))).unwrap_or_default();
        format!("{id}{name}")
    };
    for line in &lines {
        let (at, who) = (line.at.format("%Y-%m-%d %H:%M:%S UTC"), called(&line.who, &line.name));
        let what = line.what.replace('_', " ");
        let way = line.way.map(|way| format!(", {}", way.words())).unwrap_or_default();
        let role = line.role.as_deref().map(|role| format!(", as {role}")).unwrap_or_default();
        let party = line.party.as_ref().map(|party| format!(" of {party}")).unwrap_or_default();
        let by = match &line.by {
            Some(_) => format!(", by {}", called(&line.by, &line.by_name)),
            None => String::new(),
        };
        output.line(&format!("{at}  {who}  {what}{way}{role}{party}{by}"));
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
        output.value(&json!({
            "records": verified.records,
            "bytes": verified.bytes,
            "hash": verified.last_hash,
            "root": hex(&verified.root),
        }));
    } else {
        output.line(&format!(
            "The ledger is whole: {} records, {} bytes, last hash {}, root {}.",
            verified.records,
            verified.bytes,
            verified.last_hash,
            hex(&verified.root)
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

async fn checkpoint(which: &Which, since: Option<u64>, output: Output) -> Result<(), Failure> {
    let data = which.data()?;
    let signer = which.signer(&data)?;
    blocking(move || {
        let log = open(&data)?;
        let note = signer.checkpoint(&log.head());
        let text = match since {
            None => note.clone(),
            Some(size) => {
                let (_, proof) = log.consistency(size).map_err(Failure::failed)?.ok_or_else(|| {
                    Failure::Failed(format!(
                        "the ledger has {} records and never had {size}",
                        log.head().size
                    ))
                })?;
                Told::write(size, &proof, &note)
            }
        };
        if output.json {
            let (size, root) = (log.head().size, hex(&log.head().root));
            output.value(&json!({ "size": size, "root": root, "checkpoint": text }));
        } else {
            output.line(text.trim_end_matches('\n'));
        }
        Ok(())
    })
    .await
}

fn key(which: &Which, output: &Output) -> Result<(), Failure> {
    let key = which.signer(&which.data()?)?.verifier().to_string();
    if output.json {
        output.value(&json!({ "key": key }));
    } else {
        output.line(&key);
    }
    Ok(())
}

async fn prove(which: &Which, seq: u64, output: Output) -> Result<(), Failure> {
    let data = which.data()?;
    let signer = which.signer(&data)?;
    blocking(move || {
        let log = open(&data)?;
        let note = signer.checkpoint(&log.head());
        let found = log.inclusion(seq).map_err(Failure::failed)?.ok_or_else(|| {
            Failure::Failed(format!("there is no record {seq}; the last one is {}", log.head().size))
        })?;
        if output.json {
            output.value(&json!({
                "seq": seq,
                "index": seq - 1,
                "hash": hex(&found.leaf.hash),
                "root": found.leaf.root.map(|root| hex(&root)),
                "proof": found.proof.iter().map(|hash| hex(hash)).collect::<Vec<_>>(),
                "checkpoint": note,
            }));
        } else {
            output.line(found.text(&note).trim_end_matches('\n'));
        }
        Ok(())
    })
    .await
}

fn open(data: &DataDir) -> Result<Log, Failure> {
    Log::for_reading(Arc::new(ledger::FileMedium::for_reading(data.root()))).map_err(Failure::failed)
}

async fn export(which: &Which, case: Option<String>, file: Option<PathBuf>) -> Result<(), Failure> {
    let data = which.data()?;
    let case: Option<CaseId> = case.map(|case| case.parse()).transpose().map_err(Failure::Usage)?;
    let scope = case.map_or(ledger::Scope::All, ledger::Scope::Case);
    let configured = which.master_key()?;
    // As evidence is: nothing is given out that is not recorded.
    let access = Access::open(which).await?;
    let recorded = access.exports(case).await;
    access.close().await?;
    recorded?;
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
