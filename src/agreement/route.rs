//! Routing: which agreements take a ticket in that belongs to no case yet, or is to be offered to one more party.

use throughline_sdk::{SystemName, Ticket};

use super::{Agreement, Condition, Rules};

impl Rules {
    /// The agreements that take this unlinked ticket in: offered from home, or accepted from a counterpart.
    pub fn routes(&self, system: &SystemName, ticket: &Ticket) -> Vec<&Agreement> {
        self.agreements
            .values()
            .filter(|agreement| {
                self.offers(agreement, system, ticket) || self.accepts(agreement, system, ticket)
            })
            .collect()
    }

    /// Whether the home ticket is offered to the agreement's counterpart.
    pub(crate) fn offers(&self, agreement: &Agreement, system: &SystemName, ticket: &Ticket) -> bool {
        agreement.home == *system && self.routed(agreement.outbound.as_ref(), agreement, system, ticket)
    }

    /// Whether the counterpart's ticket is taken in at home.
    pub(crate) fn accepts(&self, agreement: &Agreement, system: &SystemName, ticket: &Ticket) -> bool {
        agreement.counterpart == *system && self.routed(agreement.inbound.as_ref(), agreement, system, ticket)
    }

    fn routed(
        &self,
        condition: Option<&Condition>,
        agreement: &Agreement,
        system: &SystemName,
        ticket: &Ticket,
    ) -> bool {
        agreement.home != agreement.counterpart
            && self.systems.contains_key(&agreement.home)
            && self.systems.contains_key(&agreement.counterpart)
            && condition.is_some_and(|condition| self.holds(condition, system, ticket))
    }

    pub(super) fn holds(&self, condition: &Condition, system: &SystemName, ticket: &Ticket) -> bool {
        let kind = ticket.kind.as_deref().unwrap_or_default();
        let kind_fits = condition.kinds.is_empty() || condition.kinds.contains(kind);
        let priority_fits = condition.priority_at_least.is_none_or(|least| {
            let words = self.systems.get(system).map(|system| &system.priority.read);
            let word = ticket.priority.as_deref().unwrap_or_default();
            words.and_then(|words| words.get(word)).is_some_and(|priority| *priority >= least)
        });
        let fields_fit = condition
            .fields
            .iter()
            .all(|(name, allowed)| ticket.fields.get(name).is_some_and(|value| allowed.contains(value)));
        let title_fits = ticket.title.to_lowercase().contains(&condition.title_contains.to_lowercase());
        kind_fits && priority_fits && fields_fit && title_fits
    }
}
