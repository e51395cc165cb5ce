//! Who asks: a partner by its token, or the engine in process; and in whose words.

use std::sync::Arc;

use axum::extract::{FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;
use ring::hmac;
use secrecy::{ExposeSecret, SecretString};
use throughline_sdk::http::Transport;
use throughline_sdk::{RemoteId, TicketRef};

use super::edition::Edition;
use super::refusal::Refusal;
use crate::api::{Keys, Subscriber, sharing};
use crate::case::HintSource;
use crate::daemon::Shared;
use crate::desk::Desk;
use crate::egress::AddressPolicy;
use crate::intake;

const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// A partner's desk, and the token by which the partner is known.
#[derive(Clone, Debug)]
pub struct Face {
    /// The token.
    pub token: SecretString,
    /// The desk.
    pub desk: Desk,
}

/// All faces, and how their subscribers are reached.
#[derive(Clone, Debug, Default)]
pub struct Northbound {
    /// One for each system of the kind `tmf621-server`.
    pub faces: Vec<Face>,
    /// The desks that our own agents keep, one for each system of the kind `reference`. They have no door.
    pub references: Vec<Desk>,
    /// The desks of partners that push, one for each system of the kind `networked-helpdesk`.
    pub sharing: Vec<sharing::Face>,
    /// The way to callbacks; `None`: nobody is called.
    pub callbacks: Option<Arc<dyn Transport>>,
    /// Where callbacks may be.
    pub policy: AddressPolicy,
    /// Who is told what happens.
    pub subscribers: Vec<Subscriber>,
    /// The idempotency keys of callers; `None`: none are kept, and no write that bears one is done.
    pub keys: Option<Keys>,
}

impl Northbound {
    /// All desks of our own.
    pub(crate) fn desks(&self) -> impl Iterator<Item = &Desk> {
        let faces = self.faces.iter().map(|face| &face.desk);
        faces.chain(&self.references).chain(self.sharing.iter().map(|face| &face.desk))
    }
}

/// Who asks.
#[derive(Clone, Debug)]
pub(super) struct Visitor {
    /// The desk that is asked: the party's own, by its token.
    pub(super) desk: Desk,
    /// In whose words.
    pub(super) edition: Edition,
    /// How it reached us: the beginning of addresses in the answer.
    pub(super) base: String,
    /// The bridge that is to hear of what a partner does; the engine knows what it did itself.
    pub(super) told: Option<Arc<Shared>>,
}

impl Visitor {
    /// The engine, in process.
    pub(super) fn engine(desk: Desk) -> Self {
        Self { desk, edition: Edition::V5, base: Edition::V5.path().to_owned(), told: None }
    }

    /// One of our own agents, who is told of nothing but tells.
    pub(super) fn agent(desk: Desk, shared: Arc<Shared>) -> Self {
        Self { told: Some(shared), ..Self::engine(desk) }
    }

    /// Wakes the lane of a ticket that was changed. It stands in the desk already, where the change feed finds it: this
    /// only makes it quicker.
    pub(super) async fn tell(&self, number: u64) {
        let Some(shared) = &self.told else { return };
        let ticket = TicketRef::new(self.desk.name().clone(), RemoteId::new(number.to_string()));
        let source = match self.desk.settings().reference {
            Some(_) => HintSource::Operator,
            None => HintSource::Webhook,
        };
        if source == HintSource::Webhook {
            shared.metrics.hint("webhook");
        }
        if let Err(error) = intake::operator(shared, ticket, source).await {
            tracing::warn!(%error, "A partner's change waits for the change feed.");
        }
    }
}

impl<S: Sync> FromRequestParts<S> for Visitor {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Response> {
        std::future::ready(()).await;
        // It stands there: nobody comes this far without.
        parts.extensions.get::<Self>().cloned().ok_or_else(|| Refusal::stranger().answer(Edition::V5))
    }
}

/// What a request of an edition is authenticated by.
#[derive(Clone, Debug)]
pub(super) struct Door {
    pub(super) shared: Arc<Shared>,
    pub(super) edition: Edition,
}

/// Lets in who bears the token of a face. The party follows from the token, never from what is sent.
pub(super) async fn admit(State(door): State<Door>, mut request: Request, next: Next) -> Response {
    let edition = door.edition;
    if door.shared.supervisor.is_stopping() || door.shared.has_failed() {
        let status = StatusCode::SERVICE_UNAVAILABLE;
        return Refusal::new(status, "the bridge is stopping; come again").answer(edition);
    }
    // Every token is compared: the time says nothing of which one it was.
    let faces = door.shared.northbound.faces.iter();
    let found = faces.filter(|face| face.opens_to(request.headers())).map(|face| face.desk.clone()).last();
    let Some(desk) = found else { return Refusal::stranger().answer(edition) };
    let base = base(request.headers(), edition);
    let told = Some(Arc::clone(&door.shared));
    request.extensions_mut().insert(Visitor { desk, edition, base, told });
    next.run(request).await
}

impl Face {
    /// Whether a request bears the token. Compared through a keyed hash, in a time that tells nothing of it.
    pub(super) fn opens_to(&self, headers: &HeaderMap) -> bool {
        let given = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let given = given.and_then(bearer).unwrap_or_default();
        let key = hmac::Key::new(hmac::HMAC_SHA256, b"tmf621 token");
        let expected = hmac::sign(&key, self.token.expose_secret().as_bytes());
        hmac::verify(&key, given.as_bytes(), expected.as_ref()).is_ok()
    }
}

fn bearer(value: &str) -> Option<&str> {
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// How the caller reached us, in front of every path.
fn base(headers: &HeaderMap, edition: Edition) -> String {
    let text = |name: &HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let host = text(&header::HOST).filter(|host| host.parse::<Authority>().is_ok());
    let scheme = text(&FORWARDED_PROTO).filter(|scheme| *scheme == "https").unwrap_or("http");
    match host {
        Some(host) => format!("{scheme}://{host}{}", edition.path()),
        None => edition.path().to_owned(),
    }
}
