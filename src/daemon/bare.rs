//! A bridge without systems, over a data directory in memory, for tests of what goes on inside.

use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;
use throughline_sdk::{Clock, Entropy};

use super::{Parts, marker_key};
use crate::agreement::Rules;
use crate::api::tmf621::Northbound;
use crate::clock::SystemEntropy;
use crate::identity::{self, Identity, Settings};
use crate::ledger::note::Signer;
use crate::ledger::{self, BlobFolder, Journal, MasterKey, Medium, MemoryMedium, Offload};
use crate::store::memory::MemoryStore;
use crate::telemetry::metrics::Metrics;
use crate::vault::Vault;

/// The token of the data directory.
pub(crate) const OWNER: &str = "owner";

/// What a bridge is put together of.
#[derive(Clone, Debug)]
pub(crate) struct Bare {
    pub(crate) medium: Arc<MemoryMedium>,
    pub(crate) master: MasterKey,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) entropy: Arc<dyn Entropy>,
}

impl Bare {
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        let entropy = Arc::new(SystemEntropy::new());
        Self { medium: Arc::default(), master: MasterKey::new([7; 32]), clock, entropy }
    }

    /// Its ledger, open.
    pub(crate) async fn journal(&self) -> Journal {
        let parts = ledger::Parts {
            medium: self.medium(),
            store: Arc::new(MemoryStore::default()),
            master: self.master.clone(),
            entropy: Arc::clone(&self.entropy),
            offload: Offload::Inline,
            segment_bytes: ledger::Parts::SEGMENT_BYTES,
        };
        Journal::open(parts).await.unwrap()
    }

    /// Its door.
    pub(crate) fn identity(&self, journal: Journal, settings: Settings) -> Identity {
        let parts = identity::Parts {
            admin: SecretString::from(OWNER),
            medium: self.medium(),
            master: self.master.clone(),
            journal,
            clock: Arc::clone(&self.clock),
            entropy: Arc::clone(&self.entropy),
            offload: Offload::Inline,
            way: None,
            settings,
        };
        Identity::open(parts).unwrap()
    }

    /// The parts of a bridge that connects nothing, and reads every ticket once a day.
    pub(crate) fn parts(&self, journal: Journal) -> Parts {
        let vault =
            Vault::open(self.medium(), Arc::clone(&self.entropy), &self.master, Offload::Inline).unwrap();
        Parts {
            systems: Vec::new(),
            rules: Rules::default(),
            journal,
            blobs: BlobFolder::new(self.medium(), Offload::Inline),
            clock: Arc::clone(&self.clock),
            entropy: Arc::clone(&self.entropy),
            markers: marker_key(&self.master),
            reconcile: Duration::from_secs(86_400),
            signer: Arc::new(Signer::new("bare/throughline", &self.master).unwrap()),
            watchers: Vec::new(),
            vault,
            metrics: Arc::new(Metrics::new()),
            northbound: Northbound::default(),
        }
    }

    fn medium(&self) -> Arc<dyn Medium> {
        Arc::<MemoryMedium>::clone(&self.medium)
    }
}
