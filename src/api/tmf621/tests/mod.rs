//! The face without a socket: the suite for connectors against it, and what partners ask of it.

mod conformance;
mod partner;

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Method, Request, StatusCode, header};
use axum::{Extension, response::Response};
use serde_json::{Value, json};
use throughline_sdk::{Clock, SystemName};
use throughline_testkit::{ManualClock, MemoryBlobs};
use tower::ServiceExt as _;

use super::visitor::Visitor;
use super::{Edition, routes};
use crate::desk::reference::Terms;
use crate::desk::{Desk, Parts, Settings};
use crate::ledger::{MemoryMedium, Offload};

/// A desk on a disk in memory.
pub(super) fn desk(clock: &ManualClock) -> Desk {
    desk_of(clock, None)
}

/// A desk that our own agents keep for a portal, if there are terms for that.
fn desk_of(clock: &ManualClock, reference: Option<Terms>) -> Desk {
    let clock: Arc<dyn Clock> = Arc::new(clock.clone());
    Desk::open(Parts {
        name: SystemName::new("partner"),
        settings: Settings {
            party: "Fabrikam".to_owned(),
            only: [false, false],
            max_file_bytes: 1 << 20,
            reference,
        },
        medium: Arc::new(MemoryMedium::new()),
        offload: Offload::Inline,
        blobs: Arc::new(MemoryBlobs::default()),
        clock,
    })
    .unwrap()
}

/// The face of a desk, as its partner reaches it in one edition.
#[derive(Clone)]
pub(super) struct Partner {
    routes: Router,
}

/// What the face answered.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    #[expect(dead_code, reason = "what partners ask of them is to be written")]
    pub(super) headers: HeaderMap,
    pub(super) body: Value,
}

impl Partner {
    pub(super) fn of(desk: &Desk, edition: Edition) -> Self {
        let base = format!("http://bridge.test{}", edition.path());
        let visitor = Visitor { desk: desk.clone(), edition, base, told: None };
        let routes =
            Router::new().nest_service(edition.path(), routes(edition, None).layer(Extension(visitor)));
        Self { routes }
    }

    pub(super) fn router(&self) -> Router {
        self.routes.clone()
    }

    async fn send(&self, request: Request<Body>) -> Response {
        match self.routes.clone().oneshot(request).await {
            Ok(answer) => answer,
            Err(never) => match never {},
        }
    }

    pub(super) async fn ask(&self, method: Method, path: &str, media: &str, body: Option<&Value>) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        if body.is_some() {
            request = request.header(header::CONTENT_TYPE, media);
        }
        let body = body.map_or_else(Body::empty, |body| Body::from(body.to_string()));
        let answer = self.send(request.body(body).unwrap()).await;
        let (parts, body) = answer.into_parts();
        let bytes = to_bytes(body, 1 << 24).await.unwrap();
        let body = match bytes.is_empty() {
            true => Value::Null,
            false => serde_json::from_slice(&bytes).unwrap_or_else(|_| json!(bytes.to_vec())),
        };
        Answer { status: parts.status, headers: parts.headers, body }
    }

    pub(super) async fn get(&self, path: &str) -> Answer {
        self.ask(Method::GET, path, "", None).await
    }

    pub(super) async fn post(&self, path: &str, body: &Value) -> Answer {
        self.ask(Method::POST, path, "application/json", Some(body)).await
    }

    pub(super) async fn patch(&self, path: &str, media: &str, body: &Value) -> Answer {
        self.ask(Method::PATCH, path, media, Some(body)).await
    }
}
