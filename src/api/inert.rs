//! Files of foreign people, handed out so that no browser shows them as a page of ours.

use axum::body::Body;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;

/// An answer with these bytes, whatever they are, that is only ever saved.
pub(crate) fn inert(bytes: Bytes) -> Response {
    let mut answer = Body::from(bytes).into_response();
    for (name, value) in [
        (header::CONTENT_TYPE, "application/octet-stream"),
        (header::CONTENT_DISPOSITION, "attachment"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ] {
        answer.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    answer
}
