//! The operation plane: what stands between the engine and a connector, whatever its kind.

mod breaker;
mod checked;
mod retried;
mod turnstile;

use std::sync::Arc;

pub use breaker::{Breaker, Circuit, CircuitState};
pub use checked::Checked;
pub use retried::Retried;
pub use turnstile::Turnstile;

use crate::{Clock, DynConnector, Entropy};

/// A connector inside its operation plane.
#[derive(Clone, Debug)]
pub struct Guarded {
    /// What the engine calls.
    pub connector: Arc<dyn DynConnector>,
    /// What health and metrics look at.
    pub circuit: Arc<Circuit>,
}

/// Wraps a connector in the operation plane. One per system: the circuit and the line before the turnstile are the
/// system's. `at_once` operations are under way at the same time.
///
/// No layer drops a running call: the deadline travels in the [`Ctx`](crate::Ctx), and a call is awaited to
/// its end.
pub fn guarded(
    connector: Arc<dyn DynConnector>,
    at_once: usize,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
) -> Guarded {
    let circuit = Arc::new(Circuit::new(Arc::clone(&clock), Arc::clone(&entropy)));
    // Innermost: a hiccup that a second try cures is no failure to the circuit.
    let retried: Arc<dyn DynConnector> = Arc::new(Retried::new(connector, Arc::clone(&clock), entropy));
    // Around the retry: while the circuit is open, nothing is tried at all.
    let broken: Arc<dyn DynConnector> = Arc::new(Breaker::new(retried, Arc::clone(&circuit)));
    // Around the circuit: who has waited here while it opened is refused at once instead of trying in turn. Around
    // the retry as well: an operation keeps its turn until it is over, or others would come between its tries.
    let in_turn: Arc<dyn DynConnector> = Arc::new(Turnstile::new(broken, at_once, clock));
    // Outermost: what needs no call to be refused must neither wait nor count against the system.
    Guarded { connector: Arc::new(Checked::new(in_turn)), circuit }
}

#[cfg(test)]
mod tests;
