//! Decide: lift each leg's changes into the canonical document, project the document onto every other leg. Pure.

use std::collections::{BTreeMap, BTreeSet};

use throughline_sdk::{Capabilities, IntentId, SystemName, Ticket, Timestamp};

use crate::agreement::Rules;
use crate::case::{Fact, Origin};

/// What the planner is told about the world besides the case.
#[derive(Debug)]
pub struct View<'a> {
    /// The agreements in force.
    pub rules: &'a Rules,
    /// What each system can do.
    pub capabilities: &'a BTreeMap<SystemName, Capabilities>,
    /// Tickets of the case's legs as just read, whole.
    pub observations: &'a BTreeMap<SystemName, Ticket>,
    /// The key of the markers.
    pub markers: &'a MarkerKey,
    /// Doubtful intents that may be decided by these observations: no attempt can take effect any more.
    pub settled: &'a BTreeSet<IntentId>,
    /// The moment of planning.
    pub now: Timestamp,
}

/// What the planner decided: facts, already folded into the case it returns.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Plan {
    /// In the order they have to be recorded.
    pub facts: Vec<Fact>,
    /// Legs that must be read, and the plan made again, before everything can be projected: a comment's text is
    /// needed that is kept nowhere but there.
    pub unread: Vec<SystemName>,
    /// Files whose bytes must be read and stored, and the plan made again, before they can be attached.
    pub unstored: Vec<Origin>,
}

/// The key under which markers are hashed. The same input always gives the same marker.
#[derive(Debug)]
pub struct MarkerKey(pub ring::hmac::Key);
