//! A stand-in for the bridge's own desk, as small as the connector's side of it allows; the real one is tested with the
//! bridge.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::{get, post, put};
use axum::{Json, Router};
use bytes::Bytes;
use serde_json::{Map, Value, json};
use throughline_sdk::Clock;

use crate::partner::{HERE, PARTNER};

/// Changes handed out in one page.
pub(crate) const PAGE: usize = 100;

#[derive(Default)]
pub(crate) struct Stand {
    pub(crate) agreements: BTreeMap<String, Map<String, Value>>,
    tickets: BTreeMap<u64, Map<String, Value>>,
    files: BTreeMap<(u64, String), Bytes>,
    count: u64,
}

#[derive(Clone)]
pub(crate) struct OwnDesk {
    stand: Arc<Mutex<Stand>>,
    clock: Arc<dyn Clock>,
}

type Answer = Result<Json<Value>, StatusCode>;

impl OwnDesk {
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        Self { stand: Arc::default(), clock }
    }

    pub(crate) fn stand(&self) -> MutexGuard<'_, Stand> {
        self.stand.lock().unwrap()
    }

    /// What the engine reaches.
    pub(crate) fn inside(&self) -> Router {
        Router::new()
            .route("/agreements", get(agreements).post(draw_up))
            .route("/agreements/{uuid}", get(drawn_up).patch(amend).delete(forget))
            .route("/tickets", post(offer))
            .route("/tickets/{id}", get(show).patch(record).delete(withdraw))
            .route("/tickets/{id}/files/{uuid}", put(lay_out).get(laid))
            .route("/uuids/{uuid}", get(named))
            .route("/changes", get(changes))
            .layer(axum::middleware::from_fn(authenticate))
            .with_state(self.clone())
    }

    /// What the partner reaches.
    pub(crate) fn outside(&self) -> Router {
        Router::new()
            .route("/sharing/partner/agreements/{uuid}", post(invited).put(decided))
            .route("/sharing/partner/tickets/{uuid}", post(pushed).put(pushed).delete(unshared))
            .route("/sharing/partner/files/{id}/{uuid}", get(laid))
            .with_state(self.clone())
    }

    /// The name under which a ticket is shared.
    pub(crate) fn uuid(&self, number: u64) -> String {
        self.stand().tickets[&number]["uuid"].as_str().unwrap().to_owned()
    }

    fn number(stand: &Stand, uuid: &str) -> Option<u64> {
        stand.tickets.iter().find(|(_, ticket)| ticket["uuid"] == uuid).map(|(number, _)| *number)
    }

    fn merge(&self, stand: &mut Stand, number: u64, push: &Value) {
        stand.count += 1;
        let (count, now) = (stand.count, json!(self.clock.now()));
        let ticket = stand.tickets.entry(number).or_default();
        ticket.entry("comments").or_insert_with(|| json!([]));
        for (name, value) in push.as_object().unwrap().iter().filter(|(_, value)| !value.is_null()) {
            if name != "comments" {
                ticket.insert(name.clone(), value.clone());
            }
        }
        let there = ticket["comments"].as_array_mut().unwrap();
        for comment in push["comments"].as_array().into_iter().flatten() {
            if !there.iter().any(|one| one["uuid"] == comment["uuid"]) {
                let mut comment = comment.clone();
                comment["at"] = now.clone();
                for file in comment.get_mut("attachments").and_then(Value::as_array_mut).into_iter().flatten()
                {
                    if file["url"].as_str().unwrap().starts_with(HERE) {
                        let uuid = file["url"].as_str().unwrap().rsplit('/').next().unwrap().to_owned();
                        file["size"] = json!(stand.files[&(number, uuid)].len());
                    }
                }
                there.push(comment);
            }
        }
        if !ticket.contains_key("created") {
            ticket.insert("created".to_owned(), now.clone());
            ticket.insert("description".to_owned(), ticket["comments"][0]["uuid"].clone());
        }
        ticket.insert("updated".to_owned(), now);
        ticket.insert("version".to_owned(), json!(count.to_string()));
        ticket.insert("change".to_owned(), json!(count));
    }

    fn shown(stand: &Stand, number: u64) -> Answer {
        let mut ticket = stand.tickets.get(&number).ok_or(StatusCode::NOT_FOUND)?.clone();
        let agreement = stand.agreements[ticket["by"].as_str().unwrap()].clone();
        ticket.insert("agreement".to_owned(), Value::Object(agreement));
        ticket.insert("id".to_owned(), json!(number.to_string()));
        Ok(Json(Value::Object(ticket)))
    }
}

async fn authenticate(
    request: axum::extract::Request,
    next: axum::middleware::Next,
) -> axum::response::Response {
    use axum::response::IntoResponse;
    match request.headers().get("authorization").is_some_and(|value| value == "Bearer in process only") {
        true => next.run(request).await,
        false => StatusCode::UNAUTHORIZED.into_response(),
    }
}

async fn agreements(State(desk): State<OwnDesk>) -> Json<Value> {
    Json(json!(desk.stand().agreements.values().collect::<Vec<_>>()))
}

async fn draw_up(State(desk): State<OwnDesk>, Json(mut body): Json<Value>) -> Json<Value> {
    let mut stand = desk.stand();
    stand.count += 1;
    let uuid = format!("{:040x}", stand.count);
    for (name, value) in [
        ("uuid", json!(uuid)),
        ("access_key", json!("f".repeat(40))),
        ("status", json!("pending")),
        ("sender_url", json!(HERE)),
        ("receiver_url", json!(PARTNER)),
        ("sent", json!(true)),
    ] {
        body[name] = value;
    }
    stand.agreements.insert(uuid, body.as_object().unwrap().clone());
    Json(body)
}

async fn drawn_up(State(desk): State<OwnDesk>, Path(uuid): Path<String>) -> Json<Value> {
    Json(Value::Object(desk.stand().agreements[&uuid].clone()))
}

async fn amend(State(desk): State<OwnDesk>, Path(uuid): Path<String>, Json(change): Json<Value>) {
    desk.stand().agreements.get_mut(&uuid).unwrap().extend(change.as_object().unwrap().clone());
}

async fn forget(State(desk): State<OwnDesk>, Path(uuid): Path<String>) {
    desk.stand().agreements.remove(&uuid);
}

async fn offer(State(desk): State<OwnDesk>, Json(body): Json<Value>) -> Answer {
    let mut stand = desk.stand();
    stand.count += 1;
    let number = stand.count;
    let marks =
        Map::from_iter([("by".to_owned(), body["agreement"].clone()), ("offered".to_owned(), json!(true))]);
    stand.tickets.insert(number, marks);
    desk.merge(&mut stand, number, &body["push"]);
    OwnDesk::shown(&stand, number)
}

async fn record(State(desk): State<OwnDesk>, Path(id): Path<String>, Json(push): Json<Value>) -> Answer {
    let (mut stand, number) = (desk.stand(), id.parse().unwrap());
    stand.tickets.get_mut(&number).ok_or(StatusCode::NOT_FOUND)?.remove("offered");
    desk.merge(&mut stand, number, &push);
    OwnDesk::shown(&stand, number)
}

async fn show(State(desk): State<OwnDesk>, Path(id): Path<String>) -> Answer {
    OwnDesk::shown(&desk.stand(), id.parse().map_err(|_no_number| StatusCode::NOT_FOUND)?)
}

async fn withdraw(State(desk): State<OwnDesk>, Path(id): Path<u64>) {
    desk.stand().tickets.remove(&id);
}

async fn named(State(desk): State<OwnDesk>, Path(uuid): Path<String>) -> Answer {
    let stand = desk.stand();
    OwnDesk::shown(&stand, OwnDesk::number(&stand, &uuid).ok_or(StatusCode::NOT_FOUND)?)
}

async fn lay_out(
    State(desk): State<OwnDesk>,
    Path((id, uuid)): Path<(u64, String)>,
    bytes: Bytes,
) -> Json<Value> {
    let url = format!("{HERE}/files/{id}/{uuid}");
    desk.stand().files.insert((id, uuid), bytes);
    Json(json!({ "url": url }))
}

async fn laid(State(desk): State<OwnDesk>, Path(name): Path<(u64, String)>) -> Result<Bytes, StatusCode> {
    desk.stand().files.get(&name).cloned().ok_or(StatusCode::NOT_FOUND)
}

async fn changes(State(desk): State<OwnDesk>, Query(query): Query<BTreeMap<String, String>>) -> Json<Value> {
    let stand = desk.stand();
    let Some(after) = query.get("after") else {
        return Json(json!({ "ids": [], "next": stand.count.to_string(), "more": false }));
    };
    let after: u64 = after.parse().unwrap();
    let mut rows: Vec<(u64, u64)> =
        stand.tickets.iter().map(|(number, ticket)| (ticket["change"].as_u64().unwrap(), *number)).collect();
    rows.retain(|(change, _)| *change > after);
    rows.sort_unstable();
    let more = rows.len() > PAGE;
    rows.truncate(PAGE);
    let next = rows.last().map_or(after, |(change, _)| *change).to_string();
    let ids: Vec<String> = rows.iter().map(|(_, number)| number.to_string()).collect();
    Json(json!({ "ids": ids, "next": next, "more": more }))
}

async fn invited(
    State(desk): State<OwnDesk>,
    Path(uuid): Path<String>,
    Json(mut body): Json<Value>,
) -> StatusCode {
    body["sent"] = json!(false);
    desk.stand().agreements.insert(uuid, body.as_object().unwrap().clone());
    StatusCode::CREATED
}

async fn decided(
    State(desk): State<OwnDesk>,
    Path(uuid): Path<String>,
    Json(change): Json<Value>,
) -> StatusCode {
    match desk.stand().agreements.get_mut(&uuid) {
        Some(agreement) => agreement.extend(change.as_object().unwrap().clone()),
        None => return StatusCode::UNAUTHORIZED,
    }
    StatusCode::OK
}

async fn pushed(
    State(desk): State<OwnDesk>,
    Path(uuid): Path<String>,
    headers: HeaderMap,
    Json(push): Json<Value>,
) -> StatusCode {
    let mut stand = desk.stand();
    let number = OwnDesk::number(&stand, &uuid).unwrap_or_else(|| {
        stand.count += 1;
        let by = headers["x-ticket-sharing-token"].to_str().unwrap().split(':').next().unwrap().to_owned();
        let number = stand.count;
        stand.tickets.insert(number, Map::from_iter([("by".to_owned(), json!(by))]));
        number
    });
    stand.tickets.get_mut(&number).unwrap().remove("offered");
    desk.merge(&mut stand, number, &push);
    StatusCode::OK
}

async fn unshared(State(desk): State<OwnDesk>, Path(uuid): Path<String>) -> StatusCode {
    let mut stand = desk.stand();
    let number = OwnDesk::number(&stand, &uuid).unwrap();
    stand.tickets.remove(&number);
    StatusCode::OK
}
