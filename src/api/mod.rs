//! What the daemon serves over HTTP: webhooks, health, metrics, and the interface of the command line.

mod access;
mod cases;
mod doors;
pub mod drift;
pub mod explain;
pub(crate) mod grants;
mod health;
mod inert;
pub mod parked;
pub mod preview;
mod problem;
pub(crate) mod reference;
pub(crate) mod reload;
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
use axum::routing::{get, post};

pub use access::May;
pub(crate) use cases::PAGE;
pub use doors::{Doors, Shut};
pub(crate) use problem::Problem;
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
    let interface = Router::new()
        .route("/cases", get(cases::list))
        .route("/cases/{case}", get(cases::show))
        .route("/cases/{case}/grants", get(grants::list).post(grants::ask))
        .route("/cases/{case}/grants/{grant}/{verb}", post(grants::decide))
        .route("/trace/{name}", get(cases::trace))
        .route("/explain/{name}", get(explain::explain))
        .route("/plan/{name}", post(preview::plan))
        .route("/parked", get(cases::parked))
        .route("/parked/item", get(parked::show))
        .route("/parked/retry", post(parked::retry))
        .route("/parked/edit", post(parked::edit))
        .route("/parked/discard", post(parked::discard))
        .route("/refresh/{name}", post(cases::refresh))
        .route("/reference", get(reference::list).post(reference::enter))
        .route("/reference/claim", post(reference::claim))
        .route("/systems", get(systems::list))
        .route("/systems/{name}", get(systems::show))
        .route("/systems/{name}/pause", post(systems::pause))
        .route("/systems/{name}/resume", post(systems::resume))
        .route("/agreements", get(cases::agreements))
        .route("/workbench", post(workbench::show))
        .route("/drift", get(drift::show).post(drift::begin))
        .route("/drift/stop", post(drift::stop))
        .route("/drift/repair", post(drift::repair))
        .route("/reload", get(reload::history).post(reload::ask));
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
        .nest("/api/v1", interface)
        .merge(console::router())
        .merge(faces)
        .merge(sharing)
        .fallback(problem::not_found)
        .method_not_allowed_fallback(problem::not_allowed)
        .with_state(api)
}
