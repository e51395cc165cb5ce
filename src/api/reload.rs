//! The configuration loaded anew, and when that was done before.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;

use super::Api;
use super::access::May;
use super::cases::read;
use super::problem::Problem;
use crate::daemon::reload::Refused;
use crate::identity::{Administer, Look, Principal};
use crate::store::{Index, Reconfigured};

/// Every reload, the oldest first.
pub(super) async fn history(
    State(api): State<Api>,
    _: May<Look>,
) -> Result<Json<Vec<Reconfigured>>, Problem> {
    Ok(Json(read(&api, Index::reconfigured).await?))
}

pub(super) async fn ask(State(api): State<Api>, may: May<Administer>) -> Result<Json<Reconfigured>, Problem> {
    reload(&api, &may.principal).await.map(Json)
}

/// Has the configuration loaded anew.
pub(crate) async fn reload(api: &Api, by: &Principal) -> Result<Reconfigured, Problem> {
    let Some(answer) = api.bridge.shared().reloads.ask(by.name.clone()).await else {
        let detail = "this daemon stops just now, or has no configuration file that it could load again";
        return Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, detail));
    };
    answer.map_err(|refused| {
        let status = match refused {
            Refused::Wrong(_) | Refused::Fixed(_) | Refused::Assembly(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Refused::Busy => StatusCode::SERVICE_UNAVAILABLE,
            Refused::Ledger(_) => StatusCode::INTERNAL_SERVER_ERROR,
        };
        Problem::new(status, refused.to_string().trim_end())
    })
}
