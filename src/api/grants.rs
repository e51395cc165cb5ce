//! Grants beside a running daemon: asked for, approved, refused, revoked and listed.
//!
//! Who acts is recorded as they say: whoever holds the admin token can say any name and role.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use throughline_sdk::Timestamp;
use tokio::sync::oneshot;

use super::Api;
use super::access::May;
use super::answer::{Created, Meant};
use super::ask::{Asked, Body, Named};
use super::cases::{CaseName, Paging, named, read};
use super::page::{self, Page};
use super::problem::Problem;
use super::view::GrantLine;
use crate::case::{CaseId, Environment, GrantId, Granted};
use crate::deliver::Nudge;
use crate::identity::{Look, Operate};
use crate::plan::{Decision, GrantAct, GrantAsk, Unfit};

/// What is asked for.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Ask {
    /// The party, or its system.
    pub(crate) party: String,
    /// What it is to be shown.
    pub(crate) what: String,
    /// What for.
    pub(crate) purpose: String,
    /// Until when.
    pub(crate) until: Timestamp,
    /// Who asks.
    pub(crate) by: String,
    /// The party asks itself; else home offers it.
    #[serde(default)]
    pub(crate) party_asks: bool,
    /// Where the party's desk has nothing internal, it may be shown in public there.
    #[serde(default)]
    pub(crate) public_if_must: bool,
    /// The copy of an environment that is meant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) environment: Option<Environment>,
}

/// Which grant, and what becomes of it.
#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct GrantName {
    /// The case's id, as `TL-1042`, or one of its tickets, as `SYSTEM:KEY`.
    #[schemars(extend("format" = "case"))]
    case: String,
    /// The grant's number in the case, as `G3`.
    grant: String,
    /// What becomes of it.
    verb: GrantVerb,
}

/// What becomes of a grant.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum GrantVerb {
    Approve,
    Refuse,
    Revoke,
}

/// What is decided.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Decided {
    /// Who decides.
    pub(crate) by: String,
    /// In which role something is approved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) role: Option<String>,
    /// Why something is refused or revoked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<String>,
    /// The copy of an environment that is meant, where the asking did not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) environment: Option<Environment>,
}

pub(super) async fn list(
    State(api): State<Api>,
    _: May<Look>,
    Named(CaseName { case }): Named<CaseName>,
    query: Asked<Paging>,
) -> Result<Page<GrantLine>, Problem> {
    let case = named(&api, &case).await?;
    page::of_all(&query, query.asked.limit, query.asked.cursor.as_ref(), GrantLine::all(&case))
}

pub(super) async fn ask(
    State(api): State<Api>,
    _: May<Operate>,
    Named(CaseName { case }): Named<CaseName>,
    meant: Meant,
    Body(ask): Body<Ask>,
) -> Result<Created<GrantLine>, Problem> {
    let case = named(&api, &case).await?;
    meant.holds(&case)?;
    let Ask { party, what, purpose, until, by, party_asks, public_if_must, environment } = ask;
    let what: Granted = what.parse().map_err(|why: String| Problem::bad_member("/what", why))?;
    let ask = GrantAsk { party, what, purpose, until, by, party_asks, public_if_must, environment };
    Ok(Created(act(&api, case.id, GrantAct::Ask(ask)).await?))
}

pub(super) async fn decide(
    State(api): State<Api>,
    _: May<Operate>,
    Named(GrantName { case, grant, verb }): Named<GrantName>,
    meant: Meant,
    Body(Decided { by, role, reason, environment }): Body<Decided>,
) -> Result<Json<GrantLine>, Problem> {
    let missing = |why: String| Problem::new(StatusCode::NOT_FOUND, why);
    let grant: GrantId = grant.parse().map_err(missing)?;
    let reason = || reason.clone().ok_or_else(|| Problem::bad_member("/reason", "say why, under `reason`"));
    let decision = match verb {
        GrantVerb::Approve => {
            let role = role.ok_or_else(|| Problem::bad_member("/role", "say in which role, under `role`"))?;
            Decision::Approve { role, environment }
        }
        GrantVerb::Refuse => Decision::Refuse { reason: reason()? },
        GrantVerb::Revoke => Decision::Revoke { reason: reason()? },
    };
    let case = named(&api, &case).await?;
    meant.holds(&case)?;
    Ok(Json(act(&api, case.id, GrantAct::Decide { grant, by, decision }).await?))
}

/// Has the case's lane do it, which sees the case as it is by then.
async fn act(api: &Api, case: CaseId, act: GrantAct) -> Result<GrantLine, Problem> {
    let shared = api.bridge.shared();
    let (done, decided) = oneshot::channel();
    shared.lanes.nudge_case(shared, case, Nudge::Grant { act: Box::new(act), done });
    let grant = decided
        .await
        .map_err(|_closed| Problem::new(StatusCode::SERVICE_UNAVAILABLE, "the bridge is stopping"))?
        .map_err(|unfit| match unfit {
            Unfit::Unknown(why) => Problem::new(StatusCode::NOT_FOUND, why),
            Unfit::Forbidden(why) => Problem::new(StatusCode::FORBIDDEN, why),
            Unfit::Conflict(why) => Problem::new(StatusCode::CONFLICT, why),
        })?;
    let erased = || Problem::new(StatusCode::NOT_FOUND, format!("{case} is not there any more"));
    let case = read(api, move |index| index.case(case)).await?.ok_or_else(erased)?;
    let standing = case.grants.get(&grant).ok_or_else(erased)?;
    Ok(GrantLine::of(&case, grant, standing))
}
