//! The only way out, and the only file that names reqwest: guard, bounds, no ambient redirect, proxy or retry.
//!
//! Is a write ever sent twice? reqwest's own retries are off. Below them hyper-util repeats a request on a
//! pooled connection that turned out dead, and reqwest gives no switch for that; but it does so only when hyper
//! hands the very request back (`TrySendError::message`), which happens while it still lies in the channel to
//! the connection and no byte of it was written (hyper 1.12 `proto/h1/dispatch.rs`, `recv_msg`; hyper-util 0.1.21
//! `client/legacy/client.rs`, `send_request`). A request once taken is never handed back. So connections are
//! reused for writes too; a test breaks a reused connection under a write and counts what arrives.

pub mod address;
pub mod dial;

use std::error::Error as StdError;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures::future::{BoxFuture, Either, select};
use http::{HeaderValue, StatusCode, header};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use throughline_sdk::http::{Request, Response, Transport, after, too_large};
use throughline_sdk::{Clock, Error, ErrorKind, Result, TookEffect};
use url::Url;

pub use address::{AddressPolicy, Allowed, Network};
pub use dial::GuardedDial;

/// A system that takes longer to connect is unavailable, and a write to it certainly without effect.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Shorter than the shortest keep-alive in wide use (Apache's 5 s): a connection that its server is about to
/// close must not be picked for a write, whose fate would then be unknown.
const IDLE_TIMEOUT: Duration = Duration::from_secs(4);

/// The guarded way to the network, shared by all systems.
#[derive(Debug)]
pub struct Egress {
    client: reqwest::Client,
    policy: Arc<AddressPolicy>,
    clock: Arc<dyn Clock>,
}

impl Egress {
    /// The way out that `policy` leaves open.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Misconfigured`] if TLS cannot be set up, such as for want of root certificates.
    #[expect(clippy::new_ret_no_self, reason = "everybody above sees a transport and nothing else")]
    pub fn new(policy: AddressPolicy, clock: Arc<dyn Clock>) -> Result<Arc<dyn Transport>> {
        install_tls();
        let policy = Arc::new(policy);
        let client = reqwest::Client::builder()
            .user_agent(concat!("Throughline/", env!("CARGO_PKG_VERSION")))
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            // A proxy from the environment would go around every check of an address.
            .no_proxy()
            .retry(reqwest::retry::never())
            .connect_timeout(CONNECT_TIMEOUT)
            .pool_idle_timeout(IDLE_TIMEOUT)
            .dns_resolver(Arc::new(GuardedResolver(Arc::clone(&policy))))
            .build()
            .map_err(|error| {
                Error::new(ErrorKind::Misconfigured, format!("the HTTP client cannot be set up: {error}"))
            })?;
        Ok(Arc::new(Self { client, policy, clock }))
    }

    async fn within_deadline(&self, request: Request) -> Result<Response> {
        self.policy.check_url(&request.url).map_err(|reason| refused(&reason, &request.url))?;
        let left = request.deadline.saturating_sub(self.clock.monotonic());
        if left.is_zero() {
            return Err(Error::new(
                ErrorKind::Unavailable,
                "the deadline passed before the request was sent",
            ));
        }
        match select(Box::pin(self.exchange(&request)), self.clock.sleep(left)).await {
            Either::Left((result, _)) => result,
            Either::Right(((), _)) => {
                Err(lost("no whole answer came before the deadline", &request, after(&request.method, None)))
            }
        }
    }

    async fn exchange(&self, request: &Request) -> Result<Response> {
        let mut headers = request.headers.clone();
        // These frame the message: two opinions about its length or its host are an attack.
        for name in [header::HOST, header::CONTENT_LENGTH, header::TRANSFER_ENCODING, header::CONNECTION] {
            headers.remove(name);
        }
        // Nothing is unpacked here: an answer counts against its limit as it comes.
        headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        let mut answer = self
            .client
            .request(request.method.clone(), request.url.clone())
            .headers(headers)
            .body(request.body.clone())
            .send()
            .await
            .map_err(|error| explain(&error, request))?;
        let status = answer.status();
        if let Some(peer) = answer.remote_addr() {
            self.policy
                .check_connected(&request.url, peer)
                .map_err(|reason| refused(&reason, &request.url).with_effect(after(&request.method, None)))?;
        }
        let headers = std::mem::take(answer.headers_mut());
        let body = self.body(&mut answer, request, status).await?;
        Ok(Response { status, headers, body })
    }

    async fn body(
        &self,
        answer: &mut reqwest::Response,
        request: &Request,
        status: StatusCode,
    ) -> Result<Bytes> {
        let most = usize::try_from(request.max_answer_bytes).unwrap_or(usize::MAX);
        let mut body = BytesMut::new();
        loop {
            match answer.chunk().await {
                Ok(Some(chunk)) if body.len().saturating_add(chunk.len()) <= most => {
                    body.extend_from_slice(&chunk);
                }
                Ok(Some(_)) => {
                    return Err(too_large(&request.method, status, request.max_answer_bytes)
                        .with_context("address", shown(&request.url)));
                }
                Ok(None) => return Ok(body.freeze()),
                Err(_broken) => {
                    return Err(lost("the answer broke off", request, after(&request.method, None)));
                }
            }
        }
    }
}

impl Transport for Egress {
    fn send(&self, request: Request) -> BoxFuture<'_, Result<Response>> {
        // A redirect is an answer like any other: who asked decides whether to go there, through every layer again.
        Box::pin(self.within_deadline(request))
    }
}

/// Makes ring the cryptography of TLS for the whole process. Calling it again changes nothing.
pub fn install_tls() {
    if rustls::crypto::ring::default_provider().install_default().is_err() {
        tracing::trace!("TLS was set up before.");
    }
}

/// Resolves names and refuses those that lead, even in part, where the policy forbids.
#[derive(Debug)]
struct GuardedResolver(Arc<AddressPolicy>);

impl Resolve for GuardedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let policy = Arc::clone(&self.0);
        Box::pin(async move {
            let addresses: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            for address in &addresses {
                policy.check_address(Some(name.as_str()), address.ip()).map_err(Forbidden)?;
            }
            let addresses: Addrs = Box::new(addresses.into_iter());
            Ok(addresses)
        })
    }
}

/// Carries the guard's refusal through reqwest's chain of errors.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Forbidden(String);

fn explain(error: &reqwest::Error, request: &Request) -> Error {
    let mut cause: Option<&(dyn StdError + 'static)> = Some(error);
    let mut words = String::new();
    while let Some(error) = cause {
        if let Some(Forbidden(reason)) = error.downcast_ref() {
            return refused(reason, &request.url);
        }
        // The innermost says it best, and the outermost quotes the whole address with its query.
        words = error.to_string();
        cause = error.source();
    }
    if error.is_builder() {
        return refused(&format!("the request cannot be built: {words}"), &request.url);
    }
    if error.is_connect() {
        // No connection, so no byte of the request left, also not of a write.
        return lost(&format!("no connection to the system: {words}"), request, TookEffect::No);
    }
    lost("the connection broke before the system answered", request, after(&request.method, None))
}

fn lost(what: &str, request: &Request, effect: TookEffect) -> Error {
    Error::new(ErrorKind::Unavailable, what).with_effect(effect).with_context("address", shown(&request.url))
}

fn refused(reason: &str, url: &Url) -> Error {
    Error::new(ErrorKind::Misconfigured, format!("the address was refused: {reason}"))
        .with_context("address", shown(url))
}

/// An address as far as it may be shown: neither user, query nor fragment.
fn shown(url: &Url) -> String {
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    format!("{}://{}{port}{}", url.scheme(), url.host_str().unwrap_or_default(), url.path())
}

#[cfg(test)]
mod tests;
