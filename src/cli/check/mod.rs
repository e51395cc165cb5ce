//! `throughline check`: is this configuration right, and does it fit the systems it names?

mod words;

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use serde::Serialize;
use serde_json::json;
use throughline_sdk::{Blobs, Clock, Entropy, Urgency};

use self::words::Word;
use super::access::load;
use super::{Failure, Output};
use crate::agreement::Rules;
use crate::clock::{SystemClock, SystemEntropy};
use crate::config::Config;
use crate::daemon::{DataDir, Logins, System, assemble};
use crate::ledger::{Medium, MemoryMedium, Offload};
use crate::telemetry::metrics::Metrics;

/// Check a configuration. Without --online nothing is sent anywhere.
#[derive(Debug, Args)]
#[command(
    after_help = "Every mistake is told with file, line, what belongs there and the nearest valid word, all at \
                        once.\n\nExamples:\n  \
                        throughline check --config throughline.toml\n  \
                        throughline check --config throughline.toml --online   (logs in everywhere, changes nothing)"
)]
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
struct Asked {
    system: String,
    kind: String,
    account: String,
    product: String,
    /// What is wrong with the system as a whole.
    problems: Vec<String>,
    /// Its words, and what is wrong with each.
    words: Vec<Word>,
}

impl Check {
    pub(super) async fn run(self, output: &Output) -> Result<(), Failure> {
        let config = match load(&self.config) {
            Err(Failure::Configuration(problems)) if output.json => {
                output.value(&json!({ "problems": problems.to_json() }));
                return Err(Failure::Configuration(problems));
            }
            loaded => loaded?,
        };
        let warnings = config.warnings.to_json();
        if !config.warnings.list.is_empty() && !output.json {
            output.problems(&config.warnings);
        }
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        let entropy: Arc<dyn Entropy> = Arc::new(SystemEntropy::new());
        let blobs: Arc<dyn Blobs> = Arc::new(NoBlobs);
        // What partners reach here is looked at empty: the data directory is the daemon's.
        let medium: Arc<dyn Medium> = Arc::new(MemoryMedium::new());
        let ground = assemble::Ground {
            config: &config,
            medium: &medium,
            offload: Offload::Inline,
            blobs: &blobs,
            clock: &clock,
        };
        let faces = ground.faces().map_err(Failure::failed)?;
        let references = ground.references().map_err(Failure::failed)?;
        let own = [faces, references].concat();
        let sharing = ground.sharing(&entropy, None).await.map_err(Failure::failed)?;
        let own = assemble::Own { faces: &own, sharing: &sharing };
        let logins = if self.online { logins(&config, &entropy)? } else { None };
        let metrics = Arc::new(Metrics::new());
        let systems = assemble::systems(&config, own, &clock, &entropy, &metrics, logins.as_ref())
            .map_err(Failure::failed)?;
        if !self.online {
            if output.json {
                output.value(&json!({ "problems": warnings }));
            } else {
                output.line(&format!(
                    "{} is right: {}, {}.",
                    self.config.display(),
                    counted(systems.len(), "system"),
                    counted(config.rules.agreements.len(), "agreement")
                ));
            }
            return Ok(());
        }
        let names: Vec<&str> = systems.iter().map(|system| system.name.as_str()).collect();
        output.progress(&format!("asking {} …", names.join(", ")));
        // Side by side, so that the silent ones take their time-out together.
        let asked = systems.iter().map(|system| ask(system, &config.rules, &clock, &entropy, &blobs));
        let answers = futures::future::join_all(asked).await;
        if output.json {
            output.value(&json!({ "problems": warnings, "systems": answers }));
        } else {
            show(&answers, output);
        }
        match answers.iter().map(Asked::faults).sum::<usize>() {
            0 => Ok(()),
            faults => Err(Failure::Failed(format!("{} found", counted(faults, "problem")))),
        }
    }
}

/// The logins of persons, where one of the systems needs them and no daemon has them in hand.
fn logins(config: &Config, entropy: &Arc<dyn Entropy>) -> Result<Option<Logins>, Failure> {
    if !assemble::has_login(config) {
        return Ok(None);
    }
    let data = DataDir::create(&config.data_dir).map_err(Failure::failed)?;
    data.check_owner().map_err(Failure::failed)?;
    if data.is_owned().map_err(Failure::failed)? {
        return Ok(None);
    }
    let medium = assemble::medium(&data).map_err(Failure::failed)?;
    let master = data.master_key(config.master_key.as_ref(), entropy.as_ref()).map_err(Failure::failed)?;
    Ok(Some(Logins::new(medium, master, Arc::clone(entropy), Offload::Threads)))
}

impl Asked {
    fn faults(&self) -> usize {
        self.problems.len() + self.words.iter().filter(|word| word.problem.is_some()).count()
    }
}

fn counted(count: usize, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}

/// One table of systems and one of their words.
fn show(answers: &[Asked], output: &Output) {
    let systems = answers.iter().map(|asked| {
        let verdict = match (asked.problems.as_slice(), asked.faults()) {
            ([], 0) => "well".to_owned(),
            ([], _) => "words that do not fit, see below".to_owned(),
            (problems, _) => problems.join("; "),
        };
        vec![asked.system.clone(), asked.kind.clone(), asked.account.clone(), asked.product.clone(), verdict]
    });
    output.table(&["system", "kind", "account", "product", "verdict"], &systems.collect::<Vec<_>>());
    let words = answers.iter().flat_map(|asked| {
        asked.words.iter().map(|word| {
            let verdict = match (&word.problem, word.there) {
                (Some(problem), _) => problem.clone(),
                (None, true) => "fits".to_owned(),
                (None, false) => "not there, or on no ticket yet".to_owned(),
            };
            vec![
                asked.system.clone(),
                word.what.to_owned(),
                word.word.clone(),
                word.means.unwrap_or("–").to_owned(),
                if word.written { "yes" } else { "no" }.to_owned(),
                verdict,
            ]
        })
    });
    let words: Vec<_> = words.collect();
    if !words.is_empty() {
        output.line("");
        output.table(&["system", "what", "its word", "means", "written", "verdict"], &words);
    }
}

async fn ask(
    system: &System,
    rules: &Rules,
    clock: &Arc<dyn Clock>,
    entropy: &Arc<dyn Entropy>,
    blobs: &Arc<dyn Blobs>,
) -> Asked {
    let mut asked = Asked {
        system: system.name.to_string(),
        kind: system.connector.kind().to_owned(),
        account: String::new(),
        product: String::new(),
        problems: Vec::new(),
        words: Vec::new(),
    };
    let ctx = || system.ctx(clock, entropy, blobs, Urgency::default());
    match system.connector.probe(&ctx()).await {
        Ok(identity) => {
            asked.account = identity.account;
            asked.product = identity.product;
            if let Some(theirs) = identity.time {
                let skew = (theirs - clock.now()).num_seconds().abs();
                if skew > 30 {
                    asked.problems.push(format!("its clock differs from ours by {skew} s"));
                }
            }
        }
        Err(error) => {
            asked.problems.push(format!("cannot log in: {error}"));
            return asked;
        }
    }
    match system.connector.describe(&ctx()).await {
        Ok(description) => asked.words = words::compare(&system.name, &description, rules),
        Err(error) => asked.problems.push(format!("cannot be described: {error}")),
    }
    asked
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
