//! What the daemon serves over HTTP: webhooks, health, metrics, and the interface of the command line.

mod access;
pub(crate) mod accounts;
mod answer;
mod ask;
mod cases;
mod doors;
pub mod drift;
pub(crate) mod entered;
mod erasure;
mod events;
pub mod explain;
pub mod find;
pub(crate) mod grants;
mod health;
#[cfg(test)]
pub(crate) mod house;
mod inert;
mod interface;
pub(crate) mod limit;
pub(crate) mod log;
pub(crate) mod looked;
#[cfg(test)]
mod matrix;
mod once;
pub mod outgoing;
mod page;
pub mod parked;
mod patience;
pub mod preview;
mod problem;
mod published;
pub(crate) mod reference;
pub(crate) mod reload;
pub(crate) mod routes;
mod serve;
pub mod sharing;
pub mod systems;
pub mod tmf621;
pub mod view;
mod watched;
mod webhooks;
pub mod workbench;

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::{self, from_fn_with_state};
use axum::routing::{get, post};

pub(crate) use access::FromOwnPage;
pub use access::May;
pub use doors::{Doors, Shut};
pub(crate) use erasure::{Because, Forget, Forgotten};
pub(crate) use events::Events;
pub(crate) use inert::inert;
pub use once::Keys;
pub use outgoing::Subscriber;
pub(crate) use page::{Cursor, LONGEST, Page};
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
    pub(crate) events: Events,
    /// The interface's description, as it is published.
    pub(crate) description: Arc<str>,
}

/// The interface as it is published, in OpenAPI 3.1.
pub fn description() -> serde_json::Result<String> {
    serde_json::to_string_pretty(&published::interface().1)
}

/// All routes of a running bridge. Under `/api/` and `/console/` callers are whom `identity` knows.
pub fn router(bridge: Bridge, identity: impl Into<Arc<Identity>>) -> Router {
    let (interface, description) = published::interface();
    // What is described is made of our own types only: a map with names that are no texts is not among them.
    let description = serde_json::to_string(&description).unwrap_or_default().into();
    let events = Events::start(bridge.shared());
    let api = Api { bridge, identity: identity.into(), events, description };
    let faces = tmf621::router(api.bridge.shared());
    let sharing = sharing::router(api.bridge.shared());
    let clock = Arc::clone(&api.bridge.shared().clock);
    let interface = interface.with(|routes| routes.layer(from_fn_with_state(api.clone(), once::once)));
    let patient = interface
        .merge(console::routes())
        .into_router()
        // Outside of what keeps answers: a request that was forged is not begun.
        .layer(from_fn_with_state(api.clone(), access::watch))
        .merge(faces)
        .merge(sharing)
        .layer(middleware::from_fn(limit::tell))
        .layer(from_fn_with_state(clock, patience::patience));
    Router::new()
        .route("/webhooks/{system}", post(webhooks::take).layer(DefaultBodyLimit::max(WEBHOOK_BYTES)))
        .route(
            "/webhooks/{system}/listener/{event}",
            post(webhooks::take_event).layer(DefaultBodyLimit::max(WEBHOOK_BYTES)),
        )
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready))
        .route("/metrics", get(health::metrics))
        .route("/problems/{kind}", get(problem::explain))
        .merge(patient)
        .fallback(problem::not_found)
        .method_not_allowed_fallback(problem::not_allowed)
        .layer(middleware::from_fn(problem::place))
        .with_state(api)
}

/// Everything under `/api/` and `/console/`, with the right that each route asks for.
#[cfg(test)]
pub(crate) fn routes() -> Routes {
    published::interface().0.merge(console::routes())
}
