//! How the desk misbehaves, decided by seeded dice so that every run repeats.

use std::time::Duration;

/// What goes wrong, and how often in a hundred requests. The default is a desk without faults.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Faults {
    /// Writes that get no answer and take effect `commit_delay` later.
    pub late_commit: u8,
    /// How much later.
    pub commit_delay: Duration,
    /// Requests that are carried out and get no answer.
    pub drop_reply: u8,
    /// Requests refused with 429.
    pub rate_limit: u8,
    /// What 429 and 503 ask to wait, in whole seconds.
    pub retry_after: Duration,
    /// Requests refused with 503, half of them after they were carried out.
    pub unavailable: u8,
    /// Answers cut in the middle.
    pub truncate: u8,
    /// Writes answered with success and not done.
    pub ignore_write: u8,
    /// How far the search for a marker lags behind.
    pub find_lag: Duration,
    /// How far the list of changes lags behind.
    pub feed_lag: Duration,
    /// Text is trimmed, its white space collapsed and its line ends turned into CRLF.
    pub normalise_text: bool,
    /// Times are cut to whole seconds.
    pub coarse_clock: bool,
    /// Steps that the workflow refuses, from status to status.
    pub refused_transitions: Vec<(String, String)>,
    /// Webhooks that are never sent.
    pub lose_webhook: u8,
    /// Webhooks that are sent twice.
    pub double_webhook: u8,
    /// Webhooks that are sent before the one in front of them.
    pub reorder_webhook: u8,
}

/// Marks an answer that never reaches the caller: over TCP its body breaks off, in process a transport turns it
/// into a lost reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DroppedReply;

/// Seeded dice (the `SplitMix64` generator).
#[derive(Clone, Debug)]
pub struct Dice(u64);

impl Dice {
    /// Dice that always fall the same way for a seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// True `percent` times in a hundred.
    pub fn hit(&mut self, percent: u8) -> bool {
        percent > 0 && self.next() % 100 < u64::from(percent)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^ (word >> 31)
    }
}

/// What a careless desk makes of a text.
pub(super) fn normalise(text: &str) -> String {
    let lines = text.trim().lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "));
    lines.collect::<Vec<_>>().join("\r\n")
}
