//! The console: pages for agents, admins and auditors, made by the daemon itself. They work without script; with it they
//! stay current by themselves.

mod assets;
mod case;
mod cases;
mod entry;
mod files;
mod layout;
pub(crate) mod pieces;
mod refusal;
mod request;
pub(crate) mod words;

use axum::Router;
use axum::response::Redirect;
use axum::routing::get;

use crate::api::Api;

pub(crate) use entry::Entered;
pub(crate) use layout::{Layout, Place};
pub(crate) use refusal::Refusal;

/// The routes of the console.
pub(crate) fn router() -> Router<Api> {
    Router::new()
        .route("/", get(|| async { Redirect::to("/console/") }))
        .route("/console", get(|| async { Redirect::to("/console/") }))
        .route("/console/", get(cases::list))
        .route("/console/cases/{case}", get(case::page))
        .route("/console/cases/{case}/live", get(case::live))
        .route("/console/cases/{case}/files/{digest}", get(case::file))
        .route("/console/requests/{reference}", get(request::page))
        .route("/console/requests/{reference}/live", get(request::live))
        .route("/console/requests/{reference}/files/{digest}", get(request::file))
        .route("/console/assets/{name}", get(assets::asset))
        .layer(axum::middleware::map_response(layout::defend))
}
