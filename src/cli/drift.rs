//! `throughline drift`: what differs between the tickets of many cases and the cases, and mending it.

use std::time::Duration;

use clap::{Args, Subcommand};
use throughline_sdk::{Clock, SystemName};

use super::access::Access;
use super::output::printable;
use super::{Failure, Output, Which};
use crate::clock::SystemClock;
use crate::deliver::Scope;

/// How many cases are looked at unless told otherwise.
const SAMPLE: u64 = 100;
const GLANCE: Duration = Duration::from_millis(300);

/// Tell what differs between tickets as they are and what their cases say, over many cases.
#[derive(Debug, Args)]
#[command(
    after_help = "The running daemon reads the tickets, one case after another and after everything else that is to be \
                  done, and plans on a copy. Nothing is recorded or written. What differs is listed with what the \
                  bridge would do; `drift repair` has it done for the cases that are named.\n\
                  Exit code 1: something differs.\n\nExamples:\n  \
                  throughline drift --config throughline.toml\n  \
                  throughline drift --system partner --all --config throughline.toml --json\n  \
                  throughline drift repair TL-1042 TL-1043 --config throughline.toml"
)]
pub(super) struct Drift {
    #[command(subcommand)]
    command: Option<Command>,
    /// Only cases in which this system takes part, and only its tickets.
    #[arg(long, value_name = "SYSTEM")]
    system: Option<String>,
    /// How many cases are looked at, spread evenly over all; 100 unless told otherwise.
    #[arg(long, value_name = "N", conflicts_with = "all")]
    sample: Option<u64>,
    /// Every case is looked at.
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    which: Which,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Have the tickets of these cases read now, and what differs mended.
    Repair {
        /// The cases, such as TL-1042.
        #[arg(required = true, value_name = "TL-ID")]
        cases: Vec<String>,
    },
}

impl Drift {
    pub(super) async fn run(self, output: &Output) -> Result<(), Failure> {
        let access = Access::open(&self.which).await?;
        let daemon = access.daemon()?;
        if let Some(Command::Repair { cases }) = &self.command {
            let mended = daemon.repair(cases).await?;
            if output.json {
                output.value(&mended);
            } else {
                output.line(&format!("What differs in {} is mended now.", cases.join(", ")));
            }
            return Ok(());
        }
        let scope = Scope {
            system: self.system.map(SystemName::new),
            sample: if self.all { None } else { Some(self.sample.unwrap_or(SAMPLE)) },
        };
        let mut look = daemon.look_for_drift(&scope).await?;
        let clock = SystemClock::new();
        while look.ended.is_none() {
            clock.sleep(GLANCE).await;
            look = daemon
                .drift()
                .await?
                .ok_or_else(|| Failure::Failed("the daemon was restarted".to_owned()))?;
        }
        if output.json {
            output.value(&look);
        } else {
            let rows: Vec<Vec<String>> = look
                .differences
                .iter()
                .map(|one| {
                    let place = format!("{}:{}", one.system, one.key.as_deref().unwrap_or("?"));
                    let cells = [&one.case, &place, &one.item, &one.here, &one.there, &one.does];
                    cells.into_iter().map(|cell| printable(cell).into_owned()).collect()
                })
                .collect();
            if !rows.is_empty() {
                output
                    .table(&["case", "ticket", "item", "the case says", "stands there", "the bridge"], &rows);
            }
            for unread in &look.unread {
                output.line(&printable(&format!("not read: {unread}")));
            }
            let differ = look.differences.len();
            output.line(&format!(
                "{} of {} cases were looked at; {differ} things differ.",
                look.looked, look.total
            ));
            if look.more > 0 {
                output.line(&format!("{} more were not kept: look at fewer cases at a time.", look.more));
            }
            if let Some(why) = &look.stopped {
                output.line(&printable(&format!("It ended early: {why}.")));
            }
        }
        if look.differences.is_empty() && look.stopped.is_none() { Ok(()) } else { Err(Failure::Different) }
    }
}
