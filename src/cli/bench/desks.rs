//! The desks of the load process: the practice desk's interface over tickets that need no memory until they change.
//!
//! A million tickets of a real practice desk would be gigabytes beside the bridge that is measured.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::json;
use throughline_practice::desk::Patch;
use throughline_sdk::Clock;
use tokio::sync::oneshot;

use super::world::{self, HOME, Standing};

/// All desks of all worlds.
#[derive(Clone, Debug)]
pub(super) struct Desks {
    clock: Arc<dyn Clock>,
    worlds: Arc<Mutex<HashMap<String, World>>>,
}

/// The desks of one bridge or relay.
#[derive(Debug, Default)]
struct World {
    changed: HashMap<(String, u64), Standing>,
    awaited: HashMap<u64, oneshot::Sender<Duration>>,
    extra: u32,
}

impl World {
    fn ticket(&mut self, desk: &str, number: u64) -> &mut Standing {
        self.changed.entry((desk.to_owned(), number)).or_insert_with(|| Standing::linked(number))
    }
}

impl Desks {
    pub(super) fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, worlds: Arc::default() }
    }

    /// Their interfaces, each under `/WORLD/DESK/`.
    pub(super) fn router(&self) -> Router {
        Router::new()
            .route("/{world}/{desk}/api/changes", get(changes))
            .route("/{world}/{desk}/api/tickets/{number}", get(show).patch(update))
            .with_state(self.clone())
    }

    /// Changes a ticket at the home desk: the webhook's body, and what tells when the write has come.
    pub(super) fn change(&self, world: &str, number: u64) -> (Vec<u8>, oneshot::Receiver<Duration>) {
        let (arrived, arrival) = oneshot::channel();
        let standing = self.with(world, |world| {
            world.awaited.insert(number, arrived);
            let standing = world.ticket(HOME, number);
            standing.next();
            standing.clone()
        });
        let body = json!({ "type": "ticket.changed", "ticket": world::whole(HOME, number, &standing) });
        (body.to_string().into_bytes(), arrival)
    }

    /// Nobody waits for a write any more.
    pub(super) fn give_up(&self, world: &str, number: u64) {
        self.with(world, |world| world.awaited.remove(&number));
    }

    /// Writes that no event asked for, since this was asked last.
    pub(super) fn extra(&self, world: &str) -> u32 {
        self.with(world, |world| std::mem::take(&mut world.extra))
    }

    fn with<T>(&self, world: &str, run: impl FnOnce(&mut World) -> T) -> T {
        let mut worlds = self.worlds.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(world) = worlds.get_mut(world) {
            return run(world);
        }
        run(worlds.entry(world.to_owned()).or_default())
    }
}

async fn changes() -> Json<serde_json::Value> {
    std::future::ready(()).await;
    Json(json!({ "changes": [], "last": 0, "more": false }))
}

async fn show(
    State(desks): State<Desks>,
    Path((world, desk, number)): Path<(String, String, u64)>,
) -> Response {
    std::future::ready(()).await;
    let standing = desks.with(&world, |world| world.ticket(&desk, number).clone());
    Json(world::whole(&desk, number, &standing)).into_response()
}

async fn update(
    State(desks): State<Desks>,
    Path((world, desk, number)): Path<(String, String, u64)>,
    headers: HeaderMap,
    Json(patch): Json<Patch>,
) -> Response {
    std::future::ready(()).await;
    let arrived = desks.clock.monotonic();
    let expected =
        headers.get(header::IF_MATCH).and_then(|value| value.to_str().ok()?.trim_matches('"').parse().ok());
    let standing = desks.with(&world, |world| {
        let standing = world.ticket(&desk, number);
        if expected.is_some_and(|expected: u64| expected != standing.version) {
            return None;
        }
        standing.version += 1;
        if let Some(title) = patch.title {
            standing.title = title;
        }
        if let Some(status) = patch.status {
            standing.status = status;
        }
        if let Some(priority) = patch.priority {
            standing.priority = priority;
        }
        let standing = standing.clone();
        match world.awaited.remove(&number) {
            // Whoever waited may have given up just now.
            Some(awaited) => drop(awaited.send(arrived)),
            None => world.extra += 1,
        }
        Some(standing)
    });
    match standing {
        Some(standing) => Json(json!({ "ticket": world::whole(&desk, number, &standing) })).into_response(),
        None => {
            (StatusCode::PRECONDITION_FAILED, Json(json!({ "error": "another version" }))).into_response()
        }
    }
}
