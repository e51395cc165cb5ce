//! The engine's two ways: to the desk in process, and out to the partner, with the key of the agreement.

use std::fmt;
use std::sync::Arc;

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{DefaultBodyLimit, Path, Query, State};
use axum::http::{HeaderValue, Request as Asked, header};
use axum::response::IntoResponse;
use axum::routing::{get, post, put};
use axum::{Json, Router};
use chrono::SecondsFormat;
use futures::future::BoxFuture;
use secrecy::ExposeSecret;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use throughline_sdk::http::{Request, Response, Transport, too_large};
use throughline_sdk::{Error, ErrorKind, Result, Timestamp};
use tower::ServiceExt as _;

use super::Face;
use super::address::{self, Wanted};
use super::agreement::Agreement;
use super::refusal::Refusal;
use super::ticket::{self, Pushed};
use crate::desk::{Before, Change, Narrow, Record, Sort, Stored};
use crate::registry;

const TOKEN: &str = "x-ticket-sharing-token";

/// Changes that are handed out in one page.
const PAGE: usize = 100;

/// Carries requests to the desk without a socket, and the partner's out.
#[derive(Clone)]
pub struct Inside {
    routes: Router,
    face: Face,
    partner: Arc<dyn Transport>,
}

impl Inside {
    /// The ways of one partner's system.
    pub fn new(face: Face, partner: Arc<dyn Transport>) -> Self {
        Self { routes: routes(face.clone()), face, partner }
    }
}

impl fmt::Debug for Inside {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inside").field("desk", self.face.desk.name()).finish_non_exhaustive()
    }
}

impl Transport for Inside {
    fn send(&self, request: Request) -> BoxFuture<'_, Result<Response>> {
        match request.url.host_str() {
            Some(registry::SHARED_DESK) => Box::pin(self.inside(request)),
            Some(_) | None => Box::pin(self.outside(request)),
        }
    }
}

impl Inside {
    async fn inside(&self, request: Request) -> Result<Response> {
        let (method, most) = (request.method.clone(), request.max_answer_bytes);
        let target = match request.url.query() {
            Some(query) => format!("{}?{query}", request.url.path()),
            None => request.url.path().to_owned(),
        };
        let mut asked = Asked::new(Body::from(request.body));
        *asked.method_mut() = request.method;
        *asked.headers_mut() = request.headers;
        *asked.uri_mut() = target.parse().map_err(|error| {
            Error::new(ErrorKind::Misconfigured, format!("this is no address of the desk: {error}"))
        })?;
        let expected = format!("Bearer {}", self.face.sharing.token);
        let answer = match asked.headers().get(header::AUTHORIZATION).is_some_and(|bears| *bears == *expected)
        {
            true => match self.routes.clone().oneshot(asked).await {
                Ok(answer) => answer,
                Err(never) => match never {},
            },
            false => Refusal::stranger().into_response(),
        };
        let (parts, body) = answer.into_parts();
        let limit = usize::try_from(most).unwrap_or(usize::MAX);
        let body = to_bytes(body, limit).await.map_err(|error| {
            tracing::debug!(%error, "An answer of the desk is larger than its limit.");
            too_large(&method, parts.status, most)
        })?;
        Ok(Response { status: parts.status, headers: parts.headers, body })
    }

    /// A request that names an agreement bears its key from here on, and the key comes back in nobody's words.
    async fn outside(&self, mut request: Request) -> Result<Response> {
        let named = request.headers.get(TOKEN).and_then(|uuid| uuid.to_str().ok()).map(str::to_owned);
        let Some(uuid) = named else { return self.partner.send(request).await };
        let agreement = self.face.book.get(&uuid).ok_or_else(|| {
            Error::new(ErrorKind::NotFound, "there is no such sharing agreement")
                .with_context("agreement", &uuid)
        })?;
        let token = HeaderValue::from_str(agreement.token().expose_secret()).ok();
        let mut token = token.ok_or_else(|| {
            Error::new(
                ErrorKind::Misconfigured,
                "the agreement's key holds a character that no header field may carry",
            )
        })?;
        token.set_sensitive(true);
        request.headers.insert(TOKEN, token);
        let mut answer = self.partner.send(request).await?;
        if !answer.status.is_success()
            && let Ok(words) = std::str::from_utf8(&answer.body)
            && words.contains(agreement.key())
        {
            answer.body = Bytes::from(words.replace(agreement.key(), "[secret]"));
        }
        Ok(answer)
    }
}

type Shown = std::result::Result<Json<Value>, Refusal>;

pub(super) fn routes(face: Face) -> Router {
    let most = usize::try_from(face.sharing.max_file_bytes).unwrap_or(usize::MAX);
    Router::new()
        .route("/agreements", get(agreements).post(draw_up))
        .route("/agreements/{uuid}", get(drawn_up).patch(amend).delete(forget))
        .route("/tickets", post(offer))
        .route("/tickets/{number}", get(show).patch(record).delete(withdraw))
        .route("/tickets/{number}/files/{uuid}", put(lay_out).get(hand_out))
        .route("/uuids/{uuid}", get(named))
        .route("/changes", get(changes))
        .layer(DefaultBodyLimit::max(most.max(16 * 1024 * 1024)))
        .with_state(face)
}

async fn agreements(State(face): State<Face>) -> Json<Value> {
    std::future::ready(()).await;
    Json(face.book.all().iter().map(Agreement::standing).collect())
}

async fn draw_up(State(face): State<Face>, Json(body): Json<Map<String, Value>>) -> Shown {
    let drawn_up = Agreement::drawn_up(&body, face.entropy.as_ref());
    let told = drawn_up.told(&face.sharing, true);
    let add = |agreements: &mut Vec<Agreement>| {
        agreements.push(drawn_up);
        Ok(())
    };
    face.book.change(add).await?;
    Ok(Json(told))
}

async fn drawn_up(State(face): State<Face>, Path(uuid): Path<String>) -> Shown {
    std::future::ready(()).await;
    let agreement = face.book.get(&uuid).ok_or_else(|| Refusal::missing("agreement"))?;
    Ok(Json(agreement.told(&face.sharing, true)))
}

async fn amend(
    State(face): State<Face>,
    Path(uuid): Path<String>,
    Json(body): Json<Map<String, Value>>,
) -> std::result::Result<(), Refusal> {
    face.book.amend(&uuid, |agreement| agreement.recorded(&body)).await
}

async fn forget(State(face): State<Face>, Path(uuid): Path<String>) -> std::result::Result<(), Refusal> {
    let remove = |agreements: &mut Vec<Agreement>| {
        agreements.retain(|one| one.uuid != uuid);
        Ok(())
    };
    face.book.change(remove).await
}

#[derive(Deserialize)]
struct Offer {
    agreement: String,
    push: Map<String, Value>,
}

async fn offer(State(face): State<Face>, Json(Offer { agreement, push }): Json<Offer>) -> Shown {
    let uuid = ticket::uuid(&push).to_owned();
    let _making = face.making.lock().await;
    let there = face.with_uuid(&uuid).await?.map(|(number, _)| number);
    merge(&face, there, uuid, agreement, push, true).await
}

async fn record(
    State(face): State<Face>,
    Path(number): Path<u64>,
    Json(push): Json<Map<String, Value>>,
) -> Shown {
    let there = read(&face, number).await?;
    let uuid = ticket::uuid(&there.document).to_owned();
    let agreement = ticket::agreement(&there.document).to_owned();
    merge(&face, Some(number), uuid, agreement, push, false).await
}

async fn show(State(face): State<Face>, Path(number): Path<String>) -> Shown {
    let number = number.parse().map_err(|_no_number| Refusal::missing("ticket"))?;
    let record = read(&face, number).await?;
    shown(&face, number, &record)
}

async fn withdraw(State(face): State<Face>, Path(number): Path<u64>) -> std::result::Result<(), Refusal> {
    let change = |before: Before<'_>| Ok::<_, Refusal>(ticket::unshared(before.record));
    face.desk.change(Sort::Ticket, Some(number), change).await??;
    Ok(())
}

async fn named(State(face): State<Face>, Path(uuid): Path<String>) -> Shown {
    let (number, record) = face.with_uuid(&uuid).await?.ok_or_else(|| Refusal::missing("ticket"))?;
    shown(&face, number, &record)
}

/// Stores a file before the partner is told where it is, so that it is there when the partner fetches it at once.
async fn lay_out(State(face): State<Face>, Path((number, uuid)): Path<(u64, String)>, bytes: Bytes) -> Shown {
    let size = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    let there = read(&face, number).await?;
    let by =
        face.book.get(ticket::agreement(&there.document)).ok_or_else(|| Refusal::missing("agreement"))?;
    let digest = face.desk.blobs().write(bytes).await?;
    if !there.files.contains_key(&uuid) {
        let name = uuid.clone();
        let change = move |before: Before<'_>| {
            let record = before.record.ok_or_else(|| Refusal::missing("ticket"))?;
            let mut files = record.files.clone();
            files.insert(name, Stored { digest, size });
            Ok::<_, Refusal>(Change { document: record.document.clone(), files, ..Change::default() })
        };
        face.desk
            .change(Sort::Ticket, Some(number), change)
            .await??
            .ok_or_else(|| Refusal::missing("ticket"))?;
    }
    let wanted = Wanted { number, uuid: &uuid };
    let url = address::given(&face.sharing.here, &by, wanted, face.desk.clock().now());
    Ok(Json(json!({ "url": url })))
}

async fn hand_out(
    State(face): State<Face>,
    Path((number, uuid)): Path<(u64, String)>,
) -> std::result::Result<Bytes, Refusal> {
    let record = read(&face, number).await?;
    let stored = record.files.get(&uuid).ok_or_else(|| Refusal::missing("file"))?;
    Ok(face.desk.blobs().read(&stored.digest).await?)
}

#[derive(Deserialize)]
struct After {
    after: Option<Timestamp>,
}

async fn changes(State(face): State<Face>, Query(After { after }): Query<After>) -> Shown {
    let moment = |time: Timestamp| time.to_rfc3339_opts(SecondsFormat::Millis, true);
    let Some(after) = after else {
        return Ok(Json(json!({ "ids": [], "next": moment(face.desk.last()), "more": false })));
    };
    let narrow = Narrow { after: Some(after), ..Narrow::default() };
    let rows = face.desk.scan(Sort::Ticket, narrow, Vec::new(), |rows, number, record: Record| {
        rows.push((record.updated, number, ticket::is_offered(&record.document)));
    });
    let mut rows = rows.await?;
    rows.sort_unstable();
    let more = rows.len() > PAGE;
    rows.truncate(PAGE);
    let next = rows.last().map_or(after, |(updated, _, _)| *updated);
    // One that the partner has not taken yet is nobody's business.
    let ids: Vec<String> =
        rows.iter().filter(|(_, _, offered)| !offered).map(|(_, number, _)| number.to_string()).collect();
    Ok(Json(json!({ "ids": ids, "next": moment(next), "more": more })))
}

async fn read(face: &Face, number: u64) -> std::result::Result<Record, Refusal> {
    face.desk.read(Sort::Ticket, number).await?.ok_or_else(|| Refusal::missing("ticket"))
}

async fn merge(
    face: &Face,
    number: Option<u64>,
    uuid: String,
    agreement: String,
    push: Map<String, Value>,
    offered: bool,
) -> Shown {
    let change = move |before: Before<'_>| {
        let (record, now) = (before.record, before.now);
        ticket::merged(Pushed { record, uuid: &uuid, agreement: &agreement, push: &push, offered, now })
    };
    let changed = face.desk.change(Sort::Ticket, number, change).await??;
    let changed = changed.ok_or_else(|| Refusal::missing("ticket"))?;
    shown(face, changed.number, &changed.record)
}

/// The ticket as the connector reads it, with how its agreement stands.
fn shown(face: &Face, number: u64, record: &Record) -> Shown {
    let by = ticket::agreement(&record.document);
    // An agreement that was forgotten is in force for nobody.
    let standing = face.book.get(by).map_or_else(
        || json!({ "uuid": by, "sent": true, "status": "inactive" }),
        |agreement| agreement.standing(),
    );
    let mut shown = record.document.clone();
    shown.insert("id".to_owned(), json!(number.to_string()));
    shown.insert("version".to_owned(), json!(record.change.to_string()));
    shown.insert("created".to_owned(), json!(record.created));
    shown.insert("updated".to_owned(), json!(record.updated));
    shown.insert("agreement".to_owned(), standing);
    Ok(Json(Value::Object(shown)))
}
