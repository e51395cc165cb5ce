//! The console: pages for agents, admins and auditors, made by the daemon itself. They work without script; with it they
//! stay current by themselves.

mod accounts;
mod agreements;
mod assets;
mod case;
mod cases;
mod connections;
mod drift;
mod entry;
mod files;
mod layout;
mod login;
mod parked;
pub(crate) mod pieces;
mod record;
mod refusal;
mod request;
#[cfg(test)]
mod tests;
pub(crate) mod words;

use axum::http::Method;
use axum::response::Redirect;

use crate::api::Routes;

pub(crate) use entry::Entered;
pub(crate) use layout::{Layout, Place, form_token};
pub(crate) use refusal::Refusal;
#[cfg(test)]
pub(crate) use request::whole as request_shown;

/// The routes of the console.
pub(crate) fn routes() -> Routes {
    Routes::new()
        .open(&Method::GET, "/", || async { Redirect::to("/console/") })
        .open(&Method::GET, "/console", || async { Redirect::to("/console/") })
        .get("/console/", cases::list)
        .get("/console/cases/{case}", case::page)
        .get("/console/cases/{case}/live", case::live)
        .get("/console/cases/{case}/files/{digest}", case::file)
        .get("/console/cases/{case}/evidence", record::evidence)
        .get("/console/requests/{reference}", request::page)
        .get("/console/requests/{reference}/live", request::live)
        .get("/console/requests/{reference}/files/{digest}", request::file)
        .open(&Method::GET, "/console/assets/{name}", assets::asset)
        .open(&Method::GET, "/console/login", login::page)
        .open(&Method::POST, "/console/login", login::log_in)
        .open(&Method::GET, "/console/login/oidc", login::depart)
        .open(&Method::GET, "/console/login/callback", login::arrive)
        .post("/console/logout", login::log_out)
        .get("/console/accounts", accounts::page)
        .post("/console/accounts", accounts::add)
        .post("/console/accounts/{account}/{verb}", accounts::change)
        .post("/console/tokens", accounts::issue)
        .post("/console/tokens/{token}/revoke", accounts::revoke)
        .post("/console/sessions/{session}/end", accounts::end_session)
        .get("/console/parked", parked::list)
        .get("/console/parked/item", parked::show)
        .post("/console/parked/retry", parked::retry)
        .post("/console/parked/edit", parked::edit)
        .post("/console/parked/discard", parked::discard)
        .get("/console/connections", connections::list)
        .get("/console/connections/{name}", connections::show)
        .post("/console/connections/{name}/pause", connections::pause)
        .post("/console/connections/{name}/resume", connections::resume)
        .get("/console/configuration", connections::configuration)
        .post("/console/configuration/reload", connections::load_anew)
        .get("/console/drift", drift::show)
        .post("/console/drift", drift::look)
        .post("/console/drift/stop", drift::stop)
        .post("/console/drift/repair", drift::repair)
        .get("/console/agreements", agreements::list)
        .get("/console/agreements/{name}", agreements::show)
        .get("/console/agreements/{name}/workbench", agreements::bench)
        .post("/console/agreements/{name}/workbench", agreements::try_draft)
        .get("/console/record", record::page)
        .with(|routes| routes.layer(axum::middleware::map_response(layout::defend)))
}
