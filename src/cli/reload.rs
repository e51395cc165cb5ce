//! `throughline reload`: the running bridge loads its configuration anew.

use clap::Args;

use super::access::Access;
use super::{Failure, Output, Which};

/// Have the running bridge load its configuration anew, without dropping work.
#[derive(Debug, Args)]
#[command(
    after_help = "The daemon reads the files it was started with. Where anything in them is wrong, all of it is \
                        refused, told with file and line, and what was in force stays. Otherwise what is being sent \
                        comes to its end, webhooks are taken meanwhile, and the new configuration is in force. Who \
                        had it loaded, when, and what differed is in the ledger. SIGHUP does the same.\n\nExamples:\n  \
                        throughline reload --config /etc/throughline/throughline.toml\n  \
                        systemctl reload throughline"
)]
pub(super) struct Reload {
    #[command(flatten)]
    which: Which,
}

impl Reload {
    pub(super) async fn run(self, output: &Output) -> Result<(), Failure> {
        let done = Access::open(&self.which).await?.daemon()?.reload().await?;
        if output.json {
            output.value(&done);
            return Ok(());
        }
        if done.differed.is_empty() {
            output.line("The configuration was loaded anew; no setting differs.");
        } else {
            output.line("The configuration was loaded anew:");
        }
        for words in &done.differed {
            output.line(&format!("  {words}"));
        }
        Ok(())
    }
}
