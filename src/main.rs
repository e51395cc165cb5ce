//! The command line of Throughline.

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    let cli = throughline::cli::Cli::parse();
    throughline::egress::install_tls();
    match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime.block_on(throughline::cli::run(cli)),
        Err(error) => {
            tracing::error!(%error, "The asynchronous runtime cannot be started.");
            ExitCode::FAILURE
        }
    }
}
