//! What command line and API show of a case: a line of a list with its legs, and how a case is found by a name.

mod grants;
mod parked;
mod trace;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use throughline_sdk::{RemoteId, SystemName, TicketRef, Timestamp};

pub use grants::GrantLine;
pub use parked::{ParkedLine, ParkedPlace, parked};
pub use trace::{Event, Trace};

use crate::case::{Case, CaseId, Field, Health, OfferState, Role};
use crate::store::{self, Index};

/// One case in a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CaseLine {
    /// Its id.
    pub case: String,
    /// When it was opened.
    pub opened: Timestamp,
    /// Its title.
    pub title: String,
    /// Its status in Throughline's words.
    pub status: String,
    /// Its priority in Throughline's words.
    pub priority: String,
    /// Its legs.
    pub legs: Vec<LegLine>,
    /// What it refers to besides.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub references: Vec<ReferenceLine>,
    /// Who answers for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// Who has the ball.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub holder: Option<HolderLine>,
    /// How long each party had the ball before, in seconds.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub held_before: BTreeMap<String, u64>,
    /// What is asked for, or shown, beyond what is shared. What ended is not here.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub grants: Vec<GrantLine>,
}

/// Who has the ball.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HolderLine {
    /// The party.
    pub party: String,
    /// Where in it.
    pub level: String,
    /// Since when.
    pub since: Timestamp,
    /// Why.
    pub because: String,
}

/// An offer that a counterpart, or home, has to accept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OfferLine {
    /// `counterpart` or `home`: who has to accept.
    pub to: Role,
    /// How it stands.
    pub state: OfferState,
    /// Since when.
    pub since: Timestamp,
    /// The question, the reason, or why it was withdrawn.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub words: String,
    /// Until when an answer is due, while a clock runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub respond_by: Option<Timestamp>,
    /// Whether the clock ran out.
    pub lapsed: bool,
    /// What is not sent before it is accepted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub waiting: Vec<String>,
}

/// One leg of a case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LegLine {
    /// The system.
    #[schemars(with = "String")]
    pub system: SystemName,
    /// Whose it is.
    pub party: String,
    /// The number people use; `None` while it is being created.
    pub key: Option<String>,
    /// Where a person opens it.
    pub url: Option<String>,
    /// Well, gone or merged.
    pub health: String,
    /// Intents on their way.
    pub outstanding: usize,
    /// Items that wait for a person.
    pub parked: usize,
    /// Items that a person gave up.
    pub given_up: usize,
    /// Since when its portal is silent, if our agents keep it by hand and that is for longer than it may be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub silent_since: Option<Timestamp>,
    /// The offer, where one has to be accepted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offer: Option<OfferLine>,
}

/// An announcement that a case refers to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ReferenceLine {
    /// The system that announces.
    #[schemars(with = "String")]
    pub system: SystemName,
    /// The number people use.
    pub key: String,
    /// Its title.
    pub title: String,
    /// Where a person opens it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Its status, in the system's own words.
    pub status: String,
    /// Nobody works on it any more.
    pub over: bool,
    /// When it last changed there.
    pub updated: Timestamp,
}

/// The case with this id, or the case of the ticket with this name (`SYSTEM:KEY` or `SYSTEM:ID`).
///
/// # Errors
///
/// When the store cannot be read.
pub fn find(index: &Index, name: &str) -> Result<Option<Case>, store::Error> {
    if let Ok(case) = name.parse::<CaseId>() {
        return index.case(case);
    }
    let Some((system, key)) = name.split_once(':') else { return Ok(None) };
    let system = SystemName::new(system);
    let case = match index.case_of_key(&system, key)? {
        Some(case) => Some(case),
        None => {
            let id = RemoteId::new(key);
            index.case_of_ticket(&TicketRef::new(system, id))?
        }
    };
    match case {
        Some(case) => index.case(case),
        None => Ok(None),
    }
}

impl CaseLine {
    /// What a list shows of `case`.
    pub fn of(case: &Case) -> Self {
        let field = |field: Field| {
            case.document.fields.get(&field).map(|field| field.value.clone()).unwrap_or_default()
        };
        Self {
            case: case.id.to_string(),
            opened: case.opened,
            title: field(Field::Title),
            status: field(Field::Status),
            priority: field(Field::Priority),
            legs: case
                .legs
                .iter()
                .map(|(system, leg)| LegLine {
                    system: system.clone(),
                    party: leg.party.to_string(),
                    key: leg.key.clone().or_else(|| leg.ticket.as_ref().map(ToString::to_string)),
                    url: leg.url.clone(),
                    health: match &leg.health {
                        Health::Well => "well".to_owned(),
                        Health::Gone => "gone".to_owned(),
                        Health::Merged { into } => format!("merged into {into}"),
                    },
                    outstanding: leg.outstanding.len(),
                    parked: leg.parked.values().filter(|parked| !parked.discarded).count(),
                    given_up: leg.parked.values().filter(|parked| parked.discarded).count(),
                    silent_since: None,
                    offer: leg.offer.as_ref().map(|offer| OfferLine {
                        to: offer.to,
                        state: offer.state,
                        since: offer.since,
                        words: offer.words.clone(),
                        respond_by: offer.respond_by,
                        lapsed: offer.lapsed,
                        waiting: offer.waiting.iter().map(ToString::to_string).collect(),
                    }),
                })
                .collect(),
            references: case
                .references
                .known
                .iter()
                .map(|reference| ReferenceLine {
                    system: reference.ticket.system.clone(),
                    key: reference.key.clone(),
                    title: reference.title.clone(),
                    url: reference.url.clone(),
                    status: reference.status.clone(),
                    over: reference.over,
                    updated: reference.updated,
                })
                .collect(),
            owner: case.custody.owner.as_ref().map(ToString::to_string),
            holder: case.custody.holder.as_ref().map(|holder| HolderLine {
                party: holder.party.to_string(),
                level: holder.level.word().to_owned(),
                since: holder.since,
                because: holder.because.clone(),
            }),
            held_before: case
                .custody
                .held
                .iter()
                .map(|(party, millis)| (party.to_string(), millis / 1000))
                .collect(),
            grants: GrantLine::standing(case),
        }
    }
}
