//! The desk's interface: the operations of the document and their answers.

#![expect(clippy::wildcard_enum_match_arm, reason = "JSON has the kinds it has")]

use std::collections::HashMap;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde_json::{Value, json};

use crate::desk::{Desk, Write, may_become};
use crate::{hub, pointer};

pub(crate) const TOKEN: &str = "tmf621-token-51d2";

type Asked = HashMap<String, String>;

pub(crate) fn router(desk: &Desk) -> Router {
    let routes = Router::new()
        .route("/troubleTicket", get(list).post(create))
        .route("/troubleTicket/{id}", get(show).patch(change))
        .route("/file/{id}", get(file))
        .route("/hub", axum::routing::post(hub::subscribe))
        .route("/hub/{id}", get(hub::show).delete(hub::end))
        .with_state(desk.clone());
    Router::new().nest(&format!("/tmf-api/troubleTicket/v{}", desk.manners.version), routes)
}

/// A refusal as the standard writes it.
pub(crate) fn refuse(status: u16, why: &str) -> Response {
    let body = json!({ "@type": "Error", "code": format!("ERR{status}"), "reason": why, "status": status.to_string() });
    answer(status, Some(&body))
}

pub(crate) fn answer(status: u16, body: Option<&Value>) -> Response {
    let text = body.map(Value::to_string).unwrap_or_default();
    let media = [(header::CONTENT_TYPE, "application/json;charset=utf-8")];
    (StatusCode::from_u16(status).unwrap(), media, text).into_response()
}

/// Nobody comes in without the token.
pub(crate) fn stranger(headers: &HeaderMap) -> Option<Response> {
    let good = headers.get(header::AUTHORIZATION).is_some_and(|given| *given == format!("Bearer {TOKEN}"));
    (!good).then(|| refuse(401, "Unauthorized"))
}

fn dated(desk: &Desk, mut answer: Response) -> Response {
    let date = desk.clock.now().format("%a, %d %b %Y %H:%M:%S GMT").to_string();
    answer.headers_mut().insert(header::DATE, HeaderValue::try_from(date).unwrap());
    answer
}

fn of_ticket(desk: &Desk, status: u16, id: u64) -> Response {
    let state = desk.state();
    let Some(ticket) = state.tickets.get(&id) else { return refuse(404, "Not Found") };
    let mut answer = answer(status, Some(ticket));
    if desk.manners.tags {
        let tag = format!("\"{}\"", state.versions[&id]);
        answer.headers_mut().insert(header::ETAG, HeaderValue::try_from(tag).unwrap());
    }
    dated(desk, answer)
}

async fn list(State(desk): State<Desk>, Query(asked): Query<Asked>, headers: HeaderMap) -> Response {
    if let Some(stranger) = stranger(&headers) {
        return stranger;
    }
    if desk.manners.refuses_fields && asked.contains_key("fields") {
        return refuse(400, "fields is not supported");
    }
    let number = |name: &str| asked.get(name).map(|text| text.parse::<usize>().unwrap());
    let mut rows: Vec<Value> = desk.state().tickets.values().cloned().collect();
    if desk.manners.filters {
        rows.retain(|ticket| wanted(ticket, &asked));
    }
    match desk.manners.sorts && asked.get("sort").is_some_and(|sort| sort == "lastUpdate") {
        true => rows.sort_by_key(|ticket| ticket["lastUpdate"].as_str().unwrap().to_owned()),
        // An order in which nothing follows from anything.
        false => rows.sort_by_key(|ticket| ticket["id"].to_string().chars().rev().collect::<String>()),
    }
    let total = rows.len();
    let limit = number("limit").unwrap_or(10).min(desk.manners.page);
    let mut page: Vec<Value> = rows.into_iter().skip(number("offset").unwrap_or(0)).take(limit).collect();
    if let Some(fields) = asked.get("fields") {
        let fields: Vec<&str> = fields.split(',').collect();
        for row in &mut page {
            row.as_object_mut().unwrap().retain(|name, _| fields.contains(&name.as_str()));
        }
    }
    let mut answer = answer(200, Some(&Value::from(page)));
    answer.headers_mut().insert(HeaderName::from_static("x-total-count"), HeaderValue::from(total));
    dated(&desk, answer)
}

/// The filters that the connector is known to use, compared as texts.
fn wanted(ticket: &Value, asked: &Asked) -> bool {
    asked.iter().all(|(name, value)| match name.as_str() {
        "lastUpdate.gt" => ticket["lastUpdate"].as_str().unwrap() > value.as_str(),
        "externalId" => ticket["externalId"] == **value,
        "externalIdentifier.id" => ticket["externalIdentifier"]
            .as_array()
            .is_some_and(|all| all.iter().any(|one| one["id"] == **value)),
        _ => true,
    })
}

async fn create(State(desk): State<Desk>, headers: HeaderMap, body: Bytes) -> Response {
    if let Some(stranger) = stranger(&headers) {
        return stranger;
    }
    let Ok(body) = serde_json::from_slice::<Value>(&body) else { return refuse(400, "Bad Request") };
    if let Some(missing) =
        ["description", "severity", "ticketType"].iter().find(|name| !body[**name].is_string())
    {
        return refuse(400, &format!("{missing} is missing"));
    }
    if desk.manners.version == 5 && !typed(&body) {
        return refuse(400, "@type is missing");
    }
    let id = desk.next();
    if desk.take(Write::Create(id, body)) {
        return of_ticket(&desk, 201, id);
    }
    let mut accepted = answer(202, None);
    if desk.manners.names_place {
        let place = HeaderValue::try_from(format!("/tmf-api/troubleTicket/v5/troubleTicket/{id}")).unwrap();
        accepted.headers_mut().insert(header::LOCATION, place);
    }
    accepted
}

/// Version 5 asks for a type in every object, except sizes and periods.
fn typed(value: &Value) -> bool {
    match value {
        Value::Object(members) => {
            (members.contains_key("@type") || members.contains_key("amount")) && members.values().all(typed)
        }
        Value::Array(entries) => entries.iter().all(typed),
        _ => true,
    }
}

async fn show(State(desk): State<Desk>, Path(id): Path<String>, headers: HeaderMap) -> Response {
    match (stranger(&headers), id.parse()) {
        (Some(stranger), _) => stranger,
        (None, Ok(id)) => of_ticket(&desk, 200, id),
        (None, Err(_)) => refuse(404, "Not Found"),
    }
}

async fn change(State(desk): State<Desk>, Path(id): Path<u64>, headers: HeaderMap, body: Bytes) -> Response {
    if let Some(stranger) = stranger(&headers) {
        return stranger;
    }
    let (before, version, ignores) = {
        let state = desk.state();
        let Some(before) = state.tickets.get(&id) else { return refuse(404, "Not Found") };
        (before.clone(), state.versions[&id], state.ignores)
    };
    if let Some(tag) = headers.get(header::IF_MATCH).filter(|_| desk.manners.tags)
        && *tag != format!("\"{version}\"")
    {
        return refuse(412, "Precondition Failed");
    }
    let media = headers[header::CONTENT_TYPE].to_str().unwrap().to_owned();
    let Ok(body) = serde_json::from_slice::<Value>(&body) else { return refuse(400, "Bad Request") };
    let after = match (media.as_str(), desk.manners.version) {
        ("application/json", _) | ("application/merge-patch+json", 5) => match body.as_object() {
            Some(patch) if desk.manners.version == 4 || typed(&body) => desk.merged(&before, patch),
            _ => return refuse(400, "Bad Request"),
        },
        ("application/json-patch+json", 5) => {
            let mut after = before.clone();
            if !pointer::operate(&mut after, &body) {
                return refuse(409, "the patch does not apply");
            }
            after
        }
        _ => return refuse(400, "the media type is not supported"),
    };
    let status = |ticket: &Value| ticket["status"].as_str().unwrap_or_default().to_owned();
    if !may_become(&status(&before), &status(&after)) {
        return refuse(409, "the lifecycle has no such step");
    }
    if ignores {
        return of_ticket(&desk, 200, id);
    }
    match desk.take(Write::Change(id, after)) {
        true => of_ticket(&desk, 200, id),
        false => answer(202, None),
    }
}

async fn file(State(desk): State<Desk>, Path(id): Path<String>, headers: HeaderMap) -> Response {
    match (stranger(&headers), desk.state().files.get(&id)) {
        (Some(stranger), _) => stranger,
        (None, Some(bytes)) => bytes.clone().into_response(),
        (None, None) => refuse(404, "Not Found"),
    }
}
