//! The REST API that the desk is reached by: problem details for who asks for them, and a 500 for who does not.

use axum::Router;
use axum::extract::{Path, Query, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, extract::DefaultBodyLimit};
use serde_json::{Value, json};
use throughline_sdk::Timestamp;

use crate::desk::{DOCUMENT, DOMAIN, Desk, TOKEN};

type Answer = Result<Response, Refusal>;
type Asked = std::collections::BTreeMap<String, String>;

impl Desk {
    pub(crate) fn router(&self) -> Router {
        let case = Router::new()
            .route("/", get(read).patch(renumber))
            .route("/notes", get(notes).post(add_note))
            .route("/approval", post(approve).patch(reapprove))
            .route("/rejection", post(reject))
            .route("/information-request", post(ask))
            .route("/closure", post(close));
        Router::new()
            .route("/v1/me", get(me))
            .route("/v1/forms/{kind}/{id}", get(form))
            .route("/v1/collaboration-requests", post(create))
            .nest("/v1/collaboration-requests/{token}", case)
            .route("/v2/collaboration-requests/list", get(list))
            .fallback(async || problem(404, "No such resource"))
            .layer(middleware::from_fn_with_state(self.clone(), gate))
            .layer(DefaultBodyLimit::disable())
            .with_state(self.clone())
    }
}

/// A refusal on its way out.
struct Refusal(Box<Response>);

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        *self.0
    }
}

fn problem(status: u16, detail: &str) -> Refusal {
    let body = json!({"type": "about:blank", "title": "Refused", "status": status, "detail": detail});
    let headers = [(header::CONTENT_TYPE, "application/problem+json")];
    Refusal(Box::new((StatusCode::from_u16(status).unwrap(), headers, Json(body)).into_response()))
}

async fn gate(State(desk): State<Desk>, request: Request, next: Next) -> Response {
    let headers: HeaderMap = request.headers().clone();
    let field =
        |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok()).unwrap_or_default();
    let mut response = if field("authorization") == format!("Bearer {TOKEN}") {
        next.run(request).await
    } else {
        problem(401, "Unauthorized").into_response()
    };
    if response.status().is_client_error() && !field("accept").contains("application/problem+json") {
        response = (StatusCode::INTERNAL_SERVER_ERROR, Json(json!({"message": "refused"}))).into_response();
    }
    if !desk.state().mood.timeless {
        let date = desk.now().format("%a, %d %b %Y %H:%M:%S GMT").to_string();
        response.headers_mut().insert(header::DATE, HeaderValue::from_str(&date).unwrap());
    }
    response
}

async fn me() -> Json<Value> {
    Json(json!({
        "company": {"id": 1, "name": "Contoso", "domain": "contoso.example"},
        "user": {"id": 3, "username": "api@contoso.example", "email": "api@contoso.example"},
    }))
}

async fn form(State(desk): State<Desk>, Path((kind, id)): Path<(String, String)>) -> Answer {
    if desk.state().mood.partnerless || (kind.as_str(), id.as_str()) != ("department", "4711") {
        return Err(problem(404, "Form not found"));
    }
    Ok(Json(fields()).into_response())
}

fn fields() -> Value {
    json!({
        "documentId": DOCUMENT,
        "priority": "LOW",
        "adminNote": "<p>Read <a href=\"https://fabrikam.example\">this</a> first</p>",
        "customFields": [
            {"fieldId": 1, "section": "PROBLEM_SECTION", "label": "Product", "type": "STRING", "required": true,
             "displayOrder": 1, "options": null, "value": null, "selections": []},
            {"fieldId": 2, "section": "COMMON_CUSTOMER_SECTION", "label": "Hypervisor", "type": "SELECT",
             "required": true, "displayOrder": 2, "options": "AHV\r\nESXi\r\nKVM", "selections": []},
        ],
        "internalNotes": [],
    })
}

async fn create(State(desk): State<Desk>, Json(body): Json<Value>) -> Answer {
    let text = |key: &str| {
        body[key].as_str().map(str::to_owned).ok_or_else(|| problem(400, &format!("{key} is required")))
    };
    let (summary, description) = (text("problemSummary")?, text("problemDescription")?);
    let (number, priority) = (text("internalCaseNumber")?, text("priority")?);
    if summary.encode_utf16().count() > 500 || description.encode_utf16().count() > 5000 {
        return Err(problem(400, "size must be between 0 and 5000"));
    }
    if !["LOW", "MEDIUM", "HIGH"].contains(&priority.as_str()) || !body["internalNotes"].is_array() {
        return Err(problem(400, "Failed to read request"));
    }
    if body["documentId"] != DOCUMENT {
        return Err(problem(422, "The form has changed"));
    }
    let email = body["submitterContactDetails"]["email"].as_str().unwrap_or_default().to_owned();
    if !email.ends_with(DOMAIN) {
        return Err(problem(422, "The email has to be in a registered domain"));
    }
    let mut filled = Vec::new();
    for field in fields()["customFields"].as_array().unwrap() {
        let given = body["customFields"]
            .as_array()
            .unwrap()
            .iter()
            .find(|given| given["fieldId"] == field["fieldId"]);
        let value = given.and_then(|given| given["value"].as_str()).unwrap_or_default();
        let options = field["options"].as_str().unwrap_or_default();
        if value.is_empty() || (!options.is_empty() && !options.split("\r\n").any(|option| option == value)) {
            return Err(problem(422, "A required field has no value"));
        }
        filled.push((field["label"].as_str().unwrap().to_owned(), value.to_owned()));
    }
    let token = desk.submit(true, &summary, &description, &number);
    desk.change(&token, |case| {
        (case.priority, case.fields) = (priority, filled);
        case.test = body["testSubmission"] == true;
    });
    let mut json = shown(&desk, &token)?;
    if desk.state().mood.tokenless {
        json["token"] = Value::Null;
    }
    Ok(Json(json).into_response())
}

fn shown(desk: &Desk, token: &str) -> Result<Value, Refusal> {
    let mut state = desk.state();
    let hides = !state.mood.shows_deleted;
    let case = state.case(token).filter(|case| case.deleted.is_none() || !hides).cloned();
    let case = case.ok_or_else(|| problem(404, &format!("Case with token {token} not found.")))?;
    Ok(state.json(&case))
}

async fn read(State(desk): State<Desk>, Path(token): Path<String>) -> Answer {
    Ok(Json(shown(&desk, &token)?).into_response())
}

async fn list(State(desk): State<Desk>, Query(asked): Query<Asked>) -> Answer {
    let time = |key: &str| -> Option<Timestamp> {
        asked.get(key).map(|text| {
            assert_eq!(text.len(), "2031-05-01T10:00:00Z".len(), "whole seconds only");
            text.parse().unwrap()
        })
    };
    let is_after = |row: &Value, key: &str, since: Option<Timestamp>| {
        since.is_none_or(|since| row[key].as_str().unwrap().parse::<Timestamp>().unwrap() > since)
    };
    let is = |row: &Value, key: &str, wanted: Option<&String>| {
        wanted.is_none_or(|wanted| wanted == "ALL" || row[key] == wanted.as_str())
    };
    let rows = desk.state().listed(desk.now());
    let rows = rows.into_iter().filter(|row| {
        is_after(row, "updatedAt", time("updatedAfter"))
            && is_after(row, "createdAt", time("createdAfter"))
            && is(row, "status", asked.get("status"))
            && is(row, "direction", asked.get("type"))
    });
    // In no order that anybody promised.
    let mut rows: Vec<Value> = rows.collect();
    rows.reverse();
    Ok(Json(rows).into_response())
}

async fn notes(State(desk): State<Desk>, Path(token): Path<String>) -> Answer {
    shown(&desk, &token)?;
    let mut state = desk.state();
    let case = state.case(&token).unwrap().clone();
    let notes: Vec<Value> = case.notes.iter().map(|note| state.note(&case, note)).collect();
    Ok(Json(notes).into_response())
}

async fn add_note(State(desk): State<Desk>, Path(token): Path<String>, Json(body): Json<Value>) -> Answer {
    shown(&desk, &token)?;
    let (summary, description) = (body["summary"].as_str().unwrap_or_default(), body["description"].as_str());
    if summary.trim().is_empty()
        || summary.encode_utf16().count() > 500
        || description.unwrap_or_default().encode_utf16().count() > 5000
    {
        return Err(problem(400, "summary must not be blank"));
    }
    let mut audience = body["type"].as_str().unwrap_or("USER_PARTNER").to_owned();
    if desk.state().mood.closed_mouth {
        "USER_PARTNER".clone_into(&mut audience);
    }
    let id = desk.note(&token, "Contoso", summary, description, &audience);
    let mut state = desk.state();
    let case = state.case(&token).unwrap().clone();
    let note = case.notes.iter().find(|note| note.id == id).unwrap();
    Ok(Json(state.note(&case, note)).into_response())
}

/// Who answers, if that is somebody of ours.
fn engineer(body: &Value) -> Result<(), Refusal> {
    let text = |key: &str| body[key].as_str().unwrap_or_default();
    match text("engineerName").is_empty() || !text("engineerEmail").ends_with(DOMAIN) {
        true => Err(problem(422, "The engineer's email has to be in a registered domain")),
        false => Ok(()),
    }
}

/// A request that the side may answer while it has one of these statuses.
fn answerable(desk: &Desk, token: &str, ours: bool, statuses: &[&str]) -> Result<(), Refusal> {
    shown(desk, token)?;
    let mut state = desk.state();
    let case = state.case(token).unwrap();
    if case.ours != ours {
        return Err(problem(403, "Not allowed for this company"));
    }
    match statuses.contains(&case.status.as_str()) {
        true => Ok(()),
        false => Err(problem(422, &format!("{} cases cannot be answered like this.", case.status))),
    }
}

fn respond(desk: &Desk, token: &str, kind: &str, status: &str, body: &Value, said: &str) -> Answer {
    if !desk.state().mood.ignores {
        desk.respond(token, kind, status, body, said);
    }
    Ok(Json(shown(desk, token)?).into_response())
}

async fn approve(State(desk): State<Desk>, Path(token): Path<String>, Json(body): Json<Value>) -> Answer {
    answerable(&desk, &token, false, &["OPEN", "INFORMATION"])?;
    engineer(&body)?;
    let number = body["caseNumber"].as_str().ok_or_else(|| problem(400, "caseNumber is required"))?;
    desk.change(&token, |case| case.receiver_number = Some(number.to_owned()));
    respond(&desk, &token, "APPROVAL", "ACCEPTED", &body, body["nextSteps"].as_str().unwrap_or_default())
}

async fn reapprove(State(desk): State<Desk>, Path(token): Path<String>, Json(body): Json<Value>) -> Answer {
    answerable(&desk, &token, false, &["INFORMATION", "ACCEPTED"])?;
    engineer(&body)?;
    if !desk.state().case(&token).unwrap().responses.iter().any(|response| response["type"] == "APPROVAL") {
        return Err(problem(422, "There is no approval."));
    }
    let number = body["caseNumber"].as_str().ok_or_else(|| problem(400, "caseNumber is required"))?;
    if !desk.state().mood.ignores {
        desk.change(&token, |case| case.receiver_number = Some(number.to_owned()));
    }
    Ok(Json(shown(&desk, &token)?).into_response())
}

async fn renumber(State(desk): State<Desk>, Path(token): Path<String>, Json(body): Json<Value>) -> Answer {
    answerable(&desk, &token, true, &["OPEN", "INFORMATION", "ACCEPTED", "CLOSED"])?;
    let number = body["internalCaseNumber"].as_str().unwrap_or_default();
    if !desk.state().mood.ignores {
        desk.change(&token, |case| case.submitter_number = number.to_owned());
    }
    Ok(Json(shown(&desk, &token)?).into_response())
}

async fn reject(State(desk): State<Desk>, Path(token): Path<String>, Json(body): Json<Value>) -> Answer {
    answerable(&desk, &token, false, &["OPEN", "INFORMATION"])?;
    engineer(&body)?;
    let reason = body["reason"].as_str().ok_or_else(|| problem(400, "reason is required"))?;
    respond(&desk, &token, "REJECTION", "REJECTED", &body, reason)
}

async fn ask(State(desk): State<Desk>, Path(token): Path<String>, Json(body): Json<Value>) -> Answer {
    answerable(&desk, &token, false, &["OPEN", "ACCEPTED"])?;
    engineer(&body)?;
    let asked = body["requestedInformation"]
        .as_str()
        .ok_or_else(|| problem(400, "requestedInformation is required"))?;
    respond(&desk, &token, "INFORMATION_REQUEST", "INFORMATION", &body, asked)
}

async fn close(State(desk): State<Desk>, Path(token): Path<String>) -> Answer {
    shown(&desk, &token)?;
    if desk.state().case(&token).is_some_and(|case| case.status == "OPEN") {
        return Err(problem(422, "OPEN cases cannot be closed."));
    }
    answerable(&desk, &token, true, &["INFORMATION", "ACCEPTED"])?;
    if !desk.state().mood.ignores {
        desk.change(&token, |case| "CLOSED".clone_into(&mut case.status));
    }
    Ok(Json(shown(&desk, &token)?).into_response())
}
