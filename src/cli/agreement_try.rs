//! `throughline agreement try`: the ledger's own history through a draft, with no network and no effect.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use throughline_sdk::{Clock, Timestamp};

use super::access::{load, load_draft};
use super::output::printable;
use super::{Failure, Output, Which};
use crate::agreement::Rules;
use crate::case::AgreementName;
use crate::clock::{SystemClock, SystemEntropy};
use crate::config::Config;
use crate::daemon::DataDir;
use crate::ledger::{FileMedium, History, Keyring, Medium};
use crate::rehearse::{Change, Example, Group, Report, Trial, rehearse};

/// Replay the ledger's history through a draft, and list every difference that it makes.
#[derive(Clone, Debug, Args)]
#[command(
    after_help = "Every value, comment and file of that time is judged by the agreement in force and by the draft: what \
                  would newly leave, would no longer leave, would leave as something else, would be parked; and which \
                  requests would newly be routed, or no longer. Nothing is sent, asked or recorded; a daemon may run \
                  beside it. What the agreement in force never read no history holds: that is told as what cannot be \
                  told. Comments and files are named by their place, values only where home may see them.\n\n\
                  Not judged, and taken as it was: which side wins where both changed a field (policy), whether a request \
                  lacks what has to go with it (require), who has accepted it (handshake), and what could be granted \
                  (grants). `agreement diff` tells where a draft differs in those.\n\n\
                  The draft is a file like those under agreements/, whose agreements stand in for those of the same \
                  names, or a whole configuration.\n\n\
                  Exit codes: 0 no difference · 1 differences · 2 the command line or a configuration is wrong.\n\n\
                  Examples:\n  \
                  throughline agreement try fabrikam --draft fabrikam-2.toml --config throughline.toml\n  \
                  throughline agreement try fabrikam --draft fabrikam-2.toml --since 7d --config throughline.toml --json\n  \
                  throughline agreement try fabrikam --draft fabrikam-2.toml --export records.jsonl --config throughline.toml"
)]
pub(super) struct Try {
    /// The agreement.
    name: String,
    /// The draft.
    #[arg(long, value_name = "FILE")]
    draft: PathBuf,
    /// How far back, such as 12h, 30d or 8w.
    #[arg(long, value_name = "TIME", default_value = "30d", value_parser = span)]
    since: Duration,
    /// A file that `ledger export` wrote, in the place of a data directory.
    #[arg(long, value_name = "FILE", conflicts_with = "ledger")]
    export: Option<PathBuf>,
    /// Another data directory than the configuration's own, such as a copy, or that of a bridge that is stopped.
    #[arg(long, value_name = "DIR")]
    ledger: Option<PathBuf>,
}

impl Try {
    pub(super) async fn run(&self, which: &Which, output: &Output) -> Result<(), Failure> {
        let Some(config) = which.config.clone() else {
            let message = "the agreement in force stands in the configuration: name it by --config FILE, and the data \
                           directory by --ledger DIR where it is not the configuration's own";
            return Err(Failure::Usage(message.to_owned()));
        };
        let (trial, told) = (self.clone(), *output);
        let report = tokio::task::spawn_blocking(move || trial.report(&config, &told));
        let report = report.await.map_err(Failure::failed)??;
        if output.json {
            output.value(&report);
        } else {
            print(&report, output);
        }
        if report.is_same() { Ok(()) } else { Err(Failure::Different) }
    }

    fn report(&self, path: &Path, output: &Output) -> Result<Report, Failure> {
        let in_force = load(path)?;
        let name = AgreementName(self.name.clone());
        let draft = self.drafted(path, &name, &in_force)?;
        let history = self.history(&in_force)?;
        let ago = chrono::Duration::from_std(self.since).map_err(Failure::failed)?;
        let since = SystemClock::new().now().checked_sub_signed(ago).unwrap_or(Timestamp::MIN_UTC);
        let trial = Trial { agreement: &name, in_force: &in_force.rules, draft: &draft, since };
        rehearse(&history, trial, &mut |told| output.progress(told)).map_err(Failure::failed)
    }

    /// The rules in force with the draft in the place of its agreement; or those of the draft, where it is a whole
    /// configuration.
    fn drafted(&self, config: &Path, name: &AgreementName, in_force: &Config) -> Result<Rules, Failure> {
        let whole = std::fs::read_to_string(&self.draft)
            .ok()
            .and_then(|text| text.parse::<toml::Table>().ok())
            .is_some_and(|table| table.contains_key("bridge"));
        let mut draft = if whole { load(&self.draft)?.rules } else { load_draft(config, &self.draft)?.rules };
        self.check(name, &in_force.rules, &draft)?;
        if whole {
            return Ok(draft);
        }
        let mut rules = in_force.rules.clone();
        rules.agreements.extend(draft.agreements.remove(name).map(|agreement| (name.clone(), agreement)));
        Ok(rules)
    }

    fn check(&self, name: &AgreementName, in_force: &Rules, draft: &Rules) -> Result<(), Failure> {
        let Some(drafted) = draft.agreements.get(name) else {
            let path = self.draft.display();
            return Err(Failure::Usage(format!("{path} has no agreement called {:?}", self.name)));
        };
        let standing = in_force.agreements.get(name);
        let moved = standing.is_some_and(|standing| {
            standing.home != drafted.home || standing.counterpart != drafted.counterpart
        });
        if moved {
            let message = format!(
                "the draft of {:?} is between other systems than the agreement in force: that is another agreement, so \
                 give it another name",
                self.name
            );
            return Err(Failure::Usage(message));
        }
        Ok(())
    }

    fn history(&self, config: &Config) -> Result<History, Failure> {
        if let Some(path) = &self.export {
            return Ok(History::Export(path.clone()));
        }
        let root = self.ledger.as_ref().unwrap_or(&config.data_dir);
        let data = DataDir::existing(root).map_err(Failure::failed)?;
        if !data.holds_ledger() {
            let message = format!("{} holds no ledger: no bridge has run there", root.display());
            return Err(Failure::Failed(message));
        }
        let entropy = Arc::new(SystemEntropy::new());
        let master =
            data.master_key(config.master_key.as_ref(), entropy.as_ref()).map_err(Failure::failed)?;
        let medium: Arc<dyn Medium> = Arc::new(FileMedium::for_reading(data.root()));
        let keyring = Keyring::open(Arc::clone(&medium), entropy, &master, true).map_err(Failure::failed)?;
        Ok(History::Ledger(medium, Arc::new(keyring)))
    }
}

fn print(report: &Report, output: &Output) {
    let since = report.since.format("%Y-%m-%dT%H:%M:%SZ");
    output.line(&output.bold(&format!(
        "{} since {since}: {} records, {} cases; {} crossings judged by both",
        report.agreement, report.tried, report.cases, report.judged
    )));
    if report.is_same() {
        output.line("The draft makes no difference.");
        return;
    }
    let mut last: Option<Change> = None;
    for group in &report.groups {
        if last != Some(group.change) {
            last = Some(group.change);
            output.line("");
            let total = report.totals.get(&group.change).copied().unwrap_or_default();
            output.line(&output.bold(&format!("{} ({total})", group.change.words())));
        }
        print_group(group, output);
    }
    output.line("");
    let totals: Vec<String> = report
        .totals
        .iter()
        .map(|(change, count)| format!("{} {count}", change.words().to_lowercase()))
        .collect();
    output.line(&output.bold(&format!("In all: {}.", totals.join(" · "))));
}

fn print_group(group: &Group, output: &Output) {
    let Group { item, source, target, count, cases, .. } = group;
    let times = match (count, cases) {
        (count, 0) => format!("{count} tickets"),
        (1, 1) => "once".to_owned(),
        (count, 1) => format!("{count} times in one case"),
        (count, cases) => format!("{count} times in {cases} cases"),
    };
    output.line(&printable(&format!("  {item}, {source} → {target}: {times}")));
    output.line(&printable(&format!("    in force  {}", group.in_force)));
    output.line(&printable(&format!("    draft     {}", group.draft)));
    for example in &group.examples {
        output.line(&output.dim(&printable(&format!("    such as   {}", words(example)))));
    }
}

fn words(example: &Example) -> String {
    let at = example.at.format("%Y-%m-%dT%H:%M:%SZ");
    let mut words = format!("{} {at}", example.case).trim_start().to_owned();
    if let Some(place) = &example.place {
        words.push_str(&format!(" {place}"));
    }
    match (&example.before, &example.after) {
        (Some(before), Some(after)) => words.push_str(&format!(" {before} → {after}")),
        (Some(value), None) | (None, Some(value)) => words.push_str(&format!(" {value}")),
        (None, None) => {}
    }
    words
}

/// A span of time: a number and s, m, h, d or w.
fn span(text: &str) -> Result<Duration, String> {
    let mistake = || format!("{text:?} is no time; write a number and s, m, h, d or w, as in 30d");
    let unit = text.chars().next_back().ok_or_else(mistake)?;
    let seconds: u64 = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3600,
        'd' => 86_400,
        'w' => 604_800,
        _ => return Err(mistake()),
    };
    let number: u64 = text.trim_end_matches(unit).parse().map_err(|_not_a_number| mistake())?;
    Ok(Duration::from_secs(number.saturating_mul(seconds)))
}
