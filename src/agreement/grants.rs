//! What an agreement says of grants: what may be asked for, who approves it, and how long it may last.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use throughline_sdk::{SystemName, Visibility};

use super::Kind;
use crate::case::{Case, Field, Grant, Granted, Origin, Priority, Role};

/// What a counterpart may be shown beyond what is shared, case by case. By default nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grants {
    /// What may be asked for at all.
    pub may_ask: BTreeSet<Askable>,
    /// The role in which a person approves; `None`: nobody can.
    pub approved_by: Option<String>,
    /// From this priority on, as home has it, nobody has to approve.
    pub at_once_from: Option<Priority>,
    /// How long one may last.
    pub longest: Duration,
}

/// Something that may be asked for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Askable {
    /// A field.
    Field(Field),
    /// Comments that only home's staff may read, all or one.
    InternalComments,
    /// Home's files, all that are public or one.
    Files,
    /// An anonymized copy of an environment.
    Environment,
}

impl Grants {
    /// Whether nothing may be asked for.
    pub(super) fn are_none(&self) -> bool {
        self.may_ask.is_empty()
    }

    /// Whether this may be asked for.
    pub fn name(&self, what: &Granted) -> bool {
        self.may_ask.contains(&Askable::of(what))
    }

    /// The priority from which nobody has to approve this, where the request has reached it.
    ///
    /// The priority counts only as home set it: a counterpart does not approve its own asking. What has to be looked
    /// at first waits for a person: a file that is not known to be public, an environment without a reference.
    pub fn approve(&self, grant: &Grant, case: &Case) -> Option<Priority> {
        let from = self.at_once_from?;
        let field = case.document.fields.get(&Field::Priority)?;
        let by_home = case.legs.get(&field.from).is_some_and(|leg| leg.role == Role::Home);
        let reached = Priority::from_word(&field.value).is_some_and(|priority| priority >= from);
        let clear = match &grant.what {
            Granted::File(origin) => {
                let file = case.document.attachments.get(origin);
                file.is_some_and(|file| !file.withdrawn && !file.internal)
            }
            Granted::Environment => grant.environment.is_some(),
            Granted::Field(_) | Granted::InternalComments | Granted::Comment(_) | Granted::Files => true,
        };
        (by_home && reached && clear).then_some(from)
    }
}

impl Grant {
    /// Whether it shows this, which was said at `origin` and may be read by those there.
    pub fn covers(&self, kind: Kind, visibility: Visibility, origin: &Origin) -> bool {
        match (&self.what, kind, visibility) {
            (Granted::InternalComments, Kind::Comments, Visibility::Internal)
            | (Granted::Files, Kind::Files, Visibility::Public) => true,
            (Granted::Comment(one), Kind::Comments, Visibility::Internal)
            | (Granted::File(one), Kind::Files, Visibility::Public | Visibility::Internal) => one == origin,
            (
                Granted::Field(_)
                | Granted::InternalComments
                | Granted::Comment(_)
                | Granted::Files
                | Granted::File(_)
                | Granted::Environment,
                Kind::Comments | Kind::Files,
                _,
            ) => false,
        }
    }

    /// Whether it shows this field.
    pub fn covers_field(&self, field: &Field) -> bool {
        matches!(&self.what, Granted::Field(one) if one == field)
    }

    /// Whether it shows something to this leg.
    pub fn is_for(&self, leg: &SystemName) -> bool {
        self.leg == *leg
    }
}

impl Askable {
    /// What has to be named for this.
    pub fn of(what: &Granted) -> Self {
        match what {
            Granted::Field(field) => Self::Field(field.clone()),
            Granted::InternalComments | Granted::Comment(_) => Self::InternalComments,
            Granted::Files | Granted::File(_) => Self::Files,
            Granted::Environment => Self::Environment,
        }
    }
}

impl fmt::Display for Askable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Field(field) => write!(f, "{field}"),
            Self::InternalComments => f.write_str("internal comments"),
            Self::Files => f.write_str("files"),
            Self::Environment => f.write_str("environment"),
        }
    }
}

impl FromStr for Askable {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(match text {
            "internal comments" => Self::InternalComments,
            "files" => Self::Files,
            "environment" => Self::Environment,
            field => Self::Field(
                field.parse().map_err(|_why: String| format!("{text:?} is nothing that can be asked for"))?,
            ),
        })
    }
}
