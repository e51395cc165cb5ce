//! What the daemon serves over HTTP: webhooks, health, metrics, and the interface of the command line.

mod access;
pub(crate) mod accounts;
mod cases;
mod doors;
pub mod drift;
mod erasure;
pub mod explain;
pub(crate) mod grants;
mod health;
mod inert;
pub mod parked;
pub mod preview;
mod problem;
pub(crate) mod reference;
pub(crate) mod reload;
pub(crate) mod routes;
mod serve;
pub mod sharing;
pub mod systems;
pub mod tmf621;
pub mod view;
mod webhooks;
pub mod workbench;

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post};

pub(crate) use access::FromOwnPage;
pub use access::May;
pub(crate) use cases::PAGE;
pub use doors::{Doors, Shut};
pub(crate) use erasure::{Because, Forget, Forgotten};
pub(crate) use inert::inert;
pub(crate) use problem::Problem;
pub(crate) use routes::Routes;
pub use serve::{Bounds, serve};

use crate::console;
use crate::daemon::Bridge;
use crate::identity::Identity;

/// The largest webhook taken, in bytes.
const WEBHOOK_BYTES: usize = 4 * 1024 * 1024;

/// What the routes share.
#[derive(Clone, Debug)]
pub(crate) struct Api {
    pub(crate) bridge: Bridge,
    pub(crate) identity: Arc<Identity>,
}

/// All routes of a running bridge. Under `/api/` and `/console/` callers are whom `identity` knows.
pub fn router(bridge: Bridge, identity: impl Into<Arc<Identity>>) -> Router {
    let api = Api { bridge, identity: identity.into() };
    let watched = |routes: Router<Api>| routes.layer(from_fn_with_state(api.clone(), access::watch));
    let faces = tmf621::router(api.bridge.shared());
    let sharing = sharing::router(api.bridge.shared());
    Router::new()
        .route("/webhooks/{system}", post(webhooks::take).layer(DefaultBodyLimit::max(WEBHOOK_BYTES)))
        .route(
            "/webhooks/{system}/listener/{event}",
            post(webhooks::take_event).layer(DefaultBodyLimit::max(WEBHOOK_BYTES)),
        )
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready))
        .route("/metrics", get(health::metrics))
        .merge(watched(routes().into_router()))
        .merge(faces)
        .merge(sharing)
        .fallback(problem::not_found)
        .method_not_allowed_fallback(problem::not_allowed)
        .with_state(api)
}

/// Everything under `/api/` and `/console/`, with the right that each route asks for.
pub(crate) fn routes() -> Routes {
    Routes::new().nest("/api/v1", interface()).merge(console::routes())
}

/// The interface of programs and of the command line.
fn interface() -> Routes {
    Routes::new()
        .get("/cases", cases::list)
        .get("/cases/{case}", cases::show)
        .get("/cases/{case}/grants", grants::list)
        .post("/cases/{case}/grants", grants::ask)
        .post("/cases/{case}/grants/{grant}/{verb}", grants::decide)
        .get("/trace/{name}", cases::trace)
        .get("/explain/{name}", explain::explain)
        .post("/plan/{name}", preview::plan)
        .get("/parked", cases::parked)
        .get("/parked/item", parked::show)
        .post("/parked/retry", parked::retry)
        .post("/parked/edit", parked::edit)
        .post("/parked/discard", parked::discard)
        .post("/refresh/{name}", cases::refresh)
        .get("/reference", reference::list)
        .post("/reference", reference::enter)
        .post("/reference/claim", reference::claim)
        .post("/cases/{case}/erase", erasure::erase)
        .post("/forget", erasure::forget)
        .get("/erasures", erasure::list)
        .get("/systems", systems::list)
        .get("/systems/{name}", systems::show)
        .post("/systems/{name}/pause", systems::pause)
        .post("/systems/{name}/resume", systems::resume)
        .post("/workbench", workbench::show)
        .get("/drift", drift::show)
        .post("/drift", drift::begin)
        .post("/drift/stop", drift::stop)
        .post("/drift/repair", drift::repair)
        .get("/reload", reload::history)
        .post("/reload", reload::ask)
        .get("/agreements", cases::agreements)
        .get("/me", accounts::me)
        .get("/accounts", accounts::list)
        .post("/accounts", accounts::add)
        .post("/accounts/{account}/password", accounts::password)
        .post("/accounts/{account}/role", accounts::role)
        .post("/accounts/{account}/disable", accounts::disable)
        .post("/accounts/{account}/enable", accounts::enable)
        .post("/accounts/{account}/remove", accounts::remove)
        .get("/tokens", accounts::tokens)
        .post("/tokens", accounts::issue)
        .post("/tokens/{token}/revoke", accounts::revoke)
        .get("/sessions", accounts::sessions)
        .post("/sessions/{session}/end", accounts::end_session)
}
