//! The console: pages for agents, admins and auditors, made by the daemon itself. They work without script; with it they
//! stay current by themselves.

mod assets;
mod cases;
mod entry;
mod layout;
pub(crate) mod pieces;
mod refusal;
#[cfg_attr(not(test), expect(dead_code, reason = "the pages that show whole texts follow"))]
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
        .route("/console/assets/{name}", get(assets::asset))
        .layer(axum::middleware::map_response(layout::defend))
}
