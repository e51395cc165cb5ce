//! `throughline connectors`: the kinds of system this build can connect.

use clap::Args;
use serde_json::json;

use super::{Failure, Output};
use crate::registry;

/// List the kinds of system this build can connect.
#[derive(Debug, Args)]
pub(super) struct Connectors {}

impl Connectors {
    pub(super) fn run(self, output: &Output) -> Result<(), Failure> {
        if output.json {
            let kinds: Vec<_> = registry::KINDS
                .iter()
                .map(|kind| {
                    json!({ "kind": kind.name, "title": kind.title, "tested_against": kind.tested_against })
                })
                .collect();
            output.value(&kinds);
        } else {
            output.line(registry::table().trim_end());
        }
        Ok(())
    }
}
