//! What the bench's processes say to each other: one JSON line each way, over standard input and output.

use serde::{Deserialize, Serialize};

/// A part is up.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Up {
    /// Where it listens.
    pub(super) address: String,
}

/// What the load generator is to do.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Order {
    /// Whose desks: each bridge and relay has its own.
    pub(super) world: String,
    /// Host and port of whoever takes the webhooks.
    pub(super) target: String,
    /// How many tickets are linked.
    pub(super) linked: u64,
    /// How many events there were before: this run goes on with other tickets than the last one, which may be cached.
    pub(super) first: u64,
    /// Events on their way at the same time.
    pub(super) concurrency: u64,
    /// Events per second; as many as it takes if there is none.
    pub(super) rate: Option<u32>,
    /// How long, after a second of warming up.
    pub(super) seconds: u32,
    /// The secret the webhooks are signed with.
    pub(super) secret: String,
}

/// What came of it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Outcome {
    /// Events sent, whatever became of them, with the time of warming up.
    pub(super) sent: u64,
    /// Webhooks acknowledged, of those.
    pub(super) taken: u32,
    /// Events per second, from the first to the last of the measured ones.
    pub(super) per_second: f64,
    /// From webhook sent to write received, in milliseconds.
    pub(super) p50: f64,
    /// The same.
    pub(super) p99: f64,
    /// The same.
    pub(super) p999: f64,
    /// Webhooks that were refused.
    pub(super) refused: u32,
    /// Writes that did not come within ten seconds.
    pub(super) lost: u32,
    /// Writes beyond the one that each event asks for.
    pub(super) extra: u32,
    /// The first refusal or failure, in words.
    pub(super) trouble: Option<String>,
}
