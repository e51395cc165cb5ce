//! One connected ticket system at run time: its connector, its HTTP plane, and whether it answers.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::NaiveDate;
use throughline_sdk::http::{Authentication, Transport};
use throughline_sdk::layer::Circuit;
use throughline_sdk::{
    Blobs, Capabilities, Clock, Ctx, Dial, DynConnector, Entropy, Error, SystemName, Timestamp, Urgency,
};

use super::Budget;
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
    /// What is left of its rate.
    pub budget: Arc<Budget>,
    /// How we show it who we are.
    pub credentials: Credentials,
}

/// How we show a system who we are.
#[derive(Clone, Copy, Debug)]
pub struct Credentials {
    /// The sort, in words.
    pub how: &'static str,
    /// Until when they are good, as the configuration says.
    pub expire: Option<NaiveDate>,
}

impl Default for Credentials {
    fn default() -> Self {
        Self { how: "none: the system asks for none", expire: None }
    }
}

impl Credentials {
    /// Those of this authentication, good until `expire` as far as is known.
    pub fn of(authentication: &Authentication, expire: Option<NaiveDate>) -> Self {
        let how = match authentication {
            Authentication::None => return Self { expire, ..Self::default() },
            Authentication::Header { .. } => "a key in a header field",
            Authentication::Basic { .. } => "an account with a password",
            Authentication::Bearer(_) => "a token",
            Authentication::Hmac { .. } => "a signature under a shared secret",
            Authentication::Login { .. } => "a person's login, which is renewed with each use",
            Authentication::ClientCredentials { .. } => {
                "a client with a secret, for tokens that are renewed by themselves"
            }
        };
        Self { how, expire }
    }
}

/// How a system answered last, as health pages show it.
#[derive(Debug, Default)]
pub struct State {
    answering: Mutex<Answering>,
    traffic: Mutex<Traffic>,
}

/// When something last came from a system.
#[derive(Clone, Copy, Debug, Default)]
pub struct Traffic {
    /// Its change feed was read.
    pub polled: Option<Timestamp>,
    /// Its change feed brought something.
    pub moved: Option<Timestamp>,
    /// A webhook of it was taken.
    pub webhook: Option<Timestamp>,
}

/// See [`State`].
#[derive(Clone, Debug, Default)]
pub struct Answering {
    /// When it last answered well.
    pub well: Option<Timestamp>,
    /// What went wrong since, and when.
    pub error: Option<(Timestamp, Error)>,
}

impl System {
    /// Goes on over the connection of `before`, which leads to the same place in the same way.
    pub(super) fn stay_connected(&mut self, before: &Self) {
        self.connector = Arc::clone(&before.connector);
        self.circuit = Arc::clone(&before.circuit);
        self.http = Arc::clone(&before.http);
        self.dial = Arc::clone(&before.dial);
        self.budget = Arc::clone(&before.budget);
        let (answering, traffic) = (before.state.get(), before.state.traffic());
        self.state = State { answering: Mutex::new(answering), traffic: Mutex::new(traffic) };
    }

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
        let mut state = self.answering.lock().unwrap_or_else(PoisonError::into_inner);
        match result {
            Ok(_) => *state = Answering { well: Some(now), error: None },
            Err(error) => state.error = Some((now, error.clone())),
        }
    }

    /// How it answered last.
    pub fn get(&self) -> Answering {
        self.answering.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Notes that something came.
    pub(crate) fn came(&self, note: impl FnOnce(&mut Traffic)) {
        note(&mut self.traffic.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// When something last came.
    pub fn traffic(&self) -> Traffic {
        *self.traffic.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
