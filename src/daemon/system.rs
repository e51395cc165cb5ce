//! One connected ticket system at run time: its connector, its HTTP plane, and whether it answers.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use throughline_sdk::http::Transport;
use throughline_sdk::layer::Circuit;
use throughline_sdk::{
    Blobs, Capabilities, Clock, Ctx, Dial, DynConnector, Entropy, Error, SystemName, Timestamp, Urgency,
};

use crate::case::PartyName;
use crate::deliver::Admission;

/// One connected ticket system.
#[derive(Debug)]
pub struct System {
    /// Its name.
    pub name: SystemName,
    /// Whose it is.
    pub party: PartyName,
    /// The code that speaks to it, with its layers.
    pub connector: Arc<dyn DynConnector>,
    /// Its HTTP plane.
    pub http: Arc<dyn Transport>,
    /// Its connections for other protocols.
    pub dial: Arc<dyn Dial>,
    /// What it can do, with this system's own settle time and file limit.
    pub capabilities: Capabilities,
    /// How often its change feed is read.
    pub poll: Duration,
    /// How long one call may take.
    pub timeout: Duration,
    /// Whether it is left alone just now, after failing again and again.
    pub circuit: Arc<Circuit>,
    /// How many lanes may deal with it at a time.
    pub admission: Admission,
    /// How it answered last.
    pub state: State,
}

/// How a system answered last, as health pages show it.
#[derive(Debug, Default)]
pub struct State(Mutex<Answering>);

/// See [`State`].
#[derive(Clone, Debug, Default)]
pub struct Answering {
    /// When it last answered well.
    pub well: Option<Timestamp>,
    /// What went wrong since, and when.
    pub error: Option<(Timestamp, Error)>,
}

impl System {
    /// What a call to this system is given.
    pub fn ctx(
        &self,
        clock: &Arc<dyn Clock>,
        entropy: &Arc<dyn Entropy>,
        blobs: &Arc<dyn Blobs>,
        urgency: Urgency,
    ) -> Ctx {
        let mut trace = [0; 16];
        entropy.fill(&mut trace);
        Ctx {
            http: Arc::clone(&self.http),
            dial: Arc::clone(&self.dial),
            clock: Arc::clone(clock),
            blobs: Arc::clone(blobs),
            deadline: clock.monotonic() + self.timeout,
            urgency,
            trace,
        }
    }
}

impl State {
    /// Notes an answer.
    pub fn note<T>(&self, result: &Result<T, Error>, now: Timestamp) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match result {
            Ok(_) => *state = Answering { well: Some(now), error: None },
            Err(error) => state.error = Some((now, error.clone())),
        }
    }

    /// How it answered last.
    pub fn get(&self) -> Answering {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
