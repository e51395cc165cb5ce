//! What the bridge would do with a ticket now, and why, without doing it.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use throughline_sdk::SystemName;

use super::Api;
use super::access::May;
use super::ask::Named;
use super::explain::{Explanation, PartyLines};
use super::problem::Problem;
use super::view::Trace;
use crate::deliver::{Preview, Unseen};
use crate::identity::Operate;
use crate::ledger::{Position, Record, fact_word};

/// What the bridge would do with a ticket now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Planned {
    /// The ticket as it was asked for.
    pub ticket: String,
    /// Its case; `None` if it belongs to none.
    pub case: Option<String>,
    /// The agreements that route it, where it belongs to no case yet: by these a case would be opened.
    pub opened_by: Vec<String>,
    /// The agreements of its system that do not route it, where it belongs to no case.
    pub unrouted: Vec<Unrouted>,
    /// The tickets that were read for this.
    pub read: Vec<String>,
    /// The tickets that could not be read, though they are needed.
    pub unread: Vec<Unread>,
    /// What would be recorded and sent, in order.
    pub steps: Vec<Step>,
    /// What would become of everything, for each party.
    pub parties: Vec<PartyLines>,
}

/// An agreement that does not route the ticket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Unrouted {
    /// Its name.
    pub agreement: String,
    /// Why not.
    pub reason: String,
}

/// A ticket that could not be read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Unread {
    /// Its system.
    #[schemars(with = "String")]
    pub system: SystemName,
    /// Why not.
    pub reason: String,
}

/// One thing that would happen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Step {
    /// Where.
    #[schemars(with = "Option<String>")]
    pub system: Option<SystemName>,
    /// The sort: seen, decided, withheld, intended or parked.
    pub what: String,
    /// In words.
    pub text: String,
}

/// Which ticket.
#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct TicketName {
    /// A ticket, as `SYSTEM:KEY`, or a case, as `TL-1042`.
    #[schemars(extend("format" = "ticket"))]
    ticket: String,
}

pub(super) async fn plan(
    State(api): State<Api>,
    _: May<Operate>,
    Named(TicketName { ticket }): Named<TicketName>,
) -> Result<Json<Planned>, Problem> {
    let preview = api.bridge.shared().preview(&ticket).await.map_err(problem)?;
    Ok(Json(planned(&api, ticket, preview)))
}

pub(super) fn problem(unseen: Unseen) -> Problem {
    match unseen {
        Unseen::Unnamed(_) | Unseen::Unknown(_) | Unseen::Missing(..) => {
            Problem::new(StatusCode::NOT_FOUND, unseen.to_string())
        }
        Unseen::Paused(..) => Problem::new(StatusCode::CONFLICT, unseen.to_string()),
        Unseen::Unread(..) => Problem::new(StatusCode::BAD_GATEWAY, unseen.to_string()),
        Unseen::Ledger(error) => Problem::internal(&error),
    }
}

fn planned(api: &Api, ticket: String, preview: Preview) -> Planned {
    let shared = api.bridge.shared();
    let Preview { known, foresight, facts, routes, refusals, read, unread, tickets: _ } = preview;
    let case = &foresight.case;
    let record = Record {
        position: Position(0),
        seq: 0,
        at: shared.clock.now(),
        case: None,
        prev: None,
        words: facts.iter().map(|fact| fact_word(fact).to_owned()).collect(),
        facts,
        erased: false,
    };
    let steps = Trace::of(case, std::slice::from_ref(&record)).events;
    let explanation = Explanation::of(case, &shared.rules, foresight.verdicts, &[]);
    Planned {
        ticket,
        case: known.map(|case| case.to_string()),
        opened_by: routes.iter().map(ToString::to_string).collect(),
        unrouted: refusals
            .into_iter()
            .map(|(agreement, reason)| Unrouted { agreement: agreement.to_string(), reason })
            .collect(),
        read: read.iter().map(ToString::to_string).collect(),
        unread: unread.into_iter().map(|(system, reason)| Unread { system, reason }).collect(),
        steps: steps
            .into_iter()
            .map(|event| Step { system: event.system, what: event.what, text: event.text })
            .collect(),
        parties: explanation.parties,
    }
}
