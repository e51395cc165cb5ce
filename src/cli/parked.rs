//! `throughline parked`: what waits for a person.

use clap::{Args, Subcommand};
use serde_json::json;

use super::access::Access;
use super::{Failure, Output, Which};

/// List what waits for a person, have it tried again, or give it up.
#[derive(Debug, Args)]
#[command(
    after_help = "A field, comment or file is parked when a system refused it for good, or when nobody can tell \
                        whether it arrived. Mend the cause, then have it tried again, or give it up; the rest of the \
                        case goes on meanwhile.\n\nExamples:\n  \
                        throughline parked --config throughline.toml\n  \
                        throughline parked retry TL-1042 partner status --config throughline.toml\n  \
                        throughline parked discard TL-1042 partner field:Component --config throughline.toml"
)]
pub(super) struct Parked {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    which: Which,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List what is parked, with the reasons.
    List,
    /// Try a parked item again.
    Retry {
        #[command(flatten)]
        item: Named,
    },
    /// Give a parked item up: it is not tried again until its value changes.
    Discard {
        #[command(flatten)]
        item: Named,
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
            None | Some(Command::List) => list(&self.which, output).await,
            Some(Command::Retry { item }) => decide(&self.which, &item, Verb::Retry, output).await,
            Some(Command::Discard { item }) => decide(&self.which, &item, Verb::Discard, output).await,
        }
    }
}

/// What becomes of a parked item.
#[derive(Clone, Copy, Debug)]
enum Verb {
    Retry,
    Discard,
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
            vec![line.case, line.system.to_string(), line.item, since, line.reason]
        })
        .collect();
    output.table(&["case", "system", "item", "since", "reason"], &rows);
    Ok(())
}

async fn decide(which: &Which, named: &Named, verb: Verb, output: &Output) -> Result<(), Failure> {
    let (word, done) = match verb {
        Verb::Retry => ("retry", "is tried again"),
        Verb::Discard => ("discard", "is given up"),
    };
    let Named { case, system, item } = named;
    Access::open(which).await?.decide(word, case, system, item).await?;
    if output.json {
        output.value(&json!({ "case": case, "system": system, "item": item, "done": word }));
    } else {
        output.line(&format!("{item} of {case} on {system} {done}."));
    }
    Ok(())
}
