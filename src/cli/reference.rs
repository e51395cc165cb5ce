//! `throughline reference`: tickets in a portal that only people reach.

use std::io::Read as _;

use clap::{Args, Subcommand};

use super::access::Access;
use super::output::printable;
use super::{Failure, Output, Which};
use crate::api::reference::{ClaimAsked, Recorded, ReferenceLine};
use crate::api::tmf621::record::Entry;
use crate::deliver::Claimed;

/// The largest update taken from standard input, in bytes.
const UPDATE_BYTES: u64 = 1024 * 1024;

/// Keep the tickets of a portal without an interface by hand: see what to carry over, record what it says.
#[derive(Debug, Args)]
#[command(
    after_help = "A system of the kind `reference` stands for a portal or a telephone: no program reaches it, so people \
                  do. What the bridge has for it waits in `list`; carry it over and mark it with `passed`. What the \
                  portal says you record, and it crosses like any other desk's words.\n\n\
                  A ticket is SYSTEM:KEY, where KEY is the portal's number, or our own until that is recorded. --at is \
                  the number that `list` shows: were something new to carry over, nothing is marked.\n\n\
                  Examples:\n  \
                  throughline reference list --config throughline.toml\n  \
                  throughline reference number portal:1 2611260030001234 --at 7 --config throughline.toml\n  \
                  throughline reference update portal:2611260030001234 --by \"Kim, vendor\" --config throughline.toml < mail.txt\n  \
                  throughline reference status portal:2611260030001234 inProgress --config throughline.toml\n  \
                  throughline reference passed portal:2611260030001234 --at 9 --config throughline.toml\n  \
                  throughline reference claim portal:2611260030001234 vendor:4711 --config throughline.toml"
)]
pub(super) struct Reference {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    which: Which,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List open tickets, with what is to be carried over to the portal.
    List(List),
    /// Record the number that the portal gave a ticket: from now on it is called by that.
    Number {
        /// The ticket, as `list` names it.
        #[arg(value_name = "SYSTEM:KEY")]
        ticket: String,
        /// The portal's number.
        number: String,
        /// All that `list` shows at this number stands in the portal too.
        #[arg(long)]
        at: Option<u64>,
    },
    /// Record what somebody wrote in the portal, or said: the text is read from standard input.
    ///
    /// It becomes a public comment, shared as the agreement says.
    Update {
        /// The ticket.
        #[arg(value_name = "SYSTEM:KEY")]
        ticket: String,
        /// Who wrote or said it; without it: the party.
        #[arg(long)]
        by: Option<String>,
    },
    /// Record the status that a ticket has in the portal.
    Status {
        /// The ticket.
        #[arg(value_name = "SYSTEM:KEY")]
        ticket: String,
        /// acknowledged, inProgress, pending, held, resolved, closed, cancelled or rejected.
        status: String,
    },
    /// Mark what `list` shows of a ticket as carried over.
    Passed {
        /// The ticket.
        #[arg(value_name = "SYSTEM:KEY")]
        ticket: String,
        /// The number that `list` shows. If there is something new by now, nothing is marked.
        #[arg(long)]
        at: u64,
    },
    /// Let a ticket of a system with an interface take the place of one that was kept by hand.
    ///
    /// First it only lists which comments and files stand on both, what is missing there, and what is new there and would
    /// be told at home. Look at it, then give the word after `confirm` with --confirm: exactly that is done.
    Claim {
        /// The ticket that was kept by hand.
        #[arg(value_name = "SYSTEM:KEY")]
        ticket: String,
        /// The ticket that takes its place, by the id by which its system's interface knows it.
        #[arg(value_name = "SYSTEM:ID")]
        by: String,
        /// What was listed is right.
        #[arg(long, value_name = "WORD")]
        confirm: Option<String>,
    },
}

#[derive(Clone, Copy, Debug, Default, Args)]
struct List {
    /// Only tickets whose portal is silent for longer than `silent_after`.
    #[arg(long, conflicts_with = "all")]
    silent: bool,
    /// Also tickets that are done.
    #[arg(long)]
    all: bool,
}

impl Reference {
    pub(super) async fn run(self, output: &Output) -> Result<(), Failure> {
        let (ticket, entry) = match self.command.unwrap_or(Command::List(List::default())) {
            Command::List(wanted) => return list(&self.which, wanted, output).await,
            Command::Number { ticket, number, at } => (ticket, Entry::Number { number, at }),
            Command::Update { ticket, by } => (ticket, Entry::Update { by, text: pasted()? }),
            Command::Status { ticket, status } => (ticket, Entry::Status(status)),
            Command::Passed { ticket, at } => (ticket, Entry::Passed { at }),
            Command::Claim { ticket, by, confirm } => {
                return claim(&self.which, ClaimAsked { ticket, by, confirmed: confirm }, output).await;
            }
        };
        let access = Access::open(&self.which).await?;
        let line = access.daemon()?.record(&Recorded { ticket, entry }).await?;
        if output.json {
            output.value(&line);
        } else {
            output.line("Recorded.");
            print(&line, output);
        }
        Ok(())
    }
}

/// The text on standard input.
fn pasted() -> Result<String, Failure> {
    let mut text = String::new();
    let read = std::io::stdin().lock().take(UPDATE_BYTES + 1).read_to_string(&mut text);
    let count = read.map_err(|error| Failure::Failed(format!("the update cannot be read: {error}")))?;
    if u64::try_from(count).is_ok_and(|count| count > UPDATE_BYTES) {
        return Err(Failure::Failed(format!(
            "the update has more than {UPDATE_BYTES} bytes; nothing was recorded"
        )));
    }
    Ok(text)
}

async fn claim(which: &Which, asked: ClaimAsked, output: &Output) -> Result<(), Failure> {
    let access = Access::open(which).await?;
    let claimed = access.daemon()?.claim(&asked).await?;
    if output.json {
        output.value(&claimed);
        return Ok(());
    }
    let Claimed { case, from, to, .. } = &claimed;
    output.line(&printable(&format!("{case}: {to} for {from}")));
    for (what, lines) in [
        ("stands on both", &claimed.same),
        ("is missing there and stays so", &claimed.missing),
        ("is new there and is told", &claimed.new),
    ] {
        for line in lines {
            output.line(&printable(&format!("  {what}: {line}")));
        }
    }
    output.line(&match claimed.done {
        true => format!("Done: the case goes on at {to}."),
        false => format!("Nothing was done yet. If this is right: --confirm {}", claimed.confirm),
    });
    Ok(())
}

async fn list(which: &Which, wanted: List, output: &Output) -> Result<(), Failure> {
    let lines = Access::open(which).await?.daemon()?.references(wanted.silent, wanted.all).await?;
    if output.json {
        output.value(&lines);
        return Ok(());
    }
    if lines.is_empty() {
        output.line(match wanted.silent {
            true => "No portal is silent.",
            false => "There is nothing open and nothing to carry over.",
        });
    }
    for line in &lines {
        print(line, output);
    }
    Ok(())
}

/// Prints a ticket and what is to be done for it.
fn print(line: &ReferenceLine, output: &Output) {
    let case = line.case.as_deref().map(|case| format!(" · {case}")).unwrap_or_default();
    let head = format!("{}{case} · {} · {}", line.ticket, line.status, line.title);
    output.line(&output.bold(&printable(&head)));
    if let Some(since) = line.silent_since {
        output.line(&format!("  silent since {}", since.format("%Y-%m-%dT%H:%M:%SZ")));
    }
    if line.errands.is_empty() {
        return;
    }
    for errand in &line.errands {
        let mut text = errand.text.lines();
        output.line(&format!(
            "  {}: {}",
            printable(&errand.what),
            printable(text.next().unwrap_or_default())
        ));
        for more in text {
            output.line(&format!("      {}", printable(more)));
        }
    }
    let command = match line.number {
        None => format!("number {} NUMBER --at {}", line.ticket, line.at),
        Some(_) => format!("passed {} --at {}", line.ticket, line.at),
    };
    output.line(&output.dim(&printable(&format!("  when that is done: throughline reference {command}"))));
}
