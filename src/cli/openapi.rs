//! `throughline openapi`: the interface's description, for programs that use it or are generated from it.

use clap::Args;

use super::{Failure, Output};
use crate::api;

/// Print the description of the HTTP interface, in OpenAPI 3.1.
#[derive(Debug, Args)]
#[command(after_help = "A running bridge serves the same at /api/v1/openapi.json.\n\nExample:\n  \
                        throughline openapi > throughline.openapi.json")]
pub(super) struct Openapi {}

impl Openapi {
    pub(super) fn run(self, output: &Output) -> Result<(), Failure> {
        output.line(&api::description().map_err(Failure::failed)?);
        Ok(())
    }
}
