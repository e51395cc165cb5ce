//! `throughline check`: is this configuration right, and does it fit the systems it names?

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use serde::Serialize;
use throughline_sdk::{Blobs, Clock, Entropy, Urgency};

use super::{Failure, Output};
use crate::agreement::SystemRules;
use crate::clock::{SystemClock, SystemEntropy};
use crate::config;
use crate::daemon::{System, assemble};
use crate::telemetry::metrics::Metrics;

/// Check a configuration. Without --online nothing is sent anywhere.
#[derive(Debug, Args)]
pub(super) struct Check {
    /// The configuration.
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// Log in to every system and compare the mapped words with those it really has.
    #[arg(long)]
    online: bool,
}

/// What a system answered.
#[derive(Debug, Serialize)]
struct Line {
    system: String,
    kind: String,
    account: String,
    product: String,
    problems: Vec<String>,
}

impl Check {
    pub(super) async fn run(self, output: &Output) -> Result<(), Failure> {
        let config = match config::load(&self.config, &config::ProcessEnvironment, &assemble::kind_settings())
        {
            Ok(config) => config,
            Err(problems) => {
                if output.json {
                    output.value(&problems.to_json());
                }
                return Err(Failure::Usage(problems.render(false)));
            }
        };
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        let entropy: Arc<dyn Entropy> = Arc::new(SystemEntropy::new());
        let systems = assemble::systems(&config, &clock, &entropy, &Arc::new(Metrics::new()))
            .map_err(Failure::failed)?;
        if !self.online {
            let text = format!(
                "{} is right: {} systems, {} agreements.",
                self.config.display(),
                systems.len(),
                config.rules.agreements.len()
            );
            if output.json {
                output.value(&serde_json::json!({ "problems": [] }))
            } else {
                output.line(&text)
            }
            return Ok(());
        }
        let blobs: Arc<dyn Blobs> = Arc::new(NoBlobs);
        let mut lines = Vec::new();
        for system in &systems {
            output.progress(&format!("asking {} …", system.name));
            let rules = config.rules.systems.get(&system.name);
            lines.push(ask(system, rules, &clock, &entropy, &blobs).await);
        }
        let problems: usize = lines.iter().map(|line| line.problems.len()).sum();
        if output.json {
            output.value(&lines);
        } else {
            let rows: Vec<Vec<String>> = lines
                .iter()
                .map(|line| {
                    let verdict =
                        if line.problems.is_empty() { "well".to_owned() } else { line.problems.join("; ") };
                    vec![
                        line.system.clone(),
                        line.kind.clone(),
                        line.account.clone(),
                        line.product.clone(),
                        verdict,
                    ]
                })
                .collect();
            output.table(&["system", "kind", "account", "product", "verdict"], &rows);
        }
        if problems == 0 { Ok(()) } else { Err(Failure::Failed(format!("{problems} problems found"))) }
    }
}

async fn ask(
    system: &System,
    rules: Option<&SystemRules>,
    clock: &Arc<dyn Clock>,
    entropy: &Arc<dyn Entropy>,
    blobs: &Arc<dyn Blobs>,
) -> Line {
    let mut line = Line {
        system: system.name.to_string(),
        kind: system.connector.kind().to_owned(),
        account: String::new(),
        product: String::new(),
        problems: Vec::new(),
    };
    let ctx = || system.ctx(clock, entropy, blobs, Urgency::default());
    match system.connector.probe(&ctx()).await {
        Ok(identity) => {
            line.account = identity.account;
            line.product = identity.product;
            if let Some(theirs) = identity.time {
                let skew = (theirs - clock.now()).num_seconds().abs();
                if skew > 30 {
                    line.problems.push(format!("its clock differs from ours by {skew} s"));
                }
            }
        }
        Err(error) => {
            line.problems.push(format!("cannot log in: {error}"));
            return line;
        }
    }
    match system.connector.describe(&ctx()).await {
        Ok(description) => {
            let Some(rules) = rules else { return line };
            let words = |choices: &[throughline_sdk::Choice]| -> Vec<String> {
                choices.iter().map(|choice| choice.word.clone()).collect()
            };
            compare("status", &words(&description.statuses), &rules.status, &mut line.problems);
            compare("priority", &words(&description.priorities), &rules.priority, &mut line.problems);
        }
        Err(error) => line.problems.push(format!("cannot be described: {error}")),
    }
    line
}

/// Words that the system has and nobody gave a meaning park every ticket that bears them; words that are written
/// and that the system does not have are refused by it.
fn compare<T: Ord>(
    what: &str,
    has: &[String],
    words: &crate::agreement::Words<T>,
    problems: &mut Vec<String>,
) {
    if has.is_empty() {
        return;
    }
    for word in has {
        if !words.read.contains_key(word) {
            problems.push(format!("its {what} {word:?} has no meaning in the configuration"));
        }
    }
    for word in words.write.values() {
        if !has.contains(word) {
            problems.push(format!("it has no {what} {word:?}, which the configuration would write"));
        }
    }
}

/// No files: a check writes nothing.
#[derive(Debug)]
struct NoBlobs;

impl Blobs for NoBlobs {
    fn read<'a>(
        &'a self,
        digest: &'a throughline_sdk::Digest,
    ) -> futures::future::BoxFuture<'a, throughline_sdk::Result<bytes::Bytes>> {
        let error = throughline_sdk::Error::new(
            throughline_sdk::ErrorKind::NotFound,
            format!("a check has no file {digest}"),
        );
        Box::pin(std::future::ready(Err(error)))
    }

    fn write(
        &self,
        _bytes: bytes::Bytes,
    ) -> futures::future::BoxFuture<'_, throughline_sdk::Result<throughline_sdk::Digest>> {
        let error =
            throughline_sdk::Error::new(throughline_sdk::ErrorKind::Unsupported, "a check stores no files");
        Box::pin(std::future::ready(Err(error)))
    }
}
