//! `throughline account`: who may enter.

use std::io::{BufRead as _, IsTerminal as _};

use clap::{Args, Subcommand};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};

use super::door::{Door, told};
use super::output::printable;
use super::{Failure, Output, Which};
use crate::api::accounts::AccountLine;
use crate::case::{PartyName, Who};
use crate::identity::{Change, NewAccount, Role};

/// Say who may enter.
#[derive(Debug, Args)]
#[command(
    after_help = "A password is asked for at the terminal, or read from the first line of standard input; it is never an \
                  argument. Works beside a running daemon, and while none runs.\n\nExamples:\n  \
                  throughline account add alex --role admin --config throughline.toml\n  \
                  throughline account add kim --role guest --party fabrikam --config throughline.toml\n  \
                  throughline account list --data /var/lib/throughline\n  \
                  throughline account disable kim --data /var/lib/throughline"
)]
pub(super) struct Account {
    #[command(flatten)]
    which: Which,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Make an account.
    Add {
        /// What it is called: what the person types to log in.
        name: String,
        #[command(flatten)]
        role: RoleArgs,
    },
    /// List all accounts.
    List,
    /// Give an account another password; its sessions end.
    Password {
        /// Its name or id.
        account: String,
    },
    /// Give an account another role; its sessions end.
    Role {
        /// Its name or id.
        account: String,
        #[command(flatten)]
        role: RoleArgs,
    },
    /// Let an account enter no more; its sessions end.
    Disable {
        /// Its name or id.
        account: String,
    },
    /// Let an account enter again.
    Enable {
        /// Its name or id.
        account: String,
    },
    /// Forget an account: nobody can tell any more who stood behind its id in the record.
    Remove {
        /// Its name or id.
        account: String,
    },
}

/// A role.
#[derive(Debug, Args)]
pub(super) struct RoleArgs {
    /// What it may: guest, agent, auditor or admin.
    #[arg(long, value_parser = Role::WORDS)]
    role: String,
    /// The party whose view a guest sees.
    #[arg(long, required_if_eq("role", "guest"))]
    party: Option<String>,
}

impl RoleArgs {
    pub(super) fn role(&self) -> Result<Role, Failure> {
        Role::of(&self.role, self.party.clone().map(PartyName)).map_err(Failure::Usage)
    }
}

impl Account {
    pub(super) async fn run(self, output: &Output) -> Result<(), Failure> {
        // What is wrong with the command line is told before anybody types a password.
        let asked = match &self.verb {
            Verb::Add { role, .. } | Verb::Role { role, .. } => Some(role.role()?),
            Verb::List
            | Verb::Password { .. }
            | Verb::Disable { .. }
            | Verb::Enable { .. }
            | Verb::Remove { .. } => None,
        };
        Door::work(&self.which, async |door| self.verb.run(door, asked, output).await).await
    }
}

impl Verb {
    async fn run(self, door: &Door, asked: Option<Role>, output: &Output) -> Result<(), Failure> {
        let (name, verb, change) = match (self, asked) {
            (Self::List, _) => return list(door, output).await,
            (Self::Add { name, .. }, Some(role)) => return add(door, name, role, output).await,
            (Self::Role { account, .. }, Some(role)) => (account, "role", Change::Role(role)),
            (Self::Password { account }, _) => (account, "password", Change::Password(password()?)),
            (Self::Disable { account }, _) => (account, "disable", Change::Disable),
            (Self::Enable { account }, _) => (account, "enable", Change::Enable),
            (Self::Remove { account }, _) => (account, "remove", Change::Remove),
            (Self::Add { .. } | Self::Role { .. }, None) => {
                return Err(Failure::Usage("say which role".to_owned()));
            }
        };
        let line = match door {
            Door::Daemon(client) => told(client, ["accounts", &name, verb], &body(&change)).await?,
            Door::Directory(identity, _) => {
                let done = identity.change(&Who::command_line(), &name, change).await;
                AccountLine::of(&done.map_err(Failure::failed)?)
            }
        };
        let what = match verb {
            "remove" => "is forgotten",
            "disable" => "may not enter any more",
            "enable" => "may enter again",
            "password" => "has another password",
            _ => "has another role",
        };
        say(output, &line, what);
        Ok(())
    }
}

async fn add(door: &Door, name: String, role: Role, output: &Output) -> Result<(), Failure> {
    let password = password()?;
    let line = match door {
        Door::Daemon(client) => {
            let body = json!({ "name": name, "role": role.word(), "party": role.party(),
                "password": password.expose_secret() });
            client.post(&["accounts"], &body).await?
        }
        Door::Directory(identity, _) => {
            let new = NewAccount { name, role, password };
            AccountLine::of(&identity.add(&Who::command_line(), new).await.map_err(Failure::failed)?)
        }
    };
    say(output, &line, "may enter");
    Ok(())
}

async fn list(door: &Door, output: &Output) -> Result<(), Failure> {
    let lines: Vec<AccountLine> = match door {
        Door::Daemon(client) => client.fetch(&["accounts"]).await?,
        Door::Directory(identity, _) => identity.accounts().iter().map(AccountLine::of).collect(),
    };
    if output.json {
        output.value(&lines);
        return Ok(());
    }
    if lines.is_empty() {
        output
            .line("There are no accounts. `throughline account add NAME --role admin` makes the first one.");
    }
    for line in &lines {
        let party = line.party.as_ref().map(|party| format!(" of {party}")).unwrap_or_default();
        let entered =
            line.entered.map_or_else(|| "never".to_owned(), |at| at.format("%Y-%m-%d %H:%M UTC").to_string());
        let disabled = if line.disabled { ", may not enter" } else { "" };
        let name = printable(&line.name);
        output.line(&format!(
            "{}  {name}  {}{party}, logged in last: {entered}{disabled}",
            line.account, line.role
        ));
    }
    Ok(())
}

fn say(output: &Output, line: &AccountLine, what: &str) {
    if output.json {
        output.value(line);
    } else {
        let party = line.party.as_ref().map(|party| format!(" of {party}")).unwrap_or_default();
        let name = printable(&line.name);
        output.line(&format!("{name} ({}{party}, {}) {what}.", line.role, line.account));
    }
}

fn body(change: &Change) -> Value {
    match change {
        Change::Password(password) => json!({ "password": password.expose_secret() }),
        Change::Role(role) => json!({ "role": role.word(), "party": role.party() }),
        Change::Disable | Change::Enable | Change::Remove => json!({}),
    }
}

/// Asks for a password twice where somebody types, and reads one line where nobody does.
fn password() -> Result<SecretString, Failure> {
    let failed = |error: std::io::Error| Failure::Failed(format!("no password could be read: {error}"));
    if !std::io::stdin().is_terminal() {
        let mut line = String::new();
        std::io::stdin().lock().read_line(&mut line).map_err(failed)?;
        return Ok(line.trim_end_matches(['\n', '\r']).into());
    }
    let typed = rpassword::prompt_password("Password (15 characters or more): ").map_err(failed)?;
    let again = rpassword::prompt_password("Once more: ").map_err(failed)?;
    match typed == again {
        true => Ok(typed.into()),
        false => Err(Failure::Failed("the two passwords are not the same".to_owned())),
    }
}
