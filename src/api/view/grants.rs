//! What command line and API show of grants: a line for each, and their part of the story.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use throughline_sdk::{SystemName, Timestamp};

use crate::case::{Approval, Case, Ended, Environment, Fact, Grant, GrantId, GrantState};

/// One grant of a case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GrantLine {
    /// Its number in the case: `G3`.
    pub grant: String,
    /// The counterpart's system.
    #[schemars(with = "String")]
    pub system: SystemName,
    /// The counterpart.
    pub party: String,
    /// What is shown, as it is asked for.
    pub what: String,
    /// What for.
    pub purpose: String,
    /// Until when.
    pub until: Timestamp,
    /// How it stands.
    pub state: GrantState,
    /// Who asked for it, as they said.
    pub by: String,
    /// Whether the counterpart asked itself.
    pub party_asks: bool,
    /// Whether it is shown in public where the counterpart's desk has nothing internal.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub public_if_must: bool,
    /// By what it was approved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval: Option<Approval>,
    /// Who refused or revoked it, and why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<Ended>,
    /// The copy of an environment that is meant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<Environment>,
}

impl GrantLine {
    /// One grant of `case`.
    pub fn of(case: &Case, id: GrantId, grant: &Grant) -> Self {
        let party = case.legs.get(&grant.leg).map(|leg| leg.party.to_string());
        Self {
            grant: id.to_string(),
            system: grant.leg.clone(),
            party: party.unwrap_or_default(),
            what: grant.what.to_string(),
            purpose: grant.purpose.clone(),
            until: grant.until,
            state: grant.state,
            by: grant.by.clone(),
            party_asks: grant.party_asks,
            public_if_must: grant.public_if_must,
            approval: grant.approval.clone(),
            ended: grant.ended.clone(),
            environment: grant.environment.clone(),
        }
    }

    /// All grants of `case`, those that ended too.
    pub fn all(case: &Case) -> Vec<Self> {
        case.grants.iter().map(|(id, grant)| Self::of(case, *id, grant)).collect()
    }

    /// The grants of `case` that did not end.
    pub fn standing(case: &Case) -> Vec<Self> {
        let standing = case.grants.iter().filter(|(_, grant)| !grant.state.is_over());
        standing.map(|(id, grant)| Self::of(case, *id, grant)).collect()
    }

    /// It in one line.
    pub fn words(&self) -> String {
        let Self { grant, party, what, state, .. } = self;
        format!("{grant} {}: {party}, {what}, until {}", state.word(), moment(self.until))
    }
}

/// What a fact about a grant tells.
pub(super) struct Told<'f> {
    pub(super) leg: &'f SystemName,
    pub(super) what: &'static str,
    pub(super) who: Option<&'f str>,
    pub(super) text: String,
}

/// What a fact tells about a grant, if it is about one.
pub(super) fn told(fact: &Fact) -> Option<Told<'_>> {
    let (leg, what, who, text) = if let Fact::GrantAsked { grant, leg, what, purpose, until, by, .. } = fact {
        let how = if let Fact::GrantAsked { party_asks: true, .. } = fact { "asked for" } else { "offered" };
        let until = moment(*until);
        let text = format!("grant {grant} is {how}: to show {what} until {until}, for: {purpose}");
        (leg, "asked", Some(by), text)
    } else if let Fact::GrantApproved { grant, leg, approval, environment } = fact {
        let copy = environment.as_ref().map(|it| format!("; the copy is {}", it.label)).unwrap_or_default();
        let (who, how) = match approval {
            Approval::Role { role, by } => (Some(by), format!("in the role {role:?}")),
            Approval::Policy { from } => {
                (None, format!("by the agreement, as the priority is {} or higher", from.word()))
            }
        };
        (leg, "approved", who, format!("grant {grant} is approved {how}{copy}"))
    } else if let Fact::GrantRefused { grant, leg, by, reason } = fact {
        (leg, "refused", Some(by), format!("grant {grant} is refused: {reason}"))
    } else if let Fact::GrantOpened { grant, leg } = fact {
        (leg, "granted", None, format!("grant {grant} is open: what it names is shown here from now on"))
    } else if let Fact::GrantRevoked { grant, leg, by, reason } = fact {
        (leg, "revoked", Some(by), format!("grant {grant} is revoked: {reason}"))
    } else if let Fact::GrantExpired { grant, leg } = fact {
        (leg, "expired", None, format!("grant {grant} is over: its time has come"))
    } else {
        return None;
    };
    Some(Told { leg, what, who: who.map(String::as_str), text })
}

fn moment(at: Timestamp) -> String {
    at.format("%Y-%m-%dT%H:%M:%SZ").to_string()
}
