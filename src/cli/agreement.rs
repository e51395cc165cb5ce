//! `throughline agreement`: agreements as documents, compared, and what was ever in force.

use std::path::Path;

use clap::{Args, Subcommand};
use serde_json::json;

use super::access::{Access, load, load_draft};
use super::agreement_try::Try;
use super::output::printable;
use super::{Failure, Output, Which};
use crate::agreement::{Format, Terms, differences, render};
use crate::case::AgreementName;

/// Print an agreement as a document, compare two versions in words, or list what was ever in force.
#[derive(Debug, Args)]
#[command(
    after_help = "An agreement is meant by its NAME in the configuration, by a FILE with one in it, or by the first \
                        digits of a VERSION that the ledger holds, as `trace` and `agreement list` show them.\n\n\
                        Examples:\n  \
                        throughline agreement show fabrikam --config throughline.toml > fabrikam.md\n  \
                        throughline agreement show fabrikam --format html --config throughline.toml > fabrikam.html\n  \
                        throughline agreement diff fabrikam draft.toml --config throughline.toml\n  \
                        throughline agreement diff 1f0c3a9b22de fabrikam --config throughline.toml\n  \
                        throughline agreement list --data /var/lib/throughline"
)]
pub(super) struct Agreement {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    which: Which,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Print an agreement as a document that can be attached to a contract.
    Show {
        /// Which agreement.
        #[arg(value_name = "NAME | FILE | VERSION")]
        agreement: String,
        /// How it is written.
        #[arg(long, value_enum, default_value = "markdown")]
        format: Format,
    },
    /// Say in words what two versions differ in. Exit code 0: nothing, 1: something.
    Diff {
        /// The old one.
        #[arg(value_name = "OLD")]
        old: String,
        /// The new one.
        #[arg(value_name = "NEW")]
        new: String,
    },
    /// List the agreements of the configuration and every version that the ledger holds.
    List,
    /// Replay the ledger's history through a draft, and list every difference that it makes.
    Try(Try),
}

impl Agreement {
    pub(super) async fn run(self, output: &Output) -> Result<(), Failure> {
        match &self.command {
            Command::Show { agreement, format } => {
                let terms = self.terms(agreement, None).await?;
                let format = if output.json { Format::Json } else { *format };
                output.line(render(&terms, format).trim_end());
                Ok(())
            }
            Command::Diff { old, new } => self.diff(old, new, output).await,
            Command::List => self.list(output).await,
            Command::Try(trial) => trial.run(&self.which, output).await,
        }
    }

    async fn diff(&self, old: &str, new: &str, output: &Output) -> Result<(), Failure> {
        let (old, new) = (self.terms(old, None).await?, self.terms(new, Some(old)).await?);
        let found = differences(&old, &new);
        let (from, to) = (old.version(), new.version());
        if output.json {
            output.value(&json!({ "old": from.0, "new": to.0, "differences": found }));
        } else if found.is_empty() {
            output.line(&format!("Both are version {to}: they say the same."));
        } else {
            output.line(&output.bold(&format!("From version {from} to version {to}:")));
            for difference in &found {
                output.line(&printable(&difference.to_string()));
            }
        }
        if found.is_empty() { Ok(()) } else { Err(Failure::Different) }
    }

    async fn list(&self, output: &Output) -> Result<(), Failure> {
        let mut rows = Vec::new();
        let mut in_force = Vec::new();
        if let Some(config) = &self.which.config {
            for agreement in load(config)?.rules.agreements.into_values() {
                in_force.extend(agreement.version.clone());
                rows.push((agreement.name, agreement.version, "in the configuration"));
            }
        }
        // A bridge that never ran holds no version.
        let recorded = match Access::open(&self.which).await {
            Ok(access) => access.agreed().await?,
            Err(Failure::Failed(_)) if !rows.is_empty() => Vec::new(),
            Err(failure) => return Err(failure),
        };
        for agreed in recorded {
            if !in_force.contains(&agreed.version) {
                rows.push((agreed.agreement, Some(agreed.version), "in the ledger"));
            }
        }
        if output.json {
            let rows = rows.iter().map(
                |(name, version, place)| json!({ "agreement": name, "version": version, "where": place }),
            );
            output.value(&rows.collect::<Vec<_>>());
        } else {
            let rows = rows.iter().map(|(name, version, place)| {
                let version = version.as_ref().map(ToString::to_string).unwrap_or_default();
                vec![name.to_string(), version, (*place).to_owned()]
            });
            output.table(&["agreement", "version", "where"], &rows.collect::<Vec<_>>());
        }
        Ok(())
    }

    /// The terms that are meant; `beside` names what they are compared with.
    async fn terms(&self, meant: &str, beside: Option<&str>) -> Result<Terms, Failure> {
        if meant.ends_with(".toml") || meant.contains('/') {
            return self.draft(Path::new(meant), beside);
        }
        if let Some(config) = &self.which.config {
            let rules = load(config)?.rules;
            if let Some(terms) = rules.terms(&AgreementName(meant.to_owned())) {
                return Ok(terms);
            }
            if !is_version(meant) {
                let names: Vec<&str> = rules.agreements.keys().map(|name| name.0.as_str()).collect();
                return Err(Failure::Failed(format!(
                    "no agreement is called {meant:?}; there is {}",
                    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
                )));
            }
        } else if !is_version(meant) {
            let message = format!("{meant:?} is no version; for an agreement of that name add --config FILE");
            return Err(Failure::Usage(message));
        }
        let recorded = Access::open(&self.which).await?.agreed().await?;
        let found: Vec<_> = recorded.iter().filter(|agreed| agreed.version.0.starts_with(meant)).collect();
        match found.as_slice() {
            [only] => Terms::read(&only.document).map_err(|error| {
                Failure::Failed(format!("version {meant} was written by another Throughline: {error}"))
            }),
            [] => Err(Failure::Failed(format!("the ledger holds no version that begins with {meant}"))),
            more => {
                Err(Failure::Failed(format!("{} versions begin with {meant}; write more of it", more.len())))
            }
        }
    }

    /// The agreement in a file, read with the parties and systems of the configuration.
    fn draft(&self, file: &Path, beside: Option<&str>) -> Result<Terms, Failure> {
        let Some(config) = &self.which.config else {
            let message = "a file is read with the parties and systems of a configuration; add --config FILE";
            return Err(Failure::Usage(message.to_owned()));
        };
        let rules = load_draft(config, file)?.rules;
        let named = beside.and_then(|name| rules.terms(&AgreementName(name.to_owned())));
        if let Some(terms) = named {
            return Ok(terms);
        }
        let mut names = rules.agreements.keys();
        match (names.next(), names.next()) {
            (Some(only), None) => {
                rules.terms(only).ok_or_else(|| Failure::Failed(format!("{only} is not complete")))
            }
            _ => Err(Failure::Failed(format!(
                "{} holds {} agreements; keep each in a file of its own",
                file.display(),
                rules.agreements.len()
            ))),
        }
    }
}

/// Whether a text may be the first digits of a version.
fn is_version(text: &str) -> bool {
    text.len() >= 6 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}
