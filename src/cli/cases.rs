//! `throughline cases`: the cases of a bridge.

use clap::Args;

use super::access::Access;
use super::{Failure, Output, Which};
use crate::api::view::LegLine;
use crate::case::OfferState;

/// List cases, oldest first.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  throughline cases --config throughline.toml\n  \
                        throughline cases --data /var/lib/throughline --after TL-1000 --limit 50 --json")]
pub(super) struct Cases {
    #[command(flatten)]
    which: Which,
    /// Begin after this case.
    #[arg(long, value_name = "TL-ID")]
    after: Option<String>,
    /// At most this many.
    #[arg(long, default_value_t = 100)]
    limit: usize,
}

impl Cases {
    pub(super) async fn run(self, output: &Output) -> Result<(), Failure> {
        let access = Access::open(&self.which).await?;
        let cases = access.cases(self.after.as_deref(), self.limit).await?;
        if output.json {
            output.value(&cases);
            return Ok(());
        }
        if cases.is_empty() {
            output.line("There are no cases yet.");
            return Ok(());
        }
        let rows: Vec<Vec<String>> = cases
            .iter()
            .map(|case| {
                let legs: Vec<String> = case.legs.iter().map(leg_text).collect();
                let shown: Vec<String> =
                    case.grants.iter().map(|grant| format!("({})", grant.words())).collect();
                let holder = case.holder.as_ref();
                vec![
                    case.case.clone(),
                    case.status.clone(),
                    case.priority.clone(),
                    holder.map(|holder| format!("{} ({})", holder.party, holder.level)).unwrap_or_default(),
                    holder
                        .map(|holder| holder.since.format("%Y-%m-%dT%H:%M:%SZ").to_string())
                        .unwrap_or_default(),
                    legs.iter()
                        .map(String::as_str)
                        .chain(shown.iter().map(String::as_str))
                        .collect::<Vec<_>>()
                        .join(" "),
                    case.title.clone(),
                ]
            })
            .collect();
        output.table(&["case", "status", "priority", "holder", "since", "tickets", "title"], &rows);
        if let (true, Some(last)) = (cases.len() == self.limit, cases.last()) {
            output.progress(&format!("there may be more: --after {}", last.case));
        }
        Ok(())
    }
}

/// A ticket's name, and how its offer stands where it is not accepted.
fn leg_text(leg: &LegLine) -> String {
    let name = format!("{}:{}", leg.system, leg.key.as_deref().unwrap_or("…"));
    match leg.offer.as_ref().filter(|offer| offer.state != OfferState::Accepted) {
        Some(offer) if offer.lapsed => format!("{name} ({}, lapsed)", offer.state.word()),
        Some(offer) => format!("{name} ({})", offer.state.word()),
        None => name,
    }
}
