//! What a route asks of whoever calls it.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Role;

/// A right: a type, so that a route names it in its signature.
pub trait Right: Send + Sync + 'static {
    /// Its name, in problems and in the published description of the interface.
    const NAME: RightName;

    /// Whether a role has it.
    fn has(role: &Role) -> bool {
        Self::NAME.is_of(role)
    }
}

/// The name of a right.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RightName {
    /// To see what one's own party may see.
    Visit,
    /// To see all of home's view.
    Look,
    /// To act on cases.
    Operate,
    /// To take evidence: of everything, or a guest of its own party's view.
    Prove,
    /// To see who looked at what.
    Audit,
    /// To change how the bridge works.
    Administer,
}

impl RightName {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Visit, Self::Look, Self::Operate, Self::Prove, Self::Audit, Self::Administer];

    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Visit => "visit",
            Self::Look => "look",
            Self::Operate => "operate",
            Self::Prove => "prove",
            Self::Audit => "audit",
            Self::Administer => "administer",
        }
    }

    /// The right of this word.
    pub fn of(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|right| right.word() == word)
    }

    /// Whether a role has it.
    pub fn is_of(self, role: &Role) -> bool {
        match self {
            Self::Visit => match role {
                Role::Guest(_) | Role::Agent | Role::Auditor | Role::Admin => true,
            },
            Self::Look => matches!(role, Role::Agent | Role::Auditor | Role::Admin),
            Self::Operate => matches!(role, Role::Agent | Role::Admin),
            Self::Prove => matches!(role, Role::Guest(_) | Role::Auditor | Role::Admin),
            Self::Audit => matches!(role, Role::Auditor | Role::Admin),
            Self::Administer => matches!(role, Role::Admin),
        }
    }
}

impl fmt::Display for RightName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// To see what one's own party may see: everybody who is known.
#[derive(Debug)]
pub struct Visit;

/// To see all of home's view: agents, auditors, admins.
#[derive(Debug)]
pub struct Look;

/// To act on cases (retry, discard, ask for a reading, grants): agents and admins.
#[derive(Debug)]
pub struct Operate;

/// To take evidence: auditors and admins of everything, a guest of its own party's view.
#[derive(Debug)]
pub struct Prove;

/// To see who looked at what: auditors and admins.
#[derive(Debug)]
pub struct Audit;

/// To change how the bridge works: admins.
#[derive(Debug)]
pub struct Administer;

impl Right for Visit {
    const NAME: RightName = RightName::Visit;
}

impl Right for Look {
    const NAME: RightName = RightName::Look;
}

impl Right for Operate {
    const NAME: RightName = RightName::Operate;
}

impl Right for Prove {
    const NAME: RightName = RightName::Prove;
}

impl Right for Audit {
    const NAME: RightName = RightName::Audit;
}

impl Right for Administer {
    const NAME: RightName = RightName::Administer;
}
