//! The planner's hands: it records a fact and folds it in the same step, so that each decision sees the last one.

use std::collections::{BTreeMap, BTreeSet};

use throughline_sdk::{Operation, SystemName};

use super::{Plan, View};
use crate::agreement::Sharing;
use crate::case::{AgreementVersion, Case, Fact, Field, Fingerprint, Health, Leg, Role};

/// One run of the planner.
#[derive(Debug)]
pub(super) struct Planner<'p> {
    pub(super) case: &'p mut Case,
    pub(super) view: &'p View<'p>,
    pub(super) plan: Plan,
    /// Counterparts that accepted just now: what they set before that counts from now on.
    pub(super) accepted: BTreeMap<SystemName, BTreeSet<Field>>,
    /// Whether the versions that decide were compared with those recorded.
    amended: bool,
}

impl<'p> Planner<'p> {
    pub(super) fn new(case: &'p mut Case, view: &'p View<'p>) -> Self {
        Self { case, view, plan: Plan::default(), accepted: BTreeMap::new(), amended: false }
    }

    /// Records a fact and folds it. Before the first decision stands under which versions it was made.
    pub(super) fn say(&mut self, fact: Fact) {
        if decides(&fact) && !std::mem::replace(&mut self.amended, true) {
            for (leg, version) in self.outdated() {
                self.record(Fact::Amended { leg, version });
            }
        }
        self.record(fact);
    }

    /// The legs whose agreement has another version now than the one they were last decided for.
    fn outdated(&self) -> Vec<(SystemName, AgreementVersion)> {
        let of = |leg: &Leg| self.view.rules.agreements.get(leg.agreement.as_ref()?)?.version.clone();
        let legs = self.case.legs.iter();
        legs.filter_map(|(name, leg)| {
            let version = of(leg).filter(|version| leg.version.as_ref() != Some(version))?;
            Some((name.clone(), version))
        })
        .collect()
    }

    fn record(&mut self, fact: Fact) {
        self.case.apply(&fact, self.view.now);
        self.plan.facts.push(fact);
    }

    /// The systems of the case, home first, so that a tie never depends on names.
    pub(super) fn home_first(&self) -> Vec<SystemName> {
        let mut names: Vec<_> = self.case.legs.iter().map(|(name, leg)| (leg.role, name.clone())).collect();
        names.sort_by_key(|(role, name)| (*role != Role::Home, name.clone()));
        names.into_iter().map(|(_, name)| name).collect()
    }

    /// The agreements in force between the legs there are now.
    pub(super) fn sharing(&self) -> Sharing<'p> {
        Sharing::of(self.view.rules, self.case, self.view.now)
    }

    /// The leg, if it is well and some agreement lets it take part.
    pub(super) fn able(&self, name: &SystemName, sharing: &Sharing<'_>) -> Option<&Leg> {
        self.case.legs.get(name).filter(|leg| leg.health == Health::Well && sharing.takes_part(name))
    }

    /// Asks for a leg to be read, unless it just was.
    pub(super) fn ask_for(&mut self, leg: &SystemName) {
        if !self.view.observations.contains_key(leg) && !self.plan.unread.contains(leg) {
            self.plan.unread.push(leg.clone());
        }
    }
}

/// Whether a fact says what becomes of something under an agreement, rather than what was read or done.
fn decides(fact: &Fact) -> bool {
    matches!(
        fact,
        Fact::Changed { .. }
            | Fact::Disputed { .. }
            | Fact::Remarked { .. }
            | Fact::RemarkWithdrawn { .. }
            | Fact::Attached { .. }
            | Fact::AttachmentWithdrawn { .. }
            | Fact::Withheld { .. }
            | Fact::Intended { .. }
            | Fact::Parked { .. }
    )
}

/// The fingerprint of an operation: the same operation is not tried again once it is parked.
pub(super) fn print_of(operation: &Operation) -> Fingerprint {
    // Serializing plain data into memory has no way to fail.
    Fingerprint::of(&serde_json::to_string(operation).unwrap_or_default())
}
