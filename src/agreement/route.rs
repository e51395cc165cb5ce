//! Routing: which agreements take a ticket in that belongs to no case yet, or is to be offered to one more party.

use throughline_sdk::{SystemName, Ticket};

use super::{Agreement, Expression, Rules, Subject};

/// What an agreement says to a ticket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Routed {
    /// It goes over to the other side.
    Goes,
    /// It stays: the condition does not hold, or there is none.
    Stays,
    /// It stays, because the ticket has no value for something that the condition asks for: said in words.
    Unclear(String),
}

impl Rules {
    /// The agreements that take this unlinked ticket in: offered from home, or accepted from a counterpart.
    pub fn routes(&self, system: &SystemName, ticket: &Ticket) -> Vec<&Agreement> {
        self.agreements
            .values()
            .filter(|agreement| self.routed(agreement, system, ticket) == Some(Routed::Goes))
            .collect()
    }

    /// Why no agreement takes this ticket in, in words.
    pub fn unrouted(&self, system: &SystemName, ticket: &Ticket) -> String {
        let mut reason = "no agreement routes it".to_owned();
        for agreement in self.agreements.values() {
            if let Some(Routed::Unclear(why)) = self.routed(agreement, system, ticket) {
                reason.push_str(&format!("; by the agreement {} it is unclear: {why}", agreement.name));
            }
        }
        reason
    }

    /// Whether the home ticket is offered to the agreement's counterpart.
    pub(crate) fn offers(&self, agreement: &Agreement, system: &SystemName, ticket: &Ticket) -> bool {
        agreement.home == *system && self.routed(agreement, system, ticket) == Some(Routed::Goes)
    }

    /// What an agreement says to a ticket of a system; `None` if it is not about that system.
    pub fn routed(&self, agreement: &Agreement, system: &SystemName, ticket: &Ticket) -> Option<Routed> {
        let condition = if agreement.home == *system {
            agreement.outbound.as_ref()
        } else if agreement.counterpart == *system {
            agreement.inbound.as_ref()
        } else {
            return None;
        };
        let complete = agreement.home != agreement.counterpart
            && self.systems.contains_key(&agreement.home)
            && self.systems.contains_key(&agreement.counterpart);
        Some(match condition {
            Some(condition) if complete => holds(condition, &self.subject(system, ticket)),
            Some(_) | None => Routed::Stays,
        })
    }

    /// A ticket as conditions see it. A field without a value is not there.
    pub fn subject<'t>(&'t self, system: &'t SystemName, ticket: &'t Ticket) -> Subject<'t> {
        let rules = self.systems.get(system);
        let priority = ticket.priority.as_deref();
        let filled = ticket.fields.iter().filter(|(_, value)| !value.is_empty());
        Subject {
            title: &ticket.title,
            description: &ticket.description,
            status: rules.and_then(|rules| rules.status.read.get(&ticket.status)).copied(),
            priority: rules.and_then(|rules| rules.priority.read.get(priority?)).copied(),
            kind: ticket.kind.as_deref().filter(|kind| !kind.is_empty()),
            fields: filled.map(|(name, value)| (name.as_str(), value.as_str())).collect(),
            system: system.as_str(),
            party: rules.map(|rules| rules.party.0.as_str()).unwrap_or_default(),
        }
    }
}

fn holds(condition: &Expression, subject: &Subject<'_>) -> Routed {
    match condition.evaluate(subject) {
        Ok(true) => Routed::Goes,
        Ok(false) => Routed::Stays,
        Err(unevaluated) => Routed::Unclear(unevaluated.to_string()),
    }
}
