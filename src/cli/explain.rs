//! `throughline explain`: for every field, comment and file of a case and each party, what became of it and by which rule.

use std::collections::BTreeMap;

use clap::Args;

use super::access::Access;
use super::output::printable;
use super::{Failure, Output, Which};
use crate::agreement::counted;
use crate::api::explain::{Explanation, ItemLine, PartyLines};
use crate::case::CaseId;
use crate::plan::Outcome;

/// Tell what became of everything in a case for each party, and by which rule.
#[derive(Debug, Args)]
#[command(after_help = "For each party: every field, comment and file that did not come from it.\n  \
                        passed    it is there as it is             withheld    it is not public, or not any more\n  \
                        mapped    it is there in other words       parked      it cannot be sent; a person is needed\n  \
                        due       the next plan sends it           not shared  no agreement lets it go there\n  \
                        waiting   something else comes first       masked      it is there without the personal data in it\n\n\
                        What is not public is named by its id, never by its content. Without a running daemon the \
                        agreements are read from the configuration, so name that by --config.\n\n\
                        Examples:\n  \
                        throughline explain TL-1042 --config throughline.toml\n  \
                        throughline explain helpdesk:4711 --to fabrikam --data /var/lib/throughline --json")]
pub(super) struct Explain {
    /// A case (TL-1042) or any of its tickets (helpdesk:4711).
    #[arg(value_name = "TL-ID | SYSTEM:KEY")]
    name: String,
    /// Only what became of it for this party or system.
    #[arg(long, value_name = "PARTY")]
    to: Option<String>,
    #[command(flatten)]
    which: Which,
}

impl Explain {
    pub(super) async fn run(self, output: &Output) -> Result<(), Failure> {
        check_name(&self.name)?;
        let access = Access::open(&self.which).await?;
        let explanation = access.explain(&self.which, &self.name, self.to.as_deref()).await?;
        if output.json {
            output.value(&explanation);
        } else {
            print(&explanation, output);
        }
        Ok(())
    }
}

/// Whether a text is the name of a case or a ticket.
pub(super) fn check_name(name: &str) -> Result<(), Failure> {
    if name.parse::<CaseId>().is_ok() || name.contains(':') {
        return Ok(());
    }
    Err(Failure::Usage(format!(
        "{name:?} names neither a case (TL-1042) nor a ticket (SYSTEM:KEY, as in helpdesk:4711)"
    )))
}

fn print(explanation: &Explanation, output: &Output) {
    let case = &explanation.case;
    let title = printable(&case.title);
    output.line(&output.bold(&format!("{} · {} · {} · {title}", case.case, case.status, case.priority)));
    parties(&explanation.parties, output);
    for absent in &explanation.absent {
        output.line("");
        output.line(&printable(&format!(
            "{}: {} takes no part; the agreement {} has not routed the request",
            absent.system, absent.party, absent.agreement
        )));
    }
}

/// Prints a table for each party.
pub(super) fn parties(parties: &[PartyLines], output: &Output) {
    for party in parties {
        output.line("");
        let key = party.key.as_deref().unwrap_or("(no ticket yet)");
        let by = match &party.agreement {
            Some(agreement) => format!("under the agreement {agreement}{}", versions(party)),
            None => "at home".to_owned(),
        };
        let heading = format!("{}:{key} · {} · {by}", party.system, party.title);
        output.line(&output.bold(&printable(&heading)));
        let rows: Vec<Vec<String>> = party.items.iter().map(row).collect();
        output.table(&["item", "from", "outcome", "as", "rule", "recorded"], &rows);
    }
}

/// The version that decided last, and the one in force if that is another.
fn versions(party: &PartyLines) -> String {
    match (&party.version, &party.in_force) {
        (Some(decided), Some(in_force)) => {
            format!(", last decided under version {decided}; judged here by version {in_force}, now in force")
        }
        (Some(version), None) => format!(", version {version}"),
        (None, Some(in_force)) => format!(", version {in_force}"),
        (None, None) => String::new(),
    }
}

fn row(line: &ItemLine) -> Vec<String> {
    let item = match &line.about {
        Some(about) => format!("{} ({})", line.item, short(about)),
        None => line.item.clone(),
    };
    let source = line.source.as_ref().map(ToString::to_string).unwrap_or_default();
    let shown = match &line.outcome {
        Outcome::Mapped { from, to } => format!("{} → {}", short(from), short(to)),
        Outcome::Masked { classes, to } | Outcome::Due { to, classes } => masked(to.as_deref(), classes),
        Outcome::Waiting { reason } | Outcome::Parked { reason, .. } => reason.clone(),
        Outcome::Passed | Outcome::Withheld | Outcome::NotShared => String::new(),
    };
    let rule = match &line.agreement {
        Some(agreement) => format!("{agreement}: {}", line.rule),
        None => line.rule.clone(),
    };
    let recorded = line.recorded.as_ref().map(|recorded| {
        format!("{} {} #{}", recorded.what, recorded.at.format("%Y-%m-%dT%H:%M:%SZ"), recorded.seq)
    });
    vec![item, source, line.outcome.word().to_owned(), shown, rule, recorded.unwrap_or_default()]
}

/// What is shown, and what does not stand there as it was.
fn masked(to: Option<&str>, classes: &BTreeMap<String, u32>) -> String {
    let to = to.map(short);
    let without = (!classes.is_empty()).then(|| format!("without {}", counted(classes)));
    to.into_iter().chain(without).collect::<Vec<_>>().join(", ")
}

/// One line, shortened.
fn short(text: &str) -> String {
    const LONGEST: usize = 40;
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(LONGEST) {
        Some((at, _)) => format!("{}…", line.get(..at).unwrap_or_default()),
        None => line,
    }
}
