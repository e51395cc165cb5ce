//! Grants beside a running daemon: asked for, approved, refused, revoked and listed.
//!
//! Who acts is recorded as they say: whoever holds the admin token can say any name and role.

use axum::Json;
use axum::extract::rejection::{JsonRejection, PathRejection};
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use throughline_sdk::Timestamp;
use tokio::sync::oneshot;

use super::Api;
use super::access::May;
use super::cases::{named, read};
use super::problem::Problem;
use super::view::GrantLine;
use crate::case::{CaseId, Environment, GrantId, Granted};
use crate::deliver::Nudge;
use crate::identity::{Look, Operate};
use crate::plan::{Decision, GrantAct, GrantAsk, Unfit};

/// What is asked for.
#[derive(Debug, Serialize, Deserialize)]
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

/// What is decided.
#[derive(Debug, Serialize, Deserialize)]
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
    case: Result<Path<String>, PathRejection>,
) -> Result<Json<Vec<GrantLine>>, Problem> {
    let case = named(&api, &case?).await?;
    Ok(Json(GrantLine::all(&case)))
}

pub(super) async fn ask(
    State(api): State<Api>,
    _: May<Operate>,
    case: Result<Path<String>, PathRejection>,
    ask: Result<Json<Ask>, JsonRejection>,
) -> Result<(StatusCode, Json<GrantLine>), Problem> {
    let case = named(&api, &case?).await?.id;
    let Json(Ask { party, what, purpose, until, by, party_asks, public_if_must, environment }) = ask?;
    let what: Granted = what.parse().map_err(|why: String| Problem::new(StatusCode::BAD_REQUEST, why))?;
    let ask = GrantAsk { party, what, purpose, until, by, party_asks, public_if_must, environment };
    Ok((StatusCode::CREATED, Json(act(&api, case, GrantAct::Ask(ask)).await?)))
}

pub(super) async fn decide(
    State(api): State<Api>,
    _: May<Operate>,
    place: Result<Path<(String, String, String)>, PathRejection>,
    decided: Result<Json<Decided>, JsonRejection>,
) -> Result<Json<GrantLine>, Problem> {
    let Path((case, grant, verb)) = place?;
    let Json(Decided { by, role, reason, environment }) = decided?;
    let bad = |why: String| Problem::new(StatusCode::BAD_REQUEST, why);
    let grant: GrantId = grant.parse().map_err(bad)?;
    let reason = || reason.clone().ok_or_else(|| bad("say why, under `reason`".to_owned()));
    let decision = match verb.as_str() {
        "approve" => {
            let role = role.ok_or_else(|| bad("say in which role, under `role`".to_owned()))?;
            Decision::Approve { role, environment }
        }
        "refuse" => Decision::Refuse { reason: reason()? },
        "revoke" => Decision::Revoke { reason: reason()? },
        _ => return Err(super::problem::not_found().await),
    };
    let case = named(&api, &case).await?.id;
    Ok(Json(act(&api, case, GrantAct::Decide { grant, by, decision }).await?))
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
