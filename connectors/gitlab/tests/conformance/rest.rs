//! The REST interface of the desk, with GitLab's own refusals.

use std::collections::BTreeMap;

use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Multipart, Path, Query, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};
use throughline_sdk::Timestamp;

use crate::desk::{BOT, BOT_ID, Desk, Issue, PROJECT, PROJECT_ID, REPORTER, TOKEN, account, time};
use crate::notes;

pub(crate) type Answer = Result<Response, Refused>;
pub(crate) type Asked = BTreeMap<String, String>;
type Named<const N: usize> = Path<[String; N]>;

/// An answer other than success. Boxed, as clippy asks of what stands beside small values.
pub(crate) struct Refused(Box<Response>);

impl Refused {
    pub(crate) fn of(answer: Response) -> Self {
        Self(Box::new(answer))
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        *self.0
    }
}

const MAX_TITLE: usize = 255;
const MAX_DESCRIPTION: usize = 1_048_576;

impl Desk {
    pub(crate) fn router(&self) -> Router {
        let project = Router::new()
            .route("/", get(project))
            .route("/labels", get(labels))
            .route("/labels/{name}", get(label))
            .route("/members/all/{user}", get(member))
            .route("/uploads", post(upload))
            .route("/uploads/{secret}/{name}", get(download))
            .route("/issues", get(list).post(create))
            .route("/issues/{iid}", get(read).put(update))
            .route("/issues/{iid}/notes", get(notes::list).post(notes::add))
            .route("/issues/{iid}/notes/{note}", get(notes::read).put(notes::edit).delete(notes::delete))
            .layer(middleware::from_fn_with_state(self.clone(), seen));
        let api = Router::new()
            .route("/user", get(async || Json(account(BOT))))
            .route("/version", get(version))
            .nest("/projects/{id}", project);
        Router::new()
            .nest("/api/v4", api)
            .fallback(async || refusal(404, json!({"error": "404 Not Found"})))
            .layer(middleware::from_fn_with_state(self.clone(), gate))
            .route("/bucket/{secret}/{name}", get(bucket))
            .layer(DefaultBodyLimit::disable())
            .with_state(self.clone())
    }
}

pub(crate) fn refusal(status: u16, body: Value) -> Refused {
    Refused::of((StatusCode::from_u16(status).unwrap(), Json(body)).into_response())
}

pub(crate) fn not_found(what: &str) -> Refused {
    refusal(404, json!({"message": format!("404 {what} Not Found")}))
}

fn is_known(headers: &HeaderMap) -> bool {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    text("private-token") == TOKEN || text("authorization") == format!("Bearer {TOKEN}")
}

async fn gate(State(desk): State<Desk>, request: Request, next: Next) -> Response {
    let known = is_known(request.headers());
    let mut answer = match known {
        true => next.run(request).await,
        false => refusal(401, json!({"message": "401 Unauthorized"})).into_response(),
    };
    let date = desk.now().format("%a, %d %b %Y %H:%M:%S GMT").to_string();
    answer.headers_mut().insert(header::DATE, date.parse().unwrap());
    answer
}

/// What a token may not see is not there for it, and a project that went elsewhere says where.
async fn seen(
    State(desk): State<Desk>,
    Path(named): Path<BTreeMap<String, String>>,
    request: Request,
    next: Next,
) -> Response {
    let mood = desk.state().mood.clone();
    let ours = named["id"] == PROJECT || named["id"] == PROJECT_ID.to_string();
    if mood.hidden || !ours {
        return not_found("Project").into_response();
    }
    if mood.elsewhere && named["id"] == PROJECT {
        let to = format!("https://gitlab.example/api/v4/projects/{PROJECT_ID}");
        let location = [(header::LOCATION, HeaderValue::from_str(&to).unwrap())];
        let said = format!("This resource has been moved permanently to {to}");
        return (StatusCode::MOVED_PERMANENTLY, location, said).into_response();
    }
    if mood.archived && !request.method().is_safe() {
        return refusal(403, json!({"message": "403 Forbidden"})).into_response();
    }
    if mood.issues_off && request.uri().path().contains("/issues") {
        return refusal(404, json!({"message": "404 Not found"})).into_response();
    }
    next.run(request).await
}

async fn project(State(desk): State<Desk>) -> Json<Value> {
    let mood = desk.state().mood.clone();
    Json(json!({
        "id": PROJECT_ID, "name": "Support", "path": "support", "path_with_namespace": PROJECT, "archived": mood.archived,
        "issues_access_level": if mood.issues_off { "disabled" } else { "enabled" },
        "issues_enabled": !mood.issues_off, "visibility": "private",
    }))
}

async fn version(State(desk): State<Desk>) -> Json<Value> {
    Json(json!({"version": desk.state().mood.version, "revision": "4e963fe"}))
}

async fn member(State(desk): State<Desk>, Path([_, user]): Named<2>) -> Answer {
    match user == BOT_ID.to_string() {
        true => Ok(Json(json!({"id": BOT_ID, "username": BOT, "access_level": desk.state().mood.role}))
            .into_response()),
        false => Err(refusal(404, json!({"message": "404 Not found"}))),
    }
}

fn label_row(name: &str) -> Value {
    json!({"id": name.len(), "name": name, "color": "#5843AD", "description": null, "is_project_label": true})
}

async fn labels(State(desk): State<Desk>, Query(asked): Query<Asked>) -> Answer {
    let rows = desk.state().labels.iter().map(|name| label_row(name)).collect();
    page(rows, &asked, "labels")
}

async fn label(State(desk): State<Desk>, Path([_, name]): Named<2>) -> Answer {
    let name = desk.state().label(&name).ok_or_else(|| not_found("Label"))?;
    Ok(Json(label_row(&name)).into_response())
}

async fn upload(State(desk): State<Desk>, mut form: Multipart) -> Answer {
    while let Ok(Some(part)) = form.next_field().await {
        if part.name() != Some("file") {
            continue;
        }
        let name = part.file_name().unwrap_or_default().to_owned();
        let bytes = part.bytes().await.map_err(|_cut| refusal(400, json!({"error": "file is invalid"})))?;
        let url = desk.store(&name, bytes.to_vec());
        let (stem, ending) = name.rsplit_once('.').unwrap_or((&name, ""));
        let picture = ["png", "jpg", "jpeg", "gif"].contains(&ending);
        let markdown = if picture { format!("![{stem}]({url})") } else { format!("[{name}]({url})") };
        let full = format!("/-/project/{PROJECT_ID}{url}");
        let body = json!({"id": 5, "alt": stem, "url": url, "full_path": full, "markdown": markdown});
        return Ok((StatusCode::CREATED, Json(body)).into_response());
    }
    Err(refusal(400, json!({"error": "file is missing"})))
}

async fn download(State(desk): State<Desk>, Path([_, secret, name]): Named<3>) -> Answer {
    let bytes = desk.state().uploads.get(&format!("{secret}/{name}")).cloned();
    let bytes = bytes.ok_or_else(|| refusal(404, json!({"message": "404 Not found"})))?;
    if desk.state().mood.stored {
        let to = format!("http://files.test/bucket/{secret}/{name}");
        return Ok(
            (StatusCode::FOUND, [(header::LOCATION, HeaderValue::from_str(&to).unwrap())]).into_response()
        );
    }
    Ok(([(header::CONTENT_TYPE, "application/octet-stream")], bytes).into_response())
}

/// Another host, which must not be told who asks.
async fn bucket(State(desk): State<Desk>, Path([secret, name]): Named<2>, headers: HeaderMap) -> Answer {
    match headers.contains_key("private-token") || headers.contains_key("authorization") {
        true => Err(refusal(400, json!("only one authentication is allowed"))),
        false => Ok(desk.state().uploads[&format!("{secret}/{name}")].clone().into_response()),
    }
}

async fn list(State(desk): State<Desk>, Query(asked): Query<Asked>) -> Answer {
    let now = desk.now();
    let state = desk.state();
    let text = |key: &str, usual: &'static str| asked.get(key).cloned().unwrap_or_else(|| usual.to_owned());
    let mut rows: Vec<(Timestamp, Value)> =
        state.issues.values().filter_map(|issue| state.row(issue, now)).collect();
    let wanted = text("state", "all");
    rows.retain(|(_, row)| wanted == "all" || row["state"] == wanted.as_str());
    if text("scope", "all") == "created_by_me" {
        rows.retain(|(_, row)| row["author"]["username"] == BOT);
    }
    let after = |key: &str| match asked.get(key).map(|at| chrono::DateTime::parse_from_rfc3339(at)) {
        None => Ok(None),
        Some(Ok(at)) => Ok(Some(at.to_utc())),
        Some(Err(_)) => Err(refusal(400, json!({"error": format!("{key} is invalid")}))),
    };
    let (updated_after, created_after) = (after("updated_after")?, after("created_after")?);
    rows.retain(|(at, row)| {
        updated_after.is_none_or(|after| *at >= after)
            && created_after.is_none_or(|after| row["created_at"].as_str().unwrap() >= time(after).as_str())
    });
    let by_update = text("order_by", "created_at") == "updated_at";
    let key = |(at, row): &(Timestamp, Value)| {
        let created =
            || chrono::DateTime::parse_from_rfc3339(row["created_at"].as_str().unwrap()).unwrap().to_utc();
        (if by_update { *at } else { created() }, row["iid"].as_u64().unwrap())
    };
    rows.sort_by_key(key);
    if text("sort", "desc") == "desc" {
        rows.reverse();
    }
    if !state.mood.keyed || text("pagination", "") != "keyset" {
        return page(rows.into_iter().map(|(_, row)| row).collect(), &asked, "issues");
    }
    if let Some(cursor) = asked.get("cursor") {
        let (at, iid) = cursor.split_once('_').unwrap_or_default();
        let place = (at.parse::<i64>().unwrap_or_default(), iid.parse::<u64>().unwrap_or_default());
        rows.retain(|row| (key(row).0.timestamp_micros(), key(row).1) > place);
    }
    let each = asked.get("per_page").and_then(|each| each.parse::<usize>().ok()).unwrap_or(20).min(100);
    let more = rows.len() > each;
    rows.truncate(each);
    let mut headers = HeaderMap::new();
    if let (true, Some(last)) = (more, rows.last().map(key)) {
        let next = format!("{}_{}", last.0.timestamp_micros(), last.1);
        // The address is the one that GitLab was configured with, whatever we called it.
        let url = format!(
            "http://gitlab.internal/api/v4/projects/{PROJECT_ID}/issues?pagination=keyset&cursor={next}"
        );
        headers.insert(header::LINK, format!("<{url}>; rel=\"next\"").parse().unwrap());
    }
    Ok((headers, Json(rows.into_iter().map(|(_, row)| row).collect::<Value>())).into_response())
}

async fn create(State(desk): State<Desk>, body: Bytes) -> Answer {
    let body = parsed(&body)?;
    let title = text(&body, "title").ok_or_else(|| refusal(400, json!({"error": "title is missing"})))?;
    checked(Some(&title), text(&body, "description").as_deref(), text(&body, "issue_type").as_deref())?;
    let iid = desk.create(BOT, &title, None);
    let description = text(&body, "description").map(|text| desk.obey(iid, &text));
    let role = desk.state().mood.role;
    desk.change(iid, "created", |issue| {
        issue.description = description;
        issue.confidential = body["confidential"].as_bool().unwrap_or(issue.confidential);
        issue.kind = text(&body, "issue_type").unwrap_or_else(|| "issue".to_owned());
        issue.due = text(&body, "due_date").filter(|_| role >= REPORTER);
    });
    // "Labels, assignees and dates of guests are left out."
    if role >= REPORTER {
        relabel(&desk, iid, &body);
    }
    let answer = there(&desk, &iid.to_string())?.render();
    Ok((StatusCode::CREATED, Json(answer)).into_response())
}

async fn read(State(desk): State<Desk>, Path([_, iid]): Named<2>) -> Answer {
    Ok(Json(there(&desk, &iid)?.render()).into_response())
}

async fn update(State(desk): State<Desk>, Path([id, iid]): Named<2>, body: Bytes) -> Answer {
    let body = parsed(&body)?;
    let issue = there(&desk, &iid)?;
    if body.as_object().is_none_or(serde_json::Map::is_empty) {
        let said = "title, description, labels are missing, at least one parameter must be provided";
        return Err(refusal(400, json!({"error": said})));
    }
    checked(
        text(&body, "title").as_deref(),
        text(&body, "description").as_deref(),
        text(&body, "issue_type").as_deref(),
    )?;
    let mood = desk.state().mood.clone();
    if mood.role < REPORTER && issue.author != BOT {
        return Err(refusal(403, json!({"message": "403 Forbidden"})));
    }
    if !mood.ignores {
        let description = text(&body, "description").map(|text| desk.obey(issue.iid, &text));
        desk.change(issue.iid, "changed title from {-one-} to {+another+}", |issue| {
            issue.title = text(&body, "title")
                .map_or(std::mem::take(&mut issue.title), |title| title.trim().to_owned());
            issue.description = description.or(issue.description.take());
            issue.kind = text(&body, "issue_type").unwrap_or(std::mem::take(&mut issue.kind));
            issue.confidential = body["confidential"].as_bool().unwrap_or(issue.confidential);
            if let Some(due) = text(&body, "due_date") {
                issue.due = Some(due).filter(|due| !due.is_empty());
            }
            match text(&body, "state_event").as_deref() {
                Some("close") => issue.open = false,
                Some("reopen") => issue.open = true,
                Some(_) | None => {}
            }
        });
        relabel(&desk, issue.iid, &body);
    }
    read(State(desk), Path([id, iid])).await
}

impl Desk {
    /// Carries out the commands in a text and takes them out of it.
    pub(crate) fn obey(&self, iid: u64, text: &str) -> String {
        let mut kept = Vec::new();
        for line in text.split('\n') {
            match line.trim_end() {
                "/close" => self.change(iid, "closed", |issue| issue.open = false),
                "/lock" => self.change(iid, "locked", |issue| issue.locked = true),
                "/confidential" => self.change(iid, "made confidential", |issue| issue.confidential = true),
                _ => kept.push(line),
            }
        }
        kept.join("\n")
    }
}

fn relabel(desk: &Desk, iid: u64, body: &Value) {
    let now = desk.now();
    let names = |key: &str| -> Vec<String> {
        let text = text(body, key).unwrap_or_default();
        text.split(',').map(|name| name.trim().to_owned()).filter(|name| !name.is_empty()).collect()
    };
    let mut state = desk.state();
    for name in names("labels").into_iter().chain(names("add_labels")) {
        state.put_label(iid, &name);
    }
    for name in names("remove_labels") {
        state.issue(iid).labels.retain(|label| !label.eq_ignore_ascii_case(&name));
    }
    state.touch(iid, now);
}

pub(crate) fn there(desk: &Desk, iid: &str) -> Result<Issue, Refused> {
    let issue = iid.parse().ok().and_then(|iid: u64| desk.state().issues.get(&iid).cloned());
    issue.filter(|issue| !issue.deleted).ok_or_else(|| refusal(404, json!({"message": "404 Not found"})))
}

pub(crate) fn parsed(body: &Bytes) -> Result<Value, Refused> {
    serde_json::from_slice(body).map_err(|_unreadable| refusal(400, json!({"error": "400 Bad request"})))
}

pub(crate) fn text(body: &Value, key: &str) -> Option<String> {
    body.get(key)?.as_str().map(str::to_owned)
}

fn checked(title: Option<&str>, description: Option<&str>, kind: Option<&str>) -> Result<(), Refused> {
    let long = |key: &str, most: usize| {
        refusal(400, json!({"message": {key: [format!("is too long (maximum is {most} characters)")]}}))
    };
    match title {
        Some(title) if title.trim().is_empty() => {
            return Err(refusal(400, json!({"message": {"title": ["can't be blank"]}})));
        }
        Some(title) if title.chars().count() > MAX_TITLE => return Err(long("title", MAX_TITLE)),
        Some(_) | None => {}
    }
    if description.is_some_and(|text| text.chars().count() > MAX_DESCRIPTION) {
        return Err(long("description", MAX_DESCRIPTION));
    }
    if kind.is_some_and(|kind| !["issue", "incident", "test_case", "task"].contains(&kind)) {
        return Err(refusal(400, json!({"error": "issue_type does not have a valid value"})));
    }
    Ok(())
}

pub(crate) fn page(rows: Vec<Value>, asked: &Asked, path: &str) -> Answer {
    let number = |key: &str, usual: usize| asked.get(key).map_or(Ok(usual), |text| text.parse::<usize>());
    let (Ok(each), Ok(page)) = (number("per_page", 20), number("page", 1)) else {
        return Err(refusal(400, json!({"error": "page is invalid"})));
    };
    let (each, page, total) = (each.clamp(1, 100), page.max(1), rows.len());
    let mut headers = HeaderMap::new();
    let next = if total > page * each { (page + 1).to_string() } else { String::new() };
    let pages = total.div_ceil(each).max(1);
    for (name, value) in [
        ("x-total", total.to_string()),
        ("x-total-pages", pages.to_string()),
        ("x-per-page", each.to_string()),
        ("x-page", page.to_string()),
        ("x-next-page", next.clone()),
        ("x-prev-page", String::new()),
    ] {
        headers.insert(name, value.parse().unwrap());
    }
    if !next.is_empty() {
        let url =
            format!("http://gitlab.internal/api/v4/projects/{PROJECT_ID}/{path}?page={next}&per_page={each}");
        headers.insert(header::LINK, format!("<{url}>; rel=\"next\"").parse().unwrap());
    }
    let rows: Value = rows.into_iter().skip((page - 1) * each).take(each).collect();
    Ok((headers, Json(rows)).into_response())
}
