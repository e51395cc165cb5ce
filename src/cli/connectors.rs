//! `throughline connectors`: the kinds of system this build can connect.

use clap::Args;
use serde_json::{Value, json};
use throughline_sdk::Setting;

use super::{Failure, Output};
use crate::registry;

/// List the kinds of system this build can connect.
#[derive(Debug, Args)]
#[command(
    after_help = "C0 to C4 say what keeps a write from being doubled when its answer is lost: C0 an idempotency \
                        key, C1 an upsert, C2 a marker that a consistent read finds, C3 one that a lagging search \
                        finds, C4 nothing: unless it stands there word for word, a person decides.\nWith --json also the settings of each kind."
)]
pub(super) struct Connectors {}

impl Connectors {
    pub(super) fn run(self, output: &Output) -> Result<(), Failure> {
        if output.json {
            let mut kinds = Vec::new();
            for kind in registry::KINDS {
                kinds.push(json!({
                    "kind": kind.name,
                    "title": kind.title,
                    "tested_against": kind.tested_against,
                    "abilities": registry::abilities(kind).map_err(Failure::failed)?,
                    "settings": kind.settings.iter().map(setting).collect::<Vec<_>>(),
                }));
            }
            output.value(&kinds);
        } else {
            output.table(&registry::COLUMNS, &registry::rows());
        }
        Ok(())
    }
}

fn setting(setting: &Setting) -> Value {
    json!({ "key": setting.key, "required": setting.required, "doc": setting.doc, "example": setting.example })
}
