//! What a simulated machine keeps while its host is off: disk, store, mail that waits; and how the bridge boots on it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use secrecy::SecretString;
use throughline::api::tmf621::Northbound;
use throughline::daemon::{Bridge, Budget, Credentials, Parts, State, System, marker_key};
use throughline::deliver::Admission;
use throughline::identity::Identity;
use throughline::ledger::note::Signer;
use throughline::ledger::{self, BlobFolder, Journal, MasterKey, MemoryMedium, Offload};
use throughline::store::memory::MemoryStore;
use throughline::telemetry::metrics::Metrics;
use throughline::vault::Vault;
use throughline_sdk::http::{Limits, Reach, plane};
use throughline_sdk::{Clock, Entropy, Settings, SystemName, layer};
use throughline_testkit::clock::SeededEntropy;

use crate::chance::SimulatedClock;
use crate::crash::{CrashPoints, PoweredMedium};
use crate::network::{SimulatedHttp, serve};
use crate::recorder::Recorder;
use crate::scenario::{DESKS, Intake, Scenario};

/// The token that opens every desk.
pub(crate) const TOKEN: &str = "open";
/// What webhooks are signed with.
pub(crate) const WEBHOOK_SECRET: &str = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";

/// The bridge's machine, and the ledger of the bridge that runs on it.
#[derive(Debug)]
pub(crate) struct Ground {
    pub(crate) scenario: Scenario,
    pub(crate) clock: Arc<SimulatedClock>,
    pub(crate) entropy: Arc<SeededEntropy>,
    pub(crate) crash: CrashPoints,
    pub(crate) medium: Arc<MemoryMedium>,
    store: Mutex<Arc<MemoryStore>>,
    running: Mutex<Option<Journal>>,
    /// What each host was sent, and what was logged and counted.
    pub(crate) record: Arc<Recorder>,
    /// What must never happen on the way, as it was noticed.
    pub(crate) problems: Mutex<Vec<String>>,
}

impl Ground {
    pub(crate) fn new(scenario: Scenario, clock: Arc<SimulatedClock>) -> Self {
        let entropy = Arc::new(SeededEntropy::new(scenario.seed));
        Self {
            scenario,
            clock,
            entropy,
            crash: CrashPoints::default(),
            medium: Arc::new(MemoryMedium::new()),
            store: Mutex::default(),
            running: Mutex::default(),
            record: Arc::default(),
            problems: Mutex::default(),
        }
    }

    pub(crate) fn store(&self) -> MutexGuard<'_, Arc<MemoryStore>> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn running(&self) -> MutexGuard<'_, Option<Journal>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn problem(&self, what: String) {
        self.problems.lock().unwrap_or_else(PoisonError::into_inner).push(what);
    }

    pub(crate) fn master() -> MasterKey {
        MasterKey::new([7; 32])
    }

    fn powered(&self) -> Arc<PoweredMedium> {
        Arc::new(PoweredMedium { inner: Arc::clone(&self.medium), crash: self.crash.clone() })
    }

    /// Boots the bridge and serves until the machine is crashed.
    pub(crate) async fn boot(self: Arc<Self>) -> turmoil::Result {
        match self.start().await {
            Ok((bridge, journal)) => {
                *self.running() = Some(journal);
                serve(throughline::api::router(bridge, Identity::new(SecretString::from(TOKEN)))).await
            }
            Err(error) => {
                if !self.crash.is_out() {
                    self.problem(format!("I11 the ledger cannot be opened or written: {error}"));
                }
                std::future::pending().await
            }
        }
    }

    async fn start(&self) -> Result<(Bridge, Journal), ledger::Error> {
        let entropy: Arc<dyn Entropy> = Arc::<SeededEntropy>::clone(&self.entropy);
        let store = Arc::clone(&*self.store());
        let journal = Journal::open(ledger::Parts {
            medium: self.powered(),
            store,
            master: Self::master(),
            entropy: Arc::clone(&entropy),
            offload: Offload::Inline,
            segment_bytes: 64 * 1024,
        })
        .await?;
        let clock: Arc<dyn Clock> = Arc::<SimulatedClock>::clone(&self.clock);
        let systems = (0..DESKS.len()).map(|desk| self.system(desk, &clock, &entropy)).collect();
        let ledger = journal.clone();
        let metrics = Arc::new(Metrics::new());
        self.record.count_with(&metrics);
        let vault = Vault::open(self.powered(), Arc::clone(&entropy), &Self::master(), Offload::Inline);
        let vault = vault.expect("the vault of a simulated machine opens");
        let parts = Parts {
            systems,
            rules: self.scenario.rules.clone(),
            journal,
            blobs: BlobFolder::new(self.powered(), Offload::Inline),
            clock,
            entropy,
            markers: marker_key(&Self::master()),
            reconcile: Duration::from_secs(86_400),
            signer: Arc::new(
                Signer::new("simulation/throughline", &Self::master()).expect("a name of a log"),
            ),
            watchers: Vec::new(),
            vault,
            metrics: Arc::clone(&metrics),
            northbound: Northbound::default(),
        };
        Ok((Bridge::start(parts).await?, ledger))
    }

    fn system(&self, desk: usize, clock: &Arc<dyn Clock>, entropy: &Arc<dyn Entropy>) -> System {
        let (name, plan) = (DESKS[desk], &self.scenario.desks[desk]);
        let webhooks = self.scenario.intake != Intake::Polling;
        let secret = webhooks.then(|| ("webhook_secret".to_owned(), SecretString::from(WEBHOOK_SECRET)));
        let token = ("token".to_owned(), SecretString::from(TOKEN));
        let settings = Settings {
            values: [
                ("url".to_owned(), format!("http://{name}/").into()),
                ("create_class".to_owned(), plan.class.into()),
                ("settle".to_owned(), plan.settle_seconds.into()),
                ("lag".to_owned(), plan.lag_seconds.into()),
            ]
            .into(),
            secrets: secret.into_iter().chain([token]).collect(),
        };
        let built = throughline_practice::build(&settings).expect("the settings are whole");
        let base = SimulatedHttp {
            clock: Arc::clone(clock),
            crash: self.crash.clone(),
            no_feed: self.scenario.intake == Intake::Webhooks,
            record: Arc::clone(&self.record),
        };
        let limits = Limits { per_second: None, burst: 64, concurrency: 16 };
        let http = plane(
            Arc::new(base),
            Reach { address: &built.address, further: &built.further },
            built.authentication,
            limits,
            Arc::clone(clock),
            Arc::clone(entropy),
        );
        let capabilities = built.connector.capabilities();
        let guarded =
            layer::guarded(built.connector, limits.concurrency, Arc::clone(clock), Arc::clone(entropy));
        System {
            name: SystemName::new(name),
            party: throughline::case::PartyName(name.to_owned()),
            connector: guarded.connector,
            circuit: guarded.circuit,
            http,
            dial: Arc::new(throughline_sdk::NoDial),
            capabilities,
            poll: self.scenario.poll(),
            timeout: Duration::from_secs(3),
            // Few, so that lanes often wait outside.
            admission: Admission::new(2),
            state: State::default(),
            budget: Arc::new(Budget::new(limits)),
            credentials: Credentials::default(),
        }
    }
}
