//! Who looked at what, for auditors.

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use throughline_sdk::Timestamp;

use super::Api;
use super::access::May;
use super::cases::{PAGE, parse_case, read};
use super::problem::Problem;
use crate::case::{PartyName, Seen};
use crate::identity::{Audit, Identity};
use crate::ledger::Position;
use crate::store::Looked;

/// Somebody looked at something.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct LookedLine {
    /// When.
    pub(crate) at: Timestamp,
    /// The id of the account or token.
    pub(crate) who: String,
    /// What it is called, as long as anybody knows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) name: Option<String>,
    /// What it was.
    pub(crate) what: Seen,
    /// The case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) case: Option<String>,
    /// As whose view, if not home's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) party: Option<PartyName>,
    /// Where it was recorded: what is asked for with `before` goes on from there.
    pub(crate) record: u64,
}

/// Which looks are meant.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LookedQuery {
    case: Option<String>,
    before: Option<u64>,
    limit: Option<usize>,
}

impl LookedLine {
    pub(crate) fn of(looked: &Looked, identity: &Identity) -> Self {
        let look = &looked.look;
        Self {
            at: look.at,
            who: look.who.0.clone(),
            name: identity.name_of(&look.who),
            what: look.what,
            case: look.case.map(|case| case.to_string()),
            party: look.party.clone(),
            record: looked.position.0,
        }
    }
}

/// The latest first. Also of cases that were erased.
pub(super) async fn list(
    State(api): State<Api>,
    _: May<Audit>,
    query: Result<Query<LookedQuery>, QueryRejection>,
) -> Result<Json<Vec<LookedLine>>, Problem> {
    let Query(query) = query?;
    let case = query.case.as_deref().map(parse_case).transpose()?;
    let before = query.before.map(Position);
    let limit = query.limit.unwrap_or(PAGE).min(PAGE);
    if limit == 0 {
        return Err(Problem::new(StatusCode::BAD_REQUEST, "a page has at least one line"));
    }
    let looked = read(&api, move |index| index.looked(case, before, limit)).await?;
    Ok(Json(looked.iter().map(|looked| LookedLine::of(looked, &api.identity)).collect()))
}
