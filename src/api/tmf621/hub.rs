//! The hub: who wants to be told of changes, and where.

use axum::body::Body;
use axum::extract::Path;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};
use url::Url;

use super::refusal::Refusal;
use super::resources::{json, number};
use super::shape::{self, Purpose};
use super::visitor::Visitor;
use super::{Edition, body};
use crate::desk::{MOST_SUBSCRIPTIONS, Subscription};
use crate::egress::AddressPolicy;

/// The longest address events are sent to.
const LONGEST: usize = 2048;

/// Subscribes. `policy` says where events may be sent.
pub(super) async fn subscribe(
    visitor: &Visitor,
    policy: Option<&AddressPolicy>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refusal> {
    body::of_new(&headers)?;
    let body = body::json(visitor, body).await?;
    shape::check(&body, shape::hub(visitor.edition), Purpose::New)?;
    let Value::Object(mut document) = body else {
        return Err(Refusal::bad("the body has to be an object"));
    };
    document.remove("id");
    document.remove("href");
    let Some(Value::String(callback)) = document.remove("callback") else {
        return Err(Refusal::bad("/callback is missing"));
    };
    let reachable = Url::parse(&callback).map_err(|error| error.to_string()).and_then(|url| match policy {
        Some(policy) => policy.check_url(&url),
        None => Ok(()),
    });
    if callback.len() > LONGEST {
        return Err(Refusal::bad("the callback is too long"));
    }
    // The request is right; this bridge will not call there.
    reachable.map_err(|why| Refusal::conflict(format!("events cannot be sent to this callback: {why}")))?;
    let wanted = Subscription {
        edition: visitor.edition.number(),
        callback,
        document,
        base: visitor.base.clone(),
        told: 0,
    };
    let made = visitor.desk.subscribe(wanted).await?;
    let (id, made) = made.ok_or_else(|| {
        Refusal::conflict(format!("there are {MOST_SUBSCRIPTIONS} subscriptions; end one first"))
    })?;
    let mut answer = json(StatusCode::CREATED, &seen(visitor, id, &made));
    if let Ok(place) = HeaderValue::try_from(format!("{}/hub/{id}", visitor.base)) {
        answer.headers_mut().insert(header::LOCATION, place);
    }
    Ok(answer)
}

pub(super) async fn show(visitor: &Visitor, Path(id): Path<String>) -> Result<Response, Refusal> {
    std::future::ready(()).await;
    let (id, standing) = standing(visitor, &id)?;
    Ok(json(StatusCode::OK, &seen(visitor, id, &standing)))
}

pub(super) async fn end(visitor: &Visitor, Path(id): Path<String>) -> Result<Response, Refusal> {
    let (id, _) = standing(visitor, &id)?;
    match visitor.desk.unsubscribe(id).await? {
        true => Ok(StatusCode::NO_CONTENT.into_response()),
        false => Err(Refusal::missing("subscription")),
    }
}

fn standing(visitor: &Visitor, id: &str) -> Result<(u64, Subscription), Refusal> {
    let found = number(id).and_then(|id| Some((id, visitor.desk.subscription(id)?)));
    let ours = found.filter(|(_, standing)| standing.edition == visitor.edition.number());
    ours.ok_or_else(|| Refusal::missing("subscription"))
}

fn seen(visitor: &Visitor, id: u64, subscription: &Subscription) -> Value {
    let mut seen: Map<String, Value> = subscription.document.clone();
    seen.insert("id".to_owned(), json!(id.to_string()));
    seen.insert("callback".to_owned(), json!(subscription.callback));
    if visitor.edition == Edition::V5 {
        seen.insert("href".to_owned(), json!(format!("{}/hub/{id}", visitor.base)));
        seen.entry("@type").or_insert_with(|| json!("Hub"));
    }
    Value::Object(seen)
}
