//! What one party was shown of a case, and what it said itself: that and nothing else.

use std::collections::BTreeSet;

use throughline_sdk::{IntentId, SystemName};

use super::Error;
use super::proven::Proven;
use crate::case::{Fact, PartyName};
use crate::ledger::{Log, Opened};

/// The parts of the records that are about the party's own legs, with proofs for exactly these.
pub(super) fn shown(log: &Log, records: &[Opened], party: &PartyName) -> Result<Vec<Proven>, Error> {
    let legs = legs(records, party);
    if legs.is_empty() {
        return Err(Error::Stranger { party: party.clone() });
    }
    let effected = effected(records);
    let mut all = Vec::new();
    for opened in records {
        let (mut items, mut unproven) = (Vec::new(), Vec::new());
        for (part, item) in &opened.parts {
            let counts = part.after.as_ref().is_none_or(|intent| effected.contains(intent));
            if !legs.contains(&part.leg) || !counts {
                continue;
            }
            match item {
                Some(item) => items.push(item),
                None => unproven.push(part.json.as_slice()),
            }
        }
        if !items.is_empty() || !unproven.is_empty() {
            all.push(Proven::some(log, opened, &items, &unproven)?);
        }
    }
    Ok(all)
}

/// The systems in which the party holds a ticket of the case, or held one.
fn legs(records: &[Opened], party: &PartyName) -> BTreeSet<SystemName> {
    let mut legs = BTreeSet::new();
    for fact in records.iter().flat_map(|opened| &opened.record.facts) {
        if let Fact::Joined { leg, party: whose, .. } = fact
            && whose == party
        {
            legs.insert(leg.clone());
        }
        if let Fact::Claimed(claim) = fact
            && legs.contains(&claim.from)
        {
            legs.insert(claim.to.clone());
        }
    }
    legs
}

/// The intents that took effect.
fn effected(records: &[Opened]) -> BTreeSet<IntentId> {
    let facts = records.iter().flat_map(|opened| &opened.record.facts);
    facts
        .filter_map(|fact| if let Fact::Effected { intent, .. } = fact { Some(intent.clone()) } else { None })
        .collect()
}
