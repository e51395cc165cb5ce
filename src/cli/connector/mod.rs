//! `throughline connector`: a manifest for a desk with a JSON interface, begun and tried against the desk itself.

mod trial;

use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;

use clap::{Args, Subcommand};
use secrecy::SecretString;
use serde_json::{Value, json};
use throughline_sdk::http::Transport;
use throughline_sdk::{Clock, Settings};
use url::Url;

use self::trial::Trial;
use super::{Failure, Output};
use crate::clock::SystemClock;
use crate::config::{Environment, ProcessEnvironment};
use crate::egress::{AddressPolicy, Egress};
use crate::registry;

/// Begin a manifest for a desk, or try one against the desk.
#[derive(Debug, Args)]
pub(super) struct Connector {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Write a commented manifest to begin with.
    New(New),
    /// Try a manifest against its desk: what holds, what is missing, and why.
    Try(Try),
}

/// Write a commented manifest to begin with. An existing file is left alone.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  throughline connector new desk.toml\n  \
                        throughline connector new desk.toml --like znuny   (one that comes with Throughline)")]
struct New {
    /// The file to write.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Which manifest to copy.
    #[arg(long, value_name = "NAME", default_value = "example")]
    like: String,
}

/// Try a manifest against its desk, with the conformance suite that every connector passes.
#[derive(Debug, Args)]
#[command(
    after_help = "With --read one ticket is read and shown, and nothing is written. Without it some sixty tickets are \
                  raised at the desk, so take one for tests, or a queue that nobody works in. Secrets are taken from \
                  environment variables, never from the command line.\n\nExamples:\n  \
                  DESK_SECRET=… throughline connector try desk.toml --against https://desk.example.org --read 17\n  \
                  DESK_SECRET=… throughline connector try desk.toml --against https://desk.example.org\n  \
                  throughline connector try django-helpdesk --against http://127.0.0.1:8000 --user bot \\\n      \
                  --secret BOT_PASSWORD --client-id bot --client-secret BOT_CLIENT --setting queue=1"
)]
struct Try {
    /// The manifest: a file, or the name of one that comes with Throughline.
    #[arg(value_name = "FILE")]
    file: String,
    /// The desk's address, as the setting `url` names it.
    #[arg(long, value_name = "ADDRESS")]
    against: Url,
    /// Our account there, as the setting `user` names it.
    #[arg(long, value_name = "NAME")]
    user: Option<String>,
    /// The environment variable with its token or password.
    #[arg(long, value_name = "VARIABLE", default_value = "DESK_SECRET")]
    secret: String,
    /// The OAuth client's id.
    #[arg(long, value_name = "ID")]
    client_id: Option<String>,
    /// The environment variable with the OAuth client's secret.
    #[arg(long, value_name = "VARIABLE", default_value = "DESK_CLIENT_SECRET")]
    client_secret: String,
    /// A value that the manifest asks for in its [settings]; may be repeated.
    #[arg(long = "setting", value_name = "NAME=VALUE")]
    settings: Vec<String>,
    /// Read this ticket and show what it is read as; write nothing.
    #[arg(long, value_name = "TICKET")]
    read: Option<String>,
}

impl Connector {
    pub(super) async fn run(self, output: &Output) -> Result<(), Failure> {
        match self.command {
            Command::New(new) => new.run(output),
            Command::Try(attempt) => attempt.run(output).await,
        }
    }
}

impl New {
    fn run(self, output: &Output) -> Result<(), Failure> {
        let known = registry::MANIFESTS.iter().find(|(name, _)| *name == self.like);
        let (_, text) = known.ok_or_else(|| {
            let names: Vec<&str> = registry::MANIFESTS.iter().map(|(name, _)| *name).collect();
            Failure::Usage(format!("no manifest is called {:?}; there are: {}", self.like, names.join(", ")))
        })?;
        let path = self.file.display().to_string();
        let written = std::fs::OpenOptions::new().write(true).create_new(true).open(&self.file);
        let written = written.and_then(|mut file| file.write_all(text.as_bytes()));
        written.map_err(|error| match error.kind() {
            std::io::ErrorKind::AlreadyExists => {
                Failure::Failed(format!("{path} is there already, and was left as it is; name another file"))
            }
            _ => Failure::Failed(format!("{path} cannot be written: {error}")),
        })?;
        if output.json {
            output.value(&json!({ "written": path }));
        } else {
            output.line(&format!(
                "{path} is written. Go through it from top to bottom; read a ticket as soon as [probe] and [ticket] \
                 are yours:\n\n  throughline connector try {path} --against https://desk.example.org --read 17"
            ));
        }
        Ok(())
    }
}

impl Try {
    async fn run(self, output: &Output) -> Result<(), Failure> {
        let settings = self.settings()?;
        let kind =
            registry::kind("rest").ok_or_else(|| Failure::Usage("this build has no kind rest".to_owned()))?;
        // What is wrong with the manifest is told with its lines; nothing was sent.
        let built = (kind.build)(&settings).map_err(|error| Failure::Usage(error.to_string()))?;
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        // Who names an address on the command line allows it.
        let host = self.against.host_str().unwrap_or_default().trim_matches(['[', ']']);
        let allow = host.parse().map_err(|error| Failure::Usage(format!("{}: {error}", self.against)))?;
        let policy = AddressPolicy::of_system(&self.against, vec![allow]);
        let base: Arc<dyn Transport> = Egress::new(policy, Arc::clone(&clock)).map_err(Failure::failed)?;
        let secrets = settings.secrets.into_values().collect();
        let trial = Trial { built, base, clock, secrets, output };
        match self.read {
            Some(ticket) => trial.read(&ticket).await,
            None => trial.walk().await,
        }
    }

    fn settings(&self) -> Result<Settings, Failure> {
        let mut settings = Settings::default();
        let mut text = |key: &str, value: &str| settings.values.insert(key.to_owned(), Value::from(value));
        text("url", self.against.as_str());
        text("manifest", &self.file);
        for (key, value) in [("user", &self.user), ("client_id", &self.client_id)] {
            value.iter().for_each(|value| _ = text(key, value));
        }
        let mut own = serde_json::Map::new();
        for pair in &self.settings {
            let (name, value) = pair
                .split_once('=')
                .ok_or_else(|| Failure::Usage(format!("--setting is NAME=VALUE, and {pair:?} has no =")))?;
            own.insert(name.to_owned(), Value::from(value));
        }
        settings.values.insert("settings".to_owned(), Value::Object(own));
        for (key, variable) in [("secret", &self.secret), ("client_secret", &self.client_secret)] {
            let secret = ProcessEnvironment.var(variable).filter(|secret| !secret.is_empty());
            secret
                .into_iter()
                .for_each(|secret| _ = settings.secrets.insert(key.to_owned(), SecretString::from(secret)));
        }
        Ok(settings)
    }
}
