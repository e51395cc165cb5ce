//! Responsibility: which party, at which level of support, is to resolve a request, and who answers for it. Pure.

use std::collections::BTreeMap;

use throughline_sdk::{SystemName, Ticket};

use super::{Expression, Rules};
use crate::case::{Level, PartyName};

/// Who is to resolve what.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Responsibility {
    /// The rules, in order: the first that holds decides.
    pub rules: Vec<Rule>,
    /// The level of a party, where it is configured.
    pub levels: BTreeMap<PartyName, Level>,
}

/// Which party is to resolve the requests for which a condition holds.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    /// Its name.
    pub name: String,
    /// When it holds, for home's ticket, or for the one that opens the case.
    pub when: Expression,
    /// The party that is to resolve.
    pub party: PartyName,
    /// Where in it; `None`: where that party usually is.
    pub level: Option<Level>,
    /// The party that is accountable; `None`: home.
    pub owner: Option<PartyName>,
}

impl Rules {
    /// The first rule that says who is to resolve this ticket.
    pub(crate) fn responsible(&self, system: &SystemName, ticket: &Ticket) -> Option<&Rule> {
        let subject = self.subject(system, ticket);
        // Where the ticket has no value for what a rule asks for, the rule says nothing.
        self.responsibility.rules.iter().find(|rule| rule.when.evaluate(&subject) == Ok(true))
    }

    /// The level of a party: as configured, or that of a helpdesk at home and of a partner elsewhere.
    pub(crate) fn level(&self, party: &PartyName, home: bool) -> Level {
        let usual = if home { Level::Helpdesk } else { Level::Partner };
        self.responsibility.levels.get(party).copied().unwrap_or(usual)
    }
}
