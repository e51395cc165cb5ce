//! The command line: one file for each subcommand.

mod access;
mod account;
mod agreement;
mod agreement_try;
mod bench;
mod cases;
mod check;
mod client;
mod connector;
mod connectors;
mod demo;
mod door;
mod drift;
mod erase;
mod evidence;
mod explain;
mod grant;
mod ledger;
mod ledger_watch;
mod login;

mod openapi;
mod output;
mod parked;
mod plan;
mod reference;
mod reload;
mod serve;
mod stop;
mod system;
mod token;
mod trace;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

pub use output::Output;

use crate::config::Problems;

/// Throughline federates tickets between organizations.
///
/// It links the tickets of one request across ticket systems, syncs status, comments, fields and files both ways,
/// and keeps a record that can be checked.
#[derive(Debug, Parser)]
#[command(
    version,
    after_help = "Exit codes: 0 done · 1 it did not work · 2 the command line or the configuration is wrong.\n\n\
                  First steps:\n  throughline demo                      see a request cross three desks\n  \
                  throughline check --config FILE       is my configuration right?\n  \
                  throughline serve --config FILE       run the bridge"
)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
    /// Print JSON instead of text.
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run three practice desks and a bridge on loopback, and play a request that crosses all three.
    Demo(demo::Demo),
    /// Run the bridge.
    Serve(serve::Serve),
    /// Have the running bridge load its configuration anew, without dropping work.
    Reload(reload::Reload),
    /// Check a configuration; with --online, log in everywhere and compare its words with the systems' own.
    Check(check::Check),
    /// Log in to a system as a person, where its kind takes an application only together with somebody.
    Login(login::Login),
    /// Tell a case's whole story: legs, and who did what, when and where.
    Trace(trace::Trace),
    /// Tell what became of everything in a case for each party, and by which rule.
    Explain(explain::Explain),
    /// Tell what the bridge would do with a ticket now, without doing it.
    Plan(plan::Plan),
    /// Tell what differs between tickets and their cases, over many cases, and have it mended.
    Drift(drift::Drift),
    /// Find cases by any ticket's number, words, party, status or view.
    Cases(cases::Cases),
    /// List what waits for a person, have it tried again, or give it up.
    Parked(parked::Parked),
    /// Show a party more of one case than is shared, for a purpose and until a moment.
    Grant(grant::Grant),
    /// See how the connected systems are, pause one, or let it go on.
    System(system::System),
    /// Keep the tickets of a portal without an interface by hand: see what to carry over, record what it says.
    Reference(reference::Reference),
    /// Erase a case, or forget a person, for good.
    Erase(erase::Erase),
    /// Print an agreement as a document, compare two versions in words, or list what was ever in force.
    Agreement(agreement::Agreement),
    /// Say who may enter: make, list, change and remove the accounts of people.
    Account(account::Account),
    /// Give programs tokens for the interface, list them, take them back.
    Token(token::Token),
    /// Verify or export the ledger, sign checkpoints of it, prove records, and watch the log of somebody else.
    Ledger(ledger::Ledger),
    /// Write what proves a case into one file, for an auditor or for one party, or verify such a file.
    Evidence(evidence::Evidence),
    /// Measure throughput, latency, memory and disk on this machine.
    Bench(bench::Bench),
    /// List the kinds of system this build can connect, with what they can do.
    Connectors(connectors::Connectors),
    /// Print the description of the HTTP interface, in OpenAPI 3.1.
    Openapi(openapi::Openapi),
    /// Begin a manifest for a desk with a JSON interface, or try one against the desk.
    Connector(connector::Connector),
}

/// Which bridge is meant.
#[derive(Clone, Debug, Args)]
struct Which {
    /// The bridge's data directory.
    #[arg(long, value_name = "DIR", global = true, conflicts_with = "config")]
    data: Option<PathBuf>,
    /// The bridge's configuration; its data directory is taken from there.
    #[arg(long, value_name = "FILE", global = true)]
    config: Option<PathBuf>,
}

/// Why a command did not do what it was asked.
#[derive(Debug)]
enum Failure {
    /// The command line or the configuration is wrong.
    Usage(String),
    /// The configuration has mistakes.
    Configuration(Problems),
    /// It did not work.
    Failed(String),
    /// It worked, and what was to be compared is not the same: exit code 1, and nothing more to say.
    Different,
}

impl Failure {
    fn failed(error: impl std::fmt::Display) -> Self {
        Self::Failed(error.to_string())
    }
}

/// Runs the command line.
pub async fn run(cli: Cli) -> ExitCode {
    let output = Output::new(cli.json);
    let result = match cli.command {
        Command::Demo(demo) => Box::pin(demo.run(&output)).await,
        Command::Serve(serve) => Box::pin(serve.run(&output)).await,
        Command::Reload(reload) => reload.run(&output).await,
        Command::Check(check) => Box::pin(check.run(&output)).await,
        Command::Login(login) => Box::pin(login.run(&output)).await,
        Command::Trace(trace) => trace.run(&output).await,
        Command::Explain(explain) => Box::pin(explain.run(&output)).await,
        Command::Plan(plan) => Box::pin(plan.run(&output)).await,
        Command::Drift(drift) => drift.run(&output).await,
        Command::Cases(cases) => cases.run(&output).await,
        Command::Parked(parked) => parked.run(&output).await,
        Command::Grant(grant) => grant.run(&output).await,
        Command::System(system) => system.run(&output).await,
        Command::Reference(reference) => reference.run(&output).await,
        Command::Erase(erase) => erase.run(&output).await,
        Command::Agreement(agreement) => agreement.run(&output).await,
        Command::Account(account) => Box::pin(account.run(&output)).await,
        Command::Token(token) => Box::pin(token.run(&output)).await,
        Command::Ledger(ledger) => Box::pin(ledger.run(&output)).await,
        Command::Evidence(evidence) => Box::pin(evidence.run(&output)).await,
        Command::Bench(bench) => Box::pin(bench.run(&output)).await,
        Command::Connectors(connectors) => connectors.run(&output),
        Command::Openapi(openapi) => openapi.run(&output),
        Command::Connector(connector) => Box::pin(connector.run(&output)).await,
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::Usage(why)) => {
            output.error(&why);
            ExitCode::from(2)
        }
        Err(Failure::Configuration(problems)) => {
            output.problems(&problems);
            ExitCode::from(2)
        }
        Err(Failure::Different) => ExitCode::FAILURE,
        Err(Failure::Failed(why)) => {
            output.error(&why);
            ExitCode::FAILURE
        }
    }
}
