//! The doors of the daemon: what callers are served, put in place anew when the configuration is. Whoever reads goes
//! through at any time, and so do webhooks; whoever changes something waits while one bridge takes the place of another.

use std::convert::Infallible;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::response::Response;
use futures::future::BoxFuture;
use throughline_sdk::Clock;
use tokio::sync::{OwnedRwLockWriteGuard, RwLock as Gate};
use tower::{Service, ServiceExt as _};

use crate::daemon::Bridge;

/// What callers are served. Clones share it.
#[derive(Clone)]
pub struct Doors {
    inner: Arc<Inner>,
}

struct Inner {
    current: RwLock<Router>,
    router_of: Box<dyn Fn(Bridge) -> Router + Send + Sync>,
    gate: Arc<Gate<()>>,
}

/// Doors that are shut: nobody changes anything until they are opened, or this is dropped.
pub struct Shut {
    doors: Doors,
    _gate: OwnedRwLockWriteGuard<()>,
}

impl Doors {
    /// Doors to `bridge`, through what `router_of` makes of it, and of those that follow it.
    pub fn new(bridge: Bridge, router_of: impl Fn(Bridge) -> Router + Send + Sync + 'static) -> Self {
        let current = RwLock::new(router_of(bridge));
        let inner = Inner { current, router_of: Box::new(router_of), gate: Arc::default() };
        Self { inner: Arc::new(inner) }
    }

    /// The way in for a server.
    pub fn router(&self) -> Router {
        Router::new().fallback_service(self.clone())
    }

    /// Lets nobody in who changes something, and waits until those inside are done; `None` if that takes too long.
    pub(crate) async fn shut(&self, patience: Duration, clock: &dyn Clock) -> Option<Shut> {
        let gate = Arc::clone(&self.inner.gate);
        tokio::select! {
            biased;
            gate = gate.write_owned() => Some(Shut { doors: self.clone(), _gate: gate }),
            () = clock.sleep(patience) => None,
        }
    }

    fn current(&self) -> Router {
        self.inner.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Shut {
    /// Opens the doors, to another bridge.
    pub(crate) fn open(self, bridge: Bridge) {
        let inner = &self.doors.inner;
        let router = (inner.router_of)(bridge);
        *inner.current.write().unwrap_or_else(PoisonError::into_inner) = router;
    }
}

impl Service<Request> for Doors {
    type Response = Response;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let doors = self.clone();
        Box::pin(async move {
            let passing = match passes(&request) {
                true => None,
                false => Some(Arc::clone(&doors.inner.gate).read_owned().await),
            };
            let answer = doors.current().oneshot(request).await;
            drop(passing);
            answer
        })
    }
}

/// Whether a request needs not wait: it changes nothing, is a webhook, or is itself what shuts the doors.
fn passes(request: &Request) -> bool {
    let path = request.uri().path();
    request.method().is_safe() || path.starts_with("/webhooks/") || is_reload(path)
}

/// Whether this is where a reload is asked for.
pub(super) fn is_reload(path: &str) -> bool {
    RELOADS.contains(&path)
}

/// Where a reload is asked for.
const RELOADS: [&str; 2] = ["/api/v1/reload", "/console/configuration/reload"];

impl fmt::Debug for Doors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Doors").finish_non_exhaustive()
    }
}

impl fmt::Debug for Shut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shut").finish_non_exhaustive()
    }
}
