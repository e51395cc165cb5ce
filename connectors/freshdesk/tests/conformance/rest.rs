//! The desk's API over HTTP, and the host beside it that keeps its files.

use std::collections::HashMap;

use axum::Router;
use axum::body::Body;
use axum::extract::{FromRequest, Multipart, Path, Query, Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Json, Response};
use axum::routing::{get, post, put};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use chrono::{DateTime, TimeDelta, Utc};
use http::StatusCode;
use http::header::{AUTHORIZATION, CONTENT_TYPE, DATE, HOST, LOCATION};
use serde_json::{Map, Value, json};

use crate::desk::{ADA, Desk, OUR_CONTACT, OURS, Refusal, Ticket, form};

pub(crate) const KEY: &str = "fd-api-key-77aa";
pub(crate) const STORAGE: &str = "s3.storage.test";

type Answer = Result<Json<Value>, Refusal>;
type Parameters = Query<HashMap<String, String>>;

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.0).unwrap();
        match self.1 {
            Some(body) => (status, Json(body)).into_response(),
            None => status.into_response(),
        }
    }
}

pub(crate) fn router(desk: &Desk) -> Router {
    Router::new()
        .route("/api/v2/agents/me", get(me))
        .route("/api/v2/contacts/{id}", get(contact))
        .route("/api/v2/ticket_fields", get(async || Json(form())))
        .route("/api/v2/tickets", get(tickets).post(create))
        .route("/api/v2/tickets/{id}", get(ticket).put(update))
        .route("/api/v2/tickets/{id}/conversations", get(conversations))
        .route("/api/v2/tickets/archived/{id}", get(archived))
        .route("/api/v2/tickets/archived/{id}/conversations", get(conversations))
        .route("/api/v2/tickets/{id}/notes", post(note))
        .route("/api/v2/conversations/{id}", put(edit).delete(delete))
        .route("/api/v2/search/tickets", get(search))
        .layer(from_fn_with_state(desk.clone(), door))
        .with_state(desk.clone())
}

async fn door(State(desk): State<Desk>, request: Request, next: Next) -> Response {
    if let Some(answer) = turned_away(&desk, &request) {
        return answer;
    }
    let date = desk.now().format("%a, %d %b %Y %H:%M:%S GMT").to_string();
    let mut answer = next.run(request).await;
    answer.headers_mut().insert(DATE, date.parse().unwrap());
    answer
}

/// Tells the hosts apart and lets nobody in without a key.
fn turned_away(desk: &Desk, request: &Request) -> Option<Response> {
    let header = |name| request.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if header(HOST) == STORAGE {
        return Some(storage(desk, request));
    }
    if header(AUTHORIZATION) == format!("Basic {}", BASE64_STANDARD.encode(format!("{KEY}:X"))) {
        return None;
    }
    let words = "You have to be logged in to perform this action.";
    let body = json!({ "code": "invalid_credentials", "message": words });
    Some(Refusal(401, Some(body)).into_response())
}

/// Files by their signed address. Whoever sends a second set of credentials is refused, as such services do.
fn storage(desk: &Desk, request: &Request) -> Response {
    let mut state = desk.lock();
    state.stored += 1;
    if request.headers().contains_key(AUTHORIZATION) {
        state.leaked += 1;
        return StatusCode::BAD_REQUEST.into_response();
    }
    if request.uri().query() != Some("signature=good") {
        return StatusCode::FORBIDDEN.into_response();
    }
    let id: u64 = request.uri().path().strip_prefix("/attachments/").unwrap().parse().unwrap();
    let mut files = state
        .tickets
        .values()
        .flat_map(|ticket| ticket.files.iter().chain(ticket.notes.iter().flat_map(|note| &note.files)));
    match files.find(|file| file.id == id) {
        Some(file) => Body::from(file.bytes.clone()).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

async fn me() -> Json<Value> {
    let contact = json!({ "name": "Throughline", "email": "throughline@desk.example" });
    Json(json!({ "id": OURS, "available": true, "contact": contact }))
}

async fn contact(Path(id): Path<u64>) -> Answer {
    match id {
        ADA => Ok(Json(json!({ "id": ADA, "name": "Ada", "email": "ada@customer.example" }))),
        _ => Err(Refusal(404, None)),
    }
}

async fn tickets(State(desk): State<Desk>, Query(asked): Parameters) -> Answer {
    let (page, size) = page(&asked)?;
    let state = desk.lock();
    let since = asked.get("updated_since").map(|since| since.parse::<DateTime<Utc>>().unwrap());
    let month = desk.now() - TimeDelta::days(30);
    let mut rows: Vec<&Ticket> = state
        .tickets
        .values()
        .filter(|ticket| !ticket.deleted && !ticket.archived)
        .filter(|ticket| match since {
            Some(since) => ticket.updated >= since,
            None => ticket.created >= month,
        })
        .filter(|ticket| {
            asked.get("email").is_none_or(|email| email == OUR_CONTACT.1 && ticket.requester == OUR_CONTACT.0)
        })
        .collect();
    match asked.get("order_by").map(String::as_str) {
        Some("updated_at") => rows.sort_by_key(|ticket| ticket.updated),
        _ => rows.sort_by_key(|ticket| ticket.created),
    }
    if asked.get("order_type").is_none_or(|order| order == "desc") {
        rows.reverse();
    }
    let rows = rows.into_iter().skip((page - 1) * size).take(size);
    Ok(Json(rows.map(|ticket| state.ticket_json(ticket, false)).collect()))
}

async fn create(State(desk): State<Desk>, Json(body): Json<Map<String, Value>>) -> Result<Response, Refusal> {
    let now = desk.now();
    let mut state = desk.lock();
    let id = state.create(&body, now)?;
    let place = format!("https://desk.freshdesk.test/api/v2/tickets/{id}");
    let json = state.ticket_json(&state.tickets[&id], true);
    Ok((StatusCode::CREATED, [(LOCATION, place)], Json(json)).into_response())
}

async fn ticket(State(desk): State<Desk>, Path(id): Path<u64>, Query(asked): Parameters) -> Answer {
    let mut state = desk.lock();
    let ticket = state.ticket(id)?.clone();
    let mut json = state.ticket_json(&ticket, true);
    if asked.get("include").is_some_and(|include| include == "requester") {
        let name = if ticket.requester == ADA { "Ada" } else { "Partner desk" };
        json["requester"] =
            json!({ "id": ticket.requester, "name": name, "email": "x@example.org", "phone": null });
    }
    Ok(Json(json))
}

async fn archived(State(desk): State<Desk>, Path(id): Path<u64>) -> Answer {
    let state = desk.lock();
    let ticket = state.tickets.get(&id).filter(|ticket| ticket.archived).ok_or(Refusal(404, None))?;
    Ok(Json(state.ticket_json(ticket, true)))
}

async fn update(
    State(desk): State<Desk>,
    Path(id): Path<u64>,
    Json(body): Json<Map<String, Value>>,
) -> Answer {
    let now = desk.now();
    let mut state = desk.lock();
    state.update(id, &body, now)?;
    Ok(Json(state.ticket_json(&state.tickets[&id], true)))
}

async fn conversations(State(desk): State<Desk>, Path(id): Path<u64>, Query(asked): Parameters) -> Answer {
    let (page, size) = page(&asked)?;
    let state = desk.lock();
    let ticket = state.tickets.get(&id).ok_or(Refusal(404, None))?;
    let rows = ticket.notes.iter().skip((page - 1) * size).take(size);
    Ok(Json(rows.map(|note| state.note_json(id, note)).collect()))
}

async fn note(State(desk): State<Desk>, Path(id): Path<u64>, request: Request) -> Result<Response, Refusal> {
    let media_type = request.headers().get(CONTENT_TYPE).unwrap().to_str().unwrap().to_owned();
    let (mut body, mut private, mut files) = (String::new(), None, Vec::new());
    if media_type.starts_with("multipart/form-data") {
        let mut form = Multipart::from_request(request, &()).await.unwrap();
        while let Some(field) = form.next_field().await.unwrap() {
            match field.name().unwrap() {
                "body" => body = field.text().await.unwrap(),
                "private" => private = Some(field.text().await.unwrap() == "true"),
                "attachments[]" => {
                    let (name, media_type) =
                        (field.file_name().unwrap().to_owned(), field.content_type().unwrap().to_owned());
                    files.push((name, media_type, field.bytes().await.unwrap()));
                }
                other => {
                    return Err(Refusal::invalid(
                        other,
                        "Unexpected/invalid field in request",
                        "invalid_field",
                    ));
                }
            }
        }
    } else {
        let Json(write) = Json::<Map<String, Value>>::from_request(request, &()).await.unwrap();
        body = write["body"].as_str().unwrap().to_owned();
        private = write.get("private").and_then(Value::as_bool);
    }
    let now = desk.now();
    let mut state = desk.lock();
    let note = state.note(id, (OURS, &body, private), files, now)?;
    Ok((StatusCode::CREATED, Json(state.note_json(id, &note))).into_response())
}

async fn edit(State(desk): State<Desk>, Path(id): Path<u64>, Json(body): Json<Map<String, Value>>) -> Answer {
    let mut state = desk.lock();
    let found = state.tickets.values_mut().find_map(|ticket| {
        let number = ticket.id;
        ticket.notes.iter_mut().find(|note| note.id == id).map(|note| (number, note))
    });
    let (number, note) = found.ok_or(Refusal(404, None))?;
    note.body = format!("<div>{}</div>", body["body"].as_str().unwrap());
    let note = note.clone();
    Ok(Json(state.note_json(number, &note)))
}

async fn delete(State(desk): State<Desk>, Path(id): Path<u64>) -> Result<StatusCode, Refusal> {
    let mut state = desk.lock();
    let holds = |ticket: &Ticket| ticket.notes.iter().any(|note| note.id == id);
    let ticket = state.tickets.values_mut().find(|ticket| holds(ticket)).ok_or(Refusal(404, None))?;
    ticket.notes.retain(|note| note.id != id);
    Ok(StatusCode::NO_CONTENT)
}

async fn search(State(desk): State<Desk>, Query(asked): Parameters) -> Answer {
    let results = desk.lock().found(&asked["query"], desk.now())?;
    Ok(Json(json!({ "total": results.len(), "results": results })))
}

fn page(asked: &HashMap<String, String>) -> Result<(usize, usize), Refusal> {
    let page: usize = asked.get("page").map_or(1, |page| page.parse().unwrap());
    let size: usize = asked.get("per_page").map_or(30, |size| size.parse().unwrap());
    let fits = |name: &str, fits: bool| {
        if fits {
            Ok(())
        } else {
            Err(Refusal::invalid(
                name,
                "It should be a Positive Integer less than or equal to 100",
                "invalid_value",
            ))
        }
    };
    fits("per_page", (1..=100).contains(&size))?;
    fits("page", (1..=300).contains(&page))?;
    Ok((page, size))
}
