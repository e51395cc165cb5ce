//! The desk's Ticketing API over HTTP, and the host beside it that keeps its files.

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, Query, Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Json, Response};
use axum::routing::{get, post, put};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, DATE, HOST, LOCATION};
use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};
use std::collections::HashMap;

use crate::desk::{ADA, BOB, Desk, File, OURS, Refusal, statuses, ticket_fields};

pub(crate) const ACCOUNT: &str = "throughline@example.org";
pub(crate) const TOKEN: &str = "zd-api-token-5e7f";
pub(crate) const STORAGE: &str = "p1.zdusercontent.test";

type Answer = Result<Json<Value>, Refusal>;
type Parameters = Query<HashMap<String, String>>;

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        (StatusCode::from_u16(self.0).unwrap(), Json(self.1)).into_response()
    }
}

pub(crate) fn router(desk: &Desk) -> Router {
    Router::new()
        .route("/api/v2/users/me.json", get(me))
        .route("/api/v2/custom_statuses.json", get(custom_statuses))
        .route("/api/v2/ticket_fields.json", get(fields))
        .route("/api/v2/tickets.json", get(tickets).post(create))
        .route("/api/v2/tickets/{id}", get(ticket).put(update))
        .route("/api/v2/tickets/{id}/comments.json", get(comments))
        .route("/api/v2/tickets/{id}/audits.json", get(audits))
        .route("/api/v2/tickets/{id}/comments/{comment}/make_private.json", put(make_private))
        .route("/api/v2/comment_redactions/{comment}", put(redact))
        .route("/api/v2/incremental/tickets/cursor.json", get(export))
        .route("/api/v2/uploads.json", post(upload))
        .route("/api/v2/attachments/{id}", get(attachment))
        .route("/attachments/token/{token}/", get(file))
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

/// Tells the hosts apart and lets nobody in without a token.
fn turned_away(desk: &Desk, request: &Request) -> Option<Response> {
    let header = |name| request.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if header(HOST) == STORAGE {
        return Some(storage(desk, request));
    }
    if header(AUTHORIZATION)
        == format!("Basic {}", BASE64_STANDARD.encode(format!("{ACCOUNT}/token:{TOKEN}")))
    {
        return None;
    }
    if request.uri().path().starts_with("/attachments/") {
        return Some(
            (StatusCode::FOUND, [(LOCATION, "/access/unauthenticated?return_to=x")]).into_response(),
        );
    }
    Some(Refusal(401, json!({ "error": "Couldn't authenticate you" })).into_response())
}

/// Files by their signed address. Whoever sends a second set of credentials is refused, as such services do.
fn storage(desk: &Desk, request: &Request) -> Response {
    let mut state = desk.lock();
    state.stored += 1;
    if request.headers().contains_key(AUTHORIZATION) {
        state.leaked += 1;
        return StatusCode::BAD_REQUEST.into_response();
    }
    let signed = request.uri().query() == Some("signature=good");
    let id = request.uri().path().strip_prefix("/attachment/").and_then(|id| id.parse().ok()).unwrap_or(0);
    match state.files.get(&id).filter(|_| signed) {
        Some(file) => Body::from(file.bytes.clone()).into_response(),
        None => StatusCode::FORBIDDEN.into_response(),
    }
}

async fn me() -> Json<Value> {
    Json(json!({ "user": { "id": OURS, "name": "Throughline", "email": ACCOUNT, "role": "admin" } }))
}

async fn custom_statuses() -> Json<Value> {
    Json(json!({ "custom_statuses": status_rows() }))
}

fn status_rows() -> Vec<Value> {
    let row = |(id, category, label, default): (u64, &str, &str, bool)| {
        json!({
            "id": id, "status_category": category, "agent_label": label, "end_user_label": label,
            "default": default, "active": true,
        })
    };
    statuses().into_iter().map(row).collect()
}

async fn fields(Query(page): Parameters) -> Json<Value> {
    paged("ticket_fields", ticket_fields().as_array().unwrap(), &page)
}

async fn tickets(State(desk): State<Desk>, Query(asked): Parameters) -> Json<Value> {
    let state = desk.lock();
    let external = asked.get("external_id").cloned().unwrap_or_default();
    let found =
        state.tickets.values().filter(|ticket| !ticket.deleted && ticket.external_id == external.as_str());
    let rows: Vec<Value> = found.map(|ticket| state.ticket_json(ticket.id)).collect();
    Json(json!({ "tickets": rows, "count": rows.len(), "next_page": null }))
}

async fn create(State(desk): State<Desk>, headers: HeaderMap, body: Bytes) -> Result<Response, Refusal> {
    let key = headers.get("idempotency-key").map(|key| key.to_str().unwrap());
    let (answer, again) = desk.create(key, &body)?;
    let lookup = if again { "hit" } else { "miss" };
    Ok((StatusCode::CREATED, [("x-idempotency-lookup", lookup)], Json(answer)).into_response())
}

async fn ticket(State(desk): State<Desk>, Path(id): Path<String>, Query(asked): Parameters) -> Answer {
    let (state, id) = (desk.lock(), number(&id));
    let ticket = state.ticket(id)?;
    let mut json = state.ticket_json(id);
    let include = asked.get("include").cloned().unwrap_or_default();
    if include.contains("comment_count") {
        json["comment_count"] = ticket.comments.len().into();
    }
    let mut answer = json!({ "ticket": json });
    if include.contains("users") {
        answer["users"] = users();
    }
    if include.contains("groups") {
        answer["groups"] = json!([{ "id": 77, "name": "Second level" }]);
    }
    if include.contains("custom_statuses") {
        answer["custom_statuses"] = status_rows().into();
    }
    Ok(Json(answer))
}

async fn update(State(desk): State<Desk>, Path(id): Path<String>, Json(body): Json<Value>) -> Answer {
    let (now, id) = (desk.now(), number(&id));
    let mut state = desk.lock();
    let audit = state.write(id, OURS, &body["ticket"], now)?;
    Ok(Json(json!({ "ticket": state.ticket_json(id), "audit": audit })))
}

async fn comments(State(desk): State<Desk>, Path(id): Path<u64>, Query(page): Parameters) -> Answer {
    let state = desk.lock();
    let rows: Vec<Value> = state.ticket(id)?.comments.iter().map(|one| state.comment_json(one)).collect();
    let mut answer = paged("comments", &rows, &page);
    if page.get("include").is_some_and(|include| include == "users") {
        answer.0["users"] = users();
    }
    Ok(answer)
}

async fn audits(State(desk): State<Desk>, Path(id): Path<u64>, Query(page): Parameters) -> Answer {
    Ok(paged("audits", &desk.lock().ticket(id)?.audits, &page))
}

async fn make_private(State(desk): State<Desk>, Path((id, comment)): Path<(u64, u64)>) -> Answer {
    let mut state = desk.lock();
    state.ticket(id)?;
    let ticket = state.tickets.get_mut(&id).unwrap();
    let found = ticket.comments.iter_mut().find(|one| one.id == comment).ok_or_else(Refusal::missing)?;
    found.public = false;
    Ok(Json(json!({})))
}

async fn redact(State(desk): State<Desk>, Path(comment): Path<String>, Json(body): Json<Value>) -> Answer {
    let now = desk.now();
    desk.lock().redact(number(&comment), &body, now)?;
    Ok(Json(json!({ "comment": { "id": number(&comment) } })))
}

/// All that changed after a place, without the last minute.
async fn export(State(desk): State<Desk>, Query(asked): Parameters) -> Answer {
    let end = desk.now().timestamp() - 60;
    let refuse = |words: &str| Refusal(422, json!({ "error": "InvalidValue", "description": words }));
    let place: (i64, u64) = match (asked.get("cursor"), asked.get("start_time")) {
        (Some(cursor), _) => {
            let text = BASE64_STANDARD.decode(cursor).map_err(|_fault| refuse("cursor"))?;
            let text = String::from_utf8(text).unwrap();
            let (time, id) = text.split_once("||").unwrap();
            (time.parse().unwrap(), id.parse().unwrap())
        }
        (None, Some(start)) => {
            let start: i64 = start.parse().map_err(|_fault| refuse("start_time"))?;
            if start > end {
                return Err(refuse("Too recent start_time. Use a start_time older than 1 minute."));
            }
            (start, 0)
        }
        (None, None) => return Err(refuse("start_time is required")),
    };
    let limit = asked.get("per_page").map_or(1000, |rows| rows.parse().unwrap());
    let state = desk.lock();
    let mut rows: Vec<(i64, u64)> =
        state.tickets.values().map(|ticket| (ticket.updated.timestamp(), ticket.id)).collect();
    rows.retain(|row| *row > place && row.0 <= end);
    rows.sort_unstable();
    rows.truncate(limit);
    let after = rows.last().copied().unwrap_or(place);
    Ok(Json(json!({
        "tickets": rows.iter().map(|(_, id)| state.ticket_json(*id)).collect::<Vec<_>>(),
        "after_cursor": BASE64_STANDARD.encode(format!("{}||{}", after.0, after.1)),
        "after_url": "https://elsewhere.example/next",
        "before_cursor": null,
        // A full page says that there may be more also where there is not.
        "end_of_stream": rows.len() < limit,
    })))
}

async fn upload(
    State(desk): State<Desk>,
    Query(asked): Parameters,
    headers: HeaderMap,
    bytes: Bytes,
) -> Result<Response, Refusal> {
    let name = asked.get("filename").cloned().ok_or_else(|| Refusal::invalid("filename", "is required"))?;
    if bytes.is_empty() {
        return Err(Refusal(422, json!({ "error": "AttachmentUnprocessable", "description": "is empty" })));
    }
    let media_type = headers.get(CONTENT_TYPE).unwrap().to_str().unwrap().to_owned();
    let mut state = desk.lock();
    let id = state.number();
    state.files.insert(id, File { id, name, media_type, bytes, malware: false });
    let token = format!("token-{id}");
    state.uploads.insert(token.clone(), id);
    let file = state.file_json(id);
    let answer = json!({ "upload": { "token": token, "attachment": file, "attachments": [file] } });
    Ok((StatusCode::CREATED, Json(answer)).into_response())
}

async fn attachment(State(desk): State<Desk>, Path(id): Path<String>) -> Answer {
    let (state, id) = (desk.lock(), number(&id));
    let file = state.files.get(&id).ok_or_else(Refusal::missing)?;
    Ok(Json(json!({ "attachment": state.file_json(file.id) })))
}

/// Where a file is kept, by an address that is good for a while.
async fn file(Path(token): Path<String>) -> Response {
    let id = token.trim_end_matches('x');
    let place = format!("https://{STORAGE}/attachment/{id}?signature=good");
    (StatusCode::FOUND, [(LOCATION, place)]).into_response()
}

fn users() -> Value {
    json!([
        { "id": ADA, "name": "Ada", "email": "ada@customer.example", "role": "end-user" },
        { "id": BOB, "name": "Bob", "email": "bob@desk.example", "role": "agent" },
        { "id": OURS, "name": "Throughline", "email": ACCOUNT, "role": "admin" },
    ])
}

/// One page of a list, by cursor and with 100 rows at most.
fn paged(name: &str, rows: &[Value], page: &HashMap<String, String>) -> Json<Value> {
    let size = page.get("page[size]").map_or(100, |size| size.parse().unwrap()).min(100);
    let from: usize = page.get("page[after]").map_or(0, |cursor| cursor.parse().unwrap());
    let end = rows.len().min(from + size);
    let meta =
        json!({ "has_more": end < rows.len(), "after_cursor": end.to_string(), "before_cursor": null });
    let links = json!({ "next": "https://elsewhere.example/next", "prev": null });
    Json(json!({ name: rows[from..end], "meta": meta, "links": links }))
}

fn number(text: &str) -> u64 {
    text.trim_end_matches(".json").parse().unwrap_or_default()
}
