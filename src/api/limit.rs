//! Tells a caller how many requests it has left (draft-ietf-httpapi-ratelimit-headers).

use std::sync::{Arc, OnceLock};

use axum::extract::Request;
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;

use crate::identity::Left;

const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const LIMIT: HeaderName = HeaderName::from_static("ratelimit");

/// Where a route notes what its caller has left.
#[derive(Clone, Debug, Default)]
struct Slot(Arc<OnceLock<Left>>);

/// Says what the caller has left, once it is known who that is.
pub(super) async fn tell(mut request: Request, next: Next) -> Response {
    let slot = Slot::default();
    request.extensions_mut().insert(slot.clone());
    let mut response = next.run(request).await;
    if let Some(Left { now, burst, refilled }) = slot.0.get() {
        let seconds = refilled.as_secs().max(1);
        let fields =
            [(POLICY, format!("\"caller\";q={burst};w={seconds}")), (LIMIT, format!("\"caller\";r={now}"))];
        for (name, value) in fields {
            if let Ok(value) = HeaderValue::from_str(&value) {
                response.headers_mut().insert(name, value);
            }
        }
    }
    response
}

/// Notes what the caller has left.
pub(super) fn note(parts: &Parts, left: Option<Left>) {
    if let (Some(slot), Some(left)) = (parts.extensions.get::<Slot>(), left) {
        // A request is counted once.
        slot.0.get_or_init(|| left);
    }
}
