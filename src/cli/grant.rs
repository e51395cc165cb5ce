//! `throughline grant`: sight of more of one case, for a purpose and until a moment.

use chrono::{DateTime, TimeDelta};
use clap::{Args, Subcommand};
use throughline_sdk::{Clock, Timestamp};

use super::access::Access;
use super::output::printable;
use super::{Failure, Output, Which};
use crate::api::grants::{Ask, Decided};
use crate::api::view::GrantLine;
use crate::case::{Approval, Environment};
use crate::clock::SystemClock;
use crate::config::{self, ProcessEnvironment};

/// Show a party more of one case than is shared, for a purpose and until a moment.
#[derive(Debug, Args)]
#[command(
    after_help = "WHAT is a field (title, description, status, priority, type, field:NAME), \"internal comments\", one of \
                  them (comment:SYSTEM#ID), files, one of them (file:SYSTEM#ID) or environment. What may be asked for, who \
                  approves it and how long it may last says the agreement, under [agreements.NAME.grants]; by default \
                  nothing.\n\n\
                  A grant opens when it is approved, by somebody in the agreement's role or by its priority, and ends by \
                  itself. Then nothing more is sent: comments are taken back where the desk can, and what stays is told by \
                  `trace` and waits under `parked`.\n\n\
                  --as is recorded as it is said: whoever holds the bridge's admin token can say any name and role.\n\n\
                  Examples:\n  \
                  throughline grant ask TL-1042 fabrikam \"internal comments\" --purpose \"root cause\" --until 4h --config throughline.toml\n  \
                  throughline grant approve TL-1042 G1 --role \"service manager\" --config throughline.toml\n  \
                  throughline grant revoke TL-1042 G1 --reason \"cause found\" --config throughline.toml\n  \
                  throughline grant list TL-1042 --config throughline.toml"
)]
pub(super) struct Grant {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    which: Which,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Ask for a grant.
    Ask(Asked),
    /// Approve a grant, in the role that the agreement names.
    Approve {
        #[command(flatten)]
        named: Named,
        /// The role that the agreement names.
        #[arg(long)]
        role: String,
        #[command(flatten)]
        copy: CopyOf,
    },
    /// Refuse a grant that was asked for.
    Refuse {
        #[command(flatten)]
        named: Named,
        /// Why.
        #[arg(long)]
        reason: String,
    },
    /// End a grant before its time.
    Revoke {
        #[command(flatten)]
        named: Named,
        /// Why.
        #[arg(long)]
        reason: String,
    },
    /// List the grants of a case, those that ended too.
    List {
        /// The case, or any of its tickets.
        #[arg(value_name = "TL-ID | SYSTEM:KEY")]
        case: String,
    },
}

#[derive(Debug, Args)]
struct Asked {
    /// The case, or any of its tickets.
    #[arg(value_name = "TL-ID | SYSTEM:KEY")]
    case: String,
    /// The party that is to be shown it, or its system.
    party: String,
    /// What it is to be shown.
    what: String,
    /// What for.
    #[arg(long)]
    purpose: String,
    /// Until when: a moment such as 2026-11-30T18:00:00Z, or a length of time from now such as 4h.
    #[arg(long, value_name = "TIME")]
    until: String,
    /// The party asked for it itself. Without it, home offers it.
    #[arg(long)]
    party_asks: bool,
    /// What is internal may be shown in public where the party's desk has nothing internal. Without it, it waits there.
    #[arg(long)]
    public_if_must: bool,
    #[command(flatten)]
    copy: CopyOf,
    /// Who asks. Without it, the name of the local user.
    #[arg(long = "as", value_name = "NAME")]
    name: Option<String>,
}

/// An anonymized copy of an environment.
#[derive(Debug, Args)]
struct CopyOf {
    /// What the copy of the environment is called.
    #[arg(long, requires = "reference")]
    label: Option<String>,
    /// How one gets to it, in words or as an address.
    #[arg(long, requires = "label")]
    reference: Option<String>,
}

#[derive(Debug, Args)]
struct Named {
    /// The case, or any of its tickets.
    #[arg(value_name = "TL-ID | SYSTEM:KEY")]
    case: String,
    /// The grant, as `list` names it: G1.
    grant: String,
    /// Who decides. Without it, the name of the local user.
    #[arg(long = "as", value_name = "NAME")]
    name: Option<String>,
}

impl Grant {
    pub(super) async fn run(self, output: &Output) -> Result<(), Failure> {
        let which = &self.which;
        let (named, verb, role, reason, environment) = match self.command {
            Command::List { case } => return list(which, &case, output).await,
            Command::Ask(asked) => return ask(which, asked, output).await,
            Command::Approve { named, role, copy } => {
                (named, "approve", Some(role), None, copy.environment())
            }
            Command::Refuse { named, reason } => (named, "refuse", None, Some(reason), None),
            Command::Revoke { named, reason } => (named, "revoke", None, Some(reason), None),
        };
        let Named { case, grant, name } = named;
        let decided = Decided { by: actor(name)?, role, reason, environment };
        let access = Access::open(which).await?;
        let line = access.daemon()?.decide_grant(&case, &grant, verb, &decided).await?;
        told(&line, output);
        Ok(())
    }
}

impl CopyOf {
    fn environment(self) -> Option<Environment> {
        let (label, reference) = self.label.zip(self.reference)?;
        Some(Environment { label, reference })
    }
}

async fn ask(which: &Which, asked: Asked, output: &Output) -> Result<(), Failure> {
    let Asked { case, party, what, purpose, until, party_asks, public_if_must, copy, name } = asked;
    let until = moment(&until)?;
    let (by, environment) = (actor(name)?, copy.environment());
    let ask = Ask { party, what, purpose, until, by, party_asks, public_if_must, environment };
    let line = Access::open(which).await?.daemon()?.ask_grant(&case, &ask).await?;
    told(&line, output);
    Ok(())
}

async fn list(which: &Which, case: &str, output: &Output) -> Result<(), Failure> {
    let lines = Access::open(which).await?.grants(case).await?;
    if output.json {
        output.value(&lines);
    } else if lines.is_empty() {
        output.line("Nothing was granted or asked for.");
    } else {
        for line in &lines {
            print(line, output);
        }
    }
    Ok(())
}

fn told(line: &GrantLine, output: &Output) {
    if output.json {
        output.value(line);
    } else {
        print(line, output);
    }
}

fn print(line: &GrantLine, output: &Output) {
    output.line(&output.bold(&printable(&line.words())));
    let asked = if line.party_asks { "asked for" } else { "offered" };
    let mut text = format!("{asked} by {}, for: {}", line.by, line.purpose);
    match &line.approval {
        Some(Approval::Role { role, by }) => text.push_str(&format!("; approved by {by} ({role})")),
        Some(Approval::Policy { from }) => {
            text.push_str(&format!("; approved by the agreement, from priority {} on", from.word()));
        }
        None => {}
    }
    if let Some(ended) = &line.ended {
        text.push_str(&format!("; {} by {}: {}", line.state.word(), ended.by, ended.reason));
    }
    if let Some(environment) = &line.environment {
        text.push_str(&format!("; {}: {}", environment.label, environment.reference));
    }
    output.line(&printable(&format!("  {text}")));
}

/// A moment, as such or as a length of time from now.
fn moment(text: &str) -> Result<Timestamp, Failure> {
    if let Ok(moment) = DateTime::parse_from_rfc3339(text) {
        return Ok(moment.to_utc());
    }
    let usage = || {
        let message =
            format!("{text:?} is no time; write 2026-11-30T18:00:00Z, or 4h for that long from now");
        Failure::Usage(message)
    };
    let span = config::duration(text).map_err(|_why| usage())?;
    let span = TimeDelta::from_std(span).map_err(|_too_long| usage())?;
    SystemClock::new().now().checked_add_signed(span).ok_or_else(usage)
}

/// Who acts: as they say, or the local user.
fn actor(name: Option<String>) -> Result<String, Failure> {
    let environment = ProcessEnvironment;
    let local =
        || ["USER", "LOGNAME"].into_iter().find_map(|name| config::Environment::var(&environment, name));
    let name = name.or_else(local).filter(|name| !name.trim().is_empty());
    name.ok_or_else(|| Failure::Usage("nobody knows who you are here: say it with --as NAME".to_owned()))
}
