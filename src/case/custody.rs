//! Custody: who answers for a case, who is to resolve it, who has the ball, and for how long each has had it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use throughline_sdk::{SystemName, Timestamp};

use super::PartyName;

/// Who answers for a case and who has the ball. From its opening on there is exactly one of each.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Custody {
    /// The system whose ticket opened the case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opener: Option<SystemName>,
    /// The party that is accountable for the request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<PartyName>,
    /// The party that is to resolve it, where a rule names one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resolver: Option<Resolver>,
    /// Who has the ball.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub holder: Option<Holder>,
    /// How long each party had it before, in milliseconds.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub held: BTreeMap<PartyName, u64>,
}

/// A party that is to resolve a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resolver {
    /// The party.
    pub party: PartyName,
    /// Where in it.
    pub level: Level,
}

/// Who has the ball.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// The party.
    pub party: PartyName,
    /// Where in it.
    pub level: Level,
    /// Since when. Never before the holder before it.
    pub since: Timestamp,
    /// Why, in words.
    pub because: String,
}

/// A level of support.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// A user who helps others.
    SuperUser,
    /// The helpdesk.
    Helpdesk,
    /// The team behind an application.
    ApplicationTeam,
    /// A partner.
    Partner,
    /// The vendor of a product.
    Vendor,
}

impl Custody {
    /// Whether nothing is known yet.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// How long each party has had the ball until `now`, in milliseconds. Their sum is the age of the case.
    pub fn held_until(&self, now: Timestamp) -> BTreeMap<PartyName, u64> {
        let mut held = self.held.clone();
        if let Some(holder) = &self.holder {
            add(&mut held, &holder.party, holder.since, now);
        }
        held
    }

    /// Hands the ball on.
    pub(super) fn hand_to(&mut self, next: Holder) {
        if let Some(before) = self.holder.take() {
            add(&mut self.held, &before.party, before.since, next.since);
        }
        self.holder = Some(next);
    }
}

/// Counted in whole milliseconds since 1970, so that spans that follow each other add up to the span of all.
fn add(held: &mut BTreeMap<PartyName, u64>, party: &PartyName, from: Timestamp, to: Timestamp) {
    let span = to.timestamp_millis().saturating_sub(from.timestamp_millis());
    let sum = held.entry(party.clone()).or_default();
    *sum = sum.saturating_add(u64::try_from(span).unwrap_or_default());
}

impl Level {
    /// All, nearest to the user first.
    pub const ALL: [Self; 5] =
        [Self::SuperUser, Self::Helpdesk, Self::ApplicationTeam, Self::Partner, Self::Vendor];

    /// The word in configuration and ledger.
    pub fn word(self) -> &'static str {
        match self {
            Self::SuperUser => "super_user",
            Self::Helpdesk => "helpdesk",
            Self::ApplicationTeam => "application_team",
            Self::Partner => "partner",
            Self::Vendor => "vendor",
        }
    }

    /// The level with this word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|level| level.word() == word)
    }
}
