//! Idempotency keys: a write that bears one is done once, however often it is sent, and across a restart too.
//!
//! A key is noted, durable, before the write is begun, and its answer after. What was begun and has no answer may have
//! been done: it is not begun again, and the caller is told to look. (draft-ietf-httpapi-idempotency-key-header)

mod kept;

use std::time::Duration;

use aide::generate::GenContext;
use aide::openapi::{Operation, Parameter, ParameterSchemaOrContent, SchemaObject};
use aide::operation::add_parameters;
use axum::body::{Body, to_bytes};
use axum::extract::{FromRequestParts as _, RawPathParams, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use ring::digest;
use schemars::json_schema;
use serde_json::Value;
use tokio::sync::oneshot;

pub use kept::Keys;
use kept::{Begun, Kept, Name};

use super::Api;
use super::access;
use super::answer::header_parameter;
use super::cases::read;
use super::doors;
use super::interface::{BODY_BYTES, add_problem};
use super::problem::{Kind, Problem};
use super::view;
use crate::case::CaseId;

const FIELD: &str = "idempotency-key";
/// The longest key taken.
const LONGEST: usize = 255;
/// The longest answer that is kept to be given again.
const ANSWER_BYTES: usize = 64 * 1024;
/// How long a body may take to arrive.
const BODY: Duration = Duration::from_secs(30);

/// Says in an operation's description that it takes a key.
pub(super) fn describe(context: &mut GenContext, operation: &mut Operation) {
    let words = "A text of the caller's own, of at most 255 characters: however often a request with it is sent within a \
                 day, it is done once, and answered the same.";
    let mut parameter = header_parameter("Idempotency-Key", words);
    if let Parameter::Header { parameter_data, .. } = &mut parameter {
        let json_schema = json_schema!({ "type": "string", "pattern": "^[!-~]{1,255}$" });
        let schema = SchemaObject { json_schema, external_docs: None, example: None };
        parameter_data.format = ParameterSchemaOrContent::Schema(schema);
    }
    add_parameters(context, operation, [parameter]);
    for status in [400, 409, 422, 503] {
        add_problem(context, operation, status);
    }
}

/// Stands before every write of the interface.
pub(super) async fn once(State(api): State<Api>, request: Request, next: Next) -> Response {
    if request.method().is_safe() || !request.headers().contains_key(FIELD) {
        return next.run(request).await;
    }
    let outcome = keyed(&api, request, next).await;
    outcome.unwrap_or_else(axum::response::IntoResponse::into_response)
}

async fn keyed(api: &Api, request: Request, next: Next) -> Result<Response, Problem> {
    let (mut parts, body) = request.into_parts();
    let key = key(&parts.headers)?;
    let Some(keys) = api.bridge.shared().northbound.keys.clone() else {
        let detail = "this bridge keeps no idempotency keys; nothing was done";
        return Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, detail));
    };
    // Only for who is known here a key is kept. Whether they may is the route's own question.
    let principal = access::principal(&parts, api).await?;
    let body = body_of(api, body).await?;
    let name = Name::of(&principal.id.0, &key);
    let now = api.bridge.shared().clock.now();
    let about = case_of(api, &mut parts, &body).await?;
    match keys.begin(&name, &fingerprint(&parts, &body), about, now).await? {
        Begun::Anew => {}
        Begun::Answered(kept) => return answer(kept),
        Begun::Other => {
            let detail = "this Idempotency-Key came with another request before; nothing was done";
            return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, detail).of_kind(Kind::KeyReused));
        }
        Begun::InProgress => {
            let detail =
                "a request with this Idempotency-Key is being dealt with; send it again a little later";
            return Err(Problem::new(StatusCode::CONFLICT, detail)
                .of_kind(Kind::KeyInProgress)
                .retry_after(1));
        }
        Begun::InDoubt => return Err(doubt()),
    }
    let is_reload = doors::is_reload(parts.uri.path());
    let request = Request::from_parts(parts, Body::from(body));
    if is_reload {
        // A reload waits until every task of the bridge before it has ended, and must not be one of them. It goes on
        // without its caller.
        let _busy = Busy { keys: &keys, name: &name };
        return Ok(ended(&keys, &name, next.run(request).await).await);
    }
    // A caller that goes away does not end what was begun: it comes again, and wants to know.
    let (tell, told) = oneshot::channel();
    api.bridge.shared().supervisor.spawn(async move {
        let response = next.run(request).await;
        drop(tell.send(ended(&keys, &name, response).await));
    });
    told.await.map_err(|_gone| doubt())
}

/// A key that is being dealt with for as long as its caller waits.
struct Busy<'k> {
    keys: &'k Keys,
    name: &'k Name,
}

impl Drop for Busy<'_> {
    fn drop(&mut self) {
        self.keys.leave(self.name);
    }
}

/// Keeps what a request came to.
async fn ended(keys: &Keys, name: &Name, response: Response) -> Response {
    let status = response.status();
    if status.is_client_error() {
        // Nothing was done: the same key may come again with what was wrong put right.
        return match keys.forget(name).await {
            Ok(()) => response,
            Err(problem) => problem.into_response(),
        };
    }
    let (parts, body) = response.into_parts();
    let Ok(bytes) = to_bytes(body, usize::MAX).await else {
        keys.leave(name);
        return doubt().into_response();
    };
    if status.is_server_error() {
        // Whether it was done, nobody knows.
        keys.leave(name);
        return Response::from_parts(parts, bytes.into());
    }
    let is_secret = parts
        .headers
        .get(header::CACHE_CONTROL)
        .is_some_and(|value| value.to_str().is_ok_and(|value| value.contains("no-store")));
    let fits = !is_secret && bytes.len() <= ANSWER_BYTES;
    let kept = fits.then(|| Kept {
        status: status.as_u16(),
        media: parts.headers.get(header::CONTENT_TYPE).and_then(|it| it.to_str().ok()).map(str::to_owned),
        body: String::from_utf8_lossy(&bytes).into_owned(),
    });
    if let Some(kept) = kept
        && let Err(problem) = keys.finish(name, kept).await
    {
        tracing::warn!(
            why = problem.detail(),
            "The answer to a request with an idempotency key is not kept."
        );
    }
    keys.leave(name);
    Response::from_parts(parts, bytes.into())
}

fn answer(kept: Kept) -> Result<Response, Problem> {
    let status = StatusCode::from_u16(kept.status).map_err(|error| Problem::internal(&error))?;
    let mut response = (status, kept.body).into_response();
    response.headers_mut().remove(header::CONTENT_TYPE);
    if let Some(media) = kept.media.and_then(|media| HeaderValue::from_str(&media).ok()) {
        response.headers_mut().insert(header::CONTENT_TYPE, media);
    }
    Ok(response)
}

fn doubt() -> Problem {
    let detail = "a request with this Idempotency-Key was begun, and its answer is not kept: look whether it took effect, \
                  and use a new key if it did not";
    Problem::new(StatusCode::CONFLICT, detail).of_kind(Kind::KeyInDoubt)
}

/// The key, which may stand in quotes as the draft has it.
fn key(headers: &HeaderMap) -> Result<String, Problem> {
    let bad = |why: &str| Problem::bad_parameter("Idempotency-Key", why);
    let mut values = headers.get_all(FIELD).iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return Err(bad("send one Idempotency-Key"));
    };
    let text = value.to_str().map_err(|_unreadable| bad("an Idempotency-Key is plain text"))?.trim();
    let inner = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text);
    if inner.is_empty() || inner.len() > LONGEST || !inner.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(bad("an Idempotency-Key has from 1 to 255 visible characters of ASCII"));
    }
    Ok(inner.to_owned())
}

async fn body_of(api: &Api, body: Body) -> Result<Bytes, Problem> {
    tokio::select! {
        biased;
        bytes = to_bytes(body, BODY_BYTES) => bytes.map_err(|_error| {
            let detail = format!("the body is longer than {BODY_BYTES} bytes, or ended too early");
            Problem::new(StatusCode::PAYLOAD_TOO_LARGE, detail)
        }),
        () = api.bridge.shared().clock.sleep(BODY) => {
            let detail = format!("the body did not arrive within {} s", BODY.as_secs());
            Err(Problem::new(StatusCode::REQUEST_TIMEOUT, detail))
        }
    }
}

/// The case that a request names, in its path or as `case` or `ticket` of its body: what is kept of it goes with the case.
async fn case_of(api: &Api, parts: &mut Parts, body: &[u8]) -> Result<Option<CaseId>, Problem> {
    let mut names = Vec::new();
    if let Ok(path) = RawPathParams::from_request_parts(parts, &()).await {
        names.extend(path.iter().map(|(_, name)| name.to_owned()));
    }
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    let members = ["case", "ticket"].into_iter().filter_map(|member| body.get(member)?.as_str());
    names.extend(members.map(str::to_owned));
    read(api, move |index| {
        for name in names {
            if let Some(case) = view::find(index, &name)? {
                return Ok(Some(case.id));
            }
        }
        Ok(None)
    })
    .await
}

/// What makes two requests the same.
fn fingerprint(parts: &Parts, body: &[u8]) -> String {
    let mut context = digest::Context::new(&digest::SHA256);
    let target = parts.uri.path_and_query().map(http::uri::PathAndQuery::as_str).unwrap_or_default();
    for part in [parts.method.as_str().as_bytes(), target.as_bytes(), body] {
        context.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        context.update(part);
    }
    kept::hex(context.finish().as_ref())
}
