//! What becomes of a grant: each state is entered from those that lead to it, and from no other.

use throughline_sdk::SystemName;

use crate::case::{Approval, Case, Ended, Environment, Fact, Grant, GrantId, GrantState, Granted};

impl Case {
    pub(super) fn grant_asked(&mut self, fact: &Fact) {
        let Fact::GrantAsked {
            grant,
            leg,
            what,
            purpose,
            until,
            by,
            party_asks,
            public_if_must,
            environment,
        } = fact
        else {
            return;
        };
        self.grants.entry(*grant).or_insert_with(|| Grant {
            leg: leg.clone(),
            what: what.clone(),
            purpose: purpose.clone(),
            until: *until,
            by: by.clone(),
            party_asks: *party_asks,
            public_if_must: *public_if_must,
            environment: environment.clone(),
            state: GrantState::Asked,
            opened: false,
            approval: None,
            ended: None,
        });
    }

    pub(super) fn grant_approved(
        &mut self,
        grant: GrantId,
        approval: &Approval,
        environment: Option<&Environment>,
    ) {
        let Some(grant) = self.grant_mut(grant, |state| state == GrantState::Asked) else { return };
        grant.state = GrantState::Approved;
        grant.approval = Some(approval.clone());
        if let Some(environment) = environment {
            grant.environment = Some(environment.clone());
        }
    }

    pub(super) fn grant_opened(&mut self, grant: GrantId, leg: &SystemName) {
        let Some(grant) = self.grant_mut(grant, |state| state == GrantState::Approved) else { return };
        grant.state = GrantState::Open;
        grant.opened = true;
        if let Granted::Field(field) = &grant.what {
            let field = field.to_string();
            self.released(leg, &field);
        }
    }

    pub(super) fn grant_refused(&mut self, grant: GrantId, by: &str, reason: &str) {
        let Some(grant) = self.grant_mut(grant, |state| state == GrantState::Asked) else { return };
        grant.state = GrantState::Refused;
        grant.ended = Some(Ended { by: by.to_owned(), reason: reason.to_owned() });
    }

    pub(super) fn grant_revoked(&mut self, grant: GrantId, by: &str, reason: &str) {
        let Some(grant) = self.grant_mut(grant, |state| !state.is_over()) else { return };
        grant.state = GrantState::Revoked;
        grant.ended = Some(Ended { by: by.to_owned(), reason: reason.to_owned() });
    }

    pub(super) fn grant_expired(&mut self, grant: GrantId) {
        let Some(grant) = self.grant_mut(grant, |state| !state.is_over()) else { return };
        grant.state = GrantState::Expired;
    }

    fn grant_mut(&mut self, id: GrantId, fits: fn(GrantState) -> bool) -> Option<&mut Grant> {
        self.grants.get_mut(&id).filter(|grant| fits(grant.state))
    }
}
