//! The desk's REST interface, and the place where its faults meet requests.

use std::sync::Arc;
use std::time::Duration;

use ::http::header::{AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, IF_MATCH, RETRY_AFTER};
use ::http::{HeaderMap, HeaderValue, StatusCode};
use axum::body::{Body, to_bytes};
use axum::extract::{DefaultBodyLimit, Path, Query, Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post, put};
use axum::{Extension, Json, Router};
use bytes::Bytes;
use futures::stream;
use ring::digest;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::Desk;
use super::faults::DroppedReply;
use super::model::{Action, Made, Patch, Reference, Refusal, Ticket};
use super::state::{Once, What};

const MAX_FILE_BYTES: usize = 64 * 1024 * 1024;
const MAX_ANSWER_BYTES: usize = 256 * 1024 * 1024;
const MAX_ROWS: usize = 500;

pub(super) fn routes(desk: &Desk) -> Router {
    Router::new()
        .route("/api/whoami", get(whoami))
        .route("/api/describe", get(describe))
        .route("/api/changes", get(changes))
        .route("/api/find", get(find))
        .route("/api/tickets", post(create))
        .route("/api/external/{id}", put(upsert))
        .route("/api/tickets/{number}", get(read).patch(update))
        .route("/api/tickets/{number}/comments", post(comment))
        .route("/api/tickets/{number}/comments/{comment}", put(edit).delete(retract))
        .route("/api/tickets/{number}/references", post(link))
        .route("/api/tickets/{number}/files", post(attach))
        .route("/api/tickets/{number}/files/{file}", get(file))
        .layer(DefaultBodyLimit::max(MAX_FILE_BYTES))
        .layer(from_fn_with_state(desk.clone(), misbehave))
        // Outside the faults: a stranger learns nothing about them and changes nothing.
        .layer(from_fn_with_state(desk.clone(), authenticate))
        .with_state(desk.clone())
}

/// What becomes of a write, decided before it is looked at.
#[derive(Clone, Copy, Debug)]
enum Fate {
    Done,
    Late(Duration),
    Ignored,
}

async fn authenticate(State(desk): State<Desk>, request: Request, next: Next) -> Response {
    let given =
        request.headers().get(AUTHORIZATION).and_then(|value| value.as_bytes().strip_prefix(b"Bearer "));
    // Compared as hashes, so that the time it takes says nothing about the token.
    let hash = |bytes: &[u8]| digest::digest(&digest::SHA256, bytes);
    let expected = hash(desk.settings().token.as_bytes());
    if given.is_some_and(|given| hash(given).as_ref() == expected.as_ref()) {
        next.run(request).await
    } else {
        problem(StatusCode::UNAUTHORIZED, "the token does not open this desk")
    }
}

async fn misbehave(State(desk): State<Desk>, mut request: Request, next: Next) -> Response {
    let writes = !request.method().is_safe();
    let (rate_limit, unavailable, before, drop_reply, truncate, retry_after, fate) = {
        let mut state = desk.lock();
        let faults = state.faults.clone();
        let fate = if writes && state.dice.hit(faults.late_commit) {
            Fate::Late(faults.commit_delay)
        } else if writes && state.dice.hit(faults.ignore_write) {
            Fate::Ignored
        } else {
            Fate::Done
        };
        let dice = &mut state.dice;
        (
            dice.hit(faults.rate_limit),
            dice.hit(faults.unavailable),
            dice.hit(50),
            dice.hit(faults.drop_reply) || matches!(fate, Fate::Late(_)),
            dice.hit(faults.truncate),
            faults.retry_after.as_secs(),
            fate,
        )
    };
    if rate_limit || (unavailable && before) {
        let status = if rate_limit { StatusCode::TOO_MANY_REQUESTS } else { StatusCode::SERVICE_UNAVAILABLE };
        return wait(status, retry_after);
    }
    request.extensions_mut().insert(fate);
    let response = next.run(request).await;
    if unavailable {
        return wait(StatusCode::SERVICE_UNAVAILABLE, retry_after);
    }
    if drop_reply {
        return dropped();
    }
    if truncate { cut(response).await } else { response }
}

fn wait(status: StatusCode, seconds: u64) -> Response {
    let mut response = problem(status, "not now");
    response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
    response
}

/// An answer whose body breaks off before its first byte.
fn dropped() -> Response {
    let broken = stream::iter([Err::<Bytes, _>(std::io::Error::other("the reply was dropped"))]);
    let mut response = Response::new(Body::from_stream(broken));
    response.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from_static("1"));
    response.extensions_mut().insert(DroppedReply);
    response
}

async fn cut(response: Response) -> Response {
    let (mut parts, body) = response.into_parts();
    let whole = to_bytes(body, MAX_ANSWER_BYTES).await.unwrap_or_default();
    parts.headers.remove(CONTENT_LENGTH);
    Response::from_parts(parts, Body::from(whole.slice(..whole.len() / 2)))
}

fn problem(status: StatusCode, message: impl Into<String>) -> Response {
    (status, Json(json!({ "error": message.into() }))).into_response()
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let status = match &self {
            Self::Missing(_) => StatusCode::NOT_FOUND,
            Self::Invalid(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Stale { .. } => StatusCode::PRECONDITION_FAILED,
        };
        problem(status, self.to_string())
    }
}

#[derive(Serialize)]
struct Answer<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    ticket: &'a Ticket,
}

/// Does a write as its fate wants it, and answers with the whole ticket.
fn submit(
    desk: &Desk,
    fate: Fate,
    headers: &HeaderMap,
    action: Action,
    marker: Option<String>,
) -> Result<Response, Refusal> {
    let key = headers.get("idempotency-key").and_then(|value| value.to_str().ok()).map(str::to_owned);
    let once = if key.is_some() { Once::Key } else { Once::No };
    submit_once(desk, fate, action, marker.or(key), once)
}

fn submit_once(
    desk: &Desk,
    fate: Fate,
    action: Action,
    marker: Option<String>,
    once: Once,
) -> Result<Response, Refusal> {
    let now = desk.now();
    let made = {
        let mut state = desk.lock();
        match (fate, &action) {
            (Fate::Late(delay), _) => {
                state.postpone(now + delay, action, marker, once);
                return Ok(StatusCode::ACCEPTED.into_response());
            }
            (
                Fate::Ignored,
                Action::Patch { ticket, .. }
                | Action::Edit { ticket, .. }
                | Action::Retract { ticket, .. }
                | Action::Link { ticket, .. },
            ) => Made { ticket: state.ticket(*ticket)?, id: None },
            (Fate::Ignored | Fate::Done, _) => {
                state.write_once(desk.settings(), now, action, marker, once)?
            }
        }
    };
    desk.inner.posted.notify_one();
    Ok(Json(Answer { id: made.id.map(|id| id.to_string()), ticket: &made.ticket }).into_response())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewTicket {
    ticket: Patch,
    marker: Option<String>,
}

async fn create(
    State(desk): State<Desk>,
    Extension(fate): Extension<Fate>,
    headers: HeaderMap,
    Json(new): Json<NewTicket>,
) -> Result<Response, Refusal> {
    submit(&desk, fate, &headers, Action::Create(new.ticket), new.marker)
}

async fn upsert(
    State(desk): State<Desk>,
    Extension(fate): Extension<Fate>,
    Path(id): Path<String>,
    Json(ticket): Json<Patch>,
) -> Result<Response, Refusal> {
    submit_once(&desk, fate, Action::Create(ticket), Some(id), Once::Upsert)
}

async fn read(State(desk): State<Desk>, Path(number): Path<u64>) -> Result<Response, Refusal> {
    let ticket: Arc<Ticket> = desk.lock().ticket(number)?;
    Ok(Json(ticket.as_ref()).into_response())
}

#[derive(Deserialize)]
struct Marked {
    marker: Option<String>,
}

async fn update(
    State(desk): State<Desk>,
    Extension(fate): Extension<Fate>,
    Path(ticket): Path<u64>,
    Query(marked): Query<Marked>,
    headers: HeaderMap,
    Json(patch): Json<Patch>,
) -> Result<Response, Refusal> {
    let expected = match headers.get(IF_MATCH) {
        None => None,
        Some(value) => {
            let version = value.to_str().ok().and_then(|text| text.trim_matches('"').parse().ok());
            Some(
                version
                    .ok_or_else(|| Refusal::Invalid("If-Match takes a version such as \"7\"".to_owned()))?,
            )
        }
    };
    submit(&desk, fate, &headers, Action::Patch { ticket, patch, expected }, marked.marker)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewComment {
    body: String,
    internal: bool,
    marker: Option<String>,
}

async fn comment(
    State(desk): State<Desk>,
    Extension(fate): Extension<Fate>,
    Path(ticket): Path<u64>,
    headers: HeaderMap,
    Json(new): Json<NewComment>,
) -> Result<Response, Refusal> {
    let action = Action::Comment { ticket, body: new.body, internal: new.internal };
    submit(&desk, fate, &headers, action, new.marker)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Rewritten {
    body: String,
}

async fn edit(
    State(desk): State<Desk>,
    Extension(fate): Extension<Fate>,
    Path((ticket, comment)): Path<(u64, u64)>,
    Query(marked): Query<Marked>,
    headers: HeaderMap,
    Json(new): Json<Rewritten>,
) -> Result<Response, Refusal> {
    submit(&desk, fate, &headers, Action::Edit { ticket, comment, body: new.body }, marked.marker)
}

async fn retract(
    State(desk): State<Desk>,
    Extension(fate): Extension<Fate>,
    Path((ticket, comment)): Path<(u64, u64)>,
    Query(marked): Query<Marked>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    submit(&desk, fate, &headers, Action::Retract { ticket, comment }, marked.marker)
}

async fn link(
    State(desk): State<Desk>,
    Extension(fate): Extension<Fate>,
    Path(ticket): Path<u64>,
    Query(marked): Query<Marked>,
    headers: HeaderMap,
    Json(reference): Json<Reference>,
) -> Result<Response, Refusal> {
    submit(&desk, fate, &headers, Action::Link { ticket, reference }, marked.marker)
}

#[derive(Deserialize)]
struct NewFile {
    name: String,
    internal: bool,
    marker: Option<String>,
}

async fn attach(
    State(desk): State<Desk>,
    Extension(fate): Extension<Fate>,
    Path(ticket): Path<u64>,
    Query(NewFile { name, internal, marker }): Query<NewFile>,
    headers: HeaderMap,
    bytes: Bytes,
) -> Result<Response, Refusal> {
    let stated = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let media_type = stated.unwrap_or("application/octet-stream").to_owned();
    submit(&desk, fate, &headers, Action::Attach { ticket, name, media_type, bytes, internal }, marker)
}

async fn file(State(desk): State<Desk>, Path((number, id)): Path<(u64, u64)>) -> Result<Response, Refusal> {
    let ticket = desk.lock().ticket(number)?;
    let missing = || Refusal::Missing(format!("file {id} of ticket {number}"));
    let file = ticket.files.iter().find(|file| file.id == id).ok_or_else(missing)?;
    Ok(([(CONTENT_TYPE, "application/octet-stream")], file.bytes.clone()).into_response())
}

#[derive(Deserialize)]
struct Page {
    after: u64,
    limit: Option<usize>,
}

async fn changes(State(desk): State<Desk>, Query(page): Query<Page>) -> Response {
    let limit = page.limit.unwrap_or(MAX_ROWS).clamp(1, MAX_ROWS);
    let (rows, last) = {
        let (state, now) = (desk.lock(), desk.now());
        (state.changes(page.after, limit, now), state.last_sequence(now))
    };
    let more = rows.last().is_some_and(|(sequence, _)| *sequence < last);
    let rows: Vec<_> =
        rows.iter().map(|(sequence, ticket)| json!({ "sequence": sequence, "ticket": ticket })).collect();
    Json(json!({ "changes": rows, "last": last, "more": more })).into_response()
}

async fn find(State(desk): State<Desk>, Query(marked): Query<Marked>) -> Response {
    let found = desk.lock().find(marked.marker.as_deref().unwrap_or_default(), desk.now());
    let rows: Vec<_> = found
        .iter()
        .map(|row| match row.what {
            What::Ticket => json!({ "ticket": row.ticket, "what": "ticket" }),
            What::Comment(id) => json!({ "ticket": row.ticket, "what": "comment", "id": id.to_string() }),
            What::File(id) => json!({ "ticket": row.ticket, "what": "file", "id": id.to_string() }),
        })
        .collect();
    Json(json!({ "found": rows })).into_response()
}

async fn whoami(State(desk): State<Desk>) -> Response {
    let settings = desk.settings();
    let product = format!("Practice desk {} ({})", env!("CARGO_PKG_VERSION"), settings.title);
    Json(json!({ "account": "Throughline", "product": product, "time": desk.now() })).into_response()
}

async fn describe(State(desk): State<Desk>) -> Response {
    let settings = desk.settings();
    let statuses: Vec<_> =
        settings.statuses.iter().map(|(word, closed)| json!({ "word": word, "closed": closed })).collect();
    let mut fields: Vec<String> =
        desk.lock().tickets.values().flat_map(|ticket| ticket.fields.keys().cloned()).collect();
    fields.sort_unstable();
    fields.dedup();
    Json(json!({
        "statuses": statuses, "priorities": settings.priorities, "types": settings.types, "fields": fields,
    }))
    .into_response()
}
