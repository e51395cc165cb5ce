//! The desk's API over HTTP.

use std::collections::HashMap;

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, Query, Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Json, Response};
use axum::routing::{get, post, put};
use chrono::{DateTime, Utc};
use http::StatusCode;
use http::header::{AUTHORIZATION, DATE};
use serde_json::{Map, Value, json};

use crate::desk::{Desk, OURS, PEOPLE, PRIORITIES, Refusal, STATES, Ticket};

pub(crate) const TOKEN: &str = "zammad-token-5501";

type Answer = Result<Json<Value>, Refusal>;
type Parameters = Query<HashMap<String, String>>;

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.0).unwrap();
        (status, Json(json!({ "error": self.1, "error_human": self.1 }))).into_response()
    }
}

pub(crate) fn router(desk: &Desk) -> Router {
    Router::new()
        .route("/api/v1/users/me", get(async || Json(user(OURS))))
        .route("/api/v1/users/{id}", get(async |Path(id): Path<u64>| Json(user(id))))
        .route("/api/v1/ticket_states", get(states))
        .route("/api/v1/ticket_priorities", get(priorities))
        .route("/api/v1/object_manager_attributes", get(attributes))
        .route("/api/v1/tickets", post(create))
        .route("/api/v1/tickets/search", get(search))
        .route("/api/v1/tickets/{id}", get(ticket).put(update))
        .route("/api/v1/ticket_articles", post(article))
        .route("/api/v1/ticket_articles/by_ticket/{id}", get(articles))
        .route("/api/v1/ticket_articles/{id}", put(hide).delete(delete))
        .route("/api/v1/ticket_attachment/{ticket}/{article}/{file}", get(file))
        .route("/api/v1/links", get(links))
        .layer(from_fn_with_state(desk.clone(), door))
        .with_state(desk.clone())
}

async fn door(State(desk): State<Desk>, request: Request, next: Next) -> Response {
    if let Err(refusal) = enter(&desk, &request) {
        return refusal.into_response();
    }
    let date = desk.clock.now().format("%a, %d %b %Y %H:%M:%S GMT").to_string();
    let mut answer = next.run(request).await;
    answer.headers_mut().insert(DATE, date.parse().unwrap());
    answer
}

fn enter(desk: &Desk, request: &Request) -> Result<(), Refusal> {
    let header = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok());
    assert!(header("from").is_none() && header("x-on-behalf-of").is_none(), "somebody else's name is used");
    match header(AUTHORIZATION.as_str()) {
        None => Err(Refusal::new(403, "Authentication required")),
        Some(given) if given != format!("Token token={TOKEN}") => {
            Err(Refusal::new(401, "Can't find User for Token"))
        }
        Some(_) if desk.lock().maintenance => Err(Refusal::new(403, "Maintenance mode enabled!")),
        Some(_) => Ok(()),
    }
}

fn user(id: u64) -> Value {
    let (_, login, (first, last), _) = PEOPLE.iter().find(|person| person.0 == id).unwrap();
    json!({ "id": id, "login": login, "firstname": first, "lastname": last, "email": login, "active": true })
}

async fn states(Query(asked): Parameters) -> Json<Value> {
    let expand = asked.get("expand").is_some_and(|expand| expand == "true");
    let rows = STATES.iter().enumerate().map(|(id, (name, kind, active))| {
        let mut row =
            json!({ "id": id + 1, "state_type_id": id + 1, "name": name, "active": active, "note": null });
        if expand {
            row["state_type"] = (*kind).into();
        }
        row
    });
    Json(rows.collect())
}

async fn priorities() -> Json<Value> {
    let rows = PRIORITIES.iter().enumerate();
    Json(rows.map(|(id, name)| json!({ "id": id + 1, "name": name, "active": true })).collect())
}

async fn attributes(State(desk): State<Desk>) -> Answer {
    if desk.lock().agent_only {
        return Err(Refusal::new(403, "Not authorized (user)!"));
    }
    let options = json!({ "Incident": "Incident", "Problem": "Problem" });
    Ok(Json(json!([
        { "object": "User", "name": "type", "active": true, "data_option": { "options": { "x": "x" } } },
        { "object": "Ticket", "name": "title", "active": true, "data_option": { "type": "text" } },
        { "object": "Ticket", "name": "type", "active": true, "data_option": { "options": options } },
    ])))
}

async fn ticket(State(desk): State<Desk>, Path(id): Path<u64>) -> Answer {
    let state = desk.lock();
    Ok(Json(state.ticket_json(state.ticket(id)?)))
}

async fn create(
    State(desk): State<Desk>,
    Json(mut body): Json<Map<String, Value>>,
) -> Result<(StatusCode, Json<Value>), Refusal> {
    let article = body.remove("article").ok_or_else(|| Refusal::new(422, "article hash is missing"))?;
    let now = desk.now();
    let mut state = desk.lock();
    let id = state.create(OURS, &body, article.as_object().unwrap(), now)?;
    Ok((StatusCode::CREATED, Json(state.ticket_json(&state.tickets[&id]))))
}

async fn update(
    State(desk): State<Desk>,
    Path(id): Path<u64>,
    Json(body): Json<Map<String, Value>>,
) -> Answer {
    let now = desk.now();
    let mut state = desk.lock();
    state.ticket(id)?;
    state.update(OURS, id, &body, now)?;
    Ok(Json(state.ticket_json(&state.tickets[&id])))
}

async fn article(
    State(desk): State<Desk>,
    Json(body): Json<Map<String, Value>>,
) -> Result<(StatusCode, Json<Value>), Refusal> {
    let now = desk.now();
    let mut state = desk.lock();
    let ticket = state.ticket(body["ticket_id"].as_u64().unwrap())?.id;
    let made = state.article(ticket, OURS, &body, now)?;
    Ok((StatusCode::CREATED, Json(state.article_json(&made))))
}

async fn articles(State(desk): State<Desk>, Path(id): Path<u64>) -> Answer {
    let state = desk.lock();
    let ticket = state.ticket(id)?.id;
    // In whatever order the database gives them.
    let mut rows: Vec<Value> = state.articles_of(ticket).map(|article| state.article_json(article)).collect();
    rows.reverse();
    Ok(Json(rows.into()))
}

async fn hide(State(desk): State<Desk>, Path(id): Path<u64>, Json(body): Json<Map<String, Value>>) -> Answer {
    let mut state = desk.lock();
    let article = state.articles.get_mut(&id).unwrap();
    article.internal = body["internal"].as_bool().unwrap();
    let article = article.clone();
    Ok(Json(state.article_json(&article)))
}

async fn delete(State(desk): State<Desk>, Path(id): Path<u64>) -> Answer {
    let now = desk.now();
    desk.lock().delete_article(id, now)?;
    Ok(Json(json!({})))
}

async fn file(
    State(desk): State<Desk>,
    Path((ticket, article, file)): Path<(u64, u64, u64)>,
) -> Result<Response, Refusal> {
    let state = desk.lock();
    let ticket = state.ticket(ticket)?.id;
    let missing = || Refusal(404, format!("Couldn't find Ticket::Article with 'id'={article}"));
    let article = state.articles.get(&article).ok_or_else(missing)?;
    if article.ticket != ticket {
        return Err(Refusal::new(403, "The article does not belong to the specified ticket."));
    }
    let file = article.files.iter().find(|known| known.id == file);
    let file = file.ok_or_else(|| Refusal::new(403, "The file does not belong to the specified article."))?;
    Ok(Body::from(file.bytes.clone()).into_response())
}

async fn links(State(desk): State<Desk>, Query(asked): Parameters) -> Answer {
    assert_eq!(asked["link_object"], "Ticket");
    let id: u64 = asked["link_object_value"].parse().unwrap();
    let state = desk.lock();
    let link =
        |kind: &str, id: u64| json!({ "link_type": kind, "link_object": "Ticket", "link_object_value": id });
    let rows = state.links.iter().filter_map(|(child, parent)| {
        if *child == id {
            Some(link("parent", *parent))
        } else {
            (*parent == id).then(|| link("child", *child))
        }
    });
    Ok(Json(json!({ "links": rows.collect::<Vec<_>>(), "assets": {} })))
}

/// A search by condition, which asks the database.
async fn search(State(desk): State<Desk>, Query(asked): Parameters) -> Answer {
    assert!(!asked.contains_key("query"), "the index behind a search for words lags");
    assert_eq!((asked["expand"].as_str(), asked["sort_by"].as_str()), ("true", "updated_at"));
    let state = desk.lock();
    let mut rows: Vec<&Ticket> =
        state.tickets.values().filter(|ticket| !state.hidden.contains(&ticket.id)).collect();
    let conditions = asked.iter().filter_map(|(key, operator)| {
        let attribute = key.strip_prefix("condition[ticket.")?.strip_suffix("][operator]")?;
        Some((attribute, operator.as_str(), asked[&format!("condition[ticket.{attribute}][value]")].as_str()))
    });
    for (attribute, operator, value) in conditions.filter(|_| !state.drops_conditions) {
        match (attribute, operator) {
            ("updated_at", "after (absolute)") => {
                let since = DateTime::parse_from_rfc3339(value).unwrap().with_timezone(&Utc);
                rows.retain(|ticket| ticket.updated >= since);
            }
            (attribute, "is") => {
                if rows.iter().any(|ticket| !ticket.own.contains_key(attribute)) {
                    return Err(Refusal::new(422, "Error ID w-rb3jm-: Please contact your administrator."));
                }
                rows.retain(|ticket| ticket.own[attribute] == value);
            }
            (_, operator) => return Err(Refusal(500, format!("Invalid operator '{operator}'"))),
        }
    }
    rows.sort_by_key(|ticket| ticket.updated);
    if asked["order_by"] == "desc" {
        rows.reverse();
    }
    let count = |key: &str| asked[key].parse::<usize>().unwrap();
    let (page, size) = (count("page"), count("per_page").min(200));
    let rows = rows.into_iter().skip((page - 1) * size).take(size);
    Ok(Json(rows.map(|ticket| state.ticket_json(ticket)).collect()))
}
