//! `throughline bench`: how fast the whole durable path is, beside a bare relay in the same run.

mod bridge;
mod desks;
mod load;
mod measure;
mod parts;
mod preload;
mod protocol;
mod relay;
mod report;
mod wire;
mod world;

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{Failure, Output};

/// Measure this machine: signed webhooks through a real daemon to confirmed writes at the other desk.
#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "What happens: a load process with desks and senders, the daemon (`throughline serve`) and two bare\n\
                  relays run on loopback. Each event is a webhook of about 4 KB, signed by Standard Webhooks: a new\n\
                  version of a linked ticket with one change, which has to lead to exactly one write at the partner's\n\
                  desk. Saturating runs keep --concurrency events on their way, each from its webhook to its write;\n\
                  they take turns with the relays, and medians are shown. The latency run sends --rate events a\n\
                  second, whatever comes back.\n\n\
                  The relays are what can be expected at best: one checks the signature, appends the webhook with a\n\
                  shared fdatasync and sends one write; the other keeps nothing. Neither links, decides or remembers.\n\
                  On a busy machine look at the ratios, not at the rates.\n\n\
                  Examples:\n  throughline bench\n  throughline bench --rate 50 --seconds 20\n  \
                  throughline bench --linked 1000000 --data /var/tmp/bench   (minutes, and gigabytes of disk)"
)]
pub(super) struct Bench {
    #[command(subcommand)]
    role: Option<Role>,
    /// Events per second of the latency run.
    #[arg(long, value_name = "N", default_value_t = 200)]
    rate: u32,
    /// How long each run is, after a second of warming up.
    #[arg(long, value_name = "S", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    seconds: u32,
    /// How often the saturating runs take turns.
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// Events on their way at the same time in a saturating run.
    #[arg(long, value_name = "N", default_value_t = 64, value_parser = clap::value_parser!(u64).range(1..=400))]
    concurrency: u64,
    /// Measure also a bridge with so many linked tickets, against one with 1000.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1000..=10_000_000))]
    linked: Option<u64>,
    /// Where ledgers and stores stand, on the disk that is meant; left there afterwards. A temporary directory
    /// without it.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
}

/// The bench's other processes.
#[derive(Debug, Subcommand)]
enum Role {
    /// Desks and senders.
    #[command(hide = true)]
    Load,
    /// A bare relay.
    #[command(hide = true)]
    Relay(relay::Relay),
}

impl Bench {
    pub(super) async fn run(self, output: &Output) -> Result<(), Failure> {
        match self.role {
            Some(Role::Load) => load::run(&Output::new(true)).await,
            Some(Role::Relay(relay)) => relay.run(&Output::new(true)).await,
            None => measure::measure(&self, output).await,
        }
    }
}
