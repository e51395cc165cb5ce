//! The engine's way to a face: the same routes, called in process.

use std::fmt;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderValue, Request as Asked, header};
use futures::future::BoxFuture;
use throughline_sdk::http::{Request, Response, Transport, after, too_large};
use throughline_sdk::{Error, ErrorKind, Result};
use tower::ServiceExt as _;

use super::edition::Edition;
use super::refusal::Refusal;
use super::visitor::Face;
use super::visitor::Visitor;

/// Carries requests to a face without a socket.
#[derive(Clone)]
pub struct Inside {
    routes: Router,
    face: Face,
}

impl Inside {
    /// The way to this face.
    pub fn new(face: Face) -> Self {
        let visitor = Visitor::engine(face.desk.clone());
        Self { routes: super::inner(visitor), face }
    }
}

impl fmt::Debug for Inside {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inside").field("desk", self.face.desk.name()).finish_non_exhaustive()
    }
}

impl Transport for Inside {
    fn send(&self, request: Request) -> BoxFuture<'_, Result<Response>> {
        let routes = self.routes.clone();
        Box::pin(async move {
            let (method, most) = (request.method.clone(), request.max_answer_bytes);
            let target = match request.url.query() {
                Some(query) => format!("{}?{query}", request.url.path()),
                None => request.url.path().to_owned(),
            };
            let mut asked = Asked::new(Body::from(request.body));
            *asked.method_mut() = request.method;
            *asked.headers_mut() = request.headers;
            *asked.uri_mut() = target.parse().map_err(|error| {
                Error::new(ErrorKind::Misconfigured, format!("this is no address of the face: {error}"))
            })?;
            // As at the door, so that a request for one face never enters another.
            let answer = match self.face.opens_to(asked.headers()) {
                true => match routes.oneshot(asked).await {
                    Ok(answer) => answer,
                    Err(never) => match never {},
                },
                false => Refusal::stranger().answer(Edition::V5),
            };
            let (parts, body) = answer.into_parts();
            let limit = usize::try_from(most).unwrap_or(usize::MAX);
            let body = to_bytes(body, limit).await.map_err(|error| {
                tracing::debug!(%error, "An answer of a face is larger than its limit.");
                too_large(&method, parts.status, most)
            })?;
            let mut headers = parts.headers;
            // As a server would say it: the change feed goes by the desk's own clock.
            let now = self.face.desk.clock().now().format("%a, %d %b %Y %H:%M:%S GMT").to_string();
            let date = HeaderValue::try_from(now).map_err(|error| {
                Error::new(ErrorKind::Malformed, format!("the time cannot be told: {error}"))
                    .with_effect(after(&method, Some(parts.status)))
            })?;
            headers.insert(header::DATE, date);
            Ok(Response { status: parts.status, headers, body })
        })
    }
}
