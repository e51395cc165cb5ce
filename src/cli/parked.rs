//! `throughline parked`: what waits for a person.

use clap::{Args, Subcommand};

use super::access::Access;
use super::{Failure, Output, Which};

/// List what waits for a person, have it tried again, or give it up.
#[derive(Debug, Args)]
pub(super) struct Parked {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    which: Which,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List what is parked, with the reasons.
    List {
        #[command(flatten)]
        which: Which,
    },
    /// Try a parked item again.
    Retry {
        #[command(flatten)]
        item: Named,
        #[command(flatten)]
        which: Which,
    },
    /// Give a parked item up: it is not tried again until its value changes.
    Discard {
        #[command(flatten)]
        item: Named,
        #[command(flatten)]
        which: Which,
    },
}

#[derive(Debug, Args)]
struct Named {
    /// The case, such as TL-1042.
    case: String,
    /// The system it was for.
    system: String,
    /// The item, as `parked list` names it.
    item: String,
}

impl Parked {
    pub(super) async fn run(self, output: &Output) -> Result<(), Failure> {
        match self.command {
            None => list(&self.which, output).await,
            Some(Command::List { which }) => list(&which, output).await,
            Some(Command::Retry { item, which }) => decide(&which, &item, "retry", output).await,
            Some(Command::Discard { item, which }) => decide(&which, &item, "discard", output).await,
        }
    }
}

async fn list(which: &Which, output: &Output) -> Result<(), Failure> {
    let lines = Access::open(which).await?.parked().await?;
    if output.json {
        output.value(&lines);
        return Ok(());
    }
    if lines.is_empty() {
        output.line("Nothing is parked.");
        return Ok(());
    }
    let rows: Vec<Vec<String>> = lines
        .into_iter()
        .map(|line| {
            let since = line.since.format("%Y-%m-%dT%H:%M:%SZ").to_string();
            let reason = if line.discarded { format!("(given up) {}", line.reason) } else { line.reason };
            vec![line.case, line.system.to_string(), line.item, since, reason]
        })
        .collect();
    output.table(&["case", "system", "item", "since", "reason"], &rows);
    Ok(())
}

async fn decide(which: &Which, named: &Named, verb: &str, output: &Output) -> Result<(), Failure> {
    let access = Access::open(which).await?;
    access.decide(verb, &named.case, &named.system, &named.item).await?;
    let done = if verb == "retry" { "is tried again" } else { "is given up" };
    output.line(&format!("{} of {} on {} {done}.", named.item, named.case, named.system));
    Ok(())
}
