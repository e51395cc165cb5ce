//! `throughline token`: what programs bear.

use clap::{Args, Subcommand};
use serde_json::json;
use throughline_sdk::{Clock as _, Timestamp};

use super::account::RoleArgs;
use super::door::{Door, told};
use super::output::printable;
use super::{Failure, Output, Which};
use crate::api::accounts::{Issued, TokenAsked, TokenLine};
use crate::case::Who;
use crate::clock::SystemClock;
use crate::config;
use crate::identity::RightName;

/// Give programs tokens for the interface.
#[derive(Debug, Args)]
#[command(
    after_help = "A token is shown once and kept as a hash. Programs send it as `Authorization: Bearer tlk_…`. Works \
                  beside a running daemon, and while none runs.\n\nExamples:\n  \
                  throughline token create reports --role auditor --expires 90d --config throughline.toml\n  \
                  throughline token create wallboard --role agent --right look --config throughline.toml\n  \
                  throughline token list --data /var/lib/throughline\n  \
                  throughline token revoke reports --data /var/lib/throughline"
)]
pub(super) struct Token {
    #[command(flatten)]
    which: Which,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Make a token, and show it once.
    Create {
        /// What it is called.
        name: String,
        #[command(flatten)]
        role: RoleArgs,
        /// Of the role's rights only these: visit, look, operate, audit, administer.
        #[arg(long = "right", value_name = "RIGHT", value_parser = right)]
        rights: Vec<RightName>,
        /// How long it may be used, such as 90d; without it, until it is revoked.
        #[arg(long, value_name = "TIME")]
        expires: Option<String>,
    },
    /// List all tokens.
    List,
    /// Take a token back.
    Revoke {
        /// Its name or id.
        token: String,
    },
}

impl Token {
    pub(super) async fn run(self, output: &Output) -> Result<(), Failure> {
        let asked = match &self.verb {
            Verb::Create { name, role, rights, expires } => {
                let role = role.role()?;
                Some(TokenAsked {
                    name: name.clone(),
                    role: role.word().to_owned(),
                    party: role.party().cloned(),
                    rights: (!rights.is_empty()).then(|| rights.clone()),
                    until: expires.as_deref().map(until).transpose()?,
                })
            }
            Verb::List | Verb::Revoke { .. } => None,
        };
        let verb = self.verb;
        let work = async |door: &Door| match (verb, asked) {
            (Verb::Create { .. }, Some(asked)) => create(door, asked, output).await,
            (Verb::Revoke { token }, _) => revoke(door, &token, output).await,
            (Verb::List | Verb::Create { .. }, _) => list(door, output).await,
        };
        Door::work(&self.which, work).await
    }
}

async fn create(door: &Door, asked: TokenAsked, output: &Output) -> Result<(), Failure> {
    let issued: Issued = match door {
        Door::Daemon(client) => {
            client.post(&["tokens"], &serde_json::to_value(&asked).map_err(Failure::failed)?).await?
        }
        Door::Directory(identity, _) => {
            let new = asked.new_token().map_err(|error| Failure::Usage(error.to_string()))?;
            let issued = identity.issue(&Who::command_line(), new).await;
            let (token, secret) = issued.map_err(Failure::failed)?;
            Issued { line: TokenLine::of(&token), secret: secret.show().to_owned() }
        }
    };
    if output.json {
        output.value(&issued);
    } else {
        output.line(&issued.secret);
        output.line("Copy it now: it is shown this once, and kept nowhere but as a hash.");
    }
    Ok(())
}

async fn revoke(door: &Door, token: &str, output: &Output) -> Result<(), Failure> {
    let line: TokenLine = match door {
        Door::Daemon(client) => told(client, ["tokens", token, "revoke"], &json!({})).await?,
        Door::Directory(identity, _) => {
            let revoked = identity.revoke(&Who::command_line(), token).await;
            TokenLine::of(&revoked.map_err(Failure::failed)?)
        }
    };
    if output.json {
        output.value(&line);
    } else {
        output.line(&format!("{} ({}) opens nothing any more.", printable(&line.name), line.token));
    }
    Ok(())
}

async fn list(door: &Door, output: &Output) -> Result<(), Failure> {
    let lines: Vec<TokenLine> = match door {
        Door::Daemon(client) => client.fetch(&["tokens"]).await?,
        Door::Directory(identity, _) => identity.tokens().iter().map(TokenLine::of).collect(),
    };
    if output.json {
        output.value(&lines);
        return Ok(());
    }
    if lines.is_empty() {
        output.line("There are no tokens. `throughline token create NAME --role ROLE` makes one.");
    }
    let day =
        |at: Option<Timestamp>| at.map_or_else(|| "never".to_owned(), |at| at.format("%Y-%m-%d").to_string());
    for line in &lines {
        let party = line.party.as_ref().map(|party| format!(" of {party}")).unwrap_or_default();
        let rights: Vec<&str> = line.rights.iter().flatten().map(|right| right.word()).collect();
        let only = if rights.is_empty() { String::new() } else { format!(", only to {}", rights.join(", ")) };
        output.line(&format!(
            "{}  {}  {}{party}{only}, ends: {}, used last: {}",
            line.token,
            printable(&line.name),
            line.role,
            day(line.until),
            day(line.used)
        ));
    }
    Ok(())
}

fn until(text: &str) -> Result<Timestamp, Failure> {
    let unfit = |why: String| Failure::Usage(format!("--expires {text}: {why}"));
    let span = config::duration(text).map_err(unfit)?;
    let span = chrono::TimeDelta::from_std(span).map_err(|why| unfit(why.to_string()))?;
    let until = SystemClock::new().now().checked_add_signed(span);
    until.ok_or_else(|| unfit("that is beyond the calendar".to_owned()))
}

fn right(text: &str) -> Result<RightName, String> {
    let words = || RightName::ALL.map(RightName::word).join(", ");
    RightName::of(text).ok_or_else(|| format!("there is no such right; the rights are {}", words()))
}
