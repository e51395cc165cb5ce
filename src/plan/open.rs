//! Opening and widening a case: the first leg, and every leg an agreement brings in later.

use throughline_sdk::{SystemName, Ticket};

use super::fields::First;
use super::planner::Planner;
use crate::agreement::Agreement;
use crate::case::{Fact, Role};

impl Planner<'_> {
    /// Opens the case from the one observation there is, if an agreement takes it in.
    pub(super) fn open(&mut self) {
        let mut observations = self.view.observations.iter();
        let (Some((system, ticket)), None) = (observations.next(), observations.next()) else { return };
        let routes = self.view.rules.routes(system, ticket);
        let Some(first) = routes.first() else { return };
        let from_home = routes.iter().any(|agreement| agreement.home == *system);
        self.say(Fact::Opened);
        if from_home {
            self.join(system, Role::Home, None);
        } else {
            self.join(system, Role::Counterpart, Some(first));
            self.offer(system, first, Role::Home, None);
        }
        self.read(system, ticket, First::Opening);
        if from_home {
            self.widen(system, ticket);
        } else {
            self.join(&first.home, Role::Home, None);
        }
    }

    /// Brings in each counterpart to which the home ticket is offered by now.
    pub(super) fn widen(&mut self, home: &SystemName, ticket: &Ticket) {
        let rules = self.view.rules;
        for agreement in rules.agreements.values() {
            let joined = self.case.legs.contains_key(&agreement.counterpart);
            // What is kept by hand, or was until it was claimed, is one ticket and not two.
            let by_hand = rules.claims.get(&agreement.counterpart);
            let is_kept = by_hand.is_some_and(|from| self.case.legs.contains_key(from));
            let was_kept = self.case.former.contains_key(&agreement.counterpart);
            if !(joined || is_kept || was_kept) && rules.offers(agreement, home, ticket) {
                self.join(&agreement.counterpart, Role::Counterpart, Some(agreement));
                self.offer(&agreement.counterpart, agreement, Role::Counterpart, None);
            }
        }
    }

    pub(super) fn join(&mut self, leg: &SystemName, role: Role, agreement: Option<&Agreement>) {
        let Some(system) = self.view.rules.systems.get(leg) else { return };
        self.say(Fact::Joined {
            leg: leg.clone(),
            party: system.party.clone(),
            role,
            agreement: agreement.map(|agreement| agreement.name.clone()),
            version: agreement.and_then(|agreement| agreement.version.clone()),
        });
    }
}
