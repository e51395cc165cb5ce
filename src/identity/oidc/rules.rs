//! Who may enter with what the provider says of them.

use std::collections::BTreeMap;

use super::claims::Claims;
use super::{Error, Role};
use crate::case::PartyName;

/// From values of one claim to roles. Whoever has none does not enter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rules {
    /// The claim that is looked at, such as `groups`.
    pub claim: String,
    /// The values that make an admin.
    pub admin: Vec<String>,
    /// The values that make an agent.
    pub agent: Vec<String>,
    /// The values that make an auditor.
    pub auditor: Vec<String>,
    /// The values that make a guest, by party.
    pub guests: BTreeMap<PartyName, Vec<String>>,
}

impl Rules {
    /// The claim that is looked at.
    pub(super) fn claim(&self) -> &str {
        &self.claim
    }

    /// The first role of admin, agent and auditor that somebody has; else whose guest they are, if of one party only.
    pub(super) fn role(&self, claims: &Claims) -> Result<Role, Error> {
        let has = |values: &[String]| values.iter().any(|value| claims.holds(&self.claim, value));
        let roles = [(&self.admin, Role::Admin), (&self.agent, Role::Agent), (&self.auditor, Role::Auditor)];
        if let Some((_, role)) = roles.into_iter().find(|(values, _)| has(values)) {
            return Ok(role);
        }
        let mut parties = self.guests.iter().filter(|(_, values)| has(values)).map(|(party, _)| party);
        match (parties.next(), parties.next()) {
            (Some(party), None) => Ok(Role::Guest(party.clone())),
            (None, _) => Err(Error::NoRole(claims.name().to_owned())),
            (Some(_), Some(_)) => {
                let why = "you would be a guest of two parties, and it cannot be told whose view to show";
                Err(Error::Provider(why.to_owned()))
            }
        }
    }
}
