//! Decide: lift each leg's changes into the canonical document, project the document onto every other leg. Pure.
//!
//! Level-triggered: planning again with the same observations says nothing.

mod attachments;
mod claim;
mod comments;
mod custody;
mod decide;
mod doubt;
mod fields;
mod files;
mod grants;
mod links;
mod merge;
mod native;
mod offers;
mod open;
mod planner;
mod project;
mod recall;
mod refer;
mod remarks;
mod require;
mod seen;
mod telling;
#[cfg(test)]
pub(crate) mod tests;
mod verdict;

use std::collections::{BTreeMap, BTreeSet};

use ring::hmac;
use throughline_sdk::{Capabilities, IntentId, Marker, SystemName, Ticket, Timestamp};

use crate::agreement::{Pseudonyms, Rules, Unnamed};
use crate::case::{Case, CaseId, Fact, Fingerprint, Item, Origin, Outstanding};

pub use attachments::{Passage, wanted_file};
pub use claim::{Twins, twins};
pub use refer::refer;

pub(crate) use doubt::stands_unmarked;
pub(crate) use native::value_in;
use planner::Planner;
pub use seen::{Known, Post, Posted, Seen, SeenEvent, SeenFile, SeenGrant, SeenOffer, Side};
pub use verdict::{Foresight, Outcome, Verdict, foresee, verdict};

pub use grants::{Decision, GrantAct, GrantAsk, Unfit, act_on_grant};
pub(crate) use recall::objection;

/// Decides what follows from what was read, and folds every fact it returns into `case`.
///
/// A case without legs is opened from the one observation there is; if no agreement takes that ticket in, the
/// plan is empty. Always terminates; its cost grows with the observations and the case only.
pub fn plan(case: &mut Case, view: &View<'_>) -> Plan {
    let mut planner = Planner::new(case, view);
    if planner.case.legs.is_empty() {
        planner.open();
    } else {
        for leg in planner.home_first() {
            planner.observe(&leg);
        }
        if planner.follow_grants() {
            for leg in planner.home_first() {
                planner.observe(&leg);
            }
        }
    }
    planner.follow_offers();
    planner.concern();
    planner.account();
    for leg in planner.home_first() {
        planner.recall(&leg);
    }
    planner.recall_links();
    for leg in planner.home_first() {
        planner.project(&leg);
    }
    planner.let_go();
    planner.plan
}

/// The marker of a write: the same for the same input under the same key, and telling nothing without it.
///
/// `version` is 1 for what is written once, the remark's version for a comment.
pub fn marker(key: &MarkerKey, case: CaseId, leg: &SystemName, item: &Item, version: u32) -> Marker {
    let mut context = hmac::Context::with_key(&key.0);
    for part in [case.to_string(), leg.to_string(), item.to_string(), version.to_string()] {
        // The length keeps "ab", "c" and "a", "bc" apart.
        context.update(part.len().to_string().as_bytes());
        context.update(b":");
        context.update(part.as_bytes());
    }
    let mut hash = [0; 32];
    for (to, from) in hash.iter_mut().zip(context.sign().as_ref()) {
        *to = *from;
    }
    Marker::from_hash(&hash)
}

/// What stands in `parked.want` when this intent is parked: as long as the planner wants the same, it does not
/// try again.
pub fn want(standing: &Outstanding) -> Fingerprint {
    match (&standing.item, &standing.value) {
        (Item::Field(_), Some(value)) => value.clone(),
        _ => planner::print_of(&standing.intent.operation),
    }
}

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
    /// The pseudonyms there are.
    pub names: &'a Pseudonyms,
    /// The moment of planning.
    pub now: Timestamp,
}

/// What the planner decided: facts, already folded into the case.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Plan {
    /// In the order they have to be recorded.
    pub facts: Vec<Fact>,
    /// Legs that must be read, and the plan made again, before everything can be projected: a comment's text is
    /// needed that is kept nowhere but there.
    pub unread: Vec<SystemName>,
    /// Files whose bytes must be read and stored, and the plan made again, before they can be attached.
    pub unstored: Vec<Origin>,
    /// Values that must be given a pseudonym, and the plan made again, before what they stand in can be sent.
    pub unnamed: Vec<Unnamed>,
    /// Files that must be looked through for a leg, and the plan made again, before they can be attached there.
    pub unprepared: Vec<(SystemName, Origin)>,
}

/// The key under which markers are hashed. The same input always gives the same marker.
#[derive(Clone, Debug)]
pub struct MarkerKey(pub hmac::Key);
