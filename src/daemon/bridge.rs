//! The bridge as one value: everything the lanes share, and its start and stop.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use throughline_sdk::http::Schedule;
use throughline_sdk::{Blobs, Capabilities, Clock, Entropy, IntentId, SystemName};
use tokio::sync::RwLock;

use super::pauses::Pauses;
use super::reload::Reloads;
use super::watcher::{self, Watcher};
use super::{Supervisor, System, Watching};
use crate::agreement::Rules;
use crate::api::tmf621::{self, Northbound};
use crate::api::{outgoing, reference};
use crate::case::Fact;
use crate::deliver::{Alarm, Drift, Lanes, Nudge, alarm, erase};
use crate::intake;
use crate::ledger::note::Signer;
use crate::ledger::{self, BlobFolder, Entry, Journal};
use crate::plan::MarkerKey;
use crate::store::Index;
use crate::telemetry::metrics::Metrics;
use crate::vault::Vault;

/// How many lanes run side by side.
const LANES: usize = 512;

/// Between attempts, across restarts.
const RETRY: Schedule = Schedule::new(Duration::from_secs(1), Duration::from_secs(300));

/// What a bridge is made of.
#[derive(Debug)]
pub struct Parts {
    /// The connected systems.
    pub systems: Vec<System>,
    /// The agreements in force.
    pub rules: Rules,
    /// The ledger and its index.
    pub journal: Journal,
    /// Files by digest.
    pub blobs: BlobFolder,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub entropy: Arc<dyn Entropy>,
    /// The key of the markers.
    pub markers: MarkerKey,
    /// In what time the rolling reconciliation reads every linked ticket once.
    pub reconcile: Duration,
    /// Signs checkpoints of the ledger.
    pub signer: Arc<Signer>,
    /// Who asks the logs of others.
    pub watchers: Vec<Watcher>,
    /// Who stands behind which pseudonym.
    pub vault: Vault,
    /// Numbers for operators.
    pub metrics: Arc<Metrics>,
    /// The desks that partners reach here.
    pub northbound: Northbound,
}

/// The running bridge. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Bridge {
    shared: Arc<Shared>,
}

/// What lanes, intake and API share.
#[derive(Debug)]
pub struct Shared {
    pub(crate) systems: BTreeMap<SystemName, System>,
    pub(crate) capabilities: BTreeMap<SystemName, Capabilities>,
    pub(crate) rules: Rules,
    pub(crate) journal: Journal,
    pub(crate) blobs: Arc<dyn Blobs>,
    /// The same files, for whoever deletes them.
    pub(crate) folder: BlobFolder,
    /// Read from a file's writing until its case holds it; written while files that nobody holds are deleted.
    pub(crate) filing: RwLock<()>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) entropy: Arc<dyn Entropy>,
    pub(crate) markers: MarkerKey,
    pub(crate) signer: Arc<Signer>,
    pub(crate) vault: Vault,
    pub(crate) lanes: Lanes,
    pub(crate) alarm: Alarm,
    pub(crate) supervisor: Supervisor,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) reconcile: Duration,
    pub(crate) northbound: Northbound,
    /// Held while a ticket is claimed, so that no two cases get the same one.
    pub(crate) claiming: tokio::sync::Mutex<()>,
    /// Intents of which this process knows that no byte has left. All others may have been sent by a process
    /// before it.
    unsent: Mutex<BTreeSet<IntentId>>,
    failed: AtomicBool,
    /// Whether another bridge takes the place of this one.
    pub(crate) course: RwLock<Course>,
    pub(crate) reloads: Reloads,
    pub(crate) pauses: Pauses,
    pub(crate) drift: Drift,
    pub(crate) watching: Watching,
}

/// Whether a bridge runs until the daemon stops, or another one takes its place.
#[derive(Debug, Default)]
pub(crate) enum Course {
    /// It runs.
    #[default]
    Running,
    /// Its lanes come to their end: webhooks are recorded as hints that stand, for the next one to take up.
    Leaving,
    /// This one has its place.
    Left(Arc<Shared>),
}

/// What a bridge has from the one whose place it takes.
#[derive(Debug, Default)]
struct Inherited {
    unsent: BTreeSet<IntentId>,
    reloads: Reloads,
}

impl Bridge {
    /// Starts the bridge: takes up what is outstanding, then polls.
    ///
    /// # Errors
    ///
    /// When the ledger cannot be read or written.
    pub async fn start(mut parts: Parts) -> Result<Self, ledger::Error> {
        let watchers = std::mem::take(&mut parts.watchers);
        let shared = Shared::new(parts, Inherited::default());
        let started = Fact::Started { version: env!("CARGO_PKG_VERSION").to_owned() };
        shared.note(started).await?;
        Self::begin(shared, watchers).await
    }

    /// Lets everything come to its end but the taking of webhooks, for another bridge to take the place of this one.
    pub(crate) async fn leave(&self) {
        *self.shared.course.write().await = Course::Leaving;
        self.shared.supervisor.stop().await;
    }

    /// Starts a bridge of these parts in the place of this one, which has left. `fact` says why.
    ///
    /// # Errors
    ///
    /// When the ledger cannot be read or written.
    pub(crate) async fn succeed(&self, mut parts: Parts, fact: Fact) -> Result<Self, ledger::Error> {
        let watchers = std::mem::take(&mut parts.watchers);
        // Whatever was hinted at before is taken up below; whoever comes meanwhile waits, and goes to the new one.
        let mut course = self.shared.course.write().await;
        let unsent = std::mem::take(&mut *self.shared.unsent.lock().unwrap_or_else(PoisonError::into_inner));
        let shared = Shared::new(parts, Inherited { unsent, reloads: self.shared.reloads.clone() });
        shared.note(fact).await?;
        let next = Self::begin(shared, watchers).await?;
        *course = Course::Left(Arc::clone(&next.shared));
        Ok(next)
    }

    async fn begin(shared: Arc<Shared>, watchers: Vec<Watcher>) -> Result<Self, ledger::Error> {
        shared.note_agreements().await?;
        shared.pauses.restore(shared.journal.read(Index::paused).await?);
        let outstanding = |index: &Index| Ok((index.working()?, index.clocks()?, index.hints(usize::MAX)?));
        let (working, clocks, hints) = shared.journal.read(outstanding).await?;
        tracing::info!(
            cases = working.len(),
            clocks = clocks.len(),
            hints = hints.len(),
            "Taking up what is outstanding."
        );
        for case in shared.journal.read(Index::erasing).await? {
            tracing::info!(case.id = %case, "An erasure that was interrupted is carried out.");
            erase::carry_out(&shared, case).await?;
        }
        alarm::start(&shared);
        // A lane with nothing to do but to wait for its clock sets it and ends.
        let cases: BTreeSet<_> = working.into_iter().chain(clocks).collect();
        for case in cases {
            shared.lanes.nudge_case(&shared, case, Nudge::Resume { failures: 0 });
        }
        for ticket in hints {
            intake::wake(&shared, ticket)?;
        }
        intake::start(&shared);
        tmf621::announce::start(&shared);
        reference::start(&shared);
        outgoing::start(&shared);
        watcher::start(&shared, watchers);
        Ok(Self { shared })
    }

    /// What intake and API work with.
    pub fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// Stops taking in, lets what is being sent come to its end, and closes the ledger.
    ///
    /// # Errors
    ///
    /// When the ledger cannot be closed in good order.
    pub async fn stop(&self) -> Result<(), ledger::Error> {
        self.shared.supervisor.stop().await;
        self.shared.note(Fact::Stopped).await?;
        self.shared.journal.close().await
    }
}

impl Shared {
    fn new(parts: Parts, inherited: Inherited) -> Arc<Self> {
        let Parts {
            systems,
            rules,
            journal,
            blobs,
            clock,
            entropy,
            markers,
            reconcile,
            signer,
            watchers: _,
            vault,
            metrics,
            northbound,
        } = parts;
        let systems: BTreeMap<_, _> =
            systems.into_iter().map(|system| (system.name.clone(), system)).collect();
        let capabilities =
            systems.iter().map(|(name, system)| (name.clone(), system.capabilities.clone())).collect();
        Arc::new(Self {
            systems,
            capabilities,
            rules,
            journal,
            folder: blobs.clone(),
            blobs: Arc::new(blobs),
            filing: RwLock::default(),
            clock,
            entropy,
            markers,
            signer,
            vault,
            lanes: Lanes::new(LANES),
            alarm: Alarm::default(),
            supervisor: Supervisor::default(),
            metrics,
            reconcile,
            northbound,
            claiming: tokio::sync::Mutex::default(),
            unsent: Mutex::new(inherited.unsent),
            failed: AtomicBool::new(false),
            course: RwLock::default(),
            reloads: inherited.reloads,
            pauses: Pauses::default(),
            drift: Drift::default(),
            watching: Watching::default(),
        })
    }

    /// Whether the ledger failed: nothing can be taken in or sent any more.
    pub fn has_failed(&self) -> bool {
        self.failed.load(Ordering::Relaxed) || self.journal.is_failed()
    }

    /// How many lanes have something to do just now.
    pub fn lanes_busy(&self) -> usize {
        self.lanes.busy()
    }

    /// Whether webhooks are taken: always but while the daemon goes down.
    pub(crate) async fn takes_webhooks(&self) -> bool {
        let running = matches!(*self.course.read().await, Course::Running);
        let ends = running && self.supervisor.is_stopping();
        !self.has_failed() && !ends
    }

    /// The bridge that webhooks go to by now, after this one refused because it stops; `None` where the daemon goes down.
    pub(crate) async fn successor(self: &Arc<Self>) -> Option<Arc<Self>> {
        match &*self.course.read().await {
            Course::Running => None,
            Course::Leaving => Some(Arc::clone(self)),
            Course::Left(next) => Some(Arc::clone(next)),
        }
    }

    pub(crate) fn fail(&self) {
        self.failed.store(true, Ordering::Relaxed);
    }

    /// How long to wait before the attempt after `attempts` failed ones; at least as long as was asked.
    pub(crate) fn wait_after(&self, attempts: u32, asked: Option<Duration>) -> Duration {
        RETRY.delay(attempts, self.entropy.as_ref()).max(asked.unwrap_or_default())
    }

    /// Remembers the intents among `facts` as not sent yet.
    pub(crate) fn mark_unsent(&self, facts: &[Fact]) {
        for fact in facts {
            if let Fact::Intended { intent, .. } = fact {
                self.unsent(&intent.id);
            }
        }
    }

    pub(crate) fn unsent(&self, intent: &IntentId) {
        self.unsent.lock().unwrap_or_else(PoisonError::into_inner).insert(intent.clone());
    }

    pub(crate) fn sent(&self, intent: &IntentId) {
        self.unsent.lock().unwrap_or_else(PoisonError::into_inner).remove(intent);
    }

    pub(crate) fn is_unsent(&self, intent: &IntentId) -> bool {
        self.unsent.lock().unwrap_or_else(PoisonError::into_inner).contains(intent)
    }

    /// Records the terms of every agreement whose version the ledger does not hold yet.
    async fn note_agreements(&self) -> Result<(), ledger::Error> {
        for (name, agreement) in &self.rules.agreements {
            let (Some(version), Some(terms)) = (agreement.version.clone(), self.rules.terms(name)) else {
                continue;
            };
            let known = version.clone();
            if self.journal.read(move |index| index.is_agreed(&known)).await? {
                continue;
            }
            tracing::info!(agreement.name = %name, agreement.version = %version, "A new version of an agreement is in force.");
            self.note(Fact::Agreed { agreement: name.clone(), version, document: terms.document() }).await?;
        }
        Ok(())
    }

    pub(crate) async fn note(&self, fact: Fact) -> Result<(), ledger::Error> {
        let entry = Entry { at: self.clock.now(), case: None, facts: vec![fact] };
        self.journal.commit(entry).await.map(drop)
    }
}
