//! The REST interface of the desk, with GitHub's own refusals.

use std::collections::BTreeMap;

use axum::Router;
use axum::extract::{Path, Query, Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, body::Bytes};
use serde_json::{Value, json};
use throughline_sdk::Timestamp;

use crate::desk::{BOT, Comment, Desk, Fate, Issue, NAME, OWNER, TOKEN};
use crate::render;

type Answer = Result<Response, Refused>;

/// An answer other than success. Boxed, as clippy asks of what stands beside small values.
struct Refused(Box<Response>);

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        *self.0
    }
}

type Asked = Query<BTreeMap<String, String>>;

/// A title and a body may have this many characters.
const MAX_TITLE: usize = 256;
const MAX_BODY: usize = 65_536;

impl Desk {
    pub(crate) fn router(&self) -> Router {
        let repository = Router::new()
            .route("/", get(repository))
            .route("/labels", get(labels))
            .route("/labels/{name}", get(label))
            .route("/issues", get(list).post(create))
            .route("/issues/{number}", get(read).patch(update))
            .route("/issues/{number}/comments", get(comments).post(comment))
            .route("/issues/{number}/labels", post(add_labels))
            .route("/issues/{number}/labels/{name}", axum::routing::delete(remove_label))
            .route("/issues/{number}/assignees", post(assign).delete(unassign))
            .route("/issues/comments/{id}", axum::routing::patch(edit_comment).delete(delete_comment))
            .layer(middleware::from_fn_with_state(self.clone(), seen));
        Router::new()
            .route("/user", get(async || Json(render::account(BOT))))
            .route("/orgs/{org}/issue-types", get(types))
            .nest(&format!("/repos/{OWNER}/{NAME}"), repository)
            .fallback(async || refusal(404, "Not Found"))
            .layer(middleware::from_fn_with_state(self.clone(), gate))
            .with_state(self.clone())
    }
}

fn refusal(status: u16, message: &str) -> Refused {
    let body = json!({"message": message, "documentation_url": "https://docs.github.com/rest", "status": status.to_string()});
    Refused(Box::new((StatusCode::from_u16(status).unwrap(), Json(body)).into_response()))
}

fn invalid(field: &str, code: &str, message: Option<&str>) -> Refused {
    let mut error = json!({"resource": "Issue", "field": field, "code": code});
    if let Some(message) = message {
        error["message"] = message.into();
    }
    let body = json!({"message": "Validation Failed", "errors": [error], "documentation_url": "https://docs.github.com/rest"});
    Refused(Box::new((StatusCode::UNPROCESSABLE_ENTITY, Json(body)).into_response()))
}

fn moved(url: &str) -> Refused {
    let body = json!({"message": "Moved Permanently", "url": url, "documentation_url": "https://docs.github.com/rest"});
    let location = [(header::LOCATION, HeaderValue::from_str(url).unwrap())];
    Refused(Box::new((StatusCode::MOVED_PERMANENTLY, location, Json(body)).into_response()))
}

/// Who asks, in which version, and how much of the limits is left. Each answer tells the limit and the time.
async fn gate(State(desk): State<Desk>, request: Request, next: Next) -> Response {
    let now = desk.now();
    let headers = request.headers();
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let answer = if text("authorization") != format!("Bearer {TOKEN}") {
        Some(refusal(401, "Bad credentials"))
    } else if text("x-github-api-version") != "2022-11-28" {
        Some(refusal(400, "this desk wants the version that the connector was written for"))
    } else if text("accept") != "application/vnd.github+json" {
        Some(refusal(415, "Unsupported 'Accept' header"))
    } else {
        limited(&desk, request.method(), now)
    };
    let mut answer = match answer {
        Some(refused) => refused.into_response(),
        None => next.run(request).await,
    };
    let left = desk.state().mood.left.unwrap_or(4999);
    let reset = now.timestamp() + 1800;
    let fields = [
        ("x-ratelimit-limit", 5000.to_string()),
        ("x-ratelimit-remaining", left.to_string()),
        ("x-ratelimit-reset", reset.to_string()),
    ];
    for (name, value) in fields {
        answer.headers_mut().insert(name, value.parse().unwrap());
    }
    let date = now.format("%a, %d %b %Y %H:%M:%S GMT").to_string();
    answer.headers_mut().insert(header::DATE, date.parse().unwrap());
    answer
}

/// Both limits, as 403 or 429: the documentation says that either may come for either.
fn limited(desk: &Desk, method: &Method, now: Timestamp) -> Option<Refused> {
    let mut state = desk.state();
    match &mut state.mood.left {
        Some(0) => return Some(refusal(403, "API rate limit exceeded for user ID 1.")),
        Some(left) => *left -= 1,
        None => {}
    }
    if method.is_safe() || !state.mood.secondary {
        return None;
    }
    state.writes.retain(|at| (now - *at).num_seconds() < 60);
    if state.writes.len() >= 80 {
        return Some(refusal(
            403,
            "You have exceeded a secondary rate limit. Please wait a few minutes before you try again.",
        ));
    }
    state.writes.push(now);
    None
}

/// What a token may not see is not there for it, and a renamed repository is somewhere else.
async fn seen(State(desk): State<Desk>, request: Request, next: Next) -> Response {
    let mood = desk.state().mood.clone();
    if mood.hidden {
        return refusal(404, "Not Found").into_response();
    }
    if mood.renamed {
        return moved("https://api.github.com/repositories/1296269").into_response();
    }
    if mood.archived && !request.method().is_safe() {
        return refusal(403, "Repository was archived so is read-only.").into_response();
    }
    if mood.issues_off && request.uri().path().contains("/issues") {
        return refusal(410, "Issues are disabled for this repo").into_response();
    }
    next.run(request).await
}

async fn repository(State(desk): State<Desk>) -> Json<Value> {
    Json(render::repository(&desk.state().mood))
}

async fn types(State(desk): State<Desk>, Path(org): Path<String>) -> Response {
    match org == OWNER {
        true => {
            Json(desk.state().types.iter().map(|name| render::kind(name)).collect::<Value>()).into_response()
        }
        false => refusal(404, "Not Found").into_response(),
    }
}

async fn labels(State(desk): State<Desk>, Query(asked): Asked) -> Answer {
    let rows = desk.state().labels.iter().map(|name| render::label(name)).collect();
    page(rows, &asked, "labels")
}

async fn label(State(desk): State<Desk>, Path(name): Path<String>) -> Answer {
    let name = desk.state().has_label(&name).ok_or_else(|| refusal(404, "Not Found"))?;
    Ok(Json(render::label(&name)).into_response())
}

async fn list(State(desk): State<Desk>, Query(asked): Asked) -> Answer {
    let now = desk.now();
    let state = desk.state();
    let text = |key: &str, usual: &'static str| asked.get(key).cloned().unwrap_or_else(|| usual.to_owned());
    let mut rows: Vec<Value> = state.issues.values().filter_map(|issue| state.row(issue, now)).collect();
    let wanted = text("state", "open");
    rows.retain(|row| wanted == "all" || row["state"] == wanted.as_str());
    if let Some(since) = asked.get("since") {
        let since = chrono::DateTime::parse_from_rfc3339(since)
            .map_err(|_unreadable| invalid("since", "invalid", None))?;
        // "after the given time": whether that takes in the second itself is not said, so it does not.
        rows.retain(|row| row["updated_at"].as_str().unwrap() > render::time(since.to_utc()).as_str());
    }
    if let Some(creator) = asked.get("creator") {
        rows.retain(|row| row["user"]["login"].as_str().unwrap().eq_ignore_ascii_case(creator));
    }
    let key = if text("sort", "created") == "updated" { "updated_at" } else { "created_at" };
    // Ties stand in an order that nobody promised: here the older number is the later one.
    rows.sort_by_key(|row| {
        (row[key].as_str().unwrap().to_owned(), std::cmp::Reverse(row["number"].as_u64()))
    });
    if text("direction", "desc") == "desc" {
        rows.reverse();
    }
    page(rows, &asked, "issues")
}

async fn create(State(desk): State<Desk>, body: Bytes) -> Answer {
    let body = parsed(&body)?;
    let title = text(&body, "title").filter(|title| !title.trim().is_empty());
    let title = title.ok_or_else(|| invalid("title", "missing_field", None))?;
    let (title, text) = checked(Some(title), text(&body, "body"))?;
    let number = desk.create(BOT, &title.unwrap_or_default(), text);
    let triage = desk.state().mood.triage;
    if triage {
        let labels = names(&body, "labels").unwrap_or_default();
        let labels: Vec<String> = labels.into_iter().map(|name| desk.state().label_made(name)).collect();
        let people = desk.state().people.clone();
        let kind = kind_of(&desk, &body)?;
        desk.change(number, |issue| {
            issue.labels = labels;
            issue.assignees = names(&body, "assignees").unwrap_or_default();
            issue.assignees.retain(|login| people.contains(login));
            issue.kind = kind.flatten();
        });
    }
    let url = format!("https://api.github.com/repos/{OWNER}/{NAME}/issues/{number}");
    let answer = render::issue(desk.state().issue(number));
    Ok((StatusCode::CREATED, [(header::LOCATION, url)], Json(answer)).into_response())
}

async fn read(State(desk): State<Desk>, Path(number): Path<u64>) -> Answer {
    Ok(Json(render::issue(&there(&desk, number)?)).into_response())
}

async fn update(State(desk): State<Desk>, Path(number): Path<u64>, body: Bytes) -> Answer {
    let body = parsed(&body)?;
    let issue = there(&desk, number)?;
    let mood = desk.state().mood.clone();
    if !mood.triage && issue.author != BOT {
        return Err(refusal(403, "Must have admin rights to Repository."));
    }
    let (title, text_) = checked(text(&body, "title"), text(&body, "body"))?;
    let kind = kind_of(&desk, &body)?;
    let state = text(&body, "state");
    if state.as_deref().is_some_and(|state| !["open", "closed"].contains(&state)) {
        return Err(invalid("state", "invalid", None));
    }
    if !mood.ignores {
        desk.change(number, |issue| {
            issue.title = title.map_or(std::mem::take(&mut issue.title), |title| title.trim().to_owned());
            issue.body = text_.or(issue.body.take());
            if let Some(kind) = kind.filter(|_| mood.triage) {
                issue.kind = kind;
            }
            // "Ignored unless `state` is changed."
            if let Some(state) = state.filter(|state| (state == "open") != issue.open) {
                issue.open = state == "open";
                issue.reason = match text(&body, "state_reason") {
                    None if issue.open => Some("reopened".to_owned()),
                    None => Some("completed".to_owned()),
                    Some(reason) => Some(reason),
                };
            }
        });
    }
    read(State(desk), Path(number)).await
}

async fn comments(State(desk): State<Desk>, Path(number): Path<u64>, Query(asked): Asked) -> Answer {
    let issue = there(&desk, number)?;
    let rows = issue.comments.iter().map(|comment| render::comment(comment, number)).collect();
    page(rows, &asked, "comments")
}

async fn comment(State(desk): State<Desk>, Path(number): Path<u64>, body: Bytes) -> Answer {
    let body = parsed(&body)?;
    let issue = there(&desk, number)?;
    if issue.locked && !desk.state().mood.triage {
        return Err(refusal(403, "Unable to create comment because issue is locked."));
    }
    let (_, text) = checked(None, text(&body, "body"))?;
    let text =
        text.filter(|text| !text.trim().is_empty()).ok_or_else(|| invalid("body", "missing_field", None))?;
    let id = desk.comment(BOT, number, &text);
    let answer = find_comment(&desk, id)?;
    Ok((StatusCode::CREATED, Json(render::comment(&answer.1, number))).into_response())
}

async fn edit_comment(State(desk): State<Desk>, Path(id): Path<u64>, body: Bytes) -> Answer {
    let body = parsed(&body)?;
    let (number, _) = find_comment(&desk, id)?;
    let (_, text) = checked(None, text(&body, "body"))?;
    let text = text.ok_or_else(|| invalid("body", "missing_field", None))?;
    let now = desk.now();
    // That an edited comment moves the issue's time is nowhere said, so it does not.
    let mut state = desk.state();
    let comment = state.issue(number).comments.iter_mut().find(|comment| comment.id == id).unwrap();
    (comment.body, comment.updated) = (text, now);
    Ok(Json(render::comment(comment, number)).into_response())
}

async fn delete_comment(State(desk): State<Desk>, Path(id): Path<u64>) -> Answer {
    let (number, _) = find_comment(&desk, id)?;
    desk.state().issue(number).comments.retain(|comment| comment.id != id);
    Ok(StatusCode::NO_CONTENT.into_response())
}

async fn add_labels(State(desk): State<Desk>, Path(number): Path<u64>, body: Bytes) -> Answer {
    let body = parsed(&body)?;
    there(&desk, number)?;
    triage(&desk)?;
    let labels = names(&body, "labels").ok_or_else(|| invalid("labels", "missing_field", None))?;
    for name in labels {
        let name = desk.state().label_made(name);
        desk.change(number, |issue| {
            issue.labels.retain(|label| *label != name);
            issue.labels.push(name);
        });
    }
    Ok(Json(label_rows(&there(&desk, number)?)).into_response())
}

async fn remove_label(State(desk): State<Desk>, Path((number, name)): Path<(u64, String)>) -> Answer {
    let issue = there(&desk, number)?;
    triage(&desk)?;
    if !issue.labels.iter().any(|label| label.eq_ignore_ascii_case(&name)) {
        return Err(refusal(404, "Label does not exist"));
    }
    desk.change(number, |issue| issue.labels.retain(|label| !label.eq_ignore_ascii_case(&name)));
    Ok(Json(label_rows(&there(&desk, number)?)).into_response())
}

async fn assign(State(desk): State<Desk>, Path(number): Path<u64>, body: Bytes) -> Answer {
    let body = parsed(&body)?;
    there(&desk, number)?;
    let people = desk.state().people.clone();
    // Whoever cannot be assigned is left out without a word.
    let mut logins = names(&body, "assignees").unwrap_or_default();
    logins.retain(|login| people.contains(login));
    desk.change(number, |issue| issue.assignees.extend(logins));
    Ok((StatusCode::CREATED, Json(render::issue(&there(&desk, number)?))).into_response())
}

async fn unassign(State(desk): State<Desk>, Path(number): Path<u64>, body: Bytes) -> Answer {
    let body = parsed(&body)?;
    there(&desk, number)?;
    let logins = names(&body, "assignees").unwrap_or_default();
    desk.change(number, |issue| issue.assignees.retain(|login| !logins.contains(login)));
    Ok(Json(render::issue(&there(&desk, number)?)).into_response())
}

impl crate::desk::State {
    /// The label's own spelling; one that is not there is made.
    fn label_made(&mut self, name: String) -> String {
        self.has_label(&name).unwrap_or_else(|| {
            self.labels.push(name.clone());
            name
        })
    }
}

fn there(desk: &Desk, number: u64) -> Result<Issue, Refused> {
    let issue = desk.state().issues.get(&number).cloned().ok_or_else(|| refusal(404, "Not Found"))?;
    match issue.fate {
        Fate::Here => Ok(issue),
        Fate::Deleted => Err(refusal(410, "This issue was deleted")),
        Fate::Transferred(to) => Err(moved(&format!("https://api.github.com/repositories/77/issues/{to}"))),
    }
}

fn find_comment(desk: &Desk, id: u64) -> Result<(u64, Comment), Refused> {
    let state = desk.state();
    let found = state.issues.values().find_map(|issue| {
        issue.comments.iter().find(|comment| comment.id == id).map(|comment| (issue.number, comment.clone()))
    });
    found.ok_or_else(|| refusal(404, "Not Found"))
}

fn triage(desk: &Desk) -> Result<(), Refused> {
    match desk.state().mood.triage {
        true => Ok(()),
        false => Err(refusal(403, "Must have admin rights to Repository.")),
    }
}

fn kind_of(desk: &Desk, body: &Value) -> Result<Option<Option<String>>, Refused> {
    match body.get("type") {
        None => Ok(None),
        Some(Value::Null) => Ok(Some(None)),
        Some(kind) => {
            let kind = kind.as_str().unwrap_or_default().to_owned();
            let known = desk.state().types.contains(&kind);
            known.then_some(Some(Some(kind))).ok_or_else(|| invalid("type", "invalid", None))
        }
    }
}

fn label_rows(issue: &Issue) -> Value {
    issue.labels.iter().map(|name| render::label(name)).collect()
}

fn parsed(body: &Bytes) -> Result<Value, Refused> {
    let body: Value =
        serde_json::from_slice(body).map_err(|_unreadable| refusal(400, "Problems parsing JSON"))?;
    body.is_object().then_some(body).ok_or_else(|| refusal(400, "Body should be a JSON object"))
}

fn text(body: &Value, key: &str) -> Option<String> {
    body.get(key)?.as_str().map(str::to_owned)
}

fn names(body: &Value, key: &str) -> Option<Vec<String>> {
    Some(body.get(key)?.as_array()?.iter().filter_map(|name| name.as_str().map(str::to_owned)).collect())
}

type Texts = (Option<String>, Option<String>);

fn checked(title: Option<String>, body: Option<String>) -> Result<Texts, Refused> {
    if title.as_ref().is_some_and(|title| title.chars().count() > MAX_TITLE) {
        return Err(invalid("title", "custom", Some("title is too long (maximum is 256 characters)")));
    }
    if body.as_ref().is_some_and(|body| body.chars().count() > MAX_BODY) {
        return Err(invalid("body", "custom", Some("body is too long (maximum is 65536 characters)")));
    }
    Ok((title, body))
}

fn page(rows: Vec<Value>, asked: &BTreeMap<String, String>, path: &str) -> Answer {
    let number = |key: &str, usual: usize| asked.get(key).map_or(Ok(usual), |text| text.parse::<usize>());
    let (Ok(each), Ok(page)) = (number("per_page", 30), number("page", 1)) else {
        return Err(invalid("page", "invalid", None));
    };
    let (each, page) = (each.min(100), page.max(1));
    let more = rows.len() > page * each;
    let rows: Value = rows.into_iter().skip((page - 1) * each).take(each).collect();
    let mut headers = HeaderMap::new();
    if more {
        let next =
            format!("<https://api.github.com/repositories/1296269/{path}?page={}>; rel=\"next\"", page + 1);
        headers.insert(header::LINK, next.parse().unwrap());
    }
    Ok((headers, Json(rows)).into_response())
}
