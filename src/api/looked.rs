//! Who looked at what, for auditors.

use axum::extract::State;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use throughline_sdk::Timestamp;

use super::Api;
use super::access::May;
use super::answer::Done;
use super::ask::{Asked, Body};
use super::cases::read;
use super::page::{Cursor, Limit, Page};
use super::problem::Problem;
use crate::case::{CaseId, PartyName, Seen};
use crate::identity::{Audit, Identity};
use crate::ledger::Position;
use crate::store::Looked;

/// Somebody looked at something.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
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
    #[schemars(with = "Option<String>")]
    pub(crate) party: Option<PartyName>,
    /// Where it was recorded.
    pub(crate) record: u64,
}

/// Which looks are meant.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct LookedAsked {
    /// Only at this case, as `TL-1042`.
    #[serde(default)]
    #[schemars(regex(pattern = "^(TL|tl)-[0-9]{1,19}$"))]
    case: Option<String>,
    /// How many items at most.
    #[serde(default)]
    limit: Limit,
    /// Where the page begins, as `next` of the page before says.
    #[serde(default)]
    cursor: Option<Cursor>,
}

/// What is taken out of the data directory.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Exported {
    /// Only this case, as `TL-1042`; without it, all there is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = "^(TL|tl)-[0-9]{1,19}$"))]
    pub(crate) case: Option<String>,
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
    query: Asked<LookedAsked>,
) -> Result<Page<LookedLine>, Problem> {
    let case = query.asked.case.as_deref().map(str::parse::<CaseId>).transpose();
    let case = case.map_err(|why| Problem::bad_parameter("case", why))?;
    let before: Option<u64> = query.asked.cursor.as_ref().map(Cursor::place).transpose()?;
    let limit = query.asked.limit;
    let looked = read(&api, move |index| index.looked(case, before.map(Position), limit.items() + 1)).await?;
    let lines = looked.iter().map(|looked| LookedLine::of(looked, &api.identity)).collect();
    query.cut(lines, limit, |line| line.record)
}

/// Records that the ledger, or one case's part of it, is read from the data directory itself.
pub(super) async fn exported(
    State(api): State<Api>,
    may: May<Audit>,
    Body(Exported { case }): Body<Exported>,
) -> Result<Done, Problem> {
    let case = case.as_deref().map(str::parse::<CaseId>).transpose();
    let case = case.map_err(|why| Problem::bad_member("/case", why))?;
    let looked = api.identity.looks(&may.principal, Seen::Export, case, None).await;
    looked.map_err(|error| Problem::internal(&error))?;
    Ok(Done)
}
