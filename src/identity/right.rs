//! What a route asks of whoever calls it.

use super::Role;

/// A right: a type, so that a route names it in its signature.
pub trait Right: Send + Sync + 'static {
    /// Its word, in problems and in the published description of the interface.
    const NAME: &'static str;

    /// Whether a role has it.
    fn has(role: &Role) -> bool;
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

/// To take evidence and to see who looked at what: auditors and admins.
#[derive(Debug)]
pub struct Audit;

/// To change how the bridge works: admins.
#[derive(Debug)]
pub struct Administer;

impl Right for Visit {
    const NAME: &'static str = "visit";

    fn has(role: &Role) -> bool {
        match role {
            Role::Guest(_) | Role::Agent | Role::Auditor | Role::Admin => true,
        }
    }
}

impl Right for Look {
    const NAME: &'static str = "look";

    fn has(role: &Role) -> bool {
        matches!(role, Role::Agent | Role::Auditor | Role::Admin)
    }
}

impl Right for Operate {
    const NAME: &'static str = "operate";

    fn has(role: &Role) -> bool {
        matches!(role, Role::Agent | Role::Admin)
    }
}

impl Right for Audit {
    const NAME: &'static str = "audit";

    fn has(role: &Role) -> bool {
        matches!(role, Role::Auditor | Role::Admin)
    }
}

impl Right for Administer {
    const NAME: &'static str = "administer";

    fn has(role: &Role) -> bool {
        matches!(role, Role::Admin)
    }
}
