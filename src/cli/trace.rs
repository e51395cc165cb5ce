//! `throughline trace`: the whole story of a case.

use clap::Args;

use super::access::Access;
use super::output::printable;
use super::{Failure, Output, Which};
use crate::api::view;
use crate::case::CaseId;

/// Tell a case's whole story.
#[derive(Debug, Args)]
#[command(after_help = "Each line: when it was recorded, at which system, what happened, in words.\n  \
                        hinted     something may have changed      intended  a change was recorded, to be sent\n  \
                        seen       what was read from the system   effected  the system's answer, and how long it took\n  \
                        decided    what the request became         failed    no success; when it is tried again\n  \
                        withheld   what stays, and by which rule   parked    waits for a person\n  \
                        offered, asked, accepted, rejected, withdrawn, lapsed: how a request stands that has to be accepted\n  \
                        asked, approved, refused, granted, revoked, expired: sight of more than is shared\n  \
                        told       what an announcement says that the case refers to\n\n\
                        Examples:\n  \
                        throughline trace helpdesk:4711 --config throughline.toml\n  \
                        throughline trace TL-1042 --data /var/lib/throughline --json")]
pub(super) struct Trace {
    /// A case (TL-1042) or any of its tickets (helpdesk:4711).
    #[arg(value_name = "TL-ID | SYSTEM:KEY")]
    name: String,
    #[command(flatten)]
    which: Which,
}

impl Trace {
    pub(super) async fn run(self, output: &Output) -> Result<(), Failure> {
        if self.name.parse::<CaseId>().is_err() && !self.name.contains(':') {
            let name = &self.name;
            return Err(Failure::Usage(format!(
                "{name:?} names neither a case (TL-1042) nor a ticket (SYSTEM:KEY, as in helpdesk:4711)"
            )));
        }
        let trace = Access::open(&self.which).await?.trace(&self.name).await?;
        if output.json {
            output.value(&trace);
        } else {
            print(&trace, output);
        }
        Ok(())
    }
}

/// Prints a trace for people.
pub(super) fn print(trace: &view::Trace, output: &Output) {
    let case = &trace.case;
    let title = printable(&case.title);
    output.line(&output.bold(&format!("{} · {} · {} · {title}", case.case, case.status, case.priority)));
    for leg in &case.legs {
        let key = leg.key.as_deref().unwrap_or("(being created)");
        let mut line = format!("  {}:{key} ({}), {}", leg.system, leg.party, leg.health);
        if leg.outstanding > 0 {
            line.push_str(&format!(", {} on the way", leg.outstanding));
        }
        if leg.parked > 0 {
            line.push_str(&format!(", {} parked", leg.parked));
        }
        if leg.given_up > 0 {
            line.push_str(&format!(", {} given up", leg.given_up));
        }
        if let Some(since) = leg.silent_since {
            line.push_str(&format!(", silent since {}", since.format("%Y-%m-%dT%H:%M:%SZ")));
        }
        if let Some(offer) = &leg.offer {
            line.push_str(&format!(", {}", offer.state.word()));
            if offer.lapsed {
                line.push_str(" and lapsed");
            }
            if let Some(due) = offer.respond_by {
                line.push_str(&format!(", due by {}", due.format("%Y-%m-%dT%H:%M:%SZ")));
            }
            if !offer.waiting.is_empty() {
                line.push_str(&format!(", {} waiting for it", offer.waiting.len()));
            }
        }
        if let Some(url) = &leg.url {
            line.push_str(&format!("  {url}"));
        }
        output.line(&printable(&line));
    }
    if let (Some(owner), Some(holder)) = (&case.owner, &case.holder) {
        let since = holder.since.format("%Y-%m-%dT%H:%M:%S%.3fZ");
        let mut line = format!(
            "  {owner} answers for it; {} ({}) has the ball since {since} ({})",
            holder.party, holder.level, holder.because
        );
        for (party, seconds) in &case.held_before {
            line.push_str(&format!("; {party} had it for {seconds} s before"));
        }
        output.line(&printable(&line));
    }
    for grant in &case.grants {
        output.line(&printable(&format!("  grant {}, for: {}", grant.words(), grant.purpose)));
    }
    for reference in &case.references {
        let url = reference.url.as_ref().map(|url| format!("  {url}")).unwrap_or_default();
        let (system, key, status) = (&reference.system, &reference.key, &reference.status);
        output.line(&printable(&format!("  refers to {system}:{key}, {status}: {}{url}", reference.title)));
    }
    output.line("");
    let width =
        trace.events.iter().filter_map(|event| event.system.as_ref()).map(|name| name.as_str().len()).max();
    let width = width.unwrap_or_default();
    for event in &trace.events {
        let system = event.system.as_ref().map_or("", |name| name.as_str());
        let at = event.at.format("%Y-%m-%dT%H:%M:%S%.3fZ").to_string();
        let who = event.who.as_ref().map(|who| format!("{who}: ")).unwrap_or_default();
        let took = event.took_ms.map(|took| format!(" ({took} ms)")).unwrap_or_default();
        output.line(&format!(
            "{}  {system:width$}  {:9} {}{}",
            output.dim(&at),
            event.what,
            printable(&format!("{who}{}", event.text)),
            output.dim(&took)
        ));
    }
}
