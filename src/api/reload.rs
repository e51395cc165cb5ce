//! The configuration loaded anew, and when that was done before.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;

use super::Api;
use super::access::May;
use super::ask::Asked;
use super::cases::{Paging, read};
use super::page::{self, Page};
use super::problem::Problem;
use crate::daemon::reload::Refused;
use crate::identity::{Administer, Look, Principal};
use crate::store::{Index, Reconfigured};

/// Every reload, the oldest first.
pub(super) async fn history(
    State(api): State<Api>,
    _: May<Look>,
    query: Asked<Paging>,
) -> Result<Page<Reconfigured>, Problem> {
    let all = read(&api, Index::reconfigured).await?;
    page::of_all(&query, query.asked.limit, query.asked.cursor.as_ref(), all)
}

pub(super) async fn ask(State(api): State<Api>, may: May<Administer>) -> Result<Json<Reconfigured>, Problem> {
    reload(&api, &may.principal).await.map(Json)
}

/// Has the configuration loaded anew.
pub(crate) async fn reload(api: &Api, by: &Principal) -> Result<Reconfigured, Problem> {
    let reloads = &api.bridge.shared().reloads;
    if reloads.path().is_none() {
        let detail = "this daemon was started without a configuration file that it could load again";
        return Err(Problem::new(StatusCode::CONFLICT, detail));
    }
    let Some(answer) = reloads.ask(by.name.clone()).await else {
        return Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, "this daemon stops just now"));
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
