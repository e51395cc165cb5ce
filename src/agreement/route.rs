//! Routing: which agreements take a ticket in that belongs to no case yet, or is to be offered to one more party.

use std::fmt;

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

    /// Why an agreement does not route this ticket of one of its systems; `None` if it does, or has no say in it.
    pub fn refusal<'a>(
        &self,
        agreement: &'a Agreement,
        system: &SystemName,
        ticket: &Ticket,
    ) -> Option<Refusal<'a>> {
        let condition = match system {
            home if *home == agreement.home => &agreement.outbound,
            counterpart if *counterpart == agreement.counterpart => &agreement.inbound,
            _ => return None,
        };
        match condition {
            None => Some(Refusal::NeverByItself),
            Some(condition) => self.mismatch(condition, system, ticket),
        }
    }

    fn holds(&self, condition: &Condition, system: &SystemName, ticket: &Ticket) -> bool {
        self.mismatch(condition, system, ticket).is_none()
    }

    /// The first part of a condition that the ticket does not meet.
    fn mismatch<'c>(
        &self,
        condition: &'c Condition,
        system: &SystemName,
        ticket: &Ticket,
    ) -> Option<Refusal<'c>> {
        let kind = ticket.kind.as_deref().unwrap_or_default();
        if !condition.kinds.is_empty() && !condition.kinds.contains(kind) {
            return Some(Refusal::Kind);
        }
        let priority_fits = condition.priority_at_least.is_none_or(|least| {
            let words = self.systems.get(system).map(|system| &system.priority.read);
            let word = ticket.priority.as_deref().unwrap_or_default();
            words.and_then(|words| words.get(word)).is_some_and(|priority| *priority >= least)
        });
        if !priority_fits {
            return Some(Refusal::Priority);
        }
        let unfit = condition
            .fields
            .iter()
            .find(|(name, allowed)| ticket.fields.get(*name).is_none_or(|value| !allowed.contains(value)));
        if let Some((name, _)) = unfit {
            return Some(Refusal::Field(name));
        }
        let title_fits = ticket.title.to_lowercase().contains(&condition.title_contains.to_lowercase());
        (!title_fits).then_some(Refusal::Title)
    }
}

/// Why an agreement does not route a ticket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal<'a> {
    /// It has no condition for tickets of that system.
    NeverByItself,
    /// The ticket has another type.
    Kind,
    /// The ticket's priority is too low, or means nothing here.
    Priority,
    /// The ticket has another value in this custom field.
    Field(&'a str),
    /// The title lacks the wanted words.
    Title,
}

impl fmt::Display for Refusal<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NeverByItself => f.write_str("it routes no ticket of that system by itself"),
            Self::Kind => f.write_str("the ticket's type is none of those that it routes"),
            Self::Priority => f.write_str("the ticket's priority is too low, or has no meaning here"),
            Self::Field(name) => write!(f, "the ticket's field {name} has none of the values that it routes"),
            Self::Title => f.write_str("the ticket's title does not contain the words that it routes by"),
        }
    }
}
