//! The face of partners that push: as the engine and a partner use it together, and what strangers and hostile bodies meet.

mod conformance;
mod hostile;
mod life;
#[path = "../../../../connectors/networked-helpdesk/tests/conformance/partner.rs"]
mod partner;

use std::fmt;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Method, Request, StatusCode};
use futures::FutureExt;
use futures::future::{BoxFuture, ready};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use throughline_sdk::http::TokenStore;
use throughline_sdk::{Clock, Settings, SystemName};
use throughline_testkit::{ManualClock, MemoryBlobs, SeededEntropy};
use tower::ServiceExt as _;

use super::{Book, Doors, Face, routes};
use crate::desk::{self, Desk};
use crate::ledger::{MemoryMedium, Offload};
use crate::registry;
use partner::{HERE, PARTNER};

const UUID: &str = "00000000000000000000000000000000000000aa";
const KEY: &str = "00000000000000000000000000000000000000bb";
const TICKET: &str = "00000000000000000000000000000000000000cc";

/// Where agreements are kept in tests.
#[derive(Default)]
struct Kept(Mutex<Option<String>>);

impl fmt::Debug for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Kept")
    }
}

impl TokenStore for Kept {
    fn read(&self) -> BoxFuture<'_, throughline_sdk::Result<Option<SecretString>>> {
        ready(Ok(self.0.lock().unwrap().clone().map(Into::into))).boxed()
    }

    fn write(&self, kept: SecretString) -> BoxFuture<'_, throughline_sdk::Result<()>> {
        *self.0.lock().unwrap() = Some(kept.expose_secret().to_owned());
        ready(Ok(())).boxed()
    }
}

/// The face of a system with this name.
async fn face(name: &str, clock: &Arc<dyn Clock>, kept: &Arc<Kept>) -> Face {
    let here = HERE.replace("/partner", &format!("/{name}"));
    let values = [("url", json!(PARTNER)), ("here", json!(here))];
    let values = values.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
    let settings = Settings { values, ..Settings::default() };
    let sharing = registry::sharing("networked-helpdesk", &settings).unwrap().unwrap();
    let desk = Desk::open(desk::Parts {
        name: SystemName::new(name),
        settings: desk::Settings {
            party: "Fabrikam".to_owned(),
            only: [false, false],
            max_file_bytes: 1 << 20,
            reference: None,
        },
        medium: Arc::new(MemoryMedium::new()),
        offload: Offload::Inline,
        blobs: Arc::new(MemoryBlobs::default()),
        clock: Arc::clone(clock),
    });
    let store: Arc<dyn TokenStore> = Arc::<Kept>::clone(kept);
    let book = Book::open(store).await.unwrap();
    Face::new(desk.unwrap(), book, sharing, Arc::new(SeededEntropy::new(7)))
}

/// Two systems' faces side by side, as partners reach them.
struct Side {
    faces: Vec<Face>,
    clock: ManualClock,
}

/// What a face answered.
#[derive(Debug)]
struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: String,
}

impl Side {
    async fn new() -> Self {
        let clock = ManualClock::auto_advance();
        let shared: Arc<dyn Clock> = Arc::new(clock.clone());
        let mut faces = Vec::new();
        for name in ["partner", "other"] {
            faces.push(face(name, &shared, &Arc::default()).await);
        }
        Self { faces, clock }
    }

    /// The same, where the first partner's agreement stands like this.
    async fn with(status: &str) -> Self {
        let side = Self::new().await;
        side.agree("partner", status).await;
        side
    }

    /// The partner invites, and the engine records what was decided.
    async fn agree(&self, name: &str, status: &str) {
        let here = HERE.replace("/partner", &format!("/{name}"));
        let body = json!({
            "uuid": UUID, "name": "Fabrikam", "status": "pending", "access_key": KEY, "sender_url": PARTNER,
            "receiver_url": here,
        });
        let path = format!("/sharing/{name}/agreements/{UUID}");
        let answer = self.send(Method::POST, &path, &[], body.to_string()).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{answer:?}");
        let face = self.faces.iter().find(|face| face.desk.name().as_str() == name).unwrap();
        let change = json!({ "status": status });
        face.book.amend(UUID, |one| one.recorded(change.as_object().unwrap())).await.unwrap();
    }

    fn router(&self) -> Router {
        routes(Doors { faces: self.faces.clone().into(), told: None })
    }

    async fn send(&self, method: Method, path: &str, headers: &[(&str, &str)], body: String) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer = match self.router().oneshot(request.body(Body::from(body)).unwrap()).await {
            Ok(answer) => answer,
            Err(never) => match never {},
        };
        let (parts, body) = answer.into_parts();
        let body = String::from_utf8(to_bytes(body, 1 << 24).await.unwrap().to_vec()).unwrap();
        Answer { status: parts.status, headers: parts.headers, body }
    }

    /// What the first partner pushes, under its agreement.
    async fn push(&self, method: Method, path: &str, body: &Value) -> Answer {
        let token = format!("{UUID}:{KEY}");
        let path = format!("/sharing/partner{path}");
        self.send(method, &path, &[("x-ticket-sharing-token", &token)], body.to_string()).await
    }

    async fn ticket(&self) -> Value {
        let answer = self.push(Method::GET, &format!("/tickets/{TICKET}"), &json!({})).await;
        assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
        serde_json::from_str(&answer.body).unwrap()
    }
}
