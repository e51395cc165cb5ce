//! `throughline cases`: the cases of a bridge, found by a query.

use clap::Args;
use serde_json::json;

use super::access::Access;
use super::{Failure, Output, Which};
use crate::api::find::{Found, Wanted};
use crate::api::view::{CaseLine, LegLine};
use crate::case::OfferState;
use crate::find::{HELP, MOST, Sort};

/// Find cases by any ticket's number, words, party, status or view.
#[derive(Debug, Args)]
#[command(after_help = help())]
pub(super) struct Cases {
    /// What to look for; all cases without it.
    query: Vec<String>,
    #[command(flatten)]
    which: Which,
    /// The order: newest, oldest, changed or silent.
    #[arg(long, default_value = "newest", value_name = "ORDER")]
    sort: Sort,
    /// Go on where a listing ended.
    #[arg(long, value_name = "CURSOR")]
    cursor: Option<String>,
    /// At most this many.
    #[arg(long, default_value_t = 100)]
    limit: usize,
    /// Tell instead how many cases stand in each view.
    #[arg(long, conflicts_with_all = ["query", "cursor", "sort", "limit"])]
    counts: bool,
}

fn help() -> String {
    format!(
        "{HELP}\n\n\
         The newest case comes first. By changed and silent open cases are listed, to the hour: by\n\
         changed those in which somebody did something last, by silent those in which nobody did for\n\
         longest. With --json a listing that goes on ends with {{\"next\": CURSOR}} on standard error.\n\n\
         Examples:\n  \
         throughline cases --config throughline.toml\n  \
         throughline cases INC0010001 --config throughline.toml\n  \
         throughline cases printer party:fabrikam is:waiting-us --data /var/lib/throughline\n  \
         throughline cases silent:5d --sort silent --limit 50 --json --data /var/lib/throughline"
    )
}

impl Cases {
    pub(super) async fn run(self, output: &Output) -> Result<(), Failure> {
        let access = Access::open(&self.which).await?;
        let mut wanted =
            Wanted { q: self.query.join(" "), sort: self.sort, cursor: self.cursor, limit: Some(1) };
        if self.counts {
            return counted(&access.cases(&wanted).await?, output);
        }
        let mut cases = Vec::new();
        loop {
            wanted.limit = Some((self.limit - cases.len()).clamp(1, MOST));
            let found = access.cases(&wanted).await?;
            cases.extend(found.items);
            wanted.cursor = found.next;
            if wanted.cursor.is_none() || cases.len() >= self.limit {
                break;
            }
            if let Some(looked) = found.looked_through {
                output.progress(&format!("looked through up to {looked}, and goes on"));
            }
        }
        if output.json {
            output.value(&cases);
        } else if cases.is_empty() {
            output.line(if wanted.q.is_empty() { "There are no cases yet." } else { "No case was found." });
        } else {
            table(&cases, output);
        }
        if let Some(next) = wanted.cursor {
            if output.json {
                output.aside(&json!({ "next": next }));
            } else {
                output.progress(&format!("there is more: --cursor {next}"));
            }
        }
        Ok(())
    }
}

fn counted(found: &Found, output: &Output) -> Result<(), Failure> {
    if output.json {
        output.value(&found.counts);
        return Ok(());
    }
    let counts = &found.counts;
    let rows = [
        ("all", counts.all),
        ("is:open", counts.open),
        ("is:closed", counts.closed),
        ("is:waiting-us", counts.waiting_us),
        ("is:waiting-partner", counts.waiting_partner),
        ("is:silent", counts.silent),
        ("is:parked", counts.parked),
        ("is:conflict", counts.conflict),
        ("is:breached", counts.breached),
    ];
    let rows: Vec<Vec<String>> =
        rows.iter().map(|(view, count)| vec![(*view).to_owned(), count.to_string()]).collect();
    output.table(&["view", "cases"], &rows);
    Ok(())
}

fn table(cases: &[CaseLine], output: &Output) {
    let rows: Vec<Vec<String>> = cases
        .iter()
        .map(|case| {
            let legs: Vec<String> = case.legs.iter().map(leg_text).collect();
            let shown: Vec<String> = case.grants.iter().map(|grant| format!("({})", grant.words())).collect();
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
