//! `throughline plan`: what the bridge would do with a ticket now, and why, without doing it.

use clap::Args;

use super::access::Access;
use super::explain::{check_name, parties};
use super::output::printable;
use super::{Failure, Output, Which};
use crate::api::preview::Planned;

/// Tell what the bridge would do with a ticket now, without doing it.
#[derive(Debug, Args)]
#[command(
    after_help = "Reads the ticket, and the other tickets of its case where the plan needs them, through the running \
                  daemon; plans on a copy; and tells what would be recorded, sent, withheld or parked. Nothing is \
                  recorded, written or acknowledged. A ticket of no case is told which agreement would open one, or \
                  why none routes it.\n\nExamples:\n  \
                  throughline plan helpdesk:4711 --config throughline.toml\n  \
                  throughline plan partner:17 --data /var/lib/throughline --json"
)]
pub(super) struct Plan {
    /// A ticket (helpdesk:4711), or a case (TL-1042) with all its tickets.
    #[arg(value_name = "SYSTEM:KEY | TL-ID")]
    name: String,
    #[command(flatten)]
    which: Which,
}

impl Plan {
    pub(super) async fn run(self, output: &Output) -> Result<(), Failure> {
        check_name(&self.name)?;
        let planned = Access::open(&self.which).await?.daemon()?.plan(&self.name).await?;
        if output.json {
            output.value(&planned);
        } else {
            print(&planned, output);
        }
        Ok(())
    }
}

fn print(planned: &Planned, output: &Output) {
    let ticket = &planned.ticket;
    let standing = match (&planned.case, planned.opened_by.as_slice()) {
        (Some(case), _) => format!("{ticket} belongs to {case}."),
        (None, []) => format!("{ticket} belongs to no case, and no agreement routes it."),
        (None, by) => format!("{ticket} belongs to no case; one would be opened by: {}.", by.join(", ")),
    };
    output.line(&output.bold(&printable(&standing)));
    output.line(&format!("Read for this: {}.", planned.read.join(", ")));
    for unrouted in &planned.unrouted {
        output.line(&printable(&format!("  not by {}: {}", unrouted.agreement, unrouted.reason)));
    }
    for unread in &planned.unread {
        output.line(&printable(&format!("  not read: {}", unread.reason)));
    }
    output.line("");
    if planned.steps.is_empty() {
        output.line("The bridge would do nothing.");
    } else {
        output.line(&output.bold("The bridge would record and send, in this order:"));
        let width =
            planned.steps.iter().filter_map(|step| step.system.as_ref()).map(|name| name.as_str().len());
        let width = width.max().unwrap_or_default();
        for step in &planned.steps {
            let system = step.system.as_ref().map_or("", |name| name.as_str());
            output.line(&format!("  {system:width$}  {:9} {}", step.what, printable(&step.text)));
        }
    }
    parties(&planned.parties, output);
}
