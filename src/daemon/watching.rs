//! How the logs of other organizations stand that are watched: what pages, interface and metrics tell of them.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use throughline_sdk::Timestamp;

/// How one of them stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Standing {
    /// What the configuration calls it.
    pub name: String,
    /// What it calls itself.
    pub log: String,
    /// How many records it had when it last kept its word.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// When it was last asked, with an answer that its key signed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked: Option<Timestamp>,
    /// Why it could not be asked the last time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trouble: Option<String>,
    /// What it signed and cannot both be true: it forked, or was rolled back. Stands until a person has moved away what is
    /// kept of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alarm: Option<String>,
}

/// All of them, by name.
#[derive(Debug, Default)]
pub struct Watching {
    logs: Mutex<BTreeMap<String, Standing>>,
}

impl Watching {
    /// How all of them stand, by name.
    pub fn all(&self) -> Vec<Standing> {
        self.logs().values().cloned().collect()
    }

    /// How many raised an alarm.
    pub fn alarms(&self) -> usize {
        self.logs().values().filter(|standing| standing.alarm.is_some()).count()
    }

    /// How one of them stands from now on.
    pub(super) fn set(&self, standing: Standing) {
        self.logs().insert(standing.name.clone(), standing);
    }

    fn logs(&self) -> MutexGuard<'_, BTreeMap<String, Standing>> {
        self.logs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
